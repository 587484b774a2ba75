"""Functions of PyTorch and JAX that operator graphs have no operation for, in those that they have."""

from __future__ import annotations

import math
from typing import Callable

import numpy as np

from bea._graph import Graph, Value


def sinh(g: Graph, x: Value) -> Value:
    return g.scale(g.subtract(g.unary("expm1", x), g.unary("expm1", g.unary("neg", x))), 0.5)


def cosh(g: Graph, x: Value) -> Value:
    return g.scale(g.add(g.unary("exp", x), g.unary("exp", g.unary("neg", x))), 0.5)


def atanh(g: Graph, x: Value) -> Value:
    return g.scale(g.subtract(g.unary("log1p", x), g.unary("log1p", g.unary("neg", x))), 0.5)


def asin(g: Graph, x: Value) -> Value:
    return g.unary("atan", g.multiply(x, g.unary("rsqrt", g.offset(g.unary("neg", g.unary("square", x)), 1.0))))


def acos(g: Graph, x: Value) -> Value:
    return g.offset(g.unary("neg", asin(g, x)), math.pi / 2)


def acosh(g: Graph, x: Value) -> Value:
    return g.unary("log", g.add(x, g.unary("sqrt", g.offset(g.unary("square", x), -1.0))))


def asinh(g: Graph, x: Value) -> Value:
    """`log1p(y + y²/(1 + √(1 + y²)))` for `y = |x|`, with the sign of `x`."""
    below = g.elementwise("less", x, g.constant(0.0))
    size = g.select(below, g.unary("neg", x), x)
    square = g.unary("square", size)
    rest = g.divide(square, g.offset(g.unary("sqrt", g.offset(square, 1.0)), 1.0))
    out = g.unary("log1p", g.add(size, rest))
    return g.select(below, g.unary("neg", out), out)


def atan2(g: Graph, y: Value, x: Value) -> Value:
    """By the smaller one over the larger one, of which no branch divides by 0."""
    zero, one = g.constant(0.0), g.constant(1.0)
    wide = g.elementwise("less_equal", g.unary("abs", y), g.unary("abs", x))
    side = g.select(g.elementwise("less", y, zero), g.constant(-1.0), one)
    flat = g.unary("atan", g.divide(y, g.select(wide, x, one)))
    back = g.multiply(g.elementwise("less", x, zero), g.scale(side, math.pi))
    steep = g.unary("atan", g.divide(x, g.select(wide, one, y)))
    return g.select(wide, g.add(flat, back), g.subtract(g.scale(side, math.pi / 2), steep))


def exp2(g: Graph, x: Value) -> Value:
    return g.unary("exp", g.scale(x, math.log(2)))


def remainder(g: Graph, x: Value, y: Value, rounding: str) -> Value:
    """What a division rounded by `trunc` or `floor` leaves."""
    return g.subtract(x, g.multiply(y, g.unary(rounding, g.divide(x, y))))


def tile(g: Graph, x: Value, repeats: tuple[int, ...]) -> Value:
    return g.selected([x], np.tile(np.arange(x.size).reshape(x.shape), repeats))


def cut(g: Graph, x: Value, low: float | None, high: float | None) -> Value:
    """`x` between two bounds, at which its derivative is that of the bound: 0."""
    if low is not None and high is not None and low > high:
        return g.constant(np.full(x.shape, high))
    out = x
    for op, bound in (("greater_equal", high), ("less_equal", low)):
        if bound is not None and math.isfinite(bound):
            out = g.select(g.elementwise(op, x, g.constant(float(bound))), g.constant(float(bound)), out)
    return out


def hardsigmoid(g: Graph, x: Value) -> Value:
    return cut(g, g.offset(g.scale(x, 1 / 6), 0.5), 0.0, 1.0)


def hardswish(g: Graph, x: Value) -> Value:
    return g.multiply(x, hardsigmoid(g, x))


def away_from_zero(g: Graph, x: Value, function: Callable[[Value], Value]) -> Value:
    """A function that is 0 at 0, where its slope is infinite and counts as 0, as PyTorch has it for norms."""
    zero = g.elementwise("equal", x, g.constant(0.0))
    return g.select(zero, g.constant(0.0), function(g.select(zero, g.constant(1.0), x)))


def root(g: Graph, x: Value) -> Value:
    """The square root of a sum of squares."""
    return away_from_zero(g, x, lambda x: g.unary("sqrt", x))


def logaddexp(g: Graph, x: Value, y: Value) -> Value:
    """`log(eˣ + eʸ)`, of infinities the larger one: their difference is NaN."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = g.expand(x, shape), g.expand(y, shape)
    infinite = lambda x: g.elementwise("equal", g.unary("abs", x), g.constant(math.inf))
    either = g.elementwise("or", infinite(x), infinite(y))
    finite = [g.select(either, g.constant(0.0), value) for value in (x, y)]
    return g.select(either, g.elementwise("maximum", x, y), g.add(finite[1], g.unary("softplus", g.subtract(*finite))))


def logaddexp2(g: Graph, x: Value, y: Value) -> Value:
    """`log₂(2ˣ + 2ʸ)`."""
    return g.scale(logaddexp(g, g.scale(x, math.log(2)), g.scale(y, math.log(2))), 1 / math.log(2))


def xlogy(g: Graph, x: Value, y: Value, log: str = "log", pole: float = 0.0) -> Value:
    """`x log(y)`, 0 for `x = 0` where the logarithm is not finite either; elsewhere its slope by `x` is not lost."""
    none = g.elementwise("and", g.elementwise("equal", x, g.constant(0.0)), g.elementwise("less_equal", y, g.constant(pole)))
    return g.multiply(x, g.unary(log, g.select(none, g.constant(pole + 1), y)))


def xlog1py(g: Graph, x: Value, y: Value) -> Value:
    return xlogy(g, x, y, "log1p", -1.0)


def sinc_at_zero(g: Graph, x: Value) -> Value:
    """`sin(x)/x` at 0, and 1 elsewhere, with as many derivatives as anybody takes."""
    square = g.unary("square", g.select(g.elementwise("equal", x, g.constant(0.0)), x, g.constant(0.0)))
    out = g.constant(np.ones(x.shape))
    # 1 - x²/(2·3) (1 - x²/(4·5) (1 - …)), from the inside.
    for n in range(16, 0, -2):
        out = g.offset(g.scale(g.multiply(square, out), -1 / (n * (n + 1))), 1.0)
    return out


def sinc(g: Graph, x: Value) -> Value:
    """`sin(πx)/(πx)`."""
    x = g.scale(x, math.pi)
    zero = g.elementwise("equal", x, g.constant(0.0))
    safe = g.select(zero, g.constant(1.0), x)
    return g.select(zero, sinc_at_zero(g, x), g.divide(g.unary("sin", safe), safe))


#: Those of one argument, under their names.
UNARY = {f.__name__: f for f in (sinh, cosh, atanh, asin, acos, acosh, asinh, exp2)}
