//! One run as a TOML text that describes it alone.

use super::layers::Layers;
use super::one_run::{Config, NetworkSource, Start};
use super::rule;
use bea_network::architecture::Dtype;
use std::fmt::Write as _;

/// All keys that `config` was read from, with the defaults of those that were not set.
/// `training` are keys of `[train]` that are written otherwise.
pub(super) fn text(
    all: &Layers,
    config: &Config,
    method: &str,
    training: Vec<(&'static str, String)>,
) -> String {
    let mut out = format!("name = {}\nseed = {}\n", quoted(&config.name), config.seed);
    let inline = |out: &mut String, key: &str, otherwise: Option<String>| {
        let value = all.written(key).or(otherwise);
        if let Some(value) = value {
            let _ = writeln!(out, "{key} = {value}");
        }
    };
    match &config.network {
        NetworkSource::File(_) | NetworkSource::Graph(_) => {
            let _ = writeln!(out, "network = {}", quoted(config.network_name()));
        }
        NetworkSource::Named(_) | NetworkSource::Table(_) => inline(&mut out, "network", None),
    }
    if let Some(data) = &config.data {
        let _ = writeln!(out, "data = {}", quoted(data));
    }
    if let Some(test) = &config.test {
        let _ = writeln!(out, "test = {}", quoted(test));
    }
    inline(&mut out, "loss", None);
    inline(&mut out, "label_smoothing", None);
    inline(&mut out, "l2", None);
    let dtype = if config.dtype == Dtype::F32 { "f32" } else { "f64" };
    inline(&mut out, "dtype", Some(quoted(dtype)));
    if matches!(config.start, Start::Scheme(_)) {
        inline(&mut out, "init", Some(quoted("pytorch")));
    }
    inline(&mut out, "device", Some(quoted(&config.device)));
    type Values = [(&'static str, String)];
    let mut table = |key: &'static str, keys: &[&str], fixed: &Values, usual: &Values| {
        let Ok(Some(below)) = all.below(key, "") else { return };
        let _ = writeln!(out, "\n[{key}]");
        for &key in keys {
            let known = |list: &[(&str, String)]| {
                list.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone())
            };
            if let Some(value) = known(fixed).or(below.written(key)).or(known(usual)) {
                let _ = writeln!(out, "{key} = {value}");
            }
        }
    };
    let mut fixed = training;
    if let Start::Weights(file) = &config.start {
        fixed.push(("weights", quoted(&file.display().to_string())));
    }
    table("train", &rule::keys_of(method), &fixed, &[]);
    table("measure", &["metrics", "every"], &[], &[("every", config.every.to_string())]);
    table("flows", &["rtol", "atol", "euler", "directions", "from"], &[], &[]);
    table("follow", &["from", "steps", "flows", "sharpness"], &[], &[]);
    out
}

/// A resolved description without the number of steps, and that number.
pub fn without_steps(text: &str) -> (String, Option<usize>) {
    let (mut rest, mut steps, mut table) = (String::new(), None, "");
    for line in text.lines() {
        if line.starts_with('[') {
            table = line;
        }
        match line.strip_prefix("steps = ").filter(|_| table == "[train]") {
            Some(number) => steps = number.replace('_', "").parse().ok(),
            None => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    (rest, steps)
}

/// A TOML string: JSON's escapes are TOML's.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
