//! The eigenvalues of the Hessian at a critical point, and which of them are zero.
//!
//! A point is found up to some distance, and an eigenvalue that is zero at the critical point is not
//! where Newton's method has stopped: on `x³` it is `6x`, whatever small `x` it is. Along an
//! eigenvector `u` with the eigenvalue `λ`, the gradient `g` and the third derivative
//! `T = ∇³E[u,u,u]`, Newton's step is `g/λ` and changes `λ` by `Tg/λ`. The quotient
//!
//! ```text
//! κ = |T g| / λ²
//! ```
//!
//! is the number of Kantorovich's theorem, and the factor by which the next step is shorter: near a
//! regular critical point it tends to 0, where the gradient has a zero of multiplicity `m ≥ 2` to
//! `(m-1)/m ≥ 1/2`. So `λ` counts as zero from `κ = 1/4` on. The gradient counts as no smaller than its
//! rounding errors, which are all that is left of it at a double zero: what it differs from `g + λs +
//! Ts²/2` at a small distance `s`. The step counts as no smaller than the rounding of the point.
//!
//! Source: Ortega and Rheinboldt, *Iterative Solution of Nonlinear Equations in Several Variables*,
//! section 12.6.

use crate::flow::Problem;
use crate::objective::ObjectiveError;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use num_complex::Complex64;

/// What counts as zero among eigenvalues, relative to the largest.
pub(super) const ZERO: f64 = 1e-9;
/// What counts as zero by Kantorovich's number.
const KANTOROVICH: f64 = 0.25;
/// How far from the point the gradient is compared with its expansion, relative to the point's size and
/// the way to it: there `T` times the square of the distance is a rounding error of what is of that size.
const BESIDE: f64 = 1.5e-8;
/// At so many points on either side.
const POINTS: i32 = 8;

/// An eigenvalue of the Hessian.
pub(super) struct Curvature {
    /// Exactly 0 if it counts as zero.
    pub(super) lambda: f64,
    /// The unit eigenvector.
    pub(super) vector: DVector<f64>,
}

/// The eigenvalues of `-j`, the largest first, at the point `theta` that was found from `given`, where the
/// total field is `f` and has the Jacobian `j`.
pub(super) fn curvatures(
    problem: &Problem,
    given: &[f64],
    theta: &DVector<f64>,
    f: &DVector<f64>,
    j: &DMatrix<f64>,
) -> Result<Vec<Curvature>, ObjectiveError> {
    let eigen = SymmetricEigen::new((j + j.transpose()) * -0.5);
    let (lambda, vectors) = (&eigen.eigenvalues, &eigen.eigenvectors);
    let negligible = ZERO * lambda.amax();
    let size = theta.norm() + (theta - DVector::from_column_slice(given)).norm();
    let d = theta.len();
    // ∇³E[u_i, u_i]
    let thirds: Vec<DVector<f64>> = (0..d)
        .map(|i| {
            let u = complex(&vectors.column(i).into_owned());
            let mut third = vec![Complex64::ZERO; d];
            problem.second(&complex(theta), &u, &u, &mut third)?;
            Ok(DVector::from_iterator(d, third.iter().map(|z| -z.re)))
        })
        .collect::<Result<_, ObjectiveError>>()?;
    // How far the critical point may be along every eigenvector.
    let distance = |i: usize| {
        let u = vectors.column(i).into_owned();
        let (g, t) = (-u.dot(f), u.dot(&thirds[i]));
        let mut rounding = 0.0f64;
        for k in -POINTS..=POINTS {
            let s = BESIDE * size * f64::from(k) / f64::from(POINTS);
            let mut field = vec![Complex64::ZERO; d];
            problem.total(&complex(&(theta + &u * s)), &mut field)?;
            let along: f64 = u.iter().zip(&field).map(|(u, f)| -u * f.re).sum();
            rounding = rounding.max((along - (g + lambda[i] * s + 0.5 * t * s * s)).abs());
        }
        Ok((g.abs() + rounding) / lambda[i].abs() + f64::EPSILON * theta.norm())
    };
    let distances = (0..d).map(distance).collect::<Result<Vec<f64>, ObjectiveError>>()?;
    let is_zero = |i: usize| {
        // Along a flat direction all points are critical to first order: no step is needed.
        let change = |k: usize| {
            if lambda[k].abs() > negligible {
                vectors.column(k).dot(&thirds[i]).abs() * distances[k]
            } else {
                0.0
            }
        };
        lambda[i].abs() <= negligible
            || (0..d).map(change).sum::<f64>() >= KANTOROVICH * lambda[i].abs()
    };
    let mut found: Vec<Curvature> = (0..d)
        .map(|i| Curvature {
            lambda: if is_zero(i) { 0.0 } else { lambda[i] },
            vector: vectors.column(i).into_owned(),
        })
        .collect();
    found.sort_by(|a, b| b.lambda.total_cmp(&a.lambda));
    Ok(found)
}

fn complex(point: &DVector<f64>) -> Vec<Complex64> {
    point.iter().map(|&x| x.into()).collect()
}
