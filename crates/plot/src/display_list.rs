//! The display list of a picture: shapes and texts with their positions, in the order of drawing.

use super::color::Color;

/// `(x, y)` in pixels, from the upper left corner.
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
        upright: bool,
        text: String,
    },
}

/// A picture of `width` by `height` pixels.
pub(super) struct DisplayList {
    pub width: f64,
    pub height: f64,
    pub items: Vec<Item>,
}

impl DisplayList {
    pub fn line(&mut self, points: Vec<Point>, stroke: Stroke) {
        self.items.push(Item::Line { points, stroke });
    }

    pub fn text(&mut self, at: Point, size: f64, anchor: Anchor, text: impl Into<String>) {
        self.items.push(Item::Text { at, size, anchor, upright: false, text: text.into() });
    }
}
