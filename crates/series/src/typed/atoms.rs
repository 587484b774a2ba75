//! Products of powers of atoms: what the terms of a nonlinear step are made of.

use super::matrix::{Axis, MatrixFunction};
use super::program::{Exponent, Shape};
use crate::exact::{Poly, RationalFunction};
use num_rational::Ratio;
use num_traits::Signed;
use std::collections::{BTreeSet, HashMap};

/// An atom, by its index in [`Atoms`].
pub(crate) type AtomId = u32;

/// A product of powers of atoms, in the order of the atoms; no exponent is zero.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Product(pub Vec<(AtomId, Exponent)>);

/// A sum of products with constant coefficients, in the order of the products; no coefficient is zero.
pub(crate) type Polynomial = Vec<(Product, RationalFunction)>;

/// Functions that stay as they are, of a [`Polynomial`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Opaque {
    Exponential,
    Logarithm,
    HyperbolicTangent,
    /// The absolute value of a sum of several products.
    Absolute,
    /// 1, 0 or -1.
    Sign,
    /// 1 where the argument is positive, otherwise 0.
    Positive,
}

/// What cannot be taken apart.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Atom {
    /// A coordinate: the parameters, or a slow variable, by the index of its state.
    Coordinate(usize),
    /// The gradient of the loss, or `∇^(k+1) E` applied to vectors, in their order.
    Gradient(Vec<Product>),
    /// A sum that some power is taken of.
    Base(Polynomial),
    /// A function of a sum.
    Function(Opaque, Polynomial),
    /// The sum of the entries of a vector.
    Entries(Product),
    /// The number of entries.
    Dimension,
    /// The loss itself.
    Loss,
    /// A vector that an operator waits for, by its place.
    Hole(usize),
    /// A product of matrices, `true` for those that are transposed; one alone is.
    Chain(Vec<(Product, bool)>),
    /// The Fréchet derivative of a function at a matrix, along matrices in their order; along none it is the function.
    Frechet(MatrixFunction, Polynomial, Vec<Product>),
    /// The identity matrix along an axis.
    Identity(Axis),
}

/// `lead = (base - rest)/leading`: how `lead` is written beside a power of the base.
#[derive(Clone, Debug)]
pub(crate) struct Reduction {
    pub lead: Product,
    pub inverse: RationalFunction,
    pub rest: Polynomial,
}

/// What is known of an atom.
#[derive(Clone, Debug)]
struct Known {
    atom: Atom,
    is_vector: bool,
    is_nonnegative: bool,
    reduction: Option<Reduction>,
}

/// The table of all atoms: each is there once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Atoms {
    known: Vec<Known>,
    index: HashMap<Atom, AtomId>,
    /// Which coordinates are vectors.
    pub(super) vectors: Vec<bool>,
    /// Whether quotients are reduced as far as they can be, for comparing, rather than as a person writes them.
    pub(super) is_complete: bool,
}

impl Product {
    pub fn one() -> Product {
        Product::default()
    }

    pub fn of(atom: AtomId) -> Product {
        Product(vec![(atom, Exponent::integer(1))])
    }

    pub fn is_one(&self) -> bool {
        self.0.is_empty()
    }

    pub fn exponent(&self, atom: AtomId) -> Option<&Exponent> {
        self.0.binary_search_by_key(&atom, |(a, _)| *a).ok().map(|at| &self.0[at].1)
    }

    /// The product without an atom.
    pub fn without(&self, atom: AtomId) -> Product {
        Product(self.0.iter().filter(|(a, _)| *a != atom).cloned().collect())
    }
}

impl Atoms {
    pub fn new(vectors: Vec<bool>) -> Atoms {
        Atoms { vectors, ..Atoms::default() }
    }

    /// A table whose quotients are reduced as far as they can be. Its coordinates are vectors.
    pub fn complete(coordinates: usize) -> Atoms {
        Atoms::complete_of((0..coordinates).map(|_| Shape::Vector))
    }

    /// A table whose quotients are reduced as far as they can be, with coordinates of these shapes.
    pub fn complete_of(coordinates: impl IntoIterator<Item = Shape>) -> Atoms {
        let vectors = coordinates.into_iter().map(|shape| shape != Shape::Number).collect();
        let mut atoms = Atoms { vectors, is_complete: true, ..Atoms::default() };
        atoms.gradient(Vec::new());
        atoms
    }

    pub fn atom(&self, id: AtomId) -> &Atom {
        &self.known[id as usize].atom
    }

    pub fn is_vector(&self, id: AtomId) -> bool {
        self.known[id as usize].is_vector
    }

    pub fn reduction(&self, id: AtomId) -> Option<&Reduction> {
        self.known[id as usize].reduction.as_ref()
    }

    /// The atom's place in the table, where it is put if it is not there.
    pub fn intern(&mut self, atom: Atom) -> AtomId {
        if let Some(id) = self.index.get(&atom) {
            return *id;
        }
        let sum_is_vector =
            |sum: &Polynomial| sum.iter().any(|(product, _)| self.has_vector(product));
        let (is_vector, is_nonnegative) = match &atom {
            Atom::Coordinate(i) => (self.vectors[*i], false),
            Atom::Gradient(_) => (true, false),
            Atom::Base(sum) => (sum_is_vector(sum), self.is_sum_nonnegative(sum)),
            Atom::Function(function, sum) => (
                sum_is_vector(sum),
                matches!(function, Opaque::Exponential | Opaque::Positive | Opaque::Absolute),
            ),
            Atom::Entries(product) => (false, self.is_nonnegative(product)),
            Atom::Dimension => (false, true),
            Atom::Loss => (false, false),
            Atom::Hole(_) | Atom::Chain(_) | Atom::Frechet(..) | Atom::Identity(_) => (true, false),
        };
        let reduction = match &atom {
            Atom::Base(sum) if self.is_complete => self.complete_reduction(sum),
            Atom::Base(sum) => self.find_reduction(sum),
            _ => None,
        };
        let id = u32::try_from(self.known.len()).expect("far fewer atoms");
        self.known.push(Known { atom: atom.clone(), is_vector, is_nonnegative, reduction });
        self.index.insert(atom, id);
        id
    }

    pub fn has_vector(&self, product: &Product) -> bool {
        product.0.iter().any(|(atom, _)| self.is_vector(*atom))
    }

    /// The power of one atom of degree two or more that such a sum holds beside a constant.
    fn find_reduction(&self, sum: &Polynomial) -> Option<Reduction> {
        let mut powers =
            sum.iter().enumerate().filter_map(|(at, (product, _))| match &product.0[..] {
                [(_, exponent)] => exponent.as_integer().filter(|n| *n >= 2).map(|_| at),
                _ => None,
            });
        let at = powers.next()?;
        let mut rest = sum.clone();
        let (lead, leading) = rest.remove(at);
        rest.iter().all(|(product, _)| product.is_one()).then(|| Reduction {
            lead,
            inverse: leading.inverse().expect("no coefficient is zero"),
            rest,
        })
    }

    /// The greatest product of a sum in an order that products respect: by degrees, then by the exponents of the first
    /// atoms. Signs do not count; where they alone tell two products apart, neither is the greatest.
    fn complete_reduction(&self, sum: &Polynomial) -> Option<Reduction> {
        let mut keys = Vec::new();
        for (product, _) in sum {
            let mut degree = Ratio::from(0);
            let mut exponents = Vec::new();
            for (atom, exponent) in &product.0 {
                if !self.is_sign(*atom) {
                    let exponent = exponent.as_rational()?;
                    degree += exponent;
                    exponents.push((std::cmp::Reverse(*atom), exponent));
                }
            }
            keys.push((degree, exponents));
        }
        let at = (0..sum.len()).max_by(|a, b| keys[*a].cmp(&keys[*b]))?;
        let is_single = keys.iter().filter(|key| **key == keys[at]).count() == 1;
        let is_power =
            !keys[at].1.is_empty() && keys[at].1.iter().all(|(_, e)| *e > Ratio::from(0));
        if !is_single || !is_power || sum.len() < 2 {
            return None;
        }
        let mut rest = sum.clone();
        let (lead, leading) = rest.remove(at);
        Some(Reduction { lead, inverse: leading.inverse().expect("no coefficient is zero"), rest })
    }

    pub fn is_sign(&self, atom: AtomId) -> bool {
        matches!(self.atom(atom), Atom::Function(Opaque::Sign, _))
    }

    /// `product/divisor`, where no power becomes negative by it.
    pub fn divided(&self, product: &Product, divisor: &Product) -> Option<Product> {
        let mut inverse = Vec::with_capacity(divisor.0.len());
        for (atom, exponent) in &divisor.0 {
            // A sign is its own inverse.
            if self.is_sign(*atom) {
                inverse.push((*atom, exponent.clone()));
                continue;
            }
            let there = product.exponent(*atom)?.as_rational()?;
            if there < exponent.as_rational()? {
                return None;
            }
            inverse.push((*atom, exponent.times(Ratio::from(-1))));
        }
        Some(self.multiply(product, &Product(inverse)))
    }

    /// Whether a product is known to be at least zero where it is defined.
    pub fn is_nonnegative(&self, product: &Product) -> bool {
        product.0.iter().enumerate().all(|(at, (atom, exponent))| {
            let even = exponent.as_integer().is_some_and(|n| n % 2 == 0);
            let even_root = exponent.as_rational().is_some_and(|q| q.denom() % 2 == 0);
            // |x| = x sign(x)
            let with_sign = || {
                let odd = exponent.as_integer().is_some_and(|n| n % 2 != 0);
                odd && self.partner(product, at).is_some()
            };
            self.known[*atom as usize].is_nonnegative || even || even_root || with_sign()
        })
    }

    /// The other factor of `x sign(x)`.
    pub(super) fn partner(&self, product: &Product, at: usize) -> Option<usize> {
        let (atom, exponent) = &product.0[at];
        let odd = |exponent: &Exponent| exponent.as_integer().is_some_and(|n| n % 2 != 0);
        let of_sign = |sign: AtomId, other: AtomId| {
            let Atom::Function(Opaque::Sign, sum) = self.atom(sign) else { return false };
            matches!(&sum[..], [(product, c)] if c.is_one() && *product == Product::of(other))
        };
        let others = product.0.iter().enumerate().filter(|(i, (_, e))| *i != at && odd(e));
        odd(exponent).then_some(())?;
        others
            .map(|(i, (other, _))| (i, *other))
            .find(|(_, other)| of_sign(*other, *atom) || of_sign(*atom, *other))
            .map(|(i, _)| i)
    }

    pub fn is_sum_nonnegative(&self, sum: &Polynomial) -> bool {
        sum.iter().all(|(product, c)| is_negative(c) == Some(false) && self.is_nonnegative(product))
    }

    /// The product of two.
    pub fn multiply(&self, a: &Product, b: &Product) -> Product {
        if a.is_one() {
            return b.clone();
        }
        if b.is_one() {
            return a.clone();
        }
        let mut factors = Vec::with_capacity(a.0.len() + b.0.len());
        let (mut left, mut right) = (a.0.iter().peekable(), b.0.iter().peekable());
        loop {
            match (left.peek(), right.peek()) {
                (Some((x, _)), Some((y, _))) if x == y => {
                    let (atom, e) = left.next().expect("peeked");
                    let exponent = e.plus(&right.next().expect("peeked").1);
                    factors.extend(self.normal(*atom, exponent).map(|e| (*atom, e)));
                }
                (Some((x, _)), Some((y, _))) if x < y => factors.extend(left.next().cloned()),
                (_, Some(_)) => factors.extend(right.next().cloned()),
                (Some(_), None) => factors.extend(left.next().cloned()),
                (None, None) => return Product(factors),
            }
        }
    }

    /// An exponent as it is written: signs are 1 or their own inverse.
    fn normal(&self, atom: AtomId, exponent: Exponent) -> Option<Exponent> {
        match (&self.known[atom as usize].atom, exponent.as_integer()) {
            (_, Some(0)) => None,
            (Atom::Function(Opaque::Sign, _), Some(n)) => {
                (n % 2 != 0).then(|| Exponent::integer(1))
            }
            (Atom::Function(Opaque::Positive, _), Some(n)) if n > 0 => Some(Exponent::integer(1)),
            _ => Some(exponent),
        }
    }

    /// A product as numbers times vectors.
    pub fn split(&self, product: &Product) -> (Product, Product) {
        let (vectors, numbers) =
            product.0.iter().cloned().partition(|(atom, _)| self.is_vector(*atom));
        (Product(numbers), Product(vectors))
    }

    /// `∇^(k+1) E` of vectors.
    pub fn gradient(&mut self, mut arguments: Vec<Product>) -> AtomId {
        arguments.sort_unstable();
        self.intern(Atom::Gradient(arguments))
    }

    /// The sum of the entries of a vector. Since `Σ_i w_i ∇^kE[…, b]_i` is symmetric in `w` and `b`, one of several
    /// ways to write it is chosen.
    pub fn entries(&mut self, vector: &Product) -> AtomId {
        if vector.is_one() {
            return self.intern(Atom::Dimension);
        }
        let mut found = BTreeSet::from([vector.clone()]);
        let mut open = vec![vector.clone()];
        while let Some(product) = open.pop() {
            for (atom, exponent) in &product.0 {
                let Atom::Gradient(arguments) = self.atom(*atom).clone() else { continue };
                if arguments.is_empty() || exponent.as_integer() != Some(1) {
                    continue;
                }
                let beside = product.without(*atom);
                for at in 0..arguments.len() {
                    let mut others = arguments.clone();
                    let argument = std::mem::replace(&mut others[at], beside.clone());
                    let turned = Product::of(self.gradient(others));
                    let turned = self.multiply(&argument, &turned);
                    if found.insert(turned.clone()) {
                        open.push(turned);
                    }
                }
            }
        }
        let first = found.pop_first().expect("it holds the product itself");
        self.intern(Atom::Entries(first))
    }
}

/// Whether a coefficient that is not zero is negative wherever all its symbols are positive, or positive there; `None` where
/// terms of both signs leave that open.
pub(super) fn is_negative(c: &RationalFunction) -> Option<bool> {
    let of = |part: &Poly| {
        let mut signs = part.terms().iter().map(|(_, number)| number.is_negative());
        let first = signs.next()?;
        signs.all(|sign| sign == first).then_some(first)
    };
    Some(of(c.numerator())? != of(c.denominator())?)
}
