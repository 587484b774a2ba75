"""Operator graphs in NumPy, read from their folders as `docs/graph.md` says: every operation, straight from its definition."""

import json
import math
import pathlib
import struct

import numpy as np

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}


def read(folder):
    """The document of a graph, and its tensors by name."""
    folder = pathlib.Path(folder)
    data = (folder / "tensors.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(body[start:end], _DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return json.loads((folder / "graph.json").read_text()), tensors


def evaluate(folder, parameters=None):
    """The loss, in 64 bits."""
    document, tensors = read(folder)
    assert document["bea_graph"] == 1
    values = []
    for number, node in enumerate(document["nodes"]):
        node = dict(node)
        op, args = node.pop("op"), node.pop("args", [])
        node.pop("at", None)
        assert all(arg < number for arg in args)
        if op == "parameter":
            (entry,) = [p for p in document["parameters"] if p["name"] == node["name"]]
            value = np.asarray((parameters or tensors)[node["name"]])
            assert list(value.shape) == entry["shape"]
        elif op == "constant":
            value = tensors[f"constant.{node['name']}"]
            (entry,) = [c for c in document["constants"] if c["name"] == node["name"]]
            assert list(value.shape) == entry["shape"]
        else:
            with np.errstate(all="ignore"):
                value = OPERATIONS[op](*(values[arg] for arg in args), **node)
        values.append(np.asarray(value, dtype=float))
    loss = values[document["loss"]]
    assert loss.size == 1
    return float(loss.reshape(()))


def number(value):
    return float(value)


def integers(indices):
    assert (indices == np.rint(indices)).all()
    return indices.astype(int)


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x):
    return np.logaddexp(0, x)


erf, erfc = np.vectorize(math.erf, otypes=[float]), np.vectorize(math.erfc, otypes=[float])


def normal_cdf(x):
    return erfc(-x / math.sqrt(2)) / 2


def log_sum_exp(x, axes, keep):
    largest = x.max(tuple(axes), keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    out = np.log(np.exp(x - largest).sum(tuple(axes), keepdims=True)) + largest
    return out if keep else out.squeeze(tuple(axes))


def matmul(x, y, transpose):
    x = x.swapaxes(-1, -2) if transpose[0] else x
    y = y.swapaxes(-1, -2) if transpose[1] else y
    assert x.ndim >= 2 and y.ndim >= 2
    return x @ y


def windows(x, window, stride, dilation):
    """`[n, c, out…, window…]`."""
    view = np.lib.stride_tricks.sliding_window_view(
        x, [d * (k - 1) + 1 for k, d in zip(window, dilation)], tuple(range(2, x.ndim))
    )
    outer = tuple(slice(None, None, s) for s in stride)
    inner = tuple(slice(None, None, d) for d in dilation)
    return view[(slice(None), slice(None), *outer, *inner)]


def padded(x, padding, value):
    for axis, (low, high) in enumerate(padding):
        cut = slice(max(-low, 0), x.shape[axis] - max(-high, 0))
        x = x[(slice(None),) * axis + (cut,)]
    return np.pad(x, [(max(low, 0), max(high, 0)) for low, high in padding], constant_values=number(value))


def convolution(x, w, stride, padding, dilation, groups):
    x = padded(x, [[0, 0], [0, 0], *padding], 0)
    view = windows(x, w.shape[2:], stride, dilation)
    n, c, *rest = view.shape
    spatial = w.ndim - 2
    out = []
    for part, weight in zip(np.split(view, groups, axis=1), np.split(w, groups, axis=0)):
        axes = [1, *range(2 + spatial, 2 + 2 * spatial)]
        out.append(np.moveaxis(np.tensordot(part, weight, (axes, [1, *range(2, 2 + spatial)])), -1, 1))
    return np.concatenate(out, axis=1)


def convolution_transpose(x, w, stride, padding, dilation, groups, output_padding):
    """By its definition, each entry on its own: what `convolution` would have taken it from gets it."""
    sizes = [
        (n - 1) * s - low - high + d * (k - 1) + 1 + extra
        for n, s, (low, high), d, k, extra in zip(x.shape[2:], stride, padding, dilation, w.shape[2:], output_padding)
    ]
    each = w.shape[1]
    out = np.zeros((x.shape[0], each * groups, *sizes))
    for place in np.ndindex(*x.shape[2:]):
        for tap in np.ndindex(*w.shape[2:]):
            to = [p * s + t * d - low for p, s, t, d, (low, _) in zip(place, stride, tap, dilation, padding)]
            if all(0 <= t < n for t, n in zip(to, sizes)):
                for group in range(groups):
                    ins = slice(group * (x.shape[1] // groups), (group + 1) * (x.shape[1] // groups))
                    outs = slice(group * each, (group + 1) * each)
                    out[(slice(None), outs, *to)] += x[(slice(None), ins, *place)] @ w[(ins, slice(None), *tap)]
    return out


def max_pool(x, window, stride, padding, dilation):
    view = windows(padded(x, [[0, 0], [0, 0], *padding], -math.inf), window, stride, dilation)
    return view.max(tuple(range(-len(window), 0)))


def avg_pool(x, window, stride, padding, count_padding):
    axes = tuple(range(-len(window), 0))
    take = lambda x: windows(padded(x, [[0, 0], [0, 0], *padding], 0), window, stride, [1] * len(window)).sum(axes)
    return take(x) / (math.prod(window) if count_padding else take(np.ones_like(x)))


def slices(x, starts, stops, steps):
    return x[tuple(slice(a, None if c < 0 and b < 0 else b, c) for a, b, c in zip(starts, stops, steps))]


def scatter_add(x, indices, updates, axis):
    out = x.copy()
    places = list(np.indices(indices.shape))
    places[axis] = integers(indices)
    np.add.at(out, tuple(places), updates)
    return out


def argsort(x, axis, descending):
    return np.argsort(-x if descending else x, axis=axis, kind="stable")


def cumulative_sum(x, axis, reverse):
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)


def iota(shape, axis):
    return np.indices(shape)[axis]


def reduction(function):
    return lambda x, axes, keep: function(x, axis=tuple(axes), keepdims=keep)


def masks(function):
    return lambda *masks: function(*(mask != 0 for mask in masks))


OPERATIONS = {
    "scalar": lambda value: np.array(number(value)),
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "power": np.power,
    "scale": lambda x, factor: x * factor,
    "offset": lambda x, term: x + term,
    "integer_power": lambda x, exponent: x ** float(exponent),
    "real_power": lambda x, exponent: x**exponent,
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "square": np.square,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "log_sigmoid": lambda x: -softplus(-x),
    "softplus": softplus,
    "erf": erf,
    "erfc": erfc,
    "normal_cdf": normal_cdf,
    "gelu": lambda x: x * normal_cdf(x),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "clamp": lambda x, min=-math.inf, max=math.inf: np.clip(x, min, max),
    "round": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "not": masks(np.logical_not),
    "and": masks(np.logical_and),
    "or": masks(np.logical_or),
    "where": lambda mask, x, y: np.where(mask != 0, x, y),
    "stop_gradient": lambda x: x,
    "matmul": matmul,
    "convolution": convolution,
    "convolution_transpose": convolution_transpose,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "reshape": lambda x, shape: x.reshape(shape),
    "permute": lambda x, axes: x.transpose(axes),
    "expand": lambda x, shape: np.broadcast_to(x, shape),
    "slice": slices,
    "pad": padded,
    "concatenate": lambda *x, axis: np.concatenate(x, axis),
    "gather": lambda x, indices, axis: np.take_along_axis(x, integers(indices), axis),
    "take": lambda x, indices, axis: np.take(x, integers(indices), axis),
    "scatter_add": scatter_add,
    "flip": lambda x, axes: np.flip(x, axes),
    "sum": reduction(np.sum),
    "mean": reduction(np.mean),
    "max": reduction(np.max),
    "min": reduction(np.min),
    "product": reduction(np.prod),
    "cumulative_sum": cumulative_sum,
    "softmax": lambda x, axis: np.exp(x - log_sum_exp(x, [axis], True)),
    "log_softmax": lambda x, axis: x - log_sum_exp(x, [axis], True),
    "log_sum_exp": log_sum_exp,
    "argmax": lambda x, axis, keep: np.argmax(x, axis, keepdims=keep),
    "argmin": lambda x, axis, keep: np.argmin(x, axis, keepdims=keep),
    "argsort": argsort,
    "iota": iota,
}
