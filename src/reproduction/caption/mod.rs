//! The caption of a figure, for somebody who sees it first: what is drawn, what the paper says, what is seen here, the
//! number that decides, the verdict, and what every symbol means.

mod setting;
mod title;
mod words;

use super::judgement::{Finding, Judgement};
use std::fmt;

pub(super) use setting::{data_in_words, network_in_words};
#[cfg(test)]
pub(super) use title::SENTENCES;

/// What a figure shows, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caption {
    /// `fig10`.
    pub id: &'static str,
    /// What is drawn, with every abbreviation spelled out where it comes first.
    pub shows: String,
    /// What the paper says that it shows.
    pub claim: &'static str,
    /// What is seen here, in a sentence with numbers.
    pub seen: String,
    /// The number that decides, and the bound that it is held against.
    pub number: String,
    /// Whether the claim holds.
    pub verdict: Judgement,
    /// On what it was measured; may be empty.
    pub setting: String,
    /// Other numbers; may be empty.
    pub more: String,
}

impl Caption {
    pub(super) fn new(
        id: &'static str,
        shows: &str,
        claim: &'static str,
        finding: Finding,
        setting: String,
    ) -> Caption {
        let Finding { verdict, seen, number, more } = finding;
        let shows = words::spelled_out(shows);
        Caption { id, shows, claim, seen, number, verdict, setting, more }
    }

    /// `Figure 10. A sentence`, the title of the picture: what is seen here, in a few words.
    pub fn title(&self) -> String {
        title::of(self.id, self.claim, self.verdict)
    }

    /// What the symbols of the caption mean.
    pub fn symbols(&self) -> String {
        let title = self.title();
        let said = [&title, &self.shows, self.claim, &self.seen, &self.number];
        let parts = [&said[..], &[&self.setting, &self.more]].concat();
        words::meanings(&parts.join("\n"))
    }
}

impl fmt::Display for Caption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "shows:   {}", self.shows)?;
        writeln!(out, "claim:   {}", self.claim)?;
        writeln!(out, "seen:    {}", self.seen)?;
        writeln!(out, "number:  {}", self.number)?;
        write!(out, "verdict: {}", self.verdict)?;
        let symbols = self.symbols();
        let rest = [("setting", &self.setting), ("where", &symbols), ("more", &self.more)];
        for (name, text) in rest.into_iter().filter(|(_, text)| !text.is_empty()) {
            write!(out, "\n{:<9}{text}", format!("{name}:"))?;
        }
        Ok(())
    }
}
