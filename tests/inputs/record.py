#!/usr/bin/env python3
"""Writes `expected.json`: losses with derivatives of networks by their inputs, as PyTorch computes them in binary64, with their
gradients, Hessian-vector products and third derivatives by the parameters. Layer norm is written out, since the third derivatives
of PyTorch's own are wrong.

    pip install torch numpy
    python3 tests/inputs/record.py
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch.func import grad, jacfwd, jvp, vmap

torch.set_default_dtype(torch.float64)
random = np.random.default_rng(7)


def normal(*shape):
    return torch.tensor(random.normal(size=shape))


def linear(x, p, layer):
    return F.linear(x, p[f"{layer}.weight"], p.get(f"{layer}.bias"))


def norm(x, axes, epsilon=1e-5):
    centred = x - x.mean(axes, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(axes, keepdim=True) + epsilon)


def shapes_of_linear(sizes):
    """Of the layers 0, 2, 4, … of an MLP."""
    shapes = {}
    for at, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        shapes |= {f"{2 * at}.weight": (outputs, inputs), f"{2 * at}.bias": (outputs,)}
    return shapes


def mlp(functions):
    def model(x, p):
        for at, function in enumerate(functions):
            x = function(linear(x, p, 2 * at))
        return linear(x, p, 2 * len(functions))

    return model


def mlp_toml(activations, width, outputs):
    layers = "".join(f'{{ type = "linear", out = {width} }}, {{ type = "{name}" }}, ' for name in activations)
    return f'layer = [{layers}{{ type = "linear", out = {outputs} }}]'


def branches(x, p):
    """Two branches, a norm, a product, and an attention over three tokens."""
    left = torch.sigmoid(linear(x[0:2], p, "left"))
    right = F.softplus(linear(x[2:4], p, "right"))
    joined = torch.cat([left * right, right, x])
    y = norm(linear(joined, p, "8"), (0,)) * p["9.weight"] + p["9.bias"]
    tokens = F.mish(y).reshape(3, 4)
    q, k, v = F.linear(tokens, p["12.in_proj_weight"], p["12.in_proj_bias"]).split(4, 1)
    heads = lambda z: z.reshape(3, 2, 2).transpose(0, 1)
    weights = torch.softmax(heads(q) @ heads(k).transpose(1, 2) / 2**0.5, -1)
    mixed = (weights @ heads(v)).transpose(0, 1).reshape(3, 4)
    mixed = F.linear(mixed, p["12.out_proj.weight"], p["12.out_proj.bias"])
    mixed = mixed / torch.sqrt((mixed * mixed).mean(1, keepdim=True) + 1e-5) * p["13.weight"]
    return linear((mixed * 1.5).mean(0), p, "16")


BRANCHES = """layer = [
  { type = "slice", stop = 2 },
  { type = "linear", name = "left", out = 3 },
  { type = "sigmoid", name = "a" },
  { type = "slice", from = "input", start = 2, stop = 4 },
  { type = "linear", name = "right", out = 3 },
  { type = "softplus", name = "b" },
  { type = "multiply", name = "product", from = ["a", "b"] },
  { type = "concat", from = ["product", "b", "input"] },
  { type = "linear", out = 12 },
  { type = "layer_norm" },
  { type = "mish" },
  { type = "reshape", shape = [3, 4] },
  { type = "attention", heads = 2 },
  { type = "rms_norm" },
  { type = "scale", factor = 1.5 },
  { type = "mean_tokens" },
  { type = "linear", out = 2 },
]"""
BRANCHES_SHAPES = {
    "left.weight": (3, 2), "left.bias": (3,), "right.weight": (3, 2), "right.bias": (3,),
    "8.weight": (12, 10), "8.bias": (12,), "9.weight": (12,), "9.bias": (12,),
    "12.in_proj_weight": (12, 4), "12.in_proj_bias": (12,), "12.out_proj.weight": (4, 4), "12.out_proj.bias": (4,),
    "13.weight": (4,), "16.weight": (2, 4), "16.bias": (2,),
}  # fmt: skip


def derivative(u, output, *by):
    """Of an output of a function of one example by these inputs."""
    for at in by:
        u = (lambda u, at: lambda x: jacfwd(u)(x)[..., at])(u, at)
    return lambda x: u(x)[output]


def oscillator(u, x, t):
    residual = derivative(u, 0, 0, 0)(x) + u(x)[0]
    return torch.where(x[0] <= 0, (u(x)[0] - t[0]) ** 2, residual**2)


def heat(u, x, t):
    residual = derivative(u, 0, 1)(x) - derivative(u, 0, 0, 0)(x)
    return torch.where(x[1] <= 0, (u(x)[0] - t[0]) ** 2, residual**2)


def waves(u, x, t):
    y = u(x)[0]
    residual = derivative(u, 0, 1)(x) + 6 * y * derivative(u, 0, 0)(x) + derivative(u, 0, 0, 0, 0)(x)
    return residual**2 + (y - t[0]) ** 2


def flow(u, x, t):
    """Divergence and a derivative of a product."""
    divergence = derivative(u, 0, 0)(x) + derivative(u, 1, 2)(x)
    product = derivative(lambda x: x[1] * u(x) ** 2, 0, 1)(x)
    return divergence**2 + product**2 + torch.exp(u(x)[1] - t[1]) + derivative(u, 0, 3, 1)(x) ** 2


CASES = [
    (
        "an oscillator", "where(x[0] <= 0, (y[0] - t[0])^2, (d(y[0], x[0], x[0]) + y[0])^2)", oscillator, 1, 1,
        mlp([torch.tanh] * 2), mlp_toml(["tanh"] * 2, 8, 1), shapes_of_linear([1, 8, 8, 1]),
    ),
    (
        "the heat equation", "where(x[1] <= 0, y[0] - t[0], d(y[0], x[1]) - d(y[0], x[0], x[0]))^2", heat, 2, 1,
        mlp([torch.tanh] * 3), mlp_toml(["tanh"] * 3, 6, 1), shapes_of_linear([2, 6, 6, 6, 1]),
    ),
    (
        "waves", "(d(y, x[1]) + 6*y*d(y, x[0]) + d(y, x[0], x[0], x[0]))^2 + (y - t)^2", waves, 2, 1,
        mlp([torch.sin, F.gelu, F.silu, lambda x: F.gelu(x, approximate="tanh"), F.logsigmoid]),
        mlp_toml(["sin", "gelu", "silu", "gelu_tanh", "log_sigmoid"], 5, 1), shapes_of_linear([2, 5, 5, 5, 5, 5, 1]),
    ),
    (
        "branches",
        "(d(y[0], x[0]) + d(y[1], x[2]))^2 + d(x[1]*y[0]^2, x[1])^2 + exp(y[1] - t[1]) + d(y[0], x[3], x[1])^2",
        flow, 4, 2, branches, BRANCHES, BRANCHES_SHAPES,
    ),
]  # fmt: skip


def record(name, formula, residual, inputs, outputs, model, layers, shapes):
    count = 5
    x, t = normal(count, inputs), normal(count, outputs)
    x[:2, -1] = torch.tensor([0.0, -0.5])
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    theta, v = 0.7 * normal(sum(sizes)), normal(sum(sizes))

    def loss(theta):
        parts = zip(shapes.items(), theta.split(sizes))
        p = {name: part.reshape(shape) for (name, shape), part in parts}
        return vmap(lambda x, t: residual(lambda x: model(x, p), x, t))(x, t).mean()

    along = lambda f: lambda theta: jvp(f, (theta,), (v,))[1]
    derivatives = [grad(loss), along(grad(loss)), along(along(grad(loss)))]
    return {
        "name": name,
        "toml": f'loss = {{ formula = "{formula}" }}\ndtype = "f64"\ninput = [{inputs}]\n{layers}\n',
        "parameters": list(shapes),
        "inputs": x.flatten().tolist(),
        "targets": t.flatten().tolist(),
        "theta": theta.tolist(),
        "direction": v.tolist(),
        "loss": loss(theta).item(),
        "derivatives": [f(theta).tolist() for f in derivatives],
    }


cases = [record(*case) for case in CASES]
path = pathlib.Path(__file__).parent / "expected.json"
path.write_text(json.dumps(cases, indent=1) + "\n")
