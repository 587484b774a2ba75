//! Equations for LaTeX, Typst and Markdown.

use super::TypedDocument;
use super::abbreviation::Definition;
use super::equations::Equations;
use super::layout::Writer;
use super::loss::obstructions;
use super::text::legend;
use crate::formula::{Latex, Math, Plain, Script, Typst};
use std::io::{self, Write};

/// How a script sets equations.
struct Setting<'s> {
    script: &'s dyn Shown,
    /// Where a row ends.
    newline: &'s str,
    /// What a row after the first is indented by.
    quad: &'s str,
    /// Between factors and terms.
    space: &'s str,
    /// Brackets that need not close on the line where they open.
    brackets: (&'s str, &'s str),
    /// The same around what is as high as a line of text.
    small: (&'s str, &'s str),
}

const LATEX: Setting<'_> = Setting {
    script: &Latex,
    newline: " \\\\",
    quad: "\\quad",
    space: "\\, ",
    brackets: ("\\Bigl(", "\\Bigr)"),
    small: ("(", ")"),
};

const TYPST: Setting<'_> = Setting {
    script: &Typst,
    newline: " \\",
    // A sign stands between two things only if there is something before it.
    quad: "quad \"\" ",
    space: " thin ",
    // Escaped, they do not have to close where they open, but have to be told how high they are.
    brackets: ("lr(\\(, size: #1.9em) ", " lr(\\), size: #1.9em)"),
    small: ("\\( ", " \\)"),
};

/// A script that can stand behind a reference.
trait Shown {
    fn shown(&self, math: &Math) -> String;
}

impl<S: Script> Shown for S {
    fn shown(&self, math: &Math) -> String {
        self.show(math)
    }
}

/// What stands on a line, and how wide it is.
struct Piece {
    text: String,
    width: f64,
}

/// Around brackets and signs.
const SIGN: f64 = 2.4;
/// What a broken line is indented by.
const INDENT: f64 = 6.0;

impl Setting<'_> {
    /// `left &= term` and `&\quad + term`, one a row.
    fn aligned(&self, document: &TypedDocument, equations: &Equations) -> String {
        let mut rows = Vec::new();
        // Definitions come first where there are many.
        for (name, value) in equations.definitions.iter().filter(|_| equations.is_abbreviated) {
            let left = self.script.shown(&Math::name(name));
            rows.push(format!("{left} &= {}", self.broken("", value, equations.line)));
        }
        for (left, orders) in &equations.coordinates {
            let mut left = Some(left);
            for (negative, term) in orders.iter().flatten() {
                rows.push(match left.take() {
                    Some(left) => {
                        let minus = if *negative { "-" } else { "" };
                        let row = self.broken(minus, term, equations.line);
                        format!("{} &= {row}", self.script.shown(left))
                    }
                    None => {
                        let sign = if *negative { "- " } else { "+ " };
                        format!("&{} {}", self.quad, self.broken(sign, term, equations.line))
                    }
                });
            }
            if let Some(left) = left {
                rows.push(format!("{} &= 0", self.script.shown(left)));
            }
            rows.push(format!("&{} + {}", self.quad, self.script.shown(&document.rest())));
        }
        rows.join(&format!("{}\n", self.newline))
    }

    /// A formula, broken between factors and the terms of long sums where it is wider than a line.
    fn broken(&self, sign: &str, math: &Math, line: f64) -> String {
        let is_wide = math.width() + SIGN > line;
        let mut pieces = Vec::new();
        self.pieces(math, &mut pieces);
        let (mut text, mut filled) = (sign.to_string(), SIGN);
        for (i, piece) in pieces.into_iter().enumerate() {
            if i > 0 && is_wide && filled + piece.width > line {
                text.push_str(&format!("{}\n&{q}{q} ", self.newline, q = self.quad));
                filled = INDENT;
            } else if i > 0 {
                text.push_str(if piece.text.starts_with(['+', '-']) { " " } else { self.space });
            }
            filled += piece.width;
            text.push_str(&piece.text);
        }
        text
    }

    fn pieces(&self, math: &Math, out: &mut Vec<Piece>) {
        match math {
            Math::Contraction(parts) => parts.iter().for_each(|part| self.pieces(part, out)),
            Math::Group(inner) if matches!(**inner, Math::LongSum(_)) => {
                let first = out.len();
                self.pieces(inner, out);
                let (open, close) = if inner.is_tall() { self.brackets } else { self.small };
                if let Some(piece) = out.get_mut(first) {
                    piece.text.insert_str(0, open);
                    piece.width += 1.0;
                }
                if let Some(piece) = out.last_mut() {
                    piece.text.push_str(close);
                    piece.width += 1.0;
                }
            }
            Math::Sum(terms) | Math::LongSum(terms) => {
                for (i, (negative, term)) in terms.iter().enumerate() {
                    let at = out.len();
                    self.pieces(term, out);
                    let sign = match (negative, i) {
                        (true, 0) => "-",
                        (false, 0) => "",
                        (true, _) => "- ",
                        (false, _) => "+ ",
                    };
                    out[at].text.insert_str(0, sign);
                    out[at].width += if i > 0 { SIGN } else { 0.0 };
                }
            }
            other => out.push(Piece { text: self.script.shown(other), width: other.width() + 0.5 }),
        }
    }

    /// What is defined beside the equations rather than in a row of its own.
    fn beside<'e>(&self, equations: &'e Equations) -> &'e [Definition] {
        if equations.is_abbreviated { &[] } else { &equations.definitions }
    }
}

/// An `align*` environment.
pub(super) fn latex(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let equations = Equations::new(document);
    writeln!(out, "% {}", document.heading())?;
    if !equations.coordinates.is_empty() {
        writeln!(out, "{{\\allowdisplaybreaks\n\\begin{{align*}}")?;
        writeln!(out, "{}", LATEX.aligned(document, &equations))?;
        writeln!(out, "\\end{{align*}}}}")?;
    }
    for line in legend(document, LATEX.beside(&equations), |math| format!("${}$", Latex.show(math)))
    {
        writeln!(out, "\n{}.", texttt(&line))?;
    }
    for line in obstructions(document, |math| format!("${}$", Latex.show(math))) {
        writeln!(out, "\n{}", line.replace('·', "$\\cdot$"))?;
    }
    Ok(())
}

/// Words in backticks in typewriter letters.
fn texttt(line: &str) -> String {
    let letters = |part: &str| part.replace('_', "\\_").replace('^', "\\textasciicircum{}");
    let part = |(i, part): (usize, &str)| {
        if i % 2 == 1 { format!("\\texttt{{{}}}", letters(part)) } else { part.to_string() }
    };
    line.split('`').enumerate().map(part).collect()
}

/// A display equation, aligned at its equals sign.
pub(super) fn typst(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let equations = Equations::new(document);
    writeln!(out, "// {}", document.heading())?;
    if !equations.coordinates.is_empty() {
        writeln!(out, "$ {} $", TYPST.aligned(document, &equations))?;
    }
    for line in legend(document, TYPST.beside(&equations), |math| format!("${}$", Typst.show(math)))
    {
        writeln!(out, "\n{line}.")?;
    }
    for line in obstructions(document, |math| format!("${}$", Typst.show(math))) {
        writeln!(out, "\n{}", line.replace('[', "\\[").replace(']', "\\]"))?;
    }
    Ok(())
}

/// An equation in LaTeX, and a table of terms.
pub(super) fn markdown(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let equations = Equations::new(document);
    writeln!(out, "# {}\n", document.heading())?;
    if !equations.coordinates.is_empty() {
        writeln!(out, "$$\n\\begin{{aligned}}")?;
        writeln!(out, "{}", LATEX.aligned(document, &equations))?;
        writeln!(out, "\\end{{aligned}}\n$$")?;
    }
    for line in legend(document, LATEX.beside(&equations), |math| format!("${}$", Latex.show(math)))
    {
        writeln!(out, "\n{line}.")?;
    }
    for line in obstructions(document, |math| format!("${}$", Latex.show(math))) {
        writeln!(out, "\n{line}")?;
    }
    writeln!(out, "\n| velocity | power of h | coefficient | tree |\n|---|---|---|---|")?;
    for coordinate in &document.field.coordinates {
        let plain = Writer::unnamed(document.field);
        for term in &coordinate.terms {
            let velocity = Plain.show(&document.left(coordinate));
            let coefficient = term.coefficient.display(&document.field.parameters);
            let tree = Plain.show(&plain.vector(&term.factors)).replace('|', "\\|");
            writeln!(out, "| {velocity} | {} | `{coefficient}` | {tree} |", term.power)?;
        }
    }
    Ok(())
}
