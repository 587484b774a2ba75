//! Small networks with every layer and loss, and random data for them.
#![allow(dead_code, reason = "each of the tests uses a part")]

use bea::network::NetworkLoss;
use bea::network::architecture::{Architecture, Dtype};
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::source::Source;

/// Numbers in [-1, 1) from a seed; each is a 32-bit float, so that all devices start from the same.
pub fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
        })
        .collect()
}

/// A network of the layers, with random data of the right shapes: `examples` inputs, and classes or numbers.
pub fn network(
    head: &str,
    layers: &str,
    examples: usize,
    dtype: Dtype,
    device: &Device,
) -> NetworkLoss {
    let dtype = if dtype == Dtype::F64 { "f64" } else { "f32" };
    let text = format!("dtype = \"{dtype}\"\n{head}\n{layers}");
    let architecture = Architecture::parse(&Source::new("net.toml", text)).unwrap();
    let width = *architecture.outputs.last().unwrap();
    let tokens: usize = architecture.outputs.iter().rev().skip(1).product();
    let size: usize = architecture.input.iter().product();
    let inputs = if layers.contains("embedding") {
        numbers(5, examples * size).into_iter().map(|x| ((x + 1.0) * 2.5).floor()).collect()
    } else {
        numbers(5, examples * size)
    };
    let targets = if head.contains("mse") {
        Targets::Values { values: numbers(6, examples * width), width }
    } else if tokens > 1 {
        let values = (0..examples * tokens).map(|i| (i * i % width) as f64).collect();
        Targets::Values { values, width: tokens }
    } else {
        Targets::Classes {
            labels: (0..examples).map(|i| (i * i % width) as u32).collect(),
            classes: width,
        }
    };
    let data =
        Dataset::new("random", architecture.input.clone(), Values::F64(inputs), targets).unwrap();
    NetworkLoss::new(architecture, &data, device).unwrap()
}

/// `[[layer]]` tables, of types with their keys after semicolons.
pub fn layers(types: &[&str]) -> String {
    types.iter().map(|lines| format!("[[layer]]\ntype = {}\n", lines.replace("; ", "\n"))).collect()
}

/// Every layer and loss at least once, each network small enough for differences.
pub fn networks(dtype: Dtype, device: &Device) -> Vec<(&'static str, NetworkLoss)> {
    let network =
        |head: &str, layers: &str, examples: usize| network(head, layers, examples, dtype, device);
    let ce = "loss = \"cross_entropy\"";
    let linear = |out: usize| format!("\"linear\"; out = {out}");
    let mut all = Vec::new();
    for activation in ["elu", "tanh", "softplus", "sigmoid", "gelu", "relu"] {
        let quoted = format!("\"{activation}\"");
        let text = layers(&[&linear(5), &quoted, &linear(4), &quoted, &linear(3)]);
        all.push((activation, network(&format!("{ce}\ninput = [4]"), &text, 7)));
    }
    let smooth = format!("{ce}\nlabel_smoothing = 0.1\ninput = [4]");
    all.push((
        "label smoothing",
        network(&smooth, &layers(&[&linear(5), "\"tanh\"", &linear(3)]), 6),
    ));
    all.push((
        "mean squares",
        network("loss = \"mse\"\ninput = [3]", &layers(&[&linear(4), "\"elu\"", &linear(2)]), 6),
    ));
    for (name, loss, out) in [
        ("half squares", "\"half_squared_error\"", 2),
        ("logistic", "\"logistic\"", 3),
        ("binary cross entropy", "\"binary_cross_entropy\"", 3),
        ("squared hinge", "{ type = \"hinge\", power = 2 }", 3),
        ("Huber", "{ type = \"huber\", delta = 0.3 }", 2),
        ("formula", "{ formula = \"sum(log(cosh(y - t))) + sinh(y[0])*y[1]^3/4\" }", 2),
    ] {
        let head = format!("loss = {loss}\nl2 = 0.1\ninput = [4]");
        all.push((name, network(&head, &layers(&[&linear(4), "\"tanh\"", &linear(out)]), 6)));
    }
    let image = format!("{ce}\ninput = [2, 6, 6]");
    let conv = "\"conv2d\"; out = 3; kernel = 3; padding = 1";
    let strided = "\"conv2d\"; out = 2; kernel = 3; stride = 2; bias = false";
    all.push((
        "convolution",
        network(&image, &layers(&[conv, "\"tanh\"", strided, "\"flatten\"", &linear(3)]), 4),
    ));
    all.push((
        "average pool",
        network(
            &image,
            &layers(&[
                conv,
                "\"elu\"",
                "\"avg_pool2d\"; kernel = 2; stride = 2; padding = 1",
                "\"flatten\"",
                &linear(3),
            ]),
            4,
        ),
    ));
    all.push((
        "max pool",
        network(
            &image,
            &layers(&[
                conv,
                "\"tanh\"",
                "\"max_pool2d\"; kernel = 3; stride = 2; padding = 1",
                "\"flatten\"",
                &linear(3),
            ]),
            4,
        ),
    ));
    all.push((
        "global pool",
        network(&image, &layers(&[conv, "\"tanh\"", "\"global_avg_pool\"", &linear(3)]), 4),
    ));
    all.push((
        "batch norm",
        network(
            &image,
            &layers(&[
                conv,
                "\"batch_norm\"",
                "\"elu\"",
                "\"global_avg_pool\"",
                &linear(4),
                "\"batch_norm\"",
                "\"tanh\"",
                &linear(3),
            ]),
            5,
        ),
    ));
    all.push((
        "layer norm",
        network(
            &format!("{ce}\ninput = [4]"),
            &layers(&[&linear(5), "\"layer_norm\"", "\"tanh\"", &linear(3)]),
            5,
        ),
    ));
    let block = "\"residual\"\nlayers = [{ type = \"conv2d\", out = 2, kernel = 3, padding = 1 }, { type = \"tanh\" }]";
    let reduced = "\"residual\"\nlayers = [{ type = \"conv2d\", out = 3, kernel = 3, stride = 2, padding = 1 }, { type = \"elu\" }]\nshortcut = [{ type = \"conv2d\", out = 3, kernel = 1, stride = 2 }]";
    all.push((
        "residual",
        network(&image, &layers(&[block, reduced, "\"global_avg_pool\"", &linear(3)]), 4),
    ));
    let tokens = format!("{ce}\ninput = [4]");
    let attention = "\"attention\"; heads = 2";
    all.push((
        "attention",
        network(
            &tokens,
            &layers(&[
                "\"embedding\"; vocabulary = 5; width = 4",
                "\"position\"",
                attention,
                "\"layer_norm\"",
                "\"mean_tokens\"",
                &linear(3),
            ]),
            5,
        ),
    ));
    let causal = "\"attention\"; heads = 2; causal = true";
    all.push((
        "causal attention, a loss for every token",
        network(
            "loss = \"logistic\"\ninput = [4]",
            &layers(&[
                "\"embedding\"; vocabulary = 5; width = 4",
                "\"position\"",
                causal,
                "\"tanh\"",
                causal,
                &linear(3),
            ]),
            5,
        ),
    ));
    all.push((
        "patches and a class token",
        network(
            &image,
            &layers(&[
                "\"conv2d\"; out = 4; kernel = 3; stride = 3",
                "\"tokens\"",
                "\"class_token\"",
                "\"position\"",
                "\"transpose\"",
                &linear(3),
                "\"transpose\"",
                "\"tanh\"",
                "\"first_token\"",
                &linear(3),
            ]),
            4,
        ),
    ));
    all
}
