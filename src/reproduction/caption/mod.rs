//! The caption of a figure, for somebody who sees it first: what is drawn, what the paper says, what is seen here, the
//! number that decides, the verdict, and what every symbol means.

mod number;
mod setting;
mod title;
mod words;

use super::judgement::{Finding, Judgement};
use std::fmt;

pub(super) use number::number;
pub(super) use setting::{data_in_words, network_in_short, network_in_words};

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
    /// How many of the conditions that decide are met, and how many there are.
    pub met: (usize, usize),
    /// On what it was measured; may be empty.
    pub setting: String,
    /// Other numbers; may be empty.
    pub more: String,
    /// The title, if not the claim with its verdict.
    own_title: Option<String>,
}

impl Caption {
    pub(super) fn new(
        id: &'static str,
        shows: &str,
        claim: &'static str,
        finding: Finding,
        setting: String,
    ) -> Caption {
        let Finding { verdict, met, seen, number, more, title } = finding;
        let shows = words::spelled_out(shows);
        let own_title = title.filter(|_| verdict != Judgement::NotMeasured);
        Caption { id, shows, claim, seen, number, verdict, met, setting, more, own_title }
    }

    /// `Figure 10. A sentence`, the title of the picture: what is seen here, in a few words.
    pub fn title(&self) -> String {
        title::of(self.id, self.claim, self.verdict, self.own_title.as_deref())
    }

    /// Its parts by name, those that are empty left out.
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let parts = [
            ("shows", self.shows.clone()),
            ("claim", self.claim.into()),
            ("seen", self.seen.clone()),
            ("number", self.number.clone()),
            ("verdict", self.verdict_in_full()),
            ("setting", self.setting.clone()),
            ("where", self.symbols()),
            ("more", self.more.clone()),
        ];
        parts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }

    /// `holds in part (1 of 4 conditions)`: the verdict, and what makes it one in part.
    pub fn verdict_in_full(&self) -> String {
        match (self.verdict, self.met) {
            (Judgement::InPart, (met, all)) => {
                format!("{} ({met} of {all} conditions)", self.verdict)
            }
            (verdict, _) => verdict.to_string(),
        }
    }

    /// Which paper is meant, and what the symbols of the caption mean.
    pub fn symbols(&self) -> String {
        let (title, verdict) = (self.title(), self.verdict.to_string());
        let said = [&title, &self.shows, self.claim, &self.seen, &self.number, &verdict];
        let parts = [&said[..], &[&self.setting, &self.more]].concat();
        format!("{PAPER}; {}", words::meanings(&parts.join("\n")))
    }
}

/// The paper of the figures.
const PAPER: &str = "the paper is Rosca, Wu, Qin and Dherin, “On a continuous time model of gradient descent dynamics and \
                     instability in deep learning”, Transactions on Machine Learning Research, 2023";

/// The columns of a caption as text, and where they begin after the name of a part.
const WIDTH: usize = 100;
const INDENT: usize = 9;

/// Its parts in lines of [`WIDTH`] columns.
impl fmt::Display for Caption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, text)) in self.parts().iter().enumerate() {
            let mut column = INDENT;
            write!(out, "{}{:<INDENT$}", if i > 0 { "\n" } else { "" }, format!("{name}:"))?;
            for word in text.split(' ') {
                let length = word.chars().count();
                if column > INDENT && column + 1 + length > WIDTH {
                    write!(out, "\n{:INDENT$}", "")?;
                    column = INDENT;
                } else if column > INDENT {
                    write!(out, " ")?;
                    column += 1;
                }
                write!(out, "{word}")?;
                column += length;
            }
        }
        Ok(())
    }
}
