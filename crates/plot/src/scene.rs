//! What a picture consists of once everything has its place: shapes and texts, the lowest first.

use super::color::Color;

/// Pixels, from the upper left corner.
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
    /// Closed rings, filled where an odd number of them goes round.
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
    /// On the base line; `upright` reads from below to above.
    Text {
        at: Point,
        size: f64,
        anchor: Anchor,
        upright: bool,
        text: String,
    },
}

/// A picture of so many pixels.
pub(super) struct Scene {
    pub width: f64,
    pub height: f64,
    pub items: Vec<Item>,
}

impl Scene {
    pub fn line(&mut self, points: Vec<Point>, stroke: Stroke) {
        self.items.push(Item::Line { points, stroke });
    }

    pub fn text(&mut self, at: Point, size: f64, anchor: Anchor, text: impl Into<String>) {
        self.items.push(Item::Text { at, size, anchor, upright: false, text: text.into() });
    }
}
