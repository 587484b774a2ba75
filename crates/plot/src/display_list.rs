//! The display list of a picture: shapes and texts with their positions, in the order of drawing.

use super::axis::Ruler;
use super::clip::Frame;
use super::color::Color;
use super::font;
use super::theme::Theme;

/// `(x, y)` in units of the layout, which are CSS pixels in most themes, from the upper left corner.
pub(super) type Point = (f64, f64);

/// Where a text stands relative to its point.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line along a shape: its colour, its width and its dashes.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub color: Color,
    pub width: f64,
    pub dash: &'static [f64],
}

impl Stroke {
    pub fn solid(color: Color, width: f64) -> Stroke {
        Stroke { color, width, dash: &[] }
    }
}

pub(super) enum Item {
    /// Closed rings, filled by the even-odd rule.
    Area {
        rings: Vec<Vec<Point>>,
        fill: Option<Color>,
        stroke: Option<Stroke>,
    },
    /// An open line.
    Line {
        points: Vec<Point>,
        stroke: Stroke,
    },
    Circle {
        center: Point,
        radius: f64,
        fill: Color,
        stroke: Option<Stroke>,
    },
    /// `at` lies on the baseline; an `upright` text reads upwards.
    Text {
        at: Point,
        size: f64,
        anchor: Anchor,
        color: Color,
        upright: bool,
        text: String,
    },
}

/// What a stretch of the items shows.
pub(super) enum Part {
    /// The panel of this number, in the order of [`DisplayList::views`].
    Panel(usize),
    /// Contours, below all curves.
    Contours,
    /// Lines of the grid.
    Grid,
    /// A band of a panel, by its number: its area, or its borders.
    Band(usize),
    /// A curve of a panel, by its number.
    Series(usize),
    /// A mark at a point, of fixed size.
    Mark(Point),
    /// The ticks of both axes and their labels.
    Ticks,
    /// The entry of the legend for the curves with this label.
    Legend(String),
}

/// Items `first..end`; groups lie in one another or apart.
pub(super) struct Group {
    pub part: Part,
    pub first: usize,
    pub end: usize,
}

/// Where a panel is, and the axes along its frame.
pub(super) struct View {
    pub frame: Frame,
    pub x: Ruler,
    pub y: Ruler,
}

impl Item {
    /// Where a text starts.
    pub fn text_origin(&self) -> Option<Point> {
        let Item::Text { at, size, anchor, upright, text, .. } = self else { return None };
        let before = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => font::width(text, *size) / 2.0,
            Anchor::End => font::width(text, *size),
        };
        Some(if *upright { (at.0, at.1 + before) } else { (at.0 - before, at.1) })
    }
}

/// A picture of `width` by `height` units.
pub(super) struct DisplayList {
    pub width: f64,
    pub height: f64,
    /// Width and height of the area between the axes of each panel.
    pub inner: (f64, f64),
    /// CSS pixels for each unit.
    pub scale: f64,
    pub background: Color,
    /// The colour of texts, unless they have another.
    pub ink: Color,
    pub items: Vec<Item>,
    /// What the items show, for pages on which they can be pointed at.
    pub groups: Vec<Group>,
    /// All panels.
    pub views: Vec<View>,
}

impl DisplayList {
    /// Says what the items from `first` on show.
    pub fn group(&mut self, part: Part, first: usize) {
        self.groups.push(Group { part, first, end: self.items.len() });
    }

    pub fn line(&mut self, points: Vec<Point>, stroke: Stroke) {
        self.items.push(Item::Line { points, stroke });
    }

    pub fn text(&mut self, at: Point, size: f64, anchor: Anchor, text: impl Into<String>) {
        let (color, upright, text) = (Color::INK, false, text.into());
        self.items.push(Item::Text { at, size, anchor, color, upright, text });
    }

    /// Replaces the colours for a white background by those of a theme.
    pub fn recolor(&mut self, theme: Theme) {
        (self.background, self.ink) = (theme.background(), theme.ink());
        let line = |stroke: &mut Option<Stroke>| {
            if let Some(stroke) = stroke {
                stroke.color = theme.of(stroke.color);
            }
        };
        for item in &mut self.items {
            match item {
                Item::Area { fill, stroke, .. } => {
                    *fill = fill.map(|fill| theme.of(fill));
                    line(stroke);
                }
                Item::Line { stroke, .. } => stroke.color = theme.of(stroke.color),
                Item::Circle { fill, stroke, .. } => {
                    *fill = theme.of(*fill);
                    line(stroke);
                }
                Item::Text { color, .. } => *color = theme.text(*color),
            }
        }
    }
}
