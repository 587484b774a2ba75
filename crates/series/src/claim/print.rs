//! Claims back to text, such that parsing gives the same claim.

use super::syntax::{Claim, Declaration, Expr, ExprKind, IndexRange};
use crate::formula::superscript;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::fmt;

impl fmt::Display for Claim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "claim \"{}\":", self.name)?;
        for declaration in &self.declarations {
            match declaration {
                Declaration::Fields(names) => writeln!(out, "  fields {};", names.join(", "))?,
                Declaration::Let(d) if d.parameters.is_empty() => {
                    writeln!(out, "  let {} = {};", d.name, d.body)?;
                }
                Declaration::Let(d) => {
                    writeln!(out, "  let {}({}) = {};", d.name, d.parameters.join(", "), d.body)?;
                }
            }
        }
        write!(out, "  {}", self.sides[0])?;
        for side in &self.sides[1..] {
            write!(out, " == {side}")?;
        }
        if let Some(up_to) = &self.up_to {
            write!(out, " up to {}", up_to.variable)?;
            if let Some(exponent) = &up_to.exponent {
                write!(out, "^")?;
                write_exponent(exponent, out)?;
            }
        }
        if let Some(modulo) = self.modulo {
            write!(out, " modulo {}", modulo.word())?;
        }
        if !self.ranges.is_empty() {
            write!(out, " for ")?;
            write_ranges(&self.ranges, out)?;
        }
        if self.expect_false {
            write!(out, " expect false")?;
        }
        writeln!(out)
    }
}

fn write_ranges(ranges: &[IndexRange], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, range) in ranges.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        write!(out, "{comma}{} in {}..{}", range.name, range.from, range.to)?;
    }
    Ok(())
}

/// How tightly an expression binds; brackets go where a looser one stands in a tighter place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Sum,
    Product,
    Signed,
    Juxtaposition,
    /// With suffixes, the last one a power.
    Power,
    /// With suffixes.
    Operand,
    /// Without suffixes.
    Base,
}

fn level(expr: &Expr) -> Level {
    match expr.kind {
        ExprKind::Sum(_) => Level::Sum,
        ExprKind::Product(_) => Level::Product,
        ExprKind::Negative(_) => Level::Signed,
        ExprKind::Juxtaposition(_) => Level::Juxtaposition,
        ExprKind::Power(..) => Level::Power,
        ExprKind::Factorial(_)
        | ExprKind::Prime(..)
        | ExprKind::Apply(..)
        | ExprKind::Index(..) => Level::Operand,
        ExprKind::Number(_)
        | ExprKind::Tree(_)
        | ExprKind::Name(_)
        | ExprKind::Norm(_)
        | ExprKind::Nabla(..)
        | ExprKind::Summation(..) => Level::Base,
    }
}

fn write_at(expr: &Expr, at_least: Level, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    if level(expr) < at_least { write!(out, "({expr})") } else { write!(out, "{expr}") }
}

/// An exponent: a number, a name or brackets, and a sign.
fn write_exponent(exponent: &Expr, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &exponent.kind {
        ExprKind::Number(_) | ExprKind::Name(_) => write!(out, "{exponent}"),
        ExprKind::Negative(inner)
            if matches!(inner.kind, ExprKind::Number(_) | ExprKind::Name(_)) =>
        {
            write!(out, "{exponent}")
        }
        _ => write!(out, "({exponent})"),
    }
}

/// The operand of a norm or a nabla: a name, or brackets.
fn write_inside(expr: &Expr, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match expr.kind {
        ExprKind::Name(_) => write!(out, "{expr}"),
        _ => write!(out, "({expr})"),
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(value) => out.write_str(&decimal(value)),
            ExprKind::Tree(tree) => write!(out, "{tree}"),
            ExprKind::Name(name) => out.write_str(name),
            ExprKind::Sum(parts) => {
                for (i, (subtract, part)) in parts.iter().enumerate() {
                    out.write_str(match (i, subtract) {
                        (0, _) => "",
                        (_, true) => " - ",
                        (_, false) => " + ",
                    })?;
                    write_at(part, Level::Product, out)?;
                }
                Ok(())
            }
            ExprKind::Product(parts) => {
                for (i, (divide, part)) in parts.iter().enumerate() {
                    out.write_str(match (i, divide) {
                        (0, _) => "",
                        (_, true) => "/",
                        (_, false) => "*",
                    })?;
                    write_at(part, Level::Signed, out)?;
                }
                Ok(())
            }
            ExprKind::Negative(value) => {
                out.write_str("-")?;
                write_at(value, Level::Juxtaposition, out)
            }
            ExprKind::Juxtaposition(parts) => {
                for (i, part) in parts.iter().enumerate() {
                    // A bracket or a name must not be drawn into what stands before it.
                    let text = if level(part) < Level::Power {
                        format!("({part})")
                    } else {
                        part.to_string()
                    };
                    if i > 0 && (text.starts_with(['(', '[']) || !ends_in_prime(&parts[i - 1])) {
                        out.write_str(" ")?;
                    }
                    out.write_str(&text)?;
                }
                Ok(())
            }
            ExprKind::Power(base, exponent) => {
                write_at(base, Level::Operand, out)?;
                out.write_str("^")?;
                write_exponent(exponent, out)
            }
            ExprKind::Factorial(value) => {
                write_at(value, Level::Operand, out)?;
                out.write_str("!")
            }
            ExprKind::Prime(value, count) => {
                write_at(value, Level::Operand, out)?;
                out.write_str(&"'".repeat(*count))
            }
            ExprKind::Apply(callee, arguments) => {
                write_at(callee, Level::Operand, out)?;
                out.write_str("(")?;
                for (i, argument) in arguments.iter().enumerate() {
                    out.write_str(if i > 0 { ", " } else { "" })?;
                    if let Some(name) = &argument.name {
                        write!(out, "{name} = ")?;
                    }
                    write!(out, "{}", argument.value)?;
                }
                out.write_str(")")
            }
            ExprKind::Index(value, arguments) => {
                write_at(value, Level::Operand, out)?;
                out.write_str("[")?;
                for (i, argument) in arguments.iter().enumerate() {
                    out.write_str(if i > 0 { ", " } else { "" })?;
                    write!(out, "{argument}")?;
                }
                out.write_str("]")
            }
            ExprKind::Norm(value) => {
                out.write_str("‖")?;
                match value.kind {
                    ExprKind::Nabla(..) => write!(out, "{value}")?,
                    _ => write_inside(value, out)?,
                }
                out.write_str("‖")
            }
            ExprKind::Nabla(order, value) => {
                out.write_str("∇")?;
                if *order != 1 {
                    out.write_str(&superscript(&order.to_string()))?;
                }
                write_inside(value, out)
            }
            ExprKind::Summation(ranges, body) => {
                out.write_str("sum(")?;
                write_ranges(ranges, out)?;
                write!(out, ": {body})")
            }
        }
    }
}

fn ends_in_prime(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Prime(..))
}

/// A number that was written as an integer or a decimal, as such. Anything else has no literal
/// and is written as a quotient in brackets.
fn decimal(value: &BigRational) -> String {
    let (mut places, mut scale) = (0usize, BigInt::one());
    while places < 1100 && !(value.numer() * &scale).is_multiple_of(value.denom()) {
        scale *= 10;
        places += 1;
    }
    let (digits, remainder) = (value.numer() * &scale).div_rem(value.denom());
    if !remainder.is_zero() {
        return format!("({value})");
    }
    if places == 0 {
        return digits.to_string();
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::super::syntax::{Argument, Claim, Declaration, Definition, Expr, ExprKind};
    use super::super::syntax::{IndexRange, Modulo, UpTo};
    use crate::claim::parse;
    use crate::text::source::Source;
    use crate::tree::Tree;
    use num_rational::BigRational;
    use proptest::prelude::*;

    fn expr(kind: ExprKind) -> Expr {
        Expr { kind, span: 0..0 }
    }

    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["f", "g", "h", "E", "D3E", "x", "λ", "foo_1", "fx", "summand"])
            .prop_map(String::from)
    }

    fn number() -> impl Strategy<Value = Expr> {
        (0u32..2000, 0u32..3).prop_map(|(digits, places)| {
            let value = BigRational::new(digits.into(), 10u32.pow(places).into());
            expr(ExprKind::Number(value))
        })
    }

    fn tree() -> impl Strategy<Value = Tree> {
        Just(Tree::leaf(0)).prop_recursive(3, 8, 3, |inner| {
            prop::collection::vec(inner, 1..3).prop_map(|children| Tree::new(0, children))
        })
    }

    fn several(one: &BoxedStrategy<Expr>) -> impl Strategy<Value = Vec<(bool, Expr)>> + use<> {
        prop::collection::vec((any::<bool>(), one.clone()), 2..4).prop_map(|mut parts| {
            parts[0].0 = false;
            parts
        })
    }

    fn ranges(bound: &BoxedStrategy<Expr>) -> impl Strategy<Value = Vec<IndexRange>> + use<> {
        let range = (name(), bound.clone(), bound.clone())
            .prop_map(|(name, from, to)| IndexRange { name, from, to });
        prop::collection::vec(range, 1..3)
    }

    /// Whether `part` may stand behind an operator: brackets there would be read as its arguments.
    fn follows(part: &Expr) -> bool {
        match &part.kind {
            ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Nabla(..) => true,
            ExprKind::Prime(inner, _)
            | ExprKind::Factorial(inner)
            | ExprKind::Apply(inner, _)
            | ExprKind::Index(inner, _)
            | ExprKind::Power(inner, _) => {
                follows(inner) && !matches!(inner.kind, ExprKind::Power(..))
            }
            _ => false,
        }
    }

    fn expression() -> BoxedStrategy<Expr> {
        let leaf = prop_oneof![
            name().prop_map(|n| expr(ExprKind::Name(n))),
            number(),
            tree().prop_map(|t| expr(ExprKind::Tree(t))),
        ];
        leaf.boxed()
            .prop_recursive(4, 40, 4, |inner| {
                let inner = inner.boxed();
                let boxed = inner.clone().prop_map(Box::new);
                let argument = (prop::option::of(name()), inner.clone())
                    .prop_map(|(name, value)| Argument { name, value });
                let juxtaposed = prop::collection::vec(inner.clone(), 2..4);
                let juxtaposed =
                    juxtaposed.prop_filter("readable", |parts| parts[1..].iter().all(follows));
                prop_oneof![
                    several(&inner).prop_map(ExprKind::Sum),
                    several(&inner).prop_map(ExprKind::Product),
                    boxed.clone().prop_map(ExprKind::Negative),
                    juxtaposed.prop_map(ExprKind::Juxtaposition),
                    (boxed.clone(), boxed.clone()).prop_map(|(a, b)| ExprKind::Power(a, b)),
                    boxed.clone().prop_map(ExprKind::Factorial),
                    (boxed.clone(), 1usize..4).prop_map(|(a, n)| ExprKind::Prime(a, n)),
                    (boxed.clone(), prop::collection::vec(argument, 1..3))
                        .prop_map(|(a, list)| ExprKind::Apply(a, list)),
                    (boxed.clone(), prop::collection::vec(inner.clone(), 1..3))
                        .prop_map(|(a, list)| ExprKind::Index(a, list)),
                    boxed.clone().prop_map(ExprKind::Norm),
                    (1usize..12, boxed.clone()).prop_map(|(n, a)| ExprKind::Nabla(n, a)),
                    (ranges(&inner), boxed).prop_map(|(r, a)| ExprKind::Summation(r, a)),
                ]
                .prop_map(expr)
            })
            .prop_filter("double signs and primes are written as one", in_normal_form)
            .boxed()
    }

    /// Whether the parser could have made this: signs cancel and primes are counted.
    fn in_normal_form(expression: &Expr) -> bool {
        let mut normal = true;
        expression.walk(&mut |e| {
            normal &= match &e.kind {
                ExprKind::Negative(inner) => !matches!(inner.kind, ExprKind::Negative(_)),
                ExprKind::Prime(inner, _) => !matches!(inner.kind, ExprKind::Prime(..)),
                _ => true,
            }
        });
        normal
    }

    fn claim() -> impl Strategy<Value = Claim> {
        let side = expression();
        let definition = (name(), prop::collection::vec(name(), 0..3), side.clone())
            .prop_map(|(name, parameters, body)| Definition { name, parameters, body });
        let declaration = prop_oneof![
            prop::collection::vec(name(), 1..3).prop_map(Declaration::Fields),
            definition.prop_map(Declaration::Let),
        ];
        let modulo = prop::sample::select(vec![Modulo::Nonprincipal, Modulo::Critical]);
        let up_to = (name(), prop::option::of(side.clone()))
            .prop_map(|(variable, exponent)| UpTo { variable, exponent });
        (
            "[a-zA-Z0-9 .,θ∇'#-]{0,12}",
            prop::collection::vec(declaration, 0..3),
            prop::collection::vec(side.clone(), 2..4),
            prop::option::of(up_to),
            prop::option::of(modulo),
            prop_oneof![Just(Vec::new()), ranges(&side)],
            any::<bool>(),
        )
            .prop_map(
                |(name, declarations, sides, up_to, modulo, ranges, expect_false)| Claim {
                    name,
                    declarations,
                    sides,
                    up_to,
                    modulo,
                    ranges,
                    expect_false,
                    span: 0..0,
                },
            )
    }

    proptest! {
        #[test]
        fn claims_print_and_parse_to_the_same(claim in claim()) {
            let text = claim.to_string();
            let source = Source::new("printed", text.as_str());
            match parse(&source) {
                Ok(parsed) => prop_assert_eq!(&parsed[0], &claim, "{}", text),
                Err(error) => prop_assert!(false, "{}\n{:?}", text, miette::Report::new(error)),
            }
        }
    }
}
