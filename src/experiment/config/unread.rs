//! Tables of a description that a run does not read, those of another size or variant: their keys are checked all the same.

use super::keys::{SECTIONS, names};
use bea_network::architecture::Architecture;
use bea_series::text::source::SourceError;
use bea_series::text::table::{Entry, Table};

/// Refuses keys that no description has, in a table called `name` that sets keys of one, and in the tables below it. It may
/// have the keys `besides`.
pub(super) fn only_known(table: &Table, name: &str, besides: &[&str]) -> Result<(), SourceError> {
    table.only(&[&names("")[..], besides].concat())?;
    for section in SECTIONS.iter().map(|section| section.name).filter(|name| !name.is_empty()) {
        if let Some(entry) = table.optional(section) {
            entry.table(&format!("[{name}.{section}]"))?.only(&names(section))?;
        }
    }
    if let Some(network) = table.optional("network").filter(Entry::is_table) {
        Architecture::check(&network.table(&format!("[{name}.network]"))?)?;
    }
    if let Some(grid) = table.optional("grid") {
        let name = format!("{name}.grid");
        only_known(&grid.table(&format!("[{name}]"))?, &name, &[])?;
    }
    if let Some(variants) = table.optional("variant") {
        variants_known(&variants.tables("a variant")?, &format!("{name}.variant"))?;
    }
    Ok(())
}

/// The same of a list of variants.
pub(super) fn variants_known(variants: &[Table], name: &str) -> Result<(), SourceError> {
    variants.iter().try_for_each(|variant| only_known(variant, name, &["label", "grid"]))
}
