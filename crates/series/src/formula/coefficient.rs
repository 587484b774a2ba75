//! A coefficient as a formula: sign, numerator and denominator in factors.

use super::Math;
use crate::exact::{Factors, Poly, RationalFunction};
use num_traits::{One, Signed};

/// `± top/bottom`, both sides as factors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coefficient {
    /// Whether a minus sign stands before it.
    pub negative: bool,
    top: Vec<Math>,
    bottom: Vec<Math>,
}

impl Coefficient {
    /// The factors of `value`, whose variables have these names.
    pub fn new(value: &RationalFunction, names: &[String]) -> Coefficient {
        let (minus_above, top) = factors(value.numerator(), names);
        let (minus_below, bottom) = factors(value.denominator(), names);
        Coefficient { negative: minus_above != minus_below, top, bottom }
    }

    /// A fraction in lowest terms.
    pub fn fraction((top, bottom): (i128, i128)) -> Coefficient {
        let factor = |n: u128| {
            let shown = (n != 1).then(|| Math::Number(n.to_string()));
            shown.into_iter().collect()
        };
        Coefficient {
            negative: top < 0,
            top: factor(top.unsigned_abs()),
            bottom: factor(bottom.unsigned_abs()),
        }
    }

    /// The coefficient times `h^power`.
    #[must_use]
    pub fn times_step(mut self, power: i32) -> Coefficient {
        let factor = Math::power(Math::name("h"), i64::from(power.unsigned_abs()));
        let number = match self.top.first() {
            Some(Math::Number(digits)) if digits == "0" => return self,
            first => matches!(first, Some(Math::Number(_))),
        };
        match power {
            0 => {}
            1.. => self.top.insert(usize::from(number), factor),
            _ => self.bottom.push(factor),
        }
        self
    }

    /// The factors above and below the line.
    pub(crate) fn into_sides(self) -> (Vec<Math>, Vec<Math>) {
        (self.top, self.bottom)
    }

    /// Whether the coefficient is 1 or -1.
    pub fn is_unit(&self) -> bool {
        self.top.is_empty() && self.bottom.is_empty()
    }

    /// The coefficient with its sign.
    pub fn signed(&self) -> Math {
        Math::Sum(vec![(self.negative, self.magnitude())])
    }

    /// The coefficient without its sign.
    pub fn magnitude(&self) -> Math {
        self.clone().into_magnitude()
    }

    /// [`Coefficient::magnitude`] of a coefficient that nothing else needs.
    pub fn into_magnitude(self) -> Math {
        // A sum that is the whole side of a fraction needs no brackets of its own.
        let side = |factors: Vec<Math>| match Math::product(factors) {
            Math::Group(sum) => sum,
            other => Box::new(other),
        };
        if self.bottom.is_empty() {
            Math::product(self.top)
        } else {
            Math::Fraction(side(self.top), side(self.bottom))
        }
    }
}

/// The factors of a polynomial other than 1, and whether its sign is turned.
fn factors(p: &Poly, names: &[String]) -> (bool, Vec<Math>) {
    if p.is_zero() {
        return (false, vec![Math::Number("0".into())]);
    }
    if let Some(value) = p.as_constant() {
        let magnitude = value.magnitude();
        let shown = (!magnitude.is_one()).then(|| Math::Number(magnitude.to_string()));
        return (value.is_negative(), shown.into_iter().collect());
    }
    let Factors { negative, content, monomial, sums } = p.factors();
    let mut written = Vec::new();
    if !content.is_one() {
        written.push(Math::Number(content.to_string()));
    }
    for (i, &e) in monomial.0.iter().enumerate().filter(|(_, e)| **e > 0) {
        written.push(Math::power(Math::name(&names[i]), i64::from(e)));
    }
    for (f, exponent) in sums {
        written.push(Math::power(Math::Group(Box::new(sum(&f, names))), i64::from(exponent)));
    }
    (negative, written)
}

/// The terms, lowest degree first.
fn ordered(p: &Poly) -> Vec<&(crate::exact::Monomial, num_bigint::BigInt)> {
    let mut terms: Vec<_> = p.terms().iter().collect();
    terms.sort_by(|a, b| a.0.degree().cmp(&b.0.degree()).then(b.0.cmp(&a.0)));
    terms
}

fn sum(p: &Poly, names: &[String]) -> Math {
    let term = |(m, c): &(crate::exact::Monomial, num_bigint::BigInt)| {
        let mut factors = Vec::new();
        if !c.magnitude().is_one() {
            factors.push(Math::Number(c.magnitude().to_string()));
        }
        for (i, &e) in m.0.iter().enumerate().filter(|(_, e)| **e > 0) {
            factors.push(Math::power(Math::name(&names[i]), i64::from(e)));
        }
        (c.is_negative(), Math::product(factors))
    };
    Math::Sum(ordered(p).into_iter().map(term).collect())
}
