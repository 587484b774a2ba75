//! `.npz` files of NumPy with the arrays `inputs` and `targets`.

use super::arrays::{Array, Numbers, dataset};
use super::specification::TargetKind;
use super::{DataError, Dataset, file};
use crate::optimizer::near;
use npyz::{DType, Deserialize, NpyFile, Order, TypeChar};
use std::io::{Cursor, Read};
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// The examples of such a file.
pub(super) fn read(path: &Path, kind: Option<TargetKind>) -> Result<Dataset, DataError> {
    let bytes = file::bytes(path)?;
    let length = bytes.len();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| DataError::Corrupt {
        path: path.into(),
        problem: format!("its {length} bytes are no zip archive ({error})"),
        expected: Some("a file written by `numpy.savez`".into()),
    })?;
    let inputs = array(path, &mut archive, "inputs")?;
    let targets = array(path, &mut archive, "targets")?;
    dataset(&path.display().to_string(), inputs, targets, kind)
}

fn array(
    path: &Path,
    archive: &mut ZipArchive<Cursor<Vec<u8>>>,
    name: &str,
) -> Result<Array, DataError> {
    let corrupt = |problem: String| DataError::Corrupt {
        path: path.into(),
        problem: format!("its array `{name}` cannot be read ({problem})"),
        expected: Some("a complete file written by `numpy.savez`".into()),
    };
    let names: Vec<String> = archive.file_names().flatten().map(Into::into).collect();
    let mut entry = archive.by_name(&format!("{name}.npy")).map_err(|error| match error {
        ZipError::FileNotFound => {
            let names: Vec<&str> = names.iter().map(|name| name.trim_end_matches(".npy")).collect();
            let help = Some(format!("it holds {}", near::quoted(&names)));
            DataError::NoArray { path: path.into(), array: name.into(), help }
        }
        error => corrupt(error.to_string()),
    })?;
    // To its end, where the archive's checksum of it is compared.
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| corrupt(error.to_string()))?;
    let npy = NpyFile::new(bytes.as_slice()).map_err(|error| corrupt(error.to_string()))?;
    let unreadable = |problem: String, expected: &str| DataError::Encoding {
        path: path.into(),
        array: name.into(),
        problem,
        expected: Some(expected.into()),
    };
    let shape: Vec<usize> = npy.shape().iter().map(|n| *n as usize).collect();
    if npy.order() == Order::Fortran && shape.len() > 1 {
        return Err(unreadable(
            "is stored column by column".into(),
            "rows one after the other, as `numpy.ascontiguousarray` makes them",
        ));
    }
    let descr = npy.dtype().descr();
    let DType::Plain(kind) = npy.dtype() else {
        return Err(unreadable(format!("holds records {descr}"), NUMBERS));
    };
    let numbers = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 8) => numbers(npy).map(Numbers::F64),
        (TypeChar::Float, 4) => numbers(npy).map(Numbers::F32),
        (TypeChar::Int, 8) => numbers(npy).map(Numbers::Integers),
        (TypeChar::Int, 4) => numbers::<i32>(npy).map(integers),
        (TypeChar::Int, 2) => numbers::<i16>(npy).map(integers),
        (TypeChar::Int, 1) => numbers::<i8>(npy).map(integers),
        (TypeChar::Uint, 4) => numbers::<u32>(npy).map(integers),
        (TypeChar::Uint, 2) => numbers::<u16>(npy).map(integers),
        (TypeChar::Uint, 1) => numbers(npy).map(Numbers::Bytes),
        (TypeChar::Bool, _) => numbers::<bool>(npy)
            .map(|values| Numbers::Bytes(values.into_iter().map(u8::from).collect())),
        _ => return Err(unreadable(format!("holds numbers of type {descr}"), NUMBERS)),
    };
    let numbers = numbers.map_err(|error| corrupt(error.to_string()))?;
    Ok(Array { shape, numbers })
}

/// The types that are read.
const NUMBERS: &str = "float64, float32, bool, int8 to int64 or uint8 to uint32";

fn numbers<T: Deserialize>(npy: NpyFile<impl Read>) -> std::io::Result<Vec<T>> {
    npy.into_vec()
}

fn integers<T: Into<i64>>(values: Vec<T>) -> Numbers {
    Numbers::Integers(values.into_iter().map(Into::into).collect())
}
