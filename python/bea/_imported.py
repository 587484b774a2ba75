"""Objectives from networks that were written in PyTorch or JAX, with exact derivatives of every order."""

from __future__ import annotations

import functools
import tempfile
from typing import Any, Callable

import numpy as np

from bea import _bea
from bea._bea import Error
from bea._command import options, warn
from bea._graph import Written
from bea._objective import Objective
from bea._structure import Structure


class GraphObjective(Objective):
    """The loss of an operator graph. Evaluations are bea's own: the module or function that it came from is not called again."""

    def __init__(self, written: Written, structure: Any, loss: float):
        self._written, self._structure, self._loss = written, structure, loss
        self._x = np.concatenate([array.ravel() for array in written.parameters.values()], dtype=float)

    @functools.cached_property
    def _raw(self) -> _bea.Objective:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/model.bea-graph"
            self._written.save(path)
            raw, start, _, notes = _bea.network(options(network=path))
        warn(notes)
        # Two ways to one number.
        value, tolerance = raw.value_and_gradient(start)[0], 1e-3 if raw.precision > 1e-10 else 1e-6
        if abs(value - self._loss) > tolerance * max(abs(value), abs(self._loss)) and np.isfinite(self._loss):
            producer = self._written.document["producer"]
            raise Error(f"the loss of the graph is {value!r}, and that of {producer} {self._loss!r}: this is a fault of bea")
        return raw

    @property
    def dimension(self) -> int:
        return self._structure.size

    def parameters(self) -> dict[str, np.ndarray]:
        """Those at the point, in the precision of the graph."""
        out, at = {}, 0
        for name, array in self._written.parameters.items():
            out[name] = self._x[at : at + array.size].reshape(array.shape).astype(array.dtype)
            at += array.size
        return out


def from_torch(
    model: Any, loss_fn: Callable[[Any, Any], Any], inputs: Any, targets: Any, *, dtype: str | None = None
) -> GraphObjective:
    """The objective `loss_fn(model(inputs), targets)` of a PyTorch module, with exact derivatives of every order.

    The loss is evaluated once, and its operations become an operator graph (`docs/graph.md`). `inputs` are a tensor, a tuple
    of arguments or a dictionary of them by name. The module's precision is kept unless `dtype` is `"f32"` or `"f64"`, and so is its
    mode. Parameters have the names of the state dict; those that do not require a gradient are constants.

        obj = bea.from_torch(model, torch.nn.functional.cross_entropy, inputs, targets, dtype="f64")
        bea.evaluate(obj, "adam", order=2, lr=1e-3)
    """
    from bea._from_torch import trace

    written, loss = trace(model, loss_fn, inputs, targets, dtype)
    return GraphObjective(written, Structure({name: np.empty(a.shape, a.dtype) for name, a in written.parameters.items()}), loss)


def from_jax(loss_fn: Callable[[Any], Any], params: Any, *, dtype: str | None = None) -> GraphObjective:
    """The objective `loss_fn(params)` of a JAX function of a pytree, with exact derivatives of every order.

    Its jaxpr, with calls and loops written out, becomes an operator graph (`docs/graph.md`). The precision is JAX's unless `dtype` is
    `"f32"` or `"f64"`.

        obj = bea.from_jax(lambda w: ((model(w, x) - y) ** 2).mean(), params, dtype="f64")
        bea.principal_flow(obj, lr=0.1)
    """
    from bea._from_jax import trace

    return GraphObjective(*trace(loss_fn, params, dtype))


def save(objective: GraphObjective, path: Any) -> None:
    """Writes an objective of `from_torch` or `from_jax`, at its point, as a folder that the command reads: `model.bea-graph`."""
    if not isinstance(objective, GraphObjective):
        raise Error(f"only objectives of bea.from_torch and bea.from_jax are graphs that can be saved, not {objective!r:.60}")
    objective._written.save(path, objective.parameters())
