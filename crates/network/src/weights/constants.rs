//! Parameters with constants beside them, as the tensors of an operator graph.

use super::error::{Fault, Helped, WeightsError};
use super::read::{convert, unravelled, values, wanted, with_file};
use super::stored::Tensors;
use crate::architecture::Layout;
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

/// The name and shape of a tensor that a file should have.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    pub name: String,
    pub shape: Vec<usize>,
}

/// What stands before the names of constants.
pub(crate) const PREFIX: &str = "constant.";

/// The flat vector of parameters and the entries of each of the constants, `constant.NAME` in the file.
///
/// # Errors
/// Tensors are missing, extra or of another shape or type; a parameter is not finite, a constant not a number.
pub(crate) fn load_with_constants(
    path: &Path,
    network: &Layout,
    constants: &[Declared],
) -> Result<(Vec<f64>, Vec<Vec<f64>>), WeightsError> {
    with_file(path, |file| {
        let wanted = wanted(network, |parameter| Some(parameter.name.clone()));
        let known: std::collections::HashSet<String> = wanted
            .iter()
            .map(|(name, _)| name.clone())
            .chain(constants.iter().map(|constant| format!("{PREFIX}{}", constant.name)))
            .collect();
        let mut extra: Vec<String> = file.names().into_iter().map(String::from).collect();
        extra.retain(|name| !known.contains(name));
        extra.sort_unstable();
        if !extra.is_empty() {
            let fault = Fault::Extra { network: network.name.clone(), names: extra };
            let help = format!("constants are called {PREFIX}NAME");
            return Err(Helped::new(fault, Some(help)));
        }
        let parameters = values(&file, network, &wanted)?;
        let constants = constants.iter().map(|constant| entries(&file, constant, &network.name));
        Ok((parameters, constants.collect::<Result<_, _>>()?))
    })
}

fn entries(file: &Tensors, constant: &Declared, network: &str) -> Result<Vec<f64>, Helped> {
    let (tensor, shape) = (format!("{PREFIX}{}", constant.name), &constant.shape);
    let Some(view) = file.tensor(&tensor) else {
        let (network, names) = (network.into(), vec![tensor]);
        return Err(Helped::new(Fault::Missing { network, names }, None));
    };
    if view.shape() != *shape {
        let (found, wanted) = (view.shape().into(), shape.clone());
        let (layer, network) = ("graph.json".into(), network.into());
        return Err(Helped::new(Fault::Shape { tensor, layer, network, found, wanted }, None));
    }
    let mut values = vec![0.0; shape.iter().product()];
    if !convert(&view, &mut values) && !convert_integers(&view, &mut values) {
        let found = view.dtype().to_string();
        let help = "constants are F64, F32, F16, BF16, I64, I32, U8 or BOOL".into();
        return Err(Helped::new(Fault::Type { tensor, found }, Some(help)));
    }
    if let Some(at) = values.iter().position(|value| value.is_nan()) {
        let (index, value) = (unravelled(at, shape), values[at]);
        return Err(Helped::new(Fault::NotFinite { tensor, index, value }, None));
    }
    Ok(values)
}

/// Writes the elements of `view` to `target`, of the same length. False if they are no whole numbers.
fn convert_integers(view: &TensorView, target: &mut [f64]) -> bool {
    fn each<const N: usize>(bytes: &[u8], target: &mut [f64], value: impl Fn([u8; N]) -> f64) {
        let (elements, _) = bytes.as_chunks::<N>();
        target.iter_mut().zip(elements).for_each(|(target, bytes)| *target = value(*bytes));
    }
    let bytes = view.data();
    match view.dtype() {
        Dtype::I64 => each(bytes, target, |bytes| i64::from_le_bytes(bytes) as f64),
        Dtype::I32 => each(bytes, target, |bytes| i32::from_le_bytes(bytes).into()),
        Dtype::U8 => each(bytes, target, |bytes| u8::from_le_bytes(bytes).into()),
        Dtype::BOOL => each(bytes, target, |[byte]| f64::from(u8::from(byte != 0))),
        _ => return false,
    }
    true
}
