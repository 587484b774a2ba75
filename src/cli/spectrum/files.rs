//! The files of vectors: eigenvectors out and in, and a preconditioner.

use crate::cli::{note, output};
use bea_flow::curvature::Eigenpair;
use bea_network::architecture::Layout;
use bea_network::{NetworkLoss, weights};
use miette::miette;
use std::path::Path;

/// The eigenvectors, each changed by `scale` first, and their eigenvalues.
pub(super) fn write(
    file: &Path,
    network: &Layout,
    pairs: &[Eigenpair],
    scale: impl Fn(&mut Vec<f64>),
) -> miette::Result<()> {
    let vectors = pairs.iter().map(|pair| {
        let mut vector = pair.vector.clone();
        scale(&mut vector);
        vector
    });
    let vectors: Vec<Vec<f64>> = vectors.collect();
    let vectors: Vec<&[f64]> = vectors.iter().map(Vec::as_slice).collect();
    let values: Vec<f64> = pairs.iter().map(|pair| pair.value).collect();
    let values = serde_json::json!(values).to_string();
    let tensors = weights::stacked(network, &vectors);
    output::kept(file, |file| {
        weights::save_with(file, &tensors, network.dtype, ("eigenvalues", &values))
    })
}

/// Says that running statistics in a file of vectors are not used.
fn say_unused(file: &Path, loss: &NetworkLoss) -> miette::Result<()> {
    if let Some(network) = loss.architecture() {
        note::say(weights::unused_statistics(file, network)?);
    }
    Ok(())
}

/// Vectors to start from.
pub(super) fn start_vectors(file: &Path, loss: &NetworkLoss) -> miette::Result<Vec<Vec<f64>>> {
    say_unused(file, loss)?;
    let vectors = weights::load_vectors(file, loss.layout())?;
    if vectors.iter().any(|v| v.iter().all(|x| *x == 0.0)) || vectors.is_empty() {
        return Err(miette!(
            help = "--vectors of another `bea spectrum` writes vectors to start from",
            "{}: no iteration starts from a vector that is zero",
            file.display()
        ));
    }
    Ok(vectors)
}

/// A positive number for each parameter.
pub(super) fn preconditioner(file: &Path, loss: &NetworkLoss) -> miette::Result<Vec<f64>> {
    say_unused(file, loss)?;
    let diagonal = weights::load(file, loss.layout())?;
    for parameter in &loss.layout().parameters {
        let part = &diagonal[parameter.range()];
        if let Some(at) = part.iter().position(|p| *p <= 0.0) {
            return Err(miette!(
                help = "a preconditioner is a positive diagonal matrix, such as the √v + ε of Adam",
                "{}: `{}` has {} as its entry {at}",
                file.display(),
                parameter.name,
                part[at]
            ));
        }
    }
    Ok(diagonal)
}
