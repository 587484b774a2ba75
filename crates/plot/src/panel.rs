//! One panel: axes, grid, contours, curves.

use super::axis::{Ruler, Tick};
use super::clip::{Frame, straighten};
use super::color::Color;
use super::contours::Contours;
use super::display_list::{Anchor, DisplayList, Item, Part, Point, Stroke, View};
use super::ends;
use super::figure::{Panel, Series};
use super::font;

const LABEL: f64 = 11.0;
const NAME: f64 = 12.5;
const TITLE: f64 = 13.0;
/// Between a tick and its label, and between labels and the title of an axis.
const SPACE: f64 = 7.0;
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
}

impl<'a> Prepared<'a> {
    /// A panel of so many pixels between its axes.
    pub fn new(panel: &'a Panel, width: f64, height: f64) -> Prepared<'a> {
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
        Prepared {
            panel,
            x_ticks: x.ticks((width / 75.0) as usize),
            y_ticks: y.ticks((height / 50.0) as usize),
            x,
            y,
            levels: panel.contours.as_ref().map(Contours::levels).unwrap_or_default(),
        }
    }

    /// Where the panel is when it is drawn along `frame`.
    pub fn view(&self, frame: Frame) -> View {
        View { frame, x: self.x, y: self.y }
    }

    /// Pixels that the labels take to the left of the axes.
    pub fn left(&self) -> f64 {
        let labels = self.y_ticks.iter().filter_map(|tick| tick.label.as_deref());
        if self.panel.y.shared {
            return SPACE;
        }
        let widest = labels.map(|label| font::width(label, LABEL)).fold(0.0, f64::max);
        widest + SPACE + if self.panel.y.label.is_empty() { 0.0 } else { NAME + SPACE }
    }

    /// Pixels above the axes.
    pub fn top(&self) -> f64 {
        let note = if self.panel.note.is_empty() { 0.0 } else { LABEL + 5.0 };
        note + if self.panel.title.is_empty() { 6.0 } else { TITLE + 10.0 }
    }

    /// Pixels to the right of the axes.
    pub fn right(&self) -> f64 {
        let Some(contours) = &self.panel.contours else {
            let ends = self.panel.end_labels.then(|| ends::width(&self.panel.series, LABEL));
            return ends.unwrap_or(8.0);
        };
        let labels = Contours::labels(&self.levels);
        let widest = labels.iter().map(|(_, label)| font::width(label, LABEL)).fold(0.0, f64::max);
        let name = if contours.label.is_empty() { 0.0 } else { NAME + SPACE };
        BAR_GAP + BAR + SPACE + widest + name
    }

    /// Pixels below the axes.
    pub fn bottom(&self) -> f64 {
        if self.panel.x.shared {
            return SPACE;
        }
        LABEL + SPACE + if self.panel.x.label.is_empty() { 0.0 } else { NAME + SPACE }
    }

    /// Draws the panel with its axes along `frame`.
    pub fn draw(&self, frame: Frame, list: &mut DisplayList) {
        let first = list.items.len();
        match &self.panel.contours {
            Some(contours) => {
                self.contours(contours, frame, list);
                list.group(Part::Contours, first);
                self.bar(contours, frame, list);
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
            self.curve(series, frame, list);
            list.group(Part::Series(i), first);
        }
        self.axes(frame, list);
        if self.panel.end_labels {
            let place = |point| self.place(frame, point);
            ends::labels(&self.panel.series, frame, LABEL, &place, list);
        }
        if !self.panel.note.is_empty() {
            let at = (frame.right(), frame.top - 5.0);
            list.text(at, LABEL, Anchor::End, self.panel.note.as_str());
        }
        if !self.panel.title.is_empty() {
            let at = (frame.left + frame.width / 2.0, frame.top - self.top() + TITLE + 2.0);
            list.text(at, TITLE, Anchor::Middle, self.panel.title.as_str());
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
        for tick in self.x_ticks.iter().filter(|tick| tick.label.is_some()) {
            let x = crisp(frame.left + self.x.place(tick.value) * frame.width);
            list.line(vec![(x, frame.top), (x, frame.bottom())], stroke);
        }
        for tick in self.y_ticks.iter().filter(|tick| tick.label.is_some()) {
            let y = crisp(frame.bottom() - self.y.place(tick.value) * frame.height);
            list.line(vec![(frame.left, y), (frame.right(), y)], stroke);
        }
    }

    fn curve(&self, series: &Series, frame: Frame, list: &mut DisplayList) {
        let style = &series.style;
        let points: Vec<Point> = series.points.iter().map(|p| self.place(frame, *p)).collect();
        if let Some(dash) = style.line {
            let stroke = Stroke { color: style.color, width: style.width, dash: dash.lengths() };
            for piece in frame.pieces(&points) {
                list.line(piece, stroke);
            }
        }
        if self.panel.exits {
            ends::exits(&points, frame, style.color, list);
        }
        // Markers within half a pixel of the one before are not drawn.
        let mut last: Option<Point> = None;
        for point in points.into_iter().filter(|point| frame.holds(*point)) {
            if last.is_none_or(|last| (point.0 - last.0).hypot(point.1 - last.1) > 0.5) {
                let first = list.items.len();
                list.mark(point, style);
                list.group(Part::Mark(point), first);
                last = Some(point);
            }
        }
    }

    fn axes(&self, frame: Frame, list: &mut DisplayList) {
        let stroke = Stroke::solid(Color::INK, 1.0);
        let ring = frame.corners().into_iter().map(|(x, y)| (crisp(x), crisp(y))).collect();
        list.items.push(Item::Area { rings: vec![ring], fill: None, stroke: Some(stroke) });
        let length = |tick: &Tick| if tick.label.is_some() { 4.0 } else { 2.0 };
        let middle = frame.left + frame.width / 2.0;
        let first = list.items.len();
        for tick in &self.x_ticks {
            let x = crisp(frame.left + self.x.place(tick.value) * frame.width);
            list.line(vec![(x, frame.bottom()), (x, frame.bottom() + length(tick))], stroke);
            if let Some(label) = tick.label.as_ref().filter(|_| !self.panel.x.shared) {
                list.text((x, frame.bottom() + SPACE + LABEL), LABEL, Anchor::Middle, label);
            }
        }
        for tick in &self.y_ticks {
            let y = crisp(frame.bottom() - self.y.place(tick.value) * frame.height);
            list.line(vec![(frame.left - length(tick), y), (frame.left, y)], stroke);
            if let Some(label) = tick.label.as_ref().filter(|_| !self.panel.y.shared) {
                let at = (frame.left - SPACE, y + 0.36 * LABEL);
                list.text(at, LABEL, Anchor::End, label);
            }
        }
        list.group(Part::Ticks, first);
        if !self.panel.x.label.is_empty() && !self.panel.x.shared {
            let at = (middle, frame.bottom() + self.bottom() - 2.0);
            list.text(at, NAME, Anchor::Middle, self.panel.x.label.as_str());
        }
        if !self.panel.y.label.is_empty() && !self.panel.y.shared {
            let at = (frame.left - self.left() + NAME, frame.top + frame.height / 2.0);
            upright(at, &self.panel.y.label, list);
        }
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
    fn bar(&self, contours: &Contours, frame: Frame, list: &mut DisplayList) {
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
        for (level, label) in Contours::labels(&self.levels) {
            let y = frame.bottom() - step * (level + 1) as f64 + 0.36 * LABEL;
            list.text((left + BAR + SPACE - 2.0, y), LABEL, Anchor::Start, label);
        }
        if !contours.label.is_empty() {
            let at = (frame.right() + self.right() - 2.0, frame.top + frame.height / 2.0);
            upright(at, &contours.label, list);
        }
    }
}

/// A text that reads upwards, with its middle at a point.
fn upright(at: Point, text: &str, list: &mut DisplayList) {
    let (size, anchor) = (NAME, Anchor::Middle);
    list.items.push(Item::Text { at, size, anchor, upright: true, text: text.into() });
}

/// The middle of the pixel at `x`, where a line of one pixel is sharp.
fn crisp(x: f64) -> f64 {
    x.floor() + 0.5
}
