//! What an expression denotes.

use super::{Evaluated, Evaluator, constant};
use crate::exact::RationalFunction;
use crate::optimizer::functions;
use crate::optimizer::program::{Operation, Register};
use crate::optimizer::scope::{MAX_STATES, Symbol};
use crate::optimizer::syntax::{Expression, Kind, Name};
use crate::optimizer::value::{Value, Vector};
use crate::text::near;
use num_traits::ToPrimitive;
use std::ops::Range;

/// The largest exponent that may be written.
const MAX_EXPONENT: i32 = 1000;

impl Evaluator<'_> {
    pub(super) fn expression(&mut self, expression: &Expression) -> Evaluated<Value> {
        let span = &expression.span;
        match &expression.kind {
            Kind::Number(value) => Ok(Value::Number(constant(value))),
            Kind::Old(name) => self.old(name, span),
            Kind::New(name) => {
                let index = self.state(name, span)?;
                let (register, space) = (Register::New(index), self.state_spaces[index]);
                match &self.updates[index] {
                    Some(_) => Ok(Value::Vector(Vector::of(register, space))),
                    None => self.later(register, space, &format!("{name}'"), span),
                }
            }
            Kind::Sum(terms) => self.sum(terms),
            Kind::Product(factors) => self.product(factors),
            Kind::Negative(inner) => {
                let value = self.expression(inner)?;
                self.scaled(value, &RationalFunction::integer(-1), span)
            }
            Kind::Power(base, exponent) => self.power(base, exponent, span),
            Kind::Application(field, arguments) => self.apply(field, arguments, span),
            // Steps with derivatives of fields are nonlinear and never come here.
            Kind::Derivative(field, direction) => {
                self.apply(field, std::slice::from_ref(&**direction), span)
            }
        }
    }

    fn old(&mut self, name: &str, span: &Range<usize>) -> Evaluated<Value> {
        match self.scope.symbols.get(name) {
            Some(Symbol::Step) => Ok(Value::Number(self.h.clone())),
            Some(Symbol::Parameter(i)) => Ok(Value::Number(self.parameters[*i].clone())),
            Some(Symbol::State(i)) => {
                Ok(Value::Vector(Vector::of(Register::State(*i), self.state_spaces[*i])))
            }
            Some(Symbol::Stage(i)) => match &self.stages[*i] {
                Some(value) => Ok(value.clone()),
                None if self.scope.stages[*i] || self.target == Some(Register::Value(*i)) => {
                    self.awaited[*i] = true;
                    self.later(Register::Value(*i), self.value_spaces[*i], name, span)
                }
                None => Err(self.fault(
                    span,
                    format!("the number `{name}` is used before it is computed"),
                    "not known yet",
                    "only vectors may be used before they are computed; move the `let` up",
                )),
            },
            Some(Symbol::Field(_)) => {
                if let [point] = &self.scope.spaces[..] {
                    let point = Expression { kind: Kind::Old(point.clone()), span: span.clone() };
                    let field = Name { text: name.into(), span: span.clone() };
                    return self.apply(&field, &[point], span);
                }
                let point = self.scope.spaces.join(", ");
                Err(self.fault(
                    span,
                    format!("the vector field `{name}` stands without a point"),
                    "where is it evaluated?",
                    format!("write `{name}({point})`"),
                ))
            }
            None if self.scope.is_gradient(name) => {
                let theta = Expression { kind: Kind::Old("theta".into()), span: span.clone() };
                let field = Name { text: "f".into(), span: span.clone() };
                let value = self.apply(&field, &[theta], span)?;
                self.scaled(value, &RationalFunction::integer(-1), span)
            }
            None => {
                let known = self.scope.names(|s| !matches!(s, Symbol::Field(_)));
                Err(self.optimizer.source.fault(
                    span.clone(),
                    format!("unknown name `{name}`"),
                    "not defined in this optimizer",
                    near::advice(name, &known),
                ))
            }
        }
    }

    /// A vector that is computed at or below the statement at hand.
    fn later(
        &self,
        register: Register,
        space: usize,
        name: &str,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        if self.depth > 0 {
            return Ok(Value::Vector(Vector::of(register, space)));
        }
        Err(if self.target == Some(register) {
            self.fault(
                span,
                format!("`{name}` refers to itself"),
                "this is being computed here",
                "only inside `f(…)` may a value refer to itself, as implicit methods do: \
                 `theta' = theta + h*f(theta')`",
            )
        } else {
            self.fault(
                span,
                format!("`{name}` is used before it is computed"),
                "not known yet",
                format!(
                    "move the line that computes `{name}` up; only inside `f(…)` may a value be \
                     used before"
                ),
            )
        })
    }

    fn sum(&mut self, terms: &[(bool, Expression)]) -> Evaluated<Value> {
        let mut total: Option<Value> = None;
        for (subtracted, term) in terms {
            let mut value = self.expression(term)?;
            if *subtracted {
                value = self.scaled(value, &RationalFunction::integer(-1), &term.span)?;
            }
            total = Some(match (total, value) {
                (None, value) => value,
                (Some(Value::Number(a)), Value::Number(b)) => {
                    Value::Number(self.bounded(&a + &b, &term.span)?)
                }
                (Some(Value::Vector(a)), Value::Vector(b)) => {
                    self.unite(a.space, b.space, &term.span)?;
                    let b = self.computed(b, &term.span)?;
                    Value::Vector(Vector { space: a.space, terms: [a.terms, b.terms].concat() })
                }
                (Some(_), value) => {
                    let (this, rest) = match value {
                        Value::Number(_) => ("a number", "a vector"),
                        Value::Vector(_) => ("a vector", "a number"),
                    };
                    return Err(self.fault(
                        &term.span,
                        "a number and a vector are added",
                        format!("{} is {this}, what stands before it {rest}", self.text(term)),
                        "numbers multiply vectors: `h*f(theta)`, `(1 - m)*theta`",
                    ));
                }
            });
        }
        Ok(total.expect("a sum has terms"))
    }

    fn product(&mut self, factors: &[(bool, Expression)]) -> Evaluated<Value> {
        let mut total: Option<Value> = None;
        for (divides, factor) in factors {
            let value = self.expression(factor)?;
            total = Some(match (total, value) {
                (None, value) => value,
                (Some(_), Value::Vector(_)) if *divides => {
                    return Err(self.fault(
                        &factor.span,
                        "a vector stands in a denominator",
                        format!("{} is a vector", self.text(factor)),
                        "right-hand sides are linear in vectors",
                    ));
                }
                (Some(total), Value::Number(c)) => {
                    let c = if *divides { self.inverse(&c, factor)? } else { c };
                    self.scaled(total, &c, &factor.span)?
                }
                (Some(Value::Number(c)), vector) => self.scaled(vector, &c, &factor.span)?,
                (Some(Value::Vector(_)), Value::Vector(_)) => {
                    return Err(self.fault(
                        &factor.span,
                        "two vectors are multiplied",
                        format!("{} is a vector, and so is what it multiplies", self.text(factor)),
                        "right-hand sides are linear in vectors; coefficients are made of \
                         numbers, parameters and `h`",
                    ));
                }
            });
        }
        Ok(total.expect("a product has factors"))
    }

    fn power(
        &mut self,
        base: &Expression,
        exponent: &Expression,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let Value::Number(value) = self.expression(base)? else {
            return Err(self.fault(
                &base.span,
                "a power of a vector",
                format!("{} is a vector", self.text(base)),
                "right-hand sides are linear in vectors",
            ));
        };
        let power = match self.expression(exponent)? {
            Value::Number(n) => n.as_rational().filter(|n| n.is_integer()),
            Value::Vector(_) => None,
        };
        let Some(power) = power else {
            return Err(self.fault(
                &exponent.span,
                "an exponent is an integer",
                format!("{} is not an integer", self.text(exponent)),
                "coefficients are rational functions: `m^2`, `h^-1`, but no `m^(1/2)` or `2^m`",
            ));
        };
        let power = power.to_integer().to_i32().filter(|n| n.abs() <= MAX_EXPONENT);
        let Some(power) = power else {
            return Err(self.fault(
                &exponent.span,
                "the exponent is too large",
                format!("beyond {MAX_EXPONENT}"),
                "coefficients are computed exactly",
            ));
        };
        let factor = if power < 0 { self.inverse(&value, base)? } else { value };
        let mut result = RationalFunction::one();
        for _ in 0..power.abs() {
            result = self.bounded(&result * &factor, span)?;
        }
        Ok(Value::Number(result))
    }

    fn apply(
        &mut self,
        field: &Name,
        arguments: &[Expression],
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let index = self.field(field)?;
        let players = self.scope.spaces.clone();
        if arguments.len() != players.len() {
            return Err(self.fault(
                span,
                format!("`{}` takes {}, not {}", field.text, count(players.len()), arguments.len()),
                "wrong number of arguments",
                format!("write `{}({})`", field.text, players.join(", ")),
            ));
        }
        let mut points = Vec::new();
        self.depth += 1;
        for (space, argument) in arguments.iter().enumerate() {
            let Value::Vector(point) = self.expression(argument)? else {
                return Err(self.fault(
                    &argument.span,
                    format!("`{}` is evaluated at a number", field.text),
                    format!("{} is a number", self.text(argument)),
                    format!("a field is evaluated at a point, `{}` say", players[space]),
                ));
            };
            self.unite(space, point.space, &argument.span)?;
            points.push(point);
        }
        self.depth -= 1;
        let values: Vec<_> = points.iter().map(|p| self.symbolic.value(&p.terms)).collect();
        let known = self.symbolic.evaluation(index, &values);
        let evaluation = known.unwrap_or(self.evaluation_spans.len());
        if known.is_none() {
            if evaluation == MAX_STATES {
                return Err(self.optimizer.source.fault(
                    span.clone(),
                    format!("an optimizer evaluates its fields at most {MAX_STATES} times"),
                    "one too many",
                    None,
                ));
            }
            let mut registers = Vec::new();
            for (point, argument) in points.iter().zip(arguments) {
                registers.push(self.stored(point, &argument.span)?);
            }
            let operation = Operation::Evaluate { field: index, points: registers };
            self.symbolic.execute(&operation);
            self.operations.push(operation);
            self.evaluation_spans.push(arguments.iter().map(|a| a.span.clone()).collect());
        }
        let space = self.scope.fields[index].space;
        Ok(Value::Vector(Vector::of(Register::Evaluation(evaluation), space)))
    }

    fn field(&self, name: &Name) -> Evaluated<usize> {
        match self.scope.symbols.get(&name.text) {
            Some(Symbol::Field(index)) => Ok(*index),
            Some(_) => Err(self.fault(
                &name.span,
                format!("`{}` is not a vector field", name.text),
                "brackets after a name evaluate a field",
                format!("write the product `{}*(…)`", name.text),
            )),
            None => {
                let known: Vec<&str> = self.scope.fields.iter().map(|f| f.name.as_str()).collect();
                let all: Vec<&str> = known.iter().copied().chain(functions::names()).collect();
                let help = match near::names(&name.text, &all).as_slice() {
                    [] => {
                        "coefficients are made of numbers, parameters and `h` with `+ - * / ^`; \
                           the vector fields here are "
                            .to_string()
                            + &near::quoted(&known)
                    }
                    near => format!("did you mean {}?", near::quoted(near)),
                };
                Err(self.fault(
                    &name.span,
                    format!("unknown vector field `{}`", name.text),
                    "only vector fields take arguments",
                    help,
                ))
            }
        }
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 argument".into() } else { format!("{n} arguments") }
}
