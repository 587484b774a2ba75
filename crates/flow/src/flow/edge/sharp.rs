//! The sharpest directions of the Hessian in the metric of the edge, followed from point to point.

use super::metric::complex;
use crate::curvature::{Lanczos, Preconditioned, Verification, eigenvalues};
use crate::flow::matrix_free::products::Jacobian;
use crate::flow::{Problem, Stop};

/// Every eighth search looks for directions that have overtaken those that are followed, every copy of them.
const LOOKS_AROUND: usize = 8;
/// Residuals of eigenvectors, relative to the largest eigenvalue, with 16 digits and with 7. The error of an eigenvalue is of the
/// order of its square.
const TOLERANCE: (f64, f64) = (1e-4, 3e-3);

/// A direction `u` with `uᵀMu = 1` and `uᵀHu = z`, of the pencil `H u = z M u` where `M` is the diagonal of the edge:
/// the step is stable along it while `z < 1`.
#[derive(Clone)]
pub(super) struct Direction {
    pub(super) z: f64,
    pub(super) u: Vec<f64>,
}

/// A search that starts from what the last one has found.
pub(super) struct Sharp<'a> {
    problem: &'a Problem,
    searches: usize,
    /// The eigenvectors found last, of norm 1.
    last: Vec<Vec<f64>>,
}

impl<'a> Sharp<'a> {
    pub(super) fn new(problem: &'a Problem) -> Sharp<'a> {
        Sharp { problem, searches: 0, last: Vec::new() }
    }

    /// The `k` directions of largest `z` at `x`, the first ones first; `k` is at most the dimension.
    ///
    /// # Errors
    /// Where there are no derivatives, or the search does not converge.
    pub(super) fn find(
        &mut self,
        x: &[f64],
        edge: &[f64],
        k: usize,
    ) -> Result<Vec<Direction>, Stop> {
        // `Jacobian` is that of the field, -H.
        let hessian = Jacobian::real(self.problem, &complex(x), -1.0);
        let operator = Preconditioned::new(&hessian, edge)?;
        let mut found: Vec<(f64, Vec<f64>)> = if self.problem.is_matrix_free() {
            let single = self.problem.precision() > 1e-12;
            let around = self.searches.is_multiple_of(LOOKS_AROUND);
            let lanczos = Lanczos {
                largest: k,
                tolerance: if single { TOLERANCE.1 } else { TOLERANCE.0 },
                random: usize::from(self.last.len() < k),
                verification: if around { Verification::Always } else { Verification::Never },
                single,
                ..Lanczos::default()
            };
            let found = lanczos.run(&operator, &self.last)?;
            if !found.converged {
                return Err(Stop::NoConvergence("the Lanczos method"));
            }
            found.largest.into_iter().map(|pair| (pair.value, pair.vector)).collect()
        } else {
            let (values, vectors) = eigenvalues(&operator)?;
            let vector = |i: usize| vectors.column(i).as_slice().to_vec();
            values.into_iter().enumerate().take(k).map(|(i, z)| (z, vector(i))).collect()
        };
        self.searches += 1;
        self.last = found.iter().map(|(_, vector)| vector.clone()).collect();
        let direction = |(z, mut u): (f64, Vec<f64>)| {
            operator.scale(&mut u);
            Direction { z, u }
        };
        Ok(found.drain(..).map(direction).collect())
    }
}
