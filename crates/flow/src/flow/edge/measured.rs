//! The oscillation of the optimizer's own iterates.

use super::central::gradient;
use super::metric::{Metric, dot};
use super::sharp::Sharp;
use super::{Oscillation, Oscillations, Path};
use crate::flow::{Problem, Stop, Trajectory, Watch};
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::collections::VecDeque;

/// Averages are taken over so many steps before and after.
pub(in crate::flow) const WINDOW: usize = 20;
/// How many eigenvalues of `Σ` are kept.
const KEPT: usize = 16;

type Point = Vec<Complex64>;

/// The real point of a step.
fn point(theta: &[Point], n: usize) -> Option<Vec<f64>> {
    Some(theta.get(n)?.iter().map(|z| z.re).collect())
}

/// `(θ_{n-1} + 2θ_n + θ_{n+1})/4` or `(θ_n + θ_{n+1})/2`; at the start and the end, where a neighbour is missing, there is none.
fn mean(theta: &[Point], n: usize, path: Path) -> Option<Vec<f64>> {
    let (here, next) = (point(theta, n)?, point(theta, n + 1)?);
    let half = |(a, b): (&f64, &f64)| 0.5 * (a + b);
    let after: Vec<f64> = here.iter().zip(&next).map(half).collect();
    match path {
        Path::Midpoint => Some(after),
        Path::Average => {
            let before = point(theta, n.checked_sub(1)?)?;
            let before: Vec<f64> = before.iter().zip(&here).map(half).collect();
            Some(before.iter().zip(&after).map(half).collect())
        }
    }
}

/// The distance of every point to the path of the optimizer's iterates.
pub(in crate::flow) fn distances(flow: &[Point], optimizer: &[Point], path: Path) -> Vec<f64> {
    let distance = |(n, theta): (usize, &Point)| {
        let mean = mean(optimizer, n, path)?;
        Some(theta.iter().zip(mean).map(|(z, x)| (z - x).norm_sqr()).sum::<f64>().sqrt())
    };
    flow.iter().enumerate().map(|at| distance(at).unwrap_or(f64::NAN)).collect()
}

/// The oscillation of iterates about their path, and the sharpness on that path: `δ_n = (2θ_n - θ_{n-1} - θ_{n+1})/4`, and `Σ`, the loss and the square of the
/// gradient's norm averaged over [`WINDOW`] steps before and after, or as many as there are.
///
/// # Errors
/// Those of the objective.
pub(in crate::flow) fn oscillations(
    problem: &Problem,
    metric: &Metric,
    trajectory: &Trajectory,
    watch: &dyn Watch,
) -> Result<Oscillations, Stop> {
    let steps = trajectory.theta.len();
    let d = problem.dimension();
    let deltas = Deltas::of(&trajectory.theta);
    let mut sharp = Sharp::new(problem);
    let mut nu = metric.second.as_ref().map_or_else(Vec::new, |second| second.before.clone());
    let (mut squares, mut sharpness) = (Vec::new(), Vec::new());
    let mut remarks = vec![format!("measured: averages over {WINDOW} steps before and after")];
    for n in 0..steps {
        if watch.cancelled() {
            return Err(Stop::Cancelled);
        }
        let Some(theta) = point(&trajectory.theta, n) else { break };
        let mut measure = || -> Result<(f64, f64), Stop> {
            let slope = gradient(problem, &theta)?;
            if let Some(second) = &metric.second {
                nu = second.update(&nu, &slope, n + 1);
            }
            let square = dot(&slope, &slope);
            // That of the path, as the flows have it.
            let Some(path) = mean(&trajectory.theta, n, Path::Average) else {
                return Ok((square, f64::NAN));
            };
            let found = sharp.find(&path, &metric.edges(&nu, d), 1)?;
            Ok((square, found.first().map_or(f64::NAN, |found| found.z)))
        };
        match measure() {
            Ok((square, z)) => {
                squares.push(square);
                sharpness.push(z * metric.edge());
            }
            Err(stop) if stop.failure().is_some() => return Err(stop),
            Err(stop) => {
                remarks.push(format!("not measured from step {n} on: {stop}"));
                break;
            }
        }
    }
    let known = sharpness.len();
    let average = |values: &dyn Fn(usize) -> f64, n: usize| {
        let window = n.saturating_sub(WINDOW)..=(n + WINDOW).min(known - 1);
        let count = window.clone().count();
        window.map(values).sum::<f64>() / count as f64
    };
    let at = (0..known).map(|n| {
        let covariance = deltas.covariance(n);
        Oscillation {
            sharpness: sharpness[n],
            edge: metric.edge(),
            trace: if covariance.is_empty() { f64::NAN } else { covariance.iter().sum() },
            covariance: covariance.into_iter().take(KEPT).collect(),
            loss: average(&|n| trajectory.loss[n].re, n),
            gradient_norm: average(&|n| squares[n], n).sqrt(),
            distance: deltas.size(n),
            residual: f64::NAN,
        }
    });
    Ok(Oscillations { at: at.collect(), remarks })
}

/// The products of all `δ` that are in one window.
struct Deltas {
    /// `⟨δ_n, δ_{n-j}⟩` for `j = 0, 1, …`, of those that exist.
    products: Vec<Vec<f64>>,
}

impl Deltas {
    fn of(theta: &[Point]) -> Deltas {
        let mut recent: VecDeque<Vec<f64>> = VecDeque::new();
        let mut products = Vec::new();
        for n in 0..theta.len() {
            let delta = mean(theta, n, Path::Average).zip(point(theta, n));
            let Some((mean, here)) = delta else {
                products.push(Vec::new());
                continue;
            };
            recent.push_front(here.iter().zip(&mean).map(|(x, m)| x - m).collect());
            recent.truncate(2 * WINDOW + 1);
            products.push(recent.iter().map(|past| dot(&recent[0], past)).collect());
        }
        Deltas { products }
    }

    fn size(&self, n: usize) -> f64 {
        self.products[n].first().map_or(f64::NAN, |square| square.sqrt())
    }

    /// The eigenvalues of the mean of `δδᵀ` over the window about a step, the largest first: those of the matrix of products.
    fn covariance(&self, n: usize) -> Vec<f64> {
        let last = (n + WINDOW).min(self.products.len() - 1);
        let window: Vec<usize> =
            (n.saturating_sub(WINDOW)..=last).filter(|&n| !self.products[n].is_empty()).collect();
        let k = window.len();
        if k == 0 {
            return Vec::new();
        }
        let entry = |i: usize, j: usize| {
            let (late, early) = (window[i.max(j)], window[i.min(j)]);
            self.products[late].get(late - early).copied().unwrap_or(0.0) / k as f64
        };
        let values = DMatrix::from_fn(k, k, entry).symmetric_eigenvalues();
        let mut values: Vec<f64> = values.iter().map(|value| value.max(0.0)).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        values
    }
}
