//! What may be wrong with data.

use std::path::PathBuf;

/// Why data cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DataError {
    /// The specification names no data set and no file.
    #[error("there is no data set or file `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Names that resemble it.
        #[help]
        help: Option<String>,
    },
    /// There is no such file or folder.
    #[error("there is no file or folder {}", path.display())]
    Missing {
        /// The file or folder asked for.
        path: PathBuf,
        /// Names that resemble it, or what should be there.
        #[help]
        help: Option<String>,
    },
    /// The system reports an error.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// An option of a specification that does not fit.
    #[error("bad option `{option}` of the data `{specification}`: {problem}")]
    Option {
        /// The whole specification.
        specification: String,
        /// The option.
        option: String,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        #[help]
        help: Option<String>,
    },
    /// A file that is not of its format, or is cut short.
    #[error("{} is corrupt: {problem}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        problem: String,
        /// What should be there.
        #[help]
        expected: Option<String>,
    },
    /// A file without one of the arrays `inputs` and `targets`.
    #[error("{} holds no array `{array}`", path.display())]
    NoArray {
        /// The file.
        path: PathBuf,
        /// The array wanted.
        array: String,
        /// The arrays that it holds.
        #[help]
        help: Option<String>,
    },
    /// An array whose numbers are stored in a way that is not read.
    #[error("{}: the array `{array}` {problem}", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The array.
        array: String,
        /// How it is stored.
        problem: String,
        /// How it should be stored.
        #[help]
        expected: Option<String>,
    },
    /// A table without the column that should be its target.
    #[error("{name} has no column `{column}`")]
    NoColumn {
        /// The table.
        name: String,
        /// The column wanted.
        column: String,
        /// Names that resemble it.
        #[help]
        help: Option<String>,
    },
    /// A cell of a table that is no finite number.
    #[error("{name}, line {line}: column `{column}` {problem}")]
    #[diagnostic(help("all data must be finite numbers; only classes may be words"))]
    Cell {
        /// The table.
        name: String,
        /// The line of the file, counted from 1.
        line: u64,
        /// The column's name, or its number counted from 0.
        column: String,
        /// What it is.
        problem: String,
    },
    /// Targets of which some are words and some are numbers.
    #[error("{name}: column `{column}` is `{}` in line {}, but `{}` in line {}", word.1, word.0, number.1, number.0)]
    #[diagnostic(help(
        "the targets are words or numbers, not both; leave out lines without a target, or \
        read all as classes with the option `targets=classes`"
    ))]
    Mixed {
        /// The table.
        name: String,
        /// The column of the targets.
        column: String,
        /// The line of the first word, counted from 1, and the word.
        word: (u64, String),
        /// The line of the first number, and the number as it is written.
        number: (u64, String),
    },
    /// A number that is infinite or not a number.
    #[error("{name}: the {what} of row {row}, column {column}, is {value}")]
    #[diagnostic(help("rows and columns are counted from 0; all data must be finite numbers"))]
    NotFinite {
        /// The data set.
        name: String,
        /// `input` or `target`.
        what: &'static str,
        /// The example, from 0.
        row: usize,
        /// The entry of its flattened input or target, from 0.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A label that is no class.
    #[error("{name}: the label of row {row} is {label}, but there are {classes} classes")]
    #[diagnostic(help("labels count from 0, so the largest may be {}", classes.saturating_sub(1)))]
    Label {
        /// The data set.
        name: String,
        /// The example, from 0.
        row: usize,
        /// The label.
        label: u32,
        /// The number of classes.
        classes: usize,
    },
    /// Targets that are read as labels but are none.
    #[error("{name}: the target of row {row}, {value}, is no label of a class")]
    #[diagnostic(help(
        "labels are whole numbers from 0 on; the option `targets=values` reads targets \
        as numbers to be met"
    ))]
    NoLabel {
        /// The data set.
        name: String,
        /// The example, from 0.
        row: usize,
        /// Its target.
        value: f64,
    },
    /// Inputs and targets whose shapes do not go together.
    #[error("{name}: {problem}")]
    Shape {
        /// The data set.
        name: String,
        /// The shapes found.
        problem: String,
        /// The shapes wanted.
        #[help]
        expected: Option<String>,
    },
}
