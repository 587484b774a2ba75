//! Sums of products whose coefficients are polynomials in the step number.

use super::atoms::{Atom, AtomId, Atoms, Opaque, Polynomial, Product, is_negative};
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

    /// A power of a constant sum that is not zero.
    pub fn power(&mut self, sum: &Sum, exponent: &Exponent) -> Sum {
        let polynomial = sum.coefficient(0);
        let [(product, c)] = &polynomial[..] else {
            // A power of a square is one of an absolute value.
            if let Some(root) = square_root(&polynomial) {
                let is_nonnegative = self.is_sum_nonnegative(&root);
                let atom = if is_nonnegative {
                    Atom::Base(root)
                } else {
                    Atom::Function(Opaque::Absolute, root)
                };
                let atom = self.intern(atom);
                let product = Product(vec![(atom, exponent.times(Ratio::from(2)))]);
                return self.reduced(product, RationalFunction::one());
            }
            let (polynomial, factor) = self.monic(polynomial, exponent);
            let atom = self.intern(Atom::Base(polynomial));
            return self.reduced(Product(vec![(atom, exponent.clone())]), factor);
        };
        if exponent.as_integer().is_none()
            && let Some(split) = self.power_of_signed(product, c, exponent)
        {
            return split;
        }
        let (mut coefficient, mut out) = (RationalFunction::one(), Product::one());
        if !c.is_one() {
            match exponent.as_rational().and_then(|exponent| c.power(exponent)) {
                Some(value) => coefficient = value,
                None => {
                    let atom = self.intern(Atom::Base(vec![(Product::one(), c.clone())]));
                    out = Product(vec![(atom, exponent.clone())]);
                }
            }
        }
        let is_integer = exponent.as_integer().is_some();
        for (at, (atom, e)) in product.0.iter().enumerate() {
            let factor = self.power_of_atom(*atom, e, exponent, is_integer, product, at);
            out = self.multiply(&out, &factor);
        }
        self.reduced(out, coefficient)
    }

    /// `(x y)^p = x^p y^p` holds only where at most one of the factors may be negative: a power of a product by the factors
    /// that are known not to be, and all others together. `None` where one at most is not known, which stands alone.
    fn power_of_signed(
        &mut self,
        product: &Product,
        c: &RationalFunction,
        exponent: &Exponent,
    ) -> Option<Sum> {
        let is_known = |at: &usize| {
            self.is_nonnegative(&Product(vec![product.0[*at].clone()]))
                || self.partner(product, *at).is_some()
        };
        let (known, open): (Vec<usize>, Vec<usize>) = (0..product.0.len()).partition(is_known);
        let of = |at: &[usize]| Product(at.iter().map(|i| product.0[*i].clone()).collect());
        let open_part = of(&open);
        if !known.is_empty() && !open.is_empty() {
            let known = Sum::term(of(&known), RationalFunction::one());
            let open = Sum::term(open_part, c.clone());
            let (known, open) = (self.power(&known, exponent), self.power(&open, exponent));
            return Some(self.product(&known, &open));
        }
        let alone = match open[..] {
            [] => true,
            [at] => is_negative(c) == Some(false) && !self.is_sign(product.0[at].0),
            _ => false,
        };
        if alone {
            return None;
        }
        let atom = self.intern(Atom::Base(vec![(open_part, c.clone())]));
        Some(self.reduced(Product(vec![(atom, exponent.clone())]), RationalFunction::one()))
    }

    /// A sum whose last coefficient is 1, and the power of that coefficient, where that is a rational function; only in
    /// tables for comparing.
    fn monic(&self, sum: Polynomial, exponent: &Exponent) -> (Polynomial, RationalFunction) {
        let one = RationalFunction::one();
        let Some((_, last)) = sum.last().filter(|_| self.is_complete) else { return (sum, one) };
        let power = exponent.as_rational().and_then(|exponent| last.power(exponent));
        let (Some(factor), Some(inverse)) = (power, last.inverse()) else { return (sum, one) };
        (sum.iter().map(|(product, c)| (product.clone(), c * &inverse)).collect(), factor)
    }

    fn reduced(&mut self, product: Product, coefficient: RationalFunction) -> Sum {
        let mut out = Sum::default();
        self.add_product(&mut out, product, Weight::constant(coefficient));
        out
    }

    /// `(atom^e)^exponent`: where `e` is even and the exponent no integer, the absolute value of the atom counts.
    fn power_of_atom(
        &mut self,
        atom: AtomId,
        e: &Exponent,
        exponent: &Exponent,
        is_integer: bool,
        whole: &Product,
        at: usize,
    ) -> Product {
        let is_sign = matches!(self.atom(atom), Atom::Function(Opaque::Sign, _));
        if is_sign {
            // Beside what it is the sign of, it makes an absolute value.
            let odd = exponent.as_integer().is_some_and(|n| n % 2 != 0);
            return if odd { Product::of(atom) } else { Product::one() };
        }
        let combined = match (e.as_rational(), exponent.as_rational()) {
            (Some(q), _) => exponent.times(q),
            (_, Some(q)) => e.times(q),
            _ => Exponent::integer(0),
        };
        if combined.is_zero() && !e.is_zero() && !exponent.is_zero() {
            // A product of two symbolic exponents: the power of a power.
            let inner = self.intern(Atom::Base(vec![(
                Product(vec![(atom, e.clone())]),
                RationalFunction::one(),
            )]));
            return Product(vec![(inner, exponent.clone())]);
        }
        let plain = Product(vec![(atom, combined.clone())]);
        let even = e.as_integer().is_some_and(|n| n % 2 == 0);
        let beside_sign = {
            let one = Product(vec![whole.0[at].clone()]);
            !even && !self.is_nonnegative(&one) && self.is_nonnegative(whole)
        };
        if is_integer || !(even || beside_sign) || self.is_nonnegative(&Product::of(atom)) {
            return plain;
        }
        let sign = self.intern(Atom::Function(
            Opaque::Sign,
            vec![(Product::of(atom), RationalFunction::one())],
        ));
        match combined.as_integer() {
            Some(n) if n % 2 == 0 => plain,
            Some(_) => self.multiply(&plain, &Product::of(sign)),
            None => {
                let absolute = self.multiply(&Product::of(atom), &Product::of(sign));
                let base = self.intern(Atom::Base(vec![(absolute, RationalFunction::one())]));
                Product(vec![(base, combined)])
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

/// The sum whose square a sum of several products is, up to its sign.
fn square_root(sum: &Polynomial) -> Option<Polynomial> {
    const MAX_TERMS: usize = 8;
    let mut atoms: Vec<AtomId> =
        sum.iter().flat_map(|(p, _)| p.0.iter().map(|(atom, _)| *atom)).collect();
    atoms.sort_unstable();
    atoms.dedup();
    type Exponents = Vec<i64>;
    let exponents = |product: &Product| -> Option<Exponents> {
        let of = |atom: &AtomId| product.exponent(*atom).map_or(Some(0), Exponent::as_integer);
        atoms.iter().map(of).collect()
    };
    let mut rest: BTreeMap<Exponents, RationalFunction> = BTreeMap::new();
    for (product, c) in sum {
        rest.insert(exponents(product)?, c.clone());
    }
    let (lead, c) = rest.last_key_value()?;
    if lead.iter().any(|n| n % 2 != 0) {
        return None;
    }
    let first = (lead.iter().map(|n| n / 2).collect::<Exponents>(), c.power(Ratio::new(1, 2))?);
    let mut root: Vec<(Exponents, RationalFunction)> = Vec::new();
    let mut next = first.clone();
    loop {
        // (root + next)² - root² = next (2 root + next)
        let two = RationalFunction::integer(2);
        let factors = root.iter().map(|(e, c)| (e.clone(), c * &two)).chain([next.clone()]);
        for (e, c) in factors {
            let e: Exponents = e.iter().zip(&next.0).map(|(a, b)| a + b).collect();
            let c = &c * &next.1;
            let found = rest.remove(&e).unwrap_or_else(RationalFunction::zero);
            let left = &found - &c;
            if !left.is_zero() {
                rest.insert(e, left);
            }
        }
        root.push(next);
        let Some((lead, c)) = rest.last_key_value() else { break };
        if root.len() == MAX_TERMS {
            return None;
        }
        let e: Exponents = lead.iter().zip(&first.0).map(|(a, b)| a - b).collect();
        if e >= root[root.len() - 1].0 {
            return None;
        }
        next = (e, c.divide(&(&first.1 * &two))?);
    }
    let product = |e: &Exponents| {
        let factors = atoms.iter().zip(e).filter(|(_, n)| **n != 0);
        Product(factors.map(|(atom, n)| (*atom, Exponent::integer(*n))).collect())
    };
    let mut root: Polynomial = root.iter().map(|(e, c)| (product(e), c.clone())).collect();
    root.sort_by(|a, b| a.0.cmp(&b.0));
    (root.len() > 1).then_some(root)
}

/// `exponent` as a factor of terms: `α i - k + i`.
pub(crate) fn recurrence_factor(exponent: &Exponent, i: usize, k: usize) -> RationalFunction {
    let integer = |n: i64| RationalFunction::integer(n);
    let (i, k) = (i as i64, k as i64);
    let scaled = exponent.times(Ratio::from(i));
    &(&scaled.value() + &integer(i - k))
        * &RationalFunction::from(BigRational::new(1.into(), k.into()))
}
