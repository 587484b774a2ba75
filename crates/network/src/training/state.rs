//! The state of an optimizer, and what a step of it was.

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
