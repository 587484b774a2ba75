//! What the complement of a space sees of a symmetric matrix.
//!
//! With Ritz pairs `(θ_j, V y_j)` of `A V = V T + F C` and a number `τ` that is none of the `θ_j`, `A` has as many eigenvalues
//! beyond `τ` as there are `θ_j` beyond it and eigenvalues beyond `τ` of
//!
//! `(I - VVᵀ) A (I - VVᵀ) + Σ_j F c_j (F c_j)ᵀ/(τ - θ_j)`, `c_j = C y_j`,
//!
//! on what is orthogonal to `V`. Without the terms of the `θ_j` beyond `τ`, and with this `τ` in the place of one further
//! out, there are more of the latter at most. So where the matrix has no eigenvalue beyond `τ`, `V` has not missed any,
//! and what `V` nearly contains does not slow down the search for it.
//!
//! Source: Haynsworth, *Determination of the inertia of a partitioned Hermitian matrix*, Linear Algebra and its
//! Applications 1 (1968).

use super::operator::products;
use super::orthogonal::{Stored, add, dot, orthogonalise};
use super::{Error, Operator};
use nalgebra::{DMatrix, DVector};

/// `(I - VVᵀ) A (I - VVᵀ) + F G Fᵀ`, for vectors that are orthogonal to `V`.
pub(super) struct Complement<'a, A: ?Sized, B> {
    /// `A`.
    pub operator: &'a A,
    /// `V`.
    pub basis: &'a [Vec<B>],
    /// `F`.
    pub next: &'a [Vec<B>],
    /// `G`.
    pub g: DMatrix<f64>,
}

impl<A: Operator + ?Sized, B: Stored<f64>> Operator for Complement<'_, A, B> {
    fn dimension(&self) -> usize {
        self.operator.dimension()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let mut images = products(self.operator, block)?;
        for (v, image) in block.iter().zip(&mut images) {
            orthogonalise(self.basis, image);
            let along = self.next.iter().map(|f| dot(f, v));
            let along = &self.g * DVector::from_iterator(self.next.len(), along);
            add(image, self.next, along.as_slice());
        }
        Ok(images)
    }
}
