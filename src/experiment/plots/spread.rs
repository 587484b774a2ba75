//! Curves of several seeds as their median and a band around it.

use bea_plot::{Band, Color, Dash, Series, Style};

/// A band with more points is reduced to the extremes of this many stretches, about one per pixel of a panel.
const STRETCHES: usize = 330;
/// From so many seeds on, the band is that of the quartiles.
const QUARTILES: usize = 5;
/// A line with more points has no markers at what was measured, and one with no more than these has them anyway.
const MARKED: usize = 30;
const FEW: usize = 12;

/// How curves of several seeds are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Seeds {
    /// Their median at every step, and a band: from the smallest to the largest of up to four, between the quartiles of
    /// more. Those that diverge are no part of the band, but dotted lines; of up to four, every one is a thin line then, since
    /// a median of some that diverge is like none of them.
    #[default]
    Median,
    /// Every one, thin and pale, and their median.
    All,
}

/// What was measured with one seed.
#[derive(Clone, Debug)]
pub struct Curve {
    pub points: Vec<(f64, f64)>,
    /// Whether it is beyond all bounds after its last point.
    pub escapes: bool,
    /// Whether it counts as diverged: it is no part of the band.
    pub diverged: bool,
}

impl Curve {
    /// Whether it is infinite at its end: a flow that has ended is infinitely far from then on.
    pub fn ended(&self) -> bool {
        self.points.last().is_some_and(|point| point.1 == f64::INFINITY)
    }
}

/// A line of a panel.
#[derive(Clone, Debug)]
pub struct Line {
    pub label: String,
    pub style: Style,
    /// One for each seed.
    pub curves: Vec<Curve>,
    /// Whether not every step was measured.
    pub sampled: bool,
}

impl Line {
    /// Whether several seeds have a median: of few of which one diverges, each has a line instead.
    pub fn has_median(&self, seeds: Seeds) -> bool {
        seeds == Seeds::All
            || self.curves.len() >= QUARTILES
            || !self.curves.iter().any(|curve| curve.diverged)
    }

    /// What is drawn of it.
    pub fn drawn(&self, seeds: Seeds) -> Drawn {
        let mut style = self.style;
        let longest = self.curves.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
        if (self.sampled && longest <= MARKED || longest <= FEW) && style.marker.is_none() {
            style.marker = Some(bea_plot::Marker::Dot);
        }
        let full =
            |points: Vec<(f64, f64)>| Series::new(self.label.as_str(), points, style).thinned();
        if let [curve] = &self.curves[..] {
            return Drawn {
                lines: vec![full(curve.points.clone())],
                below: Vec::new(),
                band: None,
            };
        }
        let all: Vec<&Curve> = self.curves.iter().collect();
        let (away, steady): (Vec<&Curve>, Vec<&Curve>) =
            self.curves.iter().partition(|curve| curve.diverged);
        let away =
            away.iter().map(|c| Series::new("", c.points.clone(), apart(style.color)).thinned());
        let away: Vec<Series> = away.collect();
        if !self.has_median(seeds) {
            // Not as thick as a median.
            let style = Style { width: THIN, ..style };
            let full = |points| Series::new(self.label.as_str(), points, style).thinned();
            let mut lines: Vec<Series> = steady.iter().map(|c| full(c.points.clone())).collect();
            if lines.is_empty() {
                // For the legend alone.
                lines.push(full(Vec::new()));
            }
            return Drawn { lines, below: away, band: None };
        }
        let mut below = away;
        if seeds == Seeds::All {
            let pale = Style { line: Some(Dash::Solid), ..apart(style.color.pale()) };
            let each = steady.iter().map(|c| Series::new("", c.points.clone(), pale).thinned());
            below.extend(each);
        }
        let band = (seeds == Seeds::Median && steady.len() > 1)
            .then(|| Band::new(thin_band(&summary(&steady).1), style.color));
        let band = band.map(|band| Band { around: self.label.clone(), ..band });
        Drawn { lines: vec![full(summary(&all).0)], below, band }
    }
}

/// What is drawn of the seeds of a line.
#[derive(Debug)]
pub struct Drawn {
    /// Their median or every one, with its label.
    pub lines: Vec<Series>,
    /// Single seeds, below all other lines.
    pub below: Vec<Series>,
    pub band: Option<Band>,
}

/// Points of a line, and of the band around it.
type Middle = Vec<(f64, f64)>;
type Spread = Vec<(f64, f64, f64)>;

/// The median at every step, and the band around it.
fn summary(curves: &[&Curve]) -> (Middle, Spread) {
    let mut steps: Vec<f64> =
        curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0)).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    let mut next = vec![0; curves.len()];
    let (mut median, mut band) = (Vec::new(), Vec::new());
    for x in steps {
        let mut values: Vec<f64> = Vec::new();
        for (curve, next) in curves.iter().zip(&mut next) {
            match curve.points.get(*next) {
                Some(point) if point.0 == x => {
                    *next += 1;
                    values.push(point.1);
                }
                None if curve.escapes => values.push(f64::INFINITY),
                _ => {}
            }
        }
        values.retain(|value| !value.is_nan());
        values.sort_by(f64::total_cmp);
        let (low, high) = if curves.len() < QUARTILES { (0.0, 1.0) } else { (0.25, 0.75) };
        median.push((x, quantile(&values, 0.5)));
        band.push((x, quantile(&values, low), quantile(&values, high)));
    }
    (median, band)
}

/// The look of one seed that diverges.
pub fn apart(color: Color) -> Style {
    Style { color, line: Some(Dash::Dotted), width: 1.0, marker: None }
}

/// The width of the line of a seed among others that diverge.
pub const THIN: f64 = 0.7;

/// What the bands of so many seeds are.
pub fn band(seeds: usize) -> Band {
    let label = if seeds < QUARTILES {
        format!("smallest to largest of {seeds} seeds, around their median")
    } else {
        format!("quartiles of {seeds} seeds, around their median")
    };
    Band { label, ..Band::new(Vec::new(), Color::SOFT) }
}

/// A quantile of sorted values, between those beside it; NaN if there are none.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = part * last as f64;
    let (below, rest) = (sorted[place as usize], place.fract());
    let above = sorted[(place.ceil() as usize).min(last)];
    if rest == 0.0 || below == above {
        return below;
    }
    ((1.0 - rest) * below + rest * above).clamp(below, above)
}

/// A band that reaches as far with fewer points.
fn thin_band(points: &[(f64, f64, f64)]) -> Vec<(f64, f64, f64)> {
    if points.len() <= 2 * STRETCHES {
        return points.to_vec();
    }
    let length = points.len().div_ceil(STRETCHES);
    let stretch = |stretch: &[(f64, f64, f64)]| {
        let low = stretch.iter().map(|point| point.1).fold(f64::NAN, f64::min);
        let high = stretch.iter().map(|point| point.2).fold(f64::NAN, f64::max);
        [(stretch[0].0, low, high), (stretch[stretch.len() - 1].0, low, high)]
    };
    points.chunks(length).flat_map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(values: &[f64], escapes: bool) -> Curve {
        let points = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
        Curve { points, escapes, diverged: escapes }
    }

    fn line(curves: Vec<Curve>) -> Line {
        Line { label: "a".into(), style: Style::of_series(0).line(), curves, sampled: false }
    }

    #[test]
    fn a_run_that_escapes_is_above_all_others() {
        let curves =
            [curve(&[1.0, 2.0, 3.0], false), curve(&[2.0], true), curve(&[3.0, f64::NAN], true)];
        let (median, band) = summary(&curves.iter().collect::<Vec<_>>());
        assert_eq!(median[0], (0.0, 2.0));
        assert_eq!(band[0], (0.0, 1.0, 3.0));
        // One is 2, one is beyond, one is not known.
        assert_eq!((median[1].1, band[1]), (f64::INFINITY, (1.0, 2.0, f64::INFINITY)));
        assert_eq!(median[2].1, f64::INFINITY);
    }

    #[test]
    fn few_seeds_of_which_some_diverge_are_a_line_each() {
        let curves =
            vec![curve(&[1.0, 2.0], false), curve(&[3.0, 4.0], false), curve(&[9.0], true)];
        let points = |series: &[Series]| -> Vec<Vec<(f64, f64)>> {
            series.iter().map(|series| series.points.clone()).collect()
        };
        let drawn = line(curves.clone()).drawn(Seeds::Median);
        assert_eq!(points(&drawn.lines), [[(0.0, 1.0), (1.0, 2.0)], [(0.0, 3.0), (1.0, 4.0)]]);
        assert_eq!((points(&drawn.below), drawn.band), (vec![vec![(0.0, 9.0)]], None));
        assert!(drawn.lines.iter().all(|series| series.style.width == THIN));
        // All of them: the label alone is above.
        let drawn = line(vec![curve(&[9.0], true); 3]).drawn(Seeds::Median);
        assert_eq!((points(&drawn.lines), drawn.below.len()), (vec![Vec::new()], 3));
        assert_eq!(drawn.lines[0].label, "a");
        // Of many, of all the median, of the others the band.
        let more = [curves, vec![curve(&[1.0, 2.0], false); 2]].concat();
        let drawn = line(more).drawn(Seeds::Median);
        assert_eq!(points(&drawn.lines), [[(0.0, 1.0), (1.0, 2.0)]]);
        assert_eq!(drawn.below.len(), 1);
        assert_eq!(drawn.band.unwrap().points, [(0.0, 1.0, 3.0), (1.0, 2.0, 4.0)]);
    }

    #[test]
    fn five_seeds_have_quartiles() {
        let five = line([5.0, 1.0, 2.0, 4.0, 3.0].map(|y| curve(&[y, y], false)).into());
        assert_eq!(summary(&five.curves.iter().collect::<Vec<_>>()).1[0], (0.0, 2.0, 4.0));
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
        assert!(quantile(&[], 0.5).is_nan());
        assert_eq!(quantile(&[1.0, f64::INFINITY, f64::INFINITY], 0.25), f64::INFINITY);
        let drawn = five.drawn(Seeds::All);
        assert_eq!((drawn.lines.len(), drawn.below.len(), drawn.band), (1, 5, None));
        assert_eq!(band(3).label, "smallest to largest of 3 seeds, around their median");
        assert_eq!(band(5).label, "quartiles of 5 seeds, around their median");
    }

    proptest! {
        /// The median is one of what was measured or lies between two of them, and inside the band.
        #[test]
        fn a_median_is_inside_its_band(
            values in proptest::collection::vec(proptest::collection::vec(proptest::num::f64::ANY, 1..20), 2..8),
            escapes in proptest::bool::ANY,
        ) {
            let curves: Vec<Curve> = values.iter().map(|values| curve(values, escapes)).collect();
            let (median, band) = summary(&curves.iter().collect::<Vec<_>>());
            prop_assert_eq!(median.len(), band.len());
            for ((_, middle), (_, low, high)) in median.into_iter().zip(band) {
                // Between -∞ and ∞ there is no middle.
                prop_assert!(middle.is_nan() || !(low > middle || middle > high), "{low} {middle} {high}");
            }
        }

        #[test]
        fn thinned_bands_keep_their_extremes(values in proptest::collection::vec(-1e3..1e3f64, 661..3000)) {
            let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let extent = |points: &[(f64, f64)]| {
                points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p.1), b.max(p.1)))
            };
            let band: Vec<_> = points.iter().map(|(x, y)| (*x, *y, y + 1.0)).collect();
            let thin: Vec<(f64, f64)> = thin_band(&band).iter().map(|(x, low, _)| (*x, *low)).collect();
            prop_assert_eq!(extent(&thin).0, extent(&points).0);
        }
    }
}
