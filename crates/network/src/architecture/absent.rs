//! Layers that people know from elsewhere and that network files do not have.

use bea_series::text::near::Absent;

/// By groups: other names, and what to do instead.
pub(super) const LAYERS: &[Absent] = &[
    (
        &["cls_token", "cls", "prepend_token", "register_tokens"],
        "a learned token before the others is `class_token`, and `first_token` takes it at the end",
    ),
    (
        &["gru_cell", "lstm_cell", "rnn_cell", "recurrent", "mamba", "ssm", "s4"],
        "recurrent layers are `rnn`, `lstm` and `gru`, over all tokens",
    ),
    (
        &[
            "multi_head_attention",
            "multihead_attention",
            "self_attention",
            "mha",
            "transformer",
            "transformer_encoder_layer",
            "transformer_block",
            "encoder_layer",
        ],
        "`attention` with `heads` is the attention alone; a block is two `residual`s with `layer_norm`, and the \
         architecture `transformer` has them all",
    ),
    (
        &[
            "positional_encoding",
            "positional_embedding",
            "position_embedding",
            "pos_embed",
            "sinusoidal",
            "rotary",
            "rope",
        ],
        "learned positions are `position`, fixed ones `sinusoids`; an `attention` turns its queries and keys with `rotary = true`",
    ),
    (
        &["layer_norm2d", "layer_norm_2d", "layer_norm1d"],
        "`layer_norm` takes the number of last axes: `axes = 3` for all of an image; for channels alone there is none",
    ),
    (
        &["weight_norm", "spectral_norm", "local_response_norm"],
        "the norms are `layer_norm`, `rms_norm`, `batch_norm`, `group_norm` and `instance_norm`",
    ),
    (
        &["dropout", "dropout1d", "dropout2d", "drop_path", "stochastic_depth", "alpha_dropout"],
        "leave it out: bea differentiates one fixed function of the parameters, and dropout makes it random",
    ),
    (
        &["softmax", "log_softmax", "logits"],
        "leave it out: loss = \"cross_entropy\" takes the logarithm of the softmax of the last layer",
    ),
    (
        &["cross_entropy", "mse", "mse_loss", "nll_loss"],
        "a loss is no layer: write loss = \"cross_entropy\" or loss = \"mean_squared_error\" in front of the layers",
    ),
    (
        &["conv", "convolution", "depthwise_conv2d", "separable_conv2d", "deconv"],
        "convolutions are `conv1d`, `conv2d` and `conv3d`, transposed ones `conv_transpose2d` and its like; as many `groups` as \
         channels make one depthwise",
    ),
    (
        &["max_pool", "adaptive_max_pool2d", "avg_pool", "mean_pool", "pool"],
        "pools are `max_pool2d`, `avg_pool2d` and their like, and `global_avg_pool` and `global_max_pool`",
    ),
    (
        &["adaptive_avg_pool2d", "adaptive_avg_pool", "global_pool", "gap"],
        "to one number a channel it is `global_avg_pool`",
    ),
    (&["dense", "fc", "fully_connected", "affine", "lazy_linear", "mlp"], "it is `linear`"),
    (&["bilinear"], "`add`, `multiply` and `concat` put together what several layers give"),
    (
        &["skip", "shortcut", "sum", "resnet_block", "basic_block", "bottleneck", "res_block"],
        "it is `residual`, with `layers` and, where shapes differ, a `shortcut`; `add` is the sum of named layers",
    ),
    (
        &["cat", "concatenate", "dense_block", "u_net", "unet"],
        "`concat` puts together what the layers give whose names are in `from`",
    ),
    (
        &["view", "unflatten", "squeeze", "unsqueeze", "patch_embed", "patch_embedding"],
        "shapes are changed by `flatten`, `reshape`, `permute` and `tokens`; patches of an image are cut by a `conv2d` whose stride is its \
         kernel, and `tokens` makes a list of them",
    ),
    (&["identity", "sequential", "module_list"], "leave it out: layers stand in a line"),
    (
        &["interpolate", "pixel_shuffle", "zero_pad2d", "pad"],
        "`upsample` repeats every pixel; `padding` is a key of `conv2d` and of pools",
    ),
    (
        &[
            "prelu",
            "rrelu",
            "celu",
            "softmin",
            "sine",
            "swiglu",
            "glu",
            "geglu",
            "quick_gelu",
            "threshold",
        ],
        "activations are `elu`, `gelu`, `relu`, `silu`, `tanh` and others; two layers are multiplied by `multiply`",
    ),
    (
        &["embedding_bag", "token_embedding"],
        "it is `embedding`, with `vocabulary` and `width`, and `mean_tokens` for the mean",
    ),
    (
        &["squeeze_excite", "squeeze_excitation", "se"],
        "`multiply` is the product of what layers of the same shape give",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::activation::ACTIVATIONS;
    use super::super::tables::TYPES;
    use super::*;

    #[test]
    fn what_is_recommended_exists_and_what_is_absent_does_not() {
        let known = |word: &str| {
            TYPES.contains(&word) || ACTIVATIONS.iter().any(|(function, _)| *function == word)
        };
        for (absent, advice) in LAYERS {
            assert!(absent.iter().all(|name| !known(name)), "{absent:?}");
            for word in advice.split('`').skip(1).step_by(2) {
                let keys = [
                    "heads",
                    "layers",
                    "shortcut",
                    "vocabulary",
                    "width",
                    "padding",
                    "transformer",
                    "from",
                    "groups",
                    "rotary = true",
                    "axes = 3",
                ];
                assert!(known(word) || keys.contains(&word), "{word}");
            }
        }
    }
}
