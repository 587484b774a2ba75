//! Curves clipped to a frame, and without points too close to be seen apart.

use super::display_list::Point;

/// Points nearer than this in pixels add nothing to a curve.
const NEAR: f64 = 0.3;

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn corners(&self) -> Vec<Point> {
        let (left, right) = (self.left, self.right());
        vec![(left, self.top), (right, self.top), (right, self.bottom()), (left, self.bottom())]
    }

    /// Whether a point is inside or on the border.
    pub fn holds(&self, (x, y): Point) -> bool {
        (self.left..=self.right()).contains(&x) && (self.top..=self.bottom()).contains(&y)
    }

    /// The part of a segment inside (Liang and Barsky 1984).
    fn part(&self, from: Point, to: Point) -> Option<(Point, Point)> {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        let borders = [
            (-dx, from.0 - self.left),
            (dx, self.right() - from.0),
            (-dy, from.1 - self.top),
            (dy, self.bottom() - from.1),
        ];
        for (speed, room) in borders {
            if speed == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if speed < 0.0 {
                enter = enter.max(room / speed);
            } else {
                leave = leave.min(room / speed);
            }
        }
        let at = |part: f64| (from.0 + part * dx, from.1 + part * dy);
        let first = if enter == 0.0 { from } else { at(enter) };
        let last = if leave == 1.0 { to } else { at(leave) };
        (enter <= leave).then_some((first, last))
    }

    /// The parts of a curve that lie inside. Points that are not finite interrupt it.
    pub fn pieces(&self, points: &[Point]) -> Vec<Vec<Point>> {
        let mut pieces: Vec<Vec<Point>> = Vec::new();
        let mut end: Option<Point> = None;
        for pair in points.windows(2) {
            let finite = pair.iter().all(|p| p.0.is_finite() && p.1.is_finite());
            let Some((from, to)) = finite.then(|| self.part(pair[0], pair[1])).flatten() else {
                end = None;
                continue;
            };
            if end != Some(from) {
                pieces.push(vec![from]);
            }
            pieces.last_mut().expect("one has been started").push(to);
            end = Some(to);
        }
        pieces.iter().map(|piece| thin(piece)).collect()
    }
}

/// A curve without the points that are nearer than [`NEAR`] to the one kept before; its last point
/// stays.
fn thin(points: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|last| (point.0 - last.0).hypot(point.1 - last.1) > NEAR);
        if far {
            kept.push(*point);
        } else if i + 1 == points.len() && kept.len() > 1 {
            *kept.last_mut().expect("there are two") = *point;
        }
    }
    if let ([only], Some(last)) = (kept.as_slice(), points.last())
        && points.len() > 1
        && only != last
    {
        kept.push(*last);
    }
    kept
}

/// A ring without the points that lie on the straight line between those before and after them,
/// to within a tenth of a pixel.
pub(super) fn straighten(ring: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    // Points left out since the last one kept; all of them must stay near the chord.
    let mut skipped = 0;
    for (i, point) in ring.iter().enumerate() {
        if let Some(last) = kept.last()
            && let Some(next) = ring.get(i + 1)
            && ring[i - skipped..=i].iter().all(|p| height(*last, *next, *p) < 0.1)
        {
            skipped += 1;
        } else {
            kept.push(*point);
            skipped = 0;
        }
    }
    kept
}

/// The distance of a point to the line through two others.
fn height(from: Point, to: Point, point: Point) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    match dx.hypot(dy) {
        0.0 => px.hypot(py),
        length => (dx * py - dy * px).abs() / length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Frame = Frame { left: 10.0, top: 20.0, width: 100.0, height: 50.0 };

    #[test]
    fn curves_end_at_the_frame() {
        let nan = (f64::NAN, 0.0);
        let points = [(0.0, 30.0), (50.0, 30.0), (1e300, 30.0), nan, (50.0, 0.0), (50.0, 1e9)];
        let pieces = FRAME.pieces(&points);
        assert_eq!(pieces[0], [(10.0, 30.0), (50.0, 30.0), (110.0, 30.0)]);
        assert_eq!(pieces[1].len(), 2);
        assert_eq!(pieces[1][0], (50.0, 20.0));
        assert!((pieces[1][1].1 - 70.0).abs() < 1e-6);
        assert!(FRAME.pieces(&[(0.0, 0.0), (5.0, 100.0)]).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_frame(points in proptest::collection::vec((-300.0..300.0, -300.0..300.0), 2..30)) {
            for (x, y) in FRAME.pieces(&points).concat() {
                prop_assert!(x > 10.0 - 1e-9 && x < 110.0 + 1e-9, "{x}");
                prop_assert!(y > 20.0 - 1e-9 && y < 70.0 + 1e-9, "{y}");
            }
        }

        #[test]
        fn what_is_inside_stays(points in proptest::collection::vec((11.0..109.0, 21.0..69.0), 2..30)) {
            let pieces = FRAME.pieces(&points);
            prop_assert_eq!(pieces.len(), 1);
            prop_assert_eq!(pieces[0].first(), points.first());
            prop_assert_eq!(pieces[0].last(), points.last());
        }
    }
}
