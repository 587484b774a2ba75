//! Why a run cannot start.

use crate::experiment::config::Metric;
use bea_flow::flow::{FlowName, SimulateError};
use bea_flow::objective::ObjectiveError;
use bea_network::Mismatch;
use bea_network::architecture::ArchitectureError;
use bea_network::data::DataError;
use bea_network::device::DeviceError;
use bea_network::graph::GraphError;
use bea_network::weights::WeightsError;

/// Why a run cannot start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunError {
    /// No such data, or damaged ones.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Data(#[from] DataError),
    /// Data that are not where the description says.
    #[error("{error}")]
    #[diagnostic(help(
        "{}`--set {key}={name}` says where the data are, `bea data --help` where to get them",
        .error.help().map(|help| format!("{help}; ")).unwrap_or_default()
    ))]
    NoData {
        /// The key of the description.
        key: &'static str,
        /// How the key could be set.
        name: String,
        /// What is missing.
        error: Box<DataError>,
    },
    /// No such network.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] ArchitectureError),
    /// No such device.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
    /// The loss was not evaluated.
    #[error(transparent)]
    Objective(ObjectiveError),
    /// The network does not fit the data.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Mismatch(#[from] Mismatch),
    /// The operator graph.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] GraphError),
    /// The parameters to start from.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Weights(#[from] WeightsError),
    /// A batch that is larger than the data.
    #[error("a batch of {batch} examples, of {examples}")]
    #[diagnostic(help("leave out `batch` for all examples at every step"))]
    Batch {
        /// Its size.
        batch: usize,
        /// How many examples there are.
        examples: usize,
    },
    /// A metric that this network or this optimizer cannot give.
    #[error("there is no `{metric}` here: {reason}")]
    Metric {
        /// The metric.
        metric: Metric,
        /// Why.
        reason: String,
    },
    /// Buffers that start settled, where there is no slow manifold to be found.
    #[error(transparent)]
    #[diagnostic(help(
        "take a smaller learning rate, or let the buffers start at rest, `state v`"
    ))]
    Start(Box<SimulateError>),
    /// Flows are followed beside optimizers that have a flow.
    #[error(
        "flows are followed beside full-batch optimizers of the language only, method = \"gd\" or optimizer = \
         \"heavy_ball\" say"
    )]
    Follow,
    /// A flow that this network does not have.
    #[error("there is no flow `{flow}` to follow here: {reason}")]
    Flow {
        /// Its name.
        flow: FlowName,
        /// Why.
        reason: String,
    },
    /// An iterate beyond the end of the run.
    #[error("no flow starts `from` iterate {from} of a run of {steps} steps")]
    #[diagnostic(help("take iterates from 0 to {}, or more steps", .steps - 1))]
    FollowFrom {
        /// The iterate.
        from: usize,
        /// The steps of the run.
        steps: usize,
    },
    /// The checkpoint is of another run.
    #[error("the checkpoint is of another run: {difference}")]
    #[diagnostic(help("go on with the description in the run's folder, config.toml"))]
    OtherRun {
        /// The first line that differs.
        difference: String,
    },
    /// The run to be continued has more steps.
    #[error("the run there is one of {there} steps, which cannot be shortened to {here}")]
    #[diagnostic(help("--resume goes on to {there} steps or more: `--set train.steps={there}`"))]
    Shorter {
        /// The steps of the run there.
        there: usize,
        /// The steps of the description.
        here: usize,
    },
    /// The contents of a file or of the data have changed.
    #[error("the checkpoint is of another run: {what} has changed since")]
    #[diagnostic(help(
        "put back what was there, or begin again with --force or in another folder"
    ))]
    Changed {
        /// The file or the data.
        what: String,
    },
    /// The measurements do not fit the checkpoint.
    #[error("the measurements do not belong to the checkpoint: {0}")]
    Measurements(String),
}

impl From<ObjectiveError> for RunError {
    /// An accelerator's failure comes with its advice.
    fn from(error: ObjectiveError) -> RunError {
        match error.cause().and_then(|cause| cause.downcast_ref::<DeviceError>()) {
            Some(device) => device.clone().into(),
            None => RunError::Objective(error),
        }
    }
}
