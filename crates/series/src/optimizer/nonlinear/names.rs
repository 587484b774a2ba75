//! Names in a nonlinear step: the step size, parameters, states, stages and the vector field.

use super::lower::{Lowered, Lowering};
use crate::exact::RationalFunction;
use crate::optimizer::scope::Symbol;
use crate::optimizer::syntax::{Expression, Name};
use crate::text::near;
use crate::typed::{Node, NodeId, Shape};
use std::ops::Range;

impl Lowering<'_> {
    fn theta(&mut self, span: &Range<usize>) -> NodeId {
        self.remembered(0, 0, Node::State(0), Shape::Vector, span)
    }

    pub(super) fn old(&mut self, name: &str, expression: &Expression) -> Lowered<NodeId> {
        let span = &expression.span;
        match self.scope.symbols.get(name) {
            Some(Symbol::Step) => Ok(self.remembered(2, 0, Node::Step, Shape::Number, span)),
            Some(Symbol::Parameter(i)) => Ok(self.number(self.parameters[*i].clone(), span)),
            Some(Symbol::State(i)) => {
                let shape = self.state_shape(*i);
                Ok(self.remembered(0, *i, Node::State(*i), shape, span))
            }
            Some(Symbol::Stage(i)) => self.stages[*i].ok_or_else(|| {
                self.fault(
                    span,
                    format!("`{name}` is used before it is computed"),
                    "not known yet",
                    format!(
                        "move the line that computes `{name}` up; nonlinear steps are explicit"
                    ),
                )
            }),
            Some(Symbol::Field(_)) => {
                let name = Name { text: name.into(), span: span.clone() };
                let theta = self.theta(span);
                self.field(&name, theta, span)
            }
            None if self.scope.is_gradient(name) => {
                let theta = self.theta(span);
                let field =
                    self.remembered(3, theta, Node::Field { point: theta }, Shape::Vector, span);
                if let Some(known) = self.known.get(&(4, 0)) {
                    return Ok(*known);
                }
                let gradient = self.negative(field, span);
                self.known.insert((4, 0), gradient);
                Ok(gradient)
            }
            None if name == "dim" => {
                Ok(self.remembered(5, 0, Node::Dimension, Shape::Number, span))
            }
            None if name == "t" => Err(self.no_bias_correction(expression)),
            None => {
                let mut known = self.scope.names(|s| !matches!(s, Symbol::Field(_)));
                known.extend(["g", "t", "dim"]);
                Err(self.optimizer.source.fault(
                    span.clone(),
                    format!("unknown name `{name}`"),
                    "not defined in this optimizer",
                    near::advice(name, &known),
                ))
            }
        }
    }

    /// The factor of a field that is a multiple of the parameters; `None` for `f`.
    pub(super) fn field_factor(&mut self, field: &Name) -> Lowered<Option<RationalFunction>> {
        let Some(Symbol::Field(index)) = self.scope.symbols.get(&field.text) else {
            return Err(self.unknown_function(field));
        };
        let Some(formula) = self.scope.formulas[*index].as_ref() else { return Ok(None) };
        let node = self.expression(formula)?;
        let factor = self.decompose(node, &formula.span)?;
        match (factor.0.as_slice(), factor.1.as_slice()) {
            ([(0, node)], []) if self.constant_value(*node).is_some() => {
                Ok(self.constant_value(*node).cloned())
            }
            _ => Err(self.fault(
                &formula.span,
                format!("the field `{}` cannot be this", field.text),
                "is no multiple of `theta`",
                "a field that is not a gradient is a multiple of the parameters: `fields f, w = -theta`",
            )),
        }
    }

    pub(super) fn field(
        &mut self,
        name: &Name,
        point: NodeId,
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        match self.field_factor(name)? {
            None => Ok(self.remembered(3, point, Node::Field { point }, Shape::Vector, span)),
            Some(factor) => Ok(self.scaled(factor, point, span)),
        }
    }
}
