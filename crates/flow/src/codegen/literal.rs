//! Exact constants as literals that evaluate to the nearest double in every language.

use super::body::{Level, Text};
use crate::loss::Constant;

/// Integers up to this size are doubles.
const EXACT: u64 = 1 << 53;

/// The constant as a decimal if it is a short one (`0.1`), as a fraction of integers (`1.0 / 3.0`)
/// if both are doubles, so that the division rounds once, and otherwise as the nearest double.
pub(super) fn text(constant: &Constant) -> Text {
    if constant.rounded.is_infinite() {
        // Beyond the doubles: no language has a literal for it that all others accept.
        let sign = if constant.rounded < 0.0 { "-" } else { "" };
        return Text { code: format!("{sign}1e308 * 10.0"), level: Level::Product };
    }
    let decimal = decimal(constant.rounded);
    if is_exactly(&decimal, constant) {
        return number(decimal);
    }
    match constant.exact.as_small() {
        Some((n, d)) if n.unsigned_abs() <= EXACT && d.unsigned_abs() <= EXACT => {
            let level = if n < 0 { Level::Negative } else { Level::Product };
            Text { code: format!("{n}.0 / {d}.0"), level }
        }
        _ => number(decimal),
    }
}

fn number(code: String) -> Text {
    let level = if code.starts_with('-') { Level::Negative } else { Level::Atom };
    Text { code, level }
}

/// The shortest decimal that reads back as this double, with a point or an exponent.
pub(super) fn decimal(value: f64) -> String {
    // 1e308, say, is no number to write out.
    if value != 0.0 && !(1e-5..1e16).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        format!("{value:?}")
    }
}

/// Whether a decimal is the constant itself.
fn is_exactly(decimal: &str, constant: &Constant) -> bool {
    let exact = bea_series::optimizer::parse_value(decimal.trim_start_matches('-'));
    let sign = if decimal.starts_with('-') { -1 } else { 1 };
    exact.is_ok_and(|value| {
        bea_series::exact::Rational::from(value * num_bigint::BigInt::from(sign)) == constant.exact
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bea_series::exact::Rational;

    fn shown(value: Rational) -> String {
        let rounded = value.to_f64();
        text(&Constant { exact: value, rounded }).code
    }

    #[test]
    fn constants_are_short_and_nearest() {
        let ratio = |n, d| shown(Rational::new(n, d).unwrap());
        assert_eq!(ratio(1, 3), "1.0 / 3.0");
        assert_eq!(ratio(-1, 3), "-1.0 / 3.0");
        assert_eq!(ratio(1, 10), "0.1");
        assert_eq!(ratio(-5, 2), "-2.5");
        assert_eq!(ratio(100, 1), "100.0");
        assert_eq!(ratio(1 << 53, 1), "9007199254740992.0");
        // Not a double: the nearest one, not a quotient that rounds twice.
        assert_eq!(ratio((1 << 53) + 1, 3), "3002399751580331.0");
        assert_eq!(ratio(1, (1 << 60) + 1), "8.673617379884035e-19");
        assert_eq!(shown(Rational::from(7).pow(300).unwrap()), "3.38385702007491e253");
        assert_eq!(shown(Rational::from(7).pow(400).unwrap()), "1e308 * 10.0");
    }
}
