//! The oscillation about trajectories at the edge of stability, as CSV, as text and in pictures.

use crate::csv;
use bea_flow::flow::{Oscillation, Oscillations, Simulation};
use bea_plot::{Axis, Dash, Panel, Series, Style};
use std::fmt::Write as _;

/// The trajectories that have an oscillation, with their numbers, the optimizer's being 0.
fn oscillating(simulation: &Simulation) -> impl Iterator<Item = (usize, &str, &Oscillations)> {
    let numbered = simulation.trajectories().enumerate();
    numbered.filter_map(|(i, flow)| Some((i, flow.name.as_str(), flow.oscillations.as_ref()?)))
}

/// Whether there is one.
pub fn has_oscillations(simulation: &Simulation) -> bool {
    oscillating(simulation).next().is_some()
}

/// A row for each step of each trajectory that has an oscillation: `flow,step,sharpness,edge,trace`, the eigenvalues of `Σ`
/// (`covariance_0`, …), the averaged `loss`, the `gradient_norm`, the `distance` to the path of the optimizer's
/// iterates, and the `residual` of the conditions on `Σ`. What is not known is empty.
pub fn oscillations_csv(simulation: &Simulation) -> String {
    let all = oscillating(simulation).flat_map(|(_, _, found)| &found.at);
    let most = all.map(|at| at.covariance.len()).max().unwrap_or(0);
    let mut names: Vec<String> =
        ["flow", "step", "sharpness", "edge", "trace"].map(String::from).into();
    names.extend((0..most).map(|i| format!("covariance_{i}")));
    names.extend(["loss", "gradient_norm", "distance", "residual"].map(String::from));
    let rows = oscillating(simulation).flat_map(|(_, name, found)| {
        found.at.iter().enumerate().map(move |(step, at)| {
            let mut row = vec![name.to_string(), step.to_string()];
            row.extend([at.sharpness, at.edge, at.trace].map(csv::number_or_nothing));
            row.extend(
                (0..most).map(|i| csv::number(at.covariance.get(i).copied().unwrap_or(0.0))),
            );
            row.extend(
                [at.loss, at.gradient_norm, at.distance, at.residual].map(csv::number_or_nothing),
            );
            row
        })
    });
    csv::text(names, rows)
}

/// The same as columns of JSON, without the name and the step.
#[derive(serde::Serialize)]
pub(super) struct Columns<'a> {
    sharpness: Vec<f64>,
    edge: Vec<f64>,
    covariance: Vec<&'a [f64]>,
    trace: Vec<f64>,
    loss: Vec<f64>,
    gradient_norm: Vec<f64>,
    distance: Vec<f64>,
    residual: Vec<f64>,
    remarks: &'a [String],
}

impl<'a> Columns<'a> {
    pub(super) fn of(found: &'a Oscillations) -> Columns<'a> {
        let column = |of: fn(&Oscillation) -> f64| found.at.iter().map(of).collect();
        Columns {
            sharpness: column(|at| at.sharpness),
            edge: column(|at| at.edge),
            covariance: found.at.iter().map(|at| at.covariance.as_slice()).collect(),
            trace: column(|at| at.trace),
            loss: column(|at| at.loss),
            gradient_norm: column(|at| at.gradient_norm),
            distance: column(|at| at.distance),
            residual: column(|at| at.residual),
            remarks: &found.remarks,
        }
    }
}

/// A table of the oscillations at some of the steps, and what is to be said of them.
pub fn oscillations_text(simulation: &Simulation, steps: &[usize]) -> String {
    let widest = oscillating(simulation).map(|(_, name, _)| name.len()).max().unwrap_or(0).max(4);
    let mut text = String::from(
        "oscillation at the edge of stability: sharpness, what it is at the edge, trace of the covariance Σ,\n\
         averages of the loss and of the gradient's norm, distance to the averaged iterates:\n\n",
    );
    let _ = writeln!(
        text,
        "{:>6}  {:<widest$}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}",
        "step", "flow", "sharpness", "edge", "tr Σ", "loss", "gradient", "distance"
    );
    for &step in steps {
        for (_, name, found) in oscillating(simulation) {
            let Some(at) = found.at.get(step) else { continue };
            let _ = write!(text, "{step:>6}  {name:<widest$}");
            for value in [at.sharpness, at.edge, at.trace, at.loss, at.gradient_norm, at.distance] {
                let value = match value {
                    x if x.is_nan() => "-".to_string(),
                    0.0 => "0".to_string(),
                    x => format!("{x:.3e}"),
                };
                let _ = write!(text, "{value:>11}");
            }
            text.push('\n');
        }
    }
    let remarks = oscillating(simulation)
        .flat_map(|(_, name, found)| found.remarks.iter().map(move |remark| (name, remark)));
    let mut lines = remarks.peekable();
    if lines.peek().is_some() {
        text.push('\n');
    }
    for (name, remark) in lines {
        let _ = writeln!(text, "{name}: {remark}");
    }
    text
}

/// A quantity of the oscillations, step by step.
fn panel(simulation: &Simulation, label: &str, of: fn(&Oscillation) -> f64) -> Panel {
    let series = oscillating(simulation).map(|(i, name, found)| {
        let points = found.at.iter().enumerate().map(|(step, at)| (step as f64, of(at)));
        let known = points.filter(|(_, y)| !y.is_nan());
        Series::new(name, known.collect(), Style::of_series(i).line())
    });
    let (x, y) = (Axis::linear("step"), Axis::linear(label));
    Panel { x, y, series: series.collect(), ..Panel::default() }
}

/// The sharpness and the edge, step by step.
pub fn sharpness(simulation: &Simulation) -> Panel {
    let mut panel = panel(simulation, "sharpness", |at| at.sharpness);
    if let Some((_, _, found)) = oscillating(simulation).next() {
        let edge: Vec<(f64, f64)> =
            found.at.iter().enumerate().map(|(step, at)| (step as f64, at.edge)).collect();
        let ends: Vec<(f64, f64)> = edge.first().into_iter().chain(edge.last()).copied().collect();
        panel.series.push(Series::new("edge of stability", ends, Style::soft(Dash::Dashed)));
    }
    panel
}

/// The trace of `Σ`, step by step.
pub fn covariance(simulation: &Simulation) -> Panel {
    panel(simulation, "tr Σ, the squared size of the oscillation", |at| at.trace)
}
