//! Optimizers of the language, as one trains with them.

use super::rule::{Schedule, gradient};
use super::state::{State, Step};
use bea_flow::flow::{NumericStep, Problem, SimulateError, initial_states};
use bea_flow::objective::{Objective, ObjectiveError, WeightDecay};
use bea_series::exact::RationalFunction;
use bea_series::optimizer::{Operation, Register, StepProgram};
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::sync::Arc;

/// A step program and its learning rates.
#[derive(Clone, PartialEq, Debug)]
pub struct Iteration {
    program: StepProgram,
    lr: Schedule,
    /// The program at the learning rates of the schedule, one after the other.
    steps: Vec<NumericStep>,
}

/// Why one cannot train with an optimizer.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Untrainable {
    /// It has several players.
    #[error("it is a game of the players {}, and training has one loss", .0.join(", "))]
    Game(Vec<String>),
    /// It has vector fields that nothing is known of.
    #[error("it has the vector fields {}, and training has one", .0.join(", "))]
    Fields(Vec<String>),
    /// It evaluates its field where it is going.
    #[error("its steps are implicit: each would have to solve a system of equations")]
    Implicit,
    /// It never looks at the loss.
    #[error("it evaluates no gradient")]
    NoGradient,
    /// A number of a learning rate that is not finite.
    #[error("{0} is no number that a learning rate can depend on")]
    Number(f64),
    /// A parameter without a value, or a learning rate where a coefficient is undefined.
    #[error(transparent)]
    Step(#[from] SimulateError),
}

impl Untrainable {
    /// What would be right.
    pub fn help(&self) -> String {
        match self {
            Untrainable::Game(_) => "`bea flow` simulates games".into(),
            Untrainable::Fields(_) => {
                "only one field may be a gradient of the loss; `bea flow` takes one loss a field"
                    .into()
            }
            Untrainable::Implicit => "`bea flow` solves implicit steps".into(),
            Untrainable::NoGradient => "a step evaluates `f`: `theta' = theta + h*f(theta)`".into(),
            Untrainable::Number(_) => "a finite number".into(),
            Untrainable::Step(SimulateError::Symbolic(names)) => {
                format!("give each of them a value: {} = 0.9, say", names[0])
            }
            Untrainable::Step(_) => "take another learning rate".into(),
        }
    }
}

impl Iteration {
    /// Training with `program` at the learning rates `lr`.
    ///
    /// # Errors
    /// A program that one cannot train with.
    pub fn new(program: StepProgram, lr: Schedule) -> Result<Iteration, Untrainable> {
        if program.spaces.len() > 1 {
            return Err(Untrainable::Game(program.spaces));
        }
        let unknown = program.linear.iter().filter(|linear| linear.is_none()).count();
        if unknown > 1 {
            return Err(Untrainable::Fields(program.fields.into_iter().map(|f| f.name).collect()));
        }
        if program.is_implicit() {
            return Err(Untrainable::Implicit);
        }
        if first_evaluation(&program).is_none() {
            return Err(Untrainable::NoGradient);
        }
        let rates = std::iter::once(lr.first).chain(lr.changes.iter().map(|(_, lr)| *lr));
        let steps = rates.map(|h| NumericStep::new(&program, h)).collect::<Result<_, _>>()?;
        Ok(Iteration { program, lr, steps })
    }

    /// The step program.
    pub fn program(&self) -> &StepProgram {
        &self.program
    }

    /// The learning rates.
    pub fn schedule(&self) -> &Schedule {
        &self.lr
    }

    /// Whether the gradient that a step sees first is that of the parameters themselves.
    pub fn starts_at_theta(&self) -> bool {
        first_evaluation(&self.program) == Some(&[Register::State(0)])
    }

    /// The vector fields of the program at the step size `h`, where that which is not known is the negative gradient of
    /// `loss`, and the multiples of the parameters are those of [`WeightDecay`]; `None` where a multiple is undefined.
    pub fn problem(&self, loss: impl Objective + 'static, h: f64) -> Option<Problem> {
        let dimension = loss.dimension();
        let loss: Arc<dyn Objective> = Arc::new(loss);
        let h = BigRational::from_float(h).map(RationalFunction::from);
        let parameters = vec![h; self.program.parameters.len()];
        let field = |multiple: &Option<RationalFunction>| -> Option<(usize, Arc<dyn Objective>)> {
            let Some(multiple) = multiple else { return Some((0, loss.clone())) };
            let lambda = -multiple.substitute(&parameters)?.as_rational()?.to_f64()?;
            Some((0, Arc::new(WeightDecay { dimension, lambda })))
        };
        let fields = self.program.linear.iter().map(field).collect::<Option<_>>()?;
        Problem::of_fields(vec![(0..dimension).collect()], fields).ok()
    }

    /// `λ` of the penalty `λ/2 θᵀθ` that the known fields of the program descend together; 0 if there are none, `None`
    /// if it depends on the step size.
    pub fn weight_decay(&self) -> Option<f64> {
        let known = self.program.linear.iter().flatten();
        known.map(|multiple| multiple.as_rational()?.to_f64().map(|c| -c)).sum()
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
        if !self.steps[0].is_settled() {
            return Ok(State::new(theta));
        }
        let h = self.lr.first;
        let problem = self.problem(loss, h).ok_or(SimulateError::StepSize(h))?;
        let states = initial_states(&problem, &self.program, &theta, h)?;
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
        let step = &self.steps[self.lr.number(state.step)];
        let has_buffers = state.has(&self.buffers());
        if step.is_settled() && !has_buffers {
            return Err(ObjectiveError::other(
                "the buffers start settled, which needs the state that `Iteration::start` gives",
            ));
        }
        let mut states = if has_buffers {
            state.check(std::iter::repeat(state.theta.len()))?;
            state.take()
        } else {
            step.start(&[std::mem::take(&mut state.theta)])
        };
        let mut value = None;
        let evaluate = |_: usize, points: &[&[f64]]| {
            let (here, gradient) = gradient(loss, points[0])?;
            value.get_or_insert(here);
            Ok(gradient)
        };
        let gradients: Result<_, ObjectiveError> =
            step.execute(&mut states, state.step == 0, evaluate);
        state.put(states, &self.buffers());
        Ok(Step {
            loss: value.unwrap_or(f64::NAN),
            gradient: gradients?.swap_remove(0),
            learning_rate: self.lr.at(state.step),
            product: None,
        })
    }

    /// The names of the buffers.
    fn buffers(&self) -> Vec<&str> {
        self.program.states[1..].iter().map(|state| state.name.as_str()).collect()
    }
}

/// Where the gradient of the loss is evaluated first.
fn first_evaluation(program: &StepProgram) -> Option<&[Register]> {
    program.operations.iter().find_map(|operation| match operation {
        Operation::Evaluate { field, points } if program.linear[*field].is_none() => {
            Some(points.as_slice())
        }
        _ => None,
    })
}
