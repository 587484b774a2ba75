//! Tensors of a file that are called otherwise than the parameters of a network.

use super::stored::Tensors;
use crate::architecture::Layout;
use std::collections::{BTreeMap, BTreeSet};

/// How many names are listed.
const LISTED: usize = 24;

/// The tensors of the file that are no parameters, and how its layers can be given their names, where several
/// parameters are missing.
pub(super) fn renaming(
    file: &Tensors,
    network: &Layout,
    missing: &[&str],
    extra: &[&str],
) -> String {
    let shape = |name: &str| file.tensor(name).map_or_else(Vec::new, |view| view.shape().to_vec());
    let mut sorted = extra.to_vec();
    sorted.sort_by_key(|name| natural(name));
    let shown: Vec<String> =
        sorted.iter().take(LISTED).map(|name| format!("`{name}` {:?}", shape(name))).collect();
    let more = match sorted.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut given: Vec<(&str, BTreeMap<&str, Vec<usize>>)> = Vec::new();
    for name in &sorted {
        let (layer, own) = name.rsplit_once('.').unwrap_or(("", name));
        match given.iter_mut().find(|(known, _)| *known == layer) {
            Some((_, tensors)) => {
                tensors.insert(own, shape(name));
            }
            None => given.push((layer, BTreeMap::from([(own, shape(name))]))),
        }
    }
    let wanted: BTreeSet<&str> = missing.iter().copied().collect();
    let mut renamed: Vec<(&str, BTreeMap<&str, Vec<usize>>)> = Vec::new();
    for parameter in network.parameters.iter().filter(|p| wanted.contains(p.name.as_str())) {
        let layer = parameter.layer();
        let own = parameter.name[layer.len()..].trim_start_matches('.');
        match renamed.last_mut().filter(|(known, _)| *known == layer) {
            Some((_, tensors)) => {
                tensors.insert(own, parameter.shape.clone());
            }
            None => renamed.push((layer, BTreeMap::from([(own, parameter.shape.clone())]))),
        }
    }
    let pairs: Option<Vec<String>> = renamed
        .iter()
        .map(|(layer, tensors)| {
            let place = given.iter().position(|(name, own)| !name.is_empty() && own == tensors)?;
            let (name, _) = given.remove(place);
            (!layer.contains('.')).then(|| format!("`name = \"{name}\"` in layer {layer}"))
        })
        .collect();
    let remedy = match pairs {
        Some(pairs) => format!("in a network file, {}, makes these the names", pairs.join(", ")),
        None => {
            let bare = extra.iter().any(|name| !name.contains('.'));
            let parameter = ", and `parameter = \"…\"` in a `class_token` or `position` is the name of its tensor";
            format!(
                "in a network file, `name = \"…\"` in a layer takes the place of its number{}",
                if bare { parameter } else { "" }
            )
        }
    };
    format!("the file has {}{more}; {remedy}", shown.join(", "))
}

/// Orders `fc2` before `fc10`: words, and numbers by size.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    for part in name.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
        parts.push((String::new(), digits.parse().unwrap_or(0)));
        parts.push((part[digits.len()..].to_string(), 0));
    }
    parts
}
