//! The binary version of CIFAR-10: records of a label and 3 x 32 x 32 bytes.

use super::known::Known;
use super::specification::Split;
use super::{DataError, Dataset, Targets, Values, file};
use std::path::{Path, PathBuf};

const TRAIN: &[&str] = &[
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: &[&str] = &["test_batch.bin"];

/// The number of examples in each file. A download may stop after a complete example, so the number is checked.
const EXAMPLES: usize = 10_000;

/// The examples of one part, in the order of the files. The archive's own folder within `folder` is
/// found too.
pub(super) fn read(known: &Known, folder: &Path, split: Split) -> Result<Dataset, DataError> {
    let width: usize = known.shape.iter().product();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    if !folder.is_dir() {
        return Err(file::missing(folder));
    }
    for path in files(folder, split) {
        if !path.exists() {
            let help = Some("`bea data --help` says where to get the files".into());
            return Err(DataError::Missing { path, help });
        }
        let bytes = file::bytes(&path)?;
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
            labels.push(u32::from(record[0]));
            pixels.extend_from_slice(&record[1..]);
        }
    }
    let targets = Targets::Classes { labels, classes: known.classes.len() };
    let name = folder.display().to_string();
    let set = Dataset::new(name, known.shape.to_vec(), Values::Bytes(pixels), targets)?;
    Ok(known.describe(set))
}

/// The files of a part.
pub(super) fn files(folder: &Path, split: Split) -> Vec<PathBuf> {
    let names = match split {
        Split::Train => TRAIN,
        Split::Test => TEST,
    };
    let inner = folder.join("cifar-10-batches-bin");
    let folder = if inner.is_dir() { &inner } else { folder };
    names.iter().map(|name| folder.join(name)).collect()
}
