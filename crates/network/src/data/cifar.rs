//! CIFAR-10: the binary version, records of a label and 3 x 32 x 32 bytes, or Python's, pickles of the same numbers.

use super::known::Known;
use super::specification::Split;
use super::{DataError, Dataset, Targets, Values, file, pickle};
use std::path::{Path, PathBuf};

const TRAIN: &[&str] =
    &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"];
const TEST: &[&str] = &["test_batch"];

/// The number of examples in each file. A download may stop after a complete example, so the number is checked.
const EXAMPLES: usize = 10_000;

/// Numbers of one part, in the order of its files.
#[derive(Default)]
struct Part {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

/// The examples of one part, in the order of the files. The archives' own folders within `folder` are
/// found too.
pub(super) fn read(known: &Known, folder: &Path, split: Split) -> Result<Dataset, DataError> {
    let width: usize = known.shape.iter().product();
    let mut part = Part::default();
    if !folder.is_dir() {
        return Err(file::missing(folder));
    }
    for path in files(folder, split) {
        if !path.exists() {
            let help = Some("`bea data --help` says where to get the files".into());
            return Err(DataError::Missing { path, help });
        }
        let bytes = file::bytes(&path)?;
        if path.extension().is_some() {
            part.add_records(path, &bytes, width)?;
        } else {
            part.add_pickle(path, &bytes, width)?;
        }
    }
    let targets = Targets::Classes { labels: part.labels, classes: known.classes.len() };
    let name = folder.display().to_string();
    let set = Dataset::new(name, known.shape.to_vec(), Values::Bytes(part.pixels), targets)?;
    Ok(known.describe(set))
}

impl Part {
    fn add_records(&mut self, path: PathBuf, bytes: &[u8], width: usize) -> Result<(), DataError> {
        let record = 1 + width;
        if bytes.len() != EXAMPLES * record {
            let (examples, rest) = (bytes.len() / record, bytes.len() % record);
            let problem = match rest {
                0 => format!("it has {examples} examples"),
                _ => {
                    format!("its {} bytes are {examples} examples and {rest} bytes", bytes.len())
                }
            };
            let expected = Some(format!("{EXAMPLES} examples of {record} bytes; fetch it anew"));
            return Err(DataError::Corrupt { path, problem, expected });
        }
        for record in bytes.chunks_exact(record) {
            self.labels.push(u32::from(record[0]));
            self.pixels.extend_from_slice(&record[1..]);
        }
        Ok(())
    }

    fn add_pickle(&mut self, path: PathBuf, bytes: &[u8], width: usize) -> Result<(), DataError> {
        let corrupt = |problem: String| {
            let expected = "a dictionary of `data`, an array of bytes, and `labels`; fetch it anew";
            DataError::Corrupt { path: path.clone(), problem, expected: Some(expected.into()) }
        };
        let batch = pickle::read(bytes).map_err(&corrupt)?;
        let data = batch.get("data").and_then(pickle::Value::byte_array);
        let data = data.ok_or_else(|| corrupt("it has no array of bytes `data`".into()))?;
        let labels = batch.get("labels").and_then(pickle::Value::integers);
        let labels = labels.ok_or_else(|| corrupt("it has no list of numbers `labels`".into()))?;
        if data.shape != [EXAMPLES, width] || labels.len() != EXAMPLES {
            let (shape, count) = (data.shape, labels.len());
            return Err(corrupt(format!(
                "its `data` have the shape {shape:?} and there are {count} labels, instead of [{EXAMPLES}, {width}] \
                 and {EXAMPLES}"
            )));
        }
        for label in labels {
            let label = u32::try_from(label);
            self.labels.push(label.map_err(|error| corrupt(format!("a label is none: {error}")))?);
        }
        self.pixels.extend_from_slice(&data.bytes);
        Ok(())
    }
}

/// The files of a part: those of the binary version, or without them those of Python's.
pub(super) fn files(folder: &Path, split: Split) -> Vec<PathBuf> {
    let names = match split {
        Split::Train => TRAIN,
        Split::Test => TEST,
    };
    let of = |inner: &str, ending: &str| -> Vec<PathBuf> {
        let inner = folder.join(inner);
        let folder = if inner.is_dir() { &inner } else { folder };
        names.iter().map(|name| folder.join(format!("{name}{ending}"))).collect()
    };
    let (binary, python) = (of("cifar-10-batches-bin", ".bin"), of("cifar-10-batches-py", ""));
    let only_python = !binary[0].exists() && python[0].exists();
    if only_python { python } else { binary }
}
