//! Errors in texts that users write: where they are, what is wrong, what would be right.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::ops::Range;
use std::sync::Arc;

/// The most bytes that an error underlines, and that it shows on either side where the line is too long
/// to be shown whole.
const MAX_UNDERLINED: usize = 80;
const MAX_BESIDE: usize = 40;

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

    /// The last boundary of a character at or before byte `at`.
    fn boundary(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// The error `message` at the bytes `span` of this text, which are underlined with `label`; `help`
    /// says what would be right.
    pub fn fault(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> SourceError {
        let end = self.boundary(span.end.min(span.start + MAX_UNDERLINED));
        SourceError {
            message: message.into(),
            label: label.into().into(),
            help,
            span: (span.start, end.saturating_sub(span.start)).into(),
            source_code: self.clone(),
            is_missing: false,
        }
    }
}

impl SourceCode for Source {
    /// The lines around `span`, or only a part of its line if that is overlong.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let lines = self.text.read_span(span, before, after)?;
        let (mut data, mut shown, mut column) = (lines.data(), *lines.span(), lines.column());
        let (mut line, mut count) = (lines.line(), lines.line_count());
        if data.len() > 10 * MAX_UNDERLINED {
            let end = span.offset() + span.len();
            let line_start = self.text[..span.offset()].rfind('\n').map_or(0, |at| at + 1);
            let line_end = self.text[end..].find('\n').map_or(self.text.len(), |at| end + at);
            let from = line_start.max(span.offset().saturating_sub(MAX_BESIDE));
            let from = self.boundary(from);
            let to = self.boundary(line_end.min(end + MAX_BESIDE));
            let exact = self.text.read_span(span, 0, 0)?;
            data = &self.text.as_bytes()[from..to];
            shown = (from, to - from).into();
            column = self.text[line_start..from].chars().count();
            (line, count) = (exact.line(), exact.line_count());
        }
        let name = self.name.to_string();
        Ok(Box::new(MietteSpanContents::new_named(name, data, shown, line, column, count)))
    }
}

impl SourceError {
    /// The byte where the fault is.
    pub(crate) fn place(&self) -> usize {
        self.span.offset()
    }

    /// The same fault in another text that has the same bytes there.
    #[must_use]
    pub(crate) fn within(self, source: &Source) -> SourceError {
        SourceError { source_code: source.clone(), ..self }
    }
}

/// What is wrong in a text; shown with line, column and the offending text underlined.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct SourceError {
    message: String,
    label: Box<str>,
    #[help]
    help: Option<String>,
    #[label("{label}")]
    span: SourceSpan,
    #[source_code]
    source_code: Source,
    is_missing: bool,
}

impl SourceError {
    /// The same error, marked as that of something that is not there and has to be.
    pub fn of_missing(self) -> SourceError {
        SourceError { is_missing: true, ..self }
    }

    /// Whether something is not there that has to be, rather than there and wrong.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }
}
