//! A display list as pixels.

use super::color::Color;
use super::display_list::{DisplayList, Item, Point, Stroke};
use super::font;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

/// The bytes of the PNG file, with `dpi` pixels for each inch of 96 CSS pixels.
pub(super) fn write(list: &DisplayList, dpi: f64) -> Vec<u8> {
    let density = (list.scale * dpi / 96.0) as f32;
    let size = |units: f64| ((units as f32 * density).ceil() as u32).clamp(1, MOST);
    let mut canvas = Canvas {
        pixels: Pixmap::new(size(list.width), size(list.height)).expect("a figure has an area"),
        density,
    };
    let Color(r, g, b) = list.background;
    canvas.pixels.fill(tiny_skia::Color::from_rgba8(r, g, b, 255));
    for item in &list.items {
        canvas.draw(item);
    }
    let png = canvas.pixels.encode_png().expect("writing to memory does not fail");
    with_density(png, dpi)
}

/// The file with its density, so that programs show it in its size: a chunk `pHYs` after the first one, `IHDR`, which ends
/// at [`AFTER_HEADER`] (PNG, third edition, 11.3.4.3).
fn with_density(mut png: Vec<u8>, dpi: f64) -> Vec<u8> {
    let per_meter = ((dpi / 0.0254).round() as u32).to_be_bytes();
    let chunk = [b"pHYs", &per_meter[..], &per_meter, &[1]].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&chunk);
    let length = (chunk.len() as u32 - 4).to_be_bytes();
    let inserted = [&length[..], &chunk, &sum.sum().to_be_bytes()].concat();
    png.splice(AFTER_HEADER..AFTER_HEADER, inserted);
    png
}

/// The signature, and `IHDR` with its length, its 13 bytes and its sum.
const AFTER_HEADER: usize = 8 + 4 + 4 + 13 + 4;

/// The most pixels in a direction.
const MOST: u32 = 20_000;

struct Canvas {
    pixels: Pixmap,
    /// Pixels for each unit of the list.
    density: f32,
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
            Item::Text { .. } => self.text(item),
        }
    }

    fn shape(&mut self, path: Option<Path>, fill: Option<Color>, stroke: Option<&Stroke>) {
        // A path without an extent shows nothing.
        let Some(path) = path else { return };
        let scale = Transform::from_scale(self.density, self.density);
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

    fn text(&mut self, item: &Item) {
        let Item::Text { size, color, upright, text, .. } = item else { return };
        let (x, y) = item.text_origin().expect("it is a text");
        let angle = if *upright { -90.0 } else { 0.0 };
        let place = Transform::from_rotate(angle)
            .post_translate(x as f32, y as f32)
            .post_scale(self.density, self.density);
        let scale = font::scale(*size) as f32;
        let glyph = |x: f64| Glyph { path: PathBuilder::new(), x: x as f32, scale };
        font::outlines(text, *size, glyph, |glyph| {
            if let Some(path) = glyph.path.finish() {
                self.pixels.fill_path(&path, &paint(*color), FillRule::Winding, place, None);
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
