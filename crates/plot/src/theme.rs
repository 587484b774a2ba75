//! Where a picture is used: colours, sizes of texts, and the width that follow from it.

use super::color::Color;

/// Where a picture is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// A document or a web page, on white.
    #[default]
    Screen,
    /// A column of a paper: 3.25 inches wide, with texts of 8 points.
    Paper,
    /// A slide of 1280 by 720 pixels, with large texts and thick lines.
    Talk,
    /// A screen with a dark background.
    Dark,
}

/// The heights of texts, in units of the layout.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextSizes {
    /// Ticks and colour bars.
    pub label: f64,
    /// Titles of axes.
    pub name: f64,
    /// Titles of panels.
    pub heading: f64,
    /// The title of the figure.
    pub title: f64,
    pub legend: f64,
}

/// 8 points in CSS pixels, of which an inch has 96 and 72 points.
const EIGHT_POINTS: f64 = 8.0 * 96.0 / 72.0;

impl Theme {
    /// All of them.
    pub const ALL: [Theme; 4] = [Theme::Screen, Theme::Paper, Theme::Talk, Theme::Dark];

    /// CSS pixels for each unit of the layout.
    pub(super) fn scale(self) -> f64 {
        if self == Theme::Talk { 1.8 } else { 1.0 }
    }

    /// The width, and the height unless it follows from the width, of a picture in CSS pixels; `None` for that of its
    /// panels.
    pub(super) fn size(self) -> Option<(f64, Option<f64>)> {
        match self {
            Theme::Paper => Some((3.25 * 96.0, None)),
            Theme::Talk => Some((1280.0, Some(720.0))),
            Theme::Screen | Theme::Dark => None,
        }
    }

    pub(super) fn texts(self) -> TextSizes {
        match self {
            Theme::Paper => {
                let size = EIGHT_POINTS;
                TextSizes { label: size, name: size, heading: size, title: size, legend: size }
            }
            _ => TextSizes { label: 11.0, name: 12.5, heading: 13.0, title: 15.0, legend: 12.0 },
        }
    }

    /// The colour below everything.
    pub fn background(self) -> Color {
        self.of(Color::WHITE)
    }

    /// The colour of texts and frames.
    pub fn ink(self) -> Color {
        self.of(Color::INK)
    }

    /// What takes the place of a colour for a white background.
    pub(super) fn of(self, color: Color) -> Color {
        if self == Theme::Dark { color.on_dark() } else { color }
    }

    /// A colour for texts: mixed with that of other texts until it is legible on the background, with a contrast of 4.5 to 1.
    pub(super) fn text(self, color: Color) -> Color {
        let color = self.of(color);
        let mixed = (0..=20).map(|part| color.mixed(self.ink(), f64::from(part) / 20.0));
        let mut legible = mixed.filter(|color| color.contrast(self.background()) >= 4.5);
        legible.next().unwrap_or(self.ink())
    }
}
