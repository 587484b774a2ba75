//! Layers with their shapes.

use super::{Activation, Window};
use std::ops::Range;

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
    /// Cross-correlation of `[inputs, ...]` with zero padding, or what is transposed to it.
    Convolution {
        /// Prefix of `weight` `[outputs, inputs/groups, kernel]`, transposed `[inputs, outputs/groups, kernel]`, and of
        /// `bias` `[outputs]`.
        name: String,
        /// Channels before.
        inputs: usize,
        /// Channels after.
        outputs: usize,
        /// How the kernel moves.
        window: Window,
        /// In how many groups, each on its own, the channels are.
        groups: usize,
        /// Of a transposed one, the zeros added after each axis.
        transposed: Option<Vec<usize>>,
        /// Whether there is a bias.
        bias: bool,
    },
    /// `(x - mean)/√(variance + ε) · weight + bias` for each channel.
    BatchNorm {
        /// Prefix of `weight` and `bias`, both `[channels]`.
        name: String,
        /// Size of the first axis.
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
        /// Whether there are a weight and a bias.
        affine: bool,
    },
    /// `x/√(mean of x² + ε) · weight`, the mean over the trailing axes (Zhang and Sennrich, *Root Mean Square Layer
    /// Normalization*, 2019).
    RmsNorm {
        /// Prefix of `weight`, of the shape of the trailing axes.
        name: String,
        /// The trailing axes.
        shape: Vec<usize>,
        /// `ε`.
        epsilon: f64,
    },
    /// `(x - mean)/√(variance + ε) · weight + bias`, with mean and biased variance over all of a group of channels (Wu and
    /// He, *Group Normalization*, 2018); of one channel it is an instance norm.
    GroupNorm {
        /// Prefix of `weight` and `bias`, both `[channels]`.
        name: String,
        /// Size of the first axis.
        channels: usize,
        /// The number of groups, a divisor of `channels`.
        groups: usize,
        /// `ε`.
        epsilon: f64,
        /// Whether there are a weight and a bias.
        affine: bool,
    },
    /// A function of every element.
    Activation(Activation),
    /// All elements times a number.
    Scale {
        /// The number.
        factor: f64,
    },
    /// The largest value under the kernel; padding is never the largest.
    MaxPool(Window),
    /// The mean under the kernel, padding counted as zeros.
    AvgPool(Window),
    /// The mean over an image: `[channels, ...]` to `[channels]`.
    GlobalAvgPool,
    /// The largest value of an image: `[channels, ...]` to `[channels]`.
    GlobalMaxPool,
    /// Each value `factor` times along every axis but the first.
    Upsample {
        /// How often.
        factor: usize,
    },
    /// All axes as one, the last varying fastest.
    Flatten,
    /// The same numbers in another shape.
    Reshape {
        /// The shape.
        shape: Vec<usize>,
    },
    /// The axes in another order.
    Permute {
        /// Which axis each is.
        axes: Vec<usize>,
    },
    /// What lies from `start` to before `stop` along an axis.
    Slice {
        /// The axis.
        axis: usize,
        /// The first place.
        start: usize,
        /// The place after the last.
        stop: usize,
    },
    /// Remembers what the layer before it gives.
    Keep {
        /// The name of that layer.
        name: String,
    },
    /// Gives what is remembered, or the input where there is no name.
    Recall {
        /// The name.
        name: Option<String>,
    },
    /// Puts together what is remembered under names.
    Join {
        /// In which way.
        how: Join,
        /// The names; none is the input.
        names: Vec<Option<String>>,
    },
    /// A layer with the parameters of one before it.
    Shared {
        /// What it is called itself.
        name: String,
        /// The layer, with the prefix of those parameters.
        layer: Box<Layer>,
    },
    /// The same layers again and again, with the same parameters.
    Repeat {
        /// The layers.
        body: Vec<Layer>,
        /// How often.
        times: usize,
    },
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
        /// Which numbers of the input it takes.
        part: Range<usize>,
    },
    /// Adds a learned table to `[length, width]`.
    Position {
        /// Prefix of `weight` `[length, width]`, or its whole name.
        name: String,
        /// Whether it is the whole name.
        bare: bool,
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
        /// Whether queries and keys are turned by angles that grow with the position, `position/10000^{2i/size}` of the
        /// `i`-th pair of the `size` numbers of a head, of which the second is half a head behind the first (Su et al.,
        /// *RoFormer*, 2021).
        rotary: bool,
    },
    /// Adds `sin(position/10000^{2i/width})` and `cos` of the same to the numbers `2i` and `2i + 1` of each token (Vaswani et
    /// al., *Attention Is All You Need*, 2017).
    Sinusoids,
    /// A recurrent layer over tokens, `[tokens, inputs]` to `[tokens, hidden]`, from a state of zeros.
    Recurrent {
        /// Prefix of `weight_ih_l0` `[gates hidden, inputs]`, `weight_hh_l0` `[gates hidden, hidden]`, `bias_ih_l0` and
        /// `bias_hh_l0` `[gates hidden]`.
        name: String,
        /// The recurrence, as PyTorch has it.
        cell: Cell,
        /// Size of the last axis before.
        inputs: usize,
        /// Size of the last axis after.
        hidden: usize,
    },
    /// A learned vector before the first token: `[tokens, width]` to `[tokens + 1, width]`.
    ClassToken {
        /// Prefix of `weight` `[width]`, or its whole name.
        name: String,
        /// Whether it is the whole name.
        bare: bool,
        /// Size of the last axis.
        width: usize,
    },
    /// The first token alone: `[tokens, width]` to `[width]`.
    FirstToken,
    /// The last token alone: `[tokens, width]` to `[width]`.
    LastToken,
    /// The pixels of an image, row by row: `[channels, height, width]` to `[height · width, channels]`.
    Tokens,
    /// `[a, b]` to `[b, a]`.
    Transpose,
    /// The mean over tokens: `[tokens, width]` to `[width]`.
    MeanTokens,
}

/// How values are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Their sum.
    Add,
    /// Their product, number by number.
    Multiply,
    /// One after the other along an axis.
    Concatenate {
        /// The axis.
        axis: usize,
    },
}

impl Join {
    pub(super) fn word(self) -> &'static str {
        match self {
            Join::Add => "add",
            Join::Multiply => "multiply",
            Join::Concatenate { .. } => "concat",
        }
    }
}

/// A recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// `h' = tanh(W x + b + U h + c)`.
    Rnn,
    /// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000): of the four parts `i, f,
    /// g, o` of `W x + b + U h + c`, `c' = σ(f) c + σ(i) tanh(g)` and `h' = σ(o) tanh(c')`.
    Lstm,
    /// A gated recurrent unit (Cho et al. 2014) as PyTorch has it: of the three parts of `W x + b` and `U h + c`, `r = σ(x_r + h_r)`,
    /// `z = σ(x_z + h_z)`, `n = tanh(x_n + r h_n)` and `h' = n + z (h - n)`.
    Gru,
}

impl Cell {
    /// How many arrays of the size of the state are made in a step.
    pub(crate) fn gates(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Cell::Rnn => "rnn",
            Cell::Lstm => "lstm",
            Cell::Gru => "gru",
        }
    }
}

/// What the parameter of a layer is called behind the layer's name; nothing where that is its name.
pub(crate) fn weight(bare: bool) -> &'static str {
    if bare { "" } else { "weight" }
}

impl Layer {
    /// The prefix of its parameters, if it has any.
    pub(super) fn prefix(&self) -> Option<&str> {
        match self {
            Layer::Linear { name, .. }
            | Layer::Convolution { name, .. }
            | Layer::BatchNorm { name, .. }
            | Layer::LayerNorm { name, affine: true, .. }
            | Layer::RmsNorm { name, .. }
            | Layer::GroupNorm { name, affine: true, .. }
            | Layer::Embedding { name, .. }
            | Layer::Position { name, .. }
            | Layer::Attention { name, .. }
            | Layer::Recurrent { name, .. }
            | Layer::ClassToken { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The lists of layers in it.
    pub(crate) fn inner(&self) -> Vec<&[Layer]> {
        match self {
            Layer::Residual { body, shortcut } => vec![body, shortcut],
            Layer::Repeat { body, .. } => vec![body],
            Layer::Shared { layer, .. } => vec![std::slice::from_ref(layer)],
            _ => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub(super) fn inner_mut(&mut self) -> Vec<&mut [Layer]> {
        match self {
            Layer::Residual { body, shortcut } => vec![body, shortcut],
            Layer::Repeat { body, .. } => vec![body],
            Layer::Shared { layer, .. } => vec![std::slice::from_mut(layer)],
            _ => Vec::new(),
        }
    }
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
