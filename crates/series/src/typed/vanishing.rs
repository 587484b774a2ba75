//! Whether a sum of products is zero: by clearing denominators, which proves that it is, or by a point where it is not.

use super::atoms::{Atom, AtomId, Atoms, Product};
use super::domain::Domain;
use super::program::Exponent;
use super::sum::Sum;
use super::witness::Witness;
use crate::exact::{RationalFunction, effort};
use num_rational::Ratio;
use std::collections::BTreeMap;

/// What is known of a sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Vanishing {
    /// It is zero wherever it is defined, within a domain.
    Zero,
    /// There is a loss, a point in the domain and parameters for which it is not.
    Nonzero,
    /// Neither is known.
    Unknown,
    /// It would be zero by the signs that a domain gives, but no point of the domain was found.
    Nowhere,
}

type Terms = BTreeMap<Product, RationalFunction>;

/// How many points of the domain are tried, and among how many points they are looked for.
const POINTS: usize = 6;
const DRAWN: u64 = 96;

impl Atoms {
    /// Whether a sum without the step number is zero for all losses, points and parameters for which `domain` is positive.
    pub fn vanishing(&self, sum: &Sum, domain: &Domain) -> Vanishing {
        let (mut terms, mut turned) = (Terms::new(), false);
        for (product, c) in sum.coefficient(0) {
            let there = self.on_domain(&product, &c, domain);
            turned |= there != [(product, c)];
            for (product, c) in there {
                let sum = terms.entry(product).or_insert_with(RationalFunction::zero);
                *sum = &*sum + &c;
            }
        }
        terms.retain(|_, c| !c.is_zero());
        let points = (0..DRAWN).map(|seed| Witness::new(self, 2 + (seed % 2) as usize, seed));
        let mut within = points.filter_map(|mut point| point.is_within(domain).then_some(point));
        if self.cleared(terms).is_empty() {
            // Conditions that exclude one another give any sign.
            let somewhere = !turned || within.next().is_some();
            return if somewhere { Vanishing::Zero } else { Vanishing::Nowhere };
        }
        let differs = within.take(POINTS).any(|mut point| point.is_nonzero(sum));
        if differs { Vanishing::Nonzero } else { Vanishing::Unknown }
    }

    /// A sum multiplied by what it is divided by, and written in powers of the bases between 0 and 1.
    fn cleared(&self, mut terms: Terms) -> Terms {
        while let Some((atom, lowest)) = self.open_base(&terms) {
            let Atom::Base(base) = self.atom(atom) else { unreachable!("a base was found") };
            let mut cleared = Terms::new();
            for (product, c) in terms {
                let here = product.exponent(atom).map_or(0, |e| e.constant.floor().to_integer());
                let fraction = match here {
                    0 => product,
                    _ => self.multiply(&product, &Product(vec![(atom, Exponent::integer(-here))])),
                };
                let mut expanded = vec![(fraction, c)];
                for _ in 0..(here - lowest.min(0)) {
                    effort::spend(20 * (expanded.len() * base.len()) as u64);
                    expanded = expanded
                        .iter()
                        .flat_map(|(p, c)| {
                            base.iter().map(move |(q, d)| (self.multiply(p, q), c * d))
                        })
                        .collect();
                }
                for (product, c) in expanded {
                    let sum = cleared.entry(product).or_insert_with(RationalFunction::zero);
                    *sum = &*sum + &c;
                }
            }
            cleared.retain(|_, c| !c.is_zero());
            terms = cleared;
        }
        terms
    }

    /// A base with an exponent below 0 or from 1 on, and the lowest whole part of its exponents.
    fn open_base(&self, terms: &Terms) -> Option<(AtomId, i64)> {
        let zero = Ratio::from(0);
        let open = |(atom, exponent): &(AtomId, Exponent)| {
            let outside = exponent.constant < zero || exponent.constant >= Ratio::from(1);
            (outside && matches!(self.atom(*atom), Atom::Base(_))).then_some(*atom)
        };
        let atom = terms.keys().flat_map(|product| &product.0).find_map(open)?;
        let whole = |product: &Product| {
            product.exponent(atom).map_or(0, |e| e.constant.floor().to_integer())
        };
        Some((atom, terms.keys().map(whole).min().unwrap_or(0)))
    }
}
