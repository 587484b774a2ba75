//! Doubles with exponents of 64 bits: what overflows or underflows on the way to a value that a double can hold,
//! `log(exp(x) + exp(y))` at 1000 or `sqrt(x^2 + y^2)` at 1e200, has its value nevertheless. Results are those of
//! doubles, bit for bit, wherever these have neither overflow nor underflow.

use super::function::Function;
use super::number::Number;
use bea_series::exact::Rational;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::cmp::Ordering;
use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LOG10_2, PI};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `log 2` minus its nearest double.
const LN_2_REST: f64 = 2.319_046_813_846_299_6e-17;
/// `e^x` of doubles has neither overflow nor underflow up to here.
const EXP: f64 = 700.0;
/// Odd functions are their first term, and even ones constant, below this.
const TINY: f64 = 1e-150;

/// `m 2^e + πi turns`. The imaginary part is kept for logarithms of negative numbers alone, where it is a
/// multiple of `π` that is known exactly: `exp(3 log(-2))` is `-8`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wide {
    /// 0, not finite, or between 1/2 and 1 in size.
    mantissa: f64,
    exponent: i64,
    turns: f64,
}

impl Wide {
    const NAN: Wide = Wide { mantissa: f64::NAN, exponent: 0, turns: 0.0 };

    fn real(mantissa: f64, exponent: i64) -> Wide {
        if mantissa == 0.0 || !mantissa.is_finite() {
            return Wide { mantissa, exponent: 0, turns: 0.0 };
        }
        // Subnormal numbers first.
        let (mantissa, exponent) = if mantissa.abs() < f64::MIN_POSITIVE {
            (mantissa * 2f64.powi(100), exponent - 100)
        } else {
            (mantissa, exponent)
        };
        let bits = mantissa.to_bits();
        let own = ((bits >> 52) & 0x7ff) as i64 - 1022;
        let unit = f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52);
        match exponent.checked_add(own) {
            Some(exponent) => Wide { mantissa: unit, exponent, turns: 0.0 },
            None if exponent < 0 => Wide { mantissa: 0.0 * mantissa, exponent: 0, turns: 0.0 },
            None => Wide { mantissa: mantissa * f64::INFINITY, exponent: 0, turns: 0.0 },
        }
    }

    /// The nearest double: 0 or infinite beyond the range; NaN where there is no real value.
    pub fn to_f64(self) -> f64 {
        if self.turns != 0.0 {
            return f64::NAN;
        }
        let e = self.exponent.clamp(-2200, 2200) as i32;
        // In two factors, neither of which overflows.
        self.mantissa * 2f64.powi(e / 2) * 2f64.powi(e - e / 2)
    }

    /// Whether there is a real value, of any size.
    pub fn is_defined(self) -> bool {
        self.turns == 0.0 && self.mantissa.is_finite()
    }

    /// Its real part as a double where it is of moderate size.
    fn moderate(self) -> Option<f64> {
        let fits = self.mantissa == 0.0 || (-1000..1000).contains(&self.exponent);
        (fits && self.mantissa.is_finite()).then(|| Wide { turns: 0.0, ..self }.to_f64())
    }

    fn is_negative(self) -> bool {
        self.mantissa < 0.0
    }

    fn is_tiny(self) -> bool {
        self.mantissa == 0.0 || self.exponent < TINY.log2() as i64
    }

    /// A function of doubles, where there is no better way.
    fn through(self, f: impl Fn(f64) -> f64) -> Wide {
        if self.turns != 0.0 { Wide::NAN } else { Wide::real(f(self.to_f64()), 0) }
    }

    /// `e^x` for a real `x` that is not moderate for doubles.
    fn exp_far(x: f64) -> Wide {
        if x.abs() >= 1e15 {
            return Wide::real(if x < 0.0 { 0.0 } else { x * f64::INFINITY }, 0);
        }
        let k = (x / LN_2).round();
        let rest = (-k).mul_add(LN_2_REST, (-k).mul_add(LN_2, x));
        Wide::real(rest.exp(), k as i64)
    }

    fn half(self) -> Wide {
        Wide { exponent: self.exponent - 1, ..self }
    }
}

impl From<f64> for Wide {
    fn from(x: f64) -> Wide {
        Wide::real(x, 0)
    }
}

/// In decimals, with six digits: `1.97007e434`.
impl std::fmt::Display for Wide {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_f64();
        if !self.is_defined() || value.is_finite() && (value != 0.0 || self.mantissa == 0.0) {
            return write!(out, "{value}");
        }
        let decimal = self.mantissa.abs().log10() + self.exponent as f64 * LOG10_2;
        let sign = if self.is_negative() { "-" } else { "" };
        let digits = format!("{:.5}", 10f64.powf(decimal - decimal.floor()));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        write!(out, "{sign}{digits}e{}", decimal.floor())
    }
}

impl Add for Wide {
    type Output = Wide;
    fn add(self, other: Wide) -> Wide {
        let turns = self.turns + other.turns;
        let (large, small) =
            if self.mantissa == 0.0 || other.mantissa != 0.0 && other.exponent > self.exponent {
                (other, self)
            } else {
                (self, other)
            };
        let down = large.exponent.saturating_sub(small.exponent);
        let sum = if small.mantissa == 0.0 || !large.mantissa.is_finite() {
            Wide::real(large.mantissa + small.mantissa, large.exponent)
        } else if !small.mantissa.is_finite() {
            Wide::real(small.mantissa, 0)
        } else if down > 200 {
            large
        } else {
            Wide::real(large.mantissa + small.mantissa * 2f64.powi(-(down as i32)), large.exponent)
        };
        Wide { turns, ..sum }
    }
}

impl Sub for Wide {
    type Output = Wide;
    fn sub(self, other: Wide) -> Wide {
        self + -other
    }
}

impl Neg for Wide {
    type Output = Wide;
    fn neg(self) -> Wide {
        Wide { mantissa: -self.mantissa, turns: -self.turns, ..self }
    }
}

impl Mul for Wide {
    type Output = Wide;
    fn mul(self, other: Wide) -> Wide {
        let product = Wide::real(
            self.mantissa * other.mantissa,
            self.exponent.saturating_add(other.exponent),
        );
        match (self.turns, other.turns) {
            (0.0, 0.0) => product,
            (turns, 0.0) => Wide { turns: turns * other.to_f64(), ..product },
            (0.0, turns) => Wide { turns: turns * self.to_f64(), ..product },
            _ => Wide::NAN,
        }
    }
}

impl Div for Wide {
    type Output = Wide;
    fn div(self, other: Wide) -> Wide {
        if other.turns != 0.0 {
            return Wide::NAN;
        }
        let quotient = Wide::real(
            self.mantissa / other.mantissa,
            self.exponent.saturating_sub(other.exponent),
        );
        let turns = if self.turns == 0.0 { 0.0 } else { self.turns / other.to_f64() };
        Wide { turns, ..quotient }
    }
}

impl Number for Wide {
    fn from_rational(value: &Rational) -> Wide {
        Wide::from_constant(value, value.to_f64())
    }
    fn from_constant(exact: &Rational, rounded: f64) -> Wide {
        if rounded.is_normal() || exact.is_zero() {
            return rounded.into();
        }
        let exact = BigRational::from(exact.clone());
        let shift = exact.numer().bits() as i64 - exact.denom().bits() as i64;
        let (n, d) = (exact.numer().clone(), exact.denom().clone());
        let scaled = if shift > 0 {
            BigRational::new(n, d << shift)
        } else {
            BigRational::new(n << -shift, d)
        };
        Wide::real(scaled.to_f64().unwrap_or(f64::NAN), shift)
    }
    fn pi() -> Wide {
        PI.into()
    }
    fn sqrt(&self) -> Wide {
        if self.turns != 0.0 {
            return Wide::NAN;
        }
        let odd = self.exponent.rem_euclid(2);
        let mantissa = self.mantissa * if odd == 1 { 2.0 } else { 1.0 };
        Wide::real(mantissa.sqrt(), (self.exponent - odd) / 2)
    }
    fn exp(&self) -> Wide {
        let size = match self.moderate() {
            Some(x) if x.abs() <= EXP => Wide::from(x.exp()),
            Some(x) => Wide::exp_far(x),
            // A number too small for a double; the others are too large for one.
            None if self.mantissa.is_finite() && self.exponent < 0 => Wide::from(1.0),
            None => Wide::exp_far(self.mantissa * f64::INFINITY),
        };
        match self.turns.rem_euclid(2.0) {
            0.0 => size,
            1.0 => -size,
            _ => Wide::NAN,
        }
    }
    fn log(&self) -> Wide {
        if self.turns != 0.0 {
            return Wide::NAN;
        }
        let size = Wide { mantissa: self.mantissa.abs(), ..*self };
        let value = match size.moderate() {
            Some(x) => x.ln(),
            None => {
                let e = size.exponent as f64;
                e * LN_2 + (e * LN_2_REST + size.mantissa.ln())
            }
        };
        Wide { turns: f64::from(u8::from(self.is_negative())), ..Wide::from(value) }
    }
    fn sin(&self) -> Wide {
        self.apply(Function::Sin)
    }
    fn cos(&self) -> Wide {
        self.apply(Function::Cos)
    }
    fn erf(&self) -> Wide {
        self.apply(Function::Erf)
    }
    fn compare_real(&self, other: &Wide) -> Option<Ordering> {
        let rest = *self - *other;
        rest.mantissa.partial_cmp(&0.0)
    }
    fn power(&self, exponent: &Rational) -> Wide {
        let r = exponent.to_f64();
        if self.turns != 0.0 || self.is_negative() && !exponent.is_integer() {
            return Wide::NAN;
        }
        if let Some(x) = self.moderate() {
            let value = x.powf(r);
            if value.is_normal() || x == 0.0 {
                return value.into();
            }
        }
        if self.mantissa == 0.0 || !self.mantissa.is_finite() {
            return Wide::real(self.mantissa.powf(r), 0);
        }
        // |m 2^e|^r = 2^(er + r log2 |m|), the first product with its rounding error.
        let e = self.exponent as f64;
        let whole = (e * r).round();
        let rest = e.mul_add(r, -whole) + r * self.mantissa.abs().log2();
        let more = rest.round();
        let sign = self.mantissa.signum().powf(r);
        Wide::real(sign * (rest - more).exp2(), (whole as i64).saturating_add(more as i64))
    }
    fn raise(&self, exponent: &Wide) -> Wide {
        let real = self.turns == 0.0 && exponent.turns == 0.0;
        match exponent.moderate() {
            // Whole numbers of more digits are not told from those beside them.
            Some(n) if real && n.fract() == 0.0 && n.abs() < (1_i64 << 53) as f64 && n != 0.0 => {
                self.power(&(n as i64).into())
            }
            Some(y) if real && self.mantissa > 0.0 => match self.moderate() {
                Some(x) if x.powf(y).is_normal() => x.powf(y).into(),
                _ => (*exponent * self.log()).exp(),
            },
            _ => (*exponent * self.log()).exp(),
        }
    }
    fn apply(&self, function: Function) -> Wide {
        let x = self.to_f64();
        let far = self.turns == 0.0 && !self.mantissa.is_nan() && x.abs() > EXP;
        let tiny = self.turns == 0.0 && self.is_tiny();
        match function {
            Function::Exp => self.exp(),
            Function::Log => self.log(),
            _ if self.turns != 0.0 => Wide::NAN,
            Function::Abs => Wide { mantissa: self.mantissa.abs(), ..*self },
            Function::Relu | Function::Elu if self.mantissa > 0.0 => *self,
            Function::Sin | Function::Tan | Function::Sinh | Function::Tanh if tiny => *self,
            Function::Elu if tiny => *self,
            Function::Erf if tiny => Wide::from(FRAC_2_SQRT_PI) * *self,
            Function::Gelu if tiny => self.half(),
            Function::Cosh if far => Wide { mantissa: self.mantissa.abs(), ..*self }.exp().half(),
            Function::Sinh if far && self.is_negative() => -(-*self).exp().half(),
            Function::Sinh if far => self.exp().half(),
            Function::Softplus if far && x > 0.0 => *self,
            Function::Softplus | Function::Sigmoid if far && x < 0.0 => self.exp(),
            Function::Gelu if far && x > 0.0 => *self,
            _ => self.through(|x| Number::apply(&x, function)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wide(x: f64) -> Wide {
        x.into()
    }

    #[test]
    fn what_overflows_on_the_way_has_its_value() {
        let one = wide(1.0);
        // log(1 + e^1000), e^1000/(1 + e^1000), sqrt(2e400).
        let e = wide(1000.0).exp();
        assert_eq!((one + e).log().to_f64(), 1000.0);
        assert_eq!((e / (one + e)).to_f64(), 1.0);
        let square = wide(1e200) * wide(1e200);
        assert_eq!((square + square).sqrt().to_f64(), 2f64.sqrt() * 1e200);
        let square = wide(1e-200) * wide(1e-200);
        assert!(((square + square).sqrt().to_f64() / (2f64.sqrt() * 1e-200) - 1.0).abs() < 1e-15);
        // e^0 of what is no double.
        assert_eq!((-square).exp().to_f64(), 1.0);
        assert_eq!(wide(1e-305).exp().to_f64(), 1.0);
        // e^1000 and e^-1000 to sixteen digits.
        assert_eq!(e.to_string(), "1.97007e434");
        assert_eq!((-wide(1000.0).exp()).to_string(), "-1.97007e434");
        assert_eq!(wide(-1000.0).exp().to_string(), "5.07596e-435");
        assert_eq!((e * wide(-1000.0).exp()).to_f64(), 1.0);
        let scaled = e / wide(1e300);
        assert!((scaled.to_f64() / 1.970_071_114_017_046_9e134 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn powers_of_negative_numbers_with_whole_exponents() {
        let power = |x: f64, y: f64| (wide(y) * wide(x).log()).exp();
        assert!((power(-2.0, 3.0).to_f64() + 8.0).abs() < 1e-14);
        assert!((power(-2.0, -2.0).to_f64() - 0.25).abs() < 1e-15);
        assert!(!power(-2.0, 0.5).is_defined());
        assert!(!wide(-2.0).log().is_defined());
        assert_eq!(wide(-1e200).power(&3.into()).to_string(), "-1e600");
        assert!(!wide(-1.0).sqrt().is_defined());
    }

    /// Digits of Python's integers.
    #[test]
    fn powers_beyond_doubles() {
        let power = |x: f64, r: (i64, i64)| wide(x).power(&Rational::new(r.0, r.1).unwrap());
        for (x, r, expected) in [
            (3.0, (10_000, 1), "1.63135e4771"),
            (-3.0, (10_001, 1), "-4.89405e4771"),
            (3.0, (-5000, 1), "2.47586e-2386"),
            (0.01, (3000, 1), "1e-6000"),
            (3.0, (20_001, 2), "2.82558e4771"),
            (1e-200, (100, 1), "1e-20000"),
        ] {
            assert_eq!(power(x, r).to_string(), expected, "{x}^{r:?}");
        }
        assert_eq!(wide(3.0).raise(&wide(1e4)).to_string(), "1.63135e4771");
        assert_eq!(wide(2.0).raise(&wide(-1e4)).to_string(), "5.01237e-3011");
        assert!(wide(0.0).power(&10_000.into()).to_f64() == 0.0);
        // The reciprocal, and the square of a root.
        let product = power(3.0, (10_000, 1)) * power(3.0, (-10_000, 1));
        assert!((product.to_f64() - 1.0).abs() < 1e-11);
    }

    proptest! {
        /// The operations of doubles, where they do not leave their range.
        #[test]
        fn moderate_values_are_those_of_doubles(
            x in -30.0..30.0f64,
            y in -30.0..30.0f64,
            p in -100..100i32,
            q in -100..100i32,
        ) {
            let (x, y) = (x * 10f64.powi(p), y * 10f64.powi(q));
            let (a, b) = (wide(x), wide(y));
            let same = |wide: Wide, double: f64| {
                !double.is_normal() && double != 0.0 || wide.to_f64().to_bits() == double.to_bits()
            };
            prop_assert!(same(a, x) && same(a + b, x + y) && same(a - b, x - y));
            prop_assert!(same(a * b, x * y) && same(a / b, x / y));
            prop_assert!(same(a.sqrt(), x.sqrt()) || x < 0.0);
            for function in Function::ALL {
                let double = Number::apply(&x, function);
                let found = a.apply(function);
                // Beyond doubles it is more accurate.
                let close = (found.to_f64() / double - 1.0).abs() < 1e-15;
                prop_assert!(same(found, double) || close, "{:?} at {}", function, x);
            }
            let r = Rational::new(7, 3).unwrap();
            prop_assert!(same(a.power(&r), x.powf(7.0 / 3.0)) || x < 0.0);
            prop_assert_eq!(a.compare_real(&b), x.partial_cmp(&y));
        }
    }
}
