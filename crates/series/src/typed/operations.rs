//! The nodes of a program as operations on two operands at most.

use super::atoms::{Atom, Opaque, Product};
use super::program::{Exponent, Function, Node, NodeId};
use super::solve::{Op, Solver};
use super::sum::Sum;
use crate::exact::RationalFunction;
use num_rational::Ratio;
use num_traits::ToPrimitive;

impl Solver<'_> {
    fn push(&mut self, op: Op, node: NodeId) -> usize {
        self.ops.push((op, node));
        self.values.push(Vec::new());
        self.ops.len() - 1
    }

    pub(super) fn operation(&mut self, id: NodeId, node: &Node, at: Option<u64>) -> usize {
        let op = match node {
            Node::Number(value) => Op::Constant(Sum::constant(value.clone())),
            Node::Step => Op::Step,
            Node::Dimension => {
                let atom = self.atoms.intern(Atom::Dimension);
                Op::Constant(Sum::term(Product::of(atom), RationalFunction::one()))
            }
            Node::Decay { base, factor, offset } => Op::Constant(match at {
                None => Sum::default(),
                Some(step) => {
                    let t = RationalFunction::integer(i64::try_from(step).unwrap_or(i64::MAX));
                    self.decayed(base, &(&(factor * &t) + offset))
                }
            }),
            Node::State(i) => Op::State(*i),
            Node::New(i) => Op::New(*i),
            Node::Field { point } => Op::Field(self.of_node[*point]),
            Node::FieldDerivative { direction } => Op::FieldDerivative(self.of_node[*direction]),
            Node::Sum(parts) => Op::Sum(parts.iter().map(|part| self.of_node[*part]).collect()),
            Node::Product(parts) => {
                let parts: Vec<usize> = parts.iter().map(|part| self.of_node[*part]).collect();
                return self.balanced(&parts, id);
            }
            Node::Power(base, exponent) => {
                let base = self.of_node[*base];
                return match exponent.as_integer() {
                    Some(n @ 0..=64) => self.repeated(base, n.unsigned_abs(), id),
                    _ => self.push(Op::Power(base, exponent.clone()), id),
                };
            }
            Node::Function(function, argument) => {
                let argument = self.of_node[*argument];
                match function {
                    Function::Exponential => Op::Exponential(argument),
                    Function::Logarithm => Op::Logarithm(argument),
                    Function::HyperbolicTangent => Op::HyperbolicTangent(argument),
                    Function::Sign => Op::Sign(argument),
                    Function::Absolute => Op::Absolute(argument),
                }
            }
            Node::Greater(a, b) => Op::Greater(self.of_node[*a], self.of_node[*b]),
            Node::Entries(vector) => Op::Entries(self.of_node[*vector]),
            Node::MatrixProduct(a, b) => Op::MatrixProduct(self.of_node[*a], self.of_node[*b]),
            Node::Transpose(x) => Op::Transpose(self.of_node[*x]),
            Node::Identity => {
                let (axis, _) = self.program.shapes[id].axes().expect("a square matrix");
                let atom = self.atoms.intern(Atom::Identity(axis));
                Op::Constant(Sum::term(Product::of(atom), RationalFunction::one()))
            }
            Node::MatrixFunction(function, x) => Op::MatrixFunction(*function, self.of_node[*x]),
        };
        self.push(op, id)
    }

    /// The product of some operations, as a tree that is not deep.
    fn balanced(&mut self, parts: &[usize], id: NodeId) -> usize {
        match parts {
            [] => self.push(Op::Constant(Sum::constant(RationalFunction::one())), id),
            [one] => *one,
            _ => {
                let (left, right) = parts.split_at(parts.len() / 2);
                let (left, right) = (self.balanced(left, id), self.balanced(right, id));
                self.push(Op::Product(left, right), id)
            }
        }
    }

    /// `base^n`, by squares.
    fn repeated(&mut self, base: usize, n: u64, id: NodeId) -> usize {
        match n {
            0 => self.push(Op::Constant(Sum::constant(RationalFunction::one())), id),
            1 => base,
            _ => {
                let half = self.repeated(base, n / 2, id);
                let square = self.push(Op::Product(half, half), id);
                if n.is_multiple_of(2) { square } else { self.push(Op::Product(square, base), id) }
            }
        }
    }

    /// `base^exponent`
    fn decayed(&mut self, base: &RationalFunction, exponent: &RationalFunction) -> Sum {
        let rational = exponent
            .as_rational()
            .and_then(|q| Some(Ratio::new(q.numer().to_i64()?, q.denom().to_i64()?)));
        let sum = Sum::constant(base.clone());
        match rational {
            Some(exponent) => self.atoms.power(&sum, &Exponent::rational(exponent)),
            // With a symbolic exponent: b^x = exp(x log b).
            None => {
                let log = self.atoms.function(Opaque::Logarithm, sum.coefficient(0));
                let argument = log.scale(exponent).coefficient(0);
                self.atoms.function(Opaque::Exponential, argument)
            }
        }
    }
}
