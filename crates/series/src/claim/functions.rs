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

/// Functions entry by entry and numbers made of vectors: a claim may give their names another meaning.
pub(crate) const ENTRYWISE: &[(&str, &str)] = &[
    ("abs", "abs(X)"),
    ("sign", "sign(X)"),
    ("tanh", "tanh(X)"),
    ("norm", "norm(X)"),
    ("mean", "mean(X)"),
    ("sum", "sum(X)"),
    ("min", "min(X, Y)"),
    ("max", "max(X, Y)"),
    ("clip", "clip(X, low, high)"),
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
        let mut all = FUNCTIONS.iter().chain(ENTRYWISE);
        let Some((_, usage)) = all.find(|(n, _)| *n == name) else {
            return Ok(None);
        };
        let expected: &[usize] = match name {
            "compositions" | "coefficient" | "series" | "time_derivative" | "clip" => &[3],
            "min" | "max" => &[2],
            "principal" => &[1, 2],
            "flow" | "D" | "grad" | "factorial" | "exp" | "log" | "sqrt" => &[1],
            name if ENTRYWISE.iter().any(|(n, _)| *n == name) => &[1],
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
                let mut value = self.evaluate(argument(0))?;
                let along = self.evaluate(argument(1))?;
                if let Value::Differential(value) = &value {
                    self.check_movable(value, &argument(0).span)?;
                }
                if let Value::Differential(along) = &along {
                    self.check_movable(along, &argument(1).span)?;
                }
                for _ in 0..self.natural(argument(2))? {
                    value = match (&value, &along) {
                        (Value::Differential(value), Value::Differential(along)) => {
                            let bounds = &self.context.bounds;
                            Value::Differential(self.along(value, along, bounds, span)?)
                        }
                        _ => {
                            let moved = self.entrywise_along(&value, &along);
                            self.lift(span, moved)?
                        }
                    };
                }
                value
            }
            "D" => {
                let value = self.evaluate(argument(0))?;
                self.derivative(value, 1, span)?
            }
            "grad" => match self.evaluate(argument(0))? {
                Value::Differential(d) if d.kind == FieldKind::Scalar => {
                    Value::Differential(d.gradient())
                }
                Value::Entrywise(e) if !e.is_vector => self.entrywise_derivative(e, 1, span)?,
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
            "min" | "max" | "clip" => {
                let values = arguments.iter().map(|argument| self.evaluate(&argument.value));
                let values = values.collect::<Evaluated<Vec<_>>>()?;
                let bounded = self.entrywise_bounds(name, &values);
                self.lift(span, bounded)?
            }
            _ => {
                let value = self.evaluate(argument(0))?;
                let is_number = matches!(value, Value::Scalar(_) | Value::Series(_));
                if !is_number || !matches!(name, "exp" | "log" | "sqrt") {
                    let value = self.entrywise_function(name, &value);
                    return self.lift(span, value).map(Some);
                }
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
        let ExprKind::Name(name) = &player.kind else {
            return Err(self.fault(&player.span, "the name of a player is needed"));
        };
        if let ExprKind::Apply(callee, arguments) = &field.kind
            && matches!(&callee.kind, ExprKind::Name(function) if function == "field")
            && let [optimizer, order] = &arguments[..]
            && let Some(value) =
                self.typed_field(&optimizer.value, &order.value, Some((name, &player.span)))?
        {
            return Ok(value);
        }
        let value = self.field_argument(field)?;
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
