//! Whether a correction is the gradient of something, and of what.
//!
//! For `f = -∇E` a scalar is a full contraction of derivatives of `E`, one for each *free* (not
//! rooted) tree `t`: `S(t)` has `∇^d E` at every vertex of degree `d` and a contraction along every
//! edge, so `S(•) = E` and `S(•-•) = ‖∇E‖²`. Differentiating a vertex adds an index to it:
//! `∇S(t) = Σ_v F(t rooted at v)` up to sign. Hence the terms with `n` nodes of a modified field are
//! a gradient exactly if `b` takes the same value on all rootings of each free tree,
//! `b(u∘v) = b(v∘u)`, and then
//!
//! ```text
//! Ẽ = Σ_t h^(|t|-1) (-1)^(|t|-1) b(t)/|Aut(t)| S(t).
//! ```
//!
//! Source: the analogue for gradients of Hairer, Lubich, Wanner, *Geometric Numerical Integration*,
//! section IX.9.2 (elementary Hamiltonians); the condition `b(u∘v) = b(v∘u)` replaces the symplectic
//! one, `b(u∘v) = -b(v∘u)`.

use crate::exact::RationalFunction;
use crate::series::ModifiedField;
use crate::tree::{TreeId, TreeTable};
use num_rational::BigRational;

/// The terms with one number of nodes, seen as a gradient.
#[derive(Clone, Debug)]
pub enum Potential {
    /// They are `-∇` of `Σ coefficient · S(t)`, each free tree named by one of its rootings. The
    /// factor `h^(|t|-1)` (or `1/h`, if the method keeps `h` as a parameter) is not included.
    Gradient(Vec<(TreeId, RationalFunction)>),
    /// They are not a gradient: these two rootings of one free tree have different weights `b`.
    Obstructed {
        /// One rooting and its weight.
        first: (TreeId, RationalFunction),
        /// Another rooting of the same free tree, and its weight.
        second: (TreeId, RationalFunction),
    },
}

/// The potential of the terms with `nodes` nodes. The field must be derived on a complete table of
/// trees of one colour.
pub fn potential(field: &ModifiedField, nodes: usize) -> Potential {
    let mut terms = Vec::new();
    for rootings in free_trees(field.trees(), nodes) {
        let b = field.b(rootings[0]);
        for &other in &rootings[1..] {
            let weight = field.b(other);
            if weight != b {
                return Potential::Obstructed { first: (rootings[0], b), second: (other, weight) };
            }
        }
        if !b.is_zero() {
            // n = Σ over rootings of |Aut(t)|/σ, the sizes of the orbits of vertices.
            let inverse_automorphisms: BigRational = rootings
                .iter()
                .map(|&r| BigRational::new(1.into(), field.trees().symmetry(r).into()))
                .sum::<BigRational>()
                / BigRational::from_integer(nodes.into());
            let sign = if nodes % 2 == 1 { 1 } else { -1 };
            let factor = inverse_automorphisms * BigRational::from_integer(sign.into());
            terms.push((rootings[0], &b * &factor.into()));
        }
    }
    Potential::Gradient(terms)
}

/// The free trees with `nodes` nodes, each as the list of its different rootings; the most central
/// rooting comes first.
pub fn free_trees(trees: &TreeTable, nodes: usize) -> Vec<Vec<TreeId>> {
    let level = trees.of_size(nodes);
    let mut seen = vec![false; level.len()];
    let mut classes = Vec::new();
    for start in level.clone() {
        if seen[(start - level.start) as usize] {
            continue;
        }
        seen[(start - level.start) as usize] = true;
        let mut class = vec![start];
        let mut next = 0;
        while next < class.len() {
            for other in neighbours(trees, class[next]) {
                let seen = &mut seen[(other - level.start) as usize];
                if !std::mem::replace(seen, true) {
                    class.push(other);
                }
            }
            next += 1;
        }
        class.sort_by_key(|&t| largest_branch(trees, t));
        classes.push(class);
    }
    classes
}

/// The rootings one edge away: `u∘v` becomes `v∘u`.
fn neighbours(trees: &TreeTable, tree: TreeId) -> Vec<TreeId> {
    let children = trees.children(tree);
    let graft = |u, v| trees.graft(u, v).expect("the table is complete");
    (0..children.len())
        .map(|cut| {
            let others = children.iter().enumerate().filter(|(i, _)| *i != cut).map(|(_, c)| *c);
            let rest = others.fold(trees.leaf(trees.color(tree)), graft);
            graft(children[cut], rest)
        })
        .collect()
}

/// Nodes of the largest subtree at the root; smallest at a centroid.
fn largest_branch(trees: &TreeTable, tree: TreeId) -> usize {
    trees.children(tree).into_iter().map(|c| trees.size(c)).max().unwrap_or(0)
}
