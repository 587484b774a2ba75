//! The optimizer and its flows, side by side.

use super::edge::{Begin, Path};
use super::setup::{Flowing, Setup};
use super::velocity::is_finite;
use super::{Beginning, Buffers, FlowName, Problem, Request, Simulation, Stop, Trajectory, Watch};
use crate::flow::step::stepper::Stepper;
use crate::objective::ObjectiveError;
use bea_series::optimizer::Step;
use bea_series::series::{MethodError, State};
use bea_series::typed::TypedState;
use num_complex::Complex64;
use rayon::prelude::*;

/// Why nothing was simulated.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum SimulateError {
    /// `h` is not positive, or the method is undefined there.
    #[error("the step size must be a positive number where the optimizer is defined, not {0}")]
    StepSize(f64),
    /// No step to take.
    #[error("there must be at least one step")]
    NoSteps,
    /// A tolerance, or the size of the Euler steps, is not positive.
    #[error("{name} must be positive, not {value}")]
    NotPositive {
        /// `rtol`, `atol` or `euler`.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// The start has the wrong number of values.
    #[error("the start has {found} values, the loss {expected} variables")]
    Start {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The loss or its gradient is not finite at the start.
    #[error("the loss or its gradient is not finite at the start")]
    Undefined,
    /// The objective fails, or is not finite at the start.
    #[error(transparent)]
    Objective(#[from] ObjectiveError),
    /// Other buffers than the optimizer's.
    #[error("the optimizer has {expected} buffers of so many parameters, not the {found} given")]
    Buffers {
        /// How many there are of the right length.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Parameters of the optimizer without a value.
    #[error("the optimizer's parameters need values: {}", .0.join(", "))]
    Symbolic(Vec<String>),
    /// A step whose modified field is not found order by order.
    #[error(
        "terms of the step cancel, as in `g - g`, so that the series of `{0}` in h cannot be found order by order: leave \
         them out"
    )]
    Entangled(String),
    /// A step with matrices, on parameters of which it is not known which matrices they are.
    #[error("the optimizer's step is one of matrices, and the variables of the loss form none")]
    NoMatrices,
    /// Matrices that are not all of the parameters.
    #[error("the matrices have {found} entries, the loss {expected} variables")]
    Matrices {
        /// How many entries they have.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The optimizer and the problem do not fit.
    #[error("the optimizer has {expected}, the problem {found}")]
    Shape {
        /// Fields and players of the optimizer.
        expected: String,
        /// Those of the problem.
        found: String,
    },
    /// The optimizer has no modified field.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// Buffers that start settled, where there is no slow manifold to be found.
    #[error("the buffers cannot start settled: {0}")]
    Unsettled(Stop),
    /// A flow that this optimizer or problem does not have.
    #[error("there is no flow `{flow}` here: {reason}")]
    NoFlow {
        /// Its name.
        flow: FlowName,
        /// Why.
        reason: String,
    },
}

/// Simulates an optimizer, called `name`, and the flows of `request`, from `start`: a step program, or a
/// general linear method, whose stages and update are then computed in this order.
///
/// Buffers start as the program says. The flows run in parallel. A trajectory that cannot go on ends with a
/// note.
///
/// # Errors
/// What makes the request meaningless; nothing has been simulated then. An objective that fails amid the
/// simulation, as opposed to one that is not defined where a trajectory leads.
pub fn simulate(
    problem: &Problem,
    name: &str,
    optimizer: impl Into<Step>,
    start: &[f64],
    request: &Request,
) -> Result<Simulation, SimulateError> {
    simulate_until(problem, name, optimizer, start, request, &|| false)
}

/// The velocity of one flow at `theta`, real or complex, of an optimizer, called `name`, with the step size
/// and the branch of `request`: that of the parameters, where there are slow variables, with these as they are before the
/// first step.
///
/// # Errors
/// As [`simulate`]; or, inside, why the flow is not defined at this point.
pub fn velocity(
    problem: &Problem,
    name: &str,
    optimizer: impl Into<Step>,
    theta: &[Complex64],
    flow: FlowName,
    request: &Request,
) -> Result<Result<Vec<Complex64>, Stop>, SimulateError> {
    let start: Vec<f64> = theta.iter().map(|z| z.re).collect();
    let step = problem.shaped(optimizer.into());
    check(problem, &step, &start, request)?;
    let setup = Setup::new(problem, name, step, request)?;
    let mut field = setup.velocity(flow)?;
    let point = setup.point(flow, theta);
    let mut out = vec![Complex64::ZERO; point.len()];
    let found = field.velocity(&point, &mut out);
    out.truncate(theta.len());
    Ok(found.map(|()| out))
}

/// The states with which an optimizer at the step size `h` starts at `theta`: the parameters of each space, and the
/// buffers, as its program says, those that start settled on the slow manifold included.
///
/// # Errors
/// As [`simulate`]; and if the slow manifold is not found.
pub fn initial_states(
    problem: &Problem,
    optimizer: impl Into<Step>,
    theta: &[f64],
    h: f64,
) -> Result<Vec<Vec<f64>>, SimulateError> {
    let step = problem.shaped(optimizer.into());
    check(problem, &step, theta, &Request { lr: h, steps: 1, ..Request::default() })?;
    let theta: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    match Stepper::new(&step, h)?.begin(problem, &theta, &Buffers::Written) {
        Ok((states, _)) => Ok(states.iter().map(|s| s.iter().map(|z| z.re).collect()).collect()),
        Err(Stop::Objective(error)) => Err(error.into()),
        Err(stop) => Err(SimulateError::Unsettled(stop)),
    }
}

/// [`simulate`], watched: ended early, with what is there, as soon as `watch` cancels it. What was
/// cut short has a note that says so.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_until(
    problem: &Problem,
    name: &str,
    optimizer: impl Into<Step>,
    start: &[f64],
    request: &Request,
    watch: &dyn Watch,
) -> Result<Simulation, SimulateError> {
    let step = problem.shaped(optimizer.into());
    check(problem, &step, start, request)?;
    let before = problem.counts();
    let start: Vec<Complex64> = start.iter().map(|&x| x.into()).collect();
    let mut force = vec![Complex64::ZERO; start.len()];
    problem.total(&start, &mut force)?;
    if !is_finite(&force) || !is_finite(&[problem.loss(&start)?]) {
        return Err(SimulateError::Undefined);
    }
    let is_descent = step.is_gradient_descent();
    let setup = Setup::new(problem, name, step, request)?;
    // Beside gradient descent itself `gd` among the flows is not another trajectory.
    let flows = request.flows.iter().copied();
    let flows: Vec<FlowName> =
        flows.filter(|f| !(is_descent && *f == FlowName::GradientDescent)).collect();
    let begun = flows.par_iter().map(|flow| setup.beginning(*flow, &start));
    let begun = begun.collect::<Result<Vec<_>, _>>()?;
    // All flows that need it are followed back from where the optimizer settles.
    let settling = if begun.contains(&None) { Some(setup.settling(&start, watch)?) } else { None };
    let job = |flow: FlowName| -> Result<(FlowName, Job<'_>), SimulateError> {
        let job = match flow {
            FlowName::GradientDescent => Job::Descent,
            flow if flow.oscillates() => Job::Oscillating(setup.oscillating(flow)?),
            flow => Job::Flowing(setup.velocity(flow)?),
        };
        Ok((flow, job))
    };
    let jobs: Vec<(FlowName, Job<'_>)> = flows.into_iter().map(job).collect::<Result<_, _>>()?;
    let own = if is_descent { "gd" } else { name };
    type Begun = Option<(Vec<Complex64>, Beginning)>;
    type Followed = (Trajectory, Option<Path>);
    let flow =
        |((flow, job), begun): ((FlowName, Job<'_>), Begun)| -> Result<Followed, SimulateError> {
            match job {
                Job::Flowing(mut velocity) => {
                    let (from, beginning) = match (begun, &settling) {
                        (None, Some(settling)) => {
                            setup.settled_back(flow, setup.point(flow, &start), settling, watch)?
                        }
                        (begun, _) => begun.expect("it begins somewhere"),
                    };
                    let followed = setup.follow(flow, &mut *velocity, &from, watch)?;
                    Ok((Trajectory { beginning, ..followed }, None))
                }
                Job::Oscillating(begin) => {
                    let (followed, path) = setup.through_the_edge(flow, &begin, &start, watch)?;
                    Ok((followed, Some(path)))
                }
                Job::Descent => Ok((setup.descent(&start, watch)?, None)),
            }
        };
    let (itself, rest) = rayon::join(
        || setup.itself(own, &start, watch),
        || jobs.into_par_iter().zip(begun).map(flow).collect::<Result<Vec<_>, SimulateError>>(),
    );
    let (mut optimizer, mut flows) = (itself?, rest?);
    setup.measure(&mut optimizer, &mut flows, watch)?;
    let flows = flows.into_iter().map(|(flow, _)| flow).collect();
    let counts = problem.counts().since(&before);
    Ok(Simulation { lr: request.lr, optimizer, flows, counts })
}

/// What is made of a flow's name.
enum Job<'a> {
    /// Gradient descent beside another optimizer.
    Descent,
    Flowing(Flowing<'a>),
    Oscillating(Begin<'a>),
}

fn check(
    problem: &Problem,
    step: &Step,
    start: &[f64],
    request: &Request,
) -> Result<(), SimulateError> {
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if !positive(request.lr) {
        return Err(SimulateError::StepSize(request.lr));
    }
    if request.steps == 0 {
        return Err(SimulateError::NoSteps);
    }
    let euler = request.euler.map(|euler| ("euler", euler));
    for (name, value) in [("rtol", request.rtol), ("atol", request.atol)].into_iter().chain(euler) {
        if !positive(value) {
            return Err(SimulateError::NotPositive { name, value });
        }
    }
    if start.len() != problem.dimension() {
        let expected = problem.dimension();
        return Err(SimulateError::Start { found: start.len(), expected });
    }
    // The fields' spaces, how many spaces there are, and the lengths of the buffers.
    let (of_method, expected, lengths): (Vec<usize>, usize, Vec<usize>) = match step {
        Step::Linear(program) => {
            let method = program.method();
            let states = method.states[method.spaces.len()..].iter();
            let length = |state: &State| problem.spaces().get(state.space).map_or(0, Vec::len);
            let fields = method.fields.iter().map(|f| f.space).collect();
            (fields, method.spaces.len(), states.map(length).collect())
        }
        Step::Nonlinear(program) => {
            if program.matrices.is_empty() && program.needs_matrices().is_some() {
                return Err(SimulateError::NoMatrices);
            }
            let entries: usize = program.matrices.iter().map(|matrix| matrix.entries()).sum();
            if !program.matrices.is_empty() && entries != problem.dimension() {
                let expected = problem.dimension();
                return Err(SimulateError::Matrices { found: entries, expected });
            }
            let length =
                |state: &TypedState| state.shape.length(problem.dimension(), &program.matrices);
            (vec![0], 1, program.states.iter().skip(1).map(length).collect())
        }
    };
    if let Buffers::Given { buffers, .. } = &request.buffers {
        let expected = lengths.len();
        let found = buffers.iter().zip(lengths).filter(|(b, length)| b.len() == *length).count();
        if found != expected || buffers.len() != expected {
            return Err(SimulateError::Buffers { found, expected });
        }
    }
    let of_problem: Vec<usize> = problem.fields().iter().map(|f| f.0).collect();
    let found = problem.spaces().len();
    if of_method != of_problem || expected != found {
        let describe = |spaces: usize, fields: usize| {
            let plural = |n: usize, word| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
            format!("{} and {}", plural(spaces, "parameter vector"), plural(fields, "vector field"))
        };
        return Err(SimulateError::Shape {
            expected: describe(expected, of_method.len()),
            found: describe(found, of_problem.len()),
        });
    }
    Ok(())
}
