//! Equations for LaTeX, Typst and Markdown.

use super::TypedDocument;
use super::layout::{Signed, Writer};
use super::text::legend;
use crate::formula::{Latex, Math, Plain, Script, Typst};
use std::io::{self, Write};

/// The rows of the velocities: what stands on the left, and the terms of one order each.
fn rows(document: &TypedDocument, writer: &Writer) -> Vec<(Option<Math>, Vec<Signed>)> {
    let mut rows = Vec::new();
    for coordinate in &document.field.coordinates {
        let mut left = Some(Math::Velocity(coordinate.name.clone(), None));
        for order in writer.orders(coordinate, document.field.order) {
            for term in order {
                rows.push((left.take(), vec![term]));
            }
        }
        if left.is_some() {
            rows.push((left, vec![(false, Math::number(0))]));
        }
        let rest = Math::power(Math::name("h"), document.field.order as i64 + 1);
        rows.push((None, vec![(false, Math::function("O", rest))]));
    }
    rows
}

/// `left &= term` and `&\quad + term`, one a row.
fn aligned(
    document: &TypedDocument,
    writer: &Writer,
    script: &dyn Shown,
    newline: &str,
    quad: &str,
) -> String {
    let rows = rows(document, writer).into_iter().map(|(left, terms)| {
        let (negative, term) = &terms[0];
        match left {
            Some(left) => {
                let minus = if *negative { "-" } else { "" };
                format!("{} &= {minus}{}", script.shown(&left), script.shown(term))
            }
            None => {
                let sign = if *negative { "-" } else { "+" };
                format!("&{quad} {sign} {}", script.shown(term))
            }
        }
    });
    rows.collect::<Vec<_>>().join(&format!("{newline}\n"))
}

/// A script that can stand behind a reference.
trait Shown {
    fn shown(&self, math: &Math) -> String;
}

impl<S: Script> Shown for S {
    fn shown(&self, math: &Math) -> String {
        self.show(math)
    }
}

/// An `align*` environment.
pub(super) fn latex(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let writer = Writer::new(document.field);
    writeln!(out, "% {}", document.heading())?;
    writeln!(out, "{{\\allowdisplaybreaks\n\\begin{{align*}}")?;
    writeln!(out, "{}", aligned(document, &writer, &Latex, " \\\\", "\\quad"))?;
    writeln!(out, "\\end{{align*}}}}")?;
    for line in legend(document.field, &writer, |math| format!("${}$", Latex.show(math))) {
        writeln!(out, "\n{}.", texttt(&line))?;
    }
    Ok(())
}

/// Words in backticks in typewriter letters.
fn texttt(line: &str) -> String {
    let parts = line.split('`').enumerate();
    parts
        .map(|(i, part)| if i % 2 == 1 { format!("\\texttt{{{part}}}") } else { part.to_string() })
        .collect()
}

/// A display equation, aligned at its equals sign.
pub(super) fn typst(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let writer = Writer::new(document.field);
    writeln!(out, "// {}", document.heading())?;
    writeln!(out, "$ {} $", aligned(document, &writer, &Typst, " \\", "quad"))?;
    for line in legend(document.field, &writer, |math| format!("${}$", Typst.show(math))) {
        writeln!(out, "\n{line}.")?;
    }
    Ok(())
}

/// An equation in LaTeX, and a table of terms.
pub(super) fn markdown(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let writer = Writer::new(document.field);
    writeln!(out, "# {}\n", document.heading())?;
    writeln!(out, "$$\n\\begin{{aligned}}")?;
    writeln!(out, "{}", aligned(document, &writer, &Latex, " \\\\", "\\quad"))?;
    writeln!(out, "\\end{{aligned}}\n$$")?;
    for line in legend(document.field, &writer, |math| format!("${}$", Latex.show(math))) {
        writeln!(out, "\n{line}.")?;
    }
    writeln!(out, "\n| velocity | power of h | coefficient | tree |\n|---|---|---|---|")?;
    for coordinate in &document.field.coordinates {
        let plain = Writer::unnamed(document.field);
        for term in &coordinate.terms {
            let velocity = Plain.show(&Math::Velocity(coordinate.name.clone(), None));
            let coefficient = term.coefficient.display(&document.field.parameters);
            let tree = Plain.show(&plain.vector(&term.factors)).replace('|', "\\|");
            writeln!(out, "| {velocity} | {} | `{coefficient}` | {tree} |", term.power)?;
        }
    }
    Ok(())
}
