//! Elementary differentials of concrete vector fields.

use super::graph::{Expr, Graph};
use super::jets::{Direction, Jets};
use bea_series::tree::{TreeId, TreeTable};
use rustc_hash::FxHashMap;

/// Vector fields over variables that fall into spaces: one space for an optimizer, one a player for
/// a game.
#[derive(Clone, Debug)]
pub struct VectorFields {
    /// The variables of each space, which no other space has.
    pub spaces: Vec<Vec<u32>>,
    /// `(space, components)` of each field: the velocity of that space, one component a variable of
    /// the space. A component may depend on all variables.
    pub fields: Vec<(usize, Vec<Expr>)>,
}

impl VectorFields {
    /// `f = -∇E`.
    pub fn of_loss(graph: &mut Graph, loss: Expr, variables: &[u32]) -> VectorFields {
        VectorFields::of_losses(graph, vec![variables.to_vec()], &[(0, loss)])
    }

    /// `f_c = -∂E_c/∂θ_{space(c)}` of pairs of a space and the loss that it descends: several spaces
    /// are the players of a game, several losses of one space are mini-batches.
    pub fn of_losses(
        graph: &mut Graph,
        spaces: Vec<Vec<u32>>,
        losses: &[(usize, Expr)],
    ) -> VectorFields {
        let descent = |&(space, loss): &(usize, Expr)| {
            let gradient = graph.gradient(loss, &spaces[space]);
            (space, gradient.into_iter().map(|e| graph.neg(e)).collect())
        };
        let fields = losses.iter().map(descent).collect();
        VectorFields { spaces, fields }
    }

    /// The variables of all spaces, ascending.
    pub fn variables(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.spaces.iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// The components of the field that a colour stands for, by variable.
    pub(super) fn components(&self, color: u8) -> Vec<(u32, Expr)> {
        let (space, components) = &self.fields[usize::from(color)];
        self.spaces[*space].iter().copied().zip(components.iter().copied()).collect()
    }
}

/// The elementary differentials of some fields, each computed once:
///
/// ```text
/// F(•) = f,   F([τ1, …, τm]) = f^(m)(F(τ1), …, F(τm))
/// ```
///
/// where `f` is the field of the root's colour. Source: Hairer, Lubich, Wanner, *Geometric
/// Numerical Integration*, definition III.1.2 (and III.2.1 for several fields).
pub struct ElementaryDifferentials<'a> {
    pub(super) fields: &'a VectorFields,
    pub(super) trees: &'a TreeTable,
    pub(super) jets: Jets,
    known: FxHashMap<TreeId, Vec<(u32, Expr)>>,
}

impl<'a> ElementaryDifferentials<'a> {
    /// Of the trees of a table, whose colours are the indices of the fields.
    pub fn new(fields: &'a VectorFields, trees: &'a TreeTable) -> Self {
        ElementaryDifferentials { fields, trees, jets: Jets::new(), known: FxHashMap::default() }
    }

    /// The components of `F(τ)`, one a variable of its space.
    ///
    /// # Panics
    /// If a colour of the tree has no field.
    pub fn of(&mut self, graph: &mut Graph, tree: TreeId) -> Vec<Expr> {
        self.components(graph, tree).iter().map(|(_, e)| *e).collect()
    }

    pub(super) fn components(&mut self, graph: &mut Graph, tree: TreeId) -> Vec<(u32, Expr)> {
        if let Some(known) = self.known.get(&tree) {
            return known.clone();
        }
        let children = self.trees.children(tree);
        let along: Vec<_> = children.into_iter().map(|c| self.along(graph, c)).collect();
        let value = self.derivative(graph, self.trees.color(tree), &along);
        self.known.insert(tree, value.clone());
        value
    }

    /// `F(τ)` as a direction.
    pub(super) fn along(&mut self, graph: &mut Graph, tree: TreeId) -> Direction {
        let components = self.components(graph, tree);
        self.jets.direction(components)
    }

    /// `f^(m)(D_1, …, D_m)` for the field of a colour.
    pub(super) fn derivative(
        &mut self,
        graph: &mut Graph,
        color: u8,
        along: &[Direction],
    ) -> Vec<(u32, Expr)> {
        let components = self.fields.components(color);
        components.into_iter().map(|(v, e)| (v, self.jets.derivative(graph, e, along))).collect()
    }
}

/// The components of `F(τ)`, one a variable of its space.
///
/// # Panics
/// If a colour of the tree has no field.
pub fn elementary_differential(
    graph: &mut Graph,
    fields: &VectorFields,
    trees: &TreeTable,
    tree: TreeId,
) -> Vec<Expr> {
    ElementaryDifferentials::new(fields, trees).of(graph, tree)
}
