"""Primitives of JAX as operations of an operator graph: one table.

A rule gets the interpreter, the arguments as `Value`s, and the parameters of the equation by name, and returns the value of its
result, or a list of them.
"""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from bea import _functions
from bea._bea import Error
from bea._graph import Graph, Value

RULES: dict[str, Callable[..., Any]] = {}

#: What may leave the range of integers.
ARITHMETIC = set("add sub mul neg integer_pow pow dot_general reduce_sum reduce_prod cumsum convert_element_type".split())

#: What is the same in the mathematics.
SAME = set("copy copy_p reduce_precision name sharding_constraint device_put mesh_cast pvary layout_constraint".split())


def rule(*names: str) -> Callable:
    def add(function: Callable) -> Callable:
        RULES.update(dict.fromkeys(names, function))
        return function

    return add


_UNARY = {
    name: name
    for name in """tanh exp expm1 log log1p sqrt rsqrt neg abs sign sin cos tan atan erf erfc square floor ceil stop_gradient
    """.split()
} | {"logistic": "sigmoid", "not": "not"}
for _name, _op in _UNARY.items():
    RULES[_name] = lambda at, x, op=_op, **_: at.graph.unary(op, x)

_BINARY = {
    "max": "maximum", "min": "minimum", "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal", "and": "and", "or": "or", "xor": "not_equal",
}  # fmt: skip
for _name, _op in _BINARY.items():
    RULES[_name] = lambda at, x, y, op=_op, **_: at.graph.elementwise(op, x, y)

RULES["add"] = RULES["add_any"] = lambda at, x, y, **_: at.graph.add(x, y)
RULES["sub"] = lambda at, x, y, **_: at.graph.subtract(x, y)
RULES["mul"] = lambda at, x, y, **_: at.graph.multiply(x, y)


@rule("div")
def _(at, x, y, **_):
    quotient = at.graph.divide(x, y)
    return at.graph.unary("trunc", quotient) if at.integers else quotient


@rule("rem")
def _(at, x, y, **_):
    return _functions.remainder(at.graph, x, y, "trunc")


@rule("round")
def _(at, x, rounding_method, **_):
    g = at.graph
    if int(rounding_method) == 1:
        return g.unary("round", x)
    # Halves go away from 0.
    return g.multiply(g.unary("sign", x), g.unary("floor", g.offset(g.unary("abs", x), 0.5)))


@rule("integer_pow")
def _(at, x, y):
    return at.graph.power(x, y)


@rule("pow")
def _(at, x, y):
    exponent = y.uniform()
    if exponent is None:
        return at.graph.elementwise("power", x, y)
    return at.graph.expand(at.graph.power(x, exponent), np.broadcast_shapes(x.shape, y.shape))


@rule("cbrt")
def _(at, x, **_):
    g = at.graph
    return g.multiply(g.unary("sign", x), g.power(g.unary("abs", x), 1 / 3))


for _name, _function in _functions.UNARY.items():
    RULES[_name] = lambda at, x, function=_function, **_: function(at.graph, x)
RULES["atan2"] = lambda at, y, x, **_: _functions.atan2(at.graph, y, x)


@rule("is_finite")
def _(at, x):
    return at.graph.elementwise("less", at.graph.unary("abs", x), at.graph.constant(math.inf))


@rule("clamp")
def _(at, low, x, high):
    g = at.graph
    if low.uniform() is not None and high.uniform() is not None:
        return _functions.cut(g, x, low.uniform(), high.uniform())
    return g.elementwise("minimum", g.elementwise("maximum", x, low), high)


@rule("select_n")
def _(at, which, *cases):
    g = at.graph
    out = cases[0]
    if len(cases) == 2:
        return g.select(which, cases[1], out)
    for number, case in enumerate(cases[1:], 1):
        out = g.select(g.elementwise("equal", which, g.constant(float(number))), case, out)
    return out


@rule("convert_element_type")
def _(at, x, new_dtype, **_):
    old, new = at.dtypes[0], np.dtype(new_dtype) if new_dtype != "bfloat16" else np.dtype(np.float32)
    if new.kind == "c":
        raise Error(at.graph.where("complex numbers: parameters and what depends on them are real"))
    if new.kind == "b":
        return at.graph.elementwise("not_equal", x, at.graph.constant(0.0))
    if new.kind in "iu" and old.kind not in "iub":
        return at.graph.unary("trunc", x)
    at.rounds(new_dtype)
    return x


# Reductions


for _name, _op in {"sum": "sum", "max": "max", "min": "min", "prod": "product", "or": "max", "and": "min"}.items():
    RULES[f"reduce_{_name}"] = lambda at, x, axes, op=_op, **_: at.graph.reduce(op, x, axes)


@rule("argmax", "argmin")
def _(at, x, axes, **_):
    return at.graph.index_of(at.name, x, axes[0], False)


@rule("cumsum")
def _(at, x, axis, reverse):
    return at.graph.cumulative_sum(x, axis, reverse)


@rule("cumlogsumexp")
def _(at, x, axis, reverse):
    # Less the largest of all, which cancels.
    g = at.graph
    shift = g.unary("stop_gradient", g.reduce("max", x, [axis], True))
    return g.add(g.unary("log", g.cumulative_sum(g.unary("exp", g.subtract(x, shift)), axis, reverse)), shift)


@rule("cumprod", "cummax", "cummin")
def _(at, x, axis, reverse):
    g = at.graph
    op = {"cumprod": "multiply", "cummax": "maximum", "cummin": "minimum"}[at.name]
    n = x.shape[axis]
    parts = [g.slice(x, axis, index, index + 1) for index in range(n)]
    parts = parts[::-1] if reverse else parts
    for index in range(1, n):
        parts[index] = g.elementwise(op, parts[index - 1], parts[index])
    return g.concatenate(parts[::-1] if reverse else parts, axis)


@rule("sort")
def _(at, *operands, dimension, num_keys, **_):
    g = at.graph
    order = None
    # The last key first, as sorting is stable.
    for key in reversed(operands[:num_keys]):
        turn = g.argsort(key if order is None else g.gather(key, order, dimension), dimension)
        order = turn if order is None else g.gather(order, turn, dimension)
    return [g.gather(operand, order, dimension) for operand in operands]


@rule("top_k")
def _(at, x, k, axis=-1, **_):
    g = at.graph
    order = g.slice(g.argsort(x, axis, True), axis % x.ndim, 0, k)
    return [g.gather(x, order, axis), order]


# Shapes


@rule("broadcast_in_dim")
def _(at, x, *_dynamic, shape, broadcast_dimensions, **_):
    middle = [1] * len(shape)
    for axis, n in zip(broadcast_dimensions, x.shape):
        middle[axis] = n
    return at.graph.expand(at.graph.reshape(x, middle), shape)


@rule("reshape")
def _(at, x, *_dynamic, new_sizes, dimensions=None, **_):
    return at.graph.reshape(x if dimensions is None else at.graph.permute(x, dimensions), new_sizes)


RULES["squeeze"] = lambda at, x, dimensions: at.graph.squeeze(x, dimensions)
RULES["expand_dims"] = lambda at, x, dimensions: RULES["reshape"](at, x, new_sizes=at.shape)
RULES["transpose"] = lambda at, x, permutation: at.graph.permute(x, permutation)
RULES["rev"] = lambda at, x, dimensions: at.graph.flip(x, list(dimensions))
RULES["concatenate"] = lambda at, *parts, dimension: at.graph.concatenate(parts, dimension)


RULES["tile"] = lambda at, x, reps: _functions.tile(at.graph, x, reps)


@rule("stack")
def _(at, *parts, axis):
    return at.graph.concatenate([at.graph.unsqueeze(part, axis) for part in parts], axis)


@rule("unstack")
def _(at, x, axis):
    rest = [n for other, n in enumerate(x.shape) if other != axis]
    return [at.graph.reshape(at.graph.slice(x, axis, k, k + 1), rest) for k in range(x.shape[axis])]


@rule("slice")
def _(at, x, start_indices, limit_indices, strides):
    return at.graph.slices(x, start_indices, limit_indices, strides or [1] * x.ndim)


@rule("split")
def _(at, x, sizes, axis):
    ends = np.cumsum(sizes)
    return [at.graph.slice(x, axis, int(end) - size, int(end)) for end, size in zip(ends, sizes)]


@rule("pad")
def _(at, x, value, padding_config):
    g = at.graph
    number = value.uniform()
    if number is not None and not any(inner for *_, inner in padding_config):
        return g.pad(x, [[low, high] for low, high, _ in padding_config], number)
    positions = np.arange(x.size).reshape(x.shape)
    for axis, (low, high, inner) in enumerate(padding_config):
        n = positions.shape[axis]
        spread = np.full(positions.shape[:axis] + (max(n + (n - 1) * inner, 0),) + positions.shape[axis + 1 :], x.size)
        spread[(slice(None),) * axis + (slice(None, None, inner + 1),)] = positions
        cut = slice(max(-low, 0), spread.shape[axis] - max(-high, 0))
        spread = spread[(slice(None),) * axis + (cut,)]
        widths = [(0, 0)] * x.ndim
        widths[axis] = (max(low, 0), max(high, 0))
        positions = np.pad(spread, widths, constant_values=x.size)
    return g.selected([x, value], positions)


# Indices


@rule("dynamic_slice")
def _(at, x, *starts, slice_sizes):
    g = at.graph
    for axis, (start, size) in enumerate(zip(starts, slice_sizes)):
        last = x.shape[axis] - size
        if start.constant:
            first = min(max(int(start.array), 0), last)
            x = g.slice(x, axis, first, first + size)
        else:
            first = g.unary("clamp", start, min=0.0, max=float(last))
            x = g.take(x, g.add(g.reshape(first, [1]), g.constant(np.arange(float(size)))), axis)
    return x


@rule("dynamic_update_slice")
def _(at, x, update, *starts):
    if not all(start.constant for start in starts):
        raise Error(at.graph.where("an update of a slice that begins at an index that depends on parameters"))
    starts = [min(max(int(start.array), 0), n - size) for start, n, size in zip(starts, x.shape, update.shape)]
    positions = np.arange(x.size).reshape(x.shape)
    inside = tuple(slice(a, a + n) for a, n in zip(starts, update.shape))
    positions[inside] = x.size + np.arange(update.size).reshape(update.shape)
    return at.graph.selected([x, update], positions)


@rule("gather")
def _(at, x, indices, dimension_numbers, slice_sizes, **params):
    g, numbers = at.graph, dimension_numbers
    if indices.constant:
        bound = dict(dimension_numbers=numbers, slice_sizes=slice_sizes, **params)
        positions = at.positions(x, indices, bound)
        missing = positions < 0
        outside = at.positions(x, indices, {**bound, "mode": "fill"}) < 0
        filled = params.get("fill_value")
        filled = np.nan if filled is None else filled
        if outside.any() and (np.isnan(filled) if missing.any() else "CLIP" not in str(params["mode"])):
            raise Error(
                g.where(
                    "an index is out of range: JAX reads NaN there, or another entry, whose derivative is lost; give it a mode: "
                    '`x.at[i].get(mode="clip")`, or mode="fill" with a fill_value'
                )
            )
        if not missing.any():
            return g.selected([x], positions)
        return g.selected([x, g.constant(np.array([float(filled)]))], np.where(missing, x.size, positions))
    axes = tuple(numbers.start_index_map)
    whole = [n == (1 if axis in (*axes, *numbers.operand_batching_dims) else x.shape[axis]) for axis, n in enumerate(slice_sizes)]
    if len(axes) == 1 and axes == tuple(numbers.collapsed_slice_dims) and all(whole):
        index = g.reshape(indices, indices.shape[:-1])
        index = g.unary("clamp", index, min=0.0, max=float(x.shape[axes[0]] - 1))
        if not numbers.operand_batching_dims:
            # Rows; the axes that are sliced may stand elsewhere.
            out = g.take(x, index, axes[0])
            rows = list(range(axes[0], axes[0] + index.ndim))
            rest = [axis for axis in range(out.ndim) if axis not in rows]
            places = [axis for axis in range(out.ndim) if axis not in numbers.offset_dims]
            order = [0] * out.ndim
            for place, axis in [*zip(places, rows), *zip(numbers.offset_dims, rest)]:
                order[place] = axis
            return g.permute(out, order)
        batch = tuple(numbers.operand_batching_dims)
        if set(batch) | set(axes) == set(range(x.ndim)) and batch == tuple(numbers.start_indices_batching_dims) and (
            index.ndim == x.ndim
        ):
            return g.gather(x, index, axes[0])
    raise Error(g.where("indices that depend on parameters, of another form than `x[i]` and `jnp.take_along_axis`"))


@rule("scatter")
def _(at, x, indices, updates, dimension_numbers, **params):
    if not indices.constant:
        raise Error(at.graph.where("a scatter at indices that depend on parameters"))
    return at.graph.selected([x, updates], at.scattered(x, indices, updates, dimension_numbers, params))


@rule("scatter-add", "scatter_add")
def _(at, x, indices, updates, dimension_numbers, **params):
    g = at.graph
    if not indices.constant:
        raise Error(g.where("a scatter at indices that depend on parameters"))
    positions = at.targets(x, indices, updates, dimension_numbers).ravel()
    flat, kept = g.reshape(updates, [updates.size]), positions >= 0
    if not kept.all():
        flat, positions = g.selected([flat], np.flatnonzero(kept)), positions[kept]
    return g.added(x, positions, flat)


@rule("scatter-mul", "scatter_mul", "scatter-min", "scatter_min", "scatter-max", "scatter_max")
def _(at, x, indices, updates, dimension_numbers, **params):
    g = at.graph
    if not indices.constant:
        raise Error(g.where("a scatter at indices that depend on parameters"))
    positions = at.targets(x, indices, updates, dimension_numbers)
    kept = positions[positions >= 0]
    if len(np.unique(kept)) < len(kept):
        raise Error(g.where(f"`{at.name}` that comes to an entry twice"))
    op = {"mul": "multiply", "min": "minimum", "max": "maximum"}[at.name[-3:]]
    new = g.elementwise(op, g.selected([x], np.maximum(positions, 0)), updates)
    return g.selected([x, new], at.scattered(x, indices, updates, dimension_numbers, params))


@rule("scatter-sub", "scatter_sub")
def _(at, x, indices, updates, **params):
    return RULES["scatter-add"](at, x, indices, at.graph.unary("neg", updates), **params)


# Products


@rule("dot_general")
def _(at, x, y, dimension_numbers, **_):
    (cx, cy), (bx, by) = dimension_numbers
    g = at.graph
    free = lambda value, *taken: [axis for axis in range(value.ndim) if axis not in {*taken[0], *taken[1]}]
    fx, fy = free(x, cx, bx), free(y, cy, by)
    size = lambda value, axes: math.prod(value.shape[axis] for axis in axes)
    batch = [x.shape[axis] for axis in bx]
    out = [*batch, *(x.shape[axis] for axis in fx), *(y.shape[axis] for axis in fy)]
    x = g.reshape(g.permute(x, [*bx, *fx, *cx]), [*batch, size(x, fx), size(x, cx)])
    if len(fy) == 1 and len(cy) == 1 and list(by) == list(range(len(by))):
        # A matrix that is transposed, which `matmul` takes along.
        y = g.permute(g.permute(y, [*by, *fy, *cy]), [*range(len(by)), len(by) + 1, len(by)])
    else:
        y = g.reshape(g.permute(y, [*by, *cy, *fy]), [*batch, size(y, cy), size(y, fy)])
    return g.reshape(g.matmul(x, y), out)


@rule("conv_general_dilated")
def _(at, x, w, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count,
      batch_group_count=1, **_):  # fmt: skip
    g = at.graph
    if batch_group_count != 1:
        raise Error(g.where("the gradient of a grouped convolution inside of the loss"))
    x = g.permute(x, dimension_numbers.lhs_spec)
    w = g.permute(w, dimension_numbers.rhs_spec)
    if any(n != 1 for n in lhs_dilation):
        spread = [(0, 0, 0), (0, 0, 0), *((0, 0, n - 1) for n in lhs_dilation)]
        x = RULES["pad"](at, x, g.constant(np.zeros(())), spread)
    out = g.convolution(x, w, window_strides, padding, rhs_dilation, feature_group_count)
    back = [0] * out.ndim
    for place, axis in enumerate(dimension_numbers.out_spec):
        back[axis] = place
    return g.permute(out, back)


def _window(at: Any, op: str, x: Value, window, strides, padding, base, dilation) -> Value:
    g: Graph = at.graph
    axes = [axis for axis, (k, s, p) in enumerate(zip(window, strides, padding)) if k != 1 or s != 1 or tuple(p) != (0, 0)]
    if any(n != 1 for n in base) or (op == "avg_pool" and any(n != 1 for n in dilation)):
        raise Error(g.where("a window that is dilated"))
    if len(axes) > 3:
        raise Error(g.where("windows along more than three axes"))
    if not axes:
        return x
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    order = [*rest, *axes]
    moved = g.permute(x, order)
    outer = moved.shape[: len(rest)]
    flat = g.reshape(moved, [math.prod(outer), 1, *(x.shape[axis] for axis in axes)])
    of = lambda numbers: [numbers[axis] for axis in axes]
    out = g.pool(op, flat, of(window), of(strides), of(padding), of(dilation) if op == "max_pool" else None)
    out = g.reshape(out, [*outer, *out.shape[2:]])
    return g.permute(out, [order.index(axis) for axis in range(x.ndim)])


@rule("reduce_window_max", "reduce_window_min", "reduce_window_sum")
def _(at, x, window_dimensions, window_strides, padding, base_dilation, window_dilation):
    g = at.graph
    given = (window_dimensions, window_strides, padding, base_dilation, window_dilation)
    if at.name == "reduce_window_sum":
        return g.scale(_window(at, "avg_pool", x, *given), math.prod(window_dimensions))
    if at.name == "reduce_window_min":
        return g.unary("neg", _window(at, "max_pool", g.unary("neg", x), *given))
    return _window(at, "max_pool", x, *given)


#: What JAX has derivatives of its own for, whose functions are written so that those of operations fail where branches meet.
CUSTOM: dict[str, Callable[..., Any]] = {
    "relu": lambda g, x: g.unary("relu", x),
    "relu6": lambda g, x: _functions.cut(g, x, 0.0, 6.0),
    "logaddexp": _functions.logaddexp,
    "logaddexp2": _functions.logaddexp2,
    "xlogy": _functions.xlogy,
    "xlog1py": _functions.xlog1py,
}

#: Those whose operations have the same derivatives.
WRITTEN_OUT = {"_softmax", "_xlogx", "logit", "log1mexp", "_det", "_slogdet_small"}
