//! Exact roots of rational numbers.

use bea_series::exact::Rational;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;

/// `value^exponent` for `value > 0` and `0 ≤ exponent < 1`, if it is rational.
pub(super) fn exact_root(value: &Rational, exponent: &Rational) -> Option<Rational> {
    let (p, q) = exponent.as_small()?;
    if p == 0 {
        return Some(1.into());
    }
    let value = BigRational::from(value.clone());
    let degree = u32::try_from(q).ok()?;
    if !value.is_positive() || u64::from(degree) > value.numer().bits().max(value.denom().bits()) {
        return None;
    }
    let root = |n: &BigInt| {
        let root = n.nth_root(degree);
        (root.pow(degree) == *n).then_some(root)
    };
    let root = BigRational::new(root(value.numer())?, root(value.denom())?);
    Rational::from(root).pow(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_perfect_powers_have_roots() {
        let rational = |n, d| Rational::new(n, d).unwrap();
        assert_eq!(exact_root(&rational(4, 9), &rational(1, 2)), Some(rational(2, 3)));
        assert_eq!(exact_root(&rational(8, 27), &rational(2, 3)), Some(rational(4, 9)));
        assert_eq!(exact_root(&rational(4, 3), &rational(1, 2)), None);
        assert_eq!(exact_root(&rational(-4, 1), &rational(1, 2)), None);
        assert_eq!(exact_root(&rational(5, 1), &rational(0, 1)), Some(1.into()));
        assert_eq!(exact_root(&rational(7, 1), &rational(1, 1_000_000_007)), None);
    }
}
