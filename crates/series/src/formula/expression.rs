//! How an expression is laid out.

use super::{Coefficient, Math};
use crate::exact::RationalFunction;
use crate::expression::{Branch, Expression};

/// The layout of `expression`, whose variables have these names. A root of higher degree is written
/// `P`; [`zero`] defines it.
pub fn layout(expression: &Expression, names: &[String]) -> Math {
    match signed(expression, names) {
        (false, magnitude) => magnitude,
        (true, magnitude) => Math::Sum(vec![(true, magnitude)]),
    }
}

/// The layout without its sign, and whether that is a minus.
fn signed(expression: &Expression, names: &[String]) -> (bool, Math) {
    let boxed = |e: &Expression| Box::new(layout(e, names));
    match expression {
        Expression::Rational(value) => rational(value, names),
        Expression::Sum(parts) => {
            let long = parts.iter().flat_map(|part| match signed(part, names) {
                // A polynomial among other terms needs no brackets.
                (false, sum @ Math::Sum(_)) => vec![(false, sum)],
                (true, sum @ Math::Sum(_)) => vec![(true, Math::Group(Box::new(sum)))],
                term => vec![term],
            });
            (false, Math::LongSum(long.collect()))
        }
        Expression::Product(parts) => {
            let (mut negative, mut factors) = (false, Vec::new());
            for part in parts {
                let (minus, factor) = signed(part, names);
                negative ^= minus;
                match factor {
                    Math::Number(one) if one == "1" => {}
                    Math::Product(inner) => factors.extend(inner),
                    sum @ (Math::Sum(_) | Math::LongSum(_)) => {
                        factors.push(Math::Group(Box::new(sum)));
                    }
                    other => factors.push(other),
                }
            }
            (negative, Math::product(factors))
        }
        Expression::Quotient(top, bottom) => {
            let ((above, top), (below, bottom)) = (signed(top, names), signed(bottom, names));
            (above != below, top.over(bottom))
        }
        Expression::Power(base, exponent) => {
            let base = match layout(base, names) {
                atom @ (Math::Name(_) | Math::Number(_) | Math::Group(_)) => atom,
                other => Math::Group(Box::new(other)),
            };
            (false, Math::power(base, i64::from(*exponent)))
        }
        Expression::SquareRoot(inner) => (false, Math::SquareRoot(boxed(inner))),
        Expression::Logarithm(inner) => (false, Math::Logarithm(boxed(inner))),
        Expression::Root(_) => (false, Math::name("P")),
    }
}

/// A rational function without its sign.
fn rational(value: &RationalFunction, names: &[String]) -> (bool, Math) {
    let coefficient = Coefficient::new(value, names);
    let magnitude = match coefficient.magnitude() {
        Math::Group(sum) if !coefficient.negative => *sum,
        other => other,
    };
    (coefficient.negative, magnitude)
}

/// The polynomial `Σ_i c_i P^i` that a branch is a zero of, highest power first.
pub fn zero(branch: &Branch, names: &[String]) -> Math {
    let powers = branch.coefficients().iter().enumerate().rev().filter(|(_, c)| !c.is_zero());
    let terms = powers.map(|(power, c)| {
        let (negative, magnitude) = rational(&c.clone().into(), names);
        let mut factors = match magnitude {
            Math::Number(one) if one == "1" && power > 0 => Vec::new(),
            Math::Product(factors) => factors,
            sum @ Math::Sum(_) => vec![Math::Group(Box::new(sum))],
            other => vec![other],
        };
        if power > 0 {
            factors.push(Math::power(Math::name("P"), power as i64));
        }
        (negative, Math::product(factors))
    });
    Math::LongSum(terms.collect())
}
