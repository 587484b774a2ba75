//! Labels at the ends of curves, and marks where curves leave their panel.

use super::clip::Frame;
use super::color::Color;
use super::display_list::{Anchor, DisplayList, Part, Point, Stroke};
use super::figure::Series;
use super::font;

/// Pixels from the frame to the labels, which a short line bridges.
pub(super) const LEAD: f64 = 14.0;
/// The half of the width of a mark at the border.
const MARK: f64 = 4.0;
/// The length of its stem.
const STEM: f64 = 16.0;

/// Pixels that the labels take to the right of a frame.
pub(super) fn width(series: &[Series], size: f64) -> f64 {
    let widths = series.iter().map(|series| font::width(&series.label, size));
    LEAD + 4.0 + widths.fold(0.0, f64::max)
}

/// The label of every curve at the height at which it ends, moved so far that they do not overlap. `place` maps a point to
/// pixels.
pub(super) fn labels(
    series: &[Series],
    frame: Frame,
    size: f64,
    place: &dyn Fn((f64, f64)) -> Point,
    list: &mut DisplayList,
) {
    let mut ends: Vec<(f64, Point, &Series)> = Vec::new();
    for curve in series.iter().filter(|curve| !curve.label.is_empty()) {
        let known = |(_, _, other): &(f64, Point, &Series)| other.label == curve.label;
        // That on the right, whatever the order of the points.
        let placed = curve.points.iter().map(|point| place(*point));
        let finite = placed.filter(|(x, y)| x.is_finite() && y.is_finite());
        let last = finite.max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((x, y)) = last.filter(|_| !ends.iter().any(known)) {
            // One that has left the panel has its label where it would be.
            let at = if frame.holds((x, y)) {
                (x, y)
            } else {
                (frame.right(), y.clamp(frame.top, frame.bottom()))
            };
            ends.push((at.1, at, curve));
        }
    }
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let step = 1.25 * size;
    // Downwards each as high as it may be, then upwards from the bottom.
    for i in 1..ends.len() {
        ends[i].0 = ends[i].0.max(ends[i - 1].0 + step);
    }
    let mut lowest = frame.bottom();
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(lowest);
        lowest = end.0 - step;
    }
    for (y, end, curve) in ends {
        let right = frame.right();
        let (color, first) = (curve.style.color, list.items.len());
        list.line(vec![end, (right, end.1), (right + LEAD - 2.0, y)], Stroke::solid(color, 0.8));
        let at = (right + LEAD, y + 0.36 * size);
        list.text(at, size, Anchor::Start, curve.label.as_str());
        list.group(Part::Legend(curve.label.clone()), first);
    }
}

/// An arrow where a curve first leaves the frame through the top, and one for the bottom: its stem tells it from all marks of
/// points.
pub(super) fn exits(points: &[Point], frame: Frame, color: Color, list: &mut DisplayList) {
    let inside = |point: &Point| frame.holds(*point);
    for (border, side) in [(frame.top, -1.0), (frame.bottom(), 1.0)] {
        let beyond = |point: &Point| side * (point.1 - border) > 0.0;
        let exit = points.windows(2).find(|pair| inside(&pair[0]) && beyond(&pair[1]));
        let Some([from, to]) = exit.map(|pair| [pair[0], pair[1]]) else { continue };
        let part = (border - from.1) / (to.1 - from.1);
        let x = from.0 + part * (to.0 - from.0);
        let base = border - side * 1.7 * MARK;
        let first = list.items.len();
        let head = vec![(x - MARK, base), (x, border), (x + MARK, base)];
        list.line(head, Stroke::solid(color, 1.8));
        list.line(vec![(x, border - side * STEM), (x, border)], Stroke::solid(color, 1.8));
        list.group(Part::Mark((x, border)), first);
    }
}
