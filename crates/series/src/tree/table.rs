//! Many trees as one table, each built from two smaller ones.
//!
//! Every tree with more than one node is written in exactly one way as `τ = rest ∘ last` (Butcher
//! product): `last` is its largest child and `rest` is what remains. A table that is closed under
//! this decomposition needs eight bytes a tree, lists itself without duplicates, and lets any
//! multiplicative weight be computed by one product a tree.

use super::Tree;
use num_bigint::BigUint;
use num_traits::One;
use std::collections::HashMap;
use std::ops::Range;

/// Index of a tree in a [`TreeTable`]; smaller trees have smaller indices.
pub type TreeId = u32;

const NONE: TreeId = TreeId::MAX;

/// A set of rooted trees closed under `τ = rest ∘ last`, in order of size.
///
/// ```
/// use bea_series::tree::TreeTable;
/// let trees = TreeTable::all(1, 7);
/// let counts: Vec<_> = (1..=7).map(|n| trees.of_size(n).len()).collect();
/// assert_eq!(counts, [1, 1, 2, 4, 9, 20, 48]);
/// ```
pub struct TreeTable {
    colors: usize,
    /// `(rest, last)` of each tree; a single node has no `last` and keeps its colour in `rest`.
    parts: Vec<(TreeId, TreeId)>,
    /// `starts[n]..starts[n + 1]` are the trees with `n` nodes.
    starts: Vec<TreeId>,
    /// `(rest, last) -> tree`, only where the table is not a complete listing.
    sparse: Option<HashMap<(TreeId, TreeId), TreeId>>,
    /// `offsets[p][q - 1]`: for a complete listing, where the trees `rest ∘ last` with
    /// `|rest| = p`, `|last| = q` start, one entry a `rest`.
    offsets: Vec<Vec<Vec<TreeId>>>,
}

impl TreeTable {
    /// All trees with up to `max_nodes` nodes of `colors` colours (at least the single nodes).
    ///
    /// # Panics
    /// If there are more than 2³² of them, which [`TreeTable::count`] tells beforehand, or more
    /// than 256 colours.
    pub fn all(colors: usize, max_nodes: usize) -> TreeTable {
        assert!(colors <= 256, "at most 256 colours");
        let mut table = TreeTable {
            colors,
            parts: (0..colors as TreeId).map(|c| (c, NONE)).collect(),
            starts: vec![0, 0, colors as TreeId],
            sparse: None,
            offsets: vec![Vec::new(); max_nodes + 1],
        };
        for n in 2..=max_nodes {
            for p in 1..n {
                let lasts = table.of_size(n - p);
                let mut starts = Vec::with_capacity(table.of_size(p).len());
                for rest in table.of_size(p) {
                    let smallest = table.smallest_last(rest).max(lasts.start);
                    // Offset such that tree `rest ∘ last` has index `offset + last`.
                    let next = table.parts.len() as TreeId;
                    starts.push(next.wrapping_sub(smallest));
                    table.parts.extend((smallest..lasts.end).map(|last| (rest, last)));
                }
                table.offsets[p].push(starts);
            }
            let end = TreeId::try_from(table.parts.len()).expect("at most 2^32 trees");
            assert!(end < NONE, "at most 2^32 trees");
            table.starts.push(end);
        }
        table
    }

    /// The smallest table that holds the given trees and the single nodes of `colors` colours (or
    /// of as many as occur, if they are more).
    ///
    /// # Panics
    /// If there are more than 256 colours.
    pub fn closure(colors: usize, trees: &[Tree]) -> TreeTable {
        assert!(colors <= 256, "at most 256 colours");
        let colors = trees.iter().map(Tree::colors).fold(colors, usize::max);
        let mut needed = std::collections::BTreeSet::new();
        let mut open: Vec<Tree> = trees.to_vec();
        open.extend((0..colors).map(|c| Tree::leaf(c as u8)));
        while let Some(tree) = open.pop() {
            if needed.contains(&tree) {
                continue;
            }
            if let Some((last, rest)) = tree.children().split_first() {
                open.push(last.clone());
                open.push(Tree::new(tree.color(), rest.to_vec()));
            }
            needed.insert(tree);
        }
        let mut table = TreeTable {
            colors,
            parts: Vec::new(),
            starts: vec![0],
            sparse: None,
            offsets: Vec::new(),
        };
        let mut sparse = HashMap::new();
        let mut ids: HashMap<Tree, TreeId> = HashMap::new();
        // In order of size, so the parts of a tree come before it.
        for tree in needed {
            let id = table.parts.len() as TreeId;
            let parts = match tree.children().split_first() {
                None => (TreeId::from(tree.color()), NONE),
                Some((last, rest)) => (ids[&Tree::new(tree.color(), rest.to_vec())], ids[last]),
            };
            table.starts.resize(tree.size() + 1, id);
            table.parts.push(parts);
            sparse.insert(parts, id);
            ids.insert(tree, id);
        }
        table.starts.push(table.parts.len() as TreeId);
        table.sparse = Some(sparse);
        table
    }

    /// How many trees with exactly `1, …, max_nodes` nodes of `colors` colours there are, without
    /// listing them (for one colour 1, 1, 2, 4, 9, 20, 48, …).
    ///
    /// Source: Cayley's recurrence `n t_{n+1} = Σ_k (Σ_{d|k} d t_d) t_{n-k+1}`.
    pub fn count(colors: usize, max_nodes: usize) -> Vec<BigUint> {
        let mut t = vec![BigUint::default(), BigUint::from(colors)];
        for n in 1..max_nodes {
            let mut sum = BigUint::default();
            for k in 1..=n {
                let divisors: BigUint = (1..=k).filter(|d| k % d == 0).map(|d| &t[d] * d).sum();
                sum += divisors * &t[n - k + 1];
            }
            t.push(sum / n);
        }
        t.into_iter().skip(1).take(max_nodes).collect()
    }

    /// Number of trees in the table.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Number of colours.
    pub fn colors(&self) -> usize {
        self.colors
    }

    /// Nodes of the largest tree.
    pub fn max_nodes(&self) -> usize {
        self.starts.len() - 2
    }

    /// Whether every tree with up to [`max_nodes`](Self::max_nodes) nodes is here.
    pub fn is_complete(&self) -> bool {
        self.sparse.is_none()
    }

    /// The trees with `nodes` nodes.
    pub fn of_size(&self, nodes: usize) -> Range<TreeId> {
        if nodes == 0 || nodes > self.max_nodes() {
            return 0..0;
        }
        self.starts[nodes]..self.starts[nodes + 1]
    }

    /// `|τ|`.
    pub fn size(&self, tree: TreeId) -> usize {
        self.starts.partition_point(|&start| start <= tree) - 1
    }

    /// `(rest, last)` with `τ = rest ∘ last`, `last` the child with the largest index; `None` for a
    /// single node.
    pub fn parts(&self, tree: TreeId) -> Option<(TreeId, TreeId)> {
        let (rest, last) = self.parts[tree as usize];
        (last != NONE).then_some((rest, last))
    }

    fn smallest_last(&self, tree: TreeId) -> TreeId {
        let last = self.parts[tree as usize].1;
        if last == NONE { 0 } else { last }
    }

    /// Colour of the root.
    pub fn color(&self, mut tree: TreeId) -> u8 {
        while let Some((rest, _)) = self.parts(tree) {
            tree = rest;
        }
        self.parts[tree as usize].0 as u8
    }

    /// The subtrees at the root, largest index first.
    pub fn children(&self, mut tree: TreeId) -> Vec<TreeId> {
        let mut children = Vec::new();
        while let Some((rest, last)) = self.parts(tree) {
            children.push(last);
            tree = rest;
        }
        children
    }

    /// The Butcher product `u ∘ v`: `v` grafted to the root of `u`; `None` if the result is not in
    /// the table.
    pub fn graft(&self, u: TreeId, v: TreeId) -> Option<TreeId> {
        match self.parts(u) {
            Some((rest, last)) if v < last => self.join(self.graft(rest, v)?, last),
            _ => self.join(u, v),
        }
    }

    /// `rest ∘ last` where `last` is not below any child of `rest`.
    fn join(&self, rest: TreeId, last: TreeId) -> Option<TreeId> {
        if let Some(sparse) = &self.sparse {
            return sparse.get(&(rest, last)).copied();
        }
        let (p, q) = (self.size(rest), self.size(last));
        if p + q > self.max_nodes() {
            return None;
        }
        // The listing visits the sizes n = p + 1, p + 2, … in turn, so entry q - 1 is for |last| = q.
        let offset = self.offsets[p][q - 1][(rest - self.starts[p]) as usize];
        Some(offset.wrapping_add(last))
    }

    /// The single node of a colour.
    pub fn leaf(&self, color: u8) -> TreeId {
        // Single nodes come first, in order of colour.
        TreeId::from(color)
    }

    /// The index of a tree, if it is in the table.
    pub fn find(&self, tree: &Tree) -> Option<TreeId> {
        if usize::from(tree.color()) >= self.colors || tree.size() > self.max_nodes() {
            return None;
        }
        let mut children =
            tree.children().iter().map(|c| self.find(c)).collect::<Option<Vec<_>>>()?;
        children.sort_unstable();
        children.into_iter().try_fold(self.leaf(tree.color()), |rest, child| self.join(rest, child))
    }

    /// The tree with this index, as a value.
    pub fn tree(&self, tree: TreeId) -> Tree {
        let children = self.children(tree).into_iter().map(|c| self.tree(c)).collect();
        Tree::new(self.color(tree), children)
    }

    /// Whether no node has more than one child.
    pub fn is_chain(&self, mut tree: TreeId) -> bool {
        while let Some((rest, last)) = self.parts(tree) {
            if self.parts(rest).is_some() {
                return false;
            }
            tree = last;
        }
        true
    }

    /// `σ(τ)`, the symmetry.
    pub fn symmetry(&self, tree: TreeId) -> BigUint {
        let Some((rest, last)) = self.parts(tree) else { return BigUint::one() };
        let mut copies = 1u32;
        let mut below = rest;
        while let Some((next, child)) = self.parts(below) {
            if child != last {
                break;
            }
            copies += 1;
            below = next;
        }
        self.symmetry(rest) * self.symmetry(last) * copies
    }

    /// `γ(τ)`, the density.
    pub fn density(&self, tree: TreeId) -> BigUint {
        let children: BigUint = self.children(tree).into_iter().map(|c| self.density(c)).product();
        children * self.size(tree)
    }
}

/// The extent of the table; it may hold millions of trees.
impl std::fmt::Debug for TreeTable {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TreeTable")
            .field("colors", &self.colors)
            .field("max_nodes", &self.max_nodes())
            .field("trees", &self.len())
            .finish_non_exhaustive()
    }
}
