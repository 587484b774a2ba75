//! Sums, products and powers in a nonlinear step.

use super::kinds::Type;
use super::lower::{Lowered, Lowering};
use crate::exact::RationalFunction;
use crate::optimizer::syntax::Expression;
use crate::typed::{Exponent, Node, NodeId, Shape};
use std::ops::Range;

/// The largest integer exponent of a number.
const MAX_POWER: i64 = 64;

impl Lowering<'_> {
    pub(super) fn scaled(
        &mut self,
        factor: RationalFunction,
        node: NodeId,
        span: &Range<usize>,
    ) -> NodeId {
        if factor.is_one() {
            return node;
        }
        if let Some(value) = self.constant_value(node) {
            let value = value * &factor;
            return self.number(value, span);
        }
        let factor = self.number(factor, span);
        let shape = self.shape(node);
        self.push(Node::Product(vec![factor, node]), shape, span)
    }

    pub(super) fn negative(&mut self, node: NodeId, span: &Range<usize>) -> NodeId {
        self.scaled(RationalFunction::integer(-1), node, span)
    }

    pub(super) fn sum(
        &mut self,
        terms: &[(bool, Expression)],
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        let types: Vec<Type> = terms.iter().map(|(_, term)| self.types.of(term)).collect();
        let greatest = types.iter().max().copied().unwrap_or(Type::Number);
        if greatest == Type::Vector
            && self.entrywise == 0
            && let Some(at) = types.iter().position(|t| *t == Type::Number)
        {
            let term = &terms[at].1;
            // What is wrong within it, as in `polar(3)`, comes first.
            self.expression(term)?;
            return Err(self.fault(
                    &term.span,
                    "a number and a vector are added",
                    format!("{} is a number, other terms of this sum are vectors", self.text(term)),
                    "numbers multiply vectors, `h*f` or `norm(g)*g`; they are added to vectors only inside elementwise \
                     operations, as in `sqrt(v) + eps`",
                ));
        }
        if let Type::Matrices(shape) = greatest {
            return self.sum_of_matrices(shape, terms, span);
        }
        let (mut parts, mut constants) = (Vec::new(), RationalFunction::zero());
        for (subtracted, term) in terms {
            let mut node = self.expression(term)?;
            if *subtracted {
                node = self.negative(node, &term.span);
            }
            match self.constant_value(node) {
                Some(value) => constants = &constants + value,
                None => parts.push(node),
            }
        }
        if parts.is_empty() {
            return Ok(self.number(constants, span));
        }
        if !constants.is_zero() {
            parts.push(self.number(constants, span));
        }
        if let [one] = parts[..] {
            return Ok(one);
        }
        let shape = parts.iter().map(|part| self.shape(*part)).max().unwrap_or(Shape::Number);
        Ok(self.push(Node::Sum(parts), shape, span))
    }

    pub(super) fn product(
        &mut self,
        factors: &[(bool, Expression)],
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        let vectors = factors.iter().filter(|(_, x)| self.types.of(x) != Type::Number).count();
        let (mut parts, mut constants) = (Vec::new(), RationalFunction::one());
        for (divides, factor) in factors {
            let is_entrywise = *divides || vectors > 1;
            let inner = usize::from(is_entrywise);
            self.entrywise += inner;
            let node = match is_entrywise {
                true => self.entry_by_entry(factor)?,
                false => self.expression(factor)?,
            };
            self.entrywise -= inner;
            match self.constant_value(node) {
                Some(value) if *divides => {
                    let Some(inverse) = value.inverse() else {
                        return Err(self.division_by_zero(factor));
                    };
                    constants = &constants * &inverse;
                }
                Some(value) => constants = &constants * value,
                None if *divides => {
                    let shape = self.shape(node);
                    parts.push(self.push(
                        Node::Power(node, Exponent::integer(-1)),
                        shape,
                        &factor.span,
                    ));
                }
                None => parts.push(node),
            }
        }
        if parts.is_empty() || constants.is_zero() {
            return Ok(self.number(constants, span));
        }
        if !constants.is_one() {
            parts.insert(0, self.number(constants, span));
        }
        if let [one] = parts[..] {
            return Ok(one);
        }
        let shape = parts.iter().map(|part| self.shape(*part)).max().unwrap_or(Shape::Number);
        Ok(self.push(Node::Product(parts), shape, span))
    }

    pub(super) fn power(
        &mut self,
        base: &Expression,
        exponent: &Expression,
        whole: &Expression,
    ) -> Lowered<NodeId> {
        if self.has_step_number(exponent) {
            return self.decay(base, exponent, whole);
        }
        let shape = self.types.of(exponent);
        if shape != Type::Number {
            return Err(self.fault(
                &exponent.span,
                "an exponent is a number",
                format!("{} is a vector", self.text(exponent)),
                "exponents are `2`, `1/2` or a parameter",
            ));
        }
        let exponent = self.exponent(exponent)?;
        self.entrywise += 1;
        let node = self.entry_by_entry(base)?;
        self.entrywise -= 1;
        if let (Some(value), Some(n)) = (self.constant_value(node), exponent.as_integer())
            && n.abs() <= MAX_POWER
            && !(value.is_zero() && n < 0)
        {
            let power = value.pow(i32::try_from(n).expect("small"));
            return Ok(self.number(power.expect("not zero"), &whole.span));
        }
        self.raised(node, exponent, &whole.span)
    }

    pub(super) fn raised(
        &mut self,
        node: NodeId,
        exponent: Exponent,
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        match exponent.as_integer() {
            Some(0) => return Ok(self.number(RationalFunction::one(), span)),
            Some(1) => return Ok(node),
            _ => {}
        }
        let shape = self.shape(node);
        Ok(self.push(Node::Power(node, exponent), shape, span))
    }

    /// An expression that has to be a vector.
    pub(super) fn vector(&mut self, expression: &Expression, message: &str) -> Lowered<NodeId> {
        let node = self.expression(expression)?;
        if self.types.of(expression) == Type::Number || self.shape(node) == Shape::Number {
            return Err(self.fault(
                &expression.span,
                message,
                format!("{} is a number", self.text(expression)),
                "vectors are the parameters, fields, buffers of them, and what is computed of them entry by entry",
            ));
        }
        self.check_vector(node, expression)?;
        Ok(node)
    }
}
