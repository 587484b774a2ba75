//! Backward error analysis of optimizers.

pub mod exact;
mod grammar;
pub mod series;
pub mod source;
pub mod tree;
