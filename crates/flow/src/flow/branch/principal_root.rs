//! The principal root of any optimizer: what `1+z` is for gradient descent.
//!
//! On a linear field `f(θ) = Jθ` one step is a linear map `R(z)`, `z = hJ`, of the states, and the
//! trajectory settles on the eigenvector of the root `P(z)` of `det(λ - R(z))` with `P(0) = 1`. The
//! principal part of the modified field is `log P(hJ)/(hJ) f`. `P` has branch points where two
//! roots meet, and `log P` one where `P = 0`; for real `z` they are passed on the upper side, which
//! is where `log(1+z)` is `+iπ` for `z < -1`.

use crate::flow::branch::alpha::log_1p;
use crate::flow::branch::sheet::Sheet;
use crate::flow::dense::decomposition::Decomposition;
use crate::flow::{SimulateError, Stop};
use bea_series::exact::{Poly, RationalFunction};
use bea_series::field::ClosedForm;
use bea_series::series::GeneralLinearMethod;
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::f64::consts::{FRAC_PI_2, TAU};

/// What an optimizer makes of an eigenvalue `z` of `hJ`.
pub(in crate::flow) enum PrincipalRoot {
    /// `P(z) = 1 + z`.
    Descent,
    /// A root of the characteristic polynomial of an optimizer with memory or several stages.
    Algebraic(AlgebraicRoot),
}

/// Below this `|1+z|` counts as the branch point: a trajectory can only get so close by running
/// into it.
const BRANCH_POINT: f64 = 1e-12;
/// A move of this part of the distance to the branch point does not turn the argument by more than
/// half a right angle.
const NEAR: f64 = 0.5;

impl PrincipalRoot {
    /// The value reached from `P(0) = 1` above the real axis: `+iπ` beyond the branch point, and
    /// continuous a little below the axis.
    pub(in crate::flow) fn above(&self, z: Complex64) -> Result<Sheet, Stop> {
        match self {
            PrincipalRoot::Descent => Ok(self.checked(z)?.near(FRAC_PI_2)),
            PrincipalRoot::Algebraic(root) => root.at(z),
        }
    }

    /// The value reached from `P(0) = 1` on the side of the real axis where `z` is, above it for a
    /// real `z`: conjugate eigenvalues have conjugate logarithms, so that a real matrix has a real
    /// function.
    pub(in crate::flow) fn symmetric(&self, z: Complex64) -> Result<Sheet, Stop> {
        match self {
            PrincipalRoot::Descent => Ok(self.checked(z)?.principal()),
            PrincipalRoot::Algebraic(root) if z.im < 0.0 => Ok(root.at(z.conj())?.conjugate()),
            PrincipalRoot::Algebraic(root) => root.at(z),
        }
    }

    /// The value at `z` that is reached straight from another point.
    pub(in crate::flow) fn continued(&self, from: Sheet, z: Complex64) -> Result<Sheet, Stop> {
        let PrincipalRoot::Algebraic(root) = self else {
            let at = self.checked(z)?;
            return Ok(at.near(if crosses_above(from) { FRAC_PI_2 } else { from.log.im }));
        };
        root.continued(from, z)
    }

    fn checked(&self, z: Complex64) -> Result<Sheet, Stop> {
        let at = Sheet::descent(z, Complex64::ZERO);
        if at.root().norm() < BRANCH_POINT { Err(Stop::BranchPoint) } else { Ok(at) }
    }

    /// Whether the argument of `P` turned so far on the way that the branch is in doubt.
    pub(in crate::flow) fn turned(&self, from: Sheet, to: Sheet) -> Option<Stop> {
        let far = (to.log.im - from.log.im).abs() > FRAC_PI_2;
        match self {
            PrincipalRoot::Descent if far && !crosses_above(from) => Some(Stop::Jump),
            PrincipalRoot::Algebraic(_) if far => Some(Stop::RootBranchPoint),
            _ => None,
        }
    }

    /// How far an eigenvalue may move and keep its sheet for certain.
    pub(in crate::flow) fn room(&self, at: &Sheet) -> f64 {
        match self {
            PrincipalRoot::Descent => NEAR * at.root().norm(),
            PrincipalRoot::Algebraic(_) => NEAR * at.z.norm(),
        }
    }

    /// The scale of the eigenvalues: that of gradient descent is 1, and an optimizer with memory has
    /// branch points nearer to 0.
    pub(in crate::flow) fn scale(&self, at: &Sheet) -> f64 {
        match self {
            PrincipalRoot::Descent => 1.0,
            PrincipalRoot::Algebraic(_) => at.z.norm(),
        }
    }

    /// The error of coefficients from that of eigenvalues, `precision`: `1/|1+z|` times as large beside
    /// the branch point of the logarithm.
    pub(in crate::flow) fn rounding(&self, at: &[Sheet], precision: f64) -> f64 {
        let nearest = at.iter().map(|at| at.root().norm()).fold(1.0, f64::min);
        match self {
            PrincipalRoot::Descent => 10.0 * precision * (1.0 / nearest - 1.0),
            PrincipalRoot::Algebraic(_) => 0.0,
        }
    }

    /// `log P(z)/z` as a coefficient of the field.
    pub(in crate::flow) fn coefficient(&self, at: &Sheet) -> Complex64 {
        match self {
            PrincipalRoot::Descent => at.coefficient(),
            PrincipalRoot::Algebraic(root) => at.coefficient() * root.factor,
        }
    }

    /// `z = hJ`: what multiplies `J` for a step size `h`.
    pub(in crate::flow) fn argument(&self, h: f64) -> f64 {
        match self {
            PrincipalRoot::Descent => h,
            PrincipalRoot::Algebraic(root) => root.argument,
        }
    }

    /// `log P(A)/A f` for a matrix with this decomposition.
    pub(in crate::flow) fn log_over(
        &self,
        decomposition: &Decomposition,
        at: &[Sheet],
        f: &[Complex64],
    ) -> Result<Vec<Complex64>, Stop> {
        match self {
            PrincipalRoot::Descent => {
                let logs: Vec<Complex64> = at.iter().map(|at| at.log).collect();
                decomposition.log_over(&logs, f)
            }
            PrincipalRoot::Algebraic(_) => {
                decomposition.basis()?.apply(f, |i| Ok(self.coefficient(&at[i])))
            }
        }
    }
}

/// From a real point before the branch point of `log(1+z)` the logarithm is continued above it, as it
/// is at a start beyond it: `+iπ`. Its singularity is integrable, and the error of the step that passes
/// it is one that the integrator estimates.
fn crosses_above(from: Sheet) -> bool {
    from.z.im == 0.0 && from.z.re > -1.0 && from.log.im == 0.0
}

/// `P(z) = 1 + z R(z)`, where `R` solves `Σ_jk d_jk z^k R^j = 0`.
pub(in crate::flow) struct AlgebraicRoot {
    /// `d_jk`.
    coefficients: Vec<Vec<f64>>,
    /// `R(0)`.
    first: f64,
    /// `z = h J`, or `J` alone where the step size is a parameter of the method.
    pub(in crate::flow) argument: f64,
    /// What multiplies `log P(z)/z f`.
    pub(in crate::flow) factor: f64,
}

/// So small a part of a path is not divided further: there is a branch point on it.
const SMALLEST: f64 = 1e-9;

impl AlgebraicRoot {
    /// `None` for methods whose principal part is not a function of one Jacobian.
    pub(in crate::flow) fn new(
        method: &GeneralLinearMethod,
        h: f64,
    ) -> Result<Option<AlgebraicRoot>, SimulateError> {
        let z = method.parameters.len();
        let Some(closed) = ClosedForm::new(method, 0) else { return Ok(None) };
        let exact = BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let values = vec![Some(RationalFunction::from(exact)); z];
        let number = |c: Poly| {
            let value = RationalFunction::from(c).substitute(&values);
            let value = value.and_then(|c| c.as_rational()?.to_f64());
            value.ok_or(SimulateError::StepSize(h))
        };
        let by_z = |c: &RationalFunction| c.numerator().coefficients_in(z);
        let coefficients: Vec<Vec<f64>> = closed
            .rate()
            .iter()
            .map(|c| by_z(c).into_iter().map(number).collect())
            .collect::<Result<_, _>>()?;
        let at_zero = |j: usize| coefficients.get(j).and_then(|c| c.first()).copied();
        let first = match (at_zero(0), at_zero(1)) {
            (Some(d), Some(slope)) if slope != 0.0 => -d / slope,
            _ => return Err(SimulateError::StepSize(h)),
        };
        let keeps = method.step_parameter.is_some();
        Ok(Some(AlgebraicRoot {
            coefficients,
            first,
            argument: if keeps { 1.0 } else { h },
            factor: if keeps { 1.0 / h } else { 1.0 },
        }))
    }

    /// From `P(0) = 1` to `z`, above the real axis.
    pub(in crate::flow) fn at(&self, z: Complex64) -> Result<Sheet, Stop> {
        let origin = Sheet { z: Complex64::ZERO, rate: self.first.into(), log: Complex64::ZERO };
        let height = Complex64::new(0.0, z.norm());
        self.follow(origin, |s| z * s + height * s * (1.0 - s))
    }

    /// From one point straight to another.
    pub(in crate::flow) fn continued(&self, from: Sheet, z: Complex64) -> Result<Sheet, Stop> {
        self.follow(from, |s| from.z + (z - from.z) * s)
    }

    fn follow(&self, mut at: Sheet, path: impl Fn(f64) -> Complex64) -> Result<Sheet, Stop> {
        let (mut done, mut step) = (0.0, 1.0);
        while done < 1.0 {
            let to = f64::min(done + step, 1.0);
            let z = path(to);
            let next = self.newton(z, at.rate).map(|rate| Sheet { z, rate, log: at.log });
            let ratio = next.map(|next| next.root() / at.root());
            match (next, ratio) {
                (Some(next), Some(ratio)) if (ratio - 1.0).norm() < 0.1 => {
                    at = Sheet { log: at.log + ratio.ln(), ..next };
                    done = to;
                    step *= 2.0;
                }
                _ if step < SMALLEST => return Err(Stop::RootBranchPoint),
                _ => step /= 2.0,
            }
        }
        // The logarithm again, to full precision, on the sheet that was found.
        let mut log = log_1p(at.z * at.rate);
        log.im += TAU * ((at.log.im - log.im) / TAU).round();
        Ok(Sheet { log, ..at })
    }

    /// The value of `R(z)` near `near`.
    fn newton(&self, z: Complex64, near: Complex64) -> Option<Complex64> {
        let horner = |c: &[f64]| c.iter().rev().fold(Complex64::ZERO, |sum, c| sum * z + c);
        let coefficients: Vec<Complex64> = self.coefficients.iter().map(|c| horner(c)).collect();
        // Where R is small only P is known to full relative precision.
        let floor = self.first.abs() / f64::max(1.0, (self.first * z).norm());
        let mut rate = near;
        let mut last = f64::INFINITY;
        for _ in 0..30 {
            let (mut value, mut slope) = (Complex64::ZERO, Complex64::ZERO);
            for c in coefficients.iter().rev() {
                slope = slope * rate + value;
                value = value * rate + c;
            }
            let change = value / slope;
            rate -= change;
            let (moved, size) = (change.norm(), f64::max(rate.norm(), floor));
            // Quadratic convergence ends where rounding takes over.
            if moved <= 4.0 * f64::EPSILON * size || (moved <= 1e-10 * size && moved >= last) {
                return Some(rate);
            }
            last = moved;
        }
        None
    }
}
