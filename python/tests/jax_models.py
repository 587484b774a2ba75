"""Networks of today in JAX, small: each a loss of a pytree with its parameters, in 64 bits."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

MODELS = {}


def model(make):
    MODELS[make.__name__] = make
    return make


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def dense(seed, ins, outs):
    return {"w": normal(seed, ins, outs) / np.sqrt(ins), "b": 0.1 * normal(seed + 1, outs)}


def apply(layer, x):
    return x @ layer["w"] + layer["b"]


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


@model
def mlp():
    x, y = normal(0, 20, 6), np.random.default_rng(1).integers(0, 3, 20)
    params = [dense(2, 6, 9), dense(4, 9, 7), dense(6, 7, 3)]

    def loss(p):
        h = jnp.tanh(apply(p[0], x))
        return cross_entropy(apply(p[2], jax.nn.gelu(apply(p[1], h))), y)

    return loss, params


@model
def convolutional():
    x, y = normal(0, 3, 10, 10, 2), np.random.default_rng(1).integers(0, 3, 3)
    params = {
        "conv": normal(1, 3, 3, 2, 4) / 4, "depth": normal(2, 3, 3, 1, 4) / 3, "norm": {"scale": 1 + 0.1 * normal(3, 4),
        "bias": 0.1 * normal(4, 4)}, "up": normal(5, 2, 2, 4, 3) / 3, "out": dense(6, 3, 3),
    }  # fmt: skip
    form = ("NHWC", "HWIO", "NHWC")

    def loss(p):
        h = lax.conv_general_dilated(x, p["conv"], (2, 2), "SAME", dimension_numbers=form)
        mean, var = h.mean((0, 1, 2)), h.var((0, 1, 2))
        h = jax.nn.relu((h - mean) * lax.rsqrt(var + 1e-5) * p["norm"]["scale"] + p["norm"]["bias"])
        h = lax.conv_general_dilated(h, p["depth"], (1, 1), "SAME", (1, 1), (2, 2), form, feature_group_count=4)
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "VALID")
        h = lax.conv_transpose(jax.nn.silu(h), p["up"], (2, 2), "SAME", dimension_numbers=form)
        h = lax.reduce_window(h, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4
        return cross_entropy(apply(p["out"], h.mean((1, 2))), y)

    return loss, params


@model
def attention():
    tokens = np.random.default_rng(0).integers(0, 11, (3, 7))
    layer = lambda s: {"qkv": normal(s, 8, 24) / 3, "out": normal(s + 1, 8, 8) / 3, "up": dense(s + 2, 8, 16),
                       "down": dense(s + 4, 16, 8), "g": 1 + 0.1 * normal(s + 6, 8)}  # fmt: skip
    params = {"embedding": normal(1, 11, 8), "layers": [layer(10), layer(20)]}
    position = np.arange(6)[:, None] / 20.0 ** (np.arange(2) / 2)
    cos, sin = np.cos(position), np.sin(position)
    norm = lambda x, g: x * lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6) * g

    def rotate(x):
        a, b = jnp.split(x, 2, axis=-1)
        return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def loss(p):
        x = p["embedding"][tokens[:, :-1]]
        mask = jnp.tril(jnp.ones((6, 6), bool))
        for layer in p["layers"]:
            q, k, v = (
                part.reshape(3, 6, 2, 4).transpose(0, 2, 1, 3)
                for part in jnp.split(norm(x, layer["g"]) @ layer["qkv"], 3, axis=-1)
            )
            scores = jnp.einsum("bhqd,bhkd->bhqk", rotate(q), rotate(k)) / 2
            weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf), axis=-1)
            y = jnp.einsum("bhqk,bhkd->bhqd", weights, v).transpose(0, 2, 1, 3).reshape(3, 6, 8)
            x = x + y @ layer["out"]
            x = x + apply(layer["down"], jax.nn.gelu(apply(layer["up"], x), approximate=False))
        logits = x @ p["embedding"].T
        return cross_entropy(logits.reshape(-1, 11), tokens[:, 1:].reshape(-1))

    return loss, params


@model
def recurrent():
    x, y = normal(0, 4, 6, 3), np.random.default_rng(1).integers(0, 4, 4)
    params = {"cell": dense(2, 8, 15), "head": dense(4, 5, 4)}

    def loss(p):
        def step(h, x):
            gates = apply(p["cell"], jnp.concatenate([x, h], axis=1))
            z, r, n = jnp.split(gates, 3, axis=1)
            h = (1 - jax.nn.sigmoid(z)) * jnp.tanh(n * jax.nn.sigmoid(r)) + jax.nn.sigmoid(z) * h
            return h, h.sum()

        h, sums = lax.scan(step, jnp.zeros((4, 5)), x.transpose(1, 0, 2), reverse=True)
        return cross_entropy(apply(p["head"], h), y) + 0.01 * (sums**2).sum()

    return loss, params


@model
def pinn():
    points = np.random.default_rng(0).uniform(size=(10, 2))
    params = (dense(1, 2, 8), dense(3, 8, 8), dense(5, 8, 1))

    def u(p, x):
        return apply(p[2], jnp.tanh(apply(p[1], jnp.tanh(apply(p[0], x)))))[0]

    def loss(p):
        residual = jax.vmap(lambda x: jnp.trace(jax.hessian(u, argnums=1)(p, x)) - jnp.sin(x).sum())
        return jnp.mean(residual(points) ** 2)

    return loss, params


@model
def neural_ode():
    start, end = normal(0, 6, 2), normal(1, 6, 2)
    params = [dense(2, 2, 10), dense(4, 10, 2)]

    def loss(p):
        f = lambda y: apply(p[1], jax.nn.softplus(apply(p[0], y)))

        def step(_, y):
            a = f(y)
            return y + 0.1 * f(y + 0.05 * a)

        return jnp.mean((lax.fori_loop(0, 5, step, start) - end) ** 2)

    return loss, params


@model
def mixture():
    """What is sorted, chosen and scattered."""
    x = normal(0, 7, 4)
    params = {"a": normal(1, 4, 5), "b": normal(2, 5)}

    def loss(p):
        h = x @ p["a"]
        largest, where = lax.top_k(h, 2)
        gates = jax.nn.softmax(largest)
        picked = jnp.take_along_axis(h, where, axis=1)
        bins = jnp.zeros(6).at[jnp.array([0, 2, 2, 5, 9])].add(p["b"]).at[1].set(p["b"][0] ** 2)
        ordered = jnp.sort(h, axis=0) * jnp.cumsum(p["b"])
        middle = jnp.pad(lax.dynamic_slice(h, (1, 1), (3, 2)), ((1, 0), (0, 2)), constant_values=0.5)
        rows = p["a"][jnp.argmax(p["b"][:4])]
        return (
            (gates * picked).sum() + (bins**2).mean() + ordered.var() + jnp.logaddexp(h, 0.0).mean() + middle[::-1].std()
            + jnp.prod(rows) + jax.scipy.special.logsumexp(h) + lax.cumlogsumexp(p["b"]).sum() + jnp.linalg.norm(h, axis=1).max()
            + jnp.clip(h, -1, 0.5).sum() + jnp.abs(h).min() + lax.stop_gradient(h[0, 0]) + jnp.median(p["b"])
            + (jnp.roll(h, 2, axis=1) * h).sum() + jax.image.resize(h, (14, 3), "linear").mean() + jnp.var(p["b"], ddof=1)
        )  # fmt: skip

    return loss, params
