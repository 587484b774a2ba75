//! What every construct of the optimizer language means: its general linear method by hand.

use bea::exact::RationalFunction;
use bea::optimizer::{parse, parse_value};
use bea::series::{Combination, GeneralLinearMethod};
use bea::source::Source;
use std::collections::BTreeMap;

fn method_with(text: &str, values: &[(&str, &str)]) -> GeneralLinearMethod {
    let values: BTreeMap<_, _> = values
        .iter()
        .map(|(name, value)| (name.to_string(), parse_value(value).unwrap()))
        .collect();
    let optimizers = parse(&Source::new("test.bea", text))
        .unwrap_or_else(|e| panic!("{:?}", miette::Report::new(e)));
    optimizers[0].method(&values).unwrap()
}

fn method(text: &str) -> GeneralLinearMethod {
    method_with(text, &[])
}

/// A method as lines: the evaluations `e0, e1, …`, then the new values.
fn lines(method: &GeneralLinearMethod) -> Vec<String> {
    let combination = |line: &Combination| {
        let states = method.states.iter().map(|s| s.name.clone()).zip(&line.states);
        let stages = (0..).map(|i| format!("e{i}")).zip(&line.stages);
        let terms: Vec<String> = states
            .chain(stages)
            .filter(|(_, c)| !c.is_zero())
            .map(|(name, c)| format!("{} {name}", c.display(&method.parameters)))
            .collect();
        if terms.is_empty() { "0".into() } else { terms.join(", ") }
    };
    let stages = method.stages.iter().enumerate().map(|(i, stage)| {
        let points: Vec<String> = stage.arguments.iter().map(combination).collect();
        format!("e{i} = {}({})", method.fields[stage.field].name, points.join("; "))
    });
    let updates = method
        .states
        .iter()
        .zip(&method.update)
        .map(|(state, line)| format!("{}' = {}", state.name, combination(line)));
    stages.chain(updates).collect()
}

#[test]
fn one_evaluation() {
    let method = method("optimizer a { theta' = theta + h*f(theta) }");
    assert_eq!(method, GeneralLinearMethod::euler());
}

#[test]
fn buffers() {
    let text = "optimizer a(m) {\n state v\n v' = m*v + h*f(theta)\n theta' = theta + v'\n}";
    let heavy_ball = method(text);
    assert_eq!(
        lines(&heavy_ball),
        ["e0 = f(1 theta)", "theta' = 1 theta, m v, 1 e0", "v' = m v, 1 e0"]
    );
    assert_eq!(heavy_ball.parameters, ["m"]);
    assert_eq!(heavy_ball.step_parameter, None);
    assert_eq!(heavy_ball.spaces, ["theta"]);
    assert_eq!(
        lines(&method_with(text, &[("m", "0.9")])),
        ["e0 = f(1 theta)", "theta' = 1 theta, 9/10 v, 1 e0", "v' = 9/10 v, 1 e0"]
    );
    assert!(method_with(text, &[("m", "0.9")]).parameters.is_empty());
}

#[test]
fn old_values_stay_available() {
    let text = "optimizer a {
        state old
        theta' = theta + 2*h*f(theta) - h*f(old)
        old' = theta
    }";
    assert_eq!(
        lines(&method(text)),
        ["e0 = f(1 theta)", "e1 = f(1 old)", "theta' = 1 theta, 2 e0, -1 e1", "old' = 1 theta"]
    );
}

#[test]
fn stages_and_numbers_by_name() {
    let text = "optimizer a(a) {
        let weight = 1/(2*a)
        let k1 = f(theta)
        let k2 = f(theta + a*h*k1)
        theta' = theta + h*((1 - weight)*k1 + weight*k2)
    }";
    assert_eq!(
        lines(&method(text)),
        [
            "e0 = f(1 theta)",
            "e1 = f(1 theta, a e0)",
            "theta' = 1 theta, -(1-2*a)/(2*a) e0, 1/(2*a) e1"
        ]
    );
}

#[test]
fn equal_evaluations_are_one() {
    let text = "optimizer a { theta' = theta + h*f(theta) + h*f(theta + h*f(theta)) }";
    assert_eq!(
        lines(&method(text)),
        ["e0 = f(1 theta)", "e1 = f(1 theta, 1 e0)", "theta' = 1 theta, 1 e0, 1 e1"]
    );
}

#[test]
fn implicit_stages() {
    let gauss = "optimizer gauss(a) {
        let k1 = f(theta + h*(1/4*k1 + (1/4 - a)*k2))
        let k2 = f(theta + h*((1/4 + a)*k1 + 1/4*k2))
        theta' = theta + h/2*(k1 + k2)
    }";
    assert_eq!(
        lines(&method(gauss)),
        [
            "e0 = f(1 theta, 1/4 e0, (1-4*a)/4 e1)",
            "e1 = f(1 theta, (1+4*a)/4 e0, 1/4 e1)",
            "theta' = 1 theta, 1/2 e0, 1/2 e1"
        ]
    );
    // The new value, inside the field, before and after it is computed.
    let text = "optimizer a(m) {
        state v
        v' = m*v + h*f(theta' + m*v')
        theta' = theta + v'
    }";
    assert_eq!(
        lines(&method(text)),
        ["e0 = f(1 theta, m*(1+m) v, 1+m e0)", "theta' = 1 theta, m v, 1 e0", "v' = m v, 1 e0"]
    );
    // A field inside the argument of a field that refers to the value being computed.
    let text = "optimizer a { theta' = theta + h*f(theta + h*f(theta')) }";
    assert_eq!(
        lines(&method(text)),
        ["e0 = f(1 theta, 1 e1)", "e1 = f(1 theta, 1 e0)", "theta' = 1 theta, 1 e1"]
    );
    // A point, not a slope, that refers to itself.
    let text = "optimizer a { let z = theta + h/2*f(z)  theta' = 2*z - theta }";
    assert_eq!(lines(&method(text)), ["e0 = f(1 theta, 1/2 e0)", "theta' = 1 theta, 1 e0"]);
}

#[test]
fn several_fields() {
    let text = "optimizer a(m) {
        fields f, w
        state v
        v' = m*v + h*f(theta)
        theta' = theta + v' + h*w(theta)
    }";
    assert_eq!(
        lines(&method(text)),
        [
            "e0 = f(1 theta)",
            "e1 = w(1 theta)",
            "theta' = 1 theta, m v, 1 e0, 1 e1",
            "v' = m v, 1 e0"
        ]
    );
    let fields: Vec<_> = method(text).fields.into_iter().map(|f| (f.name, f.space)).collect();
    assert_eq!(fields, [("f".to_string(), 0), ("w".to_string(), 0)]);
}

#[test]
fn games() {
    let text = "optimizer a(m) {
        players x, theta
        state u, v
        v' = m*v + h*ftheta(x, theta)
        x' = x + h*fx(x, theta)
        let ahead = u + theta
        u' = ahead - theta + v'
        theta' = theta + v' + h*ftheta(x', ahead)
    }";
    let game = method(text);
    assert_eq!(game.spaces, ["x", "theta"]);
    // The buffers live with the player whose vectors they are added to.
    let states: Vec<_> = game.states.iter().map(|s| (s.name.as_str(), s.space)).collect();
    assert_eq!(states, [("x", 0), ("theta", 1), ("u", 1), ("v", 1)]);
    let fields: Vec<_> = game.fields.iter().map(|f| (f.name.as_str(), f.space)).collect();
    assert_eq!(fields, [("fx", 0), ("ftheta", 1)]);
    assert_eq!(
        lines(&game),
        [
            "e0 = ftheta(1 x; 1 theta)",
            "e1 = fx(1 x; 1 theta)",
            "e2 = ftheta(1 x, 1 e1; 1 theta, 1 u)",
            "x' = 1 x, 1 e1",
            "theta' = 1 theta, m v, 1 e0, 1 e2",
            "u' = 1 u, m v, 1 e0",
            "v' = m v, 1 e0",
        ]
    );
    let three = method(
        "optimizer a { players x, y, z
            x' = x + h*fx(x, y, z)  y' = y + h*fy(x', y, z)  z' = z + h*fz(x', y', z) }",
    );
    assert_eq!(lines(&three)[2], "e2 = fz(1 x, 1 e0; 1 y, 1 e1; 1 z)");
}

#[test]
fn precedence() {
    let coefficient = |text: &str| {
        let text = format!("optimizer a(m, n) {{ theta' = theta + ({text})*h*f(theta) }}");
        method(&text).update[0].stages[0].display(&["m".into(), "n".into()])
    };
    for (text, value) in [
        ("2 - 3 - 4", "-5"),
        ("2 - (3 - 4)", "3"),
        ("12/3/2", "2"),
        ("12/(3/2)", "8"),
        ("12/3*2", "8"),
        ("-2^2", "-4"),
        ("(-2)^2", "4"),
        ("2^-2", "1/4"),
        ("2^(-2)", "1/4"),
        ("2*-3", "-6"),
        ("2 - -3", "5"),
        ("--2", "2"),
        ("---2", "-2"),
        ("-m*n", "-m*n"),
        ("-m + n", "-(m-n)"),
        ("2*m^2/n^(1 + 1)", "2*m^2/n^2"),
        ("0.1 + 0.2", "3/10"),
        ("1e-3*2.5e2", "1/4"),
        (".5", "1/2"),
        ("(m^2 - n^2)/(m - n)", "m+n"),
        ("1/(1 - m) - 1/(1 - n)", "(m-n)/((1-n)*(1-m))"),
        ("0^0", "1"),
    ] {
        assert_eq!(coefficient(text), value, "{text}");
    }
}

#[test]
fn layout_is_free() {
    let expected =
        method("optimizer a(m) {\n state v\n v' = m*v + f(theta)\n theta' = theta + h*v'\n}");
    for text in [
        "optimizer a(m) { state v v' = m*v + f(theta) theta' = theta + h*v' }",
        "optimizer a(m){state v;v'=m*v+f(theta);theta'=theta+h*v';}",
        "# one\noptimizer a ( m ) # two\n{ state v # three\nv' = # four\n m*v\n+ f(theta)\ntheta' =\n\ntheta + h*v' } # five",
        "\u{FEFF}optimizer a(m) {\r\n\tstate v\r\n\tv' = m*v + f(theta)\r\n\ttheta' = theta + h*v'\r\n}\r\n",
    ] {
        assert_eq!(method(text), expected, "{text}");
    }
}

#[test]
fn buffers_may_carry_any_power_of_the_step() {
    let heavy_ball = |buffer: &str, step: &str, back: &str| {
        method(&format!(
            "optimizer a(m) {{ state v  v' = m*v + {buffer}*f(theta)  \
             theta' = theta + {step}*v' + {back}*(theta - theta) }}"
        ))
    };
    let expected = heavy_ball("h", "1", "1");
    for (buffer, step) in [("1", "h"), ("h^3", "h^-2"), ("1/h^5", "h^6"), ("h^2", "1/h")] {
        assert_eq!(heavy_ball(buffer, step, "h"), expected, "{buffer}, {step}");
    }
    // Two buffers of different degrees that feed one another.
    let pair = |p: &str, q: &str, r: &str| {
        method(&format!(
            "optimizer a(m) {{ state u, v  u' = m*u + {p}*f(theta)  v' = m*v + {q}*u'  \
             theta' = theta + {r}*(v' - {q}*u) }}"
        ))
    };
    assert_eq!(pair("1", "1", "h"), pair("h^2", "h^-4", "h^3"));
    assert_eq!(pair("1", "1", "h").step_parameter, None);
    // A buffer that nothing ties to the parameters is scaled by itself.
    let island =
        method("optimizer a { state u, v  u' = h*v  v' = 1/(2*h)*u  theta' = theta + h*f(theta) }");
    assert_eq!(island.step_parameter, None);
}

#[test]
fn a_step_that_cannot_be_scaled_away_stays() {
    let sam = method("optimizer a(rho) { theta' = theta + h*f(theta - rho*f(theta)) }");
    assert_eq!(sam.parameters, ["rho", "h"]);
    assert_eq!(sam.step_parameter, Some(1));
    assert_eq!(
        lines(&sam),
        ["e0 = f(1 theta)", "e1 = f(1 theta, -rho e0)", "theta' = 1 theta, h e1"]
    );
    let text = "optimizer a(rho) { theta' = theta + h*f(theta - rho*f(theta)) }";
    assert_eq!(method_with(text, &[("rho", "1/10")]).step_parameter, Some(0));
    // With rho = 0 nothing is left that could not be scaled.
    assert_eq!(method_with(text, &[("rho", "0")]).step_parameter, None);
    for (text, step_stays) in [
        ("state v  v' = (1 - h*g)*v + h*f(theta)  theta' = theta + h*v'", true),
        ("state v  v' = g*v + f(theta)  theta' = theta + h^2*v'", true),
        ("state v  v' = g*v + h*f(theta)  theta' = theta + v' + h*v", true),
        ("state v  v' = v/(1 + h*g) + f(theta)  theta' = theta + h*v'", true),
        ("state v  v' = v/(1 + g) + f(theta)  theta' = theta + h*v'", false),
        ("state v  v' = g*v + (theta - theta)/h  theta' = theta + h*f(theta + v)", false),
        ("state z  z' = g*z + (1 - g)*theta  theta' = theta + h*f(z)", false),
        ("state z  z' = g*z + (1 - g)*h*theta  theta' = theta + h*f(z/h)", false),
        ("state z  z' = g*z + (1 - g)*h*theta  theta' = theta + h*f(theta + z - h*theta)", true),
        ("theta' = theta + f(theta)", true),
        ("theta' = theta + h*g*f(theta + g*h*f(theta))", false),
        ("theta' = theta + (h^2 + h)/(1 + h)*f(theta)", false),
    ] {
        let method = method(&format!("optimizer a(g) {{ {text} }}"));
        assert_eq!(method.step_parameter.is_some(), step_stays, "{text}");
    }
}

#[test]
fn points_may_be_older_or_shifted() {
    for text in [
        "state old  old' = theta  theta' = theta + h*f(2*theta - old)",
        "state old, older  older' = old  old' = theta  theta' = theta + h*f(old + older - theta)",
        "state z  z' = 1/2*z + 1/2*theta  theta' = theta + h*f(z)",
        "state z  z' = 1/2*z + theta  theta' = theta + h*f(z/2)",
        // z keeps its value when the fields vanish; only theta's line ties it to theta.
        "state z  z' = z + h*f(theta)  theta' = 1/2*theta + 1/2*z'",
    ] {
        let text = format!("optimizer a {{ {text} }}");
        assert!(parse(&Source::new("test.bea", text.as_str())).is_ok(), "{text}");
    }
}

#[test]
fn the_comment_above_is_kept() {
    let text = "# not this\n\n#  first\n#\n# second line\noptimizer a { theta' = theta }\n\
                optimizer b { theta' = theta } # c\noptimizer c { theta' = theta }";
    let optimizers = parse(&Source::new("test.bea", text)).unwrap();
    assert_eq!(optimizers[0].doc, " first\n\nsecond line");
    assert_eq!(optimizers[1].doc, "");
    assert_eq!(optimizers[2].doc, "");
}

#[test]
fn seven_parameters_may_stay_symbolic() {
    let text = "optimizer a(a, b, c, d, e, g, i) {
        theta' = theta + a*h*f(theta + b*c*h*f(theta)/(d + e)) + (g - i)*f(theta)
    }";
    let method = method(text);
    assert_eq!(method.parameters.len(), 8);
    let h = RationalFunction::variable(7);
    assert_eq!(
        method.update[0].stages[0].substitute(&[
            None,
            None,
            None,
            None,
            None,
            Some(RationalFunction::zero()),
            None,
            None,
        ]),
        Some(-&RationalFunction::variable(6))
    );
    assert_eq!(method.update[0].stages[1], &RationalFunction::variable(0) * &h);
}
