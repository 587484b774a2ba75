//! Sums of products whose coefficients are polynomials in the step number.

use super::atoms::{Atom, Atoms, Opaque, Polynomial, Product, is_negative};
use super::program::Exponent;
use crate::exact::{RationalFunction, effort};
use num_bigint::BigInt;
use num_rational::{BigRational, Ratio};
use num_traits::One;
use std::collections::BTreeMap;

/// A polynomial in the step number ν, lowest power first; the last coefficient is not zero.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Weight(pub Vec<RationalFunction>);

impl Weight {
    pub fn constant(value: RationalFunction) -> Weight {
        Weight(if value.is_zero() { vec![] } else { vec![value] })
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn trimmed(mut self) -> Weight {
        while self.0.last().is_some_and(RationalFunction::is_zero) {
            self.0.pop();
        }
        self
    }

    pub fn add(&mut self, other: &Weight) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), RationalFunction::zero());
        }
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a = &*a + b;
        }
        *self = std::mem::take(self).trimmed();
    }

    pub fn scale(&self, factor: &RationalFunction) -> Weight {
        if factor.is_one() {
            return self.clone();
        }
        Weight(self.0.iter().map(|c| c * factor).collect()).trimmed()
    }

    pub fn multiply(&self, other: &Weight) -> Weight {
        match (&self.0[..], &other.0[..]) {
            ([], _) | (_, []) => return Weight::default(),
            ([c], _) => return other.scale(c),
            (_, [c]) => return self.scale(c),
            _ => {}
        }
        let mut out = vec![RationalFunction::zero(); self.0.len() + other.0.len() - 1];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                out[i + j] = &out[i + j] + &(a * b);
            }
        }
        Weight(out).trimmed()
    }

    /// The polynomial at ν + 1.
    pub fn shifted(&self) -> Weight {
        let mut out = self.0.clone();
        // Horner's scheme.
        for start in 0..out.len() {
            for i in (start..out.len().saturating_sub(1)).rev() {
                out[i] = &out[i] + &out[i + 1].clone();
            }
        }
        Weight(out)
    }

    /// The polynomial `x` with `x(ν+1) - factor x(ν) = self(ν)`; for the factor 1 the one with `x(0) = 0`.
    pub fn solved(&self, factor: &RationalFunction) -> Weight {
        let gap = &RationalFunction::one() - factor;
        let sums = gap.is_zero();
        let degree = self.0.len();
        let mut out = vec![RationalFunction::zero(); degree + usize::from(sums)];
        let number = |n: usize| RationalFunction::integer(BigInt::from(n));
        for j in (0..degree).rev() {
            // The coefficient of ν^j of Σ_i x_i ((ν+1)^i - factor ν^i).
            let at = j + usize::from(sums);
            let mut right = self.0[j].clone();
            for (i, higher) in out.iter().enumerate().skip(at + 1) {
                if !higher.is_zero() {
                    right = &right - &(higher * &RationalFunction::integer(binomial(i, j)));
                }
            }
            let pivot = if sums { number(at) } else { gap.clone() };
            out[at] = right.divide(&pivot).expect("the pivot is not zero");
        }
        Weight(out).trimmed()
    }
}

fn binomial(n: usize, k: usize) -> BigInt {
    (0..k).fold(BigInt::one(), |value, i| value * (n - i) / (i + 1))
}

/// A number or a vector as a sum of products.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sum(pub BTreeMap<Product, Weight>);

impl Sum {
    pub fn constant(value: RationalFunction) -> Sum {
        Sum::term(Product::one(), value)
    }

    pub fn term(product: Product, coefficient: RationalFunction) -> Sum {
        let weight = Weight::constant(coefficient);
        Sum(if weight.is_zero() { BTreeMap::new() } else { BTreeMap::from([(product, weight)]) })
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub fn add_term(&mut self, product: Product, weight: Weight) {
        use std::collections::btree_map::Entry;
        if weight.is_zero() {
            return;
        }
        match self.0.entry(product) {
            Entry::Vacant(place) => {
                place.insert(weight);
            }
            Entry::Occupied(mut place) => {
                place.get_mut().add(&weight);
                if place.get().is_zero() {
                    place.remove();
                }
            }
        }
    }

    pub fn add(&mut self, other: &Sum) {
        for (product, weight) in &other.0 {
            self.add_term(product.clone(), weight.clone());
        }
    }

    pub fn scale(&self, factor: &RationalFunction) -> Sum {
        if factor.is_zero() {
            return Sum::default();
        }
        Sum(self
            .0
            .iter()
            .map(|(product, weight)| (product.clone(), weight.scale(factor)))
            .collect())
    }

    pub fn negative(&self) -> Sum {
        self.scale(&RationalFunction::integer(-1))
    }

    pub fn shifted(&self) -> Sum {
        Sum(self.0.iter().map(|(product, weight)| (product.clone(), weight.shifted())).collect())
    }

    pub fn solved(&self, factor: &RationalFunction) -> Sum {
        let solved =
            self.0.iter().map(|(product, weight)| (product.clone(), weight.solved(factor)));
        Sum(solved.filter(|(_, weight)| !weight.is_zero()).collect())
    }

    /// The coefficients of ν^power.
    pub fn coefficient(&self, power: usize) -> Polynomial {
        let terms = self.0.iter().filter_map(|(product, weight)| {
            Some((product.clone(), weight.0.get(power).filter(|c| !c.is_zero())?.clone()))
        });
        terms.collect()
    }

    /// The number that it is, if no atom occurs in it.
    pub fn as_constant(&self) -> Option<RationalFunction> {
        match self.0.len() {
            0 => Some(RationalFunction::zero()),
            1 => {
                let (product, weight) = self.0.first_key_value()?;
                (product.is_one() && weight.0.len() == 1).then(|| weight.0[0].clone())
            }
            _ => None,
        }
    }
}

/// Operations on sums that look at what atoms are.
impl Atoms {
    pub fn product(&mut self, a: &Sum, b: &Sum) -> Sum {
        let mut out = Sum::default();
        for (p, u) in &a.0 {
            for (q, v) in &b.0 {
                effort::spend(20);
                let product = self.multiply(p, q);
                self.add_product(&mut out, product, u.multiply(v));
            }
        }
        out
    }

    /// Adds a term, written in the one way that is chosen for it.
    pub fn add_product(&self, out: &mut Sum, product: Product, weight: Weight) {
        let mut open = vec![(product, weight)];
        while let Some((product, weight)) = open.pop() {
            let step = product.0.iter().find_map(|(atom, exponent)| {
                let Atom::Base(sum) = self.atom(*atom) else { return None };
                let integer = exponent.as_integer();
                if let (Some(n), [(one, c)]) = (integer, &sum[..])
                    && one.is_one()
                {
                    let power = c.pow(i32::try_from(n).ok()?)?;
                    return Some((product.without(*atom), vec![(Product::one(), power)]));
                }
                if integer.is_some_and(|n| n > 0) {
                    let lower = exponent.plus(&Exponent::integer(-1));
                    let mut rest = product.clone();
                    rest.0.retain_mut(|(a, e)| {
                        if *a == *atom {
                            *e = lower.clone();
                        }
                        !e.is_zero()
                    });
                    return Some((rest, sum.clone()));
                }
                let reduction = self.reduction(*atom)?;
                let rest = self.divided(&product, &reduction.lead)?;
                let mut terms = vec![(Product::of(*atom), reduction.inverse.clone())];
                terms.extend(
                    reduction.rest.iter().map(|(p, c)| (p.clone(), -&(c * &reduction.inverse))),
                );
                Some((rest, terms))
            });
            match step {
                None => out.add_term(product, weight),
                Some((rest, terms)) => {
                    effort::spend(10 * terms.len() as u64);
                    for (other, c) in terms {
                        let product = self.multiply(&rest, &other);
                        open.push((product, weight.scale(&c)));
                    }
                }
            }
        }
    }

    /// The sign of a constant sum that is not zero.
    pub fn sign(&mut self, sum: &Sum) -> Sum {
        let polynomial = sum.coefficient(0);
        if self.is_sum_nonnegative(&polynomial) {
            return Sum::constant(RationalFunction::one());
        }
        if let [(product, c)] = &polynomial[..]
            && let Some(negative) = is_negative(c)
        {
            let mut out = Product::one();
            for (atom, exponent) in &product.0 {
                let one = Product::of(*atom);
                let power = Product(vec![(*atom, exponent.clone())]);
                if self.is_nonnegative(&power) {
                    continue;
                }
                let is_sign = matches!(self.atom(*atom), Atom::Function(Opaque::Sign, _));
                let sign = if is_sign {
                    *atom
                } else {
                    self.intern(Atom::Function(Opaque::Sign, vec![(one, RationalFunction::one())]))
                };
                out = self.multiply(&out, &Product::of(sign));
            }
            let c = RationalFunction::integer(if negative { -1 } else { 1 });
            return Sum::term(out, c);
        }
        self.function(Opaque::Sign, polynomial)
    }

    /// A function of a constant sum.
    pub fn function(&mut self, function: Opaque, argument: Polynomial) -> Sum {
        let atom = self.intern(Atom::Function(function, argument));
        Sum::term(Product::of(atom), RationalFunction::one())
    }

    /// The sum of all entries.
    pub fn sum_of_entries(&mut self, sum: &Sum) -> Sum {
        let mut out = Sum::default();
        for (product, weight) in &sum.0 {
            let (numbers, vectors) = self.split(product);
            let entries = Product::of(self.entries(&vectors));
            let product = self.multiply(&numbers, &entries);
            self.add_product(&mut out, product, weight.clone());
        }
        out
    }
}

/// `exponent` as a factor of terms: `α i - k + i`.
pub(crate) fn recurrence_factor(exponent: &Exponent, i: usize, k: usize) -> RationalFunction {
    let integer = |n: i64| RationalFunction::integer(n);
    let (i, k) = (i as i64, k as i64);
    let scaled = exponent.times(Ratio::from(i));
    &(&scaled.value() + &integer(i - k))
        * &RationalFunction::from(BigRational::new(1.into(), k.into()))
}
