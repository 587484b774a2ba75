//! Tables of rooted trees: complete, without duplicates, and consistent with trees as values.

use bea::tree::{Tree, TreeTable};
use num_bigint::BigUint;
use proptest::prelude::*;
use std::collections::HashSet;

/// Numbers of rooted trees with 1, …, 15 nodes (OEIS A000081).
const COUNTS: [usize; 15] = [1, 1, 2, 4, 9, 20, 48, 115, 286, 719, 1842, 4766, 12486, 32973, 87811];

fn values(table: &TreeTable) -> Vec<Tree> {
    (0..table.len() as u32).map(|id| table.tree(id)).collect()
}

#[test]
fn the_listing_has_the_known_counts() {
    let table = TreeTable::all(1, 15);
    let sizes: Vec<_> = (1..=15).map(|n| table.of_size(n).len()).collect();
    assert_eq!(sizes, COUNTS);
    assert_eq!(table.len(), COUNTS.iter().sum::<usize>());
    assert_eq!(table.max_nodes(), 15);
    assert!(table.is_complete() && !table.is_empty());
    assert!(table.of_size(0).is_empty() && table.of_size(16).is_empty());
}

#[test]
fn counting_needs_no_listing() {
    let counts = TreeTable::count(1, 20);
    assert_eq!(counts[..15], COUNTS.map(BigUint::from));
    assert_eq!(counts[19], 12_826_228u32.into());
    assert_eq!(TreeTable::count(1, 0), []);
    assert_eq!(TreeTable::count(1, 1), [1u32.into()]);
    // Otter 1948: the counts grow as 0.4399 · 2.9558^n / n^(3/2).
    let digits = TreeTable::count(1, 300)[299].to_string().len();
    assert_eq!(
        digits,
        (0.4399f64.log10() + 300.0 * 2.95577f64.log10() - 1.5 * 300f64.log10()) as usize + 1
    );
}

#[test]
fn colored_trees_have_the_known_counts() {
    for (colors, counts) in [(2, [2usize, 4, 14, 52, 214]), (3, [3, 9, 45, 246, 1485])] {
        let table = TreeTable::all(colors, 5);
        let listed: Vec<_> = (1..=5).map(|n| table.of_size(n).len()).collect();
        assert_eq!(listed, counts);
        assert_eq!(TreeTable::count(colors, 5), counts.map(BigUint::from));
        assert_eq!(table.colors(), colors);
    }
}

#[test]
fn no_tree_is_listed_twice() {
    for (colors, nodes) in [(1, 11), (2, 6), (3, 5)] {
        let table = TreeTable::all(colors, nodes);
        let distinct: HashSet<Tree> = values(&table).into_iter().collect();
        assert_eq!(distinct.len(), table.len());
    }
}

/// Everything a table says of a tree agrees with the tree as a value.
fn assert_consistent(table: &TreeTable) {
    for id in 0..table.len() as u32 {
        let tree = table.tree(id);
        assert_eq!(table.find(&tree), Some(id));
        assert_eq!(table.size(id), tree.size());
        assert!(table.of_size(tree.size()).contains(&id));
        assert_eq!(table.color(id), tree.color());
        assert_eq!(table.symmetry(id), tree.symmetry());
        assert_eq!(table.density(id), tree.density());
        assert_eq!(table.is_chain(id), tree.is_chain());
        let mut children: Vec<_> = table.children(id).into_iter().map(|c| table.tree(c)).collect();
        assert!(table.children(id).is_sorted_by(|a, b| a >= b));
        children.sort_by(|a, b| b.cmp(a));
        assert_eq!(children, tree.children());
        match table.parts(id) {
            None => assert_eq!(table.leaf(tree.color()), id),
            Some((rest, last)) => {
                assert_eq!(table.graft(rest, last), Some(id));
                assert_eq!(Some(&last), table.children(id).iter().max());
            }
        }
    }
}

#[test]
fn tables_agree_with_trees_as_values() {
    assert_consistent(&TreeTable::all(1, 9));
    assert_consistent(&TreeTable::all(2, 5));
    assert_consistent(&TreeTable::closure(1, &["[[[],[]],[[]],[]]".parse().unwrap()]));
}

#[test]
fn the_symmetries_of_all_trees_of_a_size_add_up() {
    // Σ n!/σ(τ) counts the labelled rooted trees: n^(n-1) (Cayley).
    let table = TreeTable::all(1, 10);
    for n in 1..=10usize {
        let factorial: BigUint = (1..=n).product();
        let labelled: BigUint = table.of_size(n).map(|t| &factorial / table.symmetry(t)).sum();
        assert_eq!(labelled, BigUint::from(n).pow(n as u32 - 1));
    }
}

#[test]
fn grafting_agrees_with_trees_as_values() {
    for (colors, nodes) in [(1, 7), (2, 4)] {
        let table = TreeTable::all(colors, nodes);
        for u in 0..table.len() as u32 {
            for v in 0..table.len() as u32 {
                let (a, b) = (table.tree(u), table.tree(v));
                let mut children = a.children().to_vec();
                children.push(b);
                let grafted = table.graft(u, v).map(|id| table.tree(id));
                let fits = table.size(u) + table.size(v) <= nodes;
                assert_eq!(grafted, fits.then(|| Tree::new(a.color(), children)));
            }
        }
    }
}

#[test]
fn a_closure_holds_what_it_needs_and_no_more() {
    let table = TreeTable::closure(1, &[Tree::chain(100)]);
    assert_eq!((table.len(), table.max_nodes()), (100, 100));
    assert!(!table.is_complete());
    assert_eq!(table.find(&Tree::chain(100)), Some(99));
    assert_eq!(table.graft(0, 98), Some(99));
    assert_eq!(table.graft(1, 0), None);
    assert_eq!(table.find(&"[[],[]]".parse().unwrap()), None);
    // Sizes may be missing between the trees of a closure.
    let fork = Tree::new(0, vec![Tree::chain(5), Tree::chain(5)]);
    let table = TreeTable::closure(1, std::slice::from_ref(&fork));
    assert_eq!(table.len(), 7);
    assert_eq!(table.of_size(7), 6..6);
    assert_eq!(table.of_size(11), 6..7);
    assert_eq!(table.find(&fork), Some(6));
}

#[test]
fn a_closure_has_every_color_that_occurs() {
    let tree = Tree::new(2, vec![Tree::leaf(0)]);
    let table = TreeTable::closure(1, std::slice::from_ref(&tree));
    assert_eq!((table.colors(), table.len()), (3, 4));
    assert_eq!(table.find(&tree), Some(3));
    assert_eq!(table.color(3), 2);
    assert_eq!(TreeTable::closure(2, &[]).len(), 2);
    assert!(TreeTable::closure(0, &[]).is_empty());
}

#[test]
fn a_tree_outside_the_table_is_not_found() {
    let table = TreeTable::all(1, 4);
    assert_eq!(table.find(&Tree::chain(5)), None);
    assert_eq!(table.find(&Tree::leaf(1)), None);
    assert_eq!(table.find(&Tree::new(0, vec![Tree::leaf(1)])), None);
}

proptest! {
    #[test]
    fn closures_agree_with_complete_tables(picks in prop::collection::vec(0..200u32, 1..6)) {
        let all = TreeTable::all(1, 8);
        let trees: Vec<Tree> = picks.iter().map(|&id| all.tree(id)).collect();
        let closure = TreeTable::closure(1, &trees);
        prop_assert!(closure.len() <= all.len());
        for tree in &trees {
            prop_assert!(closure.find(tree).is_some());
        }
        assert_consistent(&closure);
        for id in 0..closure.len() as u32 {
            let in_all = all.find(&closure.tree(id)).unwrap();
            prop_assert_eq!(closure.symmetry(id), all.symmetry(in_all));
            prop_assert_eq!(closure.density(id), all.density(in_all));
        }
    }
}
