//! What a loss is evaluated with where doubles run out of digits: floating point with 237 bits, 71
//! digits.

use ::f256::{consts, f256};
use bea::exact::Rational;
use bea::loss::{Number, Program};
use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Precise(pub f256);

macro_rules! operators {
    ($($name:ident $method:ident),*) => {
        $(impl $name for Precise {
            type Output = Precise;
            fn $method(self, other: Precise) -> Precise {
                Precise($name::$method(self.0, other.0))
            }
        })*
    };
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Precise {
    type Output = Precise;
    fn neg(self) -> Precise {
        Precise(-self.0)
    }
}

impl From<i64> for Precise {
    fn from(value: i64) -> Precise {
        Precise(f256::from(value))
    }
}

impl From<f64> for Precise {
    fn from(value: f64) -> Precise {
        Precise(f256::from(value))
    }
}

impl From<&BigInt> for Precise {
    fn from(value: &BigInt) -> Precise {
        let word = f256::from(1_u128 << 64);
        let digits = value.iter_u64_digits().rev();
        let size = digits.fold(f256::ZERO, |sum, d| sum * word + f256::from(d));
        Precise(if value.sign() == Sign::Minus { -size } else { size })
    }
}

impl From<&BigRational> for Precise {
    fn from(value: &BigRational) -> Precise {
        Precise::from(value.numer()) / Precise::from(value.denom())
    }
}

impl Precise {
    pub const ZERO: Precise = Precise(f256::ZERO);

    /// The nearest double, to within a few units in the last place.
    pub fn to_f64(self) -> f64 {
        // The value of the leading digits, and their power of ten.
        format!("{:.20e}", self.0).parse().expect("a number")
    }

    /// `2^-n`
    pub fn half_to(n: u32) -> Precise {
        Precise(f256::ONE.div_pow2(n))
    }
}

/// `√(Σ_i x_i²)`
pub fn norm(x: &[Precise]) -> Precise {
    x.iter().fold(Precise::ZERO, |sum, &x| sum + x * x).sqrt()
}

/// The outputs of a program.
pub fn evaluate(program: &Program, inputs: &[Precise]) -> Vec<Precise> {
    let mut out = vec![Precise::ZERO; program.outputs().len()];
    program.evaluate(inputs, &mut out, &mut Vec::new());
    out
}

impl Number for Precise {
    fn from_rational(value: &Rational) -> Precise {
        match value.as_small() {
            Some((top, 1)) => top.into(),
            Some((top, bottom)) => Precise::from(top) / Precise::from(bottom),
            None => Precise::from(&BigRational::from(value.clone())),
        }
    }
    fn pi() -> Precise {
        Precise(consts::PI)
    }
    fn sqrt(&self) -> Precise {
        Precise(self.0.sqrt())
    }
    fn exp(&self) -> Precise {
        Precise(self.0.exp())
    }
    fn log(&self) -> Precise {
        Precise(self.0.ln())
    }
    fn sin(&self) -> Precise {
        Precise(self.0.sin())
    }
    fn cos(&self) -> Precise {
        Precise(self.0.cos())
    }
    /// `2/√π e^(-x²) Σ_n 2^n x^(2n+1)/(2n+1)!!`, in which nothing cancels.
    fn erf(&self) -> Precise {
        if self.0.abs() > f256::from(13) {
            // The rest is less than 1e-74.
            return Precise(self.0.signum());
        }
        let square = *self * *self;
        let (mut term, mut sum) = (*self, *self);
        for n in 1.. {
            term = term * (Precise::from(2) * square / Precise::from(2 * n + 1));
            let next = sum + term;
            if next == sum {
                break;
            }
            sum = next;
        }
        Precise::from(2) / Self::pi().sqrt() * (-square).exp() * sum
    }
    fn compare_real(&self, other: &Precise) -> Option<Ordering> {
        self.partial_cmp(other)
    }
}
