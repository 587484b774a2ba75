#![doc = include_str!("../docs/library.md")]
#![warn(missing_docs)]

pub mod claim;
pub mod cli;
pub mod exact;
pub mod field;
mod grammar;
pub mod optimizer;
pub mod render;
pub mod series;
pub mod source;
pub mod tree;
