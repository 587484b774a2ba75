//! Points.

use super::lower::Lowering;
use super::read;
use super::{bounded, evaluate};
use crate::loss::Graph;
use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};

/// A point as people write it: `-1, 1` or `x = -1, y = 1`, constants of the language, arrays
/// flattened.
///
/// # Errors
/// Syntax errors, unknown or missing coordinates, a wrong number of them.
pub fn point(source: &Source, variables: &[String]) -> Result<Vec<f64>, SourceError> {
    let text = &source.text;
    let mut values: Vec<Option<f64>> = vec![None; variables.len()];
    let (mut next, mut named) = (0, false);
    let mut at = 0;
    for item in split_top_level(text) {
        let start = at + (item.len() - item.trim_start().len());
        let span = start..start + item.trim().len();
        at += item.len() + 1;
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (Some(name.trim()), value),
            None => (None, item),
        };
        if value.trim().is_empty() {
            let (message, label) = match name {
                Some(name) => (format!("`{name}` has no value"), "a value is missing"),
                None if text.trim().is_empty() => ("there is no point".into(), "empty"),
                None => ("a coordinate is empty".into(), "a value is missing here"),
            };
            // An empty part is shown at the comma after it or, at the end, before it.
            let span = match name {
                Some(_) => span,
                None if start < text.len() => start..start + 1,
                None => text.len().saturating_sub(1)..text.len(),
            };
            let help = "separate coordinates with `,`, without one at the end: `-1, 1`";
            return Err(source.fault(span, message, label, Some(help.into())));
        }
        let offset = span.end - value.trim_start().trim_end().len();
        // Blanks keep the positions in the text.
        let padded = format!("{}{}", " ".repeat(offset), value.trim());
        let piece = Source::new(source.name.clone(), padded);
        let numbers = bounded(&piece, || numbers(&piece))?;
        named |= name.is_some();
        let first = match name {
            None => next,
            Some(name) => {
                let same = |v: &String| v == name || v.starts_with(&format!("{name}["));
                variables.iter().position(same).ok_or_else(|| {
                    let known: Vec<&str> = variables.iter().map(String::as_str).collect();
                    let help = near::advice(name, &known);
                    let message = format!("there is no variable `{name}`");
                    source.fault(span.clone(), message, "not a variable", help)
                })?
            }
        };
        for (i, value) in numbers.into_iter().enumerate() {
            if !value.is_finite() {
                return Err(too_large(source, span));
            }
            if let Some(slot) = values.get_mut(first + i)
                && slot.replace(value).is_some()
            {
                let message = format!("`{}` is given twice", variables[first + i]);
                let help = "give every coordinate once".to_string();
                return Err(source.fault(span, message, "the second time", Some(help)));
            }
            next = next.max(first + i + 1);
        }
    }
    let given = values.iter().flatten().count();
    let missing = variables.iter().zip(&values).find(|(_, value)| value.is_none());
    if let Some((name, _)) = missing.filter(|_| named && next <= variables.len()) {
        return Err(source.fault(
            0..text.len(),
            format!("`{name}` has no value"),
            "this point",
            Some(format!("give it one: `{}, {name}=0`, say", text.trim())),
        ));
    }
    if next > variables.len() || given < variables.len() {
        let names = match variables.len() {
            0..=12 => format!(" ({})", variables.join(", ")),
            _ => String::new(),
        };
        return Err(source.fault(
            0..text.len(),
            format!("a point has {} coordinates{names}, not {}", variables.len(), next.max(given)),
            "this point",
            Some("separate coordinates with `,`, or name them: `x=-1, y=1`".into()),
        ));
    }
    Ok(values.into_iter().flatten().collect())
}

/// The fault of a value that no double holds, or that is none.
pub(super) fn too_large(source: &Source, span: std::ops::Range<usize>) -> SourceError {
    let help = format!("a number is at most {:e} in size", f64::MAX);
    source.fault(span, "the value is not a finite number", "too large, or undefined", Some(help))
}

/// The parts of a list between commas that are in no bracket.
pub fn split_top_level(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_i32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// The numbers of a constant value.
fn numbers(source: &Source) -> Result<Vec<f64>, SourceError> {
    let expression = read::constant(source)?;
    let mut graph = Graph::new();
    let mut lowering = Lowering::new(source, &mut graph, Vec::new());
    let value = lowering.any(&expression)?;
    let mut flat = Vec::new();
    value.flat(&mut flat);
    Ok(evaluate(&graph, &flat))
}
