//! The functions of the claim language.

use super::differential::{Differential, FieldKind, H};
use super::evaluate::{Evaluated, Evaluator};
use super::products::{Product, is_principal};
use super::syntax::{Argument, Expr, ExprKind};
use super::value::Value;
use crate::exact::RationalFunction as Q;
use crate::tree::Tree;
use num_rational::BigRational;
use std::ops::Range;

/// Every function: its name, and how it is called.
pub(crate) const FUNCTIONS: &[(&str, &str)] = &[
    ("field", "field(optimizer, order)"),
    ("term", "term(optimizer, tree)"),
    ("weight", "weight(optimizer, tree)"),
    ("start", "start(optimizer, order)"),
    ("principal", "principal(optimizer, n) or principal(X)"),
    ("part", "part(X, n)"),
    ("coefficient", "coefficient(X, variable, n)"),
    ("series", "series(X, variable, n)"),
    ("flow", "flow(X)"),
    ("at", "at(X, shift)"),
    ("time_derivative", "time_derivative(Y, X, k)"),
    ("D", "D(X)"),
    ("grad", "grad(S)"),
    ("dot", "dot(X, Y)"),
    ("component", "component(X, player)"),
    ("factorial", "factorial(n)"),
    ("binomial", "binomial(n, k)"),
    ("compositions", "compositions(c, k, s)"),
    ("exp", "exp(x)"),
    ("log", "log(x)"),
    ("sqrt", "sqrt(x)"),
];

/// The largest argument of `compositions`, and the highest power of a series.
pub(crate) const MAX_ORDER: usize = 1_000;

impl<'c> Evaluator<'_, 'c> {
    /// The value of a function; `None` if there is no function of this name.
    pub(super) fn function(
        &mut self,
        name: &str,
        arguments: &'c [Argument],
        span: &Range<usize>,
    ) -> Evaluated<Option<Value>> {
        let Some((_, usage)) = FUNCTIONS.iter().find(|(n, _)| *n == name) else {
            return Ok(None);
        };
        let expected: &[usize] = match name {
            "compositions" | "coefficient" | "series" | "time_derivative" => &[3],
            "principal" => &[1, 2],
            "flow" | "D" | "grad" | "factorial" | "exp" | "log" | "sqrt" => &[1],
            _ => &[2],
        };
        if !expected.contains(&arguments.len()) || arguments.iter().any(|a| a.name.is_some()) {
            return Err(self.fault_with(
                span,
                format!("`{name}` is not called like this"),
                format!("write `{usage}`"),
            ));
        }
        let argument = |i: usize| &arguments[i].value;
        let value = match name {
            "field" => self.field(argument(0), argument(1))?,
            "term" | "weight" => self.term(argument(0), argument(1), name == "term")?,
            "start" => self.start(argument(0), argument(1))?,
            "principal" if arguments.len() == 2 => {
                self.principal_coefficient(argument(0), argument(1))?
            }
            "principal" => {
                let field = self.field_argument(argument(0))?;
                let scalar = field.kind == FieldKind::Scalar;
                Value::Differential(field.retain(|tree| is_principal(tree, scalar)))
            }
            "part" => {
                let n = self.integer(argument(1))?;
                self.expansion(false, argument(0), H, n, span)?
            }
            "coefficient" | "series" => {
                let ExprKind::Name(variable) = &argument(1).kind else {
                    let place = &argument(1).span;
                    return Err(self.fault(place, "the name of a variable is needed"));
                };
                let Some(index) = self.names.variable(variable) else {
                    let place = &argument(1).span;
                    return Err(self.fault(place, "a claim has at most 8 symbols"));
                };
                let n = self.integer(argument(2))?;
                // The variable stands for itself inside, whatever it is bound to outside.
                let depth = self.depth();
                self.bind(variable, Value::Scalar(Q::variable(index)));
                let result = self.expansion(name == "series", argument(0), index, n, span);
                self.unbind(depth);
                result?
            }
            "flow" => {
                let field = self.field_argument(argument(0))?;
                self.check_movable(&field, &argument(0).span)?;
                self.flow(&field, span)?
            }
            "at" => self.at(argument(0), argument(1), span)?,
            "time_derivative" => {
                let mut value = self.field_argument(argument(0))?;
                let along = self.field_argument(argument(1))?;
                self.check_movable(&value, &argument(0).span)?;
                self.check_movable(&along, &argument(1).span)?;
                for _ in 0..self.natural(argument(2))? {
                    value = self.along(&value, &along, &self.context.bounds, span)?;
                }
                Value::Differential(value)
            }
            "D" => {
                let value = self.evaluate(argument(0))?;
                self.derivative(value, 1, span)?
            }
            "grad" => match self.evaluate(argument(0))? {
                Value::Differential(d) if d.kind == FieldKind::Scalar => {
                    Value::Differential(d.gradient())
                }
                other => {
                    return Err(self.fault_with(
                        span,
                        format!("a gradient is taken of a scalar field, not of {}", other.kind()),
                        "scalar fields: `E`, `dot(X, Y)`, `‖X‖²`, their products and sums",
                    ));
                }
            },
            "dot" => {
                let (a, b) = (self.evaluate(argument(0))?, self.evaluate(argument(1))?);
                self.dot(&a, &b, span)?
            }
            "component" => self.component(argument(0), argument(1))?,
            "factorial" => {
                let n = self.integer(argument(0))?;
                self.factorial(n, span)?
            }
            "binomial" => {
                let (n, k) = (self.natural(argument(0))?, self.natural(argument(1))?);
                if n > MAX_ORDER {
                    return Err(self.fault(span, format!("binomials go up to n = {MAX_ORDER}")));
                }
                let value = num_integer::binomial(num_bigint::BigInt::from(n), k.into());
                Value::Scalar(Q::integer(value))
            }
            "compositions" => self.compositions(argument(0), argument(1), argument(2), span)?,
            _ => {
                let value = self.evaluate(argument(0))?;
                let half = BigRational::new(1.into(), 2.into());
                let context = &self.context;
                let result = match name {
                    "exp" => value.exp(context),
                    "log" => value.log(context),
                    _ => value.power(&half, context),
                };
                self.lift(span, result)?
            }
        };
        Ok(Some(value))
    }

    /// An argument that must be a field, an operator or a scalar field.
    pub(super) fn field_argument(&mut self, expr: &'c Expr) -> Evaluated<Differential> {
        match self.evaluate(expr)? {
            Value::Differential(d) => Ok(d),
            other => {
                Err(self.fault(&expr.span, format!("a field is needed, not {}", other.kind())))
            }
        }
    }

    /// `component(X, player)`: the terms of a game's field that move one player.
    fn component(&mut self, field: &'c Expr, player: &'c Expr) -> Evaluated<Value> {
        let value = self.field_argument(field)?;
        let ExprKind::Name(name) = &player.kind else {
            return Err(self.fault(&player.span, "the name of a player is needed"));
        };
        let fields = &self.names.fields;
        if !fields.iter().any(|(_, space)| space == name) {
            let mut known: Vec<&str> = fields.iter().map(|(_, s)| s.as_str()).collect();
            known.retain(|s| !s.is_empty());
            known.dedup();
            let message = format!("there is no player `{name}`");
            return Err(self.fault_with(&player.span, message, known.join(", ")));
        }
        let of_player = |t: &Tree| {
            let color = Product::of(t, false).tree.map(|tree| usize::from(tree.color()));
            color.and_then(|color| fields.get(color)).is_some_and(|(_, space)| space == name)
        };
        Ok(Value::Differential(value.retain(of_player)))
    }
}
