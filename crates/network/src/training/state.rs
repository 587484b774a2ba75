//! The state of an optimizer, and the loss as it is evaluated.

use crate::NetworkLoss;

/// The derivatives of a loss that update rules need.
pub trait Loss {
    /// `E(θ)` and `∇E(θ)`.
    fn gradient(&self, theta: &[f64]) -> (f64, Vec<f64>);
    /// `∇²E(θ) v`.
    fn hessian_vector(&self, theta: &[f64], v: &[f64]) -> Vec<f64>;
}

impl Loss for NetworkLoss {
    fn gradient(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        NetworkLoss::gradient(self, theta)
    }

    fn hessian_vector(&self, theta: &[f64], v: &[f64]) -> Vec<f64> {
        self.contraction(theta, &[v])
    }
}

/// The state of an optimizer.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// How many steps were made.
    pub step: usize,
    /// The parameters.
    pub theta: Vec<f64>,
    /// The velocity of momentum methods, the first moment of Adam; empty for the others.
    pub velocity: Vec<f64>,
    /// The second moment of Adam; empty for the others.
    pub second: Vec<f64>,
}

impl State {
    /// Before the first step.
    pub fn new(theta: Vec<f64>) -> State {
        State { step: 0, theta, velocity: Vec::new(), second: Vec::new() }
    }
}

/// What a step has evaluated and done.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The loss where the gradient was taken.
    pub loss: f64,
    /// The gradient.
    pub gradient: Vec<f64>,
    /// What the gradient was multiplied by. Where every parameter has its own factor, their mean; for
    /// Adam, the step size.
    pub learning_rate: f64,
    /// `∇²E g` of the gradient `g`, where the method uses it.
    pub product: Option<Vec<f64>>,
}
