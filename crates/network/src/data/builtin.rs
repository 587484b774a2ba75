//! The tables that come with the program; `data/README.md` says where they are from.

use super::csv::table;
use super::known::Known;
use super::specification::{Source, Specification};
use super::{DataError, Dataset, file};
use bea_flow::loss::data::csv;
use flate2::read::GzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The examples of a built-in data set.
pub(super) fn read(known: &'static Known) -> Result<Dataset, DataError> {
    let name = known.name;
    let source = Source::Known(known, PathBuf::new());
    let mut unpacked = Vec::new();
    let text: &[u8] = match name {
        "iris" | "breast_cancer" => csv(name).map_or(&[], str::as_bytes),
        "digits" => {
            let packed = include_bytes!("../../data/digits.csv.gz").as_slice();
            GzDecoder::new(packed)
                .read_to_end(&mut unpacked)
                .map_err(|error| file::refusal(Path::new(name), error))?;
            &unpacked
        }
        _ => return Err(DataError::Unknown { name: name.into(), help: None }),
    };
    Ok(known.describe(table(name, text, &Specification::plain(name, source))?))
}
