//! Numbers and arrays of them: entry by entry, products, repetitions.

use super::super::graph::{Expr, Graph};
use super::lower::{Lowered, Lowering, MAX_ENTRIES};
use super::syntax::{Expression, Loop};
use std::ops::Range;

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Expr),
    Array(Vec<Value>),
}

impl Value {
    /// All entries, in order.
    pub fn flat(&self, out: &mut Vec<Expr>) {
        match self {
            Value::Scalar(e) => out.push(*e),
            Value::Array(items) => items.iter().for_each(|item| item.flat(out)),
        }
    }

    pub fn entries(&self) -> usize {
        match self {
            Value::Scalar(_) => 1,
            Value::Array(items) => items.iter().map(Value::entries).sum(),
        }
    }

    pub fn kind(&self) -> String {
        match self {
            Value::Scalar(_) => "a number".into(),
            Value::Array(items) => match items.first() {
                Some(Value::Array(inner)) => format!("a {}x{} matrix", items.len(), inner.len()),
                _ => format!("an array of {}", items.len()),
            },
        }
    }
}

impl Lowering<'_> {
    /// Operands from left to right; arrays entry by entry, numbers beside arrays with every entry.
    pub fn chain(
        &mut self,
        operands: &[(bool, Expression)],
        join: fn(&mut Graph, Expr, Expr) -> Expr,
        inverse: fn(&mut Graph, Expr, Expr) -> Expr,
        verb: &str,
    ) -> Lowered<Value> {
        let mut result = self.any(&operands[0].1)?;
        for (marked, operand) in &operands[1..] {
            let value = self.any(operand)?;
            if *marked && verb == "multiplied" {
                self.check_divisor(&value, &operand.span)?;
            }
            let operation = if *marked { inverse } else { join };
            result = self.joined(&result, &value, operation, verb, &operand.span)?;
        }
        Ok(result)
    }

    /// Terms with their signs. Numbers are added all at once: one after another takes a time that grows
    /// with the square of their number.
    pub fn total(&mut self, terms: &[(bool, Expression)]) -> Lowered<Value> {
        let mut numbers = Vec::with_capacity(terms.len());
        let mut arrays: Option<Value> = None;
        for (subtracted, term) in terms {
            let value = self.any(term)?;
            match (
                self.map(&value, &mut |g, e| if *subtracted { g.neg(e) } else { e }),
                arrays.take(),
            ) {
                (Value::Scalar(e), rest) => {
                    numbers.push(e);
                    arrays = rest;
                }
                (array, None) => arrays = Some(array),
                (array, Some(sum)) => {
                    arrays = Some(self.joined(&sum, &array, Graph::add, "added", &term.span)?);
                }
            }
        }
        let number = self.graph.sum(&numbers);
        Ok(match arrays {
            None => Value::Scalar(number),
            Some(array) => self.map(&array, &mut |g, e| g.add(number, e)),
        })
    }

    fn joined(
        &mut self,
        a: &Value,
        b: &Value,
        operation: fn(&mut Graph, Expr, Expr) -> Expr,
        verb: &str,
        span: &Range<usize>,
    ) -> Lowered<Value> {
        self.zip(a, b, operation).ok_or_else(|| {
            let message = format!("{} and {} cannot be {verb}", a.kind(), b.kind());
            let help = "arrays are combined entry by entry; `dot(a, b)` is the product of matrices";
            self.fault(span, message, "the sizes differ", Some(help.into()))
        })
    }

    pub fn zip(
        &mut self,
        a: &Value,
        b: &Value,
        operation: fn(&mut Graph, Expr, Expr) -> Expr,
    ) -> Option<Value> {
        Some(match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(operation(self.graph, *a, *b)),
            (Value::Array(items), Value::Scalar(_)) => Value::Array(
                items.iter().map(|i| self.zip(i, b, operation)).collect::<Option<_>>()?,
            ),
            (Value::Scalar(_), Value::Array(items)) => Value::Array(
                items.iter().map(|i| self.zip(a, i, operation)).collect::<Option<_>>()?,
            ),
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                let pairs = a.iter().zip(b);
                Value::Array(pairs.map(|(a, b)| self.zip(a, b, operation)).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    pub fn map(&mut self, value: &Value, f: &mut dyn FnMut(&mut Graph, Expr) -> Expr) -> Value {
        match value {
            Value::Scalar(e) => Value::Scalar(f(self.graph, *e)),
            Value::Array(items) => Value::Array(items.iter().map(|i| self.map(i, f)).collect()),
        }
    }

    /// An array, if its items are alike.
    pub fn regular(&mut self, items: Vec<Value>, span: &Range<usize>) -> Lowered<Value> {
        let first = items.first().map(Value::kind);
        if let Some(odd) = items.iter().find(|i| Some(i.kind()) != first) {
            let first = first.unwrap_or_default();
            let message = format!("an array holds {first} and {}", odd.kind());
            return Err(self.fault(span, message, "the entries are of different sizes", None));
        }
        Ok(Value::Array(items))
    }

    pub fn comprehension(&mut self, loops: &[Loop], inner: &Expression) -> Lowered<Value> {
        let Some((first, rest)) = loops.split_first() else { return self.any(inner) };
        let mut items = Vec::new();
        self.repeat(std::slice::from_ref(first), &mut |this| {
            items.push(this.comprehension(rest, inner)?);
            Ok(())
        })?;
        self.regular(items, &inner.span)
    }

    /// Runs `run` for all values of the indices.
    pub fn repeat(
        &mut self,
        loops: &[Loop],
        run: &mut dyn FnMut(&mut Self) -> Lowered<()>,
    ) -> Lowered<()> {
        let Some((first, rest)) = loops.split_first() else {
            self.count += 1;
            return run(self);
        };
        self.check_name(&first.name)?;
        let (from, to) = (self.integer(&first.from)?, self.integer(&first.to)?);
        let steps = to.saturating_sub(from).saturating_add(1).max(0) as usize;
        if steps.saturating_add(self.count) > MAX_ENTRIES {
            let span = first.from.span.start..first.to.span.end;
            let message = format!("more than {MAX_ENTRIES} terms in all");
            return Err(self.fault(&span, message, "this range is too long", None));
        }
        for i in from..=to {
            let depth = self.names.len();
            let index = Value::Scalar(self.graph.integer(i));
            self.names.push((first.name.text.clone(), index));
            let outcome = self.repeat(rest, run);
            self.names.truncate(depth);
            outcome?;
        }
        Ok(())
    }

    /// The product of matrices and arrays.
    pub fn dot(&mut self, a: &Value, b: &Value) -> Option<Value> {
        let (Value::Array(a), Value::Array(b)) = (a, b) else { return None };
        match (a.first()?, b.first()?) {
            (Value::Array(_), _) => {
                let b = Value::Array(b.clone());
                Some(Value::Array(a.iter().map(|row| self.dot(row, &b)).collect::<Option<_>>()?))
            }
            (Value::Scalar(_), Value::Scalar(_)) if a.len() == b.len() => {
                let mut terms = Vec::new();
                for (x, y) in a.iter().zip(b) {
                    let (Value::Scalar(x), Value::Scalar(y)) = (x, y) else { return None };
                    terms.push(self.graph.mul(*x, *y));
                }
                Some(Value::Scalar(self.graph.sum(&terms)))
            }
            (Value::Scalar(_), Value::Array(first)) if a.len() == b.len() => {
                let columns = (0..first.len()).map(|j| {
                    let column = b.iter().map(|row| match row {
                        Value::Array(row) => row.get(j).cloned(),
                        Value::Scalar(_) => None,
                    });
                    let column = Value::Array(column.collect::<Option<_>>()?);
                    self.dot(&Value::Array(a.clone()), &column)
                });
                Some(Value::Array(columns.collect::<Option<_>>()?))
            }
            _ => None,
        }
    }
}
