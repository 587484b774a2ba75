//! A loss, a point and parameters at which a sum is evaluated: if its value is not 0, the sum is not zero.
//!
//! The derivatives of a loss at one point are arbitrary symmetric tensors; their entries are chosen at random, as are the
//! parameters, between 0 and 3.

use super::atoms::{Atom, AtomId, Atoms, Opaque, Product};
use super::domain::Domain;
use super::interval::Interval;
use super::sum::Sum;
use crate::exact::{MAX_VARIABLES, RationalFunction};
use num_rational::{BigRational, Ratio};
use num_traits::{CheckedAdd, CheckedMul, Signed, ToPrimitive};
use std::collections::HashMap;

/// Everything that a sum depends on, as numbers.
pub(crate) struct Witness<'a> {
    atoms: &'a Atoms,
    dimension: usize,
    seed: u64,
    variables: Vec<BigRational>,
    known: HashMap<AtomId, Vec<Interval>>,
}

impl Witness<'_> {
    pub fn new(atoms: &Atoms, dimension: usize, seed: u64) -> Witness<'_> {
        let variable = |i| {
            // Between 0 and 1 at first, as factors of means are; then beyond.
            let value = Interval::random(&[seed, 1, i]).abs();
            if seed < 4 { value / BigRational::from_integer(4.into()) } else { value }
        };
        let variables = (0..MAX_VARIABLES as u64).map(variable).collect();
        Witness { atoms, dimension, seed, variables, known: HashMap::new() }
    }

    /// Whether all entries of what is positive in a domain are certain to be.
    pub fn is_within(&mut self, domain: &Domain) -> bool {
        domain.conditions().iter().all(|sum| {
            let values = self.sum(sum);
            values.is_some_and(|entries| entries.iter().all(Interval::is_positive))
        })
    }

    /// Whether some entry of a sum is certain to differ from 0; not, where it is not defined here.
    pub fn is_nonzero(&mut self, sum: &Sum) -> bool {
        let values = self.sum(&sum.coefficient(0));
        values.is_some_and(|entries| entries.iter().any(Interval::is_nonzero))
    }

    fn coefficient(&self, c: &RationalFunction) -> Option<Interval> {
        let values: Vec<Option<RationalFunction>> =
            self.variables.iter().map(|v| Some(v.clone().into())).collect();
        Some(Interval::rational(&c.substitute(&values)?.as_rational()?))
    }

    fn sum(&mut self, terms: &[(Product, RationalFunction)]) -> Option<Vec<Interval>> {
        let mut out = vec![Interval::integer(0); self.dimension];
        for (product, c) in terms {
            let c = self.coefficient(c)?;
            for (sum, value) in out.iter_mut().zip(self.product(product)?) {
                *sum = sum.plus(&value.times(&c));
            }
        }
        Some(out)
    }

    fn product(&mut self, product: &Product) -> Option<Vec<Interval>> {
        let mut out = vec![Interval::integer(1); self.dimension];
        for (atom, exponent) in &product.0 {
            let values = self.atom(*atom)?;
            let exact = exponent.symbolic.iter().try_fold(exponent.constant, |sum, (p, c)| {
                let value = &self.variables[*p];
                let value = Ratio::new(value.numer().to_i64()?, value.denom().to_i64()?);
                sum.checked_add(&c.checked_mul(&value)?)
            })?;
            for (out, value) in out.iter_mut().zip(values) {
                *out = out.times(&value.power(exact)?);
            }
        }
        Some(out)
    }

    fn atom(&mut self, atom: AtomId) -> Option<Vec<Interval>> {
        if let Some(known) = self.known.get(&atom) {
            return Some(known.clone());
        }
        let (n, seed) = (self.dimension, self.seed);
        let entries = |kind: u64| {
            (0..n as u64).map(|i| Interval::rational(&Interval::random(&[seed, kind, i]))).collect()
        };
        let values: Vec<Interval> = match self.atoms.atom(atom).clone() {
            Atom::Coordinate(i) => entries(100 + i as u64),
            Atom::Hole(i) => entries(200 + i as u64),
            Atom::Loss => vec![Interval::rational(&Interval::random(&[seed, 2])); n],
            Atom::Dimension => vec![Interval::integer(n as i64); n],
            Atom::Gradient(arguments) => {
                let arguments: Vec<Vec<Interval>> =
                    arguments.iter().map(|a| self.product(a)).collect::<Option<_>>()?;
                (0..n).map(|i| self.contracted(&[i], &arguments)).collect()
            }
            Atom::Entries(product) => {
                let values = self.product(&product)?;
                let total = values.iter().fold(Interval::integer(0), |sum, x| sum.plus(x));
                vec![total; n]
            }
            Atom::Base(sum) => self.sum(&sum)?,
            Atom::Function(function, sum) => {
                let values = self.sum(&sum)?;
                values.iter().map(|x| of_function(function, x)).collect::<Option<_>>()?
            }
            // Not known as exact numbers.
            Atom::Chain(_) | Atom::Frechet(..) | Atom::Identity(_) => return None,
        };
        self.known.insert(atom, values.clone());
        Some(values)
    }

    /// `Σ T_{chosen, j, …} v_j …` for the symmetric tensor `T`, a vector for each index that is not chosen.
    fn contracted(&self, chosen: &[usize], vectors: &[Vec<Interval>]) -> Interval {
        let Some((first, others)) = vectors.split_first() else {
            let mut index: Vec<u64> = chosen.iter().map(|i| *i as u64).collect();
            index.sort_unstable();
            return Interval::rational(&Interval::random(
                &[&[self.seed, 3, chosen.len() as u64], &index[..]].concat(),
            ));
        };
        (0..self.dimension).fold(Interval::integer(0), |sum, j| {
            let inner = self.contracted(&[chosen, &[j]].concat(), others);
            sum.plus(&inner.times(&first[j]))
        })
    }
}

fn of_function(function: Opaque, x: &Interval) -> Option<Interval> {
    let positive = x.is_positive();
    // A sign is known away from 0.
    if matches!(function, Opaque::Absolute | Opaque::Sign | Opaque::Positive) && !x.is_nonzero() {
        return None;
    }
    match function {
        Opaque::Exponential => x.exponential(),
        Opaque::Logarithm => x.logarithm(),
        Opaque::HyperbolicTangent => x.hyperbolic_tangent(),
        Opaque::Absolute => Some(if positive { x.clone() } else { x.negative() }),
        Opaque::Sign => Some(Interval::integer(if positive { 1 } else { -1 })),
        Opaque::Positive => Some(Interval::integer(i64::from(positive))),
    }
}
