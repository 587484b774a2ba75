//! Fixed-point numbers with 512 fractional bits, for measurements far below `f64`.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

const BITS: usize = 512;

#[derive(Clone, PartialEq, Debug)]
pub struct Fixed(BigInt);

impl Fixed {
    pub fn zero() -> Fixed {
        Fixed(BigInt::zero())
    }
    pub fn one() -> Fixed {
        Fixed(BigInt::from(1) << BITS)
    }
    pub fn add(&self, other: &Fixed) -> Fixed {
        Fixed(&self.0 + &other.0)
    }
    pub fn sub(&self, other: &Fixed) -> Fixed {
        Fixed(&self.0 - &other.0)
    }
    pub fn mul(&self, other: &Fixed) -> Fixed {
        Fixed((&self.0 * &other.0) >> BITS)
    }
    pub fn over(&self, n: i64) -> Fixed {
        Fixed(&self.0 / n)
    }
    /// `log2 |self|`, to a few digits.
    pub fn log2_abs(&self) -> f64 {
        let bits = self.0.bits();
        if bits == 0 {
            return f64::NEG_INFINITY;
        }
        let shift = bits.saturating_sub(60);
        let lead = (self.0.abs() >> shift).to_f64().expect("60 bits");
        lead.log2() + shift as f64 - BITS as f64
    }
}

impl From<&BigRational> for Fixed {
    fn from(value: &BigRational) -> Fixed {
        Fixed((value.numer() << BITS) / value.denom())
    }
}
