//! The normal form of every optimizer: a general linear method.
//!
//! With the state `s = (parameters, buffers)` and the stages `e_l = f_{c(l)}(Z_l)`, one step is
//!
//! ```text
//! Z_l = C s + D e      (the points where the vector fields are evaluated)
//! s'  = A s + B e
//! ```
//!
//! The step size does not occur: every state is scaled by a power of `h` that makes the step
//! homogeneous, and `h` is then 1. Where no such scaling exists, `h` is one of the parameters
//! ([`GeneralLinearMethod::step_parameter`]).
//!
//! Source: Butcher, *Numerical Methods for Ordinary Differential Equations*, chapter 5; Hairer,
//! Lubich, Wanner, *Geometric Numerical Integration*, section XV.2 (the underlying one-step
//! method).

use super::matrix::{self, Matrix};
use crate::exact::RationalFunction;

/// A vector field that an optimizer evaluates; the colour of a node is the index of its field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VectorField {
    /// Its name, `f`, or `fx` of a game.
    pub name: String,
    /// Index of the space (player) whose velocity it is.
    pub space: usize,
}

/// A component of the state that is carried from step to step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// Its name, `theta` or the name of a buffer.
    pub name: String,
    /// Index of the space it lives in.
    pub space: usize,
}

/// A linear combination of states and stages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Combination {
    /// One coefficient a state.
    pub states: Vec<RationalFunction>,
    /// One coefficient a stage.
    pub stages: Vec<RationalFunction>,
}

/// One evaluation of a vector field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stage {
    /// Index of the vector field.
    pub field: usize,
    /// Where it is evaluated: one point a space.
    pub arguments: Vec<Combination>,
}

/// An optimizer as a general linear method.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GeneralLinearMethod {
    /// Names of the parameters that stay symbolic; variable `i` of a coefficient is
    /// `parameters[i]`.
    pub parameters: Vec<String>,
    /// Which of the parameters is the step size `h`, if the method cannot be scaled free of it.
    pub step_parameter: Option<usize>,
    /// Names of the spaces: `theta`, or the players of a game.
    pub spaces: Vec<String>,
    /// The vector fields; several in one space are added by the method.
    pub fields: Vec<VectorField>,
    /// The states. The first one of a space is its parameter vector, whose flow is sought.
    pub states: Vec<State>,
    /// The evaluations of the vector fields.
    pub stages: Vec<Stage>,
    /// The new value of each state.
    pub update: Vec<Combination>,
}

impl GeneralLinearMethod {
    /// Gradient descent, the Euler step `θ' = θ + h f(θ)`.
    pub fn euler() -> GeneralLinearMethod {
        let (zero, one) = (RationalFunction::zero(), RationalFunction::one());
        let at_theta = Combination { states: vec![one.clone()], stages: vec![zero] };
        let step = Combination { states: vec![one.clone()], stages: vec![one] };
        GeneralLinearMethod {
            parameters: Vec::new(),
            step_parameter: None,
            spaces: vec!["theta".into()],
            fields: vec![VectorField { name: "f".into(), space: 0 }],
            states: vec![State { name: "theta".into(), space: 0 }],
            stages: vec![Stage { field: 0, arguments: vec![at_theta] }],
            update: vec![step],
        }
    }
}

impl GeneralLinearMethod {
    /// The states and the stages that the parameter vectors depend on, in this step or in a later one;
    /// the parameter vectors are the first of them.
    pub fn used(&self) -> (Vec<usize>, Vec<usize>) {
        let mut states: Vec<bool> = (0..self.states.len()).map(|i| i < self.spaces.len()).collect();
        let mut stages = vec![false; self.stages.len()];
        loop {
            let before = (states.clone(), stages.clone());
            let of_states = self.update.iter().zip(&before.0).filter(|(_, used)| **used);
            let of_stages = self.stages.iter().zip(&before.1).filter(|(_, used)| **used);
            let lines = of_states.map(|(line, _)| line);
            for line in lines.chain(of_stages.flat_map(|(stage, _)| &stage.arguments)) {
                let mark = |used: &mut [bool], coefficients: &[RationalFunction]| {
                    for (used, c) in used.iter_mut().zip(coefficients) {
                        *used |= !c.is_zero();
                    }
                };
                mark(&mut states, &line.states);
                mark(&mut stages, &line.stages);
            }
            if before == (states.clone(), stages.clone()) {
                break;
            }
        }
        let indices = |used: Vec<bool>| (0..used.len()).filter(|&i| used[i]).collect();
        (indices(states), indices(stages))
    }

    /// The method without the states and stages that the parameter vectors do not depend on: a buffer
    /// that only adds up what it is given has no slow manifold, but the parameters have theirs.
    #[must_use]
    pub fn without_idle_states(self) -> GeneralLinearMethod {
        let (states, stages) = self.used();
        if (states.len(), stages.len()) == (self.states.len(), self.stages.len()) {
            return self;
        }
        self.restricted(&states, &stages)
    }

    /// The method with these states and stages alone, on which nothing else may depend.
    pub(crate) fn restricted(self, states: &[usize], stages: &[usize]) -> GeneralLinearMethod {
        let line = |c: &Combination| Combination {
            states: states.iter().map(|&i| c.states[i].clone()).collect(),
            stages: stages.iter().map(|&l| c.stages[l].clone()).collect(),
        };
        GeneralLinearMethod {
            stages: (stages.iter().map(|&l| &self.stages[l]))
                .map(|s| Stage {
                    field: s.field,
                    arguments: s.arguments.iter().map(line).collect(),
                })
                .collect(),
            update: states.iter().map(|&i| line(&self.update[i])).collect(),
            states: states.iter().map(|&i| self.states[i].clone()).collect(),
            ..self
        }
    }

    /// The linear map `R(z) = A + z B (I - z D)⁻¹ C` of the states in one step on the linear field
    /// `f(θ) = Jθ`, `z = hJ`, where `z` is the variable with index `z` of the entries. `None` if the
    /// stages do not exist even for small `z`, or there are several spaces.
    pub fn linear_step(&self, z: usize) -> Option<Vec<Vec<RationalFunction>>> {
        if self.spaces.len() != 1 {
            return None;
        }
        let a: Matrix = self.update.iter().map(|u| u.states.clone()).collect();
        if self.stages.is_empty() {
            return Some(a);
        }
        let z = RationalFunction::variable(z);
        let times_z = |m: Matrix| -> Matrix {
            m.into_iter().map(|row| row.iter().map(|x| x * &z).collect()).collect()
        };
        let points = || self.stages.iter().map(|s| &s.arguments[0]);
        let c: Matrix = points().map(|p| p.states.clone()).collect();
        let d: Matrix = points().map(|p| p.stages.clone()).collect();
        let b: Matrix = self.update.iter().map(|u| u.stages.clone()).collect();
        let system = matrix::zip_with(&matrix::identity(d.len()), &times_z(d), |x, y| x - y);
        let stages = matrix::product(&matrix::inverse(&system)?, &c);
        let driven = matrix::product(&times_z(b), &stages);
        Some(matrix::zip_with(&a, &driven, |x, y| x + y))
    }
}

/// Why a method has no modified field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MethodError {
    /// The constant part is not preserved: a step of a zero vector field moves the parameters.
    #[error("the step is not consistent: with a vector field of zero, {name}' differs from {name}")]
    Inconsistent {
        /// The offending state.
        name: String,
    },
    /// 1 is a multiple eigenvalue of the recurrence.
    #[error(
        "there is no slow manifold: 1 is a repeated root of the recurrence of {space} (for heavy \
         ball, m = 1), so the buffers never settle on a function of the parameters"
    )]
    NoSlowManifold {
        /// Name of the space.
        space: String,
    },
    /// A point of evaluation has a constant part that differs from the parameters.
    #[error("{field} is evaluated at a point whose constant part is {found}, not {expected}")]
    Misplaced {
        /// The vector field.
        field: String,
        /// The constant part found, `2*theta` say.
        found: String,
        /// The parameter vector.
        expected: String,
    },
}
