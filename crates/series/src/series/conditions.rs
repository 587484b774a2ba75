//! What a series preserves: the order of a method, symplecticity, energy.

use super::{BSeries, SeriesError};
use crate::exact::Scalar;
use crate::tree::{Tree, TreeId, TreeTable};
use num_bigint::BigInt;
use num_rational::BigRational;
use std::collections::BTreeMap;

/// A condition on the pair of trees `u`, `v` that fails.
#[derive(Clone, PartialEq, Debug)]
pub struct PairDefect<S> {
    /// The first tree, in the table not before the second.
    pub u: TreeId,
    /// The second tree.
    pub v: TreeId,
    /// What should be 0.
    pub defect: S,
}

/// A condition on an elementary Hamiltonian that fails.
#[derive(Clone, PartialEq, Debug)]
pub struct EnergyDefect<S> {
    /// A rooted tree `[τ]`, one of those that stand for the same elementary Hamiltonian up to sign.
    pub tree: Tree,
    /// The coefficient of `h^(|τ|-1) H([τ])` in the derivative of the energy, which should be 0.
    pub defect: S,
}

impl<S: Scalar> BSeries<S> {
    /// The order of accuracy of a method: the largest `p` such that `a(τ) = 1/γ(τ)` for all trees
    /// with up to `p` nodes, as far as the table goes.
    ///
    /// # Errors
    /// If this is not a method on a complete table.
    ///
    /// Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.1.1.
    pub fn order_of_accuracy(&self) -> Result<usize, SeriesError> {
        self.require_method()?;
        if !self.trees().is_complete() {
            return Err(self.incomplete());
        }
        let exact = BSeries::exact_flow(self.trees().clone());
        let differs = |tree: &TreeId| self.weight(*tree) != exact.weight(*tree);
        Ok((0..self.trees().len() as TreeId)
            .find(differs)
            .map_or(self.trees().max_nodes(), |tree| self.trees().size(tree) - 1))
    }

    /// The conditions that keep this series from being symplectic on every Hamiltonian system: for
    /// all pairs of trees that fit in the table,
    ///
    /// ```text
    /// a(u∘v) + a(v∘u) = a(u) a(v)   for a method,
    /// b(u∘v) + b(v∘u) = 0           for a field (it is then Hamiltonian).
    /// ```
    ///
    /// The defect is the left side minus the right side. A method with no defect also preserves
    /// every quadratic invariant. With several colours the fields are meant to be Hamiltonian each,
    /// with the same structure.
    ///
    /// # Errors
    /// If the weight of the empty tree is neither 1 nor 0, or the table is not complete.
    ///
    /// Source: Calvo, Sanz-Serna, *Canonical B-series*, Numer. Math. 67 (1994); Hairer, Lubich,
    /// Wanner, *Geometric Numerical Integration*, sections VI.7 and IX.9.2.
    pub fn symplecticity_defects(&self) -> Result<Vec<PairDefect<S>>, SeriesError> {
        let is_field = self.empty().is_zero();
        if !is_field {
            self.require_method()?;
        }
        let trees = self.trees();
        if !trees.is_complete() {
            return Err(self.incomplete());
        }
        let mut defects = Vec::new();
        for u in 0..trees.len() as TreeId {
            for v in 0..=u {
                let (Some(uv), Some(vu)) = (trees.graft(u, v), trees.graft(v, u)) else { break };
                let mut defect = self.weight(uv).plus(self.weight(vu));
                if !is_field {
                    defect = defect.minus(&self.weight(u).times(self.weight(v)));
                }
                if !defect.is_zero() {
                    defects.push(PairDefect { u, v, defect });
                }
            }
        }
        Ok(defects)
    }

    /// The terms of `dH/dt` along this field that do not vanish for every Hamiltonian system
    /// `y' = J⁻¹∇H(y)`; without any, the field preserves the energy `H`.
    ///
    /// With the elementary Hamiltonians `H([τ1, …, τm]) = H^(m)(F(τ1), …, F(τm))`,
    ///
    /// ```text
    /// dH/dt = H'(f̃) = Σ_τ h^(|τ|-1) b(τ)/σ(τ) H([τ]),
    /// ```
    ///
    /// and since `J` is skew, `H(u∘v) = -H(v∘u)`: moving the root along an edge changes the sign.
    /// So the rooted trees on one free tree stand for a single elementary Hamiltonian, which is 0
    /// if some `u∘u` is among them, since its sign then changes while the tree stays the same; those
    /// of different free trees are independent. One condition a free tree remains: the signed sum of
    /// its `b(τ)/σ(τ)` is 0.
    ///
    /// # Errors
    /// If this is not a field of one colour on a complete table.
    ///
    /// Source: Faou, Hairer, Pham, *Energy conservation with non-symplectic methods*, BIT 44
    /// (2004); Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section IX.9.2.
    pub fn energy_defects(&self) -> Result<Vec<EnergyDefect<S>>, SeriesError> {
        self.require_field()?;
        let colors = self.trees().colors();
        if colors != 1 {
            return Err(SeriesError::Colored { colors });
        }
        if !self.trees().is_complete() {
            return Err(self.incomplete());
        }
        // [τ] has one node more than τ; otherwise the two tables give a tree the same index.
        let trees = TreeTable::all(1, self.trees().max_nodes() + 1);
        let mut hamiltonians = Hamiltonians::new(&trees);
        // By free tree: its first [τ], the sign of that, and the sum.
        let mut sums: BTreeMap<TreeId, (TreeId, bool, S)> = BTreeMap::new();
        for tree in 0..self.trees().len() as TreeId {
            let lifted = trees.graft(trees.leaf(0), tree).expect("one node more");
            let Some((class, negative)) = hamiltonians.find_nonzero(lifted) else { continue };
            let symmetry = BigRational::from(BigInt::from(trees.symmetry(tree)));
            let term = self.weight(tree).times(&S::rational(symmetry.recip()));
            let (_, reference, sum) =
                sums.entry(class).or_insert_with(|| (lifted, negative, S::zero()));
            *sum = if negative == *reference { sum.plus(&term) } else { sum.minus(&term) };
        }
        let mut defects: Vec<_> = sums.into_values().filter(|(.., sum)| !sum.is_zero()).collect();
        defects.sort_unstable_by_key(|(tree, ..)| *tree);
        Ok((defects.into_iter())
            .map(|(tree, _, defect)| EnergyDefect { tree: trees.tree(tree), defect })
            .collect())
    }
}

/// The elementary Hamiltonians of a table: classes of rooted trees that differ in the place of the
/// root only, each tree with its sign relative to a representative (union-find).
struct Hamiltonians {
    /// A tree of the same class, and whether the signs differ.
    parents: Vec<(TreeId, bool)>,
    /// Whether the class of this representative is minus itself, and so 0.
    vanishing: Vec<bool>,
}

impl Hamiltonians {
    fn new(trees: &TreeTable) -> Hamiltonians {
        let all = 0..trees.len() as TreeId;
        let mut classes = Hamiltonians {
            parents: all.clone().map(|tree| (tree, false)).collect(),
            vanishing: vec![false; trees.len()],
        };
        for u in all {
            for v in 0..=u {
                let (Some(uv), Some(vu)) = (trees.graft(u, v), trees.graft(v, u)) else { break };
                let ((a, sign_a), (b, sign_b)) = (classes.find(uv), classes.find(vu));
                if a != b {
                    classes.parents[a as usize] = (b, sign_a == sign_b);
                    classes.vanishing[b as usize] |= classes.vanishing[a as usize];
                } else if sign_a == sign_b {
                    classes.vanishing[a as usize] = true;
                }
            }
        }
        classes
    }

    /// The representative of a tree, and whether their signs differ.
    fn find(&mut self, tree: TreeId) -> (TreeId, bool) {
        let (parent, sign) = self.parents[tree as usize];
        if parent == tree {
            return (tree, false);
        }
        let (root, above) = self.find(parent);
        self.parents[tree as usize] = (root, sign ^ above);
        (root, sign ^ above)
    }

    fn find_nonzero(&mut self, tree: TreeId) -> Option<(TreeId, bool)> {
        let (class, negative) = self.find(tree);
        (!self.vanishing[class as usize]).then_some((class, negative))
    }
}
