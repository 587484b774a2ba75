//! The engine against the known weights of gradient descent and heavy ball.

use bea::exact::RationalFunction as Q;
use bea::field::{ClosedForm, Potential, free_trees, potential};
use bea::series::{
    Combination, GeneralLinearMethod, MethodError, Stage, State, VectorField, derive,
};
use bea::tree::{Tree, TreeTable};

fn weights(method: &GeneralLinearMethod, nodes: usize) -> impl Fn(&str) -> String + use<> {
    let field = derive(method, TreeTable::all(1, nodes).into()).unwrap();
    let names = method.parameters.clone();
    move |tree: &str| {
        let tree: Tree = tree.parse().unwrap();
        field.b(field.trees().find(&tree).unwrap()).display(&names)
    }
}

/// `v' = m v + h f(θ)`, `θ' = θ + v'`.
fn heavy_ball(m: Q, parameters: Vec<String>) -> GeneralLinearMethod {
    let (zero, one) = (Q::zero(), Q::one());
    let row = |a: &Q, b: &Q, e: &Q| Combination {
        states: vec![a.clone(), b.clone()],
        stages: vec![e.clone()],
    };
    GeneralLinearMethod {
        parameters,
        step_parameter: None,
        spaces: vec!["theta".into()],
        fields: vec![VectorField { name: "f".into(), space: 0 }],
        states: ["theta", "v"].map(|n| State { name: n.into(), space: 0 }).to_vec(),
        stages: vec![Stage { field: 0, arguments: vec![row(&one, &zero, &zero)] }],
        update: vec![row(&one, &m, &one), row(&zero, &m, &one)],
    }
}

#[test]
fn gradient_descent() {
    let b = weights(&GeneralLinearMethod::euler(), 4);
    let expected = [
        ("[]", "1"),
        ("[[]]", "-1/2"),
        ("[[[]]]", "1/3"),
        ("[[],[]]", "1/6"),
        ("[[[[]]]]", "-1/4"),
        ("[[[],[]]]", "-1/6"),
        ("[[[]],[]]", "-1/12"),
        ("[[],[],[]]", "0"),
    ];
    for (tree, value) in expected {
        assert_eq!(b(tree), value, "{tree}");
    }
}

#[test]
fn heavy_ball_with_a_number_and_with_a_letter() {
    let half = Q::integer(1).divide(&Q::integer(2)).unwrap();
    let b = weights(&heavy_ball(half, vec![]), 3);
    assert_eq!([b("[]"), b("[[[]]]"), b("[[],[]]")], ["2", "104/3", "100/3"]);
    let b = weights(&heavy_ball(Q::variable(0), vec!["m".into()]), 3);
    assert_eq!(b("[]"), "1/(1-m)");
    assert_eq!(b("[[]]"), "-(1+m)/(2*(1-m)^3)");
}

#[test]
fn closed_forms() {
    let euler = GeneralLinearMethod::euler();
    let closed = ClosedForm::new(&euler, 12).unwrap();
    assert!(closed.is_tall_tree_theorem());
    assert_eq!(closed.formula(), "log(1+hJ)/(hJ) f");
    let m = heavy_ball(Q::variable(0), vec!["m".into()]);
    let closed = ClosedForm::new(&m, 6).unwrap();
    assert_eq!(
        closed.definition(),
        "P(z) = (1+m+z + sqrt((1+m+z)^2 - 4*m))/2, the branch with P(0) = 1"
    );
    let field = derive(&m, TreeTable::all(1, 7).into()).unwrap();
    assert_eq!(closed.first_difference(&field), None);
    let chains = TreeTable::closure(1, &[Tree::chain(13)]);
    let field = derive(&euler, chains.into()).unwrap();
    assert_eq!(ClosedForm::new(&euler, 12).unwrap().first_difference(&field), None);
    // A wrong closed form is told from a right one.
    let difference = closed.first_difference(&field).unwrap();
    assert_eq!(difference.0, 1);
}

#[test]
fn first_correction_of_gradient_descent_is_a_gradient_and_the_second_is_not() {
    let field = derive(&GeneralLinearMethod::euler(), TreeTable::all(1, 3).into()).unwrap();
    let quarter = Q::integer(1).divide(&Q::integer(4)).unwrap();
    let edge = field.trees().find(&Tree::chain(2)).unwrap();
    match potential(&field, 2) {
        Potential::Gradient(terms) => assert_eq!(terms, [(edge, quarter)]),
        other => panic!("{other:?}"),
    }
    match potential(&field, 3) {
        Potential::Obstructed { first, second } => {
            assert_eq!(field.trees().tree(first.0).to_string(), "[[],[]]");
            assert_eq!(field.trees().tree(second.0).to_string(), "[[[]]]");
            assert_eq!([first.1.display(&[]), second.1.display(&[])], ["1/6", "1/3"]);
        }
        other => panic!("{other:?}"),
    }
    // Free trees with n vertices: 1, 1, 1, 2, 3, 6, 11, 23, 47.
    let trees = TreeTable::all(1, 9);
    let counts: Vec<_> = (1..=9).map(|n| free_trees(&trees, n).len()).collect();
    assert_eq!(counts, [1, 1, 1, 2, 3, 6, 11, 23, 47]);
}

#[test]
fn no_slow_manifold() {
    let error = derive(&heavy_ball(Q::one(), vec![]), TreeTable::all(1, 2).into()).err();
    assert_eq!(error, Some(MethodError::NoSlowManifold { space: "theta".into() }));
}
