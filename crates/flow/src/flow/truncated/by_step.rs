//! `order:n` of a nonlinear step, by jets in the step size and the time.

use crate::flow::jets::StepField;
use crate::flow::problem::{OnProblem, Point};
use crate::flow::velocity::{Velocity, is_finite, is_real};
use crate::flow::{Problem, SimulateError, Stop};
use bea_series::exact::Rational;
use bea_series::typed::Program;
use num_complex::Complex64;

/// At real points over the reals, at others over the complex numbers.
pub(in crate::flow) struct ByStep<'a> {
    problem: &'a Problem,
    real: StepField<f64>,
    complex: StepField<Complex64>,
}

impl<'a> ByStep<'a> {
    /// The terms of `program` up to `h^order`.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        program: &Program,
        order: usize,
        h: f64,
    ) -> Result<Self, SimulateError> {
        let exact = num_rational::BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let exact = Rational::from(exact);
        let real = StepField::new(program, order, &exact)?;
        Ok(ByStep { problem, real, complex: StepField::new(program, order, &exact)? })
    }

    fn sum<S: Point>(
        &self,
        field: &StepField<S>,
        theta: Vec<S>,
        out: &mut [Complex64],
    ) -> Result<(), Stop> {
        let terms = field.terms(&[theta], &mut OnProblem(self.problem))?.swap_remove(0);
        for (i, out) in out.iter_mut().enumerate() {
            // The smallest terms first.
            *out = terms.iter().rev().map(|term| term[i].to_complex()).sum();
        }
        Ok(())
    }
}

impl Velocity for ByStep<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        if is_real(theta) {
            self.sum(&self.real, theta.iter().map(|z| z.re).collect(), out)?;
        } else {
            self.sum(&self.complex, theta.to_vec(), out)?;
        }
        if is_finite(out) { Ok(()) } else { Err(Stop::NotFinite) }
    }
}
