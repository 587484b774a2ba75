//! Backward error analysis of optimizers.

pub mod exact;
pub mod series;
pub mod source;
pub mod tree;
