//! What the optimizer language says to mistakes.

use bea::optimizer::{find, load, parse, parse_value};
use bea::source::Source;
use miette::{GraphicalReportHandler, GraphicalTheme};
use std::collections::BTreeMap;

macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($text) })
    };
}

/// The error as a terminal without colours shows it.
fn shown(error: &dyn miette::Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(90)
        .with_links(false)
        .render_report(&mut text, error)
        .unwrap();
    text
}

/// The errors of several texts, one after the other.
fn errors(texts: &[&str]) -> String {
    texts
        .iter()
        .map(|text| match parse(&Source::new("test.bea", *text)) {
            Ok(_) => panic!("no error in {text}"),
            Err(error) => shown(&error),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn syntax() {
    snapshot!(errors(&[
        "",
        "# only a comment\n",
        "optimiser a { theta' = theta }",
        "optimizer { theta' = theta }",
        "optimizer a(m { theta' = theta }",
        "optimizer a {\n  theta' = theta + h*f(theta)\n",
        "optimizer a {\n  state v\n  v = v + f(theta)\n}",
        "optimizer a {\n  theta' == theta\n}",
        "optimizer a {\n  theta' = theta + 2h*f(theta)\n}",
        "optimizer a {\n  theta' = theta + 2 h*f(theta)\n}",
        "optimizer a {\n  theta' = theta + h**2*f(theta)\n}",
        "optimizer a {\n  theta' = theta + h^2^3*f(theta)\n}",
        "optimizer a {\n  theta' = theta + h*f(theta\n}",
        "optimizer a {\n  theta' = theta + \n}",
        "optimizer a {\n  θ' = θ + h*f(θ)\n}",
        "optimizer a {\n  state let\n}",
        "optimizer a {\n  state v w\n}",
        "optimizer a {\n  theta' = theta + h*f()\n}",
        "optimizer a {\n  theta' = theta + 0.1.2*f(theta)\n}",
        "optimizer a { theta' = theta + h*f(theta) } }",
    ]));
}

#[test]
fn names() {
    snapshot!(errors(&[
        "optimizer a {\n  theta' = theta + h*f(tehta)\n}",
        "optimizer a(mu) {\n  theta' = theta + h*q*f(theta)\n}",
        "optimizer a {\n  v' = theta\n  theta' = theta\n}",
        "optimizer a(m, m) {\n  theta' = theta\n}",
        "optimizer a(h) {\n  theta' = theta\n}",
        "optimizer a {\n  state f\n  theta' = theta\n}",
        "optimizer a {\n  let theta = f(theta)\n}",
        "optimizer a(m) {\n  state m\n  theta' = theta\n}",
        "optimizer a {\n  let k = f(theta)\n  let k = f(theta)\n}",
        "optimizer a { theta' = theta }\n\noptimizer a { theta' = theta }",
        "optimizer a(m) {\n  m' = m\n  theta' = theta\n}",
        "optimizer a {\n  let k = f(theta)\n  theta' = theta + k'\n}",
        "optimizer a {\n  theta' = theta + h*g(theta)\n}",
        "optimizer a(m) {\n  theta' = theta + h*m(f(theta))\n}",
        "optimizer a {\n  theta' = theta + h*cosh(2)*f(theta)\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*fx\n  y' = y + h*fy(x, y)\n}",
    ]));
}

#[test]
fn order_of_statements() {
    snapshot!(errors(&[
        "optimizer a {\n  state v\n  v' = f(theta)\n}",
        "optimizer a {\n  state v, w\n  v' = f(theta)\n  theta' = theta + h*v'\n}",
        "optimizer a {\n  theta' = theta + h*f(theta)\n  theta' = theta + h*f(theta)\n}",
        "optimizer a {\n  let k = k + f(theta)\n  theta' = theta + h*k\n}",
        "optimizer a {\n  theta' = theta + h*theta'\n}",
        "optimizer a {\n  let c = 1/(1 + c)\n  theta' = theta + c*h*f(theta)\n}",
        "optimizer a {\n  state v\n  theta' = theta + v'\n  v' = h*f(theta)\n}",
        "optimizer a {\n  let k = l\n  let l = f(theta)\n  theta' = theta + h*k\n}",
        "optimizer a {\n  let k = f(theta + c*f(theta))\n  let c = h/2\n  theta' = theta + h*k\n}",
        "optimizer a {\n  let k = f(theta + c)\n  let c = h/2\n  theta' = theta + h*k\n}",
    ]));
}

#[test]
fn numbers_and_vectors() {
    snapshot!(errors(&[
        "optimizer a {\n  theta' = theta + h\n}",
        "optimizer a {\n  theta' = h + theta\n}",
        "optimizer a {\n  theta' = theta - f(theta)*theta\n}",
        "optimizer a {\n  theta' = theta/f(theta)\n}",
        "optimizer a {\n  theta' = theta^2\n}",
        "optimizer a(m) {\n  theta' = theta + h*m^(1/2)*f(theta)\n}",
        "optimizer a(m) {\n  theta' = theta + 2^m*f(theta)\n}",
        "optimizer a(m) {\n  theta' = theta + m^theta*f(theta)\n}",
        "optimizer a {\n  theta' = theta + h*f(1)\n}",
        "optimizer a {\n  theta' = theta + h*f(theta, theta)\n}",
        "optimizer a {\n  theta' = 1\n}",
        "optimizer a {\n  theta' = theta + 1/0*f(theta)\n}",
        "optimizer a(m) {\n  theta' = theta + 1/(m - m)*f(theta)\n}",
        "optimizer a(m) {\n  theta' = theta + (m - m)^-1*f(theta)\n}",
    ]));
}

/// What makes a step nonlinear, used where it has no meaning or no constant part.
#[test]
fn nonlinear_steps() {
    let adam = |line: &str| {
        format!(
            "optimizer a(beta, eps) {{\n  state v\n  {line}\n  theta' = theta - h*g/(sqrt(v') + eps)\n}}"
        )
    };
    let plain = |step: &str| format!("optimizer a(beta) {{\n  theta' = theta - {step}\n}}");
    let texts = [
        adam("v' = v + g^2"),
        adam("v' = max(beta*v, abs(g))"),
        adam("v' = max(v, g^2)"),
        adam("v' = min(v, g^2)").replace("state", "slow"),
        adam("v' = beta*v^2 + g^2"),
        adam("v' = abs(g)*v + g^2"),
        adam("v' = beta*v + (1-beta)*norm(g)^2 + g"),
        plain("h*norm(g)"),
        plain("h*g/(norm(g) + theta)^norm(g)"),
        plain("h*dot(g, norm(g))*g"),
        plain("h*g*squrt(g)"),
        plain("h*sqrt(g, g)"),
        plain("h*clip(g, 1)"),
        plain("h*D(f)[norm(f)]"),
        plain("h*f(norm(f)*1)"),
        plain("h*clip(f, 1, -1)"),
        plain("h/t*g^2"),
        plain("h*g^2*(1 - 2^t)"),
        plain("h*g^2*(1 - beta^(1 - t))"),
        plain("h*g^2*(1 - beta^(t*t))"),
        plain("h*g^2*(1 - beta^(t/0))"),
        plain("h*g^2*(1 - beta^(2*t/(1 - 1)))"),
        plain("h*g^2*(1 - beta^(t + norm(g)))"),
        plain("h*g/norm(g - g)"),
        plain("h*g/sqrt(h)"),
        plain("h*abs(h*g)"),
        plain("h*f(theta + beta*g/norm(g))"),
        plain("h*g^(beta*beta)"),
        plain("g^2"),
        plain("h*g^2*beta(g)"),
        "optimizer a {\n  slow v\n  v' = v/2 + h*g^2\n  theta' = theta - h*g/sqrt(v)\n}".into(),
        "optimizer a {\n  state v\n  theta' = theta - h*g/sqrt(v')\n  v' = v/2 + g^2\n}".into(),
        "optimizer a {\n  fields f, w\n  theta' = theta + h*f(theta)*w(theta)\n}".into(),
        "optimizer a {\n  players x, y\n  x' = x + h*fx(x, y)^2\n  y' = y\n}".into(),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    snapshot!(errors(&texts));
}

#[test]
fn sizes() {
    snapshot!(errors(&[
        "optimizer a {\n  theta' = theta + h^1001*f(theta)\n}",
        "optimizer a(m) {\n  theta' = theta + (1 + m)^65*f(theta)\n}",
        "optimizer a {\n  theta' = theta + ((9^999)^999)^999*f(theta)\n}",
        "optimizer a {\n  theta' = theta + 1e1001*f(theta)\n}",
    ]));
}

#[test]
fn games() {
    snapshot!(errors(&[
        "optimizer a {\n  players x\n  x' = x + h*fx(x)\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*fx(x, y)\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*fx(x)\n  y' = y\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*fx(y, x)\n  y' = y\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*fy(x, y)\n  y' = y\n}",
        "optimizer a {\n  players x, y\n  x' = y\n  y' = x\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*f(x, y)\n  y' = y\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*fx(theta, y)\n  y' = y\n}",
        "optimizer a(m) {\n  players x, y\n  state v\n  v' = m*v\n  x' = x\n  y' = y\n}",
        "optimizer a(fx) {\n  players x, y\n  x' = x\n  y' = y\n}",
        "optimizer a {\n  players x, y\n  fields f, w\n  x' = x\n  y' = y\n}",
        "optimizer a {\n  fields f, f\n  theta' = theta\n}",
        "optimizer a {\n  fields g, w\n  theta' = theta + h*f(theta)\n}",
    ]));
}

#[test]
fn constant_parts() {
    snapshot!(errors(&[
        "optimizer a {\n  theta' = 2*theta + h*f(theta)\n}",
        "optimizer a(m) {\n  theta' = theta + h*f(m*theta)\n}",
        "optimizer a(m) {\n  state v\n  v' = m*v + h*f(v)\n  theta' = theta + v'\n}",
        "optimizer a(m) {\n  state v\n  v' = m*v + theta\n  theta' = theta + h*f(theta - v)\n}",
        "optimizer a {\n  state v\n  v' = v + theta\n  theta' = theta + h*f(theta)\n}",
        "optimizer a {\n  players x, y\n  x' = x + h*fx(x, 2*y)\n  y' = y\n}",
    ]));
}

#[test]
fn values() {
    let mut shown_errors = Vec::new();
    for (name, settings) in [
        ("rk2", vec![("a", "0")]),
        ("rk2", vec![("b", "1")]),
        ("heavy_ball", vec![("momentum", "0.9")]),
        ("heavy_ball", vec![("h", "0.1")]),
        ("gradient_descent", vec![("m", "1")]),
    ] {
        let values: BTreeMap<_, _> = settings
            .into_iter()
            .map(|(name, value)| (name.to_string(), parse_value(value).unwrap()))
            .collect();
        shown_errors.push(shown(&find(name).unwrap().method(&values).unwrap_err()));
    }
    let source = Source::new(
        "test.bea",
        "optimizer a(m, n, q) {\n  let d = m - n\n  theta' = theta + q/d*h*f(theta) + 1/(n - 1)*h*f(theta)\n}",
    );
    let optimizer = parse(&source).unwrap().remove(0);
    for (m, n) in [("1/2", "1/2"), ("2", "1")] {
        let values = [("m", m), ("n", n), ("q", "7")]
            .map(|(name, value)| (name.to_string(), parse_value(value).unwrap()));
        shown_errors.push(shown(&optimizer.method(&BTreeMap::from(values)).unwrap_err()));
    }
    for beta1 in ["2", "-1/2"] {
        let values = BTreeMap::from([("beta1".to_string(), parse_value(beta1).unwrap())]);
        shown_errors.push(shown(&find("adam").unwrap().step(&values).unwrap_err()));
    }
    snapshot!(shown_errors.join("\n"));
}

#[test]
fn unknown_optimizers_and_files() {
    let mut texts: Vec<String> = ["heavybal", "amsgrad", "Nesterov", "zzz"]
        .iter()
        .map(|name| shown(&find(name).unwrap_err()))
        .collect();
    texts.push(shown(&load("no/such/file.bea").unwrap_err()));
    texts.push(shown(&load("src").unwrap_err()));
    snapshot!(texts.join("\n"));
}

#[test]
fn overlong_lines() {
    let long = |start: &str, end: &str| {
        format!(
            "# comment\noptimizer a {{ theta' = theta {start} + {} + {end} }}",
            "h*f(theta) + ".repeat(1_000) + "h*f(theta)"
        )
    };
    snapshot!(errors(&[
        &long("+ θ", ""),
        &long("+ h*f(tehta)", "h*f(theta)"),
        &long("+ h*f(theta)", "h*f(tehta)"),
        &long("+ h*f(theta)", "h*f(2*theta)"),
        &format!(
            "optimizer a {{ theta' = 2*theta + {} }}\n# end\n",
            "h*f(theta) + ".repeat(500) + "h*f(theta)"
        ),
        &format!("optimizer a {{ theta' = {}theta{} }}", "(".repeat(10_000), ")".repeat(10_000)),
        &format!("optimizer a {{ theta' = theta + h*f({}) }}", "θ".repeat(1_000)),
        &format!("optimizer a {{ theta' = theta + h*f({}) }}", "t".repeat(1_000)),
        &format!("optimizer a {{ theta' = theta + h*f({}) }}", "t".repeat(64)),
        &format!("optimizer a {{ theta' = theta + {}*f(theta) }}", "7".repeat(1_001)),
    ]));
}

/// Texts that would exhaust the stack of a parser that recurses on them.
#[test]
fn depth() {
    let nest = |open: &str, close: &str| {
        format!(
            "optimizer a {{\n  theta' = theta + {}h{}*f(theta)\n}}",
            open.repeat(10_000),
            close.repeat(10_000)
        )
    };
    let error = |text: String| parse(&Source::new("test.bea", text)).unwrap_err().to_string();
    for (open, close) in [("(", ")"), ("f(", ")"), ("-(", ")"), ("(", "")] {
        assert_eq!(error(nest(open, close)), "brackets are nested too deeply", "{open}");
    }
    assert_eq!(error("{".repeat(10_000)), "brackets are nested too deeply");
    assert_eq!(error("optimizer a(m) {".repeat(200)), "brackets are nested too deeply");
    // Signs and operators do not nest.
    for chain in ["-", "- ", "1+", "1-", "1*", "1/", "-1*", "h*1/h*"] {
        let text =
            format!("optimizer a {{ theta' = theta + ({}h)*f(theta) }}", chain.repeat(10_000));
        assert!(parse(&Source::new("test.bea", text)).is_ok(), "{chain}");
    }
    assert_eq!(error(nest("2^", "")), "a chain of powers is ambiguous");
    // The deepest nesting that is allowed.
    let text = format!(
        "optimizer a {{ theta' = theta + {}h{}*f(theta) }}",
        "(1*-".repeat(99),
        ")".repeat(99)
    );
    assert!(parse(&Source::new("test.bea", text)).is_ok());
}
