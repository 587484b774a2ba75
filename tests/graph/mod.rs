//! The graphs of `operations.json`, which `record.py` writes, as folders.
#![allow(dead_code, reason = "each of the tests uses a part")]

use bea::network::NetworkLoss;
use bea::network::architecture::Dtype;
use bea::network::device::Device;
use bea::network::graph::{Graph, GraphError};
use bea::network::weights::{self, Tensor};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A graph, and what JAX makes of it.
#[derive(Clone, Deserialize)]
pub struct Case {
    pub name: String,
    pub graph: Value,
    pub constants: BTreeMap<String, Vec<f64>>,
    pub theta: Vec<f64>,
    pub directions: Vec<Vec<f64>>,
    pub real: Expected,
    pub complex: Option<Expected>,
}

/// The loss, its gradient, and contractions of its derivatives with the first direction, the first two, and all; real and
/// imaginary parts in turn if complex.
#[derive(Clone, Deserialize)]
pub struct Expected {
    pub loss: Vec<f64>,
    pub gradient: Vec<f64>,
    pub hvp: Vec<f64>,
    pub third: Vec<f64>,
    pub fourth: Vec<f64>,
}

pub fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string("tests/graph/operations.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Case {
    /// Writes the folder.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("graph.json"), self.graph.to_string()).unwrap();
        let shapes = |key: &str| -> Vec<(String, Vec<usize>)> {
            let declared = self.graph[key].as_array().unwrap().iter();
            declared
                .map(|d| {
                    let shape = serde_json::from_value(d["shape"].clone()).unwrap();
                    (d["name"].as_str().unwrap().to_string(), shape)
                })
                .collect()
        };
        let mut rest = &self.theta[..];
        let mut tensors = Vec::new();
        for (name, shape) in shapes("parameters") {
            let (values, after) = rest.split_at(shape.iter().product());
            rest = after;
            tensors.push(Tensor { name, shape, values: values.to_vec() });
        }
        for (name, shape) in shapes("constants") {
            let values = self.constants[&name].clone();
            tensors.push(Tensor { name: format!("constant.{name}"), shape, values });
        }
        weights::save(&folder.join("tensors.safetensors"), &tensors, Dtype::F64).unwrap();
    }

    pub fn open(&self) -> Result<Graph, GraphError> {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        Graph::open(folder.path())
    }

    pub fn loss(&self) -> NetworkLoss {
        NetworkLoss::of_graph(self.open().unwrap(), &Device::cpu()).unwrap()
    }
}
