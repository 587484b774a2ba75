//! Derivatives of sums by the parameters, gradients of numbers, and vectors put into operators.

use super::atoms::{Atom, AtomId, Atoms, Opaque, Polynomial, Product};
use super::program::Exponent;
use super::sum::{Sum, Weight};
use crate::exact::RationalFunction;

impl Sum {
    /// A sum without the step number.
    pub fn of(polynomial: &Polynomial) -> Sum {
        let terms = polynomial.iter();
        Sum(terms.map(|(product, c)| (product.clone(), Weight::constant(c.clone()))).collect())
    }
}

impl Atoms {
    /// `∇^(k+1) E[v_1, …, v_k]` of sums, which it is linear in.
    pub fn derivative_of_loss(&mut self, arguments: &[Sum]) -> Sum {
        self.multilinear(arguments, |atoms, vectors| Product::of(atoms.gradient(vectors)))
    }

    /// The factors of a product with exponents, each with what the product's derivative by it is.
    fn partial(&mut self, product: &Product) -> Vec<(AtomId, Sum)> {
        let parts = product.0.iter().map(|(atom, exponent)| {
            let lowered = Product(vec![(*atom, Exponent::integer(-1))]);
            (*atom, self.multiply(product, &lowered), exponent.value())
        });
        let parts: Vec<_> = parts.collect();
        let parts = parts.into_iter().map(|(atom, rest, exponent)| {
            let mut sum = Sum::default();
            self.add_product(&mut sum, rest, Weight::constant(exponent));
            (atom, sum)
        });
        parts.collect()
    }

    /// The derivative of a function of one number.
    fn slope(&mut self, function: Opaque, argument: &Polynomial) -> Sum {
        let argument = Sum::of(argument);
        match function {
            Opaque::Exponential => self.function(function, argument.coefficient(0)),
            Opaque::Logarithm => self.power(&argument, &Exponent::integer(-1)),
            Opaque::HyperbolicTangent => {
                let value = self.function(function, argument.coefficient(0));
                let mut slope = self.product(&value, &value).negative();
                slope.add(&Sum::constant(RationalFunction::one()));
                slope
            }
            Opaque::Absolute => self.sign(&argument),
            Opaque::Sign | Opaque::Positive => Sum::default(),
        }
    }

    /// The derivative of a sum in a direction, where the parameters are coordinate 0. Kinks are passed over.
    pub fn along(&mut self, sum: &Sum, direction: &Sum) -> Sum {
        let mut out = Sum::default();
        for (product, weight) in &sum.0 {
            for (atom, rest) in self.partial(product) {
                let moved = self.atom_along(atom, direction);
                let moved = self.product(&rest, &moved);
                out.add(&Sum(moved.0.into_iter().map(|(p, w)| (p, w.multiply(weight))).collect()));
            }
        }
        out
    }

    fn atom_along(&mut self, atom: AtomId, direction: &Sum) -> Sum {
        match self.atom(atom).clone() {
            Atom::Coordinate(0) => direction.clone(),
            Atom::Coordinate(_) | Atom::Dimension | Atom::Hole(_) | Atom::Identity(_) => {
                Sum::default()
            }
            Atom::Chain(factors) => {
                let factors: Vec<(Sum, bool)> =
                    factors.into_iter().map(|(product, turned)| (one(product), turned)).collect();
                let mut out = Sum::default();
                for at in 0..factors.len() {
                    let mut moved = factors.clone();
                    moved[at].0 = self.along(&factors[at].0, direction);
                    out.add(&self.chained(&moved));
                }
                out
            }
            Atom::Frechet(function, base, arguments) => {
                let arguments: Vec<Sum> = arguments.into_iter().map(one).collect();
                let mut all = arguments.clone();
                all.push(self.along(&Sum::of(&base), direction));
                let mut out = self.frechet(function, &base, &all);
                for at in 0..arguments.len() {
                    let mut moved = arguments.clone();
                    moved[at] = self.along(&arguments[at], direction);
                    out.add(&self.frechet(function, &base, &moved));
                }
                out
            }
            Atom::Loss => {
                let gradient = self.derivative_of_loss(&[]);
                let product = self.product(&gradient, direction);
                self.sum_of_entries(&product)
            }
            Atom::Gradient(arguments) => {
                let arguments: Vec<Sum> = arguments.into_iter().map(one).collect();
                let mut all = arguments.clone();
                all.push(direction.clone());
                let mut out = self.derivative_of_loss(&all);
                for at in 0..arguments.len() {
                    let mut moved = arguments.clone();
                    moved[at] = self.along(&arguments[at], direction);
                    out.add(&self.derivative_of_loss(&moved));
                }
                out
            }
            Atom::Base(sum) => self.along(&Sum::of(&sum), direction),
            Atom::Function(function, sum) => {
                let slope = self.slope(function, &sum);
                let inner = self.along(&Sum::of(&sum), direction);
                self.product(&slope, &inner)
            }
            Atom::Entries(product) => {
                let moved = self.along(&one(product), direction);
                self.sum_of_entries(&moved)
            }
        }
    }

    /// The gradient of a number by the parameters: derivatives are moved from each argument to what stands outside.
    pub fn gradient_of(&mut self, number: &Sum) -> Sum {
        self.pulled(number, &Sum::constant(RationalFunction::one()), false)
    }

    /// The gradient of `Σ_i w_i x_i` for a vector `x`, of `w x` for a number, where `w` is held fixed.
    fn pulled(&mut self, sum: &Sum, weight: &Sum, is_vector: bool) -> Sum {
        let mut out = Sum::default();
        for (product, own) in &sum.0 {
            let outside = Sum(weight.0.iter().map(|(p, w)| (p.clone(), w.multiply(own))).collect());
            for (atom, rest) in self.partial(product) {
                let mut inner = self.product(&rest, &outside);
                if is_vector && !self.is_vector(atom) {
                    inner = self.sum_of_entries(&inner);
                }
                out.add(&self.pulled_atom(atom, &inner));
            }
        }
        out
    }

    fn pulled_atom(&mut self, atom: AtomId, weight: &Sum) -> Sum {
        let is_vector = self.is_vector(atom);
        match self.atom(atom).clone() {
            Atom::Coordinate(0) => weight.clone(),
            Atom::Coordinate(_) | Atom::Dimension | Atom::Hole(_) | Atom::Identity(_) => {
                Sum::default()
            }
            Atom::Chain(factors) => {
                let mut out = Sum::default();
                for at in 0..factors.len() {
                    let outside = self.beside(&factors, at, weight);
                    out.add(&self.pulled(&one(factors[at].0.clone()), &outside, true));
                }
                out
            }
            Atom::Frechet(function, base, arguments) => {
                let arguments: Vec<Sum> = arguments.into_iter().map(one).collect();
                let mut all = arguments.clone();
                all.push(weight.clone());
                let outside = self.frechet(function, &base, &all);
                let mut out = self.pulled(&Sum::of(&base), &outside, true);
                for at in 0..arguments.len() {
                    let mut others = arguments.clone();
                    others[at] = weight.clone();
                    let outside = self.frechet(function, &base, &others);
                    out.add(&self.pulled(&arguments[at], &outside, true));
                }
                out
            }
            Atom::Loss => {
                let gradient = self.derivative_of_loss(&[]);
                self.product(weight, &gradient)
            }
            Atom::Gradient(arguments) => {
                let arguments: Vec<Sum> = arguments.into_iter().map(one).collect();
                let mut all = arguments.clone();
                all.push(weight.clone());
                let mut out = self.derivative_of_loss(&all);
                for at in 0..arguments.len() {
                    let mut others = arguments.clone();
                    others[at] = weight.clone();
                    let outside = self.derivative_of_loss(&others);
                    out.add(&self.pulled(&arguments[at], &outside, true));
                }
                out
            }
            Atom::Base(sum) => self.pulled(&Sum::of(&sum), weight, is_vector),
            Atom::Function(function, sum) => {
                let slope = self.slope(function, &sum);
                let outside = self.product(weight, &slope);
                self.pulled(&Sum::of(&sum), &outside, is_vector)
            }
            Atom::Entries(product) => self.pulled(&one(product), weight, true),
        }
    }

    /// The sum with other vectors for its holes: `values[i]` for hole `i`.
    pub fn filled(&mut self, sum: &Sum, values: &[Sum]) -> Sum {
        let mut out = Sum::default();
        for (product, weight) in &sum.0 {
            let mut term = Sum(std::iter::once((Product::one(), weight.clone())).collect());
            for (atom, exponent) in &product.0 {
                let factor = self.filled_atom(*atom, values);
                let factor = match factor {
                    Some(factor) if exponent.as_integer() == Some(1) => factor,
                    Some(factor) => self.power(&factor, exponent),
                    None => one(Product(vec![(*atom, exponent.clone())])),
                };
                term = self.product(&term, &factor);
            }
            out.add(&term);
        }
        out
    }

    /// The atom with other vectors for its holes, if it has one.
    fn filled_atom(&mut self, atom: AtomId, values: &[Sum]) -> Option<Sum> {
        if !self.has_hole(atom) {
            return None;
        }
        Some(match self.atom(atom).clone() {
            Atom::Hole(i) => values[i].clone(),
            Atom::Gradient(arguments) => {
                let filled: Vec<Sum> =
                    arguments.into_iter().map(|a| self.filled(&one(a), values)).collect();
                self.derivative_of_loss(&filled)
            }
            Atom::Entries(product) => {
                let filled = self.filled(&one(product), values);
                self.sum_of_entries(&filled)
            }
            // Operators are linear: their holes stand in no power and no function.
            Atom::Base(sum) => self.filled(&Sum::of(&sum), values),
            Atom::Chain(factors) => {
                let filled: Vec<(Sum, bool)> = (factors.into_iter())
                    .map(|(product, turned)| (self.filled(&one(product), values), turned))
                    .collect();
                self.chained(&filled)
            }
            Atom::Frechet(function, base, arguments) => {
                let filled: Vec<Sum> =
                    arguments.into_iter().map(|a| self.filled(&one(a), values)).collect();
                self.frechet(function, &base, &filled)
            }
            Atom::Function(..)
            | Atom::Coordinate(_)
            | Atom::Dimension
            | Atom::Loss
            | Atom::Identity(_) => return None,
        })
    }

    fn has_hole(&self, atom: AtomId) -> bool {
        let holds = |product: &Product| product.0.iter().any(|(atom, _)| self.has_hole(*atom));
        match self.atom(atom) {
            Atom::Hole(_) => true,
            Atom::Gradient(arguments) | Atom::Frechet(_, _, arguments) => {
                arguments.iter().any(holds)
            }
            Atom::Entries(product) => holds(product),
            Atom::Chain(factors) => factors.iter().any(|(product, _)| holds(product)),
            Atom::Base(sum) | Atom::Function(_, sum) => {
                sum.iter().any(|(product, _)| holds(product))
            }
            Atom::Coordinate(_) | Atom::Dimension | Atom::Loss | Atom::Identity(_) => false,
        }
    }
}

/// A product alone.
fn one(product: Product) -> Sum {
    Sum::term(product, RationalFunction::one())
}
