//! Drift-adjusted learning rates.
//!
//! The drift of a step of gradient descent from the negative gradient flow is `h²/2 ∇²E g` (Theorem 6.1
//! of the paper). The learning rate `h_p(θ) = 2/‖∇²E ĝ‖^p`, `ĝ = g/‖g‖`, is large where the drift
//! is small (equations 18 and 19). For `p = 1` and the gradient along an eigenvector it is `2/λ`, the
//! edge of stability.

use super::norm;
use super::state::Loss;

/// The largest learning rate of the paper's experiments (its Appendix C).
pub const CAP: f64 = 5.0;

/// A drift-adjusted learning rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dal {
    /// `p`.
    pub power: f64,
    /// The largest learning rate.
    pub cap: f64,
    /// How `∇²E g` is computed.
    pub product: Product,
}

/// How `∇²E g` is computed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Product {
    /// Exactly.
    Exact,
    /// As `(∇E(θ + εg) - ∇E(θ))/ε` with this `ε`, for the price of one more gradient: the paper's
    /// approximation (section 6.1; it prints `E` for `∇E`).
    Difference(f64),
}

impl Product {
    /// `∇²E(θ) g`, `g = ∇E(θ)`.
    pub fn of(self, loss: &impl Loss, theta: &[f64], gradient: &[f64]) -> Vec<f64> {
        match self {
            Product::Exact => loss.hessian_vector(theta, gradient),
            Product::Difference(epsilon) => {
                let moved: Vec<f64> =
                    theta.iter().zip(gradient).map(|(x, g)| x + epsilon * g).collect();
                let (_, there) = loss.gradient(&moved);
                there.iter().zip(gradient).map(|(a, b)| (a - b) / epsilon).collect()
            }
        }
    }
}

impl Dal {
    /// `numerator/‖∇²E ĝ‖^p`, at most the cap: the numerator is 2 for gradient descent and 1/2 with
    /// momentum (equation 21).
    pub fn rate(&self, numerator: f64, gradient: &[f64], product: &[f64]) -> f64 {
        let size = norm(gradient);
        // Where the gradient vanishes there is no drift.
        if size == 0.0 {
            return self.cap;
        }
        self.capped(numerator, norm(product) / size)
    }

    /// The learning rate of each parameter, `2/|(∇²E g)_i|^p`, at most the cap.
    pub fn rates(&self, product: &[f64]) -> Vec<f64> {
        product.iter().map(|x| self.capped(2.0, x.abs())).collect()
    }

    fn capped(&self, numerator: f64, drift: f64) -> f64 {
        (numerator / drift.powf(self.power)).min(self.cap)
    }
}
