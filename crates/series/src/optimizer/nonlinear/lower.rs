//! The statements of a nonlinear step, one operation after the other.

use super::kinds::Types;
use crate::exact::{Poly, RationalFunction};
use crate::optimizer::Optimizer;
use crate::optimizer::evaluate::constant;
use crate::optimizer::scope::Scope;
use crate::optimizer::syntax::{Expression, Kind, Statement};
use crate::text::source::SourceError;
use crate::typed::{Node, NodeId, Program, Shape};
use std::collections::BTreeMap;
use std::ops::Range;

/// The most operations of a step, and the most terms of a new value or a number.
const MAX_NODES: usize = 20_000;
pub(super) const MAX_TERMS: usize = 1_000;

/// The most bits of a number.
const MAX_BITS: u64 = 20_000;

/// The program of a nonlinear optimizer whose parameters have these values.
///
/// # Errors
/// Everything in the text that is no step: see [the language](crate::optimizer).
pub(in crate::optimizer) fn program(
    optimizer: &Optimizer,
    scope: &Scope,
    symbolic: Vec<String>,
    parameters: &[RationalFunction],
) -> Result<Program, SourceError> {
    let types = Types::new(optimizer, scope);
    let mut lowering = Lowering {
        optimizer,
        scope,
        parameters,
        stages: vec![None; scope.stages.len()],
        updates: vec![None; scope.states.len()],
        firsts: vec![None; scope.states.len()],
        constant: Vec::new(),
        depth: Vec::new(),
        entrywise: 0,
        known: BTreeMap::new(),
        program: Program {
            name: optimizer.name.clone(),
            parameters: symbolic,
            states: Vec::new(),
            nodes: Vec::new(),
            shapes: Vec::new(),
            places: Vec::new(),
            matrices: Vec::new(),
        },
        types,
    };
    lowering.check_fields()?;
    lowering.check_states()?;
    for statement in &optimizer.statements {
        match statement {
            Statement::Stage(name, value) => lowering.define(name, value)?,
            Statement::First(name, value) => lowering.update(name, value, true)?,
            Statement::Update(name, value) => lowering.update(name, value, false)?,
            _ => {}
        }
    }
    lowering.finish()
}

/// The statements that have been read so far.
pub(super) struct Lowering<'a> {
    pub(super) optimizer: &'a Optimizer,
    pub(super) scope: &'a Scope,
    pub(super) parameters: &'a [RationalFunction],
    pub(super) types: Types<'a>,
    pub(super) stages: Vec<Option<NodeId>>,
    pub(super) updates: Vec<Option<(NodeId, Range<usize>)>>,
    pub(super) firsts: Vec<Option<NodeId>>,
    /// Of each operation: whether no state and no field occurs in it.
    pub(super) constant: Vec<bool>,
    /// Of each operation: how many stand inside each other in it.
    pub(super) depth: Vec<usize>,
    /// How many elementwise operations surround the expression at hand: there, numbers may be added to vectors.
    pub(super) entrywise: usize,
    /// States and fields that have been read, to use them again.
    pub(super) known: BTreeMap<(u8, usize), NodeId>,
    pub(super) program: Program,
}

pub(super) type Lowered<T> = Result<T, SourceError>;

impl Lowering<'_> {
    pub(super) fn fault(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> SourceError {
        self.optimizer.source.fault(span.clone(), message, label, Some(help.into()))
    }

    pub(super) fn text(&self, expression: &Expression) -> String {
        let text = &self.optimizer.source.text[expression.span.clone()];
        if text.contains('\n') || text.chars().count() > 40 {
            "this".into()
        } else {
            format!("`{text}`")
        }
    }

    pub(super) fn push(&mut self, node: Node, shape: Shape, span: &Range<usize>) -> NodeId {
        let constant = match &node {
            Node::Number(_) | Node::Step | Node::Dimension | Node::Decay { .. } => true,
            Node::Sum(parts) | Node::Product(parts) => {
                parts.iter().all(|part| self.constant[*part])
            }
            Node::Power(base, _) | Node::Function(_, base) => self.constant[*base],
            Node::Greater(a, b) => self.constant[*a] && self.constant[*b],
            Node::Identity => true,
            _ => false,
        };
        let depth = |id: &NodeId| self.depth[*id];
        let inner = match &node {
            Node::Sum(parts) | Node::Product(parts) => parts.iter().map(depth).max().unwrap_or(0),
            Node::Power(x, _) | Node::Function(_, x) | Node::Entries(x) => depth(x),
            Node::Greater(a, b) | Node::MatrixProduct(a, b) => depth(a).max(depth(b)),
            Node::Transpose(x) | Node::MatrixFunction(_, x) => depth(x),
            Node::Field { point: x } | Node::FieldDerivative { direction: x } => depth(x),
            Node::New(i) => self.updates[*i].as_ref().map_or(0, |(update, _)| depth(update)),
            _ => 0,
        };
        self.depth.push(inner + 1);
        self.constant.push(constant);
        self.program.nodes.push(node);
        self.program.shapes.push(shape);
        self.program.places.push(span.clone());
        self.program.nodes.len() - 1
    }

    pub(super) fn number(&mut self, value: RationalFunction, span: &Range<usize>) -> NodeId {
        self.push(Node::Number(value), Shape::Number, span)
    }

    pub(super) fn shape(&self, node: NodeId) -> Shape {
        self.program.shapes[node]
    }

    pub(super) fn constant_value(&self, node: NodeId) -> Option<&RationalFunction> {
        match &self.program.nodes[node] {
            Node::Number(value) => Some(value),
            _ => None,
        }
    }

    /// An expression as an operation. Numbers stay within bounds.
    pub(super) fn expression(&mut self, expression: &Expression) -> Lowered<NodeId> {
        let node = self.operation(expression)?;
        let is_large = |p: &Poly| {
            p.terms().len() > MAX_TERMS || p.terms().iter().any(|(_, c)| c.bits() > MAX_BITS)
        };
        if let Some(value) = self.constant_value(node)
            && (is_large(value.numerator()) || is_large(value.denominator()))
        {
            return Err(self.fault(
                &expression.span,
                "the number is too large",
                "beyond all bounds",
                format!("numbers are exact and have at most {MAX_BITS} bits"),
            ));
        }
        Ok(node)
    }

    fn operation(&mut self, expression: &Expression) -> Lowered<NodeId> {
        let span = &expression.span;
        if self.program.nodes.len() > MAX_NODES {
            return Err(self.fault(
                span,
                "a step has too many operations",
                "one too many",
                "nonlinear steps are short",
            ));
        }
        match &expression.kind {
            Kind::Number(value) => Ok(self.number(constant(value), span)),
            Kind::Old(name) => self.old(name, expression),
            Kind::New(name) => {
                let index = self.state(name, span)?;
                if self.updates[index].is_none() {
                    return Err(self.fault(
                        span,
                        format!("`{name}'` is used before it is computed"),
                        "not known yet",
                        format!(
                            "move the line that computes `{name}'` up; nonlinear steps are explicit"
                        ),
                    ));
                }
                Ok(self.remembered(1, index, Node::New(index), self.state_shape(index), span))
            }
            Kind::Sum(terms) => self.sum(terms, span),
            Kind::Product(factors) => self.product(factors, span),
            Kind::Negative(inner) => {
                let node = self.expression(inner)?;
                Ok(self.negative(node, span))
            }
            Kind::Power(base, exponent) => self.power(base, exponent, expression),
            Kind::Application(name, arguments) => self.apply(name, arguments, span),
            Kind::Derivative(field, direction) => {
                let node =
                    self.vector(direction, "the derivative of a field is taken along a vector")?;
                match self.field_factor(field)? {
                    None => Ok(self.push(
                        Node::FieldDerivative { direction: node },
                        Shape::Vector,
                        span,
                    )),
                    Some(factor) => Ok(self.scaled(factor, node, span)),
                }
            }
        }
    }

    /// An operation that is there once.
    pub(super) fn remembered(
        &mut self,
        kind: u8,
        index: usize,
        node: Node,
        shape: Shape,
        span: &Range<usize>,
    ) -> NodeId {
        if let Some(known) = self.known.get(&(kind, index)) {
            return *known;
        }
        let id = self.push(node, shape, span);
        self.known.insert((kind, index), id);
        id
    }

    pub(super) fn state_shape(&self, index: usize) -> Shape {
        self.types.states[index].shape()
    }
}
