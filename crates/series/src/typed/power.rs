//! Powers of sums of products.

use super::atoms::{Atom, AtomId, Atoms, Opaque, Polynomial, Product, is_negative};
use super::program::Exponent;
use super::sum::{Sum, Weight};
use crate::exact::RationalFunction;
use num_rational::Ratio;
use std::collections::BTreeMap;

impl Atoms {
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
