//! The runs of a description: its variants times its grid.

use super::read::{self, Overlay};
use super::{Config, Experiment};
use crate::source::{Source, SourceError};
use crate::table::{Table, parse};
use toml::de::DeTable;

/// More runs than this are a mistake.
const MOST: usize = 10_000;

/// A point of the grid: its label and the keys that it sets.
type Cell = (String, String);

impl Experiment {
    /// All runs, variant by variant, those of one in the order of the grid, its last key the fastest.
    ///
    /// # Errors
    /// What is wrong with the description, in its place: an unknown key, a value that is none.
    pub fn runs(&self) -> Result<Vec<Config>, SourceError> {
        let parsed = parse(&self.source)?;
        let top = top(&self.source, parsed.get_ref());
        let variants = match top.optional("variant") {
            Some(entry) => entry.tables("a variant")?,
            None => Vec::new(),
        };
        let mut runs = Vec::new();
        for variant in variants.iter().map(Some).chain(variants.is_empty().then_some(None)) {
            let grid = variant.and_then(|v| v.optional("grid")).or(top.optional("grid"));
            let mut cells: Vec<Cell> = vec![Default::default()];
            if let Some(grid) = grid {
                let grid = grid.table("a grid: keys with arrays of values")?;
                extend(&mut cells, &grid, "")?;
            }
            let name = match variant {
                Some(v) => v.required("label", "label = \"DAL\"")?.string()?,
                None => "",
            };
            for (cell, text) in cells {
                let parts: Vec<&str> =
                    [name, &cell].into_iter().filter(|s| !s.is_empty()).collect();
                let overlay = Overlay {
                    label: parts.join(", "),
                    cell: Source::new(format!("the grid of {}", self.source.name), text),
                    variant,
                };
                runs.push(read::config(self, &top, &overlay)?);
            }
        }
        Ok(runs)
    }

    /// The run of the description itself, without its grid.
    ///
    /// # Errors
    /// What is wrong with the description; a key that only the grid or the variants set is missing.
    pub fn run(&self) -> Result<Config, SourceError> {
        let parsed = parse(&self.source)?;
        let overlay = Overlay { label: String::new(), cell: Source::new("", ""), variant: None };
        read::config(self, &top(&self.source, parsed.get_ref()), &overlay)
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn set(&self) -> &[Source] {
        &self.set
    }

    pub(super) fn is_paper(&self) -> bool {
        self.scale == super::Scale::Paper
    }
}

/// A description as a whole.
fn top<'a>(source: &'a Source, entries: &'a DeTable<'a>) -> Table<'a> {
    let first_line = 0..source.text.lines().next().map_or(0, str::len);
    Table { source, entries, span: first_line, what: "an experiment".into() }
}

/// Multiplies `cells` by every key of `grid`; `path` are the keys above it.
fn extend(cells: &mut Vec<Cell>, grid: &Table, path: &str) -> Result<(), SourceError> {
    for key in grid.keys() {
        let Some(entry) = grid.optional(key) else { continue };
        let full = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        if entry.is_table() {
            extend(cells, &entry.table("a grid")?, &full)?;
            continue;
        }
        let must = "must be an array of the values to try";
        let values = entry.elements(must)?;
        if values.is_empty() {
            return Err(entry.fault(must, None));
        }
        if cells.len() * values.len() > MOST {
            return Err(entry.fault(&format!("makes more than {MOST} runs"), None));
        }
        let before = std::mem::take(cells);
        for (label, text) in before {
            for value in &values {
                let value = value.text();
                let separator = if label.is_empty() { "" } else { ", " };
                cells.push((
                    format!("{label}{separator}{key}={}", value.trim_matches(['"', '\''])),
                    format!("{text}{full} = {value}\n"),
                ));
            }
        }
    }
    Ok(())
}
