//! Exact numbers as people write them.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero, pow};

/// The most digits of a number, and the largest size of its power of ten.
const MAX_DIGITS: usize = 1000;

/// Why a text is not a number of the language.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NumberError {
    /// Not an integer, fraction or decimal.
    #[error("not an exact number; write an integer, a fraction `9/10` or a decimal `0.9`")]
    Malformed,
    /// More digits, or a larger power of ten, than 1000.
    #[error("a number has at most {MAX_DIGITS} digits")]
    TooLong,
    /// `1/0`.
    #[error("the denominator is zero")]
    ZeroDenominator,
}

/// A decimal without sign, `12`, `0.9`, `1e-3`, as an exact fraction: `0.9` is 9/10.
///
/// # Errors
/// [`NumberError::Malformed`] if the text is anything else, a sign included, and
/// [`NumberError::TooLong`].
pub fn number(text: &str) -> Result<BigRational, NumberError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(NumberError::Malformed);
            }
            (mantissa, exponent.parse().map_err(|_| NumberError::TooLong)?)
        }
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || mantissa.ends_with('.') {
        return Err(NumberError::Malformed);
    }
    let shift: i64 = exponent;
    if digits.len() > MAX_DIGITS || shift.unsigned_abs() > MAX_DIGITS as u64 {
        return Err(NumberError::TooLong);
    }
    let value: BigInt = digits.parse().map_err(|_| NumberError::Malformed)?;
    let ten = |n: usize| pow(BigInt::from(10), n);
    let places = ten(fraction.len());
    let scale = ten(usize::try_from(shift.unsigned_abs()).map_err(|_| NumberError::TooLong)?);
    Ok(if shift < 0 {
        BigRational::new(value, places * scale)
    } else {
        BigRational::new(value * scale, places)
    })
}

/// The exact value of a parameter as given on a command line: `3`, `-1/2`, `0.9`, `1e-3`.
///
/// # Errors
/// See [`NumberError`]. `sqrt(2)`, `pi`, `nan` are not rational and are refused.
///
/// ```
/// use num_rational::BigRational;
/// let nine_tenths = BigRational::new(9.into(), 10.into());
/// assert_eq!(bea_series::optimizer::parse_value("0.9"), Ok(nine_tenths));
/// ```
pub fn parse_value(text: &str) -> Result<BigRational, NumberError> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (top, bottom) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let top = number(top.trim())?;
    let bottom = bottom.map_or(Ok(BigRational::one()), |b| number(b.trim()))?;
    if bottom.is_zero() {
        return Err(NumberError::ZeroDenominator);
    }
    let value = top / bottom;
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(a: i64, b: i64) -> BigRational {
        BigRational::new(a.into(), b.into())
    }

    #[test]
    fn decimals_are_exact() {
        for (text, value) in [
            ("0.9", fraction(9, 10)),
            (".5", fraction(1, 2)),
            ("1e-3", fraction(1, 1000)),
            ("2.5E2", fraction(250, 1)),
            ("1e+2", fraction(100, 1)),
            ("-1/2", fraction(-1, 2)),
            (" - 0.1 / 0.3 ", fraction(-1, 3)),
            ("+7", fraction(7, 1)),
            ("0.30000000000000004", fraction(30000000000000004, 100000000000000000)),
        ] {
            assert_eq!(parse_value(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_not_rational_is_refused() {
        for text in [
            "", "-", "sqrt(2)", "pi", "nan", "inf", "1e", "e5", "1.", ".", "1_000", "0x10",
            "1/2/3", "--1", "1e1.5", "٣",
        ] {
            assert_eq!(parse_value(text), Err(NumberError::Malformed), "{text}");
        }
        assert_eq!(parse_value("1/0"), Err(NumberError::ZeroDenominator));
        assert_eq!(parse_value("1/0.00"), Err(NumberError::ZeroDenominator));
    }

    #[test]
    fn endless_numbers_are_refused() {
        for text in ["1e1001", "1e-99999999999999999999", &"7".repeat(1001)] {
            assert_eq!(parse_value(text), Err(NumberError::TooLong), "{text}");
        }
        assert!(parse_value(&"7".repeat(1000)).is_ok());
    }
}
