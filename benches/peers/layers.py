#!/usr/bin/env python3
"""Derivatives of every layer and loss beside JAX, which has none of their formulas from here: each network is
written once more in `jax.numpy`, and its loss, gradient, Hessian-vector product, third and fourth derivatives and an
elementary differential are compared with those of `bea evaluate`, and so are derivatives at complex parameters.
Nothing is timed; the exit code is 1 if a relative difference is above 1e-11.

    cargo build --release
    pip install numpy jax safetensors
    python3 benches/peers/layers.py [--bea target/release/bea] [NAME ...]
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from safetensors.numpy import load_file, save_file

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--bea", default="target/release/bea")
parser.add_argument("names", nargs="*", help="the networks to compare [default: all]")
arguments = parser.parse_args()
jax.config.update("jax_enable_x64", True)
random = np.random.default_rng(5)
TOLERANCE = 1e-11

# Functions. At complex numbers the sign is that of the real part, and JAX has no erf there.


def expm1(x):
    return jnp.expm1(jnp.where(x.real > 0, 0, x))


def softplus(x):
    return jnp.log1p(jnp.exp(-jnp.where(x.real > 0, x, -x))) + jnp.where(x.real > 0, x, 0)


def gelu(x):
    if not jnp.iscomplexobj(x):
        return x * 0.5 * (1 + erf(x / np.sqrt(2)))
    z = x / np.sqrt(2)
    term = total = z
    for n in range(1, 60):
        term = -term * z * z / n
        total = total + term / (2 * n + 1)
    return x * 0.5 * (1 + 2 / np.sqrt(np.pi) * total)


FUNCTIONS = {
    "elu": lambda x: jnp.where(x.real > 0, x, expm1(x)),
    "tanh": jnp.tanh,
    "softplus": softplus,
    "sigmoid": lambda x: 1 / (1 + jnp.exp(-x)),
    "gelu": gelu,
    "relu": lambda x: jnp.where(x.real > 0, x, 0),
}

# Layers.


def linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def normalised(x, axes):
    centred = x - x.mean(axes, keepdims=True)
    return centred / jnp.sqrt((centred * centred).mean(axes, keepdims=True) + 1e-5)


def convolved(x, w, stride=(1, 1), padding=(0, 0)):
    def real(a, b):
        return jax.lax.conv_general_dilated(a, b, stride, [(n, n) for n in padding])

    if not (jnp.iscomplexobj(w) or jnp.iscomplexobj(x)):
        return real(x, w)
    re = real(x.real, w.real) - real(x.imag, w.imag)
    return re + 1j * (real(x.real, w.imag) + real(x.imag, w.real))


def windows(x, size, stride, padding, fill):
    x = jnp.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=fill)
    height, width = ((n - size) // stride + 1 for n in x.shape[2:])
    at = lambda i, j: x[:, :, i : i + stride * (height - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
    return jnp.stack([at(i, j) for i in range(size) for j in range(size)])


def max_pool(x, size, stride, padding):
    under = windows(x, size, stride, padding, -jnp.inf)
    return jnp.take_along_axis(under, jnp.argmax(under.real, 0)[None], 0)[0]


def average_pool(x, size, stride, padding):
    return windows(x, size, stride, padding, 0).mean(0)


def attention(p, name, x, heads, causal=False):
    examples, length, width = x.shape
    joint = x @ p[f"{name}.in_proj_weight"].T + p[f"{name}.in_proj_bias"]
    split = lambda z: z.reshape(examples, length, heads, width // heads).transpose(0, 2, 1, 3)
    q, k, v = (split(joint[..., i * width : (i + 1) * width]) for i in range(3))
    scores = q @ jnp.swapaxes(k, -1, -2) / np.sqrt(width // heads)
    if causal:
        scores = jnp.where(np.tril(np.ones((length, length))) == 1, scores, -jnp.inf)
    mixed = (jnp.exp(log_softmax(scores)) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
    return linear(p, f"{name}.out_proj", mixed)


# Losses.


def log_softmax(z):
    z = z - jax.lax.stop_gradient(z.real.max(-1, keepdims=True))
    return z - jnp.log(jnp.exp(z).sum(-1, keepdims=True))


def cross_entropy(smoothing=0.0):
    def loss(z, labels):
        classes = z.shape[-1]
        targets = jnp.eye(classes)[labels] * (1 - smoothing) + smoothing / classes
        return -(targets * log_softmax(z)).sum(-1).mean()

    return loss


def mean_squares(z, targets):
    return ((z - targets) ** 2).mean()


# Networks: the text, the shapes of the parameters, what they compute, inputs, targets and the loss.


def described(loss, shape, *layers):
    tables = "".join(f"[[layer]]\n{layer}\n" for layer in layers)
    return f'{loss}\ndtype = "f64"\ninput = {list(shape)}\n{tables}'


def layer(kind, **keys):
    return "\n".join([f'type = "{kind}"', *(f"{key} = {value}" for key, value in keys.items())])


def dense(**sizes):
    """Shapes of linear layers, `_0 = (inputs, outputs)`."""
    return {
        f"{name[1:]}.{kind}": (b, a) if kind == "weight" else (b,)
        for name, (a, b) in sizes.items()
        for kind in ("weight", "bias")
    }


CROSS_ENTROPY = 'loss = "cross_entropy"'


def activated(function):
    def network(p, x):
        f = FUNCTIONS[function]
        return linear(p, "4", f(linear(p, "2", f(linear(p, "0", x)))))

    layers = [layer("linear", out=5), layer(function), layer("linear", out=4), layer(function), layer("linear", out=3)]
    shapes = dense(_0=(4, 5), _2=(5, 4), _4=(4, 3))
    inputs, labels = random.standard_normal((9, 4)), np.arange(9) % 3
    return described(CROSS_ENTROPY, (4,), *layers), shapes, network, inputs, labels, cross_entropy()


def smoothed():
    layers = [layer("linear", out=5), layer("tanh"), layer("linear", out=3)]
    network = lambda p, x: linear(p, "2", jnp.tanh(linear(p, "0", x)))
    text = described(f"{CROSS_ENTROPY}\nlabel_smoothing = 0.2", (4,), *layers)
    inputs, labels = random.standard_normal((9, 4)), np.arange(9) % 3
    return text, dense(_0=(4, 5), _2=(5, 3)), network, inputs, labels, cross_entropy(0.2)


def norms():
    def network(p, x):
        x = jnp.tanh(normalised(linear(p, "0", x), -1) * p["1.weight"] + p["1.bias"])
        return normalised(x @ p["3.weight"].T, 0) * p["4.weight"] + p["4.bias"]

    layers = [layer("linear", out=5), layer("layer_norm"), layer("tanh"), layer("linear", out=3, bias="false")]
    text = described('loss = "mean_squared_error"', (4,), *layers, layer("batch_norm"))
    norm = {"1.weight": (5,), "1.bias": (5,), "3.weight": (3, 5), "4.weight": (3,), "4.bias": (3,)}
    inputs, targets = random.standard_normal((9, 4)), random.standard_normal((9, 3))
    return text, dense(_0=(4, 5)) | norm, network, inputs, targets, mean_squares


def images():
    def network(p, x):
        channels = lambda name: p[name][:, None, None]
        x = convolved(x, p["0.weight"], (2, 1), (1, 1)) + channels("0.bias")
        x = normalised(x, (0, 2, 3)) * channels("1.weight") + channels("1.bias")
        x = max_pool(FUNCTIONS["elu"](x), 3, 2, 1)
        body = jnp.tanh(convolved(x, p["4.0.weight"], (1, 1), (0, 1)))
        body = convolved(body, p["4.2.weight"], (2, 2), (1, 1)) + channels("4.2.bias")
        shortcut = convolved(x, p["4.shortcut.0.weight"], (2, 2)) + channels("4.shortcut.0.bias")
        x = gelu(average_pool(body + shortcut, 2, 1, 1))
        return linear(p, "8", x.reshape(len(x), -1))

    text = pathlib.Path(__file__).parents[2].joinpath("tests/pytorch/convolution.toml").read_text()
    shapes = {
        "0.weight": (4, 3, 3, 3), "0.bias": (4,), "1.weight": (4,), "1.bias": (4,), "4.0.weight": (5, 4, 1, 3),
        "4.2.weight": (6, 5, 3, 3), "4.2.bias": (6,), "4.shortcut.0.weight": (6, 4, 1, 1), "4.shortcut.0.bias": (6,),
        "8.weight": (5, 54), "8.bias": (5,),
    }  # fmt: skip
    inputs, labels = random.standard_normal((6, 3, 9, 8)), np.arange(6) % 5
    return text, shapes, network, inputs, labels, cross_entropy(0.1)


def global_pool():
    def network(p, x):
        x = FUNCTIONS["sigmoid"](convolved(x, p["0.weight"]) + p["0.bias"][:, None, None])
        return linear(p, "3", x.mean((2, 3)))

    layers = [layer("conv2d", out=3, kernel=3), layer("sigmoid"), layer("global_avg_pool"), layer("linear", out=3)]
    shapes = {"0.weight": (3, 2, 3, 3), "0.bias": (3,)} | dense(_3=(3, 3))
    inputs, labels = random.standard_normal((6, 2, 6, 6)), np.arange(6) % 3
    return described(CROSS_ENTROPY, (2, 6, 6), *layers), shapes, network, inputs, labels, cross_entropy()


def tokens():
    def network(p, x):
        x = attention(p, "2", p["0.weight"][x] + p["1.weight"], 2)
        x = normalised(x, -1) * p["3.weight"] + p["3.bias"]
        return linear(p, "5", x.mean(1))

    layers = [layer("embedding", vocabulary=7, width=6), layer("position"), layer("attention", heads=2)]
    layers += [layer("layer_norm"), layer("mean_tokens"), layer("linear", out=3)]
    shapes = {
        "0.weight": (7, 6), "1.weight": (5, 6), "2.in_proj_weight": (18, 6), "2.in_proj_bias": (18,),
        "2.out_proj.weight": (6, 6), "2.out_proj.bias": (6,), "3.weight": (6,), "3.bias": (6,),
    }  # fmt: skip
    inputs, labels = random.integers(0, 7, (8, 5)), np.arange(8) % 3
    shapes |= dense(_5=(6, 3))
    return described(CROSS_ENTROPY, (5,), *layers), shapes, network, inputs, labels, cross_entropy()


def sequences():
    """A loss of every token."""

    def network(p, x):
        x = jnp.tanh(attention(p, "2", p["0.weight"][x] + p["1.weight"], 3, causal=True))
        return linear(p, "5", attention(p, "4", x, 1, causal=True))

    layers = [layer("embedding", vocabulary=7, width=6), layer("position"), layer("attention", heads=3, causal="true")]
    layers += [layer("tanh"), layer("attention", causal="true"), layer("linear", out=3)]
    shapes = {"0.weight": (7, 6), "1.weight": (5, 6)}
    for name in ("2", "4"):
        shapes |= {f"{name}.in_proj_weight": (18, 6), f"{name}.in_proj_bias": (18,)}
        shapes |= {f"{name}.out_proj.weight": (6, 6), f"{name}.out_proj.bias": (6,)}
    inputs, labels = random.integers(0, 7, (8, 5)), random.integers(0, 3, (8, 5))
    shapes |= dense(_5=(6, 3))
    return described(CROSS_ENTROPY, (5,), *layers), shapes, network, inputs, labels, cross_entropy()


def patches():
    def network(p, x):
        x = convolved(x, p["0.weight"], (2, 2)) + p["0.bias"][:, None, None]
        x = x.reshape(len(x), 6, 9).swapaxes(1, 2)
        x = jnp.concatenate([jnp.broadcast_to(p["2.weight"], (len(x), 1, 6)), x], 1)
        x = attention(p, "4", x + p["3.weight"], 2).swapaxes(1, 2)
        x = jnp.tanh(linear(p, "6", x)).swapaxes(1, 2)
        return linear(p, "10", x[:, 0])

    layers = [layer("conv2d", out=6, kernel=2, stride=2), layer("tokens"), layer("class_token"), layer("position")]
    layers += [layer("attention", heads=2), layer("transpose"), layer("linear", out=4), layer("tanh")]
    layers += [layer("transpose"), layer("first_token"), layer("linear", out=3)]
    shapes = {
        "0.weight": (6, 2, 2, 2), "0.bias": (6,), "2.weight": (6,), "3.weight": (10, 6), "4.in_proj_weight": (18, 6),
        "4.in_proj_bias": (18,), "4.out_proj.weight": (6, 6), "4.out_proj.bias": (6,),
    }  # fmt: skip
    inputs, labels = random.standard_normal((6, 2, 6, 6)), np.arange(6) % 3
    shapes |= dense(_6=(10, 4), _10=(6, 3))
    return described(CROSS_ENTROPY, (2, 6, 6), *layers), shapes, network, inputs, labels, cross_entropy()


NETWORKS = {function: activated(function) for function in FUNCTIONS} | {
    "label smoothing": smoothed(),
    "norms": norms(),
    "images": images(),
    "global pool": global_pool(),
    "attention": tokens(),
    "causal attention": sequences(),
    "patches": patches(),
}

# The comparison.


def along(f, v):
    return lambda p: jax.jvp(f, (p,), (v,))[1]


def derivatives(loss, p, v, holomorphic):
    gradient = jax.grad(loss, holomorphic=holomorphic)
    product = along(gradient, v)
    third = along(product, v)
    found = {"gradient": gradient(p), "hvp": product(p), "third": third(p)}
    if not holomorphic:
        found["fourth"] = along(third, v)(p)
        # f''(f''(f, f), f) of f = -∇E.
        force = lambda q: jax.tree.map(jnp.negative, gradient(q))
        f = force(p)
        found["[[[],[]],[]]"] = along(along(force, along(along(force, f), f)(p)), f)(p)
    return found


def evaluated(folder, weights, quantities):
    run = subprocess.run(
        [pathlib.Path(arguments.bea).resolve(), "evaluate", "--network", "net.toml", "--weights", weights,
         "--data", "d.safetensors", "--direction", "v.safetensors", "--quantities", ",".join(quantities),
         "--out", "o.safetensors"],
        capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    if run.returncode:
        sys.exit(run.stderr)
    return load_file(folder / "o.safetensors")


def compared(name, ours, theirs, quantity):
    read = lambda key: ours[key] if key in ours else ours[f"{key}.re"] + 1j * ours[f"{key}.im"]
    error = size = 0.0
    for parameter, value in theirs.items():
        key = f"{quantity}.{parameter}" if parameter else quantity
        error += np.sum(np.abs(read(key) - np.asarray(value)) ** 2)
        size += np.sum(np.abs(np.asarray(value)) ** 2)
    difference = (error / size) ** 0.5
    print(f"{name:<20}{quantity:<14}{difference:9.1e}{'' if difference < TOLERANCE else '  too much'}")
    return difference < TOLERANCE


agree = True
for name, (text, shapes, network, x, y, loss) in NETWORKS.items():
    theta, v = ({n: scale * random.standard_normal(s) for n, s in shapes.items()} for scale in (0.5, 1.0))
    # Near the real axis, where log Σ exp is holomorphic.
    imaginary = {n: 0.02 * random.standard_normal(s) for n, s in shapes.items()}
    if arguments.names and name not in arguments.names:
        continue
    E = lambda p: loss(network(p, x), y)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "net.toml").write_text(text)
        save_file(v, folder / "v.safetensors")
        save_file({"inputs": x, "targets": y.astype(np.int64 if y.ndim == 1 else np.float64)}, folder / "d.safetensors")
        parts = {f"{n}.re": theta[n] for n in shapes} | {f"{n}.im": imaginary[n] for n in shapes}
        save_file(theta, folder / "real.safetensors")
        save_file(parts, folder / "complex.safetensors")
        for weights, add in (("real", 0), ("complex", 1j)):
            p = {n: jnp.asarray(theta[n] + add * imaginary[n]) for n in shapes}
            theirs = derivatives(E, p, {n: jnp.asarray(v[n] + 0 * add) for n in shapes}, weights == "complex")
            theirs["loss"] = {"": E(p)}
            ours = evaluated(folder, f"{weights}.safetensors", theirs)
            for quantity in ("loss", *(q for q in theirs if q != "loss")):
                label = name if weights == "real" else f"{name}, ℂ"
                agree &= compared(label, ours, theirs[quantity], quantity)
sys.exit(0 if agree else 1)
