//! `bea._bea`, the compiled part of the Python package `bea`: what `python/bea` builds on, and nothing for its users.
//!
//! - `wait`: work with the GIL released, Ctrl-C, and errors
//! - `command`: commands, as on the command line
//! - `interruptible`, `objective`: objectives from callbacks and from networks
//! - `curvature`: eigenpairs and densities
//! - `fields`: what an optimizer does at a point

mod command;
mod curvature;
mod fields;
mod interruptible;
mod objective;
mod wait;

use pyo3::prelude::*;

/// That of the command. The system's gives large arrays back at once, and clears their pages when they are made again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule]
fn _bea(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Error", module.py().get_type::<wait::Error>())?;
    module.add_class::<objective::Objective>()?;
    module.add_function(wrap_pyfunction!(command::command, module)?)?;
    module.add_function(wrap_pyfunction!(objective::callbacks, module)?)?;
    module.add_function(wrap_pyfunction!(objective::network, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::lanczos, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::density, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::density_grid, module)?)?;
    module.add_function(wrap_pyfunction!(fields::principal_flow, module)?)?;
    module.add_function(wrap_pyfunction!(fields::stability_coefficients, module)?)?;
    module.add_function(wrap_pyfunction!(fields::velocity, module)?)?;
    module.add_function(wrap_pyfunction!(fields::simulate, module)?)?;
    module.add_function(wrap_pyfunction!(fields::dal, module)?)?;
    module.add_function(wrap_pyfunction!(fields::dal_rate, module)?)?;
    Ok(())
}
