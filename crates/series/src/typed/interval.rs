//! Numbers enclosed between two dyadic fractions, so that what is shown to differ does differ.

use crate::exact::effort;
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_rational::{BigRational, Ratio};
use num_traits::{One, Signed, ToPrimitive, Zero};

/// The bits behind the point.
const BITS: u64 = 256;

/// All numbers from `low` to `high`, in units of `2^-BITS`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Interval {
    low: BigInt,
    high: BigInt,
}

impl Interval {
    pub fn integer(n: i64) -> Interval {
        let value = BigInt::from(n) << BITS;
        Interval { low: value.clone(), high: value }
    }

    pub fn rational(value: &BigRational) -> Interval {
        let top = value.numer() << BITS;
        Interval { low: top.div_floor(value.denom()), high: top.div_ceil(value.denom()) }
    }

    /// Whether 0 lies outside.
    pub fn is_nonzero(&self) -> bool {
        self.low.is_positive() || self.high.is_negative()
    }

    pub fn is_positive(&self) -> bool {
        self.low.is_positive()
    }

    pub fn plus(&self, other: &Interval) -> Interval {
        Interval { low: &self.low + &other.low, high: &self.high + &other.high }
    }

    pub fn negative(&self) -> Interval {
        Interval { low: -&self.high, high: -&self.low }
    }

    pub fn times(&self, other: &Interval) -> Interval {
        let products = [
            &self.low * &other.low,
            &self.low * &other.high,
            &self.high * &other.low,
            &self.high * &other.high,
        ];
        let unit = BigInt::one() << BITS;
        let low = products.iter().min().expect("four").div_floor(&unit);
        let high = products.iter().max().expect("four").div_ceil(&unit);
        Interval { low, high }
    }

    /// `1/x`, where 0 lies outside.
    pub fn inverse(&self) -> Option<Interval> {
        self.is_nonzero().then(|| {
            let square = BigInt::one() << (2 * BITS);
            Interval { low: square.div_floor(&self.high), high: square.div_ceil(&self.low) }
        })
    }

    /// `x^exponent`: of a positive number, where the exponent is no integer; not of exponents with a large
    /// numerator or denominator, which would take long.
    pub fn power(&self, exponent: Ratio<i64>) -> Option<Interval> {
        let size = exponent.numer().unsigned_abs();
        let degree = u32::try_from(*exponent.denom()).ok()?;
        if size > 10_000 || degree > 1000 {
            return None;
        }
        effort::spend(size + 50 * u64::from(degree));
        let mut power = Interval::integer(1);
        for _ in 0..size {
            power = power.times(self);
        }
        if degree > 1 {
            if !self.is_positive() {
                return None;
            }
            // The root of x 2^BITS, times 2^(BITS (degree - 1)) under the root.
            let root = |x: &BigInt| (x << (BITS * u64::from(degree - 1))).nth_root(degree);
            power = Interval { low: root(&power.low), high: root(&power.high) + 1 };
        }
        if exponent < Ratio::zero() { power.inverse() } else { Some(power) }
    }

    pub fn exponential(&self) -> Option<Interval> {
        let bound = |x: &BigInt| -> Option<(BigInt, BigInt)> {
            // e^x = (e^(x/2^k))^(2^k) with |x/2^k| < 1/2.
            let halvings = (x.bits() + 1).saturating_sub(BITS).to_u32()?;
            if halvings > 20 {
                return None;
            }
            let small = BigRational::new(x.clone(), BigInt::one() << (BITS + u64::from(halvings)));
            let small = Interval::rational(&small);
            let (mut sum, mut term) = (Interval::integer(1), Interval::integer(1));
            for n in 1..=80 {
                let share = BigRational::new(BigInt::one(), n.into());
                term = term.times(&small).times(&Interval::rational(&share));
                sum = sum.plus(&term);
            }
            // The rest is less than the last term.
            let last = term.low.abs().max(term.high.abs()) + 1;
            sum = Interval { low: sum.low - &last, high: sum.high + &last };
            for _ in 0..halvings {
                sum = sum.times(&sum);
            }
            Some((sum.low, sum.high))
        };
        Some(Interval { low: bound(&self.low)?.0, high: bound(&self.high)?.1 })
    }

    /// The logarithm of a positive number: `2 atanh((x - 1)/(x + 1))`, after roots have brought it near 1.
    pub fn logarithm(&self) -> Option<Interval> {
        let mut near = self.clone();
        let roots = 8;
        for _ in 0..roots {
            near = near.power(Ratio::new(1, 2))?;
        }
        let top = near.plus(&Interval::integer(-1));
        let ratio = top.times(&near.plus(&Interval::integer(1)).inverse()?);
        let square = ratio.times(&ratio);
        let half = BigInt::one() << (BITS - 1);
        if square.high > half {
            return None;
        }
        let (mut sum, mut power) = (Interval::integer(0), ratio);
        for n in 0..300 {
            let share = BigRational::new(BigInt::one(), (2 * n + 1).into());
            sum = sum.plus(&power.times(&Interval::rational(&share)));
            power = power.times(&square);
        }
        // The rest is a geometric series with a ratio of at most 1/2.
        let last = (power.low.abs().max(power.high.abs()) + 1_u32) * 2_u32;
        sum = Interval { low: sum.low - &last, high: sum.high + &last };
        Some(sum.times(&Interval::integer(2 << roots)))
    }

    /// `1 - 2/(e^(2x) + 1)`
    pub fn hyperbolic_tangent(&self) -> Option<Interval> {
        let bottom = self.plus(self).exponential()?.plus(&Interval::integer(1));
        let part = bottom.inverse()?.times(&Interval::integer(-2));
        Some(part.plus(&Interval::integer(1)))
    }

    /// The enclosed number to 64 significant bits, if it is enclosed so closely.
    pub fn rounded(&self) -> Option<BigRational> {
        const SIGNIFICANT: u64 = 64;
        let twice = &self.low + &self.high;
        let dropped = twice.bits().checked_sub(SIGNIFICANT)?;
        if (&self.high - &self.low).bits() > dropped {
            return None;
        }
        let kept = (twice >> dropped) << dropped;
        Some(BigRational::new(kept, BigInt::one() << (BITS + 1)))
    }

    /// A fraction with a small denominator that depends on a list of numbers as on a random one.
    pub fn random(of: &[u64]) -> BigRational {
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        for &x in of {
            state = (state ^ x).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state ^= state >> 29;
            state = state.wrapping_mul(0x94d0_49bb_1331_11eb);
            state ^= state >> 32;
        }
        let top = BigInt::from(BigUint::from(1 + state % 96));
        let sign = if state >> 60 & 1 == 0 { 1 } else { -1 };
        BigRational::new(top * sign, 32.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approximately(x: &Interval) -> f64 {
        let scale = BigRational::new(&x.low + &x.high, BigInt::from(2) << BITS);
        scale.to_f64().unwrap()
    }

    #[test]
    fn functions_enclose_their_values() {
        let x = Interval::rational(&BigRational::new(37.into(), 32.into()));
        let value = 37.0_f64 / 32.0;
        for (found, expected) in [
            (x.exponential(), value.exp()),
            (x.negative().exponential(), (-value).exp()),
            (x.logarithm(), value.ln()),
            (x.hyperbolic_tangent(), value.tanh()),
            (x.power(Ratio::new(3, 2)), value.powf(1.5)),
            (x.power(Ratio::new(-1, 3)), value.powf(-1.0 / 3.0)),
        ] {
            let found = found.unwrap();
            assert!(found.low <= found.high);
            let width = (&found.high - &found.low).bits();
            assert!(width < 40, "{width} bits of {BITS} are lost");
            assert!((approximately(&found) - expected).abs() < 1e-14, "{expected}");
        }
        assert!(
            x.negative().logarithm().is_none() && x.negative().power(Ratio::new(1, 2)).is_none()
        );
        assert!(x.power(Ratio::from(10_001)).is_none() && x.power(Ratio::new(1, 9999)).is_none());
        // log(exp(x)) = x, and tanh(x) (e^x + e^-x) = e^x - e^-x.
        let there = x.exponential().unwrap();
        let zero = there.logarithm().unwrap().plus(&x.negative());
        assert!(!zero.is_nonzero());
        let back = x.negative().exponential().unwrap();
        let left = x.hyperbolic_tangent().unwrap().times(&there.plus(&back));
        assert!(!left.plus(&there.negative()).plus(&back).is_nonzero());
    }
}
