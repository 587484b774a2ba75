//! What a figure shows: panels of curves, some over the contours of a function.

use super::axis::Axis;
use super::band::Band;
use super::color::Color;
use super::contours::Contours;
use super::layout;
use super::picture::{Look, Picture, TooSmall};

/// Panels side by side, below one title and above one legend.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// Above all panels; may be empty.
    pub title: String,
    /// In rows, from left to right.
    pub panels: Vec<Panel>,
    /// Panels in a row; 0 puts all of them into one row. Where there are several in a row, they are
    /// smaller.
    pub columns: usize,
}

impl Figure {
    /// Of so many panels in a row, the width of what is between the axes of each over its height.
    pub fn aspect(columns: usize) -> f64 {
        let (width, height) = layout::size(columns);
        width / height
    }

    /// The figure laid out for a use. Equal figures have equal pictures.
    ///
    /// # Errors
    /// The size leaves no room for the panels.
    pub fn draw(&self, look: &Look) -> Result<Picture, TooSmall> {
        layout::place(self, look).map(Picture)
    }

    /// The text of an SVG file. Equal figures have equal texts.
    pub fn svg(&self) -> String {
        Picture(layout::natural(self)).svg()
    }

    /// The bytes of a PNG file of two pixels for each of the SVG's. Equal figures have equal bytes.
    pub fn png(&self) -> Vec<u8> {
        Picture(layout::natural(self)).png(192.0)
    }

    /// The bytes of a PDF file. Equal figures have equal bytes.
    pub fn pdf(&self) -> Vec<u8> {
        Picture(layout::natural(self)).pdf()
    }
}

/// Two axes and what is drawn between them.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Above the panel; may be empty.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Filled contours below all curves; their box is the range of both axes.
    pub contours: Option<Contours>,
    /// Areas below all curves; the first lies on top of the others.
    pub bands: Vec<Band>,
    /// Curves in the order of the legend; the first lies on top of the others.
    pub series: Vec<Series>,
    /// Said above the panel, on the right: what it does not show, or a number for what it shows. May be empty.
    pub note: String,
    /// Whether curves have their labels at their ends, and not in the legend.
    pub end_labels: bool,
    /// Whether it is marked where a curve leaves the panel.
    pub exits: bool,
    /// Whether curves with a line have their markers here and there, to tell curves apart, and not at every point. Small discs
    /// stay at every point.
    pub spaced: bool,
}

impl Panel {
    /// What the legend says of it: labels, looks, and whether there is anything to see.
    pub(super) fn legend(&self) -> impl Iterator<Item = (&str, Style, bool)> {
        let series = self.series.iter().filter(|_| !self.end_labels).map(|series| {
            let is_finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
            // One without points is there for its entry alone.
            let is_shown = series.points.is_empty() || series.points.iter().any(is_finite);
            (series.label.as_str(), series.style, is_shown)
        });
        series.chain(self.bands.iter().map(|band| (band.label.as_str(), band.style(), true)))
    }

    /// Whether an arrow marks where a curve leaves the panel: [`exits`](Panel::exits), and a curve has a point between the ends
    /// of its vertical axis and the next one beyond.
    pub fn has_exits(&self) -> bool {
        let (low, high) = self.y.range.unwrap_or((f64::MIN, f64::MAX));
        let inside = |y: f64| low <= y && y <= high;
        let leaves =
            |pair: &[(f64, f64)]| inside(pair[0].1) && !pair[1].1.is_nan() && !inside(pair[1].1);
        self.exits && self.series.iter().any(|series| series.points.windows(2).any(leaves))
    }

    /// The coordinates of everything that its axes must reach.
    pub(super) fn extent(&self) -> impl Iterator<Item = (f64, f64)> {
        let points = self.series.iter().flat_map(|series| series.points.iter().copied());
        let bands = self.bands.iter().flat_map(|band| &band.points);
        points.chain(bands.flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]))
    }
}

/// A curve through points. A point that is not finite, or has no position on its axis, interrupts it.
#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend; curves with the same label share an entry, those without have none.
    pub label: String,
    /// `(x, y)` of every point.
    pub points: Vec<(f64, f64)>,
    /// How it looks.
    pub style: Style,
}

impl Series {
    /// A curve with a name in the legend.
    pub fn new(label: impl Into<String>, points: Vec<(f64, f64)>, style: Style) -> Series {
        Series { label: label.into(), points, style }
    }
}

/// How a curve looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// The colour of line and markers.
    pub color: Color,
    /// The line, if there is one.
    pub line: Option<Dash>,
    /// The width of the line in pixels.
    pub width: f64,
    /// The mark at every point, if there is one.
    pub marker: Option<Marker>,
}

impl Style {
    /// The `i`-th of several curves: a colour, dashes and a marker of its own.
    pub fn of_series(i: usize) -> Style {
        const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::DashDotted, Dash::Dotted];
        const MARKERS: [Marker; 6] = [
            Marker::Circle,
            Marker::Square,
            Marker::Triangle,
            Marker::Diamond,
            Marker::Cross,
            Marker::Plus,
        ];
        Style {
            color: Color::of_series(i),
            line: Some(DASHES[i % DASHES.len()]),
            width: 1.8,
            marker: Some(MARKERS[i % MARKERS.len()]),
        }
    }

    /// A line without markers.
    pub fn line(self) -> Style {
        Style { marker: None, ..self }
    }

    /// A line without dashes.
    pub fn solid(self) -> Style {
        Style { line: Some(Dash::Solid), ..self }
    }

    /// Markers without a line.
    pub fn markers(self) -> Style {
        Style { line: None, ..self }
    }

    /// A secondary curve: a thin grey line without markers.
    pub fn soft(line: Dash) -> Style {
        Style { color: Color::SOFT, line: Some(line), width: 1.2, marker: None }
    }
}

/// The dashes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    /// A line without gaps.
    Solid,
    /// Long dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// A dash, a dot.
    DashDotted,
}

impl Dash {
    /// Lengths of dashes and gaps in pixels.
    pub(super) fn lengths(self) -> &'static [f64] {
        match self {
            Dash::Solid => &[],
            Dash::Dashed => &[7.0, 3.0],
            Dash::Dotted => &[2.0, 2.5],
            Dash::DashDotted => &[7.0, 2.5, 2.0, 2.5],
        }
    }
}

/// The mark at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// An upright square.
    Square,
    /// A triangle that points up.
    Triangle,
    /// A square that stands on a corner.
    Diamond,
    /// Two diagonal lines.
    Cross,
    /// A horizontal and a vertical line.
    Plus,
    /// A star of five points.
    Star,
    /// A circle around the point.
    Ring,
    /// A small disc, of a sample.
    Dot,
    /// A wide bar: an area in the legend.
    Swatch,
    /// Heads of arrows along the curve, not at its points: its direction.
    Arrow,
}
