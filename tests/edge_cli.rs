//! Flows through the edge of stability from the command line, in runs, and on networks.

use assert_cmd::Command;
use bea::experiment::{Experiment, Run, Scale};
use bea::source::Source;
use std::path::Path;

fn bea(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder).args(arguments);
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// What the command says as it refuses this, and leaves nothing in the folder `kept`.
fn refused(folder: &Path, arguments: &[&str], kept: &str) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder).args(arguments);
    let error = command.assert().code(2).get_output().stderr.clone();
    assert!(!folder.join(kept).exists());
    String::from_utf8(error).unwrap()
}

/// The numbers of a column, in the rows of one flow.
fn column(table: &str, name: &str, key: &str, value: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names = reader.headers().unwrap().clone();
    let place = |name: &str| names.iter().position(|known| known == name).unwrap();
    let (key, name) = (place(key), place(name));
    let rows = reader.records().map(Result::unwrap).filter(|row| &row[key] == value);
    rows.map(|row| row[name].parse().unwrap_or(f64::NAN)).collect()
}

#[test]
fn the_command_leaves_oscillations() {
    let folder = tempfile::tempdir().unwrap();
    let loss = "(3 + y)*x^2/2 - y/100";
    let text = bea(
        folder.path(),
        &[
            "flow",
            "--loss",
            loss,
            "--start",
            "x=0.3,y=0",
            "--lr",
            "1/2",
            "--steps",
            "300",
            "--flows",
            "central,rod,ngf",
            "--plot",
            "--out",
            "run",
        ],
    );
    assert!(text.contains("oscillation at the edge of stability"), "{text}");
    assert!(text.contains("gd: measured: averages over 20 steps before and after"), "{text}");
    let run = folder.path().join("run");
    let table = std::fs::read_to_string(run.join("oscillations.csv")).unwrap();
    let last = |name: &str, flow: &str| *column(&table, name, "flow", flow).last().unwrap();
    assert!((last("trace", "central") - 0.02).abs() < 1e-8);
    assert!((last("sharpness", "central") - last("edge", "central")).abs() < 1e-8);
    assert_eq!(column(&table, "trace", "flow", "gd").len(), 301);
    assert_eq!(column(&table, "trace", "flow", "ngf").len(), 0);
    let json = std::fs::read_to_string(run.join("trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let found = &json["flows"]["central"]["oscillations"];
    assert_eq!(found["trace"].as_array().unwrap().len(), 301);
    assert_eq!(json["flows"]["rod"]["beginning"], "midpoint of the first step");
    assert!(json["flows"]["ngf"]["oscillations"].is_null());
    let picture = std::fs::read_to_string(run.join("trajectories.svg")).unwrap();
    assert!(picture.contains("sharpness") && picture.contains("tr Σ"));
}

/// One step has no averaged iterate: no distance to it, and no `Σ` is measured.
#[test]
fn one_step_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --loss (3+y)*x^2/2-y/100 --start x=0.3,y=0 --lr 1/2 --steps 1 --flows central --out run";
    let text = bea(folder.path(), &line.split(' ').collect::<Vec<_>>());
    assert!(!text.contains("ended"), "{text}");
    let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
    let of = |name: &str, flow: &str| column(&table, name, "flow", flow);
    for flow in ["gd", "central"] {
        assert_eq!(of("sharpness", flow).len(), 2, "{table}");
        assert!(of("distance", flow).iter().all(|x| x.is_nan()), "{table}");
    }
    assert_eq!(of("trace", "central"), [0.0, 0.0]);
    assert!(of("trace", "gd").iter().all(|x| x.is_nan()), "{table}");
}

#[test]
fn panels_of_oscillations_need_one() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --loss x^2 --start 1 --lr 0.1 --flows ngf --plot --panel sharpness --out run";
    let error = refused(folder.path(), &line.split(' ').collect::<Vec<_>>(), "run");
    assert!(error.contains("add central or rod to --flows"), "{error}");
}

/// A step from the iterate, whatever follows it: `error:central` is that of a flow of one step from there. Before the edge the
/// central flow is that of the negative gradient.
#[test]
fn errors_of_a_step_of_runs() {
    let folder = tempfile::tempdir().unwrap();
    let text = RUN.split("[follow]").next().unwrap();
    let metrics = |names: &str| text.replace("\"lambda:1\", \"self_stabilization\"", names);
    let write = |text: String| std::fs::write(folder.path().join("run.toml"), text).unwrap();
    write(metrics("\"error:central\", \"error:ngf\"").replace("lr = 1.0", "lr = 0.05"));
    bea(folder.path(), &["run", "run.toml", "--out", "out"]);
    let table = std::fs::read_to_string(folder.path().join("out/metrics.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let names = rows.headers().unwrap().clone();
    let place = |name: &str| names.iter().position(|known| known == name).unwrap();
    let pair = ["error_central", "error_ngf"].map(place);
    let mut compared = 0;
    for row in rows.records().map(Result::unwrap) {
        let [central, ngf] = pair.map(|at| row[at].parse::<f64>().unwrap_or(f64::NAN));
        if ngf.is_finite() {
            assert!(ngf > 0.0 && (central / ngf - 1.0).abs() < 1e-4, "{table}");
            compared += 1;
        }
    }
    assert!(compared > 10, "{table}");
    write(metrics("\"error:rod\""));
    let error = refused(folder.path(), &["run", "run.toml", "--out", "refused"], "refused");
    assert!(error.contains("it is one of midpoints, which no iterate is"), "{error}");
}

/// Figure 10's network: once the oscillation has set in, the averaged loss is within 3 % of what the central flow predicts, and the
/// sharpness of its path within 0.4 % of 2/h.
#[test]
fn a_network_stays_at_the_edge() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --network mlp:10,10,10,10,10,elu --data iris,scale=standard --dtype f64 --lr 0.2 \
                --steps 400 --flows central --out run";
    bea(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
    let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
    let of = |name: &str, flow: &str| column(&table, name, "flow", flow);
    let (sharpness, edge) = (of("sharpness", "central"), of("edge", "central"));
    let onset = of("trace", "central").iter().position(|trace| *trace > 0.0).unwrap();
    assert!(onset < 200, "{onset}");
    for n in onset + 1..=400 {
        assert!((sharpness[n] / edge[n] - 1.0).abs() < 0.004, "{n}: {}", sharpness[n]);
    }
    assert!(of("residual", "central").iter().all(|residual| *residual < 1e-8));
    let mean = |values: &[f64]| values[240..=380].iter().sum::<f64>() / 141.0;
    for (name, tolerance) in [("loss", 0.03), ("gradient_norm", 0.1), ("trace", 0.15)] {
        let (own, flow) = (of(name, "gd"), of(name, "central"));
        assert!((mean(&own) / mean(&flow) - 1.0).abs() < tolerance, "{name}");
        if name == "loss" {
            for n in 240..=380 {
                assert!((own[n] / flow[n] - 1.0).abs() < tolerance, "{n}: {} {}", own[n], flow[n]);
            }
        }
    }
}

/// The same of optimizers that divide their steps, with one `ν` and with one for each parameter: the averaged loss is within 5 % of the central flow's
/// prediction at every step, and the sharpness of `P⁻¹H` within 1 % of the edge on the average, on both paths.
#[test]
fn adaptive_optimizers_of_a_network_stay_at_the_edge() {
    let folder = tempfile::tempdir().unwrap();
    let joint = "optimizer joint(alpha) { state v; v' = alpha*v + (1-alpha)*dot(g, g)
                 theta' = theta - h*g/sqrt(v') }";
    std::fs::write(folder.path().join("joint.bea"), joint).unwrap();
    let network = "flow --network mlp:10,10,10,10,10,elu --data iris,scale=standard --dtype f64 \
                   --steps 800 --flows central --force --out run";
    for (name, optimizer, values, lr) in [
        ("joint", "joint.bea", &["alpha=0.99"][..], "0.05"),
        ("rmsprop", "rmsprop", &["alpha=0.9", "eps=1e-8"], "0.001"),
        ("adam", "adam", &["beta1=0.5", "beta2=0.99", "eps=0.001"], "0.002"),
    ] {
        let mut line: Vec<&str> = network.split_whitespace().collect();
        line.extend(["--optimizer", optimizer, "--lr", lr]);
        values.iter().for_each(|value| line.extend(["--set", value]));
        bea(folder.path(), &line);
        let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
        let of = |column_name: &str, flow: &str| column(&table, column_name, "flow", flow);
        let (own, flow) = (of("loss", name), of("loss", "central"));
        for n in 400..=780 {
            assert!((own[n] / flow[n] - 1.0).abs() < 0.05, "{name} {n}: {} {}", own[n], flow[n]);
        }
        for path in [name, "central"] {
            let (sharpness, edge) = (of("sharpness", path), of("edge", path));
            let mean = (400..=780).map(|n| sharpness[n] / edge[n]).sum::<f64>() / 381.0;
            assert!((mean - 1.0).abs() < 0.01, "{name} {path}: {mean}");
        }
    }
}

/// What is printed on the standard error.
fn said(folder: &Path, line: &str) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder).args(line.split(' '));
    String::from_utf8(command.assert().success().get_output().stderr.clone()).unwrap()
}

#[test]
fn kinks_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let note = "between the kinks of activations";
    let flow = |activation: &str, flows: &str| {
        let out = format!("{activation}-{flows}");
        let line = format!(
            "flow --network mlp:4,{activation} --data iris --steps 2 --lr 0.1 --flows {flows} --out {out}"
        );
        said(folder.path(), &line).contains(note)
    };
    assert!(flow("relu", "central"));
    assert!(!flow("relu", "ngf") && !flow("tanh", "central"));
    for activation in ["relu", "tanh"] {
        let text = RUN.replace("tanh", activation);
        std::fs::write(folder.path().join("run.toml"), text).unwrap();
        let text = said(folder.path(), &format!("run run.toml --out run-{activation}"));
        assert_eq!(text.matches(note).count(), usize::from(activation == "relu"), "{text}");
    }
}

/// The loss of a linear network is quadratic, so nothing keeps the curvature at the edge.
#[test]
fn followed_flows_that_end_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = "data = 'iris,scale=standard'\nloss = 'mean_squared_error'\ndtype = 'f64'\n\
                network.layer = [{ type = 'linear', out = 3 }]\n\
                train = { method = 'gd', lr = 5.0, steps = 4 }\n\
                follow = { from = [0, 2], steps = 3, flows = ['central'] }\n";
    std::fs::write(folder.path().join("run.toml"), text).unwrap();
    let text = said(folder.path(), "run run.toml --out out");
    for from in [0, 2] {
        let note = format!("note: from iterate {from}: central: ended: step 0.000: no oscillation");
        assert_eq!(text.matches(&note).count(), 1, "{text}");
    }
    let table = std::fs::read_to_string(folder.path().join("out/follow.csv")).unwrap();
    // The optimizer's rows, and the start of each flow.
    assert_eq!(column(&table, "step", "flow", "0").len(), 8);
    assert_eq!(column(&table, "step", "flow", "1"), [0.0, 0.0]);
}

const RUN: &str = r#"
network = "mlp:4,tanh"
data = "iris,scale=standard"
dtype = "f64"
[train]
method = "gd"
lr = 1.0
steps = 12
[measure]
metrics = ["loss", "lambda:1", "self_stabilization"]
[follow]
from = [2, 6]
steps = 8
flows = ["central", "rod"]
"#;

fn started() -> Run {
    let source = Source::new("run.toml", RUN);
    let experiment = Experiment::parse(source, Scale::Small, &[]).unwrap();
    Run::new(experiment.runs().unwrap().remove(0)).unwrap()
}

fn finished(mut run: Run) -> Run {
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    run
}

#[test]
fn runs_with_them_go_on_bit_for_bit() {
    let whole = finished(started());
    let follow = whole.follow().unwrap();
    for name in ["edge", "sharpness", "trace", "mean_loss", "mean_gradient_norm", "mean_distance"] {
        assert!(follow.columns.iter().any(|column| column == name), "{:?}", follow.columns);
    }
    // Two starts, three trajectories of nine points.
    assert_eq!(follow.rows.len(), 54);
    let variance = whole.metrics().column("self_stabilization_variance").unwrap();
    let [rate, slope] = ["sharpening", "slope"]
        .map(|name| whole.metrics().column(&format!("self_stabilization_{name}")).unwrap());
    for i in 0..variance.len() {
        assert_eq!(variance[i], 2.0 * rate[i] / slope[i]);
        assert!(slope[i] > 0.0);
    }
    for stop in [0, 3, 7] {
        let mut first = started();
        (0..stop).for_each(|_| first.advance(&|| false).unwrap());
        let (metrics, follow) = (first.metrics().clone(), first.follow().cloned());
        let second = started().resume(first.checkpoint(), metrics, follow).unwrap();
        let second = finished(second);
        assert_eq!(second.metrics().csv(), whole.metrics().csv());
        assert_eq!(second.follow().unwrap().csv(), whole.follow().unwrap().csv(), "{stop}");
    }
}
