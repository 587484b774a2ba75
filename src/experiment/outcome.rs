//! The outcome of a run.

use super::config::Config;
use super::run::{End, Table};
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
