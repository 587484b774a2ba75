//! Examples: inputs, and the targets that a network should give for them.

use super::{DataError, Inputs, Remark};
use std::ops::Range;

/// What a network should give for each example.
#[derive(Clone, PartialEq, Debug)]
pub enum Targets {
    /// A class for each example.
    Classes {
        /// The class of each example, counted from 0.
        labels: Vec<u32>,
        /// The number of classes.
        classes: usize,
    },
    /// Numbers for each example.
    Values {
        /// `width` numbers per example, one example after the other.
        values: Vec<f64>,
        /// How many numbers an example has.
        width: usize,
    },
}

impl Targets {
    /// The number of examples.
    pub fn len(&self) -> usize {
        match self {
            Targets::Classes { labels, .. } => labels.len(),
            Targets::Values { values, width } => values.len() / (*width).max(1),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn select(&self, rows: &[usize]) -> Targets {
        match self {
            Targets::Classes { labels, classes } => {
                let labels = rows.iter().map(|&row| labels[row]).collect();
                Targets::Classes { labels, classes: *classes }
            }
            Targets::Values { values, width } => {
                let of = |&row: &usize| values[row * width..(row + 1) * width].iter().copied();
                Targets::Values { values: rows.iter().flat_map(of).collect(), width: *width }
            }
        }
    }

    fn slice(&self, rows: Range<usize>) -> Targets {
        match self {
            Targets::Classes { labels, classes } => {
                Targets::Classes { labels: labels[rows].to_vec(), classes: *classes }
            }
            Targets::Values { values, width } => Targets::Values {
                values: values[rows.start * width..rows.end * width].to_vec(),
                width: *width,
            },
        }
    }
}

/// Examples with their targets. Made by [`Dataset::new`], it holds at least one example, only finite
/// numbers, and only labels that are classes.
#[derive(Clone, PartialEq, Debug)]
pub struct Dataset {
    /// What messages call it.
    pub name: String,
    /// The shape of one example's input: `[4]` for four numbers, `[channels, height, width]` for an
    /// image.
    pub shape: Vec<usize>,
    /// The inputs, row-major: the number of examples times the product of `shape`.
    pub inputs: Inputs,
    /// The targets.
    pub targets: Targets,
    /// The shape of one example's targets as the file has it: `[]` for a class, `[width]` for numbers without other axes.
    pub target_shape: Vec<usize>,
    /// The names of the classes, if they are known.
    pub class_names: Vec<String>,
    /// What is to be said of the file that they are from.
    pub remarks: Vec<Remark>,
}

impl Dataset {
    /// Examples of the given shape.
    ///
    /// # Errors
    /// No example; inputs and targets of different lengths; a number that is not finite; a label that
    /// is no class.
    pub fn new(
        name: impl Into<String>,
        shape: Vec<usize>,
        inputs: impl Into<Inputs>,
        targets: Targets,
    ) -> Result<Dataset, DataError> {
        let inputs = inputs.into();
        let (class_names, remarks) = (Vec::new(), Vec::new());
        let target_shape = match &targets {
            Targets::Classes { .. } => Vec::new(),
            Targets::Values { width, .. } => vec![*width],
        };
        let name = name.into();
        let set = Dataset { name, shape, inputs, targets, target_shape, class_names, remarks };
        set.check_shapes()?;
        set.check_numbers()?;
        Ok(set)
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// How many numbers the input of one example has: the product of the shape.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The inputs of some examples, row-major, in double precision.
    pub fn rows_f64(&self, rows: Range<usize>) -> Vec<f64> {
        self.inputs.f64s(self.numbers(rows))
    }

    /// As [`Dataset::rows_f64`], in single precision.
    pub fn rows_f32(&self, rows: Range<usize>) -> Vec<f32> {
        self.inputs.f32s(self.numbers(rows))
    }

    /// Some of the examples; those beyond the end are left out.
    pub fn subset(&self, rows: Range<usize>) -> Dataset {
        let end = rows.end.min(self.len());
        let rows = rows.start.min(end)..end;
        Dataset {
            name: self.name.clone(),
            shape: self.shape.clone(),
            inputs: self.inputs.slice(self.numbers(rows.clone())),
            targets: self.targets.slice(rows),
            target_shape: self.target_shape.clone(),
            class_names: self.class_names.clone(),
            remarks: self.remarks.clone(),
        }
    }

    /// The examples with these numbers, from 0, in this order: a mini-batch.
    ///
    /// # Panics
    /// If there is no such example.
    pub fn select(&self, rows: &[usize]) -> Dataset {
        let ranges = rows.iter().map(|&row| self.numbers(row..row + 1));
        Dataset {
            name: self.name.clone(),
            shape: self.shape.clone(),
            inputs: self.inputs.select(ranges),
            targets: self.targets.select(rows),
            target_shape: self.target_shape.clone(),
            class_names: self.class_names.clone(),
            remarks: self.remarks.clone(),
        }
    }

    /// The first `n` examples, or all if there are fewer.
    pub fn take(&self, n: usize) -> Dataset {
        self.subset(0..n)
    }

    fn numbers(&self, rows: Range<usize>) -> Range<usize> {
        let width = self.width();
        rows.start.saturating_mul(width)..rows.end.saturating_mul(width)
    }

    fn check_shapes(&self) -> Result<(), DataError> {
        let error = |problem: String, expected: &str| DataError::Shape {
            name: self.name.clone(),
            problem,
            expected: Some(expected.into()),
        };
        let width = self.shape.iter().try_fold(1_usize, |w, n| w.checked_mul(*n));
        let numbers = width.and_then(|w| w.checked_mul(self.len()));
        if let Targets::Values { values, width } = &self.targets
            && (*width == 0 || values.len() % width != 0)
        {
            return Err(error(
                format!("{} targets, {width} an example", values.len()),
                "as many targets for each example, at least one",
            ));
        }
        if self.is_empty() {
            return Err(error("it has no example".into(), "at least one example"));
        }
        if numbers != Some(self.inputs.len()) || width == Some(0) {
            return Err(error(
                format!(
                    "{} input numbers in examples of shape {:?}, but {} targets",
                    self.inputs.len(),
                    self.shape,
                    self.len()
                ),
                "one target, or one row of targets, for each example",
            ));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), DataError> {
        let not_finite = |what, width: usize, (i, value): (usize, f64)| DataError::NotFinite {
            name: self.name.clone(),
            what,
            row: i / width,
            column: i % width,
            value,
        };
        if let Some(found) = self.inputs.values().first_not_finite() {
            return Err(not_finite("input", self.width(), found));
        }
        match &self.targets {
            Targets::Classes { labels, classes } => self.check_labels(labels, *classes),
            Targets::Values { values, width } => match values.iter().position(|x| !x.is_finite()) {
                Some(i) => Err(not_finite("target", *width, (i, values[i]))),
                None => Ok(()),
            },
        }
    }

    fn check_labels(&self, labels: &[u32], classes: usize) -> Result<(), DataError> {
        match labels.iter().position(|label| *label as usize >= classes) {
            Some(row) => {
                Err(DataError::Label { name: self.name.clone(), row, label: labels[row], classes })
            }
            None => Ok(()),
        }
    }
}
