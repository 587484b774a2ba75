//! An equation for LaTeX with amsmath, and for KaTeX.

use super::Export;
use super::display::Display;
use super::document::{Content, Document};
use super::equation::{Rest, Setting, rest};
use super::loss::{corrections, obstructions};
use crate::formula::{self as script, Math, Script, Sentence};
use std::io::{self, Write};

/// An `align*` environment.
pub(super) struct Latex;

impl Export for Latex {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        writeln!(out, "% {}", document.heading())?;
        if document.content == Content::ModifiedLoss {
            writeln!(out, "\\begin{{align*}}")?;
            let sentences = modified_loss(document, out)?;
            writeln!(out, "\\end{{align*}}")?;
            return sentences.iter().try_for_each(|line| writeln!(out, "{line}"));
        }
        for (space, name) in document.field.spaces.iter().enumerate() {
            if document.tree().is_some() {
                for row in setting(document.layout.line).rows(document, space, &script::Latex) {
                    writeln!(out, "\\[ {row} \\]")?;
                }
                continue;
            }
            let mut rows = Vec::new();
            equation(document, space, name, &mut rows)?;
            // What does not fit on a page is broken across several.
            let is_long = rows.iter().filter(|byte| **byte == b'\n').count() > PAGE;
            let (open, close) = if is_long { ("{\\allowdisplaybreaks\n", "}") } else { ("", "") };
            writeln!(out, "{open}\\begin{{align*}}")?;
            out.write_all(&rows)?;
            writeln!(out, "\\end{{align*}}{close}")?;
        }
        let line = document.layout.line;
        document.closing().iter().try_for_each(|s| writeln!(out, "\n{}", sentence(s, line)))
    }
}

/// How many rows surely fit on a page.
const PAGE: usize = 16;

/// A sentence as a paragraph, for lines that are so wide.
fn sentence(sentence: &Sentence, line: usize) -> String {
    let words = |text: &str| text.replace('_', "\\_").replace('…', "\\ldots ");
    let inline = |formula: &Math| format!("${}$", script::Latex.show(formula));
    let display = |formulas: &[Math], mark: &str| {
        let display = Display {
            setting: setting(line),
            around: ("\\begin{aligned}[b]\n", "\n\\end{aligned}"),
            equals: " ={}&",
        };
        let rows = display.write(formulas, line as f64, ", \\qquad ", &script::Latex);
        match rows.as_slice() {
            [row] => format!("\n\\[ {row}{mark} \\]\n"),
            rows => {
                format!("\n\\begin{{gather*}}\n{}{mark}\n\\end{{gather*}}\n", rows.join(", \\\\\n"))
            }
        }
    };
    sentence.paragraph(words, inline, display)
}

/// How rows are set that are so wide.
fn setting(width: usize) -> Setting<'static> {
    Setting {
        space: "\\,",
        times: "\\cdot ",
        align: "&",
        newline: " \\\\",
        brackets: ("\\Bigl(", "\\Bigr)"),
        inner: ("\\bigl(", "\\bigr)"),
        indent: "\\qquad{}",
        measure: Math::width,
        // The left-hand side stands before all rows.
        width: width as f64 - 5.0,
    }
}

/// The rows of an aligned equation.
pub(super) fn equation(
    document: &Document,
    space: usize,
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let left = document.left(name);
    write_rows(&left, &setting(document.layout.line).rows(document, space, &script::Latex), out)?;
    match rest(document) {
        Rest::Order(power) => {
            let power = script::Latex.show(&Math::power(Math::name("h"), power.into()));
            writeln!(out, "&{{}}+ O({power})")
        }
        Rest::Nodes(nodes) => {
            writeln!(out, "&{{}}+ \\text{{trees with more than {nodes} nodes}}")
        }
        Rest::Unasked => writeln!(out, "&{{}}+ \\cdots"),
    }
}

fn write_rows(left: &Math, rows: &[String], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{} ={{}}", script::Latex.show(left))?;
    for (i, row) in rows.iter().enumerate() {
        writeln!(out, "&{}{row} \\\\", if i > 0 { "{}" } else { "" })?;
    }
    Ok(())
}

/// The rows of the modified loss; returns the sentences on what is no gradient.
pub(super) fn modified_loss(document: &Document, out: &mut dyn Write) -> io::Result<Vec<String>> {
    let corrections: Vec<_> = corrections(document).collect();
    let show = |formula: &Math| format!("${}$", script::Latex.show(formula));
    let sentences = obstructions(document, &corrections, show);
    let rows =
        setting(document.layout.line).write(super::loss::rows(corrections), false, &script::Latex);
    write_rows(&Math::Modified("E".into()), &rows, out)?;
    writeln!(out, "&{{}}+ \\cdots")?;
    Ok(sentences)
}
