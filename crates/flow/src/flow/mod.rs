//! The flows an optimizer is compared with, and their integration.

mod beginning;
mod branch;
mod dense;
mod edge;
mod follow;
mod formula;
mod gradient_flows;
mod integrate;
mod jets;
mod matrices;
mod matrix_free;
mod name;
mod problem;
mod quadratic;
mod setup;
mod simulate;
pub mod stability;
mod step;
mod trajectory;
mod truncated;
mod velocity;
mod watch;

pub use crate::curvature::Hessian;
pub use crate::objective::Objective;
pub use branch::alpha;
pub use edge::{Oscillation, Oscillations};
pub use formula::LossObjective;
pub use jets::{JetError, JetField, JetSource, StepField};
pub use matrices::MatrixFault;
pub use matrix_free::at_point::{PrincipalFlow, principal_flow};
pub use matrix_free::krylov::principal_field;
pub use name::{FlowName, MAX_ORDER};
pub use problem::{Problem, ProblemError};
pub use quadratic::quadratic;
pub use simulate::{SimulateError, initial_states, simulate, simulate_until, velocity};
pub use step::frozen::{Frozen, NotPreconditioned};
pub use step::nonlinear::NonlinearStep;
pub use step::program::{Entry, NumericStep};
pub use trajectory::{
    Beginning, Branch, Buffers, DIRECTIONS, FlowsFrom, Request, Simulation, Trajectory,
};
pub use velocity::Stop;
pub use watch::Watch;
