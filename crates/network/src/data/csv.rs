//! Tables of numbers with a column of targets.

use super::arrays::labels;
use super::specification::TargetKind;
use super::{DataError, Dataset, Targets, Values, file};
use bea_series::text::near;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// The examples of a table in a file, plain or `.gz`.
pub(super) fn read(
    path: &Path,
    target: Option<&str>,
    kind: Option<TargetKind>,
) -> Result<Dataset, DataError> {
    let mut text = Vec::new();
    file::unpacked(path)?.read_to_end(&mut text).map_err(|error| file::refusal(path, error))?;
    table(&path.display().to_string(), &text, target, kind)
}

/// The examples of a table. Its first line names the columns if none of its cells is a number. Targets
/// are labels of classes if all of them are written as whole numbers without a point, or all are words:
/// then the classes are the words in alphabetical order. A word among numbers more likely marks a missing
/// value, and is a class only where `kind` says so.
pub(super) fn table(
    name: &str,
    text: &[u8],
    target: Option<&str>,
    kind: Option<TargetKind>,
) -> Result<Dataset, DataError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text);
    let mut columns: Vec<String> = Vec::new();
    let mut position = 0;
    let (mut inputs, mut targets, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| unreadable(name, text, &error))?;
        if row == 0 {
            let header = record.iter().all(|cell| cell.parse::<f64>().is_err());
            columns = if header {
                record.iter().map(str::to_string).collect()
            } else {
                (0..record.len()).map(|i| i.to_string()).collect()
            };
            position = target_column(name, &columns, target)?;
            if header {
                continue;
            }
        }
        let line = line(text, record.position());
        lines.push(line);
        for (i, cell) in record.iter().enumerate() {
            if i == position {
                if cell.is_empty() {
                    number(name, line, &columns[i], cell)?;
                }
                targets.push(cell.to_string());
                continue;
            }
            inputs.push(number(name, line, &columns[i], cell)?);
        }
    }
    let shape = vec![columns.len().saturating_sub(1)];
    let integers = targets.iter().all(|cell| cell.parse::<i64>().is_ok());
    let is_word = |cell: &String| cell.parse::<f64>().is_err();
    let (word, numeral) =
        (targets.iter().position(is_word), targets.iter().position(|t| !is_word(t)));
    if let (None, Some(word), Some(numeral)) = (kind, word, numeral) {
        return Err(DataError::Mixed {
            name: name.into(),
            column: columns[position].clone(),
            word: (lines[word], targets[word].clone()),
            number: (lines[numeral], targets[numeral].clone()),
        });
    }
    let words = word.is_some();
    let guess = if integers || words { TargetKind::Classes } else { TargetKind::Values };
    let mut class_names = Vec::new();
    let targets = match kind.unwrap_or(guess) {
        TargetKind::Classes if words => {
            let names: BTreeSet<&String> = targets.iter().collect();
            class_names = names.into_iter().cloned().collect();
            let class = |cell| class_names.binary_search(cell).unwrap_or(0) as u32;
            let labels = targets.iter().map(class).collect();
            Targets::Classes { labels, classes: class_names.len() }
        }
        kind => {
            let numbers: Vec<f64> = lines
                .into_iter()
                .zip(&targets)
                .map(|(line, cell)| number(name, line, &columns[position], cell))
                .collect::<Result<_, _>>()?;
            match kind {
                TargetKind::Classes => labels(name, &numbers)?,
                TargetKind::Values => Targets::Values { values: numbers, width: 1 },
            }
        }
    };
    let mut set = Dataset::new(name, shape, Values::F64(inputs), targets)?;
    set.class_names = class_names;
    Ok(set)
}

/// The line of a record, counted from 1. The reader's position is the line after the previous record,
/// which may be empty or a comment.
fn line(text: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let rest = text.get(position.byte() as usize..).unwrap_or_default();
    let skipped = |line: &&[u8]| matches!(line, [] | [b'\r'] | [b'#', ..]);
    position.line() + rest.split(|byte| *byte == b'\n').take_while(skipped).count() as u64
}

fn unreadable(name: &str, text: &[u8], error: &csv::Error) -> DataError {
    let line = line(text, error.position());
    DataError::Corrupt {
        path: name.into(),
        problem: match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("line {line} has {len} cells, but the lines before it have {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => format!("line {line} is not UTF-8"),
            _ => error.to_string(),
        },
        expected: Some("in each line as many numbers, separated by commas".into()),
    }
}

fn target_column(name: &str, columns: &[String], target: Option<&str>) -> Result<usize, DataError> {
    if columns.len() < 2 {
        return Err(DataError::Shape {
            name: name.into(),
            problem: "it has one column".into(),
            expected: Some("columns separated by commas: the inputs and the target".into()),
        });
    }
    let Some(target) = target else { return Ok(columns.len() - 1) };
    columns.iter().position(|column| column == target).ok_or_else(|| {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let help = near::advice(target, &names);
        DataError::NoColumn { name: name.into(), column: target.into(), help }
    })
}

fn number(name: &str, line: u64, column: &str, cell: &str) -> Result<f64, DataError> {
    let problem = match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => return Ok(number),
        Err(_) if cell.is_empty() => "is empty".to_string(),
        Err(_) => format!("is `{cell}`, not a number"),
        Ok(number) => format!("is {number}"),
    };
    Err(DataError::Cell { name: name.into(), line, column: column.into(), problem })
}
