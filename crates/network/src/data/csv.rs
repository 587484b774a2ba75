//! Tables of numbers with a column of targets.

use super::arrays::labels;
use super::columns::Columns;
use super::remark::{Remark, are_few_whole};
use super::specification::{Specification, TargetKind};
use super::{DataError, Dataset, Targets, Values, file, separator};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// The examples of a table in a file, plain or `.gz`.
pub(super) fn read(path: &Path, specification: &Specification) -> Result<Dataset, DataError> {
    let mut text = Vec::new();
    file::unpacked(path)?.read_to_end(&mut text).map_err(|error| file::refusal(path, error))?;
    table(&path.display().to_string(), &text, specification)
}

/// The examples of a table. Its first line names the columns if none of its cells is a number. Targets
/// are labels of classes if all of them are written as whole numbers without a point, or all are words:
/// then the classes are the words in alphabetical order. A word among numbers more likely marks a missing
/// value, and is a class only where the specification says so.
pub(super) fn table(
    name: &str,
    text: &[u8],
    specification: &Specification,
) -> Result<Dataset, DataError> {
    // The mark with which some programs begin UTF-8.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let usual = if name.contains(".tsv") { b'\t' } else { b',' };
    let used = specification.separator.unwrap_or(usual);
    if specification.separator.is_none()
        && let Some(found) = separator::other(text, used)
    {
        return Err(DataError::Separator {
            name: name.into(),
            found: separator::name(found),
            used: separator::name(used),
        });
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .delimiter(used)
        .from_reader(text);
    let mut columns: Option<Columns> = None;
    let (mut inputs, mut targets, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(name, text, &error))?;
        let columns = match &columns {
            Some(columns) => columns,
            None => {
                let found = columns.insert(Columns::new(name, &record, specification)?);
                if found.header {
                    continue;
                }
                found
            }
        };
        let line = line(text, record.position());
        lines.push(line);
        for (i, cell) in record.iter().enumerate().skip(usize::from(columns.dropped)) {
            let column = &columns.names[i];
            if i == columns.target {
                if cell.is_empty() {
                    number(name, line, column, cell)?;
                }
                targets.push(cell.to_string());
                continue;
            }
            inputs.push(number(name, line, column, cell)?);
        }
    }
    let Some(columns) = columns else {
        return Dataset::new(
            name,
            vec![0],
            Values::F64(inputs),
            Targets::Values { values: Vec::new(), width: 1 },
        );
    };
    let width = columns.names.len() - 1 - usize::from(columns.dropped);
    let first: Vec<f64> = inputs.iter().step_by(width).copied().collect();
    if specification.drops_index.is_none() && columns.target > 0 && columns.counts_rows(&first) {
        return Err(columns.index(name));
    }
    let (position, columns) = (columns.target, columns.names);
    let shape = vec![width];
    let mut remarks = Vec::new();
    let integers = targets.iter().all(|cell| cell.parse::<i64>().is_ok());
    let is_word = |cell: &String| cell.parse::<f64>().is_err();
    let (word, numeral) =
        (targets.iter().position(is_word), targets.iter().position(|t| !is_word(t)));
    if let (None, Some(word), Some(numeral)) = (specification.targets, word, numeral) {
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
    let kind = specification.targets.unwrap_or(guess);
    if specification.labels.is_some() && (words || kind == TargetKind::Values) {
        let problem = if words { "the targets are words" } else { "the targets are values" };
        return Err(specification.bad("labels", problem.into(), None));
    }
    let targets = match kind {
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
                TargetKind::Classes => {
                    let (targets, remark) = labels(name, &numbers, specification.labels)?;
                    remarks.extend(remark);
                    targets
                }
                TargetKind::Values => {
                    let guessed = specification.targets.is_none();
                    if guessed && are_few_whole(numbers.iter().copied()) {
                        remarks.push(Remark::WholeTargets { data: name.into() });
                    }
                    Targets::Values { values: numbers, width: 1 }
                }
            }
        }
    };
    let set = Dataset::new(name, shape, Values::F64(inputs), targets)?;
    Ok(Dataset { class_names, remarks, ..set })
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
    let mut expected = "in each line as many numbers, separated by commas".to_string();
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line} has {len} cells, but the lines before it have {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => {
            expected = format!(
                "UTF-8; `iconv -f latin1 -t utf-8 {name}` converts a text of Latin letters"
            );
            format!("line {line} is not UTF-8")
        }
        _ => error.to_string(),
    };
    DataError::Corrupt { path: name.into(), problem, expected: Some(expected) }
}

fn number(name: &str, line: u64, column: &str, cell: &str) -> Result<f64, DataError> {
    let problem = match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => return Ok(number),
        Err(_) if cell.is_empty() => "is empty".to_string(),
        Err(_) if cell.replace(',', ".").parse::<f64>().is_ok() => {
            format!("is `{cell}`, not a number: decimal fractions have a point")
        }
        Err(_) => format!("is `{cell}`, not a number"),
        Ok(number) => format!("is {number}"),
    };
    Err(DataError::Cell { name: name.into(), line, column: column.into(), problem })
}
