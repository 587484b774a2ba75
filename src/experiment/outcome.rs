//! The outcome of a run.

use super::config::Config;
use super::run::{End, Table, follow_columns};
use bea_flow::objective::Counts;
use std::path::PathBuf;

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was run.
    pub config: Config,
    /// The measurements.
    pub metrics: Table,
    /// The flows that were followed.
    pub follow: Option<Table>,
    /// How it ended; `None` if it was stopped before.
    pub end: Option<End>,
    /// Where its files are.
    pub folder: PathBuf,
    /// Steps made.
    pub steps: usize,
    /// How often the loss was evaluated, all resumptions together.
    pub counts: Counts,
}

impl Outcome {
    /// What a run of this description might come to, with made-up numbers: for what is asked before it is conducted, such as
    /// whether a picture of it fits into a size.
    pub fn expected(config: Config) -> Outcome {
        let metrics = config.metrics.iter().flat_map(|metric| metric.columns(1));
        let columns: Vec<String> = std::iter::once("step".to_string()).chain(metrics).collect();
        let row = |step: usize| {
            let values = (1..columns.len()).map(|column| (column + step + 1) as f64);
            std::iter::once(step as f64).chain(values).collect()
        };
        let metrics =
            Table { rows: [0, config.steps.max(1)].map(row).into(), columns: columns.clone() };
        let follow = config.follow.as_ref().map(|follow| {
            let columns = follow_columns(follow);
            let mut rows = Vec::new();
            for (from, step) in follow.from.iter().flat_map(|from| [0, 1].map(|step| (*from, step)))
            {
                for flow in 0..=follow.flows.len() {
                    let place = [from, step, step, flow].map(|x| x as f64);
                    let values = (place.len()..columns.len()).map(|i| (i + flow + 1) as f64);
                    rows.push(place.into_iter().chain(values).collect());
                }
            }
            Table { columns, rows }
        });
        let (folder, counts) = (PathBuf::new(), Counts::default());
        let steps = config.steps;
        Outcome { config, metrics, follow, end: Some(End::Finished), folder, steps, counts }
    }
}
