//! Curvature from products alone, against dense linear algebra.

mod cases;

use bea::curvature::{
    Density, Error, Krylov, KrylovSpace, Lanczos, Operator, Probe, Quadrature, assemble,
    eigenvalues,
};
use nalgebra::{DMatrix, DVector, QR, SymmetricEigen};
use num_complex::Complex64;
use proptest::prelude::*;

/// Numbers between -1 and 1 that look random.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn random_vector(n: usize, seed: u64) -> Vec<f64> {
    let mut next = noise(seed);
    (0..n).map(|_| next()).collect()
}

/// A symmetric matrix with the given eigenvalues, and its eigenvectors.
fn with_spectrum(values: &[f64], seed: u64) -> (DMatrix<f64>, DMatrix<f64>) {
    let n = values.len();
    let mut next = noise(seed);
    let q = QR::new(DMatrix::from_fn(n, n, |_, _| next())).q();
    let a = &q * DMatrix::from_diagonal(&DVector::from_column_slice(values)) * q.transpose();
    ((&a + a.transpose()) * 0.5, q)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

fn residual(a: &DMatrix<f64>, value: f64, u: &[f64]) -> f64 {
    let u = DVector::from_column_slice(u);
    (a * &u - &u * value).norm()
}

fn all_values(found: &bea::curvature::Extremes) -> Vec<f64> {
    found.largest.iter().chain(&found.smallest).map(|p| p.value).collect()
}

/// A spectrum like that of a network's Hessian: a bulk around 0 and a few outliers.
fn outliers(n: usize) -> Vec<f64> {
    let mut values: Vec<f64> = (0..n).map(|i| 0.5 * (i as f64 / n as f64 - 0.3).powi(3)).collect();
    for (i, v) in [9.0, 5.5, 5.0, 2.0, 1.2].into_iter().enumerate() {
        values[i] = v;
    }
    values[n / 2] = -0.7;
    values
}

/// The residual of eigenpairs that fill the space is 0, not -0.
#[test]
fn a_residual_of_nothing_has_no_sign() {
    let found =
        Lanczos { largest: 3, ..Lanczos::default() }.run(&DMatrix::identity(3, 3), &[]).unwrap();
    assert!(found.largest.iter().all(|pair| pair.residual.is_sign_positive()), "{found:?}");
}

#[test]
fn both_ends_with_true_residuals() {
    let values = outliers(400);
    let (a, _) = with_spectrum(&values, 1);
    let expected = sorted(values);
    for block in [1, 3] {
        let lanczos = Lanczos { largest: 6, smallest: 3, block, ..Lanczos::default() };
        let found = lanczos.run(&a, &[]).unwrap();
        assert!(found.converged);
        for (pair, expected) in found.largest.iter().zip(&expected) {
            assert!((pair.value - expected).abs() < 1e-12, "{} {expected}", pair.value);
        }
        for (pair, expected) in found.smallest.iter().zip(expected.iter().rev()) {
            assert!((pair.value - expected).abs() < 1e-12, "{} {expected}", pair.value);
        }
        for pair in found.largest.iter().chain(&found.smallest) {
            let norm: f64 = pair.vector.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((norm - 1.0).abs() < 1e-13);
            let residual = residual(&a, pair.value, &pair.vector);
            assert!(residual < 1e-8 * 9.0 && (residual - pair.residual).abs() < 1e-12);
        }
        assert!(found.products < 400, "{}", found.products);
    }
}

#[test]
fn repeated_eigenvalues_come_as_often_as_they_are_repeated() {
    let mut values = outliers(200);
    values[..7].copy_from_slice(&[3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0]);
    values[7] = -1.0;
    values[8] = -1.0;
    let (a, _) = with_spectrum(&values, 2);
    for seed in 0..5 {
        let lanczos = Lanczos { largest: 7, smallest: 2, seed, ..Lanczos::default() };
        let found = lanczos.run(&a, &[]).unwrap();
        assert!(found.converged);
        let expected = [3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, -1.0, -1.0];
        for (found, expected) in all_values(&found).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "seed {seed}: {found} {expected}");
        }
        // Copies have orthogonal eigenvectors.
        for (i, p) in found.largest.iter().enumerate() {
            for q in &found.largest[..i] {
                let dot: f64 = p.vector.iter().zip(&q.vector).map(|(x, y)| x * y).sum();
                assert!(dot.abs() < 1e-12, "{dot:e}");
            }
        }
    }
}

#[test]
fn invariant_subspaces_are_left() {
    // Two and one eigenvalues: every Krylov space is tiny.
    for values in [vec![1.0; 30], [vec![2.0; 5], vec![-1.0; 25]].concat(), vec![0.0; 30]] {
        let (a, _) = with_spectrum(&values, 3);
        let lanczos = Lanczos { largest: 6, smallest: 4, ..Lanczos::default() };
        let found = lanczos.run(&a, &[]).unwrap();
        let expected = sorted(values);
        let expected: Vec<f64> =
            expected[..6].iter().chain(expected.iter().rev().take(4)).copied().collect();
        for (found, expected) in all_values(&found).iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-13, "{found} {expected}");
        }
    }
    // All eigenvalues of a tiny matrix.
    let a = DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 2.0]);
    let found = Lanczos { largest: 1, smallest: 1, ..Lanczos::default() }.run(&a, &[]).unwrap();
    assert!((found.largest[0].value - 3.0).abs() < 1e-14);
    assert!((found.smallest[0].value - 1.0).abs() < 1e-14);
    assert!(found.converged);
}

#[test]
fn restarts_and_warm_starts() {
    // Equidistant eigenvalues are hard: the basis is far too small without restarts.
    let values: Vec<f64> = (0..500).map(|i| i as f64 / 500.0).collect();
    let (a, q) = with_spectrum(&values, 4);
    let lanczos = Lanczos { largest: 3, basis: 30, ..Lanczos::default() };
    let cold = lanczos.run(&a, &[]).unwrap();
    assert!(cold.converged && cold.products > 60);
    for (pair, expected) in cold.largest.iter().zip([0.998, 0.996, 0.994]) {
        assert!((pair.value - expected).abs() < 1e-12);
    }
    // A matrix nearby, from the eigenvectors of this one.
    let (b, _) = with_spectrum(&outliers(500), 5);
    let near = |amount: f64| {
        let mut outlying = outliers(500);
        outlying.sort_by(|x, y| y.total_cmp(x));
        let d = DMatrix::from_diagonal(&DVector::from_vec(outlying));
        &q * d * q.transpose() + &b * amount
    };
    let lanczos = Lanczos { largest: 4, ..Lanczos::default() };
    let first = lanczos.run(&near(0.0), &[]).unwrap();
    let vectors: Vec<Vec<f64>> = first.largest.iter().map(|p| p.vector.clone()).collect();
    let a = near(1e-6);
    let (cold, warm) = (lanczos.run(&a, &[]).unwrap(), lanczos.run(&a, &vectors).unwrap());
    let expected = SymmetricEigen::new(a).eigenvalues;
    let expected = sorted(expected.as_slice().to_vec());
    for (pair, expected) in warm.largest.iter().zip(&expected) {
        assert!((pair.value - expected).abs() < 1e-12);
    }
    assert!(warm.products < cold.products, "{} {}", warm.products, cold.products);
    // Two blocks, without a search for what was missed, which cold starts have.
    assert!(warm.products <= 10 && cold.products <= 20, "{} {}", warm.products, cold.products);
}

#[test]
fn a_limit_on_products_is_reported() {
    let values: Vec<f64> = (0..500).map(|i| i as f64 / 500.0).collect();
    let (a, _) = with_spectrum(&values, 6);
    let found = Lanczos { largest: 3, products: 12, ..Lanczos::default() }.run(&a, &[]).unwrap();
    assert!(!found.converged && found.products == 12);
    let true_residual = residual(&a, found.largest[0].value, &found.largest[0].vector);
    assert!((true_residual - found.largest[0].residual).abs() < 1e-12 && true_residual > 1e-6);
}

#[test]
fn bad_requests_are_refused() {
    let a = DMatrix::<f64>::identity(3, 3);
    let run = |lanczos: Lanczos, warm: &[Vec<f64>]| lanczos.run(&a, warm).unwrap_err().to_string();
    let base = Lanczos::default();
    assert_eq!(
        run(Lanczos { largest: 4, ..base }, &[]),
        "4 eigenvalues are wanted of a matrix that has 3"
    );
    assert_eq!(run(Lanczos { block: 0, ..base }, &[]), "the block size must be positive");
    assert_eq!(run(Lanczos { tolerance: f64::NAN, ..base }, &[]), "the tolerance must be positive");
    assert_eq!(
        run(base, &[vec![1.0, 2.0]]),
        "a vector has 2 entries, but the operator has 3 columns"
    );
    let bad = DMatrix::from_element(2, 2, f64::NAN);
    assert_eq!(base.run(&bad, &[]), Err(Error::NotFinite("a product with the operator")));
    let krylov = Krylov::default().function(&a, &[1.0, f64::INFINITY, 0.0], Complex64::from);
    assert!(matches!(krylov, Err(Error::NotFinite(_))));
    assert!(Density { probes: 0, ..Density::default() }.run(&a).is_err());
}

#[test]
fn all_eigenvalues_of_a_small_matrix() {
    let values = outliers(150);
    let (a, _) = with_spectrum(&values, 7);
    assert_eq!(assemble(&a).unwrap(), a);
    let (found, vectors) = eigenvalues(&a).unwrap();
    for (found, expected) in found.iter().zip(sorted(values)) {
        assert!((found - expected).abs() < 1e-13);
    }
    let back = &vectors * DMatrix::from_diagonal(&DVector::from_vec(found)) * vectors.transpose();
    assert!((back - a).norm() < 1e-12);
}

/// The Wigner semicircle and the law of Marchenko and Pastur.
#[test]
fn densities_of_random_matrices_follow_their_laws() {
    let n = 200;
    let mut next = noise(8);
    // Sums of uniform numbers, of variance 1.
    let mut entry = || (0..3).map(|_| next()).sum::<f64>();
    let g = DMatrix::from_fn(n, n, |_, _| entry());
    let wigner = (&g + g.transpose()) / (2.0 * n as f64).sqrt();
    let x = DMatrix::from_fn(n, 2 * n, |_, _| entry());
    let wishart = &x * x.transpose() / (2 * n) as f64;
    // Eigenvalues within [-2, 2], and within (1 ± 1/√2)².
    let semicircle = |x: f64| (4.0 - x * x).max(0.0).sqrt() / std::f64::consts::TAU;
    let q: f64 = 0.5;
    let (low, high) = ((1.0 - q.sqrt()).powi(2), (1.0 + q.sqrt()).powi(2));
    let pastur = |x: f64| {
        let inside = ((high - x) * (x - low)).max(0.0);
        if x <= 0.0 { 0.0 } else { inside.sqrt() / (std::f64::consts::TAU * q * x) }
    };
    for distribution in [Probe::Rademacher, Probe::Gaussian] {
        let density =
            Density { steps: 40, probes: 400, distribution, block: 4, ..Density::default() };
        for (a, law) in [(&wigner, &semicircle as &dyn Fn(f64) -> f64), (&wishart, &pastur)] {
            let found = density.run(a).unwrap();
            assert_eq!(found.products, 16_000);
            assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            // The law smoothed in the same way, by the trapezoidal rule.
            let width = 0.15;
            let smooth = |x: f64| {
                let steps = 2000;
                let dx = 5.0 / steps as f64;
                let points = (0..=steps).map(|k| -2.0 + k as f64 * dx);
                let normal =
                    |t: f64| (-0.5 * (t / width).powi(2)).exp() / width / 2.506_628_274_631;
                points.map(|t| law(t) * normal(x - t) * dx).sum::<f64>()
            };
            for (x, value) in found.grid(width, 60).unwrap() {
                // Four standard deviations of the choice of the probes.
                assert!((value - smooth(x)).abs() < 0.025, "{x}: {value} {}", smooth(x));
            }
        }
    }
}

#[test]
fn a_grid_has_a_bounded_number_of_points() {
    let found = Density { steps: 3, ..Density::default() }.run(&DMatrix::identity(4, 4)).unwrap();
    assert_eq!(found.grid(0.1, 7).unwrap().len(), 7);
    for count in [Quadrature::MOST + 1, usize::MAX] {
        let error = found.grid(0.1, count).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("the number of points of the grid is {count}, and 10000000 is the most")
        );
    }
    assert!(found.grid(0.1, 1).is_err());
}

#[test]
fn a_density_has_the_moments_of_the_spectrum() {
    let values = outliers(300);
    let (a, _) = with_spectrum(&values, 9);
    let density = Density { steps: 40, probes: 200, ..Density::default() };
    let found = density.run(&a).unwrap();
    // Every probe's moments are its own quadratic forms, exactly.
    let mean = values.iter().sum::<f64>() / 300.0;
    let square = values.iter().map(|v| v * v).sum::<f64>() / 300.0;
    // The standard error of 200 probes.
    let error = |k: usize, exact: f64| {
        let spread = found.moments.iter().map(|m| (m[k] - exact).powi(2)).sum::<f64>() / 200.0;
        let mean = found.moments.iter().map(|m| m[k]).sum::<f64>() / 200.0;
        (mean - exact).abs() / (spread / 200.0).sqrt()
    };
    assert!(error(0, mean) < 4.0 && error(1, square) < 4.0);
    assert!(
        (found.mean(|x| x) - found.moments.iter().map(|m| m[0]).sum::<f64>() / 200.0).abs() < 1e-13
    );
    // The same seed, however many probes are multiplied at a time.
    let block = Density { block: 7, ..density };
    assert_eq!(block.run(&a).unwrap(), found);
    assert_ne!(Density { seed: 1, ..density }.run(&a).unwrap().nodes, found.nodes);
}

#[test]
fn functions_of_a_real_matrix_agree_with_the_eigendecomposition() {
    let values = outliers(300);
    let (a, q) = with_spectrum(&values, 10);
    let g = random_vector(300, 11);
    // h λ_1 = 2.25: the logarithm is complex along three directions.
    let h = 0.25;
    let phi = |x: f64| bea::flow::alpha::pf((h * x).into());
    let along = q.transpose() * DVector::from_column_slice(&g);
    let expected = q.map(Complex64::from) * DVector::from_fn(300, |i, _| phi(values[i]) * along[i]);
    for tolerance in [1e-12, 1e-8, 1e-4] {
        let krylov = Krylov { tolerance, ..Krylov::default() };
        let found = krylov.function(&a, &g, phi).unwrap();
        assert!(found.converged && found.products < 60, "{}", found.products);
        let error = (DVector::from_vec(found.value) - &expected).norm();
        assert!(error < 2.0 * found.estimate + 1e-13 * expected.norm(), "{tolerance}: {error:e}");
        assert!(error < tolerance * expected.norm());
        // The estimate is no gross exaggeration.
        assert!(found.estimate < 1e4 * error + 1e-11, "{:e} {error:e}", found.estimate);
    }
    let few = Krylov { steps: 5, ..Krylov::default() }.function(&a, &g, phi).unwrap();
    assert!(!few.converged && few.products == 5);
}

/// `A = Q diag(z) Qᵀ` with a complex orthogonal `Q = exp(iS)`, `S` antisymmetric.
fn complex_symmetric(z: &[Complex64], seed: u64) -> (DMatrix<Complex64>, DMatrix<Complex64>) {
    let n = z.len();
    let mut next = noise(seed);
    let s = DMatrix::from_fn(n, n, |_, _| next() / n as f64);
    let s = (&s - s.transpose()) * 0.5;
    let (_, real) = with_spectrum(&vec![0.0; n], seed + 1);
    let q = real.map(Complex64::from) * s.map(|x| Complex64::new(0.0, x)).exp();
    let a = &q * DMatrix::from_diagonal(&DVector::from_column_slice(z)) * q.transpose();
    ((&a + a.transpose()) * Complex64::from(0.5), q)
}

#[test]
fn the_projection_of_a_complex_symmetric_matrix() {
    let n = 80;
    let z: Vec<Complex64> = outliers(n)
        .iter()
        .enumerate()
        .map(|(i, &x)| Complex64::new(x, 0.1 * (i as f64).sin()))
        .collect();
    let (a, q) = complex_symmetric(&z, 12);
    let g: Vec<Complex64> = random_vector(n, 13)
        .into_iter()
        .zip(random_vector(n, 14))
        .map(|(re, im)| Complex64::new(re, im))
        .collect();
    let mut space = KrylovSpace::new(&a, &g).unwrap();
    // exp(A) g, the exponential of the projected matrix by scaling and squaring.
    let krylov = Krylov { tolerance: 1e-12, steps: n };
    let exponential = |space: &KrylovSpace<Complex64>| {
        let c = space.projected().exp().column(0) * Complex64::from(space.norm());
        Ok::<_, Error>((c, 0.0))
    };
    let (c, _, converged) = krylov.grow(&mut space, &a, 0, exponential).unwrap();
    assert!(converged && space.len() < 50, "{}", space.len());
    let along = q.transpose() * DVector::from_column_slice(&g);
    let expected = &q * DVector::from_fn(n, |i, _| z[i].exp() * along[i]);
    let error = (DVector::from_vec(space.combine(&c)) - &expected).norm() / expected.norm();
    assert!(error < 1e-11, "{error:e}");
    // The relation A V = V T + β v eᵀ: the residual of a Ritz pair is β |y_m|.
    let t = space.projected();
    let m = t.nrows();
    for i in (0..m).step_by(7) {
        let unit =
            |i: usize| DVector::from_fn(m, |k, _| Complex64::from(f64::from(u8::from(k == i))));
        let v = space.combine(&unit(i));
        let product = &a * DVector::from_vec(v);
        let inside = DVector::from_vec(space.combine(&t.column(i).into_owned()));
        let rest = (product - inside).norm();
        let expected = if i == m - 1 { space.coupling() } else { 0.0 };
        assert!((rest - expected).abs() < 1e-12, "{i}: {rest:e} {expected:e}");
    }
}

#[test]
fn an_invariant_space_makes_functions_exact() {
    let (a, q) = with_spectrum(&outliers(50), 15);
    // Along three eigenvectors.
    let g: Vec<f64> = (0..50).map(|i| q[(i, 0)] + 2.0 * q[(i, 1)] - q[(i, 3)]).collect();
    let found = Krylov::default().function(&a, &g, |x| x.exp().into()).unwrap();
    assert!(found.converged && found.products <= 4, "{}", found.products);
    let along = q.transpose() * DVector::from_column_slice(&g);
    let expected = &q * DVector::from_fn(50, |i, _| outliers(50)[i].exp() * along[i]);
    let error = (DVector::from_vec(found.value).map(|x| x.re) - &expected).norm();
    assert!(error < 1e-9 * expected.norm(), "{error:e}");
    let zero = Krylov::default().function(&a, &[0.0; 50], Complex64::from).unwrap();
    assert!(zero.converged && zero.products == 0 && zero.value == vec![Complex64::ZERO; 50]);
    // Neither huge nor tiny vectors overflow.
    for size in [1e-250, 1e250] {
        let scaled: Vec<f64> = g.iter().map(|x| x * size).collect();
        let found = Krylov::default().function(&a, &scaled, Complex64::from).unwrap();
        assert!(
            (found.value[7].re / size - (&a * DVector::from_column_slice(&g))[7]).abs() < 1e-12
        );
    }
}

/// An operator of which only products exist.
struct Counting<'a>(&'a DMatrix<f64>, std::cell::RefCell<Vec<usize>>);

impl Operator for Counting<'_> {
    fn dimension(&self) -> usize {
        self.0.nrows()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        self.1.borrow_mut().push(block.len());
        self.0.apply(block)
    }
}

#[test]
fn products_are_counted_and_come_in_blocks() {
    let (a, _) = with_spectrum(&outliers(200), 16);
    let operator = Counting(&a, Default::default());
    let lanczos = Lanczos { largest: 4, block: 4, ..Lanczos::default() };
    let found = lanczos.run(&operator, &[]).unwrap();
    let blocks = operator.1.take();
    assert_eq!(blocks.iter().sum::<usize>(), found.products);
    assert!(blocks.iter().all(|&b| b == 4));
    let found = Krylov::default().function(&operator, &random_vector(200, 1), |x| x.exp().into());
    assert_eq!(operator.1.take().len(), found.unwrap().products);
}

proptest! {
    #![proptest_config(cases::cases(24))]

    #[test]
    fn lanczos_agrees_with_the_dense_solver(
        values in prop::collection::vec(-3.0..3.0f64, 12..60),
        (largest, smallest, block) in (0..4usize, 0..4usize, 1..4usize),
        seed in 0..1000u64,
    ) {
        let (a, _) = with_spectrum(&values, seed);
        let dense = sorted(SymmetricEigen::new(a.clone()).eigenvalues.as_slice().to_vec());
        let lanczos = Lanczos { largest, smallest, block, basis: 20, seed, ..Lanczos::default() };
        let found = lanczos.run(&a, &[]).unwrap();
        prop_assert!(found.converged);
        let expected = dense.iter().take(largest).chain(dense.iter().rev().take(smallest));
        for (found, expected) in all_values(&found).iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-10, "{} {}", found, expected);
        }
    }

    /// `A → s A + t` moves eigenvalues as it should, and eigenvectors not at all.
    #[test]
    fn shifts_and_scales(shift in -5.0..5.0f64, factor in 0.1..10.0f64, seed in 0..100u64) {
        let (a, _) = with_spectrum(&outliers(60), seed);
        let b = &a * factor + DMatrix::identity(60, 60) * shift;
        let lanczos = Lanczos { largest: 3, smallest: 1, ..Lanczos::default() };
        let (of_a, of_b) = (lanczos.run(&a, &[]).unwrap(), lanczos.run(&b, &[]).unwrap());
        let pairs = |found: &bea::curvature::Extremes| {
            found.largest.iter().chain(&found.smallest).cloned().collect::<Vec<_>>()
        };
        for (a, b) in pairs(&of_a).iter().zip(pairs(&of_b)) {
            prop_assert!((a.value * factor + shift - b.value).abs() < 1e-10);
            let dot: f64 = a.vector.iter().zip(&b.vector).map(|(x, y)| x * y).sum();
            prop_assert!((dot.abs() - 1.0).abs() < 1e-10);
        }
    }

    /// `φ(A)(a g + b w) = a φ(A) g + b φ(A) w`.
    #[test]
    fn functions_are_linear_in_the_vector(
        (a, b) in (-2.0..2.0f64, -2.0..2.0f64),
        seed in 0..100u64,
    ) {
        let (matrix, _) = with_spectrum(&outliers(80), seed);
        let (g, w) = (random_vector(80, seed + 1), random_vector(80, seed + 2));
        let both: Vec<f64> = g.iter().zip(&w).map(|(g, w)| a * g + b * w).collect();
        let krylov = Krylov { tolerance: 1e-12, ..Krylov::default() };
        let phi = |x: f64| bea::flow::alpha::pf((0.3 * x).into());
        let value = |v: &[f64]| DVector::from_vec(krylov.function(&matrix, v, phi).unwrap().value);
        let parts = value(&g) * Complex64::from(a) + value(&w) * Complex64::from(b);
        prop_assert!((value(&both) - parts).norm() < 1e-9);
    }
}
