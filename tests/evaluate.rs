//! `bea evaluate`: what it writes against the library, and its errors.

use assert_cmd::Command;
use bea::network::architecture::{Architecture, Dtype, Objective};
use bea::network::data;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::weights::{self, tensors};
use bea::network::{NetworkLoss, Scalar};
use num_complex::Complex64;
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
    let criterion = Objective::CrossEntropy { smoothing: 0.0 };
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
    let parameters = &loss.architecture().parameters;
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
    let gradient = loss.gradient(&theta).1;
    assert_eq!(flat(&out, &loss, "gradient", ""), gradient);
    assert_eq!(flat(&out, &loss, "hvp", ""), loss.hessian_vectors(&theta, &[&direction])[0]);
    assert_eq!(flat(&out, &loss, "third", ""), loss.contraction(&theta, &[&direction, &direction]));
    assert_eq!(flat(&out, &loss, "fourth", ""), loss.contraction(&theta, &[&direction[..]; 3]));
    // f''(f, f) = -∇³E[g, g], and the flow of implicit regularisation is -g - h/2 H g.
    let differential = flat(&out, &loss, "[[],[]]", "");
    let third = loss.contraction(&theta, &[&gradient, &gradient]);
    let product = loss.hessian_vectors(&theta, &[&gradient]).remove(0);
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
    assert_eq!(f64::from_le_bytes(scalar.data().try_into().unwrap()), loss.loss(&theta));
}

#[test]
fn complex_parameters_give_complex_derivatives() {
    let (folder, loss, theta, direction) = folder();
    let z: Vec<Complex64> =
        theta.iter().zip(&direction).map(|(&a, &b)| Complex64::new(a, 0.1 * b)).collect();
    let part = |suffix: &str, part: usize| {
        let values: Vec<f64> = z.iter().map(|z| z.part(part)).collect();
        let mut all = tensors(loss.architecture(), &values, "");
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
    let gradient = loss.gradient(&z).1;
    assert_eq!(
        flat(&out, &loss, "gradient", ".re"),
        gradient.iter().map(|z| z.re).collect::<Vec<_>>()
    );
    assert_eq!(
        flat(&out, &loss, "gradient", ".im"),
        gradient.iter().map(|z| z.im).collect::<Vec<_>>()
    );
}

#[test]
fn bad_input_is_told_and_leaves_nothing() {
    let (folder, ..) = folder();
    let cases: [(&[&str], &str); 9] = [
        (&["--data", "iris", "--quantities", "hvp"], "`hvp` needs a direction"),
        (&["--data", "iris", "--quantities", "gradeint"], "did you mean `gradient`"),
        (&["--data", "iris", "--quantities", "pf"], "a flow needs a step size"),
        (&["--data", "iris", "--quantities", "order:99", "--lr", "0.1"], "order"),
        (&["--data", "iris", "--lr=-1"], "must be positive"),
        (&["--data", "digits"], "examples of shape [1, 8, 8], but the network reads [4]"),
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
