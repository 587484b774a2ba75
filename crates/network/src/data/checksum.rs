//! Whether files are the published ones.

use super::cifar;
use super::known::{Known, Storage};
use super::specification::{Source, Split};
use super::{DataError, Specification, file, idx};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a file compares with the published one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecksumMatch {
    /// The same bytes.
    Known,
    /// Other bytes.
    Different,
    /// No checksum is on record.
    Unrecorded,
}

/// The checksum of a file.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Checked {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256 sum, unpacked if it is compressed with gzip, in hexadecimal.
    pub sha256: String,
    /// How it compares.
    pub verdict: ChecksumMatch,
}

impl Specification {
    /// The checksums of the files of MNIST, Fashion-MNIST or CIFAR-10, of both parts as far as they are
    /// there; an empty list for other data. Of CIFAR-10 only the sum of the archive is on record, so that is
    /// compared if it lies in or beside the folder.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn checksums(&self) -> Result<Vec<Checked>, DataError> {
        match &self.source {
            Source::Known(known, folder) => of_known(known, folder),
            _ => Ok(Vec::new()),
        }
    }
}

fn of_known(known: &Known, folder: &Path) -> Result<Vec<Checked>, DataError> {
    let mut checked = Vec::new();
    match known.storage {
        Storage::BuiltIn => {}
        Storage::Idx(files) => {
            for record in files {
                if let Ok(path) = idx::find(known, folder, record.name) {
                    let sha256 = sum(&path, true)?;
                    let verdict = compare(&sha256, Some(record.sha256));
                    checked.push(Checked { path, sha256, verdict });
                }
            }
        }
        Storage::Cifar { archive } => {
            let places = [Some(folder), folder.parent()];
            let paths = places.into_iter().flatten().map(|place| place.join(archive.name));
            if let Some(path) = paths.into_iter().find(|path| path.is_file()) {
                let sha256 = sum(&path, false)?;
                let verdict = compare(&sha256, Some(archive.sha256));
                checked.push(Checked { path, sha256, verdict });
            }
            let batches = [Split::Train, Split::Test].map(|split| cifar::files(folder, split));
            for path in batches.into_iter().flatten().filter(|path| path.is_file()) {
                let sha256 = sum(&path, false)?;
                checked.push(Checked { path, sha256, verdict: ChecksumMatch::Unrecorded });
            }
        }
    }
    Ok(checked)
}

fn compare(found: &str, recorded: Option<&str>) -> ChecksumMatch {
    match recorded {
        Some(recorded) if recorded == found => ChecksumMatch::Known,
        Some(_) => ChecksumMatch::Different,
        None => ChecksumMatch::Unrecorded,
    }
}

/// The SHA-256 sum of a file, or of what it unpacks to.
fn sum(path: &Path, unpack: bool) -> Result<String, DataError> {
    let mut file: Box<dyn Read> =
        if unpack { Box::new(file::unpacked(path)?) } else { Box::new(file::open(path)?) };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(|error| file::refusal(path, error))? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
