//! An equation for LaTeX with amsmath, and for KaTeX.

use super::Export;
use super::document::Document;
use super::equation::{Rest, Setting, rest};
use super::math::Math;
use super::script::{self, Script};
use std::io::{self, Write};

/// An `align*` environment.
pub(super) struct Latex;

impl Export for Latex {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        writeln!(out, "% {}", document.heading())?;
        for (space, name) in document.field.spaces.iter().enumerate() {
            if document.tree.is_some() {
                for row in SETTING.rows(document, space, &script::Latex) {
                    writeln!(out, "\\[ {row} \\]")?;
                }
                continue;
            }
            writeln!(out, "\\begin{{align*}}")?;
            equation(document, space, name, out)?;
            writeln!(out, "\\end{{align*}}")?;
        }
        document.verdict_lines().iter().try_for_each(|line| writeln!(out, "% {line}"))
    }
}

const SETTING: Setting = Setting {
    space: "\\,",
    align: "&",
    newline: "\\\\",
    brackets: ("\\Bigl(", "\\Bigr)"),
    indent: "\\qquad",
    width: 140,
};

/// The rows of an aligned equation.
pub(super) fn equation(
    document: &Document,
    space: usize,
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let velocity = script::Latex.show(&Math::Velocity(name.into()));
    write!(out, "{velocity} ={{}}")?;
    for (i, row) in SETTING.rows(document, space, &script::Latex).iter().enumerate() {
        writeln!(out, "&{}{row} \\\\", if i > 0 { "{}" } else { "" })?;
    }
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
