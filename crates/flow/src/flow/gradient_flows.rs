//! The flows that need no logarithm: `ngf`, `igr`, `positive`, `flip:k`.

use super::velocity::{Velocity, is_real};
use super::{FlowName, Problem, Stop};
use crate::curvature::Lanczos;
use crate::flow::dense::decomposition::Decomposition;
use crate::flow::matrix_free::products::Jacobian;
use num_complex::Complex64;

/// The velocity of one of these flows.
pub(super) struct GradientFlow<'a> {
    problem: &'a Problem,
    name: FlowName,
    h: f64,
    /// The eigenvectors found last, where the Hessian is not assembled.
    sharp: Vec<Vec<f64>>,
}

impl<'a> GradientFlow<'a> {
    /// `None` for other names.
    pub(super) fn new(problem: &'a Problem, name: FlowName, h: f64) -> Option<GradientFlow<'a>> {
        let is_one = matches!(
            name,
            FlowName::NegativeGradient
                | FlowName::ImplicitRegularization
                | FlowName::Positive
                | FlowName::Flip(_)
        );
        is_one.then(|| GradientFlow { problem, name, h, sharp: Vec::new() })
    }
}

impl Velocity for GradientFlow<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        self.problem.total(theta, out)?;
        match self.name {
            FlowName::Positive => out.iter_mut().for_each(|x| *x = -*x),
            // f - h/2 f'f
            FlowName::ImplicitRegularization => {
                let change = self.problem.jacobian_vectors(theta, &[out.to_vec()])?.remove(0);
                out.iter_mut().zip(&change).for_each(|(f, c)| *f -= c * (self.h / 2.0));
            }
            FlowName::Flip(k) => self.flip(k, theta, out)?,
            // The field itself.
            _ => {}
        }
        Ok(())
    }
}

impl GradientFlow<'_> {
    /// Reverses `f` along the `k` eigenvectors of the Hessian with the largest eigenvalues.
    fn flip(&mut self, k: usize, theta: &[Complex64], f: &mut [Complex64]) -> Result<(), Stop> {
        // This flow stays real.
        debug_assert!(is_real(theta));
        let vectors = if self.problem.is_matrix_free() {
            self.sharp(k, theta)?
        } else {
            sharp_of_matrix(self.problem, k, theta)?
        };
        for u in vectors {
            let along: Complex64 = u.iter().zip(f.iter()).map(|(u, f)| f * u).sum();
            f.iter_mut().zip(u.iter()).for_each(|(f, u)| *f -= along * (2.0 * u));
        }
        Ok(())
    }

    /// These eigenvectors, from products.
    fn sharp(&mut self, k: usize, theta: &[Complex64]) -> Result<Vec<Vec<f64>>, Stop> {
        let jacobian = Jacobian::real(self.problem, theta, 1.0);
        // The Jacobian is -H. Eigenvectors are less accurate than eigenvalues.
        let lanczos = Lanczos { largest: 0, smallest: k, tolerance: 1e-10, ..Lanczos::default() };
        let found = lanczos.run(&jacobian, &self.sharp)?;
        if !found.converged {
            return Err(Stop::NoConvergence("the Lanczos method"));
        }
        self.sharp = found.smallest.into_iter().map(|pair| pair.vector).collect();
        Ok(self.sharp.clone())
    }
}

fn sharp_of_matrix(
    problem: &Problem,
    k: usize,
    theta: &[Complex64],
) -> Result<Vec<Vec<f64>>, Stop> {
    let Decomposition::Symmetric(z, vectors) = Decomposition::at(problem, theta, 1.0)? else {
        return Err(Stop::NotFinite);
    };
    let mut order: Vec<usize> = (0..z.len()).collect();
    // z = -λ
    order.sort_by(|&a, &b| z[a].re.total_cmp(&z[b].re));
    Ok(order.iter().take(k).map(|&i| vectors.column(i).as_slice().to_vec()).collect())
}
