//! Linear complementarity problems over positive semidefinite matrices.
//!
//! Given a symmetric `R`, `k × k`, and a linear map `Q` of symmetric matrices that is itself symmetric and positive
//! semidefinite, find
//!
//! ```text
//! X ⪰ 0,   Z = R + Q[X] ⪰ 0,   ⟨X, Z⟩ = 0.
//! ```
//!
//! These are the optimality conditions of the convex problem `min ½⟨X, Q[X]⟩ + ⟨R, X⟩` over `X ⪰ 0`. With one direction
//! `X = max(0, -R/Q)`. The solver is a primal-dual interior-point method with the direction of Helmberg, Kojima and Monteiro and
//! Mehrotra's predictor and corrector, from a start that need not satisfy the equation. For `k` directions an iteration
//! solves a system of `k(k+1)/2` equations, which costs nothing beside a derivative of a network; so each problem is
//! solved from the beginning, and no approximate solution is carried along.
//!
//! Source: Kojima, Shindoh and Hara, *Interior-point methods for the monotone semidefinite linear complementarity problem
//! in symmetric matrices*, SIAM J. Optim. 7 (1997).

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use std::f64::consts::SQRT_2;

/// How many iterations are made at most; 10 to 20 are usual.
const ITERATIONS: usize = 100;
/// Where the relative residuals are below this, it is solved.
const SOLVED: f64 = 1e-13;
/// A solution is accepted whose residual is at most this where rounding errors keep it from `SOLVED`.
const ACCEPTED: f64 = 1e-8;
/// Larger than this, relative to the data, the matrix is taken to have no bound.
const UNBOUNDED: f64 = 1e12;
/// Which part of the way to the boundary a step goes.
const PART: f64 = 0.98;
/// Below this part of `-⟨R, X⟩`, `Q[X]` is taken to be 0.
const FLAT: f64 = 1e-4;
/// Eigenvalues of the solution below this part of its scale are 0.
const NONE: f64 = 1e-9;

/// A problem: `R`, and `Q` as a matrix on the coordinates of [`coordinates`].
pub(super) struct Problem {
    pub(super) r: DMatrix<f64>,
    pub(super) q: DMatrix<f64>,
}

/// `X`, and how well it solves the problem.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Solution {
    pub(super) x: DMatrix<f64>,
    /// The largest of `-λ_min(Z)` and `|⟨X, Z⟩|/tr X`, computed from `X` alone, relative to the norm of `R`.
    pub(super) residual: f64,
}

/// Why there is no solution.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Unsolved {
    /// The data.
    NotFinite,
    /// There is none: along some `X ⪰ 0` with `⟨R, X⟩ < 0`, `Q[X]` is 0.
    Impossible,
    /// The residual of what was found.
    Residual(f64),
}

/// The pairs `i ≤ j` in the order of the coordinates of a symmetric matrix.
pub(super) fn pairs(k: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..k).flat_map(|j| (0..=j).map(move |i| (i, j)))
}

/// The coordinates `A_ii` and `√2 A_ij`, `i < j`, in which `⟨A, B⟩ = tr(AB)` is the product of vectors.
pub(super) fn coordinates(a: &DMatrix<f64>) -> DVector<f64> {
    let entry = |(i, j)| if i == j { a[(i, i)] } else { (a[(i, j)] + a[(j, i)]) / SQRT_2 };
    DVector::from_iterator(a.nrows() * (a.nrows() + 1) / 2, pairs(a.nrows()).map(entry))
}

/// The `k × k` matrix of these coordinates.
pub(super) fn matrix(k: usize, v: &DVector<f64>) -> DMatrix<f64> {
    let mut a = DMatrix::zeros(k, k);
    for ((i, j), &x) in pairs(k).zip(v.iter()) {
        let x = if i == j { x } else { x / SQRT_2 };
        a[(i, j)] = x;
        a[(j, i)] = x;
    }
    a
}

impl Problem {
    /// The solution of least trace where there are several, approximately.
    ///
    /// # Errors
    /// If there is none, or none was found.
    pub(super) fn solve(&self) -> Result<Solution, Unsolved> {
        let k = self.r.nrows();
        let finite = self.r.iter().chain(self.q.iter()).all(|x| x.is_finite());
        if !finite {
            return Err(Unsolved::NotFinite);
        }
        if k == 0 || least(&self.r) >= 0.0 {
            return Ok(Solution { x: DMatrix::zeros(k, k), residual: 0.0 });
        }
        let (of_r, of_q) = (self.r.norm(), self.q.norm());
        if of_q == 0.0 {
            return Err(Unsolved::Impossible);
        }
        let scaled = Problem { r: &self.r / of_r, q: &self.q / of_q };
        let (best, last) = scaled.interior();
        let x = positive_part(&(best * (of_r / of_q)));
        let residual = self.residual(&x);
        if residual <= ACCEPTED {
            Ok(Solution { x, residual })
        } else if scaled.is_impossible(&last) {
            Err(Unsolved::Impossible)
        } else {
            Err(Unsolved::Residual(residual))
        }
    }

    /// Whether the iterates, of which this is the last, have gone to infinity along an `X` that proves that there is no solution.
    fn is_impossible(&self, last: &DMatrix<f64>) -> bool {
        let along = last / last.norm();
        let gain = -along.dot(&self.r);
        gain > 0.0 && (&self.q * coordinates(&along)).norm() <= FLAT * gain
    }

    /// `Z = R + Q[X]`.
    fn slack(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        &self.r + matrix(self.r.nrows(), &(&self.q * coordinates(x)))
    }

    fn residual(&self, x: &DMatrix<f64>) -> f64 {
        let (z, size) = (self.slack(x), self.r.norm());
        let trace = x.trace();
        let gap = if trace > 0.0 { x.dot(&z).abs() / trace } else { 0.0 };
        (-least(&z)).max(gap).max(0.0) / size
    }

    /// Of a problem whose data have norm 1, the best and the last iterate.
    fn interior(&self) -> (DMatrix<f64>, DMatrix<f64>) {
        let k = self.r.nrows();
        let (mut x, mut z) = (DMatrix::identity(k, k), DMatrix::identity(k, k));
        let mut best = (f64::INFINITY, x.clone());
        for _ in 0..ITERATIONS {
            let miss = self.slack(&x) - &z;
            let gap = x.dot(&z) / k as f64;
            let error = miss.norm().max(gap);
            if error < best.0 {
                best = (error, x.clone());
            }
            if error <= SOLVED || x.norm() > UNBOUNDED {
                break;
            }
            let Some((dx, dz)) = self.direction(&x, &z, &miss, gap) else { break };
            let step = (PART * longest(&x, &dx).min(longest(&z, &dz))).min(1.0);
            if step.is_nan() || step <= 1e-12 {
                break;
            }
            x += dx * step;
            z += dz * step;
        }
        (best.1, x)
    }

    /// Mehrotra's direction from `(X, Z)`.
    fn direction(
        &self,
        x: &DMatrix<f64>,
        z: &DMatrix<f64>,
        miss: &DMatrix<f64>,
        gap: f64,
    ) -> Option<(DMatrix<f64>, DMatrix<f64>)> {
        let k = self.r.nrows();
        let inverse = z.clone().cholesky()?.inverse();
        // E(M) = sym(X M Z⁻¹)
        let scaling = |m: &DMatrix<f64>| symmetric(&(x * m * &inverse));
        let n = k * (k + 1) / 2;
        let columns: Vec<DVector<f64>> = (0..n)
            .map(|i| {
                let mut unit = DVector::zeros(n);
                unit[i] = 1.0;
                coordinates(&scaling(&matrix(k, &unit)))
            })
            .collect();
        // dX + E(Q[dX]) = σμ Z⁻¹ - X - E(miss) - sym(dX' dZ' Z⁻¹), dZ = Q[dX] + miss
        let system = DMatrix::identity(n, n) + DMatrix::from_columns(&columns) * &self.q;
        let system = system.lu();
        let solve = |right: &DMatrix<f64>| {
            let dx = system.solve(&coordinates(right))?;
            let dz = matrix(k, &(&self.q * &dx)) + miss;
            Some((matrix(k, &dx), dz))
        };
        let affine = -x - scaling(miss);
        let (dx, dz) = solve(&affine)?;
        let step = longest(x, &dx).min(longest(z, &dz)).min(1.0);
        let reached = (x + &dx * step).dot(&(z + &dz * step)) / k as f64;
        let centering = (reached / gap).clamp(0.0, 1.0).powi(3);
        let second = symmetric(&(dx * dz * &inverse));
        solve(&(affine + &inverse * (centering * gap) - second))
    }
}

fn symmetric(a: &DMatrix<f64>) -> DMatrix<f64> {
    (a + a.transpose()) * 0.5
}

/// The least eigenvalue.
fn least(a: &DMatrix<f64>) -> f64 {
    symmetric(a).symmetric_eigenvalues().min()
}

/// The largest `t` for which `A + t D ⪰ 0`, of a positive definite `A`.
fn longest(a: &DMatrix<f64>, d: &DMatrix<f64>) -> f64 {
    let Some(factor) = a.clone().cholesky() else { return 0.0 };
    let l = factor.l();
    let relative =
        l.solve_lower_triangular(d).and_then(|half| l.solve_lower_triangular(&half.transpose()));
    match relative.map(|relative| least(&relative)) {
        Some(lowest) if lowest < 0.0 => -1.0 / lowest,
        Some(_) => f64::INFINITY,
        None => 0.0,
    }
}

/// Without eigenvalues that are as small as the errors of the solution.
fn positive_part(a: &DMatrix<f64>) -> DMatrix<f64> {
    let SymmetricEigen { eigenvalues, eigenvectors } = symmetric(a).symmetric_eigen();
    let bound = NONE * eigenvalues.max();
    let kept = eigenvalues.map(|value| if value > bound { value } else { 0.0 });
    &eigenvectors * DMatrix::from_diagonal(&kept) * eigenvectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn symmetric_of(k: usize, entries: &[f64]) -> DMatrix<f64> {
        matrix(k, &DVector::from_column_slice(entries))
    }

    #[test]
    fn coordinates_keep_products() {
        let a = symmetric_of(3, &[1.0, 2.0, -3.0, 0.5, 4.0, -1.0]);
        let b = symmetric_of(3, &[0.3, -2.0, 1.0, 5.0, 0.0, 2.0]);
        assert!((coordinates(&a).dot(&coordinates(&b)) - a.dot(&b)).abs() < 1e-14);
        assert!((matrix(3, &coordinates(&a)) - a).norm() < 1e-15);
    }

    #[test]
    fn one_direction_has_a_closed_form() {
        let problem = |r: f64, q: f64| Problem {
            r: DMatrix::from_element(1, 1, r),
            q: DMatrix::from_element(1, 1, q),
        };
        let x = |r, q| problem(r, q).solve().ok().map(|solution| solution.x[(0, 0)]);
        assert!((x(-3e-4, 7e5).unwrap() / (3e-4 / 7e5) - 1.0).abs() < 1e-10);
        assert_eq!(x(3e-4, 7e5), Some(0.0));
        // Nothing that oscillates along it flattens the direction.
        assert_eq!(problem(-1.0, 0.0).solve(), Err(Unsolved::Impossible));
        assert_eq!(problem(f64::NAN, 1.0).solve(), Err(Unsolved::NotFinite));
    }

    /// The second direction is not flattened by anything.
    #[test]
    fn what_is_impossible_is_known() {
        let r = symmetric_of(2, &[-1.0, 0.3, -0.5]);
        let q = |last: f64| DMatrix::from_diagonal(&DVector::from_vec(vec![2.0, 0.7, last]));
        assert_eq!(Problem { r: r.clone(), q: q(0.0) }.solve(), Err(Unsolved::Impossible));
        assert!(Problem { r, q: q(0.1) }.solve().is_ok());
    }

    /// Two directions that interact: `min ½⟨X, Q[X]⟩ + ⟨R, X⟩` over rank-one and rank-two matrices by brute force.
    #[test]
    fn two_directions_against_a_search() {
        let r = symmetric_of(2, &[-1.0, -0.4, -0.2]);
        let a = DMatrix::from_row_slice(3, 3, &[1.0, 0.3, 0.2, 0.0, 0.8, -0.5, 0.1, 0.0, 0.6]);
        let q = &a.transpose() * &a;
        let problem = Problem { r, q };
        let x = problem.solve().unwrap().x;
        let value = |x: &DMatrix<f64>| {
            let v = coordinates(x);
            0.5 * v.dot(&(&problem.q * &v)) + x.dot(&problem.r)
        };
        let least = value(&x);
        let grid = |i: usize| 3.0 * i as f64 / 60.0;
        for (i, j, angle) in (0..=60)
            .flat_map(|i| (0..=i).flat_map(move |j| (0..60).map(move |t| (i, j, t as f64 * 0.1))))
        {
            let (s, c) = f64::sin_cos(angle);
            let rotation = DMatrix::from_row_slice(2, 2, &[c, -s, s, c]);
            let middle = DMatrix::from_diagonal(&DVector::from_vec(vec![grid(i), grid(j)]));
            let candidate = &rotation * middle * rotation.transpose();
            assert!(value(&candidate) >= least - 1e-10, "{candidate}");
        }
    }

    proptest! {
        /// The conditions hold, computed from the solution alone, for any size and rank of `Q`.
        #[test]
        fn conditions_hold(
            (k, rank, entries, data) in (1usize..=5).prop_flat_map(|k| {
                let n = k * (k + 1) / 2;
                (
                    Just(k),
                    n..=2 * n,
                    proptest::collection::vec(-1.0..1.0f64, 2 * n * n),
                    proptest::collection::vec(-1.0..1.0f64, n),
                )
            }),
            size_of_q in -6.0..6.0f64,
            size_of_r in -6.0..6.0f64,
        ) {
            let n = k * (k + 1) / 2;
            let a = DMatrix::from_column_slice(rank, n, &entries[..rank * n]);
            let q = a.transpose() * &a * 10f64.powf(size_of_q);
            let r = symmetric_of(k, &data) * 10f64.powf(size_of_r);
            let problem = Problem { r: r.clone(), q };
            let solution = problem.solve();
            prop_assert!(solution.is_ok());
            let x = solution.unwrap().x;
            let z = problem.slack(&x);
            let size = r.norm();
            prop_assert!(least(&x) >= -1e-12 * x.norm());
            prop_assert!(least(&z) >= -1e-8 * size, "{}", least(&z) / size);
            prop_assert!(x.dot(&z).abs() <= 1e-8 * size * x.trace().max(f64::MIN_POSITIVE));
        }
    }
}
