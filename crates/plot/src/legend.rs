//! The legend below all panels.

use super::display_list::{Anchor, DisplayList, Part, Stroke};
use super::figure::{Marker, Panel, Style};
use super::font;

/// The length of a line, the space between line and text and between entries, and between lines of text.
const SAMPLE: f64 = 30.0;
const SPACE: f64 = 7.0;
const GAP: f64 = 22.0;
const LEAD: f64 = 7.0;
/// Above all rows.
const ABOVE: f64 = 6.0;

/// Names and looks of the curves, in rows that fit the figure.
pub(super) struct Legend {
    rows: Vec<Vec<Entry>>,
    size: f64,
}

struct Entry {
    label: String,
    lines: Vec<String>,
    style: Style,
    width: f64,
}

impl Legend {
    /// The legend of texts of `size`, no wider than `width`.
    pub fn new(panels: &[Panel], width: f64, size: f64) -> Legend {
        // Labels, looks, and whether there is anything to see.
        let mut entries: Vec<(&str, Style, bool)> = Vec::new();
        for (label, look, is_shown) in panels.iter().flat_map(Panel::legend) {
            let known = entries.iter_mut().find(|(known, ..)| *known == label);
            match known {
                _ if label.is_empty() => {}
                // A curve drawn as a line in one place and with markers in another shows both, and one that is thin in one
                // place and thick in another is thick; arrows only tell a direction, and small discs what was measured.
                Some((_, style, shown)) => {
                    style.line = style.line.or(look.line);
                    style.width = style.width.max(look.width);
                    let shape = |marker: &Marker| !matches!(marker, Marker::Arrow | Marker::Dot);
                    let own = style.marker.filter(shape);
                    style.marker = own.or(look.marker).or(style.marker);
                    *shown |= is_shown;
                }
                None => entries.push((label, look, is_shown)),
            }
        }
        // Areas are behind the lines.
        entries.sort_by_key(|(_, style, _)| style.marker == Some(Marker::Swatch));
        let mut rows: Vec<Vec<Entry>> = Vec::new();
        let mut used = f64::INFINITY;
        for (label, style, is_shown) in entries {
            let said = if is_shown { label.into() } else { format!("{label} (no finite value)") };
            let lines = font::wrap(&said, size, (width - SAMPLE - SPACE).max(size));
            let longest = lines.iter().map(|line| font::width(line, size)).fold(0.0, f64::max);
            let label = label.to_string();
            let entry = Entry { label, lines, style, width: SAMPLE + SPACE + longest };
            if used + GAP + entry.width > width {
                rows.push(Vec::new());
                used = -GAP;
            }
            used += GAP + entry.width;
            rows.last_mut().expect("a row has been opened").push(entry);
        }
        Legend { rows, size }
    }

    /// The height of all rows.
    pub fn height(&self) -> f64 {
        let above = if self.rows.is_empty() { 0.0 } else { ABOVE };
        above + self.rows.iter().map(|row| self.row(row)).sum::<f64>()
    }

    fn row(&self, row: &[Entry]) -> f64 {
        let lines = row.iter().map(|entry| entry.lines.len()).max().unwrap_or(1);
        LEAD + self.size * (1.0 + (lines - 1) as f64 * font::LINE)
    }

    /// Draws the rows in the middle of `width`, from `y` down.
    pub fn draw(&self, width: f64, mut y: f64, list: &mut DisplayList) {
        y += ABOVE;
        for row in &self.rows {
            let total = row.iter().map(|e| e.width).sum::<f64>() + GAP * (row.len() - 1) as f64;
            let mut x = (width - total) / 2.0;
            for Entry { label, lines, style, width } in row {
                let (middle, first) = (y + (LEAD + self.size) / 2.0, list.items.len());
                if let Some(dash) = style.line {
                    let stroke =
                        Stroke { color: style.color, width: style.width, dash: dash.lengths() };
                    list.line(vec![(x, middle), (x + SAMPLE, middle)], stroke);
                }
                list.mark((x + SAMPLE / 2.0, middle), style);
                for (i, line) in lines.iter().enumerate() {
                    let down = (0.36 + i as f64 * font::LINE) * self.size;
                    let at = (x + SAMPLE + SPACE, middle + down);
                    list.text(at, self.size, Anchor::Start, line.as_str());
                }
                list.group(Part::Legend(label.clone()), first);
                x += width + GAP;
            }
            y += self.row(row);
        }
    }
}
