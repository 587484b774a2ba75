//! Pictures of a simulation: the landscape with the trajectories, loss and distance step by step.

use super::frame::{self, Framing};
use super::oscillations::{covariance, has_oscillations, sharpness};
use bea_flow::flow::{FlowName, Problem, Simulation, Trajectory};
use bea_plot::{Axis, AxisScale, Color, Contours, Dash, Marker, Panel, Series, Style};
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::f64::consts::FRAC_PI_4;

/// What a picture needs to know of a loss.
pub struct Landscape<'a> {
    /// The loss.
    pub problem: &'a Problem,
    /// Names of the coordinates.
    pub variables: &'a [String],
    /// The box to show, if the loss comes with one: a range a coordinate.
    pub domain: &'a [(f64, f64)],
    /// Points to mark.
    pub minima: &'a [Vec<f64>],
    /// The part that is shown.
    pub framing: Framing,
    /// The width of its panel over its height.
    pub aspect: f64,
}

/// The name of heights.
const LOSS: &str = "loss";
/// Samples of a loss curve.
const SAMPLES: usize = 600;
/// With more steps than this, steps have no markers, which would cover one another.
const MARKED_STEPS: usize = 60;
/// A panel ends this factor above everything that the optimizer reaches.
const RUNAWAY: f64 = 100.0;
/// Distances below this are those of rounding.
const ROUNDING: f64 = 1e-18;

impl Landscape<'_> {
    /// Every panel that the number of coordinates allows, the landscape first.
    pub fn panels(&self, simulation: &Simulation) -> Vec<Panel> {
        let mut panels = Vec::new();
        match self.problem.dimension() {
            1 => {
                panels.push(self.curve(simulation));
                if leaves_the_real_line(simulation) {
                    panels.push(self.complex_plane(simulation));
                }
            }
            2 => panels.push(self.contours(simulation)),
            _ => {}
        }
        panels.extend(by_steps(simulation));
        panels
    }

    /// The loss at a real point, NaN where it has none.
    fn height(&self, point: &[f64]) -> f64 {
        let point: Vec<Complex64> = point.iter().map(|&x| x.into()).collect();
        self.problem.loss(&point).map_or(f64::NAN, |loss| loss.re)
    }

    /// In one dimension: the loss curve with the steps of all trajectories on it.
    pub fn curve(&self, simulation: &Simulation) -> Panel {
        let range = self.ranges(simulation)[0];
        let height = |x: f64| self.height(&[x]);
        let at = |i: usize| range.0 + (range.1 - range.0) * i as f64 / SAMPLES as f64;
        let points: Vec<(f64, f64)> = (0..=SAMPLES).map(|i| (at(i), height(at(i)))).collect();
        let mut series = Vec::new();
        for (i, flow) in simulation.trajectories().enumerate() {
            let points = flow.theta.iter().map(|theta| (theta[0].re, height(theta[0].re)));
            let mut style = Style::of_series(i).markers();
            if i == 0 {
                style.line = Some(Dash::Solid);
                style.width = 0.8;
            }
            series.push(Series::new(flow.name.as_str(), points.collect(), style));
        }
        let place = |theta: &[Complex64]| (theta[0].re, height(theta[0].re));
        mark_transients(&mut series, simulation, place);
        mark_ends(&mut series, simulation, place);
        self.mark_minima(&mut series, &[range], |minimum| (minimum[0], height(minimum[0])));
        series.push(Series::new(LOSS, points, Style::soft(Dash::Solid)));
        let (x, y) = (self.axis(0, range), Axis::linear(LOSS));
        Panel { x, y, series, note: real_part(simulation, false), ..Panel::default() }
    }

    /// In one dimension: real and imaginary part, over the phase of `1 - hλ` with the second derivative `λ` of the loss, if
    /// that has values there and the optimizer is gradient descent. It multiplies small differences by `1 - hλ`, whose logarithm the principal flow
    /// takes: it leaves the real line where the phase is not 0.
    pub fn complex_plane(&self, simulation: &Simulation) -> Panel {
        let name = &self.variables[0];
        let place = |theta: &[Complex64]| (theta[0].re, theta[0].im);
        let [x, y] = frame::complex(simulation, self.aspect);
        let mut series = trajectories(simulation, place);
        mark_transients(&mut series, simulation, place);
        mark_ends(&mut series, simulation, place);
        self.mark_minima(&mut series, &[x, y], |minimum| (minimum[0], 0.0));
        let part = |part: &str, range: (f64, f64)| {
            Axis::linear(format!("{part} {name}")).from_to(range.0, range.1)
        };
        let phase = Contours::sample(x, y, "phase of 1 − hλ", |re, im| {
            self.phase(simulation.lr, Complex64::new(re, im)).unwrap_or(f64::NAN)
        });
        let of_descent = simulation.optimizer.name == FlowName::GradientDescent.to_string();
        let contours = (of_descent && phase.is_finite()).then(|| phase.with_levels(phases()));
        Panel { x: part("Re", x), y: part("Im", y), contours, series, ..Panel::default() }
    }

    /// The phase of `1 + h f'(z)`, for the field `f = -E'` of gradient descent.
    fn phase(&self, h: f64, z: Complex64) -> Option<f64> {
        let mut jacobian = DMatrix::zeros(1, 1);
        self.problem.jacobian(&[z], &mut jacobian).ok()?;
        let factor = 1.0 + h * jacobian[(0, 0)];
        // On the cut, rounding decides between π and -π.
        (factor.is_finite()).then(|| Complex64::new(factor.re, factor.im + 0.0).arg())
    }

    /// In two dimensions: filled contours with the real parts of the trajectories.
    pub fn contours(&self, simulation: &Simulation) -> Panel {
        let ranges = self.ranges(simulation);
        let (x, y) = (ranges[0], ranges[1]);
        let height = |x: f64, y: f64| self.height(&[x, y]);
        let place = |theta: &[Complex64]| (theta[0].re, theta[1].re);
        let mut series = trajectories(simulation, place);
        mark_transients(&mut series, simulation, place);
        mark_ends(&mut series, simulation, place);
        self.mark_minima(&mut series, &ranges, |minimum| (minimum[0], minimum[1]));
        Panel {
            contours: Some(Contours::sample(x, y, LOSS, height)),
            x: self.axis(0, x),
            y: self.axis(1, y),
            series,
            note: real_part(simulation, true),
            ..Panel::default()
        }
    }

    fn axis(&self, coordinate: usize, range: (f64, f64)) -> Axis {
        Axis::linear(self.variables[coordinate].as_str()).from_to(range.0, range.1)
    }

    /// Those within the ranges of what is shown.
    fn mark_minima(
        &self,
        series: &mut Vec<Series>,
        ranges: &[(f64, f64)],
        place: impl Fn(&[f64]) -> (f64, f64),
    ) {
        let color = Color(230, 159, 0);
        let style = Style { color, line: None, width: 1.0, marker: Some(Marker::Star) };
        let seen = |at: &&Vec<f64>| {
            ranges.iter().zip(*at).all(|((low, high), x)| (low..=high).contains(&x))
        };
        let points: Vec<(f64, f64)> =
            self.minima.iter().filter(seen).map(|minimum| place(minimum)).collect();
        if !points.is_empty() {
            series.push(Series::new("minimum", points, style));
        }
    }

    /// What to show of every coordinate.
    fn ranges(&self, simulation: &Simulation) -> Vec<(f64, f64)> {
        self.framing.ranges(simulation, self.domain, self.minima, self.aspect)
    }
}

/// Whether a panel of the landscape shows no value of the loss.
pub fn is_blank(landscape: &Panel) -> bool {
    match &landscape.contours {
        Some(contours) => !contours.is_finite(),
        None => landscape.series.iter().any(|curve| {
            curve.label == LOSS && curve.points.iter().all(|(_, loss)| !loss.is_finite())
        }),
    }
}

/// Whether a trajectory has an imaginary part that is more than rounding.
fn leaves_the_real_line(simulation: &Simulation) -> bool {
    let points = simulation.trajectories().flat_map(|flow| &flow.theta).flatten();
    points.into_iter().any(|z| z.im.abs() > 1e-12 * z.re.abs())
}

/// An imaginary part below this share of a position would not be seen.
const SEEN: f64 = 1e-6;

/// `real part of pf`: what a panel with real coordinates shows of trajectories that are complex at their steps or, if these are
/// drawn, on their curves; empty if none is.
fn real_part(simulation: &Simulation, curves: bool) -> String {
    let is_complex = |theta: &Vec<Complex64>| {
        let size = |part: fn(&Complex64) -> f64| theta.iter().map(part).map(|x| x * x).sum::<f64>();
        size(|z| z.im).sqrt() > SEEN * size(|z| z.norm()).sqrt()
    };
    let complex = simulation.trajectories().filter(|flow| {
        flow.theta.iter().any(is_complex)
            || curves && flow.path.iter().any(|(_, theta)| is_complex(theta))
    });
    let names: Vec<&str> = complex.map(|flow| flow.name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("real part of {}", names.join(", ")) }
}

/// The optimizer with its steps, and the flows as curves below it.
fn trajectories(
    simulation: &Simulation,
    place: impl Fn(&[Complex64]) -> (f64, f64),
) -> Vec<Series> {
    let mut series = Vec::new();
    for (i, flow) in simulation.trajectories().enumerate() {
        let steps = || flow.theta.iter().map(|theta| place(theta)).collect();
        let (points, style) = match i {
            0 => (steps(), Style { width: 0.5, ..Style::of_series(0) }),
            _ if flow.path.is_empty() => (steps(), directed(i)),
            _ => {
                let points = flow.path.iter().map(|(_, theta)| place(theta));
                (points.collect(), directed(i))
            }
        };
        series.push(Series::new(flow.name.as_str(), points, style));
    }
    series
}

/// A curve with arrows.
fn directed(i: usize) -> Style {
    Style { marker: Some(Marker::Arrow), ..Style::of_series(i) }
}

/// Start and end of the optimizer, on top of all trajectories, and its direction.
fn mark_ends(
    series: &mut Vec<Series>,
    simulation: &Simulation,
    place: impl Fn(&[Complex64]) -> (f64, f64),
) {
    let steps: Vec<(f64, f64)> =
        simulation.optimizer.theta.iter().map(|theta| place(theta)).collect();
    let Some((start, end)) = steps.first().zip(steps.last()) else { return };
    let style = |marker| Style { color: Color::INK, line: None, width: 1.4, marker: Some(marker) };
    let marks = [
        Series::new("start", vec![*start], style(Marker::Ring)),
        Series::new("end", vec![*end], style(Marker::Square)),
        Series::new(
            "",
            steps.clone(),
            Style { marker: Some(Marker::Arrow), ..style(Marker::Arrow) },
        ),
    ];
    series.splice(0..0, marks);
}

/// Where flows begin that begin at an effective start, and a dotted line to it from where the optimizer starts: the way that
/// its transient adds to that of the flow.
fn mark_transients(
    series: &mut Vec<Series>,
    simulation: &Simulation,
    place: impl Fn(&[Complex64]) -> (f64, f64),
) {
    let start = |flow: &Trajectory| flow.theta.first().map(|theta| place(theta));
    let Some(from) = start(&simulation.optimizer) else { return };
    let mut starts = Vec::new();
    for (i, flow) in
        simulation.trajectories().enumerate().filter(|(_, f)| f.beginning.is_effective())
    {
        let Some(to) = start(flow) else { continue };
        let style = Style { line: Some(Dash::Dotted), width: 1.2, ..Style::of_series(i).line() };
        series.push(Series::new("", vec![from, to], style));
        starts.push(to);
    }
    if !starts.is_empty() {
        let style =
            Style { color: Color::INK, line: None, width: 1.4, marker: Some(Marker::Cross) };
        // On top of the flows' own marks.
        series.insert(0, Series::new("effective start", starts, style));
    }
}

/// The levels of a phase, in eighths of a turn.
fn phases() -> Vec<(f64, String)> {
    let levels =
        [(-3, "−3π/4"), (-2, "−π/2"), (-1, "−π/4"), (0, "0"), (1, "π/4"), (2, "π/2"), (3, "3π/4")];
    levels.map(|(eighths, label)| (f64::from(eighths) * FRAC_PI_4, label.to_string())).to_vec()
}

/// What is drawn step by step of any loss: losses and distances, and the oscillation where a trajectory has one.
pub fn by_steps(simulation: &Simulation) -> Vec<Panel> {
    let mut panels = vec![losses(simulation), distances(simulation)];
    if has_oscillations(simulation) {
        panels.extend([sharpness(simulation), covariance(simulation)]);
    }
    panels
}

/// The real part of the loss, step by step.
pub fn losses(simulation: &Simulation) -> Panel {
    let own = simulation.optimizer.loss.iter().map(|loss| loss.re);
    let all = simulation.trajectories().flat_map(|flow| &flow.loss).map(|loss| loss.re);
    let (scale, range) = loss_axis(own, all);
    let loss = |flow: &Trajectory| flow.loss.iter().map(|loss| loss.re).collect();
    let series = by_step(simulation, simulation.trajectories().enumerate(), loss);
    let y = Axis { scale, range, ..Axis::linear("loss") };
    Panel { x: Axis::linear("step"), y, series, ..Panel::default() }
}

/// The axis for the losses of `all` trajectories. Those of a flow may diverge in either direction: the
/// real part of a complex loss is not bounded below.
fn loss_axis(
    own: impl Iterator<Item = f64>,
    all: impl Iterator<Item = f64>,
) -> (AxisScale, Option<(f64, f64)>) {
    let own = extent(own);
    let most = RUNAWAY * own.0.abs().max(own.1.abs());
    let (mut inside, all): (Vec<f64>, Vec<f64>) = (Vec::new(), all.collect());
    inside.extend(all.iter().filter(|x| most == 0.0 || x.abs() <= most));
    let (low, high) = extent(inside.into_iter());
    let scale = if low >= 0.0 && high > 20.0 * low { AxisScale::Log } else { AxisScale::Linear };
    let (least, greatest) = extent(all.into_iter());
    if most == 0.0 || (greatest <= most && least >= -most) {
        return (scale, None);
    }
    let range = match scale {
        AxisScale::Log if greatest > most => (low, most),
        AxisScale::Log => (low, high),
        // A linear axis needs less room, so that the optimizer's own losses stay visible.
        _ => {
            let room = if own.1 > own.0 { own.1 - own.0 } else { own.1.abs() };
            (least.max(own.0 - room), greatest.min(own.1 + room))
        }
    };
    (scale, (range.0 < range.1).then_some(range))
}

/// The least and the greatest of the finite values; zeros if there are none.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|x| x.is_finite());
    let (low, high) =
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

/// The distance of every flow to the optimizer, step by step.
pub fn distances(simulation: &Simulation) -> Panel {
    let optimizer = &simulation.optimizer.name;
    let distance = |flow: &Trajectory| {
        let distances = simulation.distances(flow).into_iter();
        distances.map(|d| if d > ROUNDING { d } else { f64::NAN }).collect()
    };
    let series = by_step(simulation, simulation.trajectories().enumerate().skip(1), distance);
    let shown = series.iter().flat_map(|curve: &Series| &curve.points).map(|point| point.1);
    let (low, high) = shown
        .filter(|d| d.is_finite())
        .fold((f64::INFINITY, 0.0f64), |(low, high), d| (low.min(d), high.max(d)));
    let size = |theta: &Vec<Complex64>| theta.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
    let sizes: Vec<f64> = simulation.optimizer.theta.iter().map(size).collect();
    let mut y = Axis::log(format!("distance to {optimizer}"));
    y.range = high_enough(low, high, &sizes);
    Panel { x: Axis::linear("step"), y, series, ..Panel::default() }
}

/// A range that is not stretched by a trajectory that diverges: it ends well above what the optimizer
/// itself reaches. `None` where everything fits.
fn high_enough(low: f64, high: f64, own: &[f64]) -> Option<(f64, f64)> {
    let own = own.iter().copied().filter(|x| x.is_finite()).fold(0.0, f64::max);
    let top = RUNAWAY * own;
    (own > 0.0 && high > top && low < top).then_some((low, top))
}

fn by_step<'a>(
    simulation: &'a Simulation,
    flows: impl Iterator<Item = (usize, &'a Trajectory)>,
    values: impl Fn(&Trajectory) -> Vec<f64>,
) -> Vec<Series> {
    let many = simulation.trajectories().any(|flow| flow.t.len() > MARKED_STEPS);
    let series = flows.map(|(i, flow)| {
        let points = values(flow).into_iter().enumerate().map(|(n, value)| (n as f64, value));
        let style = if many { Style::of_series(i).line() } else { Style::of_series(i) };
        Series::new(flow.name.as_str(), points.collect(), style)
    });
    series.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(own: &[f64], flow: &[f64]) -> (AxisScale, Option<(f64, f64)>) {
        loss_axis(own.iter().copied(), own.iter().chain(flow).copied())
    }

    #[test]
    fn a_loss_that_runs_away_leaves_the_optimizers_visible() {
        let own = [4.0, 1.0, 0.01];
        assert_eq!(axis(&own, &[4.0, 2.0, 1.0]), (AxisScale::Log, None));
        // Upwards, downwards, and downwards by way of small negative numbers.
        assert_eq!(axis(&own, &[4.0, 1e3, 1e200]), (AxisScale::Log, Some((0.01, 400.0))));
        assert_eq!(axis(&own, &[4.0, -1e3, -4e159]), (AxisScale::Log, Some((0.01, 4.0))));
        let (scale, range) = axis(&own, &[4.0, -1.0, -4e159]);
        assert_eq!(scale, AxisScale::Linear);
        assert_eq!(range, Some((0.01 - 3.99, 4.0)));
        assert_eq!(axis(&[0.0], &[0.0, -1e9]), (AxisScale::Linear, None));
        assert_eq!(axis(&own, &[f64::NAN, f64::INFINITY]), (AxisScale::Log, None));
    }
}
