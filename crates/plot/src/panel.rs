//! One panel: axes, grid, contours, curves.

use super::axis::{Ruler, Tick, Ticks};
use super::band::Band;
use super::clip::{Frame, MOST_POINTS, covered, spaced_marks, straighten, thin_marks};
use super::color::Color;
use super::contours::Contours;
use super::display_list::{Anchor, DisplayList, Item, Part, Point, Stroke, View};
use super::ends;
use super::figure::{Marker, Panel, Series, Style};
use super::font;
use super::theme::TextSizes;

/// Between a tick and its label, and between labels and the title of an axis.
const SPACE: f64 = 7.0;
/// From the middle of a mark for what lies outside to its tip.
const CLIP_MARK: f64 = 6.0;
/// The least radius of a point that stands alone.
const DOT: f64 = 1.5;
/// The length of a curve for each arrow on it, of one that has an arrow, and the most arrows of a curve.
const ARROW: f64 = 140.0;
const LEAST_ARROW: f64 = 30.0;
const MOST_ARROWS: f64 = 3.0;
/// What labels may take of the space between panels.
const FREE: f64 = 10.0;
/// Fewer ticks than these are too few to read an axis by, if there is room for more.
const FEW: usize = 3;
/// Between the panel and its colour bar, and the bar's width.
const BAR_GAP: f64 = 12.0;
const BAR: f64 = 13.0;

/// A panel whose ranges and labels are known.
pub(super) struct Prepared<'a> {
    panel: &'a Panel,
    x: Ruler,
    y: Ruler,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    levels: Vec<f64>,
    /// Levels with a label on the colour bar.
    labels: Vec<(usize, String)>,
    /// Title, titles of the axes and of the colour bar, and note, in lines.
    title: Vec<String>,
    x_name: Vec<String>,
    y_name: Vec<String>,
    bar_name: Vec<String>,
    note: Vec<String>,
    /// Whether the labels of the horizontal axis stand under the panel below, those of the vertical one at the panel to the left.
    shares: (bool, bool),
    texts: TextSizes,
    /// Between the axes.
    width: f64,
}

impl<'a> Prepared<'a> {
    /// A panel with this width and height between its axes; whether it has its labels at others.
    pub fn new(
        panel: &'a Panel,
        (width, height): (f64, f64),
        texts: TextSizes,
        shares: (bool, bool),
    ) -> Prepared<'a> {
        let (x, y) = match &panel.contours {
            Some(contours) => {
                let range = |axis: &super::Axis, (low, high)| axis.clone().from_to(low, high);
                let none = std::iter::empty;
                (
                    Ruler::new(&range(&panel.x, contours.x), none()),
                    Ruler::new(&range(&panel.y, contours.y), none()),
                )
            }
            None => (
                Ruler::new(&panel.x, panel.extent().map(|p| p.0)),
                Ruler::new(&panel.y, panel.extent().map(|p| p.1)),
            ),
        };
        let size = texts.label;
        let wide = |label: &str| font::width(label, size) + 0.8 * size;
        let x_ticks = fitting(&x, &panel.x.label, width, 75.0, wide);
        let high = |_: &str| 1.3 * size;
        let y_ticks = fitting(&y, &panel.y.label, height, 50.0, high);
        let levels = panel.contours.as_ref().map(Contours::levels).unwrap_or_default();
        let most = (height / (2.0 * size)) as usize;
        let labels = panel.contours.as_ref().map(|contours| {
            let (labelled, numbers) = contours.labels(&levels, most.min(8));
            let name = numbers.title(&contours.label);
            (labelled.into_iter().zip(numbers.texts).collect(), name)
        });
        let (labels, bar_name) = labels.unwrap_or_default();
        Prepared {
            panel,
            x_ticks: x_ticks.ticks,
            y_ticks: y_ticks.ticks,
            x,
            y,
            levels,
            labels,
            title: lines(&panel.title, texts.heading, width),
            x_name: if shares.0 { Vec::new() } else { lines(&x_ticks.title, texts.name, width) },
            y_name: if shares.1 { Vec::new() } else { lines(&y_ticks.title, texts.name, height) },
            note: lines(&panel.note, texts.label, width),
            bar_name: lines(&bar_name, texts.name, height),
            shares,
            texts,
            width,
        }
    }

    /// Where the panel is when it is drawn along `frame`.
    pub fn view(&self, frame: Frame) -> View {
        View { frame, x: self.x, y: self.y }
    }

    /// Pixels that the labels take to the left of the axes.
    pub fn left(&self) -> f64 {
        let labels = self.y_ticks.iter().filter_map(|tick| tick.label.as_deref());
        if self.shares.1 {
            return SPACE.max(self.overhang(|place| place));
        }
        let widest = labels.map(|label| font::width(label, self.texts.label)).fold(0.0, f64::max);
        let needed = widest + SPACE + height(&self.y_name, self.texts.name, SPACE);
        needed.max(self.overhang(|place| place))
    }

    /// How far the labels of the horizontal axis reach beyond an end of it, to which a tick has this distance, and into what
    /// is free between panels.
    fn overhang(&self, distance: impl Fn(f64) -> f64) -> f64 {
        let reach = self.x_ticks.iter().filter_map(|tick| {
            let width = font::width(tick.label.as_ref()?, self.texts.label);
            Some(width / 2.0 - self.width * distance(self.x.place(tick.value)))
        });
        if self.shares.0 { 0.0 } else { reach.fold(0.0, f64::max) - FREE }
    }

    /// Pixels that the title takes above the axes, or what is free there without one.
    pub fn title_height(&self) -> f64 {
        height(&self.title, self.texts.heading, 10.0).max(6.0)
    }

    /// Pixels that the note takes, between the axes and the title.
    pub fn note_height(&self) -> f64 {
        height(&self.note, self.texts.label, 5.0)
    }

    /// Pixels to the right of the axes.
    pub fn right(&self) -> f64 {
        let least = self.overhang(|place| 1.0 - place).max(8.0);
        if self.panel.contours.is_none() {
            let ends = self.panel.end_labels;
            let ends = ends.then(|| ends::width(&self.panel.series, self.texts.label));
            return ends.unwrap_or(0.0).max(least);
        }
        let width = |label: &String| font::width(label, self.texts.label);
        let widest = self.labels.iter().map(|(_, label)| width(label)).fold(0.0, f64::max);
        (BAR_GAP + BAR + SPACE + widest + height(&self.bar_name, self.texts.name, SPACE)).max(least)
    }

    /// Pixels below the axes.
    pub fn bottom(&self) -> f64 {
        if self.shares.0 {
            return SPACE;
        }
        self.texts.label + SPACE + height(&self.x_name, self.texts.name, SPACE)
    }

    /// Draws the panel with its axes along `frame`, and its title above the room for a note of this height, so that the titles
    /// of a row are on one line.
    pub fn draw(&self, frame: Frame, notes: f64, list: &mut DisplayList) {
        let first = list.items.len();
        match &self.panel.contours {
            Some(contours) => {
                self.contours(contours, frame, list);
                list.group(Part::Contours, first);
                self.bar(frame, list);
            }
            None => {
                let reach = |x: f64, y: f64| {
                    let (x, y) = self.x.reach(x).zip(self.y.reach(y))?;
                    Some((frame.left + x * frame.width, frame.bottom() - y * frame.height))
                };
                let bands = || self.panel.bands.iter().enumerate().rev();
                for (i, band) in bands() {
                    let first = list.items.len();
                    band.fill(frame, &reach, list);
                    list.group(Part::Band(i), first);
                }
                let first = list.items.len();
                self.grid(frame, list);
                list.group(Part::Grid, first);
                for (i, band) in bands() {
                    let first = list.items.len();
                    band.edges(frame, &reach, list);
                    list.group(Part::Band(i), first);
                }
            }
        }
        for (i, series) in self.panel.series.iter().enumerate().rev() {
            let first = list.items.len();
            self.curve(i, series, frame, list);
            list.group(Part::Series(i), first);
        }
        self.axes(frame, list);
        let (label_size, heading) = (self.texts.label, self.texts.heading);
        if self.panel.end_labels {
            let place = |point| self.place(frame, point);
            ends::labels(&self.panel.series, frame, label_size, &place, list);
        }
        let middle = frame.left + frame.width / 2.0;
        if let Some(nothing) = self.nothing() {
            let lines = lines(nothing, self.texts.name, frame.width);
            let first = frame.top + (frame.height - extra(&lines, self.texts.name)) / 2.0;
            for (line, down) in below(&lines, self.texts.name) {
                let at = (middle, first + down);
                list.text(at, self.texts.name, Anchor::Middle, line);
            }
        }
        for (line, down) in below(&self.note, label_size) {
            let at = (frame.right(), frame.top - 5.0 - extra(&self.note, label_size) + down);
            list.text(at, label_size, Anchor::End, line);
        }
        let first = frame.top - notes - 8.0 - extra(&self.title, heading);
        for (line, down) in below(&self.title, heading) {
            list.text((middle, first + down), heading, Anchor::Middle, line);
        }
    }

    /// What is said in a panel that shows nothing.
    fn nothing(&self) -> Option<&'static str> {
        let has_place =
            |(x, y): (f64, f64)| self.x.place(x).is_finite() && self.y.place(y).is_finite();
        match &self.panel.contours {
            Some(contours) => (!contours.is_finite()).then_some("no finite value in this box"),
            None if self.panel.extent().any(has_place) => None,
            None if self.panel.extent().next().is_none() => Some("nothing to show"),
            None => Some("no value that this axis can show"),
        }
    }

    fn place(&self, frame: Frame, (x, y): (f64, f64)) -> Point {
        (
            frame.left + self.x.place(x) * frame.width,
            frame.bottom() - self.y.place(y) * frame.height,
        )
    }

    fn grid(&self, frame: Frame, list: &mut DisplayList) {
        let stroke = Stroke::solid(Color::GRID, 1.0);
        // Upright lines would look like narrow ranges that are set off.
        let upright = !self.panel.bands.iter().any(Band::is_range);
        for tick in self.x_ticks.iter().filter(|tick| upright && tick.label.is_some()) {
            let x = crisp(frame.left + self.x.place(tick.value) * frame.width);
            list.line(vec![(x, frame.top), (x, frame.bottom())], stroke);
        }
        for tick in self.y_ticks.iter().filter(|tick| tick.label.is_some()) {
            let y = crisp(frame.bottom() - self.y.place(tick.value) * frame.height);
            list.line(vec![(frame.left, y), (frame.right(), y)], stroke);
        }
    }

    fn curve(&self, number: usize, series: &Series, frame: Frame, list: &mut DisplayList) {
        let style = &series.style;
        let points: Vec<Point> = series.points.iter().map(|p| self.place(frame, *p)).collect();
        let mut pieces = Vec::new();
        if let Some(dash) = style.line {
            pieces = frame.pieces(&points);
            let stroke = Stroke { color: style.color, width: style.width, dash: dash.lengths() };
            if pieces.iter().map(Vec::len).sum::<usize>() > MOST_POINTS {
                let (rings, fill) = (covered(frame, &pieces), Some(style.color));
                list.items.push(Item::Area { rings, fill, stroke: None });
            } else {
                for piece in &pieces {
                    list.line(piece.clone(), stroke);
                }
            }
        }
        if self.panel.exits {
            ends::exits(&points, frame, style.color, list);
        }
        let seen: Vec<Point> = points.iter().filter(|p| frame.holds(**p)).copied().collect();
        if seen.is_empty() || style.marker.is_none_or(|marker| marker == Marker::Arrow) {
            // What has no length would not be seen.
            let short = pieces.iter().filter(|piece| extent(piece) < DOT).map(|piece| piece[0]);
            for center in short.chain(alone(&points).filter(|p| frame.holds(*p))) {
                let (radius, fill) = (style.width.max(DOT), style.color);
                let first = list.items.len();
                list.items.push(Item::Circle { center, radius, fill, stroke: None });
                list.group(Part::Mark(center), first);
            }
        }
        if style.marker == Some(Marker::Arrow) {
            for piece in frame.pieces(&points) {
                arrows(&piece, style, list);
            }
        } else if let Some(marker) = style.marker {
            let few = self.panel.spaced && style.line.is_some() && marker != Marker::Dot;
            let marked = if few {
                let single = alone(&points).filter(|p| frame.holds(*p));
                spaced_marks(&pieces, frame, number).into_iter().chain(single).collect()
            } else {
                thin_marks(&seen)
            };
            for point in marked {
                let first = list.items.len();
                list.mark(point, style);
                list.group(Part::Mark(point), first);
            }
        }
        if seen.is_empty() && pieces.is_empty() {
            outside(&points, frame, style, list);
        }
    }

    fn axes(&self, frame: Frame, list: &mut DisplayList) {
        let stroke = Stroke::solid(Color::INK, 1.0);
        let ring = frame.corners().into_iter().map(|(x, y)| (crisp(x), crisp(y))).collect();
        list.items.push(Item::Area { rings: vec![ring], fill: None, stroke: Some(stroke) });
        let (label_size, name_size) = (self.texts.label, self.texts.name);
        let length = |tick: &Tick| if tick.label.is_some() { 4.0 } else { 2.0 };
        let middle = frame.left + frame.width / 2.0;
        let first = list.items.len();
        for tick in &self.x_ticks {
            let x = crisp(frame.left + self.x.place(tick.value) * frame.width);
            list.line(vec![(x, frame.bottom()), (x, frame.bottom() + length(tick))], stroke);
            if let Some(label) = tick.label.as_ref().filter(|_| !self.shares.0) {
                let at = (x, frame.bottom() + SPACE + label_size);
                list.text(at, label_size, Anchor::Middle, label);
            }
        }
        for tick in &self.y_ticks {
            let y = crisp(frame.bottom() - self.y.place(tick.value) * frame.height);
            list.line(vec![(frame.left - length(tick), y), (frame.left, y)], stroke);
            if let Some(label) = tick.label.as_ref().filter(|_| !self.shares.1) {
                let at = (frame.left - SPACE, y + 0.36 * label_size);
                list.text(at, label_size, Anchor::End, label);
            }
        }
        list.group(Part::Ticks, first);
        let last = frame.bottom() + self.bottom() - 2.0;
        for (line, down) in below(&self.x_name, name_size) {
            let at = (middle, last - extra(&self.x_name, name_size) + down);
            list.text(at, name_size, Anchor::Middle, line);
        }
        let first = (frame.left - self.left() + name_size, frame.top + frame.height / 2.0);
        upright(first, name_size, &self.y_name, list);
    }

    /// The colour between two levels.
    fn height(&self, band: usize) -> Color {
        Color::of_height(band as f64 / self.levels.len().max(1) as f64)
    }

    fn area(&self, area: Frame, band: usize) -> Item {
        Item::Area { rings: vec![area.corners()], fill: Some(self.height(band)), stroke: None }
    }

    /// Bands between the levels.
    fn contours(&self, contours: &Contours, frame: Frame, list: &mut DisplayList) {
        list.items.push(self.area(frame, 0));
        let edge = Stroke::solid(Color(150, 162, 178), 0.5);
        for (level, rings) in contours.rings(&self.levels).into_iter().enumerate() {
            let to_pixels =
                |(x, y): Point| (frame.left + x * frame.width, frame.bottom() - y * frame.height);
            let rings: Vec<Vec<Point>> = rings
                .into_iter()
                .map(|ring| straighten(&ring.into_iter().map(to_pixels).collect::<Vec<_>>()))
                .collect();
            if !rings.is_empty() {
                let fill = Some(self.height(level + 1));
                list.items.push(Item::Area { rings, fill, stroke: Some(edge) });
            }
        }
    }

    /// The bar that explains the bands.
    fn bar(&self, frame: Frame, list: &mut DisplayList) {
        let left = frame.right() + BAR_GAP;
        let step = frame.height / (self.levels.len() + 1) as f64;
        for band in 0..=self.levels.len() {
            let bottom = frame.bottom() - step * band as f64;
            let bar = Frame { left, top: bottom - step, width: BAR, height: step };
            list.items.push(self.area(bar, band));
        }
        let outline = Frame { left, top: frame.top, width: BAR, height: frame.height };
        let ring = outline.corners().into_iter().map(|(x, y)| (crisp(x), crisp(y))).collect();
        let stroke = Stroke::solid(Color::INK, 0.8);
        list.items.push(Item::Area { rings: vec![ring], fill: None, stroke: Some(stroke) });
        for (level, label) in &self.labels {
            let y = frame.bottom() - step * (level + 1) as f64 + 0.36 * self.texts.label;
            list.text(
                (left + BAR + SPACE - 2.0, y),
                self.texts.label,
                Anchor::Start,
                label.as_str(),
            );
        }
        let (size, middle) = (self.texts.name, frame.top + frame.height / 2.0);
        let last = frame.right() + self.right() - 2.0;
        upright((last - extra(&self.bar_name, size), middle), size, &self.bar_name, list);
    }
}

/// The points of a curve that no line joins to others.
fn alone(points: &[Point]) -> impl Iterator<Item = Point> {
    let has_place = |i: usize| points.get(i).is_some_and(|p| p.0.is_finite() && p.1.is_finite());
    let joined = move |i: usize| has_place(i + 1) || (i > 0 && has_place(i - 1));
    (0..points.len()).filter(move |&i| has_place(i) && !joined(i)).map(|i| points[i])
}

/// The larger one of width and height of a curve.
fn extent(points: &[Point]) -> f64 {
    let of = |part: fn(&Point) -> f64| {
        let all = points.iter().map(part);
        let (low, high) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        high - low
    };
    of(|p| p.0).max(of(|p| p.1))
}

/// Heads of arrows along a curve, which show its direction: one in the middle of each part of it.
fn arrows(points: &[Point], style: &Style, list: &mut DisplayList) {
    let lengths = points.windows(2).map(|pair| {
        let (a, b) = (pair[0], pair[1]);
        (b.0 - a.0).hypot(b.1 - a.1)
    });
    let lengths: Vec<f64> = lengths.collect();
    let total: f64 = lengths.iter().sum();
    if total < LEAST_ARROW {
        return;
    }
    let count = ((total / ARROW).round()).clamp(1.0, MOST_ARROWS);
    let place = |along: f64| {
        let mut rest = along.clamp(0.0, total);
        for (pair, length) in points.windows(2).zip(&lengths) {
            if rest <= *length && *length > 0.0 {
                let part = rest / length;
                let (a, b) = (pair[0], pair[1]);
                return (a.0 + part * (b.0 - a.0), a.1 + part * (b.1 - a.1));
            }
            rest -= length;
        }
        points[points.len() - 1]
    };
    for i in 0..count as usize {
        let middle = (i as f64 + 0.5) / count * total;
        // Over a few pixels, so that the ragged ones of a curve do not count.
        let (from, at, to) = (place(middle - 4.0), place(middle), place(middle + 4.0));
        let first = list.items.len();
        list.arrow(at, (to.0 - from.0, to.1 - from.1), style.color);
        list.group(Part::Mark(at), first);
    }
}

/// A mark at the frame, for a curve that lies outside of it: the head of an arrow that points to where its first point is.
fn outside(points: &[Point], frame: Frame, style: &Style, list: &mut DisplayList) {
    let Some(&(x, y)) = points.iter().find(|p| !p.0.is_nan() && !p.1.is_nan()) else { return };
    let room = CLIP_MARK;
    let (left, right) = (frame.left + room, frame.right() - room);
    let (top, bottom) = (frame.top + room, frame.bottom() - room);
    let (at_x, at_y) = (x.clamp(left, right), y.clamp(top, bottom));
    let (dx, dy) = ((x - at_x).clamp(-1e9, 1e9), (y - at_y).clamp(-1e9, 1e9));
    list.arrow((at_x, at_y), (dx, dy), style.color);
}

/// The ticks of an axis of a length, one in about `every` of it and at least a few, as far as their labels, of which each takes
/// `room`, do not meet.
fn fitting(
    ruler: &Ruler,
    name: &str,
    length: f64,
    every: f64,
    room: impl Fn(&str) -> f64,
) -> Ticks {
    let count = ((length / every) as usize).max(FEW + 1);
    let meet = |ticks: &[Tick]| {
        let labelled = ticks.iter().filter_map(|tick| {
            Some((ruler.place(tick.value) * length, room(tick.label.as_ref()?) / 2.0))
        });
        let labelled: Vec<(f64, f64)> = labelled.collect();
        labelled.windows(2).any(|pair| pair[1].0 - pair[0].0 < pair[0].1 + pair[1].1)
    };
    let labelled = |ticks: &Ticks| ticks.ticks.iter().filter(|t| t.label.is_some()).count();
    let of = |count: usize| Some(ruler.ticks(count, name)).filter(|ticks| !meet(&ticks.ticks));
    let fits = (1..=count).rev().find_map(of);
    // Round numbers may leave too few.
    let more = || (count + 1..=2 * count).filter_map(of).find(|ticks| labelled(ticks) >= FEW);
    let fits = match fits {
        Some(ticks) if labelled(&ticks) < FEW => Some(more().unwrap_or(ticks)),
        fits => fits,
    };
    fits.unwrap_or_else(|| {
        // Of those of the fewest, every second, then every fourth has a label.
        let mut ticks = ruler.ticks(1, name);
        while meet(&ticks.ticks) {
            let labelled = ticks.ticks.iter_mut().filter(|tick| tick.label.is_some());
            labelled.skip(1).step_by(2).for_each(|tick| tick.label = None);
        }
        ticks
    })
}

/// A title in lines that are no longer than `length`.
fn lines(text: &str, size: f64, length: f64) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { font::wrap(text, size, length) }
}

/// The height of the lines of a title, and of the space beside it, if there is one.
fn height(lines: &[String], size: f64, space: f64) -> f64 {
    if lines.is_empty() { 0.0 } else { size + extra(lines, size) + space }
}

/// From the first line of a title to the last one.
fn extra(lines: &[String], size: f64) -> f64 {
    lines.len().saturating_sub(1) as f64 * font::LINE * size
}

/// Lines, each with its distance to the first one.
fn below(lines: &[String], size: f64) -> impl Iterator<Item = (&str, f64)> {
    lines.iter().enumerate().map(move |(i, line)| (line.as_str(), i as f64 * font::LINE * size))
}

/// A title that reads upwards, with the middle of its first line at a point.
fn upright(first: Point, size: f64, lines: &[String], list: &mut DisplayList) {
    for (text, right) in below(lines, size) {
        let (at, text) = ((first.0 + right, first.1), text.to_string());
        let (anchor, color) = (Anchor::Middle, Color::INK);
        list.items.push(Item::Text { at, size, anchor, color, upright: true, text });
    }
}

/// The middle of the pixel at `x`, where a line of one pixel is sharp.
fn crisp(x: f64) -> f64 {
    x.floor() + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, Theme};

    /// A point alone between gaps has no line and lies between spaced marks, and still must be seen, with a mark of its own.
    #[test]
    fn a_point_alone_between_gaps_has_a_mark() {
        let frame = Frame { left: 10.0, top: 20.0, width: 100.0, height: 50.0 };
        let marks = |middle: f64| {
            let heights = [1.0, 2.0, f64::NAN, middle, f64::NAN, 2.0, 1.0];
            let points = (0..).zip(heights).map(|(x, y)| (f64::from(x), y)).collect();
            let style = Style { marker: Some(Marker::Square), ..Style::of_series(0) };
            let series = vec![Series::new("a", points, style)];
            let (x, y) = (Axis::linear("step"), Axis::linear("loss"));
            let panel = Panel { x, y, series, spaced: true, ..Panel::default() };
            let prepared =
                Prepared::new(&panel, (100.0, 50.0), Theme::Screen.texts(), (false, false));
            let mut list = DisplayList {
                width: 120.0,
                height: 90.0,
                inner: (100.0, 50.0),
                scale: 1.0,
                background: Color::WHITE,
                ink: Color::INK,
                items: Vec::new(),
                groups: Vec::new(),
                views: Vec::new(),
            };
            prepared.curve(0, &panel.series[0], frame, &mut list);
            let at = prepared.place(frame, (3.0, 1.5));
            let mark = |part: &Part| match part {
                Part::Mark(place) => Some(*place),
                _ => None,
            };
            let all: Vec<Point> =
                list.groups.iter().filter_map(|group| mark(&group.part)).collect();
            (all.contains(&at), all.len())
        };
        let (with, without) = (marks(1.5), marks(f64::NAN));
        assert_eq!((with.0, without.0), (true, false));
        assert_eq!(with.1, without.1 + 1);
    }
}
