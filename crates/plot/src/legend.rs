//! The legend below all panels.

use super::display_list::{Anchor, DisplayList, Part, Stroke};
use super::figure::{Panel, Style};
use super::font;

/// Pixels: the size of the text, the length of a line, the space between line and text and between
/// entries, the height of a row.
const SIZE: f64 = 12.0;
const SAMPLE: f64 = 30.0;
const SPACE: f64 = 7.0;
const GAP: f64 = 22.0;
const ROW: f64 = 19.0;

/// Names and looks of the curves, in rows that fit the figure.
pub(super) struct Legend {
    rows: Vec<Vec<(String, Style)>>,
}

impl Legend {
    pub fn new(panels: &[Panel], width: f64) -> Legend {
        let mut entries: Vec<(String, Style)> = Vec::new();
        for (label, look) in panels.iter().flat_map(Panel::legend) {
            let known = entries.iter_mut().find(|(known, _)| known == label);
            match known {
                _ if label.is_empty() => {}
                // A curve drawn as a line in one place and with markers in another shows both.
                Some((_, style)) => {
                    style.line = style.line.or(look.line);
                    style.marker = style.marker.or(look.marker);
                }
                None => entries.push((label.to_string(), look)),
            }
        }
        let mut rows: Vec<Vec<(String, Style)>> = Vec::new();
        let mut used = f64::INFINITY;
        for entry in entries {
            let needed = GAP + entry_width(&entry.0);
            if used + needed > width {
                rows.push(Vec::new());
                used = -GAP;
            }
            used += needed;
            rows.last_mut().expect("a row has been opened").push(entry);
        }
        Legend { rows }
    }

    /// Draws the rows in the middle of `width`, from `y` down. Returns their lower end.
    pub fn draw(&self, width: f64, mut y: f64, list: &mut DisplayList) -> f64 {
        if !self.rows.is_empty() {
            y += 6.0;
        }
        for row in &self.rows {
            let widths = row.iter().map(|(label, _)| entry_width(label));
            let total = widths.sum::<f64>() + GAP * (row.len() - 1) as f64;
            let mut x = (width - total) / 2.0;
            for (label, style) in row {
                let (middle, first) = (y + ROW / 2.0, list.items.len());
                if let Some(dash) = style.line {
                    let stroke =
                        Stroke { color: style.color, width: style.width, dash: dash.lengths() };
                    list.line(vec![(x, middle), (x + SAMPLE, middle)], stroke);
                }
                list.mark((x + SAMPLE / 2.0, middle), style);
                let at = (x + SAMPLE + SPACE, middle + 0.36 * SIZE);
                list.text(at, SIZE, Anchor::Start, label.as_str());
                list.group(Part::Legend(label.clone()), first);
                x += entry_width(label) + GAP;
            }
            y += ROW;
        }
        y
    }
}

fn entry_width(label: &str) -> f64 {
    SAMPLE + SPACE + font::width(label, SIZE)
}
