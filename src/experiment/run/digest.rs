//! Checksums of the files and data that a description names: a run must not be continued with other contents of
//! the same name.

use crate::experiment::config::Config;
use bea_network::NetworkLoss;
use bea_network::architecture::Architecture;
use bea_network::data::{Dataset, Targets, Values};
use bea_network::graph::{Graph, GraphError};
use bea_network::weights;
use bea_series::text::source::Source;
use sha2::{Digest, Sha256};

/// Names, as in messages, and SHA-256 sums of the files of the network and of the optimizer, the data, the
/// test data and the running statistics of batch norms.
pub(super) fn sums(
    config: &Config,
    data: Option<&Dataset>,
    test: Option<&Dataset>,
    loss: &NetworkLoss,
) -> Result<Vec<(String, String)>, GraphError> {
    let file = |what: &str, source: &Source| {
        let sum = Sha256::digest(source.text.as_bytes());
        (format!("the {what} in {}", source.name), hexadecimal(&sum))
    };
    let file_of_network = config.network_file().map(|source| file("network", source));
    let optimizer = config.optimizer.as_ref().and_then(|chosen| chosen.file.as_ref());
    let optimizer = optimizer.map(|source| file("optimizer", source));
    let of = |set: &Dataset, name: &str| (format!("the data `{name}`"), sum(set));
    let data = data.zip(config.data.as_deref()).map(|(set, name)| of(set, name));
    let graph = config.graph().map(graph).transpose()?;
    let test = test.zip(config.test.as_deref()).map(|(set, name)| of(set, name));
    let statistics = loss.architecture().and_then(statistics);
    let statistics = statistics.map(|sum| ("the file of running statistics".to_string(), sum));
    let sums = file_of_network
        .into_iter()
        .chain(optimizer)
        .chain(data)
        .chain(graph)
        .chain(test)
        .chain(statistics);
    Ok(sums.collect())
}

/// The checksum of the files of an operator graph.
pub(super) fn graph(graph: &Graph) -> Result<(String, String), GraphError> {
    let mut sum = Sha256::new();
    for bytes in graph.files()? {
        sum.update(bytes);
    }
    Ok((format!("the operator graph {}", graph.layout().name), hexadecimal(&sum.finalize())))
}

/// The checksum of the running statistics of batch norms, where norms take them.
fn statistics(network: &Architecture) -> Option<String> {
    let tensors = weights::statistics(network);
    let mut sum = Sha256::new();
    for value in tensors.iter().flat_map(|tensor| &tensor.values) {
        sum.update(value.to_le_bytes());
    }
    (!tensors.is_empty()).then(|| hexadecimal(&sum.finalize()))
}

/// The checksum of a data set: of its numbers as stored, which are fewer bytes, and of the map from them to inputs.
fn sum(set: &Dataset) -> String {
    let mut sum = Sha256::new();
    let mut sizes =
        |sizes: &[usize]| sizes.iter().for_each(|n| sum.update((*n as u64).to_le_bytes()));
    sizes(&[set.shape.len(), set.len()]);
    sizes(&set.shape);
    match set.inputs.values() {
        Values::Bytes(v) => sum.update(v),
        Values::F32(v) => v.iter().for_each(|x| sum.update(x.to_le_bytes())),
        Values::F64(v) => v.iter().for_each(|x| sum.update(x.to_le_bytes())),
    }
    for (shift, divisor) in set.inputs.scaling().map(|scaling| scaling.maps()).unwrap_or_default() {
        sum.update(shift.to_le_bytes());
        sum.update(divisor.to_le_bytes());
    }
    match &set.targets {
        Targets::Classes { labels, classes } => {
            sum.update((*classes as u64).to_le_bytes());
            labels.iter().for_each(|label| sum.update(label.to_le_bytes()));
        }
        Targets::Values { values, .. } => {
            values.iter().for_each(|x| sum.update(x.to_le_bytes()));
        }
    }
    hexadecimal(&sum.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
