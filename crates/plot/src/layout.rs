//! The positions of panels, title and legend.

use super::clip::Frame;
use super::display_list::{Anchor, DisplayList, Part};
use super::figure::Figure;
use super::legend::Legend;
use super::panel::Prepared;

/// Width and height of the area between the axes of a panel in pixels: in a figure of one column, and
/// in one of several.
const WIDE: (f64, f64) = (520.0, 350.0);
const NARROW: (f64, f64) = (330.0, 270.0);
/// Pixels around everything, and between panels; the size of the title.
const MARGIN: f64 = 14.0;
const GAP: f64 = 20.0;
const TITLE: f64 = 15.0;

/// The area between the axes of a panel, of so many in a row.
pub(super) fn size(columns: usize) -> (f64, f64) {
    if columns == 1 { WIDE } else { NARROW }
}

/// All shapes and texts of a figure in their positions.
pub(super) fn place(figure: &Figure) -> DisplayList {
    let count = figure.panels.len().max(1);
    let columns = if figure.columns == 0 { count } else { figure.columns.min(count) };
    let (width, height) = size(if figure.columns > 1 { figure.columns } else { columns });
    let panels: Vec<Prepared> =
        figure.panels.iter().map(|panel| Prepared::new(panel, width, height)).collect();

    // Panels of a column have the same width, panels of a row the same height, labels included.
    let mut lefts = vec![0.0f64; columns];
    let mut rights = vec![0.0f64; columns];
    let mut tops = vec![0.0f64; count.div_ceil(columns)];
    let mut bottoms = tops.clone();
    for (i, panel) in panels.iter().enumerate() {
        let (row, column) = (i / columns, i % columns);
        lefts[column] = lefts[column].max(panel.left());
        rights[column] = rights[column].max(panel.right());
        tops[row] = tops[row].max(panel.top());
        bottoms[row] = bottoms[row].max(panel.bottom());
    }
    let inner: f64 = (0..columns).map(|c| lefts[c] + width + rights[c]).sum();
    let total = 2.0 * MARGIN + inner + GAP * (columns - 1) as f64;
    let legend = Legend::new(&figure.panels, total - 2.0 * MARGIN);

    let mut list = DisplayList::default();
    let mut y = MARGIN;
    if !figure.title.is_empty() {
        y += TITLE;
        list.text((total / 2.0, y), TITLE, Anchor::Middle, figure.title.as_str());
        y += 8.0;
    }
    for (row, in_row) in panels.chunks(columns).enumerate() {
        let mut x = MARGIN;
        for (column, panel) in in_row.iter().enumerate() {
            let (left, top) = ((x + lefts[column]).round(), (y + tops[row]).round());
            let frame = Frame { left, top, width, height };
            let first = list.items.len();
            panel.draw(frame, &mut list);
            list.group(Part::Panel(list.views.len()), first);
            list.views.push(panel.view(frame));
            x += lefts[column] + width + rights[column] + GAP;
        }
        y += tops[row] + height + bottoms[row];
        if (row + 1) * columns < panels.len() {
            y += GAP / 2.0;
        }
    }
    y = legend.draw(total, y, &mut list);
    list.width = total.ceil();
    list.height = (y + MARGIN).ceil();
    list
}
