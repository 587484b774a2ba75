//! Linear combinations of elementary differentials, with holes for arguments.
//!
//! One type holds every object of the language that is built from derivatives of `f`:
//!
//! * a vector field `Σ c F(τ)` is a combination of trees without holes;
//! * `f'`, `H`, the derivative `X'` of any field, `f''`, … are combinations of trees with holes,
//!   leaves that wait for an argument: `f' = [○]`, `f'' = [○,○]`, the identity is `○`;
//! * a scalar field built from the loss (`E`, `‖∇E‖²`, …) is a combination of *free* trees, which
//!   have no root: with `f = ∇U`, `U = -E`, an edge contracts one index of two derivatives of `U`.
//!   A free tree is stored as the largest of its rooted forms. Products of scalar fields, and of them with other
//!   terms, are in [`products`](super::products).
//!
//! The coefficients are rational functions of the parameters and of `h`.
//!
//! Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, sections III.1 and IX.9
//! (free trees and gradients).

mod grafting;
mod shift;

use super::holes::{FIRST_HOLE, is_hole, shift_holes};
use super::products::{self, FACTOR, PRODUCT, Product, is_principal};
use crate::exact::{RationalFunction as Q, effort};
use crate::expression::PowerSeries;
use crate::tree::Tree;
use std::collections::BTreeMap;

/// The variable that is the step size.
pub(crate) const H: usize = 0;

/// The most holes of one operator.
pub(crate) const MAX_ARITY: usize = 20;

/// The most nodes of one tree.
pub(crate) const MAX_NODES: usize = 300;

/// The most terms of one combination.
const MAX_TERMS: usize = 200_000;

/// Whether a combination is a vector or a scalar at each point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FieldKind {
    Vector,
    Scalar,
}

/// A linear combination of trees with holes, or of free trees.
#[derive(Clone, Debug)]
pub(crate) struct Differential {
    pub kind: FieldKind,
    /// The number of holes of each tree.
    pub arity: usize,
    terms: BTreeMap<Tree, Q>,
    /// Known up to `O(h^precision)`; `None` if exact.
    pub precision: Option<i64>,
}

/// What is left out of every combination as soon as it arises.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Bounds {
    /// Powers of `h` from here on.
    pub order: Option<i64>,
    /// Trees with branching nodes: no tree that contains one is a chain.
    pub chains_only: bool,
}

/// A combination that passes the limits of this module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum TooLarge {
    #[error("this has trees with more than {MAX_NODES} nodes")]
    Nodes,
    #[error("this has more than {MAX_TERMS} terms")]
    Terms,
    #[error("this has more than {MAX_ARITY} arguments")]
    Arity,
}

impl Differential {
    /// The combination without terms.
    pub fn zero(kind: FieldKind, arity: usize) -> Differential {
        Differential { kind, arity, terms: BTreeMap::new(), precision: None }
    }

    /// The vector field with the given colour.
    pub fn field(color: u8) -> Differential {
        Differential::term(FieldKind::Vector, 0, Tree::leaf(color), Q::one())
    }

    /// The identity operator.
    pub fn identity() -> Differential {
        Differential::term(FieldKind::Vector, 1, Tree::leaf(FIRST_HOLE), Q::one())
    }

    /// The loss `E = -U`.
    pub fn loss() -> Differential {
        Differential::term(FieldKind::Scalar, 0, Tree::leaf(0), Q::integer(-1))
    }

    fn term(kind: FieldKind, arity: usize, tree: Tree, coefficient: Q) -> Differential {
        let mut result = Differential::zero(kind, arity);
        result.insert(tree, &coefficient);
        result
    }

    /// `Σ c F(τ)`.
    pub fn vector(terms: impl IntoIterator<Item = (Tree, Q)>) -> Differential {
        let mut result = Differential::zero(FieldKind::Vector, 0);
        for (tree, coefficient) in terms {
            result.insert(tree, &coefficient);
        }
        result
    }

    fn is_scalar(&self) -> bool {
        self.kind == FieldKind::Scalar
    }

    /// The same term with its scalar fields in their canonical form.
    fn canonical(&self, tree: Tree) -> Tree {
        if self.is_scalar() || tree.color() == PRODUCT {
            // Every node is made the root in turn.
            effort::spend(5 * (tree.size() as u64).pow(2));
            Product::of(&tree, self.is_scalar()).term()
        } else {
            tree
        }
    }

    fn insert(&mut self, tree: Tree, coefficient: &Q) {
        let tree = self.canonical(tree);
        self.add(tree, coefficient);
    }

    /// Adds a term in its canonical form.
    fn add(&mut self, tree: Tree, coefficient: &Q) {
        if coefficient.is_zero() {
            return;
        }
        // Trees are compared on the way to their place.
        effort::spend(100 + 5 * tree.size() as u64);
        match self.terms.entry(tree) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(coefficient.clone());
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let sum = place.get() + coefficient;
                if sum.is_zero() {
                    place.remove();
                } else {
                    place.insert(sum);
                }
            }
        }
    }

    /// The trees and their coefficients, small trees first.
    pub fn terms(&self) -> &BTreeMap<Tree, Q> {
        &self.terms
    }

    /// Whether there are no terms.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it is a number at each point, which multiplies whatever stands beside it.
    pub fn is_scalar_field(&self) -> bool {
        self.kind == FieldKind::Scalar && self.arity == 0
    }

    /// The terms that satisfy a condition.
    pub fn retain(&self, keep: impl Fn(&Tree) -> bool) -> Differential {
        let terms = self.terms.iter().filter(|(t, _)| keep(t));
        Differential { terms: terms.map(|(t, c)| (t.clone(), c.clone())).collect(), ..self.clone() }
    }

    /// Every coefficient `c` replaced by `change(c)`; the result counts as exact.
    pub fn map(&self, change: impl Fn(&Q) -> Q) -> Differential {
        let mut result = Differential::zero(self.kind, self.arity);
        for (tree, coefficient) in &self.terms {
            result.add(tree.clone(), &change(coefficient));
        }
        result
    }

    /// The sum; both must have the same form.
    pub fn plus(&self, other: &Differential) -> Differential {
        let mut sum = self.clone();
        for (tree, coefficient) in &other.terms {
            sum.add(tree.clone(), coefficient);
        }
        sum.precision = earliest(self.precision, other.precision);
        sum
    }

    /// `factor · self`.
    pub fn scaled(&self, factor: &Q) -> Differential {
        let mut result = Differential::zero(self.kind, self.arity);
        result.precision = self.precision.map(|p| p + lowest_power(factor));
        for (tree, coefficient) in &self.terms {
            result.add(tree.clone(), &(coefficient * factor));
        }
        result
    }

    /// The lowest power of `h` that may occur: one of the terms, or the first unknown one.
    pub fn low(&self) -> i64 {
        self.terms.values().map(lowest_power).chain(self.precision).min().unwrap_or(0)
    }

    /// The terms that the bounds keep.
    pub fn within(&self, bounds: &Bounds) -> Differential {
        let mut result = Differential::zero(self.kind, self.arity);
        result.precision = self.precision;
        for (tree, coefficient) in &self.terms {
            if bounds.chains_only && !is_principal(tree, self.is_scalar()) {
                continue;
            }
            match bounds.order {
                Some(order) if has_power_from(coefficient, order) => {
                    let low = lowest_power(coefficient);
                    let series = PowerSeries::expand(coefficient, H, (order - low).max(1));
                    result.add(tree.clone(), &series.polynomial(order));
                    result.precision = earliest(result.precision, Some(order));
                }
                _ => result.add(tree.clone(), coefficient),
            }
        }
        result
    }

    /// The derivative: one more hole, attached to every node in turn (of a scalar field: the
    /// covector, see [`Differential::gradient`]).
    pub fn derivative(&self) -> Result<Differential, TooLarge> {
        if self.arity >= MAX_ARITY {
            return Err(TooLarge::Arity);
        }
        let hole = Tree::leaf(FIRST_HOLE + self.arity as u8);
        let mut result = Differential::zero(self.kind, self.arity + 1);
        result.precision = self.precision;
        for (tree, coefficient) in &self.terms {
            for grown in products::derivatives(tree, &hole, self.is_scalar()) {
                result.insert(grown, coefficient);
            }
            result.check()?;
        }
        Ok(result)
    }

    /// The gradient of a scalar field: every node in turn becomes the root.
    pub fn gradient(&self) -> Differential {
        let mut result = Differential::zero(FieldKind::Vector, self.arity);
        result.precision = self.precision;
        for (tree, coefficient) in &self.terms {
            for rooted in products::gradients(tree) {
                result.insert(rooted, coefficient);
            }
        }
        result
    }

    /// The inner product of two vector fields: their roots are joined by an edge.
    pub fn dot(&self, other: &Differential, bounds: &Bounds) -> Result<Differential, TooLarge> {
        let mut result = Differential::zero(FieldKind::Scalar, 0);
        result.precision = product_precision(self, other);
        for (a, ca) in &self.terms {
            for (b, cb) in &other.terms {
                result.product(products::joined(a, b), ca, cb, bounds)?;
            }
        }
        Ok(result)
    }

    /// The product of this scalar field with any combination.
    pub fn multiplied(
        &self,
        other: &Differential,
        bounds: &Bounds,
    ) -> Result<Differential, TooLarge> {
        let mut result = Differential::zero(other.kind, other.arity);
        result.precision = product_precision(self, other);
        for (a, ca) in &self.terms {
            for (b, cb) in &other.terms {
                if a.size() + b.size() > MAX_NODES {
                    return Err(TooLarge::Nodes);
                }
                result.product(products::product(a, b, other.is_scalar()), ca, cb, bounds)?;
            }
        }
        Ok(result)
    }

    /// Hole number `hole` filled with a combination. The holes of `argument` keep their numbers.
    pub fn filled(
        &self,
        hole: usize,
        argument: &Differential,
        bounds: &Bounds,
    ) -> Result<Differential, TooLarge> {
        let mut result = Differential::zero(self.kind, self.arity - 1 + argument.arity);
        result.precision = product_precision(self, argument);
        let color = FIRST_HOLE + hole as u8;
        for (tree, ca) in &self.terms {
            for (value, cb) in &argument.terms {
                if tree.size() + value.size() > MAX_NODES + 1 {
                    return Err(TooLarge::Nodes);
                }
                let filled = products::filled(tree, color, value, self.is_scalar());
                result.product(filled, ca, cb, bounds)?;
            }
        }
        Ok(result)
    }

    fn product(&mut self, tree: Tree, a: &Q, b: &Q, bounds: &Bounds) -> Result<(), TooLarge> {
        let tree = self.canonical(tree);
        if bounds.chains_only && !is_principal(&tree, self.is_scalar()) {
            return Ok(());
        }
        if bounds.order.is_some_and(|order| lowest_power(a) + lowest_power(b) >= order) {
            self.precision = earliest(self.precision, bounds.order);
            return Ok(());
        }
        self.add(tree, &(a * b));
        self.check()
    }

    fn check(&self) -> Result<(), TooLarge> {
        if self.terms.len() > MAX_TERMS { Err(TooLarge::Terms) } else { Ok(()) }
    }

    /// The first `count` holes filled with vector fields; the others are counted from 0 again.
    pub fn applied(
        &self,
        arguments: &[Differential],
        bounds: &Bounds,
    ) -> Result<Differential, TooLarge> {
        let mut result = self.clone();
        for (hole, argument) in arguments.iter().enumerate() {
            result = result.filled(hole, argument, bounds)?;
        }
        let mut renumbered = Differential::zero(result.kind, result.arity);
        renumbered.precision = result.precision;
        for (tree, coefficient) in &result.terms {
            renumbered.insert(shift_holes(tree, arguments.len() as u8), coefficient);
        }
        Ok(renumbered)
    }

    /// Whether a node has this colour or a later one.
    pub fn has_color_from(&self, first: u8) -> bool {
        fn has(tree: &Tree, first: u8) -> bool {
            let special = matches!(tree.color(), FACTOR | PRODUCT) || is_hole(tree);
            (!special && tree.color() >= first) || tree.children().iter().any(|c| has(c, first))
        }
        self.terms.keys().any(|tree| has(tree, first))
    }

    /// Whether only nodes of colour 0 occur beside holes.
    pub fn is_of_one_field(&self) -> bool {
        fn plain(tree: &Tree) -> bool {
            let plain_here = matches!(tree.color(), 0 | FACTOR | PRODUCT) || is_hole(tree);
            plain_here && tree.children().iter().all(plain)
        }
        self.terms.keys().all(plain)
    }
}

fn earliest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn product_precision(a: &Differential, b: &Differential) -> Option<i64> {
    earliest(a.precision.map(|p| p + b.low()), b.precision.map(|p| p + a.low()))
}

/// The exponent of `h` that a function starts with.
pub(crate) fn lowest_power(value: &Q) -> i64 {
    let low = |p: &crate::exact::Poly| i64::from(p.monomial_content().0[H]);
    // The monomial content of a sum is what all its terms share: the lowest power of h.
    if value.is_zero() { 0 } else { low(value.numerator()) - low(value.denominator()) }
}

/// The exponent of `h` that a function ends with; `None` if it has infinitely many.
fn highest_power(value: &Q) -> Option<i64> {
    let below = value.denominator().degree_in(H);
    (below == value.denominator().monomial_content().0[H])
        .then(|| i64::from(value.numerator().degree_in(H)) - i64::from(below))
}

/// Whether the expansion in `h` has terms from `h^order` on.
fn has_power_from(value: &Q, order: i64) -> bool {
    highest_power(value).is_none_or(|highest| highest >= order)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn f() -> Differential {
        Differential::field(0)
    }

    pub(super) fn up_to(order: i64) -> Bounds {
        Bounds { order: Some(order + 1), chains_only: false }
    }

    pub(super) fn h(power: i32) -> Q {
        Q::variable(H).pow(power).unwrap()
    }

    pub(super) fn shown(value: &Differential) -> Vec<String> {
        let names = ["h".to_string()];
        value.terms().iter().map(|(t, c)| format!("{} {t}", c.display(&names))).collect()
    }

    #[test]
    fn derivatives_follow_the_product_rule() {
        let bounds = Bounds::default();
        let operator = f().derivative().unwrap();
        let ff = operator.filled(0, &f(), &bounds).unwrap();
        assert_eq!(shown(&ff), ["1 [[]]"]);
        // (f'f)'f = f'f'f + f''(f,f)
        let third = ff.derivative().unwrap().filled(0, &f(), &bounds).unwrap();
        assert_eq!(shown(&third), ["1 [[],[]]", "1 [[[]]]"]);
        // f''(f, ·) applied to f, and f'' applied to (f, f) at once.
        let second = operator.derivative().unwrap();
        let once = second.applied(&[f()], &bounds).unwrap();
        assert_eq!(once.arity, 1);
        assert_eq!(shown(&once.applied(&[f()], &bounds).unwrap()), ["1 [[],[]]"]);
        assert_eq!(shown(&second.applied(&[f(), f()], &bounds).unwrap()), ["1 [[],[]]"]);
    }

    #[test]
    fn the_identity_does_nothing() {
        let bounds = Bounds::default();
        let operator = f().derivative().unwrap();
        let same = Differential::identity().filled(0, &operator, &bounds).unwrap();
        assert_eq!(same.terms(), operator.terms());
        let same = operator.filled(0, &Differential::identity(), &bounds).unwrap();
        assert_eq!(same.terms(), operator.terms());
    }

    #[test]
    fn gradients_of_scalar_fields() {
        let bounds = Bounds::default();
        let gradient = Differential::loss().gradient();
        assert_eq!(shown(&gradient), ["-1 []"]);
        // ½ ∇‖∇E‖² = H g = f'f
        let norm = gradient.dot(&gradient, &bounds).unwrap();
        let half = Q::integer(2).inverse().unwrap();
        assert_eq!(shown(&norm.gradient().scaled(&half)), ["1 [[]]"]);
        // The free trees of a·(Hb) and b·(Ha) are the same.
        let hg = gradient.derivative().unwrap().filled(0, &gradient, &bounds).unwrap();
        let hhg = gradient.derivative().unwrap().filled(0, &hg, &bounds).unwrap();
        let left = gradient.dot(&hhg, &bounds).unwrap();
        let right = hg.dot(&hg, &bounds).unwrap();
        assert_eq!(left.terms(), right.terms());
    }

    #[test]
    fn bounds_cut_and_are_remembered() {
        let bounds = Bounds { order: Some(2), chains_only: true };
        let operator = f().scaled(&h(1)).derivative().unwrap();
        let product = operator.filled(0, &f().scaled(&h(1)), &bounds).unwrap();
        assert!(product.is_zero());
        assert_eq!(product.precision, Some(2));
        let second = f().derivative().unwrap().derivative().unwrap();
        assert!(second.applied(&[f(), f()], &bounds).unwrap().is_zero());
        let series = f().scaled(&Q::one().divide(&(&Q::one() - &h(1))).unwrap());
        assert_eq!(
            shown(&series.within(&Bounds { order: Some(2), chains_only: false })),
            ["1+h []"]
        );
    }
}
