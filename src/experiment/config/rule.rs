//! The table `[train]`: which optimizer, with which numbers.

use super::layers::Layers;
use bea_network::training::{Adjusted, CAP, Corridor, Dal, DalIteration, Product, Rule, Schedule};
use bea_series::optimizer::{self, NamedError, Optimizer};
use bea_series::series::GeneralLinearMethod;
use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::{Entry, Table, alike};
use miette::Diagnostic;
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::path::Path;

/// What the key `optimizer` takes the place of a method by.
const OPTIMIZER: &str = "optimizer";
/// What the key `difference` takes from the step before.
const PREVIOUS: &str = "previous";

/// A way of training.
#[derive(Clone, Copy)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// The keys that it takes, beside those of every method.
    pub keys: &'static [&'static str],
    /// What it does.
    pub about: &'static str,
}

const METHODS: [Method; 9] = [
    Method { name: "gd", keys: &["lr", "lr_changes"], about: "gradient descent" },
    Method {
        name: "heavy_ball",
        keys: &["lr", "lr_changes", "momentum", "buffers"],
        about: "v' = m v - h g, θ' = θ + v'",
    },
    Method {
        name: "nesterov",
        keys: &["lr", "lr_changes", "momentum", "buffers"],
        about: "the same with the gradient at θ + m v",
    },
    Method {
        name: "adam",
        keys: &["lr", "lr_changes", "beta1", "beta2", "epsilon"],
        about: "Kingma and Ba (2015)",
    },
    Method {
        name: "dal",
        keys: &["p", "cap", "momentum", "difference"],
        about: "learning rates that limit the drift, 2/‖∇²E g/‖g‖‖^p, at most cap",
    },
    Method {
        name: "dal_per_parameter",
        keys: &["p", "cap", "difference"],
        about: "one for each parameter, 2/|(∇²E g)_i|^p",
    },
    Method {
        name: "dal_per_layer",
        keys: &["p", "cap", "difference"],
        about: "one for each array of parameters, 2/(‖(∇²E g)_l‖/‖g_l‖)^p",
    },
    Method {
        name: "corridor",
        keys: &["least", "cap"],
        about: "(E - least)/‖g‖², at most cap: Polyak's step",
    },
    Method {
        name: OPTIMIZER,
        keys: &["optimizer", "lr", "lr_changes", "set", "buffers"],
        about: "",
    },
];

/// The methods that the key `method` names.
pub fn methods() -> Vec<Method> {
    METHODS.into_iter().filter(|method| method.name != OPTIMIZER).collect()
}

/// Keys of the table that are not of the method.
pub(super) const COMMON: [&str; 4] = ["method", "steps", "batch", "weights"];

/// The keys that belong to a method of that name, with the common ones.
pub(super) fn keys_of(method: &str) -> Vec<&'static str> {
    let own = METHODS.iter().find(|known| known.name == method).map_or(&[][..], |known| known.keys);
    let common = COMMON.iter().filter(|key| **key != "method" || method != OPTIMIZER);
    common.chain(own).copied().collect()
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
    if train.optional(OPTIMIZER).is_some() {
        return Some(OPTIMIZER);
    }
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
        let found = METHODS.iter().find(|known| alike(known.name, method));
        found.is_some_and(|known| known.keys.contains(&key) || COMMON.contains(&key))
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
            let of = methods().into_iter().filter(|method| method.keys.contains(&key));
            let of: Vec<&str> = of.map(|method| method.name).collect();
            let (what, help) = match (method, of.as_slice()) {
                (OPTIMIZER, _) => (
                    "is no key beside `optimizer`".to_string(),
                    "the optimizer's own parameters are set in [train.set]".to_string(),
                ),
                (_, []) => (
                    format!("is no key of the method `{method}`"),
                    "leave it out, or take optimizer = \"heavy_ball\"".to_string(),
                ),
                (_, of) => (
                    format!("is no key of the method `{method}`"),
                    format!("leave it out, or take method = {}", near::quoted(of)),
                ),
            };
            return Err(entry.fault(&what, Some(help)));
        }
    }
    Ok(())
}

/// A key that gives an optimizer's parameter its value.
struct Key {
    parameter: &'static str,
    key: &'static str,
    /// Reads it, and refuses what is out of bounds.
    bounded: fn(Entry) -> Result<f64, SourceError>,
    /// Numerator and denominator of the value without the key.
    usual: (i64, i64),
}

/// An optimizer of the language with the values of its parameters.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The values of its parameters.
    pub values: BTreeMap<String, BigRational>,
    /// The file that it is from, if it is not of the library.
    pub file: Option<Source>,
}

impl Chosen {
    /// The general linear method that its step is.
    ///
    /// # Errors
    /// As [`Optimizer::method`].
    pub fn method(&self) -> Result<GeneralLinearMethod, SourceError> {
        self.optimizer.method(&self.values)
    }
}

/// What the table says.
pub(super) struct Training {
    /// The method's name.
    pub method: &'static str,
    pub rule: Rule,
    pub optimizer: Option<Chosen>,
    /// What the resolved description has instead of what is written.
    pub resolved: Vec<(&'static str, String)>,
}

/// Reads the table. Files are beside `folder`; `variants` are those of the description.
pub(super) fn read(
    train: &Layers,
    folder: &Path,
    variants: &[Table],
) -> Result<Training, SourceError> {
    let chosen = train.tables().find_map(|(_, table)| {
        let optimizer = table.optional(OPTIMIZER);
        (optimizer.is_some() || table.optional("method").is_some()).then_some((optimizer, table))
    });
    if let Some((Some(entry), table)) = chosen {
        if table.optional("method").is_some() {
            let help = "keep one of them: `method` names a method, `optimizer` an optimizer".into();
            return Err(entry.fault("stands beside `method`", Some(help)));
        }
        return program(train, &entry, folder, variants);
    }
    let entry = train.required("method", "method = \"gd\"")?;
    let known: Vec<_> = methods().into_iter().map(|method| (method.name, method.name)).collect();
    let method = entry.choice("method", &known)?;
    let difference = |entry: Entry| match entry.string() {
        Ok(PREVIOUS) if method == "dal" => Ok(Product::Previous),
        Ok(PREVIOUS) => {
            let must = format!("must be a number for `{method}`: \"previous\" is for `dal` only");
            Err(entry.fault(
                &must,
                Some("`difference = 0.2`, say; without it the derivative is exact".into()),
            ))
        }
        Ok(_) if method == "dal" => Err(entry.fault("must be positive, or \"previous\"", None)),
        _ => positive(entry).map(Product::Difference),
    };
    let dal = || -> Result<Dal, SourceError> {
        let power = |entry: Entry| {
            entry.number_that("must be finite, and not negative", |x| x >= 0.0 && x.is_finite())
        };
        let product = train.read("difference", difference)?;
        Ok(Dal {
            power: train.read("p", power)?.unwrap_or(1.0),
            cap: train.read("cap", positive)?.unwrap_or(CAP),
            product: product.unwrap_or(Product::Exact),
        })
    };
    let library = |name: &str, keys: &[Key]| -> Result<Training, SourceError> {
        let optimizer = optimizer::find(name).expect("an optimizer of the library").clone();
        let mut values = BTreeMap::new();
        for &Key { parameter, key, bounded, usual: (numerator, denominator) } in keys {
            train.read(key, bounded)?;
            let usual = BigRational::new(numerator.into(), denominator.into());
            let value = train.read(key, exact)?.unwrap_or(usual);
            values.insert(parameter.to_string(), value);
        }
        let chosen = Chosen { optimizer, values, file: None };
        let rule = trained(&chosen, train, &entry)?;
        Ok(Training { method, rule, optimizer: Some(chosen), resolved: Vec::new() })
    };
    let adjusted = |of: Adjusted| -> Result<Rule, SourceError> {
        let iteration = DalIteration::new(dal()?, of);
        Ok(Rule::Dal(Box::new(iteration.map_err(|error| entry.wrong(error.to_string(), None))?)))
    };
    let rule = match method {
        "gd" => return library("gradient_descent", &[]),
        "heavy_ball" | "nesterov" => {
            let momentum = Key { parameter: "m", key: "momentum", bounded: decay, usual: (9, 10) };
            return library(method, &[momentum]);
        }
        "adam" => {
            let keys = [
                Key { parameter: "beta1", key: "beta1", bounded: decay, usual: (9, 10) },
                Key { parameter: "beta2", key: "beta2", bounded: decay, usual: (999, 1000) },
                Key {
                    parameter: "eps",
                    key: "epsilon",
                    bounded: positive,
                    usual: (1, 100_000_000),
                },
            ];
            return library(method, &keys);
        }
        "dal" => match train.read("momentum", decay)? {
            Some(momentum) if momentum > 0.0 => adjusted(Adjusted::HeavyBall { momentum })?,
            _ => adjusted(Adjusted::Step)?,
        },
        "dal_per_parameter" => adjusted(Adjusted::Parameter)?,
        "dal_per_layer" => Rule::DalPerLayer(dal()?),
        _ => {
            let usual = Corridor::default();
            Rule::Corridor(Corridor {
                least: train.read("least", |entry| entry.number())?.unwrap_or(usual.least),
                cap: train.read("cap", positive)?.unwrap_or(usual.cap),
            })
        }
    };
    Ok(Training { method, rule, optimizer: None, resolved: Vec::new() })
}

/// `optimizer = "nesterov"` or `"mine.bea"`, with the values of its parameters in `[train.set]`.
fn program(
    train: &Layers,
    entry: &Entry,
    folder: &Path,
    variants: &[Table],
) -> Result<Training, SourceError> {
    let text = entry.string()?;
    let named = optimizer::named(text, folder).map_err(|error| match error {
        NamedError::Text(error) => error,
        error => {
            let help = error.help().map(|help| help.to_string());
            entry.wrong(error.to_string(), help)
        }
    })?;
    let optimizer = &named.optimizer;
    let values = values(train, optimizer, entry, text, variants)?;
    let missing: Vec<&str> = optimizer.parameters.iter().map(String::as_str).collect();
    let missing: Vec<&str> =
        missing.into_iter().filter(|name| !values.contains_key(*name)).collect();
    if let Some(first) = missing.first() {
        let help = format!("[train.set] with {first} = 0.9, or --set train.set.{first}=0.9");
        let which = near::quoted(&missing);
        return Err(
            entry.wrong(format!("`{}` needs a value of {which}", optimizer.name), Some(help))
        );
    }
    let exact = values.iter().map(|(name, (value, _))| (name.clone(), value.clone())).collect();
    let chosen = Chosen { optimizer: named.optimizer, values: exact, file: named.file };
    let rule = trained(&chosen, train, entry)?;
    let place = match chosen.file {
        Some(_) => {
            let path = folder.join(text);
            std::path::absolute(&path).unwrap_or(path).display().to_string()
        }
        None => text.to_string(),
    };
    let mut resolved = vec![(OPTIMIZER, super::resolved::quoted(&place))];
    if !values.is_empty() {
        let values = values.iter().map(|(name, (_, written))| format!("{name} = {written}"));
        resolved.push(("set", format!("{{ {} }}", values.collect::<Vec<_>>().join(", "))));
    }
    Ok(Training { method: OPTIMIZER, rule, optimizer: Some(chosen), resolved })
}

/// Exact values by name, with how they are written.
type Values = BTreeMap<String, (BigRational, String)>;

/// The values of the optimizer's parameters. What a layer sets for another optimizer that it names is passed
/// over; `--set` is for all variants, of which one may know the parameter.
fn values(
    train: &Layers,
    optimizer: &Optimizer,
    entry: &Entry,
    name: &str,
    variants: &[Table],
) -> Result<Values, SourceError> {
    let tables: Vec<_> = train.tables().collect();
    let parameters: Vec<&str> = optimizer.parameters.iter().map(String::as_str).collect();
    let mut values = Values::new();
    for (at, (is_set, table)) in tables.iter().enumerate() {
        let Some(set) = table.optional("set") else { continue };
        let set = set.table("[train.set]")?;
        let own = tables[at..].iter().find_map(|(_, table)| table.optional(OPTIMIZER));
        let other = own.is_some_and(|own| own.text() != entry.text());
        for key in set.keys() {
            let Some(value) = set.optional(key) else { continue };
            if parameters.contains(&key) {
                let number = exact(value.clone())?;
                values.entry(key.to_string()).or_insert((number, value.text()));
            } else if !(other || *is_set && !variants.is_empty()) {
                let message = format!("`{}` has no parameter `{key}`", optimizer.name);
                let help = match parameters.as_slice() {
                    [] => Some(format!("`{name}` takes no parameters")),
                    known => near::advice(key, known),
                };
                return Err(value.wrong(message, help));
            }
        }
    }
    Ok(values)
}

/// Training with an optimizer; what keeps one from it is shown at `entry`.
fn trained(chosen: &Chosen, train: &Layers, entry: &Entry) -> Result<Rule, SourceError> {
    let Chosen { optimizer, values, .. } = chosen;
    let mut step = optimizer.step(values)?;
    let known = [("written", false), ("settled", true)];
    if train.read("buffers", |entry| entry.choice("start of the buffers", &known))? == Some(true) {
        step = step.settled();
    }
    Rule::program(step, schedule(train)?).map_err(|error| {
        let message = format!("one cannot train with `{}`: {error}", optimizer.name);
        entry.wrong(message, Some(error.help()))
    })
}

/// The learning rates.
fn schedule(train: &Layers) -> Result<Schedule, SourceError> {
    let first = positive(train.required("lr", "lr = 0.1")?)?;
    let changes = train.read("lr_changes", changes)?.unwrap_or_default();
    Ok(Schedule { first, changes })
}

/// The factor of an average, or of momentum.
fn decay(entry: Entry) -> Result<f64, SourceError> {
    entry.number_that("must be at least 0 and below 1", |x| (0.0..1.0).contains(&x))
}

fn positive(entry: Entry) -> Result<f64, SourceError> {
    entry.number_that("must be positive", |x| x > 0.0)
}

/// An exact number: `0.9`, or the text `"9/10"`.
fn exact(entry: Entry) -> Result<BigRational, SourceError> {
    let text = entry.text().replace('_', "");
    optimizer::parse_value(text.trim_matches('"'))
        .map_err(|_| entry.fault("must be a number, 0.9 or \"9/10\" say", None))
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
