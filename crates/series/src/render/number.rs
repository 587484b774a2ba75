//! The numbers of a term in machine integers, for listings of millions of terms.

use crate::tree::{TreeId, TreeTable};
use num_integer::Integer;

/// `b`, `b/σ`, `σ` and `γ` in machine integers.
pub(super) struct Number {
    pub b: (i128, i128),
    pub coefficient: (i128, i128),
    pub symmetry: u64,
    pub density: u64,
}

impl Number {
    /// `None` if the denominator of `b/σ` overflows. `top/bottom` is in lowest terms.
    pub fn new(top: i128, bottom: i128, (symmetry, density): (u64, u64)) -> Option<Number> {
        // Dividing 64-bit integers is several times faster than dividing 128-bit ones.
        let (common, top_part) = match i64::try_from(top) {
            Ok(small) => {
                let common = small.unsigned_abs().gcd(&symmetry).max(1);
                let part = i128::from(small.unsigned_abs() / common);
                (common, if small < 0 { -part } else { part })
            }
            Err(_) => {
                let common = top.gcd(&i128::from(symmetry));
                (u64::try_from(common).ok()?, top / common)
            }
        };
        let below = bottom.checked_mul(i128::from(symmetry / common))?;
        Some(Number { b: (top, bottom), coefficient: (top_part, below), symmetry, density })
    }
}

/// `σ` and `γ` of all trees but the largest; 0 where 64 bits do not hold them.
pub(super) struct Counts {
    symmetry: Vec<u64>,
    density: Vec<u64>,
}

impl Counts {
    pub fn new(trees: &TreeTable) -> Counts {
        let mut counts = Counts { symmetry: Vec::new(), density: Vec::new() };
        for nodes in 1..trees.max_nodes().max(2) {
            for tree in trees.of_size(nodes) {
                let (symmetry, density) = counts.of(trees, tree, nodes).unwrap_or((0, 0));
                counts.symmetry.push(symmetry);
                counts.density.push(density);
            }
        }
        counts
    }

    /// `(σ, γ)` of a tree with so many nodes.
    pub fn of(&self, trees: &TreeTable, tree: TreeId, nodes: usize) -> Option<(u64, u64)> {
        if let Some(&symmetry) = self.symmetry.get(tree as usize) {
            return (symmetry > 0).then(|| (symmetry, self.density[tree as usize]));
        }
        let Some((rest, last)) = trees.parts(tree) else { return Some((1, 1)) };
        let known = |t: TreeId| (self.symmetry[t as usize], self.density[t as usize]);
        let ((s1, d1), (s2, d2)) = (known(rest), known(last));
        if s1 == 0 || s2 == 0 {
            return None;
        }
        let (mut copies, mut below) = (1, rest);
        while let Some((next, child)) = trees.parts(below)
            && child == last
        {
            copies += 1;
            below = next;
        }
        // γ(rest ∘ last) = |τ| γ(rest)/|rest| γ(last)
        let rest_nodes = (nodes - trees.size(last)) as u64;
        Some((
            s1.checked_mul(s2)?.checked_mul(copies)?,
            (d1 / rest_nodes).checked_mul(d2)?.checked_mul(nodes as u64)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    #[test]
    fn machine_integers_agree_with_big_ones_up_to_their_end() {
        // Stars [•,…,•]: σ is the factorial of the leaves, and 20! is the last to fit 64 bits.
        let star = |leaves: usize| Tree::new(0, vec![Tree::leaf(0); leaves]);
        let trees = TreeTable::closure(1, &[star(24)]);
        let counts = Counts::new(&trees);
        for leaves in 1..=24 {
            let tree = trees.find(&star(leaves)).unwrap();
            let found = counts.of(&trees, tree, leaves + 1);
            assert_eq!(found.is_some(), leaves <= 20, "{leaves} leaves");
            if let Some((symmetry, density)) = found {
                assert_eq!(trees.symmetry(tree), symmetry.into());
                assert_eq!(trees.density(tree), density.into());
            }
        }
    }

    #[test]
    fn all_small_trees_are_counted_right() {
        let trees = TreeTable::all(2, 6);
        let counts = Counts::new(&trees);
        for nodes in 1..=6 {
            for tree in trees.of_size(nodes) {
                let (symmetry, density) = counts.of(&trees, tree, nodes).unwrap();
                assert_eq!(trees.symmetry(tree), symmetry.into());
                assert_eq!(trees.density(tree), density.into());
            }
        }
    }

    #[test]
    fn coefficients_are_in_lowest_terms_or_left_to_big_integers() {
        let number = Number::new(-6, 35, (4, 1)).unwrap();
        assert_eq!(number.coefficient, (-3, 70));
        let wide = Number::new(i128::MAX - 1, 3, (4, 1)).unwrap();
        assert_eq!(wide.coefficient, ((i128::MAX - 1) / 2, 6));
        assert_eq!(Number::new(i128::MIN, 3, (2, 1)).unwrap().coefficient, (i128::MIN / 2, 3));
        assert!(Number::new(1, i128::MAX, (2, 1)).is_none());
        assert_eq!(Number::new(2, i128::MAX, (2, 1)).unwrap().coefficient, (1, i128::MAX));
    }
}
