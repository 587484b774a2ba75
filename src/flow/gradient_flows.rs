//! The flows that need no logarithm: `ngf`, `igr`, `positive`, `flip:k`.

use super::spectrum::Spectrum;
use super::velocity::is_real;
use super::{FlowName, Problem, Stop, Velocity};
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

/// One of them.
pub(super) struct GradientFlow<'a> {
    problem: &'a Problem,
    kind: Kind,
    h: f64,
    jacobian: DMatrix<Complex64>,
}

enum Kind {
    Negative,
    Regularized,
    Positive,
    Flipped(usize),
}

impl<'a> GradientFlow<'a> {
    /// `None` for other names.
    pub(super) fn new(problem: &'a Problem, name: FlowName, h: f64) -> Option<GradientFlow<'a>> {
        let kind = match name {
            FlowName::NegativeGradient => Kind::Negative,
            FlowName::ImplicitRegularization => Kind::Regularized,
            FlowName::Positive => Kind::Positive,
            FlowName::Flip(k) => Kind::Flipped(k),
            _ => return None,
        };
        let d = problem.dimension();
        Some(GradientFlow { problem, kind, h, jacobian: DMatrix::zeros(d, d) })
    }
}

impl Velocity for GradientFlow<'_> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        self.problem.total(theta, out);
        match self.kind {
            Kind::Negative => {}
            Kind::Positive => out.iter_mut().for_each(|x| *x = -*x),
            // f - h/2 f'f
            Kind::Regularized => {
                self.problem.jacobian(theta, &mut self.jacobian);
                let change = &self.jacobian * DVector::from_column_slice(out);
                out.iter_mut().zip(&change).for_each(|(f, c)| *f -= c * (self.h / 2.0));
            }
            Kind::Flipped(k) => self.flip(k, theta, out)?,
        }
        Ok(())
    }
}

impl GradientFlow<'_> {
    /// Reverses `f` along the `k` eigenvectors of the Hessian with the largest eigenvalues.
    fn flip(&self, k: usize, theta: &[Complex64], f: &mut [Complex64]) -> Result<(), Stop> {
        let Spectrum::Symmetric(z, vectors) = Spectrum::at(self.problem, theta, 1.0)? else {
            debug_assert!(!is_real(theta));
            return Err(Stop::NotFinite);
        };
        let mut order: Vec<usize> = (0..z.len()).collect();
        // z = -λ
        order.sort_by(|&a, &b| z[a].re.total_cmp(&z[b].re));
        for &i in order.iter().take(k) {
            let u = vectors.column(i);
            let along: Complex64 = u.iter().zip(f.iter()).map(|(u, f)| f * u).sum();
            f.iter_mut().zip(u.iter()).for_each(|(f, u)| *f -= along * (2.0 * u));
        }
        Ok(())
    }
}
