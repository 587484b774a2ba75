//! Eigenpairs and densities.

use crate::objective::{Objective, array, entries, rows};
use crate::wait::{Error, Raised, check_signals, released};
use bea::curvature::{
    self, Density, Eigenpair, Hessian, Lanczos, Operator, Preconditioned, Quadrature, Verification,
};
use bea::objective::ObjectiveError;
use numpy::{PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A symmetric matrix: the Hessian of an objective at a point, or `products(rows) -> rows` of the dimension `n`.
#[derive(FromPyObject)]
pub(crate) enum Matrix<'py> {
    Hessian(PyRef<'py, Objective>, PyReadonlyArray1<'py, f64>),
    Products(Py<PyAny>, usize),
}

/// The products of a callback.
struct Products {
    products: Py<PyAny>,
    dimension: usize,
}

impl Operator for Products {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, curvature::Error> {
        let outcome = Python::attach(|py| {
            let result = self.products.call1(py, (array(py, block, self.dimension)?,))?;
            rows(&result.extract::<PyReadonlyArray2<'_, f64>>(py)?)
        });
        Ok(outcome.map_err(|error| ObjectiveError::other(Raised(error)))?)
    }
}

/// An operator that Ctrl-C interrupts, and whose products are told of.
struct Watched<'a> {
    operator: &'a dyn Operator,
    /// `progress(number of products)`.
    progress: Option<&'a Py<PyAny>>,
}

impl Operator for Watched<'_> {
    fn dimension(&self) -> usize {
        self.operator.dimension()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, curvature::Error> {
        check_signals()?;
        let products = self.operator.apply(block)?;
        if let Some(progress) = self.progress {
            Python::attach(|py| progress.call1(py, (products.len(),)))
                .map_err(|error| ObjectiveError::other(Raised(error)))?;
        }
        Ok(products)
    }
}

/// Runs `work` on a matrix, in the metric of a diagonal if there is one, without the GIL.
fn on_matrix<T: Send>(
    py: Python<'_>,
    matrix: Matrix<'_>,
    diagonal: Option<PyReadonlyArray1<'_, f64>>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&dyn Operator, Option<&Preconditioned<'_>>) -> Result<T, curvature::Error> + Send,
) -> PyResult<T> {
    let diagonal = diagonal.as_ref().map(entries).transpose()?;
    let (objective, x, products);
    let hessian;
    let operator: &(dyn Operator + Sync) = match matrix {
        Matrix::Hessian(of, at) => {
            (objective, x) = (of.inner.clone(), of.point(&at)?);
            if objective.max_directions() == 0 {
                let capability = bea::objective::Capability::HessianVectors;
                return Err(Error::new_err(ObjectiveError::Missing(capability).to_string()));
            }
            hessian = Hessian::new(&*objective, &x[..]);
            &hessian
        }
        Matrix::Products(callback, dimension) => {
            products = Products { products: callback, dimension };
            &products
        }
    };
    released(py, || {
        let watched = Watched { operator, progress: progress.as_ref() };
        match &diagonal {
            None => work(&watched, None),
            Some(diagonal) => {
                let scaled = Preconditioned::new(&watched, diagonal)?;
                work(&scaled, Some(&scaled))
            }
        }
    })
}

/// The extreme eigenpairs, the largest first: eigenvalues, eigenvectors as rows, residuals, products, converged, missed.
#[pyfunction]
#[pyo3(signature = (matrix, largest, smallest, tolerance, start, random, seed, single, search, products, progress, diagonal))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn lanczos<'py>(
    py: Python<'py>,
    matrix: Matrix<'_>,
    largest: usize,
    smallest: usize,
    tolerance: f64,
    start: Option<PyReadonlyArray2<'_, f64>>,
    random: usize,
    seed: u64,
    single: bool,
    search: Option<bool>,
    products: usize,
    progress: Option<Py<PyAny>>,
    diagonal: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut start = start.as_ref().map(rows).transpose()?.unwrap_or_default();
    let verification = match search {
        None => Verification::Cold,
        Some(true) => Verification::Always,
        Some(false) => Verification::Never,
    };
    let lanczos = Lanczos {
        largest,
        smallest,
        tolerance,
        random,
        seed,
        single,
        verification,
        products,
        ..Lanczos::default()
    };
    let (pairs, found) = on_matrix(py, matrix, diagonal, progress, |operator, scaled| {
        if let Some(scaled) = scaled {
            start.iter_mut().for_each(|v| scaled.unscale(v));
        }
        let mut found = lanczos.run(operator, &start)?;
        let mut pairs: Vec<Eigenpair> = std::mem::take(&mut found.largest);
        pairs.extend(std::mem::take(&mut found.smallest).into_iter().rev());
        if let Some(scaled) = scaled {
            pairs.iter_mut().for_each(|pair| scaled.scale(&mut pair.vector));
        }
        Ok((pairs, found))
    })?;
    let width = pairs.first().map_or(0, |pair| pair.vector.len());
    let vectors: Vec<Vec<f64>> = pairs.iter().map(|pair| pair.vector.clone()).collect();
    let out = PyDict::new(py);
    out.set_item("eigenvalues", PyArray1::from_iter(py, pairs.iter().map(|pair| pair.value)))?;
    out.set_item("eigenvectors", array(py, &vectors, width)?)?;
    out.set_item("residuals", PyArray1::from_iter(py, pairs.iter().map(|pair| pair.residual)))?;
    out.set_item("products", found.products)?;
    out.set_item("converged", found.converged)?;
    out.set_item("scale", found.scale)?;
    out.set_item("missed", found.missed)?;
    Ok(out)
}

/// The density of the eigenvalues: nodes, weights, moments of the probes, products.
#[pyfunction]
pub(crate) fn density<'py>(
    py: Python<'py>,
    matrix: Matrix<'_>,
    steps: usize,
    probes: usize,
    seed: u64,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let density = Density { steps, probes, seed, ..Density::default() };
    let found = on_matrix(py, matrix, None, progress, |operator, _| density.run(operator))?;
    let moments: Vec<Vec<f64>> = found.moments.iter().map(|moments| moments.to_vec()).collect();
    let out = PyDict::new(py);
    out.set_item("nodes", PyArray1::from_vec(py, found.nodes))?;
    out.set_item("weights", PyArray1::from_vec(py, found.weights))?;
    out.set_item("moments", array(py, &moments, 2)?)?;
    out.set_item("products", found.products)?;
    Ok(out)
}

/// Points and values of a density whose nodes are spread to normal distributions of this width.
#[pyfunction]
pub(crate) fn density_grid<'py>(
    py: Python<'py>,
    nodes: PyReadonlyArray1<'_, f64>,
    weights: PyReadonlyArray1<'_, f64>,
    width: f64,
    points: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (nodes, weights) = (entries(&nodes)?, entries(&weights)?);
    let quadrature = Quadrature { nodes, weights, moments: Vec::new(), products: 0 };
    let grid = quadrature.grid(width, points);
    let grid = grid.map_err(|error| Error::new_err(error.to_string()))?;
    let rows: Vec<Vec<f64>> = grid.into_iter().map(|(x, y)| vec![x, y]).collect();
    array(py, &rows, 2)
}
