"""Operations of PyTorch, continued: products, pools, norms and losses."""

from __future__ import annotations

import math
from typing import Callable, Sequence

import numpy as np

from bea._aten import BY_FREQUENCY, RULES, known, rule
from bea._bea import Error
from bea._graph import Graph, Value

# Products


RULES["mm"] = RULES["bmm"] = lambda g, x, y: g.matmul(x, y)


@rule("addmm", "baddbmm")
def _(g, bias, x, y, *, beta=1, alpha=1):
    product = g.scale(g.matmul(x, y), alpha)
    return product if beta == 0 else g.add(g.scale(bias, beta), product)


@rule("mv")
def _(g, x, y):
    return g.squeeze(g.matmul(x, g.unsqueeze(y, 1)), [1])


@rule("addmv")
def _(g, bias, x, y, *, beta=1, alpha=1):
    return g.add(g.scale(bias, beta), g.scale(RULES["mv"](g, x, y), alpha))


@rule("_trilinear")
def _(g, x, y, z, expand1, expand2, expand3, sumdim, unroll_dim=1):
    product = None
    for factor, axes in ((x, expand1), (y, expand2), (z, expand3)):
        for axis in axes:
            factor = g.unsqueeze(factor, axis)
        product = factor if product is None else g.multiply(product, factor)
    return g.reduce("sum", product, sumdim)


@rule("dot", "vdot")
def _(g, x, y):
    return g.reduce("sum", g.multiply(x, y))


@rule("convolution")
def _(g, x, w, bias, stride, padding, dilation, transposed, output_padding, groups):
    spatial = w.ndim - 2
    wide = lambda numbers: list(numbers) * (spatial if len(numbers) == 1 else 1)
    stride, dilation = wide(stride), wide(dilation)
    padding = [[p, p] for p in wide(padding)]
    # An example without a batch.
    single = x.ndim == spatial + 1
    x = g.unsqueeze(x, 0) if single else x
    if transposed:
        out = g.convolution_transpose(x, w, stride, padding, dilation, groups, wide(output_padding))
    else:
        out = g.convolution(x, w, stride, padding, dilation, groups)
    if bias is not None:
        out = g.add(out, g.reshape(bias, [bias.size] + [1] * spatial))
    return g.squeeze(out, [0]) if single else out


@rule("convolution_backward")
def _(g, grad, x, w, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, mask):
    spatial = w.ndim - 2
    if transposed or (mask[1] and groups != 1):
        raise Error(g.where("the gradient of a grouped or transposed convolution inside of the loss"))
    wide = lambda numbers: list(numbers) * (spatial if len(numbers) == 1 else 1)
    stride, dilation, padding = wide(stride), wide(dilation), [[p, p] for p in wide(padding)]
    out: list[Value | None] = [None, None, None]
    reach = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(grad.shape[2:], stride, dilation, w.shape[2:])]
    left = [n + 2 * low - r for n, (low, _), r in zip(x.shape[2:], padding, reach)]
    if mask[0]:
        out[0] = g.convolution_transpose(grad, w, stride, padding, dilation, groups, left)
    if mask[1]:
        # Examples and channels change their places, and so do stride and dilation.
        swapped = g.convolution(
            g.transpose(x, 0, 1), g.transpose(grad, 0, 1), dilation,
            [[low, high - over] for (low, high), over in zip(padding, left)], stride, 1,
        )  # fmt: skip
        out[1] = g.transpose(swapped, 0, 1)
    if mask[2]:
        out[2] = g.reduce("sum", grad, [axis for axis in range(grad.ndim) if axis != 1])
    return out


# Pools


def _windows(x: Value, kernel, stride, padding, dilation, ceil: bool):
    """Windows, strides, paddings and dilations of every spatial axis, with what rounding upwards adds at the end."""
    spatial = x.ndim - 2
    wide = lambda numbers, other: (lambda all: all * (spatial if len(all) == 1 else 1))(
        [numbers] if isinstance(numbers, int) else list(numbers) or list(other)
    )
    kernel = wide(kernel, [])
    stride, padding, dilation = wide(stride or [], kernel), wide(padding, [0]), wide(dilation, [1])
    pairs = []
    for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation):
        room = n + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil else room // s) + 1
        # The last window begins inside of what there is.
        if ceil and (count - 1) * s >= n + p:
            count -= 1
        pairs.append([p, p + max(0, (count - 1) * s - room)])
    return kernel, stride, pairs, dilation


def _batched(rank: int, pool: Callable) -> Callable:
    """A pool that also takes an example without a batch."""

    def call(g, x, *args, **kwargs):
        if x.ndim == rank + 2:
            return pool(g, x, *args, **kwargs)
        out = pool(g, g.unsqueeze(x, 0), *args, **kwargs)
        squeezed = lambda value: value if value is None else g.squeeze(value, [0])
        return tuple(map(squeezed, out)) if isinstance(out, tuple) else squeezed(out)

    return call


def _max_pool(g, x, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    window, stride, pairs, dilation = _windows(x, kernel_size, stride, padding, dilation, ceil_mode)
    return g.pool("max_pool", x, window, stride, pairs, dilation), None


def _avg_pool(g, x, kernel_size, stride=(), padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    window, stride, pairs, _ = _windows(x, kernel_size, stride, padding, 1, ceil_mode)
    out = g.pool("avg_pool", x, window, stride, pairs)
    divisors = _divisors(x.shape, out.shape, window, stride, pairs, count_include_pad, divisor_override)
    return g.multiply(out, g.constant(math.prod(window) / divisors))


def _divisors(shape, outs, window, stride, pairs, count_include_pad, divisor_override) -> np.ndarray:
    """What PyTorch divides the sum over each window by, which does not count what rounding upwards adds."""
    divisors = np.ones(())
    for n, k, s, (low, _), m in zip(shape[2:], window, stride, pairs, outs[2:]):
        starts = np.arange(m) * s - low
        ends = np.minimum(starts + k, n + low)
        if not count_include_pad:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, n)
        divisors = np.multiply.outer(divisors, ends - starts)
    return np.full_like(divisors, divisor_override) if divisor_override else divisors


def _avg_pool_backward(g, grad, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    window, stride, pairs, dilation = _windows(x, kernel_size, stride, padding, 1, ceil_mode)
    divisors = _divisors(x.shape, grad.shape, window, stride, pairs, count_include_pad, divisor_override)
    shared = g.multiply(grad, g.constant(1 / divisors))
    left = [n + low + high - (m - 1) * s - k for n, (low, high), m, s, k in
            zip(x.shape[2:], pairs, grad.shape[2:], stride, window)]  # fmt: skip
    flat = g.reshape(shared, [x.shape[0] * x.shape[1], 1, *grad.shape[2:]])
    ones = g.constant(np.ones([1, 1, *window]))
    return g.reshape(g.convolution_transpose(flat, ones, stride, pairs, dilation, 1, left), x.shape)


for _rank in (1, 2, 3):
    RULES[f"max_pool{_rank}d_with_indices"] = _batched(_rank, _max_pool)
    RULES[f"max_pool{_rank}d"] = lambda g, x, *args, rank=_rank, **kwargs: _batched(rank, _max_pool)(g, x, *args, **kwargs)[0]
    RULES[f"avg_pool{_rank}d"] = _batched(_rank, _avg_pool)
    if _rank > 1:
        RULES[f"avg_pool{_rank}d_backward"] = _avg_pool_backward


def _adaptive_max_pool(g, x, output_size):
    size = [output_size] if isinstance(output_size, int) else list(output_size)
    if any(n % m for n, m in zip(x.shape[2:], size)):
        raise Error(g.where(f"adaptive max pooling of {x.shape[2:]} to {tuple(size)}, which does not divide it"))
    window = [n // m for n, m in zip(x.shape[2:], size)]
    return g.pool("max_pool", x, window, window, [[0, 0]] * len(size), [1] * len(size)), None


for _rank in (1, 2, 3):
    RULES[f"adaptive_max_pool{_rank}d"] = _batched(_rank, _adaptive_max_pool)


@rule("_embedding_bag", "_embedding_bag_forward_only")
def _(g, weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, per_sample_weights=None,
      include_last_offset=False, padding_idx=-1):  # fmt: skip
    if scale_grad_by_freq:
        raise Error(g.where(BY_FREQUENCY))
    if mode == 2:
        raise Error(g.where('an EmbeddingBag with mode="max": "sum" and "mean" are there'))
    words, starts = known(g, indices, "embedding_bag").ravel(), known(g, offsets, "embedding_bag")
    bags = len(starts) - bool(include_last_offset)
    bag = np.searchsorted(starts[:bags], np.arange(words.size), side="right") - 1
    matrix = np.zeros((bags, words.size))
    matrix[bag, np.arange(words.size)] = words != padding_idx
    if mode == 1:
        matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    rows = g.take(weight, g.constant(words), 0)
    if per_sample_weights is not None:
        rows = g.multiply(rows, g.unsqueeze(per_sample_weights, 1))
    return g.matmul(g.constant(matrix), rows), None, None, None


# Norms


def _scaled(g: Graph, x: Value, weight: Value | None, bias: Value | None, shape: Sequence[int]) -> Value:
    if weight is not None:
        x = g.multiply(x, g.reshape(weight, shape))
    return x if bias is None else g.add(x, g.reshape(bias, shape))


@rule("native_layer_norm")
def _(g, x, shape, weight, bias, eps):
    out, mean, inverse = g.normalised(x, range(x.ndim - len(shape), x.ndim), eps)
    return _scaled(g, out, weight, bias, shape), mean, inverse


@rule("native_group_norm")
def _(g, x, weight, bias, n, channels, rest, groups, eps):
    out, mean, inverse = g.normalised(g.reshape(x, [n, groups, x.size // (n * groups)]), [2], eps)
    out = _scaled(g, g.reshape(out, x.shape), weight, bias, [channels] + [1] * (x.ndim - 2))
    return out, g.reshape(mean, [n, groups]), g.reshape(inverse, [n, groups])


@rule("_fused_rms_norm")
def _(g, x, shape, weight, eps):
    axes = range(x.ndim - len(shape), x.ndim)
    square = g.reduce("mean", g.unary("square", x), axes, True)
    inverse = g.unary("rsqrt", g.offset(square, 2.0**-52 if eps is None and g.dtype == "f64" else 2.0**-23 if eps is None else eps))
    return _scaled(g, g.multiply(x, inverse), weight, None, shape), inverse


def _batch_norm(g, x, weight, bias, mean, var, training, eps):
    """The norm, and the mean and inverse deviation of the batch."""
    shape = [x.shape[1]] + [1] * (x.ndim - 2)
    if training:
        out, mean, inverse = g.normalised(x, [axis for axis in range(x.ndim) if axis != 1], eps)
        return _scaled(g, out, weight, bias, shape), g.reshape(mean, [mean.size]), g.reshape(inverse, [inverse.size])
    inverse = g.unary("rsqrt", g.offset(var, eps))
    out = g.multiply(g.subtract(x, g.reshape(mean, shape)), g.reshape(inverse, shape))
    empty = g.constant(np.zeros(0))
    return _scaled(g, out, weight, bias, shape), empty, empty


@rule("native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update")
def _(g, x, weight, bias, mean, var, training, momentum, eps):
    return _batch_norm(g, x, weight, bias, mean, var, training, eps)


@rule("_native_batch_norm_legit.no_stats")
def _(g, x, weight, bias, training, momentum, eps):
    return _batch_norm(g, x, weight, bias, None, None, True, eps)


@rule("_native_batch_norm_legit_no_training", "_batch_norm_no_update")
def _(g, x, weight, bias, mean, var, momentum, eps):
    return _batch_norm(g, x, weight, bias, mean, var, False, eps)


# Losses


def reduced(g: Graph, x: Value, reduction: int) -> Value:
    return x if reduction == 0 else g.reduce("mean" if reduction == 1 else "sum", x)


@rule("mse_loss")
def _(g, x, y, reduction=1):
    return reduced(g, g.unary("square", g.subtract(x, y)), reduction)


@rule("l1_loss")
def _(g, x, y, reduction=1):
    return reduced(g, g.unary("abs", g.subtract(x, y)), reduction)


def _huber(g, x, y, delta: float) -> Value:
    """`z²/2` for `|z| < delta`, `delta (|z| - delta/2)` beyond."""
    z = g.subtract(x, y)
    size = g.unary("abs", z)
    inside = g.elementwise("less", size, g.constant(float(delta)))
    return g.select(inside, g.scale(g.unary("square", z), 0.5), g.scale(g.offset(size, -delta / 2), delta))


@rule("huber_loss")
def _(g, x, y, reduction=1, delta=1.0):
    return reduced(g, _huber(g, x, y, delta), reduction)


@rule("smooth_l1_loss")
def _(g, x, y, reduction=1, beta=1.0):
    if beta == 0:
        return RULES["l1_loss"](g, x, y, reduction)
    return reduced(g, g.scale(_huber(g, x, y, beta), 1 / beta), reduction)


@rule("binary_cross_entropy")
def _(g, p, target, weight=None, reduction=1):
    # Logarithms from -100 on, below which their argument has another value: a slope of infinity times 0 is NaN.
    low, one = g.constant(-100.0), g.constant(1.0)
    some, others = g.elementwise("greater", p, g.constant(math.exp(-100))), g.elementwise("less", p, one)
    log = g.select(some, g.unary("log", g.select(some, p, one)), low)
    log_other = g.select(others, g.unary("log1p", g.unary("neg", g.select(others, p, g.constant(0.0)))), low)
    other = g.offset(g.unary("neg", target), 1.0)
    terms = g.add(g.multiply(target, log), g.multiply(other, log_other))
    return reduced(g, _scaled(g, g.unary("neg", terms), weight, None, weight.shape if weight else ()), reduction)


@rule("binary_cross_entropy_with_logits")
def _(g, x, target, weight=None, pos_weight=None, reduction=1):
    likelihood = g.unary("log_sigmoid", x)
    if pos_weight is not None:
        likelihood = g.multiply(likelihood, g.offset(g.multiply(g.offset(pos_weight, -1.0), target), 1.0))
    terms = g.subtract(g.multiply(g.offset(g.unary("neg", target), 1.0), x), likelihood)
    return reduced(g, _scaled(g, terms, weight, None, weight.shape if weight else ()), reduction)


@rule("nll_loss_forward", "nll_loss2d_forward")
def _(g, x, target, weight, reduction, ignored):
    classes = 1 if x.ndim > 1 else 0
    if target.constant:
        kept = g.constant(target.array != ignored)
        index = g.constant(np.where(kept.array, target.array, 0))
    else:
        kept = g.elementwise("not_equal", target, g.constant(float(ignored)))
        index = g.select(kept, target, g.constant(0.0))
    picked = g.gather(x, g.unsqueeze(index, classes), classes)
    picked = g.unary("neg", g.squeeze(picked, [classes]))
    if weight is None and kept.uniform() == 1:
        return reduced(g, picked, reduction), g.constant(np.array(float(kept.size) if reduction == 1 else 0.0))
    scale = g.constant(kept.array.astype(float)) if kept.constant else kept
    if weight is not None:
        scale = g.multiply(g.take(weight, index, 0), scale)
    total = g.reduce("sum", scale)
    picked = g.multiply(picked, scale)
    if reduction != 1:
        return reduced(g, picked, reduction), total
    return g.divide(g.reduce("sum", picked), total), total


@rule("_cdist_forward")
def _(g, x, y, p, compute_mode=None):
    return RULES["linalg_vector_norm"](g, g.subtract(g.unsqueeze(x, x.ndim - 1), g.unsqueeze(y, y.ndim - 2)), p, [-1])
