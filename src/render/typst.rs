//! An equation for Typst.

use super::Export;
use super::document::Document;
use super::equation::{Rest, Setting, rest};
use super::math::Math;
use super::script::{self, Script};
use std::io::{self, Write};

/// A display equation, aligned at its equals sign.
pub(super) struct Typst;

impl Export for Typst {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        writeln!(out, "// {}", document.heading())?;
        for (space, name) in document.field.spaces.iter().enumerate() {
            let rows = SETTING.rows(document, space, &script::Typst);
            if document.tree.is_some() {
                rows.iter().try_for_each(|row| writeln!(out, "$ {row} $"))?;
                continue;
            }
            let velocity = script::Typst.show(&Math::Velocity(name.clone()));
            write!(out, "$ {velocity} = ")?;
            rows.iter().try_for_each(|row| writeln!(out, "& {row} \\"))?;
            match rest(document) {
                Rest::Order(power) => {
                    let power = script::Typst.show(&Math::power(Math::name("h"), power.into()));
                    writeln!(out, "& + O({power}) $")?;
                }
                Rest::Nodes(nodes) => {
                    writeln!(out, "& + \"trees with more than {nodes} nodes\" $")?;
                }
                Rest::Unasked => writeln!(out, "& + dots.c $")?,
            }
        }
        document.verdict_lines().iter().try_for_each(|line| writeln!(out, "// {line}"))
    }
}

const SETTING: Setting = Setting {
    space: " ",
    align: "& ",
    newline: "\\",
    // Escaped brackets do not have to close on the line where they open.
    brackets: ("\\( ", " \\)"),
    indent: "quad ",
    width: 160,
};
