//! The flow of a field, and the field of a method: exponential and logarithm.
//!
//! Let `e_t` be the B-series of the flow of the field `b` after time `t`. A short flow followed by a
//! long one is a flow, so by the composition law its derivative cuts a single branch off the tree:
//!
//! ```text
//! d/dt e_t(τ) = b(τ) + Σ_{prunings of τ} b(branch) e_t(trunk),   e_0 = identity.
//! ```
//!
//! Hence `e_t(τ)` is a polynomial in `t`, with the coefficient `b(τ)` at `t`, and its other
//! coefficients come from smaller trees. This is the substitution of `b` into the exact flow,
//! `e_1 = b ⋆ e`, at a cost of `|τ|²` operations a tree instead of `2^(|τ|-1)`.
//!
//! Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section IX.9.1 (where the
//! same series is found from iterated Lie derivatives); Chartier, Hairer, Vilmart, *Algebraic
//! structures of B-series*, Found. Comput. Math. 10 (2010).

use super::{BSeries, SeriesError};
use crate::exact::Scalar;
use crate::tree::{Prunings, TreeId};

impl<S: Scalar> BSeries<S> {
    /// The method whose step is the flow of this field, `b ⋆ e`.
    ///
    /// # Errors
    /// If this is not a field on a complete table.
    pub fn exponential(&self) -> Result<BSeries<S>, SeriesError> {
        self.require_field()?;
        let mut weights = Vec::with_capacity(self.trees().len());
        self.along_flow(|tree, later| {
            weights.push(self.weight(tree).plus(&later));
            self.weight(tree).clone()
        })?;
        Ok(BSeries::with_weights(self.trees(), S::one(), weights))
    }

    /// The modified field of this method: the field `b` whose flow after one step is the method,
    /// `b ⋆ e = a`.
    ///
    /// # Errors
    /// If this is not a method on a complete table.
    pub fn logarithm(&self) -> Result<BSeries<S>, SeriesError> {
        self.require_method()?;
        let mut weights = Vec::with_capacity(self.trees().len());
        self.along_flow(|tree, later| {
            let b = self.weight(tree).minus(&later);
            weights.push(b.clone());
            b
        })?;
        Ok(BSeries::with_weights(self.trees(), S::zero(), weights))
    }

    /// Visits the trees in order of size. `field(τ, later)` is given the part of `e_1(τ)` that is
    /// of higher order in `t`, so that `e_1(τ) = b(τ) + later`, and returns `b(τ)`.
    fn along_flow(&self, mut field: impl FnMut(TreeId, S) -> S) -> Result<(), SeriesError> {
        let trees = self.trees();
        let prunings = Prunings::new(trees).ok_or_else(|| self.incomplete())?;
        let largest = trees.of_size(trees.max_nodes());
        let mut b: Vec<S> = Vec::with_capacity(trees.len());
        // derivatives[τ][k] = d^(k+1)/dt^(k+1) e_t(τ) at t = 0.
        let mut derivatives: Vec<Vec<S>> = Vec::new();
        // ∫_0^1 e_t(τ) dt = Σ_k derivatives[τ][k] / (k+2)!.
        let mut integrals: Vec<S> = Vec::new();
        for tree in 0..trees.len() as TreeId {
            let mut later = S::zero();
            let mut own = vec![S::zero(); trees.size(tree)];
            for cut in prunings.of(tree) {
                let branch = &b[cut.branches as usize];
                if branch.is_zero() {
                    continue;
                }
                let factor = branch.times(&S::integer(cut.count.into()));
                later = later.plus(&factor.times(&integrals[cut.trunk as usize]));
                if !largest.contains(&tree) {
                    for (sum, d) in own[1..].iter_mut().zip(&derivatives[cut.trunk as usize]) {
                        *sum = sum.plus(&factor.times(d));
                    }
                }
            }
            own[0] = field(tree, later);
            b.push(own[0].clone());
            if !largest.contains(&tree) {
                integrals.push(
                    own.iter()
                        .rev()
                        .zip((2..own.len() as i64 + 2).rev())
                        .fold(S::zero(), |sum, (d, k)| sum.plus(d).over(k)),
                );
                derivatives.push(own);
            }
        }
        Ok(())
    }
}
