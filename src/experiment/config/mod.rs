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

mod grid;
mod layers;
mod metric;
mod read;
mod resolved;
mod rule;

pub use metric::Metric;

use bea_flow::flow::FlowName;
use bea_network::architecture::{Architecture, ArchitectureError, Dtype, Frame, Objective};
use bea_network::data::{Dataset, Targets};
use bea_network::initialise::Scheme;
use bea_network::training::Rule;
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::parse;
use std::path::PathBuf;

/// Which of the two sizes of an experiment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scale {
    /// As the description says: minutes on two cores.
    #[default]
    Small,
    /// With what the table `[paper]` says instead: the paper's own size.
    Paper,
}

/// A description of runs: a text, and what is set on top of it.
#[derive(Clone, Debug)]
pub struct Experiment {
    source: Source,
    scale: Scale,
    /// Each a TOML text that overrides what the others say, the first before the second.
    set: Vec<Source>,
}

/// One run: everything that its numbers depend on.
#[derive(Clone, Debug)]
pub struct Config {
    /// What distinguishes it from the other runs of the same description; empty if it is the only one.
    pub label: String,
    /// The name of the experiment.
    pub name: String,
    /// Of the parameters at the start, and of the order of mini-batches.
    pub seed: u64,
    /// A name of the library, or a file.
    network: Network,
    /// The examples to train on; see [`data`](bea_network::data).
    pub data: String,
    /// The examples to test with.
    pub test: Option<String>,
    /// The loss; what fits the data, if not said.
    objective: Option<Objective>,
    /// The numbers to calculate with.
    pub dtype: Dtype,
    /// Where parameters start.
    pub start: Start,
    /// Where to calculate.
    pub device: String,
    /// The optimizer.
    pub rule: Rule,
    /// How many steps.
    pub steps: usize,
    /// Examples a step; all, if not said.
    pub batch: Option<usize>,
    /// What is measured, in this order.
    pub metrics: Vec<Metric>,
    /// Every how many steps.
    pub every: usize,
    /// How flows are integrated.
    pub flows: Flows,
    /// Flows that are followed from some of the iterates.
    pub follow: Option<Follow>,
    /// All of it as a TOML text, which describes this run alone.
    pub resolved: String,
}

/// The parameters before the first step.
#[derive(Clone, PartialEq, Debug)]
pub enum Start {
    /// Drawn.
    Scheme(Scheme),
    /// Read from a safetensors file.
    Weights(PathBuf),
}

/// How flows are integrated.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Flows {
    /// Relative tolerance of a step; what suits the network, if not said.
    pub rtol: Option<f64>,
    /// Absolute tolerance of a step; what suits the network, if not said.
    pub atol: Option<f64>,
    /// Fixed Euler steps instead.
    pub euler: Option<f64>,
    /// How many directions the sum of the flow `cubic` runs over.
    pub directions: Option<usize>,
}

/// Flows that start from iterates of the optimizer and go beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct Follow {
    /// Which iterates.
    pub from: Vec<usize>,
    /// For how many steps of the optimizer.
    pub steps: usize,
    /// Which flows.
    pub flows: Vec<FlowName>,
    /// Whether the largest eigenvalue of the Hessian is computed along the way.
    pub sharpness: bool,
}

/// What a network is given as.
#[derive(Clone, Debug)]
enum Network {
    Named(String),
    File(Source),
    /// The table `network` of one of these texts.
    Table(Source),
}

impl Config {
    /// The file that describes the network, if one does.
    pub fn network_file(&self) -> Option<&Source> {
        match &self.network {
            Network::File(source) => Some(source),
            Network::Named(_) | Network::Table(_) => None,
        }
    }

    /// What the network is called: `mlp:100`, or the file that describes it.
    pub fn network_name(&self) -> &str {
        match &self.network {
            Network::Named(name) => name,
            Network::File(source) | Network::Table(source) => &source.name,
        }
    }
}

impl Experiment {
    /// Reads a description. Every text of `set` overrides keys of it: `train.lr = 0.1`.
    ///
    /// # Errors
    /// A text is not TOML. What it says is checked by [`runs`](Self::runs).
    pub fn parse(source: Source, scale: Scale, set: &[Source]) -> Result<Experiment, SourceError> {
        for text in std::iter::once(&source).chain(set) {
            parse(text)?;
        }
        Ok(Experiment { source, scale, set: set.to_vec() })
    }
}

impl Config {
    /// The network, for examples such as those of `data`.
    ///
    /// # Errors
    /// Its description is wrong, or it does not take such examples.
    pub fn architecture(&self, data: &Dataset) -> Result<Architecture, ArchitectureError> {
        let (outputs, usual) = match &data.targets {
            Targets::Classes { classes, .. } => {
                (*classes, Objective::CrossEntropy { smoothing: 0.0 })
            }
            Targets::Values { width, .. } => (*width, Objective::MeanSquaredError),
        };
        let (objective, dtype) = (self.objective.unwrap_or(usual), self.dtype);
        match &self.network {
            Network::Named(name) => {
                Architecture::find(name, &data.shape, outputs, objective, dtype)
            }
            Network::File(source) => {
                let mut network = Architecture::parse(source)?;
                network.dtype = dtype;
                if let Some(objective) = self.objective {
                    network.objective = objective;
                }
                Ok(network)
            }
            Network::Table(source) => {
                let parsed = parse(source)?;
                let (name, input) = (self.name.clone(), data.shape.clone());
                let entry = read::network(source, parsed.get_ref())?;
                Architecture::within(&entry, Frame { name, objective, dtype, input })
            }
        }
    }
}
