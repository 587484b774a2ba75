//! Optimizers of the language whose steps are not linear, as one trains with them.

use super::iteration::Untrainable;
use super::rule::{Schedule, gradient};
use super::state::{State, Step};
use bea_flow::flow::{
    Frozen, JetError, JetSource, NonlinearStep, NotPreconditioned, Problem, SimulateError,
    initial_states,
};
use bea_flow::objective::{Jet, Objective, ObjectiveError};
use bea_series::exact::Rational;
use bea_series::typed::{Matrix, Node, Program};
use num_rational::BigRational;
use std::borrow::Cow;

/// A nonlinear step and its learning rates.
#[derive(Clone, PartialEq, Debug)]
pub struct NonlinearIteration {
    program: Program,
    lr: Schedule,
    /// The program at the learning rates of the schedule, one after the other.
    steps: Vec<NonlinearStep<f64>>,
}

impl NonlinearIteration {
    /// Training with `program` at the learning rates `lr`.
    ///
    /// # Errors
    /// A program that one cannot train with.
    pub fn new(program: Program, lr: Schedule) -> Result<NonlinearIteration, Untrainable> {
        if first_evaluation(&program).is_none() {
            return Err(Untrainable::NoGradient);
        }
        let step = |h: f64| -> Result<NonlinearStep<f64>, SimulateError> {
            let exact = BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
            NonlinearStep::new(&program, &Rational::from(exact))
        };
        let rates = std::iter::once(lr.first).chain(lr.changes.iter().map(|(_, lr)| *lr));
        let steps = rates.map(step).collect::<Result<_, _>>()?;
        Ok(NonlinearIteration { program, lr, steps })
    }

    /// The step program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The learning rates.
    pub fn schedule(&self) -> &Schedule {
        &self.lr
    }

    /// Whether the gradient that a step sees first is that of the parameters themselves.
    pub fn starts_at_theta(&self) -> bool {
        first_evaluation(&self.program)
            .is_some_and(|point| self.program.nodes[point] == Node::State(0))
    }

    /// Before the first step from `theta`. Buffers that start settled are on the slow manifold of `loss` at the first
    /// learning rate.
    ///
    /// # Errors
    /// If the slow manifold is not found.
    pub fn start(
        &self,
        loss: impl Objective + 'static,
        theta: Vec<f64>,
    ) -> Result<State, SimulateError> {
        if !self.settles(&self.steps[0]) {
            return Ok(State::new(theta));
        }
        let states = initial_states(&Problem::new(loss), &self.program, &theta, self.lr.first)?;
        let mut state = State::new(theta);
        state.put(states, &self.buffers());
        Ok(state)
    }

    /// One step on `loss`. Buffers that `state` does not have start as the program says.
    pub(super) fn step(
        &self,
        loss: &dyn Objective,
        state: &mut State,
    ) -> Result<Step, ObjectiveError> {
        self.step_with(loss, state, &mut Exact)
    }

    /// The same with the Hessian's products of `products`.
    pub(super) fn step_with(
        &self,
        loss: &dyn Objective,
        state: &mut State,
        products: &mut dyn Products,
    ) -> Result<Step, ObjectiveError> {
        let step = &*self.numbered(state.step, loss)?;
        let mut states = if state.has(&self.buffers()) {
            state.check(step.lengths(state.theta.len()).into_iter().skip(1))?;
            state.take()
        } else if !state.buffers.is_empty() {
            // As of a checkpoint of something else.
            let names: Vec<&str> = state.buffers.iter().map(|(name, _)| name.as_str()).collect();
            return Err(ObjectiveError::other(format!(
                "the state has the buffers {}, and the optimizer {}",
                names.join(", "),
                self.buffers().join(", ")
            )));
        } else if self.settles(step) {
            return Err(ObjectiveError::other(
                "the buffers start settled, which needs the state that `NonlinearIteration::start` gives",
            ));
        } else {
            step.start(&state.theta)
        };
        let mut source = Seen { loss, first: None, products };
        let fields = step.execute(&mut states, Some(state.step as u64 + 1), &mut source);
        state.put(states, &self.buffers());
        let mut gradient = fields.map_err(failed)?.swap_remove(0);
        negate(&mut gradient);
        let loss = source.first.expect("a step evaluates a gradient");
        let learning_rate = self.lr.at(state.step);
        Ok(Step { loss, gradient, learning_rate, product: None })
    }

    /// The next step from `state` on `loss`, with all that multiplies its gradients held: see
    /// [`NonlinearStep::frozen`].
    ///
    /// # Errors
    /// Those of the objective.
    pub fn frozen(
        &self,
        loss: &dyn Objective,
        state: &State,
    ) -> Result<Result<Frozen, NotPreconditioned>, ObjectiveError> {
        let step = self.numbered(state.step, loss)?;
        let states = if state.has(&self.buffers()) {
            state.clone().take()
        } else {
            step.start(&state.theta)
        };
        let source = &mut Seen { loss, first: None, products: &mut Exact };
        step.frozen(&states, state.step as u64 + 1, source).map_err(failed)
    }

    /// The program at the learning rate of step number `step`, from 0, on the matrices that the parameters of `loss` are.
    fn numbered(
        &self,
        step: usize,
        loss: &dyn Objective,
    ) -> Result<Cow<'_, NonlinearStep<f64>>, ObjectiveError> {
        let step = &self.steps[self.lr.number(step)];
        if !step.lacks_matrices() {
            return Ok(Cow::Borrowed(step));
        }
        Ok(Cow::Owned(step.clone().on(matrices(loss)?)))
    }

    /// Whether buffers start on the slow manifold.
    fn settles(&self, step: &NonlinearStep<f64>) -> bool {
        (0..self.program.states.len()).any(|i| step.settles(i))
    }

    /// The names of the buffers.
    fn buffers(&self) -> Vec<&str> {
        self.program.states[1..].iter().map(|state| state.name.as_str()).collect()
    }
}

/// The matrices that all parameters are.
pub(super) fn matrices(loss: &dyn Objective) -> Result<Vec<Matrix>, ObjectiveError> {
    let matrices = loss.matrices();
    let entries: usize = matrices.iter().map(|matrix| matrix.entries()).sum();
    if matrices.is_empty() || entries != loss.dimension() {
        return Err(ObjectiveError::other(SimulateError::NoMatrices));
    }
    Ok(matrices)
}

/// An error as one of the objective: of matrices beside it.
fn failed(error: JetError<ObjectiveError>) -> ObjectiveError {
    match error {
        JetError::Field(error) => error,
        other => ObjectiveError::other(other),
    }
}

/// The point where the gradient of the loss is evaluated first.
fn first_evaluation(program: &Program) -> Option<usize> {
    program.nodes.iter().find_map(|node| match node {
        Node::Field { point } => Some(*point),
        _ => None,
    })
}

/// How a step computes products with the Hessian of a loss.
pub(super) trait Products {
    /// `∇f(θ) v = -∇²E(θ) v`
    fn along(
        &mut self,
        loss: &dyn Objective,
        theta: &[f64],
        v: &[f64],
    ) -> Result<Vec<f64>, ObjectiveError>;
}

/// By the loss itself.
struct Exact;

impl Products for Exact {
    fn along(
        &mut self,
        loss: &dyn Objective,
        theta: &[f64],
        v: &[f64],
    ) -> Result<Vec<f64>, ObjectiveError> {
        let mut product = loss.hessian_vectors(theta, &[v])?.remove(0);
        negate(&mut product);
        Ok(product)
    }
}

/// A loss, and its value where its gradient was first asked for.
struct Seen<'a> {
    loss: &'a dyn Objective,
    first: Option<f64>,
    products: &'a mut dyn Products,
}

/// `-x`
fn negate(x: &mut [f64]) {
    x.iter_mut().for_each(|x| *x = -*x);
}

impl JetSource<f64> for Seen<'_> {
    type Error = ObjectiveError;

    fn field(&mut self, x: &Jet<f64>) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        let (value, mut slope) = gradient(self.loss, x.point())?;
        self.first.get_or_insert(value);
        negate(&mut slope);
        Ok(vec![slope])
    }

    fn along(&mut self, x: &Jet<f64>, v: &Jet<f64>) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        Ok(vec![self.products.along(self.loss, x.point(), v.point())?])
    }
}
