//! The loss language: what formulas mean.

use bea::loss::{Loss, find, library, point};
use bea::source::Source;
use std::collections::BTreeMap;

fn loss(text: &str) -> Loss {
    Loss::parse(&Source::new("test", text), &BTreeMap::new()).unwrap_or_else(|e| panic!("{e:?}"))
}

fn fault(text: &str) -> String {
    Loss::parse(&Source::new("test", text), &BTreeMap::new()).err().expect(text).to_string()
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, at, value) in [
        ("-x^2", 3.0, -9.0),
        ("2^3^2 + 0*x", 0.0, 512.0),
        ("x/2/2", 8.0, 2.0),
        ("1 - x - 1", 2.0, -2.0),
        ("2^-x", 1.0, 0.5),
        ("--x", 1.5, 1.5),
        ("0.1*x", 1.0, 0.1),
        ("1e-3*x", 2.0, 0.002),
        ("sqrt(x)", 4.0, 2.0),
        ("max(x, 1, 3) + min(x, 1)", 2.0, 4.0),
        ("where(x <= 2, 1, 0)*x", 2.0, 2.0),
        ("where(x < 2, 1, 0)*x", 2.0, 0.0),
        ("sum(i in 1..3: x^i)", 2.0, 14.0),
        ("sum(i in 0..1, j in 0..i: x*(i + j))", 1.0, 3.0),
        ("dot([1, 2], [x, x])", 2.0, 6.0),
        ("sum(dot([[1, 2], [3, 4]], [x, 1]))", 1.0, 10.0),
        ("let r = x^2; r + r^2", 2.0, 20.0),
        ("mean([x, 3])", 1.0, 2.0),
        ("sum(tanh([for i in 0..3: 0*x + i]))", 0.0, (0..4).map(|i| f64::from(i).tanh()).sum()),
        ("len([1, 2, 3])*x", 1.0, 3.0),
    ] {
        let found = loss(text).value(&[at]);
        assert!((found - value).abs() < 1e-14, "{text}: {found}, not {value}");
    }
}

#[test]
fn free_names_are_the_variables() {
    assert_eq!(loss("y^2 + x").variables, ["y", "x"]);
    assert_eq!(loss("x[1]^2 + x[0] + a").variables, ["x[0]", "x[1]", "a"]);
    assert_eq!(loss("sum(i in 0..2: w[i, 0]^2)").variables, ["w[0,0]", "w[1,0]", "w[2,0]"]);
    let set = [("A".to_string(), "[[2, 0], [0, 3]]".to_string())].into();
    let quadratic = Loss::parse(&Source::new("t", "dot([x, y], dot(A, [x, y]))"), &set).unwrap();
    assert_eq!(quadratic.value(&[1.0, 2.0]), 14.0);
}

#[test]
fn faults_say_what_is_wrong() {
    for (text, message) in [
        ("sinn(x)", "there is no function `sinn`"),
        ("x + sin", "`sin` is a function"),
        ("x +", "syntax error: expected an expression"),
        ("1/0*x", "division by zero"),
        ("[1, 2, 3] + [1, 2]", "an array of 3 and an array of 2 cannot be added"),
        ("[x, 1]", "a number is needed, not an array of 2"),
        ("sin(x, 1)", "`sin` takes one argument, not 2"),
        ("let a = [1, 2]; a[2]*x", "there is no entry 2"),
        ("sum(i in 0..100000000: x)", "more than 2000000 terms in all"),
        ("let pi = 3; pi*x", "`pi` has a meaning in the language"),
        ("loss f { variables x; x + y }", "there is no variable `y`"),
        ("loss f(a) { variables x; a*x }", "the parameter `a` has no value"),
        ("loss f { variables x in 2..1; x }", "an empty interval"),
        ("loss f { variables x; start 1, 2; x }", "a point has 1 coordinates, not 2"),
        ("loss f { x }", "the loss `f` has no variables"),
        ("loss f { variables x; data X, t = irises; x }", "there is no data set `irises`"),
    ] {
        assert_eq!(fault(text), message, "{text}");
    }
    let deep = format!("{}x{}", "(".repeat(200), ")".repeat(200));
    assert_eq!(fault(&deep), "brackets are nested too deeply");
}

#[test]
fn a_setting_that_the_formula_does_not_use_is_a_slip() {
    let set = |name: &str| {
        let settings = [(name.to_string(), "2".to_string())].into();
        Loss::parse(&Source::new("test", "scale*x^2"), &settings)
    };
    assert_eq!(set("scale").unwrap().variables, ["x"]);
    let error = set("scal").err().expect("a slip");
    assert_eq!(error.to_string(), "--set scal: the formula has no `scal`");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("`scale`"), "{help}");
}

#[test]
fn points_by_order_and_by_name() {
    let names: Vec<String> = ["x", "y"].map(String::from).into();
    let at = |text: &str| point(&Source::new("--start", text), &names);
    assert_eq!(at("-1, 1/2").unwrap(), [-1.0, 0.5]);
    assert_eq!(at("y=2, x=pi").unwrap(), [std::f64::consts::PI, 2.0]);
    assert_eq!(at("[1, 2]").unwrap(), [1.0, 2.0]);
    assert_eq!(at("1").unwrap_err().to_string(), "a point has 2 coordinates (x, y), not 1");
    assert_eq!(at("1, 2, 3").unwrap_err().to_string(), "a point has 2 coordinates (x, y), not 3");
    assert_eq!(at("y=1").unwrap_err().to_string(), "`x` has no value");
    assert_eq!(at("x=1").unwrap_err().to_string(), "`y` has no value");
    assert_eq!(at("1, 2, y=3").unwrap_err().to_string(), "`y` is given twice");
    assert_eq!(at("x=1, z=2").unwrap_err().to_string(), "there is no variable `z`");
}

#[test]
fn the_library_holds_the_standard_losses() {
    let names: Vec<String> = library().into_iter().map(|(name, _)| name).collect();
    for name in ["rosenbrock", "beale", "himmelblau", "quadratic", "figure30", "logistic_iris"] {
        assert!(names.iter().any(|n| n == name), "{name}");
    }
    let rosenbrock = find("rosenbrock", &BTreeMap::new()).unwrap();
    assert_eq!(rosenbrock.minima, [[1.0, 1.0]]);
    assert_eq!(rosenbrock.value(&[-1.0, 1.5]), 29.0);
    let half: f64 = find("logistic_iris", &BTreeMap::new()).unwrap().value(&[0.0; 5]);
    assert!((half - 2f64.ln()).abs() < 1e-12);
}

/// Sizes add up; they are not multiplied.
#[test]
fn several_arrays_may_be_long() {
    let long = loss("loss f { variables x[400], y[300, 300], z; x[399] + y[299, 299] + z }");
    assert_eq!(long.variables.len(), 90_401);
    assert!(fault("loss f { variables x[400], y[300, 333]; x[0] }").contains("at most 100000"));
}

/// One matrix says how many variables a quadratic loss has.
#[test]
fn a_quadratic_has_the_size_of_its_matrix() {
    let set = |a: &str| BTreeMap::from([("A".to_string(), a.to_string())]);
    let quadratic = find("quadratic", &set("[[2,0,0],[0,1,0],[0,0,1]]")).unwrap();
    assert_eq!(quadratic.variables, ["x[0]", "x[1]", "x[2]"]);
    assert_eq!(quadratic.start, Some(vec![1.0; 3]));
    assert_eq!(quadratic.value(&[1.0, 2.0, 3.0]), 1.0 + 2.0 + 4.5);
    let one = find("quadratic", &set("[[3]]")).unwrap();
    assert_eq!((one.variables.len(), one.value(&[2.0])), (1, 6.0));
}

mod printing {
    use super::loss;
    use bea::loss::{Printer, Style};
    use proptest::prelude::*;

    #[test]
    fn sums_are_printed_without_needless_brackets() {
        for (text, printed) in [
            ("1-x", "1 - x"),
            ("exp(1-x)*y", "y*exp(1 - x)"),
            ("y-(x-2)", "y - x + 2"),
            ("(1-x)-(2-y)", "y - x - 1"),
            ("x-1+(x-y)", "2*x - y - 1"),
            ("3*(1-x)*y", "-3*y*(x - 1)"),
        ] {
            let loss = loss(text);
            let e = loss.expression();
            let printer = Printer::new(loss.graph(), &loss.variables, Style::Text, &[e]);
            assert_eq!(printer.write(e), printed, "{text}");
        }
    }

    /// Sums stay closed where derivatives are taken, so that fractions stand in front of them.
    #[test]
    fn denominators_of_all_terms_are_divided_by() {
        let set = [("A", "[[2, 1], [1, 3]]"), ("b", "[1, 2]")];
        let set = set.map(|(name, value)| (name.to_string(), value.to_string())).into();
        let loss = bea::loss::find("quadratic", &set).unwrap();
        let variables = loss.variables.clone();
        let (mut graph, e) = loss.into_parts();
        let gradient = graph.gradient(e, &[0, 1]);
        let printer = Printer::new(&graph, &variables, Style::Text, &gradient);
        let printed: Vec<String> = gradient.iter().map(|e| printer.write(*e)).collect();
        assert_eq!(printed, ["2*x[0] + x[1] + 1", "x[0] + 3*x[1] + 2"]);
    }

    /// Formulas over x and y.
    fn formula() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("x".to_string()),
            Just("y".to_string()),
            Just("pi".to_string()),
            (-9i64..10).prop_map(|n| format!("({n})")),
            (1i64..9, 2i64..9).prop_map(|(p, q)| format!("({p}/{q})")),
        ];
        leaf.prop_recursive(5, 40, 2, |inner| {
            let two = (inner.clone(), inner.clone());
            prop_oneof![
                two.clone().prop_map(|(a, b)| format!("({a} + {b})")),
                two.clone().prop_map(|(a, b)| format!("({a} - {b})")),
                two.clone().prop_map(|(a, b)| format!("({a})*({b})")),
                two.prop_map(|(a, b)| format!("({a})/(2 + ({b})^2)")),
                (inner.clone(), 2..5).prop_map(|(a, n)| format!("({a})^{n}")),
                inner.clone().prop_map(|a| format!("sqrt(1 + ({a})^2)")),
                inner.clone().prop_map(|a| format!("(2 + ({a})^2)^(-2/3)")),
                inner.clone().prop_map(|a| format!("-tanh({a})")),
                inner.clone().prop_map(|a| format!("where({a} < x, {a}, y)")),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(text in formula()) {
            let first = loss(&format!("0*x + 0*y + let_free({text})").replace("let_free", ""));
            let printer = Printer::new(first.graph(), &first.variables, Style::Text, &[first.expression()]);
            let lets: String = printer.definitions().iter().map(|(n, v)| format!("let {n} = {v}; ")).collect();
            let printed = format!("{lets}0*x + 0*y + ({})", printer.write(first.expression()));
            let again = loss(&printed);
            for at in [[0.3, -0.7], [1.5, 2.5], [-2.0, 0.1]] {
                let (a, b) = (first.value(&at), again.value(&at));
                prop_assert!((a - b).abs() <= 1e-9*(1.0 + a.abs()) || (!a.is_finite() && !b.is_finite()),
                    "{text} is printed as {printed}: {a} and {b} at {at:?}");
            }
        }
    }
}
