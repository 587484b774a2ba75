//! A spectrum as a picture: marks at the eigenvalues, as high as they are many, the density, and `1/h` and `2/h`.

use super::density::WIDTH;
use super::eigenpairs::Found;
use crate::cli::picture::PictureOptions;
use crate::cli::terminal::short;
use crate::csv;
use bea_flow::curvature::{Error, Quadrature};
use bea_plot::{Axis, Color, Dash, Figure, Marker, Panel, Series, Style};
use miette::miette;

/// The files of the picture.
pub(super) const FILES: [&str; 4] =
    ["spectrum.svg", "spectrum.png", "spectrum.pdf", "spectrum.csv"];

/// Eigenvalues nearer than this part of the axis are one mark: less than two of its pixels.
const RESOLUTION: f64 = 1.0 / 400.0;
/// From this many eigenvalues at a mark on, the axis of their number is logarithmic.
const MANY: f64 = 12.0;
/// Eigenvalues smaller than this, relative to the largest, are zeros.
const ZERO: f64 = 1e-10;
/// Points of the density's curve.
const POINTS: usize = 2000;
/// `2/h` is in the picture if it is at most so many times as far out as the eigenvalues.
const OUTSIDE: f64 = 2.5;

/// What is drawn.
pub(super) struct Spectrum<'a> {
    pub found: &'a Found,
    /// How many eigenvalues there are.
    pub dimension: usize,
    /// The name of the matrix.
    pub matrix: &'a str,
    pub density: Option<&'a Quadrature>,
    pub lr: Option<f64>,
}

/// Eigenvalues that are drawn as one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    at: f64,
    count: usize,
    /// Whether the residual of one of them is above the tolerance.
    uncertain: bool,
}

/// A line at `1/h` or `2/h`: its label, place and look.
type Rate = (String, f64, Style);

impl Spectrum<'_> {
    /// The picture, and a table of the eigenvalues in it.
    ///
    /// # Errors
    /// A density that cannot be drawn; a size that is too small.
    pub fn files(&self, look: &PictureOptions) -> miette::Result<Vec<(String, Vec<u8>)>> {
        let figure = self.figure().map_err(|error| miette!("{error}"))?;
        let rows = self.found.indices.iter().zip(&self.found.pairs);
        let rows = rows.map(|(index, pair)| {
            [index.to_string(), csv::number(pair.value), csv::number(pair.residual)]
        });
        let table = csv::text(["index", "eigenvalue", "residual"], rows);
        let mut files = look.pictures("spectrum", &figure)?;
        files.push((FILES[3].into(), table.into_bytes()));
        Ok(files)
    }

    fn figure(&self) -> Result<Figure, Error> {
        let values = || self.found.pairs.iter().map(|pair| pair.value);
        if !values().all(f64::is_finite) {
            return Err(Error::NotFinite("an eigenvalue"));
        }
        let nodes = self.density.iter().flat_map(|density| density.nodes.iter().copied());
        let (low, high) = extent(values().chain(nodes));
        let length = if high > low { high - low } else { low.abs().max(1.0) };
        let marks = self.marks(RESOLUTION * length);
        let most = marks.iter().map(|mark| mark.count).max().unwrap_or(1) as f64;
        let mut series = Vec::new();
        // The height of a mark, and of the axis.
        let (unit, y) = match self.density {
            Some(density) => {
                let width = WIDTH * length;
                let curve = density.grid(width, POINTS)?;
                // The peak that one eigenvalue is smoothed to.
                let single = 1.0 / (self.dimension as f64 * width * std::f64::consts::TAU.sqrt());
                let top = curve.iter().map(|p| p.1).fold(most * single, f64::max);
                let label = format!("density of the {} eigenvalues", self.dimension);
                let style = Style::of_series(0).line();
                series.push(Series::new("density, by Lanczos quadrature", curve, style));
                (single, Axis::log(label).from_to(0.05 * single, 3.0 * top))
            }
            None if most < MANY => (
                1.0,
                Axis::linear("number of eigenvalues at the mark")
                    .from_to(0.0, 1.15 * most.max(4.0)),
            ),
            None => (1.0, Axis::log("number of eigenvalues at the mark").from_to(0.5, 2.0 * most)),
        };
        let range = y.range.unwrap_or((0.0, 1.0));
        let (rates, x_range) = self.rates((low, high), length);
        for (label, at, style) in &rates {
            series.push(Series::new(label.as_str(), vec![(*at, range.0), (*at, range.1)], *style));
        }
        for uncertain in [false, true] {
            let chosen = || marks.iter().filter(move |mark| mark.uncertain == uncertain);
            let count: usize = chosen().map(|mark| mark.count).sum();
            if count == 0 {
                continue;
            }
            let (label, style) = if uncertain {
                ("not converged: the residual is above the tolerance", UNCERTAIN)
            } else if self.density.is_some() {
                ("eigenvalues (height: the density of as many)", CERTAIN)
            } else {
                ("eigenvalues (height: how many)", CERTAIN)
            };
            let heads = chosen().map(|mark| (mark.at, unit * mark.count as f64)).collect();
            series.push(Series::new(label, heads, style.markers()));
            let nowhere = (f64::NAN, f64::NAN);
            let stems = chosen().flat_map(|mark| {
                [(mark.at, range.0), (mark.at, unit * mark.count as f64), nowhere]
            });
            series.push(Series::new(label, stems.collect(), style.line()));
        }
        if let Some((from, to, count)) = self.gap() {
            let height = match self.density {
                None if most < MANY => 0.03 * range.1,
                _ => 1.2 * range.0,
            };
            let style = Style { width: 4.0, ..Style::soft(Dash::Dotted) };
            let label = format!("{count} between, not computed");
            series.push(Series::new(label, vec![(from, height), (to, height)], style));
        }
        let panel = Panel {
            x: Axis::linear(format!("eigenvalue λ of the {}", self.matrix))
                .from_to(x_range.0, x_range.1),
            y,
            series,
            ..Panel::default()
        };
        Ok(Figure { title: self.title(), panels: vec![panel], columns: 1 })
    }

    /// Neighbours that cannot be told apart are one mark; the outermost eigenvalues keep their places.
    fn marks(&self, near: f64) -> Vec<Mark> {
        let found = self.found;
        let limit = found.tolerance.map_or(f64::INFINITY, |t| 2.0 * t * found.scale);
        let mut marks: Vec<(f64, f64, Mark)> = Vec::new();
        // In descending order.
        for pair in &found.pairs {
            // Where the iteration ended, rounding alone makes residuals larger than that.
            let uncertain = !found.converged && pair.residual > limit;
            match marks.last_mut() {
                Some((first, last, mark)) if *first - pair.value <= near => {
                    (*last, mark.count) = (pair.value, mark.count + 1);
                    mark.uncertain |= uncertain;
                }
                _ => marks.push((pair.value, pair.value, Mark { at: 0.0, count: 1, uncertain })),
            }
        }
        let end = marks.len().saturating_sub(1);
        let place = |(i, (first, last, mark)): (usize, (f64, f64, Mark))| {
            let at = match i {
                0 => first,
                i if i == end => last,
                _ => 0.5 * first + 0.5 * last,
            };
            Mark { at, ..mark }
        };
        marks.into_iter().enumerate().map(place).collect()
    }

    /// `1/h` and `2/h`, where they are near enough, and the range of the axis.
    fn rates(&self, (low, high): (f64, f64), length: f64) -> (Vec<Rate>, (f64, f64)) {
        let mut rates = Vec::new();
        let (mut least, mut most) = (low, high);
        if let Some(h) = self.lr {
            let limit = OUTSIDE * high.max(length);
            for (factor, name, dash) in [(2.0, "2/h", Dash::Dashed), (1.0, "1/h", Dash::Dotted)] {
                let at = factor / h;
                let style =
                    Style { color: Color(213, 94, 0), line: Some(dash), width: 1.8, marker: None };
                // The legend tells what is beyond the frame.
                let beyond = if at > limit { " (beyond the frame)" } else { "" };
                rates.push((format!("{name} = {}{beyond}", short(at)), at, style));
                if at <= limit {
                    (least, most) = (least.min(at), most.max(at));
                }
            }
        }
        let room = if most > least { 0.05 * (most - least) } else { 0.5 * length };
        (rates, (least - room, most + room))
    }

    /// Between the last of the largest and the first of the smallest eigenvalues: how many others there are.
    fn gap(&self) -> Option<(f64, f64, usize)> {
        let found = self.found;
        let neighbours = found.indices.windows(2).zip(found.pairs.windows(2));
        let mut gaps = neighbours.filter(|(indices, _)| indices[1] > indices[0] + 1);
        let (indices, pairs) = gaps.next()?;
        Some((pairs[1].value, pairs[0].value, indices[1] - indices[0] - 1))
    }

    /// One sentence.
    fn title(&self) -> String {
        let (found, all) = (self.found, self.dimension);
        let Some((first, last)) = found.pairs.first().zip(found.pairs.last()) else {
            return format!("density of {all} eigenvalues");
        };
        let is_whole = found.pairs.len() == all;
        let largest = sign(first.value);
        let Some(h) = self.lr else {
            // Rounding makes zeros negative.
            let limit = ZERO * found.scale;
            let negative = found.pairs.iter().filter(|pair| pair.value < -limit).count();
            if !is_whole {
                return format!(
                    "{} of {all} eigenvalues, the largest is {largest}",
                    found.pairs.len()
                );
            }
            let last = sign(last.value);
            return format!("{all} eigenvalues from {last} to {largest}, {negative} below 0");
        };
        let above = found.pairs.iter().filter(|pair| pair.value * h > 2.0).count();
        // Those that were not found may be above as well, if the next larger one is.
        let bound = self.gap().map_or(last.value, |(_, above, _)| above);
        let at_least = if !is_whole && bound * h > 2.0 { "at least " } else { "" };
        match above {
            0 => format!(
                "The largest of {all} eigenvalues, {largest}, is below 2/h = {}",
                sign(2.0 / h)
            ),
            1 => format!("{at_least}1 of {all} eigenvalues is above 2/h: unstable"),
            n => format!("{at_least}{n} of {all} eigenvalues are above 2/h: unstable"),
        }
    }
}

const CERTAIN: Style = Style {
    color: Color(0, 114, 178),
    line: Some(Dash::Solid),
    width: 1.4,
    marker: Some(Marker::Circle),
};
const UNCERTAIN: Style = Style {
    color: Color(213, 94, 0),
    line: Some(Dash::Dashed),
    width: 1.4,
    marker: Some(Marker::Ring),
};

fn sign(x: f64) -> String {
    short(x).replace('-', "−")
}

fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bea_flow::curvature::Eigenpair;
    use proptest::prelude::*;

    fn found(mut values: Vec<f64>) -> Found {
        values.sort_by(|a, b| b.total_cmp(a));
        let pair = |value: f64| Eigenpair { value, vector: Vec::new(), residual: 0.0 };
        Found {
            indices: (0..values.len()).collect(),
            scale: values.iter().fold(0.0, |m, x| x.abs().max(m)),
            pairs: values.into_iter().map(pair).collect(),
            coefficients: Vec::new(),
            products: 0,
            converged: true,
            tolerance: None,
            missed: [0.0; 2],
        }
    }

    fn figure(found: &Found, lr: Option<f64>) -> Figure {
        let dimension = found.pairs.len();
        Spectrum { found, dimension, matrix: "Hessian", density: None, lr }.figure().unwrap()
    }

    fn heads(figure: &Figure) -> Vec<(f64, f64)> {
        let marked = figure.panels[0].series.iter().filter(|s| s.style.marker.is_some());
        marked.flat_map(|series| series.points.clone()).collect()
    }

    #[test]
    fn a_mark_is_as_high_as_its_eigenvalues_are_many() {
        let found = found(vec![3.0, 3.0, 3.0, 1.0, -0.5, -0.5]);
        assert_eq!(heads(&figure(&found, None)), [(3.0, 3.0), (1.0, 1.0), (-0.5, 2.0)]);
        let svg = figure(&found, Some(0.5)).svg();
        assert!(svg.contains("The largest of 6 eigenvalues, 3, is below 2/h = 4<"));
        assert!(svg.contains("2/h = 4<") && svg.contains("1/h = 2<"), "{svg}");
        assert!(
            figure(&found, Some(1.0)).title.ends_with("3 of 6 eigenvalues are above 2/h: unstable")
        );
        assert!(figure(&found, Some(1e-3)).svg().contains("2/h = 2000 (beyond the frame)"));
    }

    #[test]
    fn what_has_not_converged_is_drawn_apart() {
        let mut found = found(vec![5.0, 4.0, 1.0]);
        (found.converged, found.tolerance) = (false, Some(1e-6));
        found.pairs[1].residual = 1e-3;
        found.indices = vec![0, 1, 9];
        let figure =
            Spectrum { found: &found, dimension: 10, matrix: "Hessian", density: None, lr: None };
        let figure = figure.figure().unwrap();
        let ring = figure.panels[0].series.iter().find(|s| s.style.marker == Some(Marker::Ring));
        assert_eq!(ring.unwrap().points, [(4.0, 1.0)]);
        let gap =
            figure.panels[0].series.iter().find(|s| s.label.contains("not computed")).unwrap();
        assert_eq!(
            (gap.label.as_str(), gap.points[0].0, gap.points[1].0),
            ("7 between, not computed", 1.0, 4.0)
        );
    }

    proptest! {
        /// Constant, single, tiny, huge, negative ones; all are counted, and the outermost are where they are.
        #[test]
        fn wild_spectra_are_drawn_whole(
            values in proptest::collection::vec(
                prop_oneof![
                    -1e3..1e3f64, Just(0.0), Just(7.0), -1e-300..1e-300f64, Just(f64::MIN_POSITIVE / 8.0), -1e280..1e280f64,
                ],
                1..60,
            ),
            lr in proptest::option::of(1e-9..1e9f64),
        ) {
            let found = found(values.clone());
            let figure = figure(&found, lr);
            let marks = heads(&figure);
            prop_assert_eq!(marks.iter().map(|mark| mark.1).sum::<f64>(), values.len() as f64);
            prop_assert_eq!(marks[0].0, found.pairs[0].value);
            prop_assert_eq!(marks[marks.len() - 1].0, found.pairs[values.len() - 1].value);
            let range = figure.panels[0].x.range.unwrap();
            prop_assert!(range.0.is_finite() && range.1.is_finite() && range.0 < range.1);
            prop_assert!(marks.iter().all(|mark| range.0 <= mark.0 && mark.0 <= range.1));
            let svg = figure.svg();
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let found = found(vec![1.0, bad]);
            let drawn = Spectrum {
                found: &found,
                dimension: 2,
                matrix: "Hessian",
                density: None,
                lr: None,
            };
            assert!(matches!(drawn.figure(), Err(Error::NotFinite(_))));
        }
    }

    #[test]
    fn very_many_eigenvalues_make_few_marks() {
        let values: Vec<f64> = (0..100_000).map(|i| (f64::from(i) * 0.37).sin().powi(9)).collect();
        let found = found(values);
        let figure = figure(&found, Some(1.0));
        assert!(heads(&figure).len() <= 401);
        assert!(figure.svg().len() < 200_000);
    }
}
