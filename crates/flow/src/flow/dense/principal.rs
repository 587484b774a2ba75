//! The principal flow of an optimizer, `θ̇ = log P(hJ)/(hJ) f`, where `P(z)` is its principal root:
//! `1 + z` for gradient descent, and the flow all terms `(f')^n f` of its modified field.

use crate::flow::branch::continuation::Continuation;
use crate::flow::dense::decomposition::Decomposition;
use crate::flow::velocity::Velocity;
use crate::flow::{Problem, Stop};
use num_complex::Complex64;

/// `pf` (paper, Definition 3.1) and `pf-even`.
pub(in crate::flow) struct PrincipalFlow<'a> {
    problem: &'a Problem,
    /// What multiplies the Jacobian.
    argument: f64,
    continuation: Continuation,
}

impl<'a> PrincipalFlow<'a> {
    /// With the step size `h`.
    pub(in crate::flow) fn new(problem: &'a Problem, h: f64, continuation: Continuation) -> Self {
        let argument = continuation.root.argument(h);
        PrincipalFlow { problem, argument, continuation }
    }
}

impl Velocity for PrincipalFlow<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        self.problem.total(theta, out)?;
        let decomposition = Decomposition::at(self.problem, theta, self.argument)?;
        let eigenvectors = |which: &[usize]| decomposition.eigenvectors(which);
        let at = self.continuation.certain(decomposition.eigenvalues(), &eigenvectors)?.at;
        out.copy_from_slice(&self.continuation.root.log_over(&decomposition, &at, out)?);
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        if !self.continuation.follows() {
            return Ok(());
        }
        let decomposition = Decomposition::at(self.problem, theta, self.argument)?;
        let eigenvectors = |which: &[usize]| decomposition.eigenvectors(which);
        self.continuation.accept(decomposition.eigenvalues(), &eigenvectors)
    }

    fn branch_distance(&self) -> f64 {
        self.continuation.branch_distance()
    }
}
