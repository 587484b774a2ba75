//! Shades: one hue for what belongs together.

use super::color::Color;

/// From dark to light, as far apart as a contrast of at least 3 to 1 with white allows; the middle ones are those of Okabe and
/// Ito (2008) where they are dark enough.
const HUES: [[Color; 3]; 6] = [
    [Color(5, 40, 90), Color(0, 114, 178), Color(70, 150, 205)],
    [Color(75, 20, 0), Color(213, 94, 0), Color(228, 108, 38)],
    [Color(0, 45, 28), Color(0, 140, 100), Color(60, 155, 115)],
    [Color(65, 10, 45), Color(180, 85, 140), Color(204, 110, 160)],
    [Color(0, 0, 0), Color(85, 85, 85), Color(140, 140, 140)],
    [Color(50, 25, 5), Color(122, 72, 30), Color(165, 115, 60)],
];

impl Color {
    /// The `i`-th of `n` shades of a hue, from dark to light in steps of about the same lightness; of one, the hue itself. Hues
    /// repeat after six.
    pub fn of_shade(hue: usize, i: usize, n: usize) -> Color {
        let [dark, middle, light] = HUES[hue % HUES.len()];
        if n < 2 {
            return middle;
        }
        let [least, half, most] = [dark, middle, light].map(Color::lightness);
        let wanted = least + (most - least) * i.min(n - 1) as f64 / (n - 1) as f64;
        if wanted < half {
            dark.mixed(middle, (wanted - least) / (half - least))
        } else {
            middle.mixed(light, (wanted - half) / (most - half))
        }
    }

    /// A thin line of many, below the one that sums them up.
    pub fn pale(self) -> Color {
        self.mixed(Color::WHITE, 0.55)
    }
}
