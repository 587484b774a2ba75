//! Losses and points as named on the command line.

use bea_flow::loss::{self, LibraryError, Loss};
use bea_series::optimizer::{self, Optimizer, Step};
use bea_series::text::near;
use bea_series::text::pasted::explained;
use bea_series::text::source::Source;
use miette::miette;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::collections::BTreeMap;
use std::path::Path;

/// Values by name, as texts.
pub(super) type Settings = BTreeMap<String, String>;

/// The loss that `text` names: one of the library, a file (with `:NAME` if it defines several), or a
/// formula.
pub(super) fn loss(text: &str, settings: &Settings) -> miette::Result<Loss> {
    let (path, name) = match text.rsplit_once(':') {
        Some((path, name)) if path.ends_with(".bea") => (path, Some(name)),
        _ => (text, None),
    };
    if path.ends_with(".bea") {
        let source = optimizer::load(Path::new(path))?;
        let Some(name) = name else { return Ok(Loss::parse(&source, settings)?) };
        return loss::named(&source, name, settings)?.ok_or_else(|| {
            let names = loss::names_in(&source).unwrap_or_default();
            let names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
            miette!(
                help = format!("it defines {}", names.join(", ")),
                "{path} defines no loss `{name}`"
            )
        });
    }
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_name {
        match loss::find(text, settings) {
            Ok(found) => return Ok(found),
            Err(LibraryError::Setting(error)) => return Err(error.into()),
            // A single letter is a formula; a longer word is a misspelt name.
            Err(LibraryError::Unknown(unknown)) if text.len() > 2 => return Err(unknown.into()),
            Err(LibraryError::Unknown(_)) => {}
        }
    }
    Ok(Loss::parse(&Source::new("command line", text), settings)?)
}

/// `NAME=VALUE`, the value an expression that is read where it is used.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, `m=9/10` say")?;
    Ok((name.trim().to_string(), value.trim().to_string()))
}

/// The settings by name.
pub(super) fn settings(assignments: &[(String, String)]) -> miette::Result<Settings> {
    let mut settings = Settings::new();
    for (name, value) in assignments {
        if settings.insert(name.clone(), value.clone()).is_some() {
            return Err(miette!("`{name}` is set twice").wrap_err("bad --set"));
        }
    }
    Ok(settings)
}

/// Takes the settings that are parameters of the optimizer out of `settings`.
pub(super) fn of_optimizer(
    optimizer: &Optimizer,
    settings: &mut Settings,
) -> miette::Result<BTreeMap<String, BigRational>> {
    let mut values = BTreeMap::new();
    for name in &optimizer.parameters {
        if let Some(text) = settings.remove(name) {
            let value = optimizer::parse_value(&text).map_err(|error| {
                miette!("{}", explained(error, &text)).wrap_err(format!("bad --set {name}={text}"))
            })?;
            if value.to_f64().is_none_or(|value| !value.is_finite()) {
                return Err(miette!("a number is at most {:e} in size", f64::MAX)
                    .wrap_err(format!("bad --set {name}={text}")));
            }
            values.insert(name.clone(), value);
        }
    }
    Ok(values)
}

/// The step of the optimizer, linear or not, with numbers for all of its parameters.
pub(super) fn numeric_step(optimizer: &Optimizer, settings: &mut Settings) -> miette::Result<Step> {
    Ok(optimizer.step(&numbers(optimizer, settings)?)?)
}

fn numbers(
    optimizer: &Optimizer,
    settings: &mut Settings,
) -> miette::Result<BTreeMap<String, BigRational>> {
    let values = of_optimizer(optimizer, settings)?;
    let missing = || optimizer.parameters.iter().filter(|name| !values.contains_key(*name));
    if let Some(name) = missing().next() {
        let wanted: Vec<&str> = missing().map(String::as_str).collect();
        let misspelt = settings.keys().find(|other| !near::names(other, &wanted).is_empty());
        let help = match misspelt {
            Some(other) => {
                let wanted = near::quoted(&near::names(other, &wanted));
                format!("--set {other} is no parameter of it: did you mean {wanted}?")
            }
            None if wanted.len() == 1 => format!("give it a value: --set {name}=9/10, say"),
            None => {
                let usual = |name: &&str| match *name {
                    "beta2" => format!("--set {name}=999/1000"),
                    "eps" | "epsilon" => format!("--set {name}=1/100000000"),
                    name => format!("--set {name}=9/10"),
                };
                let all: Vec<String> = wanted.iter().map(usual).collect();
                format!("give all of them values: {}, say", all.join(" "))
            }
        };
        return Err(miette!(
            help = help,
            "a simulation needs the value of the parameter `{name}` of `{}`",
            optimizer.name
        ));
    }
    Ok(values)
}

/// The point that `text` names, with one coordinate a variable of the loss.
pub(super) fn point(option: &str, text: &str, variables: &[String]) -> miette::Result<Vec<f64>> {
    Ok(loss::point(&Source::new(option, text), variables)?)
}
