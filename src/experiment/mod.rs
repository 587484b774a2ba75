//! Experiments: descriptions in TOML, the runs that they describe, and what a run leaves behind.

mod conduct;
pub mod config;
pub mod folder;
mod measured;
mod outcome;
mod parquet;
pub(crate) mod plots;
mod report;
pub mod run;

pub use self::parquet::parquet;
pub use conduct::{Existing, Failure, Observer, SweepError, conduct, sweep};
pub use config::{Config, Experiment, Metric, Scale};
pub use folder::Folder;
pub use measured::Measured;
pub use outcome::Outcome;
pub use plots::{Seeds, run_figure, sweep_figure};
pub use report::{report, report_of};
pub use run::{Run, Table};
