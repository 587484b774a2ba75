//! Commands, as on the command line.

use crate::wait::{Error, interruptible};
use bea::cli::embedded::{self, Printed};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Runs a command and returns what it has printed, its result and its notes, and its exit code. After Ctrl-C the command
/// stops as it does on the command line, keeping what there is.
#[pyfunction]
pub(crate) fn command(
    py: Python<'_>,
    words: Vec<String>,
) -> PyResult<(Bound<'_, PyBytes>, String, u8)> {
    let words = words.into_iter().map(Into::into);
    let outcome = interruptible(py, move |stop| embedded::run(words, stop))?;
    let Printed { output, notes, code } =
        outcome.map_err(|text| Error::new_err(text.trim_end().to_string()))?;
    Ok((PyBytes::new(py, &output), notes, code))
}
