//! The states of a nonlinear step: new values split into what is linear in the old ones and the rest, and how they start.

use super::lower::{Lowered, Lowering, MAX_TERMS};
use crate::exact::RationalFunction;
use crate::optimizer::syntax::{Expression, Kind};
use crate::typed::{Initial, Node, NodeId, Program, Shape, TypedState};
use std::ops::Range;

/// States with their coefficients, and what is left.
type Decomposed = (Vec<(usize, NodeId)>, Vec<NodeId>);

impl Lowering<'_> {
    /// The states that a value is linear in, with coefficients that no state occurs in, and the rest.
    pub(super) fn decompose(&mut self, node: NodeId, span: &Range<usize>) -> Lowered<Decomposed> {
        let (mut linear, mut rest) = (Vec::new(), Vec::new());
        let mut open = vec![(node, Vec::new())];
        while let Some((node, factors)) = open.pop() {
            if linear.len() + rest.len() + open.len() > MAX_TERMS {
                return Err(self.fault(
                    span,
                    "a new value has too many terms",
                    format!("more than {MAX_TERMS} terms"),
                    "nonlinear steps are short",
                ));
            }
            let shape = self.shape(node);
            let place = self.program.places[node].clone();
            match self.program.nodes[node].clone() {
                Node::Sum(parts) if !self.constant[node] => {
                    open.extend(parts.into_iter().rev().map(|part| (part, factors.clone())));
                }
                Node::Product(parts) if !self.constant[node] => {
                    let (numbers, others): (Vec<NodeId>, Vec<NodeId>) =
                        parts.iter().partition(|part| {
                            self.constant[**part] && self.shape(**part) == Shape::Number
                        });
                    match others[..] {
                        [one] => open.push((one, [factors, numbers].concat())),
                        _ => rest.push(self.multiplied(&factors, Some(node), shape, &place)),
                    }
                }
                Node::State(i) => {
                    let factor = self.multiplied(&factors, None, Shape::Number, &place);
                    linear.push((i, factor));
                }
                _ => rest.push(self.multiplied(&factors, Some(node), shape, &place)),
            }
        }
        Ok((linear, rest))
    }

    /// A product of factors; 1 for none.
    fn multiplied(
        &mut self,
        factors: &[NodeId],
        last: Option<NodeId>,
        shape: Shape,
        place: &Range<usize>,
    ) -> NodeId {
        let mut parts: Vec<NodeId> = factors.iter().copied().chain(last).collect();
        if parts.iter().all(|part| self.constant_value(*part).is_some()) {
            let value = parts.iter().filter_map(|part| self.constant_value(*part));
            let value = value.fold(RationalFunction::one(), |product, x| &product * x);
            return self.number(value, place);
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => self.push(Node::Product(parts), shape, place),
        }
    }

    /// The program, once all statements have been read.
    pub(super) fn finish(mut self) -> Lowered<Program> {
        let mut states = Vec::new();
        for index in 0..self.scope.states.len() {
            let name = &self.scope.states[index];
            let Some((update, place)) = self.updates[index].clone() else {
                return Err(self.fault(
                    &name.span,
                    format!("`{}` never gets a new value", name.text),
                    format!("`{}` is not updated", name.text),
                    format!("add a line `{}' = …`", name.text),
                ));
            };
            let (linear, rest) = self.decompose(update, &place)?;
            let initial = match self.scope.initial[index].clone() {
                Some(value) => Some(self.initial(index, &value)?),
                None => None,
            };
            states.push(TypedState {
                name: name.text.clone(),
                shape: self.state_shape(index),
                slow: self.scope.slow[index],
                initial,
                first: self.firsts[index],
                linear,
                rest,
                update,
                place,
            });
        }
        self.program.states = states;
        Ok(self.program)
    }

    fn initial(&mut self, state: usize, value: &Expression) -> Lowered<Initial> {
        if matches!(&value.kind, Kind::Old(name) if name == "settled") {
            return Ok(Initial::Settled);
        }
        let node = self.expression(value)?;
        if let Some(number) = self.constant_value(node) {
            return Ok(Initial::Entries(number.clone()));
        }
        let (linear, rest) = self.decompose(node, &value.span)?;
        if let ([(0, factor)], []) = (linear.as_slice(), rest.as_slice())
            && let Some(factor) = self.constant_value(*factor)
        {
            let shape = self.state_shape(state);
            if shape != Shape::Vector {
                return Err(self.multiple_of_theta(state, shape, value));
            }
            return Ok(Initial::Multiple(factor.clone()));
        }
        Err(self.fault(
            &value.span,
            "a buffer cannot start so",
            "is neither a number nor a multiple of `theta`",
            "a buffer starts as a number (a square matrix as that multiple of the identity), a multiple of the parameters, \
             or `settled`",
        ))
    }
}
