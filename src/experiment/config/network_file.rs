//! What the file of a network says, beside the description that names it.

use super::layers::Layers;
use super::one_run::Loss;
use bea_network::architecture::{Architecture, ArchitectureError, Criterion, Dtype};
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::parse;

/// The numbers of the network in the file `source`, for a description that may say otherwise: `dtype` and `loss` are
/// what it says. What of the file is not used then is added to `notes`.
pub(super) fn replaced(
    all: &Layers,
    source: &Source,
    dtype: Option<Dtype>,
    loss: &Loss,
    notes: &mut Vec<String>,
) -> Result<Dtype, SourceError> {
    let network = Architecture::parse(source).map_err(|error| match error {
        ArchitectureError::File(error) => error,
        other => match all.required("network", "") {
            Ok(entry) => entry.wrong(other.to_string(), None),
            Err(error) => error,
        },
    })?;
    let is_cross_entropy =
        |criterion: &Criterion| matches!(criterion, Criterion::CrossEntropy { .. });
    if !is_cross_entropy(network.criterion())
        && let (None, Some(_)) = (&loss.criterion, loss.smoothing)
    {
        let entry = all.required("label_smoothing", "")?;
        let own = network.criterion().name().unwrap_or("formula");
        let help = format!("{} has the loss `{own}`", source.name);
        return Err(entry.fault("is for the loss `cross_entropy` only", Some(help)));
    }
    let parsed = parse(source)?;
    let says = |key: &str| parsed.get_ref().get(key).is_some();
    let mut note = |key: &str| {
        if let Some(own) = all.written(key) {
            let (own, file) = (format!("{key} = {own}"), &source.name);
            notes.push(format!("`{key}` of {file} is not used: the description has `{own}`"));
        }
    };
    if says("dtype") && dtype.is_some_and(|dtype| dtype != network.dtype) {
        note("dtype");
    }
    let differs = |chosen: &Criterion| {
        *chosen != *network.criterion()
            && !(is_cross_entropy(chosen) && is_cross_entropy(network.criterion()))
    };
    if says("l2") && loss.l2.is_some_and(|own| own != network.l2) {
        note("l2");
    }
    match (&loss.criterion, network.criterion()) {
        (Some(chosen), _) if differs(chosen) => note("loss"),
        (_, Criterion::CrossEntropy { smoothing })
            if says("label_smoothing") && loss.smoothing.is_some_and(|own| own != *smoothing) =>
        {
            note("label_smoothing");
        }
        _ => {}
    }
    Ok(network.dtype)
}
