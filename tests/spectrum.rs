//! `bea spectrum` against closed forms, Lanczos against all eigenvalues, and what it refuses.

use assert_cmd::Command;
use num_complex::Complex64;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

fn bea(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.current_dir(folder.path()).arg("spectrum").args(arguments);
    command
}

fn json(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = bea(folder, arguments).args(["--format", "json"]).assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

fn numbers(object: &Value, key: &str) -> Vec<f64> {
    let pairs = object["eigenpairs"].as_array().unwrap();
    pairs.iter().map(|pair| pair[key].as_f64().unwrap()).collect()
}

fn save(path: &Path, tensors: &[(&str, &[usize], &[f64])]) {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name.to_string(), TensorView::new(Dtype::F64, shape.to_vec(), bytes).unwrap())
    });
    std::fs::write(path, serialize(views, None).unwrap()).unwrap();
}

/// A linear network `z = Wx` with the mean square of `z - t` over 4 examples. The rows of `X` are (1,1), (1,-1),
/// (2,2), (-1,1), so that `XᵀX` is (7 3; 3 7), with the eigenvalue 10 along (1,1) and 4 along (1,-1).
fn linear(outputs: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "loss = \"mse\"\ndtype = \"f64\"\ninput = [2]\n\
         [[layer]]\ntype = \"linear\"\nout = {outputs}\nbias = false\n"
    );
    std::fs::write(folder.path().join("net.toml"), text).unwrap();
    let targets: Vec<f64> = (0..4 * outputs).map(|i| 1.0 + (i / outputs) as f64).collect();
    let inputs = [1.0, 1.0, 1.0, -1.0, 2.0, 2.0, -1.0, 1.0];
    let data = folder.path().join("data.safetensors");
    save(&data, &[("inputs", &[4, 2], &inputs), ("targets", &[4, outputs], &targets)]);
    let zeros = vec![0.0; 2 * outputs];
    save(&folder.path().join("zero.safetensors"), &[("0.weight", &[outputs, 2], &zeros)]);
    folder
}

const LINEAR: [&str; 6] =
    ["--network", "net.toml", "--data", "data.safetensors", "--weights", "zero.safetensors"];
const IRIS: [&str; 6] = ["--network", "mlp:10,10", "--data", "iris", "--dtype", "f64"];

fn with<'a>(base: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [base, more].concat()
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

#[test]
fn a_linear_network_has_the_hessian_of_linear_regression() {
    // 2/(N w) XᵀX ⊗ I_w with N = 4 examples and w = 3 outputs.
    let folder = linear(3);
    let expected = [10.0, 10.0, 10.0, 4.0, 4.0, 4.0].map(|x| x / 6.0);
    for options in [
        &["--full"][..],
        &["--top", "6"],
        &["--top", "3", "--bottom", "3"],
        &["--full", "--gauss-newton"],
        &["--gauss-newton"],
    ] {
        let found = json(&folder, &with(&LINEAR, options));
        let values = numbers(&found, "eigenvalue");
        assert_eq!(values.len(), 6, "{options:?}");
        values.iter().zip(expected).for_each(|(x, y)| close(*x, y, 1e-13));
        numbers(&found, "residual").iter().for_each(|r| close(*r, 0.0, 1e-12));
        let matrix = if options.contains(&"--gauss-newton") { "gauss_newton" } else { "hessian" };
        assert_eq!(found["matrix"], matrix);
    }
}

#[test]
fn stability_coefficients_are_those_of_linear_regression() {
    let folder = linear(1);
    let found = json(&folder, &with(&LINEAR, &["--lr", "0.3"]));
    // λ = 5 and 2; g = -½ Xᵀt = -½ (5, 9) at W = 0, E = (1 + 4 + 9 + 16)/4.
    let root = 2f64.sqrt();
    close(found["loss"].as_f64().unwrap(), 7.5, 1e-14);
    close(found["gradient_norm"].as_f64().unwrap(), 106f64.sqrt() / 2.0, 1e-14);
    let expected = [
        (
            5.0,
            7.0 / root,
            "complex stable",
            Complex64::new(0.5f64.ln(), std::f64::consts::PI) / 1.5,
        ),
        (2.0, root, "real stable", Complex64::from(0.4f64.ln() / 0.6)),
    ];
    let pairs = found["eigenpairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 2);
    for (pair, (lambda, along, case, alpha)) in pairs.iter().zip(expected) {
        close(pair["eigenvalue"].as_f64().unwrap(), lambda, 1e-13);
        close(pair["along"].as_f64().unwrap(), along, 1e-13);
        assert_eq!(pair["case"], case);
        close(pair["sc"][0].as_f64().unwrap(), alpha.re * along, 1e-12);
        close(pair["sc"][1].as_f64().unwrap(), alpha.im * along, 1e-12);
    }
    // The same numbers for people, under the name of the matrix.
    bea(&folder, &with(&LINEAR, &["--lr", "0.3"]))
        .assert()
        .success()
        .stdout(contains("Hessian ∇²E of net.toml on data.safetensors"))
        .stdout(contains("4.94975").and(contains("complex stable")));
    bea(&folder, &with(&LINEAR, &["--gauss-newton"]))
        .assert()
        .success()
        .stdout(contains("Gauss-Newton matrix JᵀH_L J of net.toml"));
}

#[test]
fn lanczos_finds_the_ends_of_the_full_spectrum() {
    let folder = tempfile::tempdir().unwrap();
    for matrix in [&[][..], &["--gauss-newton"]] {
        let full = json(&folder, &with(&IRIS, &with(matrix, &["--full"])));
        let all = numbers(&full, "eigenvalue");
        assert_eq!(all.len(), 193);
        assert!(all.is_sorted_by(|a, b| a >= b));
        let ends = json(&folder, &with(&IRIS, &with(matrix, &["--top", "6", "--bottom", "2"])));
        assert_eq!(ends["converged"], true);
        let values = numbers(&ends, "eigenvalue");
        let indices = numbers(&ends, "index");
        assert_eq!(indices, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 192.0, 193.0]);
        for ((value, index), residual) in
            values.iter().zip(&indices).zip(numbers(&ends, "residual"))
        {
            close(*value, all[*index as usize - 1], 1e-9 * all[0]);
            assert!(residual <= 2e-8 * all[0], "{residual}");
        }
        let products = ends["products"].as_u64().unwrap();
        assert!(products < 150, "{products} products for 8 of 193 eigenvalues");
        let smallest = all[192];
        match matrix.is_empty() {
            // At a random start the loss curves down somewhere; the Gauss-Newton matrix never does.
            true => assert!(smallest < -1e-3 * all[0], "{smallest}"),
            false => assert!(smallest > -1e-13 * all[0], "{smallest}"),
        }
    }
}

#[test]
fn the_density_is_that_of_the_eigenvalues() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--full", "--density", "--out", "density", "--probes", "20", "--seed", "1"];
    let found = json(&folder, &with(&IRIS, &options));
    let all = numbers(&found, "eigenvalue");
    let density = &found["density"];
    let list = |key: &str| -> Vec<f64> {
        density[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let (nodes, weights) = (list("nodes"), list("weights"));
    close(weights.iter().sum(), 1.0, 1e-12);
    close(nodes[nodes.len() - 1], all[0], 1e-9 * all[0]);
    close(nodes[0], all[192], 1e-9 * all[0]);
    // Signs as probes: the variance of vᵀAv/n is 2/n² times the squares off the diagonal.
    let mean = |power: i32| all.iter().map(|x| x.powi(power)).sum::<f64>() / 193.0;
    let deviation = (2.0 * mean(2) / 193.0 / 20.0).sqrt();
    close(density["mean"].as_f64().unwrap(), mean(1), 4.0 * deviation);
    let deviation = (2.0 * mean(4) / 193.0 / 20.0).sqrt();
    close(density["mean_square"].as_f64().unwrap(), mean(2), 4.0 * deviation);

    let read = |name: &str| std::fs::read_to_string(folder.path().join("density").join(name));
    let rows = |text: String| -> Vec<(f64, f64)> {
        let row = |line: &str| -> (f64, f64) {
            let (x, y) = line.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        text.lines().skip(1).map(row).collect()
    };
    let quadrature = rows(read("quadrature.csv").unwrap());
    assert_eq!(quadrature.len(), nodes.len());
    for (row, (node, weight)) in quadrature.iter().zip(nodes.iter().zip(&weights)) {
        // `serde_json` reads numbers to within a unit in the last place.
        close(row.0, *node, 1e-15 * node.abs());
        close(row.1, *weight, 1e-15 * weight);
    }
    let curve = rows(read("density.csv").unwrap());
    let step = curve[1].0 - curve[0].0;
    // The trapezoidal rule on a sum of normal distributions, cut off at four standard deviations.
    close(curve.iter().map(|point| point.1 * step).sum(), 1.0, 1e-4);
    assert!(read("density.svg").unwrap().contains("eigenvalue of the Hessian"));
    let png = std::fs::read(folder.path().join("density/density.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));

    // Another time it is refused, unless forced; nothing is lost.
    bea(&folder, &with(&IRIS, &options)).assert().code(2).stderr(contains("density exists"));
    assert!(rows(read("quadrature.csv").unwrap()) == quadrature);
    bea(&folder, &with(&IRIS, &with(&options, &["--force"]))).assert().success();
}

#[test]
fn single_precision_has_the_same_spectrum_to_its_own_precision() {
    let folder = tempfile::tempdir().unwrap();
    let of = |dtype: &str| {
        let options = ["--network", "mlp:10,10", "--data", "iris", "--top", "4", "--dtype", dtype];
        let found = json(&folder, &options);
        assert_eq!((&found["dtype"], &found["converged"]), (&dtype.into(), &true.into()));
        numbers(&found, "eigenvalue")
    };
    let (single, double) = (of("f32"), of("f64"));
    single.iter().zip(&double).for_each(|(x, y)| close(*x, *y, 1e-5 * double[0]));
    assert_ne!(single, double);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = linear(1);
    for (options, message) in [
        (&["--top", "2", "--bottom", "1"][..], "more than the 2 parameters of net.toml"),
        (&["--lr", "0"], "--lr must be positive, not 0"),
        (&["--lr", "-0.1"], "--lr must be positive, not -0.1"),
        (&["--lr", "0.1", "--gauss-newton"], "cannot be used with"),
        (&["--full", "--top", "1"], "cannot be used with"),
        (&["--density"], "--out"),
        (&["--density", "--out", "d", "--steps", "0"], "the number of steps must be positive"),
        (&["--density", "--out", "d", "--probes", "0"], "the number of probes must be positive"),
    ] {
        bea(&folder, &with(&LINEAR, options)).assert().code(2).stderr(contains(message));
        assert!(!folder.path().join("d").exists(), "{options:?} left a folder");
    }
    let large = ["--network", "mlp:100,100", "--data", "digits", "--full"];
    bea(&folder, &large).assert().code(2).stderr(contains("at most 4096 parameters"));
    bea(&folder, &["--network", "mlp:4", "--data", "irs"])
        .assert()
        .code(2)
        .stderr(contains("iris"));
    // Outputs so large that their squares overflow.
    let file = folder.path().join("zero.safetensors");
    save(&file, &[("0.weight", &[1, 2], &[1e200, 1e200])]);
    bea(&folder, &LINEAR).assert().code(2).stderr(contains("not finite"));
}

#[test]
fn evaluations_are_counted_by_kind() {
    let folder = linear(1);
    let found = json(&folder, &[&LINEAR[..], &["--top", "1"]].concat());
    assert_eq!(found["counts"]["gradients"], 1);
    assert_eq!(found["counts"]["hessian_vectors"], found["products"]);
    let products = found["products"].as_u64().unwrap();
    let said = format!("\nevaluations: 1 gradient, {products} Hessian-vector products\n");
    bea(&folder, &[&LINEAR[..], &["--top", "1", "--counts"]].concat())
        .assert()
        .success()
        .stdout(contains(said));
}
