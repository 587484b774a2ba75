//! One eigendirection of the Hessian at a critical point.
//!
//! Near a critical point of one loss everything is a function of the Hessian: on the eigenvector of
//! `λ` the optimizer is a small matrix, and every flow a number.
//!
//! The implicit gradient regularisation flow is `θ̇ = -(g + ½ h H g)`. With `g = 0` at the point, its
//! Jacobian there is `-(H + ½ h H²)`. (The paper prints `½ h²` in section A.4.1, Eqs. 124-130; its own
//! flow has `½ h`.)

use super::boundary::{Interval, StabilityType};
use super::continuation::PrincipalEigenvalue;
use super::truncated::Truncated;
use crate::flow::branch::alpha;
use num_complex::Complex64;

/// Sizes that near to 1, or to 0, are taken for it in the classification.
const MARGIN: f64 = 1e-9;

/// The cases of the paper's section 3.1, by the principal eigenvalue `μ` of a step (`1-hλ` for
/// gradient descent) and the spectral radius.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// `0 < μ < 1`; for gradient descent `0 < hλ < 1`.
    RealStable,
    /// `μ = 0`: the logarithm's branch point, `hλ = 1`.
    BranchPoint,
    /// `|μ| < 1`, not positive: `1 < hλ < 2`.
    ComplexStable,
    /// `|μ| = 1`, `μ ≠ 1`: `hλ = 2`.
    Marginal,
    /// `|μ| > 1`, not positive: `hλ > 2`.
    UnstableComplex,
    /// `μ > 1`, the unstable direction of a saddle: `λ < 0`.
    Repelling,
    /// `μ = 1`: `λ = 0`.
    Neutral,
    /// `|μ| < 1`, but an eigenvalue that belongs to the buffers is larger than 1.
    UnstableBuffers,
    /// `|μ| < 1`, but an eigenvalue that belongs to the buffers has modulus 1.
    MarginalBuffers,
}

impl std::fmt::Display for Case {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(match self {
            Case::RealStable => "real stable",
            Case::BranchPoint => "branch point",
            Case::ComplexStable => "complex stable",
            Case::Marginal => "marginal",
            Case::UnstableComplex => "unstable complex",
            Case::Repelling => "repelling",
            Case::Neutral => "neutral",
            Case::UnstableBuffers => "unstable buffers",
            Case::MarginalBuffers => "marginal buffers",
        })
    }
}

impl Case {
    pub(super) fn of(mu: Complex64, radius: f64) -> Case {
        let size = mu.norm();
        let positive = mu.re > 0.0 && mu.im.abs() <= MARGIN * size;
        if (mu - 1.0).norm() <= MARGIN {
            Case::Neutral
        } else if size > 1.0 + MARGIN {
            if positive { Case::Repelling } else { Case::UnstableComplex }
        } else if size >= 1.0 - MARGIN {
            Case::Marginal
        } else if radius > 1.0 + MARGIN {
            Case::UnstableBuffers
        } else if radius >= 1.0 - MARGIN {
            Case::MarginalBuffers
        } else if size <= MARGIN {
            Case::BranchPoint
        } else if positive {
            Case::RealStable
        } else {
            Case::ComplexStable
        }
    }

    /// Whether steps of this size move towards the critical point.
    pub fn verdict(self) -> StabilityType {
        match self {
            Case::RealStable | Case::BranchPoint | Case::ComplexStable => StabilityType::Stable,
            Case::Marginal | Case::Neutral | Case::MarginalBuffers => StabilityType::Neutral,
            Case::UnstableComplex | Case::Repelling | Case::UnstableBuffers => {
                StabilityType::Unstable
            }
        }
    }
}

/// What the flows and the optimizer do along one eigenvector of the Hessian.
#[derive(Clone, PartialEq, Debug)]
pub struct Direction {
    /// The eigenvalue `λ` of the Hessian.
    pub lambda: f64,
    /// The unit eigenvector.
    pub vector: Vec<f64>,
    /// The eigenvalue of the Jacobian of the negative gradient flow, `-λ`.
    pub ngf: f64,
    /// What depends on a step size, if one was given.
    pub at_step: Option<AtStep>,
    /// Where the optimizer is stable along this direction. The variable is `h|λ|`, or `h` where
    /// [`scaled`](Self::scaled) says so; empty for `λ = 0`.
    pub intervals: Vec<Interval>,
    /// Whether the intervals are those of `h|λ|`. Methods with a length scale of their own, such as
    /// `sam`, depend on `h` and `λ` separately; their intervals are those of `h`.
    pub scaled: bool,
}

/// The eigenvalues at one step size.
#[derive(Clone, PartialEq, Debug)]
pub struct AtStep {
    /// `hλ`.
    pub z: f64,
    /// Which case of section 3.1; `None` if the principal eigenvalue cannot be told from others.
    pub case: Option<Case>,
    /// Of the Jacobian of the implicit gradient regularisation flow of gradient descent,
    /// `-(λ + hλ²/2)`.
    pub igr: f64,
    /// Of the optimizer's modified field, truncated: `order:n`; `None` if the field moves slow variables beside the
    /// parameters.
    pub order: Option<f64>,
    /// Of its principal flow, `log(μ)/h`, for gradient descent `log(1-hλ)/h`; `-∞` at `μ = 0`;
    /// `None` where `μ` cannot be continued to.
    pub pf: Option<Complex64>,
    /// All eigenvalues of the optimizer's own linear map, largest first; empty where the step does
    /// not exist.
    pub multipliers: Vec<Complex64>,
    /// The largest size of these.
    pub radius: f64,
}

impl AtStep {
    /// `principal`: the continued eigenvalue for a method that is not gradient descent.
    pub(super) fn new(
        lambda: f64,
        h: f64,
        truncated: Option<&Truncated>,
        multipliers: Vec<Complex64>,
        principal: Option<PrincipalEigenvalue>,
        is_descent: bool,
    ) -> AtStep {
        let z = h * lambda;
        let radius = match multipliers.first() {
            Some(largest) => largest.norm(),
            None => f64::INFINITY,
        };
        let (mu, pf) = if is_descent {
            (Some(Complex64::from(1.0 - z)), Some(alpha::log_1p((-z).into()) / h))
        } else {
            (principal.map(|p| p.mu), principal.map(|p| p.log / h))
        };
        AtStep {
            z,
            case: mu.map(|mu| Case::of(mu, radius)),
            igr: -(lambda + 0.5 * h * lambda * lambda),
            order: truncated.map(|truncated| truncated.at(-lambda)),
            pf,
            multipliers,
            radius,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_descent_has_the_cases_of_section_3_1() {
        let case = |z: f64| Case::of(Complex64::from(1.0 - z), (1.0 - z).abs());
        for (z, expected) in [
            (-0.1, Case::Repelling),
            (0.0, Case::Neutral),
            (0.5, Case::RealStable),
            (1.0, Case::BranchPoint),
            (1.5, Case::ComplexStable),
            (2.0, Case::Marginal),
            (2.1, Case::UnstableComplex),
        ] {
            assert_eq!(case(z), expected, "{z}");
        }
    }
}
