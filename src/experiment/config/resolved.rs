//! One run as a TOML text that describes it alone.

use super::layers::Layers;
use super::{Config, Start, rule};
use crate::network::architecture::Dtype;
use std::fmt::Write as _;

/// Everything that `config` was read from, with what it left to its defaults.
pub(super) fn text(all: &Layers, config: &Config, method: &str) -> String {
    let mut out = format!("name = {}\nseed = {}\n", quoted(&config.name), config.seed);
    let mut inline = |key: &str, otherwise: Option<String>| {
        let value = all.written(key).or(otherwise);
        if let Some(value) = value {
            let _ = writeln!(out, "{key} = {value}");
        }
    };
    inline("network", None);
    inline("data", None);
    inline("test", None);
    inline("loss", None);
    inline("label_smoothing", None);
    let dtype = if config.dtype == Dtype::F32 { "f32" } else { "f64" };
    inline("dtype", Some(quoted(dtype)));
    if matches!(config.start, Start::Scheme(_)) {
        inline("init", Some(quoted("pytorch")));
    }
    inline("device", Some(quoted(&config.device)));
    let mut table = |key: &'static str, keys: &[&str], usual: &[(&str, String)]| {
        let Ok(Some(below)) = all.below(key, "") else { return };
        let _ = writeln!(out, "\n[{key}]");
        for &key in keys {
            let usual = usual.iter().find(|(known, _)| *known == key).map(|(_, v)| v.clone());
            if let Some(value) = below.written(key).or(usual) {
                let _ = writeln!(out, "{key} = {value}");
            }
        }
    };
    table("train", &rule::keys_of(method), &[]);
    table("measure", &["metrics", "every"], &[("every", config.every.to_string())]);
    let flows = &config.flows;
    let usual = [("rtol", flows.rtol.to_string()), ("atol", flows.atol.to_string())];
    table("flows", &["rtol", "atol", "euler", "directions"], &usual);
    table("follow", &["from", "steps", "flows", "sharpness"], &[]);
    out
}

/// A TOML string: JSON's escapes are TOML's.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
