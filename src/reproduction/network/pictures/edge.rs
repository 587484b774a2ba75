//! Pictures of gradient descent at the edge of stability.

use super::super::drift::{OUTSIDE_AND_INSIDE, SMALL_TERM};
use super::super::edge::{STAYS, after_reaching, beside_positive, without_farthest};
use super::super::numbers::{column, correlation, number, range, rank_correlation, rate};
use super::runs::{SET_OFF, Sheet, highlighted};
use super::{POSITIVE, across, logarithmic, loss, of_flows, panel_of, ratio, sharpness};
use crate::experiment::Outcome;
use crate::experiment::plots::{Quantity, points, solid};
use bea_flow::flow::FlowName;
use bea_plot::{Axis, Band, Color, Dash, Figure, Marker, Panel, Series, Style};

/// The loss, `λ_0`, and where the loss increases.
pub fn fig9(outcomes: &[Outcome]) -> Figure {
    let sheet = Sheet::of(outcomes);
    let mut figure = sheet.figure(&[loss(), sharpness()]);
    let of = |(i, outcome): (usize, &Outcome)| {
        let (h, loss) = (rate(outcome), column(outcome, "loss"));
        let sharpness = column(outcome, "lambda_0").into_iter().map(move |l| 0.5 * h * l);
        let changes = loss.windows(2).map(|pair| pair[1] - pair[0]);
        let color = Color::of_shade(0, i, outcomes.len());
        let style = Style { color, ..Style::of_series(i).markers() };
        Series::new("", sharpness.zip(changes).collect(), style)
    };
    let mut series: Vec<Series> = outcomes.iter().enumerate().map(of).collect();
    let changes = series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let (low, high) = range(changes.filter(|change| change.is_finite()));
    // At the bottom, where few points are.
    let median = |(i, outcome): (usize, &Outcome)| {
        let median = after_reaching(outcome).map(|(_, median)| (median, low));
        let color = Color::of_shade(0, i, outcomes.len());
        let style = Style { color, line: None, width: 1.5, marker: Some(Marker::Star) };
        Series::new(
            "at the bottom: median of λ₀ from the first step above 2/h on",
            median.into_iter().collect(),
            style,
        )
    };
    series.splice(0..0, outcomes.iter().enumerate().map(median).filter(|s| !s.points.is_empty()));
    let right =
        series.iter().flat_map(|series| &series.points).map(|point| point.0).fold(1.0, f64::max);
    series.push(Series::new("", vec![(0.0, 0.0), (right, 0.0)], Style::soft(Dash::Dotted)));
    let [least, most] = STAYS;
    for bound in STAYS {
        let label = format!(
            "{least} and {most} times 2/h, between which the median of λ₀ counts as staying"
        );
        let line = vec![(bound, low), (bound, high)];
        series.push(Series::new(label, line, Style::soft(Dash::DashDotted)));
    }
    let mut band = Band::range((1.0, f64::INFINITY), SET_OFF);
    band.label = "λ₀ above 2/h".into();
    figure.panels.push(Panel {
        x: Axis::linear("λ₀ divided by 2/h"),
        y: Axis::linear("change of the loss"),
        bands: vec![band],
        series,
        ..Panel::default()
    });
    figure.columns = 3;
    figure
}

/// The loss, `λ_0` and `Re sc_0`; set off where the loss increases.
pub fn fig12(outcomes: &[Outcome]) -> Figure {
    let figure = Sheet::of(outcomes).figure(&[loss(), sharpness(), coefficient()]);
    highlighted(figure, outcomes, "loss increases", |outcome| {
        column(outcome, "loss").windows(2).map(|pair| pair[1] > pair[0]).collect()
    })
}

/// Whether the loss increases in each step that was measured.
fn rising(outcome: &Outcome) -> Vec<bool> {
    column(outcome, "relative_progress").iter().map(|progress| *progress > 0.0).collect()
}

fn coefficient() -> Quantity<'static> {
    Quantity {
        grows: false,
        ..Quantity::of("stability coefficient Re sc₀", |run| points(run, "sc_0_re"))
    }
}

/// `Re sc_0`, and loss and `λ_0` beside the positive flow; set off where the loss increases.
pub fn fig13(outcomes: &[Outcome]) -> Figure {
    let positive = [(FlowName::Positive, POSITIVE)];
    let losses = of_flows("loss E", Some("loss"), "flow_loss", &positive);
    let figure = Sheet::of(outcomes).figure(&[coefficient(), losses, sharpness()]);
    let mut figure = highlighted(figure, outcomes, "loss increases", rising);
    // A network with nothing above `2/h` has no point.
    let networks = outcomes.chunk_by(|a, b| a.config.network_name() == b.config.network_name());
    let one = networks.clone().count() == 1;
    let series: Vec<Series> = networks
        .enumerate()
        .map(|(i, runs)| {
            let style =
                Style { color: Color::of_series(POSITIVE), ..Style::of_series(i).markers() };
            Series::new("iterates with λ₀ above 2/h", beside_positive(runs), style)
        })
        .collect();
    let reach = || series.iter().flat_map(|series| &series.points).map(|point| point.0);
    let (low, high) = reach().fold((0.0f64, 0.0f64), |(a, b), x| (a.min(x), b.max(x)));
    let least = reach().fold(f64::INFINITY, f64::min);
    if high > low {
        let pairs = beside_positive(outcomes);
        let note = format!(
            "correlation of the values {}, without the rightmost {}, of the ranks {}",
            number(correlation(&pairs)),
            number(correlation(&without_farthest(&pairs))),
            number(rank_correlation(&pairs))
        );
        let name = "change of the loss along the positive flow";
        let zero = vec![(if least > 0.0 { least } else { low }, 0.0), (high, 0.0)];
        let zero = Series::new("", zero, Style::soft(Dash::Dotted));
        figure.panels.push(Panel {
            // One of them may be far beyond the others.
            x: if least > 0.0 { logarithmic(name) } else { Axis::linear(name) },
            y: Axis::linear("change of the loss in the step"),
            series: series.into_iter().chain([zero]).collect(),
            note: if one { note } else { String::new() },
            ..Panel::default()
        });
        figure.columns = 2;
    }
    figure
}

/// How fast `∇E·u_0` grows by the principal flow, how it develops, and how well the former describes the latter.
pub fn fig15(outcomes: &[Outcome]) -> Figure {
    let along = Quantity::of("|∇E·u₀|", |run| points(run, "along_0"));
    let edge = |outcome: &Outcome| -> Vec<bool> {
        let h = rate(outcome);
        column(outcome, "lambda_0").iter().map(|sharpness| h * sharpness > 2.0).collect()
    };
    let middle = highlighted(Sheet::of(outcomes).figure(&[along]), outcomes, "λ₀ above 2/h", edge);
    if middle.panels.is_empty() {
        return middle;
    }
    let theory: Vec<(f64, f64)> =
        (1..=400).map(|i| f64::from(i) * 0.01).map(|z| (z, (1.0 - z).abs().ln())).collect();
    let predicted = Style { width: 1.8, ..solid(3) };
    let mut left = Panel {
        x: Axis::linear("hλ₀"),
        y: Axis::linear("log(|∇E·u₀| after / before the step)").from_to(-4.0, 1.3),
        bands: vec![Band::range((2.0, f64::INFINITY), SET_OFF)],
        series: vec![Series::new("principal flow, log|1 − hλ₀|", theory.clone(), predicted)],
        ..Panel::default()
    };
    left.series.push(Series::new("", vec![(0.0, 0.0), (4.0, 0.0)], Style::soft(Dash::Dotted)));
    let measured = |outcome: &Outcome| -> Vec<(f64, f64)> {
        let (h, along) = (rate(outcome), column(outcome, "along_0"));
        let growth = along.windows(2).map(|pair| (pair[1] / pair[0]).ln());
        column(outcome, "lambda_0").into_iter().map(|sharpness| h * sharpness).zip(growth).collect()
    };
    let style = Style { marker: Some(Marker::Dot), ..solid(0).markers() };
    let right = outcomes.iter().map(|outcome| Series::new("measured", measured(outcome), style));
    let mut right: Vec<Series> = right.collect();
    right.push(Series::new("principal flow, log|1 − hλ₀|", theory, predicted));
    let mut right = Panel { series: right, ..left.clone() };
    right.y.range = None;
    right.series.push(Series::new("", vec![(0.0, 0.0), (4.0, 0.0)], Style::soft(Dash::Dotted)));
    let panels = std::iter::once(left).chain(middle.panels).chain([right]).collect();
    Figure { panels, columns: 3, ..Figure::default() }
}

/// The non-principal term in parts of the gradient, and `λ_0`.
pub fn fig25(outcomes: &[Outcome]) -> Figure {
    let term = ratio("h²/12 ‖∇³E[∇E, ∇E]‖ / ‖∇E‖", "third", "gradient_norm", 1.0);
    let name = term.y.clone();
    let mut figure = Sheet::of(outcomes).figure(&[term, sharpness()]);
    let Some(first) = panel_of(&mut figure, &name) else { return figure };
    let (axis, label) =
        (first.y.clone(), format!("{SMALL_TERM}, below which the term counts as small"));
    across(first, label.as_str(), SMALL_TERM, Dash::Dotted);
    let of = |(i, outcome): (usize, &Outcome)| {
        let edge = column(outcome, "lambda_0").into_iter().map(|l| l * rate(outcome));
        let terms = column(outcome, "third").into_iter().zip(column(outcome, "gradient_norm"));
        let points = edge.zip(terms.map(|(term, size)| term / size)).collect();
        let color = Color::of_shade(0, i, outcomes.len());
        Series::new("", points, Style { color, ..Style::of_series(i).markers() })
    };
    let mut panel = Panel {
        x: Axis::linear("hλ₀"),
        y: Axis { range: None, ..axis },
        series: outcomes.iter().enumerate().map(of).collect(),
        ..Panel::default()
    };
    let heights = panel.series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let (low, high) = range(heights.filter(|y| y.is_finite()));
    across(&mut panel, label.as_str(), SMALL_TERM, Dash::Dotted);
    let [away, at] = OUTSIDE_AND_INSIDE;
    for x in OUTSIDE_AND_INSIDE {
        let label = format!(
            "hλ₀ = {away} and {at}: left of the former is away from the edge of stability, right of the latter is at it"
        );
        let line = vec![(x, low), (x, high)];
        panel.series.push(Series::new(label, line, Style::soft(Dash::DashDotted)));
    }
    figure.panels.push(panel);
    figure.columns = 3;
    figure
}

/// The loss and `λ_0`.
pub fn fig34(outcomes: &[Outcome]) -> Figure {
    let mut figure = Sheet::of(outcomes).figure(&[loss(), sharpness()]);
    let [run] = outcomes else { return figure };
    let rates = column(run, "learning_rate");
    let fall = rates.iter().position(|h| *h < rates[0]);
    if let (Some(panel), Some(fall)) = (panel_of(&mut figure, &sharpness().y), fall) {
        let at = [column(run, "lambda_0"), column(run, "step")].map(|of| of.get(fall).copied());
        if let [Some(sharpness), Some(step)] = at {
            let label = format!("λ₀ = {} where h falls, step {step}", number(sharpness));
            across(panel, label, sharpness, Dash::DashDotted);
        }
    }
    figure
}

/// The loss and `Re sc_0` in parts of the gradient.
pub fn fig36(outcomes: &[Outcome]) -> Figure {
    let share = ratio("stability coefficient Re sc₀/‖∇E‖", "sc_0_re", "gradient_norm", 1.0);
    let figure = Sheet::of(outcomes).figure(&[loss(), Quantity { grows: false, ..share }]);
    highlighted(figure, outcomes, "loss increases", rising)
}
