//! Bounds for the rounding errors of an evaluation, found along with the value.
//!
//! Source: Higham, *Accuracy and Stability of Numerical Algorithms*, section 3.3 (running error analysis).

use super::function::Function;
use super::number::Number;
use bea_series::exact::Rational;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The unit roundoff.
const UNIT: f64 = f64::EPSILON / 2.0;
/// How many units roundoff an elementary function may be off.
const FUNCTION: f64 = 4.0;

/// A double and a bound for its distance to the exact value of what it was computed from. Inputs are
/// exact; a bound of 0 means that nothing was rounded.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bounded {
    /// The value.
    pub(crate) value: f64,
    /// The bound.
    pub(crate) error: f64,
}

impl Bounded {
    /// An exact number.
    pub(crate) fn exact(value: f64) -> Bounded {
        Bounded { value, error: 0.0 }
    }

    /// A result that was rounded, of operands whose errors make `error`.
    fn rounded(value: f64, error: f64) -> Bounded {
        let rounding = match value.abs() {
            size if !size.is_finite() => f64::INFINITY,
            size if size < f64::MIN_POSITIVE => f64::from_bits(1),
            size => UNIT * size,
        };
        Bounded { value, error: error + rounding }
    }

    /// `f` of a value, which is monotonic where it matters: over the width of the error.
    fn through(self, f: impl Fn(f64) -> f64) -> Bounded {
        let value = f(self.value);
        let ends = [self.value - self.error, self.value + self.error].map(|x| (f(x) - value).abs());
        let rounding = FUNCTION * UNIT * value.abs() + f64::MIN_POSITIVE;
        // Where it is undefined within the error, nothing is known.
        let known = !ends[0].is_nan() && !ends[1].is_nan();
        let error = if known { ends[0].max(ends[1]) + rounding } else { f64::INFINITY };
        Bounded { value, error }
    }
}

impl Add for Bounded {
    type Output = Bounded;
    fn add(self, other: Bounded) -> Bounded {
        let value = self.value + other.value;
        let error = self.error + other.error;
        // What is added exactly: 0, and what cancels altogether.
        if self.value == 0.0 || other.value == 0.0 || value == 0.0 {
            return Bounded { value, error };
        }
        Bounded::rounded(value, error)
    }
}

impl Sub for Bounded {
    type Output = Bounded;
    fn sub(self, other: Bounded) -> Bounded {
        self + -other
    }
}

impl Mul for Bounded {
    type Output = Bounded;
    fn mul(self, other: Bounded) -> Bounded {
        let value = self.value * other.value;
        let error = self.value.abs() * other.error
            + other.value.abs() * self.error
            + self.error * other.error;
        let exact = |a: Bounded| a.error == 0.0 && (a.value == 0.0 || a.value.abs() == 1.0);
        if exact(self) || exact(other) {
            return Bounded { value, error };
        }
        Bounded::rounded(value, error)
    }
}

impl Div for Bounded {
    type Output = Bounded;
    fn div(self, other: Bounded) -> Bounded {
        let value = self.value / other.value;
        let least = other.value.abs() - other.error;
        if self == Bounded::exact(0.0) && least > 0.0 {
            return Bounded::exact(value);
        }
        let error = (self.error + value.abs() * other.error) / least;
        Bounded::rounded(value, if least > 0.0 { error } else { f64::INFINITY })
    }
}

impl Neg for Bounded {
    type Output = Bounded;
    fn neg(self) -> Bounded {
        Bounded { value: -self.value, error: self.error }
    }
}

impl Number for Bounded {
    fn from_rational(exact: &Rational) -> Bounded {
        Bounded::from_constant(exact, exact.to_f64())
    }
    fn from_constant(exact: &Rational, rounded: f64) -> Bounded {
        // Whole numbers and binary fractions of so few bits are doubles.
        let is_double = exact
            .as_small()
            .is_some_and(|(n, d)| n.unsigned_abs() < 1 << 53 && (d as u64).is_power_of_two());
        if is_double { Bounded::exact(rounded) } else { Bounded::rounded(rounded, 0.0) }
    }
    fn pi() -> Bounded {
        Bounded::rounded(std::f64::consts::PI, 0.0)
    }
    fn sqrt(&self) -> Bounded {
        if *self == Bounded::exact(0.0) {
            return *self;
        }
        if self.value < -self.error {
            return Bounded { value: f64::NAN, error: f64::INFINITY };
        }
        self.through(|x| x.max(0.0).sqrt())
    }
    fn exp(&self) -> Bounded {
        self.through(f64::exp)
    }
    fn log(&self) -> Bounded {
        self.through(f64::ln)
    }
    fn sin(&self) -> Bounded {
        self.through(f64::sin)
    }
    fn cos(&self) -> Bounded {
        self.through(f64::cos)
    }
    fn erf(&self) -> Bounded {
        self.apply(Function::Erf)
    }
    fn compare_real(&self, other: &Bounded) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
    fn power(&self, exponent: &Rational) -> Bounded {
        self.through(|x| Number::power(&x, exponent))
    }
    fn raise(&self, exponent: &Bounded) -> Bounded {
        if self.value < 0.0 && exponent.error == 0.0 {
            return self.through(|x| Number::raise(&x, &exponent.value));
        }
        (*exponent * self.log()).exp()
    }
    fn apply(&self, function: Function) -> Bounded {
        let is_zero = *self == Bounded::exact(0.0);
        match function {
            Function::Abs if self.value < 0.0 => -*self,
            Function::Abs => *self,
            Function::Relu if self.value <= 0.0 => {
                Bounded { value: 0.0, error: (self.value + self.error).max(0.0) }
            }
            Function::Relu => *self,
            Function::Elu if self.value > 0.0 => *self,
            Function::Sin | Function::Tan | Function::Sinh | Function::Tanh | Function::Erf
                if is_zero =>
            {
                *self
            }
            _ => self.through(|x| Number::apply(&x, function)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64) -> Bounded {
        Bounded::exact(x)
    }

    #[test]
    fn what_is_not_rounded_is_exact() {
        assert_eq!(at(3.0) - at(3.0), at(0.0));
        assert_eq!((at(1.5) - at(1.5)) * at(0.1), at(0.0));
        assert_eq!(at(-2.0).apply(Function::Relu), at(0.0));
    }

    #[test]
    fn what_may_be_undefined_has_no_bound() {
        let rest = at(1.0) - at(40.0).apply(Function::Sigmoid);
        assert!(rest.apply(Function::Relu).error >= 4.2e-18);
        assert!(rest.log().error.is_infinite());
        assert!(at(-1.0).sqrt().value.is_nan());
    }

    #[test]
    fn cancellation_leaves_its_bound() {
        // 1 - σ(40) = 4e-18, computed as 0.
        let rest = at(1.0) - at(40.0).apply(Function::Sigmoid);
        assert_eq!(rest.value, 0.0);
        assert!(rest.error >= 4.2e-18 && rest.error < 1e-14, "{rest:?}");
        // An underflow is no zero.
        let small = at(-800.0).exp();
        assert!(small.value == 0.0 && small.error > 0.0);
    }

    #[test]
    fn the_bound_holds_the_error() {
        // (x+1)^2 - x^2 - 2x - 1 = 0.
        for x in [0.1, 1e3, 1e8, 123_456.789] {
            let (x, one) = (at(x), at(1.0));
            let rest = (x + one) * (x + one) - x * x - (x + x) - one;
            assert!(rest.value.abs() <= rest.error, "{rest:?}");
        }
    }
}
