//! Shades: one hue for what belongs together.

use super::color::Color;

/// From dark to light, every one at a contrast of at least 3 to 1 with white; the middle ones are those of Okabe and Ito
/// (2008) where they are dark enough.
const HUES: [[Color; 3]; 6] = [
    [Color(5, 40, 90), Color(0, 114, 178), Color(70, 150, 205)],
    [Color(120, 35, 0), Color(213, 94, 0), Color(228, 108, 38)],
    [Color(0, 70, 45), Color(0, 140, 100), Color(60, 155, 115)],
    [Color(95, 25, 70), Color(180, 85, 140), Color(204, 110, 160)],
    [Color(0, 0, 0), Color(85, 85, 85), Color(140, 140, 140)],
    [Color(70, 40, 15), Color(122, 72, 30), Color(165, 115, 60)],
];

impl Color {
    /// The `i`-th of `n` shades of a hue, from dark to light; of one, the hue itself. Hues repeat after six.
    pub fn of_shade(hue: usize, i: usize, n: usize) -> Color {
        let [dark, middle, light] = HUES[hue % HUES.len()];
        if n < 2 {
            return middle;
        }
        let place = i.min(n - 1) as f64 / (n - 1) as f64;
        if place < 0.5 {
            dark.mixed(middle, 2.0 * place)
        } else {
            middle.mixed(light, 2.0 * place - 1.0)
        }
    }

    /// A thin line of many, below the one that sums them up.
    pub fn pale(self) -> Color {
        self.mixed(Color::WHITE, 0.55)
    }
}
