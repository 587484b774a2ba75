//! Drift-adjusted learning rates.
//!
//! The drift of a step of gradient descent from the negative gradient flow is `h²/2 ∇²E g` (Theorem 6.1
//! of the paper). The learning rate `h_p(θ) = 2/‖∇²E ĝ‖^p`, `ĝ = g/‖g‖`, is large where the drift
//! is small (equations 18 and 19). For `p = 1` and the gradient along an eigenvector it is `2/λ`, the
//! edge of stability.

use super::norm;
use bea_flow::objective::{Objective, ObjectiveError};

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
    /// As the difference that the last step has made, for nothing: `(g - g₋) ‖g‖/‖θ - θ₋‖`, so that `‖∇²E ĝ‖` is
    /// `‖g - g₋‖/‖θ - θ₋‖`, that of the last step's direction in place of `ĝ`. Exact in the first step, and where the last one did
    /// not move. Only with full batches is it a difference of the same loss.
    Previous,
}

/// The buffers of [`Product::Previous`].
pub(super) const LAST_THETA: &str = "last_theta";
pub(super) const LAST_GRADIENT: &str = "last_gradient";

impl Product {
    /// `∇²E(θ) g`, `g = ∇E(θ)`; exactly for [`Previous`](Product::Previous), of a step that follows no other.
    ///
    /// # Errors
    /// Those of the objective.
    pub fn of(
        self,
        objective: &dyn Objective,
        theta: &[f64],
        gradient: &[f64],
    ) -> Result<Vec<f64>, ObjectiveError> {
        match self {
            Product::Exact | Product::Previous => {
                Ok(objective.hessian_vectors(theta, &[gradient])?.remove(0))
            }
            Product::Difference(epsilon) => {
                let moved: Vec<f64> =
                    theta.iter().zip(gradient).map(|(x, g)| x + epsilon * g).collect();
                let mut there = vec![0.0; theta.len()];
                objective.gradient(&moved, &mut there)?;
                Ok(there.iter().zip(gradient).map(|(a, b)| (a - b) / epsilon).collect())
            }
        }
    }
}

/// `(g - g₋) ‖g‖/‖θ - θ₋‖`, if the last step moved.
pub(super) fn of_last_step(
    theta: &[f64],
    gradient: &[f64],
    last_theta: &[f64],
    last_gradient: &[f64],
) -> Option<Vec<f64>> {
    let moved: Vec<f64> = theta.iter().zip(last_theta).map(|(x, y)| x - y).collect();
    let factor = norm(gradient) / norm(&moved);
    let change = gradient.iter().zip(last_gradient).map(|(x, y)| factor * (x - y));
    factor.is_finite().then(|| change.collect())
}

impl Default for Dal {
    /// `p = 1` with exact products and the cap of the paper's experiments.
    fn default() -> Dal {
        Dal { power: 1.0, cap: CAP, product: Product::Exact }
    }
}

/// A step of gradient descent with a drift-adjusted learning rate.
#[derive(Clone, PartialEq, Debug)]
pub struct DalStep {
    /// `E(θ)`.
    pub loss: f64,
    /// `∇E(θ)`.
    pub gradient: Vec<f64>,
    /// `h_p(θ)`.
    pub learning_rate: f64,
    /// `θ - h_p(θ) ∇E(θ)`.
    pub next: Vec<f64>,
}

impl Dal {
    /// [`Dal::default`].
    pub fn new() -> Dal {
        Dal::default()
    }

    /// One step from `θ` (equation 19). Training with it, with momentum or a factor for each parameter, is a
    /// [`Rule`](super::Rule).
    ///
    /// ```
    /// use bea_network::training::Dal;
    /// // E = 2x², whose edge of stability is at h = 2/λ = 1/2.
    /// let parabola = bea_flow::objective(1)
    ///     .gradient(|x, g| {
    ///         g[0] = 4.0 * x[0];
    ///         2.0 * x[0] * x[0]
    ///     })
    ///     .hessian_vector(|_, v, out| out[0] = 4.0 * v[0]);
    /// let step = Dal::new().step(&parabola, &[1.0])?;
    /// assert_eq!((step.learning_rate, step.next[0]), (0.5, -1.0));
    /// # Ok::<(), bea_flow::objective::ObjectiveError>(())
    /// ```
    ///
    /// # Errors
    /// Those of the objective.
    pub fn step(&self, objective: &dyn Objective, x: &[f64]) -> Result<DalStep, ObjectiveError> {
        let mut gradient = vec![0.0; x.len()];
        let loss = objective.value_and_gradient(x, &mut gradient)?;
        let product = self.product.of(objective, x, &gradient)?;
        let learning_rate = self.rate(2.0, &gradient, &product);
        let next = x.iter().zip(&gradient).map(|(x, g)| x - learning_rate * g).collect();
        Ok(DalStep { loss, gradient, learning_rate, next })
    }

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

    /// The learning rate of each array of parameters, `2/(‖(∇²E g)_l‖/‖g_l‖)^p`, at most the cap, where the arrays have so many entries,
    /// one after the other: the drift of an array in units of its own gradient. With one array it is [`rate`](Self::rate).
    pub fn layer_rates(&self, entries: &[usize], gradient: &[f64], product: &[f64]) -> Vec<f64> {
        let mut end = 0;
        let rate = |&length: &usize| {
            let own = end..end + length;
            end += length;
            self.rate(2.0, &gradient[own.clone()], &product[own])
        };
        entries.iter().map(rate).collect()
    }

    fn capped(&self, numerator: f64, drift: f64) -> f64 {
        (numerator / drift.powf(self.power)).min(self.cap)
    }
}
