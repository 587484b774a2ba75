//! The argument of `--data`.

use super::known::{self, KNOWN, Known, Storage};
use super::{DataError, Gaussian, Layout, file, separator};
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
    /// The column of a table that is the target; by default the last. The array of targets; by default `targets`.
    pub target: Option<String>,
    /// The array of inputs; by default `inputs`.
    pub inputs: Option<String>,
    /// Where the channels of images are; by default first.
    pub layout: Option<Layout>,
    /// The number of the first class; by default 0.
    pub labels: Option<u32>,
    /// What separates the cells of a table; by default a comma, and a tab in `.tsv` files.
    pub separator: Option<u8>,
    /// Whether the first line of a table names its columns; by default it does if it has no numbers.
    pub header: Option<bool>,
    /// Whether the first column of a table is left out; by default one that seems to number the rows is refused.
    pub drops_index: Option<bool>,
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
    /// A `.csv` or `.tsv` file, or a compressed `.csv.gz` or `.tsv.gz`.
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

const OPTIONS: &[&str] = &[
    "split",
    "skip",
    "first",
    "scale",
    "target",
    "targets",
    "inputs",
    "layout",
    "labels",
    "separator",
    "header",
    "index",
    "seed",
];

impl Specification {
    /// Reads `SOURCE[,OPTION=VALUE]…`; see the [module](super).
    ///
    /// # Errors
    /// No such data set or option. That a file exists is not checked, except to tell a misspelt name
    /// from a missing file.
    pub fn parse(text: &str) -> Result<Specification, DataError> {
        let (source, options) = parts(text);
        let mut specification = Specification::plain(text, read_source(source.trim())?);
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

    /// One without options.
    pub(super) fn plain(text: &str, source: Source) -> Specification {
        Specification {
            text: text.into(),
            source,
            split: Split::Train,
            skip: 0,
            first: None,
            scale: None,
            target: None,
            targets: None,
            inputs: None,
            layout: None,
            labels: None,
            separator: None,
            header: None,
            drops_index: None,
        }
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
            "target" => {
                if !self.is_table() && !self.has_arrays() {
                    let problem = "only a .csv file has columns, and only others have arrays";
                    return Err(self.bad(key, problem.into(), None));
                }
                self.target = Some(value.into());
            }
            "inputs" | "layout" if !self.has_arrays() => {
                let problem = "only .npz and .safetensors files have arrays";
                return Err(self.bad(key, problem.into(), None));
            }
            "inputs" => self.inputs = Some(value.into()),
            "layout" => {
                let choices = [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)];
                self.layout = Some(self.choice(key, value, &choices)?);
            }
            "labels" => {
                if !self.is_table() && !self.has_arrays() {
                    return Err(self.bad(
                        key,
                        "the labels of this data set are known".into(),
                        None,
                    ));
                }
                self.labels = Some(self.choice(key, value, &[("0", 0), ("1", 1)])?);
            }
            "separator" | "header" | "index" if !self.is_table() => {
                return Err(self.bad(key, "only a .csv file has columns".into(), None));
            }
            "separator" => {
                self.separator = Some(separator::named(value).ok_or_else(|| {
                    let help = Some("write `;`, `tab`, `bar` or `comma`".into());
                    self.bad(key, format!("`{value}` separates no cells"), help)
                })?);
            }
            "header" => {
                self.header = Some(self.choice(key, value, &[("yes", true), ("no", false)])?);
            }
            "index" => {
                let choices = [("drop", true), ("keep", false)];
                self.drops_index = Some(self.choice(key, value, &choices)?);
            }
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

    fn is_table(&self) -> bool {
        matches!(self.source, Source::Csv(_))
    }

    fn has_arrays(&self) -> bool {
        matches!(self.source, Source::Npz(_) | Source::Safetensors(_))
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

/// The source of a specification, and its options from the last to the first. A comma may be part of a path, so only
/// what has the form of an option is one.
fn parts(text: &str) -> (&str, Vec<(&str, &str)>) {
    let mut source = text;
    let mut options = Vec::new();
    while let Some((rest, option)) = source.rsplit_once(',') {
        let Some((key, value)) = option.split_once('=') else { break };
        options.push((key.trim(), value.trim()));
        source = rest;
    }
    (source, options)
}

/// The specification with its path, if it has one, taken as relative to `folder`: what a file in that folder means by
/// `text`. Of what is there the path is made absolute, so that two names of one file become the same.
///
/// ```
/// use bea_network::data::located;
/// use std::path::Path;
/// assert_eq!(located("d.csv,first=3", Path::new("/there")), "/there/d.csv,first=3");
/// assert_eq!(located("mnist:raw", Path::new("/there")), "mnist:/there/raw");
/// assert_eq!(located("iris", Path::new("/there")), "iris");
/// ```
pub fn located(text: &str, folder: &Path) -> String {
    let (source, _) = parts(text);
    let options = &text[source.len()..];
    let named = source.trim();
    let known = |name: &str| known::find(name.trim()).is_some();
    let (prefix, path) = match named.split_once(':') {
        Some((name, path)) if known(name) => (format!("{name}:"), path),
        _ => (String::new(), named),
    };
    let is_path = !prefix.is_empty() || path.contains(['/', '\\', '.']);
    if !is_path || known(path) || path.starts_with("gaussian:") {
        return text.into();
    }
    let path = folder.join(path);
    format!("{prefix}{}{options}", path.canonicalize().unwrap_or(path).display())
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
    } else if [".csv", ".csv.gz", ".tsv", ".tsv.gz"].into_iter().any(ends) {
        Ok(Source::Csv(path.into()))
    } else if path.is_dir() {
        Err(DataError::Unknown {
            name: text.into(),
            help: Some(format!(
                "a folder is read as `mnist:{text}`, `fashion_mnist:{text}` or `cifar10:{text}`"
            )),
        })
    } else if path.is_file() {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        let to = path.with_extension("safetensors");
        let to = to.display();
        let help = match ending.to_ascii_lowercase().as_str() {
            "pt" | "pth" => format!(
                "data files end in .npz, .safetensors or .csv; python3 -c \"import torch; from \
                 safetensors.torch import save_file; x, y = torch.load('{text}', weights_only=True); \
                 save_file({{'inputs': x, 'targets': y}}, '{to}')\" makes one of a pair of tensors"
            ),
            "npy" => "an .npz file has both arrays: `numpy.savez('data.npz', inputs=x, targets=y)`"
                .into(),
            _ => "data files end in .npz, .safetensors, .csv or .csv.gz".into(),
        };
        Err(DataError::Unknown { name: text.into(), help: Some(help) })
    } else if text.contains(['/', '\\', '.']) && !text.contains(':') {
        Err(file::missing(path))
    } else {
        let known = KNOWN.iter().map(|known| known.name);
        let names: Vec<&str> = known.chain(["gaussian:5x2"]).collect();
        let word = text.split(':').next().unwrap_or(text);
        Err(DataError::Unknown { name: text.into(), help: near::advice(word, &names) })
    }
}
