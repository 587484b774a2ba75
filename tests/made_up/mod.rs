//! Runs of the figures about networks whose measurements are made up.

use bea::experiment::{Outcome, Scale};
use bea::reproduction::NetworkFigure;

/// Runs of a figure that measured `value(run, row, column)`, whatever they measure.
pub fn outcomes(
    figure: &NetworkFigure,
    value: impl Fn(usize, usize, usize) -> f64,
) -> Vec<Outcome> {
    let configs = figure.runs(Scale::Small, &[]).unwrap().into_iter().map(Outcome::expected);
    let measured = |(run, mut outcome): (usize, Outcome)| {
        let width = outcome.metrics.columns.len();
        let row = |i: usize| {
            let step = std::iter::once((i * outcome.config.every) as f64);
            step.chain((1..width).map(|column| value(run, i, column))).collect()
        };
        outcome.metrics.rows = (0..40).map(row).collect();
        if let (Some(table), Some(follow)) = (&mut outcome.follow, &outcome.config.follow) {
            let width = table.columns.len();
            let steps = |from| (0..=follow.steps).map(move |step| (from, step));
            let places = follow.from.iter().flat_map(|from| steps(*from));
            let flows = |place| (0..=follow.flows.len()).map(move |flow| (place, flow));
            table.rows = places
                .flat_map(flows)
                .map(|((from, step), flow)| {
                    let place = [from, step, step, flow].map(|x| x as f64);
                    let values = (4..width).map(|column| value(run, step, column + flow));
                    place.into_iter().chain(values).collect()
                })
                .collect();
        }
        outcome
    };
    configs.enumerate().map(measured).collect()
}
