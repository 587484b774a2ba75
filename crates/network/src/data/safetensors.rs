//! `.safetensors` files with the tensors `inputs` and `targets`.

use super::arrays::{Array, Numbers, dataset, missing, names};
use super::specification::Specification;
use super::{DataError, Dataset, file};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// The examples of such a file.
pub(super) fn read(path: &Path, specification: &Specification) -> Result<Dataset, DataError> {
    let bytes = file::bytes(path)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| DataError::Corrupt {
        path: path.into(),
        problem: match promised(&bytes) {
            Some(length) if length != bytes.len() as u64 => {
                format!("its header promises {length} bytes, but it has {}", bytes.len())
            }
            _ => format!("its {} bytes are no safetensors ({error})", bytes.len()),
        },
        expected: Some("a complete file written by `safetensors`".into()),
    })?;
    let mut held = tensors.names();
    held.sort_unstable();
    let array = |name: &str| {
        let Ok(tensor) = tensors.tensor(name) else {
            return Err(missing(path, specification, name, &held));
        };
        let data = tensor.data();
        let numbers = match tensor.dtype() {
            Dtype::F64 => Numbers::F64(numbers(data, f64::from_le_bytes)),
            Dtype::F32 => Numbers::F32(numbers(data, f32::from_le_bytes)),
            Dtype::F16 => Numbers::F32(numbers(data, |b| f16::from_le_bytes(b).into())),
            Dtype::BF16 => Numbers::F32(numbers(data, |b| bf16::from_le_bytes(b).into())),
            Dtype::I64 => Numbers::Integers(numbers(data, |b| i64::from_le_bytes(b) as f64)),
            Dtype::I32 => Numbers::Integers(numbers(data, |b| i32::from_le_bytes(b).into())),
            Dtype::I16 => Numbers::Integers(numbers(data, |b| i16::from_le_bytes(b).into())),
            Dtype::I8 => Numbers::Integers(numbers(data, |b| i8::from_le_bytes(b).into())),
            Dtype::U64 => Numbers::Integers(numbers(data, |b| u64::from_le_bytes(b) as f64)),
            Dtype::U32 => Numbers::Integers(numbers(data, |b| u32::from_le_bytes(b).into())),
            Dtype::U16 => Numbers::Integers(numbers(data, |b| u16::from_le_bytes(b).into())),
            Dtype::U8 | Dtype::BOOL => Numbers::Bytes(data.to_vec()),
            other => {
                return Err(DataError::Encoding {
                    path: path.into(),
                    array: name.into(),
                    problem: format!("holds numbers of type {other:?}"),
                    expected: Some("F64, F32, F16, BF16, BOOL, U8 to U64 or I8 to I64".into()),
                });
            }
        };
        Ok(Array { shape: tensor.shape().to_vec(), numbers })
    };
    let [inputs, targets] = names(specification);
    let (inputs, targets) = (array(inputs)?, array(targets)?);
    dataset(&path.display().to_string(), inputs, targets, specification, &held)
}

/// The length that a file says it has: 8 bytes, the header, and the data up to the last tensor's end.
fn promised(bytes: &[u8]) -> Option<u64> {
    let header = u64::from_le_bytes(*bytes.first_chunk()?);
    let before = header.checked_add(8)?;
    let Some(text) = bytes.get(8..usize::try_from(before).ok()?) else { return Some(before) };
    let tensors: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text).ok()?;
    let ends = tensors.values().filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64());
    before.checked_add(ends.max().unwrap_or(0))
}

/// The numbers of `N` bytes each that `data` is made of.
fn numbers<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}
