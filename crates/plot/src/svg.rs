//! A display list as SVG.

use super::display_list::{Anchor, DisplayList, Item, Point, Stroke};
use std::fmt::Write as _;

/// The text of the SVG file. Numbers are written to a hundredth of a pixel.
pub(super) fn write(list: &DisplayList) -> String {
    let mut out = start(list);
    for item in &list.items {
        write_item(item, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// The first tag and the background.
pub(super) fn start(list: &DisplayList) -> String {
    let (width, height) = (number(list.width), number(list.height));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"'DejaVu Sans',Verdana,sans-serif\" \
         fill=\"#222222\" stroke-linejoin=\"round\" stroke-linecap=\"butt\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    )
}

pub(super) fn write_item(item: &Item, out: &mut String) {
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
        Item::Text { at, size, anchor, upright, text } => {
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
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"{anchor}{turn}>{}</text>",
                number(*size),
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

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
