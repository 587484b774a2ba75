//! `bea graph`: what an operator graph consists of.

use super::{note, output};
use bea_network::architecture::Dtype;
use bea_network::graph::Graph;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check and summarise the operator graph of a network from PyTorch or JAX
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(super) struct GraphOf {
    /// The folder, with graph.json and tensors.safetensors
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const HELP: &str = "\
Other commands take the folder as the network: `bea evaluate`, `bea spectrum`,
`bea flow`, and `bea run` in a description. docs/graph.md describes the format.

Example:
  bea graph model.bea-graph";

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// An object
    Json,
}

impl GraphOf {
    pub fn run(self) -> miette::Result<ExitCode> {
        let graph = Graph::open(&self.folder)?;
        graph.check_constants()?;
        note::say(graph.remarks());
        let text = match self.format {
            Format::Text => summary(&graph),
            Format::Json => format!("{:#}\n", json(&graph)),
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn dtype(graph: &Graph) -> &'static str {
    match graph.layout().dtype {
        Dtype::F32 => "f32",
        Dtype::F64 => "f64",
    }
}

fn summary(graph: &Graph) -> String {
    let layout = graph.layout();
    let mut out = format!("{}, {}", layout.name, dtype(graph));
    if !graph.producer().is_empty() {
        let _ = write!(out, ", made by {}", graph.producer());
    }
    let _ = writeln!(
        out,
        "\n{} parameters, {} numbers evaluated at each point{}\n",
        layout.len(),
        graph.activations(),
        graph
            .examples()
            .map_or_else(|_| String::new(), |n| format!(", {n} examples for mini-batches"))
    );
    let name = layout.parameters.iter().map(|p| p.name.chars().count()).max().unwrap_or(0);
    for parameter in &layout.parameters {
        let _ = writeln!(out, "{:<name$}  {:?}", parameter.name, parameter.shape);
    }
    let operations = graph.operations();
    let nodes: usize = operations.iter().map(|(_, count)| count).sum();
    let _ = writeln!(out, "\n{nodes} nodes");
    for (operation, count) in operations {
        let _ = writeln!(out, "{count:>6}  {operation}");
    }
    out
}

fn json(graph: &Graph) -> serde_json::Value {
    let layout = graph.layout();
    let parameters = layout.parameters.iter();
    let parameters: Vec<_> =
        parameters.map(|p| serde_json::json!({ "name": p.name, "shape": p.shape })).collect();
    let operations: serde_json::Map<_, _> =
        graph.operations().into_iter().map(|(name, count)| (name, count.into())).collect();
    serde_json::json!({
        "name": layout.name,
        "producer": graph.producer(),
        "dtype": dtype(graph),
        "count": layout.len(),
        "activations": graph.activations(),
        "examples": graph.examples().ok(),
        "parameters": parameters,
        "operations": operations,
    })
}
