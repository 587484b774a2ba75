//! From an optimizer's text to the program of a nonlinear step, and which optimizers need one.

mod functions;
mod kinds;
mod lower;
mod matrices;
mod numbers;
mod states;

pub(super) use kinds::place;
pub(super) use lower::program;
