"""Curvature, and what an optimizer makes of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from bea import _bea, _table
from bea._bea import Error
from bea._command import count, number
from bea._derive import Optimizer, named
from bea._objective import Hessian, Objective
from bea._progress import counted
from bea._structure import KINDS, leaf


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Extreme eigenpairs of a symmetric matrix, the largest first."""

    eigenvalues: np.ndarray
    #: Unit vectors, the columns.
    eigenvectors: np.ndarray
    #: `‖A u - λ u‖` of each, by the iteration.
    residuals: np.ndarray
    #: How many products it took.
    products: int
    #: Whether the residuals are below the tolerance.
    converged: bool
    #: How much further out than the last one at each end, the largest and the smallest, an eigenvalue may lie that was
    #: missed, but with a probability below 1e-4; None if it was not searched for.
    missed: tuple[float, float] | None

    def __len__(self) -> int:
        return len(self.eigenvalues)

    def _columns(self) -> dict[str, list]:
        return {"λ": self.eigenvalues.tolist(), "residual": self.residuals.tolist()}

    def _shown(self) -> dict[str, list]:
        return self._columns() | {"residual": [f"{r:.1e}" for r in self.residuals]}

    def _title(self) -> str:
        return f"{len(self)} eigenvalues, {self.products} products" + ("" if self.converged else ", not converged")

    def to_dict(self) -> dict:
        """Everything but the eigenvectors."""
        pairs = zip(self.eigenvalues.tolist(), self.residuals.tolist())
        return {
            "eigenpairs": [{"eigenvalue": value, "residual": residual} for value, residual in pairs],
            "products": self.products,
            "converged": self.converged,
        }

    def to_pandas(self):
        """A DataFrame with a row an eigenvalue."""
        return _table.frame(self._columns())

    def plot(self, ax=None):
        """Draws the eigenvalues with matplotlib, by their rank from the largest."""
        ax = _table.axes(ax)
        ranks = np.arange(1, len(self) + 1)
        ax.axhline(0, color="0.7", linewidth=0.8)
        ax.plot(ranks, self.eigenvalues, marker="o", linestyle="none")
        ax.set_xlabel("rank")
        ax.set_ylabel("eigenvalue λ")
        ax.set_title(self._title())
        return ax

    def __repr__(self) -> str:
        return f"{self._title()}\n{_table.plain(self._shown())}"

    def _repr_html_(self) -> str:
        return _table.html(self._shown(), self._title())


@dataclass(frozen=True, repr=False, eq=False)
class Spectrum(Eigenpairs):
    """The extreme eigenpairs of an objective's Hessian, with what gradient descent does along each if `lr` is given."""

    loss: float = 0.0
    gradient_norm: float = 0.0
    #: The step size h.
    lr: float | None = None
    #: The gradient along each eigenvector, whose sign makes it positive.
    along: np.ndarray = field(default_factory=lambda: np.empty(0))
    #: The stability coefficients `sc = α_PF(hλ) (g·u)`, `α_PF(z) = log(1-z)/z`.
    sc: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=complex))
    #: `real stable`, `complex stable`, `unstable complex` or `repelling`.
    case: list[str] = field(default_factory=list)

    def _columns(self) -> dict[str, list]:
        columns: dict[str, list] = super()._columns()
        if self.lr is not None:
            columns["∇E·u"] = self.along.tolist()
            columns["hλ"] = (self.lr * self.eigenvalues).tolist()
            columns["sc"] = self.sc.tolist()
            columns["case"] = self.case
        return columns

    def plot(self, ax=None):
        """Draws the eigenvalues with matplotlib, in a colour for each case, and 2/h where there is a step size."""
        if self.lr is None:
            return super().plot(ax)
        ax = _table.axes(ax)
        ax.axhline(0, color="0.7", linewidth=0.8)
        ax.axhline(2 / self.lr, color="0.4", linewidth=0.8, linestyle="--", label="2/h")
        ranks = np.arange(1, len(self) + 1)
        for case in dict.fromkeys(self.case):
            among = np.array([case == other for other in self.case])
            ax.plot(ranks[among], self.eigenvalues[among], marker="o", linestyle="none", label=case)
        ax.set_xlabel("rank")
        ax.set_ylabel("eigenvalue λ")
        ax.set_title(f"h = {self.lr:g}")
        ax.legend()
        return ax

    def _title(self) -> str:
        step = "" if self.lr is None else f", h = {self.lr:g}"
        return f"E = {self.loss:.6g}, ‖∇E‖ = {self.gradient_norm:.6g}{step}; {super()._title()}"

    def to_dict(self) -> dict:
        out = super().to_dict() | {"loss": self.loss, "gradient_norm": self.gradient_norm, "lr": self.lr}
        if self.lr is not None:
            for pair, along, sc, case in zip(out["eigenpairs"], self.along, self.sc, self.case):
                pair |= {"along": float(along), "sc": [float(sc.real), float(sc.imag)], "case": case}
        return out


def _matrix(matrix: Any) -> tuple[tuple, int]:
    """What the compiled part takes, and the dimension."""
    if isinstance(matrix, Objective):
        matrix = matrix.hessian()
    if isinstance(matrix, Hessian):
        of = matrix.objective
        if of._suspect:
            _symmetric(lambda rows: of._raw.hessian_vectors(matrix._at, rows), of.dimension)
            of._suspect = False
        return (of._raw, matrix._at), matrix.shape[0]
    matrix, n = _square(matrix)

    def products(rows: np.ndarray) -> np.ndarray:
        found = np.asarray(matrix @ rows.T)
        if found.shape != (n, len(rows)):
            raise Error(f"the product with an array of shape {rows.T.shape} has the shape {found.shape}")
        return np.ascontiguousarray(found.T, dtype=float)

    _symmetric(products, n)
    return (products, n), n


def _square(matrix: Any) -> tuple[Any, int]:
    """Something with real products, and its dimension."""
    if isinstance(matrix, Hessian):
        return matrix, matrix.shape[0]
    if hasattr(matrix, "to_scipy"):
        # One of curvlinops, whose products are of tensors.
        matrix = matrix.to_scipy()
    if not hasattr(matrix, "shape") or hasattr(matrix, "detach"):
        matrix = leaf(matrix)
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        raise Error(f"a symmetric matrix is wanted, not one of shape {tuple(matrix.shape)}")
    dtype = getattr(matrix, "dtype", None)
    if dtype is not None and np.dtype(dtype).kind not in KINDS[float]:
        raise Error(f"a real symmetric matrix is wanted, not one of dtype {dtype}")
    return matrix, matrix.shape[0]


#: Of what size numbers are at least whose squares are normal numbers, by far.
_SMALLEST = 1e-140
#: How far from symmetric a matrix may be, in Frobenius norms: products of 32 bits and differences of gradients are nearer.
_ASYMMETRY = 1e-3


def _symmetric(products: Any, n: int) -> None:
    """Refuses a matrix with `uᵀAv ≠ vᵀAu` for random u and v."""
    rows = np.random.default_rng(0).normal(size=(2, n))
    u, v = rows
    au, av = products(rows)
    largest = np.abs([au, av]).max()
    if 0 < largest < _SMALLEST or largest > 1 / _SMALLEST:
        raise Error(f"the products with the matrix are of the order {largest:.0e}: scale it, as squares of such numbers are lost")
    size = (np.linalg.norm(u) * np.linalg.norm(av) + np.linalg.norm(v) * np.linalg.norm(au)) / n**0.5
    if abs(u @ av - v @ au) > _ASYMMETRY * size:
        raise Error(
            f"the matrix is not symmetric, or its products differ from one time to the next: uᵀAv = {u @ av:.6g} and "
            f"vᵀAu = {v @ au:.6g} for random vectors; a Hessian is symmetric, whatever the loss"
        )


def _start(v0: Any, n: int) -> np.ndarray | None:
    if v0 is None:
        return None
    if isinstance(v0, Eigenpairs):
        v0 = v0.eigenvectors
    columns = np.asarray(v0, dtype=float)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or columns.shape[0] != n:
        raise Error(f"v0 has the shape {np.shape(v0)}: a vector of {n} entries is wanted, or such columns")
    return np.ascontiguousarray(columns.T)


def _pairs(
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
            *_matrix(matrix), largest, smallest, tol, v0, seed, single, search, max_products, progress, preconditioner,
            random,
        )


def _pairs_of(
    operator: Any, n: int, largest: int, smallest: int, tol: float, v0: Any, seed: int, single: bool,
    search: bool | None, max_products: int, progress: bool, preconditioner: Any, random: int,
) -> dict:
    seed, max_products = count(seed, "the seed", 0), count(max_products, "`max_products`")
    if preconditioner is not None:
        preconditioner = np.ascontiguousarray(np.ravel(preconditioner), dtype=float)
    with counted(progress, "products") as tell:
        found = _bea.lanczos(
            operator, largest, smallest, float(tol), _start(v0, n), random, seed, single, search, max_products,
            tell, preconditioner,
        )
    del found["scale"]
    found["eigenvectors"] = found["eigenvectors"].reshape(-1, n).T
    return found


#: Vectors of more 32-bit parameters than this are kept in 32 bits: half the memory, but slower to work with.
_LARGE = 4_000_000


def lanczos(
    H: Any,
    k: int = 5,
    which: str = "LA",
    tol: float = 1e-3,
    v0: Any = None,
    seed: int = 0,
    progress: bool = False,
    *,
    search: bool | None = None,
    max_products: int = 10_000,
    preconditioner: Any = None,
) -> Eigenpairs:
    """Extreme eigenpairs of a symmetric matrix by the block Lanczos method with thick restarts.

    `H` is a Hessian, an objective, an array, or anything with a shape and `@`, SciPy's linear operators and sparse matrices
    included, or with `to_scipy()`, as curvlinops has it.
    `which` is "LA" for the k largest eigenvalues, "SA" for the smallest, "BE" for half of them at each end. Residuals
    are at most `tol` times the largest eigenvalue in modulus. `v0` are vectors to start from, as columns, or the
    eigenpairs of a matrix nearby. `search` says whether repeated eigenvalues that were missed are searched for: by
    default unless `v0` has k vectors. With `preconditioner`, the positive diagonal of P, the eigenvalues are those of
    P⁻¹H, and the eigenvectors have uᵀPu = 1.

    >>> import bea, numpy as np
    >>> bea.lanczos(np.diag(np.arange(1.0, 101)), k=2, tol=1e-8).eigenvalues.round(6)
    array([100.,  99.])
    """
    k = count(k, "the number of eigenvalues `k`")
    counts = {"LA": (k, 0), "SA": (0, k), "BE": (k - k // 2, k // 2)}
    if which not in counts:
        raise Error(f'`which` is "LA", "SA" or "BE", not {which!r}')
    largest, smallest = counts[which]
    objective = H.objective if isinstance(H, Hessian) else H
    single = isinstance(objective, Objective) and objective.precision > 1e-10 and objective.dimension > _LARGE
    found = _pairs(H, largest, smallest, tol, v0, seed, single, search, max_products, progress, preconditioner)
    return Eigenpairs(**found)


@overload
def spectrum(objective: Objective, top: int | None = None, bottom: int = 0, **more: Any) -> Spectrum: ...
@overload
def spectrum(objective: Any, top: int | None = None, bottom: int = 0, **more: Any) -> Eigenpairs: ...
def spectrum(
    objective: Any,
    top: int | None = None,
    bottom: int = 0,
    *,
    lr: float | str | None = None,
    x: Any = None,
    tol: float | None = None,
    v0: Any = None,
    seed: int = 0,
    search: bool | None = True,
    preconditioner: Any = None,
    progress: bool = False,
    optimizer: str | Optimizer = "gradient_descent",
    **values: Any,
) -> Eigenpairs:
    """The largest and smallest eigenvalues of an objective's Hessian, as `bea spectrum` finds them.

    `top` is 10, or all there are; `tol` 1e-8, and 1e-5 for 32-bit numbers. With the step size `lr` it says what the
    optimizer does along each eigenvector; `values` are those of its parameters. `search=False` saves products, and may miss
    copies of repeated eigenvalues. In the place of an objective there may be any symmetric matrix that `bea.lanczos` takes,
    whose eigenpairs are returned then; it has no gradient, so `lr` means nothing.

    >>> import bea
    >>> net = bea.network("mlp:5,tanh", data="iris", dtype="f64")
    >>> bea.spectrum(net, top=2, lr=0.1).case
    ['real stable', 'real stable']
    """
    on_matrix = not isinstance(objective, Objective)
    if callable(objective) and not hasattr(objective, "shape"):
        raise Error(
            "a spectrum is that of an objective or of a symmetric matrix: `bea.objective(value_and_grad, hvp=…, start=…)` "
            f"makes one of callbacks; this is {objective!r:.60}"
        )
    if on_matrix:
        objective, size = _square(objective)
    else:
        size = objective.dimension
    bottom = count(bottom, "the number of eigenvalues `bottom`", 0)
    top = min(10, max(size - bottom, 0)) if top is None else count(top, "the number of eigenvalues `top`", 0)
    if top + bottom == 0:
        raise Error("give `top` or `bottom`, how many eigenvalues are wanted")
    if on_matrix and lr is not None:
        raise Error("a matrix has no gradient: `lr` is for objectives")
    if lr is None and (values or optimizer != "gradient_descent"):
        wrong = [f"`{name}`" for name in values] or ["`optimizer`"]
        raise TypeError(f"a spectrum without a step size `lr` has no argument {' and '.join(wrong)}")
    if on_matrix:
        if x is not None:
            raise Error("a matrix is that of one point: `x` is for objectives")
        tol = 1e-8 if tol is None else tol
        return Eigenpairs(
            **_pairs(objective, top, bottom, tol, v0, seed, False, search, 10_000, progress, preconditioner)
        )
    if lr is not None:
        lr = _step_size(lr)
    single = objective.precision > 1e-10
    tol = (1e-5 if single else 1e-8) if tol is None else tol
    point = objective.point(x)
    hessian = objective.hessian(x)
    loss, gradient = objective._raw.value_and_gradient(point)
    found = _pairs(hessian, top, bottom, tol, v0, seed, single, search, 10_000, progress, preconditioner)
    more: dict[str, Any] = {"loss": loss, "gradient_norm": float(np.linalg.norm(gradient)), "lr": lr}
    if lr is not None:
        along = _along(found, gradient, lr, preconditioner, *named(optimizer, values))
        more |= {key: along[key] for key in ("along", "sc", "case")}
    return Spectrum(**found, **more)


def _along(
    found: dict, gradient: np.ndarray, lr: float, preconditioner: Any, optimizer: str, values: list[str]
) -> dict:
    """Stability coefficients along eigenvectors, which are turned. With P, `w = P^½ u` and `P^-½ g` take their places."""
    root = 1.0 if preconditioner is None else np.sqrt(np.ravel(preconditioner))
    rows = np.ascontiguousarray(found["eigenvectors"].T * root)
    out = _bea.stability_coefficients(found["eigenvalues"], rows, gradient / root, lr, optimizer, values)
    found["eigenvectors"] = (out["eigenvectors"] / root).T
    return out


def _step_size(lr: Any) -> float:
    step = number(lr, "the step size `lr`")
    if not (np.isfinite(step) and step > 0):
        raise Error(f"the step size `lr` must be positive, not {lr!r}")
    return step


def stability_coefficients(objective: Objective, lr: float | str, top: int | None = None, **more: Any) -> Spectrum:
    """What an optimizer with the step size `lr` does along the sharpest directions: `spectrum` with `lr`."""
    return spectrum(objective, top, lr=lr, **more)


@dataclass(frozen=True, eq=False, repr=False)
class PrincipalFlow:
    """The velocity of the principal flow at a point."""

    #: `φ(hH) g` in the caller's structure, complex where an eigenvalue exceeds 1/h.
    velocity: Any
    #: An estimate of its error.
    estimate: float
    #: How many products it took.
    products: int

    def __repr__(self) -> str:
        return f"<bea.PrincipalFlow: ‖velocity‖ = {_size(self.velocity):.6g}, {self.products} products>"


def _size(value: Any) -> float:
    """The norm of all entries of a structure."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return sum(_size(part) ** 2 for part in value) ** 0.5
    return float(np.linalg.norm(np.ravel(value)))


def _real(vector: np.ndarray) -> np.ndarray:
    return vector if vector.imag.any() else vector.real.copy()


def principal_flow(objective: Objective, lr: float | str, *, x: Any = None) -> PrincipalFlow:
    """The velocity `φ(hH) g`, `φ(z) = log(1-z)/z`, of the principal flow of gradient descent, from Hessian-vector products.

    >>> import bea, numpy as np
    >>> A = np.diag([6.0, 2.0])
    >>> bowl = bea.objective(lambda x: (x @ A @ x / 2, A @ x), hvp=lambda x, v: A @ v, start=[1.0, 0.5])
    >>> flow = bea.principal_flow(bowl, lr=0.3)
    >>> bool(np.allclose(flow.velocity, np.log(1 - 0.3 * np.diag(A) + 0j) / 0.3 * bowl.x))
    True
    """
    lr = _step_size(lr)
    objective.hessian(x)
    with objective.working(check=True):
        found, estimate, products = _bea.principal_flow(objective._raw, objective.point(x), lr)
    return PrincipalFlow(objective.unflatten(_real(found)), estimate, products)


def evaluate(
    objective: Objective,
    optimizer: str | Optimizer = "gradient_descent",
    order: int = 1,
    *,
    lr: float | str = 0.01,
    flow: str | None = None,
    x: Any = None,
    **values: Any,
) -> Any:
    """The modified field of an optimizer to an order, at the current parameters and in their structure.

    `flow` names another flow, as `bea evaluate` does: "pf", "igr", "interpolated:4", … Order 1 needs Hessian-vector
    products, of any optimizer, and order 2 of a linear step the callback `third`; bea's own networks have all derivatives.
    `values` are those of the optimizer's parameters.
    """
    if not isinstance(objective, Objective):
        raise Error(f"a field is evaluated at the parameters of an objective, not {objective!r:.60}")
    flow = f"order:{count(order, 'the order', 0)}" if flow is None else flow
    lr = _step_size(lr)
    with objective.working(check=True):
        found = _bea.velocity(objective._raw, objective.point(x), *named(optimizer, values), flow, lr)
    return objective.unflatten(_real(found))


@dataclass(frozen=True, eq=False, repr=False)
class DalStep:
    """A step of gradient descent with a drift-adjusted learning rate."""

    loss: float
    #: In the caller's structure.
    gradient: Any
    #: `2/‖∇²E ĝ‖^p`, `ĝ = ∇E/‖∇E‖`, at most the cap.
    learning_rate: float
    #: The parameters after the step.
    next: Any

    def __repr__(self) -> str:
        rate = f"learning rate {self.learning_rate:.6g}"
        return f"<bea.DalStep: E = {self.loss:.6g}, ‖∇E‖ = {_size(self.gradient):.6g}, {rate}>"


def dal(objective: Objective, p: float = 1.0, *, cap: float = 5.0, x: Any = None) -> DalStep:
    """A step of gradient descent with the drift-adjusted learning rate of Rosca et al. (2023), equations 18 and 19."""
    if not (np.isfinite(p) and p >= 0):
        raise Error(f"the power `p` is a number from 0 on, not {p}")
    if not cap > 0:
        raise Error(f"the largest learning rate, `cap`, is positive, not {cap}")
    objective.hessian(x)
    with objective.working(check=True):
        found = _bea.dal(objective._raw, objective.point(x), float(p), float(cap))
    both = {key: objective.unflatten(found[key]) for key in ("gradient", "next")}
    return DalStep(found["loss"], both["gradient"], found["learning_rate"], both["next"])


@dataclass(frozen=True, eq=False, repr=False)
class Density:
    """The density of all eigenvalues, of total weight 1, at finitely many nodes."""

    nodes: np.ndarray
    weights: np.ndarray
    #: For each random vector its estimates of the mean of λ and of λ².
    moments: np.ndarray = field(repr=False)
    products: int

    def __repr__(self) -> str:
        return (
            f"<bea.Density: {len(self.nodes)} nodes from {self.nodes[0]:.6g} to {self.nodes[-1]:.6g}, "
            f"mean {self.mean:.6g}, {self.products} products>"
        )

    @property
    def mean(self) -> float:
        """The mean of λ."""
        return float(self.moments[:, 0].mean())

    @property
    def mean_square(self) -> float:
        """The mean of λ²."""
        return float(self.moments[:, 1].mean())

    def grid(self, width: float | None = None, points: int = 2000) -> tuple[np.ndarray, np.ndarray]:
        """Points and values of the density, every node spread to a normal distribution of this standard deviation."""
        if width is None:
            extent = self.nodes[-1] - self.nodes[0]
            width = 0.004 * (extent or max(abs(self.nodes[0]), 1.0))
        points = count(points, "the number of points", 2, 10**7)
        x, y = _bea.density_grid(self.nodes, self.weights, float(width), points).T
        return x, y

    def plot(self, ax=None):
        """Draws it with matplotlib, on a logarithmic axis."""
        ax = _table.axes(ax)
        x, y = self.grid()
        ax.semilogy(x, np.maximum(y, 1e-6 * y.max()))
        ax.set_xlabel("eigenvalue of the Hessian")
        ax.set_ylabel("density")
        return ax


def density(
    objective: Any,
    *,
    steps: int = 80,
    probes: int = 10,
    seed: int = 0,
    x: Any = None,
    progress: bool = False,
) -> Density:
    """The density of all eigenvalues of an objective's Hessian, by stochastic Lanczos quadrature, as `bea spectrum --density`.

    In the place of an objective there may be any symmetric matrix that `bea.lanczos` takes.
    """
    if not isinstance(objective, Objective) and x is not None:
        raise Error("a matrix is that of one point: `x` is for objectives")
    steps, probes = count(steps, "the number of steps"), count(probes, "the number of probes")
    seed = count(seed, "the seed", 0)
    working = objective.working(check=True) if isinstance(objective, Objective) else contextlib.nullcontext()
    with working, counted(progress, "products") as tell:
        operator, _ = _matrix(objective.hessian(x) if isinstance(objective, Objective) else objective)
        return Density(**_bea.density(operator, steps, probes, seed, tell))
