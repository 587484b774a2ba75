//! The optimizer and its flows, side by side.

use super::contracted::Contracted;
use super::cubic::CubicFlow;
use super::gradient_flows::GradientFlow;
use super::integrate::{Integrator, Samples, integrate};
use super::interpolated::Interpolated;
use super::krylov::KrylovFlow;
use super::krylov_cubic::KrylovCubic;
use super::method::Method;
use super::principal::PrincipalFlow;
use super::principal_of::PrincipalFlowOf;
use super::principal_root::PrincipalRoot;
use super::sheets::{Principal, Sheets};
use super::trajectory::DIRECTIONS;
use super::truncated::Truncated;
use super::velocity::is_finite;
use super::{Branch, FlowName, Problem, Request, Simulation, Stop, Trajectory, Velocity, Watch};
use crate::curvature::Krylov;
use crate::field::{Field, joint};
use crate::series::{GeneralLinearMethod, MethodError};
use num_complex::Complex64;
use rayon::prelude::*;

/// A velocity field of a simulation.
type Flowing<'a> = Box<dyn Velocity + Send + 'a>;

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
    /// Parameters of the optimizer without a value.
    #[error("the optimizer's parameters need values: {}", .0.join(", "))]
    Symbolic(Vec<String>),
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
    /// A flow that this optimizer or problem does not have.
    #[error("there is no flow `{flow}` here: {reason}")]
    NoFlow {
        /// Its name.
        flow: FlowName,
        /// Why.
        reason: String,
    },
}

/// Simulates the optimizer `method`, called `name`, and the flows of `request`, from `start`.
///
/// Buffers start at zero. The flows run in parallel. A trajectory that cannot go on ends with a
/// note.
///
/// # Errors
/// What makes the request meaningless; nothing has been simulated then.
pub fn simulate(
    problem: &Problem,
    name: &str,
    method: &GeneralLinearMethod,
    start: &[f64],
    request: &Request,
) -> Result<Simulation, SimulateError> {
    simulate_until(problem, name, method, start, request, &|| false)
}

/// The velocity of one flow at `theta`, real or complex, of the optimizer `method`, called `name`, with the step size
/// and the branch of `request`.
///
/// # Errors
/// As [`simulate`]; or, inside, why the flow is not defined at this point.
pub fn velocity(
    problem: &Problem,
    name: &str,
    method: &GeneralLinearMethod,
    theta: &[Complex64],
    flow: FlowName,
    request: &Request,
) -> Result<Result<Vec<Complex64>, Stop>, SimulateError> {
    let start: Vec<f64> = theta.iter().map(|z| z.re).collect();
    check(problem, method, &start, request)?;
    let numeric = Method::new(method, request.lr)?;
    let scene = Scene { problem, name, method, numeric, request };
    let mut field = scene.velocity(flow)?;
    let mut out = vec![Complex64::ZERO; theta.len()];
    Ok(field.velocity(theta, &mut out).map(|()| out))
}

/// [`simulate`], watched: ended early, with what is there, as soon as `watch` cancels it. What was
/// cut short has a note that says so.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_until(
    problem: &Problem,
    name: &str,
    method: &GeneralLinearMethod,
    start: &[f64],
    request: &Request,
    watch: &dyn Watch,
) -> Result<Simulation, SimulateError> {
    check(problem, method, start, request)?;
    let start: Vec<Complex64> = start.iter().map(|&x| x.into()).collect();
    let mut force = vec![Complex64::ZERO; start.len()];
    problem.total(&start, &mut force);
    if !is_finite(&force) || !is_finite(&[problem.loss(&start)]) {
        return Err(SimulateError::Undefined);
    }
    let is_descent = *method == GeneralLinearMethod::euler();
    let numeric = Method::new(method, request.lr)?;
    let scene = Scene { problem, name, method, numeric, request };
    // The optimizer itself comes first; `gd` among the flows is then not another trajectory.
    let flows = request.flows.iter().copied();
    let flows: Vec<FlowName> =
        flows.filter(|f| !(is_descent && *f == FlowName::GradientDescent)).collect();
    let velocities = flows
        .iter()
        .filter(|f| **f != FlowName::GradientDescent)
        .map(|&flow| scene.velocity(flow))
        .collect::<Result<Vec<_>, _>>()?;
    let mut velocities = velocities.into_iter();
    let jobs: Vec<(FlowName, Option<Flowing<'_>>)> = flows
        .into_iter()
        .map(|f| (f, if f == FlowName::GradientDescent { None } else { velocities.next() }))
        .collect();
    let own = if is_descent { "gd" } else { name };
    let flow = |(flow, velocity): (FlowName, Option<Flowing<'_>>)| match velocity {
        Some(mut velocity) => scene.follow(flow, &mut *velocity, &start, watch),
        None => scene.descent(&start, watch),
    };
    let (itself, rest) = rayon::join(
        || scene.itself(own, &start, watch),
        || jobs.into_par_iter().map(flow).collect::<Vec<Trajectory>>(),
    );
    let flows = std::iter::once(itself).chain(rest).collect();
    Ok(Simulation { lr: request.lr, flows })
}

fn check(
    problem: &Problem,
    method: &GeneralLinearMethod,
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
    let of_method: Vec<usize> = method.fields.iter().map(|f| f.space).collect();
    let of_problem: Vec<usize> = problem.fields().iter().map(|f| f.0).collect();
    let (expected, found) = (method.spaces.len(), problem.spaces().len());
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

/// Everything that the flows of one simulation share.
struct Scene<'a> {
    problem: &'a Problem,
    name: &'a str,
    method: &'a GeneralLinearMethod,
    numeric: Method,
    request: &'a Request,
}

impl Scene<'_> {
    /// The velocity field of that name.
    fn velocity(&self, flow: FlowName) -> Result<Flowing<'_>, SimulateError> {
        let (problem, h) = (self.problem, self.request.lr);
        let no_flow = |reason: String| Err(SimulateError::NoFlow { flow, reason });
        if let Some(velocity) = GradientFlow::new(problem, flow, h) {
            return match flow {
                FlowName::Flip(_) if !problem.is_gradient() => {
                    no_flow("it needs the symmetric Hessian of a single player's loss".into())
                }
                FlowName::Flip(k) if k > problem.dimension() => {
                    no_flow(format!("the Hessian has {} eigendirections", problem.dimension()))
                }
                _ => Ok(Box::new(velocity)),
            };
        }
        let strict = self.request.euler.is_none();
        if problem.is_matrix_free()
            && let Some(velocity) = self.matrix_free(flow, strict)?
        {
            return Ok(velocity);
        }
        match flow {
            FlowName::Interpolated(order) => {
                Ok(Box::new(Interpolated { problem, method: &self.numeric, order }))
            }
            FlowName::Principal if self.is_joint_descent() => {
                Ok(Box::new(PrincipalFlow::new(problem, h, self.request.branch, strict)))
            }
            FlowName::Cubic if self.is_joint_descent() => {
                let directions = self.request.directions.unwrap_or(problem.dimension());
                Ok(Box::new(CubicFlow::new(problem, h, directions, self.request.branch, strict)))
            }
            FlowName::PrincipalEven if self.is_joint_descent() => {
                Ok(Box::new(PrincipalFlow::even(problem, h)))
            }
            FlowName::Order(n) => self.truncated(flow, n, None),
            FlowName::PrincipalWith(n) => {
                let principal = self.velocity(FlowName::Principal)?;
                self.truncated(flow, n, Some(principal))
            }
            FlowName::Principal | FlowName::PrincipalEven => {
                let root = self.root(flow)?;
                let even = flow == FlowName::PrincipalEven;
                let branch = if even { Branch::Principal } else { self.request.branch };
                let last = Vec::new();
                Ok(Box::new(PrincipalFlowOf { problem, root, branch, even, strict, last }))
            }
            FlowName::Cubic => no_flow(format!(
                "its generating function is that of gradient descent, not of `{}`",
                self.name
            )),
            FlowName::GradientDescent => unreachable!("gradient descent is no velocity field"),
            _ => unreachable!("the gradient flows come first"),
        }
    }
}

impl<'a> Scene<'a> {
    /// Whether a step is `θ' = θ + h f(θ)` for the sum `f` of all fields: gradient descent, or the
    /// simultaneous descent of players.
    fn is_joint_descent(&self) -> bool {
        let euler = GeneralLinearMethod::euler();
        joint(self.method).is_some_and(|m| (m.stages, m.update) == (euler.stages, euler.update))
    }

    /// The terms up to `h^order`; the non-principal ones alone beside another flow.
    fn truncated(
        &'a self,
        flow: FlowName,
        order: usize,
        besides: Option<Flowing<'a>>,
    ) -> Result<Flowing<'a>, SimulateError> {
        let field = Field::derive(self.name, self.method, order)?;
        let all = besides.is_none();
        let wanted = |tree| all || !field.is_principal(tree);
        let (problem, h) = (self.problem, self.request.lr);
        if let Some(formulas) = &problem.formulas {
            let terms = formulas.modified_field(&field, wanted);
            return Ok(Box::new(Truncated { problem, terms, h, besides }));
        }
        let terms = Contracted::new(problem, &field, h, wanted, besides)?;
        let known = problem.fields().iter().map(|(_, e)| e.max_directions()).min().unwrap_or(0);
        match terms.directions() {
            needed if needed > known => {
                let (needed, known) = (needed + 1, known + 1);
                let reason =
                    format!("it needs {needed} derivatives of the loss, which has {known}");
                Err(SimulateError::NoFlow { flow, reason })
            }
            _ => Ok(Box::new(terms)),
        }
    }

    /// The principal root of a method that has one.
    fn root(&self, flow: FlowName) -> Result<PrincipalRoot, SimulateError> {
        let root = joint(self.method).map(|joint| PrincipalRoot::new(&joint, self.request.lr));
        root.transpose()?.flatten().ok_or_else(|| {
            let reason = "several vector fields and does not treat them alike, so its \
                          principal part is no function of one Jacobian";
            SimulateError::NoFlow { flow, reason: format!("`{}` has {reason}", self.name) }
        })
    }

    /// The flows that are functions of the Jacobian, from products with it.
    fn matrix_free(
        &'a self,
        flow: FlowName,
        strict: bool,
    ) -> Result<Option<Flowing<'a>>, SimulateError> {
        let (problem, h, request) = (self.problem, self.request.lr, self.request);
        // Its error is not to be seen in those of the integrator's steps, but it cannot be smaller than that of the
        // products.
        let tolerance =
            (0.1 * request.rtol).clamp(f64::max(1e-13, 10.0 * problem.precision()), 1e-4);
        let krylov = Krylov { tolerance, ..Krylov::default() };
        let sheets = |principal, even| Sheets::new(principal, request.branch, even, strict);
        let even = flow == FlowName::PrincipalEven;
        Ok(match flow {
            FlowName::Cubic if self.is_joint_descent() => {
                let directions = request.directions.unwrap_or(DIRECTIONS);
                let sheets = sheets(Principal::Descent, false);
                Some(Box::new(KrylovCubic::new(problem, h, sheets, krylov, directions)))
            }
            FlowName::Principal | FlowName::PrincipalEven if self.is_joint_descent() => {
                let sheets = sheets(Principal::Descent, even);
                Some(Box::new(KrylovFlow::new(problem, h, sheets, krylov)))
            }
            FlowName::Principal | FlowName::PrincipalEven => {
                let root = self.root(flow)?;
                let argument = root.argument;
                let sheets = sheets(Principal::Root(root), even);
                Some(Box::new(KrylovFlow::new(problem, argument, sheets, krylov)))
            }
            _ => None,
        })
    }
}

/// The trajectories, one at a time.
impl Scene<'_> {
    /// The optimizer.
    fn itself(&self, name: &str, start: &[Complex64], watch: &dyn Watch) -> Trajectory {
        let mut states = self.numeric.start(self.problem, start);
        self.iterate(name, start, watch, |_| {
            states = self.numeric.step(self.problem, &states)?;
            Ok(self.numeric.parameters(self.problem, &states))
        })
    }

    /// Gradient descent, beside another optimizer.
    fn descent(&self, start: &[Complex64], watch: &dyn Watch) -> Trajectory {
        let mut f = vec![Complex64::ZERO; start.len()];
        self.iterate(&FlowName::GradientDescent.to_string(), start, watch, |last| {
            self.problem.total(last, &mut f);
            let next: Vec<Complex64> =
                last.iter().zip(&f).map(|(x, f)| x + self.request.lr * f).collect();
            is_finite(&next).then_some(next).ok_or(Stop::NotFinite)
        })
    }

    /// The points of a method that makes each from the last one.
    fn iterate(
        &self,
        name: &str,
        start: &[Complex64],
        watch: &dyn Watch,
        mut next: impl FnMut(&[Complex64]) -> Result<Vec<Complex64>, Stop>,
    ) -> Trajectory {
        let mut points = vec![start.to_vec()];
        let mut note = None;
        for n in 0..self.request.steps {
            watch.reached(name, n);
            let point = if watch.cancelled() { Err(Stop::Cancelled) } else { next(&points[n]) };
            match point {
                Ok(point) => points.push(point),
                Err(stop) => {
                    let reason = match stop {
                        Stop::NotFinite => "the parameters are no longer finite".to_string(),
                        stop => stop.to_string(),
                    };
                    note = Some(format!("step {}: {reason}", n + 1));
                    break;
                }
            }
        }
        watch.reached(name, points.len() - 1);
        self.trajectory(name.to_string(), points, note)
    }

    /// Integrates one flow.
    fn follow(
        &self,
        flow: FlowName,
        velocity: &mut dyn Velocity,
        start: &[Complex64],
        watch: &dyn Watch,
    ) -> Trajectory {
        let request = self.request;
        let integrator = match request.euler {
            Some(step) => Integrator::Euler(step),
            None => Integrator::Adaptive { rtol: request.rtol, atol: request.atol },
        };
        let samples = request.samples_per_step.max(1);
        let (interval, count) = (request.lr / samples as f64, request.steps * samples);
        let name = flow.to_string();
        let mut told = None;
        let mut go_on = |points: usize| {
            if told.replace(points / samples) != Some(points / samples) {
                watch.reached(&name, points / samples);
            }
            !watch.cancelled()
        };
        let Samples { points, stop } =
            integrate(velocity, start, interval, count, integrator, samples, &mut go_on);
        watch.reached(&name, points.len() / samples);
        let note = stop.map(|(stop, t)| format!("t = {t:.6}, step {:.3}: {stop}", t / request.lr));
        let all = std::iter::once(start.to_vec()).chain(points);
        let all: Vec<(f64, Vec<Complex64>)> =
            all.enumerate().map(|(i, p)| (i as f64 * interval, p)).collect();
        let at_steps = all.iter().step_by(samples).map(|(_, p)| p.clone()).collect();
        let mut out = self.trajectory(name, at_steps, note);
        if request.samples_per_step > 0 {
            out.path = all;
        }
        out
    }

    fn trajectory(
        &self,
        name: String,
        theta: Vec<Vec<Complex64>>,
        note: Option<String>,
    ) -> Trajectory {
        let loss = theta.iter().map(|p| self.problem.loss(p)).collect();
        let t = (0..theta.len()).map(|n| n as f64 * self.request.lr).collect();
        Trajectory { name, t, theta, loss, note, path: Vec::new() }
    }
}
