//! The central flow: the path that an optimizer's oscillating iterates have on the average.
//!
//! At the edge of stability the iterates are `w + δ` with an oscillation `δ` of mean 0 and covariance `Σ` along the directions
//! `U` at the edge. Averaging the gradient over it, `∇E(w + δ) = ∇E + Hδ + ½∇³E[δ, δ] + …`, gives
//!
//! ```text
//! ẇ = -ρ (∇E + ½∇⟨H, Σ⟩),     Σ = U X Uᵀ,
//! ```
//!
//! and `X` is the one that lets no curvature pass the edge `M` and acts only where the edge is met:
//!
//! ```text
//! 0 ⪯ X  ⟂  Uᵀ(M - H)U ⪰ 0   at all times.
//! ```
//!
//! For one direction of gradient descent this is `σ² = 2⟨-∇E, ∇S⟩/‖∇S‖²` with the sharpness `S`. With `c_ij = ∇³E[u_i, u_j]` the change of
//! `UᵀHU` is `⟨c_ij, ẇ⟩`, linear in `X`; so a step of time `τ` (in steps of the optimizer), with the constraint met at its end to
//! first order, is a linear complementarity problem with `Q_ij,kl = τ/2 ⟨c_ij, ρ c_kl⟩`, a Gram matrix. That is
//! Moreau's time stepping: directions join and leave by themselves, and errors of one step are mended by the next.
//!
//! Source: Cohen, Damian, Talwalkar, Kolter and Lee (2024), *Understanding optimization in deep learning with central
//! flows*.

use super::complementarity::{self, Unsolved, coordinates, matrix, pairs};
use super::metric::{Metric, complex, dot};
use super::sharp::{Direction, Sharp};
use super::{Oscillating, Oscillation, Path};
use crate::flow::{Problem, Stop};
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

/// A direction can come to the edge within a step if `z` is above this part of it.
const NEAR: f64 = 0.95;
/// So many directions are taken into account where nothing else is said.
const MOST: usize = 16;
/// From this `z` on, a step is integrated in more parts.
const STIFF: f64 = 1.25;
/// A flow whose `z` stays above this for so many steps is not at the edge.
const ABOVE: f64 = 1.05;
const STAYS: usize = 5;
/// Where it is above this, there is no flow.
const FAR: f64 = 1e4;
/// Averages of squares that change faster than this, in time constants a step, are those of single squares.
const FAST: f64 = 1e3;

/// See the [module](self).
pub(in crate::flow) struct Central<'a> {
    problem: &'a Problem,
    metric: Metric,
    sharp: Sharp<'a>,
    w: Vec<f64>,
    /// The average of squared gradients; empty without one.
    nu: Vec<f64>,
    /// At `w`, if they have been found.
    directions: Option<Vec<Direction>>,
    /// The largest number of directions.
    most: usize,
    oscillation: Covariance,
    /// How far the flow has come, in steps, and when there first were more directions near the edge than allowed.
    time: f64,
    crowded: Option<f64>,
    beyond: Beyond,
}

/// The steps at which the flow is beyond the edge.
#[derive(Default)]
struct Beyond {
    /// Since when it has been so, in steps without a gap.
    since: Option<f64>,
    run: usize,
    /// The beginning of the first of [`STAYS`] steps on end, if there were so many.
    first: Option<f64>,
    /// How many there were in all, and the largest `z`, with its step.
    count: usize,
    most: (f64, f64),
}

impl Beyond {
    fn see(&mut self, time: f64, z: f64) {
        if z.is_nan() || z <= ABOVE {
            (self.since, self.run) = (None, 0);
            return;
        }
        let since = *self.since.get_or_insert(time);
        self.run += 1;
        self.count += 1;
        if z > self.most.1 {
            self.most = (time, z);
        }
        if self.run >= STAYS {
            self.first.get_or_insert(since);
        }
    }

    fn remark(&self) -> Option<String> {
        let (time, z) = self.most;
        self.first.map(|first| {
            format!(
                "from step {first:.0} on its sharpness is above the edge, {z:.1} times at step {time:.0} and by more than 5 % at {} steps in \
                 all: the curvature changes too much within a step to be held there, and it is no path of the optimizer's averages",
                self.count
            )
        })
    }
}

/// `Σ = U X Uᵀ`.
struct Covariance {
    u: Vec<Vec<f64>>,
    x: DMatrix<f64>,
    /// Of the complementarity problem.
    residual: f64,
}

impl Covariance {
    fn none() -> Covariance {
        Covariance { u: Vec::new(), x: DMatrix::zeros(0, 0), residual: 0.0 }
    }
}

impl<'a> Central<'a> {
    /// From `w`, with as many directions as are near the edge, but at most `most`.
    ///
    /// # Errors
    /// Those of the objective.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        metric: Metric,
        w: &[f64],
        most: Option<usize>,
    ) -> Result<Central<'a>, Stop> {
        let nu = match &metric.second {
            Some(second) => second.update(&second.before, &gradient(problem, w)?, 1),
            None => Vec::new(),
        };
        Ok(Central {
            problem,
            metric,
            sharp: Sharp::new(problem),
            w: w.to_vec(),
            nu,
            directions: None,
            most: most.unwrap_or(MOST).min(w.len()),
            oscillation: Covariance::none(),
            time: 0.0,
            crowded: None,
            beyond: Beyond::default(),
        })
    }

    /// The directions near the edge, and one more at least where there are more.
    fn directions(&mut self) -> Result<&[Direction], Stop> {
        if self.directions.is_none() {
            let edge = self.metric.edges(&self.nu, self.w.len());
            let mut wanted = (self.oscillation.u.len() + 1).clamp(1, self.most);
            let found = loop {
                let found = self.sharp.find(&self.w, &edge, wanted)?;
                if wanted == self.most || found.last().is_some_and(|last| last.z < NEAR) {
                    break found;
                }
                wanted = (wanted + 2).min(self.most);
            };
            if self.most < self.w.len()
                && self.crowded.is_none()
                && found.len() == self.most
                && found.last().is_some_and(|last| last.z >= NEAR)
            {
                self.crowded = Some(self.time);
            }
            self.directions = Some(found);
        }
        Ok(self.directions.as_deref().unwrap_or_default())
    }

    /// `ρ`, and the velocity of `w` and `ν` where the force `½∇⟨H, Σ⟩` and the diagonal of `HΣH` are these.
    fn velocity(
        &self,
        w: &[f64],
        nu: &[f64],
        force: &[f64],
        spread: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>), Stop> {
        let slope = gradient(self.problem, w)?;
        let rates = self.metric.rates(nu, w.len());
        let dw = (0..w.len()).map(|i| -rates[i] * (slope[i] + force[i])).collect();
        let dnu = match &self.metric.second {
            Some(second) => {
                let squares = slope.iter().zip(spread).map(|(g, s)| g * g + s).collect();
                let squares = second.squares(squares);
                squares.iter().zip(nu).map(|(s, nu)| second.speed(self.time) * (s - nu)).collect()
            }
            None => Vec::new(),
        };
        Ok((dw, dnu))
    }

    /// `(w, ν)` after the time `tau` with these held, by the classical Runge-Kutta method.
    fn drift(&self, tau: f64, force: &[f64], spread: &[f64]) -> Result<(Vec<f64>, Vec<f64>), Stop> {
        let (mut w, mut nu) = (self.w.clone(), self.nu.clone());
        // A gradient flow decays by e^(-cz) a step and ν by e^(-speed); the method is stable up to 2.78 in one part.
        let z = self.directions.as_ref().and_then(|found| found.first()).map_or(1.0, |at| at.z);
        if z > FAR {
            return Err(Stop::FarBeyondTheEdge(z));
        }
        let speed = self.metric.second.as_ref().map_or(0.0, |second| second.speed(self.time));
        if speed > FAST {
            return Err(Stop::ForgetsAtOnce(speed));
        }
        let fastest = (self.metric.threshold * (z / STIFF).max(1.0)).max(0.5 * speed);
        let parts = (fastest * tau).ceil().max(1.0);
        let h = tau / parts;
        for _ in 0..parts as usize {
            let mut slopes: Vec<(Vec<f64>, Vec<f64>)> = Vec::with_capacity(4);
            for part in [0.0, 0.5, 0.5, 1.0] {
                let slope = match slopes.last() {
                    None => self.velocity(&w, &nu, force, spread)?,
                    Some((dw, dnu)) => {
                        let w = moved(&w, part * h, dw);
                        self.velocity(&w, &moved(&nu, part * h, dnu), force, spread)?
                    }
                };
                slopes.push(slope);
            }
            for ((dw, dnu), weight) in slopes.iter().zip([1.0, 2.0, 2.0, 1.0]) {
                w = moved(&w, weight * h / 6.0, dw);
                nu = moved(&nu, weight * h / 6.0, dnu);
            }
        }
        if w.iter().chain(&nu).all(|x| x.is_finite()) { Ok((w, nu)) } else { Err(Stop::NotFinite) }
    }

    /// `X` of the last step along other directions.
    fn carried(&self, u: &[Vec<f64>], edge: &[f64]) -> DMatrix<f64> {
        let old = &self.oscillation;
        // UᵀMU = 1
        let weighted: Vec<Vec<f64>> =
            u.iter().map(|u| u.iter().zip(edge).map(|(u, m)| u * m).collect()).collect();
        let turn = DMatrix::from_fn(u.len(), old.u.len(), |i, j| dot(&weighted[i], &old.u[j]));
        if old.u.is_empty() {
            return DMatrix::zeros(u.len(), u.len());
        }
        &turn * &old.x * turn.transpose()
    }
}

impl Oscillating for Central<'_> {
    fn advance(&mut self, steps: f64) -> Result<(), Stop> {
        let d = self.w.len();
        let near: Vec<Direction> =
            self.directions()?.iter().filter(|direction| direction.z >= NEAR).cloned().collect();
        let k = near.len();
        if k == 0 {
            (self.w, self.nu) = self.drift(steps, &vec![0.0; d], &vec![0.0; d])?;
            self.oscillation = Covariance::none();
            (self.directions, self.time) = (None, self.time + steps);
            return Ok(());
        }
        let z = DVector::from_iterator(k, near.iter().map(|direction| direction.z));
        let u: Vec<Vec<f64>> = near.into_iter().map(|direction| direction.u).collect();
        let edge = self.metric.edges(&self.nu, d);
        // c_ij, and u_i u_j entry by entry, in the coordinates of symmetric matrices; z_i z_j, which is 1 at the edge.
        let mut cubic = DMatrix::zeros(d, k * (k + 1) / 2);
        let mut squares = DMatrix::zeros(d, cubic.ncols());
        let beyond = DVector::from_iterator(cubic.ncols(), pairs(k).map(|(i, j)| z[i] * z[j]));
        for (column, (i, j)) in pairs(k).enumerate() {
            let factor = if i == j { 1.0 } else { std::f64::consts::SQRT_2 };
            let third = third(self.problem, &self.w, &u[i], &u[j])?;
            for n in 0..d {
                cubic[(n, column)] = factor * third[n];
                squares[(n, column)] = factor * u[i][n] * u[j][n];
            }
        }
        // Half of ∇⟨H, Σ⟩, and the diagonal of HΣH, HU = MU diag(z).
        let effect = |x: &DMatrix<f64>| {
            let x = coordinates(x);
            let spread = &squares * x.component_mul(&beyond);
            let spread: Vec<f64> = spread.iter().zip(&edge).map(|(s, m)| m * m * s).collect();
            ((&cubic * x * 0.5).as_slice().to_vec(), spread)
        };
        let before = self.carried(&u, &edge);
        let (force, spread): (Vec<f64>, Vec<f64>) = effect(&before);
        let (w, nu) = self.drift(steps, &force, &spread)?;
        let rates = self.metric.rates(&self.nu, d);
        let slopes = self.metric.edge_slopes(&self.nu, d);
        let speed = self.metric.second.as_ref().map_or(0.0, |second| second.speed(self.time));
        let joint = self.metric.second.as_ref().is_some_and(|second| second.joint);
        // How the constraint changes with the point, and with ν through M.
        let (moved_w, moved_edge) = {
            let moved_w = DVector::from_iterator(d, w.iter().zip(&self.w).map(|(a, b)| a - b));
            let after = self.metric.edges(&nu, d);
            let moved_edge = DVector::from_iterator(d, after.iter().zip(&edge).map(|(a, b)| a - b));
            (moved_w, moved_edge)
        };
        let mut q = scaled(&cubic, &rates).tr_mul(&cubic) * (0.5 * steps);
        if !slopes.is_empty() {
            let weights: Vec<f64> =
                slopes.iter().zip(&edge).map(|(s, m)| steps * speed * s * m * m).collect();
            // The force on ν is z_i z_j times that of the constraint: a half of it on each side keeps Q symmetric. What that leaves
            // where the z differ, the next steps mend.
            let halves = beyond.map(|z| z.max(0.0).sqrt());
            let part = if joint {
                let sums = squares.row_sum().transpose();
                &sums * sums.transpose() * weights[0]
            } else {
                scaled(&squares, &weights).tr_mul(&squares)
            };
            q += part.component_mul(&(&halves * halves.transpose()));
        }
        let change =
            squares.tr_mul(&moved_edge) - cubic.tr_mul(&moved_w) - &q * coordinates(&before);
        let r = DMatrix::from_diagonal(&z.map(|z| 1.0 - z)) + matrix(k, &change);
        let solution =
            complementarity::Problem { r, q }.solve().map_err(|reason| match reason {
                Unsolved::NotFinite => Stop::NotFinite,
                Unsolved::Impossible => Stop::Unstabilised,
                Unsolved::Residual(residual) => Stop::CovarianceNotFound(residual),
            })?;
        let (force, spread): (Vec<f64>, Vec<f64>) = effect(&(&solution.x - &before));
        self.w = (0..d).map(|i| w[i] - steps * rates[i] * force[i]).collect();
        self.nu = match &self.metric.second {
            Some(second) => moved(&nu, steps * speed, &second.squares(spread)),
            None => nu,
        };
        if !self.w.iter().chain(&self.nu).all(|x| x.is_finite()) {
            return Err(Stop::NotFinite);
        }
        self.oscillation = Covariance { u, x: solution.x, residual: solution.residual };
        self.directions = None;
        self.time += steps;
        Ok(())
    }

    fn point(&self) -> &[f64] {
        &self.w
    }

    fn oscillation(&mut self) -> Result<Oscillation, Stop> {
        let z = self.directions()?.first().map_or(f64::NAN, |direction| direction.z);
        self.beyond.see(self.time, z);
        let Covariance { u, x, residual } = &self.oscillation;
        let k = u.len();
        let edge = self.metric.edges(&self.nu, self.w.len());
        let product = |power: i32| {
            let entry = |i: usize, j: usize| {
                let terms = u[i].iter().zip(&u[j]).zip(&edge);
                terms.map(|((a, b), m)| a * b * m.powi(power)).sum::<f64>()
            };
            DMatrix::from_fn(k, k, entry)
        };
        // That of the parameters, not of the point where gradients are taken.
        let x = &(x * self.metric.ratio.powi(2));
        // Σ = UXUᵀ has the eigenvalues of LᵀXL, UᵀU = LLᵀ.
        let mut covariance: Vec<f64> = match product(0).cholesky() {
            Some(factor) if k > 0 => {
                let l = factor.l();
                (l.transpose() * x * l).symmetric_eigenvalues().iter().copied().collect()
            }
            _ => Vec::new(),
        };
        let largest = covariance.iter().copied().fold(0.0, f64::max);
        covariance.retain(|value| *value > 1e-9 * largest);
        covariance.sort_by(|a, b| b.total_cmp(a));
        let loss = self.problem.loss(&complex(&self.w))?.re;
        let slope = gradient(self.problem, &self.w)?;
        // ⟨M - H, Σ⟩ = 0, so that ½⟨H, Σ⟩ = ½⟨M, Σ⟩ and ⟨H², Σ⟩ = ⟨M², Σ⟩.
        Ok(Oscillation {
            sharpness: z * self.metric.edge(),
            edge: self.metric.edge(),
            // The sum of nothing is -0.
            trace: covariance.iter().fold(0.0, |sum, value| sum + value),
            covariance,
            loss: loss + 0.5 * x.dot(&product(1)),
            gradient_norm: (dot(&slope, &slope) + x.dot(&product(2))).sqrt(),
            distance: f64::NAN,
            residual: *residual,
        })
    }

    fn remarks(&self) -> Vec<String> {
        let crowded = self.crowded.map(|time| {
            format!(
                "from step {time:.0} on all of the {} sharpest directions are near the edge, and others that may be as well are \
                 left out: take more --directions",
                self.most
            )
        });
        crowded.into_iter().chain(self.beyond.remark()).collect()
    }

    fn path(&self) -> Path {
        Path::Average
    }
}

/// The rows of `a` multiplied by `factors`.
fn scaled(a: &DMatrix<f64>, factors: &[f64]) -> DMatrix<f64> {
    let mut out = a.clone();
    for mut column in out.column_iter_mut() {
        column.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
    }
    out
}

/// `x + t v`.
pub(super) fn moved(x: &[f64], t: f64, v: &[f64]) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + t * v).collect()
}

/// `∇E`.
pub(super) fn gradient(problem: &Problem, x: &[f64]) -> Result<Vec<f64>, Stop> {
    let mut f = vec![Complex64::ZERO; x.len()];
    problem.total(&complex(x), &mut f)?;
    let gradient: Vec<f64> = f.iter().map(|f| -f.re).collect();
    if gradient.iter().all(|g| g.is_finite()) { Ok(gradient) } else { Err(Stop::NotFinite) }
}

/// `∇³E[u, v]`.
fn third(problem: &Problem, x: &[f64], u: &[f64], v: &[f64]) -> Result<Vec<f64>, Stop> {
    let mut out = vec![Complex64::ZERO; x.len()];
    problem.second(&complex(x), &complex(u), &complex(v), &mut out)?;
    let third: Vec<f64> = out.iter().map(|f| -f.re).collect();
    if third.iter().all(|x| x.is_finite()) { Ok(third) } else { Err(Stop::NotFinite) }
}
