//! Terms in the notation of the claim that they belong to.

use super::differential::{Differential, FieldKind, H};
use super::holes::hole;
use super::products::Product;
use super::scope::{Names, derivative_of_loss};
use super::syntax::{Claim, ExprKind};
use crate::exact::RationalFunction as Q;
use crate::expression::PowerSeries;
use crate::formula::superscript;
use crate::tree::Tree;

/// How elementary differentials are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// `f'f`, `f''(f,f)`.
    Prime,
    /// `H*g`, `D3E[g,g]`.
    Gradient,
    /// `∇²E*∇E`, `∇³E[∇E,∇E]`.
    Nabla,
}

impl Style {
    /// The notation that a claim uses.
    pub fn of(claim: &Claim) -> Style {
        let mut style = Style::Prime;
        for expression in claim.expressions() {
            expression.walk(&mut |e| match &e.kind {
                ExprKind::Nabla(_, inner) => {
                    if matches!(&inner.kind, ExprKind::Name(n) if n == "E") {
                        style = Style::Nabla;
                    }
                }
                ExprKind::Name(name)
                    if style == Style::Prime
                        && (matches!(name.as_str(), "g" | "H")
                            || derivative_of_loss(name).is_some()) =>
                {
                    style = Style::Gradient;
                }
                _ => {}
            });
        }
        style
    }

    /// The style in which a combination can be written: gradients are those of one loss.
    pub fn for_field(self, field: &Differential) -> Style {
        if field.is_of_one_field() { self } else { Style::Prime }
    }

    /// The factor between the term as written and the elementary differential in `f = -∇E`. The
    /// loss itself, the free tree of one node, is written `E` in every style and stored as `-E`.
    pub fn sign(self, tree: &Tree, kind: FieldKind) -> Q {
        fn nodes(tree: &Tree) -> usize {
            tree.children().iter().map(nodes).sum::<usize>() + usize::from(hole(tree).is_none())
        }
        let Product { tree, scalars } = Product::of(tree, kind == FieldKind::Scalar);
        let negative = |nodes: usize, scalar: bool| {
            (self != Style::Prime || (scalar && nodes == 1)) && nodes % 2 == 1
        };
        let of_scalars = scalars.iter().filter(|s| negative(nodes(s), true)).count();
        let all = of_scalars + tree.iter().filter(|t| negative(nodes(t), false)).count();
        Q::integer(if all % 2 == 1 { -1 } else { 1 })
    }
}

/// An elementary differential, or a scalar one, without its coefficient.
pub(crate) fn differential(tree: &Tree, kind: FieldKind, style: Style, names: &Names) -> String {
    let Product { tree, mut scalars } = Product::of(tree, kind == FieldKind::Scalar);
    scalars.sort_unstable();
    let mut parts: Vec<String> = Vec::new();
    for equal in scalars.chunk_by(|a, b| a == b) {
        let text = scalar(&equal[0], style, names);
        let squared = text.strip_suffix('²');
        parts.push(match (equal.len(), squared) {
            (1, _) => text,
            (n, Some(norm)) => format!("{norm}{}", superscript(&(2 * n).to_string())),
            (n, None) => format!("{text}^{n}"),
        });
    }
    parts.extend(tree.map(|tree| {
        let text = vector(&tree, style, names);
        // An operator is written without what it acts on: `f'f'`, `H^2`.
        let operator = text.strip_suffix("*·").or_else(|| text.strip_suffix("(·)"));
        match operator {
            Some(operator) if !operator.contains('·') => operator.to_string(),
            _ => text,
        }
    }));
    parts.join("*")
}

fn scalar(tree: &Tree, style: Style, names: &Names) -> String {
    let (loss, first) = match style {
        Style::Prime => ("E", "f"),
        Style::Gradient => ("E", "g"),
        Style::Nabla => ("E", "∇E"),
    };
    // A free tree is stored by its largest rooted form, whose root has one child.
    match tree.children() {
        [] => loss.to_string(),
        [leaf] if leaf.children().is_empty() && style == Style::Nabla => "‖∇E‖²".to_string(),
        [child] => format!("dot({first}, {})", vector(child, style, names)),
        _ => format!("scalar {tree}"),
    }
}

fn vector(tree: &Tree, style: Style, names: &Names) -> String {
    if hole(tree).is_some() {
        return "·".to_string();
    }
    let children: Vec<String> = tree.children().iter().map(|c| vector(c, style, names)).collect();
    let derivatives = children.len();
    match style {
        Style::Prime => {
            let name = names.fields.get(usize::from(tree.color())).map_or("?", |(n, _)| n);
            match children.as_slice() {
                [] => name.to_string(),
                [one] if name.len() == 1 && !one.starts_with('·') => format!("{name}'{one}"),
                many => format!("{name}{}({})", "'".repeat(derivatives), many.join(",")),
            }
        }
        Style::Gradient | Style::Nabla => {
            let nabla = style == Style::Nabla;
            match derivatives {
                0 if nabla => "∇E".to_string(),
                0 => "g".to_string(),
                1 => {
                    // A chain of Hessians is a power.
                    let (mut power, mut below) = (1, &tree.children()[0]);
                    while let [child] = below.children() {
                        power += 1;
                        below = child;
                    }
                    let rest = vector(below, style, names);
                    match (nabla, power) {
                        (false, 1) => format!("H*{rest}"),
                        (false, _) => format!("H^{power}*{rest}"),
                        (true, 1) => format!("∇²E*{rest}"),
                        (true, _) => format!("(∇²E){}*{rest}", superscript(&power.to_string())),
                    }
                }
                _ if nabla => {
                    format!(
                        "∇{}E[{}]",
                        superscript(&(derivatives + 1).to_string()),
                        children.join(",")
                    )
                }
                _ => format!("D{}E[{}]", derivatives + 1, children.join(",")),
            }
        }
    }
}

/// `h^2*f'f`: a power of a variable before a term.
pub(crate) fn with_power(variable: &str, power: i64, term: &str) -> String {
    match (power, term) {
        (0, "") => "1".to_string(),
        (0, term) => term.to_string(),
        (1, "") => variable.to_string(),
        (p, "") => format!("{variable}^{p}"),
        (1, term) => format!("{variable}*{term}"),
        (p, term) => format!("{variable}^{p}*{term}"),
    }
}

/// The coefficients of the powers of `h`, if there are finitely many.
pub(crate) fn powers_of_step(value: &Q) -> Option<Vec<(i64, Q)>> {
    let bottom = value.denominator();
    if bottom.degree_in(H) != bottom.monomial_content().0[H] {
        return None;
    }
    let last = i64::from(value.numerator().degree_in(H)) - i64::from(bottom.degree_in(H));
    let series = PowerSeries::through(value, H, last);
    let known = (series.low()..=last).map(|n| (n, series.coefficient(n).expect("through last")));
    Some(known.filter(|(_, c)| !c.is_zero()).collect())
}
