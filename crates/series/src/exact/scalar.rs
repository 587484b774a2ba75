//! The arithmetic that an algorithm on series asks of its coefficients.

use super::{Rational, RationalFunction};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::fmt::Debug;

/// An element of a field that contains the rational numbers, computed with exactly.
pub trait Scalar: Clone + PartialEq + Debug {
    /// A rational number.
    fn rational(value: BigRational) -> Self;
    /// An integer.
    fn integer(value: i64) -> Self {
        Self::rational(BigInt::from(value).into())
    }
    /// 0.
    fn zero() -> Self {
        Self::integer(0)
    }
    /// 1.
    fn one() -> Self {
        Self::integer(1)
    }
    /// Whether this is 0.
    fn is_zero(&self) -> bool;
    /// `self + other`.
    fn plus(&self, other: &Self) -> Self;
    /// `self - other`.
    fn minus(&self, other: &Self) -> Self;
    /// `self · other`.
    fn times(&self, other: &Self) -> Self;
    /// `1/self`; `None` for 0.
    fn inverse(&self) -> Option<Self>;
    /// Whether this is 1.
    fn is_one(&self) -> bool {
        *self == Self::one()
    }
    /// `self / n` for an integer `n ≠ 0`.
    ///
    /// # Panics
    /// If `n` is 0.
    fn over(&self, n: i64) -> Self {
        self.times(&Self::rational(BigRational::new(BigInt::one(), n.into())))
    }
}

impl Scalar for Rational {
    fn rational(value: BigRational) -> Self {
        value.into()
    }
    fn integer(value: i64) -> Self {
        value.into()
    }
    fn is_zero(&self) -> bool {
        self.is_zero()
    }
    fn plus(&self, other: &Self) -> Self {
        self + other
    }
    fn minus(&self, other: &Self) -> Self {
        self - other
    }
    fn times(&self, other: &Self) -> Self {
        self * other
    }
    fn inverse(&self) -> Option<Self> {
        self.inverse()
    }
    fn over(&self, n: i64) -> Self {
        self * &Rational::new(1, n).expect("the divisor is not zero")
    }
}

impl Scalar for BigRational {
    fn rational(value: BigRational) -> Self {
        value
    }
    fn is_zero(&self) -> bool {
        Zero::is_zero(self)
    }
    fn plus(&self, other: &Self) -> Self {
        self + other
    }
    fn minus(&self, other: &Self) -> Self {
        self - other
    }
    fn times(&self, other: &Self) -> Self {
        self * other
    }
    fn inverse(&self) -> Option<Self> {
        (!Zero::is_zero(self)).then(|| self.recip())
    }
}

impl Scalar for RationalFunction {
    fn rational(value: BigRational) -> Self {
        value.into()
    }
    fn is_zero(&self) -> bool {
        self.is_zero()
    }
    fn is_one(&self) -> bool {
        self.is_one()
    }
    fn plus(&self, other: &Self) -> Self {
        self + other
    }
    fn minus(&self, other: &Self) -> Self {
        self - other
    }
    fn times(&self, other: &Self) -> Self {
        self * other
    }
    fn inverse(&self) -> Option<Self> {
        self.inverse()
    }
}
