//! Classical facts of numerical analysis that the algebra of series must reproduce.

mod tableaux;

use bea::exact::{Rational, RationalFunction};
use bea::optimizer;
use bea::series::{BSeries, Tableau, derive, elementary_weights};
use bea::tree::{Tree, TreeTable};
use std::collections::BTreeSet;
use std::sync::Arc;
use tableaux::*;

type Series = BSeries<Rational>;

fn trees(nodes: usize) -> Arc<TreeTable> {
    Arc::new(TreeTable::all(1, nodes))
}

fn ratio(n: i64, d: i64) -> Rational {
    Rational::new(n, d).unwrap()
}

fn at(series: &Series, tree: &str) -> String {
    series.at(&tree.parse().unwrap()).unwrap().to_string()
}

/// The sizes of the trees whose weight is not 0.
fn sizes(series: &Series) -> BTreeSet<usize> {
    let trees = series.trees();
    (0..trees.len() as u32)
        .filter(|&t| !series.weight(t).is_zero())
        .map(|t| trees.size(t))
        .collect()
}

/// The average vector field method `y' = y + h ∫_0^1 f(y + s (y' - y)) ds` (Quispel, McLaren 2008):
/// the integral of `s^m` puts `1/(m+1)` at a root with m children.
fn average_vector_field(trees: Arc<TreeTable>) -> Series {
    let table = trees.clone();
    BSeries::from_children(trees, 1.into(), |tree, product| {
        product * &ratio(1, table.children(tree).len() as i64 + 1)
    })
}

#[test]
fn orders_of_accuracy() {
    let trees = trees(6);
    let radau: Tableau<Rational> = tableau(&["5/12 -1/12", "3/4 1/4"], "3/4 1/4");
    let lobatto: Tableau<Rational> =
        tableau(&["0 0 0", "5/24 1/3 -1/24", "1/6 2/3 1/6"], "1/6 2/3 1/6");
    for (tableau, order) in [
        (euler(), 1),
        (implicit_euler(), 1),
        (midpoint(), 2),
        (heun(), 2),
        (ralston(), 2),
        (implicit_midpoint(), 2),
        (trapezoidal(), 2),
        (lobatto_3b(), 2),
        (kutta3(), 3),
        (radau, 3),
        (rk4(), 4),
        (lobatto, 4),
        (tableau(&["0"], "2"), 0),
    ] {
        let method = tableau.weights(trees.clone()).unwrap();
        assert_eq!(method.order_of_accuracy(), Ok(order), "{tableau:?}");
        // The field agrees with f up to that order, and first differs by the error of the step.
        let field = method.logarithm().unwrap();
        let f = Series::vector_field(trees.clone());
        let e = Series::exact_flow(trees.clone());
        for t in 0..trees.len() as u32 {
            let difference = field.weight(t) - f.weight(t);
            match trees.size(t) {
                n if n <= order => assert!(difference.is_zero()),
                n if n == order + 1 => assert_eq!(difference, method.weight(t) - e.weight(t)),
                _ => {}
            }
        }
    }
    assert_eq!(Series::exact_flow(trees.clone()).order_of_accuracy(), Ok(6));
    assert_eq!(Series::identity(trees).order_of_accuracy(), Ok(0));
}

#[test]
fn elementary_weights_of_rk4() {
    // All order conditions up to four nodes, and the nine weights with five, by hand.
    let method = rk4::<Rational>().weights(trees(5)).unwrap();
    for (tree, weight) in [
        ("[]", "1"),
        ("[[]]", "1/2"),
        ("[[],[]]", "1/3"),
        ("[[[]]]", "1/6"),
        ("[[],[],[]]", "1/4"),
        ("[[[]],[]]", "1/8"),
        ("[[[],[]]]", "1/12"),
        ("[[[[]]]]", "1/24"),
        ("[[],[],[],[]]", "5/24"),
        ("[[[]],[],[]]", "5/48"),
        ("[[[]],[[]]]", "1/16"),
        ("[[[],[]],[]]", "1/16"),
        ("[[[[]]],[]]", "1/24"),
        ("[[[],[],[]]]", "1/24"),
        ("[[[[]],[]]]", "1/48"),
        ("[[[[],[]]]]", "1/48"),
        ("[[[[[]]]]]", "0"),
    ] {
        assert_eq!(at(&method, tree), weight, "{tree}");
    }
}

#[test]
fn the_field_of_gradient_descent() {
    let field = euler::<Rational>().weights(trees(4)).unwrap().logarithm().unwrap();
    for (tree, b) in [
        ("[]", "1"),
        ("[[]]", "-1/2"),
        ("[[[]]]", "1/3"),
        ("[[],[]]", "1/6"),
        ("[[[[]]]]", "-1/4"),
        ("[[[],[]]]", "-1/6"),
        ("[[[]],[]]", "-1/12"),
        ("[[],[],[]]", "0"),
    ] {
        assert_eq!(at(&field, tree), b, "{tree}");
    }
}

#[test]
fn the_tall_trees_of_gradient_descent_are_a_logarithm() {
    let field = euler::<Rational>().weights(trees(11)).unwrap().logarithm().unwrap();
    for n in 0..11 {
        let expected = ratio(if n % 2 == 0 { 1 } else { -1 }, n + 1);
        assert_eq!(field.at(&Tree::chain(n as usize + 1)), Some(&expected));
    }
}

#[test]
fn explicit_midpoint_has_no_first_correction() {
    let field = midpoint::<Rational>().weights(trees(6)).unwrap().logarithm().unwrap();
    assert_eq!(at(&field, "[[]]"), "0");
    // f̃ = f + h² (-1/6 f'f'f - 1/24 f''(f,f)) + …: b/σ with b = a - e at three nodes.
    assert_eq!(at(&field, "[[[]]]"), "-1/6");
    assert_eq!(at(&field, "[[],[]]"), "-1/12");
    assert_eq!(sizes(&field), [1, 3, 4, 5, 6].into());
}

#[test]
fn symmetric_methods_have_only_even_powers_of_h() {
    let odd: BTreeSet<usize> = [1, 3, 5, 7].into();
    let avf = average_vector_field(trees(8));
    for method in [
        implicit_midpoint().weights(trees(8)).unwrap(),
        trapezoidal().weights(trees(8)).unwrap(),
        avf,
    ] {
        assert_eq!(sizes(&method.logarithm().unwrap()), odd);
        assert_eq!(sizes(&method.modifying_integrator().unwrap()), odd);
    }
    let heun = heun::<Rational>().weights(trees(8)).unwrap().logarithm().unwrap();
    assert!(sizes(&heun).contains(&4));
}

#[test]
fn implicit_euler_is_the_adjoint_of_euler() {
    let (explicit, implicit) =
        (euler().weights(trees(8)).unwrap(), implicit_euler().weights(trees(8)).unwrap());
    let backwards = |a: &Series| {
        let table = a.trees().clone();
        BSeries::from_fn(a.trees().clone(), a.empty().clone(), |t| {
            if table.size(t).is_multiple_of(2) { a.weight(t).clone() } else { -a.weight(t) }
        })
    };
    let explicit: Series = explicit;
    assert_eq!(backwards(&explicit).inverse().unwrap(), implicit);
    // Half a step of each makes the implicit midpoint rule or the trapezoidal rule.
    let half = |a: &Series| {
        let table = a.trees().clone();
        BSeries::from_fn(a.trees().clone(), 1.into(), |t| {
            a.weight(t) * &ratio(1, 1 << table.size(t))
        })
    };
    assert_eq!(
        half(&implicit).then(&half(&explicit)).unwrap(),
        implicit_midpoint().weights(trees(8)).unwrap()
    );
    assert_eq!(
        half(&explicit).then(&half(&implicit)).unwrap(),
        trapezoidal().weights(trees(8)).unwrap()
    );
}

#[test]
fn modifying_integrator_of_the_implicit_midpoint_rule() {
    // Chartier, Hairer, Vilmart 2007: f̂ = f + h²/12 (-f'f'f + 1/2 f''(f,f)) + ….
    let field = implicit_midpoint::<Rational>().weights(trees(4)).unwrap();
    let c = field.modifying_integrator().unwrap();
    assert_eq!([at(&c, "[]"), at(&c, "[[]]")], ["1", "0"]);
    assert_eq!([at(&c, "[[[]]]"), at(&c, "[[],[]]")], ["-1/12", "1/12"]);
}

#[test]
fn symplectic_methods_have_hamiltonian_fields_and_others_have_not() {
    let trees = trees(7);
    for (name, tableau) in tableaux::all::<Rational>() {
        let method = tableau.weights(trees.clone()).unwrap();
        let defects = method.symplecticity_defects().unwrap();
        let field_defects = method.logarithm().unwrap().symplecticity_defects().unwrap();
        // The two stages of Lobatto IIIB coincide: alone it is the implicit midpoint rule.
        let symplectic = ["implicit midpoint", "Lobatto IIIB"].contains(&name);
        assert_eq!(
            (defects.is_empty(), field_defects.is_empty()),
            (symplectic, symplectic),
            "{name}"
        );
    }
    // Symplectic methods are a group: two implicit midpoint steps of sizes 1/3 and 5/7.
    let step = |n, d| {
        let c = ratio(n, d);
        let half = &c * &ratio(1, 2);
        Tableau::new(vec![vec![half]], vec![c]).unwrap().weights(trees.clone()).unwrap()
    };
    let both = step(1, 3).then(&step(5, 7)).unwrap();
    assert_eq!(both.symplecticity_defects(), Ok(vec![]));
    assert_eq!(both.logarithm().unwrap().symplecticity_defects(), Ok(vec![]));
    assert_eq!(Series::exact_flow(trees.clone()).symplecticity_defects(), Ok(vec![]));
    // The first condition that Euler's method violates: 2 a([[]]) = a(•)².
    let defects = euler::<Rational>().weights(trees).unwrap().symplecticity_defects().unwrap();
    assert_eq!((defects[0].u, defects[0].v, &defects[0].defect), (0, 0, &ratio(-1, 1)));
}

#[test]
fn symplectic_additive_and_partitioned_methods() {
    let colored = Arc::new(TreeTable::all(2, 6));
    let explicit = euler::<Rational>();
    // Symplectic Euler: implicit in one part, explicit in the other. Störmer-Verlet: Lobatto IIIA-B.
    for pair in [[explicit.clone(), implicit_euler()], [trapezoidal(), lobatto_3b()]] {
        let method = elementary_weights(&pair, colored.clone()).unwrap();
        let defects = method.symplecticity_defects().unwrap();
        // On a partitioned system only roots of different colours make conditions.
        let same_color =
            |d: &bea::series::PairDefect<Rational>| colored.color(d.u) == colored.color(d.v);
        assert!(!defects.is_empty() && defects.iter().all(same_color));
    }
    let both_explicit = elementary_weights(&[explicit.clone(), explicit], colored.clone()).unwrap();
    let defects = both_explicit.symplecticity_defects().unwrap();
    assert!(defects.iter().any(|d| colored.color(d.u) != colored.color(d.v)));
    let midpoint = implicit_midpoint::<Rational>();
    let method = elementary_weights(&[midpoint.clone(), midpoint], colored).unwrap();
    assert_eq!(method.symplecticity_defects(), Ok(vec![]));
}

#[test]
fn the_average_vector_field_method_preserves_energy_and_is_not_symplectic() {
    let method = average_vector_field(trees(8));
    assert_eq!(method.order_of_accuracy(), Ok(2));
    let field = method.logarithm().unwrap();
    assert_eq!(field.energy_defects(), Ok(vec![]));
    assert!(!method.symplecticity_defects().unwrap().is_empty());
    assert!(!field.symplecticity_defects().unwrap().is_empty());
    // Of all methods only the exact flow does both.
    let f = Series::vector_field(trees(8));
    assert_eq!((f.energy_defects(), f.symplecticity_defects()), (Ok(vec![]), Ok(vec![])));
}

#[test]
fn other_methods_do_not_preserve_energy() {
    for (name, tableau) in tableaux::all::<Rational>() {
        let field = tableau.weights(trees(6)).unwrap().logarithm().unwrap();
        assert!(!field.energy_defects().unwrap().is_empty(), "{name}");
    }
    // Gradient descent: dH/dt = -h/2 H'(f'f) + …, and b(τ)/σ(τ) = -1/2 at τ = [[]].
    let defects = euler::<Rational>()
        .weights(trees(2))
        .unwrap()
        .logarithm()
        .unwrap()
        .energy_defects()
        .unwrap();
    assert_eq!(defects.len(), 1);
    assert_eq!(
        (defects[0].tree.to_string(), defects[0].defect.clone()),
        ("[[[]]]".into(), ratio(-1, 2))
    );
}

#[test]
fn energy_conditions_by_hand() {
    // H'(f' f''(f,f)) = H'''(f, f, f'f) and H'(f''(f'f, f)) = -H'''(f, f, f'f), so the terms
    // b([[[],[]]])/2 and b([[[]],[]]) must be equal; f'f'f is free, for H'(f'f'f) = 0.
    let field = |values: &[(&str, i64)]| -> Series {
        let trees = trees(4);
        let find = |text: &str| trees.find(&text.parse().unwrap()).unwrap();
        BSeries::from_fn(trees.clone(), 0.into(), |t| {
            values.iter().find(|v| find(v.0) == t).map_or(0, |v| v.1).into()
        })
    };
    let defects = |values: &[(&str, i64)]| -> Vec<(String, String)> {
        let found = field(values).energy_defects().unwrap();
        found.into_iter().map(|d| (d.tree.to_string(), d.defect.to_string())).collect()
    };
    assert_eq!(defects(&[("[]", 1), ("[[[]]]", 5)]), []);
    assert_eq!(defects(&[("[[[],[]]]", 2), ("[[[]],[]]", 1)]), []);
    let told = |tree: &str, value: &str| vec![(tree.to_string(), value.to_string())];
    assert_eq!(defects(&[("[[[],[]]]", 2)]), told("[[[[],[]]]]", "1"));
    assert_eq!(defects(&[("[[[]],[]]", 3)]), told("[[[[],[]]]]", "-3"));
    assert_eq!(defects(&[("[[],[]]", 1)]), told("[[[],[]]]", "1/2"));
    assert_eq!(defects(&[("[[],[],[]]", 6)]), told("[[[],[],[]]]", "1"));
}

#[test]
fn one_energy_condition_a_free_tree_that_is_not_superfluous() {
    // Free trees with n = 2, …, 10 nodes: 1, 1, 2, 3, 6, 11, 23, 47, 106 (OEIS A000055); for even n
    // those made of two equal halves drop out, one a rooted tree with n/2 nodes.
    let free = [1, 1, 2, 3, 6, 11, 23, 47, 106];
    let rooted = TreeTable::count(1, 5);
    let trees = trees(9);
    // Weights without any relation between them.
    let field = Series::from_fn(trees, 0.into(), |t| (i64::from(t).pow(3) + 7).into());
    let mut found = [0usize; 9];
    for defect in field.energy_defects().unwrap() {
        found[defect.tree.size() - 2] += 1;
    }
    for (n, (count, free)) in (2..).zip(found.into_iter().zip(free)) {
        let halves = if n % 2 == 0 { usize::try_from(&rooted[n / 2 - 1]).unwrap() } else { 0 };
        assert_eq!(count, free - halves, "{n} nodes");
    }
}

/// The modified field of an optimizer of the library, its parameters left symbolic.
fn derived(name: &str, nodes: usize) -> BSeries<RationalFunction> {
    let method = optimizer::find(name).unwrap().method(&Default::default()).unwrap();
    let trees = Arc::new(TreeTable::all(method.fields.len(), nodes));
    BSeries::from(&derive(&method, trees).unwrap())
}

#[test]
fn the_flow_of_a_derived_field_is_the_method() {
    for (name, tableau) in [
        ("gradient_descent", euler()),
        ("midpoint", midpoint()),
        ("rk4", rk4()),
        ("implicit_midpoint", implicit_midpoint()),
    ] {
        let step = derived(name, 6).exponential().unwrap();
        assert_eq!(step, tableau.weights(trees(6)).unwrap(), "{name}");
    }
}

#[test]
fn orders_of_optimizers_of_the_library() {
    for (name, order) in [
        ("optimistic_gradient", 1),
        ("adams_bashforth2", 2),
        ("bdf2", 2),
        ("adams_bashforth3", 3),
        ("adams_moulton3", 3),
        ("radau_iia3", 3),
        ("lobatto_iiia4", 4),
        ("rk4_three_eighths", 4),
        // For every value of its parameter.
        ("rk2", 2),
        ("alternating_gda", 1),
    ] {
        let step = derived(name, 5).exponential().unwrap();
        assert_eq!(step.order_of_accuracy(), Ok(order), "{name}");
    }
}

#[test]
fn heavy_ball_is_a_step_of_a_larger_size_to_first_order() {
    // a(•) = 1/(1-m): the momentum multiplies the step.
    let step = derived("heavy_ball", 4).exponential().unwrap();
    let leaf = step.weight(0).display(&["m".into()]);
    assert_eq!((leaf.as_str(), step.order_of_accuracy()), ("1/(1-m)", Ok(0)));
}

#[test]
fn stormer_verlet_has_order_two_on_separable_systems() {
    fn alternating(tree: &Tree) -> bool {
        tree.children().iter().all(|child| child.color() != tree.color() && alternating(child))
    }
    let step = derived("stormer_verlet", 5).exponential().unwrap();
    let exact = BSeries::exact_flow(step.trees().clone());
    // The velocity of q depends on p alone and the other way round: no other trees occur.
    let first = (0..step.trees().len() as u32)
        .filter(|&t| alternating(&step.trees().tree(t)))
        .find(|&t| step.weight(t) != exact.weight(t));
    assert_eq!(first.map(|t| step.trees().size(t)), Some(3));
    // In general the explicit form is only of first order.
    assert_eq!(step.order_of_accuracy(), Ok(1));
}
