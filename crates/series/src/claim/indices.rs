//! Indices that run through ranges of integers.

use super::evaluate::{Evaluated, Evaluator};
use super::syntax::{Expr, IndexRange};
use super::value::Value;

/// The most values of all indices together.
const MAX_CASES: i64 = 100_000;

impl<'c> Evaluator<'_, 'c> {
    /// Runs `action` for every combination of the indices.
    pub fn for_each(
        &mut self,
        ranges: &'c [IndexRange],
        cases: &mut i64,
        action: &mut dyn FnMut(&mut Self) -> Evaluated<()>,
    ) -> Evaluated<()> {
        let Some((range, rest)) = ranges.split_first() else {
            return action(self);
        };
        let from = self.integer(&range.from)?;
        let to = self.integer(&range.to)?;
        let span = range.from.span.start..range.to.span.end;
        let count = to.saturating_sub(from).saturating_add(1).max(0);
        *cases = cases.saturating_add(count);
        if *cases > MAX_CASES {
            return Err(self.fault_with(
                &span,
                format!("this asks for {count} cases, at most {MAX_CASES} are checked"),
                "both ends of a range are included; lower the upper one",
            ));
        }
        for value in from..=to {
            let depth = self.depth();
            self.bind(&range.name, Value::integer(value));
            let result = self.for_each(rest, cases, action);
            self.unbind(depth);
            result?;
        }
        Ok(())
    }

    /// An expression that must be an integer.
    pub fn integer(&mut self, expr: &'c Expr) -> Evaluated<i64> {
        let value = self.evaluate(expr)?;
        value.as_integer().ok_or_else(|| match &value {
            Value::Scalar(q) => {
                let shown = q.display(&self.names.variables);
                self.fault(&expr.span, format!("an integer is needed here, not {shown}"))
            }
            other => self.fault(&expr.span, format!("an integer is needed, not {}", other.kind())),
        })
    }

    /// An expression that must be an integer from 0 on.
    pub(super) fn natural(&mut self, expr: &'c Expr) -> Evaluated<usize> {
        let value = self.integer(expr)?;
        usize::try_from(value)
            .map_err(|_| self.fault(&expr.span, format!("{value} is negative; count from 0")))
    }
}
