//! The argument of `--data`.

use super::known::{self, KNOWN, Known, Storage};
use super::{DataError, Gaussian, file};
use bea_series::text::near;
use std::path::{Path, PathBuf};

/// What a specification names, read but not yet opened.
#[derive(Clone, Debug)]
pub struct Specification {
    /// The text.
    pub text: String,
    /// Where the examples are.
    pub source: Source,
    /// Which part of a data set that has several.
    pub split: Split,
    /// How many examples are left out at the start.
    pub skip: usize,
    /// How many of the rest are kept; all, if not given.
    pub first: Option<usize>,
    /// How the inputs are scaled; by default images as [`Normalization::Unit`], all else as [`Normalization::Raw`].
    pub scale: Option<Normalization>,
    /// The column of a table that is the target; by default the last.
    pub target: Option<String>,
    /// How targets are read; by default as their type suggests.
    pub targets: Option<TargetKind>,
}

/// Where examples are.
#[derive(Clone, Debug)]
pub enum Source {
    /// A data set known by name, in a folder unless it is built in.
    Known(&'static Known, PathBuf),
    /// Random numbers.
    Gaussian(Gaussian),
    /// A `.npz` file.
    Npz(PathBuf),
    /// A `.safetensors` file.
    Safetensors(PathBuf),
    /// A `.csv` file, or a compressed `.csv.gz`.
    Csv(PathBuf),
}

/// A part of a data set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Split {
    /// The examples to train on.
    #[default]
    Train,
    /// The examples to test with.
    Test,
}

/// How inputs are scaled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Normalization {
    /// As stored.
    Raw,
    /// Pixels divided by the largest possible one, so that they lie between 0 and 1.
    Unit,
    /// Shifted and divided so that every column of a table, or every channel of images, has mean 0 and
    /// variance 1 over all examples of the file (before `skip` and `first`); the test part of a data set
    /// is scaled with the mean and the variance of the training part.
    Standard,
}

/// How targets are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TargetKind {
    /// As labels of classes, counted from 0.
    Classes,
    /// As numbers.
    Values,
}

const OPTIONS: &[&str] = &["split", "skip", "first", "scale", "target", "targets", "seed"];

impl Specification {
    /// Reads `SOURCE[,OPTION=VALUE]…`; see the [module](super).
    ///
    /// # Errors
    /// No such data set or option. That a file exists is not checked, except to tell a misspelt name
    /// from a missing file.
    pub fn parse(text: &str) -> Result<Specification, DataError> {
        // A comma may be part of a path, so only what has the form of an option is one.
        let mut source = text;
        let mut options = Vec::new();
        while let Some((rest, option)) = source.rsplit_once(',') {
            let Some((key, value)) = option.split_once('=') else { break };
            options.push((key.trim(), value.trim()));
            source = rest;
        }
        let mut specification = Specification {
            text: text.into(),
            source: read_source(source.trim())?,
            split: Split::Train,
            skip: 0,
            first: None,
            scale: None,
            target: None,
            targets: None,
        };
        let mut seen = Vec::new();
        for (key, value) in options.into_iter().rev() {
            if seen.contains(&key) {
                return Err(specification.bad(key, "it is given twice".into(), None));
            }
            seen.push(key);
            specification.set(key, value)?;
        }
        Ok(specification)
    }

    /// The data set, if it is known by name.
    pub fn known(&self) -> Option<&'static Known> {
        match self.source {
            Source::Known(known, _) => Some(known),
            _ => None,
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), DataError> {
        let number = || {
            let problem = || format!("`{value}` is no number of examples");
            let help = || Some("write a whole number, `first=1000` say".to_string());
            value.parse().map_err(|_| self.bad(key, problem(), help()))
        };
        match key {
            "split" => {
                let split =
                    self.choice(key, value, &[("train", Split::Train), ("test", Split::Test)])?;
                if !matches!(&self.source, Source::Known(known, _) if known.examples.1 > 0) {
                    return Err(self.bad(key, "this data set has no parts".into(), None));
                }
                self.split = split;
            }
            "skip" => self.skip = number()?,
            "first" => match number()? {
                0 => return Err(self.bad(key, "no example is left".into(), None)),
                n => self.first = Some(n),
            },
            "scale" => {
                let choices = [
                    ("raw", Normalization::Raw),
                    ("unit", Normalization::Unit),
                    ("standard", Normalization::Standard),
                ];
                self.scale = Some(self.choice(key, value, &choices)?);
            }
            "seed" => match (&mut self.source, value.parse()) {
                (Source::Gaussian(gaussian), Ok(seed)) => gaussian.seed = seed,
                (Source::Gaussian(_), Err(_)) => {
                    return Err(self.bad(key, format!("`{value}` is no whole number"), None));
                }
                _ => return Err(self.bad(key, "only `gaussian` data are random".into(), None)),
            },
            "target" => match self.source {
                Source::Csv(_) => self.target = Some(value.into()),
                _ => {
                    let help = Some(
                        "in .npz and .safetensors files the targets are the array \
                        `targets`"
                            .to_string(),
                    );
                    return Err(self.bad(key, "only a .csv file has columns".into(), help));
                }
            },
            "targets" => {
                let choices = [("classes", TargetKind::Classes), ("values", TargetKind::Values)];
                let kind = self.choice(key, value, &choices)?;
                let problem = match self.source {
                    Source::Known(..) => Some("the targets of this data set are labels"),
                    Source::Gaussian(_) => Some("the targets of this data set are numbers"),
                    _ => None,
                };
                if let Some(problem) = problem {
                    return Err(self.bad(key, problem.into(), None));
                }
                self.targets = Some(kind);
            }
            _ => {
                return Err(self.bad(
                    key,
                    "there is no such option".into(),
                    near::advice(key, OPTIONS),
                ));
            }
        }
        Ok(())
    }

    fn choice<T: Copy>(&self, key: &str, value: &str, of: &[(&str, T)]) -> Result<T, DataError> {
        let found = of.iter().find(|(name, _)| *name == value);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = of.iter().map(|(name, _)| *name).collect();
            let help = format!("choose one of {}", near::quoted(&names));
            self.bad(key, format!("there is no `{value}`"), Some(help))
        })
    }

    /// The error for an option that does not fit.
    pub(super) fn bad(&self, option: &str, problem: String, help: Option<String>) -> DataError {
        DataError::Option { specification: self.text.clone(), option: option.into(), problem, help }
    }
}

fn read_source(text: &str) -> Result<Source, DataError> {
    if let Some(known) = known::find(text) {
        return match known.storage {
            Storage::BuiltIn => Ok(Source::Known(known, PathBuf::new())),
            _ => Err(DataError::Unknown {
                name: text.into(),
                help: Some(format!(
                    "`{text}:FOLDER` reads its files from a folder; `bea data {text}` says where to \
                     get them"
                )),
            }),
        };
    }
    if let Some((name, folder)) = text.split_once(':')
        && let Some(known) = known::find(name)
    {
        return match known.storage {
            Storage::BuiltIn => Err(DataError::Unknown {
                name: text.into(),
                help: Some(format!("`{name}` is built in and has no folder")),
            }),
            _ => Ok(Source::Known(known, folder.into())),
        };
    }
    if let Some(size) = text.strip_prefix("gaussian:") {
        return match Gaussian::parse(size) {
            Some(gaussian) => Ok(Source::Gaussian(gaussian)),
            None => Err(DataError::Unknown {
                name: text.into(),
                help: Some("`gaussian:5x2` is 5 examples of 2 numbers".into()),
            }),
        };
    }
    let path = Path::new(text);
    let ends = |ending: &str| text.to_ascii_lowercase().ends_with(ending);
    if ends(".npz") {
        Ok(Source::Npz(path.into()))
    } else if ends(".safetensors") {
        Ok(Source::Safetensors(path.into()))
    } else if ends(".csv") || ends(".csv.gz") {
        Ok(Source::Csv(path.into()))
    } else if path.is_dir() {
        Err(DataError::Unknown {
            name: text.into(),
            help: Some(format!(
                "a folder is read as `mnist:{text}`, `fashion_mnist:{text}` or `cifar10:{text}`"
            )),
        })
    } else if path.is_file() {
        Err(DataError::Unknown {
            name: text.into(),
            help: Some("data files end in .npz, .safetensors, .csv or .csv.gz".into()),
        })
    } else if text.contains(['/', '\\', '.']) && !text.contains(':') {
        Err(file::missing(path))
    } else {
        let known = KNOWN.iter().map(|known| known.name);
        let names: Vec<&str> = known.chain(["gaussian:5x2"]).collect();
        let word = text.split(':').next().unwrap_or(text);
        Err(DataError::Unknown { name: text.into(), help: near::advice(word, &names) })
    }
}
