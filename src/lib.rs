//! Backward error analysis of optimizers.

pub mod exact;
pub mod field;
mod grammar;
pub mod series;
pub mod source;
pub mod tree;
