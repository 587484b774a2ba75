//! The principal root of any optimizer: what `1+z` is for gradient descent.
//!
//! On a linear field `f(θ) = Jθ` one step is a linear map `R(z)`, `z = hJ`, of the states, and the
//! trajectory settles on the eigenvector of the root `P(z)` of `det(λ - R(z))` with `P(0) = 1`. The
//! principal part of the modified field is `log P(hJ)/(hJ) f`. `P` has branch points where two
//! roots meet, and `log P` one where `P = 0`; for real `z` they are passed on the upper side, which
//! is where `log(1+z)` is `+iπ` for `z < -1`.

use super::{SimulateError, Stop};
use crate::exact::RationalFunction;
use crate::field::ClosedForm;
use crate::series::{GeneralLinearMethod, characteristic_polynomial};
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::ToPrimitive;

/// A point of the Riemann surface of `log P`: `z`, `P(z)` and `log P(z)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet {
    pub(super) z: Complex64,
    pub(super) root: Complex64,
    pub(super) log: Complex64,
}

/// `P(z)` as the solution of `Σ_ik c_ik z^k λ^i = 0`.
pub(super) struct PrincipalRoot {
    /// `c_ik`.
    coefficients: Vec<Vec<f64>>,
    /// The first coefficients of `log P(z)/z`.
    series: Vec<f64>,
    /// `z = h J`, or `J` alone where the step size is a parameter of the method.
    pub(super) argument: f64,
    /// What multiplies `log P(z)/z f`.
    pub(super) factor: f64,
}

/// So small a part of a path is not divided further: there is a branch point on it.
const SMALLEST: f64 = 1e-9;

impl PrincipalRoot {
    /// `None` for methods whose principal part is not a function of one Jacobian.
    pub(super) fn new(
        method: &GeneralLinearMethod,
        h: f64,
    ) -> Result<Option<PrincipalRoot>, SimulateError> {
        if method.fields.len() != 1 {
            return Ok(None);
        }
        let z = method.parameters.len();
        let (Some(step), Some(closed)) = (method.linear_step(z), ClosedForm::new(method, 3)) else {
            return Ok(None);
        };
        let exact = BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let values = vec![Some(RationalFunction::from(exact)); z];
        let number = |c: &RationalFunction| {
            let value = c.substitute(&values).and_then(|c| c.as_rational()?.to_f64());
            value.ok_or(SimulateError::StepSize(h))
        };
        let polynomial = characteristic_polynomial(&step);
        let common = RationalFunction::from(RationalFunction::common_denominator(&polynomial));
        let coefficients = polynomial
            .iter()
            .map(|c| {
                let by_z = (c * &common).numerator().coefficients_in(z);
                by_z.into_iter().map(|c| number(&c.into())).collect()
            })
            .collect::<Result<_, _>>()?;
        let series = closed.series().iter().map(number).collect::<Result<_, _>>()?;
        let keeps = method.step_parameter.is_some();
        Ok(Some(PrincipalRoot {
            coefficients,
            series,
            argument: if keeps { 1.0 } else { h },
            factor: if keeps { 1.0 / h } else { 1.0 },
        }))
    }

    /// `log P(z)/z`.
    pub(super) fn coefficient(&self, at: Sheet) -> Complex64 {
        // The quotient loses its digits at z = 0.
        if at.z.norm() < 1e-6 && at.log.norm() < 1.0 {
            return self.series.iter().rev().fold(Complex64::ZERO, |sum, c| sum * at.z + c);
        }
        at.log / at.z
    }

    /// From `P(0) = 1` to `z`, above the real axis.
    pub(super) fn at(&self, z: Complex64) -> Result<Sheet, Stop> {
        let origin = Sheet { z: Complex64::ZERO, root: Complex64::ONE, log: Complex64::ZERO };
        let height = Complex64::new(0.0, z.norm());
        self.follow(origin, |s| z * s + height * s * (1.0 - s))
    }

    /// From one point straight to another.
    pub(super) fn continued(&self, from: Sheet, z: Complex64) -> Result<Sheet, Stop> {
        self.follow(from, |s| from.z + (z - from.z) * s)
    }

    fn follow(&self, mut at: Sheet, path: impl Fn(f64) -> Complex64) -> Result<Sheet, Stop> {
        let (mut done, mut step) = (0.0, 1.0);
        while done < 1.0 {
            let to = f64::min(done + step, 1.0);
            let z = path(to);
            let root = self.newton(z, at.root);
            let ratio = root.map(|root| root / at.root);
            match (root, ratio) {
                (Some(root), Some(ratio)) if (ratio - 1.0).norm() < 0.1 => {
                    at = Sheet { z, root, log: at.log + ratio.ln() };
                    done = to;
                    step *= 2.0;
                }
                _ if step < SMALLEST => return Err(Stop::RootBranchPoint),
                _ => step /= 2.0,
            }
        }
        Ok(at)
    }

    /// The root near `near`.
    fn newton(&self, z: Complex64, near: Complex64) -> Option<Complex64> {
        let horner = |c: &[f64]| c.iter().rev().fold(Complex64::ZERO, |sum, c| sum * z + c);
        let coefficients: Vec<Complex64> = self.coefficients.iter().map(|c| horner(c)).collect();
        let mut root = near;
        for _ in 0..30 {
            let (mut value, mut slope) = (Complex64::ZERO, Complex64::ZERO);
            for c in coefficients.iter().rev() {
                slope = slope * root + value;
                value = value * root + c;
            }
            let change = value / slope;
            root -= change;
            if change.norm() <= 4.0 * f64::EPSILON * root.norm() {
                return Some(root);
            }
        }
        None
    }
}
