//! Objectives from operator graphs.

use crate::objective::{Layout, Objective, network};
use numpy::PyArray1;
use pyo3::prelude::*;

/// The loss of the operator graph in a folder, the parameters that it comes with, their names and shapes.
#[pyfunction]
pub(crate) fn graph(
    py: Python<'_>,
    folder: String,
) -> PyResult<(Objective, Bound<'_, PyArray1<f64>>, Layout)> {
    let (objective, theta, layout, _) = network(py, vec![format!("--network={folder}")])?;
    Ok((objective, theta, layout))
}
