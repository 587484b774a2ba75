//! What a program computes with: doubles, complex doubles, or any other numbers with the elementary
//! functions.

use super::function::Function;
use bea_series::exact::Rational;
use errorfunctions::ComplexErrorFunctions;
use num_complex::Complex64;
use std::cmp::Ordering;
use std::f64::consts::{FRAC_1_SQRT_2, PI, TAU};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A field with the elementary functions, to some precision.
///
/// The other functions have default definitions in terms of these; where they would lose digits or
/// overflow, [`apply`](Number::apply) is to be overridden.
pub trait Number:
    Clone
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The nearest number.
    fn from_rational(value: &Rational) -> Self;
    /// The nearest number to `exact`, whose nearest double is known.
    fn from_constant(exact: &Rational, _rounded: f64) -> Self {
        Self::from_rational(exact)
    }
    /// `π`.
    fn pi() -> Self;
    /// The principal square root.
    fn sqrt(&self) -> Self;
    /// `e^x`.
    fn exp(&self) -> Self;
    /// The natural logarithm, principal branch.
    fn log(&self) -> Self;
    /// Sine.
    fn sin(&self) -> Self;
    /// Cosine.
    fn cos(&self) -> Self;
    /// The error function.
    fn erf(&self) -> Self;
    /// How the real parts compare; `None` if they do not.
    fn compare_real(&self, other: &Self) -> Option<Ordering>;

    /// Whether there is no imaginary part.
    fn is_real(&self) -> bool {
        true
    }

    /// `self/other`. To be overridden where the operator overflows and the quotient does not; doubles give NaN for
    /// a quotient by infinity, which has overflowed.
    fn quotient(&self, other: &Self) -> Self {
        self.clone() / other.clone()
    }

    /// `self^exponent`, the principal branch.
    fn power(&self, exponent: &Rational) -> Self {
        (Self::from_rational(exponent) * self.log()).exp()
    }

    /// `self^exponent`, the principal branch. To be overridden where the logarithm of a negative number is not
    /// complex, and the exponent may be a whole number.
    fn raise(&self, exponent: &Self) -> Self {
        (exponent.clone() * self.log()).exp()
    }

    /// `function(self)`.
    fn apply(&self, function: Function) -> Self {
        let number = |n: i64| Self::from_rational(&n.into());
        let (zero, one, two) = (number(0), number(1), number(2));
        let order = self.compare_real(&zero);
        match function {
            Function::Exp => self.exp(),
            Function::Log => self.log(),
            Function::Sin => self.sin(),
            Function::Cos => self.cos(),
            Function::Tan => self.sin() / self.cos(),
            Function::Sinh => (self.exp() - (-self.clone()).exp()) / two,
            Function::Cosh => (self.exp() + (-self.clone()).exp()) / two,
            Function::Tanh => {
                let (up, down) = (self.exp(), (-self.clone()).exp());
                (up.clone() - down.clone()) / (up + down)
            }
            Function::Abs => match order {
                Some(Ordering::Less) => -self.clone(),
                _ => self.clone(),
            },
            Function::Relu => match order {
                Some(Ordering::Less | Ordering::Equal) => zero,
                _ => self.clone(),
            },
            Function::Elu => match order {
                Some(Ordering::Less | Ordering::Equal) => self.exp() - one,
                _ => self.clone(),
            },
            Function::Sigmoid => one.clone() / (one + (-self.clone()).exp()),
            Function::Softplus => (one + self.exp()).log(),
            Function::Erf => self.erf(),
            Function::NormalCdf => (one + (self.clone() / two.clone().sqrt()).erf()) / two,
            Function::Gelu => self.clone() * self.apply(Function::NormalCdf),
        }
    }
}

impl Number for f64 {
    fn from_rational(value: &Rational) -> f64 {
        value.to_f64()
    }
    fn from_constant(_exact: &Rational, rounded: f64) -> f64 {
        rounded
    }
    fn pi() -> f64 {
        PI
    }
    #[inline]
    fn sqrt(&self) -> f64 {
        f64::sqrt(*self)
    }
    fn exp(&self) -> f64 {
        f64::exp(*self)
    }
    fn log(&self) -> f64 {
        f64::ln(*self)
    }
    fn sin(&self) -> f64 {
        f64::sin(*self)
    }
    fn cos(&self) -> f64 {
        f64::cos(*self)
    }
    fn erf(&self) -> f64 {
        libm::erf(*self)
    }
    #[inline]
    fn compare_real(&self, other: &f64) -> Option<Ordering> {
        self.partial_cmp(other)
    }
    #[inline]
    fn quotient(&self, other: &f64) -> f64 {
        self / other + other * 0.0
    }
    fn power(&self, exponent: &Rational) -> f64 {
        power(*self, exponent.to_f64())
    }
    fn raise(&self, exponent: &f64) -> f64 {
        raise(*self, *exponent)
    }
    fn apply(&self, function: Function) -> f64 {
        let x = *self;
        match function {
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Tan => x.tan(),
            Function::Sinh => x.sinh(),
            Function::Cosh => x.cosh(),
            Function::Tanh => x.tanh(),
            Function::Abs => x.abs(),
            Function::Relu if x <= 0.0 => 0.0,
            Function::Elu if x <= 0.0 => x.exp_m1(),
            Function::Relu | Function::Elu => x,
            Function::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
            Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Function::Erf => libm::erf(x),
            Function::NormalCdf => 0.5 * libm::erfc(-x * FRAC_1_SQRT_2),
            Function::Gelu => 0.5 * x * libm::erfc(-x * FRAC_1_SQRT_2),
        }
    }
}

impl Number for Complex64 {
    fn is_real(&self) -> bool {
        self.im == 0.0
    }
    fn from_rational(value: &Rational) -> Complex64 {
        value.to_f64().into()
    }
    fn from_constant(_exact: &Rational, rounded: f64) -> Complex64 {
        rounded.into()
    }
    fn pi() -> Complex64 {
        PI.into()
    }
    fn sqrt(&self) -> Complex64 {
        Complex64::sqrt(*self)
    }
    fn exp(&self) -> Complex64 {
        Complex64::exp(*self)
    }
    fn log(&self) -> Complex64 {
        Complex64::ln(*self)
    }
    fn sin(&self) -> Complex64 {
        Complex64::sin(*self)
    }
    fn cos(&self) -> Complex64 {
        Complex64::cos(*self)
    }
    fn erf(&self) -> Complex64 {
        ComplexErrorFunctions::erf(*self)
    }
    fn compare_real(&self, other: &Complex64) -> Option<Ordering> {
        self.re.partial_cmp(&other.re)
    }
    fn quotient(&self, other: &Complex64) -> Complex64 {
        quotient(*self, *other)
    }
    fn power(&self, exponent: &Rational) -> Complex64 {
        match exponent.as_integer().and_then(|n| i32::try_from(n).ok()) {
            Some(n) => self.powi(n),
            None => self.powf(exponent.to_f64()),
        }
    }
    fn raise(&self, exponent: &Complex64) -> Complex64 {
        let whole = exponent.im == 0.0 && exponent.re.fract() == 0.0;
        if whole && self.im == 0.0 {
            raise(self.re, exponent.re).into()
        } else if whole && exponent.re.abs() <= f64::from(i32::MAX) {
            self.powi(exponent.re as i32)
        } else {
            (exponent * self.ln()).exp()
        }
    }
    fn apply(&self, function: Function) -> Complex64 {
        let z = *self;
        match function {
            Function::Exp => z.exp(),
            Function::Log => z.ln(),
            Function::Sin => z.sin(),
            Function::Cos => z.cos(),
            // tan z = -i tanh(iz)
            Function::Tan => {
                let t = tanh(Complex64::new(-z.im, z.re));
                Complex64::new(t.im, -t.re)
            }
            Function::Sinh => z.sinh(),
            Function::Cosh => z.cosh(),
            Function::Tanh => tanh(z),
            Function::Abs if z.re < 0.0 => -z,
            Function::Abs => z,
            Function::Relu if z.re <= 0.0 => Complex64::ZERO,
            Function::Elu if z.re <= 0.0 => exp_m1(z),
            Function::Relu | Function::Elu => z,
            Function::Sigmoid if z.re < 0.0 => z.exp() / (1.0 + z.exp()),
            Function::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Function::Softplus if z.re <= 0.0 => ln_1p(z.exp()),
            // log(1 + e^z) = z + log(1 + e^(-z)) up to multiples of 2πi.
            Function::Softplus => {
                let value = z + ln_1p((-z).exp());
                Complex64::new(value.re, value.im - TAU * (value.im / TAU).round())
            }
            Function::Erf => ComplexErrorFunctions::erf(z),
            Function::NormalCdf => 0.5 * ComplexErrorFunctions::erfc(-z * FRAC_1_SQRT_2),
            Function::Gelu => 0.5 * z * ComplexErrorFunctions::erfc(-z * FRAC_1_SQRT_2),
        }
    }
}

/// `x^r`, NaN for an infinite `x` as in [`Number::quotient`].
pub(super) fn power(x: f64, r: f64) -> f64 {
    x.powf(r) + x * 0.0
}

/// `x^y`, NaN for an infinite `x` as in [`Number::quotient`], and where `e^(y log x)` has no limit.
pub(super) fn raise(x: f64, y: f64) -> f64 {
    if x == 0.0 && y == 0.0 { f64::NAN } else { power(x, y) }
}

/// `a/b`, where `|b|²` would overflow or underflow as well.
pub(crate) fn quotient(a: Complex64, b: Complex64) -> Complex64 {
    let size = b.norm();
    if (1e-140..1e140).contains(&size) || size == 0.0 || !size.is_finite() {
        return a / b;
    }
    // By a power of two nothing is rounded.
    let unit = 2f64.powi((-(size.log2() as i32)).clamp(-1022, 1000));
    a * unit / (b * unit)
}

/// `tanh z`, without overflow far from the imaginary axis.
fn tanh(z: Complex64) -> Complex64 {
    if z.re.abs() < 10.0 {
        return z.tanh();
    }
    let e = (-2.0 * z.re.signum() * z).exp();
    z.re.signum() * (1.0 - e) / (1.0 + e)
}

/// `e^z - 1`, accurate near 0.
fn exp_m1(z: Complex64) -> Complex64 {
    let half = (0.5 * z.im).sin();
    Complex64::new(z.re.exp_m1() * z.im.cos() - 2.0 * half * half, z.re.exp() * z.im.sin())
}

/// `log(1 + z)`, accurate near 0.
fn ln_1p(z: Complex64) -> Complex64 {
    let re = if z.norm_sqr() < 0.25 {
        0.5 * (z.re * (2.0 + z.re) + z.im * z.im).ln_1p()
    } else {
        (1.0 + z).norm().ln()
    };
    Complex64::new(re, z.im.atan2(1.0 + z.re))
}
