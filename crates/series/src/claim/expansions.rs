//! The functions that expand: `flow`, `at`, `time_derivative`, `coefficient`, `series`, `part`.

use super::differential::{Bounds, Differential, FieldKind, H};
use super::entrywise::hides;
use super::evaluate::{Evaluated, Evaluator, GUARD};
use super::functions::MAX_ORDER;
use super::syntax::Expr;
use super::value::{Value, ValueError};
use crate::exact::RationalFunction as Q;
use crate::expression::PowerSeries;
use crate::text::source::SourceError;
use std::ops::Range;

impl<'c> Evaluator<'_, 'c> {
    /// The derivative of `value` along the flow of `field`.
    pub(super) fn along(
        &self,
        value: &Differential,
        field: &Differential,
        bounds: &Bounds,
        span: &Range<usize>,
    ) -> Evaluated<Differential> {
        self.lift(span, value.along(field, bounds).map_err(ValueError::from))
    }

    /// `flow(X)`: the displacement `Σ_(k≥1) h^k/k! X_k` of the time-`h` flow, `X_1 = X` and
    /// `X_(k+1)` the derivative of `X_k` along `X`.
    pub(super) fn flow(&mut self, field: &Differential, span: &Range<usize>) -> Evaluated<Value> {
        let order = self.context.bounds.order.ok_or_else(|| {
            self.fault_with(
                span,
                "a flow is an infinite series in `h`",
                "say how far: `flow(X) == h*f up to h^3`",
            )
        })?;
        if field.kind != FieldKind::Vector || field.arity > 0 || field.low() < 0 {
            return Err(self.fault(span, "a flow belongs to a vector field without powers of 1/h"));
        }
        // X_k is multiplied by h^k, so its powers of h from order - k on do not count.
        let below = |k: i64| Bounds { order: Some(order - k), ..self.context.bounds };
        let mut derivative = field.within(&below(1));
        let mut sum = Differential::zero(FieldKind::Vector, 0);
        let mut factor = Q::one();
        for k in 1..order {
            factor = &factor * &(&Q::variable(H) * &Q::integer(k).inverse().expect("k > 0"));
            sum = sum.plus(&derivative.scaled(&factor));
            if k + 1 < order {
                let bounds = below(k + 1);
                derivative = self.along(&derivative.within(&bounds), field, &bounds, span)?;
            }
        }
        sum.precision = Some(sum.precision.map_or(order, |p| p.min(order)));
        Ok(Value::Differential(sum))
    }

    /// `at(X, Y)`: the field (or scalar field) `X` at `θ + Y`.
    pub(super) fn at(
        &mut self,
        field: &'c Expr,
        shift: &'c Expr,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let value = self.field_argument(field)?;
        self.check_movable(&value, &field.span)?;
        let by = self.evaluate(shift)?;
        let by = self.vector_field(by, &shift.span)?;
        if self.context.bounds.order.is_none() {
            return Err(self.fault_with(
                span,
                "a value at a shifted point is an infinite series in `h`",
                "say how far: `at(f, h*f) == f + h*f'f up to h^1`",
            ));
        }
        if by.low() < 1 && !(by.is_zero() && by.precision.is_none()) {
            self.imprecise.set(by.precision.is_some());
            return Err(self.fault(&shift.span, "the shift must be a multiple of `h`"));
        }
        let result = value.shifted(&by, &self.context.bounds).map_err(ValueError::from);
        Ok(Value::Differential(self.lift(span, result)?))
    }

    /// `coefficient(X, v, n)` and `series(X, v, n)`: `X` is expanded in `v` far enough, and not
    /// much further.
    pub(super) fn expansion(
        &mut self,
        whole: bool,
        of: &'c Expr,
        variable: usize,
        n: i64,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        if n > MAX_ORDER as i64 {
            return Err(self.fault(span, format!("series go up to the power {MAX_ORDER}")));
        }
        let outer = self.context;
        for guard in GUARD {
            self.set_formal(variable, n.max(0) + 1 + guard);
            let value = self.evaluate(of);
            self.context = outer;
            if value.is_err() && self.imprecise.take() {
                continue;
            }
            let value = value?;
            let known = match &value {
                Value::Series(s) => s.precision() > n,
                // Expansions in two variables do not commute: 1/(h+λ).
                Value::Differential(d) if variable != H && d.precision.is_some() => {
                    return Err(self.foreign(&of.span, H, variable));
                }
                Value::Differential(d) => d.precision.is_none_or(|p| p > n),
                Value::Scalar(_) | Value::Entrywise(_) => true,
            };
            if !known {
                continue;
            }
            return if whole {
                self.truncated(&value, variable, n, span)
            } else {
                self.coefficient(&value, variable, n, span)
            };
        }
        self.imprecise.set(true);
        Err(self.fault(span, format!("the coefficient of the power {n} is not known here")))
    }

    fn truncated(
        &self,
        value: &Value,
        variable: usize,
        n: i64,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let cut = |q: &Q| PowerSeries::through(q, variable, n).polynomial(n + 1);
        match value {
            Value::Scalar(q) => Ok(Value::Scalar(cut(q))),
            Value::Series(s) => Ok(Value::Scalar(s.polynomial(n + 1))),
            Value::Differential(d) if d.arity == 0 && d.kind == FieldKind::Vector => {
                Ok(Value::Differential(d.map(cut)))
            }
            Value::Entrywise(e) if !hides(&self.atoms, &e.sum, variable) => {
                Ok(Value::Entrywise(e.map(cut)))
            }
            Value::Differential(_) | Value::Entrywise(_) => {
                Err(self.fault(span, format!("{} is not cut off", value.kind())))
            }
        }
    }

    /// The coefficient of `variable^n`.
    fn coefficient(
        &self,
        value: &Value,
        variable: usize,
        n: i64,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let of = |q: &Q| {
            PowerSeries::through(q, variable, n).coefficient(n).expect("expanded through n")
        };
        match value {
            Value::Scalar(q) => Ok(Value::Scalar(of(q))),
            Value::Series(s) => {
                let found = s.coefficient(n).ok_or_else(|| {
                    self.fault(span, format!("the coefficient of the power {n} is not known"))
                })?;
                Ok(Value::Scalar(found))
            }
            Value::Differential(d) => Ok(Value::Differential(d.map(of))),
            Value::Entrywise(e) if hides(&self.atoms, &e.sum, variable) => {
                let name = &self.names.variables[variable];
                let message =
                    format!("powers and functions of what holds `{name}` are not expanded");
                Err(self.fault(span, message))
            }
            Value::Entrywise(e) => Ok(Value::Entrywise(e.map(of))),
        }
    }

    /// The fault of a series in one variable that would have to be expanded in another.
    pub(super) fn foreign(
        &self,
        span: &Range<usize>,
        variable: usize,
        wanted: usize,
    ) -> SourceError {
        let name = |i: usize| &self.names.variables[i];
        self.fault_with(
            span,
            format!(
                "this is known as a truncated series in `{}` and has no expansion in `{}`",
                name(variable),
                name(wanted)
            ),
            "write out what the name stands for where it is expanded",
        )
    }
}
