//! From an optimizer's text to the program of a nonlinear step, and which optimizers need one.

mod arithmetic;
mod functions;
mod kinds;
mod lines;
mod lower;
mod matrices;
mod names;
mod numbers;
mod states;

pub(super) use kinds::place;
pub(super) use lower::program;
