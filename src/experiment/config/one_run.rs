//! One run of a description, with everything that its numbers depend on.

use super::metric::Metric;
use super::rule::Chosen;
use bea_flow::flow::{FlowName, FlowsFrom};
use bea_network::architecture::{Architecture, ArchitectureError, Criterion, Dtype, Frame};
use bea_network::data::Dataset;
use bea_network::graph::Graph;
use bea_network::initialise::Scheme;
use bea_network::training::Rule;
use bea_network::{Mismatch, check_layout, suited, usual_criterion};
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::{Table, parse};
use std::path::PathBuf;
use std::sync::Arc;
use toml::de::DeTable;

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
    pub(super) network: NetworkSource,
    /// The examples to train on; see [`data`](bea_network::data). An operator graph has its own.
    pub data: Option<String>,
    /// The examples to test with.
    pub test: Option<String>,
    /// What is said of the loss.
    pub(super) loss: Loss,
    /// The numbers to calculate with.
    pub dtype: Dtype,
    /// Where parameters start.
    pub start: Start,
    /// Where to calculate.
    pub device: String,
    /// How steps are made.
    pub rule: Rule,
    /// The optimizer of the language that makes them, if one does.
    pub optimizer: Option<Chosen>,
    /// How many steps.
    pub steps: usize,
    /// Examples per step; all, if not given.
    pub batch: Option<usize>,
    /// What is measured, in this order.
    pub metrics: Vec<Metric>,
    /// Every how many steps.
    pub every: usize,
    /// How flows are integrated.
    pub flows: Flows,
    /// Flows that are followed from some of the iterates.
    pub follow: Option<Follow>,
    /// What the description, or the file of its network, says and is not used.
    pub notes: Vec<String>,
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
    /// Those of the operator graph.
    Own,
}

/// How flows are integrated.
#[derive(Clone, PartialEq, Debug)]
pub struct Flows {
    /// Relative tolerance of a step; chosen by the network, if not given.
    pub rtol: Option<f64>,
    /// Absolute tolerance of a step; chosen by the network, if not given.
    pub atol: Option<f64>,
    /// Fixed Euler steps instead.
    pub euler: Option<f64>,
    /// How many directions the sum of the flow `cubic` runs over.
    pub directions: Option<usize>,
    /// Where flows begin that are followed from the start, beside buffers that do not start settled.
    pub from: FlowsFrom,
}

impl Default for Flows {
    fn default() -> Flows {
        let (rtol, atol, euler, directions) = (None, None, None, None);
        Flows { rtol, atol, euler, directions, from: FlowsFrom::EffectiveStart }
    }
}

/// Flows that start from iterates of the optimizer and are integrated beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct Follow {
    /// Which iterates.
    pub from: Vec<usize>,
    /// For how many steps of the optimizer.
    pub steps: usize,
    /// Which flows.
    pub flows: Vec<FlowName>,
    /// Whether the largest eigenvalue of the Hessian is computed at every step.
    pub sharpness: bool,
}

/// What a description says of the loss, which takes the place of what the file of its network says.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Loss {
    /// What it is.
    pub criterion: Option<Criterion>,
    /// Of the labels.
    pub smoothing: Option<f64>,
    /// The factor of the penalty.
    pub l2: Option<f64>,
}

impl Loss {
    /// The loss where `own` is the one without this. Smoothing of labels says that it is cross entropy.
    pub fn over(&self, own: Criterion) -> Criterion {
        let of_own = match own {
            Criterion::CrossEntropy { smoothing } => Some(smoothing),
            _ => None,
        };
        let smoothed = |own: Criterion| match self.smoothing {
            Some(smoothing) => Criterion::CrossEntropy { smoothing },
            None => own,
        };
        match self.criterion.clone().unwrap_or_else(|| smoothed(own)) {
            Criterion::CrossEntropy { .. } => {
                let smoothing = self.smoothing.or(of_own).unwrap_or(0.0);
                Criterion::CrossEntropy { smoothing }
            }
            other => other,
        }
    }
}

/// What a network is given as.
#[derive(Clone, Debug)]
pub(super) enum NetworkSource {
    Named(String),
    File(Source),
    /// The table `network` of one of these texts.
    Table(Source),
    Graph(Arc<Graph>),
}

impl Config {
    /// The flows that metrics are about, and those that are followed.
    pub fn all_flows(&self) -> impl Iterator<Item = FlowName> {
        let measured = self.metrics.iter().filter_map(|metric| metric.flow());
        measured.chain(self.follow.iter().flat_map(|follow| follow.flows.iter().copied()))
    }

    /// The file that describes the network, if one does.
    pub fn network_file(&self) -> Option<&Source> {
        match &self.network {
            NetworkSource::File(source) => Some(source),
            NetworkSource::Named(_) | NetworkSource::Table(_) | NetworkSource::Graph(_) => None,
        }
    }

    /// What the network is called: `mlp:100`, or the file that describes it.
    pub fn network_name(&self) -> &str {
        match &self.network {
            NetworkSource::Named(name) => name,
            NetworkSource::File(source) | NetworkSource::Table(source) => &source.name,
            NetworkSource::Graph(graph) => &graph.layout().name,
        }
    }

    /// The operator graph, if the network is one.
    pub fn graph(&self) -> Option<&Graph> {
        match &self.network {
            NetworkSource::Graph(graph) => Some(graph),
            _ => None,
        }
    }

    /// The network, for examples such as those of `data`.
    ///
    /// # Errors
    /// Its description is wrong, it does not take such examples, or is an operator graph, which takes none.
    pub fn architecture(&self, data: &Dataset) -> Result<Architecture, Mismatch> {
        let (criterion, dtype) = (self.loss.over(usual_criterion(data)), self.dtype);
        let mut network = match &self.network {
            NetworkSource::Named(name) => suited(name, data, criterion, dtype)?,
            NetworkSource::Graph(graph) => {
                return Err(Mismatch::OfGraph { graph: graph.layout().name.clone() });
            }
            NetworkSource::File(source) => {
                let mut network = Architecture::parse(source)?;
                network.dtype = dtype;
                let criterion = self.loss.over(network.criterion().clone());
                network.with_criterion(criterion)?
            }
            NetworkSource::Table(source) => {
                let parsed = parse(source).map_err(ArchitectureError::from)?;
                let (name, input) = (self.name.clone(), data.shape.clone());
                let entry =
                    network_table(source, parsed.get_ref()).map_err(ArchitectureError::from)?;
                let network =
                    Architecture::within(&entry, Frame { name, criterion, dtype, input })?;
                check_layout(&network, data)?;
                network
            }
        };
        network.l2 = self.loss.l2.unwrap_or(network.l2);
        Ok(network)
    }
}

/// The table `network` of a text, which has one.
fn network_table<'a>(
    source: &'a Source,
    entries: &'a DeTable<'a>,
) -> Result<Table<'a>, SourceError> {
    let top = Table { source, entries, span: 0..0, what: "an experiment".into() };
    top.required("network", "network = \"mlp:100\"")?.table("a network")
}
