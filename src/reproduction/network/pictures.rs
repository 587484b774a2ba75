//! The pictures of the figures about networks, in the arrangement of the paper: panels, axes, and what shares a panel.

mod against;
mod runs;

use super::differences::{LITTLE, NOTHING, bound};
use super::drift::{OUTSIDE_AND_INSIDE, SMALL_TERM};
use super::edge::{
    STAYS, after_reaching, beside_positive, increasing, same_way, sharpness_beside_positive,
    without_farthest,
};
use super::errors::{EDGE, GAP};
use super::followed::{UNSTABLE, starts};
use super::groups::dal;
use super::numbers::{column, correlation, number, percent, range, rank_correlation, rate, tenths};
use super::rates::REASONABLE;
use crate::experiment::plots::{Kind, Quantity, flow_name, followed, points, solid};
use crate::experiment::{Measured, Outcome};
use bea_flow::flow::FlowName;
use bea_plot::{Axis, AxisScale, Band, Color, Dash, Figure, Marker, Panel, Series, Style};
use runs::{Chosen, SET_OFF, Sheet, highlighted};

pub(super) use against::{fig8, fig17, fig21, fig22, fig33};

/// `θ' - φ_h(θ)` of these flows, each with its colour.
const FLOWS: [FlowName; 3] =
    [FlowName::NegativeGradient, FlowName::ImplicitRegularization, FlowName::Principal];

/// Which runs a picture shows.
pub(super) type Keep = fn(&Chosen) -> bool;

pub(super) const EVERY: Keep = |_| true;
/// DAL.
pub(super) const ADAPTIVE: Keep = |run| run.power().is_some();
/// DAL of power 1/2.
pub(super) const HALF: Keep = |run| run.power() == Some(0.5);
/// DAL of power 1.
pub(super) const ONE: Keep = |run| run.power() == Some(1.0);
/// Fixed rates, and DAL of power 1/2.
pub(super) const FIXED_AND_HALF: Keep = |run| run.power().is_none_or(|p| p == 0.5);
/// Fixed rates, and DAL of power 1.
pub(super) const FIXED_AND_ONE: Keep = |run| run.power().is_none_or(|p| p == 1.0);
/// All examples at once.
pub(super) const FULL: Keep = |run| run.is_full();
/// Small batches.
pub(super) const SMALL: Keep = |run| !run.is_full();

/// The colours of flows that are in no figure with all of [`FLOWS`].
const POSITIVE: usize = 4;
const THIRD_ORDER: usize = 5;

/// What the flows are compared with.
const OWN: &str = "gradient descent";

fn loss() -> Quantity<'static> {
    Quantity::of("loss E", |run| points(run, "loss"))
}

fn sharpness() -> Quantity<'static> {
    let quantity = Quantity::of("sharpness λ₀", |run| points(run, "lambda_0"));
    Quantity { thresholds_from: Some(0), ..quantity }
}

fn accuracy() -> Quantity<'static> {
    Quantity { grows: false, ..Quantity::of("test accuracy", |run| points(run, "test_accuracy")) }
}

/// How often the loss has increased from one measurement to the next.
fn increases() -> Quantity<'static> {
    let points = |run: &Measured| {
        let (mut count, mut before) = (0.0, f64::NAN);
        let finite = points(run, "loss").into_iter().filter(|point| point.1.is_finite());
        let counted = finite.map(|(step, loss)| {
            count += f64::from(u8::from(loss > before));
            before = loss;
            (step, count)
        });
        counted.collect()
    };
    Quantity { grows: false, ..Quantity::of("increases of the loss so far", points) }
}

fn learning_rate() -> Quantity<'static> {
    Quantity { grows: false, ..Quantity::of("learning rate h", |run| points(run, "learning_rate")) }
}

fn coefficient() -> Quantity<'static> {
    Quantity { grows: false, ..Quantity::of("Re sc₀", |run| points(run, "sc_0_re")) }
}

/// A line for each flow, after the optimizer's own if there is a column of it.
fn of_flows(
    y: &str,
    own: Option<&'static str>,
    column: &'static str,
    flows: &[(FlowName, usize)],
) -> Quantity<'static> {
    let own_kind = own.map(|column| Kind {
        label: OWN.into(),
        style: solid(0),
        points: Box::new(move |run: &Measured| points(run, column)),
    });
    // Where a flow comes from each iterate is no path.
    let style = |hue: usize| match own {
        Some(_) => Style { marker: Some(Marker::Dot), ..solid(hue).markers() },
        None => solid(hue),
    };
    let flow = |(flow, hue): &(FlowName, usize)| {
        let name = format!("{column}_{flow}").replace(':', "_");
        Kind {
            label: match own {
                Some(_) => format!("{}, a step from each iterate", flow_name(*flow)),
                None => flow_name(*flow),
            },
            style: style(*hue),
            points: Box::new(move |run: &Measured| points(run, &name)),
        }
    };
    let kinds = own_kind.into_iter().chain(flows.iter().map(flow)).collect();
    Quantity { kinds, ..Quantity::of(y, |_| Vec::new()) }
}

fn three() -> [(FlowName, usize); 3] {
    std::array::from_fn(|i| (FLOWS[i], i + 1))
}

/// One column divided by another.
fn ratio(y: &str, over: &'static str, under: &'static str, factor: f64) -> Quantity<'static> {
    Quantity::of(y, move |run| {
        let below = run.metrics.column(under).unwrap_or_default();
        let pairs = points(run, over).into_iter().zip(below);
        pairs.map(|((x, y), below)| (x, factor * y / below)).collect()
    })
}

/// The distance of the flows to gradient descent along its steps, a panel for each learning rate.
pub(super) fn fig7(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("lr", &[followed("distance", 0, OWN, &FLOWS, &FLOWS)])
}

/// The loss, `λ_0`, and where the loss increases.
pub(super) fn fig9(outcomes: &[Outcome]) -> Figure {
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
    let median = |(i, outcome): (usize, &Outcome)| {
        let median = after_reaching(outcome).map(|(_, median)| (median, 0.0));
        let color = Color::of_shade(0, i, outcomes.len());
        let style = Style { color, line: None, width: 1.5, marker: Some(Marker::Star) };
        Series::new(
            "median of λ₀ from the first step above 2/h on",
            median.into_iter().collect(),
            style,
        )
    };
    series.splice(0..0, outcomes.iter().enumerate().map(median).filter(|s| !s.points.is_empty()));
    let right =
        series.iter().flat_map(|series| &series.points).map(|point| point.0).fold(1.0, f64::max);
    series.push(Series::new("", vec![(0.0, 0.0), (right, 0.0)], Style::soft(Dash::Dotted)));
    let changes = || series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let (low, high) = range(changes().filter(|change| change.is_finite()));
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

/// `λ_0`, the error of a step, the size of the error of the loss, and the medians of the former at the edge of stability.
pub(super) fn fig10(outcomes: &[Outcome]) -> Figure {
    let errors = of_flows("error of a step ‖θ' − φₕ(θ)‖", None, "error", &three());
    let mut losses = of_flows("error of the loss |E(θ') − E(φₕ(θ))|", None, "loss_error", &three());
    for kind in &mut losses.kinds {
        let of = std::mem::replace(&mut kind.points, Box::new(|_: &Measured| Vec::new()));
        // What is 0 to rounding has no place on a logarithmic axis.
        let size = move |run: &Measured| {
            let sizes = of(run).into_iter().map(|(x, y)| (x, y.abs()));
            sizes.filter(|point| point.1 > 0.0).collect()
        };
        kind.points = Box::new(size);
    }
    let mut figure = Sheet::of(outcomes).every_seed().figure(&[sharpness(), errors, losses]);
    // All runs have one learning rate.
    if let (Some(panel), Some(run)) = (panel_of(&mut figure, &sharpness().y), outcomes.first()) {
        let label = format!("{EDGE}/h, above which is the edge of stability");
        across(panel, label, EDGE / rate(run), Dash::DashDotted);
    }
    let edge = against::edge_errors(outcomes);
    let points = || edge.series.iter().flat_map(|series| &series.points);
    if figure.panels.len() == 3 && points().any(|point| point.1.is_finite()) {
        figure.panels.push(edge);
        figure.columns = 2;
    }
    figure
}

const BOTH: [(FlowName, usize); 2] =
    [(FlowName::NegativeGradient, 1), (FlowName::Positive, POSITIVE)];

fn flows_from_each(column: &'static str, y: &str, own: &'static str) -> Quantity<'static> {
    of_flows(y, Some(own), column, &BOTH)
}

/// `λ_0` and the loss beside those after a step of the negative and of the positive flow.
pub(super) fn fig11(outcomes: &[Outcome]) -> Figure {
    let sharpness = flows_from_each("flow_lambda", "sharpness λ₀", "lambda_0");
    let sharpness = Quantity { thresholds_from: Some(0), ..sharpness };
    let loss = flows_from_each("flow_loss", "loss E", "loss");
    let mut figure = Sheet::of(outcomes).figure(&[sharpness, loss]);
    // Where there are two networks, the caption has the shares of each.
    let alone = figure.panels.len() == 2;
    for (panel, name) in figure.panels.iter_mut().zip(["lambda_0", "loss"]).filter(|_| alone) {
        let [below, above] =
            [false, true].map(|above| percent(same_way(outcomes, name, above).share));
        panel.note = format!(
            "changes with the sign of NGF's below 2/h: {below}; of the positive flow's above: {above}"
        );
    }
    figure
}

/// The loss, `λ_0` and `Re sc_0`; set off where the loss increases.
pub(super) fn fig12(outcomes: &[Outcome]) -> Figure {
    let figure = Sheet::of(outcomes).figure(&[loss(), sharpness(), coefficient()]);
    highlighted(figure, outcomes, "loss increases", |outcome| {
        column(outcome, "loss").windows(2).map(|pair| pair[1] > pair[0]).collect()
    })
}

/// Whether the loss increases in each step that was measured.
fn rising(outcome: &Outcome) -> Vec<bool> {
    column(outcome, "relative_progress").iter().map(|progress| *progress > 0.0).collect()
}

/// `Re sc_0`, and loss and `λ_0` beside the positive flow; set off where the loss increases.
pub(super) fn fig13(outcomes: &[Outcome]) -> Figure {
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

/// The loss and `Re sc_0` in parts of the gradient.
pub(super) fn fig36(outcomes: &[Outcome]) -> Figure {
    let share = ratio("Re sc₀/‖∇E‖", "sc_0_re", "gradient_norm", 1.0);
    let figure = Sheet::of(outcomes).figure(&[loss(), Quantity { grows: false, ..share }]);
    highlighted(figure, outcomes, "loss increases", rising)
}

/// Loss and `λ_0` along the flows from the edge of stability on; both up to ten times what they are along gradient descent.
pub(super) fn fig35(outcomes: &[Outcome]) -> Figure {
    const CUT: f64 = 10.0;
    let mut figure = followed_flows(outcomes, &["loss", "lambda_0"]);
    if let Some(panel) = panel_of(&mut figure, &loss().y) {
        let losses: Vec<f64> =
            panel.series.iter().flat_map(|series| &series.points).map(|point| point.1).collect();
        let start = losses.first().copied().unwrap_or(f64::NAN);
        let (low, high) = range(losses.into_iter().filter(|loss| loss.is_finite()));
        if low > 0.0 && high > CUT * start {
            panel.y = logarithmic(&panel.y.label).from_to(0.9 * low, CUT * start);
        }
        let label =
            format!("{UNSTABLE} times the loss at the start, above which counts as unstable");
        across(panel, label, UNSTABLE * start, Dash::DashDotted);
    }
    if let Some(panel) = panel_of(&mut figure, &sharpness().y) {
        let of = |own: bool| {
            let lines = panel.series.iter().filter(|line| !own || line.label == OWN);
            range(
                lines.flat_map(|line| &line.points).map(|point| point.1).filter(|y| y.is_finite()),
            )
        };
        let ((low, _), (_, most), (_, high)) = (of(false), of(true), of(false));
        if low > 0.0 && high > CUT * most {
            panel.y = logarithmic(&panel.y.label).from_to(0.9 * low, CUT * most);
        }
    }
    figure
}

/// The first panel with this vertical axis.
fn panel_of<'f>(figure: &'f mut Figure, y: &str) -> Option<&'f mut Panel> {
    figure.panels.iter_mut().find(|panel| panel.y.label == y)
}

/// A horizontal line across a panel.
fn across(panel: &mut Panel, label: impl Into<String>, y: f64, dash: Dash) {
    let (first, last) =
        range(panel.series.iter().flat_map(|series| &series.points).map(|point| point.0));
    panel.series.push(Series::new(label, vec![(first, y), (last, y)], Style::soft(dash)));
}

/// The distance to the negative gradient flow, and `λ_0` along it.
pub(super) fn fig49(outcomes: &[Outcome]) -> Figure {
    followed_flows(outcomes, &["distance", "lambda_0"])
}

fn followed_flows(outcomes: &[Outcome], columns: &[&'static str]) -> Figure {
    let follow = outcomes.iter().find_map(|outcome| outcome.config.follow.as_ref());
    let Some((flows, start)) = follow.and_then(|f| Some((f.flows.clone(), *f.from.first()?)))
    else {
        return Figure::default();
    };
    let quantities: Vec<Quantity> =
        columns.iter().map(|column| followed(column, start, OWN, &flows, &flows)).collect();
    Sheet::of(outcomes).figure(&quantities)
}

/// How fast `∇E·u_0` grows by the principal flow, how it develops, and how well the former describes the latter.
pub(super) fn fig15(outcomes: &[Outcome]) -> Figure {
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

/// `‖∇²E ∇E‖` and the drift of a step along training.
pub(super) fn fig16(outcomes: &[Outcome]) -> Figure {
    let product = Quantity::of("‖∇²E ∇E‖", |run| points(run, "hg"));
    let drift = Quantity::of("drift of a step", |run| points(run, "drift"));
    Sheet::of(outcomes).figure(&[product, drift])
}

/// The loss, and how often it has increased.
pub(super) fn fig18(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).figure(&[loss(), increases()])
}

/// The loss alone.
pub(super) fn fig44(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).figure(&[loss()])
}

pub(super) fn fig19(outcomes: &[Outcome]) -> Figure {
    let update =
        Quantity::of("norm of the update ‖θ' − θ‖", |run| points(run, "update_norm"));
    let mut figure = Sheet::of(outcomes).figure(&[learning_rate(), update]);
    for (panel, name) in figure.panels.iter_mut().zip(["learning_rate", "update_norm"]) {
        for outcome in outcomes.iter().filter(|outcome| dal(&outcome.config).is_some()) {
            let [steps, values] = ["step", name].map(|name| tenths(&column(outcome, name)));
            let points = steps.zip(values).map(|(x, y)| x.into_iter().zip(y).collect());
            let style = Style { marker: Some(Marker::Dot), ..solid(0) };
            let label = "DAL, median of each tenth of the run, one line per seed";
            panel.series.insert(0, Series::new(label, points.unwrap_or_default(), style));
        }
    }
    figure
}

/// DAL-0.5 beside the fixed rates.
pub(super) fn fig20(outcomes: &[Outcome]) -> Figure {
    Sheet::only(outcomes, FIXED_AND_HALF).figure(&[loss(), accuracy()])
}

/// The non-principal term in parts of the gradient, and `λ_0`.
pub(super) fn fig25(outcomes: &[Outcome]) -> Figure {
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
    for (x, dash) in OUTSIDE_AND_INSIDE.into_iter().zip([Dash::Dashed, Dash::DashDotted]) {
        let label = format!(
            "hλ₀ = {x}, {} counts",
            if dash == Dash::Dashed { "below which" } else { "above which" }
        );
        panel.series.push(Series::new(label, vec![(x, low), (x, high)], Style::soft(dash)));
    }
    figure.panels.push(panel);
    figure.columns = 3;
    figure
}

/// DAL with the exact product and with a difference, a panel for each power.
fn by_difference(outcomes: &[Outcome], full: bool, most: f64) -> Figure {
    let mut figure = Sheet::only(outcomes, if full { FULL } else { SMALL }).by("p", &[loss()]);
    for panel in &mut figure.panels {
        if let Some(power) = panel.title.strip_prefix("p = ").and_then(|p| p.parse().ok()) {
            draw_bound(panel, outcomes, full, power, most);
        }
    }
    figure
}

/// The final loss up to which a difference of gradients loses little, across a panel.
fn draw_bound(panel: &mut Panel, outcomes: &[Outcome], full: bool, power: f64, most: f64) {
    let steps = panel.series.iter().flat_map(|series| &series.points).map(|point| point.0);
    let (first, last) = range(steps);
    if let Some(bound) = bound(outcomes, full, power, most) {
        let label =
            format!("{most} times the exact loss at the end, up to which the other may end");
        let line = vec![(first, bound), (last, bound)];
        panel.series.push(Series::new(label, line, Style::soft(Dash::Dashed)));
    }
}

pub(super) fn fig26(outcomes: &[Outcome]) -> Figure {
    by_difference(outcomes, true, NOTHING.0)
}

pub(super) fn fig27(outcomes: &[Outcome]) -> Figure {
    by_difference(outcomes, false, LITTLE.0)
}

/// The same for one power, with the learning rates that it leads to.
pub(super) fn fig28(outcomes: &[Outcome]) -> Figure {
    of_one_power(outcomes, ONE, 1.0)
}

pub(super) fn fig29(outcomes: &[Outcome]) -> Figure {
    of_one_power(outcomes, HALF, 0.5)
}

fn of_one_power(outcomes: &[Outcome], keep: Keep, power: f64) -> Figure {
    let mut figure = Sheet::only(outcomes, keep).figure(&[loss(), learning_rate()]);
    if let Some(panel) = figure.panels.first_mut() {
        draw_bound(panel, outcomes, true, power, NOTHING.0);
    }
    figure
}

/// The error of a step beside the length of the step.
pub(super) fn fig31(outcomes: &[Outcome]) -> Figure {
    let flows = [(FLOWS[0], 1), (FLOWS[1], 2), (FlowName::Order(2), THIRD_ORDER)];
    let mut errors = of_flows("error of a step ‖θ' − φₕ(θ)‖", None, "error", &flows);
    errors.kinds.push(Kind {
        label: "length of the step".into(),
        style: Style::soft(Dash::Dashed),
        points: Box::new(|run: &Measured| points(run, "update_norm")),
    });
    errors.kinds.push(Kind {
        label: format!("{GAP} of it"),
        style: Style::soft(Dash::Dotted),
        points: Box::new(|run: &Measured| {
            points(run, "update_norm").into_iter().map(|(x, y)| (x, GAP * y)).collect()
        }),
    });
    Sheet::of(outcomes).figure(&[errors])
}

/// The distance of IGR and PF to gradient descent after one and two steps, a panel for each start.
pub(super) fn fig32(outcomes: &[Outcome]) -> Figure {
    let flows = [FlowName::ImplicitRegularization, FlowName::Principal];
    let mut panels = Vec::new();
    for (h, start) in starts(outcomes) {
        let sheet = Sheet::only(outcomes, |run| run.rate() == h && run.starts_at(start));
        let figure = sheet.figure(&[followed("distance", start, OWN, &flows, &FLOWS)]);
        let title = format!("h = {h}, from iterate {start}");
        panels
            .extend(figure.panels.into_iter().map(|panel| Panel { title: title.clone(), ..panel }));
    }
    let columns = panels.len().min(3);
    Figure { panels, columns, ..Figure::default() }
}

/// `λ_0` beside that after a step of the positive flow, and the changes of both where it is above `2/h`.
pub(super) fn fig37(outcomes: &[Outcome]) -> Figure {
    let lines = of_flows(
        "sharpness λ₀",
        Some("lambda_0"),
        "flow_lambda",
        &[(FlowName::Positive, POSITIVE)],
    );
    let mut figure = Sheet::of(outcomes).figure(&[Quantity { thresholds_from: Some(0), ..lines }]);
    let style = Style { marker: Some(Marker::Dot), ..solid(0).markers() };
    let series: Vec<Series> = outcomes
        .iter()
        .map(|run| sharpness_beside_positive(std::slice::from_ref(run)))
        .map(|pairs| Series::new("iterates with λ₀ above 2/h", pairs, style))
        .collect();
    if series.iter().any(|series| !series.points.is_empty()) {
        let pairs = sharpness_beside_positive(outcomes);
        // Some are far beyond the others.
        let sizes = pairs.iter().map(|(flow, _)| flow.abs()).filter(|size| *size > 0.0);
        let decade = range(sizes).0.log10().floor();
        let decade = if decade.is_finite() { decade as i32 } else { 0 };
        let [(left, right), (low, high)] = [
            range(pairs.iter().map(|(flow, _)| *flow).chain([0.0])),
            range(pairs.iter().map(|(_, change)| *change).chain([0.0])),
        ];
        let zeros = [vec![(left, 0.0), (right, 0.0)], vec![(0.0, low), (0.0, high)]];
        let zeros = zeros.map(|line| Series::new("", line, Style::soft(Dash::Dotted)));
        figure.panels.push(Panel {
            x: Axis {
                scale: AxisScale::SymmetricLog { decade },
                ..Axis::linear("change of λ₀ along the positive flow")
            },
            y: Axis::linear("change of λ₀ in the step"),
            note: match outcomes {
                [_] => {
                    let (both, along) = increasing(&pairs);
                    let r = number(correlation(&pairs));
                    format!("correlation {r}; of {along} points right of 0, {both} lie above it")
                }
                _ => String::new(),
            },
            series: series.into_iter().chain(zeros).collect(),
            ..Panel::default()
        });
        figure.columns = 2;
    }
    figure
}

/// The loss and `λ_0`.
pub(super) fn fig34(outcomes: &[Outcome]) -> Figure {
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

/// The learning rate that DAL would take.
pub(super) fn fig39(outcomes: &[Outcome]) -> Figure {
    let mut figure = Sheet::of(outcomes).figure(&[ratio("2/‖∇²E ĝ‖", "gradient_norm", "hg", 2.0)]);
    if let Some(panel) = figure.panels.first_mut() {
        let [least, most] = REASONABLE;
        across(panel, format!("{most}, below which the median must be"), most, Dash::Dashed);
        across(panel, format!("{least}, above which all must be"), least, Dash::Dotted);
    }
    figure
}

/// Test accuracy, loss and learning rate, a column for each batch size.
pub(super) fn fig40(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("batch", &[accuracy(), loss(), increases(), learning_rate()])
}

pub(super) fn fig41(outcomes: &[Outcome]) -> Figure {
    Sheet::only(outcomes, FIXED_AND_ONE).by("batch", &[loss()])
}

pub(super) fn fig42(outcomes: &[Outcome]) -> Figure {
    Sheet::only(outcomes, FIXED_AND_HALF).by("batch", &[loss()])
}

/// Learning rate, loss and test accuracy of DAL alone, and the mean learning rates.
pub(super) fn fig43(outcomes: &[Outcome]) -> Figure {
    let mut figure = Sheet::only(outcomes, ADAPTIVE).figure(&[learning_rate(), loss(), accuracy()]);
    if figure.panels.len() == 3 {
        figure.panels.push(against::mean_rates(outcomes));
        figure.columns = 2;
    }
    figure
}

/// The loss, a panel for each cap of the learning rates.
pub(super) fn fig45(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("cap", &[loss()])
}

/// The loss, a panel for each batch size.
pub(super) fn fig48(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("batch", &[loss()])
}

/// A logarithmic axis for what is positive.
fn logarithmic(label: &str) -> Axis {
    Axis { scale: AxisScale::Log, ..Axis::linear(label) }
}
