//! Backward error analysis of optimizers.

pub mod exact;
mod grammar;
pub mod optimizer;
pub mod series;
pub mod source;
pub mod tree;
