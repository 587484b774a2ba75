//! The cubic flow from products with the Hessian alone.
//!
//! The sum runs over the `K` sharpest directions that the gradient has a part along, found as Ritz
//! vectors in its Krylov space, and the matrix function in the first slot is one on the Krylov space of
//! `f''(v_j, v_k)`.

use crate::curvature::Krylov;
use crate::flow::branch::continuation::Continuation;
use crate::flow::branch::sheet::Sheet;
use crate::flow::dense::generating::generating;
use crate::flow::matrix_free::krylov::{Growth, NOT_CONVERGED, Projection, follow};
use crate::flow::velocity::Velocity;
use crate::flow::{Problem, Stop};
use num_complex::Complex64;

/// See [`CubicFlow`](crate::flow::dense::cubic::CubicFlow).
pub(in crate::flow) struct KrylovCubic<'a> {
    problem: &'a Problem,
    h: f64,
    continuation: Continuation,
    krylov: Krylov,
    /// `K`.
    directions: usize,
    /// The point accepted last, and what was found there.
    known: Option<(Vec<Complex64>, Linear)>,
}

/// What is computed in the Krylov space of `f`.
struct Linear {
    /// The principal flow.
    value: Vec<Complex64>,
    sharp: Vec<Sharp>,
}

/// A sharp direction.
struct Sharp {
    at: Sheet,
    /// `c_j v_j`, the part of `f` along it.
    part: Vec<Complex64>,
}

impl<'a> KrylovCubic<'a> {
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        h: f64,
        continuation: Continuation,
        krylov: Krylov,
        directions: usize,
    ) -> Self {
        KrylovCubic { problem, h, continuation, krylov, directions, known: None }
    }

    /// The principal flow and the sharpest directions, and the Krylov space in which they are known.
    fn linear(&self, theta: &[Complex64]) -> Result<(Linear, Projection<'a>), Stop> {
        let mut f = vec![Complex64::ZERO; self.problem.dimension()];
        self.problem.total(theta, &mut f)?;
        let mut space = Projection::new(self.problem, theta, self.h, &f)?;
        let (continuation, root) = (&self.continuation, &self.continuation.root);
        let mut uncertain = false;
        let Growth { c, converged, .. } = space.grow(&self.krylov, 0, |ritz| {
            let branches = ritz.branches(continuation)?;
            uncertain = branches.uncertain;
            let value = root.log_over(&ritz.decomposition, &branches.at, &ritz.start)?;
            Ok((value, root.rounding(&branches.at, self.problem.precision())))
        })?;
        if !converged {
            return Err(NOT_CONVERGED);
        }
        continuation.check(uncertain)?;
        let value = space.combine(&c);
        while space.len() > 0 {
            let ritz = space.ritz()?;
            let basis = ritz.decomposition.basis()?;
            let mut order: Vec<usize> = (0..basis.z.len()).collect();
            // z = -hλ
            order.sort_by(|&i, &k| basis.z[i].re.total_cmp(&basis.z[k].re));
            order.truncate(self.directions);
            let residuals = space.residuals(&basis.vectors);
            let along = basis.along(&ritz.start);
            // A residual counts in proportion to the part of the field along its vector.
            let total: f64 = along.iter().map(|c| c.norm_sqr()).sum::<f64>().sqrt();
            let known = |&i: &usize| {
                residuals[i] * along[i].norm() <= self.krylov.tolerance * basis.z[i].norm() * total
            };
            let enough = order.len() == self.directions && order.iter().all(known);
            if enough || space.is_invariant() {
                let branches = ritz.branches(continuation)?;
                continuation.check(branches.uncertain)?;
                let sharp = |&i: &usize| {
                    let y = basis.vectors.column(i) * along[i];
                    Sharp { at: branches.at[i], part: space.combine(&y) }
                };
                let sharp = order.iter().map(sharp).collect();
                return Ok((Linear { value, sharp }, space));
            }
            if space.len() >= self.krylov.steps {
                return Err(NOT_CONVERGED);
            }
            space.extend()?;
        }
        Ok((Linear { value, sharp: Vec::new() }, space))
    }
}

impl Velocity for KrylovCubic<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        let fresh;
        let Linear { value, sharp } = match &self.known {
            Some((at, known)) if at == theta => known,
            _ => {
                fresh = self.linear(theta)?.0;
                &fresh
            }
        };
        out.copy_from_slice(value);
        let (continuation, root) = (&self.continuation, &self.continuation.root);
        let mut second = vec![Complex64::ZERO; out.len()];
        for (j, u) in sharp.iter().enumerate() {
            for (k, v) in sharp[..=j].iter().enumerate() {
                self.problem.second(theta, &u.part, &v.part, &mut second)?;
                let mut space = Projection::new(self.problem, theta, self.h, &second)?;
                let mut uncertain = false;
                let Growth { c, converged, .. } = space.grow(&self.krylov, 0, |ritz| {
                    let branches = ritz.branches(continuation)?;
                    uncertain = branches.uncertain;
                    let at = branches.at;
                    let basis = ritz.decomposition.basis()?;
                    let value = basis.apply(&ritz.start, |i| generating(at[i], u.at, v.at))?;
                    Ok((value, root.rounding(&at, self.problem.precision())))
                })?;
                if !converged {
                    return Err(NOT_CONVERGED);
                }
                continuation.check(uncertain)?;
                // Both orders of j and k.
                let twice = if j == k { 0.5 } else { 1.0 };
                let amplitude = twice * self.h * self.h;
                let more = space.combine(&c);
                out.iter_mut().zip(more).for_each(|(out, x)| *out += amplitude * x);
            }
        }
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        if !self.continuation.follows() {
            return Ok(());
        }
        let (known, space) = self.linear(theta)?;
        follow(&mut self.continuation, &space)?;
        self.known = Some((theta.to_vec(), known));
        Ok(())
    }

    fn branch_distance(&self) -> f64 {
        self.continuation.branch_distance()
    }
}
