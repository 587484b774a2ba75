//! The principal flow of gradient descent, `θ̇ = log(1+hJ)/(hJ) f`: all terms `(f')^n f`.

use crate::flow::branch::logarithms::Logarithms;
use crate::flow::dense::spectrum::Spectrum;
use crate::flow::{Branch, Problem, Stop, Velocity};
use num_complex::Complex64;

/// `pf` (paper, Definition 3.1), and `pf-even` with `log|1+hJ|`.
pub(in crate::flow) struct PrincipalFlow<'a> {
    problem: &'a Problem,
    h: f64,
    even: bool,
    logarithms: Logarithms,
}

impl<'a> PrincipalFlow<'a> {
    /// `strict`: whether the integrator can take smaller steps.
    pub(in crate::flow) fn new(problem: &'a Problem, h: f64, branch: Branch, strict: bool) -> Self {
        PrincipalFlow { problem, h, even: false, logarithms: Logarithms::new(branch, strict) }
    }

    /// With the real part of the logarithm alone.
    pub(in crate::flow) fn even(problem: &'a Problem, h: f64) -> Self {
        let logarithms = Logarithms::new(Branch::Principal, true);
        PrincipalFlow { problem, h, even: true, logarithms }
    }
}

impl Velocity for PrincipalFlow<'_> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        self.problem.total(theta, out);
        let spectrum = Spectrum::at(self.problem, theta, self.h)?;
        let mut logs = self.logarithms.of(spectrum.eigenvalues())?;
        if self.even {
            // Conjugate eigenvalues of a game keep their arguments: the field stays real.
            for (log, z) in logs.iter_mut().zip(spectrum.eigenvalues()) {
                if z.im == 0.0 {
                    log.im = 0.0;
                }
            }
        }
        out.copy_from_slice(&spectrum.log_over(&logs, out)?);
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        if self.even {
            return Ok(());
        }
        let spectrum = Spectrum::at(self.problem, theta, self.h)?;
        self.logarithms.accept(spectrum.eigenvalues())
    }

    fn branch_distance(&self) -> f64 {
        self.logarithms.branch_distance()
    }
}
