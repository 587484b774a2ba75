//! What a file says and is not used, or may be meant otherwise: said on the standard error, where it is no part of a result.

use super::output;
use std::fmt::Display;

/// A line for each.
pub(super) fn say(notes: impl IntoIterator<Item = impl Display>) {
    for note in notes {
        output::to_stderr(&format!("note: {note}\n"));
    }
}
