//! Experiments: what a simulation leaves behind, and the figures of the paper.

mod export;
pub mod figures;
mod picture;

pub use export::{csv, json};
pub use picture::{Landscape, distances, losses};
