"""What derivatives of an objective are compared with."""

import math

import numpy as np


def direction(size):
    """A vector that needs no file."""
    return np.cos(np.arange(size)) / math.sqrt(size)


def same_derivatives(objective, expected, tolerance=1e-10):
    """Loss, gradient, `∇²E v` and `∇³E[v, v]` at the point, relative to the largest entry of each; the last if it is given."""
    point, v = objective.point(), direction(objective.dimension)
    value, gradient = objective._raw.value_and_gradient(point)
    found = {"loss": np.array(value), "gradient": gradient, "product": objective._raw.hessian_vectors(point, v[None])[0]}
    if "third" in expected:
        found["third"] = objective._raw.contraction(point, np.stack([v, v]))
    for name, numbers in found.items():
        scale = np.abs(expected[name]).max()
        assert np.isfinite(scale)
        error = np.abs(numbers - expected[name]).max()
        assert error <= tolerance * scale, f"{name}: {error / scale:.3g} of the largest entry"
