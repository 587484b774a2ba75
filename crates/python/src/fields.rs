//! What an optimizer does at a point.

use crate::interruptible::Interruptible;
use crate::objective::{Objective, array, check_finite, entries, rows};
use crate::wait::{Error, Explain, check_process, in_python, interruptible, released};
use bea::Dal;
use bea::cli::embedded::{self, Control};
use bea::curvature::Eigenpair;
use bea::flow::stability::{PrincipalCoefficient, StabilityCoefficient};
use bea::flow::{self, FlowName, Problem, Request, Stop, Watch};
use bea::objective::Objective as Evaluate;
use bea::optimizer::Step;
use bea::simulation;
use bea::source::Source;
use numpy::{Complex64, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// The velocity `φ(hH) g` of the principal flow of gradient descent, an estimate of its error, and the products it took.
#[pyfunction]
pub(crate) fn principal_flow<'py>(
    py: Python<'py>,
    objective: &Objective,
    x: PyReadonlyArray1<'_, f64>,
    lr: f64,
) -> PyResult<(Bound<'py, PyArray1<Complex64>>, f64, usize)> {
    let (inner, x) = (objective.inner.clone(), objective.point(&x)?);
    let found =
        released(py, || -> Result<_, Stop> { bea::principal_flow(&*inner).velocity(&x, lr) })?;
    check_finite("an entry of the velocity", found.value.iter().map(|z| z.re))?;
    Ok((PyArray1::from_vec(py, found.value), found.estimate, found.products))
}

/// The stability coefficients of an optimizer along eigenvectors, the rows of an array, with the eigenvectors turned so
/// that the gradient along them is positive.
#[pyfunction]
pub(crate) fn stability_coefficients<'py>(
    py: Python<'py>,
    eigenvalues: PyReadonlyArray1<'_, f64>,
    eigenvectors: PyReadonlyArray2<'_, f64>,
    gradient: PyReadonlyArray1<'_, f64>,
    lr: f64,
    optimizer: &str,
    values: Vec<String>,
) -> PyResult<Bound<'py, PyDict>> {
    check_process()?;
    let lambdas = entries(&eigenvalues)?;
    let (vectors, gradient) = (rows(&eigenvectors)?, entries(&gradient)?);
    let width = gradient.len();
    if vectors.len() != lambdas.len() || vectors.iter().any(|v| v.len() != width) {
        return Err(Error::new_err(
            "an eigenvector is needed for each eigenvalue, as long as the gradient",
        ));
    }
    let pairs = lambdas.into_iter().zip(vectors);
    let mut pairs: Vec<Eigenpair> =
        pairs.map(|(value, vector)| Eigenpair { value, vector, residual: 0.0 }).collect();
    let found = coefficient(optimizer, &values, lr)?.along(&mut pairs, &gradient);
    let turned: Vec<Vec<f64>> = pairs.into_iter().map(|pair| pair.vector).collect();
    let numbers =
        |f: fn(&StabilityCoefficient) -> f64| PyArray1::from_iter(py, found.iter().map(f));
    let out = PyDict::new(py);
    out.set_item("eigenvalues", numbers(|sc| sc.lambda))?;
    out.set_item("z", numbers(|sc| sc.z))?;
    out.set_item("along", numbers(|sc| sc.along))?;
    out.set_item("sc", PyArray1::from_iter(py, found.iter().map(|sc| sc.coefficient)))?;
    out.set_item("case", found.iter().map(|sc| sc.case.to_string()).collect::<Vec<_>>())?;
    out.set_item("eigenvectors", array(py, &turned, width)?)?;
    Ok(out)
}

/// What the principal flow of an optimizer does along an eigenvector.
fn coefficient(optimizer: &str, values: &[String], lr: f64) -> PyResult<PrincipalCoefficient> {
    let bad = |text: &str| Error::new_err(in_python(text.trim_end()));
    let (name, step) = embedded::step(optimizer, values).map_err(|text| bad(&text))?;
    let found = match step {
        Step::Linear(program) => PrincipalCoefficient::new(&program.method(), lr)
            .map_err(|error| bad(&error.to_string()))?,
        Step::Nonlinear(_) => None,
    };
    found.ok_or_else(|| {
        bad(&format!(
            "the step of `{name}` has no principal flow, and so no stability coefficients"
        ))
    })
}

/// An optimizer beside flows on an objective, as the texts of `trajectories.json` and `trajectories.csv`, with the points
/// if their variables have names. `progress` is called as that of a command.
#[pyfunction]
#[pyo3(signature = (objective, x, optimizer, values, flows, lr, steps, tolerances, variables, progress))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn simulate(
    py: Python<'_>,
    objective: &Objective,
    x: PyReadonlyArray1<'_, f64>,
    optimizer: &str,
    values: Vec<String>,
    flows: Option<&str>,
    lr: f64,
    steps: usize,
    tolerances: (f64, f64),
    variables: Option<Vec<String>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<(String, String)> {
    let (inner, x) = (objective.inner.clone(), objective.point(&x)?);
    let bad = |text: String| Error::new_err(in_python(text.trim_end()));
    let (optimizer, step) = embedded::step(optimizer, &values).map_err(bad)?;
    let usual = if step.is_gradient_descent() { "ngf,igr,pf" } else { "order:1" };
    let flows = Source::new("flows", flows.unwrap_or(usual));
    let flows = FlowName::parse(&flows).map_err(|error| bad(embedded::text(error)))?;
    let (rtol, atol) = tolerances;
    let request = Request { lr, steps, flows, rtol, atol, ..Request::default() };
    // What a step asks for may take long.
    let (found, interrupted) = interruptible(py, progress.as_ref(), move |control| {
        let problem = problem(Arc::new(Interruptible::by(inner, control.clone())))?;
        let watched = Watched { control, steps };
        Ok(flow::simulate_until(&problem, &optimizer, step, &x, &request, &watched))
    })?;
    if let Some(error) = interrupted {
        return Err(error);
    }
    let found: PyResult<_> = found;
    let mut found = found?.map_err(|error| error.explain(py))?;
    for flow in found.flows.iter_mut().chain([&mut found.optimizer]) {
        flow.note = flow.note.take().map(|note| in_python(&note));
    }
    let csv = simulation::csv(&found, variables.as_deref());
    Ok((simulation::json(&found, variables.is_some()), csv))
}

/// A simulation that is stopped from outside, and told of.
struct Watched {
    control: Arc<Control>,
    steps: usize,
}

impl Watch for Watched {
    fn cancelled(&self) -> bool {
        self.control.is_stopped()
    }

    fn reached(&self, name: &str, step: usize) {
        self.control.tell(name, step as u64, self.steps as u64);
    }
}

/// One loss as a problem.
fn problem(objective: Arc<dyn Evaluate>) -> PyResult<Problem> {
    let spaces = vec![(0..objective.dimension()).collect()];
    Problem::of_fields(spaces, vec![(0, objective)])
        .map_err(|error| Error::new_err(error.to_string()))
}

/// The velocity of a flow of an optimizer at a point.
#[pyfunction]
pub(crate) fn velocity<'py>(
    py: Python<'py>,
    objective: &Objective,
    x: PyReadonlyArray1<'_, f64>,
    optimizer: &str,
    values: Vec<String>,
    flow: &str,
    lr: f64,
) -> PyResult<Bound<'py, PyArray1<Complex64>>> {
    let (inner, x) = (objective.inner.clone(), objective.point(&x)?);
    let bad = |text: String| Error::new_err(in_python(text.trim_end()));
    let names = FlowName::parse(&Source::new("flow", flow));
    let names = names.map_err(|error| bad(embedded::text(error)))?;
    let [name] = names[..] else { return Err(bad(format!("one flow is wanted, not `{flow}`"))) };
    let (optimizer, step) = embedded::step(optimizer, &values).map_err(bad)?;
    let problem = problem(inner)?;
    let request = Request { lr, ..Request::default() };
    let theta: Vec<Complex64> = x.into_iter().map(Into::into).collect();
    let found =
        released(py, || flow::velocity(&problem, &optimizer, step, &theta, name, &request))?;
    let velocity = found.map_err(|stop| match &stop {
        Stop::Objective(_) => stop.explain(py),
        _ => bad(format!("`{flow}` is not defined at these parameters: {stop}")),
    })?;
    Ok(PyArray1::from_vec(py, velocity))
}

/// The drift-adjusted learning rate where `‖∇E‖` and `‖∇²E ∇E‖` are these.
#[pyfunction]
pub(crate) fn dal_rate(gradient: f64, product: f64, power: f64, cap: f64) -> f64 {
    Dal { power, cap, ..Dal::new() }.rate(&[gradient], &[product])
}

/// A step of gradient descent with a drift-adjusted learning rate: loss, gradient, learning rate, next.
#[pyfunction]
pub(crate) fn dal<'py>(
    py: Python<'py>,
    objective: &Objective,
    x: PyReadonlyArray1<'_, f64>,
    power: f64,
    cap: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let (inner, x) = (objective.inner.clone(), objective.point(&x)?);
    let dal = Dal { power, cap, ..Dal::new() };
    let step = released(py, || dal.step(&*inner, &x))?;
    check_finite("the loss", [step.loss].into_iter())?;
    check_finite("an entry of the gradient", step.gradient.iter().copied())?;
    let out = PyDict::new(py);
    out.set_item("loss", step.loss)?;
    out.set_item("gradient", PyArray1::from_vec(py, step.gradient))?;
    out.set_item("learning_rate", step.learning_rate)?;
    out.set_item("next", PyArray1::from_vec(py, step.next))?;
    Ok(out)
}
