//! Commands, as on the command line.

use crate::wait::{Error, interruptible};
use bea::cli::embedded::{self, Printed};
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// What a command has printed, its result and its notes; its exit code; and the exception that has stopped it.
type Ran<'py> = (Bound<'py, PyBytes>, String, u8, Option<Py<PyBaseException>>);

/// Runs a command. After Ctrl-C the command stops as it does on the command line, keeping what there is, and the exception
/// is returned beside it. `progress` is called with a list of (name, steps done, steps in all).
#[pyfunction]
#[pyo3(signature = (words, progress=None))]
pub(crate) fn command(
    py: Python<'_>,
    words: Vec<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Ran<'_>> {
    let words = words.into_iter().map(Into::into);
    let work = move |control| embedded::run(words, control);
    let (outcome, interrupted) = interruptible(py, progress.as_ref(), work)?;
    match (outcome, interrupted) {
        (Ok(Printed { output, notes, code }), interrupted) => {
            let interrupted = interrupted.map(|error| error.into_value(py));
            Ok((PyBytes::new(py, &output), notes, code, interrupted))
        }
        (Err(_), Some(error)) => Err(error),
        (Err(text), None) => Err(Error::new_err(text.trim_end().to_string())),
    }
}
