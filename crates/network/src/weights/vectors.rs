//! What a file holds beside real weights: parts of complex ones, and several vectors of their form.

use super::error::WeightsError;
use super::read::{Wanted, check_names, elements, wanted, with_file};
use super::write::{Tensor, tensors};
use crate::architecture::{Layout, Parameter};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Whether a file has complex weights of `network`: tensors `NAME.re` or `NAME.im`. Only the head of the file is read; a file
/// that is none is not complex, and [`load`](super::load) says what is wrong with it.
pub fn is_complex(path: &Path, network: &Layout) -> bool {
    let Some(tensors) = head(path) else { return false };
    let has = |name: String| tensors.contains_key(&name);
    let parts = |p: &Parameter| has(format!("{}.re", p.name)) || has(format!("{}.im", p.name));
    network.parameters.iter().any(parts)
}

/// The names in a safetensors file, from its head, an object with an entry for each tensor, after its length in eight
/// bytes; or those in the index of a file in shards.
fn head(path: &Path) -> Option<Map<String, Value>> {
    let mut file = File::open(path).ok()?;
    if path.extension().is_some_and(|ending| ending == "json") {
        let index: Value = serde_json::from_reader(BufReader::new(file)).ok()?;
        return index.get("weight_map")?.as_object().cloned();
    }
    let length = file.metadata().ok()?.len();
    let mut size = [0; 8];
    file.read_exact(&mut size).ok()?;
    let size = u64::from_le_bytes(size);
    let mut text = Vec::new();
    if size < length {
        file.take(size).read_to_end(&mut text).ok()?;
    }
    serde_json::from_slice(&text).ok()
}

/// Vectors of the form of the parameters of `network`, from a file that has for each parameter a tensor of its name:
/// the parts of all vectors, along a first axis, or of a single one, in the shape of the parameter.
/// [`stacked`] makes such tensors.
///
/// # Errors
/// Those of [`load`](super::load); tensors with different numbers of vectors.
pub fn load_vectors(path: &Path, network: &Layout) -> Result<Vec<Vec<f64>>, WeightsError> {
    with_file(path, |file| {
        let wanted = wanted(network, |parameter| Some(parameter.name.clone()));
        check_names(&file, network, &wanted)?;
        let axes = |(name, parameter): &Wanted| {
            let view = file.tensor(name)?;
            Some((view.shape().len() > parameter.shape.len()).then(|| view.shape()[0]))
        };
        // The first tensor says whether there is a first axis, and how long it is.
        let stack = wanted.first().and_then(axes).flatten();
        let mut vectors = Vec::new();
        for (name, parameter) in &wanted {
            let shape: Vec<usize> = stack.into_iter().chain(parameter.shape.clone()).collect();
            let place = (parameter.layer(), shape.as_slice());
            let all = elements(&file, name, place, &network.name)?;
            if vectors.is_empty() {
                vectors = vec![vec![0.0; network.len()]; stack.unwrap_or(1)];
            }
            for (vector, part) in vectors.iter_mut().zip(all.chunks(parameter.len().max(1))) {
                vector[parameter.range()].copy_from_slice(part);
            }
        }
        Ok(vectors)
    })
}

/// The parts of flat vectors that belong to each parameter of `network`, those of all vectors stacked along a
/// first axis.
///
/// # Panics
/// If a vector is shorter than that of the parameters.
pub fn stacked(network: &Layout, vectors: &[&[f64]]) -> Vec<Tensor> {
    let mut all: Vec<Tensor> = tensors(network, &vec![0.0; network.len()], "");
    for (tensor, parameter) in all.iter_mut().zip(&network.parameters) {
        tensor.shape.insert(0, vectors.len());
        tensor.values = vectors.iter().flat_map(|v| &v[parameter.range()]).copied().collect();
    }
    all
}
