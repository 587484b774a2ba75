"""Objectives: from callbacks of any framework, and bea's own networks."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any, Callable

import numpy as np

from bea import _bea
from bea._bea import Error
from bea._command import count, in_python, options, warn
from bea._structure import KINDS, Structure, epsilon, leaf


class Objective:
    """A loss with its gradient and more, at a point: what everything that looks at a loss takes."""

    def __init__(self, raw: _bea.Objective, structure: Structure, x: np.ndarray | None):
        self._raw, self._structure, self._x = raw, structure, x

    #: Whether its products come from elsewhere than bea, and were not found to be those of a symmetric matrix yet.
    _suspect = False
    #: Whether it is known that evaluations repeat, so that what differs in their last digits is rounding.
    _repeats = False
    #: What to do where products are not those of a symmetric matrix.
    _remedy = ""

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
        """The machine epsilon of the numbers that it calculates with, of the coarsest ones where there are several kinds."""
        return self._raw.precision

    def value_and_grad(self, x: Any = None) -> tuple[float, Any]:
        """The loss and its gradient, in the caller's structure."""
        value, gradient = self._finite(self.point(x))
        return value, self._structure.unflatten(gradient)

    def _finite(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its flat gradient; of what is not finite nothing can be said."""
        with self.working(check=True):
            value, gradient = self._raw.value_and_gradient(point)
        wrong = np.flatnonzero(~np.isfinite(gradient))
        if not np.isfinite(value) or len(wrong):
            what = f"entry {wrong[0]} of the gradient is {gradient[wrong[0]]}" if np.isfinite(value) else f"the loss is {value}"
            raise Error(f"{what} at these parameters, so that nothing can be said of them")
        return value, gradient

    def hvp(self, v: Any, x: Any = None) -> Any:
        """The product of the Hessian with `v`, in the caller's structure."""
        row = self._structure.flatten(v, "v")[None]
        with self.working(check=True):
            return self._structure.unflatten(self._raw.hessian_vectors(self.point(x), row)[0])

    def contract(self, *vectors: Any, x: Any = None) -> Any:
        """`∇ᵏ⁺¹E[v₁, …, vₖ]` of k vectors in the caller's structure, and in that structure: the gradient with none, the product
        of the Hessian with one. Of callbacks there are no more than those.
        """
        if not vectors:
            return self.value_and_grad(x)[1]
        rows = np.stack([self._structure.flatten(v, f"vector {k}") for k, v in enumerate(vectors, 1)])
        with self.working(check=True):
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
        with self.objective.working(check=True):
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
    third: Callable[[Any, Any, Any], Any] | None = None,
    value: Callable[[Any], Any] | None = None,
    complex_value_and_grad: Callable[[Any], tuple[Any, Any]] | None = None,
    complex_hvp: Callable[[Any, Any], Any] | None = None,
    complex_third: Callable[[Any, Any, Any], Any] | None = None,
    start: Any = None,
    n: int | None = None,
    dtype: Any = None,
) -> Objective:
    """An objective from callbacks of any framework.

    `value_and_grad(x)` returns the loss and its gradient, `hvp(x, v)` the product of the Hessian with `v`, `third(x, u, v)`
    the gradient of `uᵀ∇²E(x)v`, for fields of order 2, and `value(x)` the loss alone, where that is cheaper. Those whose
    names begin with `complex_` are the same at complex points, for flows that leave the real line: of the holomorphic
    continuation, where nothing is conjugated. They may be the same functions, if they can calculate there. `start` is the
    point: an array, or nested dictionaries, lists and tuples of arrays, and callbacks get and return the same structure.
    `n` stands for a flat vector of so many entries without a point. `dtype` is that of the calculation, if it is not that of
    `start`: what it rounds to says how near a residual can come, and `obj.precision` is its machine epsilon. Callbacks are
    called one at a time, though not always in the thread that asks.

    An exception of a callback is raised as it is. Errors are answers of another structure, shape or kind than `start`, numbers
    that are not finite, and products with `uᵀHv ≠ vᵀHu`.

    >>> import bea, numpy as np
    >>> A = np.diag([6.0, 1.0])
    >>> bowl = bea.objective(lambda x: (x @ A @ x / 2, A @ x), hvp=lambda x, v: A @ v, start=[0.1, 0.2])
    >>> bea.spectrum(bowl, top=1).eigenvalues
    array([6.])

    The principal flow beyond hλ = 1:

    >>> def loss(x): return (x @ A @ x / 2, A @ x)
    >>> def product(x, v): return A @ v
    >>> bowl = bea.objective(
    ...     loss, hvp=product, complex_value_and_grad=loss, complex_hvp=product, start=[0.1, 0.2])
    >>> bea.flow(bowl, lr=0.25, steps=2, flows="pf")["pf"].theta.real.round(6)
    array([[ 0.1   ,  0.2   ],
           [-0.05  ,  0.15  ],
           [ 0.025 ,  0.1125]])
    """
    callbacks = {
        "value_and_grad": value_and_grad, "hvp": hvp, "third": third, "value": value,
        "complex_value_and_grad": complex_value_and_grad, "complex_hvp": complex_hvp, "complex_third": complex_third,
    }
    for name, callback in callbacks.items():
        if not (callable(callback) or callback is None and name != "value_and_grad"):
            raise Error(f"`{name}` is a function, not {callback!r:.60}")
    for name, callback, needs, other in [
        ("third", third, "hvp", hvp),
        ("complex_hvp", complex_hvp, "complex_value_and_grad", complex_value_and_grad),
        ("complex_third", complex_third, "complex_hvp", complex_hvp),
    ]:
        if callback is not None and other is None:
            raise Error(f"`{name}` is of no use without `{needs}`")
    if (start is None) == (n is None):
        raise Error("give either `start`, the point, or `n`, the number of parameters of a flat vector")
    structure = Structure(np.zeros(count(n, "the number of parameters `n`")) if start is None else start)
    if structure.size == 0:
        raise Error("an objective needs a parameter at least")

    def gradient(callback: Callable, kind: type, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        answer = callback(structure.unflatten(x, own=True))
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Error(f"value_and_grad returns a loss and a gradient, not {answer!r:.60}")
        return _number(answer[0], "the loss", kind), structure.flatten(answer[1], "the gradient", kind)

    def contraction(name: str, callback: Callable, kind: type, *arrays: np.ndarray) -> np.ndarray:
        answer = callback(*(structure.unflatten(array, own=True) for array in arrays))
        return structure.flatten(answer, f"the result of `{name}`", kind)

    def loss(callback: Callable, kind: type, x: np.ndarray) -> np.ndarray:
        return _number(callback(structure.unflatten(x, own=True)), "the loss", kind)

    # Flows are followed in several threads, of which callbacks are to know nothing.
    lock = threading.RLock()

    def alone(function: Callable, callback: Callable | None, kind: type) -> Callable | None:
        def call(*arguments: Any) -> Any:
            with lock:
                return function(callback, kind, *arguments)

        return None if callback is None else call

    product, derivative = (functools.partial(contraction, name) for name in ("hvp", "third"))
    raw = _bea.callbacks(
        structure.size,
        (
            alone(gradient, value_and_grad, float), alone(product, hvp, float), alone(derivative, third, float),
            alone(loss, value, float),
        ),
        None if complex_value_and_grad is None else (
            alone(gradient, complex_value_and_grad, complex), alone(product, complex_hvp, complex),
            alone(derivative, complex_third, complex), None,
        ),
        structure.precision if dtype is None else epsilon(dtype),
    )
    x = None if start is None else structure.flatten(start, "start")
    made = Objective(raw, structure, x)
    made._suspect = True
    return made


def _number(value: Any, what: str, kind: type = float) -> np.ndarray:
    """An array of one number."""
    number = leaf(value)
    if number.size != 1 or number.dtype.kind not in KINDS[kind]:
        name = "complex" if kind is complex else "real"
        raise Error(f"{what} is one {name} number, not an array of shape {number.shape} and dtype {number.dtype}")
    return number.reshape(1).astype(kind)


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
    try:
        raw, theta, layout, notes = _bea.network(given)
    except Error as error:
        raise Error(in_python(str(error))) from None
    warn(notes)
    structure = Structure({name: np.empty(shape) for name, shape in layout})
    return Objective(raw, structure, theta)
