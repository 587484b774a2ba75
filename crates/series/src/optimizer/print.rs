//! Optimizers as text that parses back to the same optimizer.

use super::Optimizer;
use super::syntax::{Declared, Expression, Kind, Name, Statement};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::fmt::{Display, Formatter, Result};

impl Display for Optimizer {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        for line in self.doc.lines() {
            writeln!(out, "{}", format!("# {line}").trim_end())?;
        }
        write!(out, "optimizer {}", self.name)?;
        if !self.parameters.is_empty() {
            write!(out, "({})", self.parameters.join(", "))?;
        }
        writeln!(out, " {{")?;
        for statement in &self.statements {
            writeln!(out, "  {statement}")?;
        }
        writeln!(out, "}}")
    }
}

impl Display for Statement {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let list =
            |names: &[Name]| names.iter().map(|n| n.text.as_str()).collect::<Vec<_>>().join(", ");
        match self {
            Statement::Players(names) => write!(out, "players {}", list(names)),
            Statement::Fields(fields) => write!(out, "fields {}", declared(fields)),
            Statement::States(states) => write!(out, "state {}", declared(states)),
            Statement::Slow(states) => write!(out, "slow {}", declared(states)),
            Statement::Stage(name, value) => write!(out, "let {} = {value}", name.text),
            Statement::First(name, value) => write!(out, "first {}' = {value}", name.text),
            Statement::Update(name, value) => write!(out, "{}' = {value}", name.text),
        }
    }
}

/// `v, w = 0`
fn declared(list: &[Declared]) -> String {
    let one = |Declared { name, value }: &Declared| match value {
        Some(value) => format!("{} = {value}", name.text),
        None => name.text.clone(),
    };
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// How tightly an expression binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Sign,
    Power,
    Atom,
}

impl Expression {
    fn binding(&self) -> Binding {
        match self.kind {
            Kind::Sum(_) => Binding::Sum,
            Kind::Product(_) => Binding::Product,
            Kind::Negative(_) => Binding::Sign,
            Kind::Power(..) => Binding::Power,
            _ => Binding::Atom,
        }
    }

    /// Writes the expression, in brackets if it binds less tightly than `needed`.
    fn within(&self, needed: Binding, out: &mut Formatter<'_>) -> Result {
        if self.binding() < needed { write!(out, "({self})") } else { write!(out, "{self}") }
    }
}

impl Display for Expression {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match &self.kind {
            Kind::Number(value) => write!(out, "{}", decimal(value)),
            Kind::Old(name) => write!(out, "{name}"),
            Kind::New(name) => write!(out, "{name}'"),
            Kind::Sum(terms) => {
                for (i, (subtracted, term)) in terms.iter().enumerate() {
                    match (i, subtracted) {
                        (0, _) => {}
                        (_, true) => write!(out, " - ")?,
                        (_, false) => write!(out, " + ")?,
                    }
                    term.within(Binding::Product, out)?;
                }
                Ok(())
            }
            Kind::Product(factors) => {
                for (i, (divides, factor)) in factors.iter().enumerate() {
                    if i > 0 {
                        write!(out, "{}", if *divides { "/" } else { "*" })?;
                    }
                    factor.within(Binding::Sign, out)?;
                }
                Ok(())
            }
            Kind::Negative(value) => {
                write!(out, "-")?;
                value.within(Binding::Power, out)
            }
            Kind::Power(base, exponent) => {
                base.within(Binding::Atom, out)?;
                write!(out, "^")?;
                match &exponent.kind {
                    Kind::Negative(n) if n.binding() == Binding::Atom => write!(out, "-{n}"),
                    _ => exponent.within(Binding::Atom, out),
                }
            }
            Kind::Application(field, arguments) => {
                write!(out, "{}(", field.text)?;
                for (i, argument) in arguments.iter().enumerate() {
                    write!(out, "{}{argument}", if i > 0 { ", " } else { "" })?;
                }
                write!(out, ")")
            }
            Kind::Derivative(field, direction) => write!(out, "D({})[{direction}]", field.text),
        }
    }
}

/// A number `≥ 0` whose denominator divides a power of ten, as an exact decimal.
fn decimal(value: &BigRational) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    let (mut digits, mut scale) = (0, BigInt::one());
    while !(&scale % value.denom()).is_zero() {
        digits += 1;
        scale *= 10;
    }
    let (whole, fraction) = (value.numer() * (&scale / value.denom())).div_rem(&scale);
    format!("{whole}.{fraction:0>digits$}", fraction = fraction.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::parse_file;
    use crate::optimizer::read;
    use crate::text::source::Source;
    use proptest::prelude::*;

    fn plain(kind: Kind) -> Expression {
        Expression { kind, span: 0..0 }
    }

    fn word() -> impl Strategy<Value = String> {
        "[a-z_][a-z0-9_]{0,3}"
            .prop_filter("keywords", |word| !["let", "state"].contains(&word.as_str()))
    }

    fn name() -> impl Strategy<Value = Name> {
        word().prop_map(|text| Name { text, span: 0..0 })
    }

    fn list(parts: Vec<(bool, Expression)>) -> Vec<(bool, Expression)> {
        parts.into_iter().enumerate().map(|(i, (mark, x))| (mark && i > 0, x)).collect()
    }

    fn expression() -> impl Strategy<Value = Expression> {
        let number = (0_u64..100_000, 0_u32..6).prop_map(|(digits, places)| {
            Kind::Number(BigRational::new(digits.into(), 10_u64.pow(places).into()))
        });
        let leaf = prop_oneof![number, word().prop_map(Kind::Old), word().prop_map(Kind::New)];
        leaf.prop_map(plain).prop_recursive(5, 40, 4, |inner| {
            let parts = || prop::collection::vec((any::<bool>(), inner.clone()), 2..4);
            prop_oneof![
                parts().prop_map(|parts| Kind::Sum(list(parts))),
                parts().prop_map(|parts| Kind::Product(list(parts))),
                inner.clone().prop_map(|x| Kind::Negative(x.into())),
                (inner.clone(), inner.clone()).prop_map(|(x, n)| Kind::Power(x.into(), n.into())),
                (name(), prop::collection::vec(inner.clone(), 1..3))
                    .prop_map(|(field, arguments)| Kind::Application(field, arguments)),
                (name(), inner.clone()).prop_map(|(field, x)| Kind::Derivative(field, x.into())),
            ]
            .prop_map(plain)
        })
    }

    fn statement() -> impl Strategy<Value = Statement> {
        let names = || prop::collection::vec(name(), 1..4);
        let value = || prop::option::of(expression());
        let one = move || (name(), value()).prop_map(|(name, value)| Declared { name, value });
        let declared = move || prop::collection::vec(one(), 1..4);
        prop_oneof![
            names().prop_map(Statement::Players),
            declared().prop_map(Statement::Fields),
            declared().prop_map(Statement::States),
            declared().prop_map(Statement::Slow),
            (name(), expression()).prop_map(|(name, value)| Statement::First(name, value)),
            (name(), expression()).prop_map(|(name, value)| Statement::Stage(name, value)),
            (name(), expression()).prop_map(|(name, value)| Statement::Update(name, value)),
        ]
    }

    fn optimizer() -> impl Strategy<Value = Optimizer> {
        (
            word(),
            prop::collection::vec(word(), 0..4),
            "([a-zθ#(\"]( ?[a-z#'}]){0,9}\n(\n)?){0,3}",
            prop::collection::vec(statement(), 0..6),
        )
            .prop_map(|(name, parameters, doc, statements)| Optimizer {
                name,
                parameter_spans: vec![0..0; parameters.len()],
                parameters,
                doc: doc.trim_end().into(),
                statements,
                name_span: 0..0,
                source: Source::new("", ""),
            })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(optimizer in optimizer()) {
            let source = Source::new("printed", optimizer.to_string());
            let mut pairs = parse_file(&source).map_err(|e| {
                TestCaseError::fail(format!("{}\n{:?}", source.text, miette::Report::new(e)))
            })?;
            prop_assert_eq!(pairs.len(), 1);
            let again = read::optimizer(&source, pairs.remove(0)).unwrap();
            prop_assert_eq!(&again, &optimizer, "{}", source.text);
            prop_assert_eq!(again.to_string(), &*source.text);
        }
    }

    #[test]
    fn brackets_stand_only_where_they_are_needed() {
        for text in [
            "a - (b - c)*-d/(e*f)",
            "-a^-2*(-b)^2",
            "(a^b)^c + a^(b^c)",
            "-(-a) - (a + b)^(1/2)",
            "0.05*f(a - b, c')",
        ] {
            let source = Source::new("", format!("optimizer o {{ a' = ((({text}))) }}"));
            let optimizer = read::optimizer(&source, parse_file(&source).unwrap().remove(0));
            let expected = format!("optimizer o {{\n  a' = {text}\n}}\n");
            assert_eq!(optimizer.unwrap().to_string(), expected);
        }
    }
}
