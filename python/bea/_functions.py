"""Functions of PyTorch and JAX that operator graphs have no operation for, in those that they have."""

from __future__ import annotations

import math

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
    out = x
    for op, bound in (("greater_equal", high), ("less_equal", low)):
        if bound is not None and math.isfinite(bound):
            out = g.select(g.elementwise(op, x, g.constant(float(bound))), g.constant(float(bound)), out)
    return out


def hardsigmoid(g: Graph, x: Value) -> Value:
    return cut(g, g.offset(g.scale(x, 1 / 6), 0.5), 0.0, 1.0)


def hardswish(g: Graph, x: Value) -> Value:
    return g.multiply(x, hardsigmoid(g, x))


#: Those of one argument, under their names.
UNARY = {f.__name__: f for f in (sinh, cosh, atanh, asin, acos, acosh, asinh, exp2)}
