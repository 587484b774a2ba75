//! Training: update rules of optimizers on a network's loss, and the state that a checkpoint keeps.
//!
//! A [`Rule`] makes a [`Step`] from a [`State`] on an [`Objective`](bea_flow::objective::Objective).
//! [`Batches`] says which examples a step takes. Everything is deterministic: the same start, rule and batches give the same numbers, and a
//! run that continues from a [`Checkpoint`] equals one that was never interrupted, bit for bit.
//!
//! ```
//! use bea_network::training::{Rule, Schedule, State};
//!
//! // E = 2x²
//! let parabola = bea_flow::objective(1).gradient(|x, g| {
//!     g[0] = 4.0 * x[0];
//!     2.0 * x[0] * x[0]
//! });
//! let descent = bea_series::optimizer::find("gradient_descent")?.program(&Default::default())?;
//! let rule = Rule::program(descent, Schedule::constant(0.1))?;
//! let mut state = State::new(vec![1.0]);
//! let step = rule.step(&parabola, &mut state)?;
//! assert_eq!((step.loss, state.theta[0], state.step), (2.0, 0.6, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batches;
mod checkpoint;
mod corridor;
mod dal;
mod iteration;
mod nonlinear;
mod rule;
mod state;

pub use batches::Batches;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use corridor::Corridor;
pub use dal::{Adjusted, CAP, Dal, DalIteration, DalStep, Product};
pub use iteration::{Iteration, Untrainable};
pub use nonlinear::NonlinearIteration;
pub use rule::{Rule, Schedule};
pub use state::{State, Step};

/// `(Σ_i x_i²)^(1/2)`
pub fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
