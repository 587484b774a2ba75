//! An equation for Typst.

use super::Export;
use super::display::Display;
use super::document::{Content, Document};
use super::equation::{Rest, Setting, rest};
use super::loss::{self, corrections, obstructions};
use crate::formula::{self as script, Math, Script, Sentence};
use std::io::{self, Write};

/// A display equation, aligned at its equals sign.
pub(super) struct Typst;

impl Export for Typst {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        writeln!(out, "// {}", document.heading())?;
        if document.content == Content::ModifiedLoss {
            return modified_loss(document, out);
        }
        for (space, name) in document.field.spaces.iter().enumerate() {
            let rows = setting(document.layout.line).rows(document, space, &script::Typst);
            if document.tree().is_some() {
                rows.iter().try_for_each(|row| writeln!(out, "$ {row} $"))?;
                continue;
            }
            write!(out, "$ {} = ", script::Typst.show(&document.left(name)))?;
            write_rows(&rows, out)?;
            match rest(document) {
                Rest::Order(power) => {
                    let power = script::Typst.show(&Math::power(Math::name("h"), power.into()));
                    writeln!(out, "{NEXT}+ O({power}) $")?;
                }
                Rest::Nodes(nodes) => {
                    writeln!(out, "{NEXT}+ \"trees with more than {nodes} nodes\" $")?;
                }
                Rest::Unasked => writeln!(out, "{NEXT}+ dots.c $")?,
            }
        }
        let line = document.layout.line;
        document.closing().iter().try_for_each(|s| writeln!(out, "\n{}", sentence(s, line)))
    }
}

/// Where a row after the first begins: a sign stands between two things only if there is something before it.
const NEXT: &str = "& \"\" ";

/// The rows of an equation, whose left-hand side stands before the first.
fn write_rows(rows: &[String], out: &mut dyn Write) -> io::Result<()> {
    rows.iter().enumerate().try_for_each(|(i, row)| {
        let align = if i == 0 { "& " } else { NEXT };
        writeln!(out, "{align}{row} \\")
    })
}

/// A sentence as a paragraph, for lines that are so wide.
fn sentence(sentence: &Sentence, line: usize) -> String {
    let words = |text: &str| text.replace('[', "\\[").replace(']', "\\]").replace('_', "\\_");
    let inline = |formula: &Math| format!("${}$", script::Typst.show(formula));
    let display = |formulas: &[Math], mark: &str| {
        let display = Display { setting: setting(line), around: ("", ""), equals: " = & " };
        let rows = display.write(formulas, line as f64, ", quad ", &script::Typst);
        format!("\n$ {}{mark} $\n", rows.join(", $\n$ "))
    };
    sentence.paragraph(words, inline, display)
}

/// How rows are set that are so wide.
fn setting(width: usize) -> Setting<'static> {
    Setting {
        space: " thin ",
        times: "dot ",
        align: "& ",
        newline: " \\",
        // Escaped brackets do not have to close on the line where they open, but have to be told how high they are.
        brackets: ("lr(\\(, size: #1.9em) ", " lr(\\), size: #1.9em)"),
        inner: ("\\( ", " \\)"),
        // With something before the sign, as in NEXT.
        indent: "quad \"\" ",
        measure: Math::width,
        // The left-hand side stands before all rows.
        width: width as f64 - 5.0,
    }
}

fn modified_loss(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let corrections: Vec<_> = corrections(document).collect();
    let show = |formula: &Math| format!("${}$", script::Typst.show(formula));
    let sentences = obstructions(document, &corrections, show);
    write!(out, "$ {} = ", script::Typst.show(&Math::Modified("E".into())))?;
    let rows = setting(document.layout.line).write(loss::rows(corrections), false, &script::Typst);
    write_rows(&rows, out)?;
    writeln!(out, "{NEXT}+ dots.c $")?;
    sentences.iter().try_for_each(|line| writeln!(out, "\n{line}"))
}
