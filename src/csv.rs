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

/// The shortest number that reads as this one; with an exponent where it is below 1e-5 or has more than 16 digits.
pub(crate) fn number(x: f64) -> String {
    let plain = x == 0.0 || !x.is_finite() || (1e-5..1e16).contains(&x.abs());
    if plain { x.to_string() } else { format!("{x:e}") }
}

/// The same, and nothing for NaN.
pub(crate) fn number_or_nothing(x: f64) -> String {
    if x.is_nan() { String::new() } else { number(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_as_they_were() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e-5, "0.00001"),
            (-2.5e-6, "-2.5e-6"),
            (5e-324, "5e-324"),
            (1e15, "1000000000000000"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(number(x), text);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), x.to_bits());
        }
        assert_eq!((number_or_nothing(f64::NAN), number(f64::NAN)), (String::new(), "NaN".into()));
    }

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
