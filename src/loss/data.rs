//! Tables of numbers that come with the program; see `data/README.md` for their sources.

use crate::exact::Rational;
use crate::optimizer::parse_value;

/// The names of the tables.
pub const NAMES: &[&str] = &["iris", "breast_cancer"];

/// The rows of inputs and the target of each row.
pub type Table = (Vec<Vec<Rational>>, Vec<Rational>);

/// The table of that name: the last column of its file is the target, and its first line names the
/// columns.
pub fn table(name: &str) -> Option<Table> {
    let text = match name {
        "iris" => include_str!("../../data/iris.csv"),
        "breast_cancer" => include_str!("../../data/breast_cancer.csv"),
        _ => return None,
    };
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
