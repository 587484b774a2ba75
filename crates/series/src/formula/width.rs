//! About how wide formulas are when they are typeset.

use super::math::{Bracket, Index, Math};

/// A pair of brackets.
const BRACKETS: f64 = 1.6;
/// A sign between two terms and the space around it.
const SIGN: f64 = 2.4;
/// A comma and the space behind it.
const COMMA: f64 = 0.9;
/// Between two factors.
const SPACE: f64 = 0.4;
/// What is raised or lowered is this much smaller.
const SMALL: f64 = 0.7;

impl Math {
    /// Whether a displayed formula is higher than a line of text.
    pub(crate) fn is_tall(&self) -> bool {
        match self {
            Math::Fraction(..) => true,
            Math::Contraction(parts) | Math::Product(parts) | Math::Row(parts) => {
                parts.iter().any(Math::is_tall)
            }
            Math::Sum(terms) | Math::LongSum(terms) => terms.iter().any(|(_, term)| term.is_tall()),
            Math::Apply(_, parts, _) => parts.iter().any(Math::is_tall),
            _ => false,
        }
    }

    /// The width of a displayed formula, in digits of its font, which are half as wide as the font is high: within
    /// about a tenth of what TeX makes of it. A line of LaTeX's `article` holds 69.
    pub fn width(&self) -> f64 {
        let sum = |parts: &[Math]| parts.iter().map(Math::width).sum::<f64>();
        let signed = |terms: &[(bool, Math)]| {
            let minus = terms.first().is_some_and(|(negative, _)| *negative);
            let inner: f64 = terms.iter().map(|(_, term)| term.width()).sum();
            inner + SIGN * terms.len().saturating_sub(1) as f64 + if minus { 1.6 } else { 0.0 }
        };
        let small = |text: &str| SMALL * letters(text);
        let digits = |n: i64| SMALL * n.to_string().len() as f64;
        match self {
            Math::Name(name) => letters(name),
            Math::Number(digits) => digits.len() as f64,
            Math::Row(parts) | Math::Contraction(parts) => sum(parts),
            Math::Product(parts) => sum(parts) + SPACE * parts.len().saturating_sub(1) as f64,
            Math::Sum(terms) | Math::LongSum(terms) => signed(terms),
            Math::Group(inner) => inner.width() + BRACKETS,
            Math::Fraction(top, bottom) => top.width().max(bottom.width()) + 0.5,
            Math::Power(base, exponent) => base.width() + digits(*exponent),
            Math::PowerOf(base, exponent) => base.width() + SMALL * exponent.width(),
            Math::SquareRoot(inner) => inner.width() + 2.0,
            Math::Logarithm(inner) => inner.width() + BRACKETS + 3.0,
            Math::Equation(left, right) => left.width() + right.width() + 2.7,
            Math::Primes(name, n) if *n <= 3 => letters(name) + 0.6 * *n as f64,
            Math::Primes(name, n) => letters(name) + BRACKETS * SMALL + digits(*n as i64),
            Math::Apply(map, arguments, Bracket::Round | Bracket::Square) => {
                let commas = COMMA * arguments.len().saturating_sub(1) as f64;
                map.width() + sum(arguments) + commas + BRACKETS
            }
            Math::InverseRoot(base, degree, primes) => {
                let brackets =
                    BRACKETS * f64::from(u8::from(!base.is_unit()) + u8::from(*primes > 0));
                let exponent = SMALL * (2.6 + degree.width());
                base.width() + brackets + exponent + 0.6 * *primes as f64
            }
            Math::Norm(inner) => inner.width() + 2.0,
            Math::Nabla(k) => 1.7 + if *k > 1 { digits(*k as i64) } else { 0.0 },
            Math::Component(name, upper, lower) => {
                let upper = upper.as_deref().map_or(0.0, small);
                letters(name) + upper.max(lower.iter().map(|index| small(index)).sum())
            }
            Math::Node(_) => 1.1,
            Math::Dots => 2.5,
            Math::Velocity(name, index) => {
                let (Index::Upper(index) | Index::Lower(index)) = match index {
                    Some(index) => index,
                    None => return letters(name),
                };
                letters(name) + small(index)
            }
            Math::Modified(name) => letters(name),
            Math::Start { name, index, .. } => {
                let index =
                    index.as_ref().map_or(0.0, |(Index::Upper(i) | Index::Lower(i))| small(i));
                letters(name) + small("0").max(index)
            }
        }
    }
}

/// The width of a name: a Latin letter, the name of a Greek one, or a word.
fn letters(name: &str) -> f64 {
    let letter = |c: char| match c {
        'm' | 'w' | 'M' | 'W' => 1.8,
        c if c.is_uppercase() => 1.5,
        _ => 1.1,
    };
    if super::greek(name).is_some() { 1.2 } else { name.chars().map(letter).sum() }
}
