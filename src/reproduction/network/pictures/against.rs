//! Pictures of one measurement against another.

use super::super::drift::{beside_drift, mean_drift, product_beside_drift, with_drift};
use super::super::edge::{LITTLE, negative_parts, spectra};
use super::super::errors::{at_the_edge, pf_is_nearest, prediction_medians};
use super::super::groups::{FAR, Group, dal, summarise};
use super::super::numbers::{
    column, correlation, fails, last, logarithms, median, number, percent, range, rate,
};
use super::logarithmic;
use crate::experiment::Outcome;
use crate::experiment::plots::solid;
use bea_plot::{Axis, Color, Dash, Figure, Marker, Panel, Series, Style};

/// Those of NGF, IGR and PF.
const FLOW_MARKERS: [Marker; 3] = [Marker::Square, Marker::Triangle, Marker::Circle];

/// Points without lines.
fn scatter(
    color: Color,
    marker: Marker,
    name: impl Into<String>,
    points: Vec<(f64, f64)>,
) -> Series {
    let style = Style { color, line: None, width: 1.5, marker: Some(marker) };
    Series::new(name, points, style)
}

fn figure(panels: Vec<Panel>) -> Figure {
    let columns = panels.len().min(3);
    Figure { panels, columns, ..Figure::default() }
}

/// Predicted against actual values, a panel for each learning rate.
pub fn fig8(outcomes: &[Outcome]) -> Figure {
    let panel = |outcome: &Outcome| {
        let actual = column(outcome, "prediction_actual");
        let above = column(outcome, "lambda_0").into_iter().map(|l| rate(outcome) * l > 1.0);
        let judged: Vec<bool> = above.chain(std::iter::repeat(false)).take(actual.len()).collect();
        let ends = actual
            .iter()
            .filter(|x| x.is_finite())
            .fold((0.0f64, 0.0f64), |(low, high), x| (low.min(*x), high.max(*x)));
        let flows = [("NGF", "prediction_ngf"), ("IGR", "prediction_igr"), ("PF", "prediction_pf")];
        let mut series: Vec<Series> = flows
            .into_iter()
            .enumerate()
            .map(|(i, (name, predicted))| {
                let points = actual.iter().copied().zip(column(outcome, predicted)).zip(&judged);
                let points = points.filter(|(_, judged)| **judged).map(|(point, _)| point);
                scatter(Color::of_series(i + 1), FLOW_MARKERS[i], name, points.collect())
            })
            .collect();
        series.extend(flows.into_iter().enumerate().map(|(i, (_, predicted))| {
            let points = actual.iter().copied().zip(column(outcome, predicted)).zip(&judged);
            let points = points.filter(|(_, judged)| !**judged).map(|(point, _)| point);
            let label = "pale: hλ₀ ≤ 1, which does not count";
            scatter(Color::of_series(i + 1).pale(), Marker::Dot, label, points.collect())
        }));
        let exact = vec![(ends.0, ends.0), (ends.1, ends.1)];
        series.push(Series::new("exact match", exact, Style::soft(Dash::Dashed)));
        Panel {
            title: format!("h = {}", rate(outcome)),
            x: Axis::linear("∇E·u₀ at the next iterate"),
            y: Axis::linear("prediction of it"),
            note: {
                let (share, count) = pf_is_nearest(outcome);
                format!("PF is nearest in {} of the {count} that count", percent(share))
            },
            series,
            ..Panel::default()
        }
    };
    let mut panels: Vec<Panel> = outcomes.iter().map(panel).collect();
    let medians: Vec<(f64, [f64; 3])> =
        outcomes.iter().map(|run| (rate(run), prediction_medians(run))).collect();
    if medians.iter().flat_map(|(_, medians)| medians).any(|median| median.is_finite()) {
        let series = ["NGF", "IGR", "PF"].into_iter().enumerate().map(|(i, name)| {
            let points = medians.iter().map(|(h, medians)| (*h, medians[i])).collect();
            scatter(Color::of_series(i + 1), FLOW_MARKERS[i], name, points)
        });
        let (low, high) = range(medians.iter().map(|(h, _)| *h));
        let room = 0.2 * high;
        let nothing = vec![(low - room, 1.0), (high + room, 1.0)];
        let nothing =
            Series::new("that of the prediction 0", nothing, Style::soft(Dash::DashDotted));
        panels.push(Panel {
            title: "where hλ₀ > 1".into(),
            x: Axis::linear("learning rate h").from_to(low - room, high + room),
            y: Axis::linear("median of |prediction − value| / |value|"),
            series: series.chain([nothing]).collect(),
            ..Panel::default()
        });
    }
    figure(panels)
}

/// The median errors of a step at the edge of stability, a mark for each seed and flow.
pub fn edge_errors(outcomes: &[Outcome]) -> Panel {
    let seed = |outcome: &Outcome| outcome.config.seed as f64;
    let flows = [("NGF", "ngf"), ("IGR", "igr"), ("PF", "pf")];
    let series = flows.into_iter().enumerate().map(|(i, (name, flow))| {
        let points = outcomes.iter().map(seed).zip(at_the_edge(outcomes, flow, "error")).collect();
        scatter(Color::of_series(i + 1), FLOW_MARKERS[i], name, points)
    });
    let (low, high) = range(outcomes.iter().map(seed));
    Panel {
        x: Axis { whole: true, ..Axis::linear("seed").from_to(low - 0.5, high + 0.5) },
        y: logarithmic("median error of a step where hλ₀ > 1.5"),
        series: series.collect(),
        ..Panel::default()
    }
}

/// The drift against its possible predictors, a series for each learning rate.
pub fn fig17(outcomes: &[Outcome]) -> Figure {
    type Pairs = fn(&Outcome) -> Vec<(f64, f64)>;
    let shown: [(&str, Pairs); 4] = [
        ("‖∇²E ∇E‖", |outcome| beside_drift(outcome, "hg")),
        ("h²/2 ‖∇²E ∇E‖", |outcome| beside_drift(outcome, "drift_estimate")),
        ("‖∇E‖", |outcome| beside_drift(outcome, "gradient_norm")),
        ("‖∇²E ĝ‖", product_beside_drift),
    ];
    let markers = [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond];
    let panels = shown.map(|(name, pairs)| {
        let series = outcomes.iter().enumerate().map(|(i, outcome)| {
            let color = Color::of_shade(0, i, outcomes.len());
            scatter(color, markers[i % 4], format!("h = {}", rate(outcome)), pairs(outcome))
        });
        let all: Vec<(f64, f64)> = outcomes.iter().flat_map(pairs).collect();
        Panel {
            x: logarithmic(name),
            y: logarithmic("drift of a step"),
            series: series.collect(),
            note: format!(
                "correlation of the values {}, of their logarithms {}",
                number(correlation(&all)),
                number(correlation(&logarithms(&all)))
            ),
            ..Panel::default()
        }
    });
    Figure { columns: 2, ..figure(panels.into()) }
}

/// Test accuracy and `λ_0` at the end against the mean drift, a point for each run.
pub fn fig22(outcomes: &[Outcome]) -> Figure {
    let shown =
        [("test_accuracy", "test accuracy at the end"), ("lambda_0", "sharpness λ₀ at the end")];
    let panel = |(name, axis): (&str, &str)| {
        let of = |keep: &dyn Fn(&Outcome) -> bool| {
            let runs = outcomes.iter().filter(|outcome| keep(outcome));
            runs.map(|outcome| (mean_drift(outcome), last(outcome, name))).collect::<Vec<_>>()
        };
        let power = |outcome: &Outcome| dal(&outcome.config).map(|dal| dal.power);
        let powers = powers(outcomes);
        const MARKERS: [Marker; 4] =
            [Marker::Square, Marker::Triangle, Marker::Diamond, Marker::Cross];
        let fixed = of(&|outcome| power(outcome).is_none());
        let fixed = scatter(
            Color::of_shade(0, 0, 1),
            Marker::Circle,
            "fixed learning rate, one point per run",
            fixed,
        );
        let adaptive = powers.iter().enumerate().map(|(i, p)| {
            let points = of(&|outcome| power(outcome) == Some(*p));
            scatter(of_power(i), MARKERS[i % MARKERS.len()], format!("DAL, p = {p}"), points)
        });
        let failing = of(&|outcome| fails(outcome));
        let failing = scatter(Color::SOFT, Marker::Ring, "fails", failing);
        let has_failing = !failing.points.is_empty();
        Panel {
            x: logarithmic("mean drift of a step"),
            y: Axis::linear(axis),
            series: std::iter::once(fixed)
                .chain(adaptive)
                .chain(has_failing.then_some(failing))
                .collect(),
            note: format!(
                "correlation {} with the logarithm of the drift",
                number(with_drift(outcomes, name).0)
            ),
            ..Panel::default()
        }
    };
    figure(shown.map(panel).into())
}

/// The powers of DAL, small ones first.
pub(super) fn powers(outcomes: &[Outcome]) -> Vec<f64> {
    let power = |outcome: &Outcome| dal(&outcome.config).map(|dal| dal.power);
    let mut powers: Vec<f64> = outcomes.iter().filter_map(power).collect();
    powers.sort_by(f64::total_cmp);
    powers.dedup();
    powers
}

/// The colour of the `i`-th of several powers: violet, green, pink and orange, none of which stands for a fixed rate or for
/// gradient descent.
pub(super) fn of_power(i: usize) -> Color {
    const COLORS: [usize; 4] = [5, 3, 4, 2];
    Color::of_series(COLORS[i % COLORS.len()])
}

/// Test accuracy and increases of the loss against the power, a point for each seed.
pub fn fig21(outcomes: &[Outcome]) -> Figure {
    let accuracy = against_power(outcomes, "test accuracy at the end", |group| &group.accuracies);
    let increases = against_power(outcomes, "increases of the loss", |group| &group.increases);
    figure(vec![accuracy, increases])
}

/// The mean learning rates that decide Figure 43, a point for each seed.
pub fn mean_rates(outcomes: &[Outcome]) -> Panel {
    against_power(outcomes, &format!("mean learning rate (loss below {FAR} × start)"), |group| {
        &group.rates
    })
}

/// What the seeds of every power of DAL come to.
fn against_power(outcomes: &[Outcome], name: &str, values: fn(&Group) -> &[f64]) -> Panel {
    let groups = summarise(outcomes);
    let powers = || groups.iter().filter_map(|group| group.power.map(|p| (group, p)));
    let points = powers().flat_map(|(group, p)| values(group).iter().map(move |y| (p, *y)));
    let medians = powers().map(|(group, p)| (p, median(values(group).iter().copied())));
    let color = Color::of_series(0);
    let failing = powers().flat_map(|(group, p)| {
        let seeds = values(group).iter().zip(&group.fails);
        seeds.filter(|(_, fails)| **fails).map(move |(y, _)| (p, *y))
    });
    let failing = scatter(Color::SOFT, Marker::Ring, "fails", failing.collect());
    let has_failing = !failing.points.is_empty();
    let points = scatter(color, Marker::Circle, "DAL-p, one point per seed", points.collect());
    let medians =
        Series::new("median of the seeds", medians.collect(), Style { color, ..solid(0) });
    Panel {
        x: Axis::linear("power p"),
        y: Axis::linear(name),
        series: [points, medians].into_iter().chain(has_failing.then_some(failing)).collect(),
        ..Panel::default()
    }
}

/// All eigenvalues along training, positive ones on the left of their step and the sizes of negative ones on its right, and
/// the part of them that is negative.
pub fn fig33(outcomes: &[Outcome]) -> Figure {
    let (mut sides, mut shares) = ([Vec::new(), Vec::new()], Vec::new());
    for outcome in outcomes {
        let (steps, beside) = (column(outcome, "step"), 0.15 * outcome.config.every as f64);
        for (values, step) in spectra(outcome).into_iter().zip(&steps) {
            for value in values.into_iter().filter(|value| value.is_finite()) {
                let x = if value < 0.0 { step + beside } else { step - beside };
                sides[usize::from(value < 0.0)].push((x, value.abs()));
            }
        }
        shares.extend(steps.into_iter().zip(negative_parts(outcome)));
    }
    // Zeros to rounding are in neither.
    let greatest = sides.iter().flatten().map(|point| point.1).fold(0.0, f64::max);
    let [positive, negative] = sides
        .map(|side| side.into_iter().filter(|point| point.1 > 1e-9 * greatest).collect::<Vec<_>>());
    if positive.is_empty() && negative.is_empty() {
        return Figure::default();
    }
    let [blue, orange] = [0, 1].map(|hue| Color::of_shade(hue, 0, 1));
    let spectrum = Panel {
        x: Axis { whole: true, ..Axis::linear("step") },
        y: logarithmic("size of the eigenvalues |λᵢ|"),
        series: vec![
            scatter(blue, Marker::Dot, "positive λᵢ, left of their step", positive),
            scatter(orange, Marker::Dot, "negative λᵢ, right of their step", negative),
        ],
        ..Panel::default()
    };
    let ends = [shares.first(), shares.last()].map(|end| end.map_or(0.0, |point| point.0));
    let bound = ends.map(|x| (x, LITTLE)).to_vec();
    let part = Panel {
        x: Axis { whole: true, ..Axis::linear("step") },
        y: Axis::linear("part of Σ|λᵢ| that is negative, %"),
        series: vec![
            Series::new(
                "negative part",
                shares,
                Style { color: orange, marker: Some(Marker::Dot), ..solid(0) },
            ),
            Series::new(
                format!("{LITTLE} %, below which the Hessian counts as largely positive"),
                bound,
                Style::soft(Dash::Dashed),
            ),
        ],
        ..Panel::default()
    };
    figure(vec![spectrum, part])
}
