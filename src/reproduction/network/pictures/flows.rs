//! Pictures of flows beside gradient descent.

use super::super::edge::{increasing, same_way, sharpness_beside_positive};
use super::super::errors::{EDGE, GAP, edges_at};
use super::super::followed::{UNSTABLE, starts};
use super::super::numbers::{correlation, number, percent, range, rate};
use super::runs::Sheet;
use super::{
    FLOWS, OWN, POSITIVE, THIRD_ORDER, across, against, logarithmic, loss, of_flows, panel_of,
    sharpness,
};
use crate::experiment::plots::{Kind, Quantity, followed, points, solid};
use crate::experiment::{Measured, Outcome};
use bea_flow::flow::FlowName;
use bea_plot::{Axis, AxisScale, Dash, Figure, Marker, Panel, Series, Style};

const BOTH: [(FlowName, usize); 2] =
    [(FlowName::NegativeGradient, 1), (FlowName::Positive, POSITIVE)];

fn flows_from_each(column: &'static str, y: &str, own: &'static str) -> Quantity<'static> {
    of_flows(y, Some(own), column, &BOTH)
}

fn three() -> [(FlowName, usize); 3] {
    std::array::from_fn(|i| (FLOWS[i], i + 1))
}

/// The distance of the flows to gradient descent along its steps, a panel for each learning rate.
pub fn fig7(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("lr", &[followed("distance", 0, OWN, &FLOWS, &FLOWS)])
}

/// `λ_0`, the error of a step, the size of the error of the loss, and the medians of the former at the edge of stability.
pub fn fig10(outcomes: &[Outcome]) -> Figure {
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

/// `λ_0` and the loss beside those after a step of the negative and of the positive flow.
pub fn fig11(outcomes: &[Outcome]) -> Figure {
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

/// `‖∇²E ∇E‖` and the drift of a step along training.
pub fn fig16(outcomes: &[Outcome]) -> Figure {
    let product = Quantity::of("‖∇²E ∇E‖", |run| points(run, "hg"));
    let drift = Quantity::of("drift of a step", |run| points(run, "drift"));
    Sheet::of(outcomes).figure(&[product, drift])
}

/// The error of a step beside the length of the step.
pub fn fig31(outcomes: &[Outcome]) -> Figure {
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
pub fn fig32(outcomes: &[Outcome]) -> Figure {
    let flows = [FlowName::ImplicitRegularization, FlowName::Principal];
    let mut panels = Vec::new();
    for (h, start) in starts(outcomes) {
        let sheet = Sheet::only(outcomes, |run| run.rate() == h && run.starts_at(start));
        let figure = sheet.figure(&[followed("distance", start, OWN, &flows, &FLOWS)]);
        let title = format!("h = {h}, from iterate {start}: {}", edges_at(outcomes, h, start));
        panels
            .extend(figure.panels.into_iter().map(|panel| Panel { title: title.clone(), ..panel }));
    }
    let columns = panels.len().min(3);
    Figure { panels, columns, ..Figure::default() }
}

/// Loss and `λ_0` along the flows from the edge of stability on; both up to ten times what they are along gradient descent.
pub fn fig35(outcomes: &[Outcome]) -> Figure {
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

/// `λ_0` beside that after a step of the positive flow, and the changes of both where it is above `2/h`.
pub fn fig37(outcomes: &[Outcome]) -> Figure {
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

/// The distance to the negative gradient flow, and `λ_0` along it.
pub fn fig49(outcomes: &[Outcome]) -> Figure {
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
