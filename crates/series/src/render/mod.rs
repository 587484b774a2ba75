//! Modified fields in the formats that people and machines read, one file an exporter.

mod display;
mod document;
mod drawing;
mod equation;
mod html;
mod json;
mod latex;
mod loss;
mod markdown;
mod mathematica;
mod notation;
mod number;
pub mod page;
mod spelling;
mod stream;
mod svg;
mod sympy;
mod text;
pub mod typed;
mod typst;

pub use document::{Content, Document, Layout, Part};
pub use notation::{Form, Notation};

use std::io::{self, Write};
use std::path::Path;

/// A format that `bea derive` writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Format {
    /// An equation for the terminal
    #[default]
    Text,
    /// An align* environment
    Latex,
    /// A display equation of Typst
    Typst,
    /// An equation and a table of terms
    Markdown,
    /// The terms for machines, one object each
    Json,
    /// A Python module with exact coefficients
    Sympy,
    /// An association
    Mathematica,
    /// Every tree drawn beside its coefficient
    Svg,
    /// A self-contained page with the equation and every tree
    Html,
}

impl Format {
    /// The format that a file's ending stands for.
    pub fn of_path(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "txt" => Some(Format::Text),
            "tex" => Some(Format::Latex),
            "typ" => Some(Format::Typst),
            "md" => Some(Format::Markdown),
            "py" => Some(Format::Sympy),
            "m" | "wl" => Some(Format::Mathematica),
            "svg" => Some(Format::Svg),
            "html" | "htm" => Some(Format::Html),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    /// Whether the format shows modified losses.
    pub fn has_modified_loss(self) -> bool {
        !matches!(self, Format::Sympy | Format::Mathematica | Format::Svg)
    }

    /// Writes the document in this format.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write(self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let exporter: &dyn Export = match self {
            Format::Text => &text::Text,
            Format::Latex => &latex::Latex,
            Format::Typst => &typst::Typst,
            Format::Markdown => &markdown::Markdown,
            Format::Sympy => &sympy::SymPy,
            Format::Mathematica => &mathematica::Mathematica,
            Format::Svg => &svg::Svg,
            Format::Html => &html::Html,
            Format::Json => &json::Json,
        };
        exporter.write(document, out)
    }
}

/// Writes a document in one format.
trait Export {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()>;
}
