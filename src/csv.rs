//! Comma-separated values: every table that is written as such is written here.

/// A table as text: a line of `names`, then a line a row. Fields with commas, quotes or line breaks stand in quotes,
/// with every quote doubled (RFC 4180), so that whatever reads the table reads the fields as they are.
pub(crate) fn text<N, R>(names: N, rows: R) -> String
where
    N: IntoIterator<Item: AsRef<[u8]>>,
    R: IntoIterator<Item: IntoIterator<Item: AsRef<[u8]>>>,
{
    let written = || -> Result<Vec<u8>, csv::Error> {
        let mut out = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        out.write_record(names)?;
        for row in rows {
            out.write_record(row)?;
        }
        out.into_inner().map_err(|error| error.into_error().into())
    };
    let bytes = written().expect("memory takes rows of any length");
    String::from_utf8(bytes).expect("the fields are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let rows = [["plain", "1e-5"], ["a, b", ""], ["\"c\"", "d\ne"]];
        assert_eq!(
            text(["x[0,1]", "y"], rows),
            "\"x[0,1]\",y\nplain,1e-5\n\"a, b\",\n\"\"\"c\"\"\",\"d\ne\"\n"
        );
        let none: [[&str; 1]; 0] = [];
        assert_eq!(text(["alone"], none), "alone\n");
    }
}
