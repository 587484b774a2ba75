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
        assert_eq!(indices, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 191.0, 192.0]);
        for ((value, index), residual) in
            values.iter().zip(&indices).zip(numbers(&ends, "residual"))
        {
            close(*value, all[*index as usize], 1e-9 * all[0]);
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

/// The name of a parameter, how many vectors there are, and their entries.
type Tensor = (String, usize, Vec<f64>);

/// The tensors of a file of vectors, by name: how many vectors, and the numbers.
fn vectors(path: &Path) -> (Vec<f64>, Vec<Tensor>) {
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let values = &metadata.metadata().as_ref().unwrap()["eigenvalues"];
    let values: Vec<f64> = serde_json::from_str(values).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |name: &str| {
        let view = file.tensor(name).unwrap();
        let (numbers, _) = view.data().as_chunks::<8>();
        (name.into(), view.shape()[0], numbers.iter().map(|b| f64::from_le_bytes(*b)).collect())
    };
    let mut names = file.names();
    names.sort();
    (values, names.into_iter().map(tensor).collect())
}

#[test]
fn eigenvectors_are_written_by_name_and_read_to_start_from() {
    let folder = tempfile::tempdir().unwrap();
    let ends = with(&IRIS, &["--top", "4", "--bottom", "2"]);
    let cold = json(&folder, &with(&ends, &["--vectors", "u.safetensors"]));
    let (values, tensors) = vectors(&folder.path().join("u.safetensors"));
    let expected = numbers(&cold, "eigenvalue");
    values.iter().zip(&expected).for_each(|(x, y)| close(*x, *y, 1e-14));
    let names: Vec<&str> = tensors.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["0.bias", "0.weight", "2.bias", "2.weight", "4.bias", "4.weight"]);
    assert!(tensors.iter().all(|(_, count, _)| *count == 6));
    let vector = |k: usize| -> Vec<f64> {
        let part = |(_, count, all): &(String, usize, Vec<f64>)| {
            let length = all.len() / count;
            all[k * length..(k + 1) * length].to_vec()
        };
        tensors.iter().flat_map(part).collect()
    };
    for i in 0..6 {
        for k in 0..6 {
            let dot: f64 = vector(i).iter().zip(vector(k)).map(|(x, y)| x * y).sum();
            close(dot, f64::from(u8::from(i == k)), 1e-9);
        }
    }
    // `bea evaluate` multiplies the Hessian by the first of them.
    let shapes = [(10, 4), (10, 10), (3, 10)];
    let first: Vec<(String, Vec<usize>, Vec<f64>)> = tensors
        .iter()
        .map(|(name, count, all)| {
            let (out, inputs) = shapes[name[..1].parse::<usize>().unwrap() / 2];
            let shape = if name.ends_with("bias") { vec![out] } else { vec![out, inputs] };
            (name.clone(), shape, all[..all.len() / count].to_vec())
        })
        .collect();
    let first: Vec<(&str, &[usize], &[f64])> =
        first.iter().map(|(n, s, v)| (n.as_str(), s.as_slice(), v.as_slice())).collect();
    save(&folder.path().join("v.safetensors"), &first);
    let mut evaluate = Command::cargo_bin("bea").unwrap();
    evaluate.current_dir(folder.path()).arg("evaluate").args(IRIS);
    let options = ["--direction", "v.safetensors", "--quantities", "hvp", "--format", "json"];
    let output = evaluate.args(options).assert().success();
    let found: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    close(found["hvp"]["norm"].as_f64().unwrap(), expected[0].abs(), 1e-8);

    // One vector or many: the iteration starts from them.
    let warm = json(&folder, &with(&ends, &["--start-vectors", "u.safetensors"]));
    let products = |found: &Value| found["products"].as_u64().unwrap();
    // Both search for copies that they have missed.
    assert!(products(&warm) < products(&cold) * 4 / 5, "{} {}", products(&warm), products(&cold));
    for (x, y) in numbers(&warm, "eigenvalue").iter().zip(&expected) {
        close(*x, *y, 1e-9);
    }
    let one = json(&folder, &with(&ends, &["--start-vectors", "v.safetensors"]));
    close(numbers(&one, "eigenvalue")[0], expected[0], 1e-9);
    // A copy that was never found before is found from vectors that do not have it.
    let folder = linear(3);
    let two = ["--top", "2", "--vectors", "two.safetensors"];
    json(&folder, &with(&LINEAR, &two));
    let six = json(&folder, &with(&LINEAR, &["--top", "6", "--start-vectors", "two.safetensors"]));
    let expected = [10.0, 10.0, 10.0, 4.0, 4.0, 4.0].map(|x| x / 6.0);
    numbers(&six, "eigenvalue").iter().zip(expected).for_each(|(x, y)| close(*x, y, 1e-12));
}

#[test]
fn a_preconditioner_gives_the_eigenvalues_of_the_pencil() {
    let folder = linear(3);
    // ∇²E = (7 3; 3 7)/6 for each row of W, P = diag(p, q): λ² - λ (7/p + 7/q)/6 + 40/(36 p q) = 0.
    let diagonal = [0.5, 2.0, 4.0, 1.0, 1.0, 1.0];
    save(&folder.path().join("p.safetensors"), &[("0.weight", &[3, 2], &diagonal)]);
    let mut expected: Vec<f64> = diagonal
        .chunks(2)
        .flat_map(|pair| {
            let (p, q) = (pair[0], pair[1]);
            let (half, product) = ((7.0 / p + 7.0 / q) / 12.0, 40.0 / (36.0 * p * q));
            let root = (half * half - product).sqrt();
            [half + root, half - root]
        })
        .collect();
    expected.sort_by(|a, b| b.total_cmp(a));
    let base = with(&LINEAR, &["--preconditioner", "p.safetensors"]);
    for options in [&["--full"][..], &["--top", "6"], &["--top", "3", "--bottom", "2"]] {
        let found = json(&folder, &with(&base, options));
        let indices = numbers(&found, "index");
        for (value, index) in numbers(&found, "eigenvalue").iter().zip(indices) {
            close(*value, expected[index as usize], 1e-12);
        }
        numbers(&found, "residual").iter().for_each(|r| close(*r, 0.0, 1e-11));
    }
    // uᵀPu = 1, uᵀPv = 0 and ∇²E u = λPu.
    json(&folder, &with(&base, &["--full", "--vectors", "u.safetensors"]));
    let (values, tensors) = vectors(&folder.path().join("u.safetensors"));
    let all: Vec<&[f64]> = tensors[0].2.chunks(6).collect();
    for (u, lambda) in all.iter().zip(values) {
        let size: f64 = u.iter().zip(diagonal).map(|(u, p)| u * u * p).sum();
        close(size, 1.0, 1e-12);
        for (row, p) in u.chunks(2).zip(diagonal.chunks(2)) {
            close((7.0 * row[0] + 3.0 * row[1]) / 6.0, lambda * p[0] * row[0], 1e-11);
            close((3.0 * row[0] + 7.0 * row[1]) / 6.0, lambda * p[1] * row[1], 1e-11);
        }
    }
    // They are what an iteration with the same preconditioner starts from.
    let warm = with(&base, &["--top", "6", "--start-vectors", "u.safetensors"]);
    numbers(&json(&folder, &warm), "eigenvalue")
        .iter()
        .zip(&expected)
        .for_each(|(x, y)| close(*x, *y, 1e-12));
    bea(&folder, &base).assert().success().stdout(contains("P⁻¹ times the Hessian ∇²E"));
    for (entry, message) in [(0.0, "has 0 as its entry 3"), (-2.0, "has -2 as its entry 3")] {
        let mut wrong = diagonal;
        wrong[3] = entry;
        save(&folder.path().join("p.safetensors"), &[("0.weight", &[3, 2], &wrong)]);
        bea(&folder, &base).assert().code(2).stderr(contains(message));
    }
}

#[test]
fn the_iteration_stops_at_the_tolerance_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for tolerance in ["1e-3", "1e-6", "1e-10"] {
        let options = ["--top", "5", "--bottom", "2", "--tolerance", tolerance];
        let found = json(&folder, &with(&IRIS, &options));
        let products = found["products"].as_u64().unwrap();
        assert!(products > last, "{products} products to {tolerance}");
        last = products;
        let asked: f64 = tolerance.parse().unwrap();
        assert_eq!(found["tolerance"].as_f64().unwrap(), asked);
        let largest = numbers(&found, "eigenvalue")[0];
        let residuals = numbers(&found, "residual");
        let worst = residuals.iter().fold(0.0f64, |m, r| m.max(*r)) / largest;
        assert!(worst < 1.5 * asked, "{worst:e}");
    }
    for (wrong, message) in
        [("0", "positive"), ("-1", "positive"), ("1", "less than 1"), ("x", "x")]
    {
        bea(&folder, &with(&IRIS, &["--tolerance", wrong]))
            .assert()
            .code(2)
            .stderr(contains(message));
    }
}

#[test]
fn memory_bounds_the_vectors_that_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let base = with(&IRIS, &["--top", "4", "--bottom", "2"]);
    let free = json(&folder, &base);
    // 193 parameters: 36 vectors of 8 bytes each and 4 beside them are needed.
    let bounded = json(&folder, &with(&base, &["--memory", "63kB"]));
    for (x, y) in numbers(&free, "eigenvalue").iter().zip(numbers(&bounded, "eigenvalue")) {
        close(*x, y, 1e-9);
    }
    assert!(bounded["products"].as_u64() >= free["products"].as_u64());
    let single = with(&base, &["--memory", "40kB"]);
    json(&folder, &with(&single[..4], &["--dtype", "f32", "--memory", "40kB", "--top", "4"]));
    bea(&folder, &single)
        .assert()
        .code(2)
        .stderr(contains("40.0 kB do not suffice"))
        .stderr(contains("of 193 parameters take 36 vectors"));
    bea(&folder, &with(&base, &["--memory", "lots"])).assert().code(2).stderr(contains("500MiB"));
}

#[test]
fn files_of_vectors_that_do_not_fit_are_refused() {
    let folder = linear(3);
    let path = folder.path().join("u.safetensors");
    let start = with(&LINEAR, &["--start-vectors", "u.safetensors"]);
    bea(&folder, &start).assert().code(2).stderr(contains("u.safetensors"));
    for (name, shape, count, message) in [
        ("0.weight", &[3, 3][..], 9, "`0.weight` is [3, 3]"),
        ("1.weight", &[3, 2], 6, "no tensor `0.weight`"),
        ("0.weight", &[2, 3, 2], 12, "starts from a vector that is zero"),
        ("0.weight", &[0, 3, 2], 0, "starts from a vector that is zero"),
    ] {
        save(&path, &[(name, shape, &vec![0.0; count])]);
        bea(&folder, &start).assert().code(2).stderr(contains(message));
    }
    save(&path, &[("0.weight", &[1, 3, 2], &[1.0, 0.0, f64::NAN, 0.0, 0.0, 1.0])]);
    bea(&folder, &start).assert().code(2).stderr(contains("`0.weight` is NaN at [0, 1, 0]"));
    bea(&folder, &with(&LINEAR, &["--vectors", "no/folder/u.safetensors"]))
        .assert()
        .code(2)
        .stderr(contains("cannot write"));
}

/// Near zero loss the curvature of the cross-entropy is a difference of numbers near 1, which f32 hardly has.
#[test]
fn residuals_show_the_noise_of_single_precision() {
    let folder = tempfile::tempdir().unwrap();
    let flow = ["--network", "mlp:8,tanh", "--data", "iris,scale=standard", "--dtype", "f64"];
    let mut train = Command::cargo_bin("bea").unwrap();
    train.current_dir(folder.path()).arg("flow").args(flow);
    let steps = ["--lr", "0.5", "--steps", "1500", "--flows", "gd", "--out", "trained"];
    train.args(steps).assert().success();
    let base = ["--network", "mlp:8,tanh", "--data", "iris,scale=standard"];
    let at = ["--weights", "trained/last.safetensors", "--top", "6", "--bottom", "2", "--dtype"];
    let of = |dtype| json(&folder, &[&base[..], &at, &[dtype]].concat());
    let (single, double) = (of("f32"), of("f64"));
    let (coarse, fine) = (numbers(&single, "eigenvalue"), numbers(&double, "eigenvalue"));
    for ((x, y), residual) in coarse.iter().zip(&fine).zip(numbers(&single, "residual")) {
        assert!((x - y).abs() <= 2.0 * residual, "{x} {y}: {residual:e}");
        assert!(residual > 1e-9 * fine[0], "{residual:e} is less than f32 has");
    }
    assert!(numbers(&double, "residual").iter().all(|r| *r < 2e-8 * fine[0]));
}

/// Where the standard error is no terminal, a line says now and then how far the iteration is.
#[test]
fn long_iterations_say_how_far_they_are() {
    use std::io::{BufRead, BufReader};
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bea"));
    command.args(["spectrum", "--network", "mlp:400,400", "--data", "iris", "--dtype", "f64"]);
    command.args(["--top", "60", "--tolerance", "1e-13"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let begun = std::time::Instant::now();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["spectrum:", products, "products", "in", seconds, "s"] = words[..] else {
        panic!("{line}")
    };
    assert!(products.parse::<usize>().unwrap() > 0, "{line}");
    let seconds: f64 = seconds.parse().unwrap();
    assert!(seconds >= 5.0 && seconds <= begun.elapsed().as_secs_f64() + 0.5, "{line}");
}

/// Where the vectors of the iteration do not fit in memory, the advice is about them.
#[cfg(target_os = "linux")]
#[test]
fn vectors_that_do_not_fit_in_memory_come_with_their_advice() {
    let bea = env!("CARGO_BIN_EXE_bea");
    let run = format!(
        "ulimit -v 400000; RAYON_NUM_THREADS=1 exec {bea} spectrum --network mlp:1000,1000 --data iris,first=2 \
         --dtype f64 --top 8 --tolerance 1e-12"
    );
    let output = std::process::Command::new("sh").args(["-c", &run]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("out of memory: the system refuses another"), "{error}");
    assert!(error.contains("keep fewer vectors: `--memory 1GB`"), "{error}");
    assert!(!error.contains("examples"), "{error}");
}
