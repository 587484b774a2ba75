//! The running statistics of batch norms, which PyTorch keeps beside the parameters.

use super::error::{Fault, Helped, WeightsError};
use super::read::{elements, with_file};
use super::write::Tensor;
use crate::architecture::{Architecture, BatchNormMode, RunningStatistics};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const MEAN: &str = "running_mean";
const VARIANCE: &str = "running_var";

/// What PyTorch's batch norms keep. The number of batches is of no use to a network.
pub(super) const BUFFERS: [&str; 3] = [MEAN, VARIANCE, "num_batches_tracked"];

/// What is to be said of the running statistics of a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatisticsRemark {
    /// A file has some that no norm takes.
    #[error(
        "{}: the running statistics of {} batch norms, `{}` the first, are not used: these norms take mean and variance of \
         the examples; `mode = \"running\"` in a network file, or `running` after a name as in `resnet18:relu,running`, takes \
         the file's",
        file.display(), norms.len(), norms[0]
    )]
    Unused {
        /// The file.
        file: PathBuf,
        /// The norms, one at least.
        norms: Vec<String>,
    },
    /// A file of a vector of the form of the parameters has some.
    #[error(
        "{}: the running statistics of {} batch norms, `{}` the first, are not used: this file is read for its \
         tensors of the parameters alone",
        file.display(), norms.len(), norms[0]
    )]
    Beside {
        /// The file.
        file: PathBuf,
        /// The norms, one at least.
        norms: Vec<String>,
    },
    /// Norms take running statistics, but there is no file that has them.
    #[error(
        "{norms} batch norms of {network} take running statistics, which no file of weights gives: mean 0 and variance 1"
    )]
    Unread {
        /// The network.
        network: String,
        /// How many norms.
        norms: usize,
    },
}

/// Gives the batch norms of `network` in the mode [`BatchNormMode::Running`] the statistics `NAME.running_mean` and
/// `NAME.running_var` of a file of weights. What is not used, or missing where there is no file, is returned.
///
/// # Errors
/// The file cannot be read or is no complete safetensors file; a norm in that mode has no statistics there; they have
/// another shape, or are not finite; a variance is negative.
pub fn load_statistics(
    path: Option<&Path>,
    network: &mut Architecture,
) -> Result<Option<StatisticsRemark>, WeightsError> {
    let norms: Vec<(String, usize, bool)> = network
        .batch_norms()
        .into_iter()
        .map(|(name, channels, mode)| (name.into(), channels, *mode != BatchNormMode::Batch))
        .collect();
    let called = network.name.clone();
    let Some(path) = path.filter(|_| !norms.is_empty()) else {
        let running = norms.iter().filter(|(_, _, runs)| *runs).map(|(name, ..)| name.as_str());
        let norms = running.collect::<BTreeSet<_>>().len();
        return Ok((norms > 0).then_some(StatisticsRemark::Unread { network: called, norms }));
    };
    let (read, unused) = with_file(path, |file| {
        let missing: Vec<String> = norms
            .iter()
            .filter(|(_, _, runs)| *runs)
            .flat_map(|(name, ..)| [MEAN, VARIANCE].map(|buffer| format!("{name}.{buffer}")))
            .filter(|tensor| file.tensor(tensor).is_none())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if !missing.is_empty() {
            let help = "`mode = \"batch\"` takes the mean and the variance of the examples";
            let fault = Fault::Missing { network: called.clone(), names: missing };
            return Err(Helped::new(fault, Some(help.into())));
        }
        let (mut read, mut unused) = (Vec::new(), Vec::new());
        for (name, channels, runs) in &norms {
            let part = |buffer: &str| {
                let tensor = format!("{name}.{buffer}");
                elements(&file, &tensor, (name, &[*channels]), &called)
            };
            if *runs {
                let (mean, variance) = (part(MEAN)?, part(VARIANCE)?);
                if let Some(at) = variance.iter().position(|variance| *variance < 0.0) {
                    let (tensor, value) = (format!("{name}.{VARIANCE}"), variance[at]);
                    return Err(Helped::new(Fault::Variance { tensor, at, value }, None));
                }
                read.push(Some(RunningStatistics { mean, variance }));
            } else {
                read.push(None);
                let taken = norms.iter().any(|(other, _, runs)| *runs && other == name);
                if !taken && file.tensor(&format!("{name}.{MEAN}")).is_some() {
                    unused.push(name.clone());
                }
            }
        }
        Ok((read, unused))
    })?;
    for (mode, statistics) in network.batch_norm_modes().into_iter().zip(read) {
        if let (BatchNormMode::Running(own), Some(read)) = (mode, statistics) {
            *own = Some(read);
        }
    }
    let file = path.into();
    Ok((!unused.is_empty()).then_some(StatisticsRemark::Unused { file, norms: unused }))
}

/// What is to be said of the running statistics in a file of a vector of the form of the parameters, a direction for
/// example: they are not used.
///
/// # Errors
/// The file cannot be read or is no complete safetensors file.
pub fn unused_statistics(
    path: &Path,
    network: &Architecture,
) -> Result<Option<StatisticsRemark>, WeightsError> {
    let norms = network.batch_norms().into_iter().map(|(name, ..)| name.to_string());
    let norms: Vec<String> = with_file(path, |file| {
        Ok(norms.filter(|name| file.tensor(&format!("{name}.{MEAN}")).is_some()).collect())
    })?;
    let file = path.into();
    Ok((!norms.is_empty()).then_some(StatisticsRemark::Beside { file, norms }))
}

/// The running statistics of the norms in the mode [`BatchNormMode::Running`], as [`load_statistics`] reads them.
pub fn statistics(network: &Architecture) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    for (name, channels, mode) in network.batch_norms() {
        let BatchNormMode::Running(statistics) = mode else { continue };
        // Of a norm that others share.
        if tensors.iter().any(|known: &Tensor| known.name == format!("{name}.{MEAN}")) {
            continue;
        }
        let (mean, variance) = match statistics {
            Some(RunningStatistics { mean, variance }) => (mean.clone(), variance.clone()),
            None => (vec![0.0; channels], vec![1.0; channels]),
        };
        for (buffer, values) in [(MEAN, mean), (VARIANCE, variance)] {
            tensors.push(Tensor {
                name: format!("{name}.{buffer}"),
                shape: vec![channels],
                values,
            });
        }
    }
    tensors
}
