//! Optimizers as text that parses back to the same optimizer.

use super::Optimizer;
use super::syntax::{Expression, Kind, Name, Statement};
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
            Statement::Fields(names) => write!(out, "fields {}", list(names)),
            Statement::States(names) => write!(out, "state {}", list(names)),
            Statement::Stage(name, value) => write!(out, "let {} = {value}", name.text),
            Statement::Update(name, value) => write!(out, "{}' = {value}", name.text),
        }
    }
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
