//! The multipliers of one step as curves: one for each eigenvalue of the Hessian, or one for all of a game.

use super::Report;
use super::picture::sign;
use crate::cli::terminal::short;
use crate::csv;
use bea_flow::flow::Problem;
use bea_flow::flow::stability::{Crossing, Direction, Eigenvalues, Interval, Multipliers, Path};
use bea_plot::{Color, Style};
use bea_series::series::GeneralLinearMethod;
use miette::miette;
use num_complex::Complex64;

/// More eigenvalues than that are not told apart in a picture: of others the first, the last and some between are drawn.
const MOST: usize = 5;
/// Eigenvalues that near to one another, relative to the largest, are drawn as one.
const EQUAL: f64 = 1e-9;

/// What is drawn in one colour: the multipliers along one eigenvector of the Hessian, or all of a game.
pub(super) struct Curve {
    pub label: String,
    pub style: Style,
    pub multipliers: Multipliers,
    pub paths: Vec<Path>,
    /// The first step size at which a multiplier reaches the unit circle.
    pub critical: Option<f64>,
    /// The eigenvalues that it stands for.
    pub lambdas: Vec<Complex64>,
}

impl Report<'_> {
    /// The `λ`, the largest first: eigenvalues of the Hessian, or the negative ones of a game's Jacobian.
    pub(super) fn eigenvalues(&self) -> Vec<Complex64> {
        match &self.stability.spectrum {
            Eigenvalues::Loss(directions) => directions.iter().map(|d| d.lambda.into()).collect(),
            Eigenvalues::Coupled(coupled) => coupled.ngf.iter().map(|z| -z).collect(),
        }
    }

    /// How many different eigenvalues other than 0 the Hessian has.
    pub(super) fn different(&self) -> usize {
        match &self.stability.spectrum {
            Eigenvalues::Loss(directions) => distinct(directions).len(),
            Eigenvalues::Coupled(_) => 1,
        }
    }

    /// A curve for each eigenvalue of the Hessian, or one for all multipliers of a game.
    pub(super) fn curves(
        &self,
        problem: &Problem,
        method: &GeneralLinearMethod,
        end: f64,
    ) -> miette::Result<Vec<Curve>> {
        let directions = match &self.stability.spectrum {
            Eigenvalues::Loss(directions) => directions,
            Eigenvalues::Coupled(coupled) => {
                let point = &self.stability.point.theta;
                let multipliers = Multipliers::of_fields(problem, method, point)
                    .map_err(|error| miette!("{error}"))?;
                let intervals = coupled.intervals.as_deref().unwrap_or_default();
                return Ok(vec![Curve {
                    label: "multipliers μ".into(),
                    style: style_of(0),
                    paths: multipliers.paths(end),
                    multipliers,
                    critical: first_crossing(intervals, 1.0),
                    lambdas: self.eigenvalues(),
                }]);
            }
        };
        let all = distinct(directions);
        let chosen: Vec<usize> = match all.len() {
            n if n <= MOST => (0..n).collect(),
            n => (0..MOST).map(|k| k * (n - 1) / (MOST - 1)).collect(),
        };
        let curve = |(k, i): (usize, &usize)| {
            let (direction, count) = all[*i];
            let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
            let multipliers = Multipliers::along(method, direction.lambda)?;
            let factor = if direction.scaled { direction.lambda.abs() } else { 1.0 };
            Some(Curve {
                label: format!("λ = {}{times}", sign(&short(direction.lambda))),
                style: style_of(k),
                paths: multipliers.paths(end),
                multipliers,
                critical: first_crossing(&direction.intervals, factor),
                lambdas: vec![direction.lambda.into()],
            })
        };
        let curves: Vec<Curve> = chosen.iter().enumerate().filter_map(curve).collect();
        Ok(curves)
    }
}

/// The `k`-th of the curves: in none of the colours of the step sizes that are marked.
fn style_of(k: usize) -> Style {
    const COLORS: [usize; MOST] = [1, 2, 3, 6, 7];
    let color = Color::of_series(COLORS[k % MOST]);
    Style { color, ..Style::of_series(k) }
}

/// Directions with different eigenvalues other than 0, in their order, each with how many have the same.
fn distinct(directions: &[Direction]) -> Vec<(&Direction, usize)> {
    let largest = directions.iter().fold(0.0f64, |m, d| m.max(d.lambda.abs()));
    let mut found: Vec<(&Direction, usize)> = Vec::new();
    for direction in directions.iter().filter(|d| d.lambda != 0.0) {
        match found.last_mut() {
            Some((last, count)) if last.lambda - direction.lambda <= EQUAL * largest => *count += 1,
            _ => found.push((direction, 1)),
        }
    }
    found
}

/// The first step size at which an interval ends with a multiplier on the unit circle, of intervals in `h` times a factor.
fn first_crossing(intervals: &[Interval], factor: f64) -> Option<f64> {
    let ends = intervals.iter().map(|interval| &interval.to);
    let mut crossings = ends.filter(|to| to.value.is_finite() && to.crossing != Crossing::Pole);
    crossings.next().map(|to| to.value / factor)
}

/// A row for each point of each path. The eigenvalue is left empty where there are several.
pub(super) fn multipliers_table(curves: &[Curve]) -> Vec<u8> {
    let rows = curves.iter().flat_map(|curve| {
        let lambda = match curve.lambdas.as_slice() {
            [one] => csv::number(one.re),
            _ => String::new(),
        };
        curve.paths.iter().enumerate().flat_map(move |(k, path)| {
            let lambda = lambda.clone();
            path.iter().map(move |(h, mu)| {
                let [h, re, im] = [*h, mu.re, mu.im].map(csv::number);
                [lambda.clone(), k.to_string(), h, re, im]
            })
        })
    });
    csv::text(["lambda", "path", "h", "mu_re", "mu_im"], rows).into_bytes()
}
