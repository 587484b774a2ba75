//! Critical points, by the method of Levenberg and Marquardt.
//!
//! It minimises `½|F|²` for the total field `F`, so that saddles and maxima of a loss are found as
//! well as minima. Steps solve `(JᵀJ + κ‖J‖² I) δ = -Jᵀ F`; near a regular zero `κ → 0` and this is
//! Newton's method.
//!
//! Source: Nocedal and Wright, *Numerical Optimization*, section 10.3.

use super::curvature::{Curvature, ZERO, curvatures};
use super::plateau::{self, OpenSide, Surroundings};
use super::{Away, StabilityError};
use crate::flow::Problem;
use crate::flow::velocity::is_finite;
use crate::objective::ObjectiveError;
use nalgebra::{DMatrix, DVector, Dim, Matrix, RawStorage};
use num_complex::Complex64;

const MAX_ITERATIONS: usize = 300;
/// The weakest and the strongest damping.
const DAMPING: (f64, f64) = (1e-15, 1e20);
/// How far a critical point may be from the point that was found, relative to its size, judged by
/// the last step and by the norm of the field.
const ACCURACY: f64 = 1e-7;
/// A search that has made the field smaller by this factor, and beyond whose end it does not grow, is on its way
/// to infinity.
const SMALL: f64 = 1e-3;

/// A zero of the total field.
#[derive(Clone, PartialEq, Debug)]
pub struct CriticalPoint {
    /// The point to start from.
    pub given: Vec<f64>,
    /// `|F|` there, for one loss the norm of its gradient.
    pub norm_given: f64,
    /// The critical point.
    pub theta: Vec<f64>,
    /// `|F|` there.
    pub norm: f64,
    /// The loss there: the sum of those of the first player.
    pub loss: f64,
    /// What it is.
    pub kind: PointKind,
}

/// What kind of critical point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PointKind {
    /// All eigenvalues of the Hessian are positive.
    Minimum,
    /// All are negative.
    Maximum,
    /// Some are positive, some negative.
    Saddle,
    /// Some are zero, and the others have one sign: the second derivatives do not tell.
    Degenerate,
    /// A game, whose Jacobian has eigenvalues with negative real parts only.
    Sink,
    /// With positive real parts only.
    Source,
    /// With real parts of both signs.
    Hyperbolic,
    /// With some real parts zero and the others of one sign.
    Center,
}

impl std::fmt::Display for PointKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            PointKind::Minimum => "minimum",
            PointKind::Maximum => "maximum",
            PointKind::Saddle => "saddle",
            PointKind::Degenerate => "degenerate, an eigenvalue of the Hessian is 0",
            PointKind::Sink => "attracting equilibrium of the vector field",
            PointKind::Source => "repelling equilibrium of the vector field",
            PointKind::Hyperbolic => {
                "equilibrium of the vector field with attracting and repelling \
                                 directions"
            }
            PointKind::Center => {
                "equilibrium of the vector field with directions that neither attract \
                             nor repel"
            }
        })
    }
}

impl PointKind {
    /// By the eigenvalues of the Hessian.
    fn of_hessian(curvatures: &[Curvature]) -> PointKind {
        let count = |sign: f64| curvatures.iter().filter(|c| c.lambda * sign > 0.0).count();
        match (count(1.0), count(-1.0)) {
            (up, down) if up > 0 && down > 0 => PointKind::Saddle,
            (up, down) if up + down < curvatures.len() => PointKind::Degenerate,
            (_, 0) => PointKind::Minimum,
            _ => PointKind::Maximum,
        }
    }

    /// By the eigenvalues of the Jacobian of a game.
    fn of_jacobian(eigenvalues: &[Complex64]) -> PointKind {
        let zero = ZERO * eigenvalues.iter().fold(0.0f64, |m, l| m.max(l.norm()));
        let count = |sign: f64| eigenvalues.iter().filter(|l| l.re * sign > zero).count();
        match (count(1.0), count(-1.0)) {
            (up, down) if up > 0 && down > 0 => PointKind::Hyperbolic,
            (up, down) if up + down < eigenvalues.len() => PointKind::Center,
            (0, _) => PointKind::Sink,
            _ => PointKind::Source,
        }
    }
}

/// A critical point and what the field does around it.
pub(super) struct Found {
    pub(super) point: CriticalPoint,
    /// The Jacobian of the total field.
    pub(super) j: DMatrix<f64>,
    /// The Hessian's eigenvalues, the largest first; none of a game.
    pub(super) curvatures: Vec<Curvature>,
}

/// The total field and its Jacobian.
type Linear = (DVector<f64>, DMatrix<f64>);

/// `None` where they are not finite.
fn linearize(problem: &Problem, theta: &DVector<f64>) -> Result<Option<Linear>, ObjectiveError> {
    let theta: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    let d = theta.len();
    let mut field = vec![Complex64::ZERO; d];
    let mut jacobian = DMatrix::zeros(d, d);
    match problem.total(&theta, &mut field).and_then(|()| problem.jacobian(&theta, &mut jacobian)) {
        Err(error) if error.is_undefined() => return Ok(None),
        result => result?,
    }
    let finite = is_finite(&field) && is_finite(jacobian.as_slice());
    let real = || (DVector::from_iterator(d, field.iter().map(|z| z.re)), jacobian.map(|z| z.re));
    Ok(finite.then(real))
}

/// The norm, of the smallest numbers too.
fn size<R: Dim, C: Dim, S: RawStorage<f64, R, C>>(m: &Matrix<f64, R, C, S>) -> f64 {
    let largest = m.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    if largest == 0.0 {
        0.0
    } else {
        largest * m.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
    }
}

/// `δ` with the damping `κ`.
fn step(f: &DVector<f64>, j: &DMatrix<f64>, damping: f64) -> Option<DVector<f64>> {
    let unit = size(j);
    if unit == 0.0 {
        return None;
    }
    // As a least-squares problem: JᵀJ would square the condition. Scaled, nothing overflows.
    let d = f.len();
    let mut tall = DMatrix::zeros(2 * d, d);
    tall.rows_mut(0, d).copy_from(&(j / unit));
    tall.rows_mut(d, d).fill_with_identity();
    tall.rows_mut(d, d).scale_mut(damping.sqrt());
    let mut right = DVector::zeros(2 * d);
    right.rows_mut(0, d).copy_from(&(f / -unit));
    let qr = tall.qr();
    let projected = qr.q().tr_mul(&right);
    qr.r().solve_upper_triangular(&projected)
}

/// Whether the loss is smaller at `theta` than at `origin`.
fn descends(
    problem: &Problem,
    origin: &DVector<f64>,
    theta: &DVector<f64>,
) -> Result<bool, ObjectiveError> {
    let loss = |theta: &DVector<f64>| {
        let theta: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        problem.loss(&theta).map(|loss| loss.re)
    };
    Ok(loss(theta)? < loss(origin)?)
}

/// The critical point near `given`.
///
/// # Errors
/// If field or Jacobian are not finite at the start, or no zero is found.
pub(super) fn find(problem: &Problem, given: &[f64]) -> Result<Found, StabilityError> {
    let mut theta = DVector::from_column_slice(given);
    let (mut f, mut j) = linearize(problem, &theta)?.ok_or(StabilityError::Undefined)?;
    let norm_given = size(&f);
    let mut damping = 1e-3;
    for _ in 0..MAX_ITERATIONS {
        if size(&f) == 0.0 {
            break;
        }
        let Some(delta) = step(&f, &j, damping) else { break };
        let next = &theta + &delta;
        let better = linearize(problem, &next)?.filter(|(g, _)| size(g) < size(&f));
        match better {
            Some((g, k)) => {
                (theta, f, j) = (next, g, k);
                damping = f64::max(damping / 10.0, DAMPING.0);
            }
            // Not even the smallest step helps.
            None if damping >= DAMPING.1 => break,
            // What is left of Newton's step is rounding error.
            None if delta.norm() <= 4.0 * f64::EPSILON * theta.norm() => break,
            None => damping = (damping * 10.0).max(1e-8),
        }
    }
    let reach = ACCURACY * (1.0 + theta.norm());
    let last = if size(&f) == 0.0 { Some(0.0) } else { step(&f, &j, DAMPING.0).map(|d| d.norm()) };
    let near = last.is_some_and(|last| last <= reach) && size(&f) <= reach * size(&j);
    let Surroundings { is_near, open } =
        plateau::surroundings(problem, given, &theta, (&f, &j), reach)?;
    let is_zero = size(&f) == 0.0 || near && is_near;
    if !is_zero || open.as_ref().is_some_and(|open| open.is_rounding) {
        let runs = |open: &OpenSide| open.is_rounding || size(&f) < SMALL * norm_given;
        let away = match open.filter(runs) {
            None => Away::Least,
            Some(open) => {
                let given = DVector::from_column_slice(given);
                let origin = if norm_given > size(&f) { &given } else { &open.origin };
                if problem.is_gradient() && descends(problem, origin, &theta)? {
                    Away::Infimum
                } else {
                    Away::Plateau
                }
            }
        };
        let theta = theta.as_slice().to_vec();
        return Err(StabilityError::NoCriticalPoint { norm: size(&f), theta, away });
    }
    let (kind, curvatures) = if problem.is_gradient() {
        let curvatures = curvatures(problem, given, &theta, &f, &j)?;
        (PointKind::of_hessian(&curvatures), curvatures)
    } else {
        (PointKind::of_jacobian(&super::eigenvalues(&j)), Vec::new())
    };
    let complex: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    let point = CriticalPoint {
        given: given.to_vec(),
        norm_given,
        norm: size(&f),
        loss: problem.loss(&complex)?.re,
        theta: theta.as_slice().to_vec(),
        kind,
    };
    Ok(Found { point, j, curvatures })
}
