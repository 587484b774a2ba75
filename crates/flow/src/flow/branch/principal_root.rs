//! The principal root of any optimizer: what `1+z` is for gradient descent.
//!
//! On a linear field `f(θ) = Jθ` one step is a linear map `R(z)`, `z = hJ`, of the states, and the
//! trajectory settles on the eigenvector of the root `P(z)` of `det(λ - R(z))` with `P(0) = 1`. The
//! principal part of the modified field is `log P(hJ)/(hJ) f`. `P` has branch points where two
//! roots meet, and `log P` one where `P = 0`; for real `z` they are passed on the upper side, which
//! is where `log(1+z)` is `+iπ` for `z < -1`.

use crate::flow::branch::alpha::log_1p;
use crate::flow::{SimulateError, Stop};
use bea_series::exact::{Poly, RationalFunction};
use bea_series::field::ClosedForm;
use bea_series::series::GeneralLinearMethod;
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::f64::consts::TAU;

/// A point of the Riemann surface of `log P`.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Sheet {
    pub(in crate::flow) z: Complex64,
    /// `R(z)`, where `P(z) = 1 + z R(z)`.
    pub(in crate::flow) rate: Complex64,
    /// `log P(z)`.
    pub(in crate::flow) log: Complex64,
}

impl Sheet {
    /// `P(z)`.
    pub(in crate::flow) fn root(&self) -> Complex64 {
        1.0 + self.z * self.rate
    }

    /// The same with the principal value of the logarithm.
    pub(in crate::flow) fn principal(self) -> Sheet {
        Sheet { log: log_1p(self.z * self.rate), ..self }
    }

    /// `log P(z)/z`.
    pub(in crate::flow) fn coefficient(&self) -> Complex64 {
        if self.z == Complex64::ZERO { self.rate } else { self.log / self.z }
    }

    /// The point that belongs to the conjugate of `z`: `P` is real on the real line.
    pub(in crate::flow) fn conjugate(self) -> Sheet {
        Sheet { z: self.z.conj(), rate: self.rate.conj(), log: self.log.conj() }
    }
}

/// `P(z) = 1 + z R(z)`, where `R` solves `Σ_jk d_jk z^k R^j = 0`.
pub(in crate::flow) struct PrincipalRoot {
    /// `d_jk`.
    coefficients: Vec<Vec<f64>>,
    /// `R(0)`.
    first: f64,
    /// `z = h J`, or `J` alone where the step size is a parameter of the method.
    pub(in crate::flow) argument: f64,
    /// What multiplies `log P(z)/z f`.
    pub(in crate::flow) factor: f64,
}

/// So small a part of a path is not divided further: there is a branch point on it.
const SMALLEST: f64 = 1e-9;

impl PrincipalRoot {
    /// `None` for methods whose principal part is not a function of one Jacobian.
    pub(in crate::flow) fn new(
        method: &GeneralLinearMethod,
        h: f64,
    ) -> Result<Option<PrincipalRoot>, SimulateError> {
        let z = method.parameters.len();
        let Some(closed) = ClosedForm::new(method, 0) else { return Ok(None) };
        let exact = BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let values = vec![Some(RationalFunction::from(exact)); z];
        let number = |c: Poly| {
            let value = RationalFunction::from(c).substitute(&values);
            let value = value.and_then(|c| c.as_rational()?.to_f64());
            value.ok_or(SimulateError::StepSize(h))
        };
        let by_z = |c: &RationalFunction| c.numerator().coefficients_in(z);
        let coefficients: Vec<Vec<f64>> = closed
            .rate()
            .iter()
            .map(|c| by_z(c).into_iter().map(number).collect())
            .collect::<Result<_, _>>()?;
        let at_zero = |j: usize| coefficients.get(j).and_then(|c| c.first()).copied();
        let first = match (at_zero(0), at_zero(1)) {
            (Some(d), Some(slope)) if slope != 0.0 => -d / slope,
            _ => return Err(SimulateError::StepSize(h)),
        };
        let keeps = method.step_parameter.is_some();
        Ok(Some(PrincipalRoot {
            coefficients,
            first,
            argument: if keeps { 1.0 } else { h },
            factor: if keeps { 1.0 / h } else { 1.0 },
        }))
    }

    /// From `P(0) = 1` to `z`, above the real axis.
    pub(in crate::flow) fn at(&self, z: Complex64) -> Result<Sheet, Stop> {
        let origin = Sheet { z: Complex64::ZERO, rate: self.first.into(), log: Complex64::ZERO };
        let height = Complex64::new(0.0, z.norm());
        self.follow(origin, |s| z * s + height * s * (1.0 - s))
    }

    /// From one point straight to another.
    pub(in crate::flow) fn continued(&self, from: Sheet, z: Complex64) -> Result<Sheet, Stop> {
        self.follow(from, |s| from.z + (z - from.z) * s)
    }

    fn follow(&self, mut at: Sheet, path: impl Fn(f64) -> Complex64) -> Result<Sheet, Stop> {
        let (mut done, mut step) = (0.0, 1.0);
        while done < 1.0 {
            let to = f64::min(done + step, 1.0);
            let z = path(to);
            let next = self.newton(z, at.rate).map(|rate| Sheet { z, rate, log: at.log });
            let ratio = next.map(|next| next.root() / at.root());
            match (next, ratio) {
                (Some(next), Some(ratio)) if (ratio - 1.0).norm() < 0.1 => {
                    at = Sheet { log: at.log + ratio.ln(), ..next };
                    done = to;
                    step *= 2.0;
                }
                _ if step < SMALLEST => return Err(Stop::RootBranchPoint),
                _ => step /= 2.0,
            }
        }
        // Again with all digits, on the sheet found.
        let mut log = log_1p(at.z * at.rate);
        log.im += TAU * ((at.log.im - log.im) / TAU).round();
        Ok(Sheet { log, ..at })
    }

    /// The value of `R(z)` near `near`.
    fn newton(&self, z: Complex64, near: Complex64) -> Option<Complex64> {
        let horner = |c: &[f64]| c.iter().rev().fold(Complex64::ZERO, |sum, c| sum * z + c);
        let coefficients: Vec<Complex64> = self.coefficients.iter().map(|c| horner(c)).collect();
        // What P is known to rather than R, where R is small.
        let floor = self.first.abs() / f64::max(1.0, (self.first * z).norm());
        let mut rate = near;
        let mut last = f64::INFINITY;
        for _ in 0..30 {
            let (mut value, mut slope) = (Complex64::ZERO, Complex64::ZERO);
            for c in coefficients.iter().rev() {
                slope = slope * rate + value;
                value = value * rate + c;
            }
            let change = value / slope;
            rate -= change;
            let (moved, size) = (change.norm(), f64::max(rate.norm(), floor));
            // Quadratic convergence ends where rounding takes over.
            if moved <= 4.0 * f64::EPSILON * size || (moved <= 1e-10 * size && moved >= last) {
                return Some(rate);
            }
            last = moved;
        }
        None
    }
}
