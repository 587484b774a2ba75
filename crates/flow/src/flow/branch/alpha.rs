//! The coefficients `α(hλ)` of the flows `θ̇ = Σ_i α(hλ_i) (g·u_i) u_i` (paper, Table 1).

use crate::loss::quotient;
use num_complex::Complex64;

/// `log(1+z)`, principal branch, accurate for small `z`; `+iπ` on the negative axis.
pub fn log_1p(z: Complex64) -> Complex64 {
    // |1+z|² = 1 + (2 re z + |z|²)
    let re = if z.norm_sqr() < 0.25 {
        0.5 * (2.0 * z.re + z.norm_sqr()).ln_1p()
    } else {
        (1.0 + z.re).hypot(z.im).ln()
    };
    // A negative zero would be the lower side of the cut.
    let im = if z.im == 0.0 { 0.0 } else { z.im };
    Complex64::new(re, im.atan2(1.0 + z.re))
}

/// `log(1+z)/z`, 1 at `z = 0`, where `log` is a value of `log(1+z)`.
pub(in crate::flow) fn ell(z: Complex64, log: Complex64) -> Complex64 {
    // 1 - z/2 + …; the quotient of tiny numbers would underflow.
    if z.norm() < f64::EPSILON / 4.0 && log.norm() < 1.0 {
        Complex64::ONE
    } else if log.re.is_infinite() && z.im == 0.0 {
        // At the branch point: each part by itself, as infinity times 0 is none.
        log / z.re
    } else {
        quotient(log, z)
    }
}

/// `α_NGF(z) = -1`.
pub fn ngf(_z: Complex64) -> Complex64 {
    -Complex64::ONE
}

/// `α_IGR(z) = -(1+z/2)`.
pub fn igr(z: Complex64) -> Complex64 {
    -(1.0 + z / 2.0)
}

/// `α_PF(z) = log(1-z)/z`, principal branch, `+iπ` for real `z > 1`; -1 at `z = 0` and infinite at
/// the branch point `z = 1`.
pub fn pf(z: Complex64) -> Complex64 {
    -ell(-z, log_1p(-z))
}

/// `log|1-z|/z`, the real part of [`pf`] for real `z`: of the iterates of gradient descent on a
/// quadratic loss it meets every second one.
pub fn pf_even(z: Complex64) -> Complex64 {
    if z.im == 0.0 { Complex64::new(pf(z).re, 0.0) } else { pf(z) }
}

/// `+1`.
pub fn positive(_z: Complex64) -> Complex64 {
    Complex64::ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `-Σ z^n/(n+1)`, which converges for `|z| < 1`.
    fn series(z: Complex64) -> Complex64 {
        -(0..60).map(|n| z.powi(n) / f64::from(n + 1)).sum::<Complex64>()
    }

    #[test]
    fn the_principal_coefficient_near_zero() {
        for z in [
            Complex64::new(0.0, 0.0),
            Complex64::new(1e-300, 0.0),
            Complex64::new(1e-17, -1e-17),
            Complex64::new(1e-9, 1e-9),
            Complex64::new(-0.3, 0.2),
            Complex64::new(0.4, -0.3),
        ] {
            assert!((pf(z) - series(z)).norm() < 1e-15, "{z}");
        }
    }

    /// `log(1-z)/z` where `|z|²` is no double any more.
    #[test]
    fn the_principal_coefficient_far_away() {
        for size in [1e100, 1e160, 1e200, 1e300] {
            let value = pf(Complex64::new(-size, 0.0)) * size;
            assert!((value.re / -size.ln() - 1.0).abs() < 1e-14 && value.im == 0.0, "{value}");
            let value = pf(Complex64::new(size, 0.0)) * size;
            assert!((value.re / size.ln() - 1.0).abs() < 1e-14, "{value}");
            assert!((value.im - std::f64::consts::PI).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn beyond_the_branch_point_it_starts_at_plus_i_pi() {
        for im in [0.0, -0.0] {
            let value = pf(Complex64::new(3.0, im)) * 3.0;
            assert!((value - Complex64::new(2f64.ln(), std::f64::consts::PI)).norm() < 1e-15);
        }
        assert_eq!(pf_even(Complex64::new(2.0, 0.0)), Complex64::ZERO);
        assert!(pf(Complex64::ONE).re.is_infinite());
    }
}
