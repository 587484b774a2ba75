//! The lines of a nonlinear step: what is declared, named and given a new value.

use super::kinds::Type;
use super::lower::{Lowered, Lowering};
use crate::exact::RationalFunction;
use crate::optimizer::scope::Symbol;
use crate::optimizer::syntax::{Expression, Name};
use crate::typed::{NodeId, Shape};
use std::ops::Range;

/// How many operations may stand inside each other, and how many states a nonlinear step may have.
const MAX_DEPTH: usize = 150;
const MAX_STATES: usize = 16;

impl Lowering<'_> {
    /// One field, `f`; others are multiples of the parameters.
    pub(super) fn check_fields(&self) -> Lowered<()> {
        let (formulas, fields) = (&self.scope.formulas, &self.scope.fields);
        let free: Vec<usize> =
            (0..fields.len()).filter(|i| formulas.get(*i).is_none_or(|f| f.is_none())).collect();
        let span = self.optimizer.name_span.clone();
        if self.scope.spaces.len() > 1 {
            return Err(self.fault(
                &span,
                "a nonlinear step of a game",
                "has players and nonlinear operations",
                "games have steps that are linear in their fields; nonlinear steps have the parameters `theta`",
            ));
        }
        if let [_, second, ..] = free[..] {
            return Err(self.fault(
                &span,
                "a nonlinear step with several vector fields",
                format!("`{}` is a second one", fields[second].name),
                "nonlinear steps have one field, `f = -∇E`; others are multiples of the parameters: `fields f, w = -theta`",
            ));
        }
        Ok(())
    }

    pub(super) fn check_states(&self) -> Lowered<()> {
        let Some(state) = self.scope.states.get(MAX_STATES) else { return Ok(()) };
        Err(self.fault(
            &state.span,
            format!("a nonlinear step has at most {MAX_STATES} states"),
            "one too many",
            "linear steps may have more",
        ))
    }

    /// `let name = value`
    pub(super) fn define(&mut self, name: &Name, value: &Expression) -> Lowered<()> {
        let node = self.shallow(value)?;
        if let Some(Symbol::Stage(index)) = self.scope.symbols.get(&name.text) {
            self.stages[*index] = Some(node);
        }
        Ok(())
    }

    /// `name' = value` or `first name' = value`
    pub(super) fn update(&mut self, name: &Name, value: &Expression, first: bool) -> Lowered<()> {
        let index = self.state(&name.text, &name.span)?;
        let taken = if first {
            self.firsts[index].is_some() || self.updates[index].is_some()
        } else {
            self.updates[index].is_some()
        };
        if taken {
            return Err(self.fault(
                &name.span,
                format!("`{}'` gets a value twice", name.text),
                "the second time",
                "name the first value with `let`; a line `first v' = …` stands above the line `v' = …`",
            ));
        }
        let node = self.shallow(value)?;
        if self.types.states[index] != Type::Number && self.shape(node) == Shape::Number {
            let is_zero = self.constant_value(node).is_some_and(RationalFunction::is_zero);
            if index == 0 || !is_zero {
                return Err(self.fault(
                    &value.span,
                    format!("`{}` is a vector, its new value a number", name.text),
                    "a number",
                    "a new value is made of vectors, `m*v + h*f` say",
                ));
            }
        }
        self.check_new_value(index, node, value)?;
        if first {
            self.firsts[index] = Some(node);
        } else {
            self.updates[index] = Some((node, value.span.clone()));
        }
        Ok(())
    }

    pub(super) fn state(&self, name: &str, span: &Range<usize>) -> Lowered<usize> {
        if let Some(Symbol::State(index)) = self.scope.symbols.get(name) {
            return Ok(*index);
        }
        let near = self.scope.near(name, |s| matches!(s, Symbol::State(_)));
        Err(self.fault(
            span,
            format!("`{name}` is no state and has no new value"),
            "only states have one",
            near.unwrap_or_else(|| format!("declare the buffer: `state {name}`")),
        ))
    }

    /// A right-hand side whose operations do not stand too deep inside each other.
    fn shallow(&mut self, expression: &Expression) -> Lowered<NodeId> {
        let node = self.expression(expression)?;
        if self.depth[node] > MAX_DEPTH {
            return Err(self.fault(
                &expression.span,
                "operations are nested too deeply",
                format!("{} inside each other", self.depth[node]),
                format!("at most {MAX_DEPTH} may be"),
            ));
        }
        Ok(node)
    }
}
