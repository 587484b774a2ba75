//! Stability coefficients: what gradient descent does along eigenvectors of the Hessian, anywhere on its
//! way (paper, section 3.1 and Equation 8).

use super::Case;
use crate::curvature::Eigenpair;
use crate::flow::branch::alpha;
use num_complex::Complex64;

/// Of one eigenvector `u`, of sign such that `g·u ≥ 0`.
#[derive(Clone, PartialEq, Debug)]
pub struct StabilityCoefficient {
    /// The eigenvalue `λ`.
    pub lambda: f64,
    /// `hλ`.
    pub z: f64,
    /// `g·u ≥ 0`, the size of the gradient along `u`.
    pub along: f64,
    /// `sc = α_PF(hλ) (g·u)`: the principal flow along `u`. Its real part is negative where the flow goes
    /// downhill, and its imaginary part is what makes iterates jump from side to side. Infinite at
    /// `hλ = 1`, unless `g·u = 0`.
    pub coefficient: Complex64,
    /// The case of section 3.1: by `hλ` against 0, 1 and 2.
    pub case: Case,
}

/// The stability coefficients of gradient descent with the step size `h` along these eigenvectors of the
/// Hessian, whose signs are turned so that `g·u ≥ 0`.
///
/// ```
/// use bea_flow::curvature::Lanczos;
/// use bea_flow::flow::stability::{Case, stability_coefficients};
/// use nalgebra::{DMatrix, DVector};
/// let hessian = DMatrix::from_diagonal(&DVector::from_vec(vec![3.0, 1.0]));
/// let mut pairs = Lanczos::default().run(&hessian, &[])?.largest;
/// let sc = stability_coefficients(&mut pairs, &[-2.0, 5.0], 0.5);
/// // hλ = 3/2: log(1-hλ)/(hλ) = (log(1/2) + iπ)/(3/2).
/// assert_eq!(sc[0].case, Case::ComplexStable);
/// assert!((sc[0].along - 2.0).abs() < 1e-12 && pairs[0].vector[0] < 0.0);
/// assert!((sc[0].coefficient.re - 2.0 * 0.5f64.ln() / 1.5).abs() < 1e-12);
/// # Ok::<(), bea_flow::curvature::Error>(())
/// ```
///
/// # Panics
/// If an eigenvector is longer than the gradient.
pub fn stability_coefficients(
    pairs: &mut [Eigenpair],
    gradient: &[f64],
    h: f64,
) -> Vec<StabilityCoefficient> {
    let coefficient = |pair: &mut Eigenpair| {
        let mut along: f64 = pair.vector.iter().enumerate().map(|(i, u)| u * gradient[i]).sum();
        if along < 0.0 {
            pair.vector.iter_mut().for_each(|u| *u = -*u);
            along = -along;
        }
        let z = h * pair.value;
        let coefficient = if along == 0.0 { Complex64::ZERO } else { alpha::pf(z.into()) * along };
        let case = Case::of((1.0 - z).into(), (1.0 - z).abs());
        StabilityCoefficient { lambda: pair.value, z, along, coefficient, case }
    };
    pairs.iter_mut().map(coefficient).collect()
}
