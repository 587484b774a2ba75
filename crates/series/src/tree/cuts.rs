//! Ways to take a tree apart: the combinatorics behind composition, substitution and flows.
//!
//! The tables are built along `τ = rest ∘ last` with equal results merged, so no subset of edges is
//! ever enumerated. They need every tree up to the largest size to be present.

use super::{TreeId, TreeTable};

/// One way to cut branches off a tree, or several ways with the same result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// The part with the root.
    pub trunk: TreeId,
    /// The branches `u1, …, uk` that were cut off, as the tree `[u1, …, uk]` with the root's
    /// colour; a single node if nothing was cut.
    pub branches: TreeId,
    /// How many sets of edges give this trunk and these branches.
    pub count: u32,
}

/// All admissible cuts of every tree: no cut edge has another one between itself and the root. In
/// the Hopf algebra of rooted trees they are the coproduct
/// `Δ(τ) = τ ⊗ ∅ + Σ count · (u1 ⋯ uk) ⊗ trunk`.
///
/// Source: Connes, Kreimer, *Hopf algebras, renormalization and noncommutative geometry* (1998);
/// Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.1.4 (ordered subtrees).
pub struct Cuts(Rows);

/// The cuts of exactly one edge of every tree: at most `|τ| - 1` of a tree. Here
/// [`Cut::branches`] is the one branch itself.
pub struct Prunings(Rows);

impl Cuts {
    /// The cuts of every tree of a complete table; `None` for any other.
    pub fn new(trees: &TreeTable) -> Option<Cuts> {
        let graft = |u, v| trees.graft(u, v).expect("no larger than the tree itself");
        let leaf = |leaf| Some(Cut { trunk: leaf, branches: leaf, count: 1 });
        Rows::new(trees, leaf, |(rest, last), rows, found| {
            for below in rows.of(rest) {
                // The edge to `last` is cut …
                found.push(Cut { branches: graft(below.branches, last), ..*below });
                // … or not, and the cuts of `last` go with those of `rest`.
                found.extend(rows.of(last).iter().map(|above| Cut {
                    trunk: graft(below.trunk, above.trunk),
                    branches:
                        trees.children(above.branches).into_iter().fold(below.branches, graft),
                    count: below.count * above.count,
                }));
            }
        })
        .map(Cuts)
    }

    /// The cuts of a tree, the uncut tree among them.
    pub fn of(&self, tree: TreeId) -> &[Cut] {
        self.0.of(tree)
    }
}

impl Prunings {
    /// The prunings of every tree of a complete table; `None` for any other.
    pub fn new(trees: &TreeTable) -> Option<Prunings> {
        let graft = |u, v| trees.graft(u, v).expect("no larger than the tree itself");
        Rows::new(
            trees,
            |_| None,
            |(rest, last), rows, found| {
                found.push(Cut { trunk: rest, branches: last, count: 1 });
                let below =
                    rows.of(rest).iter().map(|cut| Cut { trunk: graft(cut.trunk, last), ..*cut });
                let above =
                    rows.of(last).iter().map(|cut| Cut { trunk: graft(rest, cut.trunk), ..*cut });
                found.extend(below.chain(above));
            },
        )
        .map(Prunings)
    }

    /// The prunings of a tree.
    pub fn of(&self, tree: TreeId) -> &[Cut] {
        self.0.of(tree)
    }
}

/// A list of cuts for every tree.
struct Rows {
    cuts: Vec<Cut>,
    /// `starts[τ]..starts[τ + 1]` are those of τ.
    starts: Vec<usize>,
}

impl Rows {
    /// `leaf` gives the cut of a single node; `extend` finds those of `rest ∘ last` from the rows
    /// of smaller trees, and equal ones are merged.
    fn new(
        trees: &TreeTable,
        leaf: impl Fn(TreeId) -> Option<Cut>,
        extend: impl Fn((TreeId, TreeId), &Rows, &mut Vec<Cut>),
    ) -> Option<Rows> {
        if !trees.is_complete() {
            return None;
        }
        let mut rows = Rows { cuts: Vec::new(), starts: vec![0] };
        let mut found: Vec<Cut> = Vec::new();
        for tree in 0..trees.len() as TreeId {
            match trees.parts(tree) {
                None => found.extend(leaf(tree)),
                Some(parts) => extend(parts, &rows, &mut found),
            }
            found.sort_unstable_by_key(|cut| (cut.trunk, cut.branches));
            found.dedup_by(|cut, kept| {
                let same = (cut.trunk, cut.branches) == (kept.trunk, kept.branches);
                if same {
                    kept.count += cut.count;
                }
                same
            });
            rows.cuts.append(&mut found);
            rows.starts.push(rows.cuts.len());
        }
        Some(rows)
    }

    fn of(&self, tree: TreeId) -> &[Cut] {
        &self.cuts[self.starts[tree as usize]..self.starts[tree as usize + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(trees: &TreeTable, cuts: &[Cut]) -> Vec<(String, String, u32)> {
        let name = |id| trees.tree(id).to_string();
        let mut shown: Vec<_> =
            cuts.iter().map(|c| (name(c.trunk), name(c.branches), c.count)).collect();
        shown.sort();
        shown
    }

    fn expected(cuts: &[(&str, &str, u32)]) -> Vec<(String, String, u32)> {
        cuts.iter().map(|&(trunk, branches, n)| (trunk.into(), branches.into(), n)).collect()
    }

    #[test]
    fn cuts_of_a_small_tree() {
        let trees = TreeTable::all(1, 4);
        let tree = trees.find(&"[[[],[]]]".parse().unwrap()).unwrap();
        assert_eq!(
            show(&trees, Cuts::new(&trees).unwrap().of(tree)),
            expected(&[
                ("[[[],[]]]", "[]", 1),
                ("[[[]]]", "[[]]", 2),
                ("[[]]", "[[],[]]", 1),
                ("[]", "[[[],[]]]", 1),
            ])
        );
        assert_eq!(
            show(&trees, Prunings::new(&trees).unwrap().of(tree)),
            expected(&[("[[[]]]", "[]", 2), ("[]", "[[],[]]", 1)])
        );
    }

    #[test]
    fn every_cut_keeps_all_nodes_and_prunings_are_the_cuts_with_one_branch() {
        for (colors, nodes) in [(1, 8), (2, 5)] {
            let trees = TreeTable::all(colors, nodes);
            let (cuts, prunings) = (Cuts::new(&trees).unwrap(), Prunings::new(&trees).unwrap());
            for tree in 0..trees.len() as TreeId {
                for cut in cuts.of(tree) {
                    let nodes = trees.size(cut.trunk) + trees.size(cut.branches) - 1;
                    assert_eq!(nodes, trees.size(tree));
                    assert_eq!(trees.color(cut.branches), trees.color(tree));
                }
                let single: Vec<Cut> = (cuts.of(tree).iter())
                    .filter_map(|cut| match trees.children(cut.branches)[..] {
                        [branch] => Some(Cut { branches: branch, ..*cut }),
                        _ => None,
                    })
                    .collect();
                assert_eq!(show(&trees, &single), show(&trees, prunings.of(tree)));
                let edges: u32 = prunings.of(tree).iter().map(|cut| cut.count).sum();
                assert_eq!(edges as usize, trees.size(tree) - 1);
            }
        }
    }

    #[test]
    fn a_bush_is_cut_in_as_many_ways_as_it_has_subsets() {
        let trees = TreeTable::all(1, 9);
        let bush = trees.find(&"[[],[],[],[],[],[],[],[]]".parse().unwrap()).unwrap();
        let cuts = Cuts::new(&trees).unwrap();
        assert_eq!(cuts.of(bush).len(), 9);
        assert_eq!(cuts.of(bush).iter().map(|cut| cut.count).sum::<u32>(), 256);
    }

    #[test]
    fn an_incomplete_table_has_no_cuts() {
        let trees = TreeTable::closure(1, &["[[],[[]]]".parse().unwrap()]);
        assert!(Cuts::new(&trees).is_none() && Prunings::new(&trees).is_none());
    }
}
