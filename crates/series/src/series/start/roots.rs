//! The roots of a polynomial that are rational functions of the parameters.

use crate::exact::{MAX_VARIABLES, Poly, RationalFunction, positive_roots};
use crate::series::Matrix;
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

/// The most bits of the integers that stand for polynomials.
const MAX_BITS: u64 = 1 << 16;

/// The roots of the monic polynomial `Σ c_k r^k`, which is the characteristic polynomial of `a`, with
/// their multiplicities.
///
/// # Errors
/// The factor, lowest power first, of which no root is a rational function.
pub(super) fn rational_roots(
    polynomial: &[RationalFunction],
    a: &Matrix,
) -> Result<Vec<(RationalFunction, usize)>, Vec<RationalFunction>> {
    let mut rest = polynomial.to_vec();
    let mut roots: Vec<(RationalFunction, usize)> = Vec::new();
    let mut take = |rest: &mut Vec<RationalFunction>, root: &RationalFunction| {
        let mut found = false;
        while let Some(quotient) = divided(rest, root) {
            *rest = quotient;
            found = true;
            match roots.iter_mut().find(|(known, _)| known == root) {
                Some((_, multiplicity)) => *multiplicity += 1,
                None => roots.push((root.clone(), 1)),
            }
        }
        found
    };
    // Where states do not depend on each other in turn, the roots stand on the diagonal.
    let diagonal = (0..a.len()).map(|i| a[i][i].clone());
    for guess in [RationalFunction::zero(), RationalFunction::one()].into_iter().chain(diagonal) {
        take(&mut rest, &guess);
    }
    while rest.len() > 1 {
        let candidates = candidates(&rest);
        let mut found = false;
        for root in &candidates {
            found |= take(&mut rest, root);
        }
        if !found {
            return Err(rest);
        }
    }
    Ok(roots)
}

/// The quotient of a monic polynomial by `r - root`, if that divides it.
fn divided(p: &[RationalFunction], root: &RationalFunction) -> Option<Vec<RationalFunction>> {
    if p.len() < 2 {
        return None;
    }
    let mut quotient = Vec::with_capacity(p.len() - 1);
    let mut carry = RationalFunction::zero();
    for c in p.iter().rev() {
        carry = c + &(root * &carry);
        quotient.push(carry.clone());
    }
    quotient.pop().filter(RationalFunction::is_zero)?;
    quotient.reverse();
    Some(quotient)
}

/// What may be roots of a monic polynomial whose constant coefficient is not 0: all that are rational
/// functions are among them.
///
/// With the common denominator `d` of the coefficients, `d r` is a root `x` of a monic polynomial whose
/// coefficients are polynomials in the parameters, and so is `x`. Where powers of a large number stand for the
/// parameters it becomes an integer, from which its coefficients are read off as digits. `x` divides the
/// constant coefficient, which bounds its degrees and, by Gelfond's inequality, its coefficients.
fn candidates(p: &[RationalFunction]) -> Vec<RationalFunction> {
    let degree = p.len() - 1;
    if degree == 1 {
        return vec![-&p[0]];
    }
    let d = RationalFunction::common_denominator(p);
    let integral: Vec<Poly> = (p.iter().enumerate())
        .map(|(k, c)| {
            let scaled = c * &RationalFunction::from(d.pow((degree - k) as u32));
            assert!(scaled.denominator().is_one(), "not a common denominator");
            scaled.numerator().clone()
        })
        .collect();
    let constant = &integral[0];
    let degrees: [u64; MAX_VARIABLES] = std::array::from_fn(|i| constant.degree_in(i).into());
    let digit = degrees.iter().sum::<u64>() * 2 + constant.height().bits() + 2;
    let mut places = [digit; MAX_VARIABLES];
    for i in 1..MAX_VARIABLES {
        places[i] = places[i - 1].saturating_mul(degrees[i - 1] + 1);
    }
    let bits = |p: &Poly| {
        let term = |(m, c): &(crate::exact::Monomial, BigInt)| {
            let exponents = m.0.iter().zip(&places);
            exponents.fold(c.bits(), |sum, (&e, place)| {
                sum.saturating_add(place.saturating_mul(e.into()))
            })
        };
        p.terms().iter().map(term).max().unwrap_or(0)
    };
    if integral.iter().map(bits).max().unwrap_or(0) > MAX_BITS {
        return Vec::new();
    }
    let image: Vec<BigInt> = (integral.iter())
        .map(|c| {
            let term = |(m, c): &(crate::exact::Monomial, BigInt)| {
                let shift: u64 =
                    m.0.iter().zip(&places).map(|(&e, place)| u64::from(e) * place).sum();
                c << shift
            };
            c.terms().iter().map(term).sum()
        })
        .collect();
    let inverse = RationalFunction::from(d).inverse().expect("a denominator is not 0");
    let read = |x: BigInt| &RationalFunction::from(polynomial(x, &degrees, digit)) * &inverse;
    integer_roots(&image).into_iter().map(read).collect()
}

/// The polynomial of these degrees whose value is `x`, its coefficients shorter than a digit.
fn polynomial(mut x: BigInt, degrees: &[u64; MAX_VARIABLES], digit: u64) -> Poly {
    let base = BigInt::one() << digit;
    let half = BigInt::one() << (digit - 1);
    let mut terms = Vec::new();
    let mut exponents = [0u16; MAX_VARIABLES];
    while !x.is_zero() {
        let mut c = ((&x % &base) + &base) % &base;
        if c >= half {
            c -= &base;
        }
        x = (x - &c) >> digit;
        terms.push((crate::exact::Monomial(exponents), c));
        // The next exponents, the first variable running fastest; what is beyond all is no polynomial of these degrees.
        let next = (0..MAX_VARIABLES).find(|&i| u64::from(exponents[i]) < degrees[i]);
        let Some(next) = next else { break };
        exponents[next] += 1;
        exponents[..next].fill(0);
    }
    Poly::from_terms(terms)
}

/// The integers at which a polynomial, lowest power first, is 0.
fn integer_roots(p: &[BigInt]) -> Vec<BigInt> {
    let mut roots = Vec::new();
    for mirrored in [false, true] {
        let p: Vec<BigInt> = (p.iter().enumerate())
            .map(|(k, c)| if mirrored && k % 2 == 1 { -c } else { c.clone() })
            .collect();
        let x = Poly::variable(0);
        let sum = p
            .iter()
            .enumerate()
            .fold(Poly::zero(), |sum, (k, c)| sum.add(&x.pow(k as u32).scale(c)));
        let value = |x: &BigInt| p.iter().rev().fold(BigInt::zero(), |sum, c| sum * x + c);
        for root in positive_roots(&sum, 0) {
            let (low, high) = root.bounds();
            let (mut low, mut high) = (low.ceil().to_integer(), high.floor().to_integer());
            let below = value(&low);
            if !below.is_zero() {
                while &high - &low > BigInt::one() {
                    let middle: BigInt = (&low + &high) >> 1;
                    let at = value(&middle);
                    if at.is_zero() || at.is_negative() != below.is_negative() {
                        high = middle;
                    } else {
                        low = middle;
                    }
                }
            }
            let found = [low, high].into_iter().find(|x| value(x).is_zero());
            roots.extend(found.map(|x| if mirrored { -x } else { x }));
        }
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The monic polynomial with these roots.
    fn with_roots(roots: &[RationalFunction]) -> Vec<RationalFunction> {
        roots.iter().fold(vec![RationalFunction::one()], |p, root| {
            let zero = RationalFunction::zero();
            let shifted = [std::slice::from_ref(&zero), p.as_slice()].concat();
            let scaled = p.iter().chain([&zero]).map(|c| c * root);
            shifted.iter().zip(scaled).map(|(x, y)| x - &y).collect()
        })
    }

    #[test]
    fn rational_roots_are_found_without_a_hint() {
        let [m, n] = [0, 1].map(RationalFunction::variable);
        let q = |a: i64, b: i64| {
            RationalFunction::integer(a).divide(&RationalFunction::integer(b)).unwrap()
        };
        let lists = [
            vec![q(9, 10), q(99, 100), q(-123_456_789, 1_000_000_007)],
            vec![m.clone(), n.clone(), &m * &n],
            vec![m.clone(), m.clone(), &(&m - &n) * &q(1, 3), q(1, 2)],
            vec![
                (&m + &q(2, 1)).divide(&(&q(1, 1) - &n)).unwrap(),
                (&(&m * &m) - &n).divide(&(&m + &n)).unwrap(),
                q(0, 1),
                q(1, 1),
            ],
        ];
        for list in lists {
            let found = rational_roots(&with_roots(&list), &Vec::new()).unwrap();
            for (root, multiplicity) in &found {
                assert_eq!(*multiplicity, list.iter().filter(|r| *r == root).count());
            }
            assert_eq!(found.iter().map(|(_, k)| k).sum::<usize>(), list.len());
        }
    }

    #[test]
    fn what_has_no_rational_roots_is_handed_back() {
        let m = RationalFunction::variable(0);
        let (zero, one) = (RationalFunction::zero(), RationalFunction::one());
        // r² - m, and (r - m)(r² + m).
        let square = vec![-&m, zero.clone(), one.clone()];
        assert_eq!(rational_roots(&square, &Vec::new()), Err(square.clone()));
        let factor = vec![m.clone(), zero, one.clone()];
        let cubic = vec![-&(&m * &m), m.clone(), -&m, one];
        assert_eq!(rational_roots(&cubic, &Vec::new()), Err(factor));
    }
}
