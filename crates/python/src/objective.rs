//! Objectives from callbacks and from networks.

use crate::interruptible::Interruptible;
use crate::wait::{Error, Raised, check_process, released};
use bea::cli::embedded;
use bea::objective::{
    self, Answer, Closures, Counts, Objective as Evaluate, ObjectiveError, Scalar, WithoutGradient,
};
use numpy::{Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// A loss of a flat vector of 64-bit numbers. `bea.Objective` is what users have.
#[pyclass(frozen, module = "bea._bea")]
pub(crate) struct Objective {
    pub(crate) inner: Arc<dyn Evaluate>,
    counts: Arc<dyn Fn() -> Counts + Send + Sync>,
}

/// Refuses what is not finite, of which nothing can be said.
pub(crate) fn check_finite(what: &str, mut values: impl Iterator<Item = f64>) -> PyResult<()> {
    values.find(|x| !x.is_finite()).map_or(Ok(()), |x| {
        Err(Error::new_err(format!(
            "{what} is {x} at these parameters, so that nothing can be said of them"
        )))
    })
}

/// A copy of an array's entries.
pub(crate) fn entries(x: &PyReadonlyArray1<'_, f64>) -> PyResult<Vec<f64>> {
    Ok(x.as_slice().map_err(|_| Error::new_err("the array is not contiguous"))?.to_vec())
}

/// The rows of an array.
pub(crate) fn rows(v: &PyReadonlyArray2<'_, f64>) -> PyResult<Vec<Vec<f64>>> {
    let width = v.as_array().ncols().max(1);
    let all = v.as_slice().map_err(|_| Error::new_err("the array is not contiguous"))?;
    Ok(all.chunks_exact(width).map(<[f64]>::to_vec).collect())
}

/// An array of these rows, which have all the same length.
pub(crate) fn array<'py>(
    py: Python<'py>,
    rows: &[Vec<f64>],
    width: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    PyArray1::from_vec(py, rows.concat()).reshape([rows.len(), width])
}

#[pymethods]
impl Objective {
    /// The number of variables.
    #[getter]
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    /// Whether it has Hessian-vector products.
    #[getter]
    fn has_products(&self) -> bool {
        self.inner.max_directions() > 0
    }

    /// The machine epsilon of its numbers.
    #[getter]
    fn precision(&self) -> f64 {
        self.inner.precision()
    }

    /// Evaluations so far, by kind.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = (self.counts)();
        let all = PyDict::new(py);
        all.set_item("values", counts.values)?;
        all.set_item("gradients", counts.gradients)?;
        all.set_item("hessian_vectors", counts.hessian_vectors)?;
        all.set_item("hessians", counts.hessians)?;
        all.set_item("contractions", counts.contractions)?;
        Ok(all)
    }

    /// `E(x)` and `∇E(x)`.
    fn value_and_gradient<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
        let x = self.point(&x)?;
        let (value, gradient) = released(py, || {
            let mut gradient = vec![0.0; x.len()];
            self.inner.value_and_gradient(&x, &mut gradient).map(|value| (value, gradient))
        })?;
        Ok((value, PyArray1::from_vec(py, gradient)))
    }

    /// `∇²E(x) v` for the rows `v` of an array.
    fn hessian_vectors<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray1<'_, f64>,
        rows: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (x, rows) = (self.point(&x)?, self::rows(&rows)?);
        let products = released(py, || {
            let block: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
            self.inner.hessian_vectors(&x, &block)
        })?;
        array(py, &products, x.len())
    }

    /// `∇ᵏ⁺¹E(x)[v₁, …, vₖ]` for the `k` rows of an array.
    fn contraction<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray1<'_, f64>,
        rows: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (x, rows) = (self.point(&x)?, self::rows(&rows)?);
        let contracted = released(py, || {
            let directions: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
            let mut out = vec![0.0; x.len()];
            self.inner.contraction(&x, &directions, &mut out).map(|()| out)
        })?;
        Ok(PyArray1::from_vec(py, contracted))
    }
}

impl Objective {
    /// A point of the right length.
    pub(crate) fn point(&self, x: &PyReadonlyArray1<'_, f64>) -> PyResult<Vec<f64>> {
        let x = entries(x)?;
        let (found, expected) = (x.len(), self.inner.dimension());
        if found != expected {
            let error = ObjectiveError::Length { name: "the point", found, expected };
            return Err(Error::new_err(error.to_string()));
        }
        Ok(x)
    }
}

/// An array that a callback returned, into `out`.
fn take<S: Element + Copy>(value: &Bound<'_, PyAny>, out: &mut [S]) -> PyResult<()> {
    let array: PyReadonlyArray1<'_, S> = value.extract()?;
    let found = array.len()?;
    if found != out.len() {
        let expected = out.len();
        return Err(Error::new_err(format!("the array has {found} entries, not {expected}")));
    }
    out.copy_from_slice(
        array.as_slice().map_err(|_| Error::new_err("the array is not contiguous"))?,
    );
    Ok(())
}

/// The only entry of an array that a callback returned.
fn number<S: Scalar + Element>(value: &Bound<'_, PyAny>) -> PyResult<S> {
    let mut out = [S::zero()];
    take(value, &mut out).map(|()| out[0])
}

/// `gradient(x) -> (value, array)`, `product(x, v) -> array`, `third(x, u, v) -> array` and `value(x) -> value`, where
/// values are arrays of one entry, and all arrays are flat, contiguous and of 64-bit numbers, or of complex ones of twice 64.
#[derive(FromPyObject)]
pub(crate) struct Callbacks(Py<PyAny>, Option<Py<PyAny>>, Option<Py<PyAny>>, Option<Py<PyAny>>);

/// Closures that call callbacks.
fn closures<S>(without: WithoutGradient<S>, callbacks: Callbacks) -> Closures<'static, S>
where
    S: Scalar + Element,
    Result<S, Raised>: Answer<S>,
{
    let Callbacks(gradient, product, third, value) = callbacks;
    let mut closures = without.gradient(move |x: &[S], out: &mut [S]| {
        Python::attach(|py| {
            let result = gradient.call1(py, (PyArray1::from_slice(py, x),))?;
            let (value, gradient): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
                result.bind(py).extract()?;
            take(&gradient, out)?;
            number::<S>(&value)
        })
        .map_err(Raised)
    });
    if let Some(value) = value {
        closures = closures.with_value(move |x: &[S]| {
            Python::attach(|py| {
                let result = value.call1(py, (PyArray1::from_slice(py, x),))?;
                number::<S>(result.bind(py))
            })
            .map_err(Raised)
        });
    }
    if let Some(product) = product {
        closures = closures.hessian_vector(move |x: &[S], v: &[S], out: &mut [S]| {
            Python::attach(|py| {
                let arguments = (PyArray1::from_slice(py, x), PyArray1::from_slice(py, v));
                take(product.call1(py, arguments)?.bind(py), out)
            })
            .map_err(Raised)
        });
    }
    if let Some(third) = third {
        closures = closures.with_contraction(2, move |x: &[S], along: &[&[S]], out: &mut [S]| {
            Python::attach(|py| {
                let [x, u, v] = [x, along[0], along[1]].map(|v| PyArray1::from_slice(py, v));
                take(third.call1(py, (x, u, v))?.bind(py), out)
            })
            .map_err(Raised)
        });
    }
    closures
}

/// An objective of `n` variables from callbacks at real points, and at complex ones if there are such.
#[pyfunction]
#[pyo3(signature = (n, real, complex, precision))]
pub(crate) fn callbacks(
    n: usize,
    real: Callbacks,
    complex: Option<Callbacks>,
    precision: f64,
) -> Objective {
    let mut closures = self::closures(objective::objective(n), real).with_precision(precision);
    if let Some(complex) = complex {
        closures = closures.with_complex(self::closures(objective::complex(n), complex));
    }
    let inner = Arc::new(closures);
    let counted = inner.clone();
    Objective { inner, counts: Arc::new(move || counted.counts()) }
}

/// A network's parameters: the name and shape of each tensor.
type Layout = Vec<(String, Vec<usize>)>;

/// What the options of a network give: the loss, its parameters, their names and shapes, and what the command line notes.
pub(crate) type Loaded<'py> = (Objective, Bound<'py, PyArray1<f64>>, Layout, String);

/// A network on its data from the arguments of the command.
#[pyfunction]
pub(crate) fn network(py: Python<'_>, words: Vec<String>) -> PyResult<Loaded<'_>> {
    check_process()?;
    let loaded = py.detach(|| embedded::network(words.into_iter().map(Into::into)));
    let ((loss, theta), printed) =
        loaded.map_err(|text| Error::new_err(text.trim_end().to_string()))?;
    let parameters = &loss.layout().parameters;
    let layout = parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
    let counted = loss.clone();
    let objective = Objective {
        inner: Arc::new(Interruptible::by_signals(Arc::new(loss))),
        counts: Arc::new(move || counted.counts()),
    };
    Ok((objective, PyArray1::from_vec(py, theta), layout, printed.notes))
}
