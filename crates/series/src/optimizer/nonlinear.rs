//! From an optimizer's text to the program of a nonlinear step, and which optimizers need one.

mod kinds;
mod lower;
mod numbers;

pub(super) use kinds::place;
pub(super) use lower::program;
