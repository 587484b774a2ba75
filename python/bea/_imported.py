"""Objectives from networks that were written in PyTorch or JAX, with exact derivatives of every order."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
import warnings
from typing import Any, Callable

import numpy as np

from bea import _bea
from bea._bea import Error
from bea._command import options, warn
from bea._examples import Examples, Unpickled
from bea._graph import Written
from bea._objective import Objective
from bea._structure import Structure


@dataclasses.dataclass
class Reference:
    """A loss as its framework has it."""

    loss: float
    #: None where the framework has none, or another one by the user's will.
    gradient: np.ndarray | None
    #: The machine epsilon of the coarsest numbers on the way.
    eps: float

    def tolerance(self, eps: float = 0.0) -> float:
        """How far losses may lie apart, of their size: 1e-10 in 64 bits, 1e-4 in 32, and a tenth in 16."""
        return max(1e-10, min(1e3 * max(eps, self.eps), 0.1))

    def same_loss(self, other: float, x: np.ndarray, eps: float = 0.0, gradient: np.ndarray | None = None) -> bool:
        """Whether that is the same loss at `x`, by as much of parameters as last digits are, whose effect gradients tell."""
        if not np.isfinite(self.loss):
            return True
        reach = [float(np.nan_to_num(np.abs(g)) @ np.abs(x)) for g in (self.gradient, gradient) if g is not None]
        return abs(other - self.loss) <= self.tolerance(eps) * max(abs(other), abs(self.loss), *reach) + self.floor(eps)

    def floor(self, eps: float = 0.0) -> float:
        """What is left of numbers about 16 that cancel, as logits of a saturated classifier do."""
        return 16 * max(eps, self.eps)


class GraphObjective(Objective):
    """The loss of an operator graph. Evaluations are bea's own: the module or function that it came from is not called again."""

    def __init__(self, written: Written, structure: Any, reference: Reference, examples: Examples | Unpickled):
        self._written, self._structure, self._reference, self._examples = written, structure, reference, examples
        self._x = np.concatenate([array.ravel() for array in written.parameters.values()], dtype=float)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made from the rest where it is wanted."""
        return {name: part for name, part in vars(self).items() if name != "_raw"}

    @functools.cached_property
    def _raw(self) -> _bea.Objective:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/model.bea-graph"
            self._written.save(path)
            raw, start, _, notes = _bea.network(options(network=path))
        warn(notes)
        self._compare(raw, np.asarray(start))
        return raw

    def _compare(self, raw: _bea.Objective, x: np.ndarray) -> None:
        """Two ways to one number, and to its derivatives."""
        reference, producer = self._reference, self._written.document["producer"]
        value, gradient = raw.value_and_gradient(x)
        if not reference.same_loss(value, x, raw.precision, gradient):
            text = f"the loss of the graph is {value!r}, and that of {producer} {reference.loss!r}"
            if reference.eps < 1e-5:
                raise Error(f"{text}: this is a fault of bea")
            warnings.warn(f"{text}, which rounds to 16 bits", stacklevel=4)
        if reference.gradient is None or reference.eps > 1e-5:
            return
        apart = np.where(np.isfinite(reference.gradient), np.abs(gradient - reference.gradient), 0.0)
        tolerance, floor = max(1e-6, 1e4 * max(raw.precision, reference.eps)), reference.floor(raw.precision)
        size = np.abs(reference.gradient[np.isfinite(reference.gradient)]).max(initial=0.0)
        if (apart <= tolerance * size + floor).all():
            return
        # At an optimum nothing is left but what the last digits of parameters make.
        signs = np.where(np.arange(x.size) % 2 == 0, 1.0, -1.0)
        size += np.abs(np.nan_to_num(raw.hessian_vectors(x, (signs * x)[None])[0])).max(initial=0.0)
        if (apart <= tolerance * size + floor).all():
            return
        worst = int(np.argmax(np.nan_to_num(apart, nan=np.inf)))
        text = (
            f"the derivative by {self.names()[worst]} is {gradient[worst]:.6g} in the graph, and in {producer} "
            f"{reference.gradient[worst]:.6g}"
        )
        if not np.isfinite(gradient[worst]):
            raise Error(f"{text}: this is a fault of bea")
        warnings.warn(
            f"{text}: either the loss has a kink at this point, where conventions differ (docs/python.md has those of bea), or "
            "this is a fault of bea",
            stacklevel=4,
        )

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

    The loss is evaluated twice, once with its gradient to compare with, and its operations become an operator graph
    (`docs/graph.md`). `inputs` are a tensor, a tuple of arguments or a dictionary of them by name. The module's precision is kept
    unless `dtype` is `"f32"` or `"f64"`, and so is its mode. Parameters have the names of the state dict; those that do not require
    a gradient are constants. `bea.save` takes the first axis of `inputs` and `targets` for the examples, and the objective keeps the
    module and its data for that.

        obj = bea.from_torch(model, torch.nn.functional.cross_entropy, inputs, targets, dtype="f64")
        bea.evaluate(obj, "adam", order=2, lr=1e-3, beta1="9/10", beta2="999/1000", eps="1/100000000")

    Errors are a program that goes on by what depends on parameters, an operation that graphs lack, random numbers, a loss that is
    not one number, and one that is another number in the graph, each with the line of the program. Warnings tell constants,
    conventions at kinks, and what rounds.
    """
    from bea._from_torch import flatten, trace

    written, reference = trace(model, loss_fn, inputs, targets, dtype)
    structure = Structure({name: np.empty(a.shape, a.dtype) for name, a in written.parameters.items()})
    examples = Examples((inputs, targets), flatten, lambda data: trace(model, loss_fn, *data, dtype)[0])
    return GraphObjective(written, structure, reference, examples)


def from_jax(loss_fn: Callable[..., Any], params: Any, data: Any = None, *, dtype: str | None = None) -> GraphObjective:
    """The objective `loss_fn(params)` of a JAX function of a pytree, or `loss_fn(params, data)`, with exact derivatives of every
    order.

    Its jaxpr, with calls and loops written out, becomes an operator graph (`docs/graph.md`). The precision is JAX's unless `dtype` is
    `"f32"` or `"f64"`. `data` is a pytree of arrays whose first axis counts examples; only a graph with it can be evaluated on
    mini-batches once it is saved. With `"f64"` where JAX itself has 32 bits its caches are cleared before and afterwards: what was
    compiled is compiled again.

        obj = bea.from_jax(lambda w: ((model(w, x) - y) ** 2).mean(), params, dtype="f64")
        bea.principal_flow(obj, lr=0.1)
    """
    from bea._from_jax import flatten, trace

    def of(data: Any) -> tuple[Written, Any, Reference]:
        return trace(loss_fn if data is None else lambda params: loss_fn(params, data), params, dtype)

    return GraphObjective(*of(data), Examples(data, flatten, lambda data: of(data)[0]))


def save(objective: GraphObjective, path: Any) -> None:
    """Writes an objective of `from_torch` or `from_jax`, at its point, as a folder that the command reads: `model.bea-graph`.

    The loss is traced again, on all examples, on nearly all, on half of them and on a few, which the first axis of the data counts:
    by that the folder says how the graph follows the number of examples, which mini-batches of `bea run` need, or why it does not.
    An objective that was pickled has no program to trace, and its folder says so.
    """
    if not isinstance(objective, GraphObjective):
        raise Error(f"only objectives of bea.from_torch and bea.from_jax are graphs that can be saved, not {objective!r:.60}")
    written = objective._written
    document = {**written.document, "examples": objective._examples.followed_by(written)}
    Written(document, written.parameters, written.constants).save(path, objective.parameters())
