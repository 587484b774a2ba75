//! Experiments: runs of a description with what they leave behind, what a simulation leaves behind, and
//! the figures of the paper.

mod conduct;
pub mod config;
mod export;
pub mod figures;
pub mod folder;
mod measured;
mod parquet;
mod picture;
mod plots;
mod report;
pub mod run;

pub use self::parquet::parquet;
pub use conduct::{Existing, Failure, Observer, Outcome, SweepError, conduct, sweep};
pub use config::{Config, Experiment, Metric, Scale};
pub use export::{csv, json};
pub use folder::Folder;
pub use measured::Measured;
pub use picture::{Landscape, distances, losses};
pub use plots::{run_figure, sweep_figure};
pub use report::report;
pub use run::{Run, Table};
