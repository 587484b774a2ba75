//! A vector field in the place of another one: the substitution law.
//!
//! Let `b` be a field, `h f̃`. Writing `f̃` for `f` in the series `a` gives a series of `f` again,
//! `b ⋆ a`. Its weight at τ is a sum over all partitions of τ into pieces (subsets of its edges are
//! cut): the product of the weights `b` of the pieces, times the weight `a` of the skeleton, the
//! tree that remains when every piece shrinks to a node.
//!
//! The pieces above the one with the root are partitions of the branches of a cut of τ. So with
//! `S(τ) = Σ_partitions (Π b) skeleton`, a sum of trees, and `R([u1, …, uk]) = [S(u1), …, S(uk)]`,
//! multiplied out,
//!
//! ```text
//! S(τ) = Σ_{cuts of τ} b(trunk) R(branches),    (b ⋆ a)(τ) = a(S(τ)).
//! ```
//!
//! With several colours every piece keeps the colour of its root: this is the law for the fields of
//! the components of a partitioned system (P-series).
//!
//! Source: Chartier, Hairer, Vilmart, *Algebraic structures of B-series*, Found. Comput. Math. 10
//! (2010); Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section IX.9.3.

use super::{BSeries, SeriesError};
use crate::exact::Scalar;
use crate::tree::{Cuts, TreeId, TreeTable};

impl<S: Scalar> BSeries<S> {
    /// The substitution `b ⋆ a` of this field `b` for the vector field of `a`.
    ///
    /// # Errors
    /// If this is not a field, or the two series are not on the same complete table.
    pub fn substituted_into(&self, a: &BSeries<S>) -> Result<BSeries<S>, SeriesError> {
        self.require_field()?;
        self.require_same_trees(a)?;
        let mut weights = Vec::with_capacity(a.trees().len());
        for_each_tree(a, |tree, rest, leaf| {
            let b = self.weight(tree).clone();
            weights.push(rest.plus(&b.times(leaf)));
            b
        })?;
        Ok(BSeries::with_weights(a.trees(), a.empty().clone(), weights))
    }

    /// The inverse of this field under substitution, `b⁻¹ ⋆ b = b ⋆ b⁻¹ = f`.
    ///
    /// # Errors
    /// If this is not a field on a complete table, or has weight 0 at a single node.
    pub fn substitution_inverse(&self) -> Result<BSeries<S>, SeriesError> {
        self.require_field()?;
        self.solve_substitution(&BSeries::vector_field(self.trees().clone()))
    }

    /// The modifying integrator of this method `a`: the field `c` which, fed to the method, makes
    /// it follow the exact flow, `c ⋆ a = e`.
    ///
    /// # Errors
    /// If this is not a method on a complete table, or has weight 0 at a single node.
    ///
    /// Source: Chartier, Hairer, Vilmart, *Numerical integrators based on modified differential
    /// equations*, Math. Comp. 76 (2007).
    pub fn modifying_integrator(&self) -> Result<BSeries<S>, SeriesError> {
        self.require_method()?;
        self.solve_substitution(&BSeries::exact_flow(self.trees().clone()))
    }

    /// The field `c` with `c ⋆ a = target`, for this series `a`.
    fn solve_substitution(&self, target: &BSeries<S>) -> Result<BSeries<S>, SeriesError> {
        let inverses = (self.trees().of_size(1))
            .map(|leaf| {
                let color = self.trees().color(leaf);
                self.weight(leaf).inverse().ok_or(SeriesError::NoLinearPart { color })
            })
            .collect::<Result<Vec<S>, _>>()?;
        let mut weights = Vec::with_capacity(self.trees().len());
        for_each_tree(self, |tree, rest, _| {
            let inverse = &inverses[usize::from(self.trees().color(tree))];
            let c = target.weight(tree).minus(&rest).times(inverse);
            weights.push(c.clone());
            c
        })?;
        Ok(BSeries::with_weights(self.trees(), S::zero(), weights))
    }
}

/// Visits the trees in order of size. `field(τ, rest, leaf)` is given all of `(b ⋆ a)(τ)` but the
/// term `b(τ) a(•)`, and `leaf = a(•)`; it returns `b(τ)`.
fn for_each_tree<S: Scalar>(
    a: &BSeries<S>,
    mut field: impl FnMut(TreeId, S, &S) -> S,
) -> Result<(), SeriesError> {
    let trees = a.trees();
    let cuts = Cuts::new(trees).ok_or_else(|| a.incomplete())?;
    let mut b: Vec<S> = Vec::with_capacity(trees.len());
    // S(τ) and R(τ) as above, and a(R(τ)).
    let mut skeletons: Vec<TreeSum<S>> = Vec::with_capacity(trees.len());
    let mut bouquets: Vec<TreeSum<S>> = Vec::with_capacity(trees.len());
    let mut values: Vec<S> = Vec::with_capacity(trees.len());
    let mut collect = Collector::new(trees);
    for nodes in 1..=trees.max_nodes() {
        let largest = nodes == trees.max_nodes();
        for tree in trees.of_size(nodes) {
            let Some((rest, last)) = trees.parts(tree) else {
                bouquets.push(vec![(tree, S::one())]);
                values.push(a.weight(tree).clone());
                continue;
            };
            let mut value = S::zero();
            for (u, x) in &bouquets[rest as usize] {
                for (v, y) in &skeletons[last as usize] {
                    let graft = trees.graft(*u, *v).expect("no larger than the tree itself");
                    let weight = a.weight(graft);
                    // Sums over the largest trees are only ever evaluated.
                    if !(largest && weight.is_zero()) {
                        let xy = x.times(y);
                        value = value.plus(&xy.times(weight));
                        if !largest {
                            collect.add(graft, xy);
                        }
                    }
                }
            }
            values.push(value);
            bouquets.push(collect.finish());
        }
        for tree in trees.of_size(nodes) {
            let mut rest = S::zero();
            for cut in cuts.of(tree).iter().filter(|cut| cut.trunk != tree) {
                let value = &values[cut.branches as usize];
                let trunk = &b[cut.trunk as usize];
                if !value.is_zero() && !trunk.is_zero() {
                    let term = trunk.times(value).times(&S::integer(cut.count.into()));
                    rest = rest.plus(&term);
                }
            }
            let leaf = trees.leaf(trees.color(tree));
            b.push(field(tree, rest, a.weight(leaf)));
            if !largest {
                for cut in cuts.of(tree) {
                    let factor = b[cut.trunk as usize].times(&S::integer(cut.count.into()));
                    if !factor.is_zero() {
                        for (skeleton, x) in &bouquets[cut.branches as usize] {
                            collect.add(*skeleton, factor.times(x));
                        }
                    }
                }
                skeletons.push(collect.finish());
            }
        }
    }
    Ok(())
}

/// A linear combination of trees.
type TreeSum<S> = Vec<(TreeId, S)>;

/// Adds up a [`TreeSum`], with a place for every tree of the table.
struct Collector<S> {
    sums: Vec<Option<S>>,
    touched: Vec<TreeId>,
}

impl<S: Scalar> Collector<S> {
    fn new(trees: &TreeTable) -> Self {
        Collector { sums: vec![None; trees.len()], touched: Vec::new() }
    }

    fn add(&mut self, tree: TreeId, term: S) {
        match &mut self.sums[tree as usize] {
            Some(sum) => *sum = sum.plus(&term),
            place => {
                *place = Some(term);
                self.touched.push(tree);
            }
        }
    }

    /// The sum so far, without its zeros; the collector starts anew.
    fn finish(&mut self) -> TreeSum<S> {
        let sums = &mut self.sums;
        (self.touched.drain(..))
            .filter_map(|tree| Some((tree, sums[tree as usize].take()?)))
            .filter(|(_, sum)| !sum.is_zero())
            .collect()
    }
}
