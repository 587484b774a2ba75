//! The claims and verdicts of figures as a table in Markdown, complete after every row.

use crate::cli::output;
use crate::reproduction::AnyFigure;
use std::path::Path;

const HEAD: &str = "| figure | command | claim | verdict | seconds |\n|---|---|---|---|---|\n";

/// The table of some figures in a file. A figure keeps the row of the file that was there until it has a new one,
/// so that an interruption loses nothing.
pub(super) struct ClaimsTable<'a> {
    path: Option<&'a Path>,
    rows: Vec<(&'static str, Option<String>)>,
}

impl ClaimsTable<'_> {
    /// The table that `path` shall hold.
    pub fn new<'a>(path: Option<&'a Path>, figures: &[AnyFigure]) -> ClaimsTable<'a> {
        // A pipe holds no earlier rows, and reading it would block.
        let old =
            path.filter(|path| path.is_file()).and_then(|path| std::fs::read_to_string(path).ok());
        let old = old.unwrap_or_default();
        let row = |id: &str| {
            let command = format!("| `bea reproduce {id}` |");
            old.lines().find(|line| line.starts_with('|') && line.contains(&command))
        };
        let rows = figures.iter().map(|figure| {
            let id = figure.id();
            (id, row(id).map(|row| format!("{row}\n")))
        });
        ClaimsTable { path, rows: rows.collect() }
    }

    /// Another row, in the file at once.
    pub fn set(&mut self, id: &str, row: String) -> miette::Result<()> {
        if let Some((_, old)) = self.rows.iter_mut().find(|(known, _)| *known == id) {
            *old = Some(row);
        }
        match self.path {
            Some(path) if !path.exists() || path.is_file() => self.write(path),
            _ => Ok(()),
        }
    }

    /// Ends the table: a pipe or a device is written to only once, here.
    pub fn finish(self) -> miette::Result<()> {
        self.path.map_or(Ok(()), |path| self.write(path))
    }

    fn write(&self, path: &Path) -> miette::Result<()> {
        output::to_file(path, |out| {
            out.write_all(HEAD.as_bytes())?;
            let rows = self.rows.iter().filter_map(|(_, row)| row.as_ref());
            rows.into_iter().try_for_each(|row| out.write_all(row.as_bytes()))
        })
    }
}
