//! Flows that were followed from some iterates: their distance to the optimizer, their loss, their sharpness.

use super::super::measured::Measured;
use super::panels::{Kind, Quantity};
use super::{color, flows, solid, words};
use bea_flow::flow::FlowName;

/// Distances below this are those of rounding.
const ROUNDING: f64 = 1e-18;

/// What there is to show of the flows of all runs, for each iterate that they start from.
pub fn quantities(runs: &[Measured]) -> Vec<Quantity<'static>> {
    let Some(follow) =
        runs.iter().filter(|run| run.follow.is_some()).find_map(|run| run.config.follow.as_ref())
    else {
        return Vec::new();
    };
    let mut starts: Vec<usize> = runs
        .iter()
        .flat_map(|run| &run.config.follow)
        .flat_map(|follow| follow.from.clone())
        .collect();
    starts.sort_unstable();
    starts.dedup();
    let sharpness = runs.iter().flat_map(|run| &run.config.follow).any(|follow| follow.sharpness);
    let config = runs.iter().find(|run| run.config.follow.is_some()).map(|run| run.config);
    let known = config.map(flows).unwrap_or_default();
    let own = runs.first().map_or("the optimizer", |run| words::optimizer(run.config));
    let mut all = Vec::new();
    for start in starts {
        let columns = ["distance", "loss", "lambda_0"].into_iter().take(2 + usize::from(sharpness));
        all.extend(columns.map(|column| quantity(column, start, own, &follow.flows, &known)));
    }
    all
}

/// A column of the flows from an iterate on.
///
/// `own` is the optimizer's name.
pub fn quantity(
    column: &'static str,
    start: usize,
    own: &str,
    flows: &[FlowName],
    known: &[FlowName],
) -> Quantity<'static> {
    let distances = column == "distance";
    let kinds = (usize::from(distances)..=flows.len()).map(|which| {
        let (label, style) = match which.checked_sub(1).map(|i| flows[i]) {
            None => (own.to_string(), solid(0)),
            Some(flow) => (words::flow(flow), solid(color(flow, known))),
        };
        Kind {
            label,
            style,
            points: Box::new(move |run: &Measured| points(run, column, start, which)),
        }
    });
    let y = match column {
        "distance" => format!("distance to {own}"),
        "loss" => "loss E".into(),
        _ => "sharpness λ₀".into(),
    };
    Quantity {
        x: if start == 0 { "step".into() } else { format!("steps after iterate {start}") },
        y,
        kinds: kinds.collect(),
        grows: true,
        thresholds_from: (column == "lambda_0").then_some(start),
        own_fate: true,
        share: false,
    }
}

/// The values of a column along the flow of this number, 0 for the optimizer.
fn points(run: &Measured, column: &str, start: usize, which: usize) -> Vec<(f64, f64)> {
    let Some(table) = run.follow else { return Vec::new() };
    let at = |name: &str| table.columns.iter().position(|known| known == name);
    let (Some(from), Some(step), Some(flow), Some(value)) =
        (at("from"), at("step"), at("flow"), at(column))
    else {
        return Vec::new();
    };
    let rows =
        table.rows.iter().filter(|row| row[from] == start as f64 && row[flow] == which as f64);
    let all: Vec<(f64, f64)> = rows.map(|row| (row[step], row[value])).collect();
    if column != "distance" {
        return all;
    }
    // From where a flow ended on it is infinitely far.
    let last = all.iter().rposition(|point| point.1.is_finite());
    let ended = |i: usize| last.is_none_or(|last| i > last);
    let ends = run.config.follow.as_ref().map_or(0, |follow| follow.steps);
    let missing = (all.len()..=ends).map(|step| (step as f64, f64::NAN));
    let all = all.iter().copied().chain(missing).enumerate();
    let all = all.map(|(i, (x, y))| (x, if ended(i) && x > 0.0 { f64::INFINITY } else { y }));
    all.filter(|point| point.1 > ROUNDING).collect()
}
