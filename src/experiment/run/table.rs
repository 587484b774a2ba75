//! Measurements: named columns of numbers, with a row for each step that was measured.

use crate::csv::{number_or_nothing, text};

/// Columns of numbers. The first one of the metrics of a run is `step`.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Their names.
    pub columns: Vec<String>,
    /// Row by row; NaN stands for what is not defined at a step.
    pub rows: Vec<Vec<f64>>,
}

/// Why a text cannot be read as a table.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TableError {
    line: u64,
    message: String,
}

impl Table {
    /// No rows.
    pub fn new(columns: Vec<String>) -> Table {
        Table { columns, rows: Vec::new() }
    }

    /// The numbers of a column, if there is one of that name.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let index = self.columns.iter().position(|column| column == name)?;
        Some(self.rows.iter().map(|row| row[index]).collect())
    }

    /// Comma-separated, with a line of names. What is not defined is empty. Numbers are written so that
    /// they are read back bit for bit.
    pub fn csv(&self) -> String {
        let rows = self.rows.iter().map(|row| row.iter().map(|x| number_or_nothing(*x)));
        text(&self.columns, rows)
    }

    /// Reads what [`csv`](Self::csv) wrote.
    ///
    /// # Errors
    /// A row of another length, something that is no number.
    pub fn parse(text: &str) -> Result<Table, TableError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let unreadable = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            TableError { line, message: error.to_string() }
        };
        let names = reader.headers().map_err(unreadable)?;
        let mut table = Table::new(names.iter().map(str::to_string).collect());
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            let line = record.position().map_or(1, csv::Position::line);
            let fault = |message: String| TableError { line, message };
            let number = |field: &str| match field {
                "" => Ok(f64::NAN),
                _ => field.parse().map_err(|_| fault(format!("`{field}` is no number"))),
            };
            let row: Vec<f64> = record.iter().map(number).collect::<Result<_, _>>()?;
            if row.len() != table.columns.len() {
                let (found, expected) = (row.len(), table.columns.len());
                return Err(fault(format!("{found} fields instead of {expected}")));
            }
            table.rows.push(row);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_bit_for_bit() {
        let mut table = Table::new(vec!["step".into(), "loss".into()]);
        table.rows = vec![vec![0.0, 0.1 + 0.2], vec![1.0, f64::NAN], vec![2.0, f64::INFINITY]];
        table.rows.push(vec![3.0, 5e-324]);
        let back = Table::parse(&table.csv()).unwrap();
        assert_eq!(back.columns, table.columns);
        let bits =
            |t: &Table| -> Vec<u64> { t.rows.concat().iter().map(|x| x.to_bits()).collect() };
        assert_eq!(bits(&back)[..3], bits(&table)[..3]);
        assert!(back.rows[1][1].is_nan() && bits(&back)[4..] == bits(&table)[4..]);
        assert_eq!(
            Table::parse("a,b\n1\n").unwrap_err().to_string(),
            "line 2: 1 fields instead of 2"
        );
    }
}
