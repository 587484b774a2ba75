//! Optimizers and values as named on the command line.

use bea_series::optimizer::{self, Optimizer};
use bea_series::text::pasted::explained;
use miette::{Context, miette};
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::path::Path;

/// The optimizer that `text` names: one of the library, or a file, with `:NAME` after it if it
/// holds several.
pub(super) fn optimizer(text: &str) -> miette::Result<Optimizer> {
    Ok(optimizer::named(text, Path::new(""))?.optimizer)
}

/// `NAME=VALUE`, the value an exact number.
pub(super) fn assignment(text: &str) -> Result<(String, BigRational), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, `m=9/10` say")?;
    let value = optimizer::parse_value(value).map_err(|error| explained(error, value))?;
    Ok((name.trim().to_string(), value))
}

/// More threads than any machine has processors.
const MAX_THREADS: usize = 1024;

/// A power of `h`.
pub(super) fn order(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "write a whole number from 0 on".to_string())
}

/// A number of threads.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=MAX_THREADS).contains(n));
    number.ok_or_else(|| format!("write a whole number from 1 to {MAX_THREADS}"))
}

/// The values by name.
pub(super) fn values(
    assignments: &[(String, BigRational)],
) -> miette::Result<BTreeMap<String, BigRational>> {
    let mut values = BTreeMap::new();
    for (name, value) in assignments {
        if values.insert(name.clone(), value.clone()).is_some() {
            return Err(miette!("`{name}` is set twice")).wrap_err("bad --set");
        }
    }
    Ok(values)
}
