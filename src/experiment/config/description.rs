//! A description: a text, its size, and what is set on top of it.

use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::parse;

/// Which of the sizes of an experiment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scale {
    /// As the description says: minutes on two cores.
    #[default]
    Small,
    /// With what the table `[medium]` says instead: hours on two cores.
    Medium,
    /// With what the table `[paper]` says instead: the paper's own size.
    Paper,
}

impl Scale {
    /// The table that replaces keys of the description.
    pub(crate) fn table(self) -> Option<&'static str> {
        match self {
            Scale::Small => None,
            Scale::Medium => Some("medium"),
            Scale::Paper => Some("paper"),
        }
    }
}

/// A description of runs: a text, and what is set on top of it.
#[derive(Clone, Debug)]
pub struct Experiment {
    pub(super) source: Source,
    pub(super) scale: Scale,
    /// Each a TOML text that overrides what the others say, the first before the second.
    pub(super) set: Vec<Source>,
}

impl Experiment {
    /// Reads a description. Every text of `set` overrides keys of it: `train.lr = 0.1`.
    ///
    /// # Errors
    /// A text is not TOML. What it says is checked by [`runs`](Self::runs).
    pub fn parse(source: Source, scale: Scale, set: &[Source]) -> Result<Experiment, SourceError> {
        for text in std::iter::once(&source).chain(set) {
            parse(text)?;
        }
        Ok(Experiment { source, scale, set: set.to_vec() })
    }

    /// Whether the description says what the runs of its size have that others have not; every one has a small size.
    pub fn has_scale(&self) -> bool {
        let Some(name) = self.scale.table() else { return true };
        parse(&self.source).is_ok_and(|table| table.get_ref().contains_key(name))
    }
}
