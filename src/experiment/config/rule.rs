//! The table `[train]`: which optimizer, with which numbers.

use super::layers::Layers;
use bea_network::training::{CAP, Dal, Product, Rule, Schedule};
use bea_series::text::near;
use bea_series::text::source::SourceError;
use bea_series::text::table::{Entry, Table, alike};

/// Methods, and the keys that each takes beside [`COMMON`].
const METHODS: [(&str, &[&str]); 6] = [
    ("gd", &["lr", "lr_changes"]),
    ("heavy_ball", &["lr", "lr_changes", "momentum"]),
    ("nesterov", &["lr", "lr_changes", "momentum"]),
    ("adam", &["lr", "lr_changes", "beta1", "beta2", "epsilon"]),
    ("dal", &["p", "cap", "momentum", "difference"]),
    ("dal_per_parameter", &["p", "cap", "difference"]),
];

/// Keys of the table that are not of the method.
pub(super) const COMMON: [&str; 4] = ["method", "steps", "batch", "weights"];

/// All keys of the table.
pub(super) fn keys() -> Vec<&'static str> {
    let mut keys: Vec<&str> = COMMON
        .into_iter()
        .chain(METHODS.iter().flat_map(|(_, keys)| keys.iter().copied()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The keys that belong to a method of that name, with the common ones.
pub(super) fn keys_of(method: &str) -> Vec<&'static str> {
    let own = METHODS.iter().find(|(name, _)| *name == method).map_or(&[][..], |(_, keys)| keys);
    COMMON.iter().chain(own).copied().collect()
}

/// The methods that these tables name in `[train]`.
pub(super) fn methods_of<'a>(tables: &[Table<'a>]) -> Vec<&'a str> {
    let named = |table: &Table<'a>| {
        let train = table.optional("train")?;
        method_of(&train.table("").ok()?)
    };
    tables.iter().filter_map(named).collect()
}

fn method_of<'a>(train: &Table<'a>) -> Option<&'a str> {
    train.optional("method").and_then(|entry| entry.string().ok())
}

/// Refuses keys that the method does not know. A variant may change the method that a layer below it was
/// written for, and `--set` is for all `variants`, so a key is passed over where its own layer, or one below
/// that, or for `--set` a variant, names a method that knows it.
pub(super) fn refuse_idle(
    train: &Layers,
    method: &str,
    variants: &[&str],
) -> Result<(), SourceError> {
    let known = |method: &str, key: &str| {
        let found = METHODS.iter().find(|(name, _)| alike(name, method));
        found.is_some_and(|(_, own)| own.contains(&key) || COMMON.contains(&key))
    };
    let tables: Vec<_> = train.tables().collect();
    for (at, (is_set, table)) in tables.iter().enumerate() {
        let own = tables[at..].iter().find_map(|(_, table)| method_of(table));
        for key in table.keys() {
            let elsewhere = *is_set && variants.iter().any(|method| known(method, key));
            if elsewhere || known(method, key) || own.is_none_or(|own| known(own, key)) {
                continue;
            }
            let Some(entry) = table.optional(key) else { continue };
            let of = METHODS.iter().filter(|(_, keys)| keys.contains(&key));
            let of: Vec<&str> = of.map(|(name, _)| *name).collect();
            let help = format!("leave it out, or take method = {}", near::quoted(&of));
            return Err(entry.fault(&format!("is no key of the method `{method}`"), Some(help)));
        }
    }
    Ok(())
}

/// The method's name, and its rule.
pub(super) fn read(train: &Layers) -> Result<(&'static str, Rule), SourceError> {
    let entry = train.required("method", "method = \"gd\"")?;
    let known = METHODS.map(|(name, _)| (name, name));
    let method = entry.choice("method", &known)?;
    let positive = |entry: Entry| entry.number_that("must be positive", |x| x > 0.0);
    let decay = |entry: Entry| {
        entry.number_that("must be at least 0 and below 1", |x| (0.0..1.0).contains(&x))
    };
    let lr = || -> Result<Schedule, SourceError> {
        let first = positive(train.required("lr", "lr = 0.1")?)?;
        let changes = train.read("lr_changes", changes)?.unwrap_or_default();
        Ok(Schedule { first, changes })
    };
    let momentum = || train.read("momentum", decay);
    let dal = || -> Result<Dal, SourceError> {
        let power = |entry: Entry| entry.number_that("must not be negative", |x| x >= 0.0);
        let product = train.read("difference", positive)?;
        Ok(Dal {
            power: train.read("p", power)?.unwrap_or(1.0),
            cap: train.read("cap", positive)?.unwrap_or(CAP),
            product: product.map_or(Product::Exact, Product::Difference),
        })
    };
    let rule = match method {
        "gd" => Rule::GradientDescent { lr: lr()? },
        "heavy_ball" => Rule::HeavyBall { lr: lr()?, momentum: momentum()?.unwrap_or(0.9) },
        "nesterov" => Rule::Nesterov { lr: lr()?, momentum: momentum()?.unwrap_or(0.9) },
        "adam" => Rule::Adam {
            lr: lr()?,
            beta1: train.read("beta1", decay)?.unwrap_or(0.9),
            beta2: train.read("beta2", decay)?.unwrap_or(0.999),
            epsilon: train.read("epsilon", positive)?.unwrap_or(1e-8),
        },
        "dal" => match momentum()? {
            Some(momentum) if momentum > 0.0 => Rule::DalMomentum { dal: dal()?, momentum },
            _ => Rule::Dal(dal()?),
        },
        _ => Rule::DalPerParameter(dal()?),
    };
    Ok((method, rule))
}

/// `[[300, 0.01], [500, 0.1]]`: from step 300 on another learning rate, from step 500 on a third.
fn changes(entry: Entry) -> Result<Vec<(usize, f64)>, SourceError> {
    let must = "must be pairs of a step and a learning rate, [[300, 0.01]] say";
    let mut changes: Vec<(usize, f64)> = Vec::new();
    for pair in entry.elements(must)? {
        let [step, lr] = &pair.elements(must)?[..] else { return Err(pair.fault(must, None)) };
        let (at, lr) = (step.size(1)?, lr.number_that("must be positive", |x| x > 0.0)?);
        if changes.last().is_some_and(|(last, _)| *last >= at) {
            return Err(step.fault("must name later steps one after the other", None));
        }
        changes.push((at, lr));
    }
    Ok(changes)
}
