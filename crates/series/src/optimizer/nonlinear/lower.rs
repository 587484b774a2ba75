//! The statements of a nonlinear step, one operation after the other.

use super::kinds::{Type, Types};
use crate::exact::{Poly, RationalFunction};
use crate::optimizer::Optimizer;
use crate::optimizer::evaluate::constant;
use crate::optimizer::scope::{Scope, Symbol};
use crate::optimizer::syntax::{Expression, Kind, Name, Statement};
use crate::text::near;
use crate::text::source::SourceError;
use crate::typed::{Exponent, Node, NodeId, Program, Shape};
use std::collections::BTreeMap;
use std::ops::Range;

/// The most operations of a step, and the most terms of a new value or a number.
const MAX_NODES: usize = 20_000;
pub(super) const MAX_TERMS: usize = 1_000;

/// The most bits of a number.
const MAX_BITS: u64 = 20_000;

/// How many operations may stand inside each other, and how many states a nonlinear step may have.
const MAX_DEPTH: usize = 150;
const MAX_STATES: usize = 16;

/// The largest integer exponent of a number.
const MAX_POWER: i64 = 64;

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
    parameters: &'a [RationalFunction],
    pub(super) types: Types<'a>,
    stages: Vec<Option<NodeId>>,
    pub(super) updates: Vec<Option<(NodeId, Range<usize>)>>,
    pub(super) firsts: Vec<Option<NodeId>>,
    /// Of each operation: whether no state and no field occurs in it.
    pub(super) constant: Vec<bool>,
    /// Of each operation: how many stand inside each other in it.
    depth: Vec<usize>,
    /// How many elementwise operations surround the expression at hand: there, numbers may be added to vectors.
    pub(super) entrywise: usize,
    /// States and fields that have been read, to use them again.
    known: BTreeMap<(u8, usize), NodeId>,
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

    /// One field, `f`; others are multiples of the parameters.
    fn check_fields(&self) -> Lowered<()> {
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

    fn check_states(&self) -> Lowered<()> {
        let Some(state) = self.scope.states.get(MAX_STATES) else { return Ok(()) };
        Err(self.fault(
            &state.span,
            format!("a nonlinear step has at most {MAX_STATES} states"),
            "one too many",
            "linear steps may have more",
        ))
    }

    /// `let name = value`
    fn define(&mut self, name: &Name, value: &Expression) -> Lowered<()> {
        let node = self.shallow(value)?;
        if let Some(Symbol::Stage(index)) = self.scope.symbols.get(&name.text) {
            self.stages[*index] = Some(node);
        }
        Ok(())
    }

    /// `name' = value` or `first name' = value`
    fn update(&mut self, name: &Name, value: &Expression, first: bool) -> Lowered<()> {
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

    fn state(&self, name: &str, span: &Range<usize>) -> Lowered<usize> {
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

    fn theta(&mut self, span: &Range<usize>) -> NodeId {
        self.remembered(0, 0, Node::State(0), Shape::Vector, span)
    }

    fn old(&mut self, name: &str, expression: &Expression) -> Lowered<NodeId> {
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
    fn field_factor(&mut self, field: &Name) -> Lowered<Option<RationalFunction>> {
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

    fn scaled(&mut self, factor: RationalFunction, node: NodeId, span: &Range<usize>) -> NodeId {
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

    fn sum(&mut self, terms: &[(bool, Expression)], span: &Range<usize>) -> Lowered<NodeId> {
        let types: Vec<Type> = terms.iter().map(|(_, term)| self.types.of(term)).collect();
        let greatest = types.iter().max().copied().unwrap_or(Type::Number);
        if greatest == Type::Vector
            && self.entrywise == 0
            && let Some(at) = types.iter().position(|t| *t == Type::Number)
        {
            let term = &terms[at].1;
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

    fn product(&mut self, factors: &[(bool, Expression)], span: &Range<usize>) -> Lowered<NodeId> {
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
                        return Err(self.fault(
                            &factor.span,
                            "division by zero",
                            "this is 0",
                            "nothing is divided by 0",
                        ));
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

    fn power(
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
