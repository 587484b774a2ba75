//! Losses beyond the range of doubles: values that exist are found, and where none exists is said.

use assert_cmd::Command;
use bea::flow::Problem;
use bea::loss::{Compiled, Graph, Loss, Program, values_at};
use bea::source::Source;
use num_complex::Complex64;
use proptest::prelude::*;

fn loss(text: &str) -> Loss {
    Loss::parse(&Source::new("test", text), &Default::default()).unwrap()
}

/// The derivatives of a loss of one variable, from order 0 on.
fn derivatives(text: &str, order: usize) -> (Graph, Vec<bea::loss::Expr>) {
    let (mut graph, e) = loss(text).into_parts();
    let mut all = vec![e];
    for k in 0..order {
        all.push(graph.derivative(all[k], 0));
    }
    (graph, all)
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let off = (found - expected).abs();
    assert!(off <= tolerance * expected.abs(), "{what}: {found:e}, not {expected:e}");
}

/// `Σ_n (-1)^(n+1) n^(k-1) e^(nx)`: the k-th derivative of `log(1 + e^x)` for `x < 0`.
fn softplus(k: i32, x: f64) -> f64 {
    (1..40)
        .rev()
        .map(|n| {
            (if n % 2 == 1 { 1.0 } else { -1.0 })
                * f64::from(n).powi(k - 1)
                * (f64::from(n) * x).exp()
        })
        .sum()
}

/// Softplus and sigmoid however they are written, by the interpreter, by machine code and in wide numbers.
#[test]
fn softplus_and_sigmoid_have_derivatives_of_every_order() {
    for (text, sign, below) in [
        ("log(1+exp(x))", 1.0, 0),
        ("log(exp(x)+1)", 1.0, 0),
        ("softplus(x)", 1.0, 0),
        ("log(1+exp(-x))", -1.0, 0),
        ("1/(1+exp(-x))", 1.0, 1),
        ("exp(x)/(1+exp(x))", 1.0, 1),
        ("exp(x)/(exp(x)+1)", 1.0, 1),
    ] {
        let (graph, all) = derivatives(text, 6);
        let program = Program::new(&graph, 1, &all);
        let compiled = Compiled::new(program.clone());
        for size in [20.0, 30.0, 40.0, 100.0, 700.0, 1000.0, 1e5] {
            for x in [size, -size] {
                let mut found = [vec![0.0; all.len()], vec![0.0; all.len()]];
                program.evaluate(&[x], &mut found[0], &mut Vec::new());
                compiled.evaluate(&[x], &mut found[1], &mut Vec::new());
                let wide = values_at(&graph, &all, &[x]);
                for (i, found) in found.iter().enumerate() {
                    for (k, &value) in found.iter().enumerate() {
                        let order = k as i32 + below;
                        // d^k/dx^k of softplus(sx).
                        let u: f64 = sign * x;
                        let far = softplus(order, -u.abs());
                        let outer = match (order, u > 0.0) {
                            (_, false) => far,
                            (0, true) => u + far,
                            (1, true) => 1.0 - far,
                            (_, true) => far * f64::from(1 - 2 * (order % 2)),
                        };
                        let expected = outer * sign.powi(k as i32);
                        let what = format!("{text} order {k} at {x}, route {i}");
                        close(value, expected, 1e-12, &what);
                        if expected.abs() > 1e-290 {
                            close(wide[k].to_f64(), expected, 1e-12, &what);
                        }
                    }
                }
            }
        }
    }
}

/// Value and gradient where doubles overflow or underflow on the way, in `bea loss` and in the flows.
#[test]
fn what_overflows_on_the_way_has_its_value() {
    let half = 0.5f64.sqrt();
    let log2 = 2f64.ln();
    for (text, point, expected) in [
        ("sqrt(x^2+y^2)", &[1e200, 1e200] as &[f64], &[2f64.sqrt() * 1e200, half, half] as &[f64]),
        ("sqrt(x^2+y^2)", &[3e-200, 4e-200], &[5e-200, 0.6, 0.8]),
        ("sqrt(x^2+y^2)", &[3e-170, 4e-170], &[5e-170, 0.6, 0.8]),
        ("sqrt(x^2+y^2+z^2)", &[2e300, 3e300, 6e300], &[7e300, 2.0 / 7.0, 3.0 / 7.0, 6.0 / 7.0]),
        ("log(exp(x)+exp(y))", &[1000.0, 1000.0], &[1000.0 + log2, 0.5, 0.5]),
        ("log(exp(x)+exp(-x))", &[-1000.0], &[1000.0, -1.0]),
        ("log(cosh(x))", &[1000.0], &[1000.0 - log2, 1.0]),
        ("(exp(x)-exp(-x))/(exp(x)+exp(-x))", &[1000.0], &[1.0, 0.0]),
        ("x/(1+exp(-x))", &[1000.0], &[1000.0, 1.0]),
        ("x/(1+exp(-x))", &[-1000.0], &[0.0, 0.0]),
        ("x^2/sqrt(1+x^4)", &[1e200], &[1.0, 0.0]),
        ("log(x^2+y^2)", &[1e200, 0.0], &[921.034_037_197_618_3, 2e-200, 0.0]),
        ("(x^y)", &[-2.0, 3.0], &[-8.0, 12.0, f64::NAN]),
        ("(x^y)", &[-2.0, -2.0], &[0.25, 0.25, f64::NAN]),
    ] {
        let loss = loss(text);
        let d = loss.variables.len();
        let problem = Problem::of_loss(loss.graph(), loss.expression(), d);
        let theta: Vec<Complex64> = point.iter().map(|&x| x.into()).collect();
        let mut field = vec![Complex64::ZERO; d];
        problem.total(&theta, &mut field).unwrap();
        let value = problem.loss(&theta).unwrap().re;
        let (mut graph, e) = loss.into_parts();
        let variables: Vec<u32> = (0..d as u32).collect();
        let roots = [vec![e], graph.gradient(e, &variables)].concat();
        let wide = values_at(&graph, &roots, point);
        for (k, &expected) in expected.iter().enumerate() {
            let in_flows = if k == 0 { value } else { -field[k - 1].re };
            for found in [wide[k].to_f64(), in_flows] {
                let what = format!("{text} at {point:?}, component {k}");
                // What underflows in all of its parts is 0 in the flows, and its loss drives nothing.
                if k == 0 && expected < 1e-160 && found == 0.0 {
                    continue;
                }
                if expected.is_nan() {
                    assert!(found.is_nan(), "{what}: {found}");
                } else {
                    assert!(
                        (found - expected).abs() <= 1e-13 * expected.abs() + 1e-300,
                        "{what}: {found:e}"
                    );
                }
            }
        }
    }
}

/// `x^y` is a power, not an exponential of a logarithm: whole powers of whole numbers are exact, of negative ones too, by
/// the interpreter, machine code, wide and complex numbers.
#[test]
fn powers_with_variable_exponents_are_exact() {
    for (text, point, expected) in [
        ("x^y", &[-2.0, 3.0] as &[f64], -8.0),
        ("x^y", &[2.0, 3.0], 8.0),
        ("x^y", &[-3.0, 5.0], -243.0),
        ("x^y", &[-10.0, -2.0], 0.01),
        ("x^y", &[0.25, 0.5], 0.5),
        ("x^y", &[-1.0, 1e15 + 1.0], -1.0),
        ("x^(2*y)", &[-3.0, 1.5], -27.0),
        ("x^(-y)", &[-2.0, 1.0], -0.5),
        ("(x*y)^(z-1)", &[-2.0, 1.0, 4.0], -8.0),
        ("x^(y*z)", &[-2.0, 0.5, 6.0], -8.0),
        ("x^y + y", &[-1.0, 2.0], 3.0),
        ("1/x^y", &[-2.0, 3.0], -0.125),
        ("x^y", &[0.0, 3.0], 0.0),
    ] {
        let loss = loss(text);
        let program = Program::new(loss.graph(), point.len(), &[loss.expression()]);
        let mut found = [0.0];
        program.evaluate(point, &mut found, &mut Vec::new());
        assert_eq!(found[0], expected, "{text} at {point:?}");
        Compiled::new(program.clone()).evaluate(point, &mut found, &mut Vec::new());
        assert_eq!(found[0], expected, "{text} at {point:?} in machine code");
        let wide = values_at(loss.graph(), &[loss.expression()], point)[0].to_f64();
        assert_eq!(wide, expected, "{text} at {point:?} in wide numbers");
        let complex: Vec<Complex64> = point.iter().map(|&x| x.into()).collect();
        let mut found = [Complex64::ZERO];
        program.evaluate(&complex, &mut found, &mut Vec::new());
        assert!((found[0] - expected).norm() <= 1e-15 * expected.abs(), "{text}: {}", found[0]);
    }
    // There is no real value, and 0^0 has no limit.
    for (text, point) in [("x^y", [-2.0, 0.5]), ("x^y", [0.0, 0.0]), ("x^y", [0.0, -1.0])] {
        let loss = loss(text);
        let found = values_at(loss.graph(), &[loss.expression()], &point)[0];
        assert!(!found.to_f64().is_finite(), "{text} at {point:?}: {found}");
    }
}

/// Exact values of the doubles in question, from 60 decimals.
#[test]
fn high_powers_are_accurate() {
    for (exponent, x, expected) in [
        ("1000000000", 1.000_000_001, 2.718_282_052_011_560_3),
        ("100000001", 0.999_999, 3.719_886_246_161_288_3e-44),
        ("12345", 1.0001, 3.436_447_654_032_819_6),
        ("12345", -1.0001, -3.436_447_654_032_819_6),
        ("-12345", 1.0001, 1.0 / 3.436_447_654_032_819_6),
        ("(2^53+1)", -1.0, -1.0),
        ("(2^53+2)", -1.0, 1.0),
        ("(-2^53-1)", -1.0, -1.0),
    ] {
        let (graph, all) = derivatives(&format!("x^{exponent}"), 0);
        let program = Program::new(&graph, 1, &all);
        let mut found = [0.0];
        program.evaluate(&[x], &mut found, &mut Vec::new());
        close(found[0], expected, 1e-15, exponent);
        Compiled::new(program.clone()).evaluate(&[x], &mut found, &mut Vec::new());
        close(found[0], expected, 1e-15, exponent);
        close(values_at(&graph, &all, &[x])[0].to_f64(), expected, 1e-15, exponent);
    }
}

/// Complex points as well: `1/z²` where `|z|⁴` is no double.
#[test]
fn complex_quotients_of_any_size() {
    let loss = loss("1/x^2");
    let program = Program::new(loss.graph(), 1, &[loss.expression()]);
    for size in [1e-100, 1e-60, 1e90, 1e120] {
        let mut out = [Complex64::ZERO];
        program.evaluate(&[Complex64::new(0.0, size)], &mut out, &mut Vec::new());
        close(out[0].re, -1.0 / (size * size), 1e-14, "1/x^2");
    }
}

proptest! {
    /// `log(1 + e^x)` and the others agree with what they are rewritten to, at moderate complex points too.
    #[test]
    fn rewritten_forms_are_identities(re in -20.0..20.0f64, im in -3.0..3.0f64) {
        let z = Complex64::new(re, im);
        let at = |text: &str| {
            let loss = loss(text);
            let mut out = [Complex64::ZERO];
            let program = Program::new(loss.graph(), 1, &[loss.expression()]);
            program.evaluate(&[z], &mut out, &mut Vec::new());
            out[0]
        };
        prop_assume!((z.exp() + 1.0).norm() > 1e-3);
        for (text, expected) in [
            ("log(1+exp(x))", (1.0 + z.exp()).ln()),
            ("1/(1+exp(x))^3", (1.0 + z.exp()).powi(-3)),
            ("x*exp(2*x)/(1+exp(2*x))", z * (2.0 * z).exp() / (1.0 + (2.0 * z).exp())),
            ("exp(x)^2/(1+exp(x))", z.exp().powi(2) / (1.0 + z.exp())),
        ] {
            let found = at(text);
            prop_assert!((found - expected).norm() <= 1e-9 * (1.0 + expected.norm()), "{} {} {}", text, found, expected);
        }
    }
}

fn run(arguments: &[&str]) -> (String, String, i32) {
    let output = Command::cargo_bin("bea").unwrap().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

#[test]
fn the_command_says_what_is_undefined() {
    let (out, err, code) = run(&["loss", "sqrt(x^2+y^2)", "--at", "0,0"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("E = sqrt(x² + y²) = 0\n"), "{out}");
    assert!(out.contains("∂E/∂x = x/sqrt(x² + y²) = undefined\n"), "{out}");
    assert!(
        out.contains("undefined: `x/sqrt(x^2 + y^2)` has no finite value where `x` is 0"),
        "{out}"
    );
    assert!(!out.contains("NaN") && !out.contains("inf"), "{out}");
    let (out, _, code) = run(&["loss", "x^y", "--at", "-2,3"]);
    assert_eq!(code, 0);
    assert!(out.contains("∂E/∂y = log(x)*exp(y*log(x)) = undefined"), "{out}");
    let (out, _, _) = run(&["loss", "exp(x)", "--at", "1000"]);
    assert!(out.contains("E = exp(x) = 1.97007e434\n"), "{out}");
    for (formula, at, expected) in [
        ("x^10000", "3", "= 1.63135e4771\n"),
        ("x^-5000", "3", "= 2.47586e-2386\n"),
        ("x^y", "3,10000", "= 1.63135e4771\n"),
        ("x^y^2", "2,100", "= 1.99506e3010\n"),
    ] {
        let (out, err, _) = run(&["loss", formula, "--at", at, "--derivatives", "0"]);
        assert!(out.contains(expected), "{formula}: {out}{err}");
    }
    let (out, _, _) = run(&["loss", "exp(x)", "--at", "1000", "--format", "latex"]);
    assert!(out.contains(r"1.97007 \cdot 10^{434}"), "{out}");
    let (out, _, _) = run(&["loss", "x*abs(x)^(1/2)/x", "--at", "0", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["derivatives"][0]["value"], 0.0);
    assert!(json["derivatives"][1]["value"].is_null());
    assert!(json["derivatives"][1]["undefined"].as_str().unwrap().contains("no finite value"));
    for (formula, point, part) in
        [("1/x", "0", "`1/x`"), ("log(x)", "-1", "`log(x)`"), ("sin(x)/x", "0", "`sin(x)/x`")]
    {
        let (out, err, code) = run(&["loss", formula, "--at", point]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("the loss is undefined at x = ") && err.contains(part), "{err}");
    }
}

#[test]
fn infinite_numbers_are_refused() {
    let at = ["loss", "x^2", "--at", "1e400"];
    let twice = ["loss", "x^2", "--at", "x=1,x=2"];
    let start = ["flow", "--loss", "x^2", "--start", "-1e400", "--lr", "0.1"];
    let lr = ["flow", "--loss", "x^2", "--start", "1", "--lr", "1e400"];
    let set = ["loss", "a*x", "--set", "a=1e400"];
    let optimizer = [
        "flow",
        "--loss",
        "x^2",
        "--start",
        "1",
        "--lr",
        "0.1",
        "--optimizer",
        "heavy_ball",
        "--set",
        "m=1e400",
    ];
    let stability = ["stability", "--loss", "x^2", "--at", "1e400"];
    for (arguments, message) in [
        (&at as &[&str], "not a finite number"),
        (&twice, "`x` is given twice"),
        (&start, "not a finite number"),
        (&lr, "at most"),
        (&set, "not a finite number"),
        (&optimizer, "at most"),
        (&stability, "not a finite number"),
    ] {
        let (out, err, code) = run(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(message), "{arguments:?}: {err}");
    }
}
