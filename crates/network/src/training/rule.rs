//! The update rules of optimizers.

use super::corridor::Corridor;
use super::dal::{Dal, LAST_GRADIENT, LAST_THETA, Product, of_last_step};
use super::iteration::{Iteration, Untrainable};
use super::nonlinear::{NonlinearIteration, matrices};
use super::state::{State, Step};
use bea_flow::objective::{Objective, ObjectiveError};
use bea_series::optimizer;
use bea_series::series::GeneralLinearMethod;
use num_rational::BigRational;

/// Why there is no rate for each layer.
const NO_ARRAYS: &str =
    "a learning rate for each layer needs a loss that says which of its variables are one array";

/// How a step follows from the gradient `g = ∇E`.
#[derive(Clone, PartialEq, Debug)]
pub enum Rule {
    /// An optimizer of the language: gradient descent, the heavy ball, Nesterov's method and all others of the
    /// library, and one's own.
    Program(Box<Iteration>),
    /// An optimizer of the language whose step is not linear.
    Nonlinear(Box<NonlinearIteration>),
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
    /// `θ_l' = θ_l - 2/(‖(∇²E g)_l‖/‖g_l‖)^p g_l(θ)` for each array `l` of parameters.
    DalPerLayer(Dal),
    /// `θ' = θ - h(θ) g(θ)` with the corridor learning rate.
    Corridor(Corridor),
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
        self.number(step).checked_sub(1).map_or(self.first, |number| self.changes[number].1)
    }

    /// How many changes there were at step number `step`.
    pub(super) fn number(&self, step: usize) -> usize {
        self.changes.iter().take_while(|(from, _)| *from <= step).count()
    }
}

impl Rule {
    /// Training with an optimizer of the language at the learning rates `lr`.
    ///
    /// # Errors
    /// A program that one cannot train with.
    pub fn program(step: impl Into<optimizer::Step>, lr: Schedule) -> Result<Rule, Untrainable> {
        Ok(match step.into() {
            optimizer::Step::Linear(program) => {
                Rule::Program(Box::new(Iteration::new(program, lr)?))
            }
            optimizer::Step::Nonlinear(program) => {
                Rule::Nonlinear(Box::new(NonlinearIteration::new(program, lr)?))
            }
        })
    }

    /// The schedule of the learning rate; `None` where the rate depends on the loss.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Rule::Program(iteration) => Some(iteration.schedule()),
            Rule::Nonlinear(iteration) => Some(iteration.schedule()),
            Rule::Adam { lr, .. } => Some(lr),
            Rule::Dal(_)
            | Rule::DalMomentum { .. }
            | Rule::DalPerParameter(_)
            | Rule::DalPerLayer(_)
            | Rule::Corridor(_) => None,
        }
    }

    /// Whether the first gradient that a step sees is that of the parameters themselves.
    pub fn starts_at_theta(&self) -> bool {
        match self {
            Rule::Program(iteration) => iteration.starts_at_theta(),
            Rule::Nonlinear(iteration) => iteration.starts_at_theta(),
            _ => true,
        }
    }

    /// The general linear method that a step is: with a learning rate that depends on the loss, that of gradient descent or
    /// of the heavy ball with the learning rate of the step. `None` where a step does not add multiples of
    /// gradients, each with one factor for all parameters: for Adam and all that is not linear, and where parameters have factors of
    /// their own.
    pub fn method(&self) -> Option<GeneralLinearMethod> {
        match self {
            Rule::Program(iteration) => Some(iteration.program().method()),
            Rule::Dal(_) | Rule::Corridor(_) => Some(GeneralLinearMethod::euler()),
            Rule::DalMomentum { momentum, .. } => {
                let values = [("m".to_string(), BigRational::from_float(*momentum)?)];
                optimizer::find("heavy_ball").ok()?.method(&values.into()).ok()
            }
            Rule::Nonlinear(_)
            | Rule::Adam { .. }
            | Rule::DalPerParameter(_)
            | Rule::DalPerLayer(_) => None,
        }
    }

    /// Makes one step on `loss`, which may be that of a mini-batch.
    ///
    /// # Errors
    /// Those of the objective; no step was made then.
    pub fn step(&self, loss: &dyn Objective, state: &mut State) -> Result<Step, ObjectiveError> {
        let step = match self {
            Rule::Program(iteration) => iteration.step(loss, state)?,
            Rule::Nonlinear(iteration) => iteration.step(loss, state)?,
            Rule::Dal(dal) => {
                let (value, gradient) = gradient(loss, &state.theta)?;
                let product = product(dal, loss, state, &gradient)?;
                let learning_rate = dal.rate(2.0, &gradient, &product);
                if dal.product == Product::Previous {
                    remember(state, &gradient);
                }
                for (x, g) in state.theta.iter_mut().zip(&gradient) {
                    *x -= learning_rate * g;
                }
                Step { loss: value, gradient, learning_rate, product: Some(product) }
            }
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
            Rule::DalPerLayer(dal) => {
                let (value, gradient) = gradient(loss, &state.theta)?;
                let product = dal.product.of(loss, &state.theta, &gradient)?;
                let arrays = matrices(loss).map_err(|_| ObjectiveError::other(NO_ARRAYS))?;
                let entries: Vec<usize> = arrays.iter().map(|array| array.entries()).collect();
                let rates = dal.layer_rates(&entries, &gradient, &product);
                let each = rates.iter().zip(entries).flat_map(|(h, n)| std::iter::repeat_n(*h, n));
                let mut sum = 0.0;
                for ((x, g), h) in state.theta.iter_mut().zip(&gradient).zip(each) {
                    *x -= h * g;
                    sum += h;
                }
                let learning_rate = sum / gradient.len() as f64;
                Step { loss: value, gradient, learning_rate, product: Some(product) }
            }
            Rule::Corridor(corridor) => {
                let (value, gradient) = gradient(loss, &state.theta)?;
                let learning_rate = corridor.rate(value, &gradient);
                for (x, g) in state.theta.iter_mut().zip(&gradient) {
                    *x -= learning_rate * g;
                }
                Step { loss: value, gradient, learning_rate, product: None }
            }
            Rule::DalMomentum { dal, momentum } => {
                let (value, gradient) = gradient(loss, &state.theta)?;
                let product = product(dal, loss, state, &gradient)?;
                let learning_rate = dal.rate(0.5, &gradient, &product);
                let mut velocity =
                    state.buffer("v").map_or_else(|| vec![0.0; gradient.len()], <[f64]>::to_vec);
                velocity
                    .iter_mut()
                    .zip(&gradient)
                    .for_each(|(v, g)| *v = momentum * *v - learning_rate * g);
                let next = state.theta.iter().zip(&velocity).map(|(x, v)| x + v).collect();
                state.keep("v", velocity);
                if dal.product == Product::Previous {
                    remember(state, &gradient);
                }
                state.theta = next;
                Step { loss: value, gradient, learning_rate, product: Some(product) }
            }
            Rule::Adam { lr, beta1, beta2, epsilon } => {
                adam(loss, state, lr.at(state.step), (*beta1, *beta2), *epsilon)?
            }
        };
        state.step += 1;
        Ok(step)
    }
}

/// `∇²E g` as `dal` says.
fn product(
    dal: &Dal,
    loss: &dyn Objective,
    state: &State,
    gradient: &[f64],
) -> Result<Vec<f64>, ObjectiveError> {
    let last = match (dal.product, state.buffer(LAST_THETA), state.buffer(LAST_GRADIENT)) {
        (Product::Previous, Some(theta), Some(last)) => {
            of_last_step(&state.theta, gradient, theta, last)
        }
        _ => None,
    };
    last.map_or_else(|| dal.product.of(loss, &state.theta, gradient), Ok)
}

/// Keeps where a step begins and its gradient.
fn remember(state: &mut State, gradient: &[f64]) {
    state.keep(LAST_THETA, state.theta.clone());
    state.keep(LAST_GRADIENT, gradient.to_vec());
}

/// `E(θ)` and `∇E(θ)`.
pub(super) fn gradient(
    loss: &dyn Objective,
    theta: &[f64],
) -> Result<(f64, Vec<f64>), ObjectiveError> {
    let mut gradient = vec![0.0; theta.len()];
    let value = loss.value_and_gradient(theta, &mut gradient)?;
    Ok((value, gradient))
}

fn adam(
    loss: &dyn Objective,
    state: &mut State,
    h: f64,
    (beta1, beta2): (f64, f64),
    epsilon: f64,
) -> Result<Step, ObjectiveError> {
    let (value, gradient) = gradient(loss, &state.theta)?;
    let steps = (state.step + 1) as f64;
    let (bias1, bias2) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
    let (theta, [first, second]) = state.with_buffers(["m", "v"]);
    let moments = first.iter_mut().zip(second);
    for ((x, (m, v)), g) in theta.iter_mut().zip(moments).zip(&gradient) {
        *m = beta1 * *m + (1.0 - beta1) * g;
        *v = beta2 * *v + (1.0 - beta2) * g * g;
        *x -= h * (*m / bias1) / ((*v / bias2).sqrt() + epsilon);
    }
    Ok(Step { loss: value, gradient, learning_rate: h, product: None })
}
