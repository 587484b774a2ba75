//! Colours that people with colour vision deficiencies can tell apart.

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Color(pub u8, pub u8, pub u8);

impl Color {
    /// The background.
    pub const WHITE: Color = Color(255, 255, 255);
    /// Texts and frames.
    pub const INK: Color = Color(34, 34, 34);
    /// Lines of the grid.
    pub const GRID: Color = Color(228, 228, 228);
    /// Secondary curves and marks: a loss curve, a minimum.
    pub const SOFT: Color = Color(110, 116, 124);

    /// The `i`-th of several curves. After black, the colours of Okabe and Ito (2008) that are dark
    /// enough for thin lines; they repeat after eight.
    pub fn of_series(i: usize) -> Color {
        const PALETTE: [Color; 8] = [
            Color(0, 0, 0),
            Color(0, 114, 178),
            Color(213, 94, 0),
            Color(0, 158, 115),
            Color(204, 121, 167),
            Color(230, 159, 0),
            Color(86, 180, 233),
            Color(122, 72, 30),
        ];
        PALETTE[i % PALETTE.len()]
    }

    /// The colour that stands for this one on a dark page: as light on dark as this one is dark on white, and of the same hue.
    pub fn on_dark(self) -> Color {
        /// The background of dark pages.
        const PAGE: [f64; 3] = [18.0, 22.0, 27.0];
        let channels = [self.0, self.1, self.2].map(f64::from);
        let (least, greatest) =
            channels.iter().fold((255.0f64, 0.0f64), |(a, b), c| (a.min(*c), b.max(*c)));
        // The same differences between the channels, around the opposite lightness.
        let turned = channels.map(|c| least + greatest - c).map(|c| 255.0 - c);
        // Colours lose contrast on dark, so that they are lifted; white becomes the page.
        let lifted = |i: usize| {
            let part = turned[i] / 255.0;
            PAGE[i] + (255.0 - PAGE[i]) * part.powf(0.8)
        };
        let [r, g, b] = [0, 1, 2].map(|i| lifted(i).round() as u8);
        Color(r, g, b)
    }

    /// Heights from 0 (white) to 1 (slate): one hue, ordered by lightness alone, and light enough for
    /// curves on top.
    pub fn of_height(height: f64) -> Color {
        const STOPS: [Color; 4] = [
            Color(252, 253, 255),
            Color(214, 225, 239),
            Color(168, 189, 214),
            Color(112, 137, 170),
        ];
        let place = height.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
        let below = (place as usize).min(STOPS.len() - 2);
        STOPS[below].mixed(STOPS[below + 1], place - below as f64)
    }

    /// This colour with so much of another one, from 0 to 1.
    pub fn mixed(self, other: Color, part: f64) -> Color {
        let mix =
            |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
        Color(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// `#rrggbb`
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}
