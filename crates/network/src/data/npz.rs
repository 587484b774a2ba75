//! `.npz` files of NumPy with the arrays `inputs` and `targets`.

use super::arrays::{Array, Numbers, dataset, missing, names};
use super::specification::Specification;
use super::{DataError, Dataset, file};
use half::f16;
use npyz::{DType, Deserialize, NpyFile, Order, TypeChar};
use std::io::{Cursor, Read};
use std::path::Path;
use zip::ZipArchive;

/// The examples of such a file.
pub(super) fn read(path: &Path, specification: &Specification) -> Result<Dataset, DataError> {
    let bytes = file::bytes(path)?;
    let length = bytes.len();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| DataError::Corrupt {
        path: path.into(),
        problem: format!("its {length} bytes are no zip archive ({error})"),
        expected: Some("a file written by `numpy.savez`".into()),
    })?;
    let held: Vec<String> = archive.file_names().flatten().map(Into::into).collect();
    let held: Vec<&str> = held.iter().map(|name| name.trim_end_matches(".npy")).collect();
    let [inputs, targets] = names(specification);
    for name in [inputs, targets] {
        if !held.contains(&name) {
            return Err(missing(path, specification, name, &held));
        }
    }
    let inputs = array(path, &mut archive, inputs)?;
    let targets = array(path, &mut archive, targets)?;
    dataset(&path.display().to_string(), inputs, targets, specification, &held)
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
    let mut entry =
        archive.by_name(&format!("{name}.npy")).map_err(|error| corrupt(error.to_string()))?;
    // Read to the end, where the archive's checksum is verified.
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
    // Before anything is allocated for them: each number is at least a byte.
    let count = shape.iter().try_fold(1_usize, |count, n| count.checked_mul(*n));
    if count.is_none_or(|count| count > bytes.len()) {
        return Err(corrupt(format!(
            "it says that its shape is {shape:?}, in {} bytes",
            bytes.len()
        )));
    }
    let descr = npy.dtype().descr();
    let DType::Plain(kind) = npy.dtype() else {
        return Err(unreadable(format!("holds records {descr}"), NUMBERS));
    };
    let numbers = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 8) => numbers(npy).map(Numbers::F64),
        (TypeChar::Float, 4) => numbers(npy).map(Numbers::F32),
        (TypeChar::Float, 2) => numbers::<f16>(npy)
            .map(|values| Numbers::F32(values.into_iter().map(f32::from).collect())),
        (TypeChar::Int, 8) => numbers::<i64>(npy)
            .map(|values| Numbers::Integers(values.into_iter().map(|x| x as f64).collect())),
        (TypeChar::Int, 4) => numbers::<i32>(npy).map(integers),
        (TypeChar::Int, 2) => numbers::<i16>(npy).map(integers),
        (TypeChar::Int, 1) => numbers::<i8>(npy).map(integers),
        (TypeChar::Uint, 8) => numbers::<u64>(npy)
            .map(|values| Numbers::Integers(values.into_iter().map(|x| x as f64).collect())),
        (TypeChar::Uint, 4) => numbers::<u32>(npy).map(integers),
        (TypeChar::Uint, 2) => numbers::<u16>(npy).map(integers),
        (TypeChar::Uint, 1) => numbers(npy).map(Numbers::Bytes),
        (TypeChar::Bool, _) => numbers::<bool>(npy)
            .map(|values| Numbers::Bytes(values.into_iter().map(u8::from).collect())),
        (TypeChar::ByteStr | TypeChar::UnicodeStr, _) => {
            let expected =
                "numbers; `numpy.unique(words, return_inverse=True)[1]` makes labels of words";
            return Err(unreadable(format!("holds words of type {descr}"), expected));
        }
        _ => return Err(unreadable(format!("holds numbers of type {descr}"), NUMBERS)),
    };
    let numbers = numbers.map_err(|error| corrupt(error.to_string()))?;
    Ok(Array { shape, numbers })
}

/// The types that are read.
const NUMBERS: &str = "float64, float32, float16, bool, int8 to int64 or uint8 to uint64";

/// The numbers, row-major.
fn numbers<T: Deserialize + Copy>(npy: NpyFile<impl Read>) -> std::io::Result<Vec<T>> {
    let (order, shape) = (npy.order(), npy.shape().to_vec());
    let stored: Vec<T> = npy.into_vec()?;
    if order == Order::C || shape.len() < 2 {
        return Ok(stored);
    }
    let place = |mut row_major: usize| {
        let (mut place, mut stride) = (0, stored.len());
        for &size in shape.iter().rev() {
            // The last axis varies fastest in the one order and slowest in the other.
            let size = size as usize;
            stride /= size;
            place += row_major % size * stride;
            row_major /= size;
        }
        place
    };
    Ok((0..stored.len()).map(|at| stored[place(at)]).collect())
}

fn integers<T: Into<f64>>(values: Vec<T>) -> Numbers {
    Numbers::Integers(values.into_iter().map(Into::into).collect())
}
