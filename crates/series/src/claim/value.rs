//! What an expression of a claim stands for, and its arithmetic.

use super::differential::{Bounds, Differential, FieldKind, H, MAX_NODES, TooLarge};
use super::entrywise::Entrywise;
use crate::exact::RationalFunction as Q;
use crate::expression::{PowerSeries, SeriesError, rational_power};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

/// The largest degree of a polynomial.
const MAX_DEGREE: u64 = 5_000;

/// The most terms of a power.
const MAX_TERMS: u64 = 2_000;

/// The most bits of a power of a number.
const MAX_BITS: u64 = 1_000_000;

/// A value of the language.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A rational function of the parameters, of `h` and of formal variables.
    Scalar(Q),
    /// A power series in the formal variable.
    Series(PowerSeries),
    /// A vector field, an operator or a scalar field.
    Differential(Differential),
    /// A number or a vector made entry by entry.
    Entrywise(Entrywise),
}

/// The formal variable that series are expanded in, and how far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formal {
    pub variable: usize,
    pub terms: i64,
}

/// The circumstances of a computation.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Context {
    pub formal: Option<Formal>,
    pub bounds: Bounds,
}

/// Why an operation has no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("{0} and {1} cannot be added")]
    Sum(&'static str, &'static str),
    #[error("{0} cannot be multiplied by {1}")]
    Product(&'static str, &'static str),
    #[error("{0} cannot be divided by {1}")]
    Quotient(&'static str, &'static str),
    #[error("{0} cannot be raised to this power")]
    Power(&'static str),
    #[error("{0} cannot be an argument here; a vector is needed")]
    Function(&'static str),
    #[error("this takes {0} arguments, not {1}")]
    Arguments(usize, usize),
    #[error("this is 0")]
    Vanishing,
    #[error("{0} has no operations entry by entry")]
    Entrywise(&'static str),
    #[error("only a series in `h` can be a coefficient of a vector field")]
    Coefficient,
    #[error("{0} needs a power series; say up to which power: `… == … up to z^20`")]
    NotFormal(&'static str),
    #[error(
        "this is too large: a degree above {MAX_DEGREE}, more than {MAX_TERMS} terms or \
         {MAX_BITS} bits"
    )]
    Large,
    #[error(transparent)]
    Series(#[from] SeriesError),
    #[error(transparent)]
    Differential(#[from] TooLarge),
}

impl Value {
    /// The integer `n`.
    pub fn integer(n: i64) -> Value {
        Value::Scalar(Q::integer(n))
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Scalar(_) => "a number",
            Value::Series(_) => "a power series",
            Value::Entrywise(e) => e.kind(),
            Value::Differential(d) => match (d.kind, d.arity) {
                (FieldKind::Vector, 0) => "a vector field",
                (FieldKind::Vector, 1) => "a linear operator",
                (FieldKind::Vector, _) => "a multilinear operator",
                (FieldKind::Scalar, 0) => "a scalar field",
                (FieldKind::Scalar, _) => "a form",
            },
        }
    }

    /// Whether it is the number 0, which every sum may hold.
    pub fn is_zero_number(&self) -> bool {
        matches!(self, Value::Scalar(q) if q.is_zero())
    }

    /// The value as an integer.
    pub fn as_integer(&self) -> Option<i64> {
        self.as_rational().filter(BigRational::is_integer)?.to_i64()
    }

    /// The value as a rational number.
    pub fn as_rational(&self) -> Option<BigRational> {
        match self {
            Value::Scalar(q) => q.as_rational(),
            _ => None,
        }
    }

    /// The sum.
    pub fn plus(&self, other: &Value, context: &Context) -> Result<Value, ValueError> {
        match (self, other) {
            (Value::Scalar(a), Value::Scalar(b)) if series_is_cheaper(a, b, context) => {
                Ok(Value::Series(expand(a, context)?.plus(&expand(b, context)?)))
            }
            (Value::Scalar(a), Value::Scalar(b)) => guard(a + b),
            (Value::Series(a), Value::Series(b)) => Ok(Value::Series(a.plus(b))),
            (Value::Series(a), Value::Scalar(b)) | (Value::Scalar(b), Value::Series(a)) => {
                Ok(Value::Series(a.plus(&expand(b, context)?)))
            }
            (Value::Differential(a), Value::Differential(b))
                if (a.kind, a.arity) == (b.kind, b.arity) =>
            {
                Ok(Value::Differential(a.plus(b).within(&context.bounds)))
            }
            (zero, a) | (a, zero) if zero.is_zero_number() => Ok(a.clone()),
            (a, b) => Err(ValueError::Sum(a.kind(), b.kind())),
        }
    }

    /// The negative.
    pub fn negative(&self) -> Value {
        let minus = Q::integer(-1);
        match self {
            Value::Scalar(a) => Value::Scalar(-a),
            Value::Series(a) => Value::Series(a.scaled(&minus)),
            Value::Differential(a) => Value::Differential(a.scaled(&minus)),
            Value::Entrywise(a) => Value::Entrywise(Entrywise { sum: a.sum.negative(), ..*a }),
        }
    }

    /// The product; an operator acts on what it is multiplied by.
    pub fn times(&self, other: &Value, context: &Context) -> Result<Value, ValueError> {
        match (self, other) {
            (Value::Scalar(a), Value::Scalar(b)) => {
                let terms = |q: &Q| q.numerator().terms().len().max(q.denominator().terms().len());
                if terms(a).saturating_mul(terms(b)) as u64 > MAX_TERMS * MAX_TERMS {
                    return Err(ValueError::Large);
                }
                guard(a * b)
            }
            (Value::Series(a), Value::Series(b)) => Ok(Value::Series(a.times(b))),
            (Value::Series(a), Value::Scalar(b)) | (Value::Scalar(b), Value::Series(a)) => {
                Ok(Value::Series(a.times(&expand(b, context)?)))
            }
            (Value::Scalar(q), Value::Differential(d))
            | (Value::Differential(d), Value::Scalar(q)) => {
                Ok(Value::Differential(d.scaled(q).within(&context.bounds)))
            }
            (Value::Series(s), Value::Differential(d))
            | (Value::Differential(d), Value::Series(s)) => {
                if s.variable() != H {
                    return Err(ValueError::Coefficient);
                }
                let factor = s.polynomial(s.precision());
                let mut product = d.scaled(&factor);
                let known = s.precision() + d.low();
                product.precision = Some(product.precision.map_or(known, |p| p.min(known)));
                Ok(Value::Differential(product.within(&context.bounds)))
            }
            (Value::Differential(a), Value::Differential(b)) if a.is_scalar_field() => {
                Ok(Value::Differential(a.multiplied(b, &context.bounds)?))
            }
            (Value::Differential(a), Value::Differential(b)) if b.is_scalar_field() => {
                Ok(Value::Differential(b.multiplied(a, &context.bounds)?))
            }
            (Value::Differential(a), Value::Differential(b)) => {
                if a.arity != 1 || a.kind != FieldKind::Vector || b.kind != FieldKind::Vector {
                    return Err(ValueError::Product(self.kind(), other.kind()));
                }
                Ok(Value::Differential(a.filled(0, b, &context.bounds)?))
            }
            (a, b) => Err(ValueError::Product(a.kind(), b.kind())),
        }
    }

    /// The quotient.
    pub fn over(&self, other: &Value, context: &Context) -> Result<Value, ValueError> {
        match other {
            Value::Scalar(q) => {
                let inverse = q.inverse().ok_or(SeriesError::DivisionByZero)?;
                self.times(&Value::Scalar(inverse), context)
            }
            Value::Series(s) => self.times(&Value::Series(s.inverse()?), context),
            Value::Differential(_) | Value::Entrywise(_) => {
                Err(ValueError::Quotient(self.kind(), other.kind()))
            }
        }
    }

    /// The power: integer powers of anything, fractional ones of what has a rational root or a
    /// power series.
    pub fn power(&self, exponent: &BigRational, context: &Context) -> Result<Value, ValueError> {
        match self {
            Value::Scalar(q) => {
                let size = exponent.numer().abs().to_u64().ok_or(ValueError::Large)?;
                let degree = |p: &crate::exact::Poly| {
                    p.terms().first().map_or(0, |_| {
                        p.terms().iter().map(|(m, _)| u64::from(m.degree())).max().unwrap_or(0)
                    })
                };
                let bits = |p: &crate::exact::Poly| {
                    p.terms().iter().map(|(_, c)| c.bits()).max().unwrap_or(0)
                };
                let (a, b) = (q.numerator(), q.denominator());
                if degree(a).max(degree(b)).saturating_mul(size) > MAX_DEGREE
                    || terms_of_power(a, size).max(terms_of_power(b, size)) > MAX_TERMS
                    || bits(a).max(bits(b)).saturating_mul(size) > MAX_BITS
                {
                    return Err(ValueError::Large);
                }
                if q.is_zero() && exponent.is_negative() {
                    return Err(SeriesError::DivisionByZero.into());
                }
                match rational_power(q, exponent) {
                    Some(power) => Ok(Value::Scalar(power)),
                    None => Ok(Value::Series(expand(q, context)?.power(exponent)?)),
                }
            }
            Value::Series(s) => Ok(Value::Series(s.power(exponent)?)),
            Value::Entrywise(_) => Err(ValueError::Power(self.kind())),
            Value::Differential(d) => {
                let count = exponent.is_integer().then(|| exponent.to_usize()).flatten();
                match count {
                    Some(0) if d.is_scalar_field() => Ok(Value::integer(1)),
                    Some(count) if d.is_scalar_field() => {
                        if count > MAX_NODES {
                            return Err(TooLarge::Nodes.into());
                        }
                        let mut power = d.clone();
                        for _ in 1..count {
                            power = d.multiplied(&power, &context.bounds)?;
                        }
                        Ok(Value::Differential(power))
                    }
                    Some(count) if d.arity == 1 && d.kind == FieldKind::Vector => {
                        if count > MAX_NODES {
                            return Err(TooLarge::Nodes.into());
                        }
                        let mut power = Differential::identity();
                        for _ in 0..count {
                            power = d.filled(0, &power, &context.bounds)?;
                        }
                        Ok(Value::Differential(power))
                    }
                    _ => Err(ValueError::Power(self.kind())),
                }
            }
        }
    }

    /// `exp`, as a power series.
    pub fn exp(&self, context: &Context) -> Result<Value, ValueError> {
        match self {
            Value::Scalar(q) if q.is_zero() => Ok(Value::integer(1)),
            _ => Ok(Value::Series(self.series("exp", context)?.exp()?)),
        }
    }

    /// `log`, as a power series.
    pub fn log(&self, context: &Context) -> Result<Value, ValueError> {
        match self {
            Value::Scalar(q) if q.is_one() => Ok(Value::integer(0)),
            _ => Ok(Value::Series(self.series("log", context)?.log()?)),
        }
    }

    fn series(&self, what: &'static str, context: &Context) -> Result<PowerSeries, ValueError> {
        match self {
            Value::Scalar(q) if context.formal.is_some() => expand(q, context),
            Value::Series(s) => Ok(s.clone()),
            _ => Err(ValueError::NotFormal(what)),
        }
    }
}

/// How many terms the power of a polynomial has at most: `C(degree·exponent + v, v)` for `v`
/// variables.
fn terms_of_power(p: &crate::exact::Poly, exponent: u64) -> u64 {
    let degree = p.terms().iter().map(|(m, _)| u64::from(m.degree())).max().unwrap_or(0);
    let top = degree.saturating_mul(exponent);
    if p.terms().len() <= 1 {
        return 1;
    }
    let variables = p.variables().count() as u64;
    (1..=variables).fold(1u64, |count, k| count.saturating_mul(top.saturating_add(k)) / k)
}

/// Whether two functions of parameters and of a formal variable are better added coefficient by
/// coefficient than over a common denominator.
fn series_is_cheaper(a: &Q, b: &Q, context: &Context) -> bool {
    let Some(Formal { variable, .. }) = context.formal.filter(|f| f.variable != H) else {
        return false;
    };
    let occurs = |q: &Q| q.numerator().degree_in(variable) > 0;
    let (c, d) = (a.denominator(), b.denominator());
    c != d && c.as_constant().is_none() && d.as_constant().is_none() && (occurs(a) || occurs(b))
}

/// A rational function as a series in the formal variable.
fn expand(value: &Q, context: &Context) -> Result<PowerSeries, ValueError> {
    let formal = context.formal.ok_or(ValueError::NotFormal("this"))?;
    Ok(PowerSeries::expand(value, formal.variable, formal.terms))
}

/// Refuses values that would exhaust the memory, before they do.
fn guard(value: Q) -> Result<Value, ValueError> {
    let large = [value.numerator(), value.denominator()].into_iter().any(|p| {
        p.terms().iter().any(|(m, c)| u64::from(m.degree()) > MAX_DEGREE || c.bits() > MAX_BITS)
    });
    if large { Err(ValueError::Large) } else { Ok(Value::Scalar(value)) }
}
