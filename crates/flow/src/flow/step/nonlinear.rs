//! A nonlinear step with numbers for its coefficients, executed on vectors.

use super::matrices;
use super::plan::Plan;
use super::run::Run;
use crate::flow::SimulateError;
use crate::flow::jets::vectors::{broadcast_to, zero};
use crate::flow::jets::{JetError, JetSource};
use crate::flow::matrices::{MatrixFault, identity};
use crate::loss::Number;
use bea_series::exact::{Rational, RationalFunction};
use bea_series::typed::{Initial, Matrix, Node, NodeId, Program, Shape};

/// One step of an optimizer whose operations are not linear, at one step size.
///
/// ```
/// use bea_flow::flow::{JetSource, NonlinearStep};
/// use bea_flow::objective::Jet;
/// use bea_series::optimizer::{self, Step};
/// use std::convert::Infallible;
///
/// /// E = x²/2 + y²/2
/// struct Bowl;
/// impl JetSource<f64> for Bowl {
///     type Error = Infallible;
///     fn field(&mut self, x: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
///         Ok(vec![x.point().iter().map(|x| -x).collect()])
///     }
///     fn along(&mut self, _: &Jet<f64>, v: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
///         self.field(v)
///     }
/// }
///
/// let Step::Nonlinear(program) = optimizer::find("normalized_gradient_descent")?.step(&[].into())? else {
///     panic!("a norm");
/// };
/// let step = NonlinearStep::<f64>::new(&program, &bea_series::exact::Rational::new(1, 2).unwrap())?;
/// let mut states = step.start(&[3.0, 4.0]);
/// step.execute(&mut states, Some(1), &mut Bowl)?;
/// assert!((states[0][0] - 2.7).abs() < 1e-15 && (states[0][1] - 3.6).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct NonlinearStep<T> {
    pub(super) nodes: Vec<Operation<T>>,
    pub(super) plan: Plan,
    pub(super) states: Vec<State<T>>,
    pub(super) h: T,
    /// The first step, where it is another one.
    first: Option<Box<NonlinearStep<T>>>,
    /// What each operation makes.
    pub(super) shapes: Vec<Shape>,
    /// What the parameters are, where that matters.
    pub(super) matrices: Vec<Matrix>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Operation<T> {
    Number(T),
    Dimension,
    /// `base^(factor t + offset)`
    Decay {
        base: T,
        factor: Rational,
        offset: Rational,
    },
    /// The rest, as it is.
    Other(Node, Option<Rational>),
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct State<T> {
    initial: Start<T>,
    pub(super) shape: Shape,
    pub(super) update: NodeId,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Start<T> {
    Parameters,
    Multiple(T),
    Entries(T),
    Settled,
}

impl<T> State<T> {
    /// Whether it has an entry for each parameter.
    pub(super) fn is_vector(&self) -> bool {
        self.shape == Shape::Vector
    }
}

impl<T: Number + Send + Sync> NonlinearStep<T> {
    /// `program` at the step size `h`.
    ///
    /// # Errors
    /// Parameters without a value.
    pub fn new(program: &Program, h: &Rational) -> Result<Self, SimulateError> {
        if !program.parameters.is_empty() {
            return Err(SimulateError::Symbolic(program.parameters.clone()));
        }
        let undefined = || SimulateError::StepSize(h.to_f64());
        let exact = |value: &RationalFunction| -> Result<Rational, SimulateError> {
            value.as_rational().map(Rational::from).ok_or_else(undefined)
        };
        let number = |value: &RationalFunction| exact(value).map(|value| T::from_rational(&value));
        let operation = |node: &Node| -> Result<Operation<T>, SimulateError> {
            Ok(match node {
                Node::Number(value) => Operation::Number(number(value)?),
                Node::Step => Operation::Number(T::from_rational(h)),
                Node::Dimension => Operation::Dimension,
                Node::Decay { base, factor, offset } => Operation::Decay {
                    base: number(base)?,
                    factor: exact(factor)?,
                    offset: exact(offset)?,
                },
                Node::Power(_, exponent) => {
                    let exponent = exponent.as_rational().ok_or_else(undefined)?;
                    let exponent = Rational::new(*exponent.numer(), *exponent.denom());
                    Operation::Other(node.clone(), Some(exponent.ok_or_else(undefined)?))
                }
                other => Operation::Other(other.clone(), None),
            })
        };
        let state = |(i, state): (usize, &bea_series::typed::TypedState)| {
            let initial = match &state.initial {
                _ if i == 0 => Start::Parameters,
                None => Start::Entries(zero()),
                Some(Initial::Multiple(c)) => Start::Multiple(number(c)?),
                Some(Initial::Entries(c)) => Start::Entries(number(c)?),
                Some(Initial::Settled) => Start::Settled,
            };
            Ok::<_, SimulateError>(State { initial, shape: state.shape, update: state.update })
        };
        let mut step = NonlinearStep {
            nodes: program.nodes.iter().map(operation).collect::<Result<_, _>>()?,
            plan: Plan::default(),
            states: program.states.iter().enumerate().map(state).collect::<Result<_, _>>()?,
            h: T::from_rational(h),
            first: None,
            shapes: program.shapes.clone(),
            matrices: program.matrices.clone(),
        };
        if program.states.iter().any(|state| state.first.is_some()) {
            let mut first = step.clone();
            for (state, written) in first.states.iter_mut().zip(&program.states) {
                state.update = written.first.unwrap_or(state.update);
            }
            first.plan = Plan::new(&first);
            step.first = Some(Box::new(first));
        }
        step.plan = Plan::new(&step);
        Ok(step)
    }

    /// Whether an operation is the old value of a state.
    pub(super) fn is_state(&self, id: NodeId, state: usize) -> bool {
        matches!(&self.nodes[id], Operation::Other(Node::State(i), _) if *i == state)
    }

    /// The operation that makes the new value of a state, in place of that value.
    pub(super) fn resolved(&self, id: NodeId) -> NodeId {
        match &self.nodes[id] {
            Operation::Other(Node::New(i), _) => self.resolved(self.states[*i].update),
            _ => id,
        }
    }

    /// The step on parameters that are these matrices, one after the other, as a step that multiplies matrices or takes
    /// functions of them needs to know.
    #[must_use]
    pub fn on(self, matrices: Vec<Matrix>) -> Self {
        let first = self.first.map(|first| Box::new(first.on(matrices.clone())));
        NonlinearStep { matrices, first, ..self }
    }

    /// How many entries each state has, `theta` first, on so many parameters.
    pub fn lengths(&self, dimension: usize) -> Vec<usize> {
        let length = |state: &State<T>| state.shape.length(dimension, &self.matrices);
        self.states.iter().map(length).collect()
    }

    /// Whether it is not known which matrices the parameters are, and that matters.
    pub fn lacks_matrices(&self) -> bool {
        let is_of_matrices = |operation: &Operation<T>| match operation {
            Operation::Other(node, _) => matrices::is_operation(node),
            _ => false,
        };
        self.matrices.is_empty() && self.nodes.iter().any(is_of_matrices)
    }

    /// `h`.
    pub fn step_size(&self) -> &T {
        &self.h
    }

    /// Whether state `i` starts on the slow manifold, which [`start`](Self::start) does not know.
    pub fn settles(&self, i: usize) -> bool {
        matches!(self.states[i].initial, Start::Settled)
    }

    /// The states before the first step, `theta` first. One that starts on the slow manifold is 0.
    pub fn start(&self, theta: &[T]) -> Vec<Vec<T>> {
        let state = |state: &State<T>| {
            let filled = |x: &T| match state.shape {
                Shape::Number => vec![x.clone()],
                Shape::Square(_) => identity(x, state.shape, &self.matrices),
                shape => vec![x.clone(); shape.length(theta.len(), &self.matrices)],
            };
            match &state.initial {
                Start::Parameters => theta.to_vec(),
                Start::Multiple(c) => theta.iter().map(|x| c.clone() * x.clone()).collect(),
                Start::Entries(c) => filled(c),
                Start::Settled => filled(&zero()),
            }
        };
        self.states.iter().map(state).collect()
    }

    /// The step of that number.
    fn numbered(&self, number: Option<u64>) -> &NonlinearStep<T> {
        self.first.as_deref().filter(|_| number == Some(1)).unwrap_or(self)
    }

    /// Step `number`, counted from 1; `None` long after the start, where bias corrections are 1. `source` is asked at
    /// jets of degree 0, that is at points. Returns all fields that it answered, in the order of the program.
    ///
    /// # Errors
    /// The first one of `source`, or that of [a function of a matrix](MatrixFault); the states are then what they were.
    pub fn execute<S: JetSource<T>>(
        &self,
        states: &mut [Vec<T>],
        number: Option<u64>,
        source: &mut S,
    ) -> Result<Vec<Vec<T>>, JetError<S::Error>> {
        let step = self.numbered(number);
        let mut run = step.run(states, number, source, &step.plan)?;
        let new: Vec<NodeId> =
            step.states.iter().map(|state| step.resolved(state.update)).collect();
        let is_field =
            |id: &NodeId| matches!(step.nodes[*id], Operation::Other(Node::Field { .. }, _));
        let answered = (0..step.nodes.len()).filter(is_field).map(|id| match new.contains(&id) {
            true => run.get(id, states).to_vec(),
            false => run.take(id, run.dimension).expect("an entry for each parameter"),
        });
        let answered = answered.collect();
        let next = |(i, (&id, state)): (usize, (&NodeId, &State<T>))| {
            if step.plan.in_place(id) == Some(i) {
                return None;
            }
            let length = state.shape.length(run.dimension, &step.matrices);
            // No other state has the same new value.
            let is_last = !new[i + 1..].contains(&id);
            let made = if is_last { run.take(id, length) } else { None };
            Some(made.unwrap_or_else(|| broadcast_to(run.get(id, states), length)))
        };
        let next: Vec<Option<Vec<T>>> =
            new.iter().zip(&step.states).enumerate().map(next).collect();
        let changed = states.iter_mut().zip(next);
        changed.filter_map(|(state, next)| Some((state, next?))).for_each(|(s, x)| *s = x);
        Ok(answered)
    }

    /// Computes the operations as `plan` says.
    fn run<'s, S: JetSource<T>>(
        &'s self,
        states: &mut [Vec<T>],
        number: Option<u64>,
        source: &mut S,
        plan: &'s Plan,
    ) -> Result<Run<'s, T>, JetError<S::Error>> {
        if self.lacks_matrices() {
            return Err(JetError::Matrix(0, MatrixFault::Unknown));
        }
        let mut run = Run::new(self, plan, states[0].len(), number);
        run.all(states, source)?;
        Ok(run)
    }

    /// What every operation makes in the step of that number from these states, a number as one entry.
    pub(super) fn values<S: JetSource<T>>(
        &self,
        states: &mut [Vec<T>],
        number: Option<u64>,
        source: &mut S,
    ) -> Result<Vec<Vec<T>>, JetError<S::Error>> {
        let step = self.numbered(number);
        let plan = Plan::keeping_all(step);
        let run = step.run(states, number, source, &plan)?;
        let value = |id| run.get(id, states).to_vec();
        Ok((0..self.nodes.len()).map(value).collect())
    }
}
