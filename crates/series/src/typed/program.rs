//! The program of one nonlinear step: a list of operations on numbers and vectors.
//!
//! `theta' = theta - h*g/norm(g)` is
//!
//! ```text
//! 0  State(0)              θ
//! 1  Field { point: 0 }    f(θ) = -∇E(θ)
//! 2  Number(-1)
//! 3  Product(2, 1)         g
//! 4  Product(3, 3)
//! 5  Entries(4)            Σ g_i²
//! 6  Power(5, 1/2)         ‖g‖
//! 7  Step                  h
//! …
//! ```
//!
//! Operands stand before their operation. An evaluator walks the list once a step, in a field of numbers or in an
//! algebra of series ([`Node`] says what each operation means); then it replaces every state by its
//! [`update`](TypedState::update).

use super::matrix::{Axis, Matrix, MatrixFunction};
use crate::exact::{RationalFunction, effort};
use num_rational::{BigRational, Ratio};
use num_traits::{CheckedAdd, CheckedMul, ToPrimitive};
use std::ops::Range;

/// An operation of a [`Program`], by its index in [`Program::nodes`].
pub type NodeId = usize;

/// Whether something is a number, has an entry for each parameter, or is made of matrices of another shape.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Shape {
    /// A number.
    Number,
    /// A vector, as long as the parameters. A number in its place stands for that number in every entry. Where the
    /// parameters are [matrices](Matrix) it is such matrices.
    Vector,
    /// A square matrix for each matrix of the parameters, with as many rows as that one has along the axis.
    Square(Axis),
    /// The transposed shape of each matrix of the parameters.
    Transposed,
}

/// An exponent: a rational number plus rational multiples of parameters, `1/2` or `-p - 1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Exponent {
    /// The number.
    pub constant: Ratio<i64>,
    /// Parameters by index and their factors, in the order of the indices; no factor is zero.
    pub symbolic: Vec<(usize, Ratio<i64>)>,
}

impl Exponent {
    /// A number.
    pub fn rational(constant: Ratio<i64>) -> Exponent {
        Exponent { constant, symbolic: Vec::new() }
    }

    /// An integer.
    pub fn integer(n: i64) -> Exponent {
        Exponent::rational(n.into())
    }

    /// The number, if no parameter occurs.
    pub fn as_rational(&self) -> Option<Ratio<i64>> {
        self.symbolic.is_empty().then_some(self.constant)
    }

    /// The integer that it is.
    pub fn as_integer(&self) -> Option<i64> {
        self.as_rational().filter(Ratio::is_integer).map(|n| n.to_integer())
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.as_integer() == Some(0)
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(&self, other: &Exponent) -> Exponent {
        let mut symbolic = self.symbolic.clone();
        for (parameter, factor) in &other.symbolic {
            match symbolic.binary_search_by_key(parameter, |(p, _)| *p) {
                Ok(at) => {
                    symbolic[at].1 = bounded(symbolic[at].1.checked_add(factor));
                    if symbolic[at].1 == Ratio::from(0) {
                        symbolic.remove(at);
                    }
                }
                Err(at) => symbolic.insert(at, (*parameter, *factor)),
            }
        }
        Exponent { constant: bounded(self.constant.checked_add(&other.constant)), symbolic }
    }

    /// The product with a number.
    #[must_use]
    pub fn times(&self, factor: Ratio<i64>) -> Exponent {
        if factor == Ratio::from(0) {
            return Exponent::integer(0);
        }
        let times = |c: &Ratio<i64>| bounded(c.checked_mul(&factor));
        let symbolic = self.symbolic.iter().map(|(p, c)| (*p, times(c))).collect();
        Exponent { constant: times(&self.constant), symbolic }
    }

    /// The exponent that a coefficient is, if it is linear in the parameters, with numbers that fit.
    pub(crate) fn of(value: &RationalFunction) -> Option<Exponent> {
        let denominator = value.denominator().as_constant()?;
        let mut exponent = Exponent::integer(0);
        for (monomial, coefficient) in value.numerator().terms() {
            let number = BigRational::new(coefficient.clone(), denominator.clone());
            let number = Ratio::new(number.numer().to_i64()?, number.denom().to_i64()?);
            match monomial.degree() {
                0 => exponent.constant = number,
                1 => exponent.symbolic.push((monomial.0.iter().position(|e| *e == 1)?, number)),
                _ => return None,
            }
        }
        exponent.symbolic.sort_unstable_by_key(|(parameter, _)| *parameter);
        Some(exponent)
    }

    /// The exponent as a coefficient.
    pub fn value(&self) -> RationalFunction {
        let number = |q: &Ratio<i64>| {
            let fraction = BigRational::new((*q.numer()).into(), (*q.denom()).into());
            RationalFunction::from(fraction)
        };
        self.symbolic.iter().fold(number(&self.constant), |sum, (p, c)| {
            &sum + &(&RationalFunction::variable(*p) * &number(c))
        })
    }
}

/// An exponent that fits into machine integers. Others come only from texts that are made to be large, which are given up
/// as what takes too long.
fn bounded(value: Option<Ratio<i64>>) -> Ratio<i64> {
    value.unwrap_or_else(|| {
        effort::spend(u64::MAX);
        Ratio::from(0)
    })
}

/// A function of a number, entry by entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Function {
    /// `e^x`.
    Exponential,
    /// The natural logarithm.
    Logarithm,
    /// The hyperbolic tangent.
    HyperbolicTangent,
    /// The sign: -1, 0 or 1. Its derivative is 0, away from 0.
    Sign,
    /// `|x|`. Its derivative is the sign, away from 0.
    Absolute,
}

/// One operation.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// A rational function of the [`parameters`](Program::parameters), without `h`.
    Number(RationalFunction),
    /// The step size `h`.
    Step,
    /// The number of entries of the parameters.
    Dimension,
    /// `base^(factor t + offset)` with the step number `t = 1, 2, …`, where `0 < base < 1` and `factor > 0`: what a bias
    /// correction subtracts from 1. On the slow manifold it is 0.
    Decay {
        /// The base.
        base: RationalFunction,
        /// What `t` is multiplied by.
        factor: RationalFunction,
        /// What is added to that.
        offset: RationalFunction,
    },
    /// The old value of a state.
    State(usize),
    /// The new value of a state.
    New(usize),
    /// `f` at a point, where `f = -∇E`.
    Field {
        /// The point.
        point: NodeId,
    },
    /// The derivative of `f` at the old parameters along a vector, `Df(θ)[v] = -∇²E(θ) v`.
    FieldDerivative {
        /// The vector.
        direction: NodeId,
    },
    /// A sum.
    Sum(Vec<NodeId>),
    /// A product, entry by entry.
    Product(Vec<NodeId>),
    /// A power, entry by entry: a quotient has the exponent -1, a square root 1/2.
    Power(NodeId, Exponent),
    /// A function, entry by entry.
    Function(Function, NodeId),
    /// The greater of two, entry by entry.
    Greater(NodeId, NodeId),
    /// The sum of the entries of a vector.
    Entries(NodeId),
    /// The product of two matrices, for each matrix of the parameters.
    MatrixProduct(NodeId, NodeId),
    /// The transposed matrix.
    Transpose(NodeId),
    /// The identity matrix of a square shape.
    Identity,
    /// A function of a matrix.
    MatrixFunction(MatrixFunction, NodeId),
}

impl Node {
    /// What it is made of.
    pub fn operands(&self) -> Vec<NodeId> {
        match self {
            Node::Sum(parts) | Node::Product(parts) => parts.clone(),
            Node::Power(x, _) | Node::Function(_, x) | Node::Entries(x) => vec![*x],
            Node::Field { point: x } | Node::FieldDerivative { direction: x } => vec![*x],
            Node::Greater(x, y) | Node::MatrixProduct(x, y) => vec![*x, *y],
            Node::Transpose(x) | Node::MatrixFunction(_, x) => vec![*x],
            _ => Vec::new(),
        }
    }
}

/// A state of a nonlinear step.
#[derive(Clone, PartialEq, Debug)]
pub struct TypedState {
    /// Its name.
    pub name: String,
    /// A number or a vector.
    pub shape: Shape,
    /// Whether it is a coordinate of the modified field, as the parameters are, rather than a buffer.
    pub slow: bool,
    /// What it is before the first step; `None` where nothing is said: 0.
    pub initial: Option<Initial>,
    /// What takes the place of `update` in the first step.
    pub first: Option<NodeId>,
    /// The new value is `Σ c x + Σ rest`: the states that it is linear in, with coefficients that no state occurs in,
    /// and the rest. This is `update` once more, as the recurrence in the step number needs it.
    pub linear: Vec<(usize, NodeId)>,
    /// The rest.
    pub rest: Vec<NodeId>,
    /// The new value.
    pub update: NodeId,
    /// Where the new value is written.
    pub place: Range<usize>,
}

/// What a state is before the first step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Initial {
    /// `c θ`, a multiple of the parameter vector of its space: 0, or an older iterate.
    Multiple(RationalFunction),
    /// Every entry is this number; of square matrices, those on the diagonal, and the others are 0.
    Entries(RationalFunction),
    /// What the slow manifold has at the parameters: as if the optimizer had been running before.
    Settled,
}

/// One step of an optimizer whose operations are not linear.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// The optimizer's name.
    pub name: String,
    /// Names of the parameters that stay symbolic.
    pub parameters: Vec<String>,
    /// The states, the parameters `theta` first.
    pub states: Vec<TypedState>,
    /// The operations. Operands stand before their operation.
    pub nodes: Vec<Node>,
    /// Whether each is a number or a vector.
    pub shapes: Vec<Shape>,
    /// Where each is written.
    pub places: Vec<Range<usize>>,
    /// The matrices that the parameters are, one after the other; empty where that is not known, or of no use.
    pub matrices: Vec<Matrix>,
}

impl Program {
    /// The same step with what stands for each of its parameters, rational functions of others. `None` where that divides by
    /// zero, or makes an exponent that is not linear in them.
    pub(crate) fn with_values(
        &self,
        values: &[Option<RationalFunction>],
        parameters: Vec<String>,
    ) -> Option<Program> {
        let put = |c: &RationalFunction| c.substitute(values);
        let node = |node: &Node| {
            Some(match node {
                Node::Number(c) => Node::Number(put(c)?),
                Node::Decay { base, factor, offset } => {
                    Node::Decay { base: put(base)?, factor: put(factor)?, offset: put(offset)? }
                }
                Node::Power(x, exponent) => {
                    Node::Power(*x, Exponent::of(&put(&exponent.value())?)?)
                }
                other => other.clone(),
            })
        };
        let state = |state: &TypedState| {
            let initial = match &state.initial {
                Some(Initial::Multiple(c)) => Some(Initial::Multiple(put(c)?)),
                Some(Initial::Entries(c)) => Some(Initial::Entries(put(c)?)),
                other => other.clone(),
            };
            Some(TypedState { initial, ..state.clone() })
        };
        Some(Program {
            parameters,
            nodes: self.nodes.iter().map(node).collect::<Option<_>>()?,
            states: self.states.iter().map(state).collect::<Option<_>>()?,
            ..self.clone()
        })
    }

    /// Whether the new value of a state is the greater or the smaller one of its old value and something else.
    pub(crate) fn is_running_extreme(&self, state: usize) -> bool {
        let is_minus =
            |id: NodeId| matches!(&self.nodes[id], Node::Number(value) if (-value).is_one());
        // `min(a, b)` is `-max(-a, -b)`.
        let unsigned = |id: NodeId| match &self.nodes[id] {
            Node::Product(parts) => match parts[..] {
                [sign, x] if is_minus(sign) => x,
                _ => id,
            },
            _ => id,
        };
        let is_old = |id: NodeId| matches!(self.nodes[unsigned(id)], Node::State(i) if i == state);
        match self.nodes[unsigned(self.states[state].update)] {
            Node::Greater(x, y) => is_old(x) || is_old(y),
            _ => false,
        }
    }

    /// Where the step is not smooth: the operations `sign`, `abs`, `min`, `max` and `clip` whose kinks a derivative
    /// knows nothing of.
    pub fn kinks(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..self.nodes.len()).filter(|id| {
            matches!(
                self.nodes[*id],
                Node::Greater(..) | Node::Function(Function::Sign | Function::Absolute, _)
            )
        })
    }
}
