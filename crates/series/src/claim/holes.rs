//! Trees with holes: leaves of special colours that wait for a tree.

use super::products::FACTOR;
use crate::tree::Tree;

/// Colours from here on are holes.
pub(super) const FIRST_HOLE: u8 = 200;

/// Whether a tree is a hole.
pub(super) fn is_hole(tree: &Tree) -> bool {
    tree.color() >= FIRST_HOLE
}

/// Whether one of the given vector fields stands at a leaf: then the term vanishes where they do.
pub(super) fn has_leaf(tree: &Tree, of: &impl Fn(u8) -> bool) -> bool {
    if tree.children().is_empty() {
        return !is_hole(tree) && of(tree.color());
    }
    // A factor of one node is the loss, not its gradient.
    if tree.color() == FACTOR && tree.size() == 2 {
        return false;
    }
    tree.children().iter().any(|child| has_leaf(child, of))
}

/// The number of a hole, if the tree is one.
pub(super) fn hole(tree: &Tree) -> Option<usize> {
    is_hole(tree).then(|| usize::from(tree.color() - FIRST_HOLE))
}

/// The trees that arise when `leaf` is attached to each node that is not a hole.
pub(super) fn attachments(tree: &Tree, leaf: &Tree) -> Vec<Tree> {
    if is_hole(tree) {
        return Vec::new();
    }
    let mut children = tree.children().to_vec();
    children.push(leaf.clone());
    let mut result = vec![Tree::new(tree.color(), children)];
    for (i, child) in tree.children().iter().enumerate() {
        for grown in attachments(child, leaf) {
            let mut children = tree.children().to_vec();
            children[i] = grown;
            result.push(Tree::new(tree.color(), children));
        }
    }
    result
}

/// `tree` with the leaf of the given colour replaced.
pub(super) fn fill(tree: &Tree, color: u8, value: &Tree) -> Tree {
    if tree.color() == color {
        return value.clone();
    }
    let children = tree.children().iter().map(|c| fill(c, color, value)).collect();
    Tree::new(tree.color(), children)
}

/// Every hole counted lower.
pub(super) fn shift_holes(tree: &Tree, by: u8) -> Tree {
    let color = if is_hole(tree) { tree.color() - by } else { tree.color() };
    Tree::new(color, tree.children().iter().map(|c| shift_holes(c, by)).collect())
}

/// The same free tree with its node number `root` (in preorder) as the root.
pub(super) fn rerooted(tree: &Tree, root: usize) -> Tree {
    reroot(tree, None, root)
}

/// Node `at` of `tree` (in preorder) as the root, where the root of `tree` carries `above` too.
fn reroot(tree: &Tree, above: Option<Tree>, at: usize) -> Tree {
    let mut children = tree.children().to_vec();
    let mut before = 1;
    let below = tree.children().iter().position(|child| {
        let here = at > 0 && at < before + child.size();
        before += if here { 0 } else { child.size() };
        here
    });
    let chosen = below.map(|i| children.remove(i));
    children.extend(above);
    let old = Tree::new(tree.color(), children);
    match chosen {
        Some(child) => reroot(&child, Some(old), at - before),
        None => old,
    }
}

/// The largest rooted form of a free tree whose root is not a hole.
pub(super) fn unrooted(tree: Tree) -> Tree {
    (0..tree.size()).map(|root| rerooted(&tree, root)).filter(|t| !is_hole(t)).max().unwrap_or(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_becomes_the_root() {
        let tree: Tree = "[[[],[]],[]]".parse().unwrap();
        let forms: std::collections::BTreeSet<Tree> =
            (0..5).map(|root| unrooted(rerooted(&tree, root))).collect();
        assert_eq!(forms.len(), 1);
        let sizes: Vec<usize> = (0..5).map(|root| rerooted(&tree, root).size()).collect();
        assert_eq!(sizes, [5; 5]);
        // A path of three nodes has two ends and one middle.
        let path: Tree = "[[[]]]".parse().unwrap();
        let middles = (0..3).filter(|&r| rerooted(&path, r).children().len() == 2).count();
        assert_eq!(middles, 1);
    }
}
