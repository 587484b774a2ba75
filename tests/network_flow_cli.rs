//! `bea flow --network`: its trajectories against steps and slopes computed here, its files, what it refuses.

use assert_cmd::Command;
use bea::curvature::Lanczos;
use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::data;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{Hessian, NetworkLoss};
use predicates::prelude::*;
use serde_json::Value;
use std::path::Path;

fn flow(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1");
    command.current_dir(folder).arg("flow").args(arguments).assert()
}

/// Runs it and reads `run/trajectories.json`.
fn run(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    flow(folder.path(), &[arguments, &["--out", "run"]].concat()).success();
    let text = std::fs::read_to_string(folder.path().join("run/trajectories.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

const IRIS: [&str; 6] = ["--network", "mlp:5,tanh", "--data", "iris", "--dtype", "f64"];

fn network(name: &str) -> NetworkLoss {
    let data = data::open("iris").unwrap();
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    let architecture = Architecture::find(name, &data.shape, 3, criterion, Dtype::F64).unwrap();
    NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap()
}

#[test]
fn the_optimizer_takes_the_steps_of_training() {
    let loss = network("mlp:5,tanh");
    let (h, m) = (0.1, 0.5);
    let start = initialise(loss.architecture().unwrap(), Scheme::GlorotUniform, 7);
    let (mut plain, mut heavy) = (vec![start.clone()], vec![start.clone()]);
    let mut velocity = vec![0.0; start.len()];
    for n in 0..5 {
        let gradient = loss.gradient(&plain[n]).unwrap().1;
        plain.push(plain[n].iter().zip(&gradient).map(|(x, g)| x - h * g).collect());
        let gradient = loss.gradient(&heavy[n]).unwrap().1;
        velocity.iter_mut().zip(&gradient).for_each(|(v, g)| *v = m * *v - h * g);
        heavy.push(heavy[n].iter().zip(&velocity).map(|(x, v)| x + v).collect());
    }
    let common = ["--init", "glorot_uniform:7", "--lr", "0.1", "--steps", "5", "--flows", "ngf"];
    let momentum = ["--optimizer", "heavy_ball", "--set", "m=1/2"];
    let runs = [
        ("gd", [&IRIS[..], &common].concat(), plain),
        ("heavy_ball", [&IRIS[..], &common, &momentum].concat(), heavy),
    ];
    for (name, arguments, expected) in runs {
        let json = run(&arguments);
        let entry = &json["flows"][name];
        assert_eq!(entry["t"].as_array().unwrap().len(), 6);
        let losses = numbers(&entry["loss"]);
        for (n, theta) in expected.iter().enumerate() {
            let found = numbers(&entry["re"][n]);
            let error = found.iter().zip(theta).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 1e-14, "{name}, step {n}: {error:e}");
            assert!((losses[n] - loss.loss(theta).unwrap()).abs() < 1e-14, "{name}, step {n}");
            assert!(numbers(&entry["im"][n]).iter().all(|y| *y == 0.0));
        }
    }
}

#[test]
fn one_step_errors_fall_with_the_order_of_the_flow() {
    let start = ["--init", "glorot_uniform:3"];
    let flows = [("ngf", 2.0), ("igr", 3.0), ("order:2", 4.0), ("order:3", 5.0)];
    let errors: Vec<Vec<f64>> = ["0.02", "0.01", "0.005"]
        .iter()
        .map(|lr| {
            let options = ["--lr", lr, "--steps", "1", "--rtol", "1e-13", "--atol", "1e-15"];
            let json =
                run(&[&IRIS[..], &start, &options, &["--flows", "ngf,igr,order:2,order:3"]]
                    .concat());
            flows.iter().map(|(f, _)| numbers(&json["flows"][*f]["distance"])[1]).collect()
        })
        .collect();
    for (i, (flow, expected)) in flows.into_iter().enumerate() {
        for pair in errors.windows(2) {
            let slope = (pair[0][i] / pair[1][i]).log2();
            assert!((slope - expected).abs() < 0.1, "{flow}: {slope}");
        }
    }
}

/// From where training has come, at a rate beyond the edge of stability: gradient descent leaves along the sharpest
/// direction, jumping from side to side. The principal flow goes with it, off the real line.
#[test]
fn the_principal_flow_follows_an_unstable_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let net = ["--network", "mlp:3,tanh", "--data", "iris", "--dtype", "f64"];
    let training = ["--lr", "0.1", "--steps", "120", "--flows", "gd", "--out", "trained"];
    flow(folder.path(), &[&net[..], &training].concat()).success();
    let weights = ["--weights", "trained/last.safetensors"];
    let loss = network("mlp:3,tanh");
    let file = folder.path().join("trained/last.safetensors");
    let theta = bea::network::weights::load(&file, loss.layout()).unwrap();
    let sharpest =
        Lanczos::default().run(&Hessian::new(&loss, &theta), &[]).unwrap().largest[0].value;
    let h = 2.2 / sharpest;
    let lr = h.to_string();
    let run = ["--lr", &lr, "--steps", "4", "--flows", "ngf,igr,pf", "--out", "run"];
    flow(folder.path(), &[&net[..], &weights, &run].concat()).success();
    let text = std::fs::read_to_string(folder.path().join("run/trajectories.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let distances = |flow: &str| numbers(&json["flows"][flow]["distance"]);
    let (pf, ngf, igr) = (distances("pf"), distances("ngf"), distances("igr"));
    println!("h = {h}\npf {pf:?}\nngf {ngf:?}\nigr {igr:?}");
    for n in 1..=4 {
        assert!(pf[n] < 0.1 * ngf[n], "step {n}");
    }
    assert!(pf[4] < 0.5 * igr[4]);
    // It has left the real line.
    let im = numbers(&json["flows"]["pf"]["im"][1]);
    assert!(im.iter().any(|y| y.abs() > 1e-6), "{im:?}");
}

#[test]
fn large_networks_leave_their_parameters_out_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "--network",
        "mlp:16",
        "--data",
        "digits,first=100",
        "--lr",
        "0.02",
        "--steps",
        "2",
        "--flows",
        "ngf,pf,cubic,interpolated:2",
        "--out",
        "run",
        "--plot",
    ];
    flow(folder.path(), &arguments)
        .success()
        .stdout(predicate::str::contains(
            "2 steps of mlp:16 on digits,first=100 (1210 parameters, 100 examples)",
        ))
        .stdout(predicate::str::contains("ended").not());
    let read = |file: &str| std::fs::read(folder.path().join("run").join(file)).unwrap();
    let csv = String::from_utf8(read("trajectories.csv")).unwrap();
    assert!(csv.starts_with("flow,step,t,loss_re,loss_im,distance\n"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 5 * 3);
    let json: Value = serde_json::from_slice(&read("trajectories.json")).unwrap();
    for flow in ["gd", "ngf", "pf", "cubic", "interpolated:2"] {
        let entry = &json["flows"][flow];
        assert!(entry["re"].is_null() && entry["im"].is_null());
        for key in ["t", "loss", "distance"] {
            assert_eq!(numbers(&entry[key]).len(), 3, "{flow} {key}");
        }
    }
    let distance = |flow: &str| numbers(&json["flows"][flow]["distance"])[2];
    assert!(distance("pf") < 0.5 * distance("ngf"));
    assert!(read("trajectories.svg").starts_with(b"<svg"));
    assert!(read("trajectories.png").starts_with(b"\x89PNG"));
}

#[test]
fn the_files_of_small_networks_name_every_parameter() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&IRIS[..], &["--lr", "0.1", "--steps", "1", "--flows", "ngf", "--out", "run"]];
    flow(folder.path(), &arguments.concat()).success();
    let csv = std::fs::read_to_string(folder.path().join("run/trajectories.csv")).unwrap();
    let header = csv.lines().next().unwrap();
    assert!(
        header.starts_with(
            "flow,step,t,\"0.weight[0,0]_re\",\"0.weight[0,0]_im\",\"0.weight[0,1]_re\""
        )
    );
    assert!(header.ends_with("2.bias[2]_re,2.bias[2]_im,loss_re,loss_im,distance"), "{header}");
    let fields = csv::Reader::from_reader(csv.as_bytes()).headers().unwrap().len();
    assert_eq!(fields, 3 + 2 * network("mlp:5,tanh").dimension() + 3);
}

#[test]
fn bad_input_is_refused_and_leaves_nothing() {
    let with = |more: &[&'static str]| [&IRIS[..], &["--lr", "0.1"], more].concat();
    let cases: [(Vec<&str>, &str); 12] = [
        (vec!["--lr", "0.1"], "--loss"),
        (vec!["--network", "mlp:5", "--lr", "0.1"], "--data"),
        (vec!["--data", "iris", "--lr", "0.1", "--loss", "x^2"], "cannot be used with"),
        (with(&["--loss", "x^2"]), "cannot be used with"),
        (with(&["--start", "1"]), "cannot be used with"),
        (with(&["--players", "x;y"]), "cannot be used with"),
        (with(&["--set", "m=1/2"]), "`gradient_descent` has no parameter `m`"),
        (with(&["--optimizer", "heavy_ball"]), "needs the value of the parameter `m`"),
        (
            with(&["--optimizer", "alternating_gda"]),
            "has 2 vector fields, a network on its data is one",
        ),
        (with(&["--directions", "0"]), "from 1 on"),
        (with(&["--weights", "none.safetensors"]), "none.safetensors"),
        (with(&["--steps", "100000000", "--flows", "ngf"]), "take 960 GiB"),
    ];
    for (arguments, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        let outcome = flow(folder.path(), &arguments);
        outcome.code(2).stderr(predicate::str::contains(message));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{message}");
    }
}
