//! A nonlinear step with numbers for its coefficients, executed on vectors.

use super::matrices;
use crate::flow::SimulateError;
use crate::flow::jets::vectors::{broadcast_to, root_power, total, zero};
use crate::flow::jets::{JetError, JetSource};
use crate::flow::matrices::{MatrixFault, identity};
use crate::loss;
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::exact::{Rational, RationalFunction};
use bea_series::typed::{Function, Initial, Matrix, Node, NodeId, Program, Shape};
use rayon::prelude::*;
use std::cmp::Ordering;

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
    groups: Vec<Group>,
    /// The vectors that are needed as a whole, or in another group.
    kept: Vec<bool>,
    pub(super) states: Vec<State<T>>,
    pub(super) h: T,
    /// The first step, where it is another one.
    first: Option<Box<NonlinearStep<T>>>,
    /// What each operation makes.
    shapes: Vec<Shape>,
    /// What the parameters are, where that matters.
    matrices: Vec<Matrix>,
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

/// Operations on vectors that are computed together, some entries at a time, after the numbers before them. Then one
/// operation needs all entries of its operand: a field or a sum of entries.
#[derive(Clone, PartialEq, Debug)]
struct Group {
    numbers: Vec<NodeId>,
    vectors: Vec<NodeId>,
    whole: Option<NodeId>,
}

/// So many entries are computed by one operation after the other, while they are in the cache.
const CHUNK: usize = 512;

/// From so many chunks on, a million entries, cores share them: fewer are computed before other threads have come, on a busy
/// machine. What is computed does not depend on that.
const SHARED: usize = 2048;

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
            groups: Vec::new(),
            kept: Vec::new(),
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
            first.arrange();
            step.first = Some(Box::new(first));
        }
        step.arrange();
        Ok(step)
    }

    /// Sorts the operations into groups.
    fn arrange(&mut self) {
        let empty = || Group { numbers: Vec::new(), vectors: Vec::new(), whole: None };
        let (mut groups, mut last) = (Vec::new(), empty());
        let mut group_of = vec![0; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            group_of[id] = groups.len();
            match node {
                Operation::Other(Node::State(_) | Node::New(_), _) => {}
                operation if self.needs_all(id, operation) => {
                    last.whole = Some(id);
                    groups.push(std::mem::replace(&mut last, empty()));
                }
                _ if self.shapes[id] == Shape::Number => last.numbers.push(id),
                _ => last.vectors.push(id),
            }
        }
        groups.push(last);
        let mut kept = vec![false; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            let Operation::Other(node, _) = node else { continue };
            let is_whole = groups[group_of[id]].whole == Some(id);
            for operand in node.operands() {
                let operand = self.resolved(operand);
                kept[operand] |= is_whole || group_of[operand] != group_of[id];
            }
        }
        for state in &self.states {
            kept[self.resolved(state.update)] = true;
        }
        (self.groups, self.kept) = (groups, kept);
    }

    /// Whether an operation needs all entries of its operands at once, or makes matrices of another shape than the
    /// parameters.
    fn needs_all(&self, id: NodeId, operation: &Operation<T>) -> bool {
        let is_whole = matches!(
            operation,
            Operation::Other(
                Node::Field { .. }
                    | Node::FieldDerivative { .. }
                    | Node::Entries(_)
                    | Node::MatrixProduct(..)
                    | Node::Transpose(_)
                    | Node::MatrixFunction(..),
                _
            )
        );
        is_whole || matches!(self.shapes[id], Shape::Square(_) | Shape::Transposed)
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
    /// jets of degree 0, that is at points.
    ///
    /// # Errors
    /// The first one of `source`, or that of [a function of a matrix](MatrixFault); the states are then what they were.
    pub fn execute<S: JetSource<T>>(
        &self,
        states: &mut [Vec<T>],
        number: Option<u64>,
        source: &mut S,
    ) -> Result<(), JetError<S::Error>> {
        let step = self.numbered(number);
        let mut run = step.run(states, number, source)?;
        let new: Vec<NodeId> =
            step.states.iter().map(|state| step.resolved(state.update)).collect();
        let next: Vec<Vec<T>> = (new.iter().zip(&step.states).enumerate())
            .map(|(i, (&id, state))| {
                let length = state.shape.length(run.dimension, &step.matrices);
                // No other state has the same new value.
                if run.made[id].len() == length && !new[i + 1..].contains(&id) {
                    std::mem::take(&mut run.made[id])
                } else {
                    broadcast_to(run.get(id, states), length)
                }
            })
            .collect();
        states.iter_mut().zip(next).for_each(|(state, next)| *state = next);
        Ok(())
    }

    fn run<S: JetSource<T>>(
        &self,
        states: &mut [Vec<T>],
        number: Option<u64>,
        source: &mut S,
    ) -> Result<Run<'_, T>, JetError<S::Error>> {
        if self.lacks_matrices() {
            return Err(JetError::Matrix(0, MatrixFault::Unknown));
        }
        let made = vec![Vec::new(); self.nodes.len()];
        let mut run = Run { step: self, dimension: states[0].len(), number, made };
        for group in &self.groups {
            run.group(group, states, source)?;
        }
        Ok(run)
    }

    /// What every operation makes in the step of that number from these states, a number as one entry.
    pub(super) fn values<S: JetSource<T>>(
        &self,
        states: &mut [Vec<T>],
        number: Option<u64>,
        source: &mut S,
    ) -> Result<Vec<Vec<T>>, JetError<S::Error>> {
        let step = self.numbered(number).clone();
        let all = NonlinearStep { kept: vec![true; self.nodes.len()], ..step };
        let run = all.run(states, number, source)?;
        let value = |id| run.get(id, states).to_vec();
        Ok((0..self.nodes.len()).map(value).collect())
    }
}

/// One step in the making.
struct Run<'a, T> {
    step: &'a NonlinearStep<T>,
    dimension: usize,
    number: Option<u64>,
    /// Numbers as one entry, and the vectors that are kept.
    made: Vec<Vec<T>>,
}

/// A part of a vector, or a number for every entry of it.
type Entries<'v, T> = &'v [T];

impl<T: Number + Send + Sync> Run<'_, T> {
    /// All entries of a number, a state or a kept vector.
    fn get<'v>(&'v self, id: NodeId, states: &'v [Vec<T>]) -> Entries<'v, T> {
        let id = self.step.resolved(id);
        match &self.step.nodes[id] {
            Operation::Other(Node::State(i), _) => &states[*i],
            _ => &self.made[id],
        }
    }

    fn group<S: JetSource<T>>(
        &mut self,
        group: &Group,
        states: &mut [Vec<T>],
        source: &mut S,
    ) -> Result<(), JetError<S::Error>> {
        for &id in &group.numbers {
            let mut out = vec![zero()];
            let operand = |x: NodeId| self.get(x, states);
            compute(&self.step.nodes[id], self.number, self.dimension, operand, &mut out);
            self.made[id] = out;
        }
        self.vectors(&group.vectors, states);
        let Some(id) = group.whole else { return Ok(()) };
        self.made[id] = match &self.step.nodes[id] {
            Operation::Other(Node::Field { point }, _) => {
                let point = self.step.resolved(*point);
                let answer = match &self.step.nodes[point] {
                    // The state itself, without a copy.
                    Operation::Other(Node::State(i), _) if states[*i].len() == self.dimension => {
                        let jet = Jet::new(std::mem::take(&mut states[*i]));
                        let answer = source.field(&jet);
                        states[*i] = jet.into_point();
                        answer
                    }
                    _ => source.field(&self.point(point, states)),
                };
                answer.map_err(JetError::Field)?.swap_remove(0)
            }
            Operation::Other(Node::FieldDerivative { direction }, _) => {
                let theta = Jet::new(states[0].clone());
                let answer = source.along(&theta, &self.point(*direction, states));
                answer.map_err(JetError::Field)?.swap_remove(0)
            }
            Operation::Other(Node::Entries(x), _) => {
                let x = self.get(*x, states);
                let parts: Vec<T> = match x.len() {
                    length if length < SHARED * CHUNK => x.chunks(CHUNK).map(total).collect(),
                    _ => x.par_chunks(CHUNK).map(total).collect(),
                };
                // A number stands for a vector of it.
                let times = if x.len() == 1 { self.dimension as i64 } else { 1 };
                vec![total(&parts) * T::from_rational(&times.into())]
            }
            Operation::Other(node, _) if matrices::is_operation(node) => {
                let (shapes, all) = (&self.step.shapes, &self.step.matrices);
                let operand = |x: NodeId| self.get(x, states);
                matrices::compute(node, id, operand, shapes, all)
                    .map_err(|fault| JetError::Matrix(id, fault))?
            }
            operation => {
                let shape = self.step.shapes[id];
                let mut out = vec![zero(); shape.length(self.dimension, &self.step.matrices)];
                let operand = |x: NodeId| self.get(x, states);
                compute(operation, self.number, self.dimension, operand, &mut out);
                out
            }
        };
        Ok(())
    }

    fn point(&self, id: NodeId, states: &[Vec<T>]) -> Jet<T> {
        Jet::new(broadcast_to(self.get(id, states), self.dimension))
    }

    /// Operations on vectors, each after those that it needs, chunk by chunk.
    fn vectors(&mut self, vectors: &[NodeId], states: &[Vec<T>]) {
        let kept: Vec<NodeId> = vectors.iter().copied().filter(|id| self.step.kept[*id]).collect();
        let mut made: Vec<Vec<T>> = kept.iter().map(|_| vec![zero(); self.dimension]).collect();
        let mut chunks: Vec<Vec<&mut [T]>> = Vec::new();
        chunks.resize_with(self.dimension.div_ceil(CHUNK), || Vec::with_capacity(kept.len()));
        for made in &mut made {
            chunks.iter_mut().zip(made.chunks_mut(CHUNK)).for_each(|(all, part)| all.push(part));
        }
        let mut places = vec![usize::MAX; self.step.nodes.len()];
        vectors.iter().enumerate().for_each(|(place, id)| places[*id] = place);
        let local = || -> Vec<Vec<T>> { vec![vec![zero(); CHUNK]; vectors.len()] };
        let run = |local: &mut Vec<Vec<T>>, (number, kept): (usize, Vec<&mut [T]>)| {
            let begin = number * CHUNK;
            let count = CHUNK.min(self.dimension - begin);
            let mut kept = kept.into_iter();
            for (place, &id) in vectors.iter().enumerate() {
                let (before, this) = local.split_at_mut(place);
                let operand = |x: NodeId| -> Entries<'_, T> {
                    let x = self.step.resolved(x);
                    match places[x] {
                        usize::MAX => match self.get(x, states) {
                            number @ [_] => number,
                            all => &all[begin..begin + count],
                        },
                        place => &before[place][..count],
                    }
                };
                let out = &mut this[0][..count];
                compute(&self.step.nodes[id], self.number, self.dimension, operand, out);
                if self.step.kept[id] {
                    kept.next().expect("one a vector").clone_from_slice(out);
                }
            }
        };
        if vectors.is_empty() {
            return;
        }
        if chunks.len() < SHARED {
            let mut local = local();
            chunks.into_iter().enumerate().for_each(|chunk| run(&mut local, chunk));
        } else {
            chunks.into_par_iter().enumerate().for_each_init(local, run);
        }
        kept.into_iter().zip(made).for_each(|(id, made)| self.made[id] = made);
    }
}

/// `out = f(x)` entry by entry, where a number stands for a vector of it.
fn map<T: Number>(out: &mut [T], x: &[T], f: impl Fn(&T) -> T) {
    match x {
        [x] => out.fill(f(x)),
        _ => out.iter_mut().zip(x).for_each(|(out, x)| *out = f(x)),
    }
}

/// `out = f(out, x)` entry by entry.
fn with<T: Number>(out: &mut [T], x: &[T], f: impl Fn(&T, &T) -> T) {
    match x {
        [x] => out.iter_mut().for_each(|out| *out = f(out, x)),
        _ => out.iter_mut().zip(x).for_each(|(out, x)| *out = f(out, x)),
    }
}

/// Some entries of what an operation makes.
fn compute<'v, T: Number + 'v>(
    operation: &Operation<T>,
    number: Option<u64>,
    dimension: usize,
    get: impl Fn(NodeId) -> Entries<'v, T>,
    out: &mut [T],
) {
    let one = T::from_rational(&1.into());
    let (node, exponent) = match operation {
        Operation::Number(x) => return out.fill(x.clone()),
        Operation::Dimension => return out.fill(T::from_rational(&(dimension as i64).into())),
        Operation::Decay { base, factor, offset } => {
            let power = number.map(|t| &(factor * &(t as i64).into()) + offset);
            return out.fill(power.map_or_else(zero, |power| base.power(&power)));
        }
        Operation::Other(node, exponent) => (node, exponent),
    };
    let fold =
        |out: &mut [T], parts: &[NodeId], empty: &T, f: &dyn Fn(&mut [T], Entries<'v, T>)| {
            match parts.split_first() {
                None => out.fill(empty.clone()),
                Some((first, rest)) => {
                    map(out, get(*first), T::clone);
                    rest.iter().for_each(|x| f(out, get(*x)));
                }
            }
        };
    match node {
        Node::Sum(parts) => {
            fold(out, parts, &zero(), &|out, x| with(out, x, |a, b| a.clone() + b.clone()));
        }
        Node::Product(parts) => {
            fold(out, parts, &one, &|out, x| with(out, x, |a, b| a.clone() * b.clone()));
        }
        Node::Power(x, _) => {
            let r = exponent.as_ref().expect("powers have exponents");
            match r.as_small() {
                Some((-1, 1)) => map(out, get(*x), |x| one.quotient(x)),
                Some((2, 1)) => map(out, get(*x), |x| x.clone() * x.clone()),
                Some((1, 2)) => map(out, get(*x), T::sqrt),
                Some((-1, 2)) => map(out, get(*x), |x| one.quotient(&x.sqrt())),
                Some((n, 2)) => map(out, get(*x), root_power(n)),
                _ => map(out, get(*x), |x| x.power(r)),
            }
        }
        Node::Function(Function::Exponential, x) => map(out, get(*x), T::exp),
        Node::Function(Function::Logarithm, x) => map(out, get(*x), T::log),
        Node::Function(Function::HyperbolicTangent, x) => {
            map(out, get(*x), |x| x.apply(loss::Function::Tanh));
        }
        Node::Function(Function::Sign, x) => {
            map(out, get(*x), |x| match x.compare_real(&zero()) {
                Some(Ordering::Less) => -one.clone(),
                Some(Ordering::Greater) => one.clone(),
                Some(Ordering::Equal) => zero(),
                None => x.clone(),
            });
        }
        Node::Function(Function::Absolute, x) => {
            map(out, get(*x), |x| x.apply(loss::Function::Abs));
        }
        Node::Greater(x, y) => {
            map(out, get(*x), T::clone);
            with(out, get(*y), |x, y| match x.compare_real(y) {
                Some(Ordering::Less) => y.clone(),
                Some(_) => x.clone(),
                // Not a number.
                None => x.clone() + y.clone(),
            });
        }
        _ => unreachable!("states, numbers and what needs all entries are not computed here"),
    }
}
