//! Tables of a TOML text, read key by key, with errors that point at the value or the table.

use crate::text::near::{self, Absent};
use crate::text::number::parse_value;
use crate::text::pasted;
use crate::text::source::{Source, SourceError};
use num_traits::ToPrimitive;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest size that a key can be set to.
const LARGEST: usize = 1 << 24;

/// The text as a table.
///
/// # Errors
/// If the text is not TOML.
pub fn parse(source: &Source) -> Result<Spanned<DeTable<'_>>, SourceError> {
    DeTable::parse(&source.text).map_err(|error| {
        let end = source.text.len();
        let span = error.span().unwrap_or(end..end);
        let help = source.text.get(span.clone()).and_then(pasted::advice);
        source.fault(span, format!("not TOML: {}", error.message()), "here", help)
    })
}

/// One table, and what it describes.
#[derive(Clone)]
pub struct Table<'a> {
    /// The whole text.
    pub source: &'a Source,
    /// What its keys are set to.
    pub entries: &'a DeTable<'a>,
    /// The bytes that the error of a missing key underlines.
    pub span: Range<usize>,
    /// What the table describes, for errors: `a linear layer`.
    pub what: String,
}

/// What a key is set to.
#[derive(Clone)]
pub struct Entry<'a> {
    source: &'a Source,
    key: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Table<'a> {
    /// Checks that all keys are among `known`.
    ///
    /// # Errors
    /// At the first key that is not, with the known names that resemble it.
    pub fn only(&self, known: &[&str]) -> Result<(), SourceError> {
        let unknown = self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name = key.get_ref();
        let message = format!("{} has no key `{name}`", self.what);
        Err(self.source.fault(key.span(), message, "unknown key", near::advice(name, known)))
    }

    /// The keys, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(|key| key.get_ref().as_ref())
    }

    /// What `key` is set to, if it is.
    pub fn optional(&self, key: &'a str) -> Option<Entry<'a>> {
        self.entries.get(key).map(|value| Entry { source: self.source, key, value })
    }

    /// What `key` is set to, as TOML on one line.
    pub fn written(&self, key: &str) -> Option<String> {
        self.entries.get(key).map(|value| inline(value.get_ref()))
    }

    /// What `key` is set to. `example` is a line that would set it.
    ///
    /// # Errors
    /// If it is not set.
    pub fn required(&self, key: &'a str, example: &str) -> Result<Entry<'a>, SourceError> {
        self.optional(key).ok_or_else(|| self.missing(key, example))
    }

    /// The error that `key` is missing. `example` is a line that would set it.
    pub fn missing(&self, key: &str, example: &str) -> SourceError {
        let message = format!("{} needs the key `{key}`", self.what);
        let help = format!("for example `{example}`");
        self.source
            .fault(self.span.clone(), message, format!("no `{key}`"), Some(help))
            .of_missing()
    }

    /// An integer from 1 to 2^24, if `key` is set.
    ///
    /// # Errors
    /// If it is set to anything else.
    pub fn size(&self, key: &'a str) -> Result<Option<usize>, SourceError> {
        self.optional(key).map(|entry| entry.size(1)).transpose()
    }

    /// An integer from 1 to 2^24.
    ///
    /// # Errors
    /// If `key` is not set, or to anything else.
    pub fn required_size(&self, key: &'a str) -> Result<usize, SourceError> {
        self.required(key, &format!("{key} = 10"))?.size(1)
    }

    /// `true` or `false`, if `key` is set.
    ///
    /// # Errors
    /// If it is set to anything else.
    pub fn boolean(&self, key: &'a str) -> Result<Option<bool>, SourceError> {
        self.optional(key).map(|entry| entry.boolean()).transpose()
    }
}

impl<'a> Entry<'a> {
    /// The bytes of the value.
    pub fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The error that the value is not what the key takes: `` `key` ``, then `must`.
    pub fn fault(&self, must: &str, help: Option<String>) -> SourceError {
        self.source.fault(self.span(), format!("`{}` {must}", self.key), "this value", help)
    }

    /// The error that there is no `what` named `value`, with the `known` names that resemble it.
    pub fn unknown(&self, what: &str, value: &str, known: &[&str]) -> SourceError {
        self.unknown_or(what, value, known, &[])
    }

    /// The same, with what to do instead if the name is one of `absent`.
    pub fn unknown_or(
        &self,
        what: &str,
        value: &str,
        known: &[&str],
        absent: &[Absent],
    ) -> SourceError {
        let message = format!("there is no {what} `{value}`");
        let help = near::instead(value, absent).or_else(|| near::advice(value, known));
        self.source.fault(self.span(), message, format!("unknown {what}"), help)
    }

    /// A text in quotes.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn string(&self) -> Result<&'a str, SourceError> {
        self.value.get_ref().as_str().ok_or_else(|| self.fault("must be a text in quotes", None))
    }

    /// What `known` has beside the value, a text that may differ from the name there in capitals, `_` and
    /// `-`.
    ///
    /// # Errors
    /// If the value is no text, or no such name.
    pub fn choice<T: Copy>(&self, what: &str, known: &[(&str, T)]) -> Result<T, SourceError> {
        let value = self.string()?;
        let found = known.iter().find(|(name, _)| alike(name, value));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.unknown(what, value, &names)
        })
    }

    /// A finite number: `0.2`, or an exact number as a text, `"1/5"`.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn number(&self) -> Result<f64, SourceError> {
        let text = match self.value.get_ref() {
            DeValue::Integer(value) if value.radix() == 10 => value.as_str(),
            DeValue::Float(value) => value.as_str(),
            DeValue::String(text) => {
                let exact = parse_value(text).map_err(|_| {
                    self.fault("must be a number", Some("for example 0.2, or \"1/5\"".into()))
                })?;
                let number = exact.to_f64().filter(|number| number.is_finite());
                return number.ok_or_else(|| self.fault("must be a finite number", None));
            }
            _ => return Err(self.fault("must be a number", None)),
        };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.fault("must be a finite number", None))
    }

    /// An integer from `least` to 2^24.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn size(&self, least: usize) -> Result<usize, SourceError> {
        integer(self.value, least)
            .ok_or_else(|| self.fault(&format!("must be an integer from {least} to 2^24"), None))
    }

    /// An array of integers from 1 to 2^24.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn sizes(&self) -> Result<Vec<usize>, SourceError> {
        let sizes = self.value.get_ref().as_array().and_then(|array| {
            array.iter().map(|value| integer(value, 1)).collect::<Option<Vec<usize>>>()
        });
        sizes.ok_or_else(|| self.fault("must be an array of integers from 1 to 2^24", None))
    }

    /// A number from `least` to 2^24 for each of `names`: one integer for all, or an array.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn each(&self, least: usize, names: &[&str]) -> Result<Vec<usize>, SourceError> {
        let count = names.len();
        let each = match self.value.get_ref() {
            DeValue::Array(array) => array
                .iter()
                .map(|value| integer(value, least))
                .collect::<Option<Vec<usize>>>()
                .filter(|each| each.len() == count),
            _ => integer(self.value, least).map(|all| vec![all; count]),
        };
        each.ok_or_else(|| {
            let one = format!("must be an integer from {least} to 2^24");
            let number = ["", "", ", or two", ", or three"].get(count).unwrap_or(&"");
            let list = names.join(", ");
            let must = if count < 2 { one } else { format!("{one}{number}: [{list}]") };
            self.fault(&must, None)
        })
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn boolean(&self) -> Result<bool, SourceError> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.fault("must be true or false", None)),
        }
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// The error `message` at the value.
    pub fn wrong(&self, message: String, help: Option<String>) -> SourceError {
        self.source.fault(self.span(), message, "this value", help)
    }

    /// An integer from 0 to 2^64 - 1.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn whole(&self) -> Result<u64, SourceError> {
        let DeValue::Integer(integer) = self.value.get_ref() else {
            return Err(self.fault("must be a whole number", None));
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix());
        number.map_err(|_| self.fault("must be a whole number from 0 to 2^64 - 1", None))
    }

    /// A finite number that `is_right`, which `must` says in words.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn number_that(
        &self,
        must: &str,
        is_right: impl Fn(f64) -> bool,
    ) -> Result<f64, SourceError> {
        match self.number()? {
            number if is_right(number) => Ok(number),
            _ => Err(self.fault(must, None)),
        }
    }

    /// The elements of an array; `must` says in words what the value has to be.
    ///
    /// # Errors
    /// If the value is no array.
    pub fn elements(&self, must: &str) -> Result<Vec<Entry<'a>>, SourceError> {
        let array = self.value.get_ref().as_array().ok_or_else(|| self.fault(must, None))?;
        let Entry { source, key, .. } = *self;
        Ok(array.iter().map(|value| Entry { source, key, value }).collect())
    }

    /// A table, described as `what`.
    ///
    /// # Errors
    /// If the value is no table.
    pub fn table(&self, what: &str) -> Result<Table<'a>, SourceError> {
        let must = format!("must be a table, {what}");
        let table = self.value.get_ref().as_table();
        let entries = table.ok_or_else(|| self.fault(&must, None))?;
        Ok(Table { source: self.source, entries, span: self.span(), what: what.into() })
    }

    /// The value as TOML on one line.
    pub fn text(&self) -> String {
        inline(self.value.get_ref())
    }

    /// An array of tables, each described as `what`.
    ///
    /// # Errors
    /// If the value is anything else.
    pub fn tables(&self, what: &str) -> Result<Vec<Table<'a>>, SourceError> {
        let must = format!("must be tables, each {what}");
        let array = self.value.get_ref().as_array().ok_or_else(|| self.fault(&must, None))?;
        let table = |value: &'a Spanned<DeValue<'a>>| {
            let entries = value.get_ref().as_table().ok_or_else(|| self.fault(&must, None))?;
            Ok(Table { source: self.source, entries, span: value.span(), what: what.into() })
        };
        array.iter().map(table).collect()
    }
}

/// A value as TOML on one line.
fn inline(value: &DeValue<'_>) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        // TOML reads the escapes of JSON.
        DeValue::String(text) => serde_json::to_string(text).unwrap_or_default(),
        DeValue::Integer(value) if value.radix() == 10 => value.as_str().to_string(),
        DeValue::Integer(value) => {
            let number = u64::from_str_radix(value.as_str(), value.radix());
            number.map_or_else(|_| value.as_str().to_string(), |number| number.to_string())
        }
        DeValue::Float(value) => value.as_str().to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(value) => value.to_string(),
        DeValue::Array(array) => {
            format!("[{}]", list(array.iter().map(|value| inline(value.get_ref())).collect()))
        }
        DeValue::Table(table) => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                let key = if !key.is_empty() && key.chars().all(plain) {
                    key.to_string()
                } else {
                    serde_json::to_string(key).unwrap_or_default()
                };
                format!("{key} = {}", inline(value.get_ref()))
            };
            format!("{{ {} }}", list(table.iter().map(pair).collect()))
        }
    }
}

fn integer(value: &Spanned<DeValue<'_>>, least: usize) -> Option<usize> {
    let DeValue::Integer(integer) = value.get_ref() else { return None };
    let size = usize::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    (least..=LARGEST).contains(&size).then_some(size)
}

/// Whether two names differ at most in capitals, `_` and `-`: PyTorch writes `BatchNorm2d` and `ELU`.
pub fn alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    plain(one) == plain(other)
}
