"""Curvature, and what an optimizer makes of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, overload

import numpy as np

from bea import _bea, _table
from bea._bea import Error
from bea._command import count, number
from bea._derive import Optimizer, named
from bea._matrix import check_symmetric, numbers, operator, pairs, square
from bea._objective import Hessian, Objective
from bea._progress import counted
from bea._structure import KINDS, leaf, listed


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Extreme eigenpairs of a symmetric matrix, the largest first."""

    eigenvalues: np.ndarray
    #: Unit vectors, the columns.
    eigenvectors: np.ndarray
    #: `‖A u - λ u‖` of each, and with a preconditioner `‖P^-½ (A u - λ P u)‖`, as the iteration has it: what products round to,
    #: `precision` times the largest eigenvalue, comes on top of it.
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
            "missed": None if self.missed is None else dict(zip(("largest", "smallest"), self.missed)),
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
    """The extreme eigenpairs of an objective's Hessian, with what the optimizer does along each if `lr` is given."""

    loss: float = 0.0
    gradient_norm: float = 0.0
    #: The step size h.
    lr: float | None = None
    #: The gradient along each eigenvector, `g·u`, whose sign makes it positive; the same with a preconditioner, where `uᵀPu = 1`.
    along: np.ndarray = field(default_factory=lambda: np.empty(0))
    #: The stability coefficients `sc = α(hλ) (g·u)`. Of gradient descent `α(z) = log(1-z)/z`, -∞ at the branch point `z = 1`, and
    #: of another optimizer `α(z) = log P(-z)/z`, where `P` is the principal root of its step on a linear field, `P(0) = 1`.
    sc: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=complex))
    #: By the factor μ of a step along the eigenvector, `1 - hλ` for gradient descent: `real stable` (0 < μ < 1), `branch point`
    #: (μ = 0), `complex stable` (|μ| < 1 otherwise), `marginal` (|μ| = 1), `unstable complex` (|μ| > 1), `repelling` (μ > 1), `neutral`
    #: (μ = 1); and `unstable buffers` or `marginal buffers`, where another root of the optimizer is larger than 1, or as large.
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
    `‖Hu - λu‖` are at most `tol` times the largest eigenvalue in modulus; where that takes more than `max_products` products,
    what was found is returned with `converged` False. `v0` are vectors to start from, the n rows of an array of shape (n,) or
    (n, m), or the eigenpairs of a matrix nearby; other vectors are random, by `seed`. `search` says whether repeated
    eigenvalues that were missed are searched for: by default unless `v0` has k vectors. With `preconditioner`, the positive
    diagonal of P with n entries, the eigenvalues are those of P⁻¹H, the eigenvectors have uᵀPu = 1, and residuals are
    `‖P^-½ (Hu - λPu)‖`. `progress` shows a bar by tqdm, where that is installed.

    Errors are a matrix that is not symmetric, for which two products are taken, entries that are not real numbers, and shapes
    that do not fit.

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
    found = pairs(H, largest, smallest, tol, v0, seed, single, search, max_products, progress, preconditioner)
    return Eigenpairs(**found)


@overload
def spectrum(
    objective: Objective,
    top: int | None = None,
    bottom: int = 0,
    *,
    lr: float | str,
    x: Any = None,
    tol: float | None = None,
    v0: Any = None,
    seed: int = 0,
    search: bool | None = True,
    preconditioner: Any = None,
    progress: bool = False,
    optimizer: str | Optimizer = "gradient_descent",
    **values: float | str | Fraction,
) -> Spectrum: ...
@overload
def spectrum(
    objective: Objective,
    top: int | None = None,
    bottom: int = 0,
    *,
    lr: None = None,
    x: Any = None,
    tol: float | None = None,
    v0: Any = None,
    seed: int = 0,
    search: bool | None = True,
    preconditioner: Any = None,
    progress: bool = False,
) -> Spectrum: ...
@overload
def spectrum(
    objective: Any,
    top: int | None = None,
    bottom: int = 0,
    *,
    tol: float | None = None,
    v0: Any = None,
    seed: int = 0,
    search: bool | None = True,
    preconditioner: Any = None,
    progress: bool = False,
) -> Eigenpairs: ...
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

    `top` is 10, or all there are; `tol` 1e-8, 1e-5 for 32-bit numbers, and the machine epsilon of those of 16 bits. With the step
    size `lr` it says what the optimizer does along each eigenvector u: the gradient along it, `g·u`, the stability coefficient
    `sc = α(hλ) (g·u)`, `α(z) = log(1-z)/z` for gradient descent, and the case; `values` are those of the optimizer's parameters.
    `x` is the point in the structure of the parameters, if it is not `objective.x`. `search=False` saves products, and may miss
    copies of repeated eigenvalues. `v0`, `seed`, `preconditioner` and `progress` are those of `bea.lanczos`: with the positive
    diagonal of P, of shape (n,), it is about the eigenpairs of P⁻¹H.

    In the place of an objective there may be any symmetric matrix that `bea.lanczos` takes, whose eigenpairs are returned
    then; it has no gradient, so `lr` is refused. So are products that are not those of a symmetric matrix, more eigenvalues
    than there are, and arguments that mean nothing.

    >>> import bea
    >>> net = bea.network("mlp:5,tanh", data="iris", dtype="f64")
    >>> bea.spectrum(net, top=2, lr=0.1).case
    ['real stable', 'real stable']
    """
    on_matrix = not isinstance(objective, Objective)
    if on_matrix:
        objective, size = square(objective)
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
            **pairs(objective, top, bottom, tol, v0, seed, False, search, 10_000, progress, preconditioner)
        )
    if lr is not None:
        lr = _step_size(lr)
    single = objective.precision > 1e-10
    if tol is None:
        tol = max(1e-5, objective.precision) if single else 1e-8
    if preconditioner is not None:
        preconditioner = numbers(preconditioner, "the preconditioner").ravel()
    point = objective.point(x)
    hessian = objective.hessian(x)
    loss, gradient = objective._finite(point)
    found = pairs(hessian, top, bottom, tol, v0, seed, single, search, 10_000, progress, preconditioner)
    more: dict[str, Any] = {"loss": loss, "gradient_norm": float(np.linalg.norm(gradient)), "lr": lr}
    if lr is not None:
        along = _along(found, gradient, lr, preconditioner, *named(optimizer, values))
        more |= {key: along[key] for key in ("along", "sc", "case")}
    return Spectrum(**found, **more)


def _along(
    found: dict, gradient: np.ndarray, lr: float, preconditioner: Any, optimizer: str, values: list[str]
) -> dict:
    """Stability coefficients along eigenvectors, which are turned. With P, `w = P^½ u` and `P^-½ g` take their places."""
    root = 1.0 if preconditioner is None else np.sqrt(preconditioner)
    rows = np.ascontiguousarray(found["eigenvectors"].T * root)
    out = _bea.stability_coefficients(found["eigenvalues"], rows, gradient / root, lr, optimizer, values)
    found["eigenvectors"] = (out["eigenvectors"] / root).T
    return out


def _step_size(lr: Any) -> float:
    step = number(lr, "the step size `lr`")
    if not (np.isfinite(step) and step > 0):
        raise Error(f"the step size `lr` must be positive, not {lr!r}")
    return step


def stability_coefficients(
    objective: Objective,
    lr: float | str,
    top: int | None = None,
    bottom: int = 0,
    *,
    x: Any = None,
    tol: float | None = None,
    v0: Any = None,
    seed: int = 0,
    search: bool | None = True,
    preconditioner: Any = None,
    progress: bool = False,
    optimizer: str | Optimizer = "gradient_descent",
    **values: float | str | Fraction,
) -> Spectrum:
    """What an optimizer with the step size `lr` does along the sharpest directions: `bea.spectrum` with `lr`.

    >>> import bea, numpy as np
    >>> A = np.diag([6.0, 2.0])
    >>> bowl = bea.objective(lambda x: (x @ A @ x / 2, A @ x), hvp=lambda x, v: A @ v, start=[1.0, 0.5])
    >>> bool(np.allclose(bea.stability_coefficients(bowl, lr=0.1).sc, np.log(1 - 0.1 * np.diag(A)) / 0.1 * bowl.x))
    True
    """
    return spectrum(
        _objective(objective, "an optimizer goes along eigenvectors"), top, bottom, lr=lr, x=x, tol=tol, v0=v0, seed=seed,
        search=search, preconditioner=preconditioner, progress=progress, optimizer=optimizer, **values,
    )


def _objective(value: Any, what: str) -> Objective:
    if not isinstance(value, Objective):
        raise Error(
            f"{what} of an objective: `bea.objective(value_and_grad, hvp=…, start=…)` makes one of callbacks; this is {value!r:.60}"
        )
    return value


@dataclass(frozen=True, eq=False, repr=False)
class PrincipalFlow:
    """The velocity of the principal flow at a point."""

    #: `φ(hH) g` in the caller's structure, complex where an eigenvalue exceeds 1/h.
    velocity: Any
    #: An estimate of its error.
    estimate: float
    #: How many products it took.
    products: int

    def to_dict(self) -> dict:
        """Numbers, and lists of them in the caller's structure; a complex one is `[re, im]`."""
        return {"velocity": listed(self.velocity), "estimate": self.estimate, "products": self.products}

    def __repr__(self) -> str:
        return f"<bea.PrincipalFlow: ‖velocity‖ = {_size(self.velocity):.6g}, {self.products} products>"

    def _repr_html_(self) -> str:
        columns = {"‖velocity‖": [_size(self.velocity)], "estimate": [self.estimate], "products": [self.products]}
        return _table.html(columns, "principal flow")


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

    `lr` is the step size h, and `x` the point, if it is not `objective.x`; the velocity has that structure. It is complex where
    an eigenvalue exceeds 1/h, and an error where one is 1/h: the branch point of the logarithm.

    >>> import bea, numpy as np
    >>> A = np.diag([6.0, 2.0])
    >>> bowl = bea.objective(lambda x: (x @ A @ x / 2, A @ x), hvp=lambda x, v: A @ v, start=[1.0, 0.5])
    >>> flow = bea.principal_flow(bowl, lr=0.3)
    >>> bool(np.allclose(flow.velocity, np.log(1 - 0.3 * np.diag(A) + 0j) / 0.3 * bowl.x))
    True
    """
    _objective(objective, "a principal flow is that")
    lr = _step_size(lr)
    point = objective.hessian(x)._at
    with objective.working(check=True):
        check_symmetric(objective, point)
        found, estimate, products = _bea.principal_flow(objective._raw, point, lr)
    return PrincipalFlow(objective.unflatten(_real(found)), estimate, products)


def evaluate(
    objective: Objective,
    optimizer: str | Optimizer = "gradient_descent",
    order: int | None = None,
    *,
    lr: float | str = 0.01,
    flow: str | None = None,
    x: Any = None,
    **values: Any,
) -> Any:
    """The modified field of an optimizer to an order, 1 if none is given, at the current parameters and in their structure.

    The velocity is `Σ hᵏ fₖ` up to `k = order`; of gradient descent `-g - h/2 Hg` for order 1. `lr` is the step size h, `x` the
    point, if it is not `objective.x`, and `values` are those of the optimizer's parameters. `flow` names another flow, as
    `bea evaluate` does: "pf", "igr", "interpolated:4", …

    Order 1 needs Hessian-vector products, of any optimizer, and order n of a linear step in general derivatives up to
    `∇ⁿ⁺¹E`: callbacks end with `third`, which order 2 takes, and gradient descent's order 3 as well, whose term with the next
    one has the coefficient 0. bea's own networks and those of `from_torch` and `from_jax` have all derivatives. A derivative
    that is missing is an error, and so are parameters without a value and a flow that the optimizer does not have.
    """
    if not isinstance(objective, Objective):
        raise Error(f"a field is evaluated at the parameters of an objective, not {objective!r:.60}")
    if flow is not None and order is not None:
        raise Error(f"`order` and `flow` name a field each: order {order!r:.20}, and {flow!r:.60}")
    flow = f"order:{count(1 if order is None else order, 'the order', 0)}" if flow is None else flow
    lr = _step_size(lr)
    point = objective.point(x)
    with objective.working(check=True):
        check_symmetric(objective, point)
        found = _bea.velocity(objective._raw, point, *named(optimizer, values), flow, lr)
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

    def to_dict(self) -> dict:
        """Numbers, and lists of them in the caller's structure."""
        return {
            "loss": self.loss, "gradient": listed(self.gradient), "learning_rate": self.learning_rate, "next": listed(self.next),
        }

    def __repr__(self) -> str:
        rate = f"learning rate {self.learning_rate:.6g}"
        return f"<bea.DalStep: E = {self.loss:.6g}, ‖∇E‖ = {_size(self.gradient):.6g}, {rate}>"

    def _repr_html_(self) -> str:
        columns = {"E": [self.loss], "‖∇E‖": [_size(self.gradient)], "learning rate": [self.learning_rate]}
        return _table.html(columns, "step with a drift-adjusted learning rate")


def drift_adjusted(p: Any, cap: Any) -> tuple[float, float]:
    """The power and the largest value of a drift-adjusted learning rate."""
    p, cap = number(p, "the power `p`"), number(cap, "the largest learning rate, `cap`,")
    if not (np.isfinite(p) and p >= 0):
        raise Error(f"the power `p` is a number from 0 on, not {p:g}")
    if not cap > 0:
        raise Error(f"the largest learning rate, `cap`, is positive, not {cap:g}")
    return p, cap


def drift_adjusted_step(rate: float) -> float:
    """Refuses a learning rate that is not finite, as there is no cap."""
    if not np.isfinite(rate):
        raise Error(
            f"the learning rate is {rate:g}: no step is taken, as ‖∇²E ĝ‖ is 0 or there is no gradient here, and `cap` is infinite"
        )
    return rate


def dal(objective: Objective, p: float = 1.0, *, cap: float = 5.0, x: Any = None) -> DalStep:
    """A step of gradient descent with the drift-adjusted learning rate of Rosca et al. (2023), equations 18 and 19:

        θ' = θ - h ∇E(θ),  h = min(2/‖∇²E ĝ‖^p, cap),  ĝ = ∇E/‖∇E‖

    `x` is θ, if it is not `objective.x`. It takes a gradient and a Hessian-vector product. Errors are a loss, gradient or
    product that is not finite, and a learning rate that is not, which a finite `cap` has never.
    """
    _objective(objective, "a step is one")
    p, cap = drift_adjusted(p, cap)
    point = objective.hessian(x)._at
    with objective.working(check=True):
        check_symmetric(objective, point)
        found = _bea.dal(objective._raw, point, p, cap)
    drift_adjusted_step(found["learning_rate"])
    both = {key: objective.unflatten(found[key]) for key in ("gradient", "next")}
    return DalStep(found["loss"], both["gradient"], found["learning_rate"], both["next"])


@dataclass(frozen=True, eq=False, repr=False)
class Density:
    """The density of all eigenvalues, of total weight 1, at finitely many nodes: `Σ_k w_k δ(λ - θ_k)`."""

    #: The nodes θ_k, in ascending order.
    nodes: np.ndarray
    #: Their weights w_k.
    weights: np.ndarray
    #: For each random vector its estimates of the mean of λ and of λ².
    moments: np.ndarray = field(repr=False)
    products: int

    def __repr__(self) -> str:
        return (
            f"<bea.Density: {len(self.nodes)} nodes from {self.nodes[0]:.6g} to {self.nodes[-1]:.6g}, "
            f"mean {self.mean:.6g}, {self.products} products>"
        )

    def _repr_html_(self) -> str:
        columns = {
            "nodes": [len(self.nodes)], "least": [float(self.nodes[0])], "largest": [float(self.nodes[-1])], "mean": [self.mean],
            "products": [self.products],
        }
        return _table.html(columns, "density of eigenvalues")

    @property
    def mean(self) -> float:
        """The mean of λ."""
        return float(self.moments[:, 0].mean())

    @property
    def mean_square(self) -> float:
        """The mean of λ²."""
        return float(self.moments[:, 1].mean())

    def to_dict(self) -> dict:
        """Nodes, weights, and the means of λ and λ²."""
        return {
            "nodes": self.nodes.tolist(), "weights": self.weights.tolist(), "mean": self.mean, "mean_square": self.mean_square,
            "products": self.products,
        }

    def grid(self, width: float | None = None, points: int = 2000) -> tuple[np.ndarray, np.ndarray]:
        """Equidistant points and values of the density, `Σ_k w_k N(x; θ_k, width²)`: two arrays of shape (points,), from four widths
        below the nodes to four above.

        The width is 0.004 of what the nodes span, and more where points are so few that they would miss nodes: they are never
        more than 1.5 widths apart, so that their sum is 1 to 1e-3. A width that is given is kept.
        """
        points = count(points, "the number of points", 2, 10**7)
        if width is None:
            if points < 8:
                raise Error(f"{points} points are too few for a density: 8 at least, or give `width`")
            extent = self.nodes[-1] - self.nodes[0]
            width = max(0.004, 1 / (1.5 * (points - 1) - 8)) * (extent or max(abs(self.nodes[0]), 1.0))
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
    """The density `1/n Σ_i δ(λ - λ_i)` of all n eigenvalues of an objective's Hessian, by stochastic Lanczos quadrature, as
    `bea spectrum --density`.

    `m = steps` steps of Lanczos' method from a vector v of random signs give a tridiagonal matrix with the eigenvalues θ_k and unit
    eigenvectors y_k, and `vᵀf(H)v/n = Σ_k y_{1k}² f(θ_k)` for polynomials f up to degree `2m - 1`, whose expectation is `tr f(H)/n`. The
    nodes and weights are those of all `probes` vectors together, by `seed`; it takes `steps · probes` products (Lin, Saad and
    Yang, SIAM Review 58, 2016). `x` is the point, if it is not `objective.x`; `progress` shows a bar by tqdm, where that is
    installed.

    In the place of an objective there may be any symmetric matrix that `bea.lanczos` takes.
    """
    if not isinstance(objective, Objective) and x is not None:
        raise Error("a matrix is that of one point: `x` is for objectives")
    steps, probes = count(steps, "the number of steps"), count(probes, "the number of probes")
    seed = count(seed, "the seed", 0)
    working = objective.working(check=True) if isinstance(objective, Objective) else contextlib.nullcontext()
    with working, counted(progress, "products") as tell:
        of, _ = operator(objective.hessian(x) if isinstance(objective, Objective) else objective)
        return Density(**_bea.density(of, steps, probes, seed, tell))
