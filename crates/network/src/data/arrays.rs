//! The arrays `inputs` and `targets` of a file, whichever its format.

use super::specification::TargetKind;
use super::{DataError, Dataset, Targets, Values};

/// The numbers of an array, row-major.
pub(super) enum Numbers {
    Bytes(Vec<u8>),
    /// Integers of any other type; those of 64 bits that `f64` does not represent are rounded.
    Integers(Vec<f64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// An array of a file.
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub numbers: Numbers,
}

/// The examples that the two arrays hold. The first axis of both counts the examples. Targets of an
/// integer type with one number per example are labels, unless `kind` says otherwise.
pub(super) fn dataset(
    name: &str,
    inputs: Array,
    targets: Array,
    kind: Option<TargetKind>,
) -> Result<Dataset, DataError> {
    let shape_error = |problem: String, expected: &str| DataError::Shape {
        name: name.into(),
        problem,
        expected: Some(expected.into()),
    };
    let (Some((&examples, rest)), Some((&labelled, wide))) =
        (inputs.shape.split_first(), targets.shape.split_first())
    else {
        return Err(shape_error(
            format!("`inputs` has shape {:?} and `targets` {:?}", inputs.shape, targets.shape),
            "the first axis of both counts the examples",
        ));
    };
    if examples != labelled {
        return Err(shape_error(
            format!(
                "`inputs` has shape {:?}, {examples} examples, but `targets` has shape {:?}, {labelled}",
                inputs.shape, targets.shape
            ),
            "the first axis of both counts the examples",
        ));
    }
    let shape = if rest.is_empty() { vec![1] } else { rest.to_vec() };
    let width: usize = wide.iter().product();
    let integers = matches!(targets.numbers, Numbers::Integers(_) | Numbers::Bytes(_));
    let values = match inputs.numbers {
        Numbers::Bytes(v) => Values::Bytes(v),
        Numbers::F32(v) => Values::F32(v),
        Numbers::F64(v) | Numbers::Integers(v) => Values::F64(v),
    };
    let guess = if integers && width == 1 { TargetKind::Classes } else { TargetKind::Values };
    let targets = match kind.unwrap_or(guess) {
        TargetKind::Values => Targets::Values { values: as_f64(targets.numbers), width },
        TargetKind::Classes if width == 1 => labels(name, &as_f64(targets.numbers))?,
        TargetKind::Classes => {
            return Err(shape_error(
                format!("`targets` has shape {:?}", targets.shape),
                "labels of classes are one number an example",
            ));
        }
    };
    Dataset::new(name, shape, values, targets)
}

/// Labels of as many classes as the largest of them needs.
pub(super) fn labels(name: &str, numbers: &[f64]) -> Result<Targets, DataError> {
    let mut labels = Vec::with_capacity(numbers.len());
    for (row, number) in numbers.iter().enumerate() {
        // The largest u32 is left out so that the number of classes fits a u32 too.
        if number.fract() != 0.0 || !(0.0..f64::from(u32::MAX)).contains(number) {
            return Err(DataError::NoLabel { name: name.into(), row, value: *number });
        }
        labels.push(*number as u32);
    }
    let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
    Ok(Targets::Classes { labels, classes })
}

fn as_f64(numbers: Numbers) -> Vec<f64> {
    match numbers {
        Numbers::Bytes(v) => v.into_iter().map(f64::from).collect(),
        Numbers::F32(v) => v.into_iter().map(f64::from).collect(),
        Numbers::F64(v) | Numbers::Integers(v) => v,
    }
}
