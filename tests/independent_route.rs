//! The second, independent route to a modified field: the substitution law by brute force.
//!
//! The field `b` of a method `a` solves `(b ⋆ e)(τ) = a(τ)`, where `(b ⋆ e)(τ)` is a sum over all
//! subsets of the edges of τ. Here every subset is enumerated, on trees that are plain arrays of
//! parents, so that nothing but the final comparison is shared with the library.

mod tableaux;

use bea::exact::Rational;
use bea::series::BSeries;
use bea::tree::{Tree, TreeTable};
use num_rational::BigRational;
use num_traits::One;
use std::collections::HashMap;
use std::sync::Arc;

const NODES: usize = 8;

/// A rooted tree: `parent[i] < i` for every node `i > 0`; the root is node 0.
type Parents = Vec<usize>;

/// All arrays of parents with `nodes` nodes that differ as rooted trees.
fn listing(nodes: usize) -> Vec<Parents> {
    let mut shapes: HashMap<String, Parents> = HashMap::new();
    let mut parents = vec![0; nodes];
    loop {
        shapes.entry(canonical(&parents)).or_insert_with(|| parents.clone());
        // Count up in mixed radix: digit i runs through 0..i.
        let Some(i) = (1..nodes).rev().find(|&i| parents[i] + 1 < i) else { break };
        parents[i] += 1;
        parents[i + 1..].fill(0);
    }
    let mut found: Vec<_> = shapes.into_iter().collect();
    found.sort();
    found.into_iter().map(|(_, parents)| parents).collect()
}

/// The nested brackets of a tree with the children in order of their text.
fn canonical(parents: &[usize]) -> String {
    fn write(parents: &[usize], node: usize) -> String {
        let mut children: Vec<String> = (1..parents.len())
            .filter(|&i| parents[i] == node)
            .map(|child| write(parents, child))
            .collect();
        children.sort();
        format!("[{}]", children.join(","))
    }
    write(parents, 0)
}

/// `γ(τ)`, the product over all nodes of the number of nodes from there upwards.
fn density(parents: &[usize]) -> u64 {
    let mut above = vec![1u64; parents.len()];
    for i in (1..parents.len()).rev() {
        above[parents[i]] += above[i];
    }
    above.iter().product()
}

/// Cuts the edges (named by their upper node) in `cut`: the pieces and the skeleton.
fn partition(parents: &[usize], cut: u32) -> (Vec<Parents>, Parents) {
    let n = parents.len();
    let is_cut = |i: usize| i == 0 || cut >> i & 1 == 1;
    // Pieces in order of their lowest node, so that the skeleton has parents before children.
    let mut piece = vec![0; n];
    let mut place = vec![0; n];
    let mut pieces: Vec<Parents> = Vec::new();
    let mut skeleton = Vec::new();
    for i in 0..n {
        if is_cut(i) {
            piece[i] = pieces.len();
            skeleton.push(if i == 0 { 0 } else { piece[parents[i]] });
            pieces.push(vec![0]);
        } else {
            piece[i] = piece[parents[i]];
            place[i] = pieces[piece[i]].len();
            pieces[piece[i]].push(place[parents[i]]);
        }
    }
    (pieces, skeleton)
}

/// Solves `(b ⋆ e)(τ) = a(τ)` for `b`, from small trees to large ones.
fn field_by_edge_subsets(a: &dyn Fn(&str) -> BigRational) -> HashMap<String, BigRational> {
    let mut b: HashMap<String, BigRational> = HashMap::new();
    for nodes in 1..=NODES {
        for parents in listing(nodes) {
            let mut value = a(&canonical(&parents));
            // Subset 0 cuts nothing: a single piece, the unknown b(τ), on the skeleton •.
            for subset in 1..1u32 << (nodes - 1) {
                let (pieces, skeleton) = partition(&parents, subset << 1);
                let mut term =
                    BigRational::one() / BigRational::from_integer(density(&skeleton).into());
                for piece in pieces {
                    term *= &b[&canonical(&piece)];
                }
                value -= term;
            }
            b.insert(canonical(&parents), value);
        }
    }
    b
}

fn compare(name: &str, method: &BSeries<Rational>, field: impl Fn(&Tree) -> BigRational) {
    let a = |text: &str| method.at(&text.parse().unwrap()).unwrap().clone().into();
    let expected = field_by_edge_subsets(&a);
    assert_eq!(expected.len(), 1 + 1 + 2 + 4 + 9 + 20 + 48 + 115);
    for (text, value) in expected {
        assert_eq!(field(&text.parse().unwrap()), value, "{name}, {text}");
    }
}

#[test]
fn logarithms_of_runge_kutta_methods_solve_the_substitution_law() {
    let trees = Arc::new(TreeTable::all(1, NODES));
    for (name, tableau) in tableaux::all::<Rational>() {
        let method = tableau.weights(trees.clone()).unwrap();
        let field = method.logarithm().unwrap();
        compare(name, &method, |tree| field.at(tree).unwrap().clone().into());
    }
}

#[test]
fn the_logarithm_of_an_arbitrary_series_solves_the_substitution_law() {
    // Weights without any structure: no Runge-Kutta method of few stages has them.
    let trees = Arc::new(TreeTable::all(1, NODES));
    let method = BSeries::from_fn(trees, Rational::from(1), |tree| {
        let n = i64::from(tree);
        Rational::new((n * n + 3 * n + 1) % 11 - 5, n % 4 + 1).unwrap()
    });
    let field = method.logarithm().unwrap();
    compare("arbitrary", &method, |tree| field.at(tree).unwrap().clone().into());
}
