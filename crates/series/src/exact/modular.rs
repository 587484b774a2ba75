//! Arithmetic modulo a prime, and a proof by it that two polynomials have no common factor.
//!
//! Most pairs have none, and the general algorithms take longest to find that out.

use super::Poly;
use super::poly::MAX_VARIABLES;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::ToPrimitive;

/// The Mersenne prime `2^61 - 1`.
pub(super) const PRIME: u64 = (1 << 61) - 1;

/// Whether a common divisor of `a` and `b` is certain to be an integer.
///
/// With all variables but `x` replaced by numbers, a common factor becomes one of two univariate
/// polynomials, and keeps its degree in `x` if the leading coefficient of `a` in `x` does not vanish.
/// So images without a common factor prove that no common factor depends on `x`.
///
/// Source: Brown, *On Euclid's algorithm and the computation of polynomial greatest common
/// divisors*, J. ACM 18 (1971).
pub(super) fn coprime(a: &Poly, b: &Poly) -> bool {
    (0..MAX_VARIABLES).filter(|&x| a.degree_in(x) > 0 && b.degree_in(x) > 0).all(|x| {
        let (u, v) = (image(a, x), image(b, x));
        u.last() != Some(&0) && common_image(u, v).len() == 1
    })
}

/// The coefficients of the powers of `x`, the other variables replaced by numbers.
fn image(p: &Poly, x: usize) -> Vec<u64> {
    let mut out = vec![0; usize::from(p.degree_in(x)) + 1];
    for (m, c) in p.terms() {
        let c = match c.to_i128() {
            Some(c) => residue(c),
            None => c.mod_floor(&BigInt::from(PRIME)).to_u64().expect("below the prime"),
        };
        let others = m.0.iter().enumerate().filter(|(i, e)| *i != x && **e > 0);
        let value = others.fold(c, |value, (i, &e)| {
            // Numbers without any pattern: powers of the golden ratio's fraction.
            let point = power(0x9E37_79B9_7F4A_7C15 % PRIME, i as u64 + 1);
            times(value, power(point, e.into()))
        });
        let place = &mut out[usize::from(m.0[x])];
        *place = (*place + value) % PRIME;
    }
    out
}

/// The greatest common divisor, up to a factor, by Euclid's algorithm; lowest power first, and empty
/// if both are 0. `u` has no leading zeros.
pub(super) fn common_image(mut u: Vec<u64>, mut v: Vec<u64>) -> Vec<u64> {
    trim(&mut v);
    while let Some(&lead) = v.last() {
        if v.len() == 1 {
            return v;
        }
        while u.len() >= v.len() {
            // Scaling the remainder spares the inverse of the leading coefficient.
            let factor = PRIME - u[u.len() - 1];
            let shift = u.len() - v.len();
            for r in &mut u[..shift] {
                *r = times(*r, lead);
            }
            for (r, d) in u[shift..].iter_mut().zip(&v) {
                *r =
                    reduce(u128::from(*r) * u128::from(lead) + u128::from(factor) * u128::from(*d));
            }
            trim(&mut u);
        }
        std::mem::swap(&mut u, &mut v);
    }
    u
}

fn trim(p: &mut Vec<u64>) {
    while p.last() == Some(&0) {
        p.pop();
    }
}

/// `x` modulo the prime.
fn reduce(x: u128) -> u64 {
    // 2^61 is 1.
    let part = |shift: u32| (x >> shift) as u64 & PRIME;
    let sum = part(0) + part(61) + part(122);
    let sum = (sum & PRIME) + (sum >> 61);
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// `c` modulo the prime.
pub(super) fn residue(c: i128) -> u64 {
    match reduce(c.unsigned_abs()) {
        r if c < 0 && r > 0 => PRIME - r,
        r => r,
    }
}

pub(super) fn times(a: u64, b: u64) -> u64 {
    reduce(u128::from(a) * u128::from(b))
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}

/// `1/a` for `a ≠ 0`, by Fermat's little theorem.
pub(super) fn inverse(a: u64) -> u64 {
    power(a, PRIME - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_factor_is_never_denied() {
        let [x, y] = [0, 1].map(Poly::variable);
        let one = Poly::one();
        let (sum, difference) = (x.add(&y), x.sub(&y));
        assert!(coprime(&sum, &difference));
        assert!(coprime(&x.add(&one), &y.add(&one)));
        let shared = y.add(&one);
        // The factor may lie in one variable only, or have integers beside it.
        assert!(!coprime(&sum.mul(&shared), &difference.mul(&shared)));
        assert!(!coprime(&sum.scale(&6.into()), &sum.scale(&4.into())));
        // Nothing is proved where a leading coefficient vanishes.
        let vanishing = sum.scale(&PRIME.into());
        assert!(!coprime(&vanishing, &sum));
        assert!(!coprime(&vanishing.add(&one), &difference.mul(&vanishing.add(&one))));
    }
}
