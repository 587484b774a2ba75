//! Pictures of figures that are not curves against the step.

use super::drift::{beside_drift, mean_drift, product_beside_drift};
use super::groups::{Group, dal, summarise};
use super::numbers::{column, last, rate};
use crate::experiment::{Measured, Outcome, sweep_figure};
use bea_plot::{Axis, Dash, Figure, Panel, Series, Style};

/// Points without lines, of one colour a name.
fn scatter(i: usize, name: impl Into<String>, points: Vec<(f64, f64)>) -> Series {
    Series::new(name, points, Style::of_series(i).markers())
}

fn figure(title: &str, panels: Vec<Panel>) -> Figure {
    let columns = panels.len().min(3);
    Figure { title: title.into(), panels, columns }
}

/// Predicted against actual values, a panel for each learning rate.
pub(super) fn fig8(outcomes: &[Outcome]) -> Figure {
    let panel = |outcome: &Outcome| {
        let actual = column(outcome, "prediction_actual");
        let ends = actual
            .iter()
            .filter(|x| x.is_finite())
            .fold((0.0f64, 0.0f64), |(low, high), x| (low.min(*x), high.max(*x)));
        let flows = [("NGF", "prediction_ngf"), ("IGR", "prediction_igr"), ("PF", "prediction_pf")];
        let mut series: Vec<Series> = flows
            .into_iter()
            .enumerate()
            .map(|(i, (name, predicted))| {
                let points = actual.iter().copied().zip(column(outcome, predicted)).collect();
                scatter(i, name, points)
            })
            .collect();
        let exact = vec![(ends.0, ends.0), (ends.1, ends.1)];
        series.push(Series::new("exact match", exact, Style::soft(Dash::Dashed)));
        Panel {
            title: format!("h = {}", rate(outcome)),
            x: Axis::linear("∇E·u₀ at the next iterate"),
            y: Axis::linear("prediction"),
            series,
            ..Panel::default()
        }
    };
    figure("Figure 8", outcomes.iter().map(panel).collect())
}

/// The drift against its possible predictors, a series for each learning rate.
pub(super) fn fig17(outcomes: &[Outcome]) -> Figure {
    type Pairs = fn(&Outcome) -> Vec<(f64, f64)>;
    let shown: [(&str, Pairs); 4] = [
        ("‖∇²E ∇E‖", |outcome| beside_drift(outcome, "hg")),
        ("h²/2 ‖∇²E ∇E‖", |outcome| beside_drift(outcome, "drift_estimate")),
        ("‖∇E‖", |outcome| beside_drift(outcome, "gradient_norm")),
        ("‖∇²E ĝ‖", product_beside_drift),
    ];
    let panels = shown.map(|(name, pairs)| {
        let series = outcomes
            .iter()
            .enumerate()
            .map(|(i, outcome)| scatter(i, format!("h = {}", rate(outcome)), pairs(outcome)));
        Panel {
            x: Axis::log(name),
            y: Axis::log("drift of a step"),
            series: series.collect(),
            ..Panel::default()
        }
    });
    Figure { columns: 2, ..figure("Figure 17", panels.into()) }
}

pub(super) fn fig22(outcomes: &[Outcome]) -> Figure {
    figure("Figure 22", drift_of_runs(outcomes))
}

pub(super) fn fig47(outcomes: &[Outcome]) -> Figure {
    figure("Figure 47", drift_of_runs(outcomes))
}

/// Test accuracy and `λ_0` at the end against the mean drift, a point for each run.
fn drift_of_runs(outcomes: &[Outcome]) -> Vec<Panel> {
    let shown = [("test_accuracy", "test accuracy"), ("lambda_0", "largest eigenvalue λ₀")];
    let panel = |(name, axis): (&str, &str)| {
        let side = |adaptive: bool| {
            let runs = outcomes.iter().filter(|o| dal(&o.config).is_some() == adaptive);
            runs.map(|outcome| (mean_drift(outcome), last(outcome, name))).collect()
        };
        Panel {
            x: Axis::log("mean drift of a step"),
            y: Axis::linear(axis),
            series: vec![scatter(0, "fixed", side(false)), scatter(1, "DAL-p", side(true))],
            ..Panel::default()
        }
    };
    shown.map(panel).into()
}

/// Test accuracy and increases of the loss against the power, a point for each seed.
pub(super) fn fig21(outcomes: &[Outcome]) -> Figure {
    type Values = fn(&Group) -> &[f64];
    let shown: [(&str, Values); 2] = [
        ("test accuracy", |group| &group.accuracies),
        ("increases of the loss", |group| &group.increases),
    ];
    let groups = summarise(outcomes);
    let panels = shown.map(|(name, values)| {
        let points = groups.iter().filter_map(|group| group.power.map(|p| (group, p)));
        let points = points.flat_map(|(group, p)| values(group).iter().map(move |y| (p, *y)));
        Panel {
            x: Axis::linear("power p"),
            y: Axis::linear(name),
            series: vec![scatter(0, "DAL-p, a point a seed", points.collect())],
            ..Panel::default()
        }
    });
    figure("Figure 21", panels.into())
}

/// The curves of the runs with DAL alone, one seed each.
pub(super) fn fig43(outcomes: &[Outcome]) -> Figure {
    let first = outcomes.iter().map(|outcome| outcome.config.seed).min();
    let runs: Vec<Measured> = outcomes
        .iter()
        .filter(|o| dal(&o.config).is_some() && Some(o.config.seed) == first)
        .map(Measured::from)
        .collect();
    Figure { title: "Figure 43".into(), ..sweep_figure(&runs) }
}
