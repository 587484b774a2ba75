//! `.safetensors` files with the tensors `inputs` and `targets`.

use super::arrays::{Array, Numbers, dataset};
use super::specification::TargetKind;
use super::{DataError, Dataset, file};
use crate::optimizer::near;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// The examples of such a file.
pub(super) fn read(path: &Path, kind: Option<TargetKind>) -> Result<Dataset, DataError> {
    let bytes = file::bytes(path)?;
    let corrupt = |problem: String, expected: Option<String>| DataError::Corrupt {
        path: path.into(),
        problem,
        expected,
    };
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| {
        corrupt(
            format!("its {} bytes are no safetensors: {error}", bytes.len()),
            Some(
                "the length of a header in 8 bytes, the header, and as many bytes as it says"
                    .into(),
            ),
        )
    })?;
    let array = |name: &str| {
        let Ok(tensor) = tensors.tensor(name) else {
            let names = tensors.names();
            return Err(DataError::Shape {
                name: path.display().to_string(),
                problem: format!("it holds no tensor `{name}`"),
                expected: Some(format!("it holds {}", near::quoted(&names))),
            });
        };
        let data = tensor.data();
        let numbers = match tensor.dtype() {
            Dtype::F64 => Numbers::F64(numbers(data, f64::from_le_bytes)),
            Dtype::F32 => Numbers::F32(numbers(data, f32::from_le_bytes)),
            Dtype::I64 => Numbers::Integers(numbers(data, i64::from_le_bytes)),
            Dtype::I32 => Numbers::Integers(numbers(data, |b| i32::from_le_bytes(b).into())),
            Dtype::I16 => Numbers::Integers(numbers(data, |b| i16::from_le_bytes(b).into())),
            Dtype::I8 => Numbers::Integers(numbers(data, |b| i8::from_le_bytes(b).into())),
            Dtype::U32 => Numbers::Integers(numbers(data, |b| u32::from_le_bytes(b).into())),
            Dtype::U16 => Numbers::Integers(numbers(data, |b| u16::from_le_bytes(b).into())),
            Dtype::U8 | Dtype::BOOL => Numbers::Bytes(data.to_vec()),
            other => {
                return Err(DataError::Shape {
                    name: path.display().to_string(),
                    problem: format!("the tensor `{name}` holds numbers of type {other:?}"),
                    expected: Some("F32, F64, U8 to U32 or I8 to I64".into()),
                });
            }
        };
        Ok(Array { shape: tensor.shape().to_vec(), numbers })
    };
    dataset(&path.display().to_string(), array("inputs")?, array("targets")?, kind)
}

/// The numbers of `N` bytes each that `data` is made of.
fn numbers<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}
