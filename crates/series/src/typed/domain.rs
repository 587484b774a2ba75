//! Where an equation is judged: where all that it takes roots and logarithms of is positive.

use super::atoms::{Atom, AtomId, Atoms, Opaque, Polynomial, Product, is_negative};
use super::program::Exponent;
use super::sum::Sum;
use crate::exact::RationalFunction;

/// The sums that are positive there.
#[derive(Clone, Default, Debug)]
pub(crate) struct Domain(Vec<Polynomial>);

impl Domain {
    /// A sum without the step number that a root or a logarithm is taken of. What is at least 0 everywhere is no condition.
    pub fn insert(&mut self, sum: &Sum, atoms: &Atoms) {
        let sum = sum.coefficient(0);
        if !atoms.is_sum_nonnegative(&sum) && !self.0.contains(&sum) {
            self.0.push(sum);
        }
    }

    /// What is positive.
    pub fn conditions(&self) -> &[Polynomial] {
        &self.0
    }

    /// Whether a sum is negative there, or positive; `None` where that is not known.
    fn is_negative(&self, sum: &Polynomial) -> Option<bool> {
        let [(product, c)] = &sum[..] else {
            let turned: Polynomial = sum.iter().map(|(p, c)| (p.clone(), -c)).collect();
            let known = self.0.iter().find(|known| **known == *sum || **known == turned);
            return known.map(|known| *known == turned);
        };
        let odd = odd_part(product)?;
        let known = self.0.iter().find_map(|known| match &known[..] {
            [(other, d)] if odd_part(other).as_ref() == Some(&odd) => is_negative(d),
            _ => None,
        })?;
        Some(known != is_negative(c)?)
    }
}

/// The atoms with odd exponents, on which the sign of a product depends; `None` where an exponent is no integer.
fn odd_part(product: &Product) -> Option<Vec<AtomId>> {
    let mut odd = Vec::new();
    for (atom, exponent) in &product.0 {
        if exponent.as_integer()? % 2 != 0 {
            odd.push(*atom);
        }
    }
    Some(odd)
}

impl Atoms {
    /// What a term is where the signs of a domain are known.
    pub(super) fn on_domain(
        &self,
        product: &Product,
        c: &RationalFunction,
        domain: &Domain,
    ) -> Polynomial {
        let mut out = vec![(Product::one(), c.clone())];
        for (atom, exponent) in &product.0 {
            let factor = self.with_sign(*atom, exponent, domain).unwrap_or_else(|| {
                vec![(Product(vec![(*atom, exponent.clone())]), RationalFunction::one())]
            });
            let times = |(p, c): &(Product, RationalFunction)| -> Polynomial {
                factor.iter().map(|(q, d)| (self.multiply(p, q), c * d)).collect()
            };
            out = out.iter().flat_map(times).collect();
        }
        out
    }

    /// What a power of a sign or an absolute value is where the sign is known.
    fn with_sign(&self, atom: AtomId, exponent: &Exponent, domain: &Domain) -> Option<Polynomial> {
        let Atom::Function(function @ (Opaque::Sign | Opaque::Absolute), of) = self.atom(atom)
        else {
            return None;
        };
        let n = exponent.as_integer()?;
        let negative = domain.is_negative(of)? && n % 2 != 0;
        let signed = |c: &RationalFunction| if negative { -c } else { c.clone() };
        match (function, &of[..]) {
            (Opaque::Sign, _) => Some(vec![(Product::one(), signed(&RationalFunction::one()))]),
            (_, [(product, c)]) if c.is_one() => {
                let power = |(atom, e): &(AtomId, Exponent)| (*atom, e.times(n.into()));
                let product = Product(product.0.iter().map(power).collect());
                Some(vec![(product, signed(c))])
            }
            _ => (n == 1).then(|| of.iter().map(|(p, c)| (p.clone(), signed(c))).collect()),
        }
    }
}
