//! Velocity fields, and the reasons why a trajectory ends.

use crate::curvature;
use crate::flow::MatrixFault;
use crate::flow::jets::JetError;
use crate::objective::{Capability, ObjectiveError};
use num_complex::Complex64;

/// The right-hand side of `θ̇ = v(θ)` along one trajectory, `θ` with the slow variables after it where there are some.
pub(super) trait Velocity {
    /// `v(θ)` into `out`, near the last accepted point.
    ///
    /// # Errors
    /// Where the field is undefined, or so far from the last accepted point that it is not clear
    /// which branch to take: then the integrator takes a smaller step.
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop>;

    /// The integrator accepted a step to `θ`: branches are continued from here.
    ///
    /// # Errors
    /// If the trajectory cannot go on from `θ`.
    fn accept(&mut self, _theta: &[Complex64]) -> Result<(), Stop> {
        Ok(())
    }

    /// How far the argument of a logarithm was from its branch point 0 at the last accepted point.
    fn branch_distance(&self) -> f64 {
        f64::INFINITY
    }
}

/// Why a trajectory ends.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Stop {
    /// Inf or NaN.
    #[error("the parameters or their velocity are no longer finite")]
    NotFinite,
    /// The loss is Inf or NaN, as beyond a pole that a step has leapt over.
    #[error(
        "the loss, averaged over the oscillation, is not finite: the flow has left where the loss is defined"
    )]
    LossNotFinite,
    /// The preconditioner of a step is 0 or not finite.
    #[error(
        "the step divides by √v + ε, and for one of the parameters that is 0 or not finite: 0/0 where the gradient has been 0 \
         until then and ε is 0"
    )]
    NotDivisible,
    /// The field is not finite where a slow variable is 0.
    #[error(
        "the modified field is not finite where an entry of `{0}` is 0, as where the step divides by its root: \
         `slow {0} = 1/100` starts it elsewhere"
    )]
    SlowVariable(String),
    /// The argument of a logarithm, `1-hλ` for gradient descent, comes to 0.
    #[error("an eigenvalue reaches the branch point hλ = 1 of the logarithm")]
    BranchPoint,
    /// The trajectory stays beside the branch point `hλ = 1`.
    #[error(
        "an eigenvalue stays at the branch point hλ = 1 of the logarithm, where the field is stiff; \
         fixed Euler steps go on"
    )]
    Stuck,
    /// Two roots of the optimizer's characteristic polynomial meet, or its principal one comes to 0.
    #[error("an eigenvalue hλ reaches a branch point of the optimizer's principal root")]
    RootBranchPoint,
    /// A pole of the generating function of the cubic flow.
    #[error("resonance: (1-hλ_j)(1-hλ_k) = 1-hλ_i off the principal sheet")]
    Resonance,
    /// Eigenvectors fall together.
    #[error("the Hessian has no basis of eigenvectors")]
    Defective,
    /// The argument of a logarithm turned too far for one step. The integrator tries smaller ones.
    #[error("the field jumps from one branch of the logarithm to another")]
    Jump,
    /// Eigenvalues on different branches come so near to each other that they cannot be told apart. The
    /// integrator tries smaller steps.
    #[error("eigenvalues on different branches of the logarithm meet and cannot be told apart")]
    Crossing,
    /// The integrator's steps became too small.
    #[error("the integrator's steps collapsed: the field is not smooth here")]
    StepSize,
    /// The trajectory reaches infinity.
    #[error("the flow blows up: it reaches infinity in finite time")]
    BlowUp,
    /// The integrator took too many steps.
    #[error("the integrator took more than {0} steps within one step of the optimizer")]
    Steps(usize),
    /// Implicit stages, or a slow manifold, were not found.
    #[error("{0} did not converge: the step size is too large here")]
    NoConvergence(&'static str),
    /// The root of an implicit step that begins at the step size 0 ends at this one.
    #[error("the branch of the implicit step that begins at h = 0 ends at h = {0:.4e}")]
    BranchEnd(f64),
    /// The principal flow of an optimizer with memory, which was not found with so many products.
    #[error(
        "{0} products do not resolve the principal flow: eigenvalues hλ lie densely around a branch \
         point of the optimizer's principal root"
    )]
    Unresolved(usize),
    /// The argument of `sign`, `abs`, `min`, `max` or `clip` in a step, whose derivatives are wanted.
    #[error(
        "an entry of the argument of sign, abs, min, max or clip lies on its kink, where the step has no derivatives"
    )]
    Kink,
    /// A function of a matrix has no value or no derivatives there.
    #[error(transparent)]
    Matrix(MatrixFault),
    /// The trajectory is driven to a kink of the step from either side.
    #[error(
        "it slides along a kink of {0}, from whose two sides the flow leads to it, and has no velocity there"
    )]
    Slides(String),
    /// No root of the optimizer's step is larger than all others.
    #[error(
        "at an eigenvalue of the Hessian the step has no root that is larger than all others, so the buffers do \
         not settle on a function of the parameters"
    )]
    Unsettled,
    /// No covariance of an oscillation holds the curvature at the edge of stability.
    #[error(
        "no oscillation keeps the curvature at the edge of stability: the third derivatives do not flatten the directions \
         that are there, so the steps diverge along them"
    )]
    Unstabilised,
    /// The covariance of an oscillation was not found; the residual of its conditions.
    #[error(
        "the covariance of the oscillation was not found: the residual of its conditions is {0:.1e}, and at most 1e-8 is \
         accepted"
    )]
    CovarianceNotFound(f64),
    /// The sharpness along a flow through the edge of stability, in units of that of the edge.
    #[error(
        "the sharpness is {0:.1e} times that of the edge: the optimizer's steps are no oscillation there, and the flow can be \
         followed from an iterate nearer to the edge, by `[follow]` of `bea run`"
    )]
    FarBeyondTheEdge(f64),
    /// The second moment keeps too little of the squares before.
    #[error(
        "the average of squares changes {0:.1e} times as fast as a step is long: it is no average that a flow can follow"
    )]
    ForgetsAtOnce(f64),
    /// The objective was not evaluated.
    #[error(transparent)]
    Objective(ObjectiveError),
    /// The flow leaves the real line, as the principal flow does beyond `hλ = 1`, and the objective has no
    /// complex points.
    #[error(
        "the flow leaves the real line, and the objective has no complex points: {}",
        Capability::ComplexPoints.help()
    )]
    ComplexPoints,
    /// The caller asked to stop.
    #[error("interrupted")]
    Cancelled,
}

impl Stop {
    /// Whether a smaller step would end in the same way.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Stop::Objective(error) => !error.is_undefined(),
            Stop::ComplexPoints => true,
            _ => false,
        }
    }

    /// The error of an objective that failed, as opposed to one that is not defined at a point.
    pub(super) fn failure(&self) -> Option<&ObjectiveError> {
        match self {
            Stop::Objective(
                error @ (ObjectiveError::Closure { .. } | ObjectiveError::Other(_)),
            ) => Some(error),
            _ => None,
        }
    }
}

impl From<ObjectiveError> for Stop {
    fn from(error: ObjectiveError) -> Stop {
        match error {
            ObjectiveError::Missing(Capability::ComplexPoints) => Stop::ComplexPoints,
            error => Stop::Objective(error),
        }
    }
}

impl From<JetError<ObjectiveError>> for Stop {
    fn from(error: JetError<ObjectiveError>) -> Stop {
        match error {
            JetError::Field(error) => error.into(),
            JetError::Kink(_) => Stop::Kink,
            JetError::Matrix(_, fault) => Stop::Matrix(fault),
        }
    }
}

impl From<curvature::Error> for Stop {
    fn from(error: curvature::Error) -> Stop {
        match error {
            curvature::Error::NotFinite(_) => Stop::NotFinite,
            curvature::Error::NotPositive { .. } => Stop::NotDivisible,
            curvature::Error::Objective(error) => error.into(),
            _ => Stop::NoConvergence("the Krylov method"),
        }
    }
}

/// `(Σ_i |a_i - b_i|²)^(1/2)`
pub(super) fn distance(a: &[Complex64], b: &[Complex64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).norm_sqr()).sum::<f64>().sqrt()
}

/// Whether all components are finite.
pub(super) fn is_finite(x: &[Complex64]) -> bool {
    x.iter().all(|z| z.re.is_finite() && z.im.is_finite())
}

/// Whether the point lies on the real line.
pub(super) fn is_real(x: &[Complex64]) -> bool {
    x.iter().all(|z| z.im == 0.0)
}
