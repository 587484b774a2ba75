//! A transformer that classifies sequences.

use super::{linear, plan};
use crate::architecture::Activation;
use crate::architecture::plan::{LayerKind, Plan};

/// ε of PyTorch's `LayerNorm`.
const EPSILON: f64 = 1e-5;

/// The sizes of a transformer.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    /// Integers of the inputs are below it; inputs of real vectors, `[tokens, features]`, need none.
    pub(crate) vocabulary: Option<usize>,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) blocks: usize,
    /// Width between the two linear layers of a block; four times `width` if not given.
    pub(crate) feedforward: Option<usize>,
    /// Whether a block's norms come before its attention and linear layers, or after the sums.
    pub(crate) norm_first: bool,
}

impl Default for Transformer {
    fn default() -> Transformer {
        let (vocabulary, feedforward) = (None, None);
        Transformer { vocabulary, width: 64, heads: 4, blocks: 2, feedforward, norm_first: true }
    }
}

impl Transformer {
    pub(super) fn plans(
        &self,
        activation: Activation,
        outputs: usize,
        input: &[usize],
    ) -> Vec<Plan> {
        let width = self.width;
        let embedding = match (input.len(), self.vocabulary) {
            (1, Some(vocabulary)) => LayerKind::Embedding { vocabulary, width },
            _ => linear(width),
        };
        let mut plans = vec![
            plan("embedding", embedding),
            plan("position", LayerKind::Position { bare: false }),
        ];
        for block in 0..self.blocks {
            plans.extend(self.block(&format!("encoder.layers.{block}"), activation));
        }
        plans.push(plan("mean", LayerKind::MeanTokens));
        plans.push(plan("classifier", linear(outputs)));
        plans
    }

    /// `nn.TransformerEncoderLayer`.
    fn block(&self, name: &str, activation: Activation) -> Vec<Plan> {
        let plan = |own: &str, kind| plan(format!("{name}.{own}"), kind);
        let norm =
            |own: &str| plan(own, LayerKind::LayerNorm { axes: 1, epsilon: EPSILON, affine: true });
        let attention = plan(
            "self_attn",
            LayerKind::Attention { heads: self.heads, causal: false, rotary: false },
        );
        let feedforward = [
            plan("linear1", linear(self.feedforward.unwrap_or(4 * self.width))),
            plan("activation", LayerKind::Activation(activation)),
            plan("linear2", linear(self.width)),
        ];
        let residual =
            |own: &str, body| plan(own, LayerKind::Residual { body, shortcut: Vec::new() });
        if self.norm_first {
            let second = [norm("norm2")].into_iter().chain(feedforward).collect();
            vec![residual("attention", vec![norm("norm1"), attention]), residual("mlp", second)]
        } else {
            vec![
                residual("attention", vec![attention]),
                norm("norm1"),
                residual("mlp", feedforward.into()),
                norm("norm2"),
            ]
        }
    }
}
