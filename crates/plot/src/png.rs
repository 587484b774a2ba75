//! A display list as pixels.

use super::color::Color;
use super::display_list::{Anchor, DisplayList, Item, Point, Stroke};
use super::font;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

/// How many pixels of the file stand for one of the list in each direction, for screens of high density.
const DENSITY: f32 = 2.0;

/// The bytes of the PNG file.
pub(super) fn write(list: &DisplayList) -> Vec<u8> {
    let size = |pixels: f64| (pixels as f32 * DENSITY).ceil() as u32;
    let mut canvas = Canvas {
        pixels: Pixmap::new(size(list.width), size(list.height)).expect("a figure has an area"),
    };
    canvas.pixels.fill(tiny_skia::Color::WHITE);
    for item in &list.items {
        canvas.draw(item);
    }
    canvas.pixels.encode_png().expect("writing to memory does not fail")
}

struct Canvas {
    pixels: Pixmap,
}

impl Canvas {
    fn draw(&mut self, item: &Item) {
        match item {
            Item::Area { rings, fill, stroke } => {
                let path = path(rings, true);
                self.shape(path, *fill, stroke.as_ref());
            }
            Item::Line { points, stroke } => {
                let path = path(std::slice::from_ref(points), false);
                self.shape(path, None, Some(stroke));
            }
            Item::Circle { center, radius, fill, stroke } => {
                let (x, y) = (center.0 as f32, center.1 as f32);
                let path = PathBuilder::from_circle(x, y, *radius as f32);
                self.shape(path, Some(*fill), stroke.as_ref());
            }
            Item::Text { at, size, anchor, upright, text } => {
                self.text(*at, *size, *anchor, *upright, text);
            }
        }
    }

    fn shape(&mut self, path: Option<Path>, fill: Option<Color>, stroke: Option<&Stroke>) {
        // A path without an extent shows nothing.
        let Some(path) = path else { return };
        let scale = Transform::from_scale(DENSITY, DENSITY);
        if let Some(fill) = fill {
            self.pixels.fill_path(&path, &paint(fill), FillRule::EvenOdd, scale, None);
        }
        if let Some(stroke) = stroke {
            let dash = stroke.dash.iter().map(|d| *d as f32).collect();
            let line = tiny_skia::Stroke {
                width: stroke.width as f32,
                line_cap: LineCap::Butt,
                line_join: LineJoin::Round,
                dash: StrokeDash::new(dash, 0.0),
                ..Default::default()
            };
            self.pixels.stroke_path(&path, &paint(stroke.color), &line, scale, None);
        }
    }

    fn text(&mut self, at: Point, size: f64, anchor: Anchor, upright: bool, text: &str) {
        let offset = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -font::width(text, size) / 2.0,
            Anchor::End => -font::width(text, size),
        };
        let angle = if upright { -90.0 } else { 0.0 };
        let place = Transform::from_rotate(angle)
            .post_translate(at.0 as f32, at.1 as f32)
            .post_scale(DENSITY, DENSITY);
        let scale = font::scale(size) as f32;
        let glyph = |x: f64| Glyph { path: PathBuilder::new(), x: (x + offset) as f32, scale };
        font::outlines(text, size, glyph, |glyph| {
            if let Some(path) = glyph.path.finish() {
                self.pixels.fill_path(&path, &paint(Color::INK), FillRule::Winding, place, None);
            }
        });
    }
}

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(color.0, color.1, color.2, 255);
    paint.anti_alias = true;
    paint
}

fn path(lines: &[Vec<Point>], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for line in lines {
        for (i, (x, y)) in line.iter().enumerate() {
            let (x, y) = (*x as f32, *y as f32);
            if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
        if closed {
            path.close();
        }
    }
    path.finish()
}

/// An outline of the font, whose second axis points up, in pixels.
struct Glyph {
    path: PathBuilder,
    x: f32,
    scale: f32,
}

impl Glyph {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, -y * self.scale)
    }
}

impl OutlineBuilder for Glyph {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
