//! The step program: one step of an optimizer, in the order in which its text computes it.
//!
//! A step works on vectors by linear combinations and evaluations of vector fields. `heavy_ball` is
//!
//! ```text
//! evaluation 0 = f(theta)
//! v'           = m v + h evaluation 0
//! theta'       = 1 theta + 1 v'
//! ```
//!
//! The general linear method that derivations start from ([`StepProgram::method`]) is what these lines
//! amount to; simulations and training execute the lines themselves, term by term from left to right, so
//! that rounding is that of the text.

use super::consistency::at_rest;
use super::scaling;
use super::symbolic::Symbolic;
use crate::exact::RationalFunction;
use crate::series::{Combination, GeneralLinearMethod, Stage, State, VectorField};
pub use crate::typed::Initial;

/// A vector that a step computes with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Register {
    /// The old value of a state.
    State(usize),
    /// An evaluation of a vector field, numbered in the order of the program.
    Evaluation(usize),
    /// The new value of a state.
    New(usize),
    /// A vector in between.
    Value(usize),
}

/// A linear combination `Σ c x`, added from left to right.
pub type Terms = Vec<(RationalFunction, Register)>;

/// One line of a step program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// `target = Σ c x`.
    Combine {
        /// What gets a value: the new value of a state, or a vector in between.
        target: Register,
        /// The terms.
        terms: Terms,
        /// The terms in the first step, where they are others.
        first: Option<Terms>,
    },
    /// The next evaluation: `f_c(x, …)` of the field with index `field`.
    Evaluate {
        /// Index of the vector field.
        field: usize,
        /// Where: one vector a space. In implicit methods it depends on registers that get their value
        /// further down.
        points: Vec<Register>,
    },
}

/// One step of an optimizer as a list of operations on vectors. Coefficients are rational functions of
/// [`parameters`](Self::parameters), whose last one is the step size `h`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepProgram {
    /// Names of the parameters that stay symbolic, and `h`.
    pub parameters: Vec<String>,
    /// Names of the spaces: `theta`, or the players of a game.
    pub spaces: Vec<String>,
    /// The vector fields.
    pub fields: Vec<VectorField>,
    /// Of each field: `c` where it is known to be the linear field `c θ`, such as weight decay.
    pub linear: Vec<Option<RationalFunction>>,
    /// The states. The first one of a space is its parameter vector.
    pub states: Vec<State>,
    /// What each state is before the first step. That of a parameter vector is itself.
    pub initial: Vec<Initial>,
    /// The space of each [`Register::Value`].
    pub values: Vec<usize>,
    /// The operations, in the order of the text. Every state gets one new value.
    pub operations: Vec<Operation>,
}

impl StepProgram {
    /// The general linear method that one step is, the step size scaled out of it where that is possible,
    /// without [`idle`](Self::idle) buffers.
    pub fn method(&self) -> GeneralLinearMethod {
        let mut methods = [self.with_step().without_idle_states()];
        scaling::without_step(&mut methods);
        let [method] = methods;
        method
    }

    /// The names of the buffers that the parameters do not depend on, in this step or in a later one.
    pub fn idle(&self) -> Vec<&str> {
        let (used, _) = self.with_step().used();
        let idle = (0..self.states.len()).filter(|i| !used.contains(i));
        idle.map(|i| self.states[i].name.as_str()).collect()
    }

    /// The same with `h` among the parameters, and states as the program has them.
    pub fn with_step(&self) -> GeneralLinearMethod {
        let mut symbolic = Symbolic::default();
        for operation in &self.operations {
            symbolic.execute(operation);
        }
        self.assemble(symbolic)
    }

    /// What the executed operations amount to.
    pub(super) fn assemble(&self, symbolic: Symbolic) -> GeneralLinearMethod {
        let step = symbolic.finish(self.states.len());
        let combination = |vector: &super::symbolic::Linear| {
            let coefficient = |register| vector.get(&register).cloned();
            let of = |n: usize, register: fn(usize) -> Register| {
                let or_zero = |i| coefficient(register(i)).unwrap_or_else(RationalFunction::zero);
                (0..n).map(or_zero).collect()
            };
            Combination {
                states: of(self.states.len(), Register::State),
                stages: of(step.evaluations.len(), Register::Evaluation),
            }
        };
        let stages = step.evaluations.iter().map(|(field, points)| Stage {
            field: *field,
            arguments: points.iter().map(combination).collect(),
        });
        GeneralLinearMethod {
            parameters: self.parameters.clone(),
            step_parameter: Some(self.parameters.len() - 1),
            spaces: self.spaces.clone(),
            fields: self.fields.clone(),
            states: self.states.clone(),
            stages: stages.collect(),
            update: step.updates.iter().map(combination).collect(),
        }
    }

    /// Whether a field is evaluated at a point that depends on the evaluation itself or on later ones.
    pub fn is_implicit(&self) -> bool {
        let mut assigned: Vec<Register> = Vec::new();
        let known = |assigned: &[Register], register: &Register| {
            matches!(register, Register::State(_)) || assigned.contains(register)
        };
        let mut evaluations = 0;
        for operation in &self.operations {
            match operation {
                Operation::Combine { target, terms, .. } => {
                    if !terms.iter().all(|(_, register)| known(&assigned, register)) {
                        return true;
                    }
                    assigned.push(*target);
                }
                Operation::Evaluate { points, .. } => {
                    if !points.iter().all(|point| known(&assigned, point)) {
                        return true;
                    }
                    assigned.push(Register::Evaluation(evaluations));
                    evaluations += 1;
                }
            }
        }
        false
    }

    /// Whether it has buffers that do not start on the slow manifold.
    pub fn starts_beside_manifold(&self) -> bool {
        self.initial.iter().skip(self.spaces.len()).any(|initial| *initial != Initial::Settled)
    }
}

/// A general linear method as a program that computes its stages one after the other, then its update.
/// Where the method has been scaled free of `h`, a stage is `h f`.
impl From<&GeneralLinearMethod> for StepProgram {
    fn from(method: &GeneralLinearMethod) -> StepProgram {
        let mut parameters = method.parameters.clone();
        let scale = match method.step_parameter {
            Some(_) => RationalFunction::one(),
            None => RationalFunction::variable(parameters.len()),
        };
        let mut values = Vec::new();
        let mut operations = Vec::new();
        let terms = |line: &Combination, space: usize| -> Terms {
            let states = line.states.iter().enumerate();
            let states = states.filter(|(i, _)| method.states[*i].space == space);
            let stages = line.stages.iter().enumerate();
            let stages =
                stages.filter(|(l, _)| method.fields[method.stages[*l].field].space == space);
            let states = states.map(|(i, c)| (c.clone(), Register::State(i)));
            let stages = stages.map(|(l, c)| (c * &scale, Register::Evaluation(l)));
            states.chain(stages).filter(|(c, _)| !c.is_zero()).collect()
        };
        for stage in &method.stages {
            let first = values.len();
            for (space, line) in stage.arguments.iter().enumerate() {
                let target = Register::Value(values.len());
                values.push(space);
                operations.push(Operation::Combine {
                    target,
                    terms: terms(line, space),
                    first: None,
                });
            }
            let points = (first..values.len()).map(Register::Value).collect();
            operations.push(Operation::Evaluate { field: stage.field, points });
        }
        for (i, line) in method.update.iter().enumerate() {
            let terms = terms(line, method.states[i].space);
            operations.push(Operation::Combine { target: Register::New(i), terms, first: None });
        }
        if method.step_parameter.is_none() {
            parameters.push("h".into());
        }
        StepProgram {
            parameters,
            spaces: method.spaces.clone(),
            linear: vec![None; method.fields.len()],
            fields: method.fields.clone(),
            initial: initial_at_rest(method),
            states: method.states.clone(),
            values,
            operations,
        }
    }
}

impl From<&StepProgram> for StepProgram {
    fn from(program: &StepProgram) -> StepProgram {
        program.clone()
    }
}

/// The states at which an optimizer stays where its fields are zero: of buffers 0, or an older iterate.
/// Where it leaves a buffer open, 0.
pub(super) fn initial_at_rest(method: &GeneralLinearMethod) -> Vec<Initial> {
    let spaces = method.spaces.len();
    let open = |i| if i < spaces { RationalFunction::one() } else { RationalFunction::zero() };
    let mut constants: Vec<RationalFunction> = (0..method.states.len()).map(open).collect();
    // A buffer that nothing depends on leaves the others as they are.
    let (used, _) = method.used();
    if let Ok(Some(found)) = at_rest(&method.clone().without_idle_states()) {
        used.into_iter().zip(found).for_each(|(i, c)| constants[i] = c);
    }
    constants.into_iter().map(Initial::Multiple).collect()
}
