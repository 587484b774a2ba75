//! The second, independent route to a modified field: the substitution law by brute force.
//!
//! The field `b` of a method `a` solves `(b ⋆ e)(τ) = a(τ)`, where `(b ⋆ e)(τ)` is a sum over all
//! subsets of the edges of τ. Here every subset is enumerated, on trees that are plain arrays of
//! parents, so that nothing but the final comparison is shared with the library.

mod tableaux;

use bea::exact::Rational;
use bea::series::BSeries;
use bea::tree::TreeTable;
use num_rational::BigRational;
use num_traits::Zero;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

const NODES: usize = 8;

/// A rooted tree: `parent[i] < i` for every node `i > 0`; the root is node 0.
type Parents = Vec<usize>;

/// The trees with `nodes` nodes.
fn listing(nodes: usize) -> &'static [Parents] {
    static LISTINGS: LazyLock<Vec<Vec<Parents>>> =
        LazyLock::new(|| (1..=NODES).map(distinct_parents).collect());
    &LISTINGS[nodes - 1]
}

/// All arrays of parents with `nodes` nodes that differ as rooted trees.
fn distinct_parents(nodes: usize) -> Vec<Parents> {
    let mut shapes: HashMap<String, Parents> = HashMap::new();
    let mut parents = vec![0; nodes];
    loop {
        shapes.entry(canonical(&parents)).or_insert_with(|| parents.clone());
        // Count up in mixed radix: digit i runs through 0..i.
        let Some(i) = (1..nodes).rev().find(|&i| parents[i] + 1 < i) else { break };
        parents[i] += 1;
        parents[i + 1..].fill(0);
    }
    shapes.into_values().collect()
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

/// `Σ Π b(pieces) a(skeleton)` over the partitions of τ with at least `cuts` cut edges.
fn substitution(
    parents: &[usize],
    cuts: u32,
    b: &dyn Fn(&str) -> BigRational,
    a: &dyn Fn(&Parents) -> BigRational,
) -> BigRational {
    let mut sum = BigRational::zero();
    for subset in (0..1u32 << (parents.len() - 1)).filter(|subset| subset.count_ones() >= cuts) {
        let (pieces, skeleton) = partition(parents, subset << 1);
        let product: BigRational = pieces.iter().map(|piece| b(&canonical(piece))).product();
        sum += product * a(&skeleton);
    }
    sum
}

/// Solves `(b ⋆ e)(τ) = a(τ)` for `b`, from small trees to large ones.
fn field_by_edge_subsets(a: &dyn Fn(&str) -> BigRational) -> HashMap<String, BigRational> {
    let exact = |tree: &Parents| BigRational::new(1.into(), density(tree).into());
    let mut b: HashMap<String, BigRational> = HashMap::new();
    for nodes in 1..=NODES {
        for parents in listing(nodes) {
            // With nothing cut the term is b(τ) e(•) = b(τ), the unknown.
            let name = canonical(parents);
            let known = substitution(parents, 1, &|piece| b[piece].clone(), &exact);
            b.insert(name.clone(), a(&name) - known);
        }
    }
    b
}

/// The weights of a series by name.
fn weights(series: &BSeries<Rational>) -> HashMap<String, BigRational> {
    (1..=series.trees().max_nodes())
        .flat_map(listing)
        .map(|parents| {
            let name = canonical(parents);
            let weight = series.at(&name.parse().unwrap()).unwrap().clone();
            (name, weight.into())
        })
        .collect()
}

fn compare(name: &str, method: &BSeries<Rational>, field: &BSeries<Rational>) {
    let a = weights(method);
    let expected = field_by_edge_subsets(&|tree| a[tree].clone());
    assert_eq!(expected.len(), 1 + 1 + 2 + 4 + 9 + 20 + 48 + 115);
    assert_eq!(weights(field), expected, "{name}");
}

/// Weights without any structure: no Runge-Kutta method of few stages has them.
fn arbitrary(trees: &Arc<TreeTable>, empty: i64, shift: i64) -> BSeries<Rational> {
    BSeries::from_fn(trees.clone(), Rational::from(empty), |tree| {
        let n = i64::from(tree) + shift;
        Rational::new((n * n + 3 * n + 1) % 11 - 5, n % 4 + 1).unwrap()
    })
}

#[test]
fn logarithms_of_runge_kutta_methods_solve_the_substitution_law() {
    let trees = Arc::new(TreeTable::all(1, NODES));
    for (name, tableau) in tableaux::all::<Rational>() {
        let method = tableau.weights(trees.clone()).unwrap();
        compare(name, &method, &method.logarithm().unwrap());
    }
}

#[test]
fn the_logarithm_of_an_arbitrary_series_solves_the_substitution_law() {
    let trees = Arc::new(TreeTable::all(1, NODES));
    let method = arbitrary(&trees, 1, 0);
    compare("arbitrary", &method, &method.logarithm().unwrap());
}

#[test]
fn substitution_is_a_sum_over_edge_subsets() {
    let trees = Arc::new(TreeTable::all(1, NODES));
    let (field, series) = (arbitrary(&trees, 0, 2), arbitrary(&trees, 1, 5));
    let found = weights(&field.substituted_into(&series).unwrap());
    let (b, a) = (weights(&field), weights(&series));
    for parents in (1..=NODES).flat_map(listing) {
        let name = canonical(parents);
        let expected = substitution(parents, 0, &|t| b[t].clone(), &|t| a[&canonical(t)].clone());
        assert_eq!(found[&name], expected, "{name}");
    }
}

#[test]
fn modifying_integrators_solve_the_substitution_law() {
    let trees = Arc::new(TreeTable::all(1, 7));
    for (name, tableau) in tableaux::all::<Rational>() {
        let method = tableau.weights(trees.clone()).unwrap();
        let (c, a) = (weights(&method.modifying_integrator().unwrap()), weights(&method));
        for parents in (1..=7).flat_map(listing) {
            let flow = substitution(parents, 0, &|t| c[t].clone(), &|t| a[&canonical(t)].clone());
            let tree = canonical(parents);
            assert_eq!(flow, BigRational::new(1.into(), density(parents).into()), "{name}, {tree}");
        }
    }
}
