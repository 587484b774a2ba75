//! A figure laid out: ready to be written in any format.

use super::color::Color;
use super::display_list::{DisplayList, Item};
use super::theme::Theme;
use super::{font, pdf, png, svg};
use std::fmt;

/// How a figure shall look: for which use, and of which size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    /// What it is for.
    pub theme: Theme,
    /// Width and height in CSS pixels, of which an inch has 96; `None` for those of the theme, or of the panels.
    pub size: Option<(f64, f64)>,
}

/// A size that leaves a figure's panels no room beside its texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooSmall {
    /// The size that was asked for, in CSS pixels.
    pub asked: (f64, f64),
    /// A size that is enough.
    pub least: (f64, f64),
}

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((width, height), least) = (self.asked, self.least);
        write!(
            f,
            "{width:.0} by {height:.0} pixels are too small for this picture, {:.0} by {:.0} are enough",
            least.0, least.1
        )
    }
}

impl std::error::Error for TooSmall {}

/// A figure laid out: shapes and texts with their positions, from which every format is written.
pub struct Picture(pub(super) DisplayList);

impl Picture {
    /// Width and height in CSS pixels.
    pub fn size(&self) -> (f64, f64) {
        (self.0.width * self.0.scale, self.0.height * self.0.scale)
    }

    /// The width of what is between the axes of each panel over its height.
    pub fn aspect(&self) -> f64 {
        self.0.inner.0 / self.0.inner.1
    }

    /// The text of an SVG file. Its texts are in DejaVu Sans, or in what the viewer has instead.
    pub fn svg(&self) -> String {
        svg::write(&self.0, false)
    }

    /// The text of an SVG file whose texts are outlines, which look the same in every viewer but cannot be selected.
    pub fn outlined_svg(&self) -> String {
        svg::write(&self.0, true)
    }

    /// The bytes of a PNG file with `dpi` pixels for each inch of 96 CSS pixels.
    pub fn png(&self, dpi: f64) -> Vec<u8> {
        png::write(&self.0, dpi)
    }

    /// The bytes of a PDF file of one page, with the part of the font that it uses.
    pub fn pdf(&self) -> Vec<u8> {
        pdf::write(&self.0)
    }

    /// Where the texts are.
    pub fn texts(&self) -> Vec<TextBox> {
        self.0.items.iter().filter_map(|item| self.text_box(item)).collect()
    }

    fn text_box(&self, item: &Item) -> Option<TextBox> {
        let Item::Text { size, color, upright, text, .. } = item else { return None };
        let (x, y) = item.text_origin()?;
        let (bottom, top) = font::ink(text, *size);
        let width = font::width(text, *size);
        let [left, top, right, bottom] = if *upright {
            [x - top, y - width, x - bottom, y]
        } else {
            [x, y - top, x + width, y - bottom]
        };
        let [left, top, right, bottom] = [left, top, right, bottom].map(|x| x * self.0.scale);
        Some(TextBox { text: text.clone(), left, top, right, bottom, color: *color })
    }
}

/// A text of a picture and the smallest box around it, in CSS pixels from the upper left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct TextBox {
    /// What it says.
    pub text: String,
    /// The left border.
    pub left: f64,
    /// The upper border.
    pub top: f64,
    /// The right border.
    pub right: f64,
    /// The lower border.
    pub bottom: f64,
    /// Its colour.
    pub color: Color,
}
