//! Flows that follow an optimizer through the edge of stability, where its steps oscillate without growing: what they
//! follow is the path that the oscillation is about, together with the covariance `Σ` of the oscillation.
//!
//! | | |
//! |---|---|
//! | [`central`] | the time-averaged path; `Σ` is what holds the curvature at the edge |
//! | [`rod`] | the midpoints of the steps; `Σ` follows a differential equation of its own |
//! | [`measured`] | the same of the optimizer's own iterates |

pub(super) mod central;
mod complementarity;
pub(super) mod divided;
pub(super) mod measured;
pub(super) mod metric;
pub(super) mod rod;
mod sharp;

use super::{SimulateError, Stop};

/// The oscillation about one point of a trajectory.
#[derive(Clone, PartialEq, Debug)]
pub struct Oscillation {
    /// The largest eigenvalue of `∇²E` on the path; of `P⁻¹∇²E` for an optimizer that divides its steps by `P`. That of the
    /// optimizer itself is on the path that its iterates oscillate about, too; NaN at the first and the last of them, where
    /// that is not known.
    pub sharpness: f64,
    /// Where the optimizer's steps begin to oscillate: `2/h` for gradient descent.
    pub edge: f64,
    /// The eigenvalues of `Σ` that are not 0, or the first of them, the largest first.
    pub covariance: Vec<f64>,
    /// `tr Σ`.
    pub trace: f64,
    /// The loss, averaged over the oscillation.
    pub loss: f64,
    /// The root of the mean of `‖∇E‖²` over the oscillation.
    pub gradient_norm: f64,
    /// The distance to the path that the optimizer's iterates oscillate about; NaN where they have ended.
    pub distance: f64,
    /// Of `central`, how well the conditions on `Σ` were met: the residual of their complementarity problem,
    /// relative to its data; NaN for others.
    pub residual: f64,
}

/// The oscillation along a trajectory.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Oscillations {
    /// At every point of the trajectory.
    pub at: Vec<Oscillation>,
    /// What is to be said of them, such as directions that were left out.
    pub remarks: Vec<String>,
}

/// Which path of the iterates `θ_n` a flow is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Path {
    /// `(θ_{n-1} + 2θ_n + θ_{n+1})/4`: an oscillation of period 2 drops out.
    Average,
    /// `(θ_n + θ_{n+1})/2`.
    Midpoint,
}

/// A flow whose state is more than a point.
pub(super) trait Oscillating {
    /// Goes on for a part of a step of the optimizer.
    ///
    /// # Errors
    /// If it cannot go on.
    fn advance(&mut self, steps: f64) -> Result<(), Stop>;

    /// Where it is.
    fn point(&self) -> &[f64];

    /// The oscillation there, without a distance.
    ///
    /// # Errors
    /// If the curvature or the loss is not found.
    fn oscillation(&mut self) -> Result<Oscillation, Stop>;

    /// What is to be said when it has ended.
    fn remarks(&self) -> Vec<String>;

    /// What it is about.
    fn path(&self) -> Path;
}

/// A flow of this kind.
pub(super) type Oscillates<'a> = Box<dyn Oscillating + Send + 'a>;

/// Begins such a flow at a point.
pub(super) type Begin<'a> =
    Box<dyn Fn(&[f64]) -> Result<Oscillates<'a>, SimulateError> + Send + 'a>;
