//! Zeros of the computed field that are none of the field itself.
//!
//! Where a loss tends to a constant, its gradient ends in rounding errors, or in 0 by underflow, although it
//! has no zero: `(1-σ(x))²` beyond 37. At a zero the field grows on both sides, until it stands out from its
//! rounding errors; on a plateau it does so on the side alone that the plateau was reached from. What is 0
//! without any rounding, as `max(0, 1-x)²` beyond 1, is critical.

use crate::flow::Problem;
use crate::objective::ObjectiveError;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

/// How many times as large as the bound for its rounding errors, here and at the point in question, the field is
/// where it stands out; below 1 it may be 0.
const CLEAR: f64 = 10.0;
/// By this factor it grows on the side that a search comes from when it runs away.
const GROWN: f64 = 10.0;
/// At distances that are halved so often, from so many times the size of the point or the way to it.
const HALVINGS: i32 = 60;
const REACH: f64 = 8.0;
/// How far from a point a zero may be that is approached slowly, relative to the point.
const NEARBY: f64 = 1e-3;

/// Components of the field at a point, and bounds for their rounding errors.
type Measured = Vec<(f64, f64)>;

type Measure<'a> = Box<dyn Fn(&DVector<f64>) -> Result<Measured, ObjectiveError> + 'a>;

/// Measures the field; `f` and its Jacobian `j` at a point give the scale where there is no formula.
fn measure<'a>(problem: &'a Problem, f: &DVector<f64>, j: &DMatrix<f64>) -> Measure<'a> {
    let Some(formulas) = &problem.formulas else {
        // Errors as if the field were a sum of terms of this size.
        let (constant, slope) = (f.norm(), j.norm());
        return Box::new(move |at| {
            let point: Vec<Complex64> = at.iter().map(|&x| x.into()).collect();
            let mut field = vec![Complex64::ZERO; point.len()];
            problem.total(&point, &mut field)?;
            let error = 4.0 * problem.precision() * (constant + slope * at.norm());
            Ok(field.iter().map(|z| (z.re, error.max(f64::MIN_POSITIVE))).collect())
        });
    };
    let total = formulas.total();
    Box::new(move |at| Ok(total(at.as_slice()).into_iter().map(|b| (b.value, b.error)).collect()))
}

/// A side on which the field does not grow.
pub(super) struct OpenSide {
    /// Whether the field there is no larger than its rounding errors: the zero need be none.
    pub(super) is_rounding: bool,
    /// A point on the other side, where it has grown.
    pub(super) origin: DVector<f64>,
}

/// What the field around a point says about it.
pub(super) struct Surroundings {
    /// Whether a zero is near along all directions in which the field stands out from its rounding errors at the
    /// point: Newton's step is shorter than `reach`, or the field changes its sign close by.
    pub(super) is_near: bool,
    /// A side on which the field does not stand out from its rounding errors, or else one on which it does not
    /// become larger than at the point, while on the other side it does.
    pub(super) open: Option<OpenSide>,
}

/// The surroundings of `theta`, which was found from `given` and where the field is `f` with the Jacobian `j`.
pub(super) fn surroundings(
    problem: &Problem,
    given: &[f64],
    theta: &DVector<f64>,
    (f, j): (&DVector<f64>, &DMatrix<f64>),
    reach: f64,
) -> Result<Surroundings, ObjectiveError> {
    let measure = measure(problem, f, j);
    let way = theta - DVector::from_column_slice(given);
    let far = REACH * (1.0 + theta.norm().max(way.norm()));
    let mut found = Surroundings { is_near: true, open: None };
    // Whether the field stands out from its rounding errors nowhere at all.
    let mut nowhere = true;
    // Along the right singular vectors the field changes by the left ones.
    let svd = j.clone().svd(true, true);
    let (Some(left), Some(right)) = (svd.u, svd.v_t) else { return Ok(found) };
    for k in 0..theta.len() {
        let (along, of_field) = (right.row(k).transpose(), left.column(k));
        // From far to near, and close to the origin and to where the search began.
        let mut distances: Vec<f64> = (0..=HALVINGS).map(|k| far * 0.5f64.powi(k)).collect();
        for length in [theta.norm(), way.norm(), way.dot(&along).abs()] {
            distances.extend((1..=HALVINGS).map(|k| length * (1.0 - 0.5f64.powi(k))));
        }
        distances.retain(|distance| *distance > 0.0);
        distances.sort_by(|a, b| b.total_cmp(a));
        // The component of the field, and the bound for its error.
        let component = |field: &Measured| {
            field.iter().zip(of_field.iter()).fold((0.0, 0.0), |(value, error), ((f, bound), u)| {
                let rounding = (f * u).abs() * f64::EPSILON * theta.len() as f64;
                (value + f * u, error + bound * u.abs() + rounding)
            })
        };
        let (value, least) = component(&measure(theta)?);
        let here = f64::abs(value);
        let slope = svd.singular_values[k];
        if here > least && here > reach * slope {
            // Where the convergence was slow, or the slope is rounding error: the field changes its sign nearby,
            // or grows on both sides.
            let beside = |sign: f64| -> Result<f64, ObjectiveError> {
                let at = theta + &along * (sign * NEARBY * (1.0 + theta.norm()));
                let (other, error) = component(&measure(&at)?);
                Ok(if f64::abs(other) > error { other / value } else { 1.0 })
            };
            let (up, down) = (beside(1.0)?, beside(-1.0)?);
            found.is_near &= up.min(down) < 0.0 || up.min(down) > 2.0;
        }
        let side = |sign: f64| -> Result<Side, ObjectiveError> {
            let (mut largest, mut clearest) = ((0.0, theta.clone()), 0.0f64);
            let mut flat = false;
            for &distance in &distances {
                let at = theta + &along * (sign * distance);
                let field = match measure(&at) {
                    Err(error) if error.is_undefined() => continue,
                    field => field?,
                };
                let (value, error) = component(&field);
                let size = f64::abs(value);
                if !(size.is_finite() && error.is_finite()) {
                    continue;
                }
                flat = size == 0.0 && error == 0.0;
                let error = error.max(least);
                if error > 0.0 {
                    clearest = clearest.max(size / error);
                }
                if size > largest.0 {
                    largest = (size, at);
                }
            }
            Ok(Side { largest, clearest, flat })
        };
        let (up, down) = (side(1.0)?, side(-1.0)?);
        nowhere &= up.clearest.max(down.clearest) < CLEAR && !up.flat && !down.flat;
        for (this, other) in [(&up, &down), (&down, &up)] {
            if this.clearest < 1.0 && !this.flat && other.clearest > CLEAR {
                let origin = other.largest.1.clone();
                found.open = Some(OpenSide { is_rounding: true, origin });
                return Ok(found);
            }
            if this.largest.0 <= here && other.largest.0 > GROWN * here {
                let origin = other.largest.1.clone();
                found.open = Some(OpenSide { is_rounding: false, origin });
            }
        }
    }
    if nowhere {
        found.open = Some(OpenSide { is_rounding: true, origin: theta.clone() });
    }
    Ok(found)
}

/// The field on one side of a point.
struct Side {
    /// How large it becomes, and where.
    largest: (f64, DVector<f64>),
    /// How far it stands out from its rounding errors.
    clearest: f64,
    /// Whether it is 0 beside the point, without any rounding.
    flat: bool,
}
