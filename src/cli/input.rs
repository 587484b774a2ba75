//! Optimizers and values as named on the command line.

use bea_series::optimizer::{self, Optimizer};
use miette::{Context, miette};
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::path::Path;

/// The optimizer that `text` names: one of the library, or a file, with `:NAME` after it if it
/// holds several.
pub(super) fn optimizer(text: &str) -> miette::Result<Optimizer> {
    let is_path = text.contains(['/', '\\']) || text.ends_with(".bea") || text.contains(".bea:");
    if !is_path {
        match optimizer::find(text) {
            Ok(found) => return Ok(found.clone()),
            Err(unknown) if !Path::new(text).exists() => return Err(unknown.into()),
            Err(_) => {}
        }
    }
    match text.rsplit_once(':') {
        Some((path, name)) if !Path::new(text).exists() => from_file(path, Some(name)),
        _ => from_file(text, None),
    }
}

fn from_file(path: &str, wanted: Option<&str>) -> miette::Result<Optimizer> {
    let mut found = optimizer::parse(&optimizer::load(path)?)?;
    let names: Vec<String> = found.iter().map(|o| o.name.clone()).collect();
    let position = match wanted {
        Some(name) => names.iter().position(|n| n == name),
        None => (names.len() == 1).then_some(0),
    };
    if let Some(position) = position {
        return Ok(found.swap_remove(position));
    }
    let Some(first) = names.first() else {
        return Err(miette!(
            help = "`bea check` checks claims",
            "{path} holds claims but no optimizer"
        ));
    };
    let message = match wanted {
        Some(name) => format!("{path} holds no optimizer `{name}`"),
        None => format!("{path} holds {} optimizers", names.len()),
    };
    let help = format!("it holds {}; choose one as `{path}:{first}`", names.join(", "));
    Err(miette!(help = help, "{message}"))
}

/// `NAME=VALUE`, the value an exact number.
pub(super) fn assignment(text: &str) -> Result<(String, BigRational), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, `m=9/10` say")?;
    let value = optimizer::parse_value(value).map_err(|error| error.to_string())?;
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
