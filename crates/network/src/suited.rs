//! Networks that take their form from the data: the shape of the input, the number of outputs, the loss.

use super::architecture::{Architecture, ArchitectureError, Criterion, Dtype, Layer};
use super::data::{Dataset, Remark, Targets};
use super::mismatch::Mismatch;

/// The loss that the targets of `data` ask for: cross entropy of classes, mean squared error of values.
pub fn usual_criterion(data: &Dataset) -> Criterion {
    match data.targets {
        Targets::Classes { .. } => Criterion::CrossEntropy { smoothing: 0.0 },
        Targets::Values { .. } => Criterion::MeanSquaredError,
    }
}

/// The network called `spec`, as [`Architecture::find`] knows it, for the examples of `data`: with an output for each
/// class, or for each number of a target.
///
/// # Errors
/// There is no such network, it does not take such examples, or they may be meant otherwise than they are read: as
/// images with their channels last, or as labels that count from 1.
pub fn suited(
    spec: &str,
    data: &Dataset,
    criterion: Criterion,
    dtype: Dtype,
) -> Result<Architecture, Mismatch> {
    let outputs = match &data.targets {
        Targets::Classes { classes, .. } => *classes,
        Targets::Values { width, .. } => *width,
    };
    let found = Architecture::find(spec, &data.shape, outputs, criterion, dtype);
    if let Err(ArchitectureError::Spec(_)) = &found {
        return Ok(found?);
    }
    if found.as_ref().map_or(true, takes_images) {
        refuse_channels_last(data)?;
    }
    let doubt = data.remarks.iter().find(|r| matches!(r, Remark::LabelsNotFromZero { .. }));
    match doubt {
        Some(doubt) => Err(doubt.clone().into()),
        None => Ok(found?),
    }
}

/// Refuses images that seem to have their channels last, for a network that takes its input's shape from them.
///
/// # Errors
/// They do.
pub fn check_layout(network: &Architecture, data: &Dataset) -> Result<(), Mismatch> {
    if takes_images(network) { refuse_channels_last(data) } else { Ok(()) }
}

fn refuse_channels_last(data: &Dataset) -> Result<(), Mismatch> {
    let doubt = data.remarks.iter().find(|remark| matches!(remark, Remark::ChannelsLast { .. }));
    doubt.map_or(Ok(()), |doubt| Err(doubt.clone().into()))
}

/// Whether the network knows channels from height and width.
fn takes_images(network: &Architecture) -> bool {
    network.input.len() == 3 && !matches!(network.layers.first(), Some(Layer::Flatten))
}
