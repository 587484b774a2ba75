//! Heights of a function of two variables, and the levels to draw them at.

use super::axis::{short, ten};
use super::display_list::Point;
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
}

/// Samples along each axis.
const GRID: usize = 220;
/// About as many levels as can be told apart.
const LEVELS: usize = 12;
/// Heights that differ by more than this factor get levels at equal ratios.
const WIDE: f64 = 30.0;

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
        let highest = if highest.is_finite() { highest } else { 0.0 };
        for value in &mut values {
            if !is_drawn(*value) {
                *value = highest;
            }
        }
        Contours { x, y, label: label.into(), values }
    }

    /// Increasing heights that divide the box into bands of comparable sizes: 1, 2 and 5 times powers
    /// of ten above the least height where they span several decades, equal steps otherwise.
    pub(super) fn levels(&self) -> Vec<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let quantile = |part: f64| sorted[((sorted.len() - 1) as f64 * part) as usize];
        let (least, greatest) = (quantile(0.0), quantile(1.0));
        if greatest <= least {
            return Vec::new();
        }
        let base = least.min(0.0);
        let (low, high) = (quantile(0.004) - base, quantile(0.995) - base);
        if low > 0.0 && high / low > WIDE {
            let decades = (high / low).log10();
            let factors: &[f64] = if decades * 3.0 <= 1.5 * LEVELS as f64 {
                &[1.0, 2.0, 5.0]
            } else if decades * 2.0 <= 1.5 * LEVELS as f64 {
                &[1.0, 3.0]
            } else {
                &[1.0]
            };
            let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
            let all = exponents.flat_map(|e| factors.iter().map(move |f| f * ten(e)));
            all.filter(|level| (low..=high).contains(level)).map(|level| base + level).collect()
        } else {
            let (low, high) = (quantile(0.0), quantile(0.98));
            let step = |i| low + (high - low) * i as f64 / (LEVELS + 1) as f64;
            let mut levels: Vec<f64> = (1..=LEVELS).map(step).collect();
            // There may be fewer numbers between the two.
            levels.dedup();
            levels
        }
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

    /// The labels of the levels on the bar: at most eight, evenly chosen.
    pub(super) fn labels(levels: &[f64]) -> Vec<(usize, String)> {
        let every = levels.len().div_ceil(8).max(1);
        let chosen = levels.iter().enumerate().step_by(every);
        chosen.map(|(i, level)| (i, short(*level))).collect()
    }
}
