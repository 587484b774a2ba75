//! The syntax tree of a loss.

use super::super::graph::Relation;
use num_rational::BigRational;
use std::ops::Range;

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub text: String,
    pub span: Range<usize>,
}

/// `loss name(parameters) { declarations; let …; formula }`.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub name: Name,
    pub doc: String,
    pub parameters: Vec<(Name, Option<Expression>)>,
    pub variables: Vec<Variable>,
    pub data: Vec<Data>,
    pub start: Vec<Expression>,
    pub minima: Vec<Vec<Expression>>,
    pub body: Body,
}

/// `variables x[3] in -1..1`.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub name: Name,
    pub shape: Vec<Expression>,
    pub domain: Option<(Expression, Expression)>,
}

/// `data X, t = iris`.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub inputs: Name,
    pub targets: Name,
    pub table: Name,
}

/// `let r = …; formula`.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub lets: Vec<(Name, Expression)>,
    pub value: Expression,
}

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub kind: ExpressionKind,
    pub span: Range<usize>,
}

/// `i in a..b`, both ends included.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub name: Name,
    pub from: Expression,
    pub to: Expression,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum ExpressionKind {
    Number(BigRational),
    Name(String),
    /// Terms with their signs: `true` is subtracted.
    Sum(Vec<(bool, Expression)>),
    /// Factors: `true` divides.
    Product(Vec<(bool, Expression)>),
    Negative(Box<Expression>),
    Power(Box<Expression>, Box<Expression>),
    Index(Box<Expression>, Vec<Expression>),
    Call(Name, Vec<Expression>),
    Array(Vec<Expression>),
    Comprehension(Vec<Loop>, Box<Expression>),
    Summation(Vec<Loop>, Box<Expression>),
    Where(Box<Expression>, Relation, Box<Expression>, Box<Expression>, Box<Expression>),
}
