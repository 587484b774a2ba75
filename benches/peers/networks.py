#!/usr/bin/env python3
"""Derivatives of networks beside JAX, jitted, on the CPU: checks that `bea evaluate` and JAX agree on the
same weights, directions and data, then times JAX and prints it beside the last `cargo bench --bench networks`.

    cargo build --release && cargo bench --bench networks
    pip install numpy jax safetensors
    python3 benches/peers/networks.py [--bea target/release/bea]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save_file

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--bea", default="target/release/bea")
parser.add_argument("--criterion", default="target/criterion")
arguments = parser.parse_args()
jax.config.update("jax_enable_x64", True)


def convolve(x, w, b):
    y = jax.lax.conv_general_dilated(x, w, (1, 1), ((1, 1), (1, 1)))
    return y + b[:, None, None]


def mlp(p, x):
    names = sorted({int(name.split(".")[0]) for name in p})
    for name in names:
        x = x @ p[f"{name}.weight"].T + p[f"{name}.bias"]
        if name != names[-1]:
            x = jax.nn.elu(x)
    return x


def convolutions(p, x):
    x = jax.nn.elu(convolve(x, p["0.weight"], p["0.bias"]))
    x = jax.nn.elu(convolve(x, p["2.weight"], p["2.bias"]))
    return x.mean((2, 3)) @ p["5.weight"].T + p["5.bias"]


def layered(sizes):
    return {
        f"{2 * i}.{kind}": (b, a) if kind == "weight" else (b,)
        for i, (a, b) in enumerate(zip(sizes, sizes[1:]))
        for kind in ("weight", "bias")
    }


CONVOLUTIONAL = {
    "0.weight": (64, 3, 3, 3), "0.bias": (64,), "2.weight": (64, 64, 3, 3), "2.bias": (64,),
    "5.weight": (10, 64), "5.bias": (10,),
}  # fmt: skip
LAYERS = {
    "convolutions": [
        'type = "conv2d"\nout = 64\nkernel = 3\npadding = 1', 'type = "elu"',
        'type = "conv2d"\nout = 64\nkernel = 3\npadding = 1', 'type = "elu"',
        'type = "global_avg_pool"', 'type = "linear"\nout = 10',
    ],
}  # fmt: skip


def dense(sizes):
    lines = []
    for i, out in enumerate(sizes[1:]):
        lines += [f'type = "linear"\nout = {out}'] + (['type = "elu"'] if i + 2 < len(sizes) else [])
    return lines


CASES = [
    ("mlp", mlp, layered([784, 100, 100, 100, 10]), dense([784, 100, 100, 100, 10]), (784,), 1000, 10, "f32"),
    ("iris", mlp, layered([4, 10, 10, 10, 10, 3]), dense([4, 10, 10, 10, 10, 3]), (4,), 150, 3, "f64"),
    ("convolutions", convolutions, CONVOLUTIONAL, LAYERS["convolutions"], (3, 32, 32), 64, 10, "f32"),
]  # fmt: skip


def derivatives(network, x, labels):
    def loss(p):
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(network(p, x)), labels[:, None], 1))

    gradient = jax.grad(loss)
    product = lambda p, v: jax.jvp(gradient, (p,), (v,))[1]
    third = lambda p, v: jax.jvp(lambda q: product(q, v), (p,), (v,))[1]
    return jax.jit(lambda p, v: gradient(p)), jax.jit(product), jax.jit(third)


def fastest(work):
    jax.block_until_ready(work())
    best, spent = float("inf"), 0.0
    while spent < 2.0:
        start = time.perf_counter()
        jax.block_until_ready(work())
        seconds = time.perf_counter() - start
        best, spent = min(best, seconds), spent + seconds
    return best


def criterion_time(*names):
    """The fastest sample, as of JAX the fastest run."""
    path = pathlib.Path(arguments.criterion, *names, "new", "sample.json")
    if not path.exists():
        return None
    sample = json.loads(path.read_text())
    return min(time / runs for time, runs in zip(sample["times"], sample["iters"])) * 1e-9


random = np.random.default_rng(1)
print(f"{'':<26}{'differs by':>12}{'bea':>12}{'JAX':>12}{'ratio':>8}")
for name, network, shapes, layers, shape, examples, classes, dtype in CASES:
    kind = np.float32 if dtype == "f32" else np.float64
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        scale = lambda s: 1 / np.sqrt(np.prod(s[1:]) or 1)
        theta = {n: (random.uniform(-1, 1, s) * scale(s)).astype(kind) for n, s in shapes.items()}
        v = {n: random.uniform(-1, 1, s).astype(kind) for n, s in shapes.items()}
        x = random.uniform(0, 1, (examples, *shape)).astype(kind)
        labels = (np.arange(examples) % classes).astype(np.int64)
        save_file(theta, folder / "w.safetensors")
        save_file(v, folder / "v.safetensors")
        save_file({"inputs": x, "targets": labels}, folder / "d.safetensors")
        text = f'loss = "cross_entropy"\ndtype = "f64"\ninput = {list(shape)}\n'
        (folder / "net.toml").write_text(text + "".join(f"[[layer]]\n{layer}\n" for layer in layers))
        subprocess.run(
            [pathlib.Path(arguments.bea).resolve(), "evaluate", "--network", "net.toml", "--weights", "w.safetensors",
             "--data", "d.safetensors", "--direction", "v.safetensors", "--quantities", "gradient,hvp,third",
             "--out", "o.safetensors"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        ours = load_file(folder / "o.safetensors")
    # The same numbers in double precision on both sides; the times in the network's own.
    double = lambda tree: {n: jnp.asarray(a, jnp.float64) for n, a in tree.items()}
    exact = derivatives(network, jnp.asarray(x, jnp.float64), jnp.asarray(labels))
    timed = derivatives(network, jnp.asarray(x), jnp.asarray(labels))
    single = [{n: jnp.asarray(a) for n, a in tree.items()} for tree in (theta, v)]
    for quantity, reference, function in zip(("gradient", "hvp", "third"), exact, timed):
        theirs = reference(double(theta), double(v))
        error = sum(np.sum((ours[f"{quantity}.{n}"] - theirs[n]) ** 2) for n in shapes) ** 0.5
        size = sum(np.sum(np.asarray(theirs[n]) ** 2) for n in shapes) ** 0.5
        assert error < 1e-10 * size, f"{name}: {quantity} differs by {error / size:.1e}"
        jax_time, bea_time = fastest(lambda: function(*single)), criterion_time(name, quantity)
        milliseconds = f"{bea_time * 1e3:9.3f} ms{jax_time * 1e3:9.3f} ms{bea_time / jax_time:8.2f}" if bea_time else ""
        print(f"{name + ' ' + quantity:<26}{error / size:>12.1e}{milliseconds}")
