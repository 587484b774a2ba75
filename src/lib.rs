#![doc = include_str!("../docs/library.md")]
#![warn(missing_docs)]

pub mod claim;
pub mod cli;
pub mod codegen;
pub mod curvature;
pub mod exact;
pub mod experiment;
pub mod field;
mod file;
pub mod flow;
mod grammar;
pub mod loss;
pub mod network;
pub mod optimizer;
pub mod plot;
pub mod render;
pub mod series;
pub mod source;
mod table;
pub mod training;
pub mod tree;
