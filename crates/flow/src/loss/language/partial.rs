//! Derivatives within a formula, of variables that are functions of others.

use super::super::graph::{Expr, Node};
use super::arrays::Value;
use super::lower::{Lowered, Lowering};
use super::syntax::Expression;
use std::ops::Range;

/// The name of the function that derives.
pub(super) const DERIVATIVE: &str = "d";

/// The highest order of a derivative: the work grows with its power of two.
const MAX_ORDER: usize = 4;

/// A partial derivative of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// Of which function, by its number.
    pub function: usize,
    /// By which of its arguments, one for each order, by their numbers, ascending.
    pub by: Vec<usize>,
}

impl Partial {
    /// As it is written in a formula.
    pub(super) fn written(&self, arrays: &[(&str, usize)]) -> String {
        let (functions, arguments) = (arrays[0].0, arrays[arrays.len() - 1].0);
        let by = self.by.iter().map(|at| format!(", {arguments}[{at}]"));
        format!("d({functions}[{}]{})", self.function, by.collect::<String>())
    }
}

/// The derivatives that a formula takes.
pub(super) struct Partials {
    /// How many functions there are, the first variables.
    functions: u32,
    /// The variables that are their arguments, the last of the arrays.
    arguments: Range<u32>,
    /// The name of these.
    name: String,
    /// A variable for each, behind the arguments.
    pub found: Vec<Partial>,
}

impl Partials {
    /// Of the first of these arrays by the last, if there are any; a graph has room for all their entries.
    pub fn new(arrays: &[(&str, usize)]) -> Option<Partials> {
        let end = arrays.iter().map(|(_, size)| *size as u32).sum::<u32>();
        let ((_, first), (name, last)) = (arrays.first()?, arrays.last()?);
        let (functions, arguments) = (*first as u32, end - *last as u32..end);
        Some(Partials { functions, arguments, name: name.to_string(), found: Vec::new() })
    }

    /// The variable of the derivative of another variable, if that is a function or a derivative of one.
    fn of(&mut self, variable: u32, argument: usize) -> Option<u32> {
        let mut partial = match variable.checked_sub(self.arguments.end) {
            Some(at) => self.found[at as usize].clone(),
            None if variable < self.functions => {
                Partial { function: variable as usize, by: Vec::new() }
            }
            None => return None,
        };
        partial.by.push(argument);
        partial.by.sort_unstable();
        let at = self.found.iter().position(|known| *known == partial).unwrap_or_else(|| {
            self.found.push(partial);
            self.found.len() - 1
        });
        Some(self.arguments.end + at as u32)
    }
}

impl Lowering<'_> {
    /// `d(e, x[i], …)`.
    pub(super) fn derivative(
        &mut self,
        arguments: &[Expression],
        span: &Range<usize>,
    ) -> Lowered<Value> {
        let Some((of, by @ [_, ..])) = arguments.split_first() else {
            let help = Some("as in `d(y[0], x[0])`".into());
            return Err(self.fault(span, "`d` takes what is derived, and by what", "", help));
        };
        if let Some(one) = by.get(MAX_ORDER) {
            let message = format!("a derivative has at most the order {MAX_ORDER}");
            return Err(self.fault(&one.span, message, "one too many", None));
        }
        let mut value = self.any(of)?;
        for argument in by {
            let at = self.argument(argument)?;
            // Entries are derived one by one, as new variables come with them.
            let mut entries = Vec::new();
            value.flat(&mut entries);
            let mut derived = Vec::with_capacity(entries.len());
            for entry in entries {
                derived.push(self.derived(entry, at, &of.span)?);
            }
            let mut derived = derived.into_iter();
            value = self.map(&value, &mut |_, _| derived.next().expect("one for each"));
        }
        Ok(value)
    }

    /// Which argument of the functions an expression is.
    fn argument(&mut self, expression: &Expression) -> Lowered<usize> {
        let value = self.any(expression)?;
        let mut entries = Vec::new();
        value.flat(&mut entries);
        let partials = self.partials.as_ref().expect("asked for where there are functions");
        if let [entry] = entries[..]
            && let Node::Variable(index) = self.graph.node(entry)
            && partials.arguments.contains(index)
        {
            return Ok((index - partials.arguments.start) as usize);
        }
        let name = &partials.name;
        let help = match partials.arguments.len() {
            0 | 1 => format!("`{name}[0]` is the only input"),
            count => format!("the inputs are `{name}[0]` to `{name}[{}]`", count - 1),
        };
        let message = "derivatives are by one of the inputs";
        Err(self.fault(&expression.span, message, "no input", Some(help)))
    }

    /// `∂e/∂x = Σ_v ∂e/∂v ∂v/∂x` over all variables `v`.
    fn derived(&mut self, e: Expr, argument: usize, span: &Range<usize>) -> Lowered<Expr> {
        let used = self.graph.variables(&[e]);
        let slopes = self.graph.gradient(e, &used);
        let partials = self.partials.as_mut().expect("asked for where there are functions");
        let mut terms = Vec::new();
        for (variable, slope) in used.into_iter().zip(slopes) {
            if variable == partials.arguments.start + argument as u32 {
                terms.push(slope);
            } else if let Some(inner) = partials.of(variable, argument) {
                let inner = self.graph.variable(inner);
                terms.push(self.graph.mul(slope, inner));
            }
        }
        let high = |partial: &&Partial| partial.by.len() > MAX_ORDER;
        if let Some(partial) = partials.found.iter().find(high) {
            let message = format!(
                "a derivative has at most the order {MAX_ORDER}, but this one is of the order {}",
                partial.by.len()
            );
            return Err(self.fault(span, message, "derived again", None));
        }
        Ok(self.graph.sum(&terms))
    }
}
