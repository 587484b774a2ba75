//! The area between two curves, and ranges of the horizontal axis that are set off.

use super::clip::Frame;
use super::color::Color;
use super::display_list::{DisplayList, Item, Point, Stroke};
use super::figure::{Dash, Marker, Style};

/// The area between two curves, below all lines: the spread of what a line is the middle of.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// In the legend; bands with the same label share an entry, those without have none.
    pub label: String,
    /// `(x, low, high)`. Infinite ends reach the frame; a point that is NaN interrupts the area.
    pub points: Vec<(f64, f64, f64)>,
    /// The colour of its line; the area is paler.
    pub color: Color,
    /// The label of that line, for the data beside a picture; may be empty.
    pub around: String,
}

impl Band {
    /// The area between two curves, without an entry in the legend.
    pub fn new(points: Vec<(f64, f64, f64)>, color: Color) -> Band {
        Band { label: String::new(), points, color, around: String::new() }
    }

    /// A range of the horizontal axis, from the bottom to the top of the panel.
    pub fn range((from, to): (f64, f64), color: Color) -> Band {
        let all = |x| (x, f64::NEG_INFINITY, f64::INFINITY);
        Band::new(vec![all(from), all(to)], color)
    }

    /// Whether it is a range of the horizontal axis.
    pub(super) fn is_range(&self) -> bool {
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        self.points.iter().all(|(_, low, high)| (*low, *high) == all)
    }

    /// Its look in the legend.
    pub(super) fn style(&self) -> Style {
        let color = fill(self.color);
        Style { color, line: None, width: 1.0, marker: Some(Marker::Swatch) }
    }

    /// The area inside a frame; `place` maps a point to pixels, infinite ones included, and returns `None` for NaN.
    pub(super) fn fill(
        &self,
        frame: Frame,
        place: &dyn Fn(f64, f64) -> Option<Point>,
        list: &mut DisplayList,
    ) {
        for piece in self.pieces(place) {
            let mut ring: Vec<Point> = piece.iter().map(|(low, _)| *low).collect();
            ring.extend(piece.iter().rev().map(|(_, high)| *high));
            let ring = frame.polygon(ring);
            if ring.len() > 2 {
                let fill = Some(fill(self.color));
                list.items.push(Item::Area { rings: vec![ring], fill, stroke: None });
            }
        }
    }

    /// Its borders, above the areas of other bands.
    pub(super) fn edges(
        &self,
        frame: Frame,
        place: &dyn Fn(f64, f64) -> Option<Point>,
        list: &mut DisplayList,
    ) {
        let color = self.color.mixed(Color::WHITE, 0.55);
        let stroke = Stroke { color, width: 0.6, dash: Dash::Solid.lengths() };
        for piece in self.pieces(place) {
            let (low, high): (Vec<Point>, Vec<Point>) = piece.into_iter().unzip();
            for line in [low, high] {
                frame.pieces(&line).into_iter().for_each(|piece| list.line(piece, stroke));
            }
        }
    }

    /// Runs of points that have positions: those of the lower and of the upper curve.
    fn pieces(&self, place: &dyn Fn(f64, f64) -> Option<Point>) -> Vec<Vec<(Point, Point)>> {
        let placed = self.points.iter().map(|&(x, low, high)| place(x, low).zip(place(x, high)));
        let placed: Vec<Option<(Point, Point)>> = placed.collect();
        let pieces = placed.split(Option::is_none).filter(|piece| piece.len() > 1);
        pieces.map(|piece| piece.iter().flatten().copied().collect()).collect()
    }
}

/// The colour of an area.
fn fill(color: Color) -> Color {
    color.mixed(Color::WHITE, 0.82)
}

impl Frame {
    /// The part of a polygon inside (Sutherland and Hodgman 1974).
    fn polygon(&self, ring: Vec<Point>) -> Vec<Point> {
        type Side = (fn(&Point) -> f64, f64, f64);
        let sides: [Side; 4] = [
            (|p| p.0, self.left, 1.0),
            (|p| p.0, self.right(), -1.0),
            (|p| p.1, self.top, 1.0),
            (|p| p.1, self.bottom(), -1.0),
        ];
        sides.into_iter().fold(ring, |ring, (coordinate, border, sign)| {
            let depth = |p: &Point| sign * (coordinate(p) - border);
            let mut kept = Vec::new();
            for (i, to) in ring.iter().enumerate() {
                let from = &ring[(i + ring.len() - 1) % ring.len()];
                let (before, after) = (depth(from), depth(to));
                if (before < 0.0) != (after < 0.0) {
                    let part = before / (before - after);
                    let at = |a: f64, b: f64| a + part * (b - a);
                    kept.push((at(from.0, to.0), at(from.1, to.1)));
                }
                if after >= 0.0 {
                    kept.push(*to);
                }
            }
            kept
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Frame = Frame { left: 10.0, top: 20.0, width: 100.0, height: 50.0 };

    proptest! {
        #[test]
        fn an_area_stays_in_the_frame(points in proptest::collection::vec((-1e6..1e6, -1e6..1e6), 0..20)) {
            for (x, y) in FRAME.polygon(points) {
                prop_assert!(x > 10.0 - 1e-6 && x < 110.0 + 1e-6, "{x}");
                prop_assert!(y > 20.0 - 1e-6 && y < 70.0 + 1e-6, "{y}");
            }
        }
    }
}
