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
    fn to_poly(&self) -> Poly;
    fn add(&self, other: &Self) -> Option<Self>;
    fn sub(&self, other: &Self) -> Option<Self>;
    fn mul(&self, other: &Self) -> Option<Self>;
    /// The quotient of a division that is known to leave no remainder.
    ///
    /// # Panics
    /// If it leaves one.
    fn div_exact(&self, divisor: &Self) -> Option<Self>;
    /// `self += other`. After `None` the value is of no use.
    #[inline]
    fn add_assign(&mut self, other: &Self) -> Option<()> {
        *self = self.add(other)?;
        Some(())
    }
    /// `self -= other`. After `None` the value is of no use.
    #[inline]
    fn sub_assign(&mut self, other: &Self) -> Option<()> {
        *self = self.sub(other)?;
        Some(())
    }
    /// `self += a b`. After `None` the value is of no use.
    #[inline]
    fn add_product(&mut self, a: &Self, b: &Self) -> Option<()> {
        *self = self.add(&a.mul(b)?)?;
        Some(())
    }
}

/// Machine integers, with their own ways to multiply and divide.
macro_rules! machine_integers {
    ($integer:ty, $from:ident, $mul:expr, $div_rem:expr) => {
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
            fn to_poly(&self) -> Poly {
                Poly::constant(*self)
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
            #[inline]
            fn div_exact(&self, divisor: &Self) -> Option<Self> {
                let (quotient, remainder) = $div_rem(*self, *divisor)?;
                assert_eq!(remainder, 0, "the scale of the weights is too small");
                Some(quotient)
            }
        }
    };
}

machine_integers!(i64, to_i64, i64::checked_mul, divide);
machine_integers!(i128, to_i128, multiply_wide, divide_wide);

/// Most products are of 64-bit factors and cannot overflow.
#[inline]
fn multiply_wide(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

/// Quotient and remainder; `None` if the quotient does not fit.
#[inline]
fn divide(a: i64, b: i64) -> Option<(i64, i64)> {
    Some((a.checked_div(b)?, a.checked_rem(b)?))
}

/// Most quotients are of 64-bit numbers, and many by 1 or -1.
#[inline]
fn divide_wide(a: i128, b: i128) -> Option<(i128, i128)> {
    match (i64::try_from(a), i64::try_from(b)) {
        (_, Ok(1)) => Some((a, 0)),
        (_, Ok(-1)) => Some((a.checked_neg()?, 0)),
        (Ok(a), Ok(b)) => Some(((a / b).into(), (a % b).into())),
        _ => Some((a.checked_div(b)?, a.checked_rem(b)?)),
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
    fn to_poly(&self) -> Poly {
        Poly::constant(self.clone())
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
    fn div_exact(&self, divisor: &Self) -> Option<Self> {
        let (quotient, remainder) = self.div_rem(divisor);
        assert!(Zero::is_zero(&remainder), "the scale of the weights is too small");
        Some(quotient)
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
    fn to_poly(&self) -> Poly {
        self.clone()
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
    fn div_exact(&self, divisor: &Self) -> Option<Self> {
        Some(Poly::div_exact(self, divisor).expect("the scale of the weights is too small"))
    }
}
