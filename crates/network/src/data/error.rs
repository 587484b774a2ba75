//! What may be wrong with data.

use super::Remark;
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
    /// A first line that may be names of columns, or numbers.
    #[error("{name}: its first line, `{cells}`, may be names of columns or an example")]
    #[diagnostic(help("the option `,header=yes` or `,header=no` after the data says which"))]
    Header {
        /// The table.
        name: String,
        /// The cells of the line.
        cells: String,
    },
    /// A first column that numbers the rows.
    #[error(
        "{name}: its first column, `{column}`, seems to number the rows, and would be an input"
    )]
    #[diagnostic(help(
        "the option `,index=drop` after the data leaves it out; `,index=keep` makes it an input"
    ))]
    Index {
        /// The table.
        name: String,
        /// The column's name, or its number counted from 0.
        column: String,
    },
    /// Columns of one name, of which one is the target.
    #[error("{name}: {} columns are called `{column}`, as the target is: those numbered {}", columns.len(), listed(columns))]
    #[diagnostic(help("columns are numbered from 0; rename all but one"))]
    SameName {
        /// The table.
        name: String,
        /// The name.
        column: String,
        /// The columns, from 0.
        columns: Vec<usize>,
    },
    /// Cells that are separated by something else.
    #[error("{name}: its cells seem to be separated by `{found}`, not by `{used}`")]
    #[diagnostic(help(
        "the option `,separator={found}` after the data says so; `,separator={used}` insists"
    ))]
    Separator {
        /// The table.
        name: String,
        /// What seems to separate them.
        found: &'static str,
        /// What would.
        used: &'static str,
    },
    /// More memory than there is.
    #[error("{name} takes {bytes} bytes of memory, more than there is")]
    Memory {
        /// The data set.
        name: String,
        /// How many bytes.
        bytes: usize,
    },
    /// What must not be guessed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Doubtful(#[from] Remark),
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
        "labels are whole numbers from {from} on; the option `targets=values` reads targets \
        as numbers to be met"
    ))]
    NoLabel {
        /// The data set.
        name: String,
        /// The example, from 0.
        row: usize,
        /// Its target.
        value: f64,
        /// The label of the first class.
        from: u32,
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

fn listed(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
