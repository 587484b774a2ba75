//! Stability of optimizers and their flows at critical points (paper, sections 3.1, 3.2 and A.4).
//!
//! At a critical point of a loss the Jacobians of all flows are functions of the Hessian, and so is
//! the step of an optimizer. With an eigenvalue `λ` of the Hessian they have the eigenvalues
//!
//! | | |
//! |---|---|
//! | negative gradient flow | `-λ` |
//! | implicit gradient regularisation | `-(λ + hλ²/2)` |
//! | `order:n` | the chains of the modified field at `J = -λ` |
//! | principal flow | `log(μ)/h`, for gradient descent `log(1-hλ)/h` |
//! | one step | the eigenvalues `μ` of the matrix `R(-hλ)` |
//!
//! The flows that are truncated series agree with the optimizer for small `hλ` only. The critical
//! learning rate, up to which the optimizer converges, is found exactly: see [`Interval`].

mod boundary;
mod coefficient;
mod continuation;
mod coupled;
mod critical_point;
mod curvature;
mod direction;
mod linear_map;
mod multipliers;
mod paths;
mod plateau;
mod region;
mod truncated;

pub use boundary::{Crossing, End, Interval, StabilityType};
pub use coefficient::{PrincipalCoefficient, StabilityCoefficient, stability_coefficients};
pub use coupled::{Coupled, CoupledAtStep, MAX_ROWS};
pub use critical_point::{CriticalPoint, PointKind};
pub use direction::{AtStep, Case, Direction};
pub use multipliers::Multipliers;
pub use paths::Path;
pub use region::Region;
pub use truncated::MAX_CHAINS;

use super::{Problem, Stop};
use crate::flow::dense::decomposition;
use crate::objective::ObjectiveError;
use bea_series::exact::RationalFunction;
use bea_series::series::{
    Combination, GeneralLinearMethod, Matrix, MethodError, characteristic_polynomial,
};
use continuation::PrincipalEigenvalue;
use critical_point::Found;
use curvature::Curvature;
use linear_map::{LinearMap, simplest};
use nalgebra::DMatrix;
use num_complex::Complex64;
use num_rational::BigRational;
use rayon::prelude::*;
use truncated::Truncated;

/// What to compute.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StabilityRequest {
    /// The step size, if there is one: without it only what holds for all step sizes is computed.
    pub lr: Option<f64>,
    /// `n` of the flow `order:n`.
    pub order: usize,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum StabilityError {
    /// The step size is not positive, or the optimizer is undefined there.
    #[error("the step size must be a positive number where the optimizer is defined, not {0}")]
    StepSize(f64),
    /// The point has the wrong number of coordinates.
    #[error("the point has {found} coordinates, the loss {expected} variables")]
    Point {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Gradient or Hessian are not finite at the point.
    #[error("the gradient or the Hessian is not finite at the point")]
    Undefined,
    /// The objective was not evaluated.
    #[error(transparent)]
    Objective(#[from] ObjectiveError),
    /// No critical point was found.
    #[error("no critical point was found: {}", away.reason(*norm))]
    NoCriticalPoint {
        /// The smallest norm reached.
        norm: f64,
        /// Where.
        theta: Vec<f64>,
        /// How the search ended.
        away: Away,
    },
    /// The total field vanishes, but one of several fields does not.
    #[error(
        "field {field} alone does not vanish there (its norm is {norm:.3e}): the optimizer's fixed \
         point is another one, which moves with the step size"
    )]
    NotFixed {
        /// Which field, counted from 1.
        field: usize,
        /// Its norm.
        norm: f64,
    },
    /// Parameters of the optimizer without a value.
    #[error("the optimizer's parameters need values: {}", .0.join(", "))]
    Symbolic(Vec<String>),
    /// The order is above [`MAX_ORDER`](super::MAX_ORDER), or there are too many chains of several
    /// colours.
    #[error(
        "order {order} is too high: at most {}, and no more than {MAX_CHAINS} chains of {fields} \
         vector field{}", super::MAX_ORDER, if *fields == 1 { "" } else { "s" }
    )]
    Order {
        /// `n`.
        order: usize,
        /// How many vector fields there are.
        fields: usize,
    },
    /// The optimizer and the problem do not fit.
    #[error("the optimizer has {expected}, the problem {found}")]
    Shape {
        /// Fields and players of the optimizer.
        expected: String,
        /// Those of the problem.
        found: String,
    },
    /// The optimizer has no modified field.
    #[error(transparent)]
    Method(#[from] MethodError),
}

/// Everything about one critical point.
#[derive(Clone, PartialEq, Debug)]
pub struct Stability {
    /// The critical point.
    pub point: CriticalPoint,
    /// The eigenvalues.
    pub spectrum: Eigenvalues,
    /// Where the optimizer is stable, in `h`, eigenvalues `λ = 0` of a Hessian left out. `None` if
    /// that was not determined, because the matrix has more than [`MAX_ROWS`] rows.
    pub intervals: Option<Vec<Interval>>,
}

/// The eigenvalues at a critical point.
#[derive(Clone, PartialEq, Debug)]
pub enum Eigenvalues {
    /// Of a loss, by the eigenvalues of its Hessian in descending order.
    Loss(Vec<Direction>),
    /// Of several vector fields.
    Coupled(Coupled),
}

impl Stability {
    /// The step size up to which the optimizer converges: 0 if it does not for small ones, infinite
    /// if it always does, `None` if it was not determined.
    pub fn critical_learning_rate(&self) -> Option<f64> {
        self.intervals.as_deref().map(boundary::critical)
    }
}

/// How a search that found no critical point ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Away {
    /// Where the norm of the field is least, but not 0.
    Least,
    /// On its way to infinity, where the field tends to 0 and the loss decreases.
    Infimum,
    /// On its way to infinity, where the field tends to 0.
    Plateau,
}

impl Away {
    fn reason(self, norm: f64) -> String {
        match self {
            Away::Least => format!("the gradient's norm stays at {norm:.3e}"),
            Away::Infimum => "the search runs away; the infimum is approached at infinity".into(),
            Away::Plateau => {
                "the search runs away; the gradient only tends to 0 towards infinity".into()
            }
        }
    }
}

/// The critical point of `problem` near `start`, and the stability there of `method`, all of whose
/// parameters have values, and of its flows.
///
/// # Errors
/// What makes the request meaningless, and points from which no critical point is found.
pub fn stability(
    problem: &Problem,
    method: &GeneralLinearMethod,
    start: &[f64],
    request: &StabilityRequest,
) -> Result<Stability, StabilityError> {
    check(problem, method, start, request)?;
    let Found { point, j, curvatures } = critical_point::find(problem, start)?;
    let truncated = match request.lr {
        Some(h) if !has_slow_variables(method) => Some(Truncated::new(method, request.order, h)?),
        _ => None,
    };
    let step = request.lr.map(|h| (h, truncated.as_ref()));
    if let [_] = problem.fields() {
        let directions = directions(method, curvatures, step)?;
        let of_h: Vec<(f64, &[Interval])> = directions
            .iter()
            .filter(|d| !d.intervals.is_empty())
            .map(|d| (if d.scaled { d.lambda.abs() } else { 1.0 }, d.intervals.as_slice()))
            .collect();
        let intervals = Some(boundary::intersect(&of_h));
        return Ok(Stability { point, spectrum: Eigenvalues::Loss(directions), intervals });
    }
    check_fixed(problem, &point, &j)?;
    let step = step.and_then(|(h, truncated)| Some((h, truncated?)));
    let coupled = Coupled::new(problem, method, &point.theta, &j, step)?;
    let intervals = coupled.intervals.clone();
    Ok(Stability { point, spectrum: Eigenvalues::Coupled(coupled), intervals })
}

/// Whether a step of the size 0 keeps buffers beside the parameters: then the modified field moves these as well.
fn has_slow_variables(method: &GeneralLinearMethod) -> bool {
    let Some(h) = method.step_parameter else { return false };
    let mut values = vec![None; method.parameters.len()];
    values[h] = Some(RationalFunction::zero());
    let row = |row: &Combination| row.states.iter().map(|c| c.substitute(&values)).collect();
    let Some(matrix) = method.update.iter().map(row).collect::<Option<Matrix>>() else {
        return false;
    };
    // Where 1 is a multiple root of `det(μ - A)`, so is the derivative's.
    let polynomial = characteristic_polynomial(&matrix);
    let terms = (0i64..).zip(&polynomial).map(|(k, c)| &RationalFunction::integer(k) * c);
    terms.fold(RationalFunction::zero(), |sum, term| &sum + &term).is_zero()
}

fn check(
    problem: &Problem,
    method: &GeneralLinearMethod,
    start: &[f64],
    request: &StabilityRequest,
) -> Result<(), StabilityError> {
    if let Some(h) = request.lr.filter(|h| !(*h > 0.0 && h.is_finite())) {
        return Err(StabilityError::StepSize(h));
    }
    let symbolic: Vec<String> = (0..method.parameters.len())
        .filter(|&i| method.step_parameter != Some(i))
        .map(|i| method.parameters[i].clone())
        .collect();
    if !symbolic.is_empty() {
        return Err(StabilityError::Symbolic(symbolic));
    }
    let expected = problem.dimension();
    if start.len() != expected {
        return Err(StabilityError::Point { found: start.len(), expected });
    }
    let of_method: Vec<usize> = method.fields.iter().map(|f| f.space).collect();
    let of_problem: Vec<usize> = problem.fields().iter().map(|f| f.0).collect();
    if of_method != of_problem || method.spaces.len() != problem.spaces().len() {
        let plural = |n: usize, word| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let describe = |spaces: usize, fields: usize| {
            format!("{} and {}", plural(spaces, "parameter vector"), plural(fields, "vector field"))
        };
        return Err(StabilityError::Shape {
            expected: describe(method.spaces.len(), of_method.len()),
            found: describe(problem.spaces().len(), of_problem.len()),
        });
    }
    Ok(())
}

/// All fields vanish at the point, not only their sum.
fn check_fixed(
    problem: &Problem,
    point: &CriticalPoint,
    j: &DMatrix<f64>,
) -> Result<(), StabilityError> {
    let theta: Vec<Complex64> = point.theta.iter().map(|&x| x.into()).collect();
    let scale = point.theta.iter().fold(1.0f64, |m, x| m.max(x.abs())) * j.norm();
    for (c, (space, _)) in problem.fields().iter().enumerate() {
        let mut field = vec![Complex64::ZERO; problem.spaces()[*space].len()];
        problem.field(c, &theta, &mut field)?;
        let norm = field.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        if norm > 1e-7 * scale {
            return Err(StabilityError::NotFixed { field: c + 1, norm });
        }
    }
    Ok(())
}

/// The eigendirections of a loss, in the order of its Hessian's eigenvalues.
fn directions(
    method: &GeneralLinearMethod,
    curvatures: Vec<Curvature>,
    step: Option<(f64, Option<&Truncated>)>,
) -> Result<Vec<Direction>, StabilityError> {
    let largest = curvatures.iter().fold(0.0f64, |m, c| m.max(c.lambda.abs()));
    let is_descent = *method == GeneralLinearMethod::euler();
    let scaled = method.step_parameter.is_none();
    // If h and λ occur only as hλ, the intervals for λ = ±1 are enough.
    let unit = |sign: i64| -> (LinearMap, Vec<Interval>) {
        let map = LinearMap::scalar(method, &BigRational::from_integer((-sign).into()));
        let intervals = map.exact().map_or_else(Vec::new, |m| boundary::intervals(&m));
        (map, intervals)
    };
    let units = scaled.then(|| (unit(1), unit(-1)));
    curvatures
        .into_par_iter()
        .map(|Curvature { lambda, vector }| {
            let zero = lambda == 0.0;
            let own;
            let (map, intervals, factor) = match &units {
                Some((up, down)) => {
                    let (map, intervals) = if lambda < 0.0 { down } else { up };
                    (map, intervals.clone(), lambda.abs())
                }
                None => {
                    let j = simplest(-lambda, largest * f64::EPSILON * 4.0);
                    own = LinearMap::scalar(method, &j.ok_or(StabilityError::Undefined)?);
                    let intervals = if zero { None } else { own.exact() };
                    (&own, intervals.map_or_else(Vec::new, |m| boundary::intervals(&m)), 1.0)
                }
            };
            let at_step = step.map(|(h, truncated)| {
                let x = h * factor;
                let principal = match x {
                    0.0 => Some(PrincipalEigenvalue { mu: Complex64::ONE, log: Complex64::ZERO }),
                    _ if is_descent => None,
                    _ => continuation::principal(map, x, 1).map(|found| found[0]),
                };
                let multipliers = multipliers(map, x);
                AtStep::new(lambda, h, truncated, multipliers, principal, is_descent)
            });
            Ok(Direction {
                lambda,
                vector: vector.as_slice().to_vec(),
                ngf: 0.0 - lambda,
                at_step,
                intervals: if zero { Vec::new() } else { intervals },
                scaled,
            })
        })
        .collect()
}

/// The `hλ` up to which an optimizer converges on `E = λθ²/2`, `λ > 0`, for a method with one vector field,
/// free of `h` and of parameters without a value. `None` if it does not converge for small steps, or
/// converges for all.
///
/// ```
/// use bea_flow::flow::stability::stable_until;
/// use bea_series::series::GeneralLinearMethod;
/// assert_eq!(stable_until(&GeneralLinearMethod::euler()).unwrap().value, 2.0);
/// ```
pub fn stable_until(method: &GeneralLinearMethod) -> Option<End> {
    if method.fields.len() != 1 || !method.parameters.is_empty() {
        return None;
    }
    first_end(&LinearMap::scalar(method, &BigRational::from_integer((-1).into())).exact()?)
}

/// The least eigenvalue `λ > 0` of the Hessian at which steps of the size `h` do not converge on `E = λθ²/2`, for a method with one
/// vector field and no parameter without a value but its own `h`: `2/h` for gradient descent. `None` if they do not converge for
/// small `λ`, or converge for all, or if `h` is not positive and finite. A `λ` at which a multiplier only touches the unit circle is
/// not the end.
///
/// A linear step that evaluates gradients at its iterates only is a filter of gradients, `ρ(z) θ = -h σ(z) g` with polynomials in the
/// shift `z`, and the roots of `ρ(z) + hλ σ(z)` are its multipliers. The first of them to reach the unit circle may do so at -1, at 1 or anywhere else: [`End::angle`].
///
/// ```
/// use bea_flow::flow::stability::stable_below;
/// let delayed = bea_series::optimizer::find("delayed_gradient").unwrap().method(&Default::default()).unwrap();
/// // z(z-1) + hλ = 0 at e^(iπ/3)
/// let end = stable_below(&delayed, 0.1).unwrap();
/// assert!((end.value - 10.0).abs() < 1e-13);
/// assert!((end.angle.unwrap() - std::f64::consts::FRAC_PI_3).abs() < 1e-14);
/// ```
pub fn stable_below(method: &GeneralLinearMethod, h: f64) -> Option<End> {
    if !(h > 0.0 && h.is_finite()) {
        return None;
    }
    if method.step_parameter.is_none() {
        return stable_until(method).map(|end| end.over(h));
    }
    if method.fields.len() != 1 || method.parameters.len() != 1 {
        return None;
    }
    // A matrix in z = -λ: the step size is a number.
    let at = [Some(BigRational::from_float(h)?.into()), Some(-&RationalFunction::variable(0))];
    let substituted = |x: &RationalFunction| x.substitute(&at);
    let map = method.linear_step(1)?;
    let map = map
        .iter()
        .map(|row| row.iter().map(substituted).collect::<Option<Vec<_>>>())
        .collect::<Option<Vec<_>>>()?;
    first_end(&map)
}

/// The end of the stability that begins at 0, if it ends.
fn first_end(map: &Matrix) -> Option<End> {
    let intervals = boundary::intervals(map).into_iter();
    let last = intervals.take_while(|interval| interval.verdict == StabilityType::Stable).last()?;
    last.to.value.is_finite().then_some(last.to)
}

/// A formula in the parameters for an end in `hλ` of an interval of `optimizer`'s stability, for
/// `λ > 0`: where an eigenvalue of the step is 1 or -1 and that is an equation with a factor linear in
/// `hλ`. `symbolic` is the method with all `values` left open, in the order of its parameters.
///
/// ```
/// use bea_flow::flow::stability::{Crossing, End, formula};
/// let method = bea_series::optimizer::find("heavy_ball").unwrap().method(&Default::default()).unwrap();
/// let end = End { value: 3.8, exact: Some("19/5".parse().unwrap()), crossing: Crossing::Minus, angle: None };
/// let formula = formula(&method, &["9/10".parse().unwrap()], &end).unwrap();
/// assert_eq!(formula.display(&method.parameters), "2*(1+m)");
/// ```
pub fn formula(
    symbolic: &GeneralLinearMethod,
    values: &[BigRational],
    end: &End,
) -> Option<RationalFunction> {
    let parameters = symbolic.parameters.len();
    let single = symbolic.fields.len() == 1 && symbolic.step_parameter.is_none();
    if !single || parameters != values.len() || parameters + 1 >= bea_series::exact::MAX_VARIABLES {
        return None;
    }
    // R(z) at z = -hλ.
    let map = symbolic.linear_step(parameters)?;
    let mut at = vec![None; parameters];
    at.push(Some(-&RationalFunction::variable(parameters)));
    let map = map
        .iter()
        .map(|row| row.iter().map(|x| x.substitute(&at)).collect::<Option<Vec<_>>>())
        .collect::<Option<Vec<_>>>()?;
    boundary::formula(&map, parameters, values, end)
}

/// The eigenvalues of `M(h)`, largest first; none where the step does not exist.
fn multipliers(map: &LinearMap, h: f64) -> Vec<Complex64> {
    let m = map.at(h.into()).map(|m| m.map(|x| x.re));
    let mut found = m.map_or_else(Vec::new, |m| eigenvalues(&m));
    found.sort_by(|a, b| {
        let (first, second) = ([b.norm(), b.re, b.im], [a.norm(), a.re, a.im]);
        let pairs = first.iter().zip(&second).map(|(b, a)| b.total_cmp(a));
        pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    found
}

/// The eigenvalues of a matrix; of one that is not finite, as many infinite ones, and of one whose are not found, as many
/// that are no numbers.
fn eigenvalues(m: &DMatrix<f64>) -> Vec<Complex64> {
    decomposition::eigenvalues(m).unwrap_or_else(|stop| {
        let value = if stop == Stop::NotFinite { f64::INFINITY } else { f64::NAN };
        vec![value.into(); m.nrows()]
    })
}

/// The largest real part first.
fn sorted(mut found: Vec<Complex64>) -> Vec<Complex64> {
    found.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
    found
}
