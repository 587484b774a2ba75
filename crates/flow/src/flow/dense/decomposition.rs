//! Functions of the Jacobian `A = hJ` of a field.
//!
//! `J` is real symmetric at a real point of a gradient field, complex **symmetric** (not Hermitian)
//! off the real line, and a general matrix for a game. Functions of the first kind come from its
//! orthogonal eigenvectors. Of the others `A = Q T Q*` with `T` triangular (complex Schur form),
//! which exists for every matrix, also where eigenvectors fall together.
//!
//! `log(I+A)/A f` is the upper right block of `log(I+M)`, `M = [[A, f], [0, 0]]`, by inverse scaling
//! and squaring: triangular square roots until `I+M` is near `I`, then a diagonal Padé approximant
//! as Gauss-Legendre quadrature of `log(I+X) = ∫₀¹ X(I+sX)⁻¹ ds`. The roots of the diagonal are
//! `exp(log(1+z)/2^s)`, so every eigenvalue may have a logarithm on its own sheet. Where the eigenvalues
//! lie far apart, Parlett's recurrence gives the same value at once.
//!
//! Source: Higham, *Functions of Matrices*, sections 4.5-4.6 (triangular matrices, Parlett's
//! recurrence), 6.2 (roots) and 11.4-11.5 (inverse scaling and squaring); Al-Mohy and Higham, *Improved inverse scaling and
//! squaring algorithms for the matrix logarithm*, SIAM J. Sci. Comput. 34 (2012).

use crate::flow::branch::alpha::ell;
use crate::flow::branch::continuation::Eigenvector;
use crate::flow::velocity::is_real;
use crate::flow::{Problem, Stop};
use nalgebra::{DMatrix, DVector, Schur, SymmetricEigen};
use num_complex::Complex64;

/// The largest norm of an inverse matrix of eigenvectors that is trusted: about half of all digits
/// are lost then. Rounding splits a defective pair of eigenvalues so that the norm is 1/√ε = 7e7.
const MAX_CONDITION: f64 = 1e7;
/// How near to `I` the roots must come: with 8 nodes the quadrature is then exact to 1e-16.
const NEAR_IDENTITY: f64 = 0.25;
const MAX_ROOTS: i32 = 60;
/// Eigenvalues further apart than this, and than what couples them, lose at most a digit in Parlett's
/// recurrence.
const APART: f64 = 0.1;
/// An eigenvalue of a real matrix with so small an imaginary part, relative to the norm, is real.
const REAL: f64 = 64.0 * f64::EPSILON;
/// How many iterations a row of a matrix may take in the eigenvalue solvers.
const ITERATIONS: usize = 30;

/// The nodes and weights of Gauss and Legendre on `[-1, 1]`, those that are positive.
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// `A = hJ(θ)`, decomposed.
pub(in crate::flow) enum Decomposition {
    /// Real symmetric: the eigenvalues and orthonormal eigenvectors.
    Symmetric(Vec<Complex64>, DMatrix<f64>),
    /// Any other: `A = Q T Q*` and the diagonal of `T`.
    Triangular { z: Vec<Complex64>, q: DMatrix<Complex64>, t: DMatrix<Complex64> },
}

/// Eigenvalues and eigenvectors `A V = V diag(z)`.
pub(in crate::flow) struct Basis {
    pub(in crate::flow) z: Vec<Complex64>,
    pub(in crate::flow) vectors: DMatrix<Complex64>,
    pub(in crate::flow) inverse: DMatrix<Complex64>,
}

impl Basis {
    /// The coefficients of `f` along the eigenvectors.
    pub(in crate::flow) fn along(&self, f: &[Complex64]) -> DVector<Complex64> {
        &self.inverse * DVector::from_column_slice(f)
    }

    /// `Σ_i c(i) (V⁻¹ f)_i v_i`.
    pub(in crate::flow) fn apply(
        &self,
        f: &[Complex64],
        c: impl Fn(usize) -> Result<Complex64, Stop>,
    ) -> Result<Vec<Complex64>, Stop> {
        let mut along = self.along(f);
        for (i, along) in along.iter_mut().enumerate() {
            // A pole matters only where its factor is not 0.
            if *along != Complex64::ZERO {
                *along *= c(i)?;
            }
        }
        Ok((&self.vectors * along).as_slice().to_vec())
    }
}

/// The result of an eigenvalue solver for `d` rows. It takes what couples two eigenvalues for 0 if that is below
/// `epsilon` times their size; among many equal eigenvalues that are small beside the norm of the matrix, rounding
/// errors stay above the unit roundoff, and a larger `epsilon` is within them.
fn converged<T>(d: usize, solve: impl Fn(f64, usize) -> Option<T>) -> Result<T, Stop> {
    let epsilons = [1.0, 8.0, 64.0, 512.0].map(|factor| factor * f64::EPSILON);
    let found = epsilons.into_iter().find_map(|epsilon| solve(epsilon, ITERATIONS * d.max(8)));
    found.ok_or(Stop::NoConvergence("the eigenvalue solver"))
}

/// The eigenvalues of a real matrix.
///
/// # Errors
/// If an entry is not finite, or the iteration does not converge.
pub(in crate::flow) fn eigenvalues(m: &DMatrix<f64>) -> Result<Vec<Complex64>, Stop> {
    // Products of larger entries could overflow.
    const LARGE: f64 = 1e100;
    if !m.iter().all(|x| x.is_finite()) {
        return Err(Stop::NotFinite);
    }
    let largest = m.amax();
    let scale = if largest > LARGE { largest } else { 1.0 };
    let scaled = m / scale;
    let schur = converged(m.nrows(), |epsilon, iterations| {
        Schur::try_new(scaled.clone(), epsilon, iterations)
    })?;
    Ok(schur.complex_eigenvalues().iter().map(|z| z * scale).collect())
}

impl Decomposition {
    /// Of `hJ` at `θ`.
    pub(in crate::flow) fn at(
        problem: &Problem,
        theta: &[Complex64],
        h: f64,
    ) -> Result<Decomposition, Stop> {
        let d = problem.dimension();
        let mut a = DMatrix::zeros(d, d);
        problem.jacobian(theta, &mut a)?;
        a *= Complex64::from(h);
        Decomposition::of(a, problem.is_gradient() && is_real(theta))
    }

    /// Of `A`, of which the imaginary part is ignored if it is `real_symmetric`.
    pub(in crate::flow) fn of(
        a: DMatrix<Complex64>,
        real_symmetric: bool,
    ) -> Result<Decomposition, Stop> {
        if !crate::flow::velocity::is_finite(a.as_slice()) {
            return Err(Stop::NotFinite);
        }
        if real_symmetric {
            let a = a.map(|x| x.re);
            let eigen = converged(a.nrows(), |epsilon, iterations| {
                SymmetricEigen::try_new(a.clone(), epsilon, iterations)
            })?;
            let z = eigen.eigenvalues.iter().map(|&z| z.into()).collect();
            return Ok(Decomposition::Symmetric(z, eigen.eigenvectors));
        }
        let is_real = is_real(a.as_slice());
        let (q, t) = converged(a.nrows(), |epsilon, iterations| {
            Schur::try_new(a.clone(), epsilon, iterations)
        })?
        .unpack();
        let mut z: Vec<Complex64> = t.diagonal().iter().copied().collect();
        if is_real {
            // Rounding must not put a real eigenvalue below the cut of its logarithm.
            let rounding = REAL * t.norm();
            z.iter_mut().filter(|z| z.im.abs() < rounding).for_each(|z| z.im = 0.0);
        }
        Ok(Decomposition::Triangular { z, q, t })
    }

    /// The eigenvalues `z` of `A`; for one loss `-hλ`.
    pub(in crate::flow) fn eigenvalues(&self) -> &[Complex64] {
        match self {
            Decomposition::Symmetric(z, _) | Decomposition::Triangular { z, .. } => z,
        }
    }

    /// `log(I+A)/A f`, where `logs` are the values of `log(1+z)`.
    pub(in crate::flow) fn log_over(
        &self,
        logs: &[Complex64],
        f: &[Complex64],
    ) -> Result<Vec<Complex64>, Stop> {
        match self {
            Decomposition::Symmetric(z, vectors) => Ok(combine(vectors, f, |i| ell(z[i], logs[i]))),
            Decomposition::Triangular { q, t, .. } => {
                let f = q.ad_mul(&DVector::from_column_slice(f));
                let value = match parlett(t, logs, &f) {
                    Some(value) => value,
                    None => triangular_log_over(t, logs, &f)?,
                };
                Ok((q * value).as_slice().to_vec())
            }
        }
    }

    /// The eigenvectors of the eigenvalues with these numbers; `None` where there is no basis.
    pub(in crate::flow) fn eigenvectors(&self, which: &[usize]) -> Option<Vec<Eigenvector>> {
        let basis = self.basis().ok()?;
        let vector = |&i: &usize| Eigenvector {
            right: basis.vectors.column(i).into_owned(),
            left: basis.inverse.row(i).into_owned(),
        };
        Some(which.iter().map(vector).collect())
    }

    /// A basis of eigenvectors.
    pub(in crate::flow) fn basis(&self) -> Result<Basis, Stop> {
        match self {
            Decomposition::Symmetric(z, vectors) => {
                let vectors = vectors.map(Complex64::from);
                Ok(Basis { z: z.clone(), inverse: vectors.transpose(), vectors })
            }
            Decomposition::Triangular { z, q, t } => {
                let mut vectors = q * eigenvectors(t);
                for mut v in vectors.column_iter_mut() {
                    let norm = v.norm();
                    v /= Complex64::from(norm);
                }
                let inverse = vectors.clone().try_inverse().ok_or(Stop::Defective)?;
                // NaN fails this comparison too.
                if inverse.norm() < MAX_CONDITION {
                    Ok(Basis { z: z.clone(), vectors, inverse })
                } else {
                    Err(Stop::Defective)
                }
            }
        }
    }
}

/// `Σ_i c(i) (f·u_i) u_i` for orthonormal columns `u_i`.
fn combine(
    vectors: &DMatrix<f64>,
    f: &[Complex64],
    c: impl Fn(usize) -> Complex64,
) -> Vec<Complex64> {
    let mut out = vec![Complex64::ZERO; f.len()];
    for (i, u) in vectors.column_iter().enumerate() {
        let along: Complex64 = u.iter().zip(f).map(|(u, f)| f * u).sum();
        // An infinite coefficient matters only where its factor is not 0.
        if along != Complex64::ZERO {
            let along = along * c(i);
            out.iter_mut().zip(u.iter()).for_each(|(out, u)| *out += along * u);
        }
    }
    out
}

/// The eigenvectors of an upper triangular matrix, upper triangular with diagonal 1.
fn eigenvectors(t: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    let n = t.nrows();
    let smallest = f64::EPSILON * t.norm().max(1e-100);
    let mut v = DMatrix::identity(n, n);
    for k in 0..n {
        for i in (0..k).rev() {
            let sum: Complex64 = (i + 1..=k).map(|j| t[(i, j)] * v[(j, k)]).sum();
            let mut gap = t[(k, k)] - t[(i, i)];
            if gap.norm() < smallest {
                gap = smallest.into();
            }
            v[(i, k)] = sum / gap;
        }
    }
    v
}

/// `log(I+T)/T f` for an upper triangular `T`, by Parlett's recurrence; `None` where eigenvalues are
/// so near to each other that its quotients lose digits.
fn parlett(
    t: &DMatrix<Complex64>,
    logs: &[Complex64],
    f: &DVector<Complex64>,
) -> Option<DVector<Complex64>> {
    let n = t.nrows();
    let pairs = || (0..n).flat_map(|j| (0..j).map(move |i| (i, j)));
    let coupling = pairs().map(|(i, j)| t[(i, j)].l1_norm()).fold(0.0, f64::max);
    let apart = APART.max(coupling * n as f64);
    if pairs().any(|(i, j)| (t[(j, j)] - t[(i, i)]).l1_norm() < apart) {
        return None;
    }
    let mut value = DMatrix::zeros(n, n);
    for j in 0..n {
        value[(j, j)] = ell(t[(j, j)], logs[j]);
        for i in (0..j).rev() {
            let mut sum = t[(i, j)] * (value[(j, j)] - value[(i, i)]);
            for k in i + 1..j {
                sum += t[(i, k)] * value[(k, j)] - value[(i, k)] * t[(k, j)];
            }
            value[(i, j)] = sum / (t[(j, j)] - t[(i, i)]);
        }
    }
    Some(value * f)
}

/// `log(I+T)/T f` for an upper triangular `T`, by inverse scaling and squaring.
fn triangular_log_over(
    t: &DMatrix<Complex64>,
    logs: &[Complex64],
    f: &DVector<Complex64>,
) -> Result<DVector<Complex64>, Stop> {
    let n = t.nrows();
    let size = f.iter().map(|x| x.norm()).fold(0.0, f64::max);
    if size == 0.0 {
        return Ok(DVector::zeros(n));
    }
    // Linear in f: small, it does not decide how many roots are taken.
    let scale = 0.01 / size;
    let mut u = DMatrix::identity(n + 1, n + 1);
    for j in 0..n {
        for i in 0..j {
            u[(i, j)] = t[(i, j)];
        }
        u[(j, j)] = 1.0 + t[(j, j)];
        u[(j, n)] = f[j] * scale;
    }
    let distance = |u: &DMatrix<Complex64>| {
        let columns = (0..=n).map(|j| {
            (0..=j).map(|i| (u[(i, j)] - f64::from(u8::from(i == j))).l1_norm()).sum::<f64>()
        });
        columns.fold(0.0, f64::max)
    };
    // The diagonal alone is not enough: a root may be near to 1 and belong to another sheet.
    let largest = logs.iter().map(|log| log.norm()).fold(0.0, f64::max);
    let mut roots = 0;
    while largest > NEAR_IDENTITY * 2f64.powi(roots) || distance(&u) > NEAR_IDENTITY {
        roots += 1;
        if roots > MAX_ROOTS {
            return Err(Stop::NotFinite);
        }
        root(&mut u, |i| match logs.get(i) {
            Some(log) => (log / 2f64.powi(roots)).exp(),
            None => Complex64::ONE,
        })?;
    }
    // X and the last column of log(I+X).
    for i in 0..=n {
        u[(i, i)] -= 1.0;
    }
    let column: DVector<Complex64> = u.column(n).into_owned();
    let mut sum = DVector::zeros(n);
    for (node, weight) in GAUSS {
        for s in [(1.0 + node) / 2.0, (1.0 - node) / 2.0] {
            let mut y = column.clone();
            for i in (0..=n).rev() {
                let above: Complex64 = (i + 1..=n).map(|j| u[(i, j)] * y[j]).sum();
                y[i] = (y[i] - above * s) / (1.0 + u[(i, i)] * s);
            }
            sum += y.rows(0, n) * Complex64::from(weight / 2.0);
        }
    }
    Ok(sum * Complex64::from(2f64.powi(roots) / scale))
}

/// The square root with the given diagonal of an upper triangular matrix, in place.
fn root(u: &mut DMatrix<Complex64>, diagonal: impl Fn(usize) -> Complex64) -> Result<(), Stop> {
    let n = u.nrows();
    for j in 0..n {
        u[(j, j)] = diagonal(j);
        for i in (0..j).rev() {
            let inner: Complex64 = (i + 1..j).map(|k| u[(i, k)] * u[(k, j)]).sum();
            let (rest, sum) = (u[(i, j)] - inner, u[(i, i)] + u[(j, j)]);
            // Equal eigenvalues on different sheets have no common function.
            u[(i, j)] = match (rest.l1_norm() < 1e-12, sum.l1_norm() < 1e-12) {
                (true, true) => Complex64::ZERO,
                (false, true) => return Err(Stop::Defective),
                _ => rest / sum,
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::branch::alpha::log_1p;
    use std::f64::consts::TAU;

    fn c(re: f64, im: f64) -> Complex64 {
        Complex64::new(re, im)
    }

    /// `Σ (-A)^n/(n+1) f`, for small `A`.
    fn series(a: &DMatrix<Complex64>, f: &DVector<Complex64>) -> DVector<Complex64> {
        let (mut sum, mut power) = (DVector::zeros(f.len()), f.clone());
        for n in 0..200 {
            sum += &power / Complex64::from(f64::from(n) + 1.0);
            power = -(a * power);
        }
        sum
    }

    fn log_over(a: &DMatrix<Complex64>, f: &DVector<Complex64>) -> DVector<Complex64> {
        let decomposition = Decomposition::of(a.clone(), false).unwrap();
        let logs: Vec<_> = decomposition.eigenvalues().iter().map(|&z| log_1p(z)).collect();
        DVector::from_vec(decomposition.log_over(&logs, f.as_slice()).unwrap())
    }

    #[test]
    fn defective_repeated_and_singular_matrices_agree_with_the_series() {
        let f = DVector::from_vec(vec![c(1.0, 0.5), c(-2.0, 0.1), c(0.3, -1.0)]);
        // Complex symmetric, with the nilpotent part [[1, i], [i, -1]] in its first block.
        let block = |lambda: Complex64, size: f64| {
            let mut a = DMatrix::zeros(3, 3);
            a[(0, 0)] = lambda + size;
            a[(1, 1)] = lambda - size;
            (a[(0, 1)], a[(1, 0)]) = (c(0.0, size), c(0.0, size));
            a[(2, 2)] = lambda;
            a
        };
        for (lambda, size) in [(0.3, 0.2), (0.3, 1e-9), (0.0, 0.1), (0.0, 0.0), (-0.4, 0.2)] {
            let a = block(c(lambda, 0.1 * lambda), size);
            let (found, expected) = (log_over(&a, &f), series(&a, &f));
            let error = (&found - &expected).norm() / expected.norm();
            assert!(error < 1e-13, "{lambda} {size}: {error:e}");
            // A tiny nilpotent part may or may not be seen.
            let defective = Decomposition::of(a, false).unwrap().basis().is_err();
            assert!(defective == (size >= 0.1) || size == 1e-9, "{lambda} {size}");
        }
    }

    /// The eigenvalues are of all kinds; roots of `1+z` on far sheets come near to 1 too early.
    #[test]
    fn the_general_algorithm_agrees_with_the_symmetric_one_on_every_sheet() {
        let a = DMatrix::from_row_slice(3, 3, &[-2.5, 0.3, 0.1, 0.3, -0.4, 0.2, 0.1, 0.2, 1.5]);
        let a = a.map(Complex64::from);
        let f = [c(1.0, 0.5), c(-2.0, 0.1), c(0.3, -1.0)];
        for sheet in 0..40 {
            let log = |z: &Complex64| log_1p(*z) + c(0.0, TAU * f64::from(sheet) * z.re.round());
            let value = |symmetric: bool| {
                let decomposition = Decomposition::of(a.clone(), symmetric).unwrap();
                let logs: Vec<_> = decomposition.eigenvalues().iter().map(log).collect();
                DVector::from_vec(decomposition.log_over(&logs, &f).unwrap())
            };
            let (one, other) = (value(true), value(false));
            assert!((&one - &other).norm() < 1e-12 * one.norm(), "{sheet}: {one} {other}");
        }
    }

    /// Two routes: Parlett's recurrence beside inverse scaling and squaring, on every sheet; and the former
    /// stands back where eigenvalues are near.
    #[test]
    fn parlett_s_recurrence_agrees_with_scaling_and_squaring() {
        let mut t = DMatrix::zeros(4, 4);
        for j in 0..4_usize {
            for i in 0..j {
                t[(i, j)] = c(0.1 + 0.02 * i as f64, 0.05 * j as f64 - 0.1);
            }
            t[(j, j)] = c(1.5 - 1.3 * j as f64, 0.2 * j as f64);
        }
        let f = DVector::from_vec(vec![c(1.0, 0.5), c(-2.0, 0.1), c(0.3, -1.0), c(0.7, 0.0)]);
        for sheet in -3..=3 {
            let logs: Vec<Complex64> = (0..4)
                .map(|j| log_1p(t[(j, j)]) + c(0.0, TAU * f64::from(sheet) * j as f64))
                .collect();
            let one = parlett(&t, &logs, &f).expect("the eigenvalues are apart");
            let other = triangular_log_over(&t, &logs, &f).unwrap();
            assert!((&one - &other).norm() < 1e-13 * one.norm(), "{sheet}: {one} {other}");
        }
        t[(1, 1)] = t[(0, 0)] + 0.05;
        let logs: Vec<Complex64> = t.diagonal().iter().map(|&z| log_1p(z)).collect();
        assert!(parlett(&t, &logs, &f).is_none());
    }

    /// Many equal eigenvalues that are small beside the others, at complex points.
    #[test]
    fn clusters_of_small_eigenvalues_are_decomposed() {
        let mut random = crate::random::Stream::new(5, "clusters");
        for case in 0..40 {
            let d = 50;
            let noise = DMatrix::from_fn(d, d, |_, _| random.normal());
            let q = noise.qr().q();
            let value = |i: usize| match i {
                0..3 => 0.5 / (1 + i) as f64,
                3..20 => 0.012 + 1e-4 * i as f64,
                _ => 0.0125,
            };
            let diagonal = DMatrix::from_diagonal(&DVector::from_fn(d, |i, _| value(i)));
            let other = DVector::from_fn(d, |_, _| 0.1 * random.normal());
            let a = &q * diagonal * q.transpose();
            let a = a.map(Complex64::from) + (&other * other.transpose()).map(|x| c(0.0, x));
            let decomposition = Decomposition::of(a.clone(), false).unwrap();
            let Decomposition::Triangular { q, t, .. } = decomposition else { panic!("general") };
            let error = (&q * &t * q.adjoint() - &a).norm();
            assert!(error < 1e-13 * a.norm(), "{case}: {error:e}");
        }
    }

    #[test]
    fn a_basis_diagonalises() {
        let a = DMatrix::from_fn(5, 5, |i, j| c((i * j) as f64 % 3.0, (i + j) as f64 % 4.0));
        let basis = Decomposition::of(a.clone(), false).unwrap().basis().unwrap();
        let z = DMatrix::from_diagonal(&DVector::from_vec(basis.z));
        let back = &basis.vectors * z * &basis.inverse;
        assert!((back - &a).norm() < 1e-12 * a.norm());
    }
}
