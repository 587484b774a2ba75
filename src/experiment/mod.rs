//! Experiments: runs of a description with what they leave behind, what a simulation leaves behind, and
//! the figures of the paper.

mod conduct;
pub mod config;
mod export;
pub mod figures;
pub mod folder;
mod picture;
pub mod run;

pub use conduct::{Existing, Observer, Outcome, conduct, sweep};
pub use config::{Config, Experiment, Metric, Scale};
pub use export::{csv, json};
pub use folder::Folder;
pub use picture::{Landscape, distances, losses};
pub use run::{Run, Table};
