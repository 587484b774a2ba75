"""Symmetric matrices, from objectives and from elsewhere, and their eigenpairs as the compiled part finds them."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from bea import _bea
from bea._bea import Error
from bea._command import count
from bea._objective import Hessian, Objective
from bea._progress import counted
from bea._structure import KINDS, leaf


def operator(matrix: Any) -> tuple[tuple, int]:
    """What the compiled part takes, and the dimension."""
    if isinstance(matrix, Objective):
        matrix = matrix.hessian()
    if isinstance(matrix, Hessian):
        check_symmetric(matrix.objective, matrix._at)
        return (matrix.objective._raw, matrix._at), matrix.shape[0]
    matrix, n = square(matrix)

    def products(rows: np.ndarray) -> np.ndarray:
        found = np.asarray(matrix @ rows.T)
        if found.shape != (n, len(rows)):
            raise Error(f"the product with an array of shape {rows.T.shape} has the shape {found.shape}")
        if found.dtype.kind not in KINDS[float]:
            raise Error(f"the products have the dtype {found.dtype}: those of a real symmetric matrix are wanted")
        return np.ascontiguousarray(found.T, dtype=float)

    _symmetric(products, n)
    return (products, n), n


def square(matrix: Any) -> tuple[Any, int]:
    """Something with real products, and its dimension."""
    if isinstance(matrix, Hessian):
        return matrix, matrix.shape[0]
    if hasattr(matrix, "to_scipy"):
        # One of curvlinops, whose products are of tensors.
        matrix = matrix.to_scipy()
    if not hasattr(matrix, "shape") or hasattr(matrix, "detach"):
        given = matrix
        if callable(given) or np.ndim(matrix := leaf(given)) == 0:
            raise Error(
                "eigenvalues are those of an objective or of a symmetric matrix: `bea.objective(value_and_grad, hvp=…, start=…)` "
                f"makes one of callbacks; this is {given!r:.60}"
            )
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise Error(f"a symmetric matrix is wanted, not one of shape {tuple(matrix.shape)}")
    dtype = getattr(matrix, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind == "V":
        # Numbers that NumPy does not have.
        matrix = leaf(matrix)
        dtype = matrix.dtype
    if dtype is not None and np.dtype(dtype).kind not in KINDS[float]:
        raise Error(f"a real symmetric matrix is wanted, not one of dtype {dtype}")
    return matrix, matrix.shape[0]


#: Of what size numbers are at least whose squares are normal numbers, by far.
_SMALLEST = 1e-140
#: How far from symmetric a matrix may be, in Frobenius norms: products of 32 bits and differences of gradients are nearer.
_ASYMMETRY = 1e-3


def check_symmetric(of: Objective, at: np.ndarray) -> None:
    """Refuses products that are not those of a symmetric matrix, once for each objective."""
    if of._suspect and of._raw.has_products:
        products = lambda rows: of._raw.hessian_vectors(at, rows)
        _symmetric(products, of.dimension, max(_ASYMMETRY, 4 * of.precision), of._repeats, of._remedy)
        of._suspect = False


def _symmetric(
    products: Any, n: int, tolerance: float = _ASYMMETRY, repeats: bool = False, remedy: str = ""
) -> None:
    """Refuses a matrix with `uᵀAv ≠ vᵀAu` for random u and v, by more than the tolerance.

    What `repeats` may have more of that, as large as rounding makes it: where a loss is nearly 0, most digits of the products
    are lost in 32 bits. Products with 3v round otherwise than those with v.
    """
    rows = np.random.default_rng(0).normal(size=(2, n))
    u, v = rows
    au, av = products(rows)
    largest = np.abs([au, av]).max()
    if 0 < largest < _SMALLEST or largest > 1 / _SMALLEST:
        raise Error(f"the products with the matrix are of the order {largest:.0e}: scale it, as squares of such numbers are lost")
    norm = np.linalg.norm
    size = lambda au, av: (norm(u) * norm(av) + norm(v) * norm(au)) / n**0.5
    apart, allowed = abs(u @ av - v @ au), tolerance * size(au, av)
    if apart > allowed and repeats:
        again = products(3 * rows) / 3
        allowed += 5 * size(again[0] - au, again[1] - av)
    if apart > allowed:
        raise Error(
            f"the matrix is not symmetric, or its products differ from one time to the next: uᵀAv = {u @ av:.6g} and "
            f"vᵀAu = {v @ au:.6g} for random vectors; a Hessian is symmetric, whatever the loss{remedy}"
        )


def _start(v0: Any, n: int) -> np.ndarray | None:
    if v0 is None:
        return None
    # Eigenpairs, or their vectors.
    columns = numbers(getattr(v0, "eigenvectors", v0), "v0")
    given = columns.shape
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or columns.shape[0] != n:
        raise Error(f"v0 has the shape {given}: a vector of {n} entries is wanted, or such columns")
    return np.ascontiguousarray(columns.T)


def numbers(value: Any, what: str) -> np.ndarray:
    """An array of real numbers in 64 bits."""
    array = leaf(value)
    if array.dtype.kind == "O":
        raise Error(f"{what} is an array of real numbers, not {value!r:.60}")
    if array.dtype.kind not in KINDS[float]:
        raise Error(f"{what} has the dtype {array.dtype}: real numbers are wanted")
    return array.astype(float)


def pairs(
    matrix: Any, largest: int, smallest: int, tol: float, v0: Any, seed: int, single: bool,
    search: bool | None, max_products: int, progress: bool, preconditioner: Any, random: int = 1,
) -> dict:
    """The eigenpairs; `random` is the number of random vectors to start from beside `v0`, at least."""
    of = matrix.objective if isinstance(matrix, Hessian) else matrix
    if isinstance(of, Objective):
        working = of.working(check=True)
    else:
        working = contextlib.nullcontext()
    with working:
        return _pairs_of(
            *operator(matrix), largest, smallest, tol, v0, seed, single, search, max_products, progress, preconditioner,
            random,
        )


def _pairs_of(
    operator: Any, n: int, largest: int, smallest: int, tol: float, v0: Any, seed: int, single: bool,
    search: bool | None, max_products: int, progress: bool, preconditioner: Any, random: int,
) -> dict:
    seed, max_products = count(seed, "the seed", 0), count(max_products, "`max_products`")
    if preconditioner is not None:
        preconditioner = numbers(preconditioner, "the preconditioner").ravel()
    with counted(progress, "products") as tell:
        found = _bea.lanczos(
            operator, largest, smallest, float(tol), _start(v0, n), random, seed, single, search, max_products,
            tell, preconditioner,
        )
    del found["scale"]
    found["eigenvectors"] = found["eigenvectors"].reshape(-1, n).T
    return found
