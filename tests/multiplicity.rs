//! Repeated and clustered eigenvalues, each as often as it occurs, at both ends and with the right index; what could not be
//! excluded is said.

mod cases;

use assert_cmd::Command;
use bea::curvature::{Error, Extremes, Lanczos, Operator, Verification};
use nalgebra::{DMatrix, DVector, QR, SymmetricEigen};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

/// Numbers between 0 and 1 that look random.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

fn with_spectrum(values: &[f64], seed: u64) -> DMatrix<f64> {
    let n = values.len();
    let mut next = noise(seed);
    let q = QR::new(DMatrix::from_fn(n, n, |_, _| next() - 0.5)).q();
    let a = &q * DMatrix::from_diagonal(&DVector::from_column_slice(values)) * q.transpose();
    (&a + a.transpose()) * 0.5
}

/// A diagonal matrix, whose products are as exact as the numbers that they are calculated with.
struct Diagonal {
    values: Vec<f64>,
    single: bool,
}

impl Operator for Diagonal {
    fn dimension(&self) -> usize {
        self.values.len()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let entry = |(x, d): (&f64, &f64)| {
            if self.single { f64::from(*x as f32 * *d as f32) } else { x * d }
        };
        Ok(block.iter().map(|v| v.iter().zip(&self.values).map(entry).collect()).collect())
    }
}

/// The largest distance of what was found from the ends of `values`.
fn error(found: &Extremes, values: &[f64]) -> f64 {
    let all = sorted(values.to_vec());
    let top = found.largest.iter().zip(&all).map(|(pair, x)| (pair.value - x).abs());
    let bottom = found.smallest.iter().zip(all.iter().rev());
    let bottom = bottom.map(|(pair, x)| (pair.value - x).abs());
    top.chain(bottom).fold(0.0, f64::max)
}

#[test]
fn kronecker_products_have_every_copy_at_both_ends() {
    let mut next = noise(1);
    // The spectrum of a covariance, over five orders of magnitude.
    let single: Vec<f64> =
        (0..31).map(|k| 3.0 * (-0.35 * k as f64).exp() * (0.8 + 0.4 * next())).collect();
    for copies in [2, 3, 10] {
        let values: Vec<f64> = single.iter().flat_map(|x| vec![*x; copies]).collect();
        let a = with_spectrum(&single, 2).kronecker(&DMatrix::identity(copies, copies));
        for (largest, smallest) in [(5, 0), (5, 4), (0, 12), (1, 1), (25, 15), (31, 31)] {
            if largest + smallest > values.len() {
                continue;
            }
            for seed in 0..3 {
                let base = Lanczos { largest, smallest, seed, ..Lanczos::default() };
                let base = Lanczos { verification: Verification::Always, ..base };
                let found = base.run(&a, &[]).unwrap();
                assert!(found.converged);
                let off = error(&found, &values);
                assert!(off < 1e-11, "{copies} copies, {largest} and {smallest}: {off:e}");
                let missed = found.missed.unwrap();
                assert!(missed.iter().all(|d| *d <= 1.1e-7 * single[0].max(3.6)), "{missed:?}");
                // In f32, to its own precision.
                let matrix = Diagonal { values: values.clone(), single: true };
                let found =
                    Lanczos { single: true, tolerance: 1e-5, ..base }.run(&matrix, &[]).unwrap();
                let off = error(&found, &values);
                // The smallest ones lie closer together than the tolerance.
                assert!(found.converged && off < 4e-5, "f32, {copies}: {off:e}");
                let top = found.largest.iter().zip(sorted(values.clone()));
                top.take(2 * copies).for_each(|(pair, x)| assert!((pair.value - x).abs() < 2e-6));
            }
        }
    }
}

#[test]
fn clusters_are_counted_and_told_apart() {
    for seed in 0..40 {
        let mut next = noise(seed + 1);
        let n = 150 + (200.0 * next()) as usize;
        let mut values: Vec<f64> = (0..n).map(|_| 0.5 * (next() - 0.4)).collect();
        let mut at = 0;
        for end in [1.0, -1.0] {
            for cluster in 0..4 {
                let gap = [0.0, 1e-6, 1e-4, 1e-6, 1e-3][(5.0 * next()) as usize];
                for member in 0..1 + (6.0 * next()) as usize {
                    values[at] = end * (1.0 - 0.1 * cluster as f64) + gap * (member / 2) as f64;
                    at += 1;
                }
            }
        }
        let (largest, smallest) = (1 + (14.0 * next()) as usize, (9.0 * next()) as usize);
        let lanczos = Lanczos { largest, smallest, seed, ..Lanczos::default() };
        let lanczos = Lanczos { verification: Verification::Always, ..lanczos };
        for single in [false, true] {
            let matrix = Diagonal { values: values.clone(), single };
            let (tolerance, allowed) = if single { (1e-5, 1.1e-5) } else { (1e-8, 5e-10) };
            let found = Lanczos { single, tolerance, ..lanczos }.run(&matrix, &[]).unwrap();
            let off = error(&found, &values);
            assert!(found.converged && off < allowed, "seed {seed}, f32 {single}: {off:e}");
            for (i, p) in found.largest.iter().enumerate() {
                for q in &found.largest[..i] {
                    let dot: f64 = p.vector.iter().zip(&q.vector).map(|(x, y)| x * y).sum();
                    assert!(dot.abs() < if single { 1e-6 } else { 1e-12 }, "{dot:e}");
                }
            }
        }
    }
}

/// Products to the tolerance that ARPACK's estimates of residuals are compared with, relative to each eigenvalue: counted
/// by `scipy.sparse.linalg.eigsh(k, which="LA", tol=1e-6)` from one random vector.
#[test]
fn a_spectrum_without_copies_costs_little_more_than_arpack() {
    let mut next = noise(3);
    let outliers = |n: usize| -> Vec<f64> {
        let mut values: Vec<f64> =
            (0..n).map(|i| 0.5 * (i as f64 / n as f64 - 0.3).powi(3)).collect();
        values[..5].copy_from_slice(&[9.0, 5.5, 5.0, 2.0, 1.2]);
        values[n / 2] = -0.7;
        values
    };
    let network: Vec<f64> = (0..20_000)
        .map(|i| match i {
            0..40 => 10.0 * f64::from(i + 1).powf(-1.2),
            40..50 => -0.5 / f64::from(i - 39),
            _ => 3.4e-3 * (next() - 0.5),
        })
        .collect();
    println!("{:>8} {:>3} {:>8} {:>10} {:>10}", "rows", "k", "ARPACK", "no search", "searched");
    let equidistant: Vec<f64> = (0..500).map(|i| f64::from(i) / 500.0).collect();
    for (values, k, arpack) in [
        (outliers(3000), 5, 21),
        (outliers(3000), 10, 304),
        (equidistant.clone(), 5, 188),
        (equidistant, 10, 214),
        (network.clone(), 5, 21),
        (network, 10, 34),
    ] {
        let matrix = Diagonal { values, single: false };
        let lanczos = Lanczos { largest: k, tolerance: 1e-6, ..Lanczos::default() };
        let found = lanczos.run(&matrix, &[]).unwrap();
        assert!(found.converged && error(&found, &matrix.values) < 1e-8);
        assert!(
            found.missed.unwrap()[0] <= 1.1e-5 * matrix.values.iter().fold(0.0, |m, x| x.max(m))
        );
        assert!(10 * found.products <= 14 * arpack, "{} of {arpack}", found.products);
        // Where no search is wanted, none is made, and nothing is said.
        let never = Lanczos { verification: Verification::Never, ..lanczos };
        let plain = never.run(&matrix, &[]).unwrap();
        assert!(plain.missed.is_none() && plain.products < found.products);
        assert!(10 * plain.products <= 11 * arpack, "{} of {arpack}", plain.products);
        assert!(2 * found.products < 3 * plain.products, "{}", plain.products);
        let (rows, without, with) = (matrix.values.len(), plain.products, found.products);
        println!("{rows:>8} {k:>3} {arpack:>8} {without:>10} {with:>10}");
    }
}

#[test]
fn what_could_not_be_excluded_is_said() {
    // Ten copies of everything, and products that suffice for the first of each.
    let values: Vec<f64> = (0..300).map(|i| 1.0 / f64::from(1 + i / 10)).collect();
    let matrix = Diagonal { values: values.clone(), single: false };
    let lanczos = Lanczos { largest: 5, products: 40, ..Lanczos::default() };
    let found = lanczos.run(&matrix, &[]).unwrap();
    assert!(error(&found, &values) > 0.1);
    assert!(found.missed.unwrap()[0] > 0.1, "{:?}", found.missed);
    let found = Lanczos { products: 10_000, ..lanczos }.run(&matrix, &[]).unwrap();
    assert!(error(&found, &values) < 1e-12 && found.missed.unwrap()[0] < 1e-6);
}

#[test]
fn the_basis_is_bounded() {
    let values: Vec<f64> = (0..400).map(|i| f64::from(i / 3) / 133.0).collect();
    let matrix = Diagonal { values: values.clone(), single: false };
    let lanczos = Lanczos { largest: 7, smallest: 5, basis: 0, ..Lanczos::default() };
    assert_eq!(lanczos.room(1), 3 * 12 + 18);
    let few = lanczos.run(&matrix, &[]).unwrap();
    let many = Lanczos { basis: 400, ..lanczos }.run(&matrix, &[]).unwrap();
    for found in [&few, &many] {
        assert!(found.converged && error(found, &values) < 1e-12);
    }
    assert!(few.products > many.products);
}

proptest! {
    #![proptest_config(cases::cases(64))]

    /// Prescribed eigenvalues with prescribed multiplicities, against the dense solver.
    #[test]
    fn multiplicities_agree_with_the_dense_solver(
        groups in prop::collection::vec((-3.0..3.0f64, 1..9usize), 3..16),
        (largest, smallest) in (0..14usize, 0..14usize),
        basis in 0..80usize,
        seed in 0..10_000u64,
    ) {
        let values: Vec<f64> = groups.iter().flat_map(|&(x, m)| vec![x; m]).collect();
        let n = values.len();
        let (largest, smallest) = (largest.min(n), smallest.min(n - largest.min(n)));
        let a = with_spectrum(&values, seed);
        let dense = SymmetricEigen::new(a.clone()).eigenvalues.as_slice().to_vec();
        let lanczos = Lanczos { largest, smallest, basis, seed, ..Lanczos::default() };
        let found = Lanczos { verification: Verification::Always, ..lanczos }.run(&a, &[]).unwrap();
        prop_assert!(found.converged);
        prop_assert_eq!((found.largest.len(), found.smallest.len()), (largest, smallest));
        let off = error(&found, &dense);
        // What lies closer together than the tolerance is not told apart.
        prop_assert!(off < 3e-8, "{:e}", off);
        for pair in found.largest.iter().chain(&found.smallest) {
            let u = DVector::from_column_slice(&pair.vector);
            let residual = (&a * &u - &u * pair.value).norm();
            prop_assert!((u.norm() - 1.0).abs() < 1e-10);
            prop_assert!((residual - pair.residual).abs() < 1e-9, "{:e} {:e}", residual, pair.residual);
        }
    }

    /// However few products are allowed: no eigenvalue is missing that lies further out than what is said.
    #[test]
    fn what_is_missed_lies_within_what_is_said(
        groups in prop::collection::vec((-3.0..3.0f64, 1..9usize), 8..30),
        (largest, smallest) in (1..8usize, 1..8usize),
        products in 5..200usize,
        seed in 0..10_000u64,
    ) {
        let values: Vec<f64> = groups.iter().flat_map(|&(x, m)| vec![x; m]).collect();
        prop_assume!(values.len() >= largest + smallest);
        let matrix = Diagonal { values: values.clone(), single: false };
        let lanczos = Lanczos { largest, smallest, products, seed, ..Lanczos::default() };
        let found = Lanczos { verification: Verification::Always, ..lanczos }.run(&matrix, &[]).unwrap();
        let missed = found.missed.unwrap();
        let slack = 1e-7;
        if let Some(last) = found.largest.last().filter(|_| missed[0].is_finite()) {
            let beyond = last.value + missed[0] + slack;
            let there = values.iter().filter(|x| **x > beyond).count();
            let listed = found.largest.iter().filter(|pair| pair.value > beyond - 2.0 * slack).count();
            prop_assert!(there <= listed, "{} {}", there, listed);
        }
        if let Some(last) = found.smallest.last().filter(|_| missed[1].is_finite()) {
            let beyond = last.value - missed[1] - slack;
            let there = values.iter().filter(|x| **x < beyond).count();
            let listed = found.smallest.iter().filter(|pair| pair.value < beyond + 2.0 * slack).count();
            prop_assert!(there <= listed, "{} {}", there, listed);
        }
    }
}

fn bea(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.current_dir(folder.path()).args(arguments);
    command
}

fn spectrum(folder: &TempDir, arguments: &[&str]) -> Value {
    let all = [&["spectrum", "--format", "json"][..], arguments].concat();
    let output = bea(folder, &all).assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

fn numbers(object: &Value, key: &str) -> Vec<f64> {
    let pairs = object["eigenpairs"].as_array().unwrap();
    pairs.iter().map(|pair| pair[key].as_f64().unwrap()).collect()
}

/// A linear network from 30 inputs with the mean squared error: the Hessian is that of one output, once for each.
fn linear(outputs: usize, hidden: Option<usize>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("loss = \"mse\"\ndtype = \"f64\"\ninput = [30]\n");
    for out in hidden.into_iter().chain([outputs]) {
        text += &format!("[[layer]]\ntype = \"linear\"\nout = {out}\n");
    }
    std::fs::write(folder.path().join("net.toml"), text).unwrap();
    folder
}

const CANCER: [&str; 4] = ["--network", "net.toml", "--data", "breast_cancer,scale=standard"];

#[test]
fn a_linear_network_has_each_eigenvalue_once_for_every_output() {
    let folder = linear(10, None);
    let all = numbers(&spectrum(&folder, &[&CANCER[..], &["--full"]].concat()), "eigenvalue");
    assert_eq!(all.len(), 310);
    assert!((all[0] - all[9]).abs() < 1e-12 && all[9] - all[10] > 1.0);
    for (top, bottom) in [("5", "4"), ("12", "0"), ("0", "13"), ("40", "25")] {
        for dtype in ["f64", "f32"] {
            let more = ["--top", top, "--bottom", bottom, "--dtype", dtype];
            let found = spectrum(&folder, &[&CANCER[..], &more].concat());
            assert_eq!((&found["converged"], &found["certain"]), (&true.into(), &true.into()));
            let (values, indices) = (numbers(&found, "eigenvalue"), numbers(&found, "index"));
            let residuals = numbers(&found, "residual");
            assert_eq!(
                values.len(),
                top.parse::<usize>().unwrap() + bottom.parse::<usize>().unwrap()
            );
            for ((value, index), residual) in values.iter().zip(&indices).zip(residuals) {
                let off = (value - all[*index as usize]).abs();
                let allowed = if dtype == "f64" { 1e-11 } else { 1e-6 };
                assert!(off < allowed, "{dtype}, {index}: {value} is off by {off:e}");
                // An eigenvalue lies as near as the residual says.
                let nearest = all.iter().map(|x| (x - value).abs()).fold(f64::INFINITY, f64::min);
                assert!(
                    nearest <= 1.5 * residual + 1e-15,
                    "{dtype}, {index}: {nearest:e} {residual:e}"
                );
            }
        }
    }
    // A row for each copy.
    bea(&folder, &[&["spectrum"], &CANCER[..], &["--top", "5", "--bottom", "4"]].concat())
        .assert()
        .success()
        .stdout(predicates::str::contains("    4    2.65632  ").count(1))
        .stdout(predicates::str::contains("  306  2.6609e-5"))
        .stdout(predicates::str::contains("not certain").count(0));
}

#[test]
fn a_wide_linear_network_shows_every_copy() {
    let folder = linear(10, Some(12));
    let all = numbers(&spectrum(&folder, &[&CANCER[..], &["--full"]].concat()), "eigenvalue");
    for dtype in ["f64", "f32"] {
        let more = ["--top", "14", "--bottom", "6", "--dtype", dtype];
        let found = spectrum(&folder, &[&CANCER[..], &more].concat());
        let allowed = if dtype == "f64" { 1e-10 } else { 3e-6 };
        for (value, index) in numbers(&found, "eigenvalue").iter().zip(numbers(&found, "index")) {
            assert!((value - all[index as usize]).abs() < allowed, "{dtype} {index}: {value}");
        }
    }
}

#[test]
fn runs_follow_every_copy() {
    let folder = linear(10, None);
    let text = "network = \"net.toml\"\ndata = \"breast_cancer,scale=standard\"\n\
        [train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 10\n\
        [measure]\nmetrics = [\"lambda:12\", \"eigenvalues\"]\n";
    for dtype in ["f64", "f32"] {
        let text = format!("dtype = \"{dtype}\"\n{text}");
        std::fs::write(folder.path().join("run.toml"), text).unwrap();
        bea(&folder, &["run", "run.toml", "--out", dtype]).assert().success();
        let table = std::fs::read_to_string(folder.path().join(dtype).join("metrics.csv")).unwrap();
        let mut rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
        let head = rows.next().unwrap();
        let at = |name: &str| head.iter().position(|column| *column == name).unwrap();
        let mut count = 0;
        for row in rows {
            for k in 0..12 {
                let [followed, dense] = ["lambda", "eigenvalue"].map(|name| {
                    let name = format!("{name}_{k}");
                    row[at(&name)].parse::<f64>().unwrap()
                });
                assert!((followed - dense).abs() < 1e-4 * 2.7, "{dtype}, λ{k}: {followed} {dense}");
            }
            count += 1;
        }
        assert_eq!(count, 11);
    }
}
