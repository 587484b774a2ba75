//! Figures for pages of HTML: the picture, its data, and a script with which it answers.

use super::axis::{Axis, AxisScale, Ruler};
use super::band::Band;
use super::color::Color;
use super::display_list::{DisplayList, Group, Item, Part, View};
use super::figure::{Figure, Panel, Series};
use super::layout;
use super::svg::{self, number};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Figures of one page. It wants its colours as the variables `--page`, `--ink`, `--soft`, `--line`, `--edge` and `--c0`.
#[derive(Clone, Debug)]
pub struct Interactive {
    /// What the page's style has to hold for them.
    pub style: String,
    /// What its body has to hold: a `div` of class `plots` with a `figure` for each, and the script.
    pub body: String,
}

/// What the script of [`Interactive`] can do, for those who read the page.
const HOW: &str = "Point at a figure, or go to it with Tab and use the arrow keys, to read values. Drag a box, or press + \
    and −, to zoom; double click, or press 0, to see all again. Click an entry of a legend, or press Enter on it, to hide \
    its curves.";

impl Interactive {
    /// Writes figures, each with a description for those who do not see it. They are seen without the script as well; with it,
    /// they show values at a cursor, hide curves and zoom, by pointer and by keyboard. Panels with the same horizontal axis
    /// share their cursor, curves with the same label are hidden together. Data are written to six digits. Nothing is
    /// asked of any other host.
    pub fn new(figures: &[(String, Figure)]) -> Interactive {
        if figures.is_empty() {
            return Interactive { style: String::new(), body: String::new() };
        }
        let mut colors = BTreeSet::new();
        let mut body = format!("<p class=\"how soft\" hidden>{HOW}</p>\n<div class=\"plots\">\n");
        for (description, figure) in figures {
            let figure = &thinned(figure);
            let list = layout::natural(figure);
            colors.extend(list.items.iter().flat_map(Item::colors));
            let picture = picture(&list, description);
            let data = data(figure, &list.views, description);
            let class = if figure.panels.len() > 1 { "plot wide" } else { "plot" };
            let _ = writeln!(
                body,
                "<figure class=\"{class}\">{picture}<script type=\"application/json\">{data}</script></figure>"
            );
        }
        let _ = writeln!(body, "</div>\n<script>\n{}</script>", include_str!("interactive.js"));
        let rules: String = colors.into_iter().map(on_dark).collect();
        Interactive { style: format!("{}{rules}\n", include_str!("interactive.css")), body }
    }
}

/// The figure with curves of few points.
fn thinned(figure: &Figure) -> Figure {
    let mut thin = figure.clone();
    for series in thin.panels.iter_mut().flat_map(|panel| &mut panel.series) {
        *series = series.thinned();
    }
    thin
}

/// The colour that a colour has on a dark page, as a rule of style.
fn on_dark(color: Color) -> String {
    let (hex, dark) = (color.hex(), color.on_dark().hex());
    ["stroke", "fill"]
        .map(|name| format!(".plot [{name}=\"{hex}\"]{{{name}:light-dark({hex},{dark})}}\n"))
        .concat()
}

/// The picture, with groups that say what their shapes show.
fn picture(list: &DisplayList, description: &str) -> String {
    let mut groups: Vec<&Group> =
        list.groups.iter().filter(|group| group.first < group.end).collect();
    // An outer group opens before those within it.
    groups.sort_by_key(|group| (group.first, usize::MAX - group.end));
    let mut groups = groups.into_iter().peekable();
    let mut open: Vec<usize> = Vec::new();
    let start = svg::start(list);
    let (tag, background) = start.split_once('>').unwrap_or((&start, ""));
    let (attributes, title) = (tag.trim_start_matches("<svg"), svg::escape(description));
    let mut out = format!("<svg role=\"img\"{attributes}><title>{title}</title>{background}");
    for (i, item) in list.items.iter().enumerate() {
        while let Some(group) = groups.next_if(|group| group.first == i) {
            let _ = write!(out, "<g {}>", attribute(&group.part));
            open.push(group.end);
        }
        svg::write_item(item, list.ink, &mut out);
        while open.pop_if(|end| *end == i + 1).is_some() {
            out.push_str("</g>");
        }
    }
    out.push_str("</svg>");
    out
}

fn attribute(part: &Part) -> String {
    match part {
        Part::Panel(i) => format!("data-panel=\"{i}\""),
        Part::Contours => "data-part=\"contours\"".into(),
        Part::Grid => "data-part=\"grid\"".into(),
        Part::Ticks => "data-part=\"ticks\"".into(),
        Part::Band(i) => format!("data-band=\"{i}\""),
        Part::Series(i) => format!("data-series=\"{i}\""),
        Part::Mark((x, y)) => format!("data-at=\"{} {}\"", number(*x), number(*y)),
        Part::Legend(label) => {
            format!("data-label=\"{}\"", svg::escape(label).replace('"', "&quot;"))
        }
    }
}

/// What a figure shows as JSON: `steps`, the abscissas that curves refer to, and its panels.
fn data(figure: &Figure, views: &[View], description: &str) -> String {
    let (mut steps, mut panels) = (Vec::new(), Vec::new());
    for (panel, view) in figure.panels.iter().zip(views) {
        let name = if figure.panels.len() == 1 { description.to_string() } else { name(panel) };
        let frame = &view.frame;
        let frame = [frame.left, frame.top, frame.width, frame.height].map(json);
        panels.push(format!(
            "{{\"name\":{},\"frame\":[{}],\"plane\":{},\"x\":{},\"y\":{},\"series\":[{}],\"bands\":[{}]}}",
            quoted(&name),
            frame.join(","),
            panel.contours.is_some(),
            axis(&panel.x, &view.x),
            axis(&panel.y, &view.y),
            curves(panel, &mut steps).join(","),
            bands(panel, &mut steps).join(",")
        ));
    }
    format!("{{\"steps\":[{}],\"panels\":[{}]}}", steps.join(","), panels.join(","))
}

fn curves(panel: &Panel, steps: &mut Vec<String>) -> Vec<String> {
    let write = |series: &Series| {
        let label = quoted(&series.label);
        let x = place(abscissas(series.points.iter().map(|point| point.0)), steps);
        let y = ordinates(series.points.iter().map(|point| point.1));
        format!("{{\"label\":{label},\"x\":{x},\"y\":{y}}}")
    };
    panel.series.iter().map(write).collect()
}

fn bands(panel: &Panel, steps: &mut Vec<String>) -> Vec<String> {
    let write = |band: &Band| {
        let label = quoted(&band.label);
        let x = place(abscissas(band.points.iter().map(|point| point.0)), steps);
        let low = ordinates(band.points.iter().map(|point| point.1));
        let high = ordinates(band.points.iter().map(|point| point.2));
        // A band has the colour of the curve whose spread it is.
        let of = panel.series.iter().position(|series| series.style.color == band.color);
        let of = of.map_or("null".into(), |i| i.to_string());
        format!("{{\"label\":{label},\"x\":{x},\"low\":{low},\"high\":{high},\"of\":{of}}}")
    };
    panel.bands.iter().map(write).collect()
}

/// The place of abscissas among those that are known, the last one if they are new.
fn place(xs: String, steps: &mut Vec<String>) -> usize {
    steps.iter().position(|known| *known == xs).unwrap_or_else(|| {
        steps.push(xs);
        steps.len() - 1
    })
}

/// A panel in words.
fn name(panel: &Panel) -> String {
    let title = if panel.title.is_empty() { String::new() } else { format!("{}: ", panel.title) };
    format!("{title}{} against {}", panel.y.label, panel.x.label)
}

fn axis(axis: &Axis, ruler: &Ruler) -> String {
    let decade = match ruler.scale {
        AxisScale::SymmetricLog { decade } => format!("\"decade\":{decade},"),
        _ => String::new(),
    };
    format!(
        "{{\"label\":{},\"bare\":{},\"log\":{},{}\"low\":{},\"high\":{}}}",
        quoted(&axis.label),
        axis.shared,
        ruler.scale == AxisScale::Log,
        decade,
        json(ruler.low),
        json(ruler.high)
    )
}

/// Equidistant numbers by the first of them and their distance; others as a list.
fn abscissas(xs: impl Iterator<Item = f64>) -> String {
    let xs: Vec<f64> = xs.collect();
    if let [from, second, _, ..] = xs[..] {
        let by = second - from;
        if by.is_finite() && (0..xs.len()).all(|k| from + k as f64 * by == xs[k]) {
            return format!("{{\"from\":{},\"by\":{}}}", json(from), json(by));
        }
    }
    format!("[{}]", xs.into_iter().map(json).collect::<Vec<_>>().join(","))
}

/// Numbers to six digits.
fn ordinates(ys: impl Iterator<Item = f64>) -> String {
    format!("[{}]", ys.map(|y| json(rounded(y))).collect::<Vec<_>>().join(","))
}

/// To six digits.
fn rounded(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// The shortest text of a number; `null` if it is not finite.
fn json(x: f64) -> String {
    if !x.is_finite() {
        return "null".into();
    }
    let (plain, scientific) = (x.to_string(), format!("{x:e}"));
    if scientific.len() < plain.len() { scientific } else { plain }
}

/// A string of JSON that cannot end the script that it stands in.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '<' | '>' | '&' | '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}

impl Item {
    /// The colours that it is drawn in.
    fn colors(&self) -> impl Iterator<Item = Color> {
        let (fill, stroke) = match self {
            Item::Area { fill, stroke, .. } => (*fill, *stroke),
            Item::Line { stroke, .. } => (None, Some(*stroke)),
            Item::Circle { fill, stroke, .. } => (Some(*fill), *stroke),
            Item::Text { color, .. } => (Some(*color), None),
        };
        fill.into_iter().chain(stroke.map(|stroke| stroke.color))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Style;
    use proptest::prelude::*;

    fn page(series: Vec<Series>) -> Interactive {
        let (x, y) = (Axis::linear("step"), Axis::linear("loss"));
        let panel = Panel { x, y, series, ..Panel::default() };
        let figure = Figure { title: String::new(), panels: vec![panel], columns: 2 };
        Interactive::new(&[("loss".into(), figure)])
    }

    #[test]
    fn equidistant_abscissas_are_short() {
        assert_eq!(abscissas((0..1000).map(|k| f64::from(20 * k))), "{\"from\":0,\"by\":20}");
        assert_eq!(abscissas([0.0, 1.0, 3.0].into_iter()), "[0,1,3]");
        assert_eq!(abscissas([2.0, 2.0].into_iter()), "[2,2]");
        assert_eq!(abscissas([f64::NAN, f64::INFINITY, 1e300].into_iter()), "[null,null,1e300]");
    }

    proptest! {
        #[test]
        fn numbers_read_back(x in proptest::num::f64::ANY) {
            let text = json(rounded(x));
            prop_assert!(!text.contains("NaN") && !text.contains("inf"));
            if x.is_finite() {
                let back: f64 = text.parse().unwrap();
                prop_assert!((back - x).abs() <= 5.1e-6 * x.abs() + f64::from_bits(1), "{x} as {text}");
            }
        }

        #[test]
        fn no_text_leaves_its_place(label in "\\PC{0,12}|</script><script>|<!--<script>|\"'>&\\\\\u{2028}\n") {
            let curve = Series::new(label, vec![(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN)], Style::of_series(0));
            let body = page(vec![curve]).body;
            prop_assert_eq!(body.matches("<script").count(), 2);
            prop_assert_eq!(body.matches("</script").count(), 2);
            prop_assert!(!body.contains("<!--"));
            prop_assert_eq!(body.matches("<g ").count(), body.matches("</g>").count());
            prop_assert!(body.contains("\"y\":[1,2,null]"));
        }
    }
}
