//! The principal flow of any optimizer with one vector field, `θ̇ = log P(hJ)/(hJ) f`.

use crate::flow::branch::principal_root::{PrincipalRoot, Sheet};
use crate::flow::dense::spectrum::Spectrum;
use crate::flow::{Branch, Problem, Stop, Velocity};
use nalgebra::DVector;
use num_complex::Complex64;
use std::f64::consts::FRAC_PI_2;

/// `pf` and `pf-even` of an optimizer other than gradient descent.
pub(in crate::flow) struct PrincipalFlowOf<'a> {
    pub(in crate::flow) problem: &'a Problem,
    pub(in crate::flow) root: PrincipalRoot,
    pub(in crate::flow) branch: Branch,
    pub(in crate::flow) even: bool,
    /// Whether the integrator can take smaller steps.
    pub(in crate::flow) strict: bool,
    /// Where the eigenvalues were at the last accepted point.
    pub(in crate::flow) last: Vec<Sheet>,
}

impl PrincipalFlowOf<'_> {
    fn sheets(&self, z: &[Complex64]) -> Result<Vec<Sheet>, Stop> {
        if self.last.is_empty() || self.branch == Branch::Principal {
            return z.iter().map(|&z| self.fresh(z)).collect();
        }
        let mut open: Vec<Sheet> = self.last.clone();
        z.iter()
            .map(|&z| {
                let far = |sheet: &Sheet| (sheet.z - z).norm();
                let nearest =
                    (0..open.len()).min_by(|&a, &b| far(&open[a]).total_cmp(&far(&open[b])));
                let from = open.swap_remove(nearest.expect("as many as before"));
                let at = self.root.continued(from, z)?;
                match self.strict && (at.log.im - from.log.im).abs() > FRAC_PI_2 {
                    true => Err(Stop::RootBranchPoint),
                    false => Ok(at),
                }
            })
            .collect()
    }
}

impl PrincipalFlowOf<'_> {
    /// Conjugate eigenvalues have conjugate logarithms, as those of gradient descent do.
    fn fresh(&self, z: Complex64) -> Result<Sheet, Stop> {
        let at = match z.im < 0.0 {
            true => self.root.at(z.conj())?.conjugate(),
            false => self.root.at(z)?,
        };
        Ok(if self.branch == Branch::Principal { at.principal() } else { at })
    }
}

impl Velocity for PrincipalFlowOf<'_> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        self.problem.total(theta, out);
        let spectrum = Spectrum::at(self.problem, theta, self.root.argument)?;
        let sheets = self.sheets(spectrum.eigenvalues())?;
        let basis = spectrum.basis()?;
        let mut c = &basis.inverse * DVector::from_column_slice(out);
        for (c, mut at) in c.iter_mut().zip(sheets) {
            if self.even && at.z.im == 0.0 {
                at.log.im = 0.0;
            }
            *c *= at.coefficient() * self.root.factor;
        }
        out.copy_from_slice((&basis.vectors * c).as_slice());
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        if self.branch == Branch::Continued {
            let spectrum = Spectrum::at(self.problem, theta, self.root.argument)?;
            self.last = self.sheets(spectrum.eigenvalues())?;
        }
        Ok(())
    }
}
