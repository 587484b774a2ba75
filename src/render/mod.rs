//! Modified fields in the formats that people and machines read, one file an exporter.

mod coefficient;
mod document;
mod json;
mod math;
mod notation;
mod script;
mod spelling;
mod stream;
mod text;

pub use document::{Document, Layout, Part};
pub use notation::{Form, Notation};

use std::io::{self, Write};
use std::path::Path;

/// A format that `bea derive` writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Format {
    /// An equation for the terminal
    #[default]
    Text,
    /// A machine-readable list of terms
    Json,
}

impl Format {
    /// The format that a file's ending stands for.
    pub fn of_path(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "txt" => Some(Format::Text),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    /// Writes the document in this format.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write(self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let exporter: &dyn Export = match self {
            Format::Text => &text::Text,
            Format::Json => &json::Json,
        };
        exporter.write(document, out)
    }
}

/// Writes a document in one format.
trait Export {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()>;
}
