//! The flows an optimizer is compared with, and their integration.

pub mod alpha;
mod branch;
mod cubic;
mod fixed_point;
mod formula;
mod generating;
mod gradient_flows;
mod integrate;
mod interpolated;
mod method;
mod name;
mod objective;
mod principal;
mod principal_of;
mod principal_root;
mod quadratic;
mod simulate;
mod slow_manifold;
mod spectrum;
pub mod stability;
mod trajectory;
mod truncated;
mod velocity;

pub use formula::LossObjective;
pub use integrate::{Integrator, MAX_STEPS};
pub use name::{FlowName, MAX_ORDER};
pub use objective::{Objective, Problem, ProblemError};
pub use quadratic::quadratic;
pub use simulate::{SimulateError, simulate, simulate_until};
pub use trajectory::{Branch, Request, Simulation, Trajectory};
pub use velocity::{Stop, Velocity};
