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
mod criterion;
mod error;
mod label;
mod library;
mod parameters;
mod plan;
mod read;
mod shapes;
mod spec;

pub use criterion::{Criterion, Formula};
pub use error::{ArchitectureError, LayerError, SpecError};
pub use parameters::{Layout, Parameter, Role};

pub use read::{Frame, penalty, smoothing};

use super::function::Function;
use super::graph::Graph;
use bea_series::text::source::Source;
use bea_series::text::table::Table;
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
}

impl Architecture {
    /// Whether the Hessian of the loss is continuous: that of a network with `elu`, `relu`, maximum pools or a loss that is
    /// itself in pieces jumps wherever an input of one of them changes its sign, or another one becomes the largest.
    pub fn is_smooth(&self) -> bool {
        fn smooth(layers: &[Layer]) -> bool {
            layers.iter().all(|layer| match layer {
                Layer::Activation(function) => !matches!(function, Function::Elu | Function::Relu),
                Layer::MaxPool2d { .. } => false,
                Layer::Residual { body, shortcut } => smooth(body) && smooth(shortcut),
                _ => true,
            })
        }
        smooth(&self.layers) && Graph::of_criterion(&self.criterion, 1, self.width()).is_smooth()
    }
}

impl Architecture {
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
        shapes::check_criterion(&self.last_layer(), &self.outputs, &criterion)?;
        self.criterion = criterion;
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

/// One layer, its shapes resolved. `name` is the prefix of its parameters: `0`, `features.3`, `layer1.0.conv1`.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// `y = x Wᵀ + b` on the last axis.
    Linear {
        /// Prefix of `weight` `[outputs, inputs]` and `bias` `[outputs]`.
        name: String,
        /// Size of the last axis before.
        inputs: usize,
        /// Size of the last axis after.
        outputs: usize,
        /// Whether there is a bias.
        bias: bool,
    },
    /// Cross-correlation of `[inputs, h, w]` with zero padding.
    Conv2d {
        /// Prefix of `weight` `[outputs, inputs, kernel]` and `bias` `[outputs]`.
        name: String,
        /// Channels before.
        inputs: usize,
        /// Channels after.
        outputs: usize,
        /// Height and width of the kernel.
        kernel: [usize; 2],
        /// Steps between its positions.
        stride: [usize; 2],
        /// Zeros added on every side.
        padding: [usize; 2],
        /// Whether there is a bias.
        bias: bool,
    },
    /// `(x - mean)/√(variance + ε) · weight + bias` for each channel.
    BatchNorm {
        /// Prefix of `weight` and `bias`, both `[channels]`.
        name: String,
        /// Size of the first axis of `[channels]` or `[channels, height, width]`.
        channels: usize,
        /// `ε`.
        epsilon: f64,
        /// Which mean and variance.
        mode: BatchNormMode,
    },
    /// `(x - mean)/√(variance + ε) · weight + bias`, with mean and biased variance over the trailing axes.
    LayerNorm {
        /// Prefix of `weight` and `bias`, both of the shape of the trailing axes.
        name: String,
        /// The trailing axes.
        shape: Vec<usize>,
        /// `ε`.
        epsilon: f64,
    },
    /// A function of every element.
    Activation(Function),
    /// The largest value under the kernel; padding is never the largest.
    MaxPool2d {
        /// Height and width of the kernel.
        kernel: [usize; 2],
        /// Steps between its positions.
        stride: [usize; 2],
        /// Padding on every side.
        padding: [usize; 2],
    },
    /// The mean under the kernel, padding counted as zeros.
    AvgPool2d {
        /// Height and width of the kernel.
        kernel: [usize; 2],
        /// Steps between its positions.
        stride: [usize; 2],
        /// Zeros added on every side.
        padding: [usize; 2],
    },
    /// The mean over an image: `[channels, height, width]` to `[channels]`.
    GlobalAvgPool,
    /// All axes as one, the last varying fastest.
    Flatten,
    /// `body(x) + shortcut(x)`.
    Residual {
        /// Layers of the first term.
        body: Vec<Layer>,
        /// Layers of the second term; none stand for `x` itself.
        shortcut: Vec<Layer>,
    },
    /// Rows of a table: `[tokens]` integers to `[tokens, width]`.
    Embedding {
        /// Prefix of `weight` `[vocabulary, width]`.
        name: String,
        /// Integers are below it.
        vocabulary: usize,
        /// Length of a row.
        width: usize,
    },
    /// Adds a learned table to `[length, width]`.
    Position {
        /// Prefix of `weight` `[length, width]`.
        name: String,
        /// Number of tokens.
        length: usize,
        /// Length of a row.
        width: usize,
    },
    /// Self-attention of `[tokens, width]` with softmax of `q kᵀ/√(width/heads)`, as `torch.nn.MultiheadAttention`.
    Attention {
        /// Prefix of `in_proj_weight` `[3 width, width]` (queries, keys, values), `in_proj_bias` `[3 width]`,
        /// `out_proj.weight` `[width, width]` and `out_proj.bias` `[width]`.
        name: String,
        /// Size of the last axis.
        width: usize,
        /// Number of heads, a divisor of `width`.
        heads: usize,
        /// Whether a token sees only those before it and itself.
        causal: bool,
    },
    /// A learned vector before the first token: `[tokens, width]` to `[tokens + 1, width]`.
    ClassToken {
        /// Prefix of `weight` `[width]`.
        name: String,
        /// Size of the last axis.
        width: usize,
    },
    /// The first token alone: `[tokens, width]` to `[width]`.
    FirstToken,
    /// The pixels of an image, row by row: `[channels, height, width]` to `[height · width, channels]`.
    Tokens,
    /// `[a, b]` to `[b, a]`.
    Transpose,
    /// The mean over tokens: `[tokens, width]` to `[width]`.
    MeanTokens,
}

/// Which mean and variance a batch norm takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BatchNormMode {
    /// The mean and the biased variance over the full batch and the image, as PyTorch's norms while they train.
    #[default]
    Batch,
    /// Fixed numbers, as PyTorch's norms after `eval()`: the loss is a sum over examples, and its derivatives are
    /// those at these numbers. Mean 0 and variance 1, until
    /// [`weights::load_statistics`](crate::weights::load_statistics) reads others.
    Running(Option<RunningStatistics>),
}

/// The running statistics of a batch norm.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningStatistics {
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The variance of each channel, not negative.
    pub variance: Vec<f64>,
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
                    Layer::Residual { body, shortcut } => {
                        collect(body, out);
                        collect(shortcut, out);
                    }
                    _ => {}
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
                    Layer::Residual { body, shortcut } => {
                        collect(body, out);
                        collect(shortcut, out);
                    }
                    _ => {}
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
    plans: &[plan::Plan],
) -> Result<Architecture, ArchitectureError> {
    let (layers, outputs, activations) = shapes::resolve(plans, &input)?;
    shapes::check_outputs(plans, &outputs, &criterion)?;
    let mut list = parameters::List::default();
    list.add(&layers).map_err(|fault| {
        let span = plan::Plan::place(plans, &fault.layer);
        LayerError { message: fault.message, span, help: None }
    })?;
    let parameters = list.into_parameters();
    if parameters.is_empty() {
        let message = format!("the network {name} has no parameters");
        let span = plans.last().and_then(|plan| plan.span.clone());
        let help = Some("add a `linear` layer".into());
        return Err(LayerError { message, span, help }.into());
    }
    let layout = Layout { name, dtype, parameters };
    Ok(Architecture { layout, input, criterion, l2: 0.0, layers, outputs, activations })
}
