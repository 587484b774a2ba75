//! The part of a landscape that a picture shows.

use bea_flow::flow::{Simulation, Trajectory};
use num_complex::Complex64;

/// What a picture of a landscape shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Framing {
    /// Where the optimizer goes, with room around it.
    #[default]
    Trajectories,
    /// The box of the loss, if it has one and the optimizer starts in it, and otherwise all minima as well.
    All,
    /// This box: a range a coordinate.
    Box(Vec<(f64, f64)>),
}

/// Of the extent of what is shown, the room on either side.
const ROOM: f64 = 0.4;
/// Where one unit of one axis is at most so many of another, both get the same scale.
const ALIKE: f64 = 8.0;
/// The largest coordinate that is shown; differences of larger ones would overflow.
const LARGEST: f64 = 1e300;

impl Framing {
    /// The range of every coordinate, for a panel of this ratio of width to height. `domain` and `minima` are those of the
    /// loss.
    pub fn ranges(
        &self,
        simulation: &Simulation,
        domain: &[(f64, f64)],
        minima: &[Vec<f64>],
        aspect: f64,
    ) -> Vec<(f64, f64)> {
        let dimension = simulation.optimizer.theta.first().map_or(0, Vec::len);
        let steps = |i: usize| coordinates(&simulation.optimizer, i);
        match self {
            Framing::Box(ranges) => ranges.clone(),
            Framing::All => {
                let range = |i: usize| {
                    let steps = steps(i);
                    let starts = |range: &&(f64, f64)| {
                        steps.first().is_some_and(|start| (range.0..=range.1).contains(start))
                    };
                    let all = || roomy(minima.iter().map(|at| at[i]).fold(inner(&steps), include));
                    domain.get(i).filter(starts).copied().unwrap_or_else(all)
                };
                (0..dimension).map(range).collect()
            }
            Framing::Trajectories => {
                let mut ranges: Vec<(f64, f64)> = (0..dimension)
                    .map(|i| {
                        let range = inner(&steps(i));
                        // What does not run away is seen as a whole, that of flows included.
                        let flows = simulation.flows.iter().flat_map(|flow| path(flow, i));
                        steps(i)
                            .into_iter()
                            .chain(flows)
                            .filter(|x| near(range, *x))
                            .fold(range, include)
                    })
                    .collect();
                let close =
                    |at: &&Vec<f64>| ranges.iter().zip(*at).all(|(range, x)| near(*range, *x));
                for at in minima.iter().filter(close).cloned().collect::<Vec<_>>() {
                    ranges.iter_mut().zip(at).for_each(|(range, x)| *range = include(*range, x));
                }
                let ranges: Vec<_> = ranges.into_iter().map(roomy).collect();
                match ranges.as_slice() {
                    [x, y] => equal(*x, *y, aspect).into(),
                    _ => ranges,
                }
            }
        }
    }
}

/// The box of the complex plane in which the trajectories of one coordinate move, those that run away left out, for a
/// panel of this ratio of width to height: ranges of real and imaginary part with one scale.
pub(super) fn complex(simulation: &Simulation, aspect: f64) -> [(f64, f64); 2] {
    let points = |part: fn(&Complex64) -> f64| {
        let of = |flow: &Trajectory| {
            let curve = flow.path.iter().map(|(_, theta)| &theta[0]);
            let steps = flow.theta.iter().map(|theta| &theta[0]);
            curve.chain(steps).map(part).filter(|x| x.abs() < LARGEST).collect::<Vec<f64>>()
        };
        simulation.trajectories().flat_map(of).collect::<Vec<f64>>()
    };
    let optimizer = coordinates(&simulation.optimizer, 0);
    let (re, im) = (points(|z| z.re), points(|z| z.im));
    // How far flows leave the real line is measured by how far the optimizer moves along it.
    let x = inner(&optimizer);
    let x = re.into_iter().filter(|re| near(x, *re)).fold(x, include);
    let length = x.1 - x.0;
    let y = im.into_iter().filter(|y| y.abs() <= length).fold((0.0, 0.0), include);
    let room = |(low, high): (f64, f64)| (low - ROOM / 4.0 * length, high + ROOM / 4.0 * length);
    let (x, y) = if length > 0.0 { (room(x), room(y)) } else { (roomy(x), roomy(y)) };
    equal(x, y, aspect)
}

/// The real parts of a coordinate at the steps, as far as they can be shown: where the loss has not overflowed, either.
fn coordinates(flow: &Trajectory, i: usize) -> Vec<f64> {
    let steps = flow.theta.iter().zip(&flow.loss);
    let finite = steps.filter(|(_, loss)| loss.re.abs() < LARGEST);
    finite.map(|(theta, _)| theta[i].re).filter(|x| x.abs() < LARGEST).collect()
}

/// The real parts of a coordinate along the curve of a flow.
fn path(flow: &Trajectory, i: usize) -> Vec<f64> {
    let curve = flow.path.iter().map(|(_, theta)| theta[i].re);
    coordinates(flow, i).into_iter().chain(curve).filter(|x| x.abs() < LARGEST).collect()
}

fn include((low, high): (f64, f64), x: f64) -> (f64, f64) {
    (low.min(x), high.max(x))
}

/// The start and four fifths of the steps: not those of a trajectory that diverges.
fn inner(steps: &[f64]) -> (f64, f64) {
    let Some(&start) = steps.first() else { return (0.0, 0.0) };
    let mut sorted = steps.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
    include(include((start, start), quantile(0.1)), quantile(0.9))
}

/// Whether a coordinate is no further from a range than that is long.
fn near((low, high): (f64, f64), x: f64) -> bool {
    let length = high - low;
    (low - length..=high + length).contains(&x)
}

/// A range with room on either side.
fn roomy((low, high): (f64, f64)) -> (f64, f64) {
    // Not so little that neighbouring ticks would have the same label.
    let least = 1e-9 * low.abs().max(high.abs());
    let room = if high - low > least {
        ROOM * (high - low)
    } else {
        0.5 * low.abs().max(f64::from(low == 0.0))
    };
    (low - room, high + room)
}

/// Two ranges, the shorter one extended so that a unit is equally long on both axes, unless they are of different kinds.
fn equal(x: (f64, f64), y: (f64, f64), aspect: f64) -> [(f64, f64); 2] {
    let scale = |(low, high): (f64, f64), length: f64| (high - low) / length;
    let (across, up) = (scale(x, aspect), scale(y, 1.0));
    if across.max(up) > ALIKE * across.min(up) {
        return [x, y];
    }
    let extended = |(low, high): (f64, f64), length: f64| {
        let (middle, half) = (0.5 * low + 0.5 * high, 0.5 * length * across.max(up));
        (middle - half, middle + half)
    };
    [extended(x, aspect), extended(y, 1.0)]
}
