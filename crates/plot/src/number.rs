//! Numbers beside one another, as texts that are short and differ.

/// Texts of numbers, and what they leave out: a number is `offset + text·10^power`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    pub texts: Vec<String>,
    offset: Option<String>,
    power: i32,
}

impl From<Vec<String>> for Numbers {
    /// Texts that leave nothing out.
    fn from(texts: Vec<String>) -> Numbers {
        Numbers { texts, ..Numbers::default() }
    }
}

/// The most significant digits of a text.
const DIGITS: i32 = 5;

impl Numbers {
    /// The texts of numbers that differ by at least about `step`.
    pub fn new(values: &[f64], step: f64) -> Numbers {
        let largest = values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        if largest == 0.0 || !(largest.is_finite() && step > 0.0) {
            return Numbers { texts: vec!["0".into(); values.len()], ..Numbers::default() };
        }
        let high = exponent(largest);
        let (low, top) = extent(values);
        // What is beyond an offset must take fewer digits.
        let is_narrow = exponent((top - low).max(step)) - exponent(step) < DIGITS;
        if is_narrow && high - exponent(step) > DIGITS {
            let (offset, rest) = beside(values, step);
            return Numbers { offset: Some(offset), ..Numbers::new(&rest, step) };
        }
        let plain = (-3..5).contains(&high);
        let power = if plain { 0 } else { high };
        let unit = per_ten(step, power);
        // A step of 2.5 takes one digit more than its first.
        let most = (DIGITS + 1 - if plain { high.min(0) } else { 0 }).max(0) as usize;
        let decimals = (0..most).find(|d| {
            let scaled = unit * 10f64.powi(*d as i32);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        });
        let decimals = decimals.unwrap_or(most);
        let text = |x: &f64| match per_ten(*x, power) {
            0.0 => "0".into(),
            x => minus(format!("{x:.decimals$}")),
        };
        Numbers { texts: values.iter().map(text).collect(), offset: None, power }
    }

    /// The title of what the numbers are values of: `loss (×10⁷)`, `x − 1.2345678 (×10⁻⁹)`.
    pub fn title(&self, name: &str) -> String {
        let mut title = name.to_string();
        let mut push = |text: String| {
            if !title.is_empty() {
                title.push(' ');
            }
            title.push_str(&text);
        };
        match self.offset.as_deref() {
            // A minus would look like a sign.
            Some(offset) if name.is_empty() => push(format!("beyond {offset}")),
            Some(offset) => match offset.strip_prefix('−') {
                Some(positive) => push(format!("+ {positive}")),
                None => push(format!("− {offset}")),
            },
            None => {}
        }
        if self.power != 0 {
            push(format!("(×{})", power_of_ten(self.power)));
        }
        title
    }
}

/// The least and the greatest.
fn extent(values: &[f64]) -> (f64, f64) {
    let infinite = (f64::INFINITY, f64::NEG_INFINITY);
    values.iter().fold(infinite, |(low, high), x| (low.min(*x), high.max(*x)))
}

/// A number near all of these, as a text, and what they have beyond it.
fn beside(values: &[f64], step: f64) -> (String, Vec<f64>) {
    let (low, high) = extent(values);
    let largest = low.abs().max(high.abs());
    let digits = exponent(largest) - exponent((high - low).max(step));
    let digits = digits.clamp(0, 16) as usize;
    let text = format!("{:.digits$e}", values[0]);
    let offset: f64 = text.parse().expect("a number is read as it is written");
    // A multiple of a hundredth of a step, so that digits of rounding are not shown.
    let round = |x: f64| match (100.0 * x / step).round() * step / 100.0 {
        rounded if rounded.is_finite() => rounded,
        _ => x,
    };
    let rest = values.iter().map(|x| round(x - offset)).collect();
    (in_digits(offset, digits as i32 + 1), rest)
}

/// Numbers for a colour bar: of at most three digits where these tell them apart.
pub(super) fn distinct(values: &[f64]) -> Numbers {
    let texts = |values: &[f64], digits: std::ops::RangeInclusive<i32>| {
        let mut texts = digits.map(|digits| -> Vec<String> {
            values.iter().map(|x| in_digits(*x, digits)).collect()
        });
        texts.find(|texts| texts.windows(2).all(|pair| pair[0] != pair[1]))
    };
    if let Some(texts) = texts(values, 3..=DIGITS) {
        return texts.into();
    }
    let gaps = values.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    let least = gaps.filter(|gap| *gap > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_infinite() {
        return Numbers::new(values, least);
    }
    let (offset, rest) = beside(values, least);
    let power = exponent(rest.iter().fold(0.0f64, |most, x| most.max(x.abs())));
    let power = if (-1..4).contains(&power) { 0 } else { power };
    let scaled: Vec<f64> = rest.iter().map(|x| per_ten(*x, power)).collect();
    match texts(&scaled, 2..=DIGITS) {
        Some(texts) => Numbers { texts, offset: Some(offset), power },
        None => Numbers::new(values, least),
    }
}

/// A number with at most so many significant digits.
pub(super) fn in_digits(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let power = exponent(value.abs());
    let trimmed = |text: String| {
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        } else {
            text
        };
        minus(text)
    };
    if (-3..5).contains(&power) {
        let decimals = (digits - 1 - power).max(0) as usize;
        return trimmed(format!("{value:.decimals$}"));
    }
    let decimals = if digits <= 3 { 1 } else { (digits - 1).max(0) as usize };
    match trimmed(format!("{:.decimals$}", per_ten(value, power))).as_str() {
        "1" => power_of_ten(power),
        digits => format!("{digits}·{}", power_of_ten(power)),
    }
}

/// The exponent of a positive number in scientific notation.
pub(super) fn exponent(x: f64) -> i32 {
    x.log10().floor() as i32
}

/// `10^exponent`; down to the smallest numbers, for which `powi` is 0.
pub(super) fn ten(exponent: i32) -> f64 {
    match exponent {
        ..-300 => 10f64.powi(exponent + 300) * 1e-300,
        _ => 10f64.powi(exponent),
    }
}

/// `value/10^exponent`, of the smallest numbers too.
fn per_ten(value: f64, exponent: i32) -> f64 {
    match exponent {
        ..-300 => value * 1e300 / 10f64.powi(exponent + 300),
        _ => value / 10f64.powi(exponent),
    }
}

/// `10⁻³`
pub(super) fn power_of_ten(exponent: i32) -> String {
    let raised = |c: char| match c.to_digit(10) {
        None => '⁻',
        Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
    };
    let exponent: String = exponent.to_string().chars().map(raised).collect();
    format!("10{exponent}")
}

/// With the minus sign `−`, as wide as a plus, for every hyphen.
fn minus(text: String) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(values: &[f64], step: f64, name: &str) -> (Vec<String>, String) {
        let numbers = Numbers::new(values, step);
        (numbers.texts.clone(), numbers.title(name))
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn powers_and_offsets_go_to_the_title() {
        for (values, step, expected, title) in [
            (&[0.0, 0.25, 0.5][..], 0.25, &["0", "0.25", "0.50"][..], "x"),
            (&[0.0, 1e7, 2e7], 1e7, &["0", "1", "2"], "x (×10⁷)"),
            (&[0.0, 2.5e-9, 5e-9], 2.5e-9, &["0", "2.5", "5.0"], "x (×10⁻⁹)"),
            (&[1000.0, 1000.1], 0.1, &["1000.0", "1000.1"], "x"),
            (&[1.0, 1.0 + 1e-9], 1e-9, &["0", "1"], "x − 1 (×10⁻⁹)"),
            (&[-2.5, -2.5 + 2e-7], 2e-7, &["0", "2"], "x + 2.5 (×10⁻⁷)"),
            (&[123456789.0, 123456790.0], 1.0, &["0", "1"], "x − 1.23456789·10⁸"),
        ] {
            assert_eq!(texts(values, step, "x"), (strings(expected), title.into()));
        }
        assert_eq!(texts(&[1.0, 1.0 + 1e-9], 1e-9, "").1, "beyond 1 (×10⁻⁹)");
    }

    #[test]
    fn short_numbers_are_short() {
        let cases =
            [(0.1, "0.1"), (1250.0, "1250"), (2e-7, "2·10⁻⁷"), (-0.25, "−0.25"), (1e6, "10⁶")];
        for (value, text) in cases {
            assert_eq!(in_digits(value, 3), text);
        }
        for (values, texts, title) in [
            ([1000.1, 1000.2, 1000.3], ["1000.1", "1000.2", "1000.3"], "loss"),
            ([1e7 + 1e-4, 1e7 + 3e-4, 1e7 + 12e-4], ["0.1", "0.3", "1.2"], "loss − 10⁷ (×10⁻³)"),
        ] {
            let numbers = distinct(&values);
            assert_eq!((numbers.texts.clone(), &*numbers.title("loss")), (strings(&texts), title));
        }
    }

    proptest! {
        /// Whatever the offset, neighbours differ.
        #[test]
        fn neighbours_differ(first in -1e9..1e9f64, power in -6..6i32, count in 2..8usize) {
            let step = ten(power);
            let first = (first / step).round() * step;
            prop_assume!(first.abs() < 1e13 * step);
            let values: Vec<f64> = (0..count).map(|i| first + i as f64 * step).collect();
            for numbers in [Numbers::new(&values, step), distinct(&values)] {
                for pair in numbers.texts.windows(2) {
                    prop_assert!(pair[0] != pair[1], "{values:?} {numbers:?}");
                }
            }
        }
    }
}
