//! `order:n`: the modified field of the optimizer, truncated; `pf+np:n`: its non-principal terms
//! beside the principal flow.

use super::formula::Evaluator;
use super::{Problem, Stop, Velocity};
use num_complex::Complex64;

/// Terms of a modified field, and another flow that is added to them.
pub(super) struct Truncated<'a> {
    pub(super) problem: &'a Problem,
    pub(super) terms: Evaluator,
    pub(super) h: f64,
    pub(super) besides: Option<Box<dyn Velocity + Send + 'a>>,
}

impl Velocity for Truncated<'_> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        let inputs: Vec<Complex64> =
            theta.iter().copied().chain(std::iter::once(self.h.into())).collect();
        self.terms.evaluate(&inputs, out);
        if let Some(besides) = &mut self.besides {
            let mut more = vec![Complex64::ZERO; out.len()];
            besides.velocity(theta, &mut more)?;
            out.iter_mut().zip(more).for_each(|(out, x)| *out += x);
        }
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        self.besides.as_mut().map_or(Ok(()), |besides| besides.accept(theta))
    }

    fn branch_distance(&self) -> f64 {
        self.besides.as_ref().map_or(f64::INFINITY, |besides| besides.branch_distance())
    }
}
