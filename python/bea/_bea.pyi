"""The compiled part of bea."""

from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
_Matrix = tuple[Objective, Vector] | tuple[Callable[[Vector], Vector], int]
#: Value and gradient, product, third derivative, value; values are arrays of one entry.
_Callbacks = tuple[Callable, Callable | None, Callable | None, Callable | None]
#: Takes a list of (name, steps done, steps in all).
_Progress = Callable[[list[tuple[str, int, int]]], Any]

__version__: str

class Error(ValueError):
    """What is wrong with what bea was asked for, in the words of the command line."""

class Objective:
    """A loss of a flat vector of 64-bit numbers."""

    @property
    def dimension(self) -> int: ...
    @property
    def has_products(self) -> bool: ...
    @property
    def precision(self) -> float: ...
    def counts(self) -> dict[str, int]: ...
    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]: ...
    def hessian_vectors(self, x: Vector, rows: Vector) -> Vector: ...
    def contraction(self, x: Vector, rows: Vector) -> Vector: ...

def command(
    words: list[str], progress: _Progress | None = None
) -> tuple[bytes, str, int, BaseException | None]: ...
def callbacks(n: int, real: _Callbacks, complex: _Callbacks | None, precision: float) -> Objective: ...
def network(words: list[str]) -> tuple[Objective, Vector, list[tuple[str, list[int]]], str]: ...
def lanczos(
    matrix: _Matrix,
    largest: int,
    smallest: int,
    tolerance: float,
    start: Vector | None,
    random: int,
    seed: int,
    single: bool,
    search: bool | None,
    products: int,
    progress: Callable[[int], Any] | None,
    diagonal: Vector | None,
) -> dict[str, Any]: ...
def density(
    matrix: _Matrix, steps: int, probes: int, seed: int, progress: Callable[[int], Any] | None
) -> dict[str, Any]: ...
def density_grid(nodes: Vector, weights: Vector, width: float, points: int) -> Vector: ...
def principal_flow(
    objective: Objective, x: Vector, lr: float
) -> tuple[NDArray[np.complex128], float, int]: ...
def stability_coefficients(
    eigenvalues: Vector,
    eigenvectors: Vector,
    gradient: Vector,
    lr: float,
    optimizer: str,
    values: list[str],
) -> dict[str, Any]: ...
def velocity(
    objective: Objective, x: Vector, optimizer: str, values: list[str], flow: str, lr: float
) -> NDArray[np.complex128]: ...
def simulate(
    objective: Objective,
    x: Vector,
    optimizer: str,
    values: list[str],
    flows: str | None,
    lr: float,
    steps: int,
    tolerances: tuple[float, float],
    variables: list[str] | None,
    progress: _Progress | None,
) -> tuple[str, str]: ...
def dal(objective: Objective, x: Vector, power: float, cap: float) -> dict[str, Any]: ...
def dal_rate(gradient: float, product: float, power: float, cap: float) -> float: ...
