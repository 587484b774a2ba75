//! Real and complex numbers.

use nalgebra::ComplexField;
use num_complex::Complex64;

/// Real or complex numbers in double precision.
pub trait Scalar: ComplexField<RealField = f64> + Copy {
    /// From a complex number, whose imaginary part a real one drops.
    fn of_complex(z: Complex64) -> Self;

    /// As a complex number.
    fn to_complex(self) -> Complex64 {
        Complex64::new(self.real(), self.imaginary())
    }
}

impl Scalar for f64 {
    fn of_complex(z: Complex64) -> f64 {
        z.re
    }
}

impl Scalar for Complex64 {
    fn of_complex(z: Complex64) -> Complex64 {
        z
    }
}
