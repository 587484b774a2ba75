//! Derivatives, contractions and inner products of fields.

use super::differential::{Differential, FieldKind, MAX_ARITY};
use super::evaluate::{Evaluated, Evaluator};
use super::value::{Value, ValueError};
use std::ops::Range;

impl Evaluator<'_, '_> {
    /// The derivative, `count` times; the first one of a scalar field is its gradient.
    pub(super) fn derivative(
        &self,
        value: Value,
        count: usize,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let Value::Differential(mut field) = value else {
            return Err(self.fault_with(
                span,
                format!("{} has no derivative", value.kind()),
                "fields have: `f'`, `X'`, `∇E`",
            ));
        };
        if count > MAX_ARITY {
            return Err(self.fault(span, format!("at most {MAX_ARITY} derivatives are taken")));
        }
        if count > 0 {
            self.check_movable(&field, span)?;
        }
        for _ in 0..count {
            field = if field.kind == FieldKind::Scalar {
                field.gradient()
            } else {
                self.lift(span, field.derivative().map_err(ValueError::from))?
            };
        }
        Ok(Value::Differential(field.within(&self.context.bounds)))
    }

    /// Refuses to differentiate the point `theta`, which stands among the fields of a claim that speaks of a start.
    pub(super) fn check_movable(&self, value: &Differential, span: &Range<usize>) -> Evaluated<()> {
        let point = self.names.fields.iter().position(|(name, space)| name == space);
        let Some(point) = point.filter(|&first| value.has_color_from(first as u8)) else {
            return Ok(());
        };
        let name = &self.names.fields[point].0;
        Err(self.fault_with(
            span,
            format!("`{name}` is a point here and has no derivative"),
            format!("take what is added to it: `start(…) - {name}`"),
        ))
    }

    /// An operator with vector fields in its first places.
    pub(super) fn contract(
        &self,
        tensor: Value,
        mut arguments: Vec<Value>,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let Value::Differential(tensor) = tensor else {
            return Err(self.fault_with(
                span,
                format!("{} takes no arguments", tensor.kind()),
                "write products with `*`; a definition cannot use itself",
            ));
        };
        // ∇³E[a,b,c] = c · ∇³E[a,b]
        let last = (tensor.arity + 1 == arguments.len() && tensor.arity > 0)
            .then(|| arguments.pop().expect("not empty"));
        if arguments.len() > tensor.arity {
            return Err(self.fault_with(
                span,
                format!(
                    "this takes {}, not {}",
                    match tensor.arity {
                        0 => "no arguments".to_string(),
                        1 => "one argument".to_string(),
                        n => format!("{n} arguments"),
                    },
                    arguments.len()
                ),
                "a field takes arguments through its derivatives: `f'(X)`, `f''(X, Y)`; its value \
                 at a shifted point is `at(f, X)`",
            ));
        }
        let fields = arguments
            .into_iter()
            .map(|a| self.vector_field(a, span))
            .collect::<Evaluated<Vec<_>>>()?;
        let value = tensor.applied(&fields, &self.context.bounds).map_err(ValueError::from);
        let value = Value::Differential(self.lift(span, value)?);
        match last {
            Some(last) => self.dot(&value, &last, span),
            None => Ok(value),
        }
    }

    /// A value that must be a vector field.
    pub(super) fn vector_field(
        &self,
        value: Value,
        span: &Range<usize>,
    ) -> Evaluated<Differential> {
        match value {
            Value::Differential(d) if d.kind == FieldKind::Vector && d.arity == 0 => Ok(d),
            value if value.is_zero_number() => Ok(Differential::zero(FieldKind::Vector, 0)),
            other => {
                Err(self.fault(span, format!("a vector field is needed, not {}", other.kind())))
            }
        }
    }

    /// The inner product of two vector fields.
    pub(super) fn dot(&self, a: &Value, b: &Value, span: &Range<usize>) -> Evaluated<Value> {
        let (a, b) = (self.vector_field(a.clone(), span)?, self.vector_field(b.clone(), span)?);
        if !a.is_of_one_field() || !b.is_of_one_field() {
            return Err(self.fault_with(
                span,
                "inner products are scalar fields only where every field is f = -∇E",
                "a game has no single loss",
            ));
        }
        let product = a.dot(&b, &self.context.bounds).map_err(ValueError::from);
        Ok(Value::Differential(self.lift(span, product)?))
    }
}
