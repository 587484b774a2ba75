//! The table `[train]`: which optimizer, with which numbers.

use super::layers::Layers;
use crate::source::SourceError;
use crate::table::Entry;
use crate::training::{CAP, Dal, Product, Rule, Schedule};

/// Methods, and the keys that each takes besides those that all do.
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

/// All keys of the table: a key of another method in a layer below is passed over, so that a variant may
/// change the method.
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
