//! The positions of panels, title and legend.

use super::clip::Frame;
use super::color::Color;
use super::display_list::{Anchor, DisplayList, Part};
use super::figure::{Figure, Panel};
use super::font;
use super::legend::Legend;
use super::panel::Prepared;
use super::picture::{Look, TooSmall};
use super::theme::{TextSizes, Theme};
use std::sync::LazyLock;

/// Width and height of the area between the axes of a panel: in a figure of one column, and in one of several.
const WIDE: (f64, f64) = (520.0, 350.0);
const NARROW: (f64, f64) = (330.0, 270.0);
/// The least area between the axes of a panel, in the height of a label.
const LEAST: (f64, f64) = (10.0, 6.0);
/// Around everything, and between panels.
const MARGIN: f64 = 14.0;
const GAP: f64 = 20.0;
/// How often the area between the axes is adapted to the room that their labels leave.
const ATTEMPTS: usize = 8;

static EMPTY: LazyLock<[Panel; 1]> = LazyLock::new(|| [Panel::default()]);

/// The area between the axes of a panel, of so many in a row.
pub(super) fn size(columns: usize) -> (f64, f64) {
    if columns == 1 { WIDE } else { NARROW }
}

/// All shapes and texts of a figure in their positions, for a screen, as large as its panels.
pub(super) fn natural(figure: &Figure) -> DisplayList {
    let columns = columns(figure);
    let shape = size(if figure.columns > 1 { figure.columns } else { columns });
    Arrangement::new(figure, columns, shape, Theme::Screen.texts()).draw(Theme::Screen, None)
}

/// All shapes and texts of a figure in their positions.
pub(super) fn place(figure: &Figure, look: &Look) -> Result<DisplayList, TooSmall> {
    let (theme, texts) = (look.theme, look.theme.texts());
    let wanted = look.size.map(|(width, height)| (width, Some(height))).or(theme.size());
    let Some((width, height)) = wanted else {
        let mut list = natural(figure);
        list.recolor(theme);
        return Ok(list);
    };
    let width = width / theme.scale();
    // A theme's own height is exceeded where the panels need more.
    let (asked, own) = match look.size {
        Some(_) => (height.map(|height| height / theme.scale()), None),
        None => (None, height.map(|height| height / theme.scale())),
    };
    let least = (LEAST.0 * texts.label, LEAST.1 * texts.label);
    for columns in (1..=columns(figure)).rev() {
        let fit = |height| fit(figure, columns, texts, (width, height));
        let mut arrangement = fit(asked.or(own));
        let (across, up) = arrangement.inner;
        if across < least.0 && columns > 1 {
            continue;
        }
        if asked.is_none() && up < 2.0 * least.1 {
            arrangement = fit(None);
        }
        if across < least.0 || arrangement.inner.1 < least.1 {
            let minimum = Arrangement::new(figure, columns, least, texts);
            if look.size.is_none() {
                // A theme's own width is exceeded, too.
                let usual = size(columns);
                let inner = (usual.0.min(2.0 * least.0), usual.1.min(2.0 * least.1));
                return Ok(Arrangement::new(figure, columns, inner, texts).draw(theme, None));
            }
            let needed = (minimum.width.max(width), minimum.height.max(height.unwrap_or(0.0)));
            let scaled = |length: f64| (length * theme.scale()).ceil();
            return Err(TooSmall {
                asked: look.size.unwrap_or_default(),
                least: (scaled(needed.0), scaled(needed.1)),
            });
        }
        let size = (width, asked.or(own).unwrap_or(0.0).max(arrangement.height));
        return Ok(arrangement.draw(theme, Some(size)));
    }
    unreachable!("one column is drawn or too small")
}

fn columns(figure: &Figure) -> usize {
    let count = figure.panels.len().max(1);
    if figure.columns == 0 { count } else { figure.columns.min(count) }
}

/// An arrangement of this width; without a height, panels have their usual shape.
fn fit(
    figure: &Figure,
    columns: usize,
    texts: TextSizes,
    (width, height): (f64, Option<f64>),
) -> Arrangement<'_> {
    let usual = size(columns);
    let rows = figure.panels.len().max(1).div_ceil(columns) as f64;
    let mut inner = usual;
    let mut arrangement = Arrangement::new(figure, columns, inner, texts);
    for _ in 0..ATTEMPTS {
        inner.0 += ((width - arrangement.width) / columns as f64).floor();
        match height {
            Some(height) => inner.1 += ((height - arrangement.height) / rows).floor(),
            None => inner.1 = (inner.0 * usual.1 / usual.0).round(),
        }
        inner = (inner.0.max(1.0), inner.1.max(1.0));
        if inner == arrangement.inner {
            break;
        }
        arrangement = Arrangement::new(figure, columns, inner, texts);
    }
    // Where two shapes lead to one another, the area becomes smaller until it fits.
    for _ in 0..ATTEMPTS {
        let wide = (arrangement.width - width).max(0.0);
        let high = height.map_or(0.0, |height| (arrangement.height - height).max(0.0));
        if wide + high == 0.0 || inner == (1.0, 1.0) {
            break;
        }
        inner = (inner.0 - (wide / columns as f64).ceil(), inner.1 - (high / rows).ceil());
        inner = (inner.0.max(1.0), inner.1.max(1.0));
        arrangement = Arrangement::new(figure, columns, inner, texts);
    }
    arrangement
}

/// Panels of a size, and how much room they, title and legend take.
struct Arrangement<'a> {
    panels: Vec<Prepared<'a>>,
    columns: usize,
    /// The area between the axes of each panel.
    inner: (f64, f64),
    /// Room for labels on the sides of each column, and above and below each row.
    lefts: Vec<f64>,
    rights: Vec<f64>,
    tops: Vec<f64>,
    /// What the notes of each row take of its top.
    notes: Vec<f64>,
    bottoms: Vec<f64>,
    title: Vec<String>,
    legend: Legend,
    texts: TextSizes,
    width: f64,
    height: f64,
}

impl<'a> Arrangement<'a> {
    fn new(
        figure: &'a Figure,
        columns: usize,
        inner: (f64, f64),
        texts: TextSizes,
    ) -> Arrangement<'a> {
        // A figure without panels has an empty one, which says so.
        let shown = if figure.panels.is_empty() { &EMPTY[..] } else { &figure.panels };
        // In fewer columns than the figure's, others are beside a panel and below it than those that it shares its axes with.
        let is_usual = columns == self::columns(figure);
        let prepared = |(i, panel): (usize, &'a Panel)| {
            let shares = (panel.x.shared && is_usual, panel.y.shared && i % columns > 0);
            Prepared::new(panel, inner, texts, shares)
        };
        let panels: Vec<Prepared> = shown.iter().enumerate().map(prepared).collect();
        // Panels of a column have the same width, panels of a row the same height, labels included.
        let rows = panels.len().max(1).div_ceil(columns);
        let (mut lefts, mut rights) = (vec![0.0f64; columns], vec![0.0f64; columns]);
        let (mut titles, mut notes) = (vec![0.0f64; rows], vec![0.0f64; rows]);
        let mut bottoms = vec![0.0f64; rows];
        for (i, panel) in panels.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            lefts[column] = lefts[column].max(panel.left());
            rights[column] = rights[column].max(panel.right());
            titles[row] = titles[row].max(panel.title_height());
            notes[row] = notes[row].max(panel.note_height());
            bottoms[row] = bottoms[row].max(panel.bottom());
        }
        let tops: Vec<f64> = titles.iter().zip(&notes).map(|(title, note)| title + note).collect();
        let all: f64 = (0..columns).map(|c| lefts[c] + inner.0 + rights[c]).sum();
        let width = 2.0 * MARGIN + all + GAP * (columns - 1) as f64;
        let legend = Legend::new(&figure.panels, width - 2.0 * MARGIN, texts.legend);
        let title = match figure.title.as_str() {
            "" => Vec::new(),
            title => font::balanced(title, texts.title, width - 2.0 * MARGIN),
        };
        let mut height = 2.0 * MARGIN + legend.height() + (rows - 1) as f64 * GAP / 2.0;
        height += title_height(&title, texts);
        height += (0..rows).map(|row| tops[row] + inner.1 + bottoms[row]).sum::<f64>();
        Arrangement {
            panels,
            columns,
            inner,
            lefts,
            rights,
            tops,
            notes,
            bottoms,
            title,
            legend,
            texts,
            width,
            height,
        }
    }

    /// The figure, in the middle of a picture of this size.
    fn draw(&self, theme: Theme, size: Option<(f64, f64)>) -> DisplayList {
        let (width, height) = size.unwrap_or((self.width, self.height));
        // A size that was asked for is kept, any other is of whole units.
        let whole = |length: f64| if size.is_some() { length } else { length.ceil() };
        let mut list = DisplayList {
            width: whole(width),
            height: whole(height),
            inner: self.inner,
            scale: theme.scale(),
            background: Color::WHITE,
            ink: Color::INK,
            items: Vec::new(),
            groups: Vec::new(),
            views: Vec::new(),
        };
        let mut y = MARGIN + ((height - self.height) / 2.0).max(0.0);
        for (i, line) in self.title.iter().enumerate() {
            let size = self.texts.title;
            let at = y + size + i as f64 * font::LINE * size;
            list.text((width / 2.0, at), size, Anchor::Middle, line.as_str());
        }
        y += title_height(&self.title, self.texts);
        let indent = MARGIN + ((width - self.width) / 2.0).max(0.0);
        for (row, in_row) in self.panels.chunks(self.columns).enumerate() {
            let mut x = indent;
            for (column, panel) in in_row.iter().enumerate() {
                let left = (x + self.lefts[column]).round();
                let top = (y + self.tops[row]).round();
                let (width, height) = self.inner;
                let frame = Frame { left, top, width, height };
                let first = list.items.len();
                panel.draw(frame, self.notes[row], &mut list);
                list.group(Part::Panel(list.views.len()), first);
                list.views.push(panel.view(frame));
                x += self.lefts[column] + width + self.rights[column] + GAP;
            }
            y += self.tops[row] + self.inner.1 + self.bottoms[row];
            if (row + 1) * self.columns < self.panels.len() {
                y += GAP / 2.0;
            }
        }
        self.legend.draw(width, y, &mut list);
        list.recolor(theme);
        list
    }
}

fn title_height(title: &[String], texts: TextSizes) -> f64 {
    match title.len() {
        0 => 0.0,
        lines => texts.title * (1.0 + (lines - 1) as f64 * font::LINE) + 8.0,
    }
}
