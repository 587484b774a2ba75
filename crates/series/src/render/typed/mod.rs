//! Modified fields of nonlinear steps in the formats that people and machines read.

mod abbreviation;
mod code;
mod equations;
mod json;
mod layout;
mod loss;
mod page;
mod text;
mod typeset;

use super::Format;
use crate::formula::Math;
use crate::typed::{TypedCoordinate, TypedField, TypedPotential};
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
    /// What each order is the gradient of: the modified loss is shown instead of the field.
    pub potentials: Option<&'a [TypedPotential]>,
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
        let what = if self.potentials.is_some() { "loss" } else { "field" };
        format!(
            "{}{values}: modified {what} to order {}{step}",
            self.field.optimizer, self.field.order
        )
    }

    /// What stands on the left of an equation.
    fn left(&self, coordinate: &TypedCoordinate) -> Math {
        match self.potentials {
            Some(_) => Math::Modified(coordinate.name.clone()),
            None => Math::Velocity(coordinate.name.clone(), None),
        }
    }

    /// What stands at the end of an equation for all that is not shown.
    fn rest(&self) -> Math {
        match self.potentials {
            Some(_) => Math::Dots,
            None => Math::function("O", Math::power(Math::name("h"), self.field.order as i64 + 1)),
        }
    }
}

/// Writes a field in one format.
///
/// # Errors
/// Those of `out`; a modified loss in a format that shows none ([`Format::has_modified_loss`]), and code for SymPy or
/// Mathematica of a field with functions of matrices ([`TypedField::has_matrices`]).
pub fn write(format: Format, document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    if document.potentials.is_some() && !format.has_modified_loss() {
        let message = "this format cannot show a modified loss";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if matches!(format, Format::Sympy | Format::Mathematica) && document.field.has_matrices() {
        let message = "this format cannot show functions of matrices";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    // A loss is written as a field of one number.
    let loss = document.potentials.map(|potentials| loss::of(document.field, potentials));
    let shown = loss.as_ref().map(|loss| TypedDocument { field: loss, ..document.clone() });
    let document = shown.as_ref().unwrap_or(document);
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
