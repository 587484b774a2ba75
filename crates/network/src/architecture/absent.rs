//! Layers that people know from elsewhere and that network files do not have.

use bea_series::text::near::Absent;

/// By groups: other names, and what to do instead.
pub(super) const LAYERS: &[Absent] = &[
    (
        &["cls_token", "cls", "prepend_token", "register_tokens"],
        "a learned token before the others is `class_token`, and `first_token` takes it at the end",
    ),
    (
        &["rnn", "gru", "lstm", "gru_cell", "lstm_cell", "rnn_cell", "mamba", "ssm", "s4"],
        "there are no recurrent layers; sequences are for `attention`, with `embedding` and `position`",
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
        "learned positions are `position`; there are no fixed ones",
    ),
    (
        &["layer_norm2d", "layer_norm_2d", "layer_norm1d"],
        "`layer_norm` takes the number of last axes: `axes = 3` for all of an image; for channels alone there is none",
    ),
    (
        &[
            "group_norm",
            "instance_norm",
            "instance_norm1d",
            "instance_norm2d",
            "rms_norm",
            "weight_norm",
            "spectral_norm",
            "local_response_norm",
        ],
        "the norms are `layer_norm`, `batch_norm1d` and `batch_norm2d`",
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
        &[
            "conv",
            "conv1d",
            "conv3d",
            "convolution",
            "conv_transpose2d",
            "depthwise_conv2d",
            "separable_conv2d",
            "deconv",
        ],
        "of convolutions there is `conv2d`, without groups and not transposed",
    ),
    (
        &[
            "max_pool",
            "max_pool1d",
            "max_pool3d",
            "adaptive_max_pool2d",
            "avg_pool",
            "avg_pool1d",
            "avg_pool3d",
            "mean_pool",
            "pool",
        ],
        "of pools there are `max_pool2d`, `avg_pool2d` and `global_avg_pool`",
    ),
    (
        &["adaptive_avg_pool2d", "adaptive_avg_pool", "global_pool", "gap"],
        "to one number a channel it is `global_avg_pool`",
    ),
    (&["dense", "fc", "fully_connected", "affine", "lazy_linear", "mlp"], "it is `linear`"),
    (&["bilinear"], "there is no layer with two inputs"),
    (
        &["skip", "shortcut", "add", "resnet_block", "basic_block", "bottleneck", "res_block"],
        "it is `residual`, with `layers` and, where shapes differ, a `shortcut`",
    ),
    (
        &["concat", "cat", "dense_block", "u_net", "unet"],
        "layers stand in a line; branches are sums, `residual`, and are not joined",
    ),
    (
        &[
            "reshape",
            "view",
            "unflatten",
            "permute",
            "squeeze",
            "unsqueeze",
            "patch_embed",
            "patch_embedding",
        ],
        "shapes are changed by `flatten`, `transpose` and `tokens`; patches of an image are cut by a `conv2d` whose stride is its \
         kernel, and `tokens` makes a list of them",
    ),
    (&["identity", "sequential", "module_list"], "leave it out: layers stand in a line"),
    (
        &["upsample", "interpolate", "pixel_shuffle", "zero_pad2d", "pad"],
        "nothing makes images larger; `padding` is a key of `conv2d` and of pools",
    ),
    (
        &[
            "leaky_relu",
            "prelu",
            "rrelu",
            "selu",
            "celu",
            "mish",
            "silu",
            "swish",
            "hardswish",
            "hard_swish",
            "hardtanh",
            "softsign",
            "softmin",
            "log_sigmoid",
            "sin",
            "sine",
            "swiglu",
            "glu",
            "geglu",
            "quick_gelu",
            "hard_sigmoid",
            "threshold",
        ],
        "the activations are `elu`, `tanh`, `softplus`, `sigmoid`, `gelu` and `relu`",
    ),
    (
        &["embedding_bag", "token_embedding"],
        "it is `embedding`, with `vocabulary` and `width`, and `mean_tokens` for the mean",
    ),
    (
        &["squeeze_excite", "squeeze_excitation", "se"],
        "nothing multiplies activations with each other but `attention`",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::plan::FUNCTIONS;
    use super::super::read::TYPES;
    use super::*;

    #[test]
    fn what_is_recommended_exists_and_what_is_absent_does_not() {
        let known = |word: &str| {
            TYPES.contains(&word) || FUNCTIONS.iter().any(|(function, _)| *function == word)
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
                    "axes = 3",
                ];
                assert!(known(word) || keys.contains(&word), "{word}");
            }
        }
    }
}
