//! Reads the examples that a specification names.

use super::known::{Known, Storage};
use super::remark::channels_last;
use super::specification::{Normalization, Source, Specification, Split};
use super::{DataError, Dataset, Scaling, Values, builtin, cifar, csv, idx, npz, safetensors};
use std::path::Path;

/// The examples that a specification names; see the [module](super).
///
/// # Errors
/// An unknown name or option, a file that is missing, corrupt or of another shape, numbers that are not
/// finite, labels that are no classes, or no example left by `skip` and `first`.
pub fn open(specification: &str) -> Result<Dataset, DataError> {
    Specification::parse(specification)?.open()
}

impl Specification {
    /// The examples.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self) -> Result<Dataset, DataError> {
        let mut set = self.read(self.split)?;
        let scaling = self.scaling(&set)?;
        set.inputs = set.inputs.scaled(scaling);
        if self.skip >= set.len() {
            let problem = format!("there are only {} examples", set.len());
            return Err(self.bad("skip", problem, None));
        }
        let end = self.first.map_or(set.len(), |first| self.skip.saturating_add(first));
        if end > set.len() {
            let problem = format!(
                "there are only {} examples{}",
                set.len() - self.skip,
                if self.skip > 0 { " left" } else { "" }
            );
            return Err(self.bad("first", problem, None));
        }
        if self.skip > 0 || end < set.len() {
            set = set.subset(self.skip..end);
        }
        set.name = self.text.clone();
        Ok(set)
    }

    fn read(&self, split: Split) -> Result<Dataset, DataError> {
        match &self.source {
            Source::Known(known, folder) => known_set(known, folder, split),
            Source::Gaussian(gaussian) => gaussian.read(&self.text),
            Source::Npz(path) => npz::read(path, self),
            Source::Safetensors(path) => safetensors::read(path, self),
            Source::Csv(path) => csv::read(path, self),
        }
    }

    fn scaling(&self, set: &Dataset) -> Result<Option<Scaling>, DataError> {
        let unit = match (&self.source, set.inputs.values()) {
            (Source::Known(known, _), _) => known.unit,
            (_, Values::Bytes(_)) => Some(255.0),
            _ => None,
        };
        let default = match self.source {
            Source::Known(known, _) if known.unit.is_some() => Normalization::Unit,
            _ => Normalization::Raw,
        };
        match self.scale.unwrap_or(default) {
            Normalization::Raw => Ok(None),
            Normalization::Unit => match unit {
                Some(unit) => Ok(Some(Scaling::by(unit))),
                None => {
                    let help = "`scale=standard` gives every column mean 0 and variance 1";
                    let problem = "the inputs are no pixels".into();
                    Err(self.bad("scale", problem, Some(help.into())))
                }
            },
            Normalization::Standard if self.split == Split::Test => {
                let train = self.read(Split::Train)?;
                Ok(Some(Scaling::standard(train.inputs.values(), &train.shape)))
            }
            Normalization::Standard if self.layout.is_none() => {
                match channels_last(&self.text, &set.shape) {
                    Some(remark) => Err(remark.into()),
                    None => Ok(Some(Scaling::standard(set.inputs.values(), &set.shape))),
                }
            }
            Normalization::Standard => Ok(Some(Scaling::standard(set.inputs.values(), &set.shape))),
        }
    }
}

fn known_set(known: &'static Known, folder: &Path, split: Split) -> Result<Dataset, DataError> {
    match known.storage {
        Storage::BuiltIn => builtin::read(known),
        Storage::Idx(_) => idx::read(known, folder, split),
        Storage::Cifar { .. } => cifar::read(known, folder, split),
    }
}
