//! The engine against the known weights of gradient descent and heavy ball.

use bea::exact::RationalFunction as Q;
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
fn no_slow_manifold() {
    let error = derive(&heavy_ball(Q::one(), vec![]), TreeTable::all(1, 2).into()).err();
    assert_eq!(error, Some(MethodError::NoSlowManifold { space: "theta".into() }));
}
