//! The flows an optimizer is compared with, and their integration.

mod name;
mod trajectory;

pub use name::{FlowName, MAX_ORDER};
pub use trajectory::{Branch, Request, Simulation, Trajectory};
