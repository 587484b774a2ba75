//! Faults in texts that users write: where they are, what is wrong, what would be right.

use std::ops::Range;
use std::sync::Arc;

/// A text to be parsed and the name it is known by.
#[derive(Clone, Debug)]
pub struct Source {
    /// File name, or a description such as `command line`.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// A text with a name.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Source {
        Source { name: name.into(), text: text.into() }
    }

    /// A fault at the bytes `span` of this text.
    pub fn fault(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> SourceError {
        SourceError {
            message: message.into(),
            label: label.into(),
            help,
            span: (span.start, span.len()).into(),
            source_code: Arc::new(miette::NamedSource::new(&self.name, self.text.to_string())),
        }
    }
}

/// What is wrong in a text; shown with line, column and the offending text underlined.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct SourceError {
    message: String,
    label: String,
    #[help]
    help: Option<String>,
    #[label("{label}")]
    span: miette::SourceSpan,
    #[source_code]
    source_code: Arc<miette::NamedSource<String>>,
}
