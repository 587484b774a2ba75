//! One step after another: the Butcher group.

use super::{BSeries, SeriesError};
use crate::exact::Scalar;
use crate::tree::{Cut, Cuts, TreeId};
use std::sync::Arc;

impl<S: Scalar> BSeries<S> {
    /// The composition `ab`: the method `a` first, then the series `b` at its result,
    /// `B(ab, y) = B(b, B(a, y))`:
    ///
    /// ```text
    /// (ab)(τ) = b(∅) a(τ) + Σ_{cuts of τ} a(u1) ⋯ a(uk) b(trunk)
    /// ```
    ///
    /// # Errors
    /// If `self` is not a method, or the two series are not on the same complete table.
    ///
    /// Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.1.4.
    pub fn then(&self, b: &BSeries<S>) -> Result<BSeries<S>, SeriesError> {
        self.require_method()?;
        self.require_same_trees(b)?;
        let cuts = Cuts::new(self.trees()).ok_or_else(|| self.incomplete())?;
        let branches = self.products_over_branches();
        let trees = Arc::clone(self.trees());
        Ok(BSeries::from_fn(trees, b.empty().clone(), |tree| {
            cuts.of(tree).iter().fold(b.empty().times(self.weight(tree)), |sum, cut| {
                sum.plus(&term(cut, &branches, b.weight(cut.trunk)))
            })
        }))
    }

    /// The inverse `a⁻¹` of a method in the Butcher group: `a⁻¹a = aa⁻¹ = identity`, the step
    /// taken back.
    ///
    /// # Errors
    /// If this is not a method on a complete table.
    ///
    /// Source: Butcher, *An algebraic theory of integration methods*, Math. Comp. 26 (1972).
    pub fn inverse(&self) -> Result<BSeries<S>, SeriesError> {
        self.require_method()?;
        let cuts = Cuts::new(self.trees()).ok_or_else(|| self.incomplete())?;
        let branches = self.products_over_branches();
        let mut weights: Vec<S> = Vec::with_capacity(self.trees().len());
        for tree in 0..self.trees().len() as TreeId {
            let known = cuts.of(tree).iter().filter(|cut| cut.trunk != tree);
            let sum = known.fold(self.weight(tree).clone(), |sum, cut| {
                sum.plus(&term(cut, &branches, &weights[cut.trunk as usize]))
            });
            weights.push(S::zero().minus(&sum));
        }
        Ok(BSeries::with_weights(self.trees(), S::one(), weights))
    }

    /// `a(u1) ⋯ a(uk)` of each tree `[u1, …, uk]`.
    fn products_over_branches(&self) -> Vec<S> {
        let mut products: Vec<S> = Vec::with_capacity(self.trees().len());
        for tree in 0..self.trees().len() as TreeId {
            products.push(match self.trees().parts(tree) {
                None => S::one(),
                Some((rest, last)) => products[rest as usize].times(self.weight(last)),
            });
        }
        products
    }
}

fn term<S: Scalar>(cut: &Cut, branches: &[S], trunk: &S) -> S {
    let product = &branches[cut.branches as usize];
    if trunk.is_zero() || product.is_zero() {
        return S::zero();
    }
    product.times(trunk).times(&S::integer(cut.count.into()))
}
