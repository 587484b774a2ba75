"""Operations of PyTorch (ATen) as operations of an operator graph: one table.

A rule gets the graph and the arguments of the operation, with a `Value` in the place of each tensor, and returns the value of its
result, or of each. What has no rule is taken apart by PyTorch's own decompositions, see `bea._trace_torch`. Here are operations entry by entry, along axes
and on shapes; products, pools, norms and losses are in `bea._aten_layers`.
"""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from bea import _functions
from bea._bea import Error
from bea._graph import Graph, Value

#: By the name of an overload, such as `add.Tensor`, or that of all overloads, such as `add`.
RULES: dict[str, Callable[..., Any]] = {}

#: What returns entries of its arguments in another order: known from where it takes numbers that count entries.
SELECTIONS = set(
    """flip roll repeat rot90 pixel_shuffle pixel_unshuffle channel_shuffle upsample_nearest1d upsample_nearest2d
    upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d reflection_pad1d
    reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d select_scatter slice_scatter
    diagonal_scatter masked_scatter masked_select repeat_interleave index index_put _unsafe_index _unsafe_index_put scatter
    unfold_copy view_copy permute_copy expand_copy take""".split()
)

#: What is linear along the last axes, each by itself.
SEPARABLE = {
    "upsample_linear1d": 1, "upsample_bilinear2d": 2, "_upsample_bilinear2d_aa": 2, "upsample_bicubic2d": 2,
    "_upsample_bicubic2d_aa": 2, "upsample_trilinear3d": 3, "_adaptive_avg_pool2d": 2, "_adaptive_avg_pool3d": 3,
    "adaptive_avg_pool1d": 1,
}  # fmt: skip

#: What looks at the shape of its argument alone.
SHAPES = set(
    """zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty new_empty_strided empty_strided
    _efficientzerotensor _new_zeros_with_same_feature_meta _has_same_storage_numel is_same_size _nested_tensor_size
    _is_zerotensor is_pinned""".split()
)

#: What has no contents yet.
EMPTY = set("empty empty_like empty_strided empty_permuted new_empty new_empty_strided".split())

#: What is the same in the mathematics.
SAME = set("clone alias lift lift_fresh lift_fresh_copy contiguous alias_copy detach_copy _fw_primal _make_dual".split())


def rule(*names: str) -> Callable:
    def add(function: Callable) -> Callable:
        RULES.update(dict.fromkeys(names, function))
        return function

    return add


def _unary(aten: str, op: str | None = None) -> None:
    RULES[aten] = lambda g, x: g.unary(op or aten, x)


for _name in """tanh sigmoid relu exp expm1 log log1p sqrt rsqrt reciprocal neg abs sign sin cos tan atan erf erfc silu mish
    square floor ceil trunc""".split():
    _unary(_name)
_unary("sgn", "sign")
_unary("logical_not", "not")
_unary("bitwise_not", "not")
RULES["positive"] = lambda g, x: x
RULES["log2"] = lambda g, x: g.scale(g.unary("log", x), 1 / math.log(2))
RULES["log10"] = lambda g, x: g.scale(g.unary("log", x), 1 / math.log(10))
for _name, _function in _functions.UNARY.items():
    RULES[_name] = _function
RULES["atan2"], RULES["sinc"] = _functions.atan2, _functions.sinc
RULES["hypot"] = lambda g, x, y: _functions.root(g, g.add(g.unary("square", x), g.unary("square", y)))
RULES["logaddexp"], RULES["logaddexp2"] = _functions.logaddexp, _functions.logaddexp2
RULES["hardsigmoid"], RULES["hardswish"] = _functions.hardsigmoid, _functions.hardswish
RULES["frac"] = lambda g, x: g.subtract(x, g.unary("trunc", x))
RULES["isnan"] = lambda g, x: g.elementwise("not_equal", x, x)
RULES["isinf"] = lambda g, x: g.elementwise("equal", g.unary("abs", x), g.constant(math.inf))


def value(g: Graph, x: Any) -> Value:
    """A tensor, or a number."""
    return x if isinstance(x, Value) else g.constant(x)


# Entry by entry


RULES["xlogy"] = lambda g, x, y: _functions.xlogy(g, value(g, x), value(g, y))
RULES["special_xlog1py"] = lambda g, x, y: _functions.xlog1py(g, value(g, x), value(g, y))


@rule("round")
def _(g, x, decimals=0):
    return g.scale(g.unary("round", g.scale(x, 10.0**decimals)), 10.0**-decimals)


@rule("add")
def _(g, x, y, alpha=1):
    return g.add(value(g, x), g.scale(value(g, y), alpha))


@rule("sub")
def _(g, x, y, alpha=1):
    return g.subtract(value(g, x), g.scale(value(g, y), alpha))


@rule("rsub")
def _(g, x, y, alpha=1):
    return g.subtract(value(g, y), g.scale(x, alpha))


@rule("mul")
def _(g, x, y):
    return g.multiply(value(g, x), value(g, y))


@rule("div", "true_divide")
def _(g, x, y, rounding_mode=None):
    x, y = value(g, x), value(g, y)
    quotient = g.divide(x, y)
    return quotient if rounding_mode is None else g.unary(rounding_mode, quotient)


@rule("floor_divide")
def _(g, x, y):
    return g.unary("floor", g.divide(value(g, x), value(g, y)))


for _aten, _rounding in {"fmod": "trunc", "remainder": "floor"}.items():
    RULES[_aten] = lambda g, x, y, rounding=_rounding: _functions.remainder(g, value(g, x), value(g, y), rounding)


@rule("pow")
def _(g, x, y):
    if isinstance(y, Value) and y.uniform() is None:
        return g.elementwise("power", value(g, x), y)
    number = y.uniform() if isinstance(y, Value) else float(y)
    power = g.power(x, number)
    return g.expand(power, np.broadcast_shapes(x.shape, y.shape)) if isinstance(y, Value) else power


for _aten, _op in {
    "maximum": "maximum", "minimum": "minimum", "fmax": "maximum", "fmin": "minimum", "eq": "equal", "ne": "not_equal",
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "logical_and": "and", "logical_or": "or",
    "logical_xor": "not_equal", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "not_equal",
}.items():  # fmt: skip
    RULES[_aten] = lambda g, x, y, op=_op: g.elementwise(op, value(g, x), value(g, y))


@rule("clamp", "clamp_min")
def _(g, x, min=None, max=None):
    bounds = {"min": min, "max": max}
    for name, op in (("min", "maximum"), ("max", "minimum")):
        if isinstance(bounds[name], Value):
            x = g.elementwise(op, x, bounds.pop(name))
    return _functions.cut(g, x, bounds.get("min"), bounds.get("max"))


RULES["clamp_max"] = lambda g, x, max: RULES["clamp"](g, x, None, max)
RULES["hardtanh"] = lambda g, x, min_val=-1.0, max_val=1.0: _functions.cut(g, x, min_val, max_val)


@rule("where")
def _(g, mask, x, y):
    return g.select(mask, value(g, x), value(g, y))


@rule("masked_fill")
def _(g, x, mask, filled):
    return g.select(mask, value(g, filled), x)


RULES["fill"] = lambda g, x, filled: g.expand(value(g, filled), x.shape)
RULES["zero"] = lambda g, x: g.constant(np.zeros(x.shape))


@rule("gelu")
def _(g, x, approximate="none"):
    return g.unary("gelu" if approximate == "none" else "gelu_tanh", x)


@rule("elu")
def _(g, x, alpha=1.0, scale=1.0, input_scale=1.0):
    # The scale of the input is that of its negative part alone.
    if input_scale == 1:
        return g.scale(g.unary("elu", x, alpha=float(alpha)), scale)
    negative = g.scale(g.unary("expm1", g.scale(g.unary("clamp", x, max=0.0), input_scale)), alpha)
    return g.scale(g.select(g.elementwise("greater", x, g.constant(0.0)), x, negative), scale)


@rule("leaky_relu")
def _(g, x, negative_slope=0.01):
    return g.unary("leaky_relu", x, slope=float(negative_slope))


@rule("rrelu_with_noise")
def _(g, x, noise, lower=1 / 8, upper=1 / 3, training=False, generator=None):
    return g.unary("leaky_relu", x, slope=(lower + upper) / 2)


@rule("_prelu_kernel", "prelu")
def _(g, x, weight):
    return g.select(g.elementwise("greater", x, g.constant(0.0)), x, g.multiply(weight, x))


@rule("softplus")
def _(g, x, beta=1.0, threshold=20.0):
    # From the threshold on, PyTorch has the identity.
    smooth = g.scale(g.unary("softplus", g.scale(x, beta)), 1 / beta)
    return g.select(g.elementwise("greater", g.scale(x, beta), g.constant(float(threshold))), x, smooth)


RULES["log_sigmoid_forward"] = lambda g, x: (g.unary("log_sigmoid", x), g.constant(np.zeros(0)))


@rule("threshold")
def _(g, x, threshold, filled):
    return g.select(g.elementwise("greater", x, g.constant(float(threshold))), x, g.constant(float(filled)))


@rule("threshold_backward")
def _(g, grad, x, threshold):
    return g.select(g.elementwise("less_equal", x, g.constant(float(threshold))), g.constant(0.0), grad)


@rule("tanh_backward")
def _(g, grad, out):
    return g.multiply(grad, g.offset(g.unary("neg", g.unary("square", out)), 1.0))


@rule("sigmoid_backward")
def _(g, grad, out):
    return g.multiply(grad, g.multiply(out, g.offset(g.unary("neg", out), 1.0)))


@rule("lerp")
def _(g, x, end, weight):
    return g.add(x, g.multiply(value(g, weight), g.subtract(end, x)))


# Sums, means and extrema


def _axes(dim: Any) -> list[int] | None:
    """Axes as PyTorch gives them: none at all means all."""
    return None if dim is None or dim == [] or dim == () else [dim] if isinstance(dim, int) else list(dim)


_REDUCTIONS = {"sum": "sum", "mean": "mean", "amax": "max", "amin": "min", "logsumexp": "log_sum_exp", "prod": "product"}
for _aten, _op in _REDUCTIONS.items():
    RULES[_aten] = lambda g, x, dim=None, keepdim=False, *, dtype=None, op=_op: g.reduce(op, x, _axes(dim), keepdim)
for _aten, _op in {"any": "max", "all": "min"}.items():
    RULES[_aten] = lambda g, x, dim=None, keepdim=False, op=_op: g.reduce(
        op, g.elementwise("not_equal", x, g.constant(0.0)), _axes(dim), keepdim
    )


def _one_of(extremum: str) -> None:
    """Along an axis, the first of the largest, to which its derivative belongs; of all entries, equal ones share it."""

    def along(g, x, dim, keepdim=False):
        if x.ndim == 0:
            return x, g.constant(np.zeros((), dtype=np.int64))
        kept = g.index_of(f"arg{extremum}", x, dim, True)
        values = g.gather(x, kept, dim)
        return (values, kept) if keepdim else (g.squeeze(values, [dim]), g.squeeze(kept, [dim]))

    RULES[f"{extremum}.dim"] = along
    RULES[f"{extremum}.default"] = lambda g, x: g.reduce(extremum, x)
    RULES[f"{extremum}.other"] = RULES[f"{extremum}imum"]

    def index(g, x, dim=None, keepdim=False):
        if dim is None:
            return g.index_of(f"arg{extremum}", g.reshape(x, [x.size]), 0, False)
        return g.index_of(f"arg{extremum}", x, dim, keepdim)

    RULES[f"arg{extremum}"] = index


_one_of("max")
_one_of("min")


@rule("var.correction", "var.dim", "var.default")
def _(g, x, dim=None, correction=1, keepdim=False, unbiased=None):
    return g.variance(x, _axes(dim), 1 if correction is None else correction, keepdim)


@rule("std.correction")
def _(g, x, dim=None, correction=1, keepdim=False):
    return _functions.root(g, RULES["var.correction"](g, x, dim, correction, keepdim))


@rule("var_mean.correction")
def _(g, x, dim=None, correction=1, keepdim=False):
    return RULES["var.correction"](g, x, dim, correction, keepdim), g.reduce("mean", x, _axes(dim), keepdim)


@rule("std_mean.correction")
def _(g, x, dim=None, correction=1, keepdim=False):
    return RULES["std.correction"](g, x, dim, correction, keepdim), g.reduce("mean", x, _axes(dim), keepdim)


@rule("linalg_vector_norm", "norm")
def _(g, x, ord=2, dim=None, keepdim=False, *, dtype=None):
    axes, ord = _axes(dim), 2 if ord is None else float(ord)
    if ord == 2:
        return _functions.root(g, g.reduce("sum", g.unary("square", x), axes, keepdim))
    size = g.unary("abs", x)
    if ord in (math.inf, -math.inf):
        return g.reduce("max" if ord > 0 else "min", size, axes, keepdim)
    if ord == 0:
        return g.reduce("sum", g.elementwise("not_equal", x, g.constant(0.0)), axes, keepdim)
    total = g.reduce("sum", g.power(size, ord), axes, keepdim)
    return _functions.away_from_zero(g, total, lambda x: g.power(x, 1 / ord)) if ord > 1 else g.power(total, 1 / ord)


@rule("cumsum")
def _(g, x, dim, *, dtype=None):
    return x if x.ndim == 0 else g.cumulative_sum(x, dim)


@rule("sort")
def _(g, x, dim=-1, descending=False, *, stable=None):
    order = g.argsort(x, dim, descending)
    return g.gather(x, order, dim), order


RULES["sort.stable"] = lambda g, x, *, stable=None, dim=-1, descending=False: RULES["sort"](g, x, dim, descending)
RULES["argsort"] = lambda g, x, dim=-1, descending=False: g.argsort(x, dim, descending)
RULES["argsort.stable"] = lambda g, x, *, stable=None, dim=-1, descending=False: g.argsort(x, dim, descending)


@rule("topk")
def _(g, x, k, dim=-1, largest=True, sorted=True):
    order = g.slice(g.argsort(x, dim, largest), dim % x.ndim, 0, k)
    return g.gather(x, order, dim), order


@rule("kthvalue")
def _(g, x, k, dim=-1, keepdim=False):
    order = g.slice(g.argsort(x, dim), dim % x.ndim, k - 1, k)
    values = g.gather(x, order, dim)
    return (values, order) if keepdim else (g.squeeze(values, [dim]), g.squeeze(order, [dim]))


@rule("median.dim")
def _(g, x, dim, keepdim=False):
    return RULES["kthvalue"](g, x, (x.shape[dim] + 1) // 2, dim, keepdim)


@rule("median.default")
def _(g, x):
    return RULES["median.dim"](g, g.reshape(x, [x.size]), 0)[0]


@rule("_softmax", "softmax")
def _(g, x, dim, half_to_float=None, *, dtype=None):
    return g.softmax(x, dim)


@rule("_log_softmax", "log_softmax")
def _(g, x, dim, half_to_float=None, *, dtype=None):
    return g.softmax(x, dim, logarithm=True)


@rule("_safe_softmax")
def _(g, x, dim, dtype=None):
    # Rows of -inf alone are 0.
    none = g.elementwise("equal", g.reduce("max", x, [dim], True), g.constant(-math.inf))
    return g.select(none, g.constant(0.0), g.softmax(g.select(none, g.constant(0.0), x), dim))


@rule("_softmax_backward_data")
def _(g, grad, out, dim, dtype):
    weighted = g.multiply(grad, out)
    return g.subtract(weighted, g.multiply(out, g.reduce("sum", weighted, [dim], True)))


# Shapes


@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy")
def _(g, x, size, stride=None):
    known = -math.prod(n for n in size)
    return g.reshape(x, [x.size // known if n == -1 else n for n in size])


@rule("permute", "permute_copy")
def _(g, x, dims):
    return g.permute(x, dims)


RULES["transpose"] = RULES["transpose_copy"] = lambda g, x, a, b: x if x.ndim == 0 else g.transpose(x, a, b)
RULES["t"] = RULES["t_copy"] = lambda g, x: x if x.ndim < 2 else g.transpose(x, 0, 1)


@rule("expand", "expand_copy")
def _(g, x, size, implicit=False):
    old = [1] * (len(size) - x.ndim) + list(x.shape)
    return g.expand(x, [n if m == -1 else m for n, m in zip(old, size)])


RULES["unsqueeze"] = RULES["unsqueeze_copy"] = lambda g, x, dim: g.unsqueeze(x, dim)


@rule("squeeze", "squeeze_copy")
def _(g, x, dim=None):
    return g.squeeze(x, range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim)


@rule("select", "select_copy")
def _(g, x, dim, index):
    dim %= x.ndim
    index %= x.shape[dim]
    return g.reshape(g.slice(x, dim, index, index + 1), [*x.shape[:dim], *x.shape[dim + 1 :]])


@rule("slice", "slice_copy")
def _(g, x, dim=0, start=None, end=None, step=1):
    dim %= x.ndim
    start, stop, step = slice(start, end, step).indices(x.shape[dim])
    return g.slice(x, dim, start, stop, step)


@rule("split", "split_with_sizes", "split_copy", "split_with_sizes_copy")
def _(g, x, size, dim=0):
    dim %= x.ndim
    n = x.shape[dim]
    sizes = size if not isinstance(size, int) else [min(size, n - at) for at in range(0, n, size)]
    ends = np.cumsum(sizes)
    return [g.slice(x, dim, int(end) - size, int(end)) for end, size in zip(ends, sizes)]


@rule("unbind", "unbind_copy")
def _(g, x, dim=0):
    return [RULES["select"](g, x, dim, index) for index in range(x.shape[dim])]


@rule("cat")
def _(g, parts, dim=0):
    # Empty vectors go with everything.
    parts = [part for part in parts if part.shape != (0,)] or parts[:1]
    return g.concatenate(parts, dim)


@rule("stack")
def _(g, parts, dim=0):
    dim %= parts[0].ndim + 1
    return g.concatenate([g.unsqueeze(part, dim) for part in parts], dim)


@rule("constant_pad_nd")
def _(g, x, pad, value=0):
    pairs = [[pad[at], pad[at + 1]] for at in range(0, len(pad), 2)]
    return g.pad(x, [[0, 0]] * (x.ndim - len(pairs)) + pairs[::-1], value)


@rule("tril")
def _(g, x, diagonal=0):
    return g.select(g.constant(np.tri(*x.shape[-2:], diagonal, dtype=bool)), x, g.constant(0.0))


@rule("triu")
def _(g, x, diagonal=0):
    return g.select(g.constant(~np.tri(*x.shape[-2:], diagonal - 1, dtype=bool)), x, g.constant(0.0))


# Indices


@rule("gather")
def _(g, x, dim, index, *, sparse_grad=False):
    return x if x.ndim == 0 else g.gather(x, index, dim)


@rule("index_select")
def _(g, x, dim, index):
    return g.take(x, index, dim)


@rule("embedding")
def _(g, weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    if scale_grad_by_freq:
        raise Error(g.where(BY_FREQUENCY))
    rows = g.take(weight, indices, 0)
    padded = g.elementwise("equal", indices, g.constant(float(padding_idx)))
    if padding_idx < 0 or padded.uniform() == 0:
        return rows
    # A row that does not learn.
    return g.select(g.unsqueeze(padded, padded.ndim), g.unary("stop_gradient", rows), rows)


BY_FREQUENCY = "an embedding with scale_grad_by_freq: what it learns by is no gradient of the loss"


@rule("scatter_add")
def _(g, x, dim, index, src):
    source = RULES["slice_to"](g, src, index.shape)
    if index.constant:
        places = np.indices(index.shape)
        places[dim % x.ndim] = index.array
        return g.added(x, np.ravel_multi_index(tuple(places), x.shape), source)
    if any(n != m for axis, (n, m) in enumerate(zip(x.shape, index.shape)) if axis != dim % x.ndim):
        raise Error(g.where("scatter_add whose indices depend on parameters and are not along the whole of other axes"))
    return g.scatter_add(x, index, source, dim)


@rule("scatter.reduce", "scatter.value_reduce")
def _(g, x, dim, index, src, *, reduce):
    source = src if isinstance(src, Value) else g.constant(np.full(index.shape, float(src)))
    if reduce == "add":
        return RULES["scatter_add"](g, x, dim, index, source)
    places = np.indices(index.shape)
    places[dim % x.ndim] = known(g, index, "scatter")
    positions = np.ravel_multi_index(tuple(places), x.shape)
    if len(np.unique(positions)) < positions.size:
        raise Error(g.where('`scatter` with reduce="multiply" that comes to an entry twice'))
    source = RULES["slice_to"](g, source, index.shape)
    factors = np.full(x.size, source.size)
    factors[positions.ravel()] = np.arange(source.size)
    return g.multiply(x, g.selected([source, g.constant(np.ones(1))], factors.reshape(x.shape)))


RULES["slice_to"] = lambda g, x, shape: g.slices(x, [0] * x.ndim, list(shape), [1] * x.ndim)


@rule("index_add")
def _(g, x, dim, index, source, *, alpha=1):
    dim %= x.ndim
    position = np.moveaxis(np.arange(x.size).reshape(x.shape), dim, 0)[known(g, index, "index_add")]
    return g.added(x, np.moveaxis(position, 0, dim), g.scale(source, alpha))


def known(g: Graph, index: Value, what: str) -> np.ndarray:
    if not index.constant:
        raise Error(g.where(f"`{what}` at indices that depend on parameters: `gather` and `index_select` take such ones"))
    return index.array


@rule("index", "_unsafe_index")
def _(g, x, indices):
    """By indices that depend on parameters, along one axis."""
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    if len(axes) != 1:
        raise Error(g.where("indices along several axes that depend on parameters: use `gather` or `index_select`"))
    return g.take(x, indices[axes[0]], axes[0])


@rule("index_put.accumulate")
def _(g, x, indices, values):
    arrays = [slice(None) if index is None else known(g, index, "index_put") for index in indices]
    position = np.arange(x.size).reshape(x.shape)[tuple(arrays)]
    return g.added(x, position, g.expand(values, position.shape))
