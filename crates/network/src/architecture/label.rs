//! What messages call a layer.

use super::plan::FUNCTIONS;
use super::{Architecture, Layer};

impl Architecture {
    /// The layer that is given the input: `` `0` (linear)``.
    pub(crate) fn first_layer(&self) -> String {
        label(&self.layers, <[Layer]>::first)
    }

    /// The layer that gives the outputs: `` `fc` (linear)``.
    pub(crate) fn last_layer(&self) -> String {
        label(&self.layers, <[Layer]>::last)
    }
}

/// The prefix of the layer's parameters in PyTorch and its type in a network file. A layer without parameters has
/// only the type: its position is not stored.
fn label(layers: &[Layer], end: fn(&[Layer]) -> Option<&Layer>) -> String {
    let (name, word) = match end(layers) {
        None => return "which does nothing".into(),
        Some(Layer::Residual { body, .. }) if !body.is_empty() => return label(body, end),
        Some(Layer::Residual { .. }) => (None, "residual"),
        Some(Layer::Linear { name, .. }) => (Some(name), "linear"),
        Some(Layer::Conv2d { name, .. }) => (Some(name), "conv2d"),
        Some(Layer::BatchNorm { name, .. }) => (Some(name), "batch_norm"),
        Some(Layer::LayerNorm { name, .. }) => (Some(name), "layer_norm"),
        Some(Layer::Embedding { name, .. }) => (Some(name), "embedding"),
        Some(Layer::Position { name, .. }) => (Some(name), "position"),
        Some(Layer::Attention { name, .. }) => (Some(name), "attention"),
        Some(Layer::MaxPool2d { .. }) => (None, "max_pool2d"),
        Some(Layer::AvgPool2d { .. }) => (None, "avg_pool2d"),
        Some(Layer::GlobalAvgPool) => (None, "global_avg_pool"),
        Some(Layer::Flatten) => (None, "flatten"),
        Some(Layer::MeanTokens) => (None, "mean_tokens"),
        Some(Layer::ClassToken { name, .. }) => (Some(name), "class_token"),
        Some(Layer::FirstToken) => (None, "first_token"),
        Some(Layer::Tokens) => (None, "tokens"),
        Some(Layer::Transpose) => (None, "transpose"),
        Some(Layer::Activation(function)) => {
            let known = FUNCTIONS.iter().find(|(_, other)| other == function);
            (None, known.map_or("an activation", |(name, _)| name))
        }
    };
    name.map_or(word.into(), |name| format!("`{name}` ({word})"))
}
