//! What is wrong in a text, for a page that underlines it.

use bea_series::derivation::Refusal;
use miette::Diagnostic;
use serde::Serialize;
use std::error::Error;

/// A message, and the place in the text that it is about, if it has one.
#[derive(Serialize, Debug)]
pub(crate) struct Fault {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(flatten)]
    place: Option<Place>,
}

/// Units of UTF-16, from `start` to before `end`.
#[derive(Serialize, Debug)]
struct Place {
    label: String,
    start: usize,
    end: usize,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        let cause = refusal.source().map(|cause| cause.to_string());
        Fault {
            message: refusal.to_string(),
            help: refusal.help().map(|help| help.to_string()).or(cause),
            place: None,
        }
    }
}

impl Fault {
    pub fn without_place(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), help: None, place: None }
    }

    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Fault {
        Fault { help: Some(help.into()), ..self }
    }

    /// The fault that `error` finds in `text`.
    pub fn of(error: &dyn Diagnostic, text: &str) -> Fault {
        let units = |bytes: usize| text.get(..bytes).map(|before| before.encode_utf16().count());
        let label = error.labels().and_then(|mut labels| labels.next());
        let place = label.and_then(|label| {
            let (start, end) = (units(label.offset())?, units(label.offset() + label.len())?);
            Some(Place { label: label.label().unwrap_or_default().into(), start, end })
        });
        Fault { message: error.to_string(), help: error.help().map(|help| help.to_string()), place }
    }
}
