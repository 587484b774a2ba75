//! Drift-adjusted learning rates.
//!
//! The drift of a step of gradient descent from the negative gradient flow is `h²/2 ∇²E g` (Theorem 6.1
//! of the paper). The learning rate `h_p(θ) = 2/‖∇²E ĝ‖^p`, `ĝ = g/‖g‖`, is large where the drift
//! is small (equations 18 and 19). For `p = 1` and the gradient along an eigenvector it is `2/λ`, the
//! edge of stability.

use super::iteration::Untrainable;
use super::nonlinear::{NonlinearIteration, Products};
use super::norm;
use super::rule::Schedule;
use super::state::{State, Step};
use bea_flow::objective::{Objective, ObjectiveError};
use bea_series::optimizer;
use bea_series::series::GeneralLinearMethod;
use num_rational::BigRational;

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
const LAST_THETA: &str = "last_theta";
const LAST_GRADIENT: &str = "last_gradient";
/// The buffer that the learning rates are, in the optimizers of the library.
const RATE: &str = "rate";
/// What keeps `‖∇²E g‖/‖g‖` defined where the gradient vanishes, too small to change anything elsewhere.
const TINY: f64 = 1e-300;

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
fn of_last_step(
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
    /// [`DalIteration`].
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
        let learning_rate = self.rate(&gradient, &product);
        let next = x.iter().zip(&gradient).map(|(x, g)| x - learning_rate * g).collect();
        Ok(DalStep { loss, gradient, learning_rate, next })
    }

    /// `h_p = 2/‖∇²E ĝ‖^p`, at most the cap, of the gradient `g` and `∇²E g`.
    pub fn rate(&self, gradient: &[f64], product: &[f64]) -> f64 {
        let size = norm(gradient);
        // Where the gradient vanishes there is no drift.
        if size == 0.0 {
            return self.cap;
        }
        (2.0 / (norm(product) / size).powf(self.power)).min(self.cap)
    }

    /// The learning rate of each array of parameters, `2/(‖(∇²E g)_l‖/‖g_l‖)^p`, at most the cap, where the arrays have so many entries,
    /// one after the other: the drift of an array in units of its own gradient. With one array it is [`rate`](Self::rate).
    pub fn layer_rates(&self, entries: &[usize], gradient: &[f64], product: &[f64]) -> Vec<f64> {
        let mut end = 0;
        let rate = |&length: &usize| {
            let own = end..end + length;
            end += length;
            self.rate(&gradient[own.clone()], &product[own])
        };
        entries.iter().map(rate).collect()
    }
}

/// What the learning rates of [`DalIteration`] are of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Adjusted {
    /// The step: `θ' = θ - h_p(θ) g(θ)`, equation 19 of the paper, by the library's `capped_dal`.
    Step,
    /// The step of a heavy ball, a quarter of the former: `v' = m v - g(θ)/(2 ‖∇²E ĝ‖^p)`, `θ' = θ + v'`, equation 21 of the
    /// paper, by the library's `capped_dal_heavy_ball`.
    HeavyBall {
        /// `m`.
        momentum: f64,
    },
    /// Each parameter: `θ_i' = θ_i - 2/|(∇²E g)_i|^p g_i(θ)`, the paper's Figure 45, by the library's `dal_per_parameter`.
    Parameter,
}

/// Training with drift-adjusted learning rates: an optimizer of the language whose buffer `rate` they are.
#[derive(Clone, PartialEq, Debug)]
pub struct DalIteration {
    dal: Dal,
    of: Adjusted,
    iteration: NonlinearIteration,
}

impl DalIteration {
    /// Training with `dal`.
    ///
    /// # Errors
    /// Numbers that are not finite, but for the cap.
    pub fn new(dal: Dal, of: Adjusted) -> Result<DalIteration, Untrainable> {
        // A power of 0 would leave a linear step.
        let power = if dal.power == 0.0 { TINY } else { dal.power };
        let mut values = vec![("p", power), ("cap", dal.cap.min(f64::MAX))];
        let name = match of {
            Adjusted::Parameter => "dal_per_parameter",
            Adjusted::Step => {
                values.push(("eps", TINY));
                "capped_dal"
            }
            Adjusted::HeavyBall { momentum } => {
                values.extend([("eps", TINY), ("m", momentum)]);
                "capped_dal_heavy_ball"
            }
        };
        let value = |(name, value): (&str, f64)| Ok((name.to_string(), shortest(value)?));
        let values = values.into_iter().map(value).collect::<Result<_, Untrainable>>()?;
        let optimizer = optimizer::find(name).expect("an optimizer of the library");
        let optimizer::Step::Nonlinear(program) = optimizer.step(&values).expect("all its values")
        else {
            unreachable!("learning rates are not linear in gradients")
        };
        let iteration = NonlinearIteration::new(program, Schedule::constant(1.0))?;
        Ok(DalIteration { dal, of, iteration })
    }

    /// The numbers of the learning rates.
    pub fn dal(&self) -> &Dal {
        &self.dal
    }

    /// What they are of.
    pub fn of(&self) -> Adjusted {
        self.of
    }

    /// The method that a step is with the learning rate that it takes; `None` where each parameter has its own.
    pub(super) fn method(&self) -> Option<GeneralLinearMethod> {
        match self.of {
            Adjusted::Step => Some(GeneralLinearMethod::euler()),
            Adjusted::HeavyBall { momentum } => {
                let values = [("m".to_string(), shortest(momentum).ok()?)];
                optimizer::find("heavy_ball").ok()?.method(&values.into()).ok()
            }
            Adjusted::Parameter => None,
        }
    }

    /// One step on `loss`.
    pub(super) fn step(
        &self,
        loss: &dyn Objective,
        state: &mut State,
    ) -> Result<Step, ObjectiveError> {
        let last = state.remove(LAST_THETA).zip(state.remove(LAST_GRADIENT));
        let mut products = Drift { product: self.dal.product, last, found: None };
        // Of one parameter alone the last step tells nothing.
        let takes_last = self.dal.product == Product::Previous && self.of != Adjusted::Parameter;
        let begin = takes_last.then(|| state.theta.clone());
        let made = self.iteration.step_with(loss, state, &mut products);
        let kept = match (&made, begin) {
            (Ok(step), Some(begin)) => Some((begin, step.gradient.clone())),
            // As it was.
            _ => products.last,
        };
        if let Some((theta, gradient)) = kept {
            state.keep(LAST_THETA, theta);
            state.keep(LAST_GRADIENT, gradient);
        }
        let rates = state.buffer(RATE).unwrap_or_default();
        let learning_rate = rates.iter().sum::<f64>() / rates.len() as f64;
        Ok(Step { learning_rate, product: products.found, ..made? })
    }
}

/// The shortest decimal that reads back as `x`.
fn shortest(x: f64) -> Result<BigRational, Untrainable> {
    optimizer::parse_value(&x.to_string()).map_err(|_| Untrainable::Number(x))
}

/// The product that learning rates are of, `∇f f = ∇²E g` for the field `f = -g`.
struct Drift {
    product: Product,
    /// Where the last step began, and its gradient.
    last: Option<(Vec<f64>, Vec<f64>)>,
    found: Option<Vec<f64>>,
}

impl Products for Drift {
    fn along(
        &mut self,
        loss: &dyn Objective,
        theta: &[f64],
        field: &[f64],
    ) -> Result<Vec<f64>, ObjectiveError> {
        let gradient: Vec<f64> = field.iter().map(|x| -x).collect();
        let last = self.last.as_ref();
        let found = match last.and_then(|(x, g)| of_last_step(theta, &gradient, x, g)) {
            Some(product) => product,
            None => self.product.of(loss, theta, &gradient)?,
        };
        Ok(self.found.insert(found).clone())
    }
}
