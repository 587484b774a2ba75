//! Rational numbers that are fast while they are small.

use super::effort;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

/// An exact rational number. Numerator and denominator are machine integers where both fit in 64
/// bits, and of any length where they do not; there is one representation a number, so equal
/// numbers are equal values.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Rational(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    /// In lowest terms, the denominator positive.
    Small(i64, i64),
    /// In lowest terms, and at least one of the two does not fit in 64 bits.
    Big(Box<BigRational>),
}

use Repr::{Big, Small};

/// A fraction in lowest terms with a positive denominator.
fn lowest(numerator: i128, denominator: i128) -> Rational {
    match (i64::try_from(numerator), i64::try_from(denominator)) {
        (Ok(n), Ok(d)) => Rational(Small(n, d)),
        _ => Rational(Big(Box::new(BigRational::new_raw(numerator.into(), denominator.into())))),
    }
}

/// The greatest common divisor of `a` and `b > 0`.
fn gcd(a: i64, b: i64) -> i64 {
    // The result divides b and so fits.
    a.unsigned_abs().gcd(&b.unsigned_abs()) as i64
}

impl Rational {
    /// `numerator / denominator`; `None` if the denominator is zero.
    pub fn new(numerator: i64, denominator: i64) -> Option<Rational> {
        let (n, d) = (i128::from(numerator), i128::from(denominator));
        let sign = if d < 0 { -1 } else { 1 };
        let g = n.gcd(&d);
        (d != 0).then(|| lowest(sign * n / g, sign * d / g))
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Small(0, _))
    }

    /// Whether numerator and denominator are machine integers.
    pub fn is_small(&self) -> bool {
        matches!(self.0, Small(..))
    }

    /// `1/self`; `None` for 0.
    pub fn inverse(&self) -> Option<Rational> {
        match self.0 {
            Small(0, _) => None,
            Small(n, d) => Rational::new(d, n),
            Big(ref big) => Some(big.recip().into()),
        }
    }

    /// `(numerator, denominator)` where both are machine integers; the denominator is positive.
    pub fn as_small(&self) -> Option<(i64, i64)> {
        match self.0 {
            Small(n, d) => Some((n, d)),
            Big(_) => None,
        }
    }

    /// The value as a machine integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self.0 {
            Small(n, 1) => Some(n),
            _ => None,
        }
    }

    /// Whether this is 1.
    pub fn is_one(&self) -> bool {
        matches!(self.0, Small(1, 1))
    }

    /// Whether the denominator is 1.
    pub fn is_integer(&self) -> bool {
        match self.0 {
            Small(_, d) => d == 1,
            Big(ref big) => big.is_integer(),
        }
    }

    /// Whether this is below 0.
    pub fn is_negative(&self) -> bool {
        match self.0 {
            Small(n, _) => n < 0,
            Big(ref big) => big.is_negative(),
        }
    }

    /// `self^exponent`; `None` for a negative power of 0. `0^0 = 1`.
    pub fn pow(&self, exponent: i64) -> Option<Rational> {
        let mut base = if exponent < 0 { self.inverse()? } else { self.clone() };
        let mut power = Rational::from(1);
        let mut left = exponent.unsigned_abs();
        while left > 0 {
            if left & 1 == 1 {
                power = &power * &base;
            }
            left >>= 1;
            if left > 0 {
                base = &base * &base;
            }
        }
        Some(power)
    }

    /// Binary digits of the longer of numerator and denominator.
    pub fn bits(&self) -> u64 {
        match self.0 {
            Small(n, d) => {
                u64::from(u64::BITS - (n.unsigned_abs() | d.unsigned_abs()).leading_zeros())
            }
            Big(ref big) => big.numer().bits().max(big.denom().bits()),
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
        match self.0 {
            // Both are exact, so the quotient is rounded once.
            Small(n, d) if n.unsigned_abs() <= EXACT && d.unsigned_abs() <= EXACT => {
                n as f64 / d as f64
            }
            _ => self.big().to_f64().unwrap_or(f64::NAN),
        }
    }

    /// A sum or product of which one is long. Integers are spared the greatest common divisors.
    fn long(
        &self,
        other: &Rational,
        integers: impl Fn(BigInt, BigInt) -> BigInt,
        fractions: impl Fn(BigRational, BigRational) -> BigRational,
    ) -> Rational {
        let (a, b) = (self.big(), other.big());
        let limbs = |r: &Rational| r.bits() / 64 + 1;
        if a.is_integer() && b.is_integer() {
            effort::spend_if_counted(|| 10 + limbs(self) * limbs(other) / 8);
            return integers(a.into_raw().0, b.into_raw().0).into();
        }
        effort::spend_if_counted(|| 20 + 8 * limbs(self).max(limbs(other)).pow(2));
        fractions(a, b).into()
    }

    fn big(&self) -> BigRational {
        match self.0 {
            Small(n, d) => BigRational::new_raw(n.into(), d.into()),
            Big(ref big) => (**big).clone(),
        }
    }
}

impl From<i64> for Rational {
    fn from(value: i64) -> Rational {
        Rational(Small(value, 1))
    }
}

impl From<BigRational> for Rational {
    fn from(value: BigRational) -> Rational {
        match (i64::try_from(value.numer()), i64::try_from(value.denom())) {
            (Ok(n), Ok(d)) => Rational(Small(n, d)),
            _ => Rational(Big(Box::new(value))),
        }
    }
}

impl From<BigInt> for Rational {
    fn from(value: BigInt) -> Rational {
        BigRational::from_integer(value).into()
    }
}

impl From<Rational> for BigRational {
    fn from(value: Rational) -> BigRational {
        value.big()
    }
}

impl Add for &Rational {
    type Output = Rational;
    fn add(self, other: &Rational) -> Rational {
        let (&Small(a, b), &Small(c, d)) = (&self.0, &other.0) else {
            return self.long(other, |a, b| a + b, |a, b| a + b);
        };
        // Knuth, TAOCP 4.5.1: every gcd is one of 64-bit numbers. No product of two of them, and no
        // sum of two such products, passes 127 bits.
        let g = gcd(b, d);
        let sum = i128::from(a) * i128::from(d / g) + i128::from(c) * i128::from(b / g);
        let common = if g == 1 { 1 } else { gcd((sum % i128::from(g)) as i64, g) };
        lowest(sum / i128::from(common), i128::from(b / g) * i128::from(d / common))
    }
}

impl Neg for &Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        match self.0 {
            Small(n, d) => lowest(-i128::from(n), d.into()),
            Big(ref big) => (-&**big).into(),
        }
    }
}

impl Sub for &Rational {
    type Output = Rational;
    fn sub(self, other: &Rational) -> Rational {
        self + &-other
    }
}

impl Mul for &Rational {
    type Output = Rational;
    fn mul(self, other: &Rational) -> Rational {
        let (&Small(a, b), &Small(c, d)) = (&self.0, &other.0) else {
            return self.long(other, |a, b| a * b, |a, b| a * b);
        };
        let (g, k) = (gcd(a, d), gcd(c, b));
        lowest(i128::from(a / g) * i128::from(c / k), i128::from(b / k) * i128::from(d / g))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Rational) -> Ordering {
        let (&Small(a, b), &Small(c, d)) = (&self.0, &other.0) else {
            return self.big().cmp(&other.big());
        };
        (i128::from(a) * i128::from(d)).cmp(&(i128::from(c) * i128::from(b)))
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Rational) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.big().fmt(out)
    }
}

impl fmt::Debug for Rational {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::Zero;
    use proptest::prelude::*;

    /// Small integers, and many near the ends of 64 bits.
    fn integers() -> impl Strategy<Value = i64> {
        prop_oneof![
            -12..12i64,
            any::<i64>(),
            (0..4i64).prop_map(|k| i64::MAX - k),
            (0..4i64).prop_map(|k| i64::MIN + k),
            (30..34u32, -2..3i64).prop_map(|(bits, k)| (1 << bits) + k),
        ]
    }

    /// Rationals that fit machine integers, and some that do not.
    fn rationals() -> impl Strategy<Value = BigRational> {
        (integers(), integers(), integers()).prop_filter_map("zero denominator", |(n, k, d)| {
            let numerator = BigInt::from(n) * BigInt::from(if k % 2 == 0 { 1 } else { k });
            (d != 0).then(|| BigRational::new(numerator, d.into()))
        })
    }

    fn fits(value: &BigRational) -> bool {
        i64::try_from(value.numer()).is_ok() && i64::try_from(value.denom()).is_ok()
    }

    #[test]
    fn machine_integers_hand_over_to_big_ones_and_back() {
        let max = Rational::from(i64::MAX);
        let beyond = &max + &1.into();
        assert!(max.is_small() && !beyond.is_small());
        assert_eq!(beyond.to_string(), "9223372036854775808");
        assert_eq!(&beyond - &1.into(), max);
        assert!((&beyond - &1.into()).is_small());
        // -2^63 fits, 2^63 does not.
        let min = Rational::from(i64::MIN);
        assert_eq!(-&beyond, min);
        assert!(min.is_small() && !(-&min).is_small());
        assert_eq!(-&(-&min), min);
        assert_eq!(min.inverse().unwrap().to_string(), "-1/9223372036854775808");
        assert_eq!(min.inverse().unwrap().inverse(), Some(min.clone()));
        assert_eq!(Rational::new(i64::MIN, i64::MIN), Some(1.into()));
        assert_eq!(Rational::new(1, i64::MIN), min.inverse());
        assert_eq!(&(&max * &max) * &max.inverse().unwrap(), max);
    }

    #[test]
    fn zero_has_no_inverse() {
        assert_eq!(Rational::from(0).inverse(), None);
        assert_eq!(Rational::new(3, 0), None);
        assert_eq!(Rational::new(0, -7), Some(0.into()));
        assert!((&Rational::from(5) - &5.into()).is_zero());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 8 * ProptestConfig::default().cases,
            ..ProptestConfig::default()
        })]
        #[test]
        fn agrees_with_big_rationals(x in rationals(), y in rationals()) {
            let (a, b) = (Rational::from(x.clone()), Rational::from(y.clone()));
            for (fast, slow) in [
                (&a + &b, &x + &y),
                (&a - &b, &x - &y),
                (&a * &b, &x * &y),
                (-&a, -&x),
            ] {
                prop_assert_eq!(fast.is_small(), fits(&slow));
                prop_assert_eq!(fast.is_zero(), slow.is_zero());
                prop_assert_eq!(&fast, &Rational::from(slow.clone()));
                prop_assert_eq!(fast.to_string(), slow.to_string());
                prop_assert_eq!(BigRational::from(fast), slow);
            }
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(a.is_integer(), x.is_integer());
            prop_assert_eq!(a.bits(), x.numer().bits().max(x.denom().bits()));
            prop_assert_eq!(a.is_negative(), x.is_negative());
            prop_assert_eq!(a.pow(3), Some((&x * &x * &x).into()));
            prop_assert_eq!(a.to_f64(), x.to_f64().unwrap());
            if let Some(inverse) = a.inverse() {
                prop_assert_eq!(a.pow(-2), Some(&inverse * &inverse));
                prop_assert_eq!(&inverse * &a, 1.into());
                prop_assert_eq!(inverse.is_small(), fits(&x.recip()));
            }
        }

        #[test]
        fn fractions_are_reduced(n in integers(), d in integers()) {
            prop_assume!(d != 0);
            let expected = BigRational::new(n.into(), d.into());
            prop_assert_eq!(Rational::new(n, d), Some(expected.into()));
        }
    }
}
