//! Tables of a TOML text, read key by key, with every fault in its place.

use crate::optimizer::near;
use crate::source::{Source, SourceError};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest size that a key may give.
const LARGEST: usize = 1 << 24;

/// The text as a table.
pub(super) fn parse(source: &Source) -> Result<Spanned<DeTable<'_>>, SourceError> {
    DeTable::parse(&source.text).map_err(|error| {
        let end = source.text.len();
        let span = error.span().unwrap_or(end..end);
        source.fault(span, format!("not TOML: {}", error.message()), "here", None)
    })
}

/// One table, and what it describes.
pub(super) struct Table<'a> {
    pub(super) source: &'a Source,
    pub(super) entries: &'a DeTable<'a>,
    /// Where a missing key is missed.
    pub(super) span: Range<usize>,
    /// What the table describes: `a linear layer`.
    pub(super) what: String,
}

/// What a key is set to.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    source: &'a Source,
    key: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Table<'a> {
    /// Refuses keys other than `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), SourceError> {
        let unknown = self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name = key.get_ref();
        let message = format!("{} has no key `{name}`", self.what);
        Err(self.source.fault(key.span(), message, "unknown key", near::advice(name, known)))
    }

    /// What `key` is set to, if it is.
    pub(super) fn optional(&self, key: &'a str) -> Option<Entry<'a>> {
        self.entries.get(key).map(|value| Entry { source: self.source, key, value })
    }

    /// What `key` is set to. `example` is a line that would set it.
    pub(super) fn required(&self, key: &'a str, example: &str) -> Result<Entry<'a>, SourceError> {
        self.optional(key).ok_or_else(|| {
            let message = format!("{} needs the key `{key}`", self.what);
            let help = format!("for example `{example}`");
            self.source.fault(self.span.clone(), message, format!("no `{key}`"), Some(help))
        })
    }

    /// A size, if `key` is set.
    pub(super) fn size(&self, key: &'a str) -> Result<Option<usize>, SourceError> {
        self.optional(key).map(|entry| entry.size(1)).transpose()
    }

    /// A size.
    pub(super) fn required_size(&self, key: &'a str) -> Result<usize, SourceError> {
        self.required(key, &format!("{key} = 10"))?.size(1)
    }

    /// `true` or `false`, if `key` is set.
    pub(super) fn boolean(&self, key: &'a str) -> Result<Option<bool>, SourceError> {
        let Some(entry) = self.optional(key) else { return Ok(None) };
        match entry.value.get_ref() {
            DeValue::Boolean(value) => Ok(Some(*value)),
            _ => Err(entry.fault("must be true or false", None)),
        }
    }
}

impl<'a> Entry<'a> {
    /// The place of the value.
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The value is not what the key takes: `` `key` `` and then `must`.
    pub(super) fn fault(&self, must: &str, help: Option<String>) -> SourceError {
        self.source.fault(self.span(), format!("`{}` {must}", self.key), "this value", help)
    }

    /// There is no such `what`.
    pub(super) fn unknown(&self, what: &str, value: &str, known: &[&str]) -> SourceError {
        let message = format!("there is no {what} `{value}`");
        self.source.fault(
            self.span(),
            message,
            format!("unknown {what}"),
            near::advice(value, known),
        )
    }

    pub(super) fn string(&self) -> Result<&'a str, SourceError> {
        self.value.get_ref().as_str().ok_or_else(|| self.fault("must be a text in quotes", None))
    }

    /// One of `known`, whose spelling may differ in capitals and underscores.
    pub(super) fn choice<T: Copy>(
        &self,
        what: &str,
        known: &[(&str, T)],
    ) -> Result<T, SourceError> {
        let value = self.string()?;
        let found = known.iter().find(|(name, _)| alike(name, value));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.unknown(what, value, &names)
        })
    }

    pub(super) fn number(&self) -> Result<f64, SourceError> {
        let text = match self.value.get_ref() {
            DeValue::Integer(value) if value.radix() == 10 => value.as_str(),
            DeValue::Float(value) => value.as_str(),
            _ => return Err(self.fault("must be a number", None)),
        };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.fault("must be a finite number", None))
    }

    /// An integer from `least` on.
    pub(super) fn size(&self, least: usize) -> Result<usize, SourceError> {
        integer(self.value, least)
            .ok_or_else(|| self.fault(&format!("must be an integer from {least} to 2^24"), None))
    }

    /// An array of integers from 1 on.
    pub(super) fn sizes(&self) -> Result<Vec<usize>, SourceError> {
        let sizes = self.value.get_ref().as_array().and_then(|array| {
            array.iter().map(|value| integer(value, 1)).collect::<Option<Vec<usize>>>()
        });
        sizes.ok_or_else(|| self.fault("must be an array of integers from 1 to 2^24", None))
    }

    /// Height and width: one integer for both, or an array of two.
    pub(super) fn pair(&self, least: usize) -> Result<[usize; 2], SourceError> {
        let pair = match self.value.get_ref() {
            DeValue::Array(array) => array
                .iter()
                .map(|value| integer(value, least))
                .collect::<Option<Vec<usize>>>()
                .and_then(|pair| pair.try_into().ok()),
            _ => integer(self.value, least).map(|both| [both, both]),
        };
        let must = format!("must be an integer from {least} to 2^24, or two: [height, width]");
        pair.ok_or_else(|| self.fault(&must, None))
    }

    /// An array of tables, each described as `what`.
    pub(super) fn tables(&self, what: &str) -> Result<Vec<Table<'a>>, SourceError> {
        let must = format!("must be tables, each {what}");
        let array = self.value.get_ref().as_array().ok_or_else(|| self.fault(&must, None))?;
        let table = |value: &'a Spanned<DeValue<'a>>| {
            let entries = value.get_ref().as_table().ok_or_else(|| self.fault(&must, None))?;
            Ok(Table { source: self.source, entries, span: value.span(), what: what.into() })
        };
        array.iter().map(table).collect()
    }
}

fn integer(value: &Spanned<DeValue<'_>>, least: usize) -> Option<usize> {
    let DeValue::Integer(integer) = value.get_ref() else { return None };
    let size = usize::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    (least..=LARGEST).contains(&size).then_some(size)
}

/// Whether names are the same but for capitals, `_` and `-`: PyTorch writes `BatchNorm2d` and `ELU`.
pub(super) fn alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    plain(one) == plain(other)
}
