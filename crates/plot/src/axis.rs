//! Axes: their range, and the places of their ticks.

use super::number::{Numbers, exponent, in_digits, power_of_ten, ten};

/// How values are mapped to positions on an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxisScale {
    /// Equal differences are equal distances.
    #[default]
    Linear,
    /// Equal ratios are equal distances; numbers that are not positive have no position.
    Log,
    /// Linear from `-10^decade` to `10^decade`, and logarithmic beyond, where a decade is as long as from 0 to `10^decade`: for
    /// numbers of both signs and many sizes.
    SymmetricLog {
        /// The power of ten at which the linear part ends.
        decade: i32,
    },
}

/// An axis of a panel.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// The title beside it.
    pub label: String,
    /// Linear or logarithmic.
    pub scale: AxisScale,
    /// The least and the greatest number; `None` for those of all points, with a margin.
    pub range: Option<(f64, f64)>,
    /// Without title and numbers, since a panel beside it has the same axis.
    pub shared: bool,
    /// With labels at whole numbers alone: it counts something.
    pub whole: bool,
}

impl Axis {
    /// A linear axis with a title.
    pub fn linear(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), ..Axis::default() }
    }

    /// A logarithmic axis with a title.
    pub fn log(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: AxisScale::Log, ..Axis::default() }
    }

    /// The same axis from `low` to `high`.
    pub fn from_to(mut self, low: f64, high: f64) -> Axis {
        self.range = Some((low, high));
        self
    }
}

/// A mark on an axis, with a label unless it is a minor one.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: Option<String>,
}

/// Far outside of the range, in parts of it.
const FAR: f64 = 1e3;
/// The ticks of an axis, and its title with what their labels leave out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ticks {
    pub ticks: Vec<Tick>,
    pub title: String,
}

/// A range of fewer decades has labels between them.
const FEW_DECADES: f64 = 2.2;

/// The margin beyond the outermost points, as a part of the range.
const MARGIN: f64 = 0.04;

/// An axis with a definite range, in the coordinate in which it is linear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ruler {
    pub scale: AxisScale,
    pub low: f64,
    pub high: f64,
    /// Whether labels are at whole numbers alone.
    whole: bool,
}

impl Ruler {
    /// The ruler of an axis beside which `values` are to be drawn.
    pub fn new(axis: &Axis, values: impl Iterator<Item = f64>) -> Ruler {
        let coordinate = |value: f64| coordinate(axis.scale, value);
        let between =
            |low, high| Ruler { whole: axis.whole, ..Ruler::between(axis.scale, low, high) };
        if let Some((low, high)) = axis.range {
            return between(coordinate(low), coordinate(high));
        }
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.map(coordinate).filter(|v| v.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        let room = if low < high { MARGIN * (high - low) } else { 0.0 };
        between(low - room, high + room)
    }

    /// The ruler from `low` to `high`. A range of a single value is widened around it, and one
    /// without any is 0 to 1.
    fn between(scale: AxisScale, low: f64, high: f64) -> Ruler {
        // Far enough from overflow for differences to be finite; what lies beyond is not drawn.
        let limit = if scale == AxisScale::Linear { 1e290 } else { 290.0 };
        let (low, high) = (low.clamp(-limit, limit), high.clamp(-limit, limit));
        let (low, high) = if low.is_nan() || high.is_nan() || low > high {
            (0.0, 1.0)
        } else if high - low > 1e-12 * low.abs().max(high.abs()).max(1e-280) {
            (low, high)
        } else if scale != AxisScale::Linear {
            (low - 0.5, high + 0.5)
        } else if low.abs() < 1e-280 {
            (-1.0, 1.0)
        } else {
            (low - 0.5 * low.abs(), high + 0.5 * high.abs())
        };
        Ruler { scale, low, high, whole: false }
    }

    /// The position of a number for the border of an area: infinite ones, and those that are too small for a logarithmic
    /// axis, lie far outside; `None` for NaN.
    pub fn reach(&self, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        let place = self.place(value);
        Some(if place.is_nan() { -FAR } else { place.clamp(-FAR, FAR) })
    }

    /// The position of a number, 0 at the low end and 1 at the high one; not finite if it has none.
    pub fn place(&self, value: f64) -> f64 {
        (coordinate(self.scale, value) - self.low) / (self.high - self.low)
    }

    /// The number at a position.
    pub fn value(&self, place: f64) -> f64 {
        let coordinate = self.low + place * (self.high - self.low);
        match self.scale {
            AxisScale::Linear => coordinate,
            AxisScale::Log => 10f64.powf(coordinate),
            AxisScale::SymmetricLog { decade } if coordinate.abs() > 1.0 => {
                10f64.powf(coordinate.abs() - 1.0 + f64::from(decade)).copysign(coordinate)
            }
            AxisScale::SymmetricLog { decade } => coordinate * ten(decade),
        }
    }

    /// About `count` ticks with labels, and minor ones between decades; what the labels leave out is in the title, which is
    /// `name` and that.
    pub fn ticks(&self, count: usize, name: &str) -> Ticks {
        match self.scale {
            AxisScale::Linear => self.linear_ticks(count, name),
            AxisScale::Log if self.high - self.low < 1.0 => {
                let (low, high) = (self.value(0.0), self.value(1.0));
                let values = Ruler { scale: AxisScale::Linear, low, high, ..*self };
                values.linear_ticks(count, name)
            }
            AxisScale::Log => Ticks { ticks: self.decades(count), title: name.into() },
            AxisScale::SymmetricLog { decade } => {
                Ticks { ticks: self.both_signs(count, decade), title: name.into() }
            }
        }
    }

    /// 0 and powers of ten of both signs.
    fn both_signs(&self, count: usize, decade: i32) -> Vec<Tick> {
        let every = (((self.high - self.low) / count.max(1) as f64 - 0.3).ceil() as i32).max(1);
        let places = self.low.ceil() as i32..=self.high.floor() as i32;
        let tick = |place: i32| {
            let exponent = decade + place.abs() - 1;
            let (value, text) = match place.signum() {
                0 => (0.0, "0".into()),
                -1 => (-ten(exponent), format!("−{}", power_of_ten(exponent))),
                _ => (ten(exponent), power_of_ten(exponent)),
            };
            Tick { value, label: (place % every == 0).then_some(text) }
        };
        places.map(tick).collect()
    }

    fn linear_ticks(&self, count: usize, name: &str) -> Ticks {
        let step = nice((self.high - self.low) / count.max(1) as f64);
        let step = if self.whole { step.max(1.0) } else { step };
        let slack = 1e-9 * step;
        let first = ((self.low - slack) / step).ceil();
        let last = ((self.high + slack) / step).floor();
        let values: Vec<f64> =
            (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        let numbers = Numbers::new(&values, step);
        let title = numbers.title(name);
        let labels = numbers.texts.into_iter().map(Some);
        let ticks = values.into_iter().zip(labels).map(|(value, label)| Tick { value, label });
        Ticks { ticks: ticks.collect(), title }
    }

    fn decades(&self, count: usize) -> Vec<Tick> {
        let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
        // A few more labels than asked for are better than half of them.
        let every = (((self.high - self.low) / count.max(1) as f64 - 0.3).ceil() as i32).max(1);
        // Where decades are few, 2 and 5 have labels, too.
        let few = self.high - self.low < FEW_DECADES;
        let plain = (-3..5).contains(&first) && (-3..5).contains(&last);
        let short = |value: f64| in_digits(value, if plain { 1 } else { 3 });
        let text =
            |exponent: i32, value: f64| if few { short(value) } else { power_of_ten(exponent) };
        let mut ticks = Vec::new();
        for exponent in first - 1..=last {
            let value = ten(exponent);
            if exponent >= first {
                let label = (exponent.rem_euclid(every) == 0).then(|| text(exponent, value));
                ticks.push(Tick { value, label });
            }
            if every == 1 {
                let minor = (2..10).map(|digit| (digit, f64::from(digit) * value));
                let inside = minor.filter(|(_, v)| (0.0..=1.0).contains(&self.place(*v)));
                ticks.extend(inside.map(|(digit, value)| {
                    let label = (few && [2, 5].contains(&digit)).then(|| short(value));
                    Tick { value, label }
                }));
            }
        }
        ticks
    }
}

fn coordinate(scale: AxisScale, value: f64) -> f64 {
    match scale {
        AxisScale::Linear => value,
        AxisScale::Log if value > 0.0 => value.log10(),
        AxisScale::Log => f64::NAN,
        AxisScale::SymmetricLog { decade } => match value.abs() / ten(decade) {
            size if size > 1.0 => (1.0 + size.log10()).copysign(value),
            _ => value / ten(decade),
        },
    }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is not less than `step`. What is counted has no halves, so that
/// 2.5 itself is left out.
fn nice(step: f64) -> f64 {
    let power = ten(exponent(step));
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter();
    let mut factors = factors.filter(|f| *f != 2.5 || power != 1.0);
    let factor = factors.find(|f| f * power >= step * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, count: usize) -> Vec<String> {
        let ruler = Ruler::new(&axis, std::iter::empty());
        ruler.ticks(count, "").ticks.into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        let linear = |low, high| labels(Axis::linear("").from_to(low, high), 5);
        assert_eq!(linear(-2.0, 2.0), ["−2", "−1", "0", "1", "2"]);
        assert_eq!(linear(0.03, 1.0), ["0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(linear(0.0, 1.2), ["0", "0.25", "0.50", "0.75", "1.00"]);
        assert_eq!(linear(0.0, 3e7), ["0", "1", "2", "3"]);
        assert_eq!(linear(0.6, 10.4), ["2", "4", "6", "8", "10"]);
        assert_eq!(linear(0.0, 0.0), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
        let counted = Axis { whole: true, ..Axis::linear("").from_to(0.0, 2.0) };
        assert_eq!(labels(counted, 5), ["0", "1", "2"]);
        let log = |low, high| labels(Axis::log("").from_to(low, high), 5);
        assert_eq!(log(0.5e-3, 20.0), ["10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹"]);
        assert_eq!(log(1e-20, 1.0), ["10⁻²⁰", "10⁻¹⁶", "10⁻¹²", "10⁻⁸", "10⁻⁴", "10⁰"]);
        assert_eq!(log(1.0, 4.0), ["1", "2", "3", "4"]);
        assert_eq!(log(1.8, 80.0), ["2", "5", "10", "20", "50"]);
        assert_eq!(log(1e-6, 0.5), ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]);
        let scale = AxisScale::SymmetricLog { decade: -2 };
        let both = |low, high| labels(Axis { scale, ..Axis::linear("").from_to(low, high) }, 5);
        assert_eq!(both(-0.02, 0.2), ["−10⁻²", "0", "10⁻²", "10⁻¹"]);
        assert_eq!(both(-0.2, 30.0), ["−10⁻¹", "0", "10⁻¹", "10¹"]);
        // Few powers of ten are not enough.
        assert_eq!(log(0.7, 15.0), ["1", "2", "5", "10"]);
        assert_eq!(log(3e-8, 4e-7), ["5·10⁻⁸", "10⁻⁷", "2·10⁻⁷"]);
    }

    #[test]
    fn a_range_holds_what_can_be_drawn() {
        let values = [1.0, f64::NAN, f64::INFINITY, -3.0];
        let ruler = Ruler::new(&Axis::linear(""), values.into_iter());
        assert!((0.0..0.1).contains(&ruler.place(-3.0)), "{}", ruler.place(-3.0));
        assert!((0.9..1.0).contains(&ruler.place(1.0)));
        let ruler = Ruler::new(&Axis::log(""), values.into_iter());
        assert!(!ruler.place(-3.0).is_finite());
        assert!((0.0..1.0).contains(&ruler.place(1.0)));
        assert!((ruler.value(ruler.place(1.0)) - 1.0).abs() < 1e-12);
        let scale = AxisScale::SymmetricLog { decade: 0 };
        let ruler =
            Ruler::new(&Axis { scale, ..Axis::default() }.from_to(-10.0, 1000.0), [].into_iter());
        for (value, place) in
            [(-10.0, 0.0), (-1.0, 1.0), (0.0, 2.0), (0.5, 2.5), (1.0, 3.0), (100.0, 5.0)]
        {
            assert!((6.0 * ruler.place(value) - place).abs() < 1e-12, "{value}");
            assert!(
                (ruler.value(ruler.place(value)) - value).abs() < 1e-12 * value.abs().max(1.0),
                "{value}"
            );
        }
        assert!(ruler.place(f64::NAN).is_nan() && ruler.place(f64::INFINITY).is_infinite());
    }
}
