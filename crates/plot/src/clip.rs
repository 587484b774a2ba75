//! Curves clipped to a frame, and without points too close to be seen apart.

use super::display_list::Point;
use std::collections::HashSet;

/// The largest coordinate that is not taken for a smaller one.
const LARGEST: f64 = 1e300;
/// The width of the columns of each of which a curve keeps its extremes: a device pixel where there are two for a unit.
const COLUMN: f64 = 0.5;

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
        // Far away, rounding is larger than the frame.
        let inside =
            |(x, y): Point| (x.clamp(self.left, self.right()), y.clamp(self.top, self.bottom()));
        let at = |part: f64| inside((from.0 + part * dx, from.1 + part * dy));
        let first = if enter == 0.0 { inside(from) } else { at(enter) };
        let last = if leave == 1.0 { inside(to) } else { at(leave) };
        (enter <= leave).then_some((first, last))
    }

    /// The parts of a curve that lie inside. Points that are not finite interrupt it.
    pub fn pieces(&self, points: &[Point]) -> Vec<Vec<Point>> {
        let mut pieces: Vec<Vec<Point>> = Vec::new();
        let mut end: Option<Point> = None;
        for pair in points.windows(2) {
            let finite = pair.iter().all(|p| p.0.is_finite() && p.1.is_finite());
            // Differences of larger coordinates would overflow.
            let near = |p: Point| (p.0.clamp(-LARGEST, LARGEST), p.1.clamp(-LARGEST, LARGEST));
            let part = finite.then(|| self.part(near(pair[0]), near(pair[1]))).flatten();
            let Some((from, to)) = part else {
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

/// A curve that looks the same with at most four points for each passage through a column of pixels: the first, the last, the
/// highest and the lowest of them (M4 aggregation; Jugel, Jerzak, Hackenbroich and Markl 2014).
fn thin(points: &[Point]) -> Vec<Point> {
    let column = |point: &Point| (point.0 / COLUMN).floor();
    let mut kept: Vec<Point> = Vec::new();
    for passage in points.chunk_by(|a, b| column(a) == column(b)) {
        let of = |better: fn(f64, f64) -> bool| {
            let better = |best: usize, i: usize| {
                if better(passage[i].1, passage[best].1) { i } else { best }
            };
            (0..passage.len()).fold(0, better)
        };
        let mut chosen = [0, of(|a, b| a < b), of(|a, b| a > b), passage.len() - 1];
        chosen.sort_unstable();
        for (place, &i) in chosen.iter().enumerate() {
            if place == 0 || chosen[place - 1] != i {
                kept.push(passage[i]);
            }
        }
    }
    kept
}

/// A curve of more points than this is drawn as the area that it covers.
pub(super) const MOST_POINTS: usize = 30_000;

/// The pixels that curves inside of the frame pass through, as rectangles in rows.
pub(super) fn covered(frame: Frame, pieces: &[Vec<Point>]) -> Vec<Vec<Point>> {
    let (columns, rows) = (frame.width.ceil() as usize, frame.height.ceil() as usize);
    let mut passed = vec![false; columns * rows];
    let mut free = passed.len();
    'all: for pair in pieces.iter().flat_map(|piece| piece.windows(2)) {
        let ((x, y), (dx, dy)) = (pair[0], (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
        let steps = dx.abs().max(dy.abs()).ceil().max(1.0);
        for i in 0..=steps as usize {
            let part = i as f64 / steps;
            let column = ((x + part * dx - frame.left) as usize).min(columns - 1);
            let row = ((y + part * dy - frame.top) as usize).min(rows - 1);
            if !std::mem::replace(&mut passed[row * columns + column], true) {
                free -= 1;
                if free == 0 {
                    break 'all;
                }
            }
        }
    }
    let mut rings = Vec::new();
    for (row, cells) in passed.chunks(columns).enumerate() {
        let mut column = 0;
        for run in cells.chunk_by(|a, b| a == b) {
            if run[0] {
                let (left, top) = (frame.left + column as f64, frame.top + row as f64);
                let width = (run.len() as f64).min(frame.right() - left);
                rings.push(Frame { left, top, width, height: 1.0 }.corners());
            }
            column += run.len();
        }
    }
    rings
}

/// The most marks of a curve that are drawn.
const MARKS: usize = 4000;

/// Marks that look the same as all of them: of those that lie within a fraction of their size of one another, one. The
/// outermost ones stay.
pub(super) fn thin_marks(points: &[Point]) -> Vec<Point> {
    let extreme = |of: fn(&Point) -> f64| {
        let order = |a: &&Point, b: &&Point| of(a).total_cmp(&of(b));
        let (least, most) = (points.iter().min_by(order), points.iter().max_by(order));
        least.into_iter().chain(most).copied()
    };
    let outermost: Vec<Point> = extreme(|p| p.0).chain(extreme(|p| p.1)).collect();
    let (mut kept, mut cell) = (points.to_vec(), 0.5);
    loop {
        // A mark is kept if it is the first one in its cell.
        let mut seen = HashSet::new();
        kept.retain(|p| seen.insert(((p.0 / cell) as i64, (p.1 / cell) as i64)));
        if kept.len() <= MARKS {
            break;
        }
        cell *= 2.0;
    }
    for point in outermost {
        if !kept.contains(&point) {
            kept.push(point);
        }
    }
    kept
}

/// From one mark to the next where marks only tell curves apart.
const SPACING: f64 = 55.0;

/// Marks on a curve, evenly spaced from left to right and at least one; those of curves of other numbers are beside them.
pub(super) fn spaced_marks(pieces: &[Vec<Point>], frame: Frame, number: usize) -> Vec<Point> {
    let segments = || pieces.iter().flat_map(|piece| piece.windows(2));
    let at = |x: f64| {
        let pair = segments().find(|pair| pair[0].0 <= x && x <= pair[1].0)?;
        let (from, to) = (pair[0], pair[1]);
        let part = if from.0 < to.0 { (x - from.0) / (to.0 - from.0) } else { 0.0 };
        Some((x, from.1 + part * (to.1 - from.1)))
    };
    // Multiples of the golden ratio are never near one another.
    let first = (0.3 + 0.618034 * number as f64).fract();
    let places = (0..).map(|i| frame.left + (first + f64::from(i)) * SPACING);
    let marks: Vec<Point> = places.take_while(|x| *x <= frame.right()).filter_map(at).collect();
    match pieces.iter().max_by_key(|piece| piece.len()) {
        Some(longest) if marks.is_empty() => vec![longest[longest.len() / 2]],
        _ => marks,
    }
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
        fn nothing_leaves_the_frame_from_anywhere(points in proptest::collection::vec((proptest::num::f64::NORMAL, proptest::num::f64::NORMAL), 2..30)) {
            for point in FRAME.pieces(&points).concat() {
                prop_assert!(FRAME.holds(point), "{point:?}");
            }
        }

        #[test]
        fn what_is_inside_stays(points in proptest::collection::vec((11.0..109.0, 21.0..69.0), 2..30)) {
            let pieces = FRAME.pieces(&points);
            prop_assert_eq!(pieces.len(), 1);
            prop_assert_eq!(pieces[0].first(), points.first());
            prop_assert_eq!(pieces[0].last(), points.last());
        }

        /// The highest and the lowest point of every column of pixels stay, and the order of points.
        #[test]
        fn thinning_keeps_extremes(points in proptest::collection::vec((11.0..13.0, 21.0..69.0), 1..300), sorted: bool) {
            let mut points: Vec<Point> = points;
            if sorted {
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
            let kept = thin(&points);
            let column = |p: &&Point, i: usize| (p.0 / COLUMN) as usize == i;
            for i in 20..30 {
                let extremes = |points: &[Point]| {
                    let here = || points.iter().filter(|p| column(p, i)).map(|p| p.1);
                    (here().fold(f64::INFINITY, f64::min), here().fold(f64::NEG_INFINITY, f64::max))
                };
                prop_assert_eq!(extremes(&points), extremes(&kept));
            }
            let mut rest = points.iter();
            prop_assert!(kept.iter().all(|p| rest.any(|q| q == p)), "the order is another");
            if sorted {
                prop_assert!(kept.len() <= 4 * 5, "{}", kept.len());
            }
        }

        /// The area that a curve covers holds all of its points, and nothing far from them.
        #[test]
        fn the_covered_area_holds_the_curve(points in proptest::collection::vec((11.0..109.0, 21.0..69.0), 1..9)) {
            let pieces = FRAME.pieces(&points);
            let boxes = covered(FRAME, &pieces);
            let holds = |ring: &Vec<Point>, p: &Point, room: f64| {
                (ring[0].0 - room..=ring[2].0 + room).contains(&p.0)
                    && (ring[0].1 - room..=ring[2].1 + room).contains(&p.1)
            };
            for p in pieces.iter().flatten() {
                prop_assert!(boxes.iter().any(|ring| holds(ring, p, 0.0)), "{p:?}");
            }
            let bounds = |of: fn(&Point) -> f64| {
                let all = points.iter().map(of);
                all.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)))
            };
            let (x, y) = (bounds(|p| p.0), bounds(|p| p.1));
            for corner in boxes.iter().flatten() {
                prop_assert!((x.0 - 1.0..=x.1 + 1.0).contains(&corner.0));
                prop_assert!((y.0 - 1.0..=y.1 + 1.0).contains(&corner.1));
            }
        }

        /// Spaced marks lie on the curve.
        #[test]
        fn spaced_marks_are_on_the_curve(heights in proptest::collection::vec(21.0..69.0f64, 2..30), number in 0..9usize) {
            let step = 99.0 / heights.len() as f64;
            let points: Vec<Point> = heights.iter().enumerate().map(|(i, y)| (10.5 + step * i as f64, *y)).collect();
            let pieces = FRAME.pieces(&points);
            let marks = spaced_marks(&pieces, FRAME, number);
            prop_assert!((1..=2).contains(&marks.len()), "{marks:?}");
            for mark in &marks {
                let on = |pair: &[Point]| {
                    (pair[0].0 - 1e-9..=pair[1].0 + 1e-9).contains(&mark.0) && height(pair[0], pair[1], *mark) < 1e-9
                };
                prop_assert!(points.windows(2).any(on), "{mark:?}");
            }
        }

        #[test]
        fn marks_are_few_and_the_outermost_stay(
            points in proptest::collection::vec((11.0..109.0, 21.0..69.0), 1..20_000)
        ) {
            let kept = thin_marks(&points);
            prop_assert!(kept.len() <= MARKS + 4);
            for of in [|p: &Point| p.0, |p: &Point| p.1, |p: &Point| -p.0, |p: &Point| -p.1] {
                let least = |points: &[Point]| points.iter().map(of).fold(f64::INFINITY, f64::min);
                prop_assert_eq!(least(&points), least(&kept));
            }
        }
    }
}
