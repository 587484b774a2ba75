//! Fields and losses back as sums, in a table of one's own.

use super::atoms::{Atom, Atoms, Opaque, Product};
use super::field::{Elementary, Factor, Factors};
use super::program::Exponent;
use super::sum::Sum;
use crate::exact::RationalFunction;
use num_traits::Signed;

/// How names and parameters of a field are called in a table.
pub(crate) struct Reading<'a> {
    /// The coordinates in the table, the parameters `theta` first.
    pub coordinates: &'a [String],
    /// What stands for each parameter of the field.
    pub values: &'a [Option<RationalFunction>],
}

impl Reading<'_> {
    /// `c Π factor^exponent`; `None` where the values divide by zero, or an exponent is none.
    pub fn term(&self, atoms: &mut Atoms, c: &RationalFunction, factors: &Factors) -> Option<Sum> {
        let mut term = Sum::constant(c.substitute(self.values)?);
        for (factor, exponent) in factors {
            let value = self.factor(atoms, factor)?;
            let exponent = Exponent::of(&exponent.value().substitute(self.values)?)?;
            let value = match exponent.as_integer() {
                Some(1) => value,
                Some(0) => continue,
                _ if value.is_zero() => return None,
                _ => atoms.power(&value, &exponent),
            };
            term = atoms.product(&term, &value);
        }
        Some(term)
    }

    fn product(&self, atoms: &mut Atoms, factors: &Factors) -> Option<Sum> {
        self.term(atoms, &RationalFunction::one(), factors)
    }

    fn factor(&self, atoms: &mut Atoms, factor: &Factor) -> Option<Sum> {
        let one = |atoms: &mut Atoms, atom: Atom| {
            let atom = atoms.intern(atom);
            Some(Sum::term(Product::of(atom), RationalFunction::one()))
        };
        match factor {
            Factor::Coordinate(name) => {
                let at = self.coordinates.iter().position(|known| known == name)?;
                one(atoms, Atom::Coordinate(at))
            }
            Factor::Gradient(arguments) => {
                let arguments: Option<Vec<Sum>> =
                    arguments.iter().map(|argument| self.product(atoms, argument)).collect();
                Some(atoms.derivative_of_loss(&arguments?))
            }
            Factor::Base(terms) => self.sum(atoms, terms),
            Factor::Function(function, terms) => {
                let argument = self.sum(atoms, terms)?;
                let opaque = match function {
                    Elementary::Absolute => return Some(atoms.absolute(&argument)),
                    Elementary::Sign => return Some(atoms.sign(&argument)),
                    Elementary::Exponential => Opaque::Exponential,
                    Elementary::Logarithm => Opaque::Logarithm,
                    Elementary::HyperbolicTangent => Opaque::HyperbolicTangent,
                    Elementary::Positive => Opaque::Positive,
                };
                Some(atoms.function(opaque, argument.coefficient(0)))
            }
            Factor::Entries(vector) => {
                let vector = self.product(atoms, vector)?;
                Some(atoms.sum_of_entries(&vector))
            }
            Factor::Dimension => one(atoms, Atom::Dimension),
            Factor::Loss => one(atoms, Atom::Loss),
            // Formulas of vectors and numbers have none.
            Factor::Chain(_) | Factor::Frechet(..) | Factor::Identity => None,
        }
    }

    fn sum(&self, atoms: &mut Atoms, terms: &[(RationalFunction, Factors)]) -> Option<Sum> {
        let mut sum = Sum::default();
        for (c, factors) in terms {
            sum.add(&self.term(atoms, c, factors)?);
        }
        Some(sum)
    }
}

impl Atoms {
    /// `|x|`, as `x sign(x)`.
    pub fn absolute(&mut self, sum: &Sum) -> Sum {
        if sum.is_zero() {
            return Sum::default();
        }
        let sign = self.sign(sum);
        self.product(&sign, sum)
    }

    /// `max(a, b)`, as `b + (a - b)` where `a - b` is positive.
    pub fn greater(&mut self, a: &Sum, b: &Sum) -> Sum {
        let mut gap = a.clone();
        gap.add(&b.negative());
        if gap.is_zero() {
            return a.clone();
        }
        if let Some(gap) = gap.as_constant().and_then(|c| c.as_rational()) {
            return if gap.is_positive() { a.clone() } else { b.clone() };
        }
        let positive = self.function(Opaque::Positive, gap.coefficient(0));
        let mut value = self.product(&positive, &gap);
        value.add(b);
        value
    }
}
