//! The optimizers that are compiled in are what they say.

use bea::exact::RationalFunction;
use bea::optimizer::{find, library, parse_value};
use bea::series::{MethodError, ModifiedField, derive};
use bea::tree::TreeTable;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The field of an optimizer of the library on all trees with up to `nodes` nodes.
fn field(name: &str, values: &[(&str, &str)], nodes: usize) -> Result<ModifiedField, MethodError> {
    let values: BTreeMap<_, _> = values
        .iter()
        .map(|(name, value)| (name.to_string(), parse_value(value).unwrap()))
        .collect();
    let method = find(name).unwrap().method(&values).unwrap();
    derive(&method, Arc::new(TreeTable::all(method.fields.len(), nodes)))
}

/// All weights of a field, tree by tree.
fn weights(field: &ModifiedField) -> Vec<RationalFunction> {
    let trees = field.trees();
    (1..=trees.max_nodes()).flat_map(|n| trees.of_size(n)).map(|tree| field.b(tree)).collect()
}

#[test]
fn every_optimizer_has_a_field() {
    for optimizer in library() {
        let field = field(&optimizer.name, &[], 3)
            .unwrap_or_else(|error| panic!("{}: {error}", optimizer.name));
        let leaf = field.trees().leaf(0);
        assert!(!field.b(leaf).is_zero(), "{} does not move", optimizer.name);
    }
}

#[test]
fn orders_of_accuracy() {
    for (name, order) in [
        ("gradient_descent", 1),
        ("optimistic_gradient", 1),
        ("extragradient", 1),
        ("past_extragradient", 1),
        ("delayed_gradient", 1),
        ("midpoint", 2),
        ("heun", 2),
        ("ralston", 2),
        ("rk2", 2),
        ("kutta3", 3),
        ("ssprk3", 3),
        ("rk4", 4),
        ("rk4_three_eighths", 4),
        ("adams_bashforth2", 2),
        ("adams_bashforth3", 3),
        ("adams_moulton3", 3),
        ("bdf2", 2),
        ("implicit_euler", 1),
        ("implicit_midpoint", 2),
        ("trapezoidal", 2),
        ("radau_iia3", 3),
        ("lobatto_iiia4", 4),
    ] {
        let field = field(name, &[], order + 1).unwrap();
        let trees = field.trees();
        assert!(field.b(trees.leaf(0)).is_one(), "{name}");
        for nodes in 2..=order {
            for tree in trees.of_size(nodes) {
                assert!(field.b(tree).is_zero(), "{name}, {:?}", trees.tree(tree));
            }
        }
        let exact = trees.of_size(order + 1).all(|tree| field.b(tree).is_zero());
        assert!(!exact, "{name} is better than order {order}");
    }
}

#[test]
fn symmetric_methods_have_even_fields() {
    for name in ["implicit_midpoint", "trapezoidal", "lobatto_iiia4"] {
        let field = field(name, &[], 6).unwrap();
        for nodes in [2, 4, 6] {
            for tree in field.trees().of_size(nodes) {
                assert!(field.b(tree).is_zero(), "{name}");
            }
        }
    }
}

#[test]
fn members_of_families() {
    type Member = (&'static str, &'static [(&'static str, &'static str)]);
    let equal: &[(Member, Member)] = &[
        (("dampened_heavy_ball", &[("d", "0")]), ("heavy_ball", &[])),
        (
            ("dampened_heavy_ball", &[("m", "1/3"), ("d", "1/3")]),
            ("averaged_momentum", &[("m", "1/3")]),
        ),
        (("accelerated_gradient", &[("gamma", "0")]), ("heavy_ball", &[])),
        (
            ("accelerated_gradient", &[("beta", "0.9"), ("gamma", "0.9")]),
            ("nesterov", &[("m", "0.9")]),
        ),
        (("accelerated_gradient", &[("beta", "0"), ("gamma", "0")]), ("gradient_descent", &[])),
        (("quasi_hyperbolic_momentum", &[("m", "1/2"), ("nu", "0")]), ("gradient_descent", &[])),
        (("quasi_hyperbolic_momentum", &[("nu", "1")]), ("averaged_momentum", &[])),
        (("aggregated_momentum", &[("a", "1/5"), ("b", "1/5")]), ("heavy_ball", &[("m", "1/5")])),
        (("weight_decay_heavy_ball", &[("m", "0")]), ("weight_decay", &[])),
        (("decoupled_weight_decay_heavy_ball", &[("m", "0")]), ("weight_decay", &[])),
        (("minibatch2_heavy_ball", &[("m", "0")]), ("minibatch2", &[])),
        (("gradient_norm_penalty", &[("a", "1")]), ("sam", &[])),
        (("sam_heavy_ball", &[("m", "0")]), ("sam", &[])),
        (("proportional_sam", &[("r", "-1")]), ("extragradient", &[])),
        (("proportional_sam", &[("r", "-1/2")]), ("midpoint", &[])),
        (("lookahead_heavy_ball", &[("m", "0")]), ("lookahead2", &[])),
        (("schedule_free", &[("b", "1/2"), ("c", "1")]), ("gradient_descent", &[])),
        (("rk2", &[("a", "1/2")]), ("midpoint", &[])),
        (("rk2", &[("a", "1")]), ("heun", &[])),
        (("rk2", &[("a", "2/3")]), ("ralston", &[])),
        (("proximal_point", &[]), ("implicit_euler", &[])),
        (("two_time_scale_gda", &[("r", "1")]), ("simultaneous_gda", &[])),
        (("momentum_gda", &[("m", "0")]), ("simultaneous_gda", &[])),
        (("negative_momentum_gda", &[("m", "0")]), ("alternating_gda", &[])),
    ];
    for ((a, a_values), (b, b_values)) in equal {
        let (left, right) = (field(a, a_values, 4).unwrap(), field(b, b_values, 4).unwrap());
        assert_eq!(weights(&left), weights(&right), "{a}, {b}");
    }
}

/// The weights of the trees with two nodes, as (field of the root, field of its child, weight).
fn pairs(name: &str) -> Vec<(u8, u8, String)> {
    let field = field(name, &[], 2).unwrap();
    let trees = field.trees();
    let pair = |tree| {
        let child = trees.children(tree)[0];
        (trees.color(tree), trees.color(child), field.b(tree).display(&[]))
    };
    let mut pairs: Vec<_> = trees.of_size(2).map(pair).collect();
    pairs.sort();
    pairs
}

fn expected(weights: [(u8, u8, &str); 4]) -> Vec<(u8, u8, String)> {
    weights.into_iter().map(|(root, child, b)| (root, child, b.to_string())).collect()
}

#[test]
fn first_corrections_with_several_fields() {
    // θ + h f1 + h f2(θ + h f1) holds h² f2' f1 whole, the flow of f1 + f2 half of every fi' fj.
    let half = expected([(0, 0, "-1/2"), (0, 1, "-1/2"), (1, 0, "1/2"), (1, 1, "-1/2")]);
    assert_eq!(pairs("minibatch2"), half);
    // Alternating players are two such halves; simultaneous ones each an Euler step.
    assert_eq!(pairs("alternating_gda"), half);
    let euler = expected([(0, 0, "-1/2"), (0, 1, "-1/2"), (1, 0, "-1/2"), (1, 1, "-1/2")]);
    assert_eq!(pairs("simultaneous_gda"), euler);
    assert_eq!(pairs("weight_decay"), euler);
    // Störmer-Verlet is of order 2 where q moves with p and p with q.
    let verlet = pairs("stormer_verlet");
    let coupled: Vec<_> = verlet.iter().filter(|(root, child, _)| root != child).collect();
    assert!(coupled.iter().all(|(_, _, b)| b == "0"), "{verlet:?}");
}

#[test]
fn velocities_that_never_forget_have_no_field() {
    let error = field("heavy_ball", &[("m", "1")], 2).map(|_| ()).unwrap_err();
    assert!(matches!(error, MethodError::NoSlowManifold { .. }), "{error}");
    assert!(field("heavy_ball", &[("m", "-1")], 2).is_ok());
}
