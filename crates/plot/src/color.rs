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

    /// How many colours of curves there are.
    pub(super) const SERIES: usize = 8;

    /// The `i`-th of several curves: black, and colours after Okabe and Ito (2008), but violet for yellow, since thin
    /// lines need a contrast of 3 to 1 to be seen on white; they repeat after eight.
    pub fn of_series(i: usize) -> Color {
        const PALETTE: [Color; Color::SERIES] = [
            Color(0, 0, 0),
            Color(0, 114, 178),
            Color(213, 94, 0),
            Color(0, 158, 115),
            Color(204, 121, 167),
            Color(120, 50, 200),
            Color(50, 155, 210),
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

    /// The luminance relative to that of white (WCAG 2.2), from 0 to 1.
    pub fn luminance(self) -> f64 {
        let linear = |part: u8| match f64::from(part) / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The lightness `L*` of CIELAB, from 0 to 100: equal differences look alike.
    pub(super) fn lightness(self) -> f64 {
        let luminance = self.luminance();
        if luminance > 0.008856 { 116.0 * luminance.cbrt() - 16.0 } else { 903.3 * luminance }
    }

    /// The contrast of two colours, `(L + 0.05)/(l + 0.05)` with the larger luminance `L` and the smaller one `l` (WCAG
    /// 2.2): from 1 to 21.
    pub fn contrast(self, other: Color) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Style;
    use crate::theme::Theme;

    /// Lightness, and the two axes of hue, of CIELAB for a linear colour.
    fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let x = 0.4124 * r + 0.3576 * g + 0.1805 * b;
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let z = 0.0193 * r + 0.1192 * g + 0.9505 * b;
        let f = |t: f64| if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let (x, y, z) = (f(x / 0.9505), f(y), f(z / 1.089));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn linear(color: Color) -> [f64; 3] {
        let part = |part: u8| Color(part, part, part).luminance();
        [part(color.0), part(color.1), part(color.2)]
    }

    /// What people without one kind of cones see (Machado, Oliveira and Fernandes 2009, severity 1).
    const PROTAN: [[f64; 3]; 3] = [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ];
    const DEUTAN: [[f64; 3]; 3] = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ];
    const TRITAN: [[f64; 3]; 3] = [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ];

    fn seen(matrix: &[[f64; 3]; 3], color: Color) -> [f64; 3] {
        let c = linear(color);
        lab(matrix.map(|row| (row[0] * c[0] + row[1] * c[1] + row[2] * c[2]).clamp(0.0, 1.0)))
    }

    fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn lines_are_seen_on_every_background() {
        for theme in Theme::ALL {
            for color in (0..Color::SERIES).map(Color::of_series).chain([Color::SOFT]) {
                let contrast = theme.of(color).contrast(theme.background());
                assert!(contrast >= 3.0, "{theme:?} {color:?}: {contrast:.2}");
                let contrast = theme.text(color).contrast(theme.background());
                assert!(contrast >= 4.5, "{theme:?} {color:?} as a text: {contrast:.2}");
            }
        }
    }

    /// All pairs differ for everybody, and what is alike in grey differs in dashes or in its marker.
    #[test]
    fn curves_differ_for_everybody_and_in_grey() {
        for theme in Theme::ALL {
            for i in 0..Color::SERIES {
                for j in 0..i {
                    let [a, b] = [i, j].map(|i| theme.of(Color::of_series(i)));
                    for (kind, matrix) in
                        [("protan", PROTAN), ("deutan", DEUTAN), ("tritan", TRITAN)]
                    {
                        let apart = apart(seen(&matrix, a), seen(&matrix, b));
                        assert!(apart > 9.0, "{theme:?} {kind}: {i} {j} {apart:.1}");
                    }
                    let [light, dark] = [a, b].map(|c| lab([c.luminance(); 3])[0]);
                    let (a, b) = (Style::of_series(i), Style::of_series(j));
                    let differ = a.line != b.line || a.marker != b.marker;
                    assert!((light - dark).abs() > 5.0 || differ, "{theme:?}: {i} {j} in grey");
                }
            }
        }
    }

    /// Heights of contours are told apart by lightness alone.
    #[test]
    fn heights_are_ordered_by_lightness() {
        for theme in Theme::ALL {
            let heights = (0..=12).map(|i| theme.of(Color::of_height(f64::from(i) / 12.0)));
            let light: Vec<f64> = heights.map(|c| lab(linear(c))[0]).collect();
            for pair in light.windows(2) {
                assert!((pair[1] - pair[0]).abs() > 1.0, "{theme:?} {light:?}");
                assert_eq!(pair[1] > pair[0], light[12] > light[0], "{theme:?} {light:?}");
            }
        }
    }
}
