//! Roots of rational numbers: those that are rational, and the first digits of the others.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed};

/// The significant bits of a root that is not rational.
const BITS: i64 = 64;

/// `x^(1/degree)` of a positive number, if it is rational.
///
/// ```
/// use bea_series::exact::exact_root;
/// use num_rational::BigRational;
/// let fraction = |top: i64, bottom: i64| BigRational::new(top.into(), bottom.into());
/// assert_eq!(exact_root(&fraction(8, 27), 3), Some(fraction(2, 3)));
/// assert_eq!(exact_root(&fraction(4, 3), 2), None);
/// ```
pub fn exact_root(x: &BigRational, degree: u32) -> Option<BigRational> {
    // A whole number above 1 has more than `degree` bits if it is such a power.
    let is_short = u64::from(degree) > x.numer().bits().max(x.denom().bits());
    if degree == 0 || !x.is_positive() || is_short && !x.is_one() {
        return None;
    }
    let root = |n: &BigInt| {
        let root = n.nth_root(degree);
        (root.pow(degree) == *n).then_some(root)
    };
    Some(BigRational::new(root(x.numer())?, root(x.denom())?))
}

/// `x^(1/degree)` of a positive number, rounded down after 64 significant bits or a few more.
pub(crate) fn rounded_root(x: &BigRational, degree: u32) -> BigRational {
    let size = x.numer().bits() as i64 - x.denom().bits() as i64;
    let shift = BITS + 1 - size.div_euclid(i64::from(degree));
    let scaled = |n: &BigInt, shift: i64| n << u64::try_from(shift).unwrap_or(0);
    // The root of x 2^(degree shift), of which the whole part is taken.
    let under = shift * i64::from(degree);
    let whole = scaled(x.numer(), under) / scaled(x.denom(), -under);
    let root = whole.nth_root(degree);
    BigRational::new(scaled(&root, -shift), scaled(&BigInt::one(), shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(top: i64, bottom: i64) -> BigRational {
        BigRational::new(top.into(), bottom.into())
    }

    #[test]
    fn only_perfect_powers_have_exact_roots() {
        assert_eq!(exact_root(&fraction(4, 9), 2), Some(fraction(2, 3)));
        assert_eq!(exact_root(&fraction(1, 32), 5), Some(fraction(1, 2)));
        assert_eq!(exact_root(&fraction(1, 1), 9), Some(fraction(1, 1)));
        for (x, degree) in [(4, 0), (2, 2), (-4, 2), (0, 2), (7, 1_000_000_007)] {
            assert_eq!(exact_root(&fraction(x, 1), degree), None);
        }
    }

    #[test]
    fn rounded_roots_lie_just_below_theirs() {
        let small = fraction(3, 7).pow(400);
        for x in [fraction(2, 1), fraction(1, 1000), small.clone(), small.recip()] {
            for degree in [2, 3, 7] {
                let root = rounded_root(&x, degree);
                let above = &root * (BigRational::one() + fraction(1, 2).pow(BITS as i32));
                let power = |x: &BigRational| x.pow(degree as i32);
                assert!(power(&root) <= x && power(&above) > x, "{x}, {degree}");
            }
        }
    }
}
