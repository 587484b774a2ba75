//! Values made entry by entry: products, quotients and functions of vectors, and numbers made of vectors.
//!
//! They are sums of products of powers ([`typed`](crate::typed)), in a table of the claim's own; an operator has holes
//! for its arguments. The variables of their coefficients are those of the claim, `h` the first.

use super::differential::{Differential, FieldKind, MAX_ARITY};
use super::evaluate::{Evaluated, Evaluator};
use super::holes::hole;
use super::products::Product as Factors;
use super::value::{Value, ValueError};
use crate::exact::RationalFunction as Q;
use crate::tree::Tree;
use crate::typed::{Atom, Atoms, Exponent, Opaque, Product, Shape, Sum};
use num_rational::{BigRational, Ratio};
use num_traits::ToPrimitive;
use std::ops::Range;

/// A number or a vector made entry by entry.
#[derive(Clone, Debug)]
pub(crate) struct Entrywise {
    pub sum: Sum,
    pub is_vector: bool,
    /// How many vectors it waits for.
    pub arity: usize,
}

impl Entrywise {
    /// Every coefficient replaced.
    pub fn map(&self, change: impl Fn(&Q) -> Q) -> Entrywise {
        let mut sum = Sum::default();
        for (product, c) in self.sum.coefficient(0) {
            sum.add(&Sum::term(product, change(&c)));
        }
        Entrywise { sum, ..*self }
    }

    pub fn kind(&self) -> &'static str {
        match (self.is_vector, self.arity) {
            (true, 0) => "a vector made entry by entry",
            (true, _) => "an operator made entry by entry",
            (false, 0) => "a number made of vectors",
            (false, _) => "a form made of vectors",
        }
    }
}

/// A value whose operations are those of [`Entrywise`].
fn is_entrywise(value: &Value) -> bool {
    matches!(value, Value::Entrywise(_))
}

fn is_vector_field(value: &Value) -> bool {
    match value {
        Value::Differential(d) => d.kind == FieldKind::Vector && d.arity == 0,
        Value::Entrywise(e) => e.is_vector && e.arity == 0,
        _ => false,
    }
}

fn atom(atoms: &mut Atoms, atom: Atom) -> Sum {
    let atom = atoms.intern(atom);
    Sum::term(Product::of(atom), Q::one())
}

/// `F(τ)` of the field `f = -g`, with holes.
fn vector(atoms: &mut Atoms, tree: &Tree) -> Option<Sum> {
    if let Some(i) = hole(tree) {
        return Some(atom(atoms, Atom::Hole(i)));
    }
    let arguments: Option<Vec<Sum>> =
        tree.children().iter().map(|child| vector(atoms, child)).collect();
    (tree.color() == 0).then(|| Some(atoms.derivative_of_loss(&arguments?).negative()))?
}

/// The full contraction of derivatives of `-E` that a free tree stands for.
fn scalar(atoms: &mut Atoms, tree: &Tree) -> Option<Sum> {
    if tree.color() != 0 {
        return None;
    }
    let Some((first, others)) = tree.children().split_first() else {
        return Some(atom(atoms, Atom::Loss).negative());
    };
    let first = vector(atoms, first)?;
    let others: Option<Vec<Sum>> = others.iter().map(|child| vector(atoms, child)).collect();
    let outside = atoms.derivative_of_loss(&others?);
    let product = atoms.product(&first, &outside);
    Some(atoms.sum_of_entries(&product).negative())
}

fn of_differential(atoms: &mut Atoms, field: &Differential) -> Option<Entrywise> {
    let is_vector = field.kind == FieldKind::Vector;
    let mut sum = Sum::default();
    for (term, c) in field.terms() {
        let parts = Factors::of(term, !is_vector);
        let mut product = Sum::constant(c.clone());
        for part in &parts.scalars {
            let factor = scalar(atoms, part)?;
            product = atoms.product(&product, &factor);
        }
        if let Some(tree) = &parts.tree {
            let factor = vector(atoms, tree)?;
            product = atoms.product(&product, &factor);
        }
        sum.add(&product);
    }
    Some(Entrywise { sum, is_vector, arity: field.arity })
}

impl<'c> Evaluator<'_, 'c> {
    /// A number or a field as a sum of products.
    pub(super) fn entrywise(&mut self, value: &Value) -> Result<Entrywise, ValueError> {
        match value {
            Value::Scalar(q) => {
                Ok(Entrywise { sum: Sum::constant(q.clone()), is_vector: false, arity: 0 })
            }
            Value::Entrywise(e) => Ok(e.clone()),
            Value::Series(_) => Err(ValueError::Entrywise("a truncated series")),
            Value::Differential(d) if d.precision.is_some() => {
                Err(ValueError::Entrywise("a truncated series in `h`"))
            }
            Value::Differential(d) => of_differential(&mut self.atoms, d)
                .ok_or(ValueError::Entrywise("a field other than f = -∇E")),
        }
    }

    fn both(&mut self, a: &Value, b: &Value) -> Result<(Entrywise, Entrywise), ValueError> {
        Ok((self.entrywise(a)?, self.entrywise(b)?))
    }

    /// The sum; a number is added to every entry of what is made entry by entry.
    pub(super) fn plus(&mut self, a: &Value, b: &Value) -> Result<Value, ValueError> {
        if a.is_zero_number() || b.is_zero_number() || !(is_entrywise(a) || is_entrywise(b)) {
            return a.plus(b, &self.context);
        }
        let (mut x, y) = self.both(a, b)?;
        if x.arity != y.arity {
            return Err(ValueError::Sum(a.kind(), b.kind()));
        }
        x.is_vector |= y.is_vector;
        x.sum.add(&y.sum);
        Ok(Value::Entrywise(x))
    }

    /// The product: of vectors entry by entry; an operator acts on what it is multiplied by.
    pub(super) fn times(&mut self, a: &Value, b: &Value) -> Result<Value, ValueError> {
        let both_vectors = is_vector_field(a) && is_vector_field(b);
        let diagonal = is_vector_field(a) && matches!(b, Value::Differential(d) if d.arity > 0);
        if !(is_entrywise(a) || is_entrywise(b) || both_vectors || diagonal) {
            return a.times(b, &self.context);
        }
        let (x, y) = self.both(a, b)?;
        let sum = match (x.arity, y.arity) {
            (0, _) | (_, 0) if x.arity == 0 || !y.is_vector => self.atoms.product(&x.sum, &y.sum),
            (1, _) if x.is_vector && y.is_vector => {
                self.atoms.filled(&x.sum, std::slice::from_ref(&y.sum))
            }
            _ => return Err(ValueError::Product(a.kind(), b.kind())),
        };
        let arity = if x.arity == 0 || !y.is_vector { x.arity + y.arity } else { y.arity };
        Ok(Value::Entrywise(Entrywise { sum, is_vector: x.is_vector || y.is_vector, arity }))
    }

    /// `1/x`
    pub(super) fn inverse(&mut self, value: &Value) -> Result<Value, ValueError> {
        match value {
            Value::Scalar(_) | Value::Series(_) => Value::integer(1).over(value, &self.context),
            _ => self.raised(value, &Exponent::integer(-1)),
        }
    }

    /// Whether a power is taken entry by entry rather than of a number or an operator.
    pub(super) fn is_raised_entrywise(base: &Value, exponent: &BigRational) -> bool {
        let is_power = exponent.is_integer() && *exponent.numer() >= 0.into();
        match base {
            Value::Entrywise(_) => true,
            Value::Differential(d) if d.arity == 0 => d.kind == FieldKind::Vector || !is_power,
            _ => false,
        }
    }

    /// A power entry by entry.
    pub(super) fn raised(
        &mut self,
        value: &Value,
        exponent: &Exponent,
    ) -> Result<Value, ValueError> {
        let base = self.entrywise(value)?;
        if base.arity > 0 {
            return Err(ValueError::Power(value.kind()));
        }
        const MOST: i64 = 64;
        let sum = match exponent.as_integer() {
            Some(n @ 0..=MOST) => (0..n)
                .fold(Sum::constant(Q::one()), |power, _| self.atoms.product(&power, &base.sum)),
            Some(n) if n > 0 => return Err(ValueError::Large),
            _ if base.sum.is_zero() => return Err(ValueError::Vanishing),
            n => {
                if n.is_none() {
                    self.domain.insert(&base.sum, &self.atoms);
                }
                self.atoms.power(&base.sum, exponent)
            }
        };
        Ok(Value::Entrywise(Entrywise { sum, ..base }))
    }

    /// A rational number as an exponent.
    pub(super) fn exponent_of(power: &BigRational) -> Result<Exponent, ValueError> {
        let parts = power.numer().to_i64().zip(power.denom().to_i64());
        let (top, bottom) =
            parts.filter(|(a, b)| a.abs().max(*b) < 10_000).ok_or(ValueError::Large)?;
        Ok(Exponent::rational(Ratio::new(top, bottom)))
    }

    /// A function entry by entry, or a number made of a vector.
    pub(super) fn entrywise_function(
        &mut self,
        name: &str,
        value: &Value,
    ) -> Result<Value, ValueError> {
        let of = self.entrywise(value)?;
        if of.arity > 0 {
            return Err(ValueError::Function(value.kind()));
        }
        let constant = of.sum.coefficient(0);
        let is_number = matches!(name, "norm" | "mean" | "sum");
        if is_number && !of.is_vector && !of.sum.is_zero() {
            return Err(ValueError::Function(value.kind()));
        }
        let half = Exponent::rational(Ratio::new(1, 2));
        let opaque = |this: &mut Self, function| this.atoms.function(function, constant.clone());
        let sum = match name {
            "exp" if of.sum.is_zero() => Sum::constant(Q::one()),
            "exp" => opaque(self, Opaque::Exponential),
            "tanh" if of.sum.is_zero() => Sum::default(),
            "tanh" => opaque(self, Opaque::HyperbolicTangent),
            "abs" => self.atoms.absolute(&of.sum),
            "sign" | "log" if of.sum.is_zero() => return Err(ValueError::Vanishing),
            "sign" => self.atoms.sign(&of.sum),
            "log" if of.sum.as_constant().is_some_and(|c| c.is_one()) => Sum::default(),
            "log" => {
                self.domain.insert(&of.sum, &self.atoms);
                opaque(self, Opaque::Logarithm)
            }
            "sqrt" => return self.raised(value, &half),
            "norm" => {
                if of.sum.is_zero() {
                    return Ok(Value::integer(0));
                }
                let square = self.atoms.product(&of.sum, &of.sum);
                let square = self.atoms.sum_of_entries(&square);
                self.atoms.power(&square, &half)
            }
            _ => {
                let total = self.atoms.sum_of_entries(&of.sum);
                if name == "sum" {
                    total
                } else {
                    let dimension = atom(&mut self.atoms, Atom::Dimension);
                    let share = self.atoms.power(&dimension, &Exponent::integer(-1));
                    self.atoms.product(&total, &share)
                }
            }
        };
        Ok(Value::Entrywise(Entrywise { sum, is_vector: of.is_vector && !is_number, arity: 0 }))
    }

    /// `min`, `max` and `clip`, made of the greater of two as in optimizers.
    pub(super) fn entrywise_bounds(
        &mut self,
        name: &str,
        values: &[Value],
    ) -> Result<Value, ValueError> {
        let mut sums = Vec::new();
        let mut is_vector = false;
        for value in values {
            let of = self.entrywise(value)?;
            if of.arity > 0 {
                return Err(ValueError::Function(value.kind()));
            }
            is_vector |= of.is_vector;
            sums.push(of.sum);
        }
        let sum = match (name, &sums[..]) {
            ("max", [a, b]) => self.atoms.greater(a, b),
            ("clip", [x, low, high]) => {
                let raised = self.atoms.greater(x, low);
                self.atoms.greater(&raised.negative(), &high.negative()).negative()
            }
            (_, [a, b, ..]) => self.atoms.greater(&a.negative(), &b.negative()).negative(),
            _ => unreachable!("their arguments are counted"),
        };
        Ok(Value::Entrywise(Entrywise { sum, is_vector, arity: 0 }))
    }

    /// `dim` and the coordinates.
    pub(super) fn entrywise_name(&mut self, name: &str) -> Option<Value> {
        if name == "dim" {
            let sum = atom(&mut self.atoms, Atom::Dimension);
            return Some(Value::Entrywise(Entrywise { sum, is_vector: false, arity: 0 }));
        }
        let name = if name == "θ" { "theta" } else { name };
        let at = self.names.coordinates.iter().position(|(known, _)| known == name)?;
        let is_vector = self.names.coordinates[at].1 == Shape::Vector;
        let sum = atom(&mut self.atoms, Atom::Coordinate(at));
        Some(Value::Entrywise(Entrywise { sum, is_vector, arity: 0 }))
    }

    /// The derivative by the parameters; that of a number is its gradient.
    pub(super) fn entrywise_derivative(
        &mut self,
        of: Entrywise,
        count: usize,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let mut value = of;
        for _ in 0..count {
            if value.arity >= MAX_ARITY || (!value.is_vector && value.arity > 0) {
                return Err(self.fault(span, format!("{} has no derivative here", value.kind())));
            }
            value = if value.is_vector {
                let direction = atom(&mut self.atoms, Atom::Hole(value.arity));
                let sum = self.atoms.along(&value.sum, &direction);
                Entrywise { sum, is_vector: true, arity: value.arity + 1 }
            } else {
                let sum = self.atoms.gradient_of(&value.sum);
                Entrywise { sum, is_vector: true, arity: 0 }
            };
        }
        Ok(Value::Entrywise(value))
    }

    /// The derivative of `value` along `field`.
    pub(super) fn entrywise_along(
        &mut self,
        value: &Value,
        field: &Value,
    ) -> Result<Value, ValueError> {
        let (x, along) = self.both(value, field)?;
        let sum = self.atoms.along(&x.sum, &along.sum);
        Ok(Value::Entrywise(Entrywise { sum, ..x }))
    }

    /// An operator with vectors in its first places; one more is multiplied with the result.
    pub(super) fn entrywise_contraction(
        &mut self,
        tensor: &Value,
        arguments: &[Value],
    ) -> Result<Value, ValueError> {
        let tensor = self.entrywise(tensor)?;
        let mut values = Vec::new();
        for argument in arguments {
            let filled = self.entrywise(argument)?;
            if filled.arity > 0 || !(filled.is_vector || filled.sum.is_zero()) {
                return Err(ValueError::Function(argument.kind()));
            }
            values.push(filled.sum);
        }
        let last =
            if values.len() == tensor.arity + 1 && tensor.arity > 0 { values.pop() } else { None };
        if values.len() > tensor.arity || !tensor.is_vector {
            return Err(ValueError::Arguments(tensor.arity, arguments.len()));
        }
        let arity = tensor.arity - values.len();
        for i in 0..arity {
            values.push(atom(&mut self.atoms, Atom::Hole(i)));
        }
        let sum = self.atoms.filled(&tensor.sum, &values);
        match last {
            Some(last) => {
                let product = self.atoms.product(&sum, &last);
                let sum = self.atoms.sum_of_entries(&product);
                Ok(Value::Entrywise(Entrywise { sum, is_vector: false, arity: 0 }))
            }
            None => Ok(Value::Entrywise(Entrywise { sum, is_vector: true, arity })),
        }
    }

    /// The inner product.
    pub(super) fn entrywise_dot(&mut self, a: &Value, b: &Value) -> Result<Value, ValueError> {
        let (x, y) = self.both(a, b)?;
        for (value, kind) in [(&x, a.kind()), (&y, b.kind())] {
            if value.arity > 0 || !(value.is_vector || value.sum.is_zero()) {
                return Err(ValueError::Function(kind));
            }
        }
        let product = self.atoms.product(&x.sum, &y.sum);
        let sum = self.atoms.sum_of_entries(&product);
        Ok(Value::Entrywise(Entrywise { sum, is_vector: false, arity: 0 }))
    }
}

/// Whether a variable stands in a base, an exponent or a function, where no coefficient shows it.
pub(super) fn hides(atoms: &Atoms, sum: &Sum, variable: usize) -> bool {
    sum.0.keys().any(|product| is_within(atoms, product, variable))
}

/// Whether a variable stands in the factors of a product.
fn is_within(atoms: &Atoms, product: &Product, variable: usize) -> bool {
    let holds =
        |c: &Q| c.numerator().degree_in(variable) > 0 || c.denominator().degree_in(variable) > 0;
    let in_product = |product: &Product| is_within(atoms, product, variable);
    let in_atom = |atom: &Atom| match atom {
        Atom::Base(sum) | Atom::Function(_, sum) => {
            sum.iter().any(|(product, c)| holds(c) || in_product(product))
        }
        Atom::Gradient(arguments) => arguments.iter().any(in_product),
        Atom::Entries(product) => in_product(product),
        Atom::Chain(factors) => factors.iter().any(|(product, _)| in_product(product)),
        Atom::Frechet(_, base, along) => {
            base.iter().any(|(product, c)| holds(c) || in_product(product))
                || along.iter().any(in_product)
        }
        Atom::Coordinate(_) | Atom::Dimension | Atom::Loss | Atom::Hole(_) | Atom::Identity(_) => {
            false
        }
    };
    product.0.iter().any(|(id, exponent)| {
        exponent.symbolic.iter().any(|(of, _)| *of == variable) || in_atom(atoms.atom(*id))
    })
}
