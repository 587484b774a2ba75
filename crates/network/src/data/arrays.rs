//! The arrays of inputs and of targets of a file, whichever its format.

use super::remark::{Remark, are_few_whole, channels_last};
use super::specification::{Specification, TargetKind};
use super::{DataError, Dataset, Targets, Values};
use bea_series::text::near;
use std::path::Path;

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

/// What the arrays are called unless a specification says otherwise.
const INPUTS: &str = "inputs";
const TARGETS: &str = "targets";

/// The names of the arrays of inputs and of targets.
pub(super) fn names(specification: &Specification) -> [&str; 2] {
    [
        specification.inputs.as_deref().unwrap_or(INPUTS),
        specification.target.as_deref().unwrap_or(TARGETS),
    ]
}

/// What others call inputs and targets; the first that a file has of both is proposed.
const OTHERS: [(&[&str], &[&str]); 6] = [
    (&["x_train", "X_train", "train_x", "train_X"], &["y_train", "Y_train", "train_y", "train_Y"]),
    (&["train_images", "train_data", "train_inputs"], &["train_labels", "train_targets"]),
    (&["images", "image"], &["labels", "label", "targets", "target"]),
    (&["x", "X"], &["y", "Y", "labels", "targets", "target"]),
    (&["inputs", "input", "data", "features"], &["targets", "target", "labels", "label", "y"]),
    (&["x_test", "X_test", "test_images"], &["y_test", "Y_test", "test_labels"]),
];

/// The error that a file lacks the array `name`; `held` are the names of those that it has.
pub(super) fn missing(
    path: &Path,
    specification: &Specification,
    name: &str,
    held: &[&str],
) -> DataError {
    let mut help = match held {
        [] => "it holds no array".to_string(),
        held => format!("it holds {}", near::quoted(held)),
    };
    let first = |of: &[&str]| held.iter().find(|name| of.contains(name)).copied();
    let proposed =
        OTHERS.iter().find_map(|(inputs, targets)| Some((first(inputs)?, first(targets)?)));
    let (inputs, targets) = proposed.unwrap_or(match held {
        [one, other] => (one, other),
        _ => ("NAME", "NAME"),
    });
    if held.len() > 1 {
        let mut options = String::new();
        for (own, usual, key) in [(inputs, INPUTS, "inputs"), (targets, TARGETS, "target")] {
            if own != usual {
                options.push_str(&format!(",{key}={own}"));
            }
        }
        let given = specification.inputs.is_some() || specification.target.is_some();
        if !options.is_empty() && !given {
            help.push_str(&format!("; the options `{options}` after the data choose among them"));
        }
    }
    DataError::NoArray { path: path.into(), array: name.into(), help: Some(help) }
}

/// The examples that the two arrays hold, of a file with arrays called `held`. The first axis of both counts the
/// examples. Targets of an integer type with one number per example are labels, unless the specification says otherwise.
pub(super) fn dataset(
    name: &str,
    inputs: Array,
    targets: Array,
    specification: &Specification,
    held: &[&str],
) -> Result<Dataset, DataError> {
    let [of_inputs, of_targets] = names(specification);
    let shape_error = |problem: String, expected: &str| DataError::Shape {
        name: name.into(),
        problem,
        expected: Some(expected.into()),
    };
    let (Some((&examples, rest)), Some((&labelled, wide))) =
        (inputs.shape.split_first(), targets.shape.split_first())
    else {
        return Err(shape_error(
            format!(
                "`{of_inputs}` has shape {:?} and `{of_targets}` {:?}",
                inputs.shape, targets.shape
            ),
            "the first axis of both counts the examples",
        ));
    };
    if examples != labelled {
        return Err(shape_error(
            format!(
                "`{of_inputs}` has shape {:?}, {examples} examples, but `{of_targets}` has shape {:?}, {labelled}",
                inputs.shape, targets.shape
            ),
            "the first axis of both counts the examples",
        ));
    }
    let mut remarks = Vec::new();
    let unused: Vec<String> = held
        .iter()
        .filter(|held| !names(specification).contains(*held))
        .map(|s| s.to_string())
        .collect();
    if !unused.is_empty() {
        remarks.push(Remark::Unused { data: name.into(), arrays: unused });
    }
    let shape = if rest.is_empty() { vec![1] } else { rest.to_vec() };
    let (shape, inputs) = match specification.layout {
        Some(layout) => {
            let Some(channels) = layout.axes(&shape) else {
                let problem = format!("examples of shape {shape:?} are no images");
                let help = "images are [height, width, channels], [channels, height, width] or [height, width]";
                return Err(specification.bad("layout", problem, Some(help.into())));
            };
            (channels.to_vec(), layout.channels_first(channels, inputs.numbers))
        }
        None => {
            remarks.extend(channels_last(name, &shape));
            (shape, inputs.numbers)
        }
    };
    let width: usize = wide.iter().product();
    let integers = matches!(targets.numbers, Numbers::Integers(_) | Numbers::Bytes(_));
    let values = match inputs {
        Numbers::Bytes(v) => Values::Bytes(v),
        Numbers::F32(v) => Values::F32(v),
        Numbers::F64(v) | Numbers::Integers(v) => Values::F64(v),
    };
    let guess = if integers && width == 1 { TargetKind::Classes } else { TargetKind::Values };
    let targets = match specification.targets.unwrap_or(guess) {
        TargetKind::Values if specification.labels.is_some() => {
            return Err(specification.bad("labels", "the targets are values".into(), None));
        }
        TargetKind::Values => {
            let values = as_f64(targets.numbers);
            if specification.targets.is_none()
                && width == 1
                && are_few_whole(values.iter().copied())
            {
                remarks.push(Remark::WholeTargets { data: name.into() });
            }
            Targets::Values { values, width }
        }
        TargetKind::Classes if width == 1 => {
            let (targets, remark) = labels(name, &as_f64(targets.numbers), specification.labels)?;
            remarks.extend(remark);
            targets
        }
        TargetKind::Classes => {
            return Err(shape_error(
                format!("`{of_targets}` has shape {:?}", targets.shape),
                "labels of classes are one number an example",
            ));
        }
    };
    let set = Dataset::new(name, shape, values, targets)?;
    let target_shape = match &set.targets {
        Targets::Values { .. } if !wide.is_empty() => wide.to_vec(),
        _ => set.target_shape.clone(),
    };
    Ok(Dataset { remarks, target_shape, ..set })
}

/// Labels of as many classes as the largest of them needs, which count from `first`, or 0.
pub(super) fn labels(
    name: &str,
    numbers: &[f64],
    first: Option<u32>,
) -> Result<(Targets, Option<Remark>), DataError> {
    let mut labels = Vec::with_capacity(numbers.len());
    let from = first.unwrap_or(0);
    for (row, number) in numbers.iter().enumerate() {
        // The largest u32 is left out so that the number of classes fits a u32 too.
        if number.fract() != 0.0 || !(f64::from(from)..f64::from(u32::MAX)).contains(number) {
            return Err(DataError::NoLabel { name: name.into(), row, value: *number, from });
        }
        labels.push(*number as u32 - from);
    }
    let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
    let least = labels.iter().min().map_or(0, |label| *label as usize);
    let remark = (first.is_none() && least > 0).then(|| {
        let data = name.into();
        Remark::LabelsNotFromZero { data, least, classes }
    });
    Ok((Targets::Classes { labels, classes }, remark))
}

fn as_f64(numbers: Numbers) -> Vec<f64> {
    match numbers {
        Numbers::Bytes(v) => v.into_iter().map(f64::from).collect(),
        Numbers::F32(v) => v.into_iter().map(f64::from).collect(),
        Numbers::F64(v) | Numbers::Integers(v) => v,
    }
}
