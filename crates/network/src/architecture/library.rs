//! Architectures by name.
//!
//! * `mlp`: linear layers of the widths `hidden`, an activation after each, and a last one. Its layers are those
//!   of `nn.Sequential`, with a `Flatten` at 0 if inputs have several axes.
//! * `vgg11`, `vgg16` (Simonyan and Zisserman 2014, configurations A and D), `vgg11_bn`, `vgg16_bn`.
//! * `resnet18`, `resnet50` (He et al. 2016, version 1: activations after the sum). A bottleneck strides in its
//!   3x3 convolution, as torchvision's and Haiku's do.
//! * `vgg_slim`, `resnet_slim`: three stages of 8, 16 and 32 channels, one convolution or one block each. They
//!   train on a laptop, and 28x28 images are large enough for them.
//! * `transformer`: embedding, position, blocks of self-attention and two linear layers, mean over tokens, linear.
//!
//! Parameters of the middle two are named as torchvision names them, those of a block as
//! `nn.TransformerEncoderLayer` does. Dropout is left out: it does nothing where derivatives are exact.

mod resnet;
mod transformer;
mod vgg;

use super::plan::{LayerKind, Plan, Window};
use crate::architecture::Activation;
pub(super) use transformer::Transformer;

/// An architecture of the library, with its choices.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub(super) family: Family,
    pub(super) activation: Activation,
    /// Whether batch norms take running statistics.
    pub(super) running: bool,
    /// Outputs of the last layer.
    pub(super) outputs: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Family {
    Mlp {
        hidden: Vec<usize>,
    },
    Vgg {
        /// Convolutions in each stage.
        depths: &'static [usize],
        /// Channels of the first stage.
        width: usize,
        batch_norm: bool,
        images: Option<Images>,
    },
    ResNet {
        /// Blocks in each stage.
        depths: &'static [usize],
        /// Channels of the first stage.
        width: usize,
        bottleneck: bool,
        images: Option<Images>,
    },
    Transformer(Transformer),
}

/// The size of images that a network is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Images {
    /// 32x32: a residual network starts with a 3x3 convolution and does not pool; VGG ends with one linear layer.
    Cifar,
    /// 224x224: a 7x7 convolution of stride 2 and a pool; three linear layers.
    ImageNet,
}

impl Images {
    /// The default for inputs of this shape: ImageNet from 64x64 on.
    fn of(chosen: Option<Images>, input: &[usize]) -> Images {
        chosen.unwrap_or(match input {
            [_, height, width] if *height.min(width) >= 64 => Images::ImageNet,
            _ => Images::Cifar,
        })
    }
}

/// Every name.
pub(super) const NAMES: [&str; 10] = [
    "mlp",
    "vgg11",
    "vgg11_bn",
    "vgg16",
    "vgg16_bn",
    "vgg_slim",
    "resnet18",
    "resnet50",
    "resnet_slim",
    "transformer",
];

/// Channels of the first stage, as published and of the slim ones.
const WIDTH: usize = 64;
const SLIM: usize = 8;

impl Family {
    /// The family of this name, its choices at their defaults.
    pub(super) fn named(name: &str) -> Option<Family> {
        let vgg =
            |depths, batch_norm| Family::Vgg { depths, width: WIDTH, batch_norm, images: None };
        let resnet =
            |depths, bottleneck| Family::ResNet { depths, width: WIDTH, bottleneck, images: None };
        Some(match name {
            "mlp" => Family::Mlp { hidden: Vec::new() },
            "vgg11" => vgg(&[1, 1, 2, 2, 2], false),
            "vgg11_bn" => vgg(&[1, 1, 2, 2, 2], true),
            "vgg16" => vgg(&[2, 2, 3, 3, 3], false),
            "vgg16_bn" => vgg(&[2, 2, 3, 3, 3], true),
            "resnet18" => resnet(&[2, 2, 2, 2], false),
            "resnet50" => resnet(&[3, 4, 6, 3], true),
            "vgg_slim" => {
                Family::Vgg { depths: &[1, 1, 1], width: SLIM, batch_norm: false, images: None }
            }
            "resnet_slim" => {
                Family::ResNet { depths: &[1, 1, 1], width: SLIM, bottleneck: false, images: None }
            }
            "transformer" => Family::Transformer(Transformer::default()),
            _ => return None,
        })
    }

    /// Whether it has batch norms.
    pub(super) fn has_batch_norms(&self) -> bool {
        match self {
            Family::Vgg { batch_norm, .. } => *batch_norm,
            Family::ResNet { .. } => true,
            Family::Mlp { .. } | Family::Transformer(_) => false,
        }
    }

    /// The activation where none is chosen: ELU as in the paper (appendix C), GELU in a transformer.
    pub(super) fn activation(&self) -> Activation {
        match self {
            Family::Transformer(_) => Activation::Gelu,
            _ => Activation::Elu { alpha: 1.0 },
        }
    }
}

impl Design {
    /// The layers for inputs of this shape.
    pub(super) fn plans(&self, input: &[usize]) -> Vec<Plan> {
        let mut plans = self.usual(input);
        if self.running {
            run(&mut plans);
        }
        plans
    }

    /// The layers, with batch norms that take the statistics of the batch.
    fn usual(&self, input: &[usize]) -> Vec<Plan> {
        let Design { family, activation, outputs, .. } = self;
        match family {
            Family::Mlp { hidden } => mlp(hidden, *activation, *outputs, input),
            Family::Vgg { depths, width, batch_norm, images } => {
                let shape = vgg::Vgg {
                    depths,
                    width: *width,
                    batch_norm: *batch_norm,
                    images: Images::of(*images, input),
                };
                shape.plans(*activation, *outputs, input)
            }
            Family::ResNet { depths, width, bottleneck, images } => {
                let shape = resnet::ResNet {
                    depths,
                    width: *width,
                    bottleneck: *bottleneck,
                    images: Images::of(*images, input),
                };
                shape.plans(*activation, *outputs)
            }
            Family::Transformer(transformer) => transformer.plans(*activation, *outputs, input),
        }
    }
}

/// Lets all batch norms take running statistics.
fn run(plans: &mut [Plan]) {
    for plan in plans {
        match &mut plan.kind {
            LayerKind::BatchNorm { running, .. } => *running = true,
            LayerKind::Residual { body, shortcut } => {
                run(body);
                run(shortcut);
            }
            _ => {}
        }
    }
}

fn mlp(hidden: &[usize], activation: Activation, outputs: usize, input: &[usize]) -> Vec<Plan> {
    let mut kinds = Vec::new();
    if input.len() > 1 {
        kinds.push(LayerKind::Flatten);
    }
    for width in hidden {
        kinds.extend([linear(*width), LayerKind::Activation(activation)]);
    }
    kinds.push(linear(outputs));
    numbered("", kinds)
}

/// A layer of this name.
fn plan(name: impl Into<String>, kind: LayerKind) -> Plan {
    Plan { kind, name: name.into(), from: Vec::new(), share: None, span: None }
}

/// Layers named by their position, after `prefix`.
fn numbered(prefix: &str, kinds: Vec<LayerKind>) -> Vec<Plan> {
    kinds.into_iter().enumerate().map(|(at, kind)| plan(format!("{prefix}{at}"), kind)).collect()
}

fn linear(outputs: usize) -> LayerKind {
    LayerKind::Linear { inputs: None, outputs, bias: true }
}

/// A square window.
fn window(kernel: usize, stride: usize, padding: usize) -> Window {
    let pair = |size| vec![size; 2];
    Window { kernel: pair(kernel), stride: pair(stride), padding: pair(padding), dilation: pair(1) }
}

fn convolution(outputs: usize, window: Window, bias: bool) -> LayerKind {
    let (inputs, groups, transposed) = (None, 1, None);
    LayerKind::Convolution { inputs, outputs, window, groups, transposed, bias }
}

/// PyTorch's `BatchNorm2d`.
const BATCH_NORM: LayerKind = LayerKind::BatchNorm { epsilon: 1e-5, running: false };
