//! Objectives as flows see them: the vector fields of an optimizer, at real or complex points.
//!
//! A real point is evaluated over the reals, which costs less than half and is all that some objectives
//! have.

use super::formula::Formulas;
use super::jets::JetSource;
use super::velocity::is_real;
use crate::loss;
use crate::objective::{Call, Capability, Counter, Counts, Jet, Objective, ObjectiveError, Scalar};
use bea_series::optimizer::Step;
use bea_series::typed::Matrix;
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::sync::Arc;

/// The vector fields of an optimizer, each the negative gradient of a loss with respect to the
/// coordinates of one space: `f_c = -∂E_c/∂θ_{space(c)}`.
#[derive(Clone)]
pub struct Problem {
    spaces: Vec<Vec<usize>>,
    fields: Vec<(usize, Arc<dyn Objective>)>,
    dimension: usize,
    /// Counts the evaluations of all fields.
    pub(super) counter: Arc<Counter>,
    /// The fields as formulas, if they are known as such.
    pub(super) formulas: Option<Arc<Formulas>>,
    /// The matrices that the parameters are; empty where that is not known.
    matrices: Vec<Matrix>,
}

/// Why losses are not a problem for an optimizer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProblemError {
    /// No vector field.
    #[error("there is no loss")]
    NoField,
    /// The losses depend on different numbers of coordinates.
    #[error("loss {field} has {found} variables, the first one {expected}")]
    Dimension {
        /// Which loss, counted from 1.
        field: usize,
        /// Its dimension.
        found: usize,
        /// That of the first.
        expected: usize,
    },
    /// The spaces are not a partition of the coordinates.
    #[error("variable {coordinate} must belong to exactly one player, not to {found}")]
    Spaces {
        /// Which coordinate, counted from 1.
        coordinate: usize,
        /// In how many spaces it is.
        found: usize,
    },
    /// A field of a space that does not exist.
    #[error("loss {field} belongs to player {space}, of {spaces}")]
    NoSpace {
        /// Which loss, counted from 1.
        field: usize,
        /// Its space, counted from 1.
        space: usize,
        /// How many there are.
        spaces: usize,
    },
}

impl Problem {
    /// One loss: one space, one field `f = -∇E`.
    pub fn new(objective: impl Objective + 'static) -> Problem {
        let dimension = objective.dimension();
        Problem {
            spaces: vec![(0..dimension).collect()],
            matrices: objective.matrices(),
            fields: vec![(0, Arc::new(objective))],
            dimension,
            counter: Arc::default(),
            formulas: None,
        }
    }

    /// The same where the parameters are these matrices, one after the other, for steps that multiply matrices or take
    /// functions of them.
    #[must_use]
    pub fn with_matrices(self, matrices: Vec<Matrix>) -> Problem {
        Problem { matrices, ..self }
    }

    /// The step on the matrices that the parameters are, unless it knows others.
    pub(super) fn shaped(&self, mut step: Step) -> Step {
        if let Step::Nonlinear(program) = &mut step
            && program.matrices.is_empty()
        {
            program.matrices.clone_from(&self.matrices);
        }
        step
    }

    /// Several losses: `spaces` partitions the coordinates, `fields` are pairs of a space and the
    /// loss that it descends. Several fields of one space are mini-batches, several spaces players.
    ///
    /// # Errors
    /// Losses of different dimensions, spaces that are no partition of the coordinates.
    pub fn of_fields(
        spaces: Vec<Vec<usize>>,
        fields: Vec<(usize, Arc<dyn Objective>)>,
    ) -> Result<Problem, ProblemError> {
        let dimension = fields.first().ok_or(ProblemError::NoField)?.1.dimension();
        for (i, (space, objective)) in fields.iter().enumerate() {
            let found = objective.dimension();
            if found != dimension {
                return Err(ProblemError::Dimension { field: i + 1, found, expected: dimension });
            }
            if *space >= spaces.len() {
                let (space, spaces) = (space + 1, spaces.len());
                return Err(ProblemError::NoSpace { field: i + 1, space, spaces });
            }
        }
        let mut found = vec![0; dimension];
        let mut outside = Vec::new();
        for &coordinate in spaces.iter().flatten() {
            match found.get_mut(coordinate) {
                Some(found) => *found += 1,
                None => outside.push(coordinate),
            }
        }
        let wrong = found.iter().position(|found| *found != 1);
        if let Some(coordinate) = wrong.or_else(|| outside.iter().min().copied()) {
            let elsewhere = || outside.iter().filter(|&&i| i == coordinate).count();
            let found = found.get(coordinate).copied().unwrap_or_else(elsewhere);
            return Err(ProblemError::Spaces { coordinate: coordinate.saturating_add(1), found });
        }
        let (counter, matrices) = (Arc::default(), fields[0].1.matrices());
        Ok(Problem { spaces, fields, dimension, counter, formulas: None, matrices })
    }

    /// How many parameters there are.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The coordinates of each space.
    pub fn spaces(&self) -> &[Vec<usize>] {
        &self.spaces
    }

    /// The space and the loss of each field.
    pub fn fields(&self) -> &[(usize, Arc<dyn Objective>)] {
        &self.fields
    }

    /// Whether there is a single space, so that the Jacobian of the field is a symmetric matrix.
    pub fn is_gradient(&self) -> bool {
        self.spaces.len() == 1
    }

    /// How often the objectives were evaluated through this problem and its clones.
    pub fn counts(&self) -> Counts {
        self.counter.counts()
    }

    /// The largest number of directions that contractions of all objectives take.
    pub(super) fn max_directions(&self) -> usize {
        self.fields.iter().map(|(_, objective)| objective.max_directions()).min().unwrap_or(0)
    }

    /// Whether all objectives have jets.
    pub(super) fn has_jets(&self) -> bool {
        self.fields.iter().all(|(_, objective)| objective.has_jets())
    }

    /// Whether the Jacobian of the field is too large to be assembled.
    pub fn is_matrix_free(&self) -> bool {
        self.fields.iter().any(|(_, objective)| objective.is_matrix_free())
    }

    /// The machine epsilon of the least precise loss.
    pub(super) fn precision(&self) -> f64 {
        self.fields.iter().map(|(_, objective)| objective.precision()).fold(0.0, f64::max)
    }

    /// The loss: the sum of those of the first space (of all mini-batches; of the first player).
    ///
    /// # Errors
    /// Those of the objectives; so for all methods. At complex points,
    /// [`ObjectiveError::Missing`] of an objective that is not defined there.
    pub fn loss(&self, theta: &[Complex64]) -> Result<Complex64, ObjectiveError> {
        let real = real(theta);
        let value = |(_, objective): &(usize, Arc<dyn Objective>)| {
            self.counter.add(Call::Value, 1);
            match &real {
                Some(x) => objective.value(x).map(Complex64::from),
                None => continuation(&**objective)?.value(theta),
            }
        };
        self.fields.iter().filter(|(space, _)| *space == 0).map(value).sum()
    }

    /// `f_c(θ)` into `out`, in the coordinates of its space alone.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn field(
        &self,
        c: usize,
        theta: &[Complex64],
        out: &mut [Complex64],
    ) -> Result<(), ObjectiveError> {
        self.descend(c, theta, &real(theta), |position, _, slope| out[position] = -slope)
    }

    /// `f = Σ_c f_c` into `out`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn total(&self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), ObjectiveError> {
        out.fill(Complex64::ZERO);
        let real = real(theta);
        (0..self.fields.len())
            .try_for_each(|c| self.descend(c, theta, &real, |_, i, slope| out[i] -= slope))
    }

    /// The gradient of loss `c` by the coordinates of its space: hands on the position of each within the space, the
    /// coordinate, and the slope.
    fn descend(
        &self,
        c: usize,
        theta: &[Complex64],
        real: &Option<Vec<f64>>,
        mut take: impl FnMut(usize, usize, Complex64),
    ) -> Result<(), ObjectiveError> {
        let (space, objective) = &self.fields[c];
        self.counter.add(Call::Gradient, 1);
        let mut each = |slope: &dyn Fn(usize) -> Complex64| {
            let coordinates = self.spaces[*space].iter().enumerate();
            coordinates.for_each(|(position, &i)| take(position, i, slope(i)));
        };
        match real {
            Some(x) => {
                let mut gradient = vec![0.0; self.dimension];
                objective.gradient(x, &mut gradient)?;
                each(&|i| gradient[i].into());
            }
            None => {
                let mut gradient = vec![Complex64::ZERO; self.dimension];
                continuation(&**objective)?.gradient(theta, &mut gradient)?;
                each(&|i| gradient[i]);
            }
        }
        Ok(())
    }

    /// `∇²E_c(θ)`.
    fn hessian(&self, c: usize, theta: &[Complex64]) -> Result<DMatrix<Complex64>, ObjectiveError> {
        let objective = &*self.fields[c].1;
        self.counter.add(Call::Hessian, 1);
        let d = self.dimension;
        match real(theta) {
            Some(x) => {
                let mut hessian = DMatrix::zeros(d, d);
                objective.hessian(&x, &mut hessian)?;
                Ok(hessian.map(Complex64::from))
            }
            None => {
                let mut hessian = DMatrix::zeros(d, d);
                continuation(objective)?.hessian(theta, &mut hessian)?;
                Ok(hessian)
            }
        }
    }

    /// The rows of `f_c'(θ)` that belong to its space.
    ///
    /// # Errors
    /// As [`loss`](Self::loss); [`ObjectiveError::Missing`] without Hessian-vector products.
    pub fn jacobian_of(
        &self,
        c: usize,
        theta: &[Complex64],
    ) -> Result<DMatrix<Complex64>, ObjectiveError> {
        Ok(-self.hessian(c, theta)?.select_rows(&self.spaces[self.fields[c].0]))
    }

    /// `J = f'(θ)` into `out`, for one loss `-∇²E`.
    ///
    /// # Errors
    /// As [`jacobian_of`](Self::jacobian_of).
    pub fn jacobian(
        &self,
        theta: &[Complex64],
        out: &mut DMatrix<Complex64>,
    ) -> Result<(), ObjectiveError> {
        out.fill(Complex64::ZERO);
        for (c, (space, _)) in self.fields.iter().enumerate() {
            let hessian = self.hessian(c, theta)?;
            for &i in &self.spaces[*space] {
                for j in 0..self.dimension {
                    out[(i, j)] -= hessian[(i, j)];
                }
            }
        }
        Ok(())
    }

    /// `f'(x) v` for all vectors of a block, at a real point.
    pub(super) fn real_jacobian_vectors(
        &self,
        x: &[f64],
        block: &[&[f64]],
    ) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        let mut out = vec![vec![0.0; self.dimension]; block.len()];
        for (space, objective) in &self.fields {
            self.counter.add(Call::HessianVector, block.len());
            for (out, product) in out.iter_mut().zip(objective.hessian_vectors(x, block)?) {
                for &i in &self.spaces[*space] {
                    out[i] -= product[i];
                }
            }
        }
        Ok(out)
    }

    /// `f'(θ) v` for all vectors of a block.
    ///
    /// # Errors
    /// As [`jacobian_of`](Self::jacobian_of).
    pub fn jacobian_vectors(
        &self,
        theta: &[Complex64],
        block: &[Vec<Complex64>],
    ) -> Result<Vec<Vec<Complex64>>, ObjectiveError> {
        let block: Vec<&[Complex64]> = block.iter().map(Vec::as_slice).collect();
        let mut out = vec![vec![Complex64::ZERO; self.dimension]; block.len()];
        for (space, objective) in &self.fields {
            self.counter.add(Call::HessianVector, block.len());
            for (out, product) in out.iter_mut().zip(products(&**objective, theta, &block)?) {
                for &i in &self.spaces[*space] {
                    out[i] -= product[i];
                }
            }
        }
        Ok(out)
    }

    /// `f_c^(m)(θ)[v_1, …, v_m]`, 0 outside of the space of the field.
    pub(super) fn contraction(
        &self,
        c: usize,
        theta: &[Complex64],
        directions: &[&[Complex64]],
    ) -> Result<Vec<Complex64>, ObjectiveError> {
        let (space, objective) = &self.fields[c];
        let mut out = vec![Complex64::ZERO; self.dimension];
        if directions.is_empty() {
            self.descend(c, theta, &real(theta), |_, i, slope| out[i] = -slope)?;
            return Ok(out);
        }
        let all = match directions {
            [v] => {
                self.counter.add(Call::HessianVector, 1);
                products(&**objective, theta, &[v])?.remove(0)
            }
            _ => {
                self.counter.add(Call::Contraction, 1);
                contraction(&**objective, theta, directions)?
            }
        };
        for &i in &self.spaces[*space] {
            out[i] = -all[i];
        }
        Ok(out)
    }

    /// Coefficients of `f_c(θ(h, s))`, in the coordinates of its space alone: see [`Objective::gradient_jet`].
    pub(super) fn jet<S: Point>(
        &self,
        c: usize,
        theta: &Jet<S>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<S>>, ObjectiveError> {
        let (space, objective) = &self.fields[c];
        // Derivatives up to this order, and one for the gradient, are in it.
        let call = match theta.degree() {
            0 => Call::Gradient,
            1 => Call::HessianVector,
            _ => Call::Contraction,
        };
        self.counter.add(call, 1);
        let objective = S::objective(&**objective)?;
        let all = match theta.degree() {
            // A gradient, which every objective has.
            0 => {
                let mut gradient = vec![S::zero(); self.dimension];
                objective.gradient(theta.point(), &mut gradient)?;
                vec![gradient]
            }
            _ => objective.gradient_jet(theta, wanted)?,
        };
        let space = &self.spaces[*space];
        let is_whole = space.iter().copied().eq(0..self.dimension);
        let restricted = |mut x: Vec<S>| {
            if is_whole {
                x.iter_mut().for_each(|x| *x = -*x);
                x
            } else {
                space.iter().map(|&i| -x[i]).collect()
            }
        };
        Ok(all.into_iter().map(restricted).collect())
    }

    /// The part of the highest degree of `f'(θ(h, s)) v(h, s)`, of a single field.
    pub(super) fn jet_along<S: Point>(
        &self,
        theta: &Jet<S>,
        v: &Jet<S>,
    ) -> Result<Vec<Vec<S>>, ObjectiveError> {
        let (_, objective) = &self.fields[0];
        self.counter.add(if v.degree() == 0 { Call::HessianVector } else { Call::Contraction }, 1);
        let objective = S::objective(&**objective)?;
        let mut all = match v.degree() {
            0 => objective.hessian_vectors(theta.point(), &[v.point()])?,
            _ => objective.hessian_jet(theta, v)?,
        };
        all.iter_mut().flatten().for_each(|x| *x = -*x);
        Ok(all)
    }

    /// `f''(θ)[u, v]` into `out`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss); [`ObjectiveError::Missing`] without third derivatives.
    pub fn second(
        &self,
        theta: &[Complex64],
        u: &[Complex64],
        v: &[Complex64],
        out: &mut [Complex64],
    ) -> Result<(), ObjectiveError> {
        out.fill(Complex64::ZERO);
        for (space, objective) in &self.fields {
            self.counter.add(Call::Contraction, 1);
            let third = contraction(&**objective, theta, &[u, v])?;
            for &i in &self.spaces[*space] {
                out[i] -= third[i];
            }
        }
        Ok(())
    }
}

/// The single field of a problem, as the step of a nonlinear optimizer asks for it.
pub(super) struct OnProblem<'a>(pub(super) &'a Problem);

impl<S: Point> JetSource<S> for OnProblem<'_> {
    type Error = ObjectiveError;

    fn field(&mut self, x: &Jet<S>) -> Result<Vec<Vec<S>>, ObjectiveError> {
        self.0.jet(0, x, &x.last())
    }

    fn along(&mut self, x: &Jet<S>, v: &Jet<S>) -> Result<Vec<Vec<S>>, ObjectiveError> {
        self.0.jet_along(x, v)
    }
}

/// The numbers that jets are made of.
pub(super) trait Point: Scalar + loss::Number {
    /// An objective at points of such numbers.
    fn objective(objective: &dyn Objective) -> Result<&dyn Objective<Self>, ObjectiveError>;
}

impl Point for f64 {
    fn objective(objective: &dyn Objective) -> Result<&dyn Objective, ObjectiveError> {
        Ok(objective)
    }
}

impl Point for Complex64 {
    fn objective(objective: &dyn Objective) -> Result<&dyn Objective<Complex64>, ObjectiveError> {
        continuation(objective)
    }
}

/// The objective at complex points.
fn continuation(objective: &dyn Objective) -> Result<&dyn Objective<Complex64>, ObjectiveError> {
    objective.complex().ok_or(ObjectiveError::Missing(Capability::ComplexPoints))
}

/// The real parts, if that is all there is.
fn real(x: &[Complex64]) -> Option<Vec<f64>> {
    is_real(x).then(|| x.iter().map(|z| z.re).collect())
}

/// `∇²E(θ) v` for a block.
fn products(
    objective: &dyn Objective,
    theta: &[Complex64],
    block: &[&[Complex64]],
) -> Result<Vec<Vec<Complex64>>, ObjectiveError> {
    let is_real_block = block.iter().all(|v| is_real(v));
    match real(theta) {
        Some(x) if is_real_block || objective.complex().is_none() => {
            let of = |part: fn(&Complex64) -> f64| -> Result<Vec<Vec<f64>>, ObjectiveError> {
                let parts: Vec<Vec<f64>> =
                    block.iter().map(|v| v.iter().map(part).collect()).collect();
                let parts: Vec<&[f64]> = parts.iter().map(Vec::as_slice).collect();
                objective.hessian_vectors(&x, &parts)
            };
            let mut out: Vec<Vec<Complex64>> = of(|z| z.re)?
                .into_iter()
                .map(|v| v.into_iter().map(Complex64::from).collect())
                .collect();
            if !is_real_block {
                // The product is linear.
                for (out, part) in out.iter_mut().zip(of(|z| z.im)?) {
                    out.iter_mut().zip(part).for_each(|(out, im)| out.im = im);
                }
            }
            Ok(out)
        }
        _ => continuation(objective)?.hessian_vectors(theta, block),
    }
}

/// `∇^{m+1}E(θ)[v_1, …, v_m]` for `m ≥ 2`.
fn contraction(
    objective: &dyn Objective,
    theta: &[Complex64],
    directions: &[&[Complex64]],
) -> Result<Vec<Complex64>, ObjectiveError> {
    let first_complex = directions.iter().position(|v| !is_real(v));
    match (real(theta), first_complex) {
        (Some(x), None) => {
            let directions: Vec<Vec<f64>> =
                directions.iter().map(|v| v.iter().map(|z| z.re).collect()).collect();
            let directions: Vec<&[f64]> = directions.iter().map(Vec::as_slice).collect();
            let mut out = vec![0.0; x.len()];
            objective.contraction(&x, &directions, &mut out)?;
            Ok(out.into_iter().map(Complex64::from).collect())
        }
        // It is linear in every direction.
        (Some(_), Some(k)) if objective.complex().is_none() => {
            let part = |of: fn(&Complex64) -> f64| {
                let part: Vec<Complex64> = directions[k].iter().map(|z| of(z).into()).collect();
                let mut parts = directions.to_vec();
                parts[k] = &part;
                contraction(objective, theta, &parts)
            };
            let (re, im) = (part(|z| z.re)?, part(|z| z.im)?);
            Ok(re.into_iter().zip(im).map(|(re, im)| re + Complex64::I * im).collect())
        }
        _ => {
            let mut out = vec![Complex64::ZERO; theta.len()];
            continuation(objective)?.contraction(theta, directions, &mut out)?;
            Ok(out)
        }
    }
}
