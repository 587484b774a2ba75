//! `order:n`: the modified field of the optimizer, truncated; `pf+np:n`: its non-principal terms
//! beside the principal flow.

use crate::flow::formula::Evaluator;
use crate::flow::velocity::Velocity;
use crate::flow::{Problem, Stop};
use crate::objective::Call;
use num_complex::Complex64;

/// Terms of a modified field, added to a base flow if there is one.
pub(in crate::flow) struct Truncated<'a> {
    pub(in crate::flow) problem: &'a Problem,
    pub(in crate::flow) terms: Evaluator,
    pub(in crate::flow) h: f64,
    /// The principal flow, for `pf+np:n`.
    pub(in crate::flow) base: Option<Box<dyn Velocity + Send + 'a>>,
}

impl Velocity for Truncated<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        let inputs: Vec<Complex64> =
            theta.iter().copied().chain(std::iter::once(self.h.into())).collect();
        self.problem.counter.add(Call::ModifiedField, 1);
        self.terms.evaluate(&inputs, out);
        if let Some(base) = &mut self.base {
            let mut more = vec![Complex64::ZERO; out.len()];
            base.velocity(theta, &mut more)?;
            out.iter_mut().zip(more).for_each(|(out, x)| *out += x);
        }
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        self.base.as_mut().map_or(Ok(()), |base| base.accept(theta))
    }

    fn branch_distance(&self) -> f64 {
        self.base.as_ref().map_or(f64::INFINITY, |base| base.branch_distance())
    }
}
