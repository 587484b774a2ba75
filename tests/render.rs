//! What is written can be read back, and is then still true.

mod mathematica;
mod needs;

use bea::claim::Document as Claims;
use bea::field::Field;
use bea::optimizer;
use bea::render::{Content, Document, Form, Format, Notation, Part};
use bea::source::Source;
use bea::tree::Tree;
use clap::ValueEnum;
use num_rational::BigRational;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

fn field(name: &str, order: usize, values: &[(&str, i64, i64)]) -> Field {
    let values: BTreeMap<String, BigRational> = values
        .iter()
        .map(|(name, top, bottom)| {
            (name.to_string(), BigRational::new((*top).into(), (*bottom).into()))
        })
        .collect();
    let method = optimizer::find(name).unwrap().method(&values).unwrap();
    Field::derive(name, &method, order).unwrap()
}

fn write(document: &Document, format: Format) -> String {
    let mut out = Vec::new();
    format.write(document, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn written(field: &Field, format: Format) -> String {
    write(&Document::new(field), format)
}

/// Whether the checker, which shares nothing with the exporters, finds the equation true.
fn holds(equation: &str) -> bool {
    let text = format!("claim \"read back\": {equation}\n");
    let claims = Claims::parse(Source::new("test", text)).unwrap_or_else(|e| panic!("{e:?}"));
    let mut passed = Vec::new();
    claims.check(
        true,
        |_| {},
        |_, verdict| {
            passed.push(verdict.unwrap_or_else(|e| panic!("{equation}\n{e:?}")).passes());
        },
    );
    passed == [true]
}

const OPTIMIZERS: [&str; 8] = [
    "gradient_descent",
    "heavy_ball",
    "quasi_hyperbolic_momentum",
    "sam",
    "extragradient",
    "lookahead2",
    "rk4",
    "implicit_midpoint",
];

fn json(field: &Field) -> Value {
    serde_json::from_str(&written(field, Format::Json)).unwrap()
}

/// The terms of a JSON document as a sum in the language of claims.
fn sum_of(document: &Value) -> String {
    let terms = document["terms"].as_array().unwrap().iter().map(|term| {
        let text = |key: &str| term[key].as_str().unwrap();
        format!("h^({})*({})*{}", term["h"], text("coefficient"), text("notation"))
    });
    terms.collect::<Vec<_>>().join(" + ")
}

#[test]
fn json_reads_back() {
    for name in OPTIMIZERS {
        let field = field(name, 3, &[]);
        let document = json(&field);
        assert_eq!(document["optimizer"], name);
        assert_eq!(document["order"], 3);
        assert!(holds(&format!("field({name}, 3) == {}", sum_of(&document))), "{name}");
    }
}

#[test]
fn a_changed_coefficient_is_not_read_back() {
    let mut document = json(&field("heavy_ball", 3, &[]));
    document["terms"][3]["coefficient"] = "(1+10*m+m^2)/(12*(1-m)^4)".into();
    assert!(!holds(&format!("field(heavy_ball, 3) == {}", sum_of(&document))));
}

#[test]
fn json_holds_what_it_says_about_trees() {
    let field = field("heavy_ball", 6, &[("m", 1, 3)]);
    let mut seen = HashSet::new();
    for term in json(&field)["terms"].as_array().unwrap() {
        let tree: Tree = term["tree"].to_string().parse().unwrap();
        assert_eq!(term["h"], tree.size() - 1);
        assert_eq!(term["symmetry"].to_string(), tree.symmetry().to_string());
        assert_eq!(term["density"].to_string(), tree.density().to_string());
        assert_eq!(term["principal"], tree.is_chain());
        let id = field.trees().find(&tree).unwrap();
        assert!(seen.insert(id), "{tree} twice");
        let exact = &field.terms_of(id)[0];
        assert_eq!(term["coefficient"], exact.coefficient.display(&[]));
        assert_eq!(term["b"], exact.b.display(&[]));
    }
    let missing = (0..field.trees().len() as u32).filter(|id| !seen.contains(id));
    assert!(missing.into_iter().all(|id| field.terms_of(id).is_empty()));
    assert!(seen.len() > 50);
}

#[test]
fn json_of_a_game_names_the_field_of_every_node() {
    let field = field("alternating_gda", 2, &[]);
    let document = json(&field);
    let terms = document["terms"].as_array().unwrap();
    let node = |field: &str, children: Vec<Value>| serde_json::json!({"field": field, "children": children});
    let of = |tree: Value| terms.iter().find(|t| t["tree"] == tree).map(|t| &t["coefficient"]);
    // x' sees the old y, y' the new x: Rosca et al. (2021), section 3.
    assert_eq!(of(node("fx", vec![node("fy", vec![])])).unwrap(), "-1/2");
    assert_eq!(of(node("fy", vec![node("fx", vec![])])).unwrap(), "1/2");
    assert_eq!(document["players"], serde_json::json!({"fx": "x", "fy": "y"}));
    // Several fields of one variable are no game.
    assert_eq!(json(&self::field("minibatch2", 1, &[])).get("players"), None);
}

/// The right-hand side of an equation for the terminal, with the `*` that claims want.
fn right_hand_side(text: &str) -> String {
    let equation = text.split("\n\n").find(|part| part.starts_with("θ̇ =")).unwrap();
    let (sum, _) = equation.trim_start_matches("θ̇ =").rsplit_once("\n  + ").unwrap();
    let words: Vec<&str> = sum.split_whitespace().collect();
    let mut out = String::new();
    for (i, word) in words.iter().enumerate() {
        let starts_factor = word.starts_with(['f', 'H', '∇', '(']);
        if i > 0 && starts_factor && !words[i - 1].ends_with(['+', '-', '(']) {
            out.push('*');
        } else {
            out.push(' ');
        }
        let mut last = ' ';
        for c in word.chars() {
            // 4m, 2(1-m)³, (1-m)³(1+m)
            if last.is_ascii_digit() && (c.is_ascii_alphabetic() || c == '(')
                || last == ')' && c == '('
                || "²³⁴⁵⁶⁷⁸⁹".contains(last) && c == '('
            {
                out.push('*');
            }
            out.push(c);
            last = c;
        }
    }
    out
}

#[test]
fn text_reads_back() {
    for name in OPTIMIZERS {
        let field = field(name, 4, &[]);
        for form in [Form::Field, Form::Gradient] {
            let mut document = Document::new(&field);
            document.form = form;
            document.layout.width = 50;
            let text = write(&document, Format::Text);
            let equation = format!("field({name}, 4) == {}", right_hand_side(&text));
            assert!(holds(&equation), "{text}\n{equation}");
        }
    }
}

#[test]
fn text_keeps_to_its_width() {
    let field = field("gradient_descent", 6, &[]);
    for width in [60, 80, 120] {
        let mut document = Document::new(&field);
        document.layout.width = width;
        let text = write(&document, Format::Text);
        let longest = text.lines().map(|l| l.chars().filter(|&c| c != '\u{307}').count()).max();
        assert!(longest <= Some(width), "{text}");
        document.layout.color = true;
        let colored = write(&document, Format::Text);
        assert!(colored.contains("\x1b[36m"));
        let mut plain = String::new();
        for part in colored.split('\x1b') {
            plain.push_str(part.strip_prefix('[').map_or(part, |p| p.split_once('m').unwrap().1));
        }
        assert_eq!(plain, text, "colours change nothing but colours");
    }
}

#[test]
fn mathematica_reads_back() {
    for name in ["gradient_descent", "heavy_ball", "sam", "alternating_gda"] {
        let field = field(name, 4, &[]);
        let read = mathematica::parse(&written(&field, Format::Mathematica));
        let mut expected = json(&field);
        // There a node is {"fx", {…}}, and numbers are not told from other expressions.
        for term in expected["terms"].as_array_mut().unwrap() {
            term["tree"] = pairs(&term["tree"]);
        }
        unquoted(&mut expected);
        // Which vector is of which player is said in JSON alone.
        expected.as_object_mut().unwrap().remove("players");
        assert_eq!(read, expected, "{name}");
    }
}

fn unquoted(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.to_string().into(),
        Value::Array(items) => items.iter_mut().for_each(unquoted),
        Value::Object(entries) => entries.values_mut().for_each(unquoted),
        _ => {}
    }
}

fn pairs(tree: &Value) -> Value {
    match tree {
        Value::Object(node) => {
            serde_json::json!([node["field"], pairs(&node["children"])])
        }
        Value::Array(children) => children.iter().map(pairs).collect(),
        other => panic!("{other} is no tree"),
    }
}

#[test]
fn names_that_mathematica_reserves_are_changed() {
    let text = "optimizer o(E, a_b) { theta' = theta + h*E*a_b*f(theta) }";
    let method =
        optimizer::parse(&Source::new("test", text)).unwrap()[0].method(&BTreeMap::new()).unwrap();
    let field = Field::derive("o", &method, 1).unwrap();
    let text = written(&field, Format::Mathematica);
    assert!(text.contains("\"parameters\" -> {p$E, a$b}"), "{text}");
    assert!(text.contains("\"b\" -> p$E*a$b,"), "{text}");
}

/// Runs a module of ours and a script after it; `None` where there is no SymPy.
fn python(module: &str, script: &str) -> Option<String> {
    let output = needs::python()?.args(["-c", &format!("{module}\n{script}")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn sympy_reads_back() {
    let script = "print(' + '.join(f'h^({t.h})*({t.coefficient})*{t.notation}' for t in terms))";
    for name in ["gradient_descent", "heavy_ball", "sam"] {
        let field = field(name, 3, &[]);
        let Some(sum) = python(&written(&field, Format::Sympy), script) else { return };
        let sum = sum.replace("**", "^");
        assert!(holds(&format!("field({name}, 3) == {sum}")), "{sum}");
    }
}

#[test]
fn the_sympy_module_evaluates_fields() {
    // θ̇ = log(1-h)/h θ for gradient descent on θ²/2; x' = x + h y, y' = y - h x' is symplectic.
    let linear = "
from sympy import series, log
t = Symbol('t')
value = modified_field({'f': [-t]}, {'theta': [t]})['theta'][0]
print((series(log(1 - h)/h, h, 0, 6).removeO()*t - value).expand())";
    let Some(difference) =
        python(&written(&field("gradient_descent", 5, &[]), Format::Sympy), linear)
    else {
        return;
    };
    assert_eq!(difference, "0\n");
    let game = "
x, y = Symbol('x'), Symbol('y')
v = modified_field({'fx': [y], 'fy': [-x]}, {'x': [x], 'y': [y]})
H = x**2/2 + y**2/2 + h*x*y/2
change = (v['x'][0]*diff(H, x) + v['y'][0]*diff(H, y)).expand()
print([change.coeff(h, k) for k in range(order + 1)], change == 0)";
    let conserved =
        python(&written(&field("alternating_gda", 4, &[]), Format::Sympy), game).unwrap();
    // Symplectic Euler conserves H + h x y/2, its truncated field up to what was truncated.
    assert_eq!(conserved, "[0, 0, 0, 0, 0] False\n");
}

#[test]
fn python_keywords_may_be_parameters() {
    let text = "optimizer o(lambda, order) { theta' = theta + h*lambda*order*f(theta) }";
    let method =
        optimizer::parse(&Source::new("test", text)).unwrap()[0].method(&BTreeMap::new()).unwrap();
    let module = written(&Field::derive("o", &method, 1).unwrap(), Format::Sympy);
    if let Some(shown) = python(&module, "print(terms[0].b, order)") {
        assert_eq!(shown, "lambda*order 1\n");
    }
}

/// Whether every element is closed where it should be.
fn assert_balanced(markup: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in markup.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("<{part} does not end"));
        let name = tag.split([' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "in {tag}"),
            None if tag.ends_with('/') || ["meta", "!DOCTYPE"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
}

#[test]
fn every_format_writes_every_optimizer() {
    for optimizer in optimizer::library() {
        let field = field(&optimizer.name, 2, &[]);
        for format in Format::value_variants() {
            let text = written(&field, *format);
            assert!(
                text.contains(&optimizer.name.replace('_', "\\_"))
                    || text.contains(&optimizer.name)
            );
            if matches!(format, Format::Svg | Format::Html) {
                assert_balanced(&text);
            }
        }
    }
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let text = written(&field("heavy_ball", 4, &[]), Format::Html);
    for outside in ["http:", "https:", "<script", "<link", "url(", "@import"] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(text.contains("prefers-color-scheme:dark"));
    // A circle a node: 1 + 2 + 2·3 + 4·4 + 9·5 of them.
    assert_eq!(text.matches("<circle").count(), 70);
}

#[test]
fn pictures_hold_every_tree() {
    let text = written(&field("alternating_gda", 1, &[]), Format::Svg);
    // Two of one node and four of two, and one in the legend for each field.
    assert_eq!(text.matches("class=\"c0\"").count(), 1 + 4 + 1);
    assert_eq!(text.matches("class=\"c1\"").count(), 1 + 4 + 1);
    assert!(text.contains(">fx'fy</text>"));
}

fn shown(name: &str, order: usize, format: Format, choose: impl Fn(&mut Document)) -> String {
    let field = field(name, order, &[]);
    let mut document = Document::new(&field);
    choose(&mut document);
    write(&document, format)
}

#[test]
fn notations() {
    let text = |notation, form| {
        shown("gradient_descent", 3, Format::Text, |d| (d.notation, d.form) = (notation, form))
    };
    insta::assert_snapshot!("dots", text(Notation::Dots, Form::Field));
    insta::assert_snapshot!("index", text(Notation::Index, Form::Field));
    insta::assert_snapshot!("index_gradient", text(Notation::Index, Form::Gradient));
    insta::assert_snapshot!(
        "dots_game",
        shown("alternating_gda", 1, Format::Text, |d| d.notation = Notation::Dots)
    );
}

#[test]
fn the_index_of_the_velocity_is_that_of_the_roots() {
    for (format, field, gradient) in [
        (Format::Text, "θ̇^i = f^i", "θ̇_i = -E_i"),
        (Format::Latex, "\\dot{\\theta}^{i} ={}&f^{i}", "\\dot{\\theta}_{i} ={}&-E_{i}"),
        (Format::Markdown, "\\dot{\\theta}^{i} ={}&f^{i}", "\\dot{\\theta}_{i} ={}&-E_{i}"),
        (Format::Typst, "dot(theta)^i = & f^i", "dot(theta)_i = & -E_(i)"),
        (
            Format::Html,
            "<msup><mover><mi>θ</mi><mo>˙</mo></mover><mi>i</mi></msup><mo>=</mo>",
            "<msub><mover><mi>θ</mi><mo>˙</mo></mover><mi>i</mi></msub><mo>=</mo>",
        ),
    ] {
        for (form, expected) in [(Form::Field, field), (Form::Gradient, gradient)] {
            let choose = |d: &mut Document| (d.notation, d.form) = (Notation::Index, form);
            let text = shown("gradient_descent", 1, format, choose);
            assert!(text.contains(expected), "{format:?}:\n{text}");
        }
    }
}

#[test]
fn json_tells_the_principal_part() {
    let part = |name: &str, order: usize, values: &[(&str, i64, i64)]| {
        let field = field(name, order, values);
        let mut document = Document::new(&field);
        assert!(!write(&document, Format::Json).contains("principal_part"));
        document.verdict = Some(field.principal_part());
        let text = write(&document, Format::Json);
        let keys = ["optimizer", "parameters", "order", "terms", "principal_part"];
        let places = keys.map(|key| text.find(&format!("\"{key}\": ")).expect(key));
        assert!(places.is_sorted(), "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["principal_part"].clone()
    };
    let expected = |formula: Option<&str>, tall_tree: bool, order: Option<usize>, tree: Value| {
        serde_json::json!({
            "formula": formula, "tall_tree": tall_tree, "verified_to_order": order,
            "expression": tree
        })
    };
    let log = "log(1+hJ)/(hJ) f";
    let symbol = |name: &str| serde_json::json!({"type": "symbol", "name": name});
    let one = serde_json::json!({"type": "integer", "value": "1"});
    let tree = serde_json::json!({
        "variable": "z", "argument": "h*J", "applied_to": "f",
        "function": {
            "type": "quotient",
            "numerator": {"type": "log", "of": {"type": "sum", "terms": [one, symbol("z")]}},
            "denominator": symbol("z")
        }
    });
    assert_eq!(part("gradient_descent", 6, &[]), expected(Some(log), true, Some(6), tree));
    let half = part("heavy_ball", 3, &[("m", 1, 2)]);
    let formula = half["formula"].as_str();
    assert!(formula.is_some_and(|f| f.starts_with("log(P(hJ))/(hJ) f")), "{half}");
    let tree = half["expression"].clone();
    assert_eq!(tree["function"]["type"], "quotient");
    assert_eq!(half, expected(formula, false, Some(3), tree.clone()));
    // A root of higher degree is given by its polynomial.
    let root = part("adams_bashforth3", 2, &[]);
    assert_eq!(root["expression"]["function"]["numerator"]["of"], symbol("P"));
    assert_eq!(root["expression"]["zero"]["type"], "sum");
    let map = &part("alternating_gda", 2, &[])["expression"]["step_map"];
    assert_eq!(map["terms"].as_array().map(Vec::len), Some(4), "{map}");
    // An alternating game with memory: the principal part is not a function of one Jacobian.
    assert_eq!(part("negative_momentum_gda", 2, &[]), expected(None, false, None, Value::Null));
}

/// The principal part of each format is a formula, and code formats can evaluate theirs.
#[test]
fn every_format_holds_the_principal_part_as_a_formula() {
    let shown = |name: &str, format| {
        let field = field(name, 1, &[]);
        let mut document = Document::new(&field);
        document.verdict = Some(field.principal_part());
        write(&document, format)
    };
    let latex = r"P(z) = \frac{1+m+z+\sqrt{(1+m+z)^{2}-4\,m}}{2}";
    for (format, expected) in [
        (Format::Text, "P(z) = (1+m+z + sqrt((1+m+z)² -\n4m))/2"),
        (Format::Latex, latex),
        (Format::Markdown, latex),
        (Format::Typst, "P(z) = frac(1 + m + z + sqrt((1 + m + z)^(2) - 4 thin m), 2)"),
        (Format::Html, "<msqrt>"),
        (Format::Mathematica, "Log[(1+m+z + Sqrt[(1+m+z)^2 - 4*m])/2]/z"),
        (Format::Sympy, "principal_part = log((1+m+z + sqrt((1+m+z)**2 - 4*m))/2)/z"),
    ] {
        let text = shown("heavy_ball", format);
        assert!(text.contains(expected), "{format:?}:\n{text}");
    }
    // The principal branch of Python's square root is the branch with P(0) = 1.
    let script = "
from sympy import series
expansion = series(principal_part.subs(m, Rational(1, 2)), z, 0, 3).removeO()
print([expansion.coeff(z, k) for k in range(3)])";
    if let Some(found) = python(&shown("heavy_ball", Format::Sympy), script) {
        assert_eq!(found, "[2, -6, 104/3]\n");
    }
}

#[test]
fn typeset_formats() {
    for (name, format) in [
        ("latex", Format::Latex),
        ("typst", Format::Typst),
        ("markdown", Format::Markdown),
        ("svg", Format::Svg),
        ("html", Format::Html),
    ] {
        insta::assert_snapshot!(name, shown("heavy_ball", 2, format, |_| {}));
    }
    for format in [Format::Latex, Format::Typst] {
        let name = format!("{format:?}_gradient").to_lowercase();
        insta::assert_snapshot!(
            name,
            shown("quasi_hyperbolic_momentum", 2, format, |d| d.form = Form::Gradient)
        );
    }
}

#[test]
fn parts_and_losses() {
    let text = |content| shown("gradient_descent", 3, Format::Text, |d| d.content = content);
    insta::assert_snapshot!("principal", text(Content::Terms(Part::Principal)));
    insta::assert_snapshot!("non_principal", text(Content::Terms(Part::NonPrincipal)));
    for format in
        [Format::Text, Format::Latex, Format::Typst, Format::Markdown, Format::Html, Format::Json]
    {
        let name = format!("loss_{format:?}").to_lowercase();
        insta::assert_snapshot!(
            name,
            shown("heavy_ball", 2, format, |d| d.content = Content::ModifiedLoss)
        );
    }
}
