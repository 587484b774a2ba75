//! Reading weights.

use super::error::{Fault, Helped, WeightsError};
use super::names::renaming;
use super::statistics::BUFFERS;
use super::stored::{Stored, Tensors};
use crate::architecture::{Layout, Parameter, Role};
use bea_series::text::near;
use half::{bf16, f16};
use num_complex::Complex64;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeSet;
use std::path::Path;

/// The parameters of `network` from a file of tensors of the types F64, F32, F16 or BF16, as one flat vector.
///
/// The file holds exactly one tensor for each parameter, of the same name and shape, or is the index of several such
/// files, `model.safetensors.index.json`. The running statistics of batch norms may stand beside them:
/// [`load_statistics`](super::load_statistics) reads those.
///
/// # Errors
/// The file cannot be read or is no complete safetensors file; tensors are missing, or are no parameters; a shape
/// differs; an element is not a finite real number.
pub fn load(path: &Path, network: &Layout) -> Result<Vec<f64>, WeightsError> {
    with_file(path, |file| {
        let wanted = wanted(network, |parameter| Some(parameter.name.clone()));
        check_names(&file, network, &wanted)?;
        values(&file, network, &wanted)
    })
}

/// Complex parameters: the tensors `NAME.re` and `NAME.im` for each parameter, or `NAME` alone where it is real.
///
/// # Errors
/// Those of [`load`].
pub fn load_complex(path: &Path, network: &Layout) -> Result<Vec<Complex64>, WeightsError> {
    with_file(path, |file| {
        let part = |parameter: &Parameter, part| Some(format!("{}.{part}", parameter.name));
        let has =
            |name: &Option<String>| name.as_ref().is_some_and(|name| file.tensor(name).is_some());
        let split =
            |parameter: &Parameter| has(&part(parameter, "re")) || has(&part(parameter, "im"));
        let real = wanted(network, |parameter| {
            if split(parameter) { part(parameter, "re") } else { Some(parameter.name.clone()) }
        });
        let imaginary =
            wanted(network, |parameter| split(parameter).then(|| part(parameter, "im")).flatten());
        check_names(&file, network, &[real.as_slice(), imaginary.as_slice()].concat())?;
        let real = values(&file, network, &real)?;
        let imaginary = values(&file, network, &imaginary)?;
        Ok(real.into_iter().zip(imaginary).map(|(re, im)| Complex64::new(re, im)).collect())
    })
}

pub(super) fn with_file<T>(
    path: &Path,
    read: impl FnOnce(Tensors) -> Result<T, Helped>,
) -> Result<T, WeightsError> {
    let error = |Helped { fault, help }| WeightsError { file: path.into(), fault, help };
    let stored = Stored::read(path).map_err(error)?;
    stored.tensors(path).and_then(read).map_err(error)
}

/// A parameter, and the tensor that holds it.
pub(super) type Wanted<'a> = (String, &'a Parameter);

pub(super) fn wanted(
    network: &Layout,
    tensor: impl Fn(&Parameter) -> Option<String>,
) -> Vec<Wanted<'_>> {
    let parameters = network.parameters.iter();
    parameters.filter_map(|parameter| Some((tensor(parameter)?, parameter))).collect()
}

/// Refuses missing and extra tensors.
pub(super) fn check_names(
    file: &Tensors,
    network: &Layout,
    wanted: &[Wanted],
) -> Result<(), Helped> {
    let known: BTreeSet<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
    let buffers: BTreeSet<String> = network
        .parameters
        .iter()
        .filter(|parameter| parameter.role == Role::Ones)
        .flat_map(|scale| BUFFERS.map(|buffer| format!("{}.{buffer}", scale.layer())))
        .collect();
    let found: BTreeSet<&str> = file.names().into_iter().collect();
    let extra: Vec<&str> = found
        .iter()
        .filter(|name| !known.contains(*name) && !buffers.contains(**name))
        .filter(|name| !network.aliases.contains_key(**name))
        .copied()
        .collect();
    for (alias, name) in &network.aliases {
        if let (Some(again), Some(tensor)) = (file.tensor(alias), file.tensor(name))
            && (again.shape(), again.data()) != (tensor.shape(), tensor.data())
        {
            let help = format!(
                "the network has one parameter for both, but the file has other numbers in `{name}`"
            );
            let fault = Fault::Extra { network: network.name.clone(), names: vec![alias.clone()] };
            return Err(Helped::new(fault, Some(help)));
        }
    }
    let missing: Vec<&str> =
        wanted.iter().map(|(name, _)| name.as_str()).filter(|name| !found.contains(name)).collect();
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let (architecture, network) = (network, network.name.clone());
    match (missing.first(), extra.first()) {
        (None, None) => Ok(()),
        (Some(name), _) => {
            let help = match extra.iter().find(|extra| extra.ends_with(&format!(".{name}"))) {
                Some(longer) => {
                    let prefix = &longer[..longer.len() - name.len()];
                    Some(format!("the file has `{longer}`: take `{prefix}` off its names"))
                }
                None if extra.is_empty() => None,
                None if missing.len() > 1 => Some(renaming(file, architecture, &missing, &extra)),
                None => match near::names(name, &extra).as_slice() {
                    [] => {
                        Some(format!("the file has {}", near::quoted(&extra[..extra.len().min(6)])))
                    }
                    near => Some(format!("the file has {}", near::quoted(near))),
                },
            };
            Err(Helped::new(Fault::Missing { network, names: names(&missing) }, help))
        }
        (None, Some(name)) => {
            let known: Vec<&str> = known.into_iter().collect();
            let near = near::names(name, &known);
            let help = (!near.is_empty()).then(|| format!("it has {}", near::quoted(&near)));
            Err(Helped::new(Fault::Extra { network, names: names(&extra) }, help))
        }
    }
}

/// The flat vector of parameters, zero where none is wanted.
pub(super) fn values(
    file: &Tensors,
    network: &Layout,
    wanted: &[Wanted],
) -> Result<Vec<f64>, Helped> {
    let mut flat = vec![0.0; network.len()];
    for (tensor, parameter) in wanted {
        let shape = shape_in(file, tensor, parameter);
        let place = (parameter.layer(), shape.as_slice());
        read_into(file, tensor, place, &network.name, &mut flat[parameter.range()])?;
    }
    Ok(flat)
}

/// The shape that the tensor of a parameter is to have in the file. What is the same for every example may have axes of one before
/// it, as `[1, tokens, width]` of positions.
fn shape_in(file: &Tensors, tensor: &str, parameter: &Parameter) -> Vec<usize> {
    let shape = &parameter.shape;
    match file.tensor(tensor).map(|view| view.shape().to_vec()) {
        Some(found)
            if parameter.role == Role::Position
                && found
                    .strip_suffix(shape.as_slice())
                    .is_some_and(|rest| rest.iter().all(|n| *n == 1)) =>
        {
            found
        }
        _ => shape.clone(),
    }
}

/// The elements of a tensor of a layer, which has this shape.
pub(super) fn elements(
    file: &Tensors,
    tensor: &str,
    (layer, shape): (&str, &[usize]),
    network: &str,
) -> Result<Vec<f64>, Helped> {
    // A file may name a shape of any size; what it holds has been compared with its own size.
    let length = file.tensor(tensor).map_or(0, |view| view.shape().iter().product());
    let mut values = vec![0.0; length];
    read_into(file, tensor, (layer, shape), network, &mut values)?;
    Ok(values)
}

/// Writes the elements of a tensor of a layer, which has this shape, to `target`.
fn read_into(
    file: &Tensors,
    tensor: &str,
    (layer, shape): (&str, &[usize]),
    network: &str,
    target: &mut [f64],
) -> Result<(), Helped> {
    let Some(view) = file.tensor(tensor) else {
        let (network, names) = (network.into(), vec![tensor.into()]);
        return Err(Helped::new(Fault::Missing { network, names }, None));
    };
    if view.shape() != shape {
        let fault = Fault::Shape {
            tensor: tensor.into(),
            layer: layer.into(),
            network: network.into(),
            found: view.shape().into(),
            wanted: shape.into(),
        };
        return Err(Helped::new(fault, transposed(view.shape(), shape)));
    }
    if !convert(&view, target) {
        let found = view.dtype().to_string();
        let help = "weights are of the types F64, F32, F16 or BF16".into();
        return Err(Helped::new(Fault::Type { tensor: tensor.into(), found }, Some(help)));
    }
    if let Some(at) = target.iter().position(|value| !value.is_finite()) {
        let (index, value) = (unravelled(at, shape), target[at]);
        let tensor = tensor.into();
        return Err(Helped::new(Fault::NotFinite { tensor, index, value }, None));
    }
    Ok(())
}

/// Advice where a linear weight seems to be transposed, `[inputs, outputs]`, as some programs store them.
fn transposed(found: &[usize], wanted: &[usize]) -> Option<String> {
    let swapped = found.len() == 2 && found.iter().eq(wanted.iter().rev());
    swapped.then(|| "a linear weight is [outputs, inputs], as in PyTorch: transpose it".into())
}

/// Writes the elements of `view` to `target`, of the same length. False if they are of another type.
pub(super) fn convert(view: &TensorView, target: &mut [f64]) -> bool {
    fn each<const N: usize>(bytes: &[u8], target: &mut [f64], value: impl Fn([u8; N]) -> f64) {
        let (elements, _) = bytes.as_chunks::<N>();
        target.iter_mut().zip(elements).for_each(|(target, bytes)| *target = value(*bytes));
    }
    let bytes = view.data();
    match view.dtype() {
        Dtype::F64 => each(bytes, target, f64::from_le_bytes),
        Dtype::F32 => each(bytes, target, |bytes| f32::from_le_bytes(bytes).into()),
        Dtype::F16 => each(bytes, target, |bytes| f16::from_le_bytes(bytes).into()),
        Dtype::BF16 => each(bytes, target, |bytes| bf16::from_le_bytes(bytes).into()),
        _ => return false,
    }
    true
}

/// The indices along the axes of the element `at`.
pub(super) fn unravelled(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = Vec::with_capacity(shape.len());
    for size in shape.iter().rev() {
        index.push(at % size);
        at /= size;
    }
    index.reverse();
    index
}
