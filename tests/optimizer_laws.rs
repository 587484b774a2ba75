//! Laws of the optimizer language on generated optimizers.

mod cases;

use bea::optimizer::{Optimizer, library, parse};
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A line of a generated optimizer: `Σ buffers_i b_i + h slope f(theta + Σ shifts_i b_i)`.
#[derive(Clone, Debug)]
struct Line {
    buffers: Vec<String>,
    slope: String,
    shifts: Vec<String>,
}

fn coefficient() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("0".to_string()),
        (-9_i32..10, 1_i32..5).prop_map(|(a, b)| format!("{a}/{b}")),
        (1_i32..100).prop_map(|n| format!("0.{n:02}")),
        (1_i32..5, 1_i32..4).prop_map(|(a, n)| format!("({a} - p^{n})")),
        (1_i32..5).prop_map(|a| format!("(q - {a})/(1 + p*q)")),
    ]
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    (1_usize..4).prop_flat_map(|buffers| {
        let line = (
            prop::collection::vec(coefficient(), buffers),
            coefficient(),
            prop::collection::vec(coefficient(), buffers),
        )
            .prop_map(|(buffers, slope, shifts)| Line { buffers, slope, shifts });
        prop::collection::vec(line, buffers + 1)
    })
}

/// The text of an optimizer whose buffer `i` carries the power `powers[i]` of `h`.
fn text(lines: &[Line], powers: &[i32]) -> String {
    let sum = |coefficients: &[String]| {
        let terms = coefficients.iter().zip(powers).enumerate();
        terms.map(|(i, (c, power))| format!(" + {c}*h^({power})*b{i}")).collect::<String>()
    };
    let buffers = lines.len() - 1;
    let names = (0..buffers).map(|i| format!("b{i}")).collect::<Vec<_>>().join(", ");
    let mut text = format!("optimizer generated(p, q) {{\n  state {names}\n");
    for (i, line) in lines.iter().enumerate() {
        let step = format!("h*{}*f(theta{})", line.slope, sum(&line.shifts));
        text += &if i < buffers {
            format!("  b{i}' = h^({})*({step}{})\n", -powers[i], sum(&line.buffers))
        } else {
            format!("  theta' = theta + {step}{}\n", sum(&line.buffers))
        };
    }
    text + "}\n"
}

fn parsed(text: &str) -> Optimizer {
    parse(&Source::new("generated", text))
        .unwrap_or_else(|e| panic!("{text}{:?}", miette::Report::new(e)))
        .remove(0)
}

fn method(optimizer: &Optimizer) -> GeneralLinearMethod {
    optimizer.method(&BTreeMap::new()).unwrap()
}

#[test]
fn the_library_prints_and_parses_back() {
    for optimizer in library() {
        let again = parsed(&optimizer.to_string());
        assert_eq!(&again, optimizer);
        assert_eq!(method(&again), method(optimizer));
    }
}

proptest! {
    #![proptest_config(cases::cases(64))]

    #[test]
    fn printing_keeps_the_method(lines in lines(), powers in prop::collection::vec(-3..4, 3)) {
        let optimizer = parsed(&text(&lines, &powers));
        let again = parsed(&optimizer.to_string());
        prop_assert_eq!(method(&again), method(&optimizer));
        prop_assert_eq!(again, optimizer);
    }

    #[test]
    fn buffers_may_be_rescaled(lines in lines(), powers in prop::collection::vec(-3..4, 3)) {
        let plain = method(&parsed(&text(&lines, &[0, 0, 0])));
        prop_assert_eq!(plain.step_parameter, None);
        prop_assert_eq!(method(&parsed(&text(&lines, &powers))), plain);
    }

    #[test]
    fn names_of_parameters_do_not_matter(lines in lines()) {
        let plain = text(&lines, &[0, 0, 0]);
        let renamed = plain.replace("(p, q)", "(momentum, rho)");
        let renamed = renamed.replace("p^", "momentum^").replace("(q", "(rho").replace("p*q", "momentum*rho");
        let mut expected = method(&parsed(&plain));
        expected.parameters = vec!["momentum".into(), "rho".into()];
        prop_assert_eq!(method(&parsed(&renamed)), expected);
    }
}

/// Whether a text parses or not, nothing panics, and what parses prints and parses back.
fn is_handled(text: &str) -> Result<(), TestCaseError> {
    for optimizer in parse(&Source::new("noise", text)).unwrap_or_default() {
        prop_assert_eq!(&parsed(&optimizer.to_string()), &optimizer);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases::cases(2000))]

    #[test]
    fn noise_is_handled(text in "[ a-f\\n'(){}=+*/^,;#0-9.-]{0,60}|.{0,40}") {
        is_handled(&text)?;
        is_handled(&format!("optimizer a(b, c) {{ state d {text} }}"))?;
    }

    #[test]
    fn damaged_optimizers_are_handled(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        length in 0_usize..12,
        patch in prop_oneof![
            Just(String::new()),
            "[()'=+*/^0-9-]{1,3}",
            "(theta|v|h|f|x|m|k1|let k1 =|state v|fields f, w|players x, y)'?",
        ],
    ) {
        let optimizer = &library()[which.index(library().len())];
        let mut letters: Vec<char> = optimizer.to_string().chars().collect();
        let body = optimizer.doc.chars().count();
        let start = body + at.index(letters.len() - body);
        let end = (start + length).min(letters.len());
        letters.splice(start..end, patch.chars());
        is_handled(&letters.into_iter().collect::<String>())?;
    }
}
