//! The modified field of a nonlinear step at a point, order by order.
//!
//! Every operation of the step is a series in the step size `h` and the time `s = νh`. Its part of degree `k` needs those
//! of its operands up to `k`, and none that is multiplied by a zero, such as the part of degree `k` of what a step size
//! stands before; so parts are computed when they are asked for. That of a state solves the recurrence
//! `x(ν+1) = c x(ν) + r(ν)`, whose right-hand side is known by then. Functions are computed from their differential
//! equations, as in [`Bivariate`](crate::loss::Bivariate).

use super::blocks::Blocks;
use super::recurrence::Differences;
use super::valuations::{entangled, valuations};
use super::vectors::{add, zero};
use crate::flow::{MatrixFault, SimulateError};
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::exact::Rational;
use bea_series::typed::{Exponent, Function, Matrix, MatrixFunction, Node, NodeId, Program, Shape};

/// What a step asks of its vector field `f = -∇E`.
pub trait JetSource<T> {
    /// Why it has no answer.
    type Error;

    /// The part of the highest degree `K` of `f(x)`: the coefficients of `h^(K-j) s^j`, `j = 0, …, K`.
    ///
    /// # Errors
    /// Whatever keeps the field from being evaluated.
    fn field(&mut self, x: &Jet<T>) -> Result<Vec<Vec<T>>, Self::Error>;

    /// That of `f'(x) v`, for a direction of the same degree.
    ///
    /// # Errors
    /// As [`field`](Self::field).
    fn along(&mut self, x: &Jet<T>, v: &Jet<T>) -> Result<Vec<Vec<T>>, Self::Error>;
}

/// Why there is no modified field at a point.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum JetError<E> {
    /// The vector field was not evaluated.
    #[error("{0}")]
    Field(E),
    /// The argument of `sign`, `abs`, `min`, `max` or `clip`, by its node, lies on the kink.
    #[error("an argument of sign, abs, min, max or clip lies on its kink")]
    Kink(NodeId),
    /// A function of a matrix, by its node, has no value or no derivatives.
    #[error("{1}")]
    Matrix(NodeId, MatrixFault),
}

/// An operation on two operands at most.
#[derive(Clone, Debug)]
pub(super) enum Op<T> {
    Number(T),
    Step,
    Dimension,
    State(usize),
    New(usize),
    Field(usize),
    FieldDerivative(usize),
    Sum(Vec<usize>),
    Product(usize, usize),
    /// The root of the argument to the power `n`, if that is all: exact where the root is.
    Power(usize, Rational),
    Exponential(usize),
    Logarithm(usize),
    /// And its derivative, `1 - tanh²`.
    HyperbolicTangent(usize, usize),
    Sign(usize),
    Absolute(usize),
    Greater(usize, usize),
    Entries(usize),
    MatrixProduct(usize, usize),
    Transpose(usize),
    Identity,
    MatrixFunction(MatrixFunction, usize),
}

/// A nonlinear step at one step size, ready to have its modified field evaluated by jets over the numbers `T`.
pub struct StepField<T> {
    pub(super) order: usize,
    pub(super) ops: Vec<(Op<T>, NodeId)>,
    /// The least degree that an operation can have, and a state.
    pub(super) valuations: Vec<usize>,
    pub(super) state_valuations: Vec<usize>,
    pub(super) states: Vec<Recurrence>,
    pub(super) h: T,
    /// `Δ⁻¹ν^b`, by the powers of `ν`.
    pub(super) sums: Vec<Vec<T>>,
    /// What each node of the program makes.
    pub(super) shapes: Vec<Shape>,
    /// The matrices that the parameters are, if the step needs them.
    pub(super) matrices: Vec<Matrix>,
}

/// The recurrence of a state.
pub(super) struct Recurrence {
    /// Whether it is a coordinate of the modified field.
    pub(super) slow: bool,
    pub(super) shape: Shape,
    pub(super) linear: Vec<(usize, usize)>,
    pub(super) rest: Vec<usize>,
}

impl<T: Number + Send + Sync> StepField<T> {
    /// `program` at the step size `h`, for the terms up to `h^order`, on losses of so many variables. Bias corrections
    /// are 1.
    ///
    /// # Errors
    /// Parameters without a value; a step that is not expanded order by order since its terms cancel.
    pub fn new(program: &Program, order: usize, h: &Rational) -> Result<Self, SimulateError> {
        if !program.parameters.is_empty() {
            return Err(SimulateError::Symbolic(program.parameters.clone()));
        }
        let differences = Differences::new(order + 1);
        let numbers = |row: &Vec<Rational>| row.iter().map(T::from_rational).collect();
        let mut field = StepField {
            order,
            ops: Vec::new(),
            valuations: Vec::new(),
            state_valuations: Vec::new(),
            states: Vec::new(),
            h: T::from_rational(h),
            sums: differences.sums().iter().map(numbers).collect(),
            shapes: program.shapes.clone(),
            matrices: match program.needs_matrices() {
                Some(_) => program.matrices.clone(),
                None => Vec::new(),
            },
        };
        let mut of_node = Vec::with_capacity(program.nodes.len());
        for (id, node) in program.nodes.iter().enumerate() {
            let op = field.operation(id, node, &of_node, h)?;
            of_node.push(op);
        }
        field.states = (program.states.iter().enumerate())
            .map(|(i, state)| Recurrence {
                slow: i == 0 || state.slow,
                shape: state.shape,
                linear: state.linear.iter().map(|(j, c)| (*j, of_node[*c])).collect(),
                rest: state.rest.iter().map(|id| of_node[*id]).collect(),
            })
            .collect();
        // No part of a higher degree is asked for.
        let most = order + 2;
        let (of, of_states) = valuations(&field.ops, &field.states, most);
        if let Some(i) = entangled(&field.ops, &field.states, &of, &of_states, most) {
            return Err(SimulateError::Entangled(program.states[i].name.clone()));
        }
        (field.valuations, field.state_valuations) = (of, of_states);
        Ok(field)
    }

    fn push(&mut self, op: Op<T>, node: NodeId) -> usize {
        self.ops.push((op, node));
        self.ops.len() - 1
    }

    fn operation(
        &mut self,
        id: NodeId,
        node: &Node,
        of_node: &[usize],
        h: &Rational,
    ) -> Result<usize, SimulateError> {
        let at = |x: &NodeId| of_node[*x];
        let op = match node {
            Node::Number(value) => {
                let value = value.as_rational().ok_or(SimulateError::StepSize(h.to_f64()))?;
                Op::Number(T::from_rational(&value.into()))
            }
            Node::Step => Op::Step,
            Node::Dimension => Op::Dimension,
            // Forgotten on the slow manifold.
            Node::Decay { .. } => Op::Number(zero()),
            Node::State(i) => Op::State(*i),
            Node::New(i) => Op::New(*i),
            Node::Field { point } => Op::Field(at(point)),
            Node::FieldDerivative { direction } => Op::FieldDerivative(at(direction)),
            Node::Sum(parts) => Op::Sum(parts.iter().map(at).collect()),
            Node::Product(parts) => {
                let parts: Vec<usize> = parts.iter().map(at).collect();
                return Ok(self.product(&parts, id));
            }
            Node::Power(base, exponent) => return self.power(at(base), exponent, id, h),
            Node::Function(Function::Exponential, x) => Op::Exponential(at(x)),
            Node::Function(Function::Logarithm, x) => Op::Logarithm(at(x)),
            Node::Function(Function::HyperbolicTangent, x) => {
                // 1 - y² comes before y, whose parts of lower degree it is made of.
                let one = self.push(Op::Number(T::from_rational(&1.into())), id);
                let minus = self.push(Op::Number(T::from_rational(&(-1).into())), id);
                let y = self.ops.len() + 3;
                let square = self.push(Op::Product(y, y), id);
                let negative = self.push(Op::Product(minus, square), id);
                let slope = self.push(Op::Sum(vec![one, negative]), id);
                Op::HyperbolicTangent(at(x), slope)
            }
            Node::Function(Function::Sign, x) => Op::Sign(at(x)),
            Node::Function(Function::Absolute, x) => Op::Absolute(at(x)),
            Node::Greater(x, y) => Op::Greater(at(x), at(y)),
            Node::Entries(x) => Op::Entries(at(x)),
            Node::MatrixProduct(x, y) => Op::MatrixProduct(at(x), at(y)),
            Node::Transpose(x) => Op::Transpose(at(x)),
            Node::Identity => Op::Identity,
            Node::MatrixFunction(function, x) => Op::MatrixFunction(*function, at(x)),
        };
        Ok(self.push(op, id))
    }

    fn product(&mut self, parts: &[usize], id: NodeId) -> usize {
        match parts {
            [] => self.push(Op::Number(T::from_rational(&1.into())), id),
            [first, rest @ ..] => {
                rest.iter().fold(*first, |x, y| self.push(Op::Product(x, *y), id))
            }
        }
    }

    /// Powers with natural exponents as products, of what may be 0 as well.
    fn power(
        &mut self,
        base: usize,
        exponent: &Exponent,
        id: NodeId,
        h: &Rational,
    ) -> Result<usize, SimulateError> {
        let exponent = exponent.as_rational().ok_or(SimulateError::StepSize(h.to_f64()))?;
        if exponent.is_integer() && *exponent.numer() >= 0 {
            return Ok(self.natural(base, *exponent.numer(), id));
        }
        let exponent = Rational::new(*exponent.numer(), *exponent.denom());
        let exponent = exponent.ok_or(SimulateError::StepSize(h.to_f64()))?;
        Ok(self.push(Op::Power(base, exponent), id))
    }

    fn natural(&mut self, base: usize, n: i64, id: NodeId) -> usize {
        match n {
            0 => self.product(&[], id),
            1 => base,
            n if n % 2 == 0 => {
                let root = self.natural(base, n / 2, id);
                self.push(Op::Product(root, root), id)
            }
            n => {
                let even = self.natural(base, n - 1, id);
                self.push(Op::Product(even, base), id)
            }
        }
    }

    /// The terms of the modified field, `[coordinate][k]` with their powers `h^k`, for `k` up to the order: of `θ`, and
    /// of the states that are declared `slow`, in their order. `start` are their values.
    ///
    /// # Errors
    /// Those of the field, and kinks.
    ///
    /// # Panics
    /// If there is not one value for each.
    pub fn terms<S: JetSource<T>>(
        &self,
        start: &[Vec<T>],
        source: &mut S,
    ) -> Result<Vec<Vec<Vec<T>>>, JetError<S::Error>> {
        let slow = self.coordinates();
        assert_eq!(start.len(), slow.len(), "one value a coordinate");
        let mut blocks = Blocks::new(self, start);
        let parts = blocks.solve(source, |run| {
            let mut all = vec![Vec::with_capacity(self.order + 1); slow.len()];
            for k in 1..=self.order + 1 {
                for (terms, &i) in all.iter_mut().zip(&slow) {
                    run.state(i, k)?;
                    let speed = run.states[i][k][1].iter().flatten();
                    terms.push(speed.map(|x| x.quotient(&self.h)).collect::<Vec<T>>());
                }
            }
            Ok(all)
        })?;
        let terms = |(i, start): (usize, &Vec<T>)| {
            (0..=self.order).map(|k| blocks.join(start.len(), |b| &parts[b][i][k])).collect()
        };
        Ok(start.iter().enumerate().map(terms).collect())
    }

    /// The states on the slow manifold where the coordinates have the values `start`, up to `h^order`: what the buffers
    /// are once their transient is over.
    ///
    /// # Errors
    /// As [`terms`](Self::terms).
    ///
    /// # Panics
    /// As [`terms`](Self::terms).
    pub fn settled<S: JetSource<T>>(
        &self,
        start: &[Vec<T>],
        source: &mut S,
    ) -> Result<Vec<Vec<T>>, JetError<S::Error>> {
        assert_eq!(start.len(), self.coordinates().len(), "one value a coordinate");
        let mut blocks = Blocks::new(self, start);
        let parts = blocks.solve(source, |run| {
            let state = |i| {
                run.state(i, self.order)?;
                let mut sum = None;
                // At ν = 0; the smallest parts first.
                for part in run.states[i].iter().rev() {
                    if let Some(x) = &part[0] {
                        add(&mut sum, &T::from_rational(&1.into()), x);
                    }
                }
                Ok(sum.unwrap_or_default())
            };
            (0..self.states.len()).map(state).collect::<Result<Vec<_>, _>>()
        })?;
        let state = |(i, recurrence): (usize, &Recurrence)| {
            let length = recurrence.shape.length(start[0].len(), &self.matrices);
            blocks.join(length, |b| &parts[b][i])
        };
        Ok(self.states.iter().enumerate().map(state).collect())
    }

    /// The states that are coordinates of the modified field, `θ` first.
    pub fn coordinates(&self) -> Vec<usize> {
        (0..self.states.len()).filter(|i| self.states[*i].slow).collect()
    }

    /// Where the parameters are among the operations.
    pub(super) fn theta(&self) -> usize {
        let theta = self.ops.iter().position(|(op, _)| matches!(op, Op::State(0)));
        theta.expect("a field is evaluated at the parameters")
    }
}
