//! A run and its measurements, as figures and reports take them.

use super::config::{Config, Metric};
use super::outcome::Outcome;
use super::run::{End, Table};

/// A run and its measurements.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// What distinguishes it from the runs beside it.
    pub label: &'a str,
    /// What was run.
    pub config: &'a Config,
    /// [`Run::metrics`](super::Run::metrics).
    pub metrics: &'a Table,
    /// [`Run::follow`](super::Run::follow).
    pub follow: Option<&'a Table>,
    /// How it ended; `None` if it was stopped before.
    pub end: Option<&'a End>,
}

impl<'a> From<&'a Outcome> for Measured<'a> {
    fn from(outcome: &'a Outcome) -> Measured<'a> {
        let Config { label, name, .. } = &outcome.config;
        Measured {
            label: if label.is_empty() { name } else { label },
            config: &outcome.config,
            metrics: &outcome.metrics,
            follow: outcome.follow.as_ref(),
            end: outcome.end.as_ref(),
        }
    }
}

/// A column of the measurements.
pub(super) struct Column<'a> {
    pub name: &'a str,
    pub metric: Metric,
    /// Which of the metric's columns.
    pub index: usize,
    /// Row by row.
    pub values: Vec<f64>,
}

impl<'a> Measured<'a> {
    /// The steps of all rows.
    pub(super) fn steps(&self) -> Vec<f64> {
        self.metrics.column("step").unwrap_or_default()
    }

    /// All columns but `step`, in the order of the metrics.
    pub(super) fn columns(&self) -> Vec<Column<'a>> {
        let table = self.metrics;
        let eigenvalues = table.columns.iter().filter(|name| name.starts_with("eigenvalue_"));
        let parameters = eigenvalues.count();
        let mut columns = Vec::new();
        for &metric in &self.config.metrics {
            for (index, name) in metric.columns(parameters).into_iter().enumerate() {
                let Some(at) = table.columns.iter().position(|column| *column == name) else {
                    continue;
                };
                let values = table.rows.iter().map(|row| row[at]).collect();
                columns.push(Column { name: &table.columns[at], metric, index, values });
            }
        }
        columns
    }

    /// Whether it ended early because something was no longer finite.
    pub(super) fn diverged(&self) -> bool {
        matches!(self.end, Some(End::Diverged { .. }))
    }

    /// Whether figures count it as diverged: it did, or its loss is above ten times that of its start at its end or for more
    /// than a tenth of what was measured.
    pub(crate) fn runs_away(&self) -> bool {
        let losses = self.metrics.column("loss").unwrap_or_default();
        let finite: Vec<f64> = losses.into_iter().filter(|loss| loss.is_finite()).collect();
        let Some(first) = finite.first() else { return self.diverged() };
        let above: Vec<bool> = finite.iter().map(|loss| *loss > 10.0 * first.abs()).collect();
        let often = 10 * above.iter().filter(|above| **above).count() > above.len();
        self.diverged() || often || above.last() == Some(&true)
    }
}
