//! Layers before their shapes are known.

use crate::function::Function;
use std::ops::Range;

/// A layer as it is written in a file, without what is inferred from the layer before it.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) kind: LayerKind,
    /// The whole prefix of its parameters.
    pub(super) name: String,
    /// Its place in the text, if it has one.
    pub(super) span: Option<Range<usize>>,
}

/// What a layer does, with the sizes that are not inferred.
#[derive(Clone, Debug)]
pub(super) enum LayerKind {
    Linear { inputs: Option<usize>, outputs: usize, bias: bool },
    Conv2d { inputs: Option<usize>, outputs: usize, window: Window, bias: bool },
    BatchNorm { epsilon: f64, running: bool },
    LayerNorm { axes: usize, epsilon: f64 },
    Activation(Function),
    MaxPool2d(Window),
    AvgPool2d(Window),
    GlobalAvgPool,
    Flatten,
    Residual { body: Vec<Plan>, shortcut: Vec<Plan> },
    Embedding { vocabulary: usize, width: usize },
    Position,
    Attention { heads: usize, causal: bool },
    ClassToken,
    FirstToken,
    Tokens,
    Transpose,
    MeanTokens,
}

/// A window that slides over an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
}

impl Plan {
    /// `layer 3 (linear)`
    pub(super) fn label(&self) -> String {
        format!("layer {} ({})", self.name, self.kind.word())
    }

    /// Where the last layer called `name` is in the text.
    pub(super) fn place(plans: &[Plan], name: &str) -> Option<Range<usize>> {
        plans.iter().rev().find_map(|plan| {
            let inner = match &plan.kind {
                LayerKind::Residual { body, shortcut } => {
                    Plan::place(shortcut, name).or_else(|| Plan::place(body, name))
                }
                _ => None,
            };
            inner.or_else(|| (plan.name == name).then(|| plan.span.clone()).flatten())
        })
    }
}

/// The activations and their names.
pub(super) const FUNCTIONS: [(&str, Function); 6] = [
    ("elu", Function::Elu),
    ("tanh", Function::Tanh),
    ("softplus", Function::Softplus),
    ("sigmoid", Function::Sigmoid),
    ("gelu", Function::Gelu),
    ("relu", Function::Relu),
];

impl LayerKind {
    /// The `type` of a layer in a network file.
    pub(super) fn word(&self) -> &'static str {
        match self {
            LayerKind::Linear { .. } => "linear",
            LayerKind::Conv2d { .. } => "conv2d",
            LayerKind::BatchNorm { .. } => "batch_norm",
            LayerKind::LayerNorm { .. } => "layer_norm",
            LayerKind::Activation(function) => {
                FUNCTIONS.iter().find(|(_, other)| other == function).map_or("", |(name, _)| name)
            }
            LayerKind::MaxPool2d(_) => "max_pool2d",
            LayerKind::AvgPool2d(_) => "avg_pool2d",
            LayerKind::GlobalAvgPool => "global_avg_pool",
            LayerKind::Flatten => "flatten",
            LayerKind::Residual { .. } => "residual",
            LayerKind::Embedding { .. } => "embedding",
            LayerKind::Position => "position",
            LayerKind::Attention { .. } => "attention",
            LayerKind::MeanTokens => "mean_tokens",
            LayerKind::ClassToken => "class_token",
            LayerKind::FirstToken => "first_token",
            LayerKind::Tokens => "tokens",
            LayerKind::Transpose => "transpose",
        }
    }
}
