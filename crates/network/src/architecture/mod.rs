//! What a network is, as data: its layers with their shapes, its loss, and the list of its parameters.
//!
//! An [`Architecture`] comes from a TOML file, in which the sizes of inputs are inferred:
//!
//! ```
//! use bea_network::architecture::Architecture;
//! use bea_series::source::Source;
//!
//! let text = r#"
//! loss = "cross_entropy"
//! dtype = "f64"
//! input = [6]
//! [[layer]]
//! type = "linear"
//! out = 9
//! [[layer]]
//! type = "elu"
//! [[layer]]
//! type = "linear"
//! out = 4
//! "#;
//! let network = Architecture::parse(&Source::new("net.toml", text)).unwrap();
//! let names: Vec<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
//! assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
//! assert_eq!(network.parameters[2].shape, [4, 9]);
//! assert_eq!((network.len(), network.outputs), (9 * 6 + 9 + 4 * 9 + 4, vec![4]));
//! ```
//!
//! Parameters are named and laid out as PyTorch does, so that its checkpoints can be read.

mod absent;
mod activation;
mod criterion;
mod derivable;
mod error;
mod inferred;
mod layer;
mod library;
mod parameters;
mod plan;
mod read;
mod shapes;
mod spec;
mod tables;

pub use activation::Activation;
pub use criterion::{Criterion, Formula};
pub use error::{ArchitectureError, LayerError, SpecError};
pub(crate) use layer::weight;
pub use layer::{BatchNormMode, Cell, Join, Layer, RunningStatistics};
pub use parameters::{Layout, Parameter, Role};
pub use plan::Window;
pub(crate) use shapes::formula_inputs;

pub use read::{Frame, penalty, smoothing, table_smoothing, twice};

use super::graph::Graph;
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::Table;
use plan::Plan;
use std::ops::{Deref, DerefMut};

/// A network: layers one after the other, and the loss at their end.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Its name, precision and parameters: those by first use, a residual's body before its shortcut, a layer's weight
    /// before its bias.
    pub layout: Layout,
    /// Shape of one input: `[features]`, `[channels, height, width]`, or `[tokens]` before an embedding.
    pub input: Vec<usize>,
    /// What is minimised, which can be taken of the outputs.
    pub(crate) criterion: Criterion,
    /// `λ` of the penalty `λ/2 θᵀθ` that is added to it.
    pub l2: f64,
    /// The layers, in the order in which they are applied.
    pub layers: Vec<Layer>,
    /// Shape of the outputs for one input: `[outputs]`, or `[tokens, outputs]`, where the loss is a mean over the tokens.
    pub outputs: Vec<usize>,
    /// The numbers that all layers give for one input, together.
    pub activations: usize,
    /// What messages call the layer that is given the input, and the one that gives the outputs: `` `0` (linear)``.
    pub(crate) ends: [String; 2],
}

impl Architecture {
    /// Whether the Hessian of the loss is continuous: that of a network with `elu`, `relu`, maximum pools or a loss that is
    /// itself in pieces jumps wherever an input of one of them changes its sign, or another one becomes the largest.
    pub fn is_smooth(&self) -> bool {
        Graph::of_layers(self, [1, self.width()]).is_smooth()
    }
}

impl Architecture {
    /// Whether layers mix examples, so that the data cannot be cut into shards.
    pub(crate) fn couples_examples(&self) -> bool {
        self.batch_norms().iter().any(|(_, _, mode)| **mode == BatchNormMode::Batch)
    }

    /// The numbers that the loss is taken of: the last axis of the outputs.
    pub(crate) fn width(&self) -> usize {
        self.outputs.last().copied().unwrap_or(1)
    }

    /// How often the loss is taken for one input.
    pub(crate) fn tokens(&self) -> usize {
        self.outputs.iter().rev().skip(1).product()
    }

    /// What is minimised.
    pub fn criterion(&self) -> &Criterion {
        &self.criterion
    }

    /// The same with another loss.
    ///
    /// # Errors
    /// The loss cannot be taken of the outputs, or has numbers that it does not take.
    pub fn with_criterion(
        mut self,
        criterion: Criterion,
    ) -> Result<Architecture, ArchitectureError> {
        shapes::check_criterion(&self.ends[1], [&self.input, &self.outputs], &criterion)?;
        self.criterion = criterion;
        derivable::check(&self, &[])?;
        Ok(self)
    }
}

/// The precision of real numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE binary32.
    F32,
    /// IEEE binary64.
    F64,
}

impl Architecture {
    /// The batch norms, in the order in which they are applied, a residual's body before its shortcut: the prefix of
    /// the parameters, the channels and the mode of each.
    pub fn batch_norms(&self) -> Vec<(&str, usize, &BatchNormMode)> {
        fn collect<'a>(layers: &'a [Layer], out: &mut Vec<(&'a str, usize, &'a BatchNormMode)>) {
            for layer in layers {
                match layer {
                    Layer::BatchNorm { name, channels, mode, .. } => {
                        out.push((name, *channels, mode));
                    }
                    layer => layer.inner().into_iter().for_each(|inner| collect(inner, out)),
                }
            }
        }
        let mut norms = Vec::new();
        collect(&self.layers, &mut norms);
        norms
    }

    /// The modes of [`batch_norms`](Self::batch_norms), to be changed.
    pub(crate) fn batch_norm_modes(&mut self) -> Vec<&mut BatchNormMode> {
        fn collect<'a>(layers: &'a mut [Layer], out: &mut Vec<&'a mut BatchNormMode>) {
            for layer in layers {
                match layer {
                    Layer::BatchNorm { mode, .. } => out.push(mode),
                    layer => layer.inner_mut().into_iter().for_each(|inner| collect(inner, out)),
                }
            }
        }
        let mut modes = Vec::new();
        collect(&mut self.layers, &mut modes);
        modes
    }

    /// The network that a TOML text describes.
    ///
    /// # Errors
    /// The text is not TOML; a key, layer type, activation or value is unknown or does not fit; a layer does not
    /// fit what the one before it gives. Each error shows its place in the text.
    pub fn parse(source: &Source) -> Result<Architecture, ArchitectureError> {
        read::architecture(source)
    }

    /// The network of a table within another description, which says what is in the `frame`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn within(table: &Table, frame: Frame) -> Result<Architecture, ArchitectureError> {
        read::within(table, frame)
    }

    /// Refuses a table within another description whose keys and values do not describe layers. Whether the layers fit one
    /// another and data is left to [`within`](Self::within).
    ///
    /// # Errors
    /// An unknown key, layer type or activation, or a value that is none of its key, in its place.
    pub fn check(table: &Table) -> Result<(), SourceError> {
        read::check(table)
    }

    /// The network called `spec`, for inputs and outputs of these sizes.
    ///
    /// `spec` is `mlp:100,100,100`, `vgg11`, `vgg11_bn`, `vgg16`, `vgg16_bn`, `vgg_slim`,
    /// `resnet18`, `resnet50`, `resnet_slim` or `transformer`;
    /// an activation other than its usual one follows it: `mlp:100,100,tanh`, `resnet18:relu`. `running` makes its batch
    /// norms [`BatchNormMode::Running`]: `resnet18:relu,running`. Networks for images of
    /// 64x64 and more are those for ImageNet, for smaller ones those for CIFAR-10. The transformer takes real
    /// `[tokens, features]`; one that takes integers is described in a network file, which gives its vocabulary.
    ///
    /// ```
    /// use bea_network::architecture::{Architecture, Dtype, Criterion};
    /// let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    /// let network = |spec, input: &[usize]| Architecture::find(spec, input, 10, criterion.clone(), Dtype::F32);
    /// assert_eq!(network("mlp:100,100,100", &[784]).unwrap().len(), 99_710);
    /// assert_eq!(network("resnet18", &[3, 32, 32]).unwrap().len(), 11_173_962);
    /// ```
    ///
    /// # Errors
    /// An unknown name; an invalid width or activation; inputs that the network does not take.
    pub fn find(
        spec: &str,
        input: &[usize],
        outputs: usize,
        criterion: Criterion,
        dtype: Dtype,
    ) -> Result<Architecture, ArchitectureError> {
        let plans = spec::design(spec, input, outputs)?.plans(input);
        build(spec.into(), dtype, input.to_vec(), criterion, &plans)
    }
}

/// An architecture is a layout of parameters with what is done with them.
impl Deref for Architecture {
    type Target = Layout;
    fn deref(&self) -> &Layout {
        &self.layout
    }
}

impl DerefMut for Architecture {
    fn deref_mut(&mut self) -> &mut Layout {
        &mut self.layout
    }
}

/// Layers with their shapes and parameters.
fn build(
    name: String,
    dtype: Dtype,
    input: Vec<usize>,
    criterion: Criterion,
    plans: &[Plan],
) -> Result<Architecture, ArchitectureError> {
    let shapes::Resolved { layers, outputs, activations } = shapes::resolve(plans, &input)?;
    shapes::check_outputs(plans, [&input, &outputs], &criterion)?;
    let mut list = parameters::List::default();
    list.add(&layers).map_err(|fault| {
        let span = Plan::place(plans, &fault.layer);
        LayerError { message: fault.message, span, help: None }
    })?;
    let layout = list.into_layout(name, dtype);
    if layout.parameters.is_empty() {
        let name = &layout.name;
        let message = format!("the network {name} has no parameters");
        let span = plans.last().and_then(|plan| plan.span.clone());
        let help = Some("add a `linear` layer".into());
        return Err(LayerError { message, span, help }.into());
    }
    let ends = [false, true].map(|last| Plan::end(plans, last));
    let network =
        Architecture { layout, input, criterion, l2: 0.0, layers, outputs, activations, ends };
    derivable::check(&network, plans)?;
    Ok(network)
}
