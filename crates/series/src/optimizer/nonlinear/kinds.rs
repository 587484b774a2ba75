//! What is a number, what a vector, and what no linear step computes.

use crate::optimizer::Optimizer;
use crate::optimizer::functions;
use crate::optimizer::scope::{Scope, Symbol};
use crate::optimizer::syntax::{Expression, Kind, Statement};
use crate::typed::Shape;
use std::ops::Range;

/// What an expression is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Type {
    /// A number.
    Number,
    /// A vector that is made of fields and parameters by linear combinations.
    Vector,
    /// A vector that elementwise operations have made, to which numbers may be added: `sqrt(v) + eps`.
    Entrywise,
    /// Matrices of another shape than the parameters.
    Matrices(Shape),
}

impl Type {
    /// The shape of what has this type.
    pub fn shape(self) -> Shape {
        match self {
            Type::Number => Shape::Number,
            Type::Vector | Type::Entrywise => Shape::Vector,
            Type::Matrices(shape) => shape,
        }
    }

    /// Matrices of a shape, to which no numbers are added.
    fn of_shape(shape: Shape) -> Type {
        match shape {
            Shape::Number => Type::Number,
            Shape::Vector => Type::Vector,
            shape => Type::Matrices(shape),
        }
    }
}

/// The types of the states, by index, and of what `let` defines.
pub(super) struct Types<'a> {
    scope: &'a Scope,
    pub states: Vec<Type>,
    stages: Vec<Type>,
}

impl<'a> Types<'a> {
    /// The least types that all lines agree with. The parameters are a vector.
    pub fn new(optimizer: &Optimizer, scope: &'a Scope) -> Types<'a> {
        let mut types = Types {
            scope,
            states: vec![Type::Number; scope.states.len()],
            stages: vec![Type::Number; scope.stages.len()],
        };
        types.states[0] = Type::Vector;
        let mut changed = true;
        while changed {
            changed = false;
            for statement in &optimizer.statements {
                let (name, value) = match statement {
                    Statement::Stage(name, value)
                    | Statement::First(name, value)
                    | Statement::Update(name, value) => (name, value),
                    _ => continue,
                };
                let found = types.of(value);
                let known = match scope.symbols.get(&name.text) {
                    Some(Symbol::State(0)) => continue,
                    Some(Symbol::State(i)) => &mut types.states[*i],
                    Some(Symbol::Stage(i)) => &mut types.stages[*i],
                    _ => continue,
                };
                if found > *known {
                    *known = found;
                    changed = true;
                }
            }
        }
        types
    }

    /// The type of an expression.
    pub fn of(&self, expression: &Expression) -> Type {
        match &expression.kind {
            Kind::Number(_) => Type::Number,
            Kind::Derivative(..) => Type::Vector,
            Kind::Old(name) | Kind::New(name) => match self.scope.symbols.get(name) {
                Some(Symbol::State(i)) => self.states[*i],
                Some(Symbol::Stage(i)) => self.stages[*i],
                Some(Symbol::Field(_)) => Type::Vector,
                None if self.scope.is_gradient(name) => Type::Vector,
                _ => Type::Number,
            },
            Kind::Negative(inner) => self.of(inner),
            Kind::Sum(terms) => self.greatest(terms.iter().map(|(_, term)| term)),
            Kind::Product(factors) => {
                let vectors = || factors.iter().filter(|(_, x)| self.of(x) != Type::Number);
                if vectors().count() > 1 || vectors().any(|(divides, _)| *divides) {
                    Type::Entrywise
                } else {
                    self.greatest(factors.iter().map(|(_, factor)| factor))
                }
            }
            Kind::Power(base, _) => entrywise(self.of(base)),
            Kind::Application(name, arguments) if self.scope.is_function(&name.text) => {
                if functions::is_of_matrices(&name.text) {
                    self.of_matrices(&name.text, arguments)
                } else if functions::is_reduction(&name.text) {
                    Type::Number
                } else {
                    entrywise(self.greatest(arguments.iter()))
                }
            }
            Kind::Application(..) => Type::Vector,
        }
    }

    /// The type of a product of matrices, or of a function of one; a number where a factor's is not known yet.
    fn of_matrices(&self, name: &str, arguments: &[Expression]) -> Type {
        let mut axes = arguments.iter().map(|argument| self.of(argument).shape().axes());
        let Some(Some((rows, mut columns))) = axes.next() else { return Type::Number };
        match name {
            "transpose" => return Type::of_shape(Shape::of_axes(columns, rows)),
            "matmul" => {}
            _ => return Type::of_shape(Shape::of_axes(rows, columns)),
        }
        for factor in axes {
            let Some((_, last)) = factor else { return Type::Number };
            columns = last;
        }
        Type::of_shape(Shape::of_axes(rows, columns))
    }

    fn greatest<'e>(&self, parts: impl Iterator<Item = &'e Expression>) -> Type {
        parts.map(|part| self.of(part)).max().unwrap_or(Type::Number)
    }
}

fn entrywise(inner: Type) -> Type {
    match inner {
        Type::Vector => Type::Entrywise,
        other => other,
    }
}

/// The first place of the text that no linear step has: a function, a product of vectors, the step number, a slow
/// variable.
pub(in crate::optimizer) fn place(optimizer: &Optimizer, scope: &Scope) -> Option<Range<usize>> {
    optimizer.statements.iter().find_map(|statement| match statement {
        Statement::Slow(states) => states.first().map(|state| state.name.span.clone()),
        Statement::Stage(_, value) | Statement::First(_, value) | Statement::Update(_, value) => {
            within(value, scope)
        }
        _ => None,
    })
}

fn within(expression: &Expression, scope: &Scope) -> Option<Range<usize>> {
    let span = || Some(expression.span.clone());
    match &expression.kind {
        Kind::Number(_) | Kind::New(_) => None,
        Kind::Old(name) => {
            let free = matches!(name.as_str(), "t" | "dim") && !scope.symbols.contains_key(name);
            if free { span() } else { None }
        }
        Kind::Derivative(..) => span(),
        Kind::Application(name, _) if scope.is_function(&name.text) => span(),
        Kind::Application(_, parts) => parts.iter().find_map(|part| within(part, scope)),
        Kind::Negative(inner) => within(inner, scope),
        Kind::Power(base, exponent) => {
            if scope.is_vector(base) {
                span()
            } else {
                within(base, scope).or_else(|| within(exponent, scope))
            }
        }
        Kind::Sum(parts) => parts.iter().find_map(|(_, part)| within(part, scope)),
        Kind::Product(parts) => {
            let vectors = || parts.iter().filter(|(_, part)| scope.is_vector(part));
            if vectors().count() > 1 || vectors().any(|(divides, _)| *divides) {
                span()
            } else {
                parts.iter().find_map(|(_, part)| within(part, scope))
            }
        }
    }
}
