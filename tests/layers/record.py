#!/usr/bin/env python3
"""Writes `expected.json`: losses of networks with every kind of layer on random data, with gradient, Hessian-vector product and
third derivative, as PyTorch computes them in binary64 with its own layers. Norms are written out, since the third derivatives of
PyTorch's own are wrong.

    pip install torch numpy
    python3 tests/layers/record.py
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
random = np.random.default_rng(5)
EXAMPLES = 5


def normal(*shape):
    return torch.tensor(random.normal(size=shape))


def norm(x, axes, epsilon=1e-5):
    centred = x - x.mean(axes, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(axes, keepdim=True) + epsilon)


def groups(x, count):
    grouped = x.reshape(x.shape[0], count, -1)
    return norm(grouped, (2,)).reshape(x.shape)


def affine(x, p, layer):
    shape = [1, -1] + [1] * (x.dim() - 2)
    return x * p[f"{layer}.weight"].reshape(shape) + p[f"{layer}.bias"].reshape(shape)


def linear(x, p, layer):
    return F.linear(x, p[f"{layer}.weight"], p.get(f"{layer}.bias"))


def recurrent(x, p, layer, cell):
    """`torch.nn.RNN`, `LSTM` and `GRU`, by PyTorch's own cells."""
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    parameters = [p[f"{layer}.{name}"] for name in names]
    state = torch.zeros(x.shape[0], parameters[1].shape[1])
    memory, states = state, []
    for token in range(x.shape[1]):
        if cell == "lstm":
            state, memory = torch.lstm_cell(x[:, token], (state, memory), *parameters)
        elif cell == "gru":
            state = torch.gru_cell(x[:, token], state, *parameters)
        else:
            state = torch.rnn_tanh_cell(x[:, token], state, *parameters)
        states.append(state)
    return torch.stack(states, 1)


def attention(x, p, layer, heads, causal=False, rotary=False):
    n, length, width = x.shape
    size = width // heads
    joint = F.linear(x, p[f"{layer}.in_proj_weight"], p[f"{layer}.in_proj_bias"])
    q, k, v = (part.reshape(n, length, heads, size).transpose(1, 2) for part in joint.split(width, 2))
    if rotary:
        angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(size // 2) / (size // 2))
        turn = torch.polar(torch.ones_like(angle), angle)
        def turned(x):
            pairs = torch.complex(x[..., : size // 2], x[..., size // 2 :]) * turn
            return torch.cat([pairs.real, pairs.imag], -1)
        q, k = turned(q), turned(k)
    scores = q @ k.transpose(2, 3) / math.sqrt(size)
    if causal:
        scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -math.inf)
    mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, length, width)
    return linear(mixed, p, f"{layer}.out_proj")


def sinusoids(length, width):
    angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], -1).reshape(length, width)


def signal(x, p):
    x = F.conv1d(x, p["0.weight"], p["0.bias"], stride=2, padding=2, dilation=2)
    x = F.silu(affine(groups(x, 2), p, "1"))
    x = F.conv1d(x, p["3.weight"], groups=2)
    x = F.avg_pool1d(F.max_pool1d(x, 2, 1), 2, 1)
    return linear(x.mean(2), p, "head")


def u_net(x, p):
    encoded = F.gelu(F.conv2d(x, p["enc.weight"], p["enc.bias"], padding=1))
    x = F.conv2d(F.max_pool2d(encoded, 2), p["3.weight"], p["3.bias"], padding=1)
    x = F.mish(affine(groups(x, 4), p, "4"))
    # `padding=1, output_padding=1`, which PyTorch does not differentiate three times.
    x = F.conv_transpose2d(x, p["6.weight"], p["6.bias"], stride=2, groups=2)[:, :, 1:, 1:]
    x = torch.cat([x, encoded], 1)
    return F.conv2d(x, p["8.weight"], p["8.bias"]).flatten(2).transpose(1, 2)


def volume(x, p):
    x = affine(norm(F.conv3d(x, p["0.weight"], p["0.bias"]), (0, 2, 3, 4)), p, "1")
    x = F.interpolate(F.max_pool3d(F.softplus(x), 2, 1), scale_factor=2, mode="nearest")
    x = F.conv_transpose3d(x, p["5.weight"], p["5.bias"], dilation=(1, 2, 1))
    return linear(x.amax((2, 3, 4)), p, "7")


def language(x, p):
    x = recurrent(F.embedding(x, p["words.weight"]), p, "1", "lstm")
    return F.linear(x, p["words.weight"])


def decoder(x, p):
    x = F.embedding(x, p["0.weight"]) + sinusoids(x.shape[1], 8)
    x = x + attention(norm(x, (2,)), p, "2.1", 2, causal=True, rotary=True)
    normed = x * torch.rsqrt((x * x).mean(2, keepdim=True) + 1e-6) * p["3.0.weight"]
    gated = F.silu(linear(normed, p, "3.gate")) * linear(normed, p, "3.up")
    x = x + linear(gated, p, "3.down")
    return F.linear(x, p["0.weight"])


def gated(x, p):
    return linear(recurrent(x, p, "0", "gru")[:, -1], p, "2")


def elman(x, p):
    x = recurrent(x.permute(0, 2, 1), p, "1", "rnn")
    return linear(x.reshape(x.shape[0], 2, 6).mean(1), p, "4")


def ode(x, p):
    x = linear(x, p, "in")
    for _ in range(4):
        x = x + 0.25 * torch.tanh(linear(x, p, "1.0.0"))
    return linear(x, p, "2")


def two_inputs(x, p):
    first = torch.tanh(linear(x[:, :2], p, "first"))
    second = linear(x[:, 2:], p, "second")
    both = first * second + first + second
    return linear(torch.cat([both, x], 1), p, "9")


def siamese(x, p):
    left, right = (torch.sin(linear(part, p, "net")) for part in (x[:, :3], x[:, 3:]))
    return linear(left + right, p, "last")


def depthwise(x, p):
    x = F.conv2d(x, p["0.weight"], stride=(2, 1), padding=(1, 0), groups=2)
    return linear(F.hardtanh(groups(x, 4), -0.8, 1.1).flatten(1), p, "4")


def tokens(count, length, vocabulary):
    return torch.tensor(random.integers(vocabulary, size=(count, length)))


# Name: TOML, shape of an input or tokens, targets: a shape of values, or a number of classes with as many of them for each example,
# the shapes of the parameters, and the outputs.
GATES = lambda name, gates, inputs, hidden: {
    f"{name}.weight_ih_l0": (gates * hidden, inputs),
    f"{name}.weight_hh_l0": (gates * hidden, hidden),
    f"{name}.bias_ih_l0": (gates * hidden,),
    f"{name}.bias_hh_l0": (gates * hidden,),
}
DENSE = lambda name, inputs, outputs: {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
CASES = {
    "signal": (
        """input = [3, 12]
        layer = [
          { type = "conv1d", out = 4, kernel = 3, stride = 2, padding = 2, dilation = 2 },
          { type = "group_norm", groups = 2 }, { type = "silu" },
          { type = "conv1d", out = 6, kernel = 2, groups = 2, bias = false },
          { type = "max_pool1d", kernel = 2, stride = 1 }, { type = "avg_pool1d", kernel = 2, stride = 1 },
          { type = "global_avg_pool" }, { type = "linear", name = "head", out = 3 },
        ]""",
        (3, 12), (3, 1),
        {"0.weight": (4, 3, 3), "0.bias": (4,), "1.weight": (4,), "1.bias": (4,), "3.weight": (6, 2, 2), **DENSE("head", 6, 3)},
        signal,
    ),
    "U-Net": (
        """input = [1, 6, 6]
        layer = [
          { type = "conv2d", name = "enc", out = 3, kernel = 3, padding = 1 }, { type = "gelu", name = "encoded" },
          { type = "max_pool2d", kernel = 2 }, { type = "conv2d", out = 4, kernel = 3, padding = 1 },
          { type = "instance_norm", affine = true }, { type = "mish" },
          { type = "conv_transpose2d", out = 2, kernel = 3, stride = 2, padding = 1, output_padding = 1, groups = 2 },
          { type = "concat", from = ["6", "encoded"] },
          { type = "conv2d", out = 2, kernel = 1 }, { type = "tokens" },
        ]""",
        (1, 6, 6), (36, 2),
        {
            "enc.weight": (3, 1, 3, 3), "enc.bias": (3,), "3.weight": (4, 3, 3, 3), "3.bias": (4,), "4.weight": (4,),
            "4.bias": (4,), "6.weight": (4, 1, 3, 3), "6.bias": (2,), "8.weight": (2, 5, 1, 1), "8.bias": (2,),
        },
        u_net,
    ),
    "volume": (
        """input = [1, 4, 4, 4]
        layer = [
          { type = "conv3d", out = 2, kernel = 2 }, { type = "batch_norm3d" }, { type = "softplus" },
          { type = "max_pool3d", kernel = 2, stride = 1 }, { type = "upsample", factor = 2 },
          { type = "conv_transpose3d", out = 3, kernel = [1, 2, 2], dilation = [1, 2, 1] },
          { type = "global_max_pool" }, { type = "linear", out = 2 },
        ]""",
        (1, 4, 4, 4), (2,),
        {"0.weight": (2, 1, 2, 2, 2), "0.bias": (2,), "1.weight": (2,), "1.bias": (2,), "5.weight": (2, 3, 1, 2, 2), "5.bias": (3,), **DENSE("7", 3, 2)},
        volume,
    ),
    "language model": (
        """input = [6]
        layer = [
          { type = "embedding", name = "words", vocabulary = 7, width = 4 }, { type = "lstm", hidden = 4 },
          { type = "linear", out = 7, bias = false, share = "words" },
        ]""",
        tokens(EXAMPLES, 6, 7), (7, 6),
        {"words.weight": (7, 4), **GATES("1", 4, 4, 4)},
        language,
    ),
    "decoder": (
        """input = [5]
        layer = [
          { type = "embedding", vocabulary = 7, width = 8 }, { type = "sinusoids" },
          { type = "residual", layers = [
            { type = "layer_norm", affine = false }, { type = "attention", heads = 2, causal = true, rotary = true },
          ] },
          { type = "residual", layers = [
            { type = "rms_norm", epsilon = 1e-6 },
            { type = "linear", name = "gate", out = 6 }, { type = "silu", name = "open" },
            { type = "linear", name = "up", from = "3.0", out = 6 },
            { type = "multiply", from = ["3.open", "3.up"] }, { type = "linear", name = "down", out = 8 },
          ] },
          { type = "linear", out = 7, bias = false, share = "0" },
        ]""",
        tokens(EXAMPLES, 5, 7), (7, 5),
        {
            "0.weight": (7, 8), "2.1.in_proj_weight": (24, 8), "2.1.in_proj_bias": (24,), **DENSE("2.1.out_proj", 8, 8),
            "3.0.weight": (8,), **DENSE("3.gate", 8, 6), **DENSE("3.up", 8, 6), **DENSE("3.down", 6, 8),
        },
        decoder,
    ),
    "gated recurrent": (
        'input = [4, 3]\nlayer = [{ type = "gru", hidden = 5 }, { type = "last_token" }, { type = "linear", out = 2 }]',
        (4, 3), (2,), {**GATES("0", 3, 3, 5), **DENSE("2", 5, 2)}, gated,
    ),
    "recurrent": (
        """input = [3, 4]
        layer = [
          { type = "permute", axes = [1, 0] }, { type = "rnn", hidden = 3 },
          { type = "reshape", shape = [2, 6] }, { type = "mean_tokens" }, { type = "linear", out = 2 },
        ]""",
        (3, 4), (2,), {**GATES("1", 1, 3, 3), **DENSE("4", 6, 2)}, elman,
    ),
    "shared steps": (
        """input = [4]
        layer = [
          { type = "linear", name = "in", out = 5 },
          { type = "repeat", times = 4, layers = [
            { type = "residual", layers = [{ type = "linear", out = 5 }, { type = "tanh" }, { type = "scale", factor = "1/4" }] },
          ] },
          { type = "linear", out = 3 },
        ]""",
        (4,), (3, 1), {**DENSE("in", 4, 5), **DENSE("1.0.0", 5, 5), **DENSE("2", 5, 3)}, ode,
    ),
    "two inputs": (
        """input = [6]
        layer = [
          { type = "slice", stop = 2 }, { type = "linear", name = "first", out = 3 }, { type = "tanh", name = "a" },
          { type = "slice", from = "input", start = 2, stop = 6 }, { type = "linear", name = "second", out = 3 },
          { type = "multiply", from = ["a", "second"] }, { type = "add", from = ["5", "a", "second"] },
          { type = "concat", from = ["6", "input"] }, { type = "scale", factor = 1 }, { type = "linear", out = 2 },
        ]""",
        (6,), (2,), {**DENSE("first", 2, 3), **DENSE("second", 4, 3), **DENSE("9", 9, 2)}, two_inputs,
    ),
    "siamese": (
        """input = [6]
        layer = [
          { type = "slice", stop = 3 }, { type = "linear", name = "net", out = 4 }, { type = "sin", name = "left" },
          { type = "slice", from = "input", start = 3, stop = 6 }, { type = "linear", out = 4, share = "net" },
          { type = "sin", name = "right" }, { type = "add", from = ["left", "right"] }, { type = "linear", name = "last", out = 2 },
        ]""",
        (6,), (2,), {**DENSE("net", 3, 4), **DENSE("last", 4, 2)}, siamese,
    ),
    "depthwise": (
        """input = [2, 4, 3]
        layer = [
          { type = "conv2d", out = 4, kernel = [3, 2], stride = [2, 1], padding = [1, 0], groups = 2, bias = false },
          { type = "instance_norm" }, { type = "hardtanh", low = -0.8, high = 1.1 },
          { type = "flatten" }, { type = "linear", out = 2 },
        ]""",
        (2, 4, 3), (2,), {"0.weight": (4, 1, 3, 2), **DENSE("4", 16, 2)}, depthwise,
    ),
}
ACTIVATIONS = {
    '"elu"': F.elu, '"elu", alpha = 0.5': lambda x: F.elu(x, 0.5), '"tanh"': torch.tanh, '"softplus"': F.softplus,
    '"sigmoid"': torch.sigmoid, '"gelu"': F.gelu, '"gelu_tanh"': lambda x: F.gelu(x, approximate="tanh"), '"relu"': F.relu,
    '"leaky_relu"': F.leaky_relu, '"leaky_relu", slope = 0.3': lambda x: F.leaky_relu(x, 0.3), '"selu"': F.selu, '"silu"': F.silu,
    '"mish"': F.mish, '"hardsigmoid"': lambda x: F.relu6(x + 3) / 6, '"hardswish"': lambda x: x * F.relu6(x + 3) / 6, '"hardtanh"': F.hardtanh, '"relu6"': F.relu6,
    '"softsign"': F.softsign, '"log_sigmoid"': F.logsigmoid, '"sin"': torch.sin,
}
for word, function in ACTIVATIONS.items():
    CASES[f"activation {word}"] = (
        f'input = [3]\nlayer = [{{ type = "linear", out = 4 }}, {{ type = {word} }}, {{ type = "linear", out = 2 }}]',
        (3,), (2,), {**DENSE("0", 3, 4), **DENSE("2", 4, 2)},
        lambda x, p, function=function: linear(function(linear(x, p, "0")), p, "2"),
    )


def record(name, toml, inputs, targets, shapes, outputs):
    x = normal(EXAMPLES, *inputs) if isinstance(inputs, tuple) else inputs
    classes = inputs is x or name in ("signal", "shared steps")
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    theta = torch.tensor(random.normal(size=sum(sizes)) / 2, requires_grad=True)
    direction = torch.tensor(random.normal(size=sum(sizes)))
    parts = [part.reshape(shape) for part, shape in zip(theta.split(sizes), shapes.values())]
    y = outputs(x, dict(zip(shapes, parts)))
    y = y.reshape(-1, y.shape[-1])
    if classes:
        labels = tokens(EXAMPLES, targets[1], targets[0]).reshape(-1)
        value, wanted = F.cross_entropy(y, labels), {"classes": targets[0], "labels": labels.tolist()}
    else:
        values = normal(EXAMPLES, *targets)
        value = F.mse_loss(y, values.reshape(y.shape))
        wanted = {"values": values.reshape(-1).tolist()}
    derivatives, scalar = [], value
    for _ in range(3):
        (derivative,) = torch.autograd.grad(scalar, theta, create_graph=True, materialize_grads=True)
        derivatives.append(derivative.detach().tolist())
        scalar = derivative @ direction
    loss = "cross_entropy" if classes else "mean_squared_error"
    return {
        "name": name,
        "toml": f'loss = "{loss}"\ndtype = "f64"\n' + "\n".join(line.strip() for line in toml.splitlines()),
        "inputs": x.reshape(-1).tolist(),
        **wanted,
        "parameters": {name: list(shape) for name, shape in shapes.items()},
        "theta": theta.detach().tolist(),
        "direction": direction.tolist(),
        "loss": value.item(),
        "derivatives": derivatives,
    }


file = pathlib.Path(__file__).with_name("expected.json")
cases = [record(name, *case) for name, case in CASES.items()]
file.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
