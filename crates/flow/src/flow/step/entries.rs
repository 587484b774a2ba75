//! What an operation of a nonlinear step makes, entry by entry.

use super::nonlinear::Operation;
use crate::flow::jets::vectors::{root_power, zero};
use crate::loss::{self, Number};
use bea_series::typed::{Function, Node, NodeId};
use std::cmp::Ordering;

/// Some entries of what an operation makes, as `pulp` compiles that for each set of vector instructions. A number among
/// the operands has one entry, which stands for a vector of it.
pub(super) struct Entries<'c, 'v, T> {
    pub operation: &'c Operation<T>,
    /// Of the step, counted from 1; `None` long after the start.
    pub number: Option<u64>,
    pub dimension: usize,
    pub get: &'c dyn Fn(NodeId) -> &'v [T],
    pub out: &'c mut [T],
}

impl<T: Number> pulp::WithSimd for Entries<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.compute();
    }
}

/// `out = f(x)`
#[inline(always)]
fn map<T: Number>(out: &mut [T], x: &[T], f: impl Fn(&T) -> T) {
    match x {
        [x] => out.fill(f(x)),
        _ => {
            for (out, x) in out.iter_mut().zip(x) {
                *out = f(x);
            }
        }
    }
}

/// `out = f(x, y)`
#[inline(always)]
fn combine<T: Number>(out: &mut [T], x: &[T], y: &[T], f: impl Fn(&T, &T) -> T) {
    match (x, y) {
        (_, [y]) => map(out, x, |x| f(x, y)),
        ([x], _) => map(out, y, |y| f(x, y)),
        _ => {
            for (out, (x, y)) in out.iter_mut().zip(x.iter().zip(y)) {
                *out = f(x, y);
            }
        }
    }
}

/// `out = f(out, x)`
#[inline(always)]
fn with<T: Number>(out: &mut [T], x: &[T], f: impl Fn(&T, &T) -> T) {
    match x {
        [x] => out.iter_mut().for_each(|out| *out = f(out, x)),
        _ => {
            for (out, x) in out.iter_mut().zip(x) {
                *out = f(out, x);
            }
        }
    }
}

/// A sum or a product of all parts, `empty` of none: the numbers among them first.
#[inline(always)]
fn fold<'v, T: Number + 'v>(
    out: &mut [T],
    parts: impl Iterator<Item = &'v [T]> + Clone,
    empty: T,
    f: impl Fn(&T, &T) -> T,
) {
    let is_number = |x: &&[T]| x.len() == 1;
    let numbers = parts.clone().filter(is_number).map(|x| x[0].clone());
    let number = numbers.reduce(|x, y| f(&x, &y));
    let mut vectors = parts.filter(|x| !is_number(x));
    match (number, vectors.next(), vectors.next()) {
        (number, None, _) => out.fill(number.unwrap_or(empty)),
        (None, Some(x), None) => map(out, x, T::clone),
        (Some(c), Some(x), None) => map(out, x, |x| f(&c, x)),
        (None, Some(x), Some(y)) => combine(out, x, y, &f),
        (Some(c), Some(x), Some(y)) => combine(out, x, y, |x, y| f(&f(&c, x), y)),
    }
    vectors.for_each(|x| with(out, x, &f));
}

impl<T: Number> Entries<'_, '_, T> {
    #[inline(always)]
    fn compute(self) {
        let Entries { operation, number, dimension, get, out } = self;
        let one = T::from_rational(&1.into());
        let (node, exponent) = match operation {
            Operation::Number(x) => return out.fill(x.clone()),
            Operation::Dimension => return out.fill(T::from_rational(&(dimension as i64).into())),
            Operation::Decay { base, factor, offset } => {
                let power = number.map(|t| &(factor * &(t as i64).into()) + offset);
                return out.fill(power.map_or_else(zero, |power| base.power(&power)));
            }
            Operation::Other(node, exponent) => (node, exponent),
        };
        match node {
            Node::Sum(parts) => {
                let parts = parts.iter().map(|x| get(*x));
                fold(out, parts, zero(), |a, b| a.clone() + b.clone());
            }
            Node::Product(parts) => {
                let parts = parts.iter().map(|x| get(*x));
                fold(out, parts, one, |a, b| a.clone() * b.clone());
            }
            Node::Power(x, _) => {
                let r = exponent.as_ref().expect("powers have exponents");
                match r.as_small() {
                    Some((-1, 1)) => map(out, get(*x), |x| one.quotient(x)),
                    Some((2, 1)) => map(out, get(*x), |x| x.clone() * x.clone()),
                    Some((1, 2)) => map(out, get(*x), T::sqrt),
                    Some((-1, 2)) => map(out, get(*x), |x| one.quotient(&x.sqrt())),
                    Some((n, 2)) => map(out, get(*x), root_power(n)),
                    _ => map(out, get(*x), |x| x.power(r)),
                }
            }
            Node::Function(Function::Exponential, x) => map(out, get(*x), T::exp),
            Node::Function(Function::Logarithm, x) => map(out, get(*x), T::log),
            Node::Function(Function::HyperbolicTangent, x) => {
                map(out, get(*x), |x| x.apply(loss::Function::Tanh));
            }
            Node::Function(Function::Sign, x) => {
                map(out, get(*x), |x| match x.compare_real(&zero()) {
                    Some(Ordering::Less) => -one.clone(),
                    Some(Ordering::Greater) => one.clone(),
                    Some(Ordering::Equal) => zero(),
                    None => x.clone(),
                });
            }
            Node::Function(Function::Absolute, x) => {
                map(out, get(*x), |x| x.apply(loss::Function::Abs));
            }
            Node::Greater(x, y) => {
                combine(out, get(*x), get(*y), |x, y| match x.compare_real(y) {
                    Some(Ordering::Less) => y.clone(),
                    Some(_) => x.clone(),
                    // Not a number.
                    None => x.clone() + y.clone(),
                });
            }
            _ => unreachable!("states, numbers and what needs all entries are not computed here"),
        }
    }
}
