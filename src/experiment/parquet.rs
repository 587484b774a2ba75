//! Measurements as an Apache Parquet file, which data frames read without parsing text.

use super::run::Table;
use parquet::basic::{Repetition, Type as Physical};
use parquet::data_type::{DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::sync::Arc;

/// Columns of whole numbers.
const WHOLE: [&str; 3] = ["step", "from", "flow"];

/// The bytes of a Parquet file with the columns of `table`: `step`, `from` and `flow` as `INT64`, all
/// others as `DOUBLE`. What is not defined, NaN in the table, is null. Equal tables have equal bytes.
///
/// # Errors
/// What cannot be a Parquet file: two columns of the same name, rows of another length than the names, a
/// step that is not a whole number.
pub fn parquet(table: &Table) -> Result<Vec<u8>, ParquetError> {
    let mut names = table.columns.clone();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(ParquetError::General(format!("two columns are called `{}`", twice[0])));
    }
    let width = table.columns.len();
    if let Some(row) = table.rows.iter().find(|row| row.len() != width) {
        let found = row.len();
        return Err(ParquetError::General(format!("a row of {found} numbers, of {width}")));
    }
    let fields = table.columns.iter().map(|name| field(name)).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("table").with_fields(fields).build()?;
    // Dictionaries do not pay off: the numbers hardly ever repeat.
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (index, name) in table.columns.iter().enumerate() {
        let column = || table.rows.iter().map(|row| row[index]);
        let defined: Vec<f64> = column().filter(|x| !x.is_nan()).collect();
        let levels: Vec<i16> = column().map(|x| i16::from(!x.is_nan())).collect();
        let Some(mut out) = group.next_column()? else { break };
        if is_whole(name) {
            let numbers = defined.iter().map(|x| whole(name, *x)).collect::<Result<Vec<_>, _>>()?;
            out.typed::<Int64Type>().write_batch(&numbers, Some(&levels), None)?;
        } else {
            out.typed::<DoubleType>().write_batch(&defined, Some(&levels), None)?;
        }
        out.close()?;
    }
    group.close()?;
    writer.into_inner()
}

fn is_whole(name: &str) -> bool {
    WHOLE.contains(&name)
}

fn field(name: &str) -> Result<Arc<Type>, ParquetError> {
    let physical = if is_whole(name) { Physical::INT64 } else { Physical::DOUBLE };
    let field = Type::primitive_type_builder(name, physical);
    Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?))
}

/// `x` as an integer. Below 2^53 an `f64` represents every integer exactly.
fn whole(name: &str, x: f64) -> Result<i64, ParquetError> {
    match x {
        x if x.fract() == 0.0 && x.abs() < 9_007_199_254_740_992.0 => Ok(x as i64),
        x => Err(ParquetError::General(format!("`{name}` is {x}, which is no whole number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::Field;
    use proptest::prelude::*;
    use std::io::Write;

    /// With the crate's own reader: integers as they are, null as NaN.
    fn read(bytes: Vec<u8>) -> (Vec<String>, Vec<Vec<Field>>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let schema = reader.metadata().file_metadata().schema().get_fields();
        let names = schema.iter().map(|field| field.name().to_string()).collect();
        let rows = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect());
        (names, rows.collect())
    }

    fn table(columns: &[&str], rows: Vec<Vec<f64>>) -> Table {
        Table { columns: columns.iter().map(|name| name.to_string()).collect(), rows }
    }

    proptest! {
        #[test]
        fn numbers_come_back_bit_for_bit(
            rows in proptest::collection::vec((0u32.., any::<f64>(), any::<f64>()), 0..40)
        ) {
            let rows: Vec<_> = rows.iter().map(|(n, a, b)| vec![f64::from(*n), *a, *b]).collect();
            let (names, found) = read(parquet(&table(&["step", "loss", "λ, 0"], rows.clone())).unwrap());
            prop_assert_eq!(names, ["step", "loss", "λ, 0"]);
            prop_assert_eq!(found.len(), rows.len());
            for (found, row) in found.iter().zip(&rows) {
                prop_assert_eq!(&found[0], &Field::Long(row[0] as i64));
                for (found, x) in found[1..].iter().zip(&row[1..]) {
                    match found {
                        Field::Null => prop_assert!(x.is_nan()),
                        Field::Double(found) => prop_assert_eq!(found.to_bits(), x.to_bits()),
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let fault = |table: Table| parquet(&table).unwrap_err().to_string();
        assert!(fault(table(&["a", "b", "a"], vec![])).contains("two columns are called `a`"));
        assert!(fault(table(&["a", "b"], vec![vec![1.0]])).contains("a row of 1 numbers, of 2"));
        assert!(fault(table(&["step"], vec![vec![0.5]])).contains("`step` is 0.5"));
        assert!(fault(table(&["step"], vec![vec![f64::INFINITY]])).contains("`step` is inf"));
    }
}
