//! Why a graph cannot be used.

use crate::device::DeviceError;
use crate::weights::WeightsError;
use std::path::{Path, PathBuf};

/// What is wrong with an operator graph.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum GraphError {
    /// A file of the folder cannot be read or written.
    #[error("{}: {cause}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: String,
        /// What would be right.
        #[help]
        help: Option<String>,
    },
    /// The description is no JSON, or lacks what a graph has.
    #[error("{}: {cause}", file.display())]
    Description {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        cause: String,
        /// What would be right.
        #[help]
        help: Option<String>,
    },
    /// A node that cannot be evaluated.
    #[error("{}: node {node}, `{operation}`{}: {cause}", file.display(), line(at))]
    Node {
        /// The file.
        file: Box<Path>,
        /// Its number, from 0.
        node: usize,
        /// The name of its operation.
        operation: Box<str>,
        /// The line of the program that made it.
        at: Option<Box<str>>,
        /// What is wrong.
        cause: Box<str>,
        /// What would be right.
        #[help]
        help: Option<Box<str>>,
    },
    /// It is a graph of all of its examples alone.
    #[error("{graph} cannot be evaluated on some of its examples: {cause}")]
    #[diagnostic(help(
        "of a module of PyTorch, and of a function of JAX with `data`, `bea.save` finds out how it follows them"
    ))]
    Examples {
        /// The graph.
        graph: String,
        /// Why.
        cause: String,
    },
    /// It is to be evaluated at the parameters of another graph, and has others.
    #[error("{graph} has other parameters than {other}: {cause}")]
    #[diagnostic(help(
        "both are losses of one model, which `bea.save` writes on one set of data and on another"
    ))]
    Parameters {
        /// The graph.
        graph: String,
        /// The other one.
        other: String,
        /// The first difference.
        cause: String,
    },
    /// The tensors.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tensors(#[from] WeightsError),
    /// More memory than the host has.
    #[error(
        "the graph {graph} makes {entries} numbers, which need at least {:.1} GiB of memory at once, more than there is",
        *entries as f64 * 8.0 / (1u64 << 30) as f64
    )]
    Memory {
        /// The graph.
        graph: String,
        /// The entries of all tensors.
        entries: usize,
    },
    /// The device lacks the graph's numbers, or failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
}

fn line(at: &Option<Box<str>>) -> String {
    at.as_ref().map_or_else(String::new, |at| format!(" from {at}"))
}
