//! Claims as written.

use crate::tree::Tree;
use num_rational::BigRational;
use std::ops::Range;

/// A claim as written. Two are equal if they are written alike, wherever they stand.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Generic vector fields and definitions, in order.
    pub(crate) declarations: Vec<Declaration>,
    /// The sides of the equation, two or more.
    pub(crate) sides: Vec<Expr>,
    /// Up to which power of which variable the sides agree.
    pub(crate) up_to: Option<UpTo>,
    /// Which terms are left out of the comparison.
    pub(crate) modulo: Option<Modulo>,
    /// The values for which the equation is claimed.
    pub(crate) ranges: Vec<IndexRange>,
    /// Whether the claim is a printed error: `expect false`.
    pub(crate) expect_false: bool,
    /// Where it stands.
    pub(crate) span: Range<usize>,
}

impl PartialEq for Claim {
    fn eq(&self, other: &Claim) -> bool {
        (&self.name, &self.declarations, &self.sides, &self.up_to, &self.modulo)
            == (&other.name, &other.declarations, &other.sides, &other.up_to, &other.modulo)
            && (&self.ranges, self.expect_false) == (&other.ranges, other.expect_false)
    }
}

/// What stands before the equation.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Declaration {
    /// `fields f1, f2;`: arbitrary vector fields.
    Fields(Vec<String>),
    /// `let name(parameters) = body;`
    Let(Definition),
}

/// A name for an expression, or for a family of them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Definition {
    pub name: String,
    pub parameters: Vec<String>,
    pub body: Expr,
}

/// `up to variable^exponent`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct UpTo {
    pub variable: String,
    pub exponent: Option<Expr>,
}

/// The terms that `modulo` leaves out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Modulo {
    /// Trees with a branching node: derivatives of `f` above the first, the paper's `C(∇³E)`.
    Nonprincipal,
    /// What vanishes where `f` does: trees with a vector field as a leaf.
    Critical,
}

impl Modulo {
    /// As written.
    pub fn word(self) -> &'static str {
        match self {
            Modulo::Nonprincipal => "nonprincipal",
            Modulo::Critical => "critical",
        }
    }
}

/// `name in from..to`, both ends included.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct IndexRange {
    pub name: String,
    pub from: Expr,
    pub to: Expr,
}

/// An expression and where it stands, which equality ignores.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub span: Range<usize>,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.kind == other.kind
    }
}

/// The forms of an expression. Sums, products and juxtapositions are flat, so that their length
/// does not deepen the recursion of what works on them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum ExprKind {
    Number(BigRational),
    Tree(Tree),
    Name(String),
    /// The summands, `true` for those that are subtracted.
    Sum(Vec<(bool, Expr)>),
    /// The factors, `true` for divisors.
    Product(Vec<(bool, Expr)>),
    Negative(Box<Expr>),
    /// `f'f'f`: each operator acts on what follows.
    Juxtaposition(Vec<Expr>),
    Power(Box<Expr>, Box<Expr>),
    Factorial(Box<Expr>),
    /// `X''`: the derivative, that many times.
    Prime(Box<Expr>, usize),
    /// `f(a, name = b)`.
    Apply(Box<Expr>, Vec<Argument>),
    /// `D3E[a, b]`.
    Index(Box<Expr>, Vec<Expr>),
    /// `‖X‖`, of which only the square is a series.
    Norm(Box<Expr>),
    /// `∇X`, `∇²E`.
    Nabla(usize, Box<Expr>),
    /// `sum(i in a..b, …: body)`.
    Summation(Vec<IndexRange>, Box<Expr>),
}

/// An argument of a call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Argument {
    pub name: Option<String>,
    pub value: Expr,
}

impl Expr {
    /// Calls `visit` on this expression and on all below it.
    pub fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Tree(_) | ExprKind::Name(_) => {}
            ExprKind::Sum(parts) | ExprKind::Product(parts) => {
                parts.iter().for_each(|(_, e)| e.walk(visit));
            }
            ExprKind::Juxtaposition(parts) => parts.iter().for_each(|e| e.walk(visit)),
            ExprKind::Negative(e)
            | ExprKind::Factorial(e)
            | ExprKind::Prime(e, _)
            | ExprKind::Norm(e)
            | ExprKind::Nabla(_, e) => e.walk(visit),
            ExprKind::Power(base, exponent) => {
                base.walk(visit);
                exponent.walk(visit);
            }
            ExprKind::Apply(callee, arguments) => {
                callee.walk(visit);
                arguments.iter().for_each(|a| a.value.walk(visit));
            }
            ExprKind::Index(tensor, arguments) => {
                tensor.walk(visit);
                arguments.iter().for_each(|e| e.walk(visit));
            }
            ExprKind::Summation(ranges, body) => {
                for range in ranges {
                    range.from.walk(visit);
                    range.to.walk(visit);
                }
                body.walk(visit);
            }
        }
    }
}

impl Claim {
    /// Every expression of the claim.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let definitions = self.declarations.iter().filter_map(|d| match d {
            Declaration::Let(definition) => Some(&definition.body),
            Declaration::Fields(_) => None,
        });
        self.sides
            .iter()
            .chain(definitions)
            .chain(self.ranges.iter().flat_map(|r| [&r.from, &r.to]))
            .chain(self.up_to.iter().filter_map(|u| u.exponent.as_ref()))
    }
}
