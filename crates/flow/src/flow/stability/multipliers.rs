//! The eigenvalues of one step near a critical point, as the step grows.

use super::coupled::jacobians;
use super::linear_map::{LinearMap, rational, simplest};
use super::paths::{Path, paths};
use super::{StabilityError, eigenvalues};
use crate::flow::Problem;
use bea_series::series::GeneralLinearMethod;
use num_complex::Complex64;
use num_rational::BigRational;

/// One step of an optimizer on a linear vector field, for every step size: the optimizer's matrix `M(h)`.
pub struct Multipliers {
    map: LinearMap,
    /// The matrix's variable is `h` times this.
    factor: f64,
}

/// Between two samples of a path the eigenvalues move no further than this, in the unit of the unit circle.
const NEAR: f64 = 0.02;
/// Samples of a path, before those that are added where it is fast.
const SAMPLES: usize = 200;

impl Multipliers {
    /// Along an eigenvector of the Hessian of the loss with the eigenvalue `λ`. `None` if `λ` is not finite, or the
    /// method has several vector fields or parameters without a value.
    ///
    /// ```
    /// use bea_flow::flow::stability::Multipliers;
    /// use bea_series::series::GeneralLinearMethod;
    /// let descent = Multipliers::along(&GeneralLinearMethod::euler(), 10.0).unwrap();
    /// assert!((descent.at(0.15)[0] - (1.0 - 1.5)).norm() < 1e-15);
    /// ```
    pub fn along(method: &GeneralLinearMethod, lambda: f64) -> Option<Multipliers> {
        let free = method.parameters.len() - usize::from(method.step_parameter.is_some());
        if method.fields.len() != 1 || free > 0 || !lambda.is_finite() {
            return None;
        }
        // Where h and λ occur as hλ alone, λ is left to the variable.
        let (j, factor) = match method.step_parameter {
            Some(_) => (simplest(-lambda, f64::EPSILON * lambda.abs())?, 1.0),
            None => (BigRational::from_integer((-1).into()), lambda),
        };
        Some(Multipliers { map: LinearMap::scalar(method, &j), factor })
    }

    /// At a zero `theta` of all fields of a problem.
    ///
    /// # Errors
    /// A problem that cannot be evaluated there.
    pub fn of_fields(
        problem: &Problem,
        method: &GeneralLinearMethod,
        theta: &[f64],
    ) -> Result<Multipliers, StabilityError> {
        let theta: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        let exact = jacobians(problem, &theta)?.iter().map(rational).collect::<Option<Vec<_>>>();
        let exact = exact.ok_or(StabilityError::Undefined)?;
        Ok(Multipliers { map: LinearMap::new(method, problem.spaces(), &exact), factor: 1.0 })
    }

    /// The eigenvalues of `M(h)`, the largest first; none where the step does not exist.
    pub fn at(&self, h: f64) -> Vec<Complex64> {
        super::multipliers(&self.map, h * self.factor)
    }

    /// The largest modulus of these, infinite where the step does not exist.
    pub fn radius(&self, h: f64) -> f64 {
        self.at(h).first().map_or(f64::INFINITY, |mu| mu.norm())
    }

    /// The eigenvalues as `h` grows from 0 to `end`, as continuous paths with `h` as their parameter. A path ends
    /// where the step does not exist.
    pub fn paths(&self, end: f64) -> Vec<Path> {
        paths((0.0, end), SAMPLES, NEAR, |h| {
            let matrix = self.map.at((h * self.factor).into()).map(|m| m.map(|x| x.re));
            matrix.map_or_else(Vec::new, |m| eigenvalues(&m))
        })
    }
}
