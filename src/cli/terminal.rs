//! Numbers, lines and tables for the terminal.

use num_complex::Complex64;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How many entries of a long list are shown at its beginning and at its end.
pub(super) const LISTED: (usize, usize) = (8, 4);

pub(super) fn line(out: &mut String, text: String) {
    writeln!(out, "{}", text.trim_end()).expect("a string");
}

/// Columns, the last one aligned left, the others right; the first row is the head.
pub(super) fn table<const N: usize>(out: &mut String, rows: &[[String; N]]) {
    let width = |k: usize| rows.iter().map(|row| row[k].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in rows {
        let mut text = String::new();
        for (k, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[k] - cell.chars().count());
            // Only columns of words and lists are aligned left.
            if k + 1 == N && N > 1 {
                write!(text, "  {cell}{pad}")
            } else {
                write!(text, "  {pad}{cell}")
            }
            .expect("a string");
        }
        line(out, text);
    }
}

pub(super) fn assignments(variables: &[String], point: &[f64]) -> String {
    let (first, last) = LISTED;
    let all: Vec<String> =
        variables.iter().zip(point).map(|(name, &x)| format!("{name} = {}", short(x))).collect();
    if all.len() > first + last {
        [&all[..first], &["…".to_string()], &all[all.len() - last..]].concat().join(", ")
    } else {
        all.join(", ")
    }
}

/// A norm in scientific notation, with few digits.
pub(super) fn tiny(x: f64) -> String {
    if x == 0.0 { "0".into() } else { format!("{x:.1e}") }
}

/// Six significant digits.
pub(super) fn short(x: f64) -> String {
    if x.is_infinite() {
        return if x > 0.0 { "∞" } else { "-∞" }.into();
    }
    let rounded: f64 = format!("{x:.5e}").parse().expect("a number");
    let size = rounded.abs();
    if rounded == 0.0 || (1e-4..1e7).contains(&size) {
        // A negative zero is a zero.
        format!("{}", rounded + 0.0)
    } else {
        format!("{rounded:e}")
    }
}

/// Without a real or imaginary part that is no larger than the rounding of the other.
fn cleaned(z: Complex64) -> Complex64 {
    let part = |x: f64| if x.abs() <= 1e-14 * z.norm() { 0.0 } else { x };
    if z.is_finite() { Complex64::new(part(z.re), part(z.im)) } else { z }
}

pub(super) fn complex(z: Complex64) -> String {
    if z.im == 0.0 {
        return short(z.re);
    }
    let sign = if z.im < 0.0 { '-' } else { '+' };
    format!("{}{sign}{}i", short(z.re), short(z.im.abs()))
}

/// The numbers, conjugate neighbours as one.
pub(super) fn list(values: &[Complex64]) -> String {
    let mut parts = Vec::new();
    let mut rest = values;
    while let Some((z, others)) = rest.split_first() {
        let z = cleaned(*z);
        let pair = others
            .first()
            .is_some_and(|w| z.im != 0.0 && (cleaned(*w) - z.conj()).norm() <= 1e-12 * z.norm());
        parts.push(if !pair {
            complex(z)
        } else if z.re == 0.0 {
            format!("±{}i", short(z.im.abs()))
        } else {
            format!("{}±{}i", short(z.re), short(z.im.abs()))
        });
        rest = if pair { &others[1..] } else { others };
    }
    let (first, last) = LISTED;
    if parts.len() > first + last {
        [&parts[..first], &["…".into()], &parts[parts.len() - last..]].concat().join(", ")
    } else if parts.is_empty() {
        "-".into()
    } else {
        parts.join(", ")
    }
}

/// JSON has no infinity.
pub(super) fn number(x: f64) -> Value {
    match x {
        f64::INFINITY => "infinity".into(),
        f64::NEG_INFINITY => "-infinity".into(),
        x => json!(x),
    }
}

pub(super) fn pairs(values: &[Complex64]) -> Value {
    values.iter().map(|z| json!([number(z.re), number(z.im)])).collect()
}
