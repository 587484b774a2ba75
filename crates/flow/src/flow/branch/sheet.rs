//! An eigenvalue with a value of its logarithm.

use crate::flow::branch::alpha::log_1p;
use num_complex::Complex64;
use std::f64::consts::TAU;

/// A point of the Riemann surface of `log P`, where `P` is the principal root of the optimizer:
/// `P(z) = 1 + z` for gradient descent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::flow) struct Sheet {
    pub(in crate::flow) z: Complex64,
    /// `R(z)`, where `P(z) = 1 + z R(z)`: 1 for gradient descent.
    pub(in crate::flow) rate: Complex64,
    /// `log P(z)`.
    pub(in crate::flow) log: Complex64,
}

impl Sheet {
    /// Of gradient descent, where `log` is a value of `log(1+z)`.
    pub(in crate::flow) fn descent(z: Complex64, log: Complex64) -> Sheet {
        Sheet { z, rate: Complex64::ONE, log }
    }

    /// `P(z)`.
    pub(in crate::flow) fn root(&self) -> Complex64 {
        1.0 + self.z * self.rate
    }

    /// The same with the principal value of the logarithm.
    pub(in crate::flow) fn principal(self) -> Sheet {
        Sheet { log: log_1p(self.z * self.rate), ..self }
    }

    /// The same with the value of the logarithm whose imaginary part is nearest to `im`.
    pub(in crate::flow) fn near(self, im: f64) -> Sheet {
        let mut log = log_1p(self.z * self.rate);
        // A turn by exactly π is one to the upper side.
        log.im += TAU * ((im - log.im) / TAU + 1e-9).round();
        Sheet { log, ..self }
    }

    /// `log P(z)/z`.
    pub(in crate::flow) fn coefficient(&self) -> Complex64 {
        // R(z) + O(z); the quotient of tiny numbers would underflow.
        let tiny = self.z.norm() < f64::EPSILON / 4.0 && self.log.norm() < 1.0;
        if tiny { self.rate } else { self.log / self.z }
    }

    /// The point that belongs to the conjugate of `z`: `P` is real on the real line.
    pub(in crate::flow) fn conjugate(self) -> Sheet {
        Sheet { z: self.z.conj(), rate: self.rate.conj(), log: self.log.conj() }
    }
}
