//! The columns of a table: their names, an index, and the target.

use super::DataError;
use super::specification::Specification;
use bea_series::text::near;
use csv::StringRecord;

/// What the columns of a table are.
pub(super) struct Columns {
    pub names: Vec<String>,
    /// Whether the first record names them.
    pub header: bool,
    /// Whether the first column is left out.
    pub dropped: bool,
    /// The column of the targets.
    pub target: usize,
}

fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}

/// Whether the cells are 0, 1, 2, …
fn counts_up<'a>(cells: impl Iterator<Item = &'a str>) -> bool {
    cells.enumerate().all(|(i, cell)| cell.parse() == Ok(i))
}

impl Columns {
    /// The columns of a table by its first record. It names them if none of its cells is a number, or if the first is
    /// empty and numbers follow in order, as pandas writes columns without names.
    pub fn new(
        name: &str,
        first: &StringRecord,
        specification: &Specification,
    ) -> Result<Columns, DataError> {
        if first.len() < 2 {
            return Err(DataError::Shape {
                name: name.into(),
                problem: "it has one column".into(),
                expected: Some(if first.get(0).is_some_and(|cell| cell.trim().contains(' ')) {
                    "columns separated by commas, not by spaces: `tr -s ' ' ,` makes commas of them"
                        .into()
                } else {
                    "columns separated by commas: the inputs and the target".into()
                }),
            });
        }
        let unnamed_index = first[0].is_empty() && counts_up(first.iter().skip(1));
        let header = match specification.header {
            Some(header) => header,
            None if numbered(first) => {
                let cells = first.iter().collect::<Vec<_>>().join(",");
                return Err(DataError::Header { name: name.into(), cells });
            }
            None => unnamed_index || first.iter().all(|cell| !is_number(cell)),
        };
        let names: Vec<String> = if header {
            first.iter().map(str::to_string).collect()
        } else {
            (0..first.len()).map(|i| i.to_string()).collect()
        };
        let dropped = specification.drops_index.unwrap_or(false);
        let start = usize::from(dropped);
        if names.len() - start < 2 {
            let problem = "without its first column the table has one".to_string();
            return Err(specification.bad("index", problem, None));
        }
        let target = match &specification.target {
            None => names.len() - 1,
            Some(target) => names[start..]
                .iter()
                .position(|column| column == target)
                .map(|place| place + start)
                .ok_or_else(|| {
                    let known: Vec<&str> = names.iter().map(String::as_str).collect();
                    let help = near::advice(target, &known);
                    DataError::NoColumn { name: name.into(), column: target.into(), help }
                })?,
        };
        let same: Vec<usize> =
            (start..names.len()).filter(|column| names[*column] == names[target]).collect();
        if same.len() > 1 {
            let column = names[target].clone();
            return Err(DataError::SameName { name: name.into(), column, columns: same });
        }
        let columns = Columns { names, header, dropped, target };
        if specification.drops_index.is_none() && columns.has_index_by_name() {
            return Err(columns.index(name));
        }
        Ok(columns)
    }

    /// Whether the first column is called as programs call the numbers of rows.
    fn has_index_by_name(&self) -> bool {
        let first = &self.names[0];
        self.header && (first.is_empty() || first.starts_with("Unnamed:"))
    }

    /// Whether the first column, which holds these `numbers`, counts the rows: from 0 or 1 in a table that does not
    /// name its columns, from any number, as a part of a longer table does, where this one is called an index.
    pub fn counts_rows(&self, numbers: &[f64]) -> bool {
        const NAMES: [&str; 9] =
            ["index", "idx", "id", "row", "row_id", "rowid", "row_number", "rownames", "level_0"];
        let may = if self.header {
            NAMES.contains(&self.names[0].to_lowercase().as_str())
        } else {
            self.names.len() > 2
        };
        let counts = |from: f64| numbers.iter().enumerate().all(|(i, x)| *x == i as f64 + from);
        let first = numbers.first().copied().unwrap_or(f64::NAN);
        let start = if self.header { first.fract() == 0.0 } else { first == 0.0 || first == 1.0 };
        may && numbers.len() > 2 && start && counts(first)
    }

    /// The refusal of a first column that counts the rows.
    pub fn index(&self, name: &str) -> DataError {
        DataError::Index { name: name.into(), column: self.names[0].clone() }
    }
}

/// Whether a first record may be names or numbers: 0, 1, 2, … with a word or the next number at its end.
fn numbered(first: &StringRecord) -> bool {
    let inputs = first.len() - 1;
    let last = &first[inputs];
    first.len() > 2
        && counts_up(first.iter().take(inputs))
        && (!is_number(last) || last.parse() == Ok(inputs))
}
