//! Stability coefficients: what an optimizer does along eigenvectors of the Hessian, anywhere on its
//! way (paper, section 3.1 and Equation 8).

use super::linear_map::LinearMap;
use super::{Case, multipliers};
use crate::curvature::Eigenpair;
use crate::flow::SimulateError;
use crate::flow::branch::alpha;
use crate::flow::branch::principal_root::AlgebraicRoot;
use bea_series::field::joint;
use bea_series::series::GeneralLinearMethod;
use num_complex::Complex64;
use num_rational::BigRational;

/// Of one eigenvector `u`, of sign such that `g·u ≥ 0`.
#[derive(Clone, PartialEq, Debug)]
pub struct StabilityCoefficient {
    /// The eigenvalue `λ`.
    pub lambda: f64,
    /// `hλ`.
    pub z: f64,
    /// `g·u ≥ 0`, the size of the gradient along `u`.
    pub along: f64,
    /// `sc = α(hλ) (g·u)`: the principal flow along `u`. Its real part is negative where the flow goes
    /// downhill, and its imaginary part is what makes iterates jump from side to side. Infinite at
    /// `hλ = 1` of gradient descent, unless `g·u = 0`.
    pub coefficient: Complex64,
    /// The case of section 3.1: of gradient descent by `hλ` against 0, 1 and 2.
    pub case: Case,
}

/// What an optimizer with the step size `h` does along an eigenvector of the Hessian with the eigenvalue `λ`:
/// its principal flow goes at `α(hλ) (g·u)`,
///
/// ```text
/// α(hλ) = log P(-hλ)/(hλ),
/// ```
///
/// where `P` is the principal root of its step on a linear field, the eigenvalue with `P(0) = 1`
/// ([`ClosedForm`](bea_series::field::ClosedForm)). Of gradient descent `P(z) = 1 + z`, which gives
/// `α_PF(hλ) = log(1-hλ)/(hλ)`. The logarithm is continued from `hλ = 0` above the real axis of `z`: it is `+iπ` where
/// gradient descent has `hλ > 1`.
pub struct PrincipalCoefficient {
    h: f64,
    /// `None` for gradient descent.
    other: Option<(GeneralLinearMethod, AlgebraicRoot)>,
}

impl PrincipalCoefficient {
    /// Gradient descent.
    pub fn descent(h: f64) -> PrincipalCoefficient {
        PrincipalCoefficient { h, other: None }
    }

    /// Any optimizer; `None` if its fields are several that it does not treat alike.
    ///
    /// # Errors
    /// A step size where the optimizer is undefined.
    pub fn new(
        method: &GeneralLinearMethod,
        h: f64,
    ) -> Result<Option<PrincipalCoefficient>, SimulateError> {
        let Some(joint) = joint(method) else { return Ok(None) };
        let euler = GeneralLinearMethod::euler();
        // Whatever its field is called.
        if (&joint.stages, &joint.update) == (&euler.stages, &euler.update) {
            return Ok(Some(PrincipalCoefficient::descent(h)));
        }
        let root = AlgebraicRoot::new(&joint, h)?;
        Ok(root.map(|root| PrincipalCoefficient { h, other: Some((joint, root)) }))
    }

    /// `α(hλ)`, and `P(-hλ)`: what a step multiplies the component along the eigenvector by. NaN where two
    /// roots of the optimizer meet.
    pub fn at(&self, lambda: f64) -> (Complex64, Complex64) {
        let z = Complex64::from(self.h * lambda);
        let Some((_, root)) = &self.other else { return (alpha::pf(z), 1.0 - z) };
        match root.at((-root.argument * lambda).into()) {
            Ok(sheet) => (-sheet.coefficient() * root.factor, sheet.root()),
            Err(_) => (Complex64::new(f64::NAN, f64::NAN), Complex64::new(f64::NAN, f64::NAN)),
        }
    }

    /// The case of section 3.1.
    fn case(&self, lambda: f64, root: Complex64) -> Case {
        let radius = self.other.as_ref().map_or(root.norm(), |(method, _)| {
            let j = BigRational::from_float(-lambda).unwrap_or_default();
            let all = multipliers(&LinearMap::scalar(method, &j), self.h);
            all.first().map_or(root.norm(), |largest| largest.norm())
        });
        Case::of(root, radius)
    }

    /// The stability coefficients along these eigenvectors of the Hessian, whose signs are turned so that
    /// `g·u ≥ 0`.
    ///
    /// # Panics
    /// If an eigenvector is longer than the gradient.
    pub fn along(&self, pairs: &mut [Eigenpair], gradient: &[f64]) -> Vec<StabilityCoefficient> {
        let coefficient = |pair: &mut Eigenpair| {
            let mut along: f64 = pair.vector.iter().enumerate().map(|(i, u)| u * gradient[i]).sum();
            if along < 0.0 {
                pair.vector.iter_mut().for_each(|u| *u = -*u);
                along = -along;
            }
            let (alpha, root) = self.at(pair.value);
            let coefficient = if along == 0.0 { Complex64::ZERO } else { alpha * along };
            let case = self.case(pair.value, root);
            let z = self.h * pair.value;
            StabilityCoefficient { lambda: pair.value, z, along, coefficient, case }
        };
        pairs.iter_mut().map(coefficient).collect()
    }
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
    PrincipalCoefficient::descent(h).along(pairs, gradient)
}
