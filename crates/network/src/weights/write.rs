//! Writing weights, and other vectors of the same form.

use super::error::{Fault, WeightsError};
use crate::architecture::{Dtype, Layout};
use bea_series::text::file;
use safetensors::SafeTensorError;
use safetensors::tensor::{self, View};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// A named array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name in the file.
    pub name: String,
    /// Its axes; none for a single number.
    pub shape: Vec<usize>,
    /// Its elements, the last axis varying fastest.
    pub values: Vec<f64>,
}

/// The parts of a flat vector `values` that belong to each parameter of `network`, the names after `prefix`:
/// weights themselves with `""`, their gradient with `"gradient."`.
///
/// ```
/// use bea_network::architecture::{Architecture, Dtype, Criterion};
/// use bea_network::weights::tensors;
/// let (criterion, dtype) = (Criterion::MeanSquaredError, Dtype::F64);
/// let network = Architecture::find("mlp:2,tanh", &[1], 1, criterion, dtype).unwrap();
/// let values: Vec<f64> = (0..7).map(f64::from).collect();
/// let last = tensors(&network, &values, "gradient.").pop().unwrap();
/// assert_eq!((last.name.as_str(), last.shape, last.values), ("gradient.2.bias", vec![1], vec![6.0]));
/// ```
///
/// # Panics
/// If `values` is shorter than the vector of parameters.
pub fn tensors(network: &Layout, values: &[f64], prefix: &str) -> Vec<Tensor> {
    let tensor = |parameter: &crate::architecture::Parameter| Tensor {
        name: format!("{prefix}{}", parameter.name),
        shape: parameter.shape.clone(),
        values: values[parameter.range()].to_vec(),
    };
    network.parameters.iter().map(tensor).collect()
}

/// Writes `tensors` to a safetensors file, rounded to `dtype`. The file appears, or replaces another, only when it
/// is complete.
///
/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, tensors: &[Tensor], dtype: Dtype) -> Result<(), WeightsError> {
    write(path, encoded(tensors, dtype))
}

/// [`save`], with `value` under `key` in the file's metadata.
///
/// # Errors
/// Those of [`save`].
pub fn save_with(
    path: &Path,
    tensors: &[Tensor],
    dtype: Dtype,
    (key, value): (&str, &str),
) -> Result<(), WeightsError> {
    write(path, serialized(tensors, dtype, (key, value)))
}

fn write(path: &Path, bytes: Result<Vec<u8>, SafeTensorError>) -> Result<(), WeightsError> {
    let error = |cause: String| WeightsError {
        file: path.into(),
        fault: Fault::Io(cause).into(),
        help: None,
    };
    let bytes = bytes.map_err(|cause| error(cause.to_string()))?;
    file::replace(path, |out| out.write_all(&bytes)).map_err(|cause| error(cause.to_string()))
}

/// What [`save`] writes: the bytes of a safetensors file.
///
/// # Errors
/// Names that occur twice, or tensors whose values do not fit their shapes.
pub fn encoded(tensors: &[Tensor], dtype: Dtype) -> Result<Vec<u8>, SafeTensorError> {
    // Libraries for PyTorch expect this entry.
    serialized(tensors, dtype, ("format", "pt"))
}

/// With one entry of metadata: the order of several would differ from run to run.
fn serialized(
    tensors: &[Tensor],
    dtype: Dtype,
    (key, value): (&str, &str),
) -> Result<Vec<u8>, SafeTensorError> {
    let views = tensors.iter().map(|tensor| (tensor.name.as_str(), Encoded { tensor, dtype }));
    tensor::serialize(views, Some(HashMap::from([(key.to_string(), value.to_string())])))
}

/// A tensor in the form of the file.
struct Encoded<'a> {
    tensor: &'a Tensor,
    dtype: Dtype,
}

impl View for Encoded<'_> {
    fn dtype(&self) -> tensor::Dtype {
        match self.dtype {
            Dtype::F32 => tensor::Dtype::F32,
            Dtype::F64 => tensor::Dtype::F64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.tensor.values.iter();
        Cow::Owned(match self.dtype {
            Dtype::F32 => values.flat_map(|value| (*value as f32).to_le_bytes()).collect(),
            Dtype::F64 => values.flat_map(|value| value.to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        self.tensor.values.len() * self.dtype().bitsize() / 8
    }
}
