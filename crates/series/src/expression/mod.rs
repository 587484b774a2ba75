//! Scalar functions as values: what is printed of them is decided elsewhere.
//!
//! An [`Expression`] is a function of the parameters of an optimizer and of formal variables such as `z`,
//! put together from rational functions by arithmetic, square roots, logarithms and [`Branch`]es of
//! algebraic functions. Its constructors simplify exactly, and never round.

mod branch;
mod power_series;
mod square_root;

pub use branch::Branch;
pub(crate) use power_series::rational_power;
pub use power_series::{PowerSeries, SeriesError};
pub use square_root::square_root;

use crate::exact::{Poly, RationalFunction};
use num_rational::BigRational;

/// A scalar function.
///
/// It keeps the form in which it was put together: `(1+z)^2 - 4` as a sum of a power and a number is
/// not expanded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expression {
    /// A rational function.
    Rational(RationalFunction),
    /// A sum.
    Sum(Vec<Expression>),
    /// A product.
    Product(Vec<Expression>),
    /// A quotient.
    Quotient(Box<Expression>, Box<Expression>),
    /// A power.
    Power(Box<Expression>, u32),
    /// The principal branch of the square root: positive where all variables are small and positive
    /// and each is much smaller than those before it.
    SquareRoot(Box<Expression>),
    /// The natural logarithm.
    Logarithm(Box<Expression>),
    /// A root of a polynomial.
    Root(Box<Branch>),
}

impl Expression {
    /// The sum of two expressions; terms that are 0 are left out.
    pub fn plus(self, other: Expression) -> Expression {
        if self.is_zero() {
            return other;
        }
        if other.is_zero() {
            return self;
        }
        Expression::Sum(vec![self, other])
    }

    /// The product with a rational function; a factor 1 is left out.
    pub fn scaled(self, factor: &RationalFunction) -> Expression {
        if factor.is_one() {
            return self;
        }
        match self {
            Expression::Rational(value) => Expression::Rational(&value * factor),
            other => Expression::Product(vec![factor.clone().into(), other]),
        }
    }

    /// The quotient by a rational function that is not zero; a denominator 1 is left out.
    pub fn over(self, divisor: &RationalFunction) -> Expression {
        if divisor.is_one() {
            return self;
        }
        match self {
            Expression::Rational(value) if !divisor.is_zero() => {
                Expression::Rational(value.divide(divisor).expect("not zero"))
            }
            other => Expression::Quotient(Box::new(other), Box::new(divisor.clone().into())),
        }
    }

    /// The natural logarithm.
    pub fn log(self) -> Expression {
        Expression::Logarithm(Box::new(self))
    }

    fn is_zero(&self) -> bool {
        matches!(self, Expression::Rational(value) if value.is_zero())
    }

    /// The expansion in variable `x` at 0, with `terms` coefficients before cancellation.
    ///
    /// # Errors
    /// If there is none with rational coefficients.
    ///
    /// ```
    /// use bea_series::{exact::RationalFunction, expression::Expression};
    /// let z = RationalFunction::variable(0);
    /// let one_plus_z = Expression::from(&RationalFunction::one() + &z);
    /// let series = one_plus_z.log().over(&z).series(0, 4)?;
    /// assert_eq!(series.coefficient(2).unwrap().display(&[]), "1/3");
    /// # Ok::<(), bea_series::expression::SeriesError>(())
    /// ```
    pub fn series(&self, x: usize, terms: usize) -> Result<PowerSeries, SeriesError> {
        let of = |e: &Expression| e.series(x, terms);
        let constant = |value: RationalFunction| {
            PowerSeries::expand(&value, x, terms.try_into().unwrap_or(i64::MAX))
        };
        match self {
            Expression::Rational(value) => Ok(constant(value.clone())),
            Expression::Sum(parts) => parts
                .iter()
                .try_fold(constant(RationalFunction::zero()), |sum, e| Ok(sum.plus(&of(e)?))),
            Expression::Product(parts) => {
                parts.iter().try_fold(constant(RationalFunction::one()), |product, e| {
                    Ok(product.times(&of(e)?))
                })
            }
            Expression::Quotient(top, bottom) => Ok(of(top)?.times(&of(bottom)?.inverse()?)),
            Expression::Power(base, exponent) => {
                of(base)?.power(&BigRational::from_integer((*exponent).into()))
            }
            Expression::SquareRoot(inner) => {
                of(inner)?.power(&BigRational::new(1.into(), 2.into()))
            }
            Expression::Logarithm(inner) => of(inner)?.log(),
            Expression::Root(branch) => {
                if branch.variable() == x {
                    Ok(branch.series(terms))
                } else {
                    Err(SeriesError::Root)
                }
            }
        }
    }
}

impl From<RationalFunction> for Expression {
    fn from(value: RationalFunction) -> Expression {
        Expression::Rational(value)
    }
}

impl From<Poly> for Expression {
    fn from(value: Poly) -> Expression {
        Expression::Rational(value.into())
    }
}
