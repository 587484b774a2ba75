//! The engine against the known weights of gradient descent and heavy ball.

use bea::exact::RationalFunction as Q;
use bea::field::{ClosedForm, Field, Potential, free_trees, potential};
use bea::optimizer::{self, Optimizer};
use bea::series::{
    Combination, GeneralLinearMethod, MethodError, Stage, State, VectorField, derive,
};
use bea::source::Source;
use bea::tree::{Tree, TreeTable};
use num_rational::BigRational;
use std::sync::Arc;

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
    assert_eq!(difference.chain, Tree::chain(1));
}

#[test]
fn square_roots_are_written_with_the_branch_and_the_brackets_that_make_them_true() {
    let definition = |name: &str| {
        let method = optimizer::find(name).unwrap().method(&Default::default()).unwrap();
        let text = ClosedForm::new(&method, 2).unwrap().definition();
        text.strip_suffix(", the branch with P(0) = 1").unwrap().to_string()
    };
    // At z = 0: (2 + sqrt(4 - 3))/3 = 1.
    assert_eq!(definition("bdf2"), "P(z) = (2 + sqrt(1+2*z))/(3-2*z)");
    assert_eq!(
        definition("adams_moulton3"),
        "P(z) = (2*(3+2*z) + sqrt(3*(12+12*z+7*z^2)))/(12-5*z)"
    );
    assert_eq!(definition("adams_bashforth2"), "P(z) = (2+3*z + sqrt((2+3*z)^2 - 8*z))/4");
    assert_eq!(definition("delayed_gradient"), "P(z) = (1 + sqrt(1+4*z))/2");
    // Leapfrog: the root in the middle.
    assert_eq!(
        closed("state old\nold' = theta\ntheta' = old + 2*h*f(theta)").definition(),
        "P(z) = z + sqrt(1+z^2), the branch with P(0) = 1"
    );
}

fn optimizer(text: &str) -> Optimizer {
    let text = format!("optimizer mine {{\n{text}\n}}");
    optimizer::parse(&Source::new("test", text)).unwrap().remove(0)
}

fn closed(text: &str) -> ClosedForm {
    ClosedForm::new(&optimizer(text).method(&Default::default()).unwrap(), 6).unwrap()
}

#[test]
fn many_stages_of_a_game_are_no_obstacle_to_its_closed_form() {
    let mut text = String::from("players x, y\nlet x0 = x\nlet y0 = y\n");
    for i in 0..8 {
        let next = i + 1;
        text += &format!("let x{next} = x{i} + h*fx(x{i}, y{i})\n");
        text += &format!("let y{next} = y{i} + h*fy(x{next}, y{i})\n");
    }
    text += "x' = x8\ny' = y8";
    let method = optimizer(&text).method(&Default::default()).unwrap();
    let part = Field::derive("mine", &method, 4).unwrap().principal_part();
    assert!(part.holds() && part.order == 4, "{part}");
}

#[test]
fn seven_parameters_are_no_obstacle() {
    // Two momenta and a gradient ahead: to factor these coefficients took forever.
    let text = "optimizer seven(a, b, c, d, e, p, q) {
        state v, w
        v' = a*v + b*h*f(theta)
        w' = c*w + d*h*f(theta + e*v)
        theta' = theta + p*v' + q*w'
    }";
    let optimizer = optimizer::parse(&Source::new("test", text)).unwrap().remove(0);
    let method = optimizer.method(&Default::default()).unwrap();
    let field = Field::derive("seven", &method, 3).unwrap();
    let first = field.terms_of(0).remove(0).b.display(&method.parameters);
    assert_eq!(first, "(b*p+d*q-a*d*q-b*c*p)/((1-c)*(1-a))");
    for tree in 0..field.trees().len() as u32 {
        for term in field.terms_of(tree) {
            assert!(!term.coefficient.display(&method.parameters).is_empty());
        }
    }
    assert!(field.principal_part().holds());
}

#[test]
fn where_machine_integers_end_big_ones_take_over() {
    let number = |a: i64, b: i64| BigRational::new(a.into(), b.into());
    let values = [
        (number(1, 3), true),
        (number(1, 31), true),
        (number(123_456_789, 1_000_000_007), false),
        (number(-(i64::MAX), 4), false),
    ];
    // With memory, without, and with the step size as a parameter.
    for (name, parameter) in [("heavy_ball", "m"), ("rk2", "a"), ("proportional_sam", "r")] {
        let optimizer = optimizer::find(name).unwrap();
        let trees = Arc::new(TreeTable::all(1, 6));
        let symbolic = optimizer.method(&Default::default()).unwrap();
        let symbolic = derive(&symbolic, trees.clone()).unwrap();
        for (value, fits) in &values {
            let set = [(parameter.to_string(), value.clone())].into();
            let method = optimizer.method(&set).unwrap();
            let field = derive(&method, trees.clone()).unwrap();
            for tree in 0..trees.len() as u32 {
                let at = [Some(Q::from(value.clone()))];
                let expected = symbolic.b(tree).substitute(&at).unwrap();
                assert_eq!(field.b(tree), expected, "{name}, {value}, {}", trees.tree(tree));
                let machine = field.b_machine(tree, trees.size(tree));
                assert_eq!(machine.is_some(), *fits, "{name}, {value}: {machine:?}");
                if let Some((top, bottom)) = machine {
                    let same = BigRational::new_raw(top.into(), bottom.into());
                    assert_eq!(Some(same), expected.as_rational());
                }
            }
        }
    }
}

#[test]
fn roots_of_higher_degree_are_given_by_their_equation() {
    let method = bea::optimizer::find("adams_bashforth3").unwrap();
    let closed = ClosedForm::new(&method.method(&Default::default()).unwrap(), 4).unwrap();
    assert_eq!(
        closed.definition(),
        "P(z) the root with P(0) = 1 of 12*P^3 - (12+23*z)*P^2 + 16*z*P - 5*z = 0"
    );
}

#[test]
fn fields_that_are_treated_alike_have_the_closed_form_of_one() {
    let verdict = |name: &str| {
        let method = optimizer::find(name).unwrap().method(&Default::default()).unwrap();
        Field::derive(name, &method, 4).unwrap().principal_part()
    };
    let momentum = verdict("momentum_gda");
    let ball = verdict("heavy_ball").formula.unwrap().to_string();
    let expected = ball.replace("(hJ) f", "(hJ) F") + ", F all fields together and J = DF";
    assert_eq!(momentum.formula.unwrap().to_string(), expected);
    for name in ["momentum_gda", "simultaneous_gda", "extragradient_gda", "weight_decay_heavy_ball"]
    {
        assert!(verdict(name).holds(), "{name}");
        assert!(verdict(name).formula.unwrap().to_string().contains("F all fields"), "{name}");
    }
    // Alternating steps are not alike: a product of two maps.
    let alternating = verdict("alternating_gda").formula.unwrap().to_string();
    assert!(alternating.ends_with("M = 1 + h Dfx + h Dfy + h² Dfy Dfx"), "{alternating}");
    assert!(verdict("negative_momentum_gda").formula.is_err());
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
