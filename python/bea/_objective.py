"""Objectives: from callbacks of any framework, and bea's own networks."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any, Callable

import numpy as np

from bea import _bea
from bea._bea import Error
from bea._command import options, warn
from bea._structure import Structure

_SINGLE = float(np.finfo(np.float32).eps)
_DOUBLE = float(np.finfo(float).eps)


class Objective:
    """A loss with its gradient and more, at a point: what everything that looks at a loss takes."""

    def __init__(self, raw: _bea.Objective, structure: Structure, x: np.ndarray | None):
        self._raw, self._structure, self._x = raw, structure, x

    #: Whether its products come from callbacks, and were not found to be those of a symmetric matrix yet.
    _suspect = False

    def working(self, check: bool = False) -> contextlib.AbstractContextManager:
        """While something works with it, which `check`s first that evaluations repeat."""
        return contextlib.nullcontext()

    @property
    def dimension(self) -> int:
        """The number of parameters."""
        return self._raw.dimension

    @property
    def x(self) -> Any:
        """The point, in the caller's structure. Assigning to it moves the point."""
        return self._structure.unflatten(self.point().copy())

    @x.setter
    def x(self, value: Any) -> None:
        self._x = self._structure.flatten(value, "the point")

    def point(self, x: Any = None) -> np.ndarray:
        """`x`, or the current point, as one flat vector."""
        if x is not None:
            return self._structure.flatten(x, "x")
        if self._x is None:
            raise Error("this objective has no point: give `start` to `bea.objective`, or `x` here")
        return self._x

    @property
    def counts(self) -> dict[str, int]:
        """How often it was evaluated, by kind."""
        return self._raw.counts()

    @property
    def precision(self) -> float:
        """The machine epsilon of the numbers that it calculates with."""
        return self._raw.precision

    def value_and_grad(self, x: Any = None) -> tuple[float, Any]:
        """The loss and its gradient, in the caller's structure."""
        with self.working():
            value, gradient = self._raw.value_and_gradient(self.point(x))
        return value, self._structure.unflatten(gradient)

    def hvp(self, v: Any, x: Any = None) -> Any:
        """The product of the Hessian with `v`, in the caller's structure."""
        row = self._structure.flatten(v, "v")[None]
        with self.working():
            return self._structure.unflatten(self._raw.hessian_vectors(self.point(x), row)[0])

    def contract(self, *vectors: Any, x: Any = None) -> Any:
        """`∇ᵏ⁺¹E[v₁, …, vₖ]` of k vectors in the caller's structure, and in that structure: the gradient with none, the product
        of the Hessian with one. Of callbacks there are no more than those.
        """
        if not vectors:
            return self.value_and_grad(x)[1]
        rows = np.stack([self._structure.flatten(v, f"vector {k}") for k, v in enumerate(vectors, 1)])
        with self.working():
            return self._structure.unflatten(self._raw.contraction(self.point(x), rows))

    def hessian(self, x: Any = None) -> Hessian:
        """The Hessian as a linear operator; a `scipy.sparse.linalg.LinearOperator` where SciPy is installed."""
        return _hessian_class()(self, self.point(x).copy())

    def names(self) -> list[str]:
        """The name of every single parameter, such as `0.weight[2,0]`."""
        return self._structure.names()

    def unflatten(self, vector: Any) -> Any:
        """A flat vector, such as a column of `eigenvectors`, in the caller's structure."""
        vector = np.asarray(vector)
        if vector.shape != (self.dimension,):
            raise Error(f"the vector has the shape {vector.shape}, not ({self.dimension},)")
        return self._structure.unflatten(vector)

    def __repr__(self) -> str:
        return f"<bea.Objective of {self.dimension} parameters>"


class Hessian:
    """The Hessian of an objective at a point: `H @ v`, `H @ V`, `H.shape`."""

    def __init__(self, objective: Objective, x: np.ndarray):
        if not objective._raw.has_products:
            raise Error(
                "this needs Hessian-vector products, which the objective does not have: give `hvp` to `bea.objective`"
            )
        self.objective, self._at = objective, x
        self.shape, self.dtype = (x.size, x.size), np.dtype(float)

    def _matmat(self, block: np.ndarray) -> np.ndarray:
        if np.iscomplexobj(block):
            return self._matmat(block.real) + 1j * self._matmat(block.imag)
        rows = np.ascontiguousarray(block.T, dtype=float)
        with self.objective.working():
            return self.objective._raw.hessian_vectors(self._at, rows).T

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        return self._matmat(v.reshape(-1, 1)).reshape(v.shape)

    def _adjoint(self) -> Hessian:
        return self

    _transpose = _adjoint

    def __matmul__(self, other: Any) -> np.ndarray:
        other = np.asarray(other)
        if other.ndim not in (1, 2) or other.shape[0] != self.shape[1]:
            raise Error(f"the Hessian has {self.shape[1]} columns, and the array the shape {other.shape}")
        return self._matvec(other) if other.ndim == 1 else self._matmat(other)

    matvec = matmat = dot = __matmul__

    def __repr__(self) -> str:
        return f"<bea.Hessian of {self.shape[0]} parameters>"


@functools.cache
def _hessian_class() -> type[Hessian]:
    try:
        from scipy.sparse.linalg import LinearOperator
    except ImportError:
        return Hessian

    class ScipyHessian(LinearOperator, Hessian):
        _matvec = _rmatvec = Hessian._matvec
        _matmat = _rmatmat = Hessian._matmat
        _adjoint = _transpose = Hessian._adjoint
        __repr__ = Hessian.__repr__

        def __init__(self, objective, x):
            Hessian.__init__(self, objective, x)
            LinearOperator.__init__(self, self.dtype, self.shape)

    return ScipyHessian


def objective(
    value_and_grad: Callable[[Any], tuple[Any, Any]],
    *,
    hvp: Callable[[Any, Any], Any] | None = None,
    value: Callable[[Any], Any] | None = None,
    start: Any = None,
    n: int | None = None,
    dtype: Any = None,
) -> Objective:
    """An objective from callbacks of any framework.

    `value_and_grad(x)` returns the loss and its gradient, `hvp(x, v)` the product of the Hessian with `v`, and
    `value(x)` the loss alone, where that is cheaper. `start` is the point: an array, or nested dictionaries, lists and
    tuples of arrays, and callbacks get and return the same structure. `n` stands for a flat vector without a point.
    `dtype` is that of the calculation, if it is not that of `start`. Callbacks are called one at a time, though not always
    in the thread that asks.

    >>> import bea, numpy as np
    >>> A = np.diag([6.0, 1.0])
    >>> bowl = bea.objective(lambda x: (x @ A @ x / 2, A @ x), hvp=lambda x, v: A @ v, start=[0.1, 0.2])
    >>> bea.spectrum(bowl, top=1).eigenvalues
    array([6.])
    """
    if (start is None) == (n is None):
        raise Error("give either `start`, the point, or `n`, the number of parameters of a flat vector")
    structure = Structure(np.zeros(n) if start is None else start)
    if structure.size == 0:
        raise Error("an objective needs a parameter at least")
    single = structure.single if dtype is None else np.dtype(dtype).itemsize < 8

    def gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        answer = value_and_grad(structure.unflatten(x, own=True))
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Error(f"value_and_grad returns a loss and a gradient, not {answer!r:.60}")
        return _number(answer[0], "the loss"), structure.flatten(answer[1], "the gradient")

    def product(hvp: Callable, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        answer = hvp(structure.unflatten(x, own=True), structure.unflatten(v, own=True))
        return structure.flatten(answer, "the product of `hvp`")

    def loss(value: Callable, x: np.ndarray) -> float:
        return _number(value(structure.unflatten(x, own=True)), "the loss")

    # Flows are followed in several threads, of which callbacks are to know nothing.
    lock = threading.RLock()

    def alone(callback: Callable) -> Callable:
        def call(*arguments: Any) -> Any:
            with lock:
                return callback(*arguments)

        return call

    raw = _bea.callbacks(
        structure.size,
        alone(gradient),
        None if hvp is None else alone(functools.partial(product, hvp)),
        None if value is None else alone(functools.partial(loss, value)),
        _SINGLE if single else _DOUBLE,
    )
    x = None if start is None else structure.flatten(start, "start")
    made = Objective(raw, structure, x)
    made._suspect = True
    return made


def _number(value: Any, what: str) -> float:
    number = value.detach().cpu() if hasattr(value, "detach") else value
    number = np.asarray(number)
    if number.size != 1 or number.dtype.kind not in "fiub":
        raise Error(f"{what} is one real number, not an array of shape {number.shape} and dtype {number.dtype}")
    return float(number.reshape(()))


def network(
    network: str,
    *,
    data: str | None = None,
    weights: str | None = None,
    init: str | None = None,
    dtype: str | None = None,
    device: str | None = None,
) -> Objective:
    """One of bea's own networks on its data, at its weights, or the folder of an operator graph, `model.bea-graph`, which has
    both. The arguments are those of `bea spectrum`.

    Parameters have the names of a PyTorch state dict: `obj.x["0.weight"]`.

    >>> import bea
    >>> net = bea.network("mlp:5,tanh", data="iris", dtype="f64")
    >>> net.dimension, list(net.x)
    (43, ['0.weight', '0.bias', '2.weight', '2.bias'])
    """
    given = options(network=network, data=data, weights=weights, init=init, dtype=dtype, device=device)
    raw, theta, layout, notes = _bea.network(given)
    warn(notes)
    structure = Structure({name: np.empty(shape) for name, shape in layout})
    return Objective(raw, structure, theta)
