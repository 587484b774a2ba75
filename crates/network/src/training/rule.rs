//! The update rules of optimizers.

use super::corridor::Corridor;
use super::dal::{Dal, DalIteration};
use super::iteration::{Iteration, Untrainable};
use super::nonlinear::{NonlinearIteration, matrices};
use super::state::{State, Step};
use bea_flow::objective::{Objective, ObjectiveError};
use bea_series::optimizer;
use bea_series::series::GeneralLinearMethod;

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
    /// Drift-adjusted learning rates of a step or of each parameter.
    Dal(Box<DalIteration>),
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
            Rule::Dal(_) | Rule::DalPerLayer(_) | Rule::Corridor(_) => None,
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
            Rule::Corridor(_) => Some(GeneralLinearMethod::euler()),
            Rule::Dal(dal) => dal.method(),
            Rule::Nonlinear(_) | Rule::DalPerLayer(_) => None,
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
            Rule::Dal(iteration) => iteration.step(loss, state)?,
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
        };
        state.step += 1;
        Ok(step)
    }
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
