//! Matrices in a nonlinear step: products, functions, and what fits together.
//!
//! The parameters are matrices of `rows × columns`; with them a step makes squares of either size and transposed matrices.
//! What is computed entry by entry has the parameters' shape.

use super::lower::{Lowered, Lowering};
use crate::exact::RationalFunction;
use crate::optimizer::syntax::Expression;
use crate::text::source::SourceError;
use crate::typed::{Axis, MatrixFunction, Node, NodeId, Shape};
use num_traits::ToPrimitive;
use std::ops::Range;

/// The largest `k` of a root `M^(-1/k)`.
const MAX_ROOT: u32 = 64;

/// A shape in words.
fn words(shape: Shape) -> String {
    let axis = |axis| match axis {
        Axis::Rows => "rows",
        Axis::Columns => "columns",
    };
    match shape.axes() {
        None => "a number".into(),
        Some((rows, columns)) => format!("a {} × {} matrix", axis(rows), axis(columns)),
    }
}

impl Lowering<'_> {
    /// A call of a function of matrices.
    pub(super) fn of_matrices(
        &mut self,
        name: &str,
        arguments: &[Expression],
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        let first = self.matrix(&arguments[0], name)?;
        let shape = self.shape(first);
        let (rows, columns) = shape.axes().expect("a matrix");
        match name {
            "transpose" => {
                let turned = Shape::of_axes(columns, rows);
                Ok(self.push(Node::Transpose(first), turned, span))
            }
            "polar" => {
                Ok(self.push(Node::MatrixFunction(MatrixFunction::Polar, first), shape, span))
            }
            "inverse_root" => {
                if rows != columns {
                    return Err(self.fault(
                        &arguments[0].span,
                        "an inverse root is that of a symmetric matrix",
                        format!("{} is {}", self.text(&arguments[0]), words(shape)),
                        "square are `matmul(g, transpose(g))` and `matmul(transpose(g), g)`, and buffers of them",
                    ));
                }
                let root = self.root(&arguments[1])?;
                let function = MatrixFunction::InverseRoot(root);
                Ok(self.push(Node::MatrixFunction(function, first), shape, span))
            }
            _ => self.product_of_matrices(first, arguments, span),
        }
    }

    /// From left to right.
    fn product_of_matrices(
        &mut self,
        first: NodeId,
        arguments: &[Expression],
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        let mut product = first;
        for (before, argument) in arguments.iter().zip(&arguments[1..]) {
            let next = self.matrix(argument, "matmul")?;
            let (left, right) = (self.shape(product), self.shape(next));
            let ((rows, inner), (other, columns)) =
                (left.axes().expect("a matrix"), right.axes().expect("a matrix"));
            if inner != other {
                let label = format!(
                    "{} is {}, what stands before it {}",
                    self.text(argument),
                    words(right),
                    words(left)
                );
                let turned = match (left, right) {
                    _ if before.span == arguments[0].span && left == right => {
                        "as in `matmul(g, transpose(g))`"
                    }
                    _ => "with `transpose` where that is meant",
                };
                return Err(self.fault(
                    &argument.span,
                    "these matrices cannot be multiplied",
                    label,
                    format!("a factor has as many rows as the one before it has columns, {turned}"),
                ));
            }
            let shape = Shape::of_axes(rows, columns);
            product = self.push(Node::MatrixProduct(product, next), shape, span);
        }
        Ok(product)
    }

    /// `k` of the root `M^(-1/k)`.
    fn root(&mut self, expression: &Expression) -> Lowered<u32> {
        let node = self.expression(expression)?;
        let value = self.constant_value(node).and_then(RationalFunction::as_rational);
        let root = value.filter(|k| k.is_integer()).and_then(|k| k.to_integer().to_u32());
        root.filter(|k| (1..=MAX_ROOT).contains(k)).ok_or_else(|| {
            self.fault(
                &expression.span,
                "the degree of a root is a whole number",
                format!("{} is none from 1 to {MAX_ROOT}", self.text(expression)),
                "`inverse_root(M, 4)` is `M^(-1/4)`",
            )
        })
    }

    /// An argument that has to be a matrix; numbers are not added to its entries.
    fn matrix(&mut self, expression: &Expression, name: &str) -> Lowered<NodeId> {
        let entrywise = std::mem::take(&mut self.entrywise);
        let node = self.expression(expression);
        self.entrywise = entrywise;
        let node = node?;
        if self.shape(node) == Shape::Number {
            return Err(self.fault(
                &expression.span,
                format!("`{name}` takes matrices"),
                format!("{} is a number", self.text(expression)),
                "matrices are the parameters, gradients and buffers of them, and products of these",
            ));
        }
        Ok(node)
    }

    /// A sum with matrices of another shape than the parameters: a number stands for so many identity matrices.
    pub(super) fn sum_of_matrices(
        &mut self,
        shape: Shape,
        terms: &[(bool, Expression)],
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        let (mut parts, mut before) = (Vec::new(), None);
        for (subtracted, term) in terms {
            let mut node = self.expression(term)?;
            let found = self.shape(node);
            let is_square = matches!(shape, Shape::Square(_));
            let fits = match found {
                Shape::Number => is_square,
                _ => found == *before.get_or_insert(found),
            };
            if !fits {
                let other = match before {
                    Some(before) => format!("what stands before it {}", words(before)),
                    None => format!("another term {}", words(shape)),
                };
                return Err(self.fault(
                    &term.span,
                    "matrices of different shapes are added",
                    format!("{} is {}, {other}", self.text(term), words(found)),
                    "the terms of a sum have one shape; a number beside a square matrix is that multiple of the identity",
                ));
            }
            if found == Shape::Number {
                if self.constant_value(node).is_some_and(RationalFunction::is_zero) {
                    continue;
                }
                let identity = self.push(Node::Identity, shape, &term.span);
                node = self.push(Node::Product(vec![node, identity]), shape, &term.span);
            }
            if *subtracted {
                node = self.negative(node, &term.span);
            }
            parts.push(node);
        }
        match parts[..] {
            [one] => Ok(one),
            _ => Ok(self.push(Node::Sum(parts), shape, span)),
        }
    }

    /// An operand of what is taken entry by entry.
    pub(super) fn entry_by_entry(&mut self, expression: &Expression) -> Lowered<NodeId> {
        let node = self.expression(expression)?;
        self.check_vector(node, expression)?;
        Ok(node)
    }

    /// Refuses matrices of another shape than the parameters.
    pub(super) fn check_vector(&self, node: NodeId, expression: &Expression) -> Lowered<()> {
        let shape = self.shape(node);
        if matches!(shape, Shape::Number | Shape::Vector) {
            return Ok(());
        }
        Err(self.fault(
            &expression.span,
            "what is taken entry by entry has the parameters' shape",
            format!("{} is {}", self.text(expression), words(shape)),
            "`matmul(a, b)` is a product of matrices, `inverse_root(M, k)` the power `M^(-1/k)`",
        ))
    }

    /// The error of a state of another shape than the parameters that starts as a multiple of them.
    pub(super) fn multiple_of_theta(
        &self,
        state: usize,
        shape: Shape,
        value: &Expression,
    ) -> SourceError {
        let name = &self.scope.states[state].text;
        self.fault(
            &value.span,
            format!("`{name}` is {}, it cannot start as a multiple of `theta`", words(shape)),
            words(Shape::Vector),
            "it starts as a number (a square matrix as that multiple of the identity), or `settled`",
        )
    }

    /// Refuses a new value of another shape than its state.
    pub(super) fn check_new_value(
        &self,
        state: usize,
        node: NodeId,
        value: &Expression,
    ) -> Lowered<()> {
        let (wanted, found) = (self.state_shape(state), self.shape(node));
        let is_matrix = |shape| !matches!(shape, Shape::Number | Shape::Vector);
        if found == wanted || found == Shape::Number || !(is_matrix(wanted) || is_matrix(found)) {
            return Ok(());
        }
        let name = &self.scope.states[state].text;
        Err(self.fault(
            &value.span,
            format!("`{name}` is {}, its new value another one", words(wanted)),
            words(found),
            "a state has one shape, which all its new values have",
        ))
    }
}
