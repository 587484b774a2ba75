//! `order:n` of a nonlinear step, by jets in the step size and the time.
//!
//! A point holds the parameters and, after them, the slow variables.

use crate::flow::jets::StepField;
use crate::flow::problem::{OnProblem, Point};
use crate::flow::step::coordinates::{coordinates, split};
use crate::flow::velocity::{Velocity, is_finite, is_real};
use crate::flow::{Problem, SimulateError, Stop};
use bea_series::exact::Rational;
use bea_series::typed::Program;
use num_complex::Complex64;

/// At real points over the reals, at others over the complex numbers.
pub(in crate::flow) struct ByStep<'a> {
    problem: &'a Problem,
    program: &'a Program,
    real: StepField<f64>,
    complex: StepField<Complex64>,
}

impl<'a> ByStep<'a> {
    /// The terms of `program` up to `h^order`.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        program: &'a Program,
        order: usize,
        h: f64,
    ) -> Result<Self, SimulateError> {
        let exact = num_rational::BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let exact = Rational::from(exact);
        let real = StepField::new(program, order, &exact)?;
        Ok(ByStep { problem, program, real, complex: StepField::new(program, order, &exact)? })
    }

    fn sum<S: Point>(
        &self,
        field: &StepField<S>,
        point: &[S],
        out: &mut [Complex64],
    ) -> Result<(), Stop> {
        let start = split(self.program, point, self.problem.dimension());
        let terms = field.terms(&start, &mut OnProblem(self.problem))?;
        let entries = terms.iter().flat_map(|terms| (0..terms[0].len()).map(move |i| (terms, i)));
        for (out, (terms, i)) in out.iter_mut().zip(entries) {
            // The smallest terms first.
            *out = terms.iter().rev().map(|term| term[i].to_complex()).sum();
        }
        Ok(())
    }

    /// Why there is no velocity at a point: a slow variable that is 0 says it best.
    fn undefined(&self, point: &[Complex64]) -> Stop {
        let parts = split(self.program, point, self.problem.dimension());
        let mut slow = coordinates(self.program).zip(&parts).skip(1);
        match slow.find(|(_, part)| part.contains(&Complex64::ZERO)) {
            Some((i, _)) => Stop::SlowVariable(self.program.states[i].name.clone()),
            None => Stop::NotFinite,
        }
    }
}

impl Velocity for ByStep<'_> {
    fn velocity(&mut self, point: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        if is_real(point) {
            let point: Vec<f64> = point.iter().map(|z| z.re).collect();
            self.sum(&self.real, &point, out)?;
        } else {
            self.sum(&self.complex, point, out)?;
        }
        if is_finite(out) { Ok(()) } else { Err(self.undefined(point)) }
    }
}
