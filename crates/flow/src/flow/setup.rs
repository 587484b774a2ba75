//! The velocity field of every flow, by its name.

use super::edge::Begin;
use super::edge::central::Central;
use super::edge::divided::recognised;
use super::edge::metric::Metric;
use super::edge::rod::Rod;
use super::gradient_flows::GradientFlow;
use super::trajectory::DIRECTIONS;
use super::velocity::Velocity;
use super::{FlowName, Problem, Request, SimulateError, Stop};
use crate::curvature::Krylov;
use crate::flow::branch::continuation::{Continuation, Coverage};
use crate::flow::branch::principal_root::{AlgebraicRoot, PrincipalRoot};
use crate::flow::dense::cubic::CubicFlow;
use crate::flow::dense::principal::PrincipalFlow;
use crate::flow::matrix_free::cubic::KrylovCubic;
use crate::flow::matrix_free::krylov::KrylovFlow;
use crate::flow::step::stepper::Stepper;
use crate::flow::truncated::by_jets::ByJets;
use crate::flow::truncated::by_step::ByStep;
use crate::flow::truncated::contracted::Contracted;
use crate::flow::truncated::formula::Truncated;
use crate::flow::truncated::interpolated::Interpolated;
use crate::flow::truncated::kinked::Kinked;
use crate::objective::{Capability, ObjectiveError};
use bea_series::field::{Field, joint};
use bea_series::optimizer::Step;
use bea_series::series::GeneralLinearMethod;
use bea_series::typed::Program;
use num_complex::Complex64;

/// A velocity field of a simulation.
pub(super) type Flowing<'a> = Box<dyn Velocity + Send + 'a>;

/// Everything that the flows of one simulation share.
pub(super) struct Setup<'a> {
    pub(super) problem: &'a Problem,
    pub(super) name: &'a str,
    pub(super) step: Step,
    /// What its step program amounts to, of a linear step.
    method: Option<GeneralLinearMethod>,
    pub(super) numeric: Stepper,
    pub(super) request: &'a Request,
}

impl<'a> Setup<'a> {
    /// Of an optimizer at the request's step size.
    ///
    /// # Errors
    /// Parameters without a value; linear methods that have no slow manifold.
    pub(super) fn new(
        problem: &'a Problem,
        name: &'a str,
        step: Step,
        request: &'a Request,
    ) -> Result<Setup<'a>, SimulateError> {
        let numeric = Stepper::new(&step, request.lr)?;
        let method = match &step {
            Step::Linear(program) => Some(program.method()),
            Step::Nonlinear(_) => None,
        };
        Ok(Setup { problem, name, step, method, numeric, request })
    }

    /// The method of a linear step, which alone has flows that are made of it.
    fn method(&self) -> &GeneralLinearMethod {
        self.method.as_ref().expect("the flows of nonlinear steps are others")
    }
}

impl Setup<'_> {
    /// Where a flow begins at the parameters `θ`: the optimizer's own have the slow variables beside them, as they are
    /// before the first step.
    pub(super) fn point(&self, flow: FlowName, theta: &[Complex64]) -> Vec<Complex64> {
        match flow.own_terms() {
            Some(_) => self.numeric.point(theta, &self.request.buffers),
            None => theta.to_vec(),
        }
    }

    /// The velocity field of that name.
    pub(super) fn velocity(&self, flow: FlowName) -> Result<Flowing<'_>, SimulateError> {
        let (problem, h) = (self.problem, self.request.lr);
        let no_flow = |reason: String| Err(SimulateError::NoFlow { flow, reason });
        let needed = match flow {
            FlowName::Cubic | FlowName::Central => 2,
            FlowName::ImplicitRegularization
            | FlowName::Rod
            | FlowName::Flip(_)
            | FlowName::Principal
            | FlowName::PrincipalWith(_)
            | FlowName::PrincipalEven => 1,
            _ => 0,
        };
        if problem.max_directions() < needed {
            return no_flow(missing(needed));
        }
        if flow == FlowName::Cubic
            && self.request.directions.is_some_and(|k| k > problem.dimension())
        {
            return no_flow(format!("the Hessian has {} eigendirections", problem.dimension()));
        }
        if flow.oscillates() {
            let reason =
                "its velocity depends on an oscillation beside the point, so it is followed only";
            return no_flow(reason.into());
        }
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
        if let Step::Nonlinear(program) = &self.step {
            return self.of_nonlinear(flow, program);
        }
        if problem.is_matrix_free()
            && let Some(velocity) = self.matrix_free(flow)?
        {
            return Ok(velocity);
        }
        match flow {
            FlowName::Interpolated(order) => {
                Ok(Box::new(Interpolated { problem, optimizer: &self.numeric, order }))
            }
            FlowName::Cubic if self.is_joint_descent() => {
                let directions = self.request.directions.unwrap_or(problem.dimension());
                let continuation = self.continuation(flow, Coverage::All)?;
                Ok(Box::new(CubicFlow::new(problem, h, directions, continuation)))
            }
            FlowName::Order(n) => self.truncated(flow, n, None),
            FlowName::PrincipalWith(n) => {
                let principal = self.velocity(FlowName::Principal)?;
                self.truncated(flow, n, Some(principal))
            }
            FlowName::Principal | FlowName::PrincipalEven => {
                let continuation = self.continuation(flow, Coverage::All)?;
                Ok(Box::new(PrincipalFlow::new(problem, h, continuation)))
            }
            FlowName::Cubic => no_flow(format!(
                "its generating function is that of gradient descent, not of `{}`",
                self.name
            )),
            FlowName::GradientDescent => no_flow("it is the optimizer itself".into()),
            _ => unreachable!("the gradient flows come first"),
        }
    }
}

impl<'a> Setup<'a> {
    /// How a flow with an oscillation begins.
    pub(super) fn oscillating(&self, flow: FlowName) -> Result<Begin<'_>, SimulateError> {
        let (problem, h, most) = (self.problem, self.request.lr, self.request.directions);
        let no_flow = |reason: String| Err(SimulateError::NoFlow { flow, reason });
        let needed = if flow == FlowName::Central { 2 } else { 1 };
        if problem.max_directions() < needed {
            return no_flow(missing(needed));
        }
        if !problem.is_gradient() {
            return no_flow("it needs the symmetric Hessian of a single player's loss".into());
        }
        let failed = |stop: Stop| match stop {
            Stop::Objective(error) => SimulateError::Objective(error),
            _ => SimulateError::Undefined,
        };
        if flow == FlowName::Central {
            let metric = match self.metric() {
                Ok(metric) => metric,
                Err(reason) => return no_flow(reason),
            };
            return Ok(Box::new(move |theta| {
                let metric = self.started(metric.clone(), theta).map_err(failed)?;
                let central = Central::new(problem, metric, theta, most).map_err(failed)?;
                Ok(Box::new(central))
            }));
        }
        let is_descent = self.method.is_some() && self.is_joint_descent();
        if !is_descent {
            return no_flow(format!("it is of gradient descent, not of `{}`", self.name));
        }
        Ok(Box::new(move |theta| Ok(Box::new(Rod::new(problem, h, theta, most).map_err(failed)?))))
    }

    /// The same with the squares that the optimizer has averaged where it starts.
    ///
    /// # Errors
    /// If the slow manifold is not found where buffers start on it.
    pub(super) fn started(&self, metric: Metric, theta: &[f64]) -> Result<Metric, Stop> {
        let Some(second) = metric.second else { return Ok(metric) };
        let theta: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        let (states, number) = self.numeric.begin(self.problem, &theta, &self.request.buffers)?;
        Ok(Metric { second: Some(second.of_states(&states, number)), ..metric })
    }

    /// What the optimizer's steps are on the average, and where they begin to oscillate.
    ///
    /// # Errors
    /// Says why that is not known.
    pub(super) fn metric(&self) -> Result<Metric, String> {
        let only = |what: &str| {
            Err(format!("it is of an optimizer that {what}, and `{}` is none", self.name))
        };
        match (&self.numeric, &self.method) {
            (Stepper::Linear(_), Some(method)) if joint(method).is_none() => {
                only("treats its vector fields alike")
            }
            (Stepper::Linear(method), _) => Metric::of_linear(method).or_else(only),
            (Stepper::Nonlinear(step), _) => {
                recognised(step.program(), step.real()).ok_or_else(|| {
                    let what = "adds multiples of gradients, or divides by √v + ε as RMSProp and Adam do, v an average of squares \
                                v' = β₂v + (1-β₂)g² with 0 < β₂ < 1";
                    format!("it is of an optimizer that {what}; `{}` with its values is none", self.name)
                })
            }
        }
    }
}

impl Setup<'_> {
    /// The flows of a nonlinear step: its modified field by jets, or from its own steps.
    fn of_nonlinear<'s>(
        &'s self,
        flow: FlowName,
        program: &'s Program,
    ) -> Result<Flowing<'s>, SimulateError> {
        let (problem, name) = (self.problem, self.name);
        let no_flow = |reason: String| Err(SimulateError::NoFlow { flow, reason });
        let (FlowName::Order(order) | FlowName::Interpolated(order)) = flow else {
            return no_flow(format!(
                "the step of `{name}` is not linear in its gradients, so its modified field has no principal part"
            ));
        };
        let has_buffers = program.states.iter().skip(1).any(|state| !state.slow);
        let has_jets = problem.has_jets()
            || matches!(flow, FlowName::Order(..=1)) && problem.max_directions() >= order;
        if !has_jets && (matches!(flow, FlowName::Order(1..)) || has_buffers) {
            return no_flow(missing(if order <= 1 { order } else { order + 1 }));
        }
        let h = self.request.lr;
        let velocity: Flowing<'s> = match flow {
            FlowName::Order(_) => Box::new(ByStep::new(problem, program, order, h)?),
            _ => Box::new(Interpolated { problem, optimizer: &self.numeric, order }),
        };
        Ok(Kinked::of(velocity, program, h))
    }
}

/// Whether `order:n` is evaluated by jets rather than tree by tree: on objectives that have jets, from order 2 on. Up to
/// order 1 there are two trees, which cost as much; the trees of a formula are one compiled program.
fn by_jets(problem: &Problem, order: usize) -> bool {
    problem.formulas.is_none() && problem.has_jets() && order >= 2
}

/// That the objective lacks contractions along so many directions.
fn missing(directions: usize) -> String {
    ObjectiveError::Missing(Capability::of_directions(directions)).to_string()
}

impl<'a> Setup<'a> {
    /// Whether a step is `θ' = θ + h f(θ)` for the sum `f` of all fields: gradient descent, or the
    /// simultaneous descent of players.
    fn is_joint_descent(&self) -> bool {
        let euler = GeneralLinearMethod::euler();
        joint(self.method()).is_some_and(|m| (m.stages, m.update) == (euler.stages, euler.update))
    }

    /// The terms up to `h^order`; the non-principal ones alone if they are added to a base flow.
    fn truncated(
        &'a self,
        flow: FlowName,
        order: usize,
        base: Option<Flowing<'a>>,
    ) -> Result<Flowing<'a>, SimulateError> {
        let (problem, h) = (self.problem, self.request.lr);
        if base.is_none() && by_jets(problem, order) {
            // The method's own errors are those of a derivation.
            Field::derive(self.name, self.method(), 0)?;
            return Ok(Box::new(ByJets::new(problem, self.method(), order, h)?));
        }
        let field = Field::derive(self.name, self.method(), order)?;
        let all = base.is_none();
        let wanted = |tree| all || !field.is_principal(tree);
        if let Some(formulas) = &problem.formulas {
            let terms = formulas.modified_field(&field, wanted);
            return Ok(Box::new(Truncated { problem, terms, h, base }));
        }
        let terms = Contracted::new(problem, &field, h, wanted, base)?;
        let known = problem.max_directions();
        match terms.directions() {
            needed if needed > known => {
                let help = Capability::of_directions(needed).help();
                let (needed, known) = (needed + 1, known + 1);
                let reason =
                    format!("it needs {needed} derivatives of the loss, which has {known}: {help}");
                Err(SimulateError::NoFlow { flow, reason })
            }
            _ => Ok(Box::new(terms)),
        }
    }

    /// The branches of the optimizer's principal root, of which the flow is a function.
    fn continuation(
        &self,
        flow: FlowName,
        coverage: Coverage,
    ) -> Result<Continuation, SimulateError> {
        let even = flow == FlowName::PrincipalEven;
        let strict = self.request.euler.is_none();
        Ok(Continuation::new(self.root(flow)?, self.request.branch, even, strict, coverage))
    }

    /// The principal root of a method that has one.
    pub(super) fn root(&self, flow: FlowName) -> Result<PrincipalRoot, SimulateError> {
        if self.is_joint_descent() {
            return Ok(PrincipalRoot::Descent);
        }
        let root = joint(self.method()).map(|joint| AlgebraicRoot::new(&joint, self.request.lr));
        root.transpose()?.flatten().map(PrincipalRoot::Algebraic).ok_or_else(|| {
            let reason = "several vector fields and does not treat them alike, so its \
                          principal part is no function of one Jacobian";
            SimulateError::NoFlow { flow, reason: format!("`{}` has {reason}", self.name) }
        })
    }

    /// The flows that are functions of the Jacobian, from products with it.
    fn matrix_free(&'a self, flow: FlowName) -> Result<Option<Flowing<'a>>, SimulateError> {
        let (problem, h, request) = (self.problem, self.request.lr, self.request);
        // Too small to disturb the integrator's estimates of its errors, but not smaller than the rounding
        // errors of the products.
        let rounding = f64::max(1e-13, 10.0 * problem.precision());
        let tolerance = (0.1 * request.rtol).min(1e-4).max(rounding);
        let krylov = Krylov { tolerance, ..Krylov::default() };
        Ok(match flow {
            FlowName::Cubic if self.is_joint_descent() => {
                let directions = request.directions.unwrap_or(DIRECTIONS);
                let continuation = self.continuation(flow, Coverage::Ritz)?;
                Some(Box::new(KrylovCubic::new(problem, h, continuation, krylov, directions)))
            }
            FlowName::Principal | FlowName::PrincipalEven => {
                let continuation = self.continuation(flow, Coverage::Ritz)?;
                let krylov = match continuation.root {
                    PrincipalRoot::Descent => krylov,
                    // If these do not suffice, the root has branch points within the spectrum, and more products
                    // would not help.
                    PrincipalRoot::Algebraic(_) => Krylov { steps: 150, ..krylov },
                };
                Some(Box::new(KrylovFlow::new(problem, h, continuation, krylov)))
            }
            _ => None,
        })
    }
}
