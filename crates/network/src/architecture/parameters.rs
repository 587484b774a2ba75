//! The parameters of layers: names, shapes, places in the flat vector.

use super::layer::weight;
use super::{Dtype, Layer};
use std::collections::{BTreeMap, HashSet};

/// The most parameters that a network may have, and the most outputs of a layer for one input.
pub(super) const MOST: usize = 1 << 31;

/// One array of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// As PyTorch names it: `0.weight`, `layer1.0.bn1.bias`.
    pub name: String,
    /// Its axes; in the flat vector the last varies fastest.
    pub shape: Vec<usize>,
    /// Where it starts in the flat vector of parameters.
    pub offset: usize,
    /// What it is for, which decides how it is initialised.
    pub role: Role,
}

/// What an array of parameters is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Multiplies inputs: `[outputs, inputs]` or `[outputs, inputs, height, width]`.
    Weight,
    /// Is added to the outputs of a weight.
    Bias {
        /// The number of inputs that each output of that weight depends on.
        fan_in: usize,
    },
    /// The joint weight of an attention's queries, keys and values, `[3 width, width]`.
    Projection,
    /// The scale of a norm, one at the start.
    Ones,
    /// The shift of a norm or the biases of an attention, zero at the start.
    Zeros,
    /// Rows for integers.
    Embedding,
    /// Rows for positions.
    Position,
    /// Of a recurrent layer.
    Recurrent {
        /// The size of its state.
        hidden: usize,
    },
    /// Of an operator graph, which comes with its values.
    Given,
}

/// What a flat vector of parameters consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// What the network is called.
    pub name: String,
    /// The precision that it is evaluated in.
    pub dtype: Dtype,
    /// Every parameter, in the order of the flat vector.
    pub parameters: Vec<Parameter>,
    /// Names under which a file of weights may have parameters once more, of layers that share them: `lm_head.weight` for
    /// `wte.weight`.
    pub aliases: BTreeMap<String, String>,
}

impl Layout {
    /// The number of parameters, `p`.
    #[expect(clippy::len_without_is_empty, reason = "every network has parameters")]
    pub fn len(&self) -> usize {
        count(&self.parameters)
    }
}

impl Parameter {
    /// The number of elements.
    #[expect(clippy::len_without_is_empty, reason = "no parameter is empty")]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The layer that it belongs to, `layer1.0.bn1` for `layer1.0.bn1.bias`.
    pub fn layer(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(layer, _)| layer)
    }

    /// Where it lies in the flat vector of parameters.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }
}

/// The number of elements of all.
pub(super) fn count(parameters: &[Parameter]) -> usize {
    parameters.last().map_or(0, |last| last.range().end)
}

/// A layer whose parameters cannot be listed: its name, and why.
pub(super) struct Fault {
    pub(super) layer: String,
    pub(super) message: String,
}

/// Parameters in the order of the flat vector.
#[derive(Default)]
pub(super) struct List {
    parameters: Vec<Parameter>,
    names: HashSet<String>,
    aliases: BTreeMap<String, String>,
}

impl List {
    /// Appends the parameters of `layers`. Refuses more than [`MOST`] numbers, and names given twice.
    pub(super) fn add(&mut self, layers: &[Layer]) -> Result<(), Fault> {
        for layer in layers {
            match layer {
                Layer::Linear { name, inputs, outputs, bias } => {
                    self.push(name, "weight", &[*outputs, *inputs], Role::Weight)?;
                    if *bias {
                        let role = Role::Bias { fan_in: *inputs };
                        self.push(name, "bias", &[*outputs], role)?;
                    }
                }
                Layer::Convolution { name, inputs, outputs, window, groups, transposed, bias } => {
                    // As many inputs as PyTorch counts for either.
                    let (first, second) = match transposed {
                        None => (*outputs, inputs / groups),
                        Some(_) => (*inputs, outputs / groups),
                    };
                    let shape = [&[first, second][..], &window.kernel].concat();
                    self.push(name, "weight", &shape, Role::Weight)?;
                    if *bias {
                        let fan_in = shape[1..].iter().product();
                        self.push(name, "bias", &[*outputs], Role::Bias { fan_in })?;
                    }
                }
                Layer::BatchNorm { name, channels, .. } => {
                    self.push(name, "weight", &[*channels], Role::Ones)?;
                    self.push(name, "bias", &[*channels], Role::Zeros)?;
                }
                Layer::LayerNorm { name, shape, affine: true, .. } => {
                    self.push(name, "weight", shape, Role::Ones)?;
                    self.push(name, "bias", shape, Role::Zeros)?;
                }
                Layer::RmsNorm { name, shape, .. } => {
                    self.push(name, "weight", shape, Role::Ones)?;
                }
                Layer::GroupNorm { name, channels, affine: true, .. } => {
                    self.push(name, "weight", &[*channels], Role::Ones)?;
                    self.push(name, "bias", &[*channels], Role::Zeros)?;
                }
                Layer::Recurrent { name, cell, inputs, hidden } => {
                    let (rows, role) = (cell.gates() * hidden, Role::Recurrent { hidden: *hidden });
                    self.push(name, "weight_ih_l0", &[rows, *inputs], role)?;
                    self.push(name, "weight_hh_l0", &[rows, *hidden], role)?;
                    self.push(name, "bias_ih_l0", &[rows], role)?;
                    self.push(name, "bias_hh_l0", &[rows], role)?;
                }
                Layer::Embedding { name, vocabulary, width, .. } => {
                    self.push(name, "weight", &[*vocabulary, *width], Role::Embedding)?;
                }
                Layer::Position { name, bare, length, width } => {
                    self.push(name, weight(*bare), &[*length, *width], Role::Position)?;
                }
                Layer::Attention { name, width, .. } => {
                    let joint = 3 * width;
                    self.push(name, "in_proj_weight", &[joint, *width], Role::Projection)?;
                    self.push(name, "in_proj_bias", &[joint], Role::Zeros)?;
                    self.push(name, "out_proj.weight", &[*width, *width], Role::Weight)?;
                    self.push(name, "out_proj.bias", &[*width], Role::Zeros)?;
                }
                Layer::ClassToken { name, bare, width } => {
                    self.push(name, weight(*bare), &[*width], Role::Position)?;
                }
                Layer::Shared { name, layer } => self.shared(name, layer)?,
                layer => {
                    for inner in layer.inner() {
                        self.add(inner)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses a layer whose parameters are not all there.
    fn shared(&mut self, name: &str, layer: &Layer) -> Result<(), Fault> {
        let mut own = List::default();
        own.add(std::slice::from_ref(layer))?;
        for parameter in own.parameters {
            let (wanted, shape) = (&parameter.name, &parameter.shape);
            let message = match self.parameters.iter().find(|other| other.name == *wanted) {
                Some(other) if other.shape == *shape => {
                    let own = wanted.strip_prefix(layer.prefix().unwrap_or_default());
                    let alias = format!("{name}{}", own.unwrap_or_default());
                    self.aliases.insert(alias, wanted.clone());
                    continue;
                }
                Some(other) => format!(
                    "layer {name} shares `{wanted}`, which is {:?}, but needs {shape:?}",
                    other.shape
                ),
                None => {
                    format!(
                        "layer {name} shares `{wanted}`, but no layer before it has that parameter"
                    )
                }
            };
            return Err(Fault { layer: name.into(), message });
        }
        Ok(())
    }

    fn push(&mut self, layer: &str, name: &str, shape: &[usize], role: Role) -> Result<(), Fault> {
        let name = if name.is_empty() { layer.into() } else { format!("{layer}.{name}") };
        let fault = |message| Err(Fault { layer: layer.into(), message });
        if !self.names.insert(name.clone()) {
            return fault(format!("two layers have the parameter `{name}`"));
        }
        let offset = count(&self.parameters);
        let size = shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
        match size.and_then(|size| size.checked_add(offset)) {
            Some(end) if end <= MOST => {
                self.parameters.push(Parameter { name, shape: shape.into(), offset, role });
                Ok(())
            }
            _ => fault(format!("with `{name}` {shape:?} there are more than 2^31 parameters")),
        }
    }

    /// The layout of all.
    pub(super) fn into_layout(self, name: String, dtype: Dtype) -> Layout {
        let List { parameters, aliases, .. } = self;
        Layout { name, dtype, parameters, aliases }
    }
}
