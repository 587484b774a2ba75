//! One step of Newton's method for the implicit stages `e_l = f_l(Z_l(e))` of an optimizer.

use crate::curvature::{Error, Krylov, KrylovSpace, Operator};
use crate::flow::step::method::{Method, Vector};
use crate::flow::{Problem, Stop};
use crate::objective::ObjectiveError;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

/// The linear system `(1 - s f'(Z) Z') x = r` for the change of all stages.
pub(in crate::flow) struct Newton<'a> {
    pub(in crate::flow) method: &'a Method,
    pub(in crate::flow) problem: &'a Problem,
    /// `Z_l`.
    pub(in crate::flow) points: Vec<Vector>,
    /// Where each stage begins.
    pub(in crate::flow) offsets: Vec<usize>,
    /// The number of unknowns.
    pub(in crate::flow) size: usize,
    /// What the influence `Z'` of the stages on the points is multiplied with.
    pub(in crate::flow) scale: f64,
}

impl Newton<'_> {
    fn space_of(&self, l: usize) -> usize {
        self.problem.fields()[self.method.stages[l].0].0
    }

    /// By elimination, and whether the determinant is positive or complex; none if the matrix is singular.
    pub(in crate::flow) fn solve(
        &self,
        residual: Vec<Complex64>,
    ) -> Result<Option<(Vector, bool)>, ObjectiveError> {
        let mut system = DMatrix::<Complex64>::identity(self.size, self.size);
        let spaces = self.problem.spaces();
        for (l, point) in self.points.iter().enumerate() {
            let (field, arguments) = &self.method.stages[l];
            let rows = self.problem.jacobian_of(*field, point)?;
            for j in 0..self.points.len() {
                let d = arguments[self.space_of(j)].stages[j];
                for i in 0..rows.nrows() {
                    for (k, &variable) in spaces[self.space_of(j)].iter().enumerate() {
                        system[(self.offsets[l] + i, self.offsets[j] + k)] -=
                            rows[(i, variable)] * d * self.scale;
                    }
                }
            }
        }
        let lu = system.lu();
        // Its sign alone: the product may overflow.
        let signs = lu.u().diagonal().map(|z| z / z.norm()).iter().product::<Complex64>();
        let determinant = signs * lu.p().determinant::<Complex64>();
        let is_positive = determinant.re > 0.0 || determinant.im.abs() > 1e-6;
        let solution = lu.solve(&DVector::from_vec(residual));
        Ok(solution.map(|x| (x.as_slice().to_vec(), is_positive)))
    }

    /// `f'(Z) Z' x`
    pub(in crate::flow) fn influence(&self, x: &[Complex64]) -> Result<Vector, ObjectiveError> {
        let spaces = self.problem.spaces();
        let mut out = vec![Complex64::ZERO; self.size];
        for (l, point) in self.points.iter().enumerate() {
            let (field, arguments) = &self.method.stages[l];
            let mut direction = vec![Complex64::ZERO; self.problem.dimension()];
            for j in 0..self.points.len() {
                let d = arguments[self.space_of(j)].stages[j];
                for (k, &variable) in spaces[self.space_of(j)].iter().enumerate() {
                    direction[variable] += d * x[self.offsets[j] + k];
                }
            }
            let change = self.problem.contraction(*field, point, &[&direction])?;
            for (i, &variable) in spaces[self.space_of(l)].iter().enumerate() {
                out[self.offsets[l] + i] = change[variable];
            }
        }
        Ok(out)
    }

    /// From products with the Jacobians alone: `x = ‖r‖ V T⁻¹ e_1` in the Krylov space of `r`, the full
    /// orthogonalisation method (Saad, *Iterative Methods for Sparse Linear Systems*, section 6.4).
    pub(in crate::flow) fn solve_by_products(
        &self,
        residual: &[Complex64],
    ) -> Result<Vector, Stop> {
        const LINEAR: Stop = Stop::NoConvergence("the linear solver for the implicit stages");
        let krylov = Krylov { tolerance: 1e-12, ..Krylov::default() };
        let mut space = KrylovSpace::new(self, residual)?;
        let solve = |space: &KrylovSpace<Complex64>| {
            let mut right = DVector::zeros(space.len());
            if let Some(first) = right.get_mut(0) {
                *first = space.norm().into();
            }
            let solution = space.projected().lu().solve(&right).ok_or(LINEAR)?;
            Ok::<_, Stop>((solution, 0.0))
        };
        match krylov.grow(&mut space, self, 0, solve)? {
            (c, _, true) => Ok(space.combine(&c)),
            _ => Err(LINEAR),
        }
    }
}

impl Operator<Complex64> for Newton<'_> {
    fn dimension(&self) -> usize {
        self.size
    }

    fn apply(&self, block: &[Vec<Complex64>]) -> Result<Vec<Vec<Complex64>>, Error> {
        let product = |x: &Vec<Complex64>| {
            let mut out = self.influence(x)?;
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x - *out * self.scale);
            Ok(out)
        };
        block.iter().map(product).collect()
    }
}
