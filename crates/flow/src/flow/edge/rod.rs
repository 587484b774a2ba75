//! The rod flow: the midpoints of gradient descent's steps, and the covariance of its halves.
//!
//! With `w̄ = (w_t + w_{t+1})/2`, `δ = (w_{t+1} - w_t)/2` and `g± = ∇E(w̄ ± δ)` a step is, exactly, `w̄' = w̄ - (h/2)(g₊ + g₋)`,
//! `δ = -(h/2) g₋`, `δ' = -(h/2) g₊`. So `Σ = δδᵀ` becomes `Σ' = (h²/4) g₊g₊ᵀ = Σ + (h²/4)(g₊g₊ᵀ + g₋g₋ᵀ) - 2Σ`, which does not depend on the sign of
//! `δ`. The flow is
//!
//! ```text
//! ẇ = -(h/2)(g₊ + g₋) - (h²/8)(H₊ + H₋)(g₊ + g₋),   Σ̇ = (h²/4)(g₊g₊ᵀ + g₋g₋ᵀ) - 2Σ,
//! ```
//!
//! a step being the unit of time: the first is the modified field of the step of `w̄` to the first order, with `δ` held, the
//! second that of `Σ` to the order zero. `δ` is the root of the leading eigenvalue of `Σ` times its eigenvector. No third derivative is needed.
//!
//! `Σ` is kept as `BBᵀ` with few columns. With `g±` held for a time `τ`, `Σ → e^{-2τ} Σ + ½(1 - e^{-2τ})(h²/4)(g₊g₊ᵀ + g₋g₋ᵀ)` adds two
//! columns; the least of the principal axes are dropped. `g±` are those of the middle of the step (exponential midpoint rule, order 2).
//!
//! Source: Regis and Chewi (2026), *Rod flow: a continuous-time model for gradient descent at the edge of stability*.

use super::central::{gradient, moved};
use super::metric::{Metric, complex, dot};
use super::sharp::Sharp;
use super::{Oscillating, Oscillation, Path};
use crate::flow::{Problem, Stop};
use nalgebra::DMatrix;

/// How many principal axes of `Σ` are kept where nothing else is said.
const AXES: usize = 8;

/// A trace that is so much larger than it was has an oscillation that grows.
const GROWN: f64 = 2.0;

/// A direction with `z` above this should have an oscillation.
const FAR: f64 = 1.1;

/// See the [module](self).
pub(in crate::flow) struct Rod<'a> {
    problem: &'a Problem,
    h: f64,
    w: Vec<f64>,
    /// The principal axes of `Σ`, as long as the roots of its eigenvalues, the longest first.
    axes: Vec<Vec<f64>>,
    most: usize,
    sharp: Sharp<'a>,
    /// The largest part of the trace that was dropped at once.
    dropped: f64,
    /// How far it has come, in steps, and when it first lay across a direction far beyond the edge, with the trace then.
    time: f64,
    across: Option<(f64, f64)>,
    /// Whether the trace has grown since.
    grown: bool,
}

/// What the rod feels.
struct Ends {
    /// `(h/2) g₊` and `(h/2) g₋`.
    halves: [Vec<f64>; 2],
    velocity: Vec<f64>,
}

impl<'a> Rod<'a> {
    /// From the midpoint of the first step from `theta`.
    ///
    /// # Errors
    /// Those of the objective.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        h: f64,
        theta: &[f64],
        most: Option<usize>,
    ) -> Result<Rod<'a>, Stop> {
        let slope = gradient(problem, theta)?;
        let half: Vec<f64> = slope.iter().map(|g| -0.5 * h * g).collect();
        Ok(Rod {
            problem,
            h,
            w: moved(theta, 1.0, &half),
            axes: vec![half],
            most: most.unwrap_or(AXES).min(theta.len()),
            sharp: Sharp::new(problem),
            dropped: 0.0,
            time: 0.0,
            across: None,
            grown: false,
        })
    }

    fn ends(&self, w: &[f64], axes: &[Vec<f64>]) -> Result<Ends, Stop> {
        let along = |sign: f64| axes.first().map_or(w.to_vec(), |delta| moved(w, sign, delta));
        let (plus, minus) = (along(1.0), along(-1.0));
        let halve = |mut g: Vec<f64>| {
            g.iter_mut().for_each(|g| *g *= 0.5 * self.h);
            g
        };
        let (p, m) =
            (halve(gradient(self.problem, &plus)?), halve(gradient(self.problem, &minus)?));
        let sum = moved(&p, 1.0, &m);
        let mut velocity: Vec<f64> = sum.iter().map(|x| -x).collect();
        for end in [plus, minus] {
            // Of the field, -H.
            let product = self.problem.real_jacobian_vectors(&end, &[&sum])?.remove(0);
            // (h²/8) H (g₊ + g₋) = (h/4) H sum
            velocity.iter_mut().zip(product).for_each(|(v, p)| *v += 0.25 * self.h * p);
        }
        if !velocity.iter().all(|v| v.is_finite()) {
            return Err(Stop::NotFinite);
        }
        Ok(Ends { halves: [p, m], velocity })
    }

    /// The axes after the time `tau` with these forces; and the part of the trace that is dropped.
    fn stretched(&self, ends: &Ends, tau: f64) -> Result<(Vec<Vec<f64>>, f64), Stop> {
        let (old, new) = ((-tau).exp(), (-0.5 * (-2.0 * tau).exp_m1()).sqrt());
        let scaled = |x: &Vec<f64>, factor: f64| x.iter().map(|x| factor * x).collect::<Vec<f64>>();
        let mut columns: Vec<Vec<f64>> = self.axes.iter().map(|axis| scaled(axis, old)).collect();
        columns.extend(ends.halves.iter().map(|half| scaled(half, new)));
        // The principal axes are B V, BᵀB = V Λ Vᵀ.
        let k = columns.len();
        let gram = DMatrix::from_fn(k, k, |i, j| dot(&columns[i], &columns[j]));
        if !gram.iter().all(|x| x.is_finite()) {
            return Err(Stop::NotFinite);
        }
        let eigen = gram.symmetric_eigen();
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
        let trace: f64 = eigen.eigenvalues.sum();
        let rest: f64 = order.iter().skip(self.most).map(|&i| eigen.eigenvalues[i].max(0.0)).sum();
        let axis = |&i: &usize| {
            let weights = eigen.eigenvectors.column(i);
            let mut axis = vec![0.0; self.w.len()];
            for (column, &c) in columns.iter().zip(weights.iter()) {
                axis.iter_mut().zip(column).for_each(|(a, x)| *a += c * x);
            }
            axis
        };
        let axes = order.iter().take(self.most).map(axis).collect();
        Ok((axes, if trace > 0.0 { rest / trace } else { 0.0 }))
    }
}

impl Oscillating for Rod<'_> {
    fn advance(&mut self, steps: f64) -> Result<(), Stop> {
        let first = self.ends(&self.w, &self.axes)?;
        let (axes, _) = self.stretched(&first, 0.5 * steps)?;
        let middle = self.ends(&moved(&self.w, 0.5 * steps, &first.velocity), &axes)?;
        let (axes, dropped) = self.stretched(&middle, steps)?;
        let w = moved(&self.w, steps, &middle.velocity);
        if !w.iter().all(|x| x.is_finite()) {
            return Err(Stop::NotFinite);
        }
        (self.w, self.axes) = (w, axes);
        self.dropped = self.dropped.max(dropped);
        self.time += steps;
        Ok(())
    }

    fn point(&self) -> &[f64] {
        &self.w
    }

    fn oscillation(&mut self) -> Result<Oscillation, Stop> {
        let edge = Metric::of_descent(self.h).edges(&[], self.w.len());
        let found = self.sharp.find(&self.w, &edge, 1)?;
        let z = found.first().map_or(f64::NAN, |found| found.z);
        let covariance: Vec<f64> = self.axes.iter().map(|axis| dot(axis, axis)).collect();
        let trace: f64 = covariance.iter().sum();
        self.grown |= self.across.is_some_and(|(_, before)| trace > GROWN * before);
        if let Some(found) = found.first().filter(|found| found.z > FAR) {
            // u is of norm 1 in the metric of the edge, 2/h.
            let along = |axis: &Vec<f64>| dot(axis, &found.u).powi(2) * 2.0 / self.h;
            if self.axes.iter().map(along).sum::<f64>() < 0.5 * trace {
                self.across.get_or_insert((self.time, trace));
            }
        }
        let edge = 2.0 / self.h;
        let delta = &self.axes[0];
        let (mut loss, mut square) = (0.0, 0.0);
        for sign in [1.0, -1.0] {
            let end = moved(&self.w, sign, delta);
            loss += 0.5 * self.problem.loss(&complex(&end))?.re;
            let slope = gradient(self.problem, &end)?;
            square += 0.5 * dot(&slope, &slope);
        }
        Ok(Oscillation {
            sharpness: z * edge,
            edge,
            trace,
            covariance,
            loss,
            gradient_norm: square.sqrt(),
            distance: f64::NAN,
            residual: f64::NAN,
        })
    }

    fn remarks(&self) -> Vec<String> {
        let dropped = (self.dropped > 1e-3).then(|| {
            format!(
                "Σ is kept along its {} longest axes, and up to {:.1e} of its trace was dropped at once: more \
                 --directions keep more",
                self.most, self.dropped
            )
        });
        let across = self.across.filter(|_| !self.grown).map(|(time, _)| {
            format!(
                "at step {time:.0} the sharpness is far beyond the edge, and most of Σ is not along that direction: the rod \
                 feels the curvature along its longest axis alone, here the drift of a step, so no oscillation grows"
            )
        });
        dropped.into_iter().chain(across).collect()
    }

    fn path(&self) -> Path {
        Path::Midpoint
    }
}
