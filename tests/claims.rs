//! `bea check` decides claims: what ships is true, what is false is said to be, term by term.

use bea::claim::{Checker, Difference, Document, Verdict, parse, shipped};
use bea::source::Source;

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
