//! Layers before their shapes are known.

use super::activation::Activation;
use super::{Cell, Join};
use std::ops::Range;

/// A layer as it is written in a file, without what is inferred from the layer before it.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) kind: LayerKind,
    /// What it is called, from the top: the prefix of its parameters, unless they are shared.
    pub(super) name: String,
    /// What it takes, in the place of what the layer before it gives.
    pub(super) from: Vec<Reference>,
    /// Whose parameters it takes, if it has none of its own.
    pub(super) share: Option<Reference>,
    /// Its place in the text, if it has one.
    pub(super) span: Option<Range<usize>>,
}

/// The name of an earlier layer, or of the input.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

/// The name of what the network reads.
pub(super) const INPUT: &str = "input";

/// What a layer does, with the sizes that are not inferred.
#[derive(Clone, Debug)]
pub(super) enum LayerKind {
    Linear {
        inputs: Option<usize>,
        outputs: usize,
        bias: bool,
    },
    Convolution {
        inputs: Option<usize>,
        outputs: usize,
        window: Window,
        groups: usize,
        /// Of a transposed one, the zeros added after each axis.
        transposed: Option<Vec<usize>>,
        bias: bool,
    },
    BatchNorm {
        epsilon: f64,
        running: bool,
    },
    LayerNorm {
        axes: usize,
        epsilon: f64,
        affine: bool,
    },
    RmsNorm {
        axes: usize,
        epsilon: f64,
    },
    /// No number of groups stands for one a channel.
    GroupNorm {
        groups: Option<usize>,
        epsilon: f64,
        affine: bool,
    },
    Activation(Activation),
    Scale {
        factor: f64,
    },
    MaxPool(Window),
    AvgPool(Window),
    GlobalAvgPool,
    GlobalMaxPool,
    Upsample {
        factor: usize,
    },
    Flatten,
    Reshape {
        shape: Vec<usize>,
    },
    Permute {
        axes: Vec<usize>,
    },
    Slice {
        axis: usize,
        start: usize,
        stop: usize,
    },
    Residual {
        body: Vec<Plan>,
        shortcut: Vec<Plan>,
    },
    Repeat {
        body: Vec<Plan>,
        times: usize,
    },
    Join {
        how: Join,
    },
    Embedding {
        vocabulary: usize,
        width: usize,
    },
    /// Whether its name is that of its parameter.
    Position {
        bare: bool,
    },
    Sinusoids,
    Attention {
        heads: usize,
        causal: bool,
        rotary: bool,
    },
    Recurrent {
        cell: Cell,
        hidden: usize,
    },
    LastToken,
    ClassToken {
        bare: bool,
    },
    FirstToken,
    Tokens,
    Transpose,
    MeanTokens,
}

/// A window that slides over a signal, an image or a volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its sizes: of `[length]`, `[height, width]` or `[depth, height, width]`.
    pub kernel: Vec<usize>,
    /// Steps between its positions.
    pub stride: Vec<usize>,
    /// Padding on both sides.
    pub padding: Vec<usize>,
    /// Steps between its entries.
    pub dilation: Vec<usize>,
}

impl Plan {
    /// `layer 3 (linear)`
    pub(super) fn label(&self) -> String {
        if self.name.is_empty() {
            return format!("a {} without a name", self.kind.word());
        }
        format!("layer {} ({})", self.name, self.kind.word())
    }

    /// The lists of layers in it.
    pub(super) fn inner(&self) -> Vec<&[Plan]> {
        match &self.kind {
            LayerKind::Residual { body, shortcut } => vec![body, shortcut],
            LayerKind::Repeat { body, .. } => vec![body],
            _ => Vec::new(),
        }
    }

    /// Whether it takes values by name only.
    pub(super) fn joins(&self) -> bool {
        matches!(self.kind, LayerKind::Join { .. })
    }

    /// The name of the first layer, or the last, and its type in a network file; only the type of one without parameters that
    /// stands in no file, whose name nobody has written.
    pub(super) fn end(plans: &[Plan], last: bool) -> String {
        let Some(plan) = (if last { plans.last() } else { plans.first() }) else {
            return "which does nothing".into();
        };
        match &plan.kind {
            LayerKind::Residual { body, .. } | LayerKind::Repeat { body, .. } => {
                Plan::end(body, last)
            }
            kind if kind.has_parameters() => {
                let name = plan.share.as_ref().map_or(&plan.name, |shared| &shared.name);
                format!("`{name}` ({})", kind.word())
            }
            kind if plan.span.is_some() => format!("`{}` ({})", plan.name, kind.word()),
            kind => kind.word().into(),
        }
    }

    /// Where the last layer called `name` is in the text.
    pub(super) fn place(plans: &[Plan], name: &str) -> Option<Range<usize>> {
        plans.iter().rev().find_map(|plan| {
            let inner = match &plan.kind {
                LayerKind::Residual { body, shortcut } => {
                    Plan::place(shortcut, name).or_else(|| Plan::place(body, name))
                }
                LayerKind::Repeat { body, .. } => Plan::place(body, name),
                _ => None,
            };
            inner.or_else(|| (plan.name == name).then(|| plan.span.clone()).flatten())
        })
    }
}

/// The word for a window of as many axes.
fn of_axes(window: &Window, words: [&'static str; 3]) -> &'static str {
    words[window.kernel.len().clamp(1, 3) - 1]
}

impl LayerKind {
    /// Whether it has parameters.
    pub(super) fn has_parameters(&self) -> bool {
        use LayerKind as L;
        match self {
            L::LayerNorm { affine, .. } | L::GroupNorm { affine, .. } => *affine,
            L::Linear { .. }
            | L::Convolution { .. }
            | L::BatchNorm { .. }
            | L::RmsNorm { .. }
            | L::Embedding { .. }
            | L::Position { .. }
            | L::Attention { .. }
            | L::Recurrent { .. }
            | L::ClassToken { .. } => true,
            _ => false,
        }
    }

    /// The `type` of a layer in a network file.
    pub(super) fn word(&self) -> &'static str {
        match self {
            LayerKind::Linear { .. } => "linear",
            LayerKind::Convolution { window, transposed: None, .. } => {
                of_axes(window, ["conv1d", "conv2d", "conv3d"])
            }
            LayerKind::Convolution { window, .. } => {
                of_axes(window, ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"])
            }
            LayerKind::BatchNorm { .. } => "batch_norm",
            LayerKind::LayerNorm { .. } => "layer_norm",
            LayerKind::RmsNorm { .. } => "rms_norm",
            LayerKind::GroupNorm { groups: Some(_), .. } => "group_norm",
            LayerKind::GroupNorm { groups: None, .. } => "instance_norm",
            LayerKind::Activation(activation) => activation.word(),
            LayerKind::Scale { .. } => "scale",
            LayerKind::MaxPool(window) => {
                of_axes(window, ["max_pool1d", "max_pool2d", "max_pool3d"])
            }
            LayerKind::AvgPool(window) => {
                of_axes(window, ["avg_pool1d", "avg_pool2d", "avg_pool3d"])
            }
            LayerKind::GlobalAvgPool => "global_avg_pool",
            LayerKind::GlobalMaxPool => "global_max_pool",
            LayerKind::Upsample { .. } => "upsample",
            LayerKind::Flatten => "flatten",
            LayerKind::Reshape { .. } => "reshape",
            LayerKind::Permute { .. } => "permute",
            LayerKind::Slice { .. } => "slice",
            LayerKind::Residual { .. } => "residual",
            LayerKind::Repeat { .. } => "repeat",
            LayerKind::Join { how } => how.word(),
            LayerKind::Embedding { .. } => "embedding",
            LayerKind::Position { .. } => "position",
            LayerKind::Sinusoids => "sinusoids",
            LayerKind::Attention { .. } => "attention",
            LayerKind::Recurrent { cell, .. } => cell.word(),
            LayerKind::ClassToken { .. } => "class_token",
            LayerKind::FirstToken => "first_token",
            LayerKind::LastToken => "last_token",
            LayerKind::Tokens => "tokens",
            LayerKind::Transpose => "transpose",
            LayerKind::MeanTokens => "mean_tokens",
        }
    }
}
