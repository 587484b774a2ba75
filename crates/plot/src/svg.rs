//! A display list as SVG.

use super::color::Color;
use super::display_list::{Anchor, DisplayList, Item, Point, Stroke};
use super::font;
use std::fmt::Write as _;
use ttf_parser::OutlineBuilder;

/// The text of the SVG file, its texts as outlines if `outlined`. Numbers are written to a hundredth of a unit.
pub(super) fn write(list: &DisplayList, outlined: bool) -> String {
    let mut out = start(list);
    for item in &list.items {
        match item {
            Item::Text { .. } if outlined => outlines(item, list.ink, &mut out),
            _ => write_item(item, list.ink, &mut out),
        }
    }
    out.push_str("</svg>\n");
    out
}

/// The first tag and the background.
pub(super) fn start(list: &DisplayList) -> String {
    let (width, height) = (number(list.width), number(list.height));
    let [wide, high] = [list.width, list.height].map(|length| number(length * list.scale));
    let (ink, background) = (list.ink.hex(), list.background.hex());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"'DejaVu Sans',Verdana,sans-serif\" \
         fill=\"{ink}\" stroke-linejoin=\"round\" stroke-linecap=\"butt\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{background}\"/>\n"
    )
}

/// A text's attribute for its colour, unless it is that of all texts.
fn text_color(color: Color, ink: Color) -> String {
    if color == ink { String::new() } else { format!(" fill=\"{}\"", color.hex()) }
}

/// A text as the outlines of its glyphs, with the text itself for those who cannot see them.
fn outlines(item: &Item, ink: Color, out: &mut String) {
    let Item::Text { size, color, upright, text, .. } = item else { return };
    let (x, y) = item.text_origin().expect("it is a text");
    let (mut path, scale) = (String::new(), font::scale(*size));
    let glyph = |x: f64| Outline { path: String::new(), x, scale };
    font::outlines(text, *size, glyph, |glyph| path.push_str(&glyph.path));
    let turn = if *upright { " rotate(-90)" } else { "" };
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "<path role=\"img\" aria-label=\"{}\" transform=\"translate({} {}){turn}\" d=\"{path}\"{}/>",
        escape(text).replace('"', "&quot;"),
        number(x),
        number(y),
        text_color(*color, ink)
    );
}

/// A glyph's outline as the data of a path.
struct Outline {
    path: String,
    x: f64,
    scale: f64,
}

impl Outline {
    fn command(&mut self, letter: char, points: &[(f32, f32)]) {
        self.path.push(letter);
        for (i, (x, y)) in points.iter().enumerate() {
            let x = number(self.x + f64::from(*x) * self.scale);
            let y = number(-f64::from(*y) * self.scale);
            let space = if i > 0 { " " } else { "" };
            let _ = write!(self.path, "{space}{x} {y}");
        }
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.command('M', &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.command('L', &[(x, y)]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.command('Q', &[(x1, y1), (x, y)]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.command('C', &[(x1, y1), (x2, y2), (x, y)]);
    }

    fn close(&mut self) {
        self.path.push('Z');
    }
}

pub(super) fn write_item(item: &Item, ink: Color, out: &mut String) {
    // Writing to a string does not fail.
    let _ = match item {
        Item::Area { rings, fill, stroke } => {
            let path: String = rings.iter().map(|ring| path(ring) + "Z").collect();
            let fill = fill.map_or("none".to_string(), |fill| fill.hex());
            writeln!(
                out,
                "<path d=\"{path}\" fill=\"{fill}\" fill-rule=\"evenodd\"{}/>",
                attributes(stroke.as_ref())
            )
        }
        Item::Line { points, stroke } => {
            writeln!(
                out,
                "<path d=\"{}\" fill=\"none\"{}/>",
                path(points),
                attributes(Some(stroke))
            )
        }
        Item::Circle { center, radius, fill, stroke } => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"{}/>",
            number(center.0),
            number(center.1),
            number(*radius),
            fill.hex(),
            attributes(stroke.as_ref())
        ),
        Item::Text { at, size, anchor, color, upright, text } => {
            let (x, y) = (number(at.0), number(at.1));
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let turn =
                if *upright { format!(" transform=\"rotate(-90 {x} {y})\"") } else { "".into() };
            writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"{anchor}{turn}{}>{}</text>",
                number(*size),
                text_color(*color, ink),
                escape(text)
            )
        }
    };
}

fn attributes(stroke: Option<&Stroke>) -> String {
    let Some(stroke) = stroke else { return String::new() };
    let mut out =
        format!(" stroke=\"{}\" stroke-width=\"{}\"", stroke.color.hex(), number(stroke.width));
    if !stroke.dash.is_empty() {
        let dashes: Vec<String> = stroke.dash.iter().map(|d| number(*d)).collect();
        let _ = write!(out, " stroke-dasharray=\"{}\"", dashes.join(" "));
    }
    out
}

fn path(points: &[Point]) -> String {
    let mut out = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let command = if i == 0 { 'M' } else { 'L' };
        let _ = write!(out, "{command}{} {}", number(*x), number(*y));
    }
    out
}

/// A number to a hundredth, without trailing zeros.
pub(super) fn number(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// A text as XML takes it, which has no place for control characters.
pub(super) fn escape(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
