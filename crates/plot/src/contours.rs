//! Heights of a function of two variables, and the levels to draw them at.

use super::display_list::Point;
use super::number::{Numbers, distinct, exponent, ten};
use contour::ContourBuilder;

/// A function of two variables on a grid, to be drawn as filled contours.
#[derive(Clone, Debug)]
pub struct Contours {
    /// The least and the greatest first coordinate.
    pub x: (f64, f64),
    /// The least and the greatest second coordinate.
    pub y: (f64, f64),
    /// What the colours stand for.
    pub label: String,
    values: Vec<f64>,
    is_finite: bool,
    /// Levels with their labels, instead of quantiles.
    fixed: Vec<(f64, String)>,
}

/// Samples along each axis.
const GRID: usize = 220;
/// The parts of the box that lie below the levels, of which there are as many as can be told apart; the last is the end.
const PARTS: [f64; 13] =
    [0.02, 0.05, 0.1, 0.17, 0.25, 0.34, 0.44, 0.54, 0.64, 0.74, 0.84, 0.94, 1.0];

impl Contours {
    /// Samples a function in a box. Values that are not finite, or above `1e300` in size, are drawn
    /// as the highest of the others.
    pub fn sample(
        x: (f64, f64),
        y: (f64, f64),
        label: impl Into<String>,
        mut function: impl FnMut(f64, f64) -> f64,
    ) -> Contours {
        let at = |range: (f64, f64), i: usize| {
            range.0 + (range.1 - range.0) * (i as f64 + 0.5) / GRID as f64
        };
        let mut values = Vec::with_capacity(GRID * GRID);
        for j in 0..GRID {
            for i in 0..GRID {
                values.push(function(at(x, i), at(y, j)));
            }
        }
        // Differences of larger values would overflow.
        let is_drawn = |v: f64| v.abs() < 1e300;
        let finite = values.iter().copied().filter(|&v| is_drawn(v));
        let highest = finite.fold(f64::NEG_INFINITY, f64::max);
        let is_finite = highest.is_finite();
        let highest = if is_finite { highest } else { 0.0 };
        for value in &mut values {
            if !is_drawn(*value) {
                *value = highest;
            }
        }
        Contours { x, y, label: label.into(), values, is_finite, fixed: Vec::new() }
    }

    /// The same heights with levels of one's own: increasing values, each with its label on the colour bar.
    #[must_use]
    pub fn with_levels(mut self, levels: Vec<(f64, String)>) -> Contours {
        self.fixed = levels;
        self
    }

    /// Whether the function has a finite value in the box, at most `1e300` in size.
    pub fn is_finite(&self) -> bool {
        self.is_finite
    }

    /// Increasing heights that divide the box into bands of comparable sizes: quantiles of the heights, more of them
    /// near the lowest, rounded as far as that keeps them apart.
    pub(super) fn levels(&self) -> Vec<f64> {
        if !self.fixed.is_empty() {
            return self.fixed.iter().map(|(level, _)| *level).collect();
        }
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let quantile = |part: f64| sorted[((sorted.len() - 1) as f64 * part) as usize];
        let mut levels: Vec<f64> = Vec::new();
        for (part, next) in PARTS.iter().zip(&PARTS[1..]) {
            let (here, above) = (quantile(*part), quantile(*next));
            let level = round(here, above - here);
            let is_above = levels.last().is_none_or(|last| level > *last);
            if is_above && level > sorted[0] && level < sorted[sorted.len() - 1] {
                levels.push(level);
            }
        }
        levels
    }

    /// The rings around what is higher than each level, in parts of the box from its lower left
    /// corner.
    pub(super) fn rings(&self, levels: &[f64]) -> Vec<Vec<Vec<Point>>> {
        let step = 1.0 / GRID as f64;
        let builder = ContourBuilder::new(GRID, GRID, true).x_step(step).y_step(step);
        let contours = builder.contours(&self.values, levels).expect("the grid is full");
        let mut all = Vec::with_capacity(levels.len());
        for contour in contours {
            let mut rings: Vec<Vec<Point>> = Vec::new();
            for polygon in &contour.geometry().0 {
                for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                    rings.push(ring.0.iter().map(|at| (at.x, at.y)).collect());
                }
            }
            all.push(rings);
        }
        all
    }

    /// The labels of the levels on the bar, evenly chosen, at most `most`: their indices, and their texts.
    pub(super) fn labels(&self, levels: &[f64], most: usize) -> (Vec<usize>, Numbers) {
        let every = levels.len().div_ceil(most.max(1)).max(1);
        let chosen: Vec<usize> = (0..levels.len()).step_by(every).collect();
        if !self.fixed.is_empty() {
            let texts: Vec<String> = chosen.iter().map(|i| self.fixed[*i].1.clone()).collect();
            return (chosen, Numbers::from(texts));
        }
        let values: Vec<f64> = chosen.iter().map(|i| levels[*i]).collect();
        (chosen, distinct(&values))
    }
}

/// A number near `x`, to one digit of what is apart from its neighbour.
fn round(x: f64, apart: f64) -> f64 {
    let unit = ten(exponent(apart / 2.0));
    let rounded = (x / unit).round() * unit;
    // Subnormal and huge steps have no such unit.
    if apart > 0.0 && rounded.is_finite() && unit.is_normal() { rounded } else { x }
}
