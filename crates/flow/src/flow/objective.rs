//! Losses as flows see them: values and derivatives at real or complex points.

use super::formula::Formulas;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use std::sync::Arc;

/// A loss `E(θ)` of `d` parameters, analytic where it is asked. All derivatives are holomorphic: no
/// argument is conjugated.
pub trait Objective: Send + Sync {
    /// `d`.
    fn dimension(&self) -> usize;

    /// `E(θ)`; not finite where the loss is undefined.
    fn value(&self, theta: &[Complex64]) -> Complex64;

    /// `∇E(θ)` into `out`.
    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]);

    /// `∇²E(θ)`, `d × d`, into `out`.
    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>);

    /// `∇³E(θ)[u, v]` into `out`.
    fn third(&self, theta: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]);

    /// Whether the Hessian is too large to be assembled. Flows then take products alone, and never
    /// call [`hessian`](Self::hessian).
    fn is_matrix_free(&self) -> bool {
        false
    }

    /// The unit roundoff of the numbers that derivatives are computed with. Iterations do not ask for
    /// more digits than that gives.
    fn precision(&self) -> f64 {
        f64::EPSILON
    }

    /// `∇²E(θ) v` for all vectors of a block, which may share work. From the Hessian, unless a loss
    /// knows better.
    fn hessian_vectors(
        &self,
        theta: &[Complex64],
        block: &[Vec<Complex64>],
    ) -> Vec<Vec<Complex64>> {
        let d = self.dimension();
        let mut hessian = DMatrix::zeros(d, d);
        self.hessian(theta, &mut hessian);
        let product =
            |v: &Vec<Complex64>| (&hessian * DVector::from_column_slice(v)).as_slice().to_vec();
        block.iter().map(product).collect()
    }

    /// The largest number `m` of directions that [`contraction`](Self::contraction) takes: the loss
    /// has `m + 1` derivatives here.
    fn max_directions(&self) -> usize {
        2
    }

    /// `∇^(m+1)E(θ)[v_1, …, v_m]` into `out`, NaN if there are more directions than
    /// [`max_directions`](Self::max_directions).
    fn contraction(&self, theta: &[Complex64], directions: &[&[Complex64]], out: &mut [Complex64]) {
        match directions {
            [] => self.gradient(theta, out),
            [v] => out.copy_from_slice(&self.hessian_vectors(theta, &[v.to_vec()])[0]),
            [u, v] => self.third(theta, u, v, out),
            _ => out.fill(Complex64::new(f64::NAN, f64::NAN)),
        }
    }
}

/// The vector fields of an optimizer, each the negative gradient of a loss with respect to the
/// coordinates of one space: `f_c = -∂E_c/∂θ_{space(c)}`.
#[derive(Clone)]
pub struct Problem {
    spaces: Vec<Vec<usize>>,
    fields: Vec<(usize, Arc<dyn Objective>)>,
    dimension: usize,
    /// The fields as formulas, if they are known as such.
    pub(super) formulas: Option<Arc<Formulas>>,
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
            fields: vec![(0, Arc::new(objective))],
            dimension,
            formulas: None,
        }
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
        let most = spaces.iter().flatten().max().map_or(0, |&most| most + 1);
        for coordinate in 0..dimension.max(most) {
            let found = spaces.iter().flatten().filter(|&&i| i == coordinate).count();
            if found != 1 || coordinate >= dimension {
                return Err(ProblemError::Spaces { coordinate: coordinate + 1, found });
            }
        }
        Ok(Problem { spaces, fields, dimension, formulas: None })
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

    /// The loss: the sum of those of the first space (of all mini-batches; of the first player).
    pub fn loss(&self, theta: &[Complex64]) -> Complex64 {
        self.fields.iter().filter(|(space, _)| *space == 0).map(|(_, e)| e.value(theta)).sum()
    }

    /// `f_c(θ)` into `out`, in the coordinates of its space alone.
    pub fn field(&self, c: usize, theta: &[Complex64], out: &mut [Complex64]) {
        let (space, objective) = &self.fields[c];
        let mut gradient = vec![Complex64::ZERO; self.dimension];
        objective.gradient(theta, &mut gradient);
        for (out, &i) in out.iter_mut().zip(&self.spaces[*space]) {
            *out = -gradient[i];
        }
    }

    /// `f = Σ_c f_c` into `out`.
    pub fn total(&self, theta: &[Complex64], out: &mut [Complex64]) {
        let mut gradient = vec![Complex64::ZERO; self.dimension];
        out.fill(Complex64::ZERO);
        for (space, objective) in &self.fields {
            objective.gradient(theta, &mut gradient);
            for &i in &self.spaces[*space] {
                out[i] -= gradient[i];
            }
        }
    }

    /// The rows of `f_c'(θ)` that belong to its space.
    pub fn jacobian_of(&self, c: usize, theta: &[Complex64]) -> DMatrix<Complex64> {
        let (space, objective) = &self.fields[c];
        let mut hessian = DMatrix::zeros(self.dimension, self.dimension);
        objective.hessian(theta, &mut hessian);
        -hessian.select_rows(&self.spaces[*space])
    }

    /// `J = f'(θ)` into `out`, for one loss `-∇²E`.
    pub fn jacobian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        let mut hessian = DMatrix::zeros(self.dimension, self.dimension);
        out.fill(Complex64::ZERO);
        for (space, objective) in &self.fields {
            objective.hessian(theta, &mut hessian);
            for &i in &self.spaces[*space] {
                for j in 0..self.dimension {
                    out[(i, j)] -= hessian[(i, j)];
                }
            }
        }
    }

    /// Whether the Jacobian of the field is too large to be assembled.
    pub fn is_matrix_free(&self) -> bool {
        self.fields.iter().any(|(_, objective)| objective.is_matrix_free())
    }

    /// The unit roundoff of the least precise loss.
    pub(super) fn precision(&self) -> f64 {
        self.fields.iter().map(|(_, objective)| objective.precision()).fold(0.0, f64::max)
    }

    /// `f'(θ) v` for all vectors of a block.
    pub fn jacobian_vectors(
        &self,
        theta: &[Complex64],
        block: &[Vec<Complex64>],
    ) -> Vec<Vec<Complex64>> {
        let mut out = vec![vec![Complex64::ZERO; self.dimension]; block.len()];
        for (space, objective) in &self.fields {
            let products = objective.hessian_vectors(theta, block);
            for (out, product) in out.iter_mut().zip(products) {
                for &i in &self.spaces[*space] {
                    out[i] -= product[i];
                }
            }
        }
        out
    }

    /// `f_c^(m)(θ)[v_1, …, v_m]`, 0 outside of the space of the field.
    pub(super) fn contraction(
        &self,
        c: usize,
        theta: &[Complex64],
        directions: &[&[Complex64]],
    ) -> Vec<Complex64> {
        let (space, objective) = &self.fields[c];
        let mut all = vec![Complex64::ZERO; self.dimension];
        objective.contraction(theta, directions, &mut all);
        let mut out = vec![Complex64::ZERO; self.dimension];
        for &i in &self.spaces[*space] {
            out[i] = -all[i];
        }
        out
    }

    /// `f''(θ)[u, v]` into `out`.
    pub fn second(
        &self,
        theta: &[Complex64],
        u: &[Complex64],
        v: &[Complex64],
        out: &mut [Complex64],
    ) {
        let mut third = vec![Complex64::ZERO; self.dimension];
        out.fill(Complex64::ZERO);
        for (space, objective) in &self.fields {
            objective.third(theta, u, v, &mut third);
            for &i in &self.spaces[*space] {
                out[i] -= third[i];
            }
        }
    }
}
