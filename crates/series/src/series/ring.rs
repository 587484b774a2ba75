//! The rings in which weights are computed, free of fractions.
//!
//! The engine scales every weight to an integral one and picks the cheapest ring that holds the
//! method: machine integers, big integers where those overflow, polynomials where parameters stay
//! symbolic. Every operation that can overflow says so; nothing wraps.

use crate::exact::Poly;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{ToPrimitive, Zero};

/// A commutative ring without zero divisors. `None` means that the result does not fit.
pub(crate) trait Ring: Clone + Send + Sync + Sized {
    /// Where the weighted sums over many values that end a computation are taken.
    type Wide: Ring<Wide = Self::Wide>;
    fn widen(&self) -> Self::Wide;
    fn zero() -> Self;
    fn is_zero(&self) -> bool;
    fn from_poly(value: &Poly) -> Option<Self>;
    fn add(&self, other: &Self) -> Option<Self>;
    fn sub(&self, other: &Self) -> Option<Self>;
    fn mul(&self, other: &Self) -> Option<Self>;
    /// The quotient of a division that is known to leave no remainder.
    fn div_exact(&self, divisor: &Self) -> Self;
}

/// Machine integers, with their own way to multiply.
macro_rules! machine_integers {
    ($integer:ty, $from:ident, $mul:expr) => {
        impl Ring for $integer {
            type Wide = i128;
            fn widen(&self) -> i128 {
                (*self).into()
            }
            fn zero() -> Self {
                0
            }
            fn is_zero(&self) -> bool {
                *self == 0
            }
            fn from_poly(value: &Poly) -> Option<Self> {
                value.as_constant()?.$from()
            }
            #[inline]
            fn add(&self, other: &Self) -> Option<Self> {
                self.checked_add(*other)
            }
            #[inline]
            fn sub(&self, other: &Self) -> Option<Self> {
                self.checked_sub(*other)
            }
            #[inline]
            fn mul(&self, other: &Self) -> Option<Self> {
                $mul(*self, *other)
            }
            fn div_exact(&self, divisor: &Self) -> Self {
                assert_eq!(self % divisor, 0, "the scale of the weights is too small");
                self / divisor
            }
        }
    };
}

machine_integers!(i64, to_i64, i64::checked_mul);
machine_integers!(i128, to_i128, multiply_wide);

/// Most products are of 64-bit factors and cannot overflow.
#[inline]
fn multiply_wide(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

impl Ring for BigInt {
    type Wide = BigInt;
    fn widen(&self) -> BigInt {
        self.clone()
    }
    fn zero() -> Self {
        Zero::zero()
    }
    fn is_zero(&self) -> bool {
        Zero::is_zero(self)
    }
    fn from_poly(value: &Poly) -> Option<Self> {
        value.as_constant()
    }
    fn add(&self, other: &Self) -> Option<Self> {
        Some(self + other)
    }
    fn sub(&self, other: &Self) -> Option<Self> {
        Some(self - other)
    }
    fn mul(&self, other: &Self) -> Option<Self> {
        Some(self * other)
    }
    fn div_exact(&self, divisor: &Self) -> Self {
        let (quotient, remainder) = self.div_rem(divisor);
        assert!(Zero::is_zero(&remainder), "the scale of the weights is too small");
        quotient
    }
}

impl Ring for Poly {
    type Wide = Poly;
    fn widen(&self) -> Poly {
        self.clone()
    }
    fn zero() -> Self {
        Poly::zero()
    }
    fn is_zero(&self) -> bool {
        Poly::is_zero(self)
    }
    fn from_poly(value: &Poly) -> Option<Self> {
        Some(value.clone())
    }
    fn add(&self, other: &Self) -> Option<Self> {
        Some(Poly::add(self, other))
    }
    fn sub(&self, other: &Self) -> Option<Self> {
        Some(Poly::sub(self, other))
    }
    fn mul(&self, other: &Self) -> Option<Self> {
        Some(Poly::mul(self, other))
    }
    fn div_exact(&self, divisor: &Self) -> Self {
        Poly::div_exact(self, divisor).expect("the scale of the weights is too small")
    }
}
