//! What a file holds beside real weights: parts of complex ones, and several vectors of their form.

use super::error::{Fault, WeightsError};
use super::read::{Helped, check_names, convert, unravelled, wanted, with_file};
use super::write::{Tensor, tensors};
use crate::architecture::{Architecture, Parameter};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Whether a file has complex weights of `network`: tensors `NAME.re` or `NAME.im`. Only the head of the file is read; a file
/// that is none is not complex, and [`load`](super::load) says what is wrong with it.
pub fn is_complex(path: &Path, network: &Architecture) -> bool {
    let Some(tensors) = head(path) else { return false };
    let has = |name: String| tensors.contains_key(&name);
    let parts = |p: &Parameter| has(format!("{}.re", p.name)) || has(format!("{}.im", p.name));
    network.parameters.iter().any(parts)
}

/// The head of a safetensors file: an object with an entry for each tensor, after its length in eight bytes.
fn head(path: &Path) -> Option<Map<String, Value>> {
    let mut file = File::open(path).ok()?;
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
pub fn load_vectors(path: &Path, network: &Architecture) -> Result<Vec<Vec<f64>>, WeightsError> {
    with_file(path, |file| {
        let wanted = wanted(network, |parameter| Some(parameter.name.clone()));
        check_names(&file, network, &wanted)?;
        let mut vectors: Option<Vec<Vec<f64>>> = None;
        for (name, parameter) in &wanted {
            let view = file
                .tensor(name)
                .map_err(|cause| Helped::new(Fault::Corrupt(cause.to_string()), None))?;
            let count = match view.shape() {
                shape if shape == parameter.shape => Some(1),
                [count, shape @ ..] if shape == parameter.shape => Some(*count),
                _ => None,
            };
            let known = vectors.as_ref().map(Vec::len);
            let count = count.filter(|&count| known.is_none_or(|known| known == count));
            let Some(count) = count else {
                let first = known.map_or("k".into(), |k| k.to_string());
                let fault = Fault::Shape {
                    tensor: name.clone(),
                    layer: parameter.layer().into(),
                    network: network.name.clone(),
                    found: view.shape().into(),
                    wanted: parameter.shape.clone(),
                };
                let help =
                    format!("{first} vectors are stacked along a first axis of every tensor");
                return Err(Helped::new(fault, Some(help)));
            };
            let vectors = vectors.get_or_insert_with(|| vec![vec![0.0; network.len()]; count]);
            let mut all = vec![0.0; count * parameter.len()];
            if !convert(&view, &mut all) {
                let found = view.dtype().to_string();
                let help = "vectors are of the types F64, F32, F16 or BF16".into();
                return Err(Helped::new(Fault::Type { tensor: name.clone(), found }, Some(help)));
            }
            if let Some(at) = all.iter().position(|value| !value.is_finite()) {
                let index = unravelled(at, view.shape());
                let fault = Fault::NotFinite { tensor: name.clone(), index, value: all[at] };
                return Err(Helped::new(fault, None));
            }
            for (vector, part) in vectors.iter_mut().zip(all.chunks(parameter.len().max(1))) {
                vector[parameter.range()].copy_from_slice(part);
            }
        }
        Ok(vectors.unwrap_or_default())
    })
}

/// The parts of flat vectors that belong to each parameter of `network`, those of all vectors stacked along a
/// first axis.
///
/// # Panics
/// If a vector is shorter than that of the parameters.
pub fn stacked(network: &Architecture, vectors: &[&[f64]]) -> Vec<Tensor> {
    let mut all: Vec<Tensor> = tensors(network, &vec![0.0; network.len()], "");
    for (tensor, parameter) in all.iter_mut().zip(&network.parameters) {
        tensor.shape.insert(0, vectors.len());
        tensor.values = vectors.iter().flat_map(|v| &v[parameter.range()]).copied().collect();
    }
    all
}
