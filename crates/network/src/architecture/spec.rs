//! Architectures of the library in short: `mlp:100,100,tanh`.

use super::activation::{ACTIVATIONS, Activation};
use super::error::SpecError;
use super::library::{Design, Family, NAMES, Transformer};
use bea_series::text::near;

/// The mode of batch norms that follows a name.
const RUNNING: &str = "running";

pub(super) fn design(spec: &str, input: &[usize], outputs: usize) -> Result<Design, SpecError> {
    let (name, items) = spec.split_once(':').unwrap_or((spec, ""));
    let mut family = Family::named(name).ok_or_else(|| SpecError {
        message: format!("there is no architecture `{name}`"),
        help: near::advice(name, &NAMES),
    })?;
    if outputs == 0 {
        let message = format!("`{spec}` needs at least one output");
        return Err(SpecError { message, help: None });
    }
    let (mut activation, mut running) = (None, false);
    for item in items.split(',').map(str::trim).filter(|_| !items.is_empty()) {
        if item == RUNNING && !running {
            if !family.has_batch_norms() {
                let message = format!("`{spec}` has no batch norms that could be {RUNNING}");
                return Err(SpecError { message, help: None });
            }
            running = true;
            continue;
        }
        match (named(item), &mut family) {
            (Some(found), _) if activation.is_none() => activation = Some(found),
            (Some(_), _) => {
                let message = format!("`{spec}` has a second activation, `{item}`");
                return Err(SpecError { message, help: None });
            }
            (None, Family::Mlp { hidden }) => hidden.push(width(spec, item)?),
            (None, family) => {
                return Err(no_activation(spec, item, family.has_batch_norms()));
            }
        }
    }
    match &family {
        Family::Mlp { hidden } if hidden.is_empty() => Err(SpecError {
            message: format!("`{spec}` has no hidden layers"),
            help: Some("their widths follow the name: `mlp:100,100`".into()),
        }),
        Family::Transformer(Transformer { vocabulary: None, .. }) if input.len() == 1 => {
            Err(SpecError {
                message: format!("`{spec}` takes [tokens, features], not {input:?}"),
                help: Some("a network file gives the `vocabulary` of integers".into()),
            })
        }
        _ => {
            let activation = activation.unwrap_or(family.activation());
            Ok(Design { activation, family, running, outputs })
        }
    }
}

fn named(word: &str) -> Option<Activation> {
    ACTIVATIONS.iter().find(|(name, _)| *name == word).map(|(_, activation)| *activation)
}

fn width(spec: &str, item: &str) -> Result<usize, SpecError> {
    match item.parse() {
        Ok(width) if (1..=1 << 24).contains(&width) => Ok(width),
        Ok(_) => Err(SpecError {
            message: format!("`{spec}` has a layer of width {item}"),
            help: Some("a width is an integer from 1 to 2^24".into()),
        }),
        Err(_) => Err(no_activation(spec, item, false)),
    }
}

fn no_activation(spec: &str, item: &str, norms: bool) -> SpecError {
    let running = norms.then_some(RUNNING);
    let names: Vec<&str> = ACTIVATIONS.iter().map(|(name, _)| *name).chain(running).collect();
    let message = format!("in `{spec}` there is no activation `{item}`");
    SpecError { message, help: near::advice(item, &names) }
}
