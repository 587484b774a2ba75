//! Tables of numbers that come with the program; see `data/README.md` for their sources.

use bea_series::exact::Rational;
use bea_series::optimizer::parse_value;

/// The names of the tables.
pub(super) const NAMES: &[&str] = &["iris", "breast_cancer"];

/// The rows of inputs and the target of each row.
pub(super) type Table = (Vec<Vec<Rational>>, Vec<Rational>);

/// The table of that name as CSV: its first line names the columns, and the last column is the target.
pub fn csv(name: &str) -> Option<&'static str> {
    match name {
        "iris" => Some(include_str!("../../data/iris.csv")),
        "breast_cancer" => Some(include_str!("../../data/breast_cancer.csv")),
        _ => None,
    }
}

/// The numbers of the table of that name.
pub(super) fn table(name: &str) -> Option<Table> {
    let text = csv(name)?;
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let mut row: Vec<Rational> = line
            .split(',')
            .map(|x| parse_value(x).map(Rational::from))
            .collect::<Result<_, _>>()
            .ok()?;
        targets.push(row.pop()?);
        inputs.push(row);
    }
    Some((inputs, targets))
}
