//! Corridor learning rates.
//!
//! In a corridor of the loss, where `∇²E g = 0`, the gradient flow runs along a straight line at constant speed, gradient descent is
//! on it whatever its learning rate, and the loss falls linearly, by `h ‖g‖²` in the time `h`. It reaches its least value after
//! `h(θ) = (E(θ) - E*)/‖g(θ)‖²`: the corridor learning rate, which is Polyak's step. Elsewhere on a convex loss a step of this size does
//! not go further from a minimum.
//!
//! Source: Dherin and Rosca (2024), *Corridor geometry in gradient-based optimization*; Polyak (1987), *Introduction to optimization*,
//! section 5.3.

use super::norm;

/// A corridor learning rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Corridor {
    /// `E*`, the least value of the loss.
    pub least: f64,
    /// The largest learning rate.
    pub cap: f64,
}

impl Default for Corridor {
    /// A loss whose least value is 0, and no cap.
    fn default() -> Corridor {
        Corridor { least: 0.0, cap: f64::INFINITY }
    }
}

impl Corridor {
    /// `(E - E*)/‖g‖²`, at most the cap; 0 where the loss is not above `E*`, or the gradient vanishes; `NaN` where one of them is.
    ///
    /// ```
    /// use bea_network::training::Corridor;
    /// // E = 2x² at x = 3: half of a step of Newton's method, which is 1/4.
    /// assert_eq!(Corridor::default().rate(18.0, &[12.0]), 0.125);
    /// ```
    pub fn rate(&self, loss: f64, gradient: &[f64]) -> f64 {
        let size = norm(gradient);
        if loss.is_nan() || size.is_nan() {
            return f64::NAN;
        }
        if size == 0.0 {
            return 0.0;
        }
        // In two divisions, since the square of a small norm may be 0.
        ((loss - self.least).max(0.0) / size / size).min(self.cap)
    }
}
