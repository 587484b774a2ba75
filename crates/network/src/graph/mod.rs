//! Losses as operator graphs: how a network of PyTorch or JAX reaches bea. `docs/graph.md` describes the format.
//!
//! A graph is a list of operations on tensors that ends in the loss, with its data as constants. Each operation is
//! evaluated by those of the tape, so that values, derivatives of every order and complex parameters come from one rule.

mod composite;
mod constant;
mod criterion;
mod error;
mod examples;
mod execute;
mod format;
mod formula;
mod gather;
mod lower;
mod operation;
mod shape;
mod steps;
mod structure;
mod tangent;
mod value;
mod view;
mod windows;

pub use error::GraphError;
pub(crate) use execute::{Model, Plan};
pub(crate) use lower::{INPUTS, TARGETS};
pub(crate) use structure::{Structure, Structures};
pub(crate) use tangent::NoTangent;

use crate::architecture::{Dtype, Layout};
use crate::device::Device;
use crate::memory;
use examples::Examples;
use operation::Operation;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An operation with its arguments.
#[derive(Clone, Debug)]
struct Node {
    operation: Operation,
    /// Numbers of earlier nodes.
    args: Vec<usize>,
    /// The line of the program that made it.
    at: Option<String>,
    shape: Vec<usize>,
    /// Whether it depends on a parameter.
    varies: bool,
    /// Whether the loss depends on it.
    needed: bool,
}

/// A constant of a graph.
#[derive(Clone, Debug)]
struct Constant {
    shape: Vec<usize>,
    /// None where they are not known.
    values: Arc<Vec<f64>>,
}

impl Constant {
    /// Zeros where they are not known.
    fn values(&self) -> Vec<f64> {
        match self.values.is_empty() {
            true => vec![0.0; self.shape.iter().product()],
            false => self.values.to_vec(),
        }
    }
}

/// A loss as a graph of operations on tensors, with its data and the parameters it comes with.
#[derive(Clone, Debug)]
pub struct Graph {
    file: PathBuf,
    producer: String,
    layout: Arc<Layout>,
    initial: Arc<Vec<f64>>,
    constants: BTreeMap<String, Constant>,
    nodes: Arc<Vec<Node>>,
    loss: usize,
    /// What the loss is taken of, where that is known: the outputs, with a row for each example, and derivatives of them.
    ends: Vec<usize>,
    /// What is said of its examples.
    examples: Option<Examples>,
}

impl Graph {
    /// Reads a folder with `graph.json` and `tensors.safetensors`.
    ///
    /// # Errors
    /// What `docs/graph.md` does not allow: another version, unknown operations, arguments that are no earlier nodes,
    /// shapes that do not fit, tensors that are missing, extra, of another shape or not finite, a loss of more than one
    /// entry or of no parameter.
    pub fn open(folder: &Path) -> Result<Graph, GraphError> {
        format::read(folder)
    }

    /// Refuses constants that no evaluation would take: indices outside of the axis that they name.
    ///
    /// # Errors
    /// The node with such an index.
    pub fn check_constants(&self) -> Result<(), GraphError> {
        Structure::new(self.clone(), &[], &Device::cpu()).map(drop)
    }

    /// Writes the folder that [`open`](Self::open) reads.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), GraphError> {
        format::write(self, folder)
    }

    /// A graph from the text of `graph.json` alone, as [`open`](Self::open) does before it reads the tensors. It comes with
    /// no parameters: [`initial`](Self::initial) is empty, unless [`with_parameters`](Self::with_parameters) gives some. Its
    /// constants are zeros, also those that are indices or divisors.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) that do not concern tensors: text that is no JSON, another version, fields or
    /// attributes that are unknown, missing or of another type, two tensors of one name, no parameters, unknown operations,
    /// arguments that are no earlier nodes, shapes that do not fit or of no entries or more than 2³¹, a loss of more than
    /// one entry or of no parameter. Indices are checked where the graph is evaluated.
    pub fn parse(text: &str) -> Result<Graph, GraphError> {
        format::parse(Path::new("graph.json"), text)
    }

    /// Name, precision and parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What made it.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The same in another precision.
    pub fn with_dtype(mut self, dtype: Dtype) -> Graph {
        Arc::make_mut(&mut self.layout).dtype = dtype;
        self
    }

    /// The same with other parameters.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn with_parameters(mut self, theta: &[f64]) -> Graph {
        assert_eq!(theta.len(), self.layout.len(), "one number for each parameter");
        self.initial = Arc::new(theta.to_vec());
        self
    }

    /// The parameters that it comes with.
    pub fn initial(&self) -> &[f64] {
        &self.initial
    }

    /// Whether the Hessian of the loss is continuous, as far as the operations tell: see
    /// [`Architecture::is_smooth`](crate::architecture::Architecture::is_smooth).
    pub fn is_smooth(&self) -> bool {
        self.live().all(|node| node.operation.is_smooth())
    }

    /// What its files hold now.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn files(&self) -> Result<[Vec<u8>; 2], GraphError> {
        let read = |file: PathBuf| {
            std::fs::read(&file).map_err(|cause| {
                let (cause, help) = (cause.to_string(), None);
                GraphError::Io { file, cause, help }
            })
        };
        Ok([read(self.file.clone())?, read(self.file.with_file_name(format::TENSORS))?])
    }

    /// The nodes that are evaluated at each point.
    fn live(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.needed && node.varies)
    }

    /// Whether a path names the folder of a graph: it ends in `.bea-graph` or has a `graph.json`.
    pub fn is_at(path: &Path) -> bool {
        path.extension().is_some_and(|ending| ending == "bea-graph")
            || path.join("graph.json").is_file()
    }

    /// What may be meant otherwise: parameters that the loss does not depend on.
    pub fn remarks(&self) -> Option<String> {
        let unused = self.unused();
        let named: Vec<String> = unused.iter().take(3).map(|name| format!("`{name}`")).collect();
        let more = match unused.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!unused.is_empty())
            .then(|| format!("the loss does not depend on {}{more}", named.join(", ")))
    }

    /// Names of the parameters that the loss does not depend on, whose derivatives are zero.
    pub fn unused(&self) -> Vec<&str> {
        let used = |name: &str| {
            self.live().any(
                |node| matches!(&node.operation, Operation::Parameter { name: used } if used == name),
            )
        };
        let names = self.layout.parameters.iter().map(|parameter| parameter.name.as_str());
        names.filter(|name| !used(name)).collect()
    }

    /// The names of all operations that a graph may have, in the order of `docs/graph.md`.
    pub fn operation_names() -> &'static [&'static str] {
        &operation::NAMES
    }

    /// How many nodes there are of each operation, the most frequent first.
    pub fn operations(&self) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for node in self.nodes.iter() {
            *counts.entry(node.operation.name()).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    /// The entries of all values that are evaluated at each point.
    pub fn activations(&self) -> usize {
        let size = |node: &Node| node.shape.iter().product();
        self.live().map(size).fold(0, usize::saturating_add)
    }

    /// Whether there is memory for an evaluation.
    ///
    /// # Errors
    /// There is not.
    pub(crate) fn check_memory(&self) -> Result<(), GraphError> {
        let entries = self.memory();
        if memory::available(entries.saturating_mul(8)) {
            return Ok(());
        }
        Err(GraphError::Memory { graph: self.layout.name.clone(), entries })
    }

    /// The entries of all values and of what is made on the way to them.
    fn memory(&self) -> usize {
        let needed = self.nodes.iter().filter(|node| node.needed);
        needed.fold(0, |sum: usize, node| {
            let args: Vec<&[usize]> =
                node.args.iter().map(|arg| self.nodes[*arg].shape.as_slice()).collect();
            // What no parameter changes is a list of numbers on the way to an array, or from one to indices.
            let copies = if node.varies { 1 } else { 2 };
            let own = node.shape.iter().product::<usize>().saturating_mul(copies);
            let between = shape::between(&node.operation, &args, &node.shape);
            sum.saturating_add(own).saturating_add(between)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fixed_counts_as_memory() {
        let text = r#"{"bea_graph": 1, "dtype": "f64", "parameters": [{"name": "p", "shape": []}], "nodes": [
            {"op": "parameter", "name": "p"},
            {"op": "iota", "shape": [2147483648], "axis": 0},
            {"op": "sum", "args": [1], "axes": [0]},
            {"op": "multiply", "args": [0, 2]}], "loss": 3}"#;
        let graph = Graph::parse(text).unwrap();
        assert_eq!(graph.memory(), 1 + 2 * (1 << 31) + 2 + 1);
    }
}
