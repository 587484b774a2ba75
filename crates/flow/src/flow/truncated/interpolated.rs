//! `interpolated:n`: the modified field from differences of the optimizer's own steps.

use crate::flow::step::stepper::Stepper;
use crate::flow::velocity::Velocity;
use crate::flow::{Problem, Stop};
use num_complex::Complex64;

/// `f̃(θ) ≈ 1/h Σ_{k=1}^{n+1} (-1)^(k-1)/k Δ^k θ_0`, equal to the truncated series `order:n` up to
/// `O(h^(n+1))`. For a method with buffers the steps start on its slow manifold.
pub(in crate::flow) struct Interpolated<'a> {
    pub(in crate::flow) problem: &'a Problem,
    pub(in crate::flow) optimizer: &'a Stepper,
    /// `n`.
    pub(in crate::flow) order: usize,
}

impl Velocity for Interpolated<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        out.copy_from_slice(&self.optimizer.interpolated(self.problem, theta, self.order + 1)?);
        Ok(())
    }
}
