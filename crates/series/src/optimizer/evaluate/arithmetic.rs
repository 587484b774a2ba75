//! Arithmetic on what expressions denote, within bounds.

use super::{Evaluated, Evaluator};
use crate::exact::{Poly, RationalFunction};
use crate::optimizer::program::{Operation, Register, Terms};
use crate::optimizer::syntax::{Expression, Kind};
use crate::optimizer::value::{Value, Vector};
use num_rational::BigRational;
use std::ops::Range;

/// The highest degree in one parameter, the most terms and the most bits of a coefficient.
const MAX_DEGREE: u16 = 64;
const MAX_TERMS: usize = 2000;
const MAX_BITS: u64 = 20_000;

impl Evaluator<'_> {
    pub(super) fn scaled(
        &mut self,
        value: Value,
        factor: &RationalFunction,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        Ok(match value {
            Value::Number(a) => Value::Number(self.bounded(&a * factor, span)?),
            Value::Vector(vector) if factor.is_one() => Value::Vector(vector),
            Value::Vector(mut vector) if factor.is_zero() => {
                vector.terms.clear();
                Value::Vector(vector)
            }
            Value::Vector(vector) => {
                let mut vector = self.computed(vector, span)?;
                for (coefficient, _) in &mut vector.terms {
                    *coefficient = self.bounded(&*coefficient * factor, span)?;
                }
                Value::Vector(vector)
            }
        })
    }

    /// A sum, computed before it is used as a whole.
    pub(super) fn computed(&mut self, vector: Vector, span: &Range<usize>) -> Evaluated<Vector> {
        if vector.terms.len() < 2 {
            return Ok(vector);
        }
        Ok(Vector::of(self.stored(&vector, span)?, vector.space))
    }

    /// The register that holds a vector.
    pub(super) fn stored(&mut self, vector: &Vector, span: &Range<usize>) -> Evaluated<Register> {
        if let Some(register) = vector.register() {
            return Ok(register);
        }
        let register = Register::Value(self.value_spaces.len());
        self.value_spaces.push(vector.space);
        self.assign(register, vector.terms.clone(), None, span)?;
        Ok(register)
    }

    /// Adds the line `target = Σ c x` to the program.
    pub(super) fn assign(
        &mut self,
        target: Register,
        terms: Terms,
        first: Option<Terms>,
        span: &Range<usize>,
    ) -> Evaluated<()> {
        for coefficient in self.symbolic.value(&terms).into_values() {
            self.bounded(coefficient, span)?;
        }
        let operation = Operation::Combine { target, terms, first };
        self.symbolic.execute(&operation);
        self.operations.push(operation);
        Ok(())
    }

    /// `1/value`, where `value` was written as `expression`.
    pub(super) fn inverse(
        &self,
        value: &RationalFunction,
        expression: &Expression,
    ) -> Evaluated<RationalFunction> {
        value.inverse().ok_or_else(|| {
            let text = self.text(expression);
            let mut names = Vec::new();
            collect_names(expression, &mut names);
            let set: Vec<(bool, String)> = self
                .optimizer
                .parameters
                .iter()
                .zip(self.parameters)
                .filter_map(|(name, value)| {
                    let written = format!("{name} = {}", value.as_rational()?);
                    Some((names.contains(&name.as_str()), written))
                })
                .collect();
            // A parameter may have come in through a `let`.
            let direct = set.iter().any(|(occurs, _)| *occurs);
            let given: Vec<String> =
                set.into_iter().filter(|(occurs, _)| *occurs || !direct).map(|(_, w)| w).collect();
            if given.is_empty() {
                self.fault(
                    &expression.span,
                    "division by zero",
                    "this is 0",
                    "nothing is divided by 0",
                )
            } else {
                self.fault(
                    &expression.span,
                    format!("division by zero: {text} is 0 for {}", given.join(", ")),
                    "this is 0",
                    "choose another value, or leave the parameter symbolic",
                )
            }
        })
    }

    /// Passes a coefficient on unless it has grown out of proportion.
    pub(super) fn bounded(
        &self,
        value: RationalFunction,
        span: &Range<usize>,
    ) -> Evaluated<RationalFunction> {
        let small = [value.numerator(), value.denominator()].into_iter().all(|p| {
            p.terms().len() <= MAX_TERMS
                && p.terms()
                    .iter()
                    .all(|(m, c)| m.0.iter().all(|e| *e <= MAX_DEGREE) && c.bits() <= MAX_BITS)
        });
        if small {
            return Ok(value);
        }
        Err(self.fault(
            span,
            "a coefficient grows too large",
            "here",
            format!(
                "coefficients are exact; their degree in a parameter is at most {MAX_DEGREE}, \
                 their numbers have at most {MAX_BITS} bits"
            ),
        ))
    }
}

pub(in crate::optimizer) fn constant(value: &BigRational) -> RationalFunction {
    let (numerator, denominator) = (value.numer().clone(), value.denom().clone());
    RationalFunction::new(Poly::constant(numerator), Poly::constant(denominator))
        .expect("a fraction's denominator is not zero")
}

/// The parameters, stages and states that occur in `expression`.
fn collect_names<'e>(expression: &'e Expression, names: &mut Vec<&'e str>) {
    match &expression.kind {
        Kind::Number(_) => {}
        Kind::Old(name) | Kind::New(name) => names.push(name),
        Kind::Sum(parts) | Kind::Product(parts) => {
            parts.iter().for_each(|(_, part)| collect_names(part, names));
        }
        Kind::Negative(inner) => collect_names(inner, names),
        Kind::Power(base, exponent) => {
            collect_names(base, names);
            collect_names(exponent, names);
        }
        Kind::Derivative(_, direction) => collect_names(direction, names),
        Kind::Application(_, arguments) => {
            arguments.iter().for_each(|argument| collect_names(argument, names));
        }
    }
}
