//! The parts of an optimizer's text. Equality ignores where a part stands.

use num_rational::BigRational;
use std::ops::Range;

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub text: String,
    pub span: Range<usize>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text == other.text
    }
}

/// One line of an optimizer.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Statement {
    /// `players x, y`
    Players(Vec<Name>),
    /// `fields f, w = -theta`
    Fields(Vec<Declared>),
    /// `state v, w = 0`
    States(Vec<Declared>),
    /// `slow v, w = 0`
    Slow(Vec<Declared>),
    /// `let k = …`
    Stage(Name, Expression),
    /// `first v' = …`
    First(Name, Expression),
    /// `v' = …`
    Update(Name, Expression),
}

/// A field, or a state, and what is said of it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Declared {
    pub name: Name,
    pub value: Option<Expression>,
}

/// A right-hand side or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub kind: Kind,
    pub span: Range<usize>,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.kind == other.kind
    }
}

/// Sums and products are lists, so that only brackets nest.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    /// A literal; its denominator divides a power of ten.
    Number(BigRational),
    /// A parameter, `h`, the old value of a state, a stage.
    Old(String),
    /// `x'`.
    New(String),
    /// Two terms or more; `true` marks a term that is subtracted (never the first).
    Sum(Vec<(bool, Expression)>),
    /// Two factors or more; `true` marks one that divides (never the first).
    Product(Vec<(bool, Expression)>),
    /// `-x`.
    Negative(Box<Expression>),
    /// `x^n`.
    Power(Box<Expression>, Box<Expression>),
    /// `f(x, …)`, or a function of vectors and numbers, `sqrt(x)`.
    Application(Name, Vec<Expression>),
    /// `D(f)[v]`, the derivative of a field at the parameters along `v`.
    Derivative(Name, Box<Expression>),
}
