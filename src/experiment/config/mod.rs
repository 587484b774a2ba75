//! What an experiment is: a TOML text, and the runs that it describes.
//!
//! ```
//! use bea::experiment::{Experiment, Scale};
//! use bea::source::Source;
//! let text = r#"
//! network = "mlp:10,10,elu"
//! data = "iris"
//! dtype = "f64"
//! [train]
//! method = "gd"
//! lr = 0.1
//! steps = 20
//! [measure]
//! metrics = ["loss", "lambda:1"]
//! [grid]
//! seed = [0, 1, 2]
//! "#;
//! let experiment = Experiment::parse(Source::new("iris.toml", text), Scale::Small, &[])?;
//! let runs = experiment.runs()?;
//! assert_eq!(runs.len(), 3);
//! assert_eq!((runs[2].label.as_str(), runs[2].seed), ("seed=2", 2));
//! # Ok::<(), bea::source::SourceError>(())
//! ```

mod description;
mod grid;
pub mod keys;
mod layers;
mod metric;
mod network_file;
mod one_run;
mod read;
mod resolved;
mod rule;
mod unread;
mod unused;

pub use description::{Experiment, Scale};
pub use metric::Metric;
pub use one_run::{Config, Flows, Follow, Start};
pub(super) use resolved::without_steps;
pub use rule::{Chosen, Method, methods};
