"""Writes operations.json: one graph for each operation of docs/graph.md, and what JAX makes of it.

Each case has the nodes of a graph that ends in `sum(weights * tanh(value of the operation))`, its parameters and constants, three
directions, and from JAX in binary64, by nested forward and reverse differentiation: the loss, its gradient, and the contractions
of its second, third and fourth derivatives with the directions. The same at complex parameters, for functions that are
holomorphic to JAX. Run with jax 0.10: python record.py
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)
CASES = []
NO_COMPLEX = {"erf", "erfc", "normal_cdf", "gelu", "gelu_tanh", "softplus", "log_sigmoid", "mish", "elu", "relu", "abs", "clamp",
              "leaky_relu", "hardsigmoid", "hardswish", "maximum", "minimum", "max", "min", "max_pool", "atan",
              "log_sum_exp", "log_softmax", "softmax"}


class Case:
    """A graph being written beside the function that JAX takes."""

    def __init__(self, name, shapes, constants=None, low=-1.5, high=1.5, inputs=None):
        self.name, self.constants, self.nodes = name, dict(constants or {}), []
        rng = np.random.default_rng(sum(map(ord, name)))
        self.theta = {f"p{i}": rng.uniform(low, high, shape) for i, shape in enumerate(shapes)}
        for key, value in (inputs or {}).items():
            self.theta[key] = np.array(value, dtype=float).reshape(self.theta[key].shape)
        self.rng = rng
        self.args = [self.node("parameter", name=key) for key in self.theta]
        self.args += [self.node("constant", name=key) for key in self.constants]

    def node(self, op, *args, **attributes):
        node = {"op": op, **attributes}
        if args:
            node["args"] = list(args)
        self.nodes.append(node)
        return len(self.nodes) - 1

    def end(self, value, function):
        """`value` is the node of the operation, `function(*parameters, *constants)` the same by JAX."""
        constants = [jnp.asarray(c) for c in self.constants.values()]
        shape = jax.eval_shape(function, *self.theta.values(), *constants).shape
        weights = self.rng.uniform(0.5, 1.5, shape)
        self.constants["weights"] = weights
        node = self.node("multiply", self.node("constant", name="weights"), self.node("tanh", value))
        if shape:
            node = self.node("sum", node, axes=list(range(len(shape))))
        sizes = [v.size for v in self.theta.values()]
        shapes = [v.shape for v in self.theta.values()]

        def loss(theta):
            parts = jnp.split(theta, np.cumsum(sizes)[:-1])
            args = [part.reshape(shape) for part, shape in zip(parts, shapes)]
            return jnp.sum(weights * jnp.tanh(function(*args, *constants)))

        theta = np.concatenate([v.ravel() for v in self.theta.values()])
        directions = self.rng.uniform(-1, 1, (3, theta.size))
        case = {
            "name": self.name,
            "graph": {
                "bea_graph": 1,
                "producer": "record.py",
                "dtype": "f64",
                "parameters": [{"name": k, "shape": list(v.shape)} for k, v in self.theta.items()],
                "constants": [{"name": k, "shape": list(np.shape(v))} for k, v in self.constants.items()],
                "nodes": self.nodes,
                "loss": node,
            },
            "constants": {k: np.asarray(v, dtype=float).ravel().tolist() for k, v in self.constants.items()},
            "theta": theta.tolist(),
            "directions": directions.tolist(),
            "real": derivatives(loss, jnp.asarray(theta), [jnp.asarray(v) for v in directions], False),
        }
        if self.name.split(" ")[0] not in NO_COMPLEX:
            shifted = theta + 0.2j * directions[0]
            moved = [jnp.asarray(v + 0.1j * directions[1]) for v in directions]
            case["complex"] = derivatives(loss, jnp.asarray(shifted), moved, True)
        for key in ("real", "complex"):
            if key in case and not all(np.all(np.isfinite(v)) for v in case[key].values()):
                raise ValueError(f"{self.name}: {key} is not finite")
        CASES.append(case)


def derivatives(loss, theta, directions, holomorphic):
    gradient = jax.grad(loss, holomorphic=holomorphic)
    values = {"loss": [loss(theta)], "gradient": gradient(theta)}
    contraction = gradient
    for name, v in zip(("hvp", "third", "fourth"), directions):
        contraction = (lambda f, v: lambda x: jax.jvp(f, (x,), (v,))[1])(contraction, v)
        values[name] = contraction(theta)
    parts = lambda z: np.stack([np.real(z), np.imag(z)], -1).ravel() if holomorphic else np.asarray(z)
    return {name: parts(np.asarray(value)).tolist() for name, value in values.items()}


def unary(name, function, low=-1.5, high=1.5, **attributes):
    case = Case(name if not attributes else f"{name} {attributes}", [(2, 3)], low=low, high=high)
    case.end(case.node(name, case.args[0], **attributes), function)


def of(name, shapes, function, attributes=None, constants=None, label="", **options):
    """An operation of all parameters and constants, in their order."""
    case = Case(f"{name} {label}".strip(), shapes, constants, **options)
    case.end(case.node(name, *case.args, **(attributes or {})), function)


def elementary():
    unary("neg", lambda x: -x)
    unary("abs", jnp.abs)
    unary("exp", jnp.exp)
    unary("expm1", jnp.expm1)
    unary("log", jnp.log, 0.3, 2.5)
    unary("log1p", jnp.log1p, -0.6, 2.0)
    unary("sqrt", jnp.sqrt, 0.3, 2.5)
    unary("rsqrt", lax.rsqrt, 0.3, 2.5)
    unary("reciprocal", lambda x: 1 / x, 0.3, 2.5)
    unary("square", jnp.square)
    unary("sin", jnp.sin)
    unary("cos", jnp.cos)
    unary("tan", jnp.tan, -1.2, 1.2)
    unary("atan", jnp.arctan, -3, 3)
    unary("tanh", jnp.tanh)
    unary("sigmoid", lambda x: 1 / (1 + jnp.exp(-x)), -3, 3)
    unary("log_sigmoid", jax.nn.log_sigmoid, -3, 3)
    unary("softplus", jax.nn.softplus, -3, 3)
    unary("erf", lax.erf)
    unary("erfc", lax.erfc)
    unary("normal_cdf", jax.scipy.stats.norm.cdf)
    unary("gelu", lambda x: jax.nn.gelu(x, approximate=False), -3, 3)
    unary("gelu_tanh", lambda x: jax.nn.gelu(x, approximate=True), -3, 3)
    unary("relu", jax.nn.relu)
    unary("elu", lambda x: jax.nn.elu(x, 0.7), alpha=0.7)
    unary("silu", lambda x: x / (1 + jnp.exp(-x)), -3, 3)
    unary("mish", lambda x: x * jnp.tanh(jax.nn.softplus(x)), -3, 3)
    unary("hardsigmoid", lambda x: jnp.clip(x + 3, 0, 6) / 6, -6, 6)
    unary("hardswish", lambda x: x * jnp.clip(x + 3, 0, 6) / 6, -6, 6)
    unary("leaky_relu", lambda x: jax.nn.leaky_relu(x, 0.1), slope=0.1)
    unary("clamp", lambda x: jnp.clip(x, -0.5, 0.8), min=-0.5, max=0.8)
    unary("clamp", lambda x: jnp.clip(x, None, 0.3), max=0.3)
    unary("scale", lambda x: -1.7 * x, factor=-1.7)
    unary("offset", lambda x: x + 0.4, term=0.4)
    unary("integer_power", lambda x: x**3, exponent=3)
    unary("integer_power", lambda x: x**-2, 0.5, 2, exponent=-2)
    unary("real_power", lambda x: x**1.7, 0.3, 2.5, exponent=1.7)
    unary("real_power", lambda x: x**-0.4, 0.3, 2.5, exponent=-0.4)


def binary():
    of("add", [(2, 3), (3,)], jnp.add)
    of("subtract", [(2, 1), (1, 3)], jnp.subtract)
    of("multiply", [(4, 1, 3), (2, 1)], jnp.multiply)
    of("divide", [(2, 3), ()], jnp.divide, low=0.4, high=2)
    of("maximum", [(2, 3), (3,)], jnp.maximum)
    of("minimum", [(2, 3), (2, 1)], jnp.minimum)
    tied = {"p0": [0.5, -0.2, 0.9], "p1": [0.5, 0.3, -0.4]}
    of("maximum", [(3,), (3,)], jnp.maximum, label="of equals", inputs=tied)
    of("minimum", [(3,), (3,)], jnp.minimum, label="of equals", inputs=tied)
    of("power", [(2, 3), (3,)], jnp.power, low=0.4, high=2)
    of("power", [(2, 3)], lambda x, y: jnp.stack([x[:, 0] ** 2, x[:, 1] ** 0.5, x[:, 2] ** -1], 1),
       constants={"exponents": np.array([2, 0.5, -1])}, label="of constants", low=0.4, high=2)


def constants_only():
    """What nothing is differentiated through, multiplied with what is."""
    for name, function in (("round", jnp.round), ("floor", jnp.floor), ("ceil", jnp.ceil), ("trunc", jnp.trunc), ("sign", jnp.sign)):
        case = Case(name, [(2, 3)])
        rounded = case.node(name, case.args[0])
        case.end(case.node("multiply", case.args[0], rounded), lambda x, f=function: x * lax.stop_gradient(f(jnp.real(x))))
    comparisons = {"equal": jnp.equal, "not_equal": jnp.not_equal, "less": jnp.less, "less_equal": jnp.less_equal,
                   "greater": jnp.greater, "greater_equal": jnp.greater_equal}
    for name, function in comparisons.items():
        tied = {"p0": [0.5, -0.2, 0.9], "p1": [0.5, 0.3, -0.4]}
        case = Case(name, [(3,), (3,)], inputs=tied)
        mask = case.node(name, case.args[0], case.args[1])
        case.end(case.node("multiply", case.args[0], mask), lambda x, y, f=function: x * f(jnp.real(x), jnp.real(y)))
    for name, function in (("and", jnp.logical_and), ("or", jnp.logical_or)):
        masks = {"a": np.array([0, 0, 1, 1.0]), "b": np.array([0, 1, 0, 1.0])}
        case = Case(name, [(4,)], masks)
        mask = case.node(name, case.args[1], case.args[2])
        case.end(case.node("multiply", case.args[0], mask), lambda x, a, b, f=function: x * f(a, b))
    case = Case("not", [(3,)], {"a": np.array([0, 1, 0.0])})
    case.end(case.node("multiply", case.args[0], case.node("not", case.args[1])), lambda x, a: x * (a == 0))
    case = Case("where", [(2, 3), (3,)], {"a": np.array([[0, 1, 0], [1, 1, 0.0]])})
    case.end(case.node("where", case.args[2], case.args[0], case.args[1]), lambda x, y, a: jnp.where(a != 0, x, y))
    case = Case("where of infinity", [(2, 3)], {"a": np.array([[0, 1, 1], [1, 1, 0.0]])})
    masked = case.node("where", case.args[1], case.args[0], case.node("scalar", value="-inf"))
    case.end(case.node("softmax", masked, axis=1), lambda x, a: jnp.exp(x) * (a != 0) / jnp.sum(jnp.exp(x) * (a != 0), 1, keepdims=True))
    case = Case("stop_gradient", [(2, 3)])
    stopped = case.node("stop_gradient", case.args[0])
    case.end(case.node("multiply", case.args[0], stopped), lambda x: x * lax.stop_gradient(jnp.real(x)))
    case = Case("iota", [(2, 3)])
    case.end(case.node("multiply", case.args[0], case.node("iota", shape=[2, 3], axis=1)), lambda x: x * jnp.arange(3))
    for name, function in (("argmax", jnp.argmax), ("argmin", jnp.argmin)):
        case = Case(name, [(2, 3)])
        index = case.node(name, case.args[0], axis=1, keep=True)
        case.end(case.node("gather", case.args[0], index, axis=1),
                 lambda x, f=function: jnp.take_along_axis(x, f(jnp.real(x), 1, keepdims=True), 1))
    for descending in (False, True):
        case = Case(f"argsort {descending}", [(2, 4)])
        order = case.node("argsort", case.args[0], axis=1, descending=descending)
        case.end(case.node("gather", case.args[0], order, axis=1),
                 lambda x, d=descending: jnp.take_along_axis(x, jnp.argsort(jnp.real(x), 1, descending=d), 1))
    case = Case("scalar", [(2, 3)])
    case.end(case.node("add", case.args[0], case.node("scalar", value=0.25)), lambda x: x + 0.25)


def linear():
    for transpose in ((False, False), (True, False), (False, True), (True, True)):
        x, y = ((3, 2) if transpose[0] else (2, 3)), ((4, 3) if transpose[1] else (3, 4))
        turn = lambda a, t: jnp.swapaxes(a, -1, -2) if t else a
        of("matmul", [x, y], lambda x, y, t=transpose: turn(x, t[0]) @ turn(y, t[1]), {"transpose": list(transpose)}, label=str(transpose))
    of("matmul", [(2, 1, 2, 3), (3, 3, 2)], jnp.matmul, label="batches")
    of("matmul", [(2, 2, 3), (3, 2)], jnp.matmul, label="one right")
    of("matmul", [(2, 3), (2, 3, 2)], jnp.matmul, label="one left")

    def conv(stride, padding, dilation, groups, transpose_dilation=None):
        return lambda x, w: lax.conv_general_dilated(x, w, stride, padding, lhs_dilation=transpose_dilation, rhs_dilation=dilation,
                                                     feature_group_count=groups)

    for label, x, w, stride, padding, dilation, groups in (
        ("1d", (2, 2, 5), (3, 2, 2), [2], [[1, 0]], [1], 1),
        ("2d", (1, 2, 4, 3), (2, 2, 2, 2), [1, 2], [[1, 1], [0, 0]], [1, 1], 1),
        ("2d uneven", (1, 1, 4, 4), (2, 1, 2, 2), [1, 1], [[0, 1], [-1, 2]], [1, 1], 1),
        ("groups", (1, 4, 4, 3), (4, 2, 2, 2), [1, 1], [[1, 0], [0, 1]], [2, 1], 2),
        ("3d", (1, 1, 2, 3, 3), (2, 1, 2, 2, 2), [1, 1, 1], [[0, 0], [1, 0], [0, 0]], [1, 1, 1], 1),
    ):
        of("convolution", [x, w], conv(stride, [tuple(p) for p in padding], dilation, groups),
           {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}, label=label)

    def transposed(stride, padding, dilation, groups, rest):
        def function(x, w):
            count = w.ndim - 2
            inputs, outputs = w.shape[0] // groups, w.shape[1]
            w = w.reshape((groups, inputs, outputs, *w.shape[2:])).swapaxes(1, 2)
            w = jnp.flip(w, tuple(range(3, 3 + count))).reshape((groups * outputs, inputs, *w.shape[3:]))
            pads = [((k - 1) * d - lo, (k - 1) * d - hi + r)
                    for k, d, (lo, hi), r in zip(w.shape[2:], dilation, padding, rest)]
            return lax.conv_general_dilated(x, w, [1] * count, pads, lhs_dilation=stride, rhs_dilation=dilation, feature_group_count=groups)
        return function

    for label, x, w, stride, padding, dilation, groups, rest in (
        ("1d", (1, 2, 3), (2, 3, 2), [2], [[1, 0]], [1], 1, [1]),
        ("2d", (1, 4, 2, 3), (4, 1, 2, 2), [2, 1], [[1, 1], [0, 0]], [1, 2], 2, [0, 0]),
    ):
        of("convolution_transpose", [x, w], transposed(stride, padding, dilation, groups, rest),
           {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "output_padding": rest}, label=label)

    pads = lambda p: ((0, 0), (0, 0), *p)
    of("max_pool", [(1, 2, 4, 4)], lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 3, 2), (1, 1, 2, 1), pads(((1, 1), (0, 1)))),
       {"window": [3, 2], "stride": [2, 1], "padding": [[1, 1], [0, 1]]})
    of("max_pool", [(1, 2, 6)], lambda x: jnp.maximum(x[..., :-2], x[..., 2:]), {"window": [2], "dilation": [2]}, label="dilated")

    def average(x, counted):
        padded = jnp.pad(x, pads(((1, 1), (0, 1))))
        ones = jnp.pad(jnp.ones(x.shape), pads(((1, 1), (0, 1))))
        places = [(i, j) for i in range(0, padded.shape[2] - 2, 2) for j in range(padded.shape[3] - 1)]
        cut = lambda a, i, j: a[:, :, i:i + 3, j:j + 2].sum((2, 3))
        values = [cut(padded, i, j) / (6 if counted else cut(ones, i, j)) for i, j in places]
        return jnp.stack(values, -1).reshape(*x.shape[:2], -1, padded.shape[3] - 1)

    for counted in (True, False):
        of("avg_pool", [(1, 2, 4, 3)], lambda x, c=counted: average(x, c),
           {"window": [3, 2], "stride": [2, 1], "padding": [[1, 1], [0, 1]], "count_padding": counted}, label=str(counted))


def places():
    of("reshape", [(2, 3)], lambda x: x.reshape(3, 2), {"shape": [3, 2]})
    of("permute", [(2, 3, 4)], lambda x: x.transpose(2, 0, 1), {"axes": [2, 0, 1]})
    of("expand", [(2, 1)], lambda x: jnp.broadcast_to(x, (3, 2, 2)), {"shape": [3, 2, 2]})
    of("slice", [(4, 5)], lambda x: x[1:4, 4::-2], {"starts": [1, 4], "stops": [4, -1], "steps": [1, -2]})
    of("pad", [(2, 3)], lambda x: jnp.pad(x[:, 1:], ((1, 0), (0, 2)), constant_values=0.5), {"padding": [[1, 0], [-1, 2]], "value": 0.5})
    of("concatenate", [(2, 3), (2, 1), (2, 2)], lambda *x: jnp.concatenate(x, 1), {"axis": 1})
    of("flip", [(2, 3, 2)], lambda x: x[::-1, :, ::-1], {"axes": [0, 2]})
    index = np.array([[2, 0, 2], [1, 1, 0.0]])
    of("gather", [(3, 3)], lambda x, i: jnp.take_along_axis(x[:2], i.astype(int), 1), {"axis": 1}, {"index": index})
    of("gather", [(3, 4)], lambda x, i: jnp.take_along_axis(x[:, :3], i.astype(int), 0), {"axis": 0}, {"index": index}, label="of the first axis")
    of("take", [(4, 2)], lambda x, i: jnp.take(x, i.astype(int), 0), {"axis": 0}, {"index": index})
    of("take", [(2, 4, 2)], lambda x, i: jnp.take(x, i.astype(int), 1), {"axis": 1}, {"index": np.array([3, 0, 3.0])}, label="of the second axis")
    case = Case("scatter_add", [(3, 3), (2, 3)], {"index": index})
    case.end(case.node("scatter_add", case.args[0], case.args[2], case.args[1], axis=1),
             lambda x, u, i: x.at[np.arange(2)[:, None], i.astype(int)].add(u))


def reductions():
    of("sum", [(2, 3, 2)], lambda x: x.sum((0, 2)), {"axes": [0, 2]})
    of("mean", [(2, 3, 2)], lambda x: x.mean(1, keepdims=True), {"axes": [1], "keep": True})
    of("max", [(3, 4)], lambda x: x.max(1), {"axes": [1]})
    of("min", [(3, 4)], lambda x: x.min(0), {"axes": [0]})
    of("max", [(2, 3)], lambda x: x.max(1), {"axes": [1]}, label="of equals", inputs={"p0": [0.7, 0.1, 0.7, -0.2, 0.4, 0.4]})
    of("product", [(2, 5)], lambda x: x[:, 0] * x[:, 1] * x[:, 2] * x[:, 3] * x[:, 4], {"axes": [1]})
    of("product", [(3, 2)], lambda x: x[0] * x[1] * x[2], {"axes": [0]}, label="of a zero", inputs={"p0": [0.7, 0, 0.5, -0.2, 0, 0.4]})
    of("cumulative_sum", [(2, 5)], lambda x: jnp.cumsum(x, 1), {"axis": 1})
    of("cumulative_sum", [(3, 2)], lambda x: jnp.cumsum(x[::-1], 0)[::-1], {"axis": 0, "reverse": True}, label="reversed")
    for axis in (0, 1):
        of("softmax", [(2, 3)], lambda x, a=axis: jax.nn.softmax(x, a), {"axis": axis}, label=str(axis))
        of("log_softmax", [(2, 3)], lambda x, a=axis: jax.nn.log_softmax(x, a), {"axis": axis}, label=str(axis))
    of("log_sum_exp", [(2, 3, 2)], lambda x: jax.nn.logsumexp(x, (0, 2), keepdims=True), {"axes": [0, 2], "keep": True})


elementary()
binary()
constants_only()
linear()
places()
reductions()
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
Path(__file__).with_name("operations.json").write_text(f"[\n{lines}\n]\n")
print(len(CASES), "cases")
