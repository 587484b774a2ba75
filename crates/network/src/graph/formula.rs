//! A formula of the loss language as nodes: each expression is a column with an entry for each example.

use super::lower::Lowering;
use super::operation::Operation;
use bea_flow::loss::{Expr, Function, Loss, Node, Relation};
use bea_series::exact::Rational;
use std::collections::HashMap;

impl Lowering<'_> {
    /// The values `[count, 1]` of a formula whose variables are the columns of `y` and those of `t`, both `[count, width]`.
    pub(super) fn formula(&mut self, loss: &Loss, y: usize, t: usize) -> usize {
        let (graph, width) = (loss.graph(), self.shape(y)[1]);
        let mut known: HashMap<Expr, usize> = HashMap::new();
        for expression in graph.reachable(&[loss.expression()]) {
            let of = |operand: &Expr| known[operand];
            let node = match graph.node(expression) {
                Node::Constant(value) => self.scalar(value.to_f64()),
                Node::Pi => self.scalar(std::f64::consts::PI),
                Node::Variable(index) => match *index as usize {
                    at if at < width => self.column(y, at),
                    at => self.column(t, at - width),
                },
                Node::Sum { constant, terms } => {
                    let terms: Vec<_> = terms.iter().map(|(c, e)| (c.to_f64(), of(e))).collect();
                    self.linear_combination(constant, &terms)
                }
                Node::Product(factors) => {
                    let factors: Vec<_> = factors.iter().map(|(e, r)| (of(e), r)).collect();
                    self.powers(&factors)
                }
                Node::Apply(function, x) => self.applied(*function, of(x)),
                Node::Select(condition, yes, no) => {
                    let order = match condition.relation {
                        Relation::Less => Operation::Less,
                        Relation::LessEqual => Operation::LessEqual,
                        Relation::Greater => Operation::Greater,
                        Relation::GreaterEqual => Operation::GreaterEqual,
                    };
                    let mask = self.push(order, &[of(&condition.left), of(&condition.right)]);
                    self.push(Operation::Where, &[mask, of(yes), of(no)])
                }
            };
            known.insert(expression, node);
        }
        known[&loss.expression()]
    }

    fn scalar(&mut self, value: f64) -> usize {
        self.push(Operation::Scalar { value }, &[])
    }

    fn column(&mut self, x: usize, at: usize) -> usize {
        let (count, at) = (self.shape(x)[0] as i64, at as i64);
        let (starts, stops, steps) = (vec![0, at], vec![count, at + 1], vec![1, 1]);
        self.push(Operation::Slice { starts, stops, steps }, &[x])
    }

    /// `constant + Σ c x`, with one term or more.
    fn linear_combination(&mut self, constant: &Rational, terms: &[(f64, usize)]) -> usize {
        let mut sum = None;
        for &(factor, x) in terms {
            sum = Some(match (sum, factor) {
                (None, 1.0) => x,
                (None, factor) => self.push(Operation::Scale { factor }, &[x]),
                (Some(sum), 1.0) => self.push(Operation::Add, &[sum, x]),
                (Some(sum), -1.0) => self.push(Operation::Subtract, &[sum, x]),
                (Some(sum), factor) => {
                    let x = self.push(Operation::Scale { factor }, &[x]);
                    self.push(Operation::Add, &[sum, x])
                }
            });
        }
        let sum = sum.expect("a sum has a term");
        if constant.is_zero() {
            return sum;
        }
        self.push(Operation::Offset { term: constant.to_f64() }, &[sum])
    }

    /// `Π x^r`, with one factor or more.
    fn powers(&mut self, factors: &[(usize, &Rational)]) -> usize {
        let mut product = None;
        for &(x, exponent) in factors {
            let whole = exponent.as_integer().and_then(|n| i32::try_from(n).ok());
            let x = match whole {
                Some(1) => x,
                Some(2) => self.push(Operation::Square, &[x]),
                Some(exponent) => self.push(Operation::IntegerPower { exponent }, &[x]),
                None => self.push(Operation::RealPower { exponent: exponent.to_f64() }, &[x]),
            };
            product = Some(match product {
                None => x,
                Some(product) => self.push(Operation::Multiply, &[product, x]),
            });
        }
        product.expect("a product has a factor")
    }

    fn applied(&mut self, function: Function, x: usize) -> usize {
        let operation = match function {
            Function::Exp => Operation::Exp,
            Function::Log => Operation::Log,
            Function::Sin => Operation::Sin,
            Function::Cos => Operation::Cos,
            Function::Tan => Operation::Tan,
            Function::Sinh => return self.hyperbolic(Operation::Expm1, Operation::Subtract, x),
            Function::Cosh => return self.hyperbolic(Operation::Exp, Operation::Add, x),
            Function::Tanh => Operation::Tanh,
            Function::Abs => Operation::Abs,
            Function::Relu => Operation::Relu,
            Function::Elu => Operation::Elu { alpha: 1.0 },
            Function::Sigmoid => Operation::Sigmoid,
            Function::Softplus => Operation::Softplus,
            Function::Erf => Operation::Erf,
            Function::NormalCdf => Operation::NormalCdf,
            Function::Gelu => Operation::Gelu,
        };
        self.push(operation, &[x])
    }

    /// Half the sum or difference of an exponential at `x` and `-x`.
    fn hyperbolic(&mut self, exponential: Operation, joined: Operation, x: usize) -> usize {
        let minus = self.push(Operation::Neg, &[x]);
        let (up, down) = (self.push(exponential.clone(), &[x]), self.push(exponential, &[minus]));
        let both = self.push(joined, &[up, down]);
        self.push(Operation::Scale { factor: 0.5 }, &[both])
    }
}
