//! The functions of the loss language, their derivatives and their exact identities.

use super::graph::{Condition, Expr, Graph, Relation};
use bea_series::exact::Rational;

/// A function of one argument. Square roots and other powers are [`Node::Product`]s, maxima and
/// minima are [`Node::Select`]s.
///
/// [`Node::Product`]: super::Node::Product
/// [`Node::Select`]: super::Node::Select
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Function {
    /// `e^x`.
    Exp,
    /// The natural logarithm, principal branch.
    Log,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// `x` where `Re x ≥ 0`, `-x` elsewhere.
    Abs,
    /// `x` where `Re x > 0`, 0 elsewhere.
    Relu,
    /// `x` where `Re x > 0`, `e^x - 1` elsewhere.
    Elu,
    /// `1/(1 + e^(-x))`.
    Sigmoid,
    /// `log(1 + e^x)`.
    Softplus,
    /// The error function `2/√π ∫_0^x e^(-t²) dt`.
    Erf,
    /// The distribution function of the standard normal law, `Φ(x) = (1 + erf(x/√2))/2`.
    NormalCdf,
    /// `x Φ(x)`, the exact Gaussian error linear unit.
    Gelu,
}

impl Function {
    /// All functions.
    pub const ALL: [Function; 16] = [
        Function::Exp,
        Function::Log,
        Function::Sin,
        Function::Cos,
        Function::Tan,
        Function::Sinh,
        Function::Cosh,
        Function::Tanh,
        Function::Abs,
        Function::Relu,
        Function::Elu,
        Function::Sigmoid,
        Function::Softplus,
        Function::Erf,
        Function::NormalCdf,
        Function::Gelu,
    ];

    /// Its name in the loss language.
    pub fn name(self) -> &'static str {
        match self {
            Function::Exp => "exp",
            Function::Log => "log",
            Function::Sin => "sin",
            Function::Cos => "cos",
            Function::Tan => "tan",
            Function::Sinh => "sinh",
            Function::Cosh => "cosh",
            Function::Tanh => "tanh",
            Function::Abs => "abs",
            Function::Relu => "relu",
            Function::Elu => "elu",
            Function::Sigmoid => "sigmoid",
            Function::Softplus => "softplus",
            Function::Erf => "erf",
            Function::NormalCdf => "normal_cdf",
            Function::Gelu => "gelu",
        }
    }

    /// `Some(1)` for even functions, `Some(-1)` for odd ones.
    pub(super) fn parity(self) -> Option<i64> {
        match self {
            Function::Cos | Function::Cosh | Function::Abs => Some(1),
            Function::Sin | Function::Tan | Function::Sinh | Function::Tanh | Function::Erf => {
                Some(-1)
            }
            _ => None,
        }
    }

    /// The value at a rational number where it is rational.
    pub(super) fn exact(self, x: &Rational) -> Option<Rational> {
        let positive = !x.is_negative() && !x.is_zero();
        match self {
            Function::Abs => Some(if x.is_negative() { -x } else { x.clone() }),
            Function::Relu => Some(if positive { x.clone() } else { 0.into() }),
            Function::Elu if positive => Some(x.clone()),
            Function::Log => x.is_one().then(|| 0.into()),
            _ if !x.is_zero() => None,
            Function::Exp | Function::Cos | Function::Cosh => Some(1.into()),
            Function::Sigmoid | Function::NormalCdf => Rational::new(1, 2),
            Function::Softplus => None,
            Function::Sin | Function::Tan | Function::Sinh | Function::Tanh => Some(0.into()),
            Function::Elu | Function::Erf | Function::Gelu => Some(0.into()),
        }
    }
}

impl Graph {
    /// `F'(x)` as an expression. Where the derivative jumps it is that of the branch which the value
    /// is taken from.
    pub fn derivative_of_function(&mut self, function: Function, x: Expr) -> Expr {
        let one = self.integer(1);
        match function {
            Function::Exp => self.apply(Function::Exp, x),
            Function::Log => self.powi(x, -1),
            Function::Sin => self.apply(Function::Cos, x),
            Function::Cos => {
                let sine = self.apply(Function::Sin, x);
                self.neg(sine)
            }
            Function::Tan => {
                let tangent = self.apply(Function::Tan, x);
                let square = self.powi(tangent, 2);
                self.add(one, square)
            }
            Function::Sinh => self.apply(Function::Cosh, x),
            Function::Cosh => self.apply(Function::Sinh, x),
            Function::Tanh => {
                let tangent = self.apply(Function::Tanh, x);
                let square = self.powi(tangent, 2);
                self.sub(one, square)
            }
            Function::Abs => {
                let minus = self.integer(-1);
                self.where_sign(x, Relation::GreaterEqual, one, minus)
            }
            Function::Relu => {
                let zero = self.integer(0);
                self.where_sign(x, Relation::Greater, one, zero)
            }
            Function::Elu => {
                let slope = self.apply(Function::Exp, x);
                self.where_sign(x, Relation::Greater, one, slope)
            }
            Function::Softplus => self.apply(Function::Sigmoid, x),
            // σ(x) σ(-x) rather than σ (1 - σ), which cancels for large x.
            Function::Sigmoid => {
                let left = self.apply(Function::Sigmoid, x);
                let minus = self.neg(x);
                let right = self.apply(Function::Sigmoid, minus);
                self.mul(left, right)
            }
            Function::Erf => {
                let square = self.powi(x, 2);
                let bell = self.neg(square);
                let bell = self.apply(Function::Exp, bell);
                let pi = self.pi();
                let root = self.power(pi, &half(-1));
                let value = self.mul(bell, root);
                self.scale(&2.into(), value)
            }
            Function::NormalCdf => self.normal_density(x),
            Function::Gelu => {
                let cdf = self.apply(Function::NormalCdf, x);
                let density = self.normal_density(x);
                let moment = self.mul(x, density);
                self.add(cdf, moment)
            }
        }
    }

    /// `e^(-x²/2)/√(2π)`.
    fn normal_density(&mut self, x: Expr) -> Expr {
        let square = self.powi(x, 2);
        let exponent = self.scale(&half(-1), square);
        let bell = self.apply(Function::Exp, exponent);
        let pi = self.pi();
        let tau = self.scale(&2.into(), pi);
        let root = self.power(tau, &half(-1));
        self.mul(bell, root)
    }

    fn where_sign(&mut self, x: Expr, relation: Relation, yes: Expr, no: Expr) -> Expr {
        let zero = self.integer(0);
        self.select(Condition { left: x, relation, right: zero }, yes, no)
    }
}

/// `n/2`.
fn half(n: i64) -> Rational {
    Rational::new(n, 2).expect("2 is not 0")
}
