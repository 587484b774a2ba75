//! `bea evaluate`: what it writes against the library, and its errors.

use assert_cmd::Command;
use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::data::{self, Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::weights::{self, tensors};
use bea::network::{NetworkLoss, Scalar};
use bea::source::Source;
use num_complex::Complex64;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use std::path::Path;

fn bea(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.current_dir(folder);
    command
}

const NET: &str = "loss = \"cross_entropy\"\ndtype = \"f64\"\ninput = [4]\n[[layer]]\ntype = \"linear\"\nout = 5\n\
                   [[layer]]\ntype = \"elu\"\n[[layer]]\ntype = \"linear\"\nout = 3\n";

/// A folder with a network, weights and a direction.
fn folder() -> (tempfile::TempDir, NetworkLoss, Vec<f64>, Vec<f64>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.toml"), NET).unwrap();
    let data = data::open("iris").unwrap();
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    let architecture = Architecture::find("mlp:5,elu", &[4], 3, criterion, Dtype::F64).unwrap();
    let theta = initialise(&architecture, Scheme::PyTorch, 1);
    let direction = initialise(&architecture, Scheme::PyTorch, 2);
    for (name, values) in [("w.safetensors", &theta), ("v.safetensors", &direction)] {
        weights::save(&folder.path().join(name), &tensors(&architecture, values, ""), Dtype::F64)
            .unwrap();
    }
    let loss = NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap();
    (folder, loss, theta, direction)
}

/// The flat vector that the tensors `PREFIX….SUFFIX` of a file make.
fn flat(file: &Path, loss: &NetworkLoss, prefix: &str, suffix: &str) -> Vec<f64> {
    let bytes = std::fs::read(file).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let parameters = &loss.layout().parameters;
    parameters
        .iter()
        .flat_map(|p| {
            let tensor = file.tensor(&format!("{prefix}.{}{suffix}", p.name)).unwrap();
            assert_eq!(tensor.shape(), p.shape);
            tensor
                .data()
                .chunks(8)
                .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_file_holds_what_the_library_gives() {
    let (folder, loss, theta, direction) = folder();
    bea(folder.path())
        .args(["evaluate", "--network", "net.toml", "--weights", "w.safetensors", "--data", "iris"])
        .args(["--direction", "v.safetensors", "--lr", "0.01", "--out", "out.safetensors"])
        .args(["--quantities", "loss,gradient,hvp,third,fourth,[[],[]],igr,pf"])
        .assert()
        .success()
        .stdout(contains("‖third‖"));
    let out = folder.path().join("out.safetensors");
    let gradient = loss.gradient(&theta).unwrap().1;
    assert_eq!(flat(&out, &loss, "gradient", ""), gradient);
    assert_eq!(
        flat(&out, &loss, "hvp", ""),
        loss.hessian_vectors(&theta, &[&direction]).unwrap()[0]
    );
    assert_eq!(
        flat(&out, &loss, "third", ""),
        loss.contraction(&theta, &[&direction, &direction]).unwrap()
    );
    assert_eq!(
        flat(&out, &loss, "fourth", ""),
        loss.contraction(&theta, &[&direction[..]; 3]).unwrap()
    );
    // f''(f, f) = -∇³E[g, g], and the flow of implicit regularisation is -g - h/2 H g.
    let differential = flat(&out, &loss, "[[],[]]", "");
    let third = loss.contraction(&theta, &[&gradient, &gradient]).unwrap();
    let product = loss.hessian_vectors(&theta, &[&gradient]).unwrap().remove(0);
    let igr = flat(&out, &loss, "igr", "");
    for i in 0..theta.len() {
        assert!((differential[i] + third[i]).abs() < 1e-13 * (1.0 + third[i].abs()));
        assert!((igr[i] + gradient[i] + 0.005 * product[i]).abs() < 1e-13);
    }
    // Below the branch point the principal flow is real.
    assert!(flat(&out, &loss, "pf", ".im").iter().all(|&x| x.abs() < 1e-14));
    assert!(flat(&out, &loss, "pf", ".re").iter().any(|&x| x.abs() > 1e-3));
    let bytes = std::fs::read(&out).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let scalar = file.tensor("loss").unwrap();
    assert!(scalar.shape().is_empty());
    assert_eq!(f64::from_le_bytes(scalar.data().try_into().unwrap()), loss.loss(&theta).unwrap());
}

#[test]
fn complex_parameters_give_complex_derivatives() {
    let (folder, loss, theta, direction) = folder();
    let z: Vec<Complex64> =
        theta.iter().zip(&direction).map(|(&a, &b)| Complex64::new(a, 0.1 * b)).collect();
    let part = |suffix: &str, part: usize| {
        let values: Vec<f64> = z.iter().map(|z| z.part(part)).collect();
        let mut all = tensors(loss.layout(), &values, "");
        all.iter_mut().for_each(|tensor| tensor.name.push_str(suffix));
        all
    };
    let both = [part(".re", 0), part(".im", 1)].concat();
    weights::save(&folder.path().join("z.safetensors"), &both, Dtype::F64).unwrap();
    bea(folder.path())
        .args(["evaluate", "--network", "net.toml", "--weights", "z.safetensors", "--data", "iris"])
        .args(["--out", "out.safetensors", "--quantities", "gradient"])
        .assert()
        .success();
    let out = folder.path().join("out.safetensors");
    let gradient = loss.gradient(&z).unwrap().1;
    assert_eq!(
        flat(&out, &loss, "gradient", ".re"),
        gradient.iter().map(|z| z.re).collect::<Vec<_>>()
    );
    assert_eq!(
        flat(&out, &loss, "gradient", ".im"),
        gradient.iter().map(|z| z.im).collect::<Vec<_>>()
    );
}

/// The command of the issue, as it is written there.
#[test]
fn a_network_file_weights_data_and_a_direction_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = NET.replace("[4]", "[6]").replace("= 5", "= 9").replace("= 3", "= 4");
    std::fs::write(at("NET.toml"), &text).unwrap();
    let network = Architecture::parse(&Source::new("NET.toml", text)).unwrap();
    for (name, seed) in [("W.safetensors", 1), ("V.safetensors", 2)] {
        let values = initialise(&network, Scheme::PyTorch, seed);
        weights::save(&at(name), &tensors(&network, &values, ""), Dtype::F64).unwrap();
    }
    let inputs: Vec<u8> =
        (0..120_u8).flat_map(|i| (f64::from(i) / 60.0 - 1.0).to_le_bytes()).collect();
    let targets: Vec<u8> = (0..20_i64).flat_map(|i| (i % 4).to_le_bytes()).collect();
    let tensor = |dtype, shape: &[usize], bytes| {
        safetensors::tensor::TensorView::new(dtype, shape.to_vec(), bytes).unwrap()
    };
    let data = [
        ("inputs", tensor(safetensors::Dtype::F64, &[20, 6], &inputs)),
        ("targets", tensor(safetensors::Dtype::I64, &[20], &targets)),
    ];
    std::fs::write(at("D.safetensors"), safetensors::serialize(data, None).unwrap()).unwrap();
    bea(folder.path())
        .args(["evaluate", "--network", "NET.toml", "--weights", "W.safetensors"])
        .args(["--data", "D.safetensors", "--direction", "V.safetensors"])
        .args(["--quantities", "loss,gradient,hvp,third,pf", "--out", "OUT.safetensors"])
        .assert()
        .success()
        .stdout(contains("h = 0.01, as --lr gives no other\n"));
    let bytes = std::fs::read(at("OUT.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut found = file.names();
    found.sort_unstable();
    let mut expected = vec!["loss".to_string()];
    for (quantity, parts) in
        [("gradient", &[""][..]), ("hvp", &[""]), ("third", &[""]), ("pf", &[".re", ".im"])]
    {
        for parameter in &network.parameters {
            for part in parts {
                let name = format!("{quantity}.{}{part}", parameter.name);
                assert_eq!(file.tensor(&name).unwrap().shape(), parameter.shape);
                expected.push(name);
            }
        }
    }
    expected.sort_unstable();
    assert_eq!(found, expected);
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["lr"], "0.01");
}

#[test]
fn the_step_size_is_told_where_there_are_flows() {
    let (folder, ..) = folder();
    let run = |arguments: &[&str]| {
        let mut command = bea(folder.path());
        command.args(["evaluate", "--network", "net.toml", "--data", "iris"]).args(arguments);
        String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
    };
    let tenth = run(&["--quantities", "igr", "--lr", "0.1"]);
    assert_eq!(run(&["--quantities", "igr", "--lr", "1/10"]), tenth);
    assert!(tenth.ends_with("\nh = 0.1\n"), "{tenth}");
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&run(&[arguments, &["--format", "json"]].concat())).unwrap()
    };
    assert_eq!(json(&["--quantities", "igr,loss"])["lr"], 0.01);
    // Derivatives of the loss have no step size.
    assert!(json(&["--quantities", "loss,gradient"]).get("lr").is_none());
    assert!(!run(&["--lr", "0.1"]).contains("h ="));
}

/// A vector of one number is a vector.
#[test]
fn a_network_of_one_parameter_has_tensors_of_its_shape() {
    let folder = tempfile::tempdir().unwrap();
    let text = "loss = \"mse\"\ndtype = \"f64\"\ninput = [1]\n[[layer]]\ntype = \"linear\"\nout = 1\nbias = false\n";
    std::fs::write(folder.path().join("one.toml"), text).unwrap();
    std::fs::write(folder.path().join("one.csv"), "x,y\n1,0.5\n2,1.5\n").unwrap();
    let mut command = bea(folder.path());
    command.args(["evaluate", "--network", "one.toml", "--data", "one.csv"]);
    command.args(["--quantities", "loss,gradient,igr", "--out", "out.safetensors"]);
    command.assert().success().stdout(contains("‖gradient‖").and(contains("‖igr‖")));
    let bytes = std::fs::read(folder.path().join("out.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert!(file.tensor("loss").unwrap().shape().is_empty());
    for name in ["gradient.0.weight", "igr.0.weight"] {
        assert_eq!(file.tensor(name).unwrap().shape(), [1, 1], "{name}");
    }
    let output = command.args(["--format", "json"]).output().unwrap().stdout;
    let json: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert!(json["loss"].is_f64() && json["gradient"]["norm"].is_f64(), "{json}");
}

/// A network with an input of this shape and four outputs, of examples of that shape with these targets.
fn fitted(
    input: &[usize],
    shape: &[usize],
    head: &str,
    targets: Targets,
) -> Result<NetworkLoss, String> {
    let first = match input.len() {
        3 => "[[layer]]\ntype = \"conv2d\"\nout = 2\nkernel = 1\n[[layer]]\ntype = \"flatten\"\n",
        _ => "",
    };
    let last = "[[layer]]\ntype = \"linear\"\nout = 4\n";
    let text = format!("{head}\ndtype = \"f64\"\ninput = {input:?}\n{first}{last}");
    let network = Architecture::parse(&Source::new("net.toml", text)).unwrap();
    let size: usize = shape.iter().product();
    let inputs = (0..size * targets.len()).map(|i| (i as f64).sin()).collect();
    let data = Dataset::new("D", shape.to_vec(), Values::F64(inputs), targets).unwrap();
    NetworkLoss::new(network, &data, &Device::cpu()).map_err(|error| {
        let help = miette::Diagnostic::help(&error).map(|help| format!("\n{help}"));
        format!("{error}{}", help.unwrap_or_default())
    })
}

const CROSS_ENTROPY: &str = "loss = \"cross_entropy\"";

#[test]
fn data_of_another_shape_are_refused() {
    let of = |input: &[usize], shape: &[usize]| {
        let targets = Targets::Classes { labels: vec![0, 3], classes: 4 };
        fitted(input, shape, CROSS_ENTROPY, targets)
    };
    // The same numbers in the same order: no axes, or axes of one.
    for (input, shape) in [
        (&[3, 4, 5][..], &[3, 4, 5][..]),
        (&[3, 4, 5], &[60]),
        (&[60], &[3, 4, 5]),
        (&[1, 4, 5], &[4, 5]),
        (&[1, 4, 5], &[4, 5, 1]),
        (&[6], &[1, 6]),
    ] {
        assert!(of(input, shape).is_ok(), "{shape:?} for {input:?}");
    }
    let refused = [
        (
            &[6][..],
            &[5][..],
            "shape [5], but the network's first layer, `0` (linear), reads [6]",
            "",
        ),
        (
            &[3, 4, 5],
            &[4, 5, 3],
            "shape [4, 5, 3], but the network's first layer, `0` (conv2d), reads [3, 4, 5]",
            "channels first; transpose them, `inputs.transpose(0, 3, 1, 2)`",
        ),
        (&[3, 4, 5], &[3, 5, 4], "shape [3, 5, 4]", "in which order?"),
        (&[3, 4, 5], &[12, 5], "shape [12, 5]", "in which order?"),
    ];
    for (input, shape, message, help) in refused {
        let error = of(input, shape).map(|_| ()).unwrap_err();
        assert!(error.contains(message) && error.contains(help), "{error}");
    }
}

#[test]
fn targets_of_another_shape_name_the_last_layer() {
    let of = |head: &str, targets| fitted(&[6], &[6], head, targets).map(|_| ()).unwrap_err();
    let mse = "loss = \"mse\"";
    let values = |values: &[f64], width| Targets::Values { values: values.to_vec(), width };
    let labels = Targets::Classes { labels: vec![0, 4], classes: 5 };
    let last = "but the network's last layer, `0` (linear), gives outputs of shape [4]";
    assert!(of(CROSS_ENTROPY, labels).contains(&format!("5 classes as targets, {last}")));
    assert!(of(mse, values(&[0.5; 6], 3)).contains(&format!("targets of shape [3], {last}")));
    assert!(of(CROSS_ENTROPY, values(&[0.5; 6], 3)).contains("targets of shape [3]"));
    // Whole numbers are classes that were stored as another type.
    assert!(of(CROSS_ENTROPY, values(&[0.0, 3.0], 1)).contains(",targets=classes"));
    assert!(of(CROSS_ENTROPY, values(&[0.0, 3.5], 1)).contains("mean_squared_error"));
    let row = [0.25, 0.25, 0.25, 0.25];
    let two = |other: [f64; 4]| of(CROSS_ENTROPY, values(&[row, other].concat(), 4));
    assert!(two([0.5, 0.5, 0.5, 0.5]).contains("targets of example 1 that sum to 2"));
    assert!(two([1.5, -0.5, 0.0, 0.0]).contains("-0.5 among the targets of example 1"));
}

#[test]
fn one_hot_targets_are_classes() {
    for head in [CROSS_ENTROPY, "loss = \"cross_entropy\"\nlabel_smoothing = 0.2"] {
        let labels = vec![2, 0, 3];
        let one_hot: Vec<f64> = labels
            .iter()
            .flat_map(|&label| (0..4).map(move |class| f64::from(u8::from(class == label))))
            .collect();
        let of = |targets| fitted(&[6], &[6], head, targets).unwrap();
        let classes = of(Targets::Classes { labels, classes: 4 });
        let rows = of(Targets::Values { values: one_hot, width: 4 });
        let theta = initialise(classes.architecture().unwrap(), Scheme::PyTorch, 1);
        let (e, gradient) = classes.gradient(&theta).unwrap();
        let (other, same) = rows.gradient(&theta).unwrap();
        assert!((e - other).abs() < 1e-14);
        assert!(gradient.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-14));
        // The loss is linear in the probabilities.
        let mixed = of(Targets::Values { values: [0.5, 0.0, 0.5, 0.0].repeat(3), width: 4 });
        let of_label = |label| {
            of(Targets::Classes { labels: vec![label; 3], classes: 4 }).loss(&theta).unwrap()
        };
        assert!((mixed.loss(&theta).unwrap() - (of_label(0) + of_label(2)) / 2.0).abs() < 1e-14);
    }
}

#[test]
fn bad_input_is_told_and_leaves_nothing() {
    let (folder, ..) = folder();
    let cases: [(&[&str], &str); 13] = [
        (&["--data", "iris", "--quantities", "hvp"], "`hvp` needs a direction"),
        (&["--data", "iris", "--quantities", "gradeint"], "did you mean `gradient`"),
        (&["--data", "iris", "--quantities", "xyzzy"], "`order:n`"),
        (&["--data", "iris", "--quantities", "loss", "--set", "m=3"], "has no parameter `m`"),
        (
            &["--data", "iris", "--quantities", "pf", "--optimizer", "heavy_ball", "--set", "mm=3"],
            "value of the parameter `m`",
        ),
        (
            &["--data", "iris", "--quantities", "cubic", "--directions", "44"],
            "the Hessian has 43 eigendirections",
        ),
        (&["--data", "iris", "--lr", "-1"], "must be a positive number"),
        (&["--data", "iris", "--quantities", "order:99", "--lr", "0.1"], "order"),
        (&["--data", "iris", "--lr=-1"], "must be a positive number"),
        (&["--data", "digits"], "(linear), reads [4]"),
        (&["--data", "irsi"], "iris"),
        (&["--data", "iris", "--device", "gpu"], "there is only cpu"),
        (&["--data", "iris", "--weights", "net.toml"], "net.toml"),
    ];
    for (arguments, message) in cases {
        bea(folder.path())
            .args(["evaluate", "--network", "net.toml", "--out", "out.safetensors"])
            .args(arguments)
            .assert()
            .code(2)
            .stderr(contains(message));
        assert!(!folder.path().join("out.safetensors").exists(), "{arguments:?}");
    }
}

/// `gd` is no field, so it is not among the names that could be meant.
#[test]
fn the_quantities_that_are_offered_are_there() {
    let (folder, ..) = folder();
    let run = |name: &str| {
        let mut command = bea(folder.path());
        command.args(["evaluate", "--network", "net.toml", "--data", "iris"]);
        command.args(["--quantities", name]).assert().code(2)
    };
    run("xyzzy").stderr(contains("`gd`").not());
    run("gd").stderr(contains("`gd` is no field"));
}
