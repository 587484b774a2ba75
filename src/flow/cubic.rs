//! The cubic flow: the principal flow and all trees with exactly one branching vertex, of degree
//! two, summed to every order of `h`.

use super::branch::Logarithms;
use super::generating::{Sheeted, generating};
use super::spectrum::Spectrum;
use super::{Branch, Problem, Stop, Velocity};
use nalgebra::DVector;
use num_complex::Complex64;

/// In the eigenbasis `J v_i = z_i/h v_i` of the Jacobian, with `f = Σ_j c_j v_j` and
/// `f''(v_j, v_k) = Σ_i q_{i,jk} v_i`,
///
/// ```text
/// θ̇ = log(1+hJ)/(hJ) f + ½ h² Σ_ijk G(z_i; z_j,z_k) q_{i,jk} c_j c_k v_i.
/// ```
///
/// Derived by perturbing a quadratic map; the generating function is in [`generating`].
pub(super) struct CubicFlow<'a> {
    problem: &'a Problem,
    h: f64,
    /// The sum runs over so many of the sharpest directions.
    directions: usize,
    logarithms: Logarithms,
}

impl<'a> CubicFlow<'a> {
    /// `strict`: whether the integrator can take smaller steps.
    pub(super) fn new(
        problem: &'a Problem,
        h: f64,
        directions: usize,
        branch: Branch,
        strict: bool,
    ) -> Self {
        CubicFlow { problem, h, directions, logarithms: Logarithms::new(branch, strict) }
    }
}

impl Velocity for CubicFlow<'_> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        let d = self.problem.dimension();
        self.problem.total(theta, out);
        let spectrum = Spectrum::at(self.problem, theta, self.h)?;
        let logs = self.logarithms.of(spectrum.eigenvalues())?;
        let basis = spectrum.basis()?;
        let c = &basis.inverse * DVector::from_column_slice(out);
        out.copy_from_slice(&spectrum.log_over(&logs, out)?);
        let at: Vec<Sheeted> =
            basis.z.iter().zip(&logs).map(|(&z, &log)| Sheeted { z, log }).collect();
        let mut second = vec![Complex64::ZERO; d];
        let mut sum = DVector::zeros(d);
        let mut sharpest: Vec<usize> = (0..d).collect();
        // z = -hλ
        sharpest.sort_by(|&j, &k| basis.z[j].re.total_cmp(&basis.z[k].re));
        sharpest.truncate(self.directions);
        for (a, &j) in sharpest.iter().enumerate() {
            for &k in &sharpest[..=a] {
                let (u, v) = (basis.vectors.column(j), basis.vectors.column(k));
                self.problem.second(theta, u.as_slice(), v.as_slice(), &mut second);
                let q = &basis.inverse * DVector::from_column_slice(&second);
                // Both orders of j and k.
                let twice = if j == k { 0.5 } else { 1.0 };
                for i in 0..d {
                    let amplitude = twice * self.h * self.h * c[j] * c[k] * q[i];
                    // A pole matters only where there is something to multiply.
                    if amplitude != Complex64::ZERO {
                        sum[i] += amplitude * generating(at[i], at[j], at[k])?;
                    }
                }
            }
        }
        let more = &basis.vectors * sum;
        out.iter_mut().zip(&more).for_each(|(out, x)| *out += x);
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        let spectrum = Spectrum::at(self.problem, theta, self.h)?;
        self.logarithms.accept(spectrum.eigenvalues())
    }
}
