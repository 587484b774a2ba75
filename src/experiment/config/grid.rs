//! The runs of a description: its variants times its grid.

use super::description::Experiment;
use super::one_run::Config;
use super::read::{self, Overlay};
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::{Entry, Table, parse};
use std::collections::BTreeMap;
use toml::de::DeTable;

/// More runs than this are a mistake.
const MOST: usize = 10_000;

/// A point of the grid: its label and the keys that it sets.
type Cell = (String, String);

/// The values that a grid has for each key; a key is a path such as `train.lr`.
type Grid<'a> = BTreeMap<Vec<&'a str>, Entry<'a>>;

impl Experiment {
    /// All runs, variant by variant. Those of a variant are in the order of the grid, whose last key varies fastest.
    ///
    /// # Errors
    /// What is wrong with the description, in its place: an unknown key, an invalid value.
    pub fn runs(&self) -> Result<Vec<Config>, SourceError> {
        let parsed = parse(&self.source)?;
        let top = top(&self.source, parsed.get_ref());
        let scale = self.scale.table().unwrap_or_default();
        let scaled = self.scale.table().and_then(|name| top.optional(name));
        let scaled = scaled.map(|entry| entry.table(&format!("[{scale}]"))).transpose()?;
        let of_scale = |key| scaled.as_ref().and_then(|scaled| scaled.optional(key));
        let variants = match of_scale("variant").or(top.optional("variant")) {
            Some(entry) => entry.tables("a variant")?,
            None => Vec::new(),
        };
        let mut shared = grid(top.optional("grid"))?;
        if let Some(scaled) = &scaled {
            refuse_hidden(scaled, scale, &shared)?;
            shared.extend(grid(scaled.optional("grid"))?);
        }
        let all_have =
            !variants.is_empty() && variants.iter().all(|v| v.optional("grid").is_some());
        if let Some(entry) = of_scale("grid").filter(|_| all_have) {
            let help = format!(
                "[[{scale}.variant]], with grids of their own, take the place of [[variant]]"
            );
            return Err(entry.fault("reaches no variant: each has its own", Some(help)));
        }
        let mut runs = Vec::new();
        for variant in variants.iter().map(Some).chain(variants.is_empty().then_some(None)) {
            let own = variant.and_then(|variant| variant.optional("grid"));
            let own = own.map(|entry| grid(Some(entry))).transpose()?;
            let cells = cells(own.as_ref().unwrap_or(&shared))?;
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
                    variants: &variants,
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
        let (label, cell) = (String::new(), Source::new("", ""));
        let overlay = Overlay { label, cell, variant: None, variants: &[] };
        let top = top(&self.source, parsed.get_ref());
        let mut config = read::config(self, &top, &overlay)?;
        let several = ["grid", "variant"].into_iter().filter(|key| top.optional(key).is_some());
        config.notes.extend(several.map(|key| {
            format!("`[{key}]` is not used: this is one run, `bea sweep` conducts all of them")
        }));
        Ok(config)
    }
}

/// A description as a whole.
fn top<'a>(source: &'a Source, entries: &'a DeTable<'a>) -> Table<'a> {
    let first_line = 0..source.text.lines().next().map_or(0, str::len);
    Table { source, entries, span: first_line, what: "an experiment".into() }
}

/// What a table `grid` has, if it is there.
fn grid(entry: Option<Entry>) -> Result<Grid, SourceError> {
    let mut found = Grid::new();
    if let Some(entry) = entry {
        collect(&entry.table("a grid: keys with arrays of values")?, &[], &mut found)?;
    }
    Ok(found)
}

/// Adds every key of `grid`; `path` are the keys above it.
fn collect<'a>(grid: &Table<'a>, path: &[&'a str], out: &mut Grid<'a>) -> Result<(), SourceError> {
    for key in grid.keys() {
        let Some(entry) = grid.optional(key) else { continue };
        let full = [path, &[key]].concat();
        if entry.is_table() {
            collect(&entry.table("a grid")?, &full, out)?;
        } else {
            out.insert(full, entry);
        }
    }
    Ok(())
}

/// Refuses a key of the table of a scale, `[paper]`, that the grid sets for every run, so that it would change nothing.
fn refuse_hidden(scaled: &Table, scale: &str, grid: &Grid) -> Result<(), SourceError> {
    for path in grid.keys() {
        let [above @ .., key] = &path[..] else { continue };
        let mut table = Some(scaled.clone());
        for part in above {
            let below = table.and_then(|table| table.optional(part));
            table = below.filter(Entry::is_table).map(|entry| entry.table("")).transpose()?;
        }
        if let Some(entry) = table.and_then(|table| table.optional(key)) {
            let path = path.join(".");
            let help = format!("[{scale}.grid] with `{path} = [{}]` replaces them", entry.text());
            return Err(entry.fault("changes nothing: the grid has values of it", Some(help)));
        }
    }
    Ok(())
}

/// All combinations of a grid's values.
fn cells(grid: &Grid) -> Result<Vec<Cell>, SourceError> {
    let mut cells: Vec<Cell> = vec![Default::default()];
    for (path, entry) in grid {
        let must = "must be an array of the values to try";
        let values = entry.elements(must)?;
        if values.is_empty() {
            return Err(entry.fault(must, None));
        }
        if cells.len() * values.len() > MOST {
            return Err(entry.fault(&format!("makes more than {MOST} runs"), None));
        }
        let (key, path) = (path.last().copied().unwrap_or_default(), path.join("."));
        let before = std::mem::take(&mut cells);
        for (label, text) in before {
            for value in &values {
                let value = value.text();
                let separator = if label.is_empty() { "" } else { ", " };
                cells.push((
                    format!("{label}{separator}{key}={}", value.trim_matches(['"', '\''])),
                    format!("{text}{path} = {value}\n"),
                ));
            }
        }
    }
    Ok(cells)
}
