"""Flows beside an optimizer, and flows as code."""

from __future__ import annotations

import csv
import json
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from bea import _bea, _table
from bea._bea import Error
from bea._command import command, count, exact, number, options, settings
from bea._derive import Optimizer, named, optimizer_text
from bea._progress import told
from bea._matrix import check_symmetric
from bea._objective import Objective

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Curve:
    """One trajectory, at every step of the optimizer."""

    name: str
    #: The times, 0, h, 2h, …
    t: np.ndarray
    #: The points, of shape (steps + 1, variables), complex where the flow leaves the real line; None of an objective of
    #: more than 1000 parameters.
    theta: np.ndarray | None
    #: The loss at each; its real part.
    loss: np.ndarray
    #: The distance to the optimizer at the steps that both reach.
    distance: np.ndarray
    #: Why it ended before the last step.
    note: str | None
    #: Where it begins, beside an optimizer whose buffers do not start settled.
    beginning: str | None = None
    #: The oscillation about each of the points, beside the flows `central` and `rod`: arrays by name, those of the command's
    #: `oscillations.csv`, and `remarks`.
    oscillations: dict[str, Any] | None = None


def _oscillations(found: dict | None) -> dict[str, Any] | None:
    import numpy as np

    if found is None:
        return None
    widest = max(map(len, found["covariance"]), default=0)
    padded = [[*values, *[0.0] * (widest - len(values))] for values in found["covariance"]]
    plain = {name: values for name, values in found.items() if name not in ("covariance", "remarks")}
    arrays = {name: np.array(values, dtype=float) for name, values in plain.items()}
    return {**arrays, "covariance": np.array(padded, dtype=float), "remarks": found["remarks"]}


#: So many steps are shown, of longer flows the first ones and the last.
_ROWS = 12


class Flow(Mapping):
    """An optimizer and its flows: a mapping from names, the optimizer's first, to curves."""

    def __init__(self, found: dict, table: str, title: str):
        import numpy as np

        self._dict, self._table, self._title = found, table, title
        #: The step size.
        self.lr: float = found["lr"]
        self._curves = {}
        for name, curve in found["flows"].items():
            words = ("note", "beginning", "oscillations")
            arrays = {key: np.array(values, dtype=float) for key, values in curve.items() if key not in words}
            theta = arrays.get("re")
            if theta is not None and arrays["im"].any():
                theta = theta + 1j * arrays["im"]
            self._curves[name] = Curve(
                name, arrays["t"], theta, arrays["loss"], arrays["distance"], curve["note"], curve.get("beginning"),
                _oscillations(curve.get("oscillations")),
            )
        names = next(csv.reader([table.partition("\n")[0]]))
        #: The names of the variables.
        self.variables: list[str] = [name.removesuffix("_re") for name in names[3:-3:2]]

    def __getitem__(self, name: str) -> Curve:
        return self._curves[name]

    def __iter__(self):
        return iter(self._curves)

    def __len__(self) -> int:
        return len(self._curves)

    def to_dict(self) -> dict:
        """The command's `trajectories.json`."""
        return self._dict

    def to_pandas(self):
        """The command's `trajectories.csv` as a DataFrame: a row for each step of each curve."""
        import io

        return _table.pandas().read_csv(io.StringIO(self._table))

    def plot(self, ax=None):
        """Draws the curves with matplotlib: two variables against each other, one or several over time."""
        ax = _table.axes(ax)
        first = next(iter(self))
        for name, curve in self.items():
            style = {"marker": "o", "linestyle": "none", "zorder": 3} if name == first else {"marker": "."}
            match self.variables:
                case [_, _]:
                    ax.plot(*curve.theta.real.T, label=name, **style)
                case [_]:
                    ax.plot(curve.t, curve.theta.real, label=name, **style)
                case _:
                    ax.plot(curve.t, curve.loss, label=name, **style)
        labels = {1: ["t", *self.variables], 2: self.variables}.get(len(self.variables), ["t", "loss"])
        ax.set_xlabel(labels[0])
        ax.set_ylabel(labels[1])
        ax.set_title(self._title)
        ax.legend()
        return ax

    def _columns(self) -> dict[str, list]:
        steps = max(len(curve.t) for curve in self.values())
        columns: dict[str, list] = {"step": list(range(steps))}
        for name, curve in list(self.items())[1:]:
            column = [float(x) for x in curve.distance]
            columns[name] = [*column, *["-"] * (steps - len(column))]
        if steps > _ROWS:
            return {name: [*column[: _ROWS - 1], "…", column[-1]] for name, column in columns.items()}
        return columns

    def _remarks(self) -> list[str]:
        """Where curves begin and why they end, as the command says it."""
        begin = [f"{name} {curve.beginning}" for name, curve in self.items() if curve.beginning]
        return begin + [f"{name} ended: {curve.note}" for name, curve in self.items() if curve.note]

    def __repr__(self) -> str:
        lines = [f"distance of each flow to {next(iter(self))}:", _table.plain(self._columns()), *self._remarks()]
        return "\n".join([self._title, *lines])

    def _repr_html_(self) -> str:
        table = _table.html(self._columns(), f"{self._title}: distance of each flow to {next(iter(self))}")
        return table + "".join(f"<p>{escape(remark)}</p>" for remark in self._remarks())


def _optimizer(optimizer: str | Optimizer) -> tuple[str, list[str]]:
    if isinstance(optimizer, Optimizer):
        return optimizer.name, optimizer.words()
    return optimizer, [f"--optimizer={optimizer_text(optimizer)}"]


def _losses(loss: str | Sequence[str]) -> list[str]:
    texts = [loss] if isinstance(loss, str) else loss
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise Error(
            "a loss is a formula, a name or a file, as text, a list of such, or for flows an objective: "
            f"`bea.objective(value_and_grad, start=…)` makes one of callbacks; this is {loss!r:.60}"
        )
    return [f"--loss={text}" for text in texts]


def flow(
    loss: str | Sequence[str] | Objective,
    *,
    lr: float | str,
    start: Sequence[float] | Mapping[str, float] | str | None = None,
    steps: int = 20,
    flows: Iterable[str] | str | None = None,
    optimizer: str | Optimizer = "gradient_descent",
    buffers: str | None = None,
    flows_from: str | None = None,
    players: str | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    euler: float | None = None,
    branch: str | None = None,
    directions: int | None = None,
    progress: bool = False,
    **values: Any,
) -> Flow:
    """Simulates an optimizer beside its flows. The arguments are those of `bea flow`.

    `loss` is a formula, a name or a file; for a game with several losses, a list of them. `values` are those of
    parameters of the loss, or of an optimizer that is given by its name. `flows` are names, as a list or separated by commas:
    "ngf,igr,pf" unless they are given, for gradient descent, "order:1,order:3,interpolated:3" for another optimizer of a formula,
    and "order:1" for one of an objective. `loss` may be an objective as well, which is followed from `start`, in the structure
    of its parameters, or from where it is; then the arguments are lr, steps, flows, optimizer, rtol and atol, and points are
    kept up to 1000 parameters. `progress` shows bars by tqdm, where that is installed.

    A flow that ends before the last step says why in its `note`. Errors are a flow that the optimizer or the loss does not
    have, a start where the loss is undefined, and derivatives that an objective lacks.

    >>> import bea
    >>> flow = bea.flow("rosenbrock", start=[-1.2, 1], lr=6e-4, steps=6, flows=["ngf", "igr", "pf"])
    >>> flow["pf"].theta.shape
    (7, 2)
    >>> bool(flow["pf"].distance[-1] < flow["igr"].distance[-1] < flow["ngf"].distance[-1])
    True
    """
    if flows is not None and not isinstance(flows, str):
        flows = list(flows)
        wrong = [name for name in flows if not isinstance(name, str)]
        if wrong:
            raise Error(f"flows are names, [\"ngf\", \"pf\"] say, not {wrong[0]!r:.60}")
        flows = ",".join(flows)
    steps = count(steps, "`steps`")
    if isinstance(loss, Objective):
        given = {
            "buffers": buffers, "flows_from": flows_from, "players": players, "euler": euler, "branch": branch,
            "directions": directions,
        }
        wrong = [f"`{key}`" for key, value in given.items() if value is not None]
        if wrong:
            raise Error(f"flows of an objective have no {' and '.join(wrong)}")
        return _of_objective(loss, lr, start, steps, flows, optimizer, rtol, atol, values, progress)
    losses = _losses(loss)
    name, words = _optimizer(optimizer)
    if isinstance(start, Mapping):
        start = ",".join(f"{key}={exact(value)}" for key, value in start.items())
    elif start is not None and not isinstance(start, str):
        # One number is the start of one variable.
        several = getattr(start, "ndim", 1) > 0 and hasattr(start, "__len__")
        start = ",".join(exact(value) for value in (start if several else [start]))
    numbers = {"lr": lr, "rtol": rtol, "atol": atol, "euler": euler}
    with tempfile.TemporaryDirectory(prefix="bea-") as folder:
        out = Path(folder, "flow")
        command(
            [
                "flow",
                *losses,
                *words,
                *options(**{key: None if x is None else exact(x) for key, x in numbers.items()}),
                *options(start=start, steps=steps, flows=flows, buffers=buffers, flows_from=flows_from),
                *options(players=players),
                *options(branch=branch, directions=directions, out=out),
                *settings(values),
            ],
            progress=progress,
        )
        found = json.loads((out / "trajectories.json").read_text())
        table = (out / "trajectories.csv").read_text()
    return Flow(found, table, f"{loss if isinstance(loss, str) else ' and '.join(loss)}, {name}, h = {found['lr']:g}")


#: Of more parameters than this, points are left out.
_LISTED = 1000


def _of_objective(
    objective: Objective, lr, start, steps, flows, optimizer, rtol, atol, values, progress
) -> Flow:
    single = objective.precision > 1e-10
    lr = number(lr, "the step size `lr`")
    usual = {"rtol": 1e-6, "atol": 1e-7} if single else {"rtol": 1e-10, "atol": 1e-12}
    given = {"rtol": rtol, "atol": atol}
    tolerances = {key: usual[key] if x is None else number(x, f"`{key}`") for key, x in given.items()}
    for key, value in tolerances.items():
        if not value > 0:
            raise Error(f"the tolerance `{key}` must be positive, not {value:g}")
    names = objective.names() if objective.dimension <= _LISTED else None
    text, given = named(optimizer, values)
    point = objective.point(start)
    with objective.working(check=True), told(progress) as tell:
        check_symmetric(objective, point)
        found, table = _bea.simulate(
            objective._raw, point, text, given, flows, lr, steps, tuple(tolerances.values()), names,
            tell,
        )
    name = optimizer.name if isinstance(optimizer, Optimizer) else optimizer
    return Flow(json.loads(found), table, f"{objective!r}, {name}, h = {lr:g}")


class Code:
    """A flow as a function of NumPy arrays: `code(theta, h)` is its velocity.

    `code.loss(theta)`, `code.gradient(theta)` and, for some flows, `code.hessian(theta)` are those of the loss; those of games have
    the names of the vector fields, `code.loss_fx`. `dir(code)` lists them.
    """

    def __init__(self, source: str, name: str):
        #: The source, of Python with NumPy.
        self.source = source
        functions: dict[str, Any] = {"__name__": f"bea.codegen({name!r})"}
        exec(compile(source, functions["__name__"], "exec"), functions)
        self._functions = functions
        #: The names of the variables.
        self.coordinates: tuple[str, ...] = functions["COORDINATES"]

    def __call__(self, theta, h, **parameters) -> np.ndarray:
        """The velocity at `theta` with the step size `h`."""
        return self._functions["field"](theta, h, **parameters)

    def __getattr__(self, name: str) -> Any:
        # loss, gradient, hessian; those of games have the names of the vector fields.
        functions = self.__dict__.get("_functions", {})
        if name.startswith("_") or name not in functions:
            raise AttributeError(f"this code has no function {name!r}")
        return functions[name]

    def __dir__(self) -> list[str]:
        own = (name for name, value in self._functions.items() if callable(value) and not name.startswith("_"))
        return sorted({*super().__dir__(), *own})

    def __repr__(self) -> str:
        return f"<{self._functions['__name__']} of {', '.join(self.coordinates)}>"


def codegen(
    loss: str | Sequence[str],
    flow: str = "order:2",
    *,
    optimizer: str | Optimizer = "gradient_descent",
    players: str | None = None,
    force: bool = False,
    **values: Any,
) -> Code:
    """A flow of a loss as a function of NumPy arrays. The arguments are those of `bea codegen`.

    >>> import bea
    >>> f = bea.codegen("x^4/4", flow="order:2")
    >>> f([1.0], 0.1)
    array([-1.185])
    >>> f.gradient([2.0])
    array([8.])
    """
    _, words = _optimizer(optimizer)
    rest = options(flow=flow, lang="python", players=players, force=force)
    return Code(command(["codegen", *_losses(loss), *words, *rest, *settings(values)]), flow)
