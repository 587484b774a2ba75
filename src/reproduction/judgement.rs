//! Whether the numbers bear out what the paper says.

use std::fmt;

/// Whether the numbers bear out a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// All parts hold.
    Holds,
    /// Some parts hold, others do not or were not measured.
    InPart,
    /// No part holds.
    DoesNotHold,
    /// No part was measured.
    NotMeasured,
}

impl Judgement {
    /// Of several parts of a claim, `None` where one was not measured: a claim holds if all of them were and do.
    pub fn of<P: Copy + Into<Option<bool>>>(parts: &[P]) -> Judgement {
        let parts: Vec<Option<bool>> = parts.iter().map(|part| (*part).into()).collect();
        let count = |what| parts.iter().filter(|part| **part == Some(what)).count();
        match (count(true), count(false)) {
            (0, 0) => Judgement::NotMeasured,
            (held, _) if held == parts.len() => Judgement::Holds,
            (0, _) => Judgement::DoesNotHold,
            _ => Judgement::InPart,
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Judgement::Holds => "holds",
            Judgement::InPart => "holds in part",
            Judgement::DoesNotHold => "does not hold",
            Judgement::NotMeasured => "not measured",
        })
    }
}

/// What the runs of a figure came to, in words that are true whatever the verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Whether the claim holds.
    pub verdict: Judgement,
    /// How many of its conditions are met, and how many there are.
    pub met: (usize, usize),
    /// What is seen, a sentence with its numbers.
    pub seen: String,
    /// The number that decides, and the bound that it is held against.
    pub number: String,
    /// Other numbers; may be empty.
    pub more: String,
    /// What is seen in a few words with numbers, as a title; without it the title is the claim and the verdict.
    pub title: Option<String>,
}

impl Finding {
    pub(super) fn new<P: Copy + Into<Option<bool>>>(
        parts: &[P],
        seen: impl Into<String>,
        number: impl Into<String>,
    ) -> Finding {
        let (seen, number) = (seen.into(), number.into());
        let held = parts.iter().filter(|part| Some(true) == (**part).into()).count();
        let (verdict, met) = (Judgement::of(parts), (held, parts.len()));
        Finding { verdict, met, seen, number, more: String::new(), title: None }
    }

    /// With other numbers.
    pub(super) fn with(self, more: impl Into<String>) -> Finding {
        Finding { more: more.into(), ..self }
    }

    /// With a title of its own, if there is one.
    pub(super) fn titled(self, title: impl Into<Option<String>>) -> Finding {
        Finding { title: title.into(), ..self }
    }

    /// The same, but the claim stays the title where it holds.
    pub(super) fn titled_unless_it_holds(self, title: impl Into<Option<String>>) -> Finding {
        if self.verdict == Judgement::Holds { self } else { self.titled(title) }
    }
}
