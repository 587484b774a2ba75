//! Several vector fields: games, whose Jacobians do not commute.

use super::boundary::{self, Interval};
use super::continuation;
use super::linear_map::{LinearMap, rational};
use super::truncated::Truncated;
use super::{StabilityError, sorted};
use crate::flow::Problem;
use crate::objective::ObjectiveError;
use bea_series::series::GeneralLinearMethod;
use nalgebra::DMatrix;
use num_complex::Complex64;

/// The largest matrix whose intervals are determined: the conditions for its pairs of eigenvalues
/// are then a determinant of 15 rows.
pub const MAX_ROWS: usize = 6;

/// The linear maps at a critical point of several vector fields. All eigenvalues come with the
/// largest real part first, those of the optimizer with the largest size first.
#[derive(Clone, PartialEq, Debug)]
pub struct Coupled {
    /// Of the Jacobian of the total field, `f = Σ_c f_c`: of the negative gradient flow of a game.
    pub ngf: Vec<Complex64>,
    /// What depends on a step size, if one was given.
    pub at_step: Option<CoupledAtStep>,
    /// How many rows the optimizer's linear map has.
    pub rows: usize,
    /// Where it is stable, in `h`; `None` if it has more than [`MAX_ROWS`] rows.
    pub intervals: Option<Vec<Interval>>,
}

/// The eigenvalues at one step size.
#[derive(Clone, PartialEq, Debug)]
pub struct CoupledAtStep {
    /// Of the Jacobian `J - hJ²/2` of the flow with the first correction of simultaneous gradient
    /// descent; empty where that overflows.
    pub igr: Vec<Complex64>,
    /// Of the optimizer's modified field, truncated: `order:n`; empty where that overflows.
    pub order: Vec<Complex64>,
    /// Of its principal flow, `log(μ)/h`; `None` where the `μ` cannot be continued to.
    pub pf: Option<Vec<Complex64>>,
    /// Of the optimizer's own linear map; empty where the step does not exist.
    pub multipliers: Vec<Complex64>,
    /// The largest size of these.
    pub radius: f64,
}

/// The rows of every `f_c'` that belong to its space.
pub(super) fn jacobians(
    problem: &Problem,
    theta: &[Complex64],
) -> Result<Vec<DMatrix<f64>>, ObjectiveError> {
    let real = |c| Ok(problem.jacobian_of(c, theta)?.map(|z| z.re));
    (0..problem.fields().len()).map(real).collect()
}

/// `J_c` among zeros, `D × D`.
fn embedded(problem: &Problem, c: usize, rows: &DMatrix<f64>) -> DMatrix<f64> {
    let d = problem.dimension();
    let mut whole = DMatrix::zeros(d, d);
    for (row, &i) in problem.spaces()[problem.fields()[c].0].iter().enumerate() {
        whole.row_mut(i).copy_from(&rows.row(row));
    }
    whole
}

impl Coupled {
    /// At the zero `theta` of all fields, where the total field has the Jacobian `j`.
    pub(super) fn new(
        problem: &Problem,
        method: &GeneralLinearMethod,
        theta: &[f64],
        j: &DMatrix<f64>,
        step: Option<(f64, &Truncated)>,
    ) -> Result<Coupled, StabilityError> {
        let theta: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        let jacobians = jacobians(problem, &theta)?;
        let exact: Vec<_> = jacobians
            .iter()
            .map(rational)
            .collect::<Option<_>>()
            .ok_or(StabilityError::Undefined)?;
        let map = LinearMap::new(method, problem.spaces(), &exact);
        let rows = map.size();
        let of = |m: &DMatrix<f64>| {
            if m.iter().all(|x| x.is_finite()) { sorted(super::eigenvalues(m)) } else { Vec::new() }
        };
        let intervals =
            if rows <= MAX_ROWS { map.exact().map(|m| boundary::intervals(&m)) } else { None };
        let at_step = step.map(|(h, truncated)| {
            let whole: Vec<DMatrix<f64>> =
                jacobians.iter().enumerate().map(|(c, m)| embedded(problem, c, m)).collect();
            let d = problem.dimension();
            let order = truncated.matrix(&whole);
            let multipliers = super::multipliers(&map, h);
            let principal = continuation::principal(&map, h, d);
            CoupledAtStep {
                igr: of(&(j - j * j * (0.5 * h))),
                order: of(&order),
                pf: principal.map(|all| sorted(all.iter().map(|p| p.log / h).collect())),
                radius: multipliers.first().map_or(f64::INFINITY, |mu| mu.norm()),
                multipliers,
            }
        });
        Ok(Coupled { ngf: sorted(super::eigenvalues(j)), at_step, rows, intervals })
    }
}
