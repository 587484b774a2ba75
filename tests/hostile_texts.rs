//! Whatever happens to a text, reading it ends with a value or a fault that can be shown, never a panic.

mod cases;
// Those of TOML and of binary formats are not needed here.
#[allow(dead_code)]
#[path = "../fuzz/src/words.rs"]
mod words;

use bea::loss::{self, Loss, names_in};
use bea::optimizer;
use bea::source::{Source, SourceError};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// What is put into texts.
fn pieces() -> Vec<&'static str> {
    [words::NUMBERS, words::LOSS, words::OPTIMIZER, words::CLAIM].concat()
}

/// The files of a folder.
fn files(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    paths.sort();
    let texts = paths.iter().filter(|p| p.extension().is_some_and(|e| e == "bea"));
    let texts: Vec<String> = texts.map(|p| std::fs::read_to_string(p).unwrap()).collect();
    assert!(texts.len() >= 3);
    texts
}

/// One change: where, as parts of the length, and what to do.
#[derive(Clone, Debug)]
enum Change {
    Insert(f64, &'static str),
    Delete(f64, usize),
    Copy(f64, usize, f64),
    Cut(f64),
}

fn change() -> impl Strategy<Value = Change> {
    let place = || 0.0..1.0;
    prop_oneof![
        4 => (place(), prop::sample::select(pieces())).prop_map(|(at, what)| Change::Insert(at, what)),
        2 => (place(), 1_usize..30).prop_map(|(at, n)| Change::Delete(at, n)),
        2 => (place(), 1_usize..60, place()).prop_map(|(from, n, to)| Change::Copy(from, n, to)),
        1 => place().prop_map(Change::Cut),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for change in changes {
        let n = text.len();
        let place = |part: f64| (part * n as f64) as usize;
        match *change {
            Change::Insert(at, what) => drop(text.splice(place(at)..place(at), what.chars())),
            Change::Delete(at, count) => drop(text.drain(place(at)..(place(at) + count).min(n))),
            Change::Copy(from, count, to) => {
                let part = text[place(from)..(place(from) + count).min(n)].to_vec();
                text.splice(place(to)..place(to), part);
            }
            Change::Cut(at) => text.truncate(place(at)),
        }
    }
    text.into_iter().collect()
}

/// A text of a corpus, changed a few times.
fn hostile(corpus: Vec<String>) -> impl Strategy<Value = String> {
    (prop::sample::select(corpus), prop::collection::vec(change(), 1..5))
        .prop_map(|(text, changes)| changed(&text, &changes))
}

/// Shows a fault with its line, as the command does.
fn show(error: SourceError) {
    let text = format!("{:?}", miette::Report::new(error));
    assert!(!text.is_empty());
}

fn read_loss(source: &Source) {
    match Loss::parse(source, &BTreeMap::new()) {
        Ok(loss) => {
            let start = loss.start.clone().unwrap_or_else(|| vec![0.5; loss.variables.len()]);
            let _ = loss.value(&start);
        }
        Err(error) => show(error),
    }
}

/// Formulas with every construction.
fn formulas() -> Vec<String> {
    [
        "let r = x^2 + y^2; r^2 - r/(1 + exp(-x*y))",
        "sum(i in 0..1, j in 0..i: x[i]*w[i, j]) + mean([for i in 0..2: i^2*z])",
        "where(x < 0, cos(x) + x, (x/3)^2 + 1 + x/3) + max(x, y, 2)*min(x^2, y)",
        "dot([[1, 2], [3, 4]], [x, y])[1] + len([1, 2])*sqrt(2 + x^2)^(-2/3) + gelu(x)*pi",
    ]
    .map(String::from)
    .to_vec()
}

proptest! {
    #![proptest_config(cases::cases(1500))]

    #[test]
    fn formulas_are_read_or_refused(text in hostile(formulas())) {
        read_loss(&Source::new("formula", text));
    }

    #[test]
    fn points_are_read_or_refused(text in hostile(vec!["-1, 1/2".into(), "x=pi, w=[1, 2^(1/2)]".into()])) {
        let names = ["x", "w[0]", "w[1]"].map(String::from);
        if let Err(error) = loss::point(&Source::new("point", text), &names) {
            show(error);
        }
    }

    #[test]
    fn values_are_read_or_refused(text in hostile(vec!["9/10".into(), "-0.5e-3".into()])) {
        if let Err(error) = optimizer::parse_value(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn optimizers_are_read_or_refused(text in hostile(files("derivations/optimizers"))) {
        match optimizer::parse(&Source::new("optimizers", text)) {
            Err(error) => show(error),
            Ok(found) => for optimizer in found {
                if let Err(error) = optimizer.method(&BTreeMap::new()) {
                    show(error);
                }
            },
        }
    }
}

proptest! {
    #![proptest_config(cases::cases(300))]

    /// Without the tables of data, which are long.
    #[test]
    fn definitions_are_read_or_refused(
        text in hostile(files("losses").into_iter().filter(|text| !text.contains("data X")).collect())
    ) {
        let source = Source::new("losses", text);
        match names_in(&source) {
            Err(error) => show(error),
            Ok(names) => for (name, _) in names {
                if let Err(error) = loss::named(&source, &name, &BTreeMap::new()) {
                    show(error);
                }
            },
        }
        read_loss(&source);
    }

    #[test]
    fn claims_are_read_or_refused(text in hostile(files("derivations"))) {
        if let Err(error) = bea::claim::parse(&Source::new("claims", text)) {
            show(error);
        }
    }
}
