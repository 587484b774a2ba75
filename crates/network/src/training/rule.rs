//! The update rules of optimizers.

use super::dal::Dal;
use super::state::{State, Step};
use bea_flow::objective::{Objective, ObjectiveError};

/// How a step follows from the gradient `g = ∇E`.
#[derive(Clone, PartialEq, Debug)]
pub enum Rule {
    /// `θ' = θ - h g(θ)`.
    GradientDescent {
        /// `h`.
        lr: Schedule,
    },
    /// `v' = m v - h g(θ)`, `θ' = θ + v'` (Polyak 1964).
    HeavyBall {
        /// `h`.
        lr: Schedule,
        /// `m`.
        momentum: f64,
    },
    /// `v' = m v - h g(θ + m v)`, `θ' = θ + v'` (Nesterov 1983, as Sutskever et al. 2013 write it).
    Nesterov {
        /// `h`.
        lr: Schedule,
        /// `m`.
        momentum: f64,
    },
    /// Kingma and Ba (2015), with the corrections of the bias of both moments.
    Adam {
        /// `h`.
        lr: Schedule,
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// What is added to the root of the second moment.
        epsilon: f64,
    },
    /// `θ' = θ - h_p(θ) g(θ)`: equation 19 of the paper.
    Dal(Dal),
    /// `v' = m v - g(θ)/(2 ‖∇²E ĝ‖^p)`, `θ' = θ + v'`: equation 21 of the paper.
    DalMomentum {
        /// The factor of the gradient, a quarter of DAL's.
        dal: Dal,
        /// `m`.
        momentum: f64,
    },
    /// `θ_i' = θ_i - 2/|(∇²E g)_i|^p g_i(θ)`: the paper's Figure 45.
    DalPerParameter(Dal),
}

/// A learning rate that changes at given steps.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    /// The learning rate of the first step.
    pub first: f64,
    /// The steps from which on the learning rate is another one, in ascending order.
    pub changes: Vec<(usize, f64)>,
}

impl Schedule {
    /// The same at all steps.
    pub fn constant(first: f64) -> Schedule {
        Schedule { first, changes: Vec::new() }
    }

    /// The learning rate of step number `step`, from 0.
    pub fn at(&self, step: usize) -> f64 {
        let last = self.changes.iter().rev().find(|(from, _)| *from <= step);
        last.map_or(self.first, |(_, lr)| *lr)
    }
}

impl Rule {
    /// The schedule of the learning rate; `None` where the rate depends on the loss.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Rule::GradientDescent { lr }
            | Rule::HeavyBall { lr, .. }
            | Rule::Nesterov { lr, .. }
            | Rule::Adam { lr, .. } => Some(lr),
            Rule::Dal(_) | Rule::DalMomentum { .. } | Rule::DalPerParameter(_) => None,
        }
    }

    /// Whether its steps add multiples of gradients, with one factor for all parameters. This is false for Adam and where
    /// every parameter has its own factor.
    pub fn is_descent(&self) -> bool {
        !matches!(self, Rule::Adam { .. } | Rule::DalPerParameter(_))
    }

    /// Makes one step on `loss`, which may be that of a mini-batch.
    ///
    /// # Errors
    /// Those of the objective; no step was made then.
    pub fn step(&self, loss: &dyn Objective, state: &mut State) -> Result<Step, ObjectiveError> {
        let step = match self {
            Rule::GradientDescent { lr } => {
                let h = lr.at(state.step);
                plain(loss, state, |_, _| Ok((h, None)))?
            }
            Rule::Dal(dal) => plain(loss, state, |theta, g| {
                let product = dal.product.of(loss, theta, g)?;
                Ok((dal.rate(2.0, g, &product), Some(product)))
            })?,
            Rule::DalPerParameter(dal) => {
                let (value, gradient) = gradient(loss, &state.theta)?;
                let product = dal.product.of(loss, &state.theta, &gradient)?;
                let rates = dal.rates(&product);
                for ((x, g), h) in state.theta.iter_mut().zip(&gradient).zip(&rates) {
                    *x -= h * g;
                }
                let learning_rate = rates.iter().sum::<f64>() / rates.len() as f64;
                Step { loss: value, gradient, learning_rate, product: Some(product) }
            }
            Rule::HeavyBall { lr, momentum } => {
                let h = lr.at(state.step);
                heavy_ball(loss, state, *momentum, |_, _| Ok((h, None)))?
            }
            Rule::DalMomentum { dal, momentum } => {
                heavy_ball(loss, state, *momentum, |theta, g| {
                    let product = dal.product.of(loss, theta, g)?;
                    Ok((dal.rate(0.5, g, &product), Some(product)))
                })?
            }
            Rule::Nesterov { lr, momentum } => nesterov(loss, state, *momentum, lr.at(state.step))?,
            Rule::Adam { lr, beta1, beta2, epsilon } => {
                adam(loss, state, lr.at(state.step), (*beta1, *beta2), *epsilon)?
            }
        };
        state.step += 1;
        Ok(step)
    }
}

/// The factor of the gradient, with the Hessian-vector product that it was computed from.
type Rate = Result<(f64, Option<Vec<f64>>), ObjectiveError>;

/// `E(θ)` and `∇E(θ)`.
fn gradient(loss: &dyn Objective, theta: &[f64]) -> Result<(f64, Vec<f64>), ObjectiveError> {
    let mut gradient = vec![0.0; theta.len()];
    let value = loss.value_and_gradient(theta, &mut gradient)?;
    Ok((value, gradient))
}

fn plain(
    loss: &dyn Objective,
    state: &mut State,
    rate: impl Fn(&[f64], &[f64]) -> Rate,
) -> Result<Step, ObjectiveError> {
    let (value, gradient) = gradient(loss, &state.theta)?;
    let (learning_rate, product) = rate(&state.theta, &gradient)?;
    for (x, g) in state.theta.iter_mut().zip(&gradient) {
        *x -= learning_rate * g;
    }
    Ok(Step { loss: value, gradient, learning_rate, product })
}

fn heavy_ball(
    loss: &dyn Objective,
    state: &mut State,
    momentum: f64,
    rate: impl Fn(&[f64], &[f64]) -> Rate,
) -> Result<Step, ObjectiveError> {
    let (value, gradient) = gradient(loss, &state.theta)?;
    let (learning_rate, product) = rate(&state.theta, &gradient)?;
    state.velocity.resize(state.theta.len(), 0.0);
    for ((x, v), g) in state.theta.iter_mut().zip(&mut state.velocity).zip(&gradient) {
        *v = momentum * *v - learning_rate * g;
        *x += *v;
    }
    Ok(Step { loss: value, gradient, learning_rate, product })
}

fn nesterov(
    loss: &dyn Objective,
    state: &mut State,
    momentum: f64,
    h: f64,
) -> Result<Step, ObjectiveError> {
    state.velocity.resize(state.theta.len(), 0.0);
    let ahead = state.theta.iter().zip(&state.velocity);
    let ahead: Vec<f64> = ahead.map(|(x, v)| x + momentum * v).collect();
    let (value, gradient) = gradient(loss, &ahead)?;
    for ((x, v), g) in state.theta.iter_mut().zip(&mut state.velocity).zip(&gradient) {
        *v = momentum * *v - h * g;
        *x += *v;
    }
    Ok(Step { loss: value, gradient, learning_rate: h, product: None })
}

fn adam(
    loss: &dyn Objective,
    state: &mut State,
    h: f64,
    (beta1, beta2): (f64, f64),
    epsilon: f64,
) -> Result<Step, ObjectiveError> {
    let (value, gradient) = gradient(loss, &state.theta)?;
    state.velocity.resize(state.theta.len(), 0.0);
    state.second.resize(state.theta.len(), 0.0);
    let steps = (state.step + 1) as f64;
    let (bias1, bias2) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
    let moments = state.velocity.iter_mut().zip(&mut state.second);
    for ((x, (m, v)), g) in state.theta.iter_mut().zip(moments).zip(&gradient) {
        *m = beta1 * *m + (1.0 - beta1) * g;
        *v = beta2 * *v + (1.0 - beta2) * g * g;
        *x -= h * (*m / bias1) / ((*v / bias2).sqrt() + epsilon);
    }
    Ok(Step { loss: value, gradient, learning_rate: h, product: None })
}
