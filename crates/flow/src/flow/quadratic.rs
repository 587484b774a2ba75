//! The principal flow of a quadratic loss in closed form.

use crate::flow::branch::alpha::log_1p;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use num_complex::Complex64;

/// The principal flow of `E = ½ θᵀAθ + bᵀθ` at time `t` from `θ_0`, for a real symmetric `A`; only
/// its lower triangle is read. At `t = nh` it is the `n`-th iterate of gradient descent.
///
/// In the eigenbasis `θ̇_i = c_i (λ_i θ_i + b_i)` with `c_i = log(1-hλ_i)/(hλ_i)`, so with
/// `ω_i = c_i λ_i = log(1-hλ_i)/h`
///
/// ```text
/// θ_i(t) = e^(ω_i t) θ_i(0) + (e^(ω_i t) - 1)/λ_i b_i,      θ_i(0) - t b_i for λ_i = 0.
/// ```
///
/// The paper (Remark 3.1 and section A.6) has `t log(1-hλ_i)/(hλ_i) b_i` in the place of the second
/// term. That is only its tangent at `t = 0`: it solves the equation without its `θ`.
///
/// The logarithm is `+iπ + log(hλ_i-1)` for `hλ_i > 1`. For `hλ_i = 1` the flow is at the minimum
/// of that direction for all `t > 0`.
///
/// ```
/// use bea_flow::flow::quadratic;
/// use nalgebra::{DMatrix, DVector};
/// let (a, b) = (DMatrix::from_element(1, 1, 2.0), DVector::from_element(1, 1.0));
/// // One step of gradient descent from 1: 1 - 0.7 (2·1 + 1) = -1.1.
/// let end = quadratic(&a, &b, &DVector::from_element(1, 1.0), 0.7, 0.7);
/// assert!((end[0].re + 1.1).abs() < 1e-14 && end[0].im.abs() < 1e-14);
/// ```
pub fn quadratic(
    a: &DMatrix<f64>,
    b: &DVector<f64>,
    start: &DVector<f64>,
    h: f64,
    t: f64,
) -> DVector<Complex64> {
    let eigen = SymmetricEigen::new(a.clone());
    let mut end = DVector::zeros(start.len());
    for (&lambda, u) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
        let (start, b) = (u.dot(start), u.dot(b));
        let omega_t = log_1p(Complex64::from(-h * lambda)) * (t / h);
        let growth = omega_t.exp();
        // (e^(ωt) - 1)/λ without cancellation: e^(x/2) 2 sinh(x/2).
        let driven = if lambda == 0.0 {
            Complex64::from(-t)
        } else if omega_t.re == f64::NEG_INFINITY {
            Complex64::from(-1.0 / lambda)
        } else {
            (omega_t / 2.0).exp() * (omega_t / 2.0).sinh() * (2.0 / lambda)
        };
        let value = growth * start + driven * b;
        end.iter_mut().zip(u.iter()).for_each(|(x, u)| *x += value * u);
    }
    end
}
