//! Modified fields of nonlinear steps in the formats that people and machines read.

mod code;
mod json;
mod layout;
mod page;
mod text;
mod typeset;

use super::Format;
use crate::typed::TypedField;
use num_rational::BigRational;
use std::io::{self, Write};

/// A field and how it is shown.
#[derive(Clone, Debug)]
pub struct TypedDocument<'a> {
    /// The field.
    pub field: &'a TypedField,
    /// The parameters that were given values.
    pub values: Vec<(String, BigRational)>,
    /// How many characters a line of text has.
    pub width: usize,
    /// How many digits of its font a typeset line has.
    pub line: usize,
}

impl TypedDocument<'_> {
    /// The optimizer with the values of its parameters, and what is shown of it.
    pub fn heading(&self) -> String {
        let given = self.values.iter().map(|(name, value)| format!("{name} = {value}"));
        let all: Vec<String> = self.field.parameters.iter().cloned().chain(given).collect();
        let values = if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) };
        let step = match self.field.step {
            Some(n) => format!(", with the bias corrections of step {n}"),
            None => String::new(),
        };
        format!(
            "{}{values}: modified field to order {}{step}",
            self.field.optimizer, self.field.order
        )
    }
}

/// Writes a field in one format.
///
/// # Errors
/// Only those of `out`.
pub fn write(format: Format, document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(document, out),
        Format::Latex => typeset::latex(document, out),
        Format::Typst => typeset::typst(document, out),
        Format::Markdown => typeset::markdown(document, out),
        Format::Json => json::write(document, out),
        Format::Sympy => code::sympy(document, out),
        Format::Mathematica => code::mathematica(document, out),
        Format::Svg => page::svg(document, out),
        Format::Html => page::html(document, out),
    }
}
