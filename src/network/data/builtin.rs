//! The tables that come with the program; `data/README.md` says where they are from.

use super::csv::{TableError, table};
use super::known::Known;
use super::{DataError, Dataset};
use flate2::read::GzDecoder;
use std::io::Read;

/// The examples of a built-in data set.
pub(super) fn read(known: &Known) -> Result<Dataset, DataError> {
    let name = known.name;
    let text: Box<dyn Read> = match name {
        "iris" => Box::new(include_bytes!("../../../data/iris.csv").as_slice()),
        "breast_cancer" => Box::new(include_bytes!("../../../data/breast_cancer.csv").as_slice()),
        "digits" => {
            Box::new(GzDecoder::new(include_bytes!("../../../data/digits.csv.gz").as_slice()))
        }
        _ => return Err(DataError::Unknown { name: name.into(), help: None }),
    };
    let set = table(name, text, None, None).map_err(|error| match error {
        TableError::Data(error) => error,
        TableError::Csv(error) => {
            DataError::Corrupt { path: name.into(), problem: error.to_string(), expected: None }
        }
    })?;
    Ok(known.describe(set))
}
