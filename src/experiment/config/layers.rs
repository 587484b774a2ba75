//! Tables laid over one another: a key that the first does not set is looked up in the next.

use bea_series::text::source::SourceError;
use bea_series::text::table::{Entry, Table};

/// Tables of the same kind, those that override others first.
pub(super) struct Layers<'a> {
    tables: Vec<Table<'a>>,
    /// How many of the first are those of `--set`.
    set: usize,
    /// The table that a missing key is reported in.
    base: usize,
}

impl<'a> Layers<'a> {
    /// The first `set` are those of `--set`. A missing key is reported in the last table.
    pub(super) fn new(tables: Vec<Table<'a>>, set: usize) -> Layers<'a> {
        let base = tables.len() - 1;
        Layers { tables, set, base }
    }

    /// The tables, and whether each is of `--set`.
    pub(super) fn tables(&self) -> impl Iterator<Item = (bool, &Table<'a>)> {
        self.tables.iter().enumerate().map(|(i, table)| (i < self.set, table))
    }

    /// Refuses keys other than `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), SourceError> {
        self.tables.iter().try_for_each(|table| table.only(known))
    }

    pub(super) fn optional(&self, key: &'a str) -> Option<Entry<'a>> {
        self.tables.iter().find_map(|table| table.optional(key))
    }

    pub(super) fn required(&self, key: &'a str, example: &str) -> Result<Entry<'a>, SourceError> {
        self.optional(key).ok_or_else(|| self.missing(key, example))
    }

    /// That `key` is missing, which `example` would set.
    pub(super) fn missing(&self, key: &str, example: &str) -> SourceError {
        self.tables[self.base].missing(key, example)
    }

    /// What `key` is set to, as TOML on one line.
    pub(super) fn written(&self, key: &str) -> Option<String> {
        self.tables.iter().find_map(|table| table.written(key))
    }

    /// What `key` is set to, read by `read`, if it is set.
    pub(super) fn read<T>(
        &self,
        key: &'a str,
        read: impl Fn(Entry<'a>) -> Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        self.optional(key).map(read).transpose()
    }

    /// The tables under `key`, if there is one.
    pub(super) fn below(
        &self,
        key: &'a str,
        what: &str,
    ) -> Result<Option<Layers<'a>>, SourceError> {
        let (mut tables, mut set) = (Vec::new(), 0);
        for (is_set, table) in self.tables() {
            if let Some(entry) = table.optional(key) {
                tables.push(entry.table(what)?);
                set += usize::from(is_set);
            }
        }
        Ok((!tables.is_empty()).then(|| Layers::new(tables, set)))
    }
}
