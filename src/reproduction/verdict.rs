//! Whether the numbers bear out what the paper says.

use std::fmt;

/// Whether the numbers bear out a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All parts hold.
    Holds,
    /// Some parts hold, others do not or were not measured.
    InPart,
    /// No part holds.
    DoesNotHold,
    /// No part was measured.
    NotMeasured,
}

impl Verdict {
    /// Of several parts of a claim, `None` where one was not measured: a claim holds if all of them were and do.
    pub fn of<P: Copy + Into<Option<bool>>>(parts: &[P]) -> Verdict {
        let parts: Vec<Option<bool>> = parts.iter().map(|part| (*part).into()).collect();
        let count = |what| parts.iter().filter(|part| **part == Some(what)).count();
        match (count(true), count(false)) {
            (0, 0) => Verdict::NotMeasured,
            (held, _) if held == parts.len() => Verdict::Holds,
            (0, _) => Verdict::DoesNotHold,
            _ => Verdict::InPart,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Holds => "holds",
            Verdict::InPart => "holds in part",
            Verdict::DoesNotHold => "does not hold",
            Verdict::NotMeasured => "not measured",
        })
    }
}
