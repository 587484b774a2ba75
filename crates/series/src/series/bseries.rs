//! B-series: one weight a rooted tree.

use super::ModifiedField;
use crate::exact::{RationalFunction, Scalar};
use crate::tree::{TreeId, TreeTable};
use std::sync::Arc;

/// The B-series `a(∅) y + Σ_τ h^|τ| a(τ)/σ(τ) F(τ)(y)` of a vector field, given by its weights.
///
/// Two kinds matter: a **method** has `a(∅) = 1` and maps `y` to its value after one step; a
/// **field** has `b(∅) = 0` and is `h` times the vector field `f̃ = Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ)`.
///
/// With several colours the series is one of a sum of vector fields (each with its own colour) or,
/// where each colour belongs to a component of `y`, a P-series.
///
/// ```
/// use bea_series::{exact::Rational, series::BSeries, tree::TreeTable};
/// use std::sync::Arc;
/// // Explicit Euler: 1 at the single node, 0 elsewhere.
/// let trees = Arc::new(TreeTable::all(1, 4));
/// let euler = BSeries::<Rational>::from_children(trees, Rational::from(1), |tree, _| {
///     if tree == 0 { 1.into() } else { 0.into() }
/// });
/// let field = euler.logarithm().unwrap();
/// assert_eq!(field.at(&"[[]]".parse().unwrap()).unwrap().to_string(), "-1/2");
/// assert_eq!(field.exponential().unwrap(), euler);
/// ```
///
/// Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.1.2.
#[derive(Clone)]
pub struct BSeries<S> {
    trees: Arc<TreeTable>,
    empty: S,
    weights: Vec<S>,
}

/// Why an operation on B-series has no result.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SeriesError {
    /// Trees that the result needs are missing.
    #[error(
        "this needs a series on all trees up to a size, and the table lacks some trees with up to \
         {max_nodes} nodes"
    )]
    Incomplete {
        /// Nodes of the largest tree in the table.
        max_nodes: usize,
    },
    /// Two series on different sets of trees.
    #[error(
        "the two series are on different trees: up to {left} nodes of {left_colors} colours, and \
         up to {right} nodes of {right_colors} colours"
    )]
    DifferentTrees {
        /// Nodes of the largest tree of the first series.
        left: usize,
        /// Colours of the first series.
        left_colors: usize,
        /// Nodes of the largest tree of the second series.
        right: usize,
        /// Colours of the second series.
        right_colors: usize,
    },
    /// A method was expected.
    #[error("this is not a method: its weight at the empty tree is not 1")]
    NotAMethod,
    /// A field was expected.
    #[error("this is not a field: its weight at the empty tree is not 0")]
    NotAField,
    /// The equation cannot be solved tree by tree.
    #[error(
        "the weight of the single node{} is 0: no series can take the place of the vector field",
        of_color(*.color)
    )]
    NoLinearPart {
        /// The colour of that node.
        color: u8,
    },
    /// Several vector fields where one was expected.
    #[error("energy is that of a single Hamiltonian system, but the trees have {colors} colours")]
    Colored {
        /// The number of colours.
        colors: usize,
    },
}

fn of_color(color: u8) -> String {
    if color == 0 { String::new() } else { format!(" of colour {color}") }
}

impl<S: Scalar> BSeries<S> {
    /// The series whose weights are `empty` at the empty tree and `weight(τ)` elsewhere.
    pub fn from_fn(trees: Arc<TreeTable>, empty: S, weight: impl FnMut(TreeId) -> S) -> BSeries<S> {
        let weights = (0..trees.len() as TreeId).map(weight).collect();
        BSeries { trees, empty, weights }
    }

    /// The series with one weight a tree, in the order of the table.
    pub(super) fn with_weights(trees: &Arc<TreeTable>, empty: S, weights: Vec<S>) -> BSeries<S> {
        debug_assert_eq!(trees.len(), weights.len());
        BSeries { trees: Arc::clone(trees), empty, weights }
    }

    /// The series with `a([τ1, …, τm]) = weight([τ1, …, τm], a(τ1) ⋯ a(τm))`.
    pub fn from_children(
        trees: Arc<TreeTable>,
        empty: S,
        mut weight: impl FnMut(TreeId, &S) -> S,
    ) -> BSeries<S> {
        let mut weights: Vec<S> = Vec::with_capacity(trees.len());
        let mut products: Vec<S> = Vec::with_capacity(trees.len());
        for tree in 0..trees.len() as TreeId {
            let product = match trees.parts(tree) {
                None => S::one(),
                Some((rest, last)) => products[rest as usize].times(&weights[last as usize]),
            };
            weights.push(weight(tree, &product));
            products.push(product);
        }
        BSeries { trees, empty, weights }
    }

    /// The identity map: 1 at the empty tree, 0 elsewhere.
    pub fn identity(trees: Arc<TreeTable>) -> BSeries<S> {
        BSeries::from_fn(trees, S::one(), |_| S::zero())
    }

    /// The vector field itself: 1 at every single node, 0 elsewhere.
    pub fn vector_field(trees: Arc<TreeTable>) -> BSeries<S> {
        let leaves = trees.of_size(1);
        BSeries::from_fn(
            trees,
            S::zero(),
            |t| if leaves.contains(&t) { S::one() } else { S::zero() },
        )
    }

    /// The exact flow after one step, `e(τ) = 1/γ(τ)`.
    ///
    /// Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.1.1.
    pub fn exact_flow(trees: Arc<TreeTable>) -> BSeries<S> {
        let table = Arc::clone(&trees);
        BSeries::from_children(trees, S::one(), |tree, product| {
            product.over(table.size(tree) as i64)
        })
    }

    /// The trees.
    pub fn trees(&self) -> &Arc<TreeTable> {
        &self.trees
    }

    /// The weight `a(∅)` of the empty tree.
    pub fn empty(&self) -> &S {
        &self.empty
    }

    /// The weight `a(τ)`.
    ///
    /// # Panics
    /// If `tree` is not an index of the table.
    pub fn weight(&self, tree: TreeId) -> &S {
        &self.weights[tree as usize]
    }

    /// The weights of all trees, in the order of the table.
    pub fn weights(&self) -> &[S] {
        &self.weights
    }

    /// The weight of a tree given as a value, if it is in the table.
    pub fn at(&self, tree: &crate::tree::Tree) -> Option<&S> {
        self.trees.find(tree).map(|id| self.weight(id))
    }

    /// The same series with every weight mapped, into other scalars say.
    pub fn map<T: Scalar>(&self, mut weight: impl FnMut(&S) -> T) -> BSeries<T> {
        BSeries {
            trees: Arc::clone(&self.trees),
            empty: weight(&self.empty),
            weights: self.weights.iter().map(weight).collect(),
        }
    }

    /// Checks that this is a method.
    pub(super) fn require_method(&self) -> Result<(), SeriesError> {
        if self.empty.is_one() { Ok(()) } else { Err(SeriesError::NotAMethod) }
    }

    /// Checks that this is a field.
    pub(super) fn require_field(&self) -> Result<(), SeriesError> {
        if self.empty.is_zero() { Ok(()) } else { Err(SeriesError::NotAField) }
    }

    /// Checks that both series are on the same trees.
    pub(super) fn require_same_trees<T: Scalar>(
        &self,
        other: &BSeries<T>,
    ) -> Result<(), SeriesError> {
        if same(&self.trees, &other.trees) {
            return Ok(());
        }
        Err(SeriesError::DifferentTrees {
            left: self.trees.max_nodes(),
            left_colors: self.trees.colors(),
            right: other.trees.max_nodes(),
            right_colors: other.trees.colors(),
        })
    }

    /// The error of a table that lacks trees.
    pub(super) fn incomplete(&self) -> SeriesError {
        SeriesError::Incomplete { max_nodes: self.trees.max_nodes() }
    }
}

/// The modified field of an optimizer as a series, `h f̃ = Σ b(τ)/σ(τ) F(τ)` (`h` stands in `b` where
/// the optimizer keeps it as a parameter, and is 1 otherwise). Its exponential is the B-series of
/// one step; for an optimizer with memory that is a step along the slow manifold, by its
/// underlying one-step method.
impl From<&ModifiedField> for BSeries<RationalFunction> {
    fn from(field: &ModifiedField) -> Self {
        BSeries::from_fn(Arc::clone(field.trees()), RationalFunction::zero(), |tree| field.b(tree))
    }
}

/// Whether equal indices are equal trees.
fn same(a: &Arc<TreeTable>, b: &Arc<TreeTable>) -> bool {
    let shape = |t: &TreeTable| (t.is_complete(), t.colors(), t.max_nodes());
    Arc::ptr_eq(a, b) || (a.is_complete() && shape(a) == shape(b))
}

/// Equal weights on the same trees.
impl<S: PartialEq> PartialEq for BSeries<S> {
    fn eq(&self, other: &Self) -> bool {
        same(&self.trees, &other.trees)
            && self.empty == other.empty
            && self.weights == other.weights
    }
}

/// The nonzero weights beside their trees.
impl<S: Scalar> std::fmt::Debug for BSeries<S> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nonzero = (0..self.trees.len() as TreeId)
            .filter(|&t| !self.weight(t).is_zero())
            .map(|t| (self.trees.tree(t).to_string(), self.weight(t)));
        out.debug_map().entry(&"∅", &self.empty).entries(nonzero).finish()
    }
}
