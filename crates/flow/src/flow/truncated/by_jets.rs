//! The terms of a modified field by jets in the step size and the time: for losses that have them.

use crate::flow::jets::JetField;
use crate::flow::problem::Point;
use crate::flow::velocity::{Velocity, is_finite, is_real};
use crate::flow::{Problem, SimulateError, Stop};
use crate::objective::ObjectiveError;
use bea_series::exact::Rational;
use bea_series::series::GeneralLinearMethod;
use num_complex::Complex64;

/// `order:n` at real points over the reals, at others over the complex numbers.
pub(in crate::flow) struct ByJets<'a> {
    problem: &'a Problem,
    real: JetField<f64>,
    complex: JetField<Complex64>,
}

impl<'a> ByJets<'a> {
    /// The terms of `method` up to `h^order`.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        method: &GeneralLinearMethod,
        order: usize,
        h: f64,
    ) -> Result<Self, SimulateError> {
        let exact = num_rational::BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let exact = Rational::from(exact);
        let real = JetField::new(method, order, &exact)?;
        Ok(ByJets { problem, real, complex: JetField::new(method, order, &exact)? })
    }

    fn sum<S: Point>(
        &self,
        field: &JetField<S>,
        theta: &[S],
        out: &mut [Complex64],
    ) -> Result<(), ObjectiveError> {
        let terms = field
            .terms(self.problem.spaces(), theta, |c, x, wanted| self.problem.jet(c, x, wanted))?;
        for (i, out) in out.iter_mut().enumerate() {
            // The smallest terms first.
            *out = terms.iter().rev().map(|term| term[i].to_complex()).sum();
        }
        Ok(())
    }
}

impl Velocity for ByJets<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        if is_real(theta) {
            let theta: Vec<f64> = theta.iter().map(|z| z.re).collect();
            self.sum(&self.real, &theta, out)?;
        } else {
            self.sum(&self.complex, theta, out)?;
        }
        if is_finite(out) { Ok(()) } else { Err(Stop::NotFinite) }
    }
}
