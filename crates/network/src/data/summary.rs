//! The summary of a data set.

use super::moments::Moments;
use super::{Dataset, Targets};

/// The least, the largest, the mean and the standard deviation (over all `n`) of some numbers.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Statistics {
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The square root of the mean squared distance from the mean.
    pub standard_deviation: f64,
}

/// A class and how many examples are of it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ClassCount {
    /// The label, from 0.
    pub label: usize,
    /// The name, if there is one.
    pub name: Option<String>,
    /// The number of its examples.
    pub examples: usize,
}

/// What the targets are.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetSummary {
    /// Classes; those of a file are counted up to the largest label that occurs.
    Classes(Vec<ClassCount>),
    /// Numbers.
    Values {
        /// How many an example has.
        width: usize,
        /// All of them together.
        statistics: Statistics,
    },
}

/// The summary of a data set.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// The number of examples.
    pub examples: usize,
    /// The shape of one.
    pub shape: Vec<usize>,
    /// All inputs together, as a network gets them.
    pub inputs: Statistics,
    /// The targets.
    pub targets: TargetSummary,
}

/// How many examples are unpacked at a time.
const SHARD: usize = 1024;

impl Summary {
    /// The summary of a data set.
    pub fn of(set: &Dataset) -> Summary {
        let shards = || {
            let starts = (0..set.len()).step_by(SHARD);
            starts.flat_map(|start| set.rows_f64(start..start + SHARD))
        };
        let targets =
            match &set.targets {
                Targets::Classes { labels, classes } => {
                    let mut counts = vec![0; *classes];
                    labels.iter().for_each(|label| counts[*label as usize] += 1);
                    let counted = counts.into_iter().enumerate().map(|(label, examples)| {
                        ClassCount { label, name: set.class_names.get(label).cloned(), examples }
                    });
                    TargetSummary::Classes(counted.collect())
                }
                Targets::Values { values, width } => TargetSummary::Values {
                    width: *width,
                    statistics: statistics(|| values.iter().copied()),
                },
            };
        Summary {
            name: set.name.clone(),
            examples: set.len(),
            shape: set.shape.clone(),
            inputs: statistics(shards),
            targets,
        }
    }
}

fn statistics<I: Iterator<Item = f64>>(numbers: impl Fn() -> I) -> Statistics {
    let ends = |(least, largest): (f64, f64), x: f64| (least.min(x), largest.max(x));
    let (min, max) = numbers().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    let Moments { mean, deviation } = Moments::of(numbers);
    Statistics { min, max, mean, standard_deviation: deviation }
}
