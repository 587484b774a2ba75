//! `bea check` decides claims: what ships is true, what is false is said to be, term by term.

use bea::claim::{Checker, Difference, Document, Verdict, parse, shipped};
use bea::source::{Source, SourceError};

fn verdicts(text: &str) -> Vec<Verdict> {
    let document = Document::parse(Source::new("test.bea", text)).unwrap_or_else(|e| {
        panic!("{:?}", miette::Report::new(e));
    });
    let mut verdicts = Vec::new();
    document.check(
        true,
        |_| {},
        |_, result| {
            verdicts.push(result.unwrap_or_else(|e| panic!("{:?}", miette::Report::new(e))));
        },
    );
    verdicts
}

fn verdict(equation: &str) -> Verdict {
    verdicts(&format!("claim \"c\": {equation}")).remove(0)
}

fn holds(equation: &str) -> bool {
    verdict(equation).holds
}

/// The differing terms: `term: claimed | derived`.
fn differences(equation: &str) -> Vec<String> {
    let line = |d: &Difference| {
        let case: String = d.case.iter().map(|(n, v)| format!("{n} = {v}, ")).collect();
        format!("{case}{}: {} | {}", d.term, d.claimed, d.derived)
    };
    verdict(equation).differences.iter().map(line).collect()
}

/// The message of the fault in a claim.
fn fault(text: &str) -> String {
    let source = Source::new("test.bea", text);
    let claims = match parse(&source) {
        Ok(claims) => claims,
        Err(error) => return error.to_string(),
    };
    let result = Checker::new(&[]).check(&claims[0], &source);
    result.expect_err("this makes no sense").to_string()
}

#[test]
fn the_issue_s_examples() {
    let text = r#"
claim "Eq. 3, implicit gradient regularization":
  field(gradient_descent, 1) == -g - h/2*H*g
claim "Theorem A.1":
  field(gradient_descent, 2) == f - h/2*f'f + h^2*(1/3*f'f'f + 1/12*f''(f,f))
claim "Theorem 3.1": principal(gradient_descent, n) == (-1)^n/(n+1) for n in 0..30
claim "heavy ball, first correction":
  term(heavy_ball, [[]]) == -(1+m)/(2*(1-m)^3)
"#;
    let verdicts = verdicts(text);
    assert_eq!(verdicts.len(), 4);
    assert!(verdicts.iter().all(|v| v.holds && v.passes()));
    assert_eq!(verdicts[2].cases, 31);
}

#[test]
fn everything_shipped_is_as_claimed() {
    let mut count = 0;
    for source in shipped() {
        let document = Document::parse(source).unwrap();
        document.check(
            true,
            |_| {},
            |claim, verdict| {
                assert!(verdict.unwrap().passes(), "{}", claim.name);
                count += 1;
            },
        );
    }
    assert!(count > 150, "{count}");
}

#[test]
fn the_samples_of_the_documentation_are_true() {
    let text = include_str!("../docs/claims.md");
    let samples: String =
        text.split("```bea\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let verdicts = verdicts(&samples);
    assert!(verdicts.len() > 10);
    assert!(verdicts.iter().all(|v| v.holds));
}

#[test]
fn differences_are_in_the_notation_of_the_claim() {
    assert_eq!(
        differences("field(gradient_descent, 2) == f - h/3*f'f + h^2/12*f''(f,f)"),
        ["h*f'f: -1/3 | -1/2", "h^2*f'f'f: 0 | 1/3"]
    );
    assert_eq!(
        differences("field(gradient_descent, 2) == -g - h/3*H*g + h^2*D3E[g,g]"),
        ["h*H*g: -1/3 | -1/2", "h^2*D3E[g,g]: 1 | -1/12", "h^2*H^2*g: 0 | -1/3"]
    );
    assert_eq!(
        differences("field(gradient_descent, 2) == -∇E - h/3*∇²E∇E + h^2*∇³E[∇E,∇E]"),
        ["h*∇²E*∇E: -1/3 | -1/2", "h^2*∇³E[∇E,∇E]: 1 | -1/12", "h^2*(∇²E)²*∇E: 0 | -1/3"]
    );
    assert_eq!(
        differences("field(simultaneous_gda, 1) == fx + fy - h*fx'(fy)"),
        [
            "h*fx'(fx): 0 | -1/2",
            "h*fx'(fy): -1 | -1/2",
            "h*fy'(fx): 0 | -1/2",
            "h*fy'(fy): 0 | -1/2"
        ]
    );
    assert_eq!(differences("D(-g - h*H*g) == -H modulo critical"), ["h*H^2: 0 | -1"]);
    assert_eq!(differences("‖∇E‖² == 2*E"), ["E: 2 | 0", "‖∇E‖²: 0 | 1"]);
    assert_eq!(differences("1 + z == exp(z) up to z^3"), ["z^2: 1/2 | 0", "z^3: 1/6 | 0"]);
    // A series that begins later than the other differs where that begins.
    assert_eq!(differences("z == 1 + z up to z^2"), ["1: 1 | 0"]);
    assert_eq!(differences("1 + z == z up to z^2"), ["1: 0 | 1"]);
    assert_eq!(
        differences("(-1)^n/(n+2) == principal(gradient_descent, n) for n in 0..1"),
        ["n = 0, : 1/2 | 1", "n = 1, : -1/3 | -1/2"]
    );
    assert_eq!(
        differences("term(heavy_ball, [[]]) == (1+m)/(2*(1-m)^3)"),
        [": (1+m)/(2*(1-m)^3) | -(1+m)/(2*(1-m)^3)"]
    );
}

#[test]
fn every_equality_of_a_chain_is_checked() {
    let found = verdict("f'f == f'f == 2*f'f == f'f");
    let equalities: Vec<usize> = found.differences.iter().map(|d| d.equality).collect();
    assert_eq!(equalities, [2, 3]);
}

#[test]
fn expecting_false_turns_the_verdict_around() {
    assert!(verdict("f'f == f expect false").passes());
    assert!(!verdict("f'f == f'f expect false").passes());
    // As printed in the paper's Eq. 39: a vector plus an operator.
    assert!(verdict("f'f == f'f + f''(f) expect false").passes());
    assert!(fault("claim \"c\": f'f == f'f + f''(f)").contains("cannot be added"));
    // A fault of another kind is a fault even so.
    assert!(fault("claim \"c\": feild(f) == f expect false").contains("not defined"));
}

#[test]
fn operators_and_derivatives() {
    assert!(holds("f''(f, f'f) == f''(f'f, f)"));
    assert!(holds("D(D(f)*f)*f == f''(f,f) + f'f'f"));
    assert!(holds("(f' - I)^2*f == f'f'f - 2*f'f + f"));
    assert!(holds("f''(f)*f == f''(f, f)"));
    assert!(holds(
        "(f'f)''(f, f) == f'''(f,f,f) + 2*f''(f, f'f) - 0*f + f''(f'f, f) - f''(f'f,f) + f'f''(f,f)"
    ));
    assert!(holds("f'f + 0 == f'f"));
    assert!(!holds("f'f''(f,f) == f''(f'f,f)"));
    assert!(!holds("f' == f"));
    assert!(!holds("f == 1"));
}

#[test]
fn gradients_and_scalar_fields() {
    assert!(holds("∇E == -f"));
    assert!(holds("∇²E == -f'"));
    assert!(holds("D3E[g,g] == -f''(f,f)"));
    assert!(holds("∇(dot(g, H*g)) == D3E[g,g] + 2*H^2*g"));
    assert!(holds("dot(g, H*H*g) == dot(H*g, H*g)"));
    assert!(holds("D3E[g,g,g] == dot(g, D3E[g,g])"));
    assert!(holds("time_derivative(E, -g, 2) == 2*dot(g, H*g)"));
    assert!(!holds("dot(g, D3E[g,g]) == dot(g, H*H*g)"));
    // H²g is not a gradient: no multiple of ∇(g·Hg) equals it.
    assert!(!holds("1/2*∇(dot(g, H*g)) == H^2*g"));
}

#[test]
fn bounds_are_sharp() {
    // Euler's modified field of order n has an error of order h^(n+2), not better.
    for n in 0..4 {
        assert!(holds(&format!("flow(field(gradient_descent, {n})) == h*f up to h^{}", n + 1)));
        assert!(!holds(&format!("flow(field(gradient_descent, {n})) == h*f up to h^{}", n + 2)));
    }
    assert!(holds("(exp(x) - 1 - x)/x^2 == 1/2 + x/6 up to x"));
    assert!(!holds("(exp(x) - 1 - x)/x^2 == 1/2 + x/6 up to x^2"));
    assert!(holds("(log(1+x) - x)^3/x^6 == -1/8 up to x^0"));
}

#[test]
fn what_is_unknown_is_not_taken_for_zero() {
    // Both factors vanish as far as they are known at first; their product does not.
    let x = "let X = (flow(f) - h*f - h^2/2*f'f)/h^10";
    let third = "1/6*(f''(f,f) + f'f'f)";
    assert!(!holds(&format!("{x}; h^16*dot(X, X) == 0 up to h^2")));
    assert!(holds(&format!("{x}; h^16*dot(X, X) == h^2*dot({third}, {third}) up to h^2")));
    let s = "let s = (exp(h) - 1 - h - h^2/2)/h^10";
    assert!(!holds(&format!("{x}; {s}; h^16*s*X == 0 up to h^2")));
    assert!(holds(&format!("{x}; {s}; h^16*s*X == h^2/6*{third} up to h^2")));
}

#[test]
fn powers_that_cancel_are_made_up_for() {
    assert!(holds("log((exp(z) - 1)/z) == 0 up to z^0"));
    assert!(!holds("log((exp(z) - 1)/z) == 1 up to z^0"));
    assert!(holds("1/((exp(z) - 1)/z) == 1 - z/2 up to z^1"));
    assert!(holds("exp((exp(z) - 1 - z)/z) == 1 up to z^0"));
    assert!(holds("coefficient(1/((exp(z) - 1)/z), z, 0) == 1"));
}

#[test]
fn a_series_in_one_variable_is_not_read_as_one_in_another() {
    assert!(holds("coefficient(exp(h*λ), λ, 2) == h^2/2"));
    for expanded in [
        "let S = exp(h*λ); coefficient(S, λ, 2) == 0 up to h^4",
        "let X = 1/(h + λ)*f; coefficient(X, λ, 0) == 0 up to h^2",
    ] {
        let message = fault(&format!("claim \"c\": {expanded}"));
        assert_eq!(
            message,
            "this is known as a truncated series in `h` and has no expansion in `λ`"
        );
    }
}

#[test]
fn arbitrary_fields_do_not_vanish_at_critical_points() {
    assert!(!holds("fields w; D(f'w) == f'*D(w) modulo critical"));
    assert!(holds("fields w; D(f'w) == f'*D(w) + f''(w) modulo critical"));
    assert!(holds("D(f'f) == f'^2 modulo critical"));
    // On either side.
    assert!(holds("f'^2 == D(f'f) modulo critical"));
    assert!(!holds("f'^2 == D(f'f)"));
}

#[test]
fn optimizers_of_the_same_file_come_first() {
    let text = "
optimizer gradient_descent { theta' = theta + h*f(theta + h*f(theta)) }
claim \"mine\": field(gradient_descent, 1) == f + h/2*f'f
";
    assert!(verdicts(text)[0].holds);
}

#[test]
fn faults_say_what_would_be_right() {
    let of = |equation: &str| fault(&format!("claim \"c\": {equation}"));
    assert_eq!(
        of("field(gradient_descend, 1) == f"),
        "there is no optimizer `gradient_descend`; did you mean `gradient_descent`?"
    );
    assert_eq!(of("feild(gradient_descent, 1) == f"), "`feild` is not defined");
    assert_eq!(of("field(heavy_ball(k = 1), 1) == f"), "`heavy_ball` has no parameter `k`");
    assert!(of("field(heavy_ball(m = 1), 1) == f").starts_with("there is no slow manifold"));
    assert_eq!(of("1/0 == f"), "division by zero");
    assert_eq!(of("2 f == f"), "a number does not act on what follows");
    assert_eq!(of("f == f for n in 5..3"), "the claim has no cases");
    assert_eq!(
        of("log(1+x) == x"),
        "log needs a power series; say up to which power: `… == … up to z^20`"
    );
    assert_eq!(of("flow(f) == h*f"), "a flow is an infinite series in `h`");
    assert_eq!(of("principal(gradient_descent, n) == 1"), "an integer is needed here, not n");
    assert_eq!(
        of("f == f modulo critical"),
        "every field vanishes at a critical point, and the claim says nothing"
    );
    assert_eq!(of("let log(x) = x; log(1) == 1"), "`log` is a function of the language");
    assert!(of("field(gradient_descent, 1) = f").starts_with("syntax error"));
    assert_eq!(
        fault("claim \"c\": f == f claim \"c\": f == f"),
        "there are two claims named \"c\""
    );
}

#[test]
fn what_would_never_end_is_refused() {
    let of = |equation: &str| fault(&format!("claim \"c\": {equation}"));
    assert_eq!(
        of("1 == 1 for n in 0..10^9"),
        "this asks for 1000000001 cases, at most 100000 are checked"
    );
    assert!(of("sum(n in 0..10^9: n) == 1").contains("at most 100000"));
    assert!(of("2^(10^12) == 1").starts_with("this is too large"));
    assert!(of("(1+a+b+c+k)^900 == 1").starts_with("this is too large"));
    assert!(of("(10^9)! == 1").contains("is not computed"));
    assert!(of("field(gradient_descent, 40) == f").contains("51384536327778906 trees"));
    assert!(of("f'^200*f'^200*f == f").contains("more than 300 nodes"));
    assert!(of("log(1+x) == x up to x^(10^9)").contains("says nothing or too much"));
}

#[test]
fn deep_nesting_and_long_chains_do_not_overflow_the_stack() {
    let nested = |open: &str, middle: &str, close: &str| {
        format!("claim \"c\": {}{middle}{} == 1", open.repeat(10_000), close.repeat(10_000))
    };
    assert_eq!(fault(&nested("(", "1", ")")), "brackets are nested too deeply");
    let tree = format!("term(gradient_descent, {}{}) == 1", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(fault(&format!("claim \"c\": {tree}")), "brackets are nested too deeply");
    assert_eq!(
        fault(&format!("claim \"c\": {}f == f", "f'".repeat(10_000))),
        "this chain of derivatives is too long"
    );
    assert!(holds(&format!("{}f == f", "-".repeat(10_000))));
    assert!(holds(&format!("{}1 == 10001", "1+".repeat(10_000))));
    assert!(holds(&format!("{}1{} == 1", "(".repeat(99), ")".repeat(99))));
}

#[test]
fn names_of_the_language_keep_their_meaning() {
    let of = |text: &str| fault(&format!("claim \"c\": {text}"));
    for (name, text) in [
        ("h", "f + h*f'f == f for h in 0..0"),
        ("h", "let h = 0; h*f == 0"),
        ("f", "let f = 2*g; f == 2*g"),
        ("g", "let g = 0*f; g == 0"),
        ("H", "let H = 2; H*g == 2*g"),
        ("E", "let E = 1; E == 1"),
        ("I", "let I = 2; I == 2"),
        ("D3E", "let D3E = 2; D3E == 2"),
        ("h", "let c(h) = h*f; c(2) == 2*f"),
        ("h", "sum(h in 1..1: h*f) == f"),
        ("g", "fields g; g == g"),
    ] {
        assert_eq!(of(text), format!("`{name}` has a meaning in every claim"), "{text}");
    }
    assert_eq!(
        of("principal(gradient_descent, 0) == 1 for dot in 0..0"),
        "`dot` is a function of the language"
    );
    assert_eq!(of("let x = 1; let x = 2; x == 2"), "`x` is defined twice in this claim");
    assert_eq!(of("let n = 1; n == 1 for n in 0..5"), "`n` is defined twice in this claim");
    assert_eq!(
        of("let fx = fy; component(field(simultaneous_gda, 0), y) == fx"),
        "`fx` is a field of this claim"
    );
    assert!(holds("sum(n in 0..2: n) == sum(n in 1..2: n)"));
}

#[test]
fn the_loss_is_reported_with_its_sign() {
    assert_eq!(differences("E == 0"), ["E: 0 | 1"]);
    assert_eq!(differences("2*E == 3*E + dot(f, f)"), ["E: 3 | 2", "dot(f, f): 1 | 0"]);
}

/// Steps, composed by shifts, beside flows: both routes through orders that took minutes when every tree was shifted
/// by itself.
#[test]
fn compositions_are_flows_of_modified_fields() {
    assert!(holds("flow(2*field(gradient_descent, 8)) == h*f + at(h*f, h*f) up to h^9"));
    let steps = "let a = h*f; let b = a + at(a, a); let c = b + at(b, b); ";
    for (order, equal) in [(7, true), (8, false)] {
        let equation = format!("{steps} flow(4*field(gradient_descent, 6)) == c up to h^{order}");
        assert_eq!(verdicts(&format!("claim \"c\": {equation}"))[0].holds, equal, "{order}");
    }
    // The same with a parameter, and with the midpoint rule and several fields.
    assert!(holds(
        "at(f, h*(1 + k)*f) == f + sum(n in 1..6: h^n*(1 + k)^n/n!*part(at(f, h*f), n)*n!) up to h^6"
    ));
    let two = "fields u; let a = h*f + h*u; let b = a + at(a, a);";
    let alone = "claim \"c\": fields u; h*(f + u) + at(h*(f + u), h*(f + u)) == flow(f) up to h^1";
    assert!(!verdicts(alone)[0].holds);
    let both = format!("claim \"c\": {two} b == 2*h*(f + u) + h^2*D(f + u)*(f + u) up to h^2");
    assert!(verdicts(&both)[0].holds);
    assert!(holds("flow(field(midpoint, 7)) == h*at(f, h/2*f) up to h^8"));
}

#[test]
fn nested_shifts_and_logarithms_are_quick() {
    let nested = "let a = at(f, h*f); let b = at(a, h*a); let c = at(b, h*b);";
    assert!(!verdicts(&format!("claim \"c\": {nested} c == f up to h^9"))[0].holds);
    let mut logarithm = "log(1 - h*λ)".to_string();
    for _ in 0..40 {
        logarithm = format!("log(1 - h*λ + {logarithm})");
    }
    assert!(!holds(&format!("{logarithm} == 0 up to h^6")));
    // With a bracket missing as well: reading takes a time that grows with the depth, not with a power of 2.
    let fault = fault(&format!(
        "claim \"c\": log(1 - h*λ + {} == 0 up to h^6",
        "log(1 - h*λ + ".repeat(60)
    ));
    assert!(fault.starts_with("syntax error"), "{fault}");
}

#[test]
fn products_of_scalar_fields() {
    for equation in [
        "grad(E^2) == 2*E*g",
        "grad(E^3) == 3*E^2*g",
        "∇(‖∇E‖⁴) == 4*‖∇E‖²*∇²E*∇E",
        "|g|^4 == dot(g, g)^2 == ‖g‖²*‖g‖² == |grad(E)|^4",
        "|grad(E)|^2 == dot(g, g)",
        "|H*g|^2 == dot(H*g, H*g)",
        "|g - h*H*g|^2 == dot(g, g) - 2*h*dot(g, H*g) + h^2*|H*g|^2",
        "|2*g/3|^2 == 4/9*|g|^2",
        "grad(E*|g|^2) == |g|^2*g + 2*E*H*g",
        "D(E*g)*H*g == dot(g, H*g)*g + E*H^2*g",
        "D(E*g)*(E*g) == E*dot(g, g)*g + E^2*H*g",
        "dot(E*g, E*H*g) == E^2*dot(g, H*g)",
        "at(E^2, h*f) == at(E, h*f)^2 up to h^5",
        "at(E*g, h*‖g‖²*f) == at(E, h*‖g‖²*f)*at(g, h*‖g‖²*f) up to h^4",
        "time_derivative(E^2, f, 2) == 2*E*time_derivative(E, f, 2) + 2*time_derivative(E, f, 1)^2",
        "time_derivative(E, f, 1) == -|g|^2",
        "principal(E*D3E[g, g] + E^2*H*g) == E^2*H*g",
        "D(E*g) == E*H modulo critical",
        "E^0 == 1",
    ] {
        assert!(holds(equation), "{equation}");
    }
    // Normalised gradient descent in another time: θ' = θ - h ‖g‖² g.
    assert!(holds("flow(-‖g‖²*g - h/2*(2*‖g‖²*dot(g, H*g)*g + ‖g‖⁴*H*g)) == -h*‖g‖²*g up to h^2"));
    for equation in ["grad(E^2) == E*g", "|g|^4 == |g|^2", "E^2 == E*dot(g, g)"] {
        assert!(!holds(equation), "{equation}");
    }
    assert_eq!(differences("E^2*g == 2*‖g‖²*E*g"), ["E^2*g: 0 | 1", "E*dot(g, g)*g: 2 | 0"]);
    assert_eq!(differences("∇(‖∇E‖⁴) == ‖∇E‖²*∇E"), ["‖∇E‖²*∇E: 1 | 0", "‖∇E‖²*∇²E*∇E: 0 | 4"]);
    assert!(!holds("|g|^3 == E"));
}

#[test]
fn letters_of_the_other_case_are_pointed_out() {
    let found = &verdicts("claim \"c\": field(gradient_descent, 0) == -G")[0];
    assert_eq!(
        found.differences[0].claimed,
        "a number (`G` is a number here; the gradient is `g`)"
    );
    let source = Source::new("test.bea", "claim \"c\": field(gradient_descent, 1) == -G - h/2*H*G");
    let claims = parse(&source).unwrap();
    let error = Checker::new(&[]).check(&claims[0], &source).unwrap_err();
    assert!(format!("{:?}", miette::Report::new(error)).contains("the gradient is `g`"));
    // A letter that the claim binds is what it is bound to.
    assert!(holds("sum(G in 0..2: G*H) == 3*H"));
}

#[test]
fn a_fault_hides_no_other_claim() {
    let text = "clam \"z\": f == f\nclaim \"a\": f == −g\noptimizer o { theta' = theta + h*f(theta) }\nclaim \"b\": field(o, 0) == f\n\
                claim \"c\": f ==\nclaim \"b\": f == f # claim\nclaim \"d\": f == -g\noptimizer p { state }";
    let document = Document::parse(Source::new("test.bea", text)).unwrap();
    let names: Vec<&str> = document.claims().iter().map(|claim| claim.name.as_str()).collect();
    assert_eq!(names, ["b", "d"]);
    let faults: Vec<(&str, usize)> =
        document.faults().iter().map(|fault| (fault.name.as_str(), fault.line)).collect();
    assert_eq!(faults[1..], [("a", 2), ("c", 5), ("b", 6), ("p", 8)]);
    assert_eq!(faults[0].1, 1, "what stands before the first claim");
    let shown = |i: usize| format!("{:?}", miette::Report::new(document.faults()[i].error.clone()));
    assert!(shown(1).contains("U+2212") && shown(3).contains("another claim b"), "{}", shown(3));
    assert!(shown(2).contains("claim \"b\": f == f"), "{}", shown(2));
    let mut passed = 0;
    document.check(true, |_| {}, |_, verdict| passed += usize::from(verdict.unwrap().passes()));
    assert_eq!(passed, 2);
}

#[test]
fn what_takes_too_long_is_given_up() {
    let source = Source::new(
        "test.bea",
        "claim \"c\": log(1 + h*(a + b + c + d + k)/(1 - h*(a*b - c*d)))^9 == 0 up to h^80",
    );
    let claims = parse(&source).unwrap();
    let error = Checker::new(&[]).check(&claims[0], &source).unwrap_err();
    assert!(error.to_string().starts_with("this takes too long"), "{error}");
}

#[test]
fn what_is_made_entry_by_entry() {
    for equation in [
        "g*g == g^2",
        "dot(g, g)/norm(g) == ‖g‖",
        "norm(2*f) == 2*norm(g)",
        "sqrt(g^2) == abs(g) == g*sign(g)",
        "sign(g)^2 == 1",
        "abs(g)^2*sign(g) == g*abs(g)",
        "sqrt(g^4 + 2*a*g^2 + a^2) == sqrt((g^2 + a)^2)",
        "grad(norm(g)) == H*g/norm(g)",
        "grad(norm(g)) == H[g/‖g‖]",
        "grad(sum(log(1 + g^2))) == 2*H[g/(1 + g^2)]",
        "grad(sum(exp(g))/dim) == H[exp(g)]/dim",
        "grad(sum(sqrt(g^2 + mean(g^2)))) == H[g/sqrt(g^2 + mean(g^2))] + mean(1/sqrt(g^2 + mean(g^2)))*H[g]",
        "mean(g) == sum(g)/dim",
        "grad(E*norm(g)) == norm(g)*g + E/norm(g)*H*g",
        "D(g^2)[g] == 2*g*H*g",
        "D(tanh(g))[f] == -(1 - tanh(g)^2)*H[g]",
        "(g*H)*f == g*H*f == -g*H[g]",
        "D(g^2)*H*g == 2*g*H[H[g]]",
        "dot(sign(g), H[f^3]) == -dot(g^3, H[sign(g)]) == -H[g^3, sign(g)]",
        "time_derivative(E, -g/norm(g), 1) == -norm(g)",
        "time_derivative(E, sign(f), 2) == dot(sign(g), H[sign(g)])",
        "D(D3E[g, g/norm(g)])[sign(g)] + 0*f == D(D3E[g,g]/norm(g))[sign(g)]",
        "part(h*g^2 + h^2*g^3, 2) == g^3",
        "h*g^2 + h^3*exp(g) == h*g^2 up to h^2",
        "norm(g)^p*norm(g) == norm(g)^(p + 1)",
        // Decided by clearing denominators, entry by entry and within an operator.
        "1/(g*(g^2 + a)) == 1/(a*g) - g/(a*(g^2 + a))",
        "1/((g^2 + a)*(g^2 + b)) == (1/(g^2 + b) - 1/(g^2 + a))/(a - b)",
        "1/(sqrt(g^2 + a) - sqrt(g^2 + b)) == (sqrt(g^2 + a) + sqrt(g^2 + b))/(a - b)",
        "g^2/(g^2 + a)^(3/2) == 1/sqrt(g^2 + a) - a/(g^2 + a)^(3/2)",
        "H[abs(g)/(abs(g) + a)] == H[sign(g)^2] - a*H[1/(abs(g) + a)]",
        "H[g/(2*g^2 + 2*a)] == H[g/(g^2 + a)]/2",
        "1/(norm(g) + a) - 1/norm(g) == -a/(norm(g)*(norm(g) + a))",
        "dot(g, D3E[g, g^2]) == dot(g^2, D3E[g, g]) == sum(g^2*D3E[g,g])",
    ] {
        assert!(holds(equation), "{equation}: {:?}", differences(equation));
    }
    for equation in [
        "g*g == dot(g, g)",
        "sqrt(g^2) == g",
        "abs(g)*sign(g) == abs(g)",
        "exp(g)*exp(g) == exp(3*g)",
        "log(2 + tanh(g)^2) == log(2 + tanh(2*g)^2)",
        "H[g^2] == 2*g*H[g]",
        "dot(g, H[g^2]) == dot(g, g*H[g])*2",
        "grad(norm(g)) == H*g",
        "norm(g)^p == norm(g)^(p + 1)",
        "1/(g^2 + a) == 1/(g^2 + b)",
        "mean(g) == sum(g)",
        "sum(g)*g == g*g",
        "field(adam, 1) == field(adam_inside, 1)",
    ] {
        assert!(!holds(equation), "{equation}");
    }
    assert_eq!(
        differences("2*g^2/(g^2 + a) == g^3*H[g] - h*norm(g)*abs(g)"),
        ["1: 0 | 2", "g^3*H[g]: 1 | 0", "1/(g^2 + a): 0 | -2*a", "h*abs(g)*norm(g): -1 | 0",]
    );
}

#[test]
fn parameters_of_nonlinear_fields() {
    for equation in [
        "part(field(rmsprop(alpha = 1 - k, eps = 0), 1), 1) == (1/k - 1)*H[sign(g)]/abs(g)",
        "field(adam_inside(eps = k^2), 0) == -g/sqrt(g^2 + k^2)",
        "field(dal(p = q + 1), 0) == -2*g*(norm(g)/norm(H*g))^(q + 1)",
        "field(dal(p = 1), 0) == -2*g*norm(g)/norm(H*g)",
        "part(field(rmsprop, 2), 1) == part(field(rmsprop, 1), 1)",
        "component(field(adagrad, 1), θ) == component(field(adagrad, 1), theta)",
    ] {
        assert!(holds(equation), "{equation}");
    }
}

#[test]
fn faults_of_what_is_made_entry_by_entry() {
    let of = |equation: &str| fault(&format!("claim \"c\": {equation}"));
    assert_eq!(
        of("exp(g)*exp(g) == exp(2*g)"),
        "it cannot be decided whether the two sides are equal"
    );
    for (equation, message) in [
        (
            "H*g*g^2 == g",
            "it is not clear what this operator acts on: one vector or a product of several",
        ),
        (
            "H*g/(1 + g^2) == g",
            "it is not clear what this operator acts on: one vector or a product of several",
        ),
        ("g/H == g", "an operator divides nothing"),
        ("1/(g^2 - g*g) == g", "this is 0"),
        (
            "norm(norm(g)) == 1",
            "a number made of vectors cannot be an argument here; a vector is needed",
        ),
        ("tanh(H) == H", "a linear operator cannot be an argument here; a vector is needed"),
        ("norm(g, g) == 1", "`norm` is not called like this"),
        ("flow(g^2) == g up to h^2", "a field is needed, not a vector made entry by entry"),
        ("g^2 == h*g modulo critical", "`modulo` is said of fields made of derivatives alone"),
        ("sqrt(g^2 + h) == g up to h^2", "powers and functions of vectors are not expanded"),
        ("part(sqrt(g^2 + h), 1) == g", "powers and functions of what holds `h` are not expanded"),
        ("field(slow_heavy_ball, 0) == g", "this field moves theta, v"),
        ("component(field(slow_heavy_ball, 0), w) == g", "this field moves no `w`"),
        ("term(adam, [[]]) == 1", "the step of `adam` is not linear in its vectors"),
        ("fx*g^2 == g", "`fx` is not defined"),
        ("fields u; u*u == g", "a field other than f = -∇E has no operations entry by entry"),
        ("field(adam(eps = eps*g), 0) == g", "a parameter is a number, not a vector field"),
    ] {
        assert_eq!(of(equation), message, "{equation}");
    }
}

#[test]
fn signs_of_symbolic_coefficients() {
    for equation in [
        "abs((m-1)*g^2) + abs((1-m)*g^2) == 0",
        "abs(-m*g^2) == -m*g^2",
        "sign((a-b)*g^2) == 1",
        "abs(g^2/(1-m)) == g^2/(1-m)",
        "abs(g^2 - a) == g^2 - a",
        "sqrt((g^2 - a)^2) == g^2 - a",
        "abs((1-h)*g^2) == (1-h)*g^2",
    ] {
        assert!(!holds(equation), "{equation}");
    }
    // Symbols are positive.
    for equation in [
        "abs(-m*g^2) == m*g^2",
        "abs(m*g) == m*abs(g)",
        "sign(-g/(m + k)) == -sign(g)",
        "abs(a*g^2 + b) == a*g^2 + b",
    ] {
        assert!(holds(equation), "{equation}");
    }
    assert_eq!(
        fault("claim \"c\": abs((m-1)*g^2) == abs((1-m)*g^2)"),
        "it cannot be decided whether the two sides are equal"
    );
}

#[test]
fn powers_of_a_hidden_step_are_not_compared() {
    for equation in [
        "g^2/(g + h*abs(g)) + h*abs(g)*g/(g + h*abs(g)) == g",
        "exp(g)^m*g/(exp(g)^m + h) + h*g/(exp(g)^m + h) == g",
    ] {
        assert!(holds(equation), "{equation}: {:?}", differences(equation));
    }
    assert_eq!(
        differences("g/(g^2 + h) == h*g^2/(g^2 + h)"),
        [": h | 0", "g/(g^2 + h): 0 | 1", "1/(g^2 + h): -h^2 | 0"]
    );
    let of = |equation: &str| fault(&format!("claim \"c\": {equation}"));
    for (equation, message) in [
        (
            "field(dal(p = h), 0) == -2*g up to h^0",
            "powers and functions of vectors are not expanded",
        ),
        (
            "coefficient(field(dal(p = h), 0), h, 0) == -2*g",
            "powers and functions of what holds `h` are not expanded",
        ),
        (
            "coefficient(sqrt(g^2 + z) + z*g, z, 1) == g",
            "powers and functions of what holds `z` are not expanded",
        ),
    ] {
        assert_eq!(of(equation), message, "{equation}");
    }
    assert!(holds("coefficient(sqrt(g^2 + k) + z*g, z, 1) == g"));
}

#[test]
fn slow_numbers_are_numbers() {
    let optimizer = |name: &str, square: &str| {
        format!(
            "optimizer {name}(eps) {{ slow v = 1\nv' = v + h*{square}\n\
             theta' = theta - h*g/(sqrt(v') + eps) }}\n"
        )
    };
    let number = optimizer("o", "dot(g, g)");
    let of = |equation: &str| verdicts(&format!("{number}claim \"c\": {equation}")).remove(0).holds;
    for equation in [
        "dot(component(field(o, 0), theta), g) == -dot(g, g)/(sqrt(v) + eps)",
        "component(field(o, 0), v) == dot(g, g)",
        "let F = component(field(o, 0), theta); sum(v*F) == v*sum(F)",
        "let F = component(field(o, 0), theta); grad(v*E) + 0*F == v*g",
    ] {
        assert!(of(equation), "{equation}");
    }
    assert!(!of("dot(component(field(o, 0), theta), g) == -sum(g^2/(sqrt(v) + 2*eps))"));
    let both = format!("{number}{}", optimizer("p", "g^2"));
    let claim = "claim \"c\": component(field(o, 0), theta) == component(field(p, 0), theta)";
    let document = Document::parse(Source::new("test.bea", format!("{both}{claim}"))).unwrap();
    let mut messages = Vec::new();
    let say = |_: &_, result: Result<Verdict, SourceError>| {
        messages.push(result.unwrap_err().to_string())
    };
    document.check(true, |_| {}, say);
    let expected = "`v` has different shapes in two optimizers of this claim";
    assert_eq!(messages, [expected]);
}

#[test]
fn a_point_is_not_declared_as_a_field() {
    for (name, optimizer) in [("theta", "heavy_ball"), ("θ", "heavy_ball")] {
        let equation = format!("fields {name}; start({optimizer}, 1) == {name} - h*m/(1-m)^2*f");
        let message = format!("the field `{name}` cannot be declared in this claim");
        assert_eq!(fault(&format!("claim \"c\": {equation}")), message);
    }
    assert!(holds("start(heavy_ball, 1) == theta - h*m/(1-m)^2*f"));
    assert!(holds("fields theta; D(theta)*f + field(heavy_ball, 0) == D(theta)*f + f/(1-m)"));
}

#[test]
fn powers_of_products_whose_factors_have_open_signs() {
    for equation in [
        "sqrt(abs(g)*H[g])^2 == g*H[g]",
        "sqrt(g*H[g])*sqrt(g/H[g]) == g",
        "sqrt(sign(g)*H[g])^2 == H[g]",
    ] {
        assert!(!holds(equation), "{equation}");
    }
    for equation in [
        "sqrt(abs(g)*H[g])^2 == abs(g)*H[g]",
        "sqrt(sign(g))^2 == sign(g)",
        "sqrt(g^2*H[g]) == abs(g)*sqrt(H[g])",
        "sqrt(norm(g)*g)^2 == norm(g)*g",
        "sqrt(4*abs(g)) == 2*sqrt(abs(g))",
    ] {
        assert!(holds(equation), "{equation}");
    }
}

/// Where a root or a logarithm has no value an equation says nothing.
#[test]
fn roots_and_logarithms_say_where_an_equation_is_judged() {
    for equation in [
        "abs(sqrt(g)^2) == sqrt(g)^2",
        "abs(g) == sqrt(g)^2",
        "sign(g)*sqrt(g) == sqrt(g)",
        "sqrt(-g)^2 == abs(g) == -g",
        "sqrt(g^3)^2 == abs(g)^3",
        "sqrt(g^2 - a)^2 == abs(g^2 - a)*sign(g^2 - a)^2",
        "exp(log(g))*sign(g) == exp(log(g))",
    ] {
        assert!(holds(equation), "{equation}: {:?}", differences(equation));
    }
    for equation in [
        "sqrt(g)^2 == 2*g",
        "sqrt(-g)^2 == g",
        "log(g) == g",
        "sqrt(g)*sqrt(H[g]) == 2*sqrt(g*H[g])",
        "sign(g)*sqrt(g*H[g]) == sqrt(g*H[g])",
        "sqrt(H[g])*abs(g) == sqrt(H[g])*g",
    ] {
        assert!(!holds(equation), "{equation}");
    }
    let undecided = |equation: &str| {
        let source = Source::new("test.bea", format!("claim \"c\": {equation}"));
        let claims = parse(&source).unwrap();
        let error = Checker::new(&[]).check(&claims[0], &source).unwrap_err();
        miette::Diagnostic::help(&error).unwrap().to_string()
    };
    let help = undecided("exp(log(g)) == g");
    assert!(
        help.contains("no point where `g` is positive was found at which this is not 0"),
        "{help}"
    );
    // Nothing is in the domain of these.
    for equation in [
        "log(g) + log(-g) + abs(g) == log(g) + log(-g) + g",
        "log(-g) + log(g) + abs(g) == log(-g) + log(g) - g",
    ] {
        let help = undecided(equation);
        assert!(
            help.starts_with("no point was found where") && help.ends_with("are positive"),
            "{help}"
        );
    }
}

#[test]
fn what_stands_for_a_parameter_may_be_negative() {
    let of = |step: &str, equation: &str| {
        let text =
            format!("optimizer o(k) {{ theta' = theta - h*{step} }}\nclaim \"c\": {equation}");
        verdicts(&text).remove(0).holds
    };
    for (step, accepted, refuted) in [
        ("abs(k*g)", "field(o(k = -m), 0) == -m*abs(g)", "field(o(k = -m), 0) == m*abs(g)"),
        ("sign(k*g)", "field(o(k = -m), 0) == sign(g)", "field(o(k = -m), 0) == -sign(g)"),
    ] {
        assert!(of(step, accepted), "{accepted}");
        assert!(!of(step, refuted), "{refuted}");
    }
    assert!(of("g/sqrt((g^2 + k)^2)", "field(o, 0) == -g/(g^2 + k)"));
    assert!(of("g/sqrt((g^2 + k)^2)", "field(o(k = 2*m), 0) == -g/(g^2 + 2*m)"));
}

#[test]
fn steps_of_matrices_are_not_stated() {
    let message = "the step of `muon` multiplies matrices or takes functions of them, which claims do not state; \
                   `bea derive muon` shows its field";
    assert_eq!(fault("claim \"c\": field(muon, 1) == -g"), message);
    assert!(
        fault("claim \"c\": field(dal(p = m^2), 0) == -g")
            .contains("not linear in the claim's symbols")
    );
}
