//! The effective start of the principal flow in closed form.
//!
//! On a linear field `f(θ) = Jθ` one step is a linear map `R(z)`, `z = hJ`, of the states. The trajectory settles on the
//! eigenvector of the principal root `P(z)`, from the start `A(z) θ_0`, where `A(z)` is the first component of the
//! spectral projection `Q(z) s_0` of the states before the first step. For heavy ball, `A = r_1(1-r_2)/(r_1-r_2)` with
//! the roots of `r² - (1+m+z) r + m`. On any field the trees without branching add up to
//! `θ̂_0 = θ_0 + (A(hJ) - 1)/(hJ) h f`.

use super::NoStart;
use crate::curvature::Krylov;
use crate::flow::branch::principal_root::PrincipalRoot;
use crate::flow::dense::decomposition::Decomposition;
use crate::flow::matrix_free::krylov::{NOT_CONVERGED, Projection};
use crate::flow::setup::Setup;
use crate::flow::{FlowName, SimulateError, Stop};
use bea_series::exact::RationalFunction;
use bea_series::field::joint;
use bea_series::series::{Combination, GeneralLinearMethod, Recurrence, Stage, Start};
use nalgebra::{DMatrix, DVector, Schur};
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::f64::consts::TAU;

/// Points of the circle over which the mean of `(A(z) - 1)/z` near `z = 0` is taken.
const CIRCLE: usize = 32;
/// The principal root is larger than all others by at least this factor where buffers settle.
const LARGER: f64 = 1.0 + 1e-9;
/// Iterations of the eigenvalue solver.
const ITERATIONS: usize = 1000;

impl Setup<'_> {
    /// `(A(hJ) - 1)/(hJ) h f` at `θ`.
    pub(super) fn principal_change(
        &self,
        flow: FlowName,
        start: &Start,
        theta: &[Complex64],
    ) -> Result<Vec<Complex64>, NoStart> {
        let (problem, h) = (self.problem, self.request.lr);
        let root = self.root(flow)?;
        let share = Share::new(start, h)?.ok_or(NoStart::NoForm)?;
        let argument = root.argument(h);
        let mut f = vec![Complex64::ZERO; theta.len()];
        problem.total(theta, &mut f)?;
        let change = |z: Complex64| share.change(&root, z);
        let mut value = if problem.is_matrix_free() {
            let tolerance = f64::max(1e-12, 10.0 * problem.precision());
            let krylov = Krylov { tolerance, ..Krylov::default() };
            let mut space = Projection::new(problem, theta, argument, &f)?;
            let growth = space.grow(&krylov, 0, |ritz| {
                let basis = ritz.decomposition.basis()?;
                Ok((basis.apply(&ritz.start, |i| change(basis.z[i]))?, 0.0))
            })?;
            if !growth.converged {
                return Err(NOT_CONVERGED.into());
            }
            space.combine(&growth.c)
        } else {
            let basis = Decomposition::at(problem, theta, argument)?.basis()?;
            basis.apply(&f, |i| change(basis.z[i]))?
        };
        value.iter_mut().for_each(|x| *x *= argument);
        Ok(value)
    }
}

/// The map `z ↦ A(z)` of an optimizer.
struct Share {
    step: Linear,
    first: Option<Linear>,
    /// The states at rest where the parameters are 1.
    rest: DVector<Complex64>,
    /// The radius of a circle around 0 with no branch point in it.
    radius: f64,
}

impl Share {
    /// `None` where states that start settled stand beside others, or fields are not treated alike.
    fn new(start: &Start, h: f64) -> Result<Option<Share>, SimulateError> {
        if start.settled[start.method.spaces.len()..].contains(&true) {
            return Ok(None);
        }
        let Some(method) = joint(&start.method) else { return Ok(None) };
        let first = start.first.as_ref().map(|(stages, update)| {
            let (stages, update) = (stages.clone(), update.clone());
            joint(&GeneralLinearMethod { stages, update, ..start.method.clone() })
        });
        let first = match first {
            Some(None) => return Ok(None),
            Some(Some(first)) => Some(Linear::new(&first, h)?),
            None => None,
        };
        let number = Number::new(&method, h)?;
        let recurrence = Recurrence::new(&method, 0)?;
        let rest: Vec<Complex64> =
            recurrence.constant.iter().map(|c| number.of(c)).collect::<Result<_, _>>()?;
        let step = Linear::new(&method, h)?;
        let second = step.others(Complex64::ZERO, Complex64::ONE);
        let second = second.map_or(0.0, |(_, roots)| largest(&roots));
        // The roots at 0 meet the principal one at about (1 - r_2)²/4.
        let radius = (1.0 - second).powi(2) / 40.0;
        let radius = if method.step_parameter.is_some() { radius / h } else { radius };
        Ok(Some(Share { step, first, rest: DVector::from_vec(rest), radius }))
    }

    /// `(A(z) - 1)/z`.
    fn change(&self, root: &PrincipalRoot, z: Complex64) -> Result<Complex64, Stop> {
        if z.norm() >= self.radius / 4.0 {
            return Ok((self.at(root, z)? - 1.0) / z);
        }
        // Cauchy's integral: the quotient of small numbers would be inexact.
        let mut sum = Complex64::ZERO;
        for k in 0..CIRCLE {
            let point = Complex64::from_polar(self.radius, TAU * (k as f64 + 0.5) / CIRCLE as f64);
            sum += (self.at(root, point)? - 1.0) / (point - z);
        }
        Ok(sum / CIRCLE as f64)
    }

    /// `A(z)`, with the principal root on its sheet above the real axis.
    fn at(&self, root: &PrincipalRoot, z: Complex64) -> Result<Complex64, Stop> {
        let principal = root.symmetric(z)?.root();
        let (map, others) = self.step.others(z, principal)?;
        if largest(&others) * LARGER >= principal.norm() {
            return Err(Stop::Unsettled);
        }
        let mut states = self.rest.clone();
        let mut scale = Complex64::ONE;
        if let Some(first) = &self.first {
            states = first.map(z)? * states;
            scale = principal;
        }
        for other in others {
            states = &map * &states - &states * other;
            scale *= principal - other;
        }
        Ok(states[0] / scale)
    }
}

fn largest(roots: &[Complex64]) -> f64 {
    roots.iter().map(|r| r.norm()).fold(0.0, f64::max)
}

/// The numbers that coefficients are at a step size.
struct Number(Vec<Option<RationalFunction>>, f64);

impl Number {
    fn new(method: &GeneralLinearMethod, h: f64) -> Result<Number, SimulateError> {
        let exact = BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        Ok(Number(vec![Some(exact.into()); method.parameters.len()], h))
    }

    fn of(&self, c: &RationalFunction) -> Result<Complex64, SimulateError> {
        let value = c.substitute(&self.0).and_then(|c| c.as_rational()?.to_f64());
        value.map(Complex64::from).ok_or(SimulateError::StepSize(self.1))
    }

    fn matrix(
        &self,
        rows: usize,
        columns: usize,
        entry: impl Fn(usize, usize) -> RationalFunction,
    ) -> Result<DMatrix<Complex64>, SimulateError> {
        let mut matrix = DMatrix::zeros(rows, columns);
        for i in 0..rows {
            for j in 0..columns {
                matrix[(i, j)] = self.of(&entry(i, j))?;
            }
        }
        Ok(matrix)
    }
}

/// `R(z) = A + z B (I - z D)⁻¹ C`.
struct Linear {
    a: DMatrix<Complex64>,
    b: DMatrix<Complex64>,
    c: DMatrix<Complex64>,
    d: DMatrix<Complex64>,
}

impl Linear {
    fn new(method: &GeneralLinearMethod, h: f64) -> Result<Linear, SimulateError> {
        let number = Number::new(method, h)?;
        let (states, stages) = (method.states.len(), method.stages.len());
        let update = |i: usize| -> &Combination { &method.update[i] };
        let point = |l: usize| -> &Combination {
            let stage: &Stage = &method.stages[l];
            &stage.arguments[0]
        };
        Ok(Linear {
            a: number.matrix(states, states, |i, j| update(i).states[j].clone())?,
            b: number.matrix(states, stages, |i, l| update(i).stages[l].clone())?,
            c: number.matrix(stages, states, |l, j| point(l).states[j].clone())?,
            d: number.matrix(stages, stages, |l, k| point(l).stages[k].clone())?,
        })
    }

    fn map(&self, z: Complex64) -> Result<DMatrix<Complex64>, Stop> {
        let identity = DMatrix::identity(self.d.nrows(), self.d.nrows());
        let stages = (identity - &self.d * z).lu().solve(&self.c).ok_or(Stop::NotFinite)?;
        Ok(&self.a + &self.b * stages * z)
    }

    /// The map, and its eigenvalues but the one that is nearest to `principal`.
    fn others(
        &self,
        z: Complex64,
        principal: Complex64,
    ) -> Result<(DMatrix<Complex64>, Vec<Complex64>), Stop> {
        let map = self.map(z)?;
        let schur = Schur::try_new(map.clone(), f64::EPSILON, ITERATIONS);
        let (_, t) = schur.ok_or(Stop::NoConvergence("the eigenvalue solver"))?.unpack();
        let mut roots: Vec<Complex64> = t.diagonal().iter().copied().collect();
        let distance = |i: &usize| (roots[*i] - principal).norm();
        let nearest = (0..roots.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        roots.swap_remove(nearest.ok_or(Stop::NotFinite)?);
        Ok((map, roots))
    }
}
