//! The second, independent route to a modified field: the substitution law by brute force.
//!
//! The field `b` of a method `a` solves `(b ⋆ e)(τ) = a(τ)`, where `(b ⋆ e)(τ)` is a sum over all
//! subsets of the edges of τ. See `brute_force`: the library enumerates no subsets, so that nothing
//! but the final comparison is shared.

mod brute_force;
mod tableaux;

use bea::exact::Rational;
use bea::optimizer;
use bea::series::{BSeries, derive};
use bea::tree::TreeTable;
use brute_force::{Forest, Q, Weights, combine, q};
use std::sync::{Arc, LazyLock};

/// All 200 trees with up to 8 nodes.
static PLAIN: LazyLock<Forest> = LazyLock::new(|| Forest::new(1, 8));

/// All 286 trees of two colours with up to 5 nodes.
static COLORED: LazyLock<Forest> = LazyLock::new(|| Forest::new(2, 5));

fn weights(forest: &Forest, series: &BSeries<Rational>) -> Weights {
    forest.read(|tree| series.at(tree).unwrap().clone().into())
}

fn assert_equal(forest: &Forest, name: &str, found: &Weights, expected: &Weights) {
    for i in 0..forest.len() {
        assert_eq!(found[i], expected[i], "{name}, {:?}", forest.tree(i));
    }
}

/// Weights without any structure: no Runge-Kutta method of few stages has them.
fn arbitrary(trees: &Arc<TreeTable>, empty: i64, shift: i64) -> BSeries<Rational> {
    BSeries::from_fn(trees.clone(), Rational::from(empty), |tree| {
        let n = i64::from(tree) + shift;
        Rational::new((n * n + 3 * n + 1) % 7 - 3, n % 4 + 1).unwrap()
    })
}

#[test]
fn brute_force_is_about_all_trees() {
    assert_eq!(PLAIN.len(), 1 + 1 + 2 + 4 + 9 + 20 + 48 + 115);
    assert_eq!(COLORED.len(), 2 + 4 + 14 + 52 + 214);
}

#[test]
fn logarithms_of_runge_kutta_methods() {
    let trees = Arc::new(TreeTable::all(1, 8));
    for (name, tableau) in tableaux::all::<Rational>() {
        let method = tableau.weights(trees.clone()).unwrap();
        let expected = PLAIN.field_of(&weights(&PLAIN, &method));
        let found = weights(&PLAIN, &method.logarithm().unwrap());
        assert_equal(&PLAIN, name, &found, &expected);
    }
}

#[test]
fn arbitrary_series() {
    for (forest, trees) in [(&PLAIN, TreeTable::all(1, 8)), (&COLORED, TreeTable::all(2, 5))] {
        let trees = Arc::new(trees);
        let method = arbitrary(&trees, 1, 0);
        let a = weights(forest, &method);
        let log = weights(forest, &method.logarithm().unwrap());
        assert_equal(forest, "logarithm", &log, &forest.field_of(&a));

        let field = arbitrary(&trees, 0, 2);
        let b = weights(forest, &field);
        let flow = weights(forest, &field.exponential().unwrap());
        assert_equal(forest, "exponential", &flow, &forest.flow(&b, 1));

        let substituted = weights(forest, &field.substituted_into(&method).unwrap());
        assert_equal(forest, "substitution", &substituted, &forest.substitute(&b, &a));

        let c = weights(forest, &method.modifying_integrator().unwrap());
        let exact = forest.substitute(&c, &a);
        assert_equal(forest, "modifying integrator", &exact, &forest.exact());
    }
}

#[test]
fn modifying_integrators_of_runge_kutta_methods() {
    let trees = Arc::new(TreeTable::all(1, 8));
    for (name, tableau) in tableaux::all::<Rational>() {
        let method = tableau.weights(trees.clone()).unwrap();
        let c = weights(&PLAIN, &method.modifying_integrator().unwrap());
        let exact = PLAIN.substitute(&c, &weights(&PLAIN, &method));
        assert_equal(&PLAIN, name, &exact, &PLAIN.exact());
    }
}

/// The field that the engine derives for an optimizer of the library with parameter values.
fn derived(forest: &Forest, colors: usize, name: &str, values: &[(&str, Q)]) -> Weights {
    let values = values.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let method = optimizer::find(name).unwrap().method(&values).unwrap();
    assert!(method.parameters.is_empty() && method.step_parameter.is_none());
    assert_eq!(method.fields.len(), colors);
    let nodes = forest.tree(forest.len() - 1).size();
    let field = derive(&method, Arc::new(TreeTable::all(colors, nodes))).unwrap();
    forest.read(|tree| {
        field.b(field.trees().find(tree).unwrap()).as_rational().expect("no parameter is left")
    })
}

#[test]
fn the_engine_on_runge_kutta_methods() {
    let trees = Arc::new(TreeTable::all(1, 8));
    for (optimizer, tableau) in [
        ("gradient_descent", tableaux::euler::<Rational>()),
        ("implicit_euler", tableaux::implicit_euler()),
        ("midpoint", tableaux::midpoint()),
        ("heun", tableaux::heun()),
        ("ralston", tableaux::ralston()),
        ("kutta3", tableaux::kutta3()),
        ("rk4", tableaux::rk4()),
        ("implicit_midpoint", tableaux::implicit_midpoint()),
        ("trapezoidal", tableaux::trapezoidal()),
        ("extragradient", tableaux::tableau(&["0 0", "1 0"], "0 1")),
        ("radau_iia3", tableaux::tableau(&["5/12 -1/12", "3/4 1/4"], "3/4 1/4")),
    ] {
        let method = tableau.weights(trees.clone()).unwrap();
        let expected = PLAIN.field_of(&weights(&PLAIN, &method));
        assert_equal(&PLAIN, optimizer, &derived(&PLAIN, 1, optimizer, &[]), &expected);
    }
}

/// The parameters at the steps `ν = -1, 0, 1`, along the flow of a field through `θ` at `ν = 0`.
struct Flow {
    previous: Weights,
    now: Weights,
    next: Weights,
}

impl Flow {
    fn new(forest: &Forest, b: &Weights) -> Flow {
        let [previous, now, next] = [-1, 0, 1].map(|steps| forest.flow(b, steps));
        Flow { previous, now, next }
    }
}

fn f(point: &Weights) -> Weights {
    PLAIN.apply(0, &[point])
}

/// Checks that the flow of the derived field satisfies the recurrence of the optimizer, with its
/// buffers eliminated by hand and brought to the form `Σ factor · series = 0`.
fn assert_recurrence(
    name: &str,
    values: &[(&str, Q)],
    recurrence: impl Fn(&Flow) -> Vec<(Q, Weights)>,
) {
    let terms = recurrence(&Flow::new(&PLAIN, &derived(&PLAIN, 1, name, values)));
    let terms: Vec<_> = terms.iter().map(|(factor, series)| (factor.clone(), series)).collect();
    let zero = PLAIN.read(|_| q(0, 1));
    assert_equal(&PLAIN, name, &combine(&terms), &zero);
}

#[test]
fn the_engine_on_optimizers_with_memory() {
    let (one, m, nu) = (q(1, 1), q(3, 5), q(1, 3));
    // θ' = θ + v', v' = m v + h f(θ), with v = θ - θ_previous.
    assert_recurrence("heavy_ball", &[("m", m.clone())], |t| {
        vec![
            (q(1, 1), t.next.clone()),
            (-(&one + &m), t.now.clone()),
            (m.clone(), t.previous.clone()),
            (q(-1, 1), f(&t.now)),
        ]
    });
    assert_recurrence("nesterov", &[("m", m.clone())], |t| {
        let ahead = combine(&[(&one + &m, &t.now), (-&m, &t.previous)]);
        vec![
            (q(1, 1), t.next.clone()),
            (-(&one + &m), t.now.clone()),
            (m.clone(), t.previous.clone()),
            (q(-1, 1), f(&ahead)),
        ]
    });
    // v' = m v + (1-m) f(θ), θ' = θ + h ((1-ν) f(θ) + ν v'): ν h v is what the last step had of it.
    let values = [("m", m.clone()), ("nu", nu.clone())];
    assert_recurrence("quasi_hyperbolic_momentum", &values, |t| {
        let plain = &one - &nu;
        vec![
            (q(1, 1), t.next.clone()),
            (-(&one + &m), t.now.clone()),
            (m.clone(), t.previous.clone()),
            (&m * &plain, f(&t.previous)),
            (-(&plain + &nu * (&one - &m)), f(&t.now)),
        ]
    });
    assert_recurrence("optimistic_gradient", &[], |t| {
        vec![
            (q(1, 1), t.next.clone()),
            (q(-1, 1), t.now.clone()),
            (q(-2, 1), f(&t.now)),
            (q(1, 1), f(&t.previous)),
        ]
    });
    // z' = θ + h f(z) = 2 θ - θ_previous.
    assert_recurrence("past_extragradient", &[], |t| {
        let ahead = combine(&[(q(2, 1), &t.now), (q(-1, 1), &t.previous)]);
        vec![(q(1, 1), t.next.clone()), (q(-1, 1), t.now.clone()), (q(-1, 1), f(&ahead))]
    });
    assert_recurrence("delayed_gradient", &[], |t| {
        vec![(q(1, 1), t.next.clone()), (q(-1, 1), t.now.clone()), (q(-1, 1), f(&t.previous))]
    });
}

#[test]
fn the_engine_on_multistep_methods() {
    assert_recurrence("adams_bashforth2", &[], |t| {
        vec![
            (q(1, 1), t.next.clone()),
            (q(-1, 1), t.now.clone()),
            (q(-3, 2), f(&t.now)),
            (q(1, 2), f(&t.previous)),
        ]
    });
    let b = derived(&PLAIN, 1, "adams_bashforth3", &[]);
    assert_recurrence("adams_bashforth3", &[], |t| {
        vec![
            (q(1, 1), t.next.clone()),
            (q(-1, 1), t.now.clone()),
            (q(-23, 12), f(&t.now)),
            (q(16, 12), f(&t.previous)),
            (q(-5, 12), f(&PLAIN.flow(&b, -2))),
        ]
    });
    assert_recurrence("adams_moulton3", &[], |t| {
        vec![
            (q(1, 1), t.next.clone()),
            (q(-1, 1), t.now.clone()),
            (q(-5, 12), f(&t.next)),
            (q(-8, 12), f(&t.now)),
            (q(1, 12), f(&t.previous)),
        ]
    });
    assert_recurrence("bdf2", &[], |t| {
        vec![
            (q(1, 1), t.next.clone()),
            (q(-4, 3), t.now.clone()),
            (q(1, 3), t.previous.clone()),
            (q(-2, 3), f(&t.next)),
        ]
    });
}

#[test]
fn the_engine_on_optimizers_with_several_evaluations() {
    let r = q(2, 7);
    assert_recurrence("proportional_sam", &[("r", r.clone())], |t| {
        let ascent = combine(&[(q(1, 1), &t.now), (-&r, &f(&t.now))]);
        vec![(q(1, 1), t.next.clone()), (q(-1, 1), t.now.clone()), (q(-1, 1), f(&ascent))]
    });
    let alpha = q(4, 9);
    assert_recurrence("lookahead2", &[("alpha", alpha.clone())], |t| {
        let fast = f(&t.now);
        let second = f(&fast);
        vec![(q(1, 1), t.next.clone()), (-&alpha, fast), (-&alpha, second)]
    });
}

#[test]
fn the_engine_on_several_vector_fields() {
    let (one, half) = (q(1, 1), q(1, 2));
    let step = |name: &str| {
        let flow = Flow::new(&COLORED, &derived(&COLORED, 2, name, &[]));
        (flow.now, flow.next)
    };
    // The branches of colour 0 see the new value of the first player, where there is one.
    let (now, next) = step("simultaneous_gda");
    let expected = combine(&[
        (one.clone(), &COLORED.apply(0, &[&now, &now])),
        (one.clone(), &COLORED.apply(1, &[&now, &now])),
    ]);
    assert_equal(&COLORED, "simultaneous_gda", &next, &expected);
    let (now, next) = step("alternating_gda");
    let expected = combine(&[
        (one.clone(), &COLORED.apply(0, &[&now, &now])),
        (one.clone(), &COLORED.apply(1, &[&next, &now])),
    ]);
    assert_equal(&COLORED, "alternating_gda", &next, &expected);
    // θ' = first + h f2(first), first = θ + h f1(θ).
    let (now, next) = step("minibatch2");
    let first = COLORED.apply(0, &[&now, &now]);
    let expected =
        combine(&[(one.clone(), &first), (one.clone(), &COLORED.apply(1, &[&first, &first]))]);
    assert_equal(&COLORED, "minibatch2", &next, &expected);
    // p_half = p + h/2 fp(q, p), q' = q + h fq(q, p_half), p' = p_half + h/2 fp(q', p_half).
    let (now, next) = step("stormer_verlet");
    let p_half = combine(&[(half.clone(), &COLORED.apply(1, &[&now, &now]))]);
    let q_next = COLORED.apply(0, &[&now, &p_half]);
    let expected = combine(&[
        (one.clone(), &q_next),
        (one, &p_half),
        (half, &COLORED.apply(1, &[&q_next, &p_half])),
    ]);
    assert_equal(&COLORED, "stormer_verlet", &next, &expected);
}
