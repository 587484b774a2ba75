//! The logarithms of Ritz values, of which there are fewer than eigenvalues, and not always as many.
//!
//! The logarithm that belongs to a Ritz value is analytic on the real axis as seen from above: at a
//! start beyond the branch point it is `+iπ`, and it stays continuous a little below the axis. Sharp
//! eigenvalues may drift far from there. Those that the Krylov space has found are therefore followed
//! from one accepted point to the next, and a Ritz value near to where one was takes its sheet.

use crate::flow::branch::alpha::{ell, log_1p};
use crate::flow::branch::logarithms::BRANCH_POINT;
use crate::flow::branch::principal_root::{PrincipalRoot, Sheet};
use crate::flow::dense::spectrum::Spectrum;
use crate::flow::{Branch, Stop};
use num_complex::Complex64;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, TAU};

/// Eigenvalues of `hJ` nearer to 0 than this are far from every branch point.
const SHARP: f64 = 0.25;
/// A move of this part of the distance to the branch point does not turn the argument by more than
/// half a right angle.
const NEAR: f64 = 0.5;
/// How far an eigenvalue may move in one step and still be taken for the same one.
const REACH: f64 = 0.5;
/// A Ritz pair with a residual below this has been found.
const FOUND: f64 = 1e-6;

/// What an optimizer makes of an eigenvalue `z` of `hJ`.
pub(in crate::flow) enum Principal {
    /// `log(1+z)/z`.
    Descent,
    /// `log P(z)/z`, times a factor.
    Root(PrincipalRoot),
}

/// The sheets of the eigenvalues along a trajectory.
pub(in crate::flow) struct Sheets {
    pub(in crate::flow) principal: Principal,
    branch: Branch,
    even: bool,
    strict: bool,
    last: Vec<Sheet>,
}

impl Sheets {
    /// `even`: with the real part of the logarithm at real eigenvalues. `strict`: whether the
    /// integrator can take smaller steps.
    pub(in crate::flow) fn new(
        principal: Principal,
        branch: Branch,
        even: bool,
        strict: bool,
    ) -> Sheets {
        let branch = if even { Branch::Principal } else { branch };
        Sheets { principal, branch, even, strict, last: Vec::new() }
    }

    /// How near the eigenvalues that are followed are to the branch point of the logarithm.
    pub(in crate::flow) fn branch_distance(&self) -> f64 {
        self.last.iter().map(|at| at.root().norm()).fold(f64::INFINITY, f64::min)
    }

    /// Whether branches are continued from accepted points.
    pub(in crate::flow) fn are_followed(&self) -> bool {
        self.branch == Branch::Continued
    }

    /// The sheets of all Ritz values.
    pub(in crate::flow) fn of(&self, z: &[Complex64]) -> Result<Vec<Sheet>, Stop> {
        let mut sheets = z.iter().map(|&z| self.fresh(z)).collect::<Result<Vec<_>, _>>()?;
        for (i, k) in self.pairs(z) {
            // Where the way is blocked by a branch point the two are not the same.
            if let Ok(sheet) = self.continued(self.last[k], z[i]) {
                sheets[i] = sheet;
            }
        }
        Ok(sheets)
    }

    /// The error of coefficients from that of eigenvalues, `precision`: `1/|1+z|` times as large beside the branch
    /// point of the logarithm.
    pub(in crate::flow) fn uncertain(&self, sheets: &[Sheet], precision: f64) -> f64 {
        let nearest = sheets.iter().map(|at| at.root().norm()).fold(1.0, f64::min);
        match self.principal {
            Principal::Descent => 10.0 * precision * (1.0 / nearest - 1.0),
            Principal::Root(_) => 0.0,
        }
    }

    /// `log P(z)/z` as a coefficient of the field.
    pub(in crate::flow) fn coefficient(&self, at: Sheet) -> Complex64 {
        match &self.principal {
            Principal::Descent => ell(at.z, at.log),
            Principal::Root(root) => at.coefficient() * root.factor,
        }
    }

    /// Follows the Ritz values that have been found: those whose residual is small.
    pub(in crate::flow) fn accept(
        &mut self,
        sheets: &[Sheet],
        residuals: &[f64],
    ) -> Result<(), Stop> {
        if !self.are_followed() {
            return Ok(());
        }
        let z: Vec<Complex64> = sheets.iter().map(|s| s.z).collect();
        let pairs = self.pairs(&z);
        let mut lost: Vec<Sheet> = (0..self.last.len())
            .filter(|k| pairs.iter().all(|pair| pair.1 != *k))
            .map(|k| self.last[k])
            .collect();
        let mut found = Vec::new();
        for (i, &sheet) in sheets.iter().enumerate() {
            let far = sheet.z.norm() > SHARP || sheet.log.im.abs() > FRAC_PI_4;
            if !far || residuals[i] > FOUND * sheet.z.norm() {
                continue;
            }
            found.push(sheet);
            if pairs.iter().any(|pair| pair.0 == i) {
                continue;
            }
            // Is it one that was followed, and has moved too far?
            let distance = |other: &Sheet| (other.z - sheet.z).norm();
            let nearest =
                (0..lost.len()).min_by(|&a, &b| distance(&lost[a]).total_cmp(&distance(&lost[b])));
            let within = |k: &usize| distance(&lost[*k]) < self.scale(&lost[*k]) * REACH;
            let Some(nearest) = nearest.filter(within) else { continue };
            let before = lost.swap_remove(nearest);
            // The step has been accepted: no smaller one will be tried.
            if self.strict && (before.log.im - sheet.log.im).abs() > FRAC_PI_2 {
                match self.principal {
                    // From a real point the upper side is taken, as everywhere.
                    Principal::Descent if before.z.im == 0.0 && before.root().re > 0.0 => {}
                    Principal::Descent => return Err(Stop::BranchPoint),
                    Principal::Root(_) => return Err(Stop::RootBranchPoint),
                }
            }
        }
        // What the gradient does not see any more stays where it was.
        found.extend(lost);
        self.last = found;
        Ok(())
    }

    /// The scale of the eigenvalues: that of gradient descent is 1, and an optimizer with memory has branch
    /// points nearer to 0.
    fn scale(&self, at: &Sheet) -> f64 {
        match self.principal {
            Principal::Descent => 1.0,
            Principal::Root(_) => at.z.norm(),
        }
    }

    fn fresh(&self, z: Complex64) -> Result<Sheet, Stop> {
        let principal = self.branch == Branch::Principal;
        let mut at = match &self.principal {
            Principal::Descent if (1.0 + z).norm() < BRANCH_POINT => {
                return Err(Stop::BranchPoint);
            }
            Principal::Descent => {
                let mut log = log_1p(z);
                if !principal && log.im < -FRAC_PI_2 {
                    log.im += TAU;
                }
                Sheet { z, rate: Complex64::ONE, log }
            }
            Principal::Root(root) => {
                let at = root.at(z)?;
                if principal { at.principal() } else { at }
            }
        };
        if self.even && z.im == 0.0 {
            at.log.im = 0.0;
        }
        Ok(at)
    }

    fn continued(&self, from: Sheet, z: Complex64) -> Result<Sheet, Stop> {
        match &self.principal {
            Principal::Descent => {
                let mut log = log_1p(z);
                log.im += TAU * ((from.log.im - log.im) / TAU).round();
                Ok(Sheet { z, rate: Complex64::ONE, log })
            }
            Principal::Root(root) => root.continued(from, z),
        }
    }

    /// Pairs Ritz values with followed ones that were near, the nearest ones first.
    fn pairs(&self, z: &[Complex64]) -> Vec<(usize, usize)> {
        let mut distances: Vec<(f64, usize, usize)> = Vec::new();
        for (k, last) in self.last.iter().enumerate() {
            let room = match self.principal {
                Principal::Descent => NEAR * last.root().norm(),
                Principal::Root(_) => NEAR * last.z.norm(),
            };
            let near = z.iter().enumerate().map(|(i, z)| ((z - last.z).norm(), i, k));
            distances.extend(near.filter(|(distance, ..)| *distance < room));
        }
        distances.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut new, mut old) = (vec![false; z.len()], vec![false; self.last.len()]);
        let mut pairs = Vec::new();
        for (_, i, k) in distances {
            if !new[i] && !old[k] {
                (new[i], old[k]) = (true, true);
                pairs.push((i, k));
            }
        }
        pairs
    }
}

/// `log P(A)/A f` for a matrix with this spectrum.
pub(in crate::flow) fn principal_of(
    sheets: &Sheets,
    spectrum: &Spectrum,
    at: &[Sheet],
    f: &[Complex64],
) -> Result<Vec<Complex64>, Stop> {
    match &sheets.principal {
        Principal::Descent => {
            let logs: Vec<Complex64> = at.iter().map(|s| s.log).collect();
            spectrum.log_over(&logs, f)
        }
        Principal::Root(_) => {
            let basis = spectrum.basis()?;
            basis.apply(f, |i| Ok(sheets.coefficient(at[i])))
        }
    }
}
