"""Optimizers and their modified fields."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Mapping

from bea._bea import Error
from bea._command import answer, assignments, command, count, options, settings
from bea._exact import coefficient


@dataclass(frozen=True, eq=False)
class Term:
    """One term `coefficient · h^power · F(tree)` of a modified field."""

    #: The power of the step size.
    h: int
    #: A Fraction; with symbolic parameters a SymPy expression, or text where SymPy is not installed.
    coefficient: Any
    #: The elementary differential, such as `f'f`.
    notation: str
    #: The tree as nested lists, or the typed tree of a nonlinear step as nested dictionaries.
    tree: Any
    #: Whether the tree is a chain; None for nonlinear steps.
    principal: bool | None = None
    #: The variable whose velocity it is part of: theta, a slow variable, or a player of a game.
    coordinate: str = "theta"


class Optimizer:
    """An optimizer of the library, of a file, or of a definition, with values for its parameters or without.

    >>> import bea
    >>> mine = bea.optimizer('''optimizer mine(m) {
    ...   state v
    ...   v' = m*v + h*f(theta + m*v)
    ...   theta' = theta + v'
    ... }''', m="9/10")
    >>> mine.derive(order=1).coefficient("[[]]")
    Fraction(-860, 1)
    """

    def __init__(self, text: str, values: Mapping[str, Any]):
        #: The name, path or definition that it was made from.
        self.text = text
        #: The values of parameters; others are symbolic.
        self.values = dict(values)
        found = self.derive(order=0).to_dict()
        #: Its name.
        self.name: str = found["optimizer"]
        #: The names of the parameters that are symbolic.
        self.parameters: list[str] = found["parameters"]

    def derive(
        self,
        order: int | None = None,
        *,
        start: str | None = None,
        only: str | None = None,
        at_step: int | None = None,
        notation: str | None = None,
        force: bool = False,
    ) -> Field:
        """The modified field, exactly.

        `order` is the highest power of h: 4 unless it is given, and 2 where the step is nonlinear. With `start="rest"`
        it is the effective start in the place of the field: where the flow has to begin that the iterates settle on.
        `only` is "principal" or "non-principal", terms of tall trees or the others. `at_step` takes the bias corrections
        of that step. `notation` is "primes", "dots" or "index", how elementary differentials are written: `f''(f,f)`, `[•,•]`
        or `f^i_{,jk} f^j f^k`. `force` derives even what is expected to take too long, which is an error otherwise.

        >>> import bea
        >>> [term.notation for term in bea.optimizer("gradient_descent").derive(order=2, only="non-principal").terms]
        ["f''(f,f)"]
        """
        order = None if order is None else count(order, "the order", 0)
        at_step = None if at_step is None else count(at_step, "`at_step`")
        words = options(
            order=order, start=start, only=only, at_step=at_step, notation=notation, force=force
        )
        return Field(self, words, start)

    def coefficient(self, tree: str, *, start: str | None = None) -> Any:
        """The coefficient of one tree of any size, such as `"[[[],[]],[]]"`."""
        found = answer(self.derivation([f"--tree={tree}", "--format=json", *options(start=start)]))
        return coefficient(found["terms"][0]["coefficient"], found["parameters"])

    def modified_loss(self, order: int | None = None) -> str:
        """The loss whose gradient flow this is, order by order, or the term that rules it out, as text."""
        order = None if order is None else count(order, "the order", 0)
        return command(self.derivation(["--modified-loss", *options(order=order)]))

    def derivation(self, words: list[str]) -> list[str]:
        """The words of the command that derives with these options."""
        return ["derive", *settings(self.values), *words, "--", self.text]

    def words(self) -> list[str]:
        """The options of the command that mean this optimizer."""
        return [f"--optimizer={self.text}", *settings(self.values)]

    def __repr__(self) -> str:
        values = "".join(f", {name}={value!r}" for name, value in self.values.items())
        return f"bea.optimizer({self.name!r}{values})"


def optimizer(text: str | os.PathLike, /, **values: Any) -> Optimizer:
    """An optimizer by its name, its file or its definition; `values` are those of its parameters.

    Values are exact: `m="9/10"`, a Fraction, an int, or a float, which stands for the decimal that it is printed as.

    >>> import bea
    >>> field = bea.optimizer("heavy_ball", m=0.9).derive(order=1)
    >>> [str(term.coefficient) for term in field.terms]
    ['10', '-950']

    A parameter that is named like a keyword of Python, `lambda` say, has an underscore behind it here: `lambda_="1/10"`.
    """
    if isinstance(text, os.PathLike):
        text = os.fspath(text)
    if not isinstance(text, str):
        raise Error(f"an optimizer is a name, a file or a definition, as text, not {text!r:.60}")
    return Optimizer(text, values)


def optimizers() -> list[str]:
    """The names of the library's optimizers.

    >>> import bea
    >>> "heavy_ball" in bea.optimizers()
    True
    """
    return [entry["name"] for entry in answer(["optimizers", "--format=json"])]


class Field:
    """A modified field: Jupyter typesets it, and `print` shows it as the command does."""

    def __init__(self, of: Optimizer, words: list[str], start: str | None):
        self._words, self._of, self._start = words, of, start

    def _written(self, format: str, *words: str) -> str:
        return command(self._of.derivation([*self._words, f"--format={format}", *words]))

    @cached_property
    def _dict(self) -> dict:
        return answer(self._of.derivation([*self._words, "--format=json"]))

    def to_dict(self) -> dict:
        """The command's JSON: `bea derive … --format json`."""
        return self._dict

    @property
    def order(self) -> int:
        """The highest power of h."""
        return self._dict["order"]

    @property
    def parameters(self) -> list[str]:
        """The symbolic parameters."""
        return self._dict["parameters"]

    @cached_property
    def terms(self) -> list[Term]:
        """All terms, by the power of h."""
        found, names = self._dict, self.parameters
        # Of a game, the field at the root of a tree moves its own player.
        player = lambda tree: found["players"][tree["field"]] if "players" in found else "theta"
        if "terms" in found:
            several = [(player(term["tree"]), term) for term in found["terms"]]
        else:
            several = [(part["name"], term) for part in found["coordinates"] for term in part["terms"]]
        return [
            Term(
                term["h"],
                coefficient(term["coefficient"], names),
                term["notation"],
                term["tree"],
                term.get("principal"),
                coordinate,
            )
            for coordinate, term in several
        ]

    def coefficient(self, tree: str) -> Any:
        """The coefficient of `"[[]]"`, say: a Fraction, or a SymPy expression in symbolic parameters."""
        return self._of.coefficient(tree, start=self._start)

    def latex(self, form: str = "field") -> str:
        """LaTeX. `form="gradient"` writes it with the gradient of a loss."""
        return self._written("latex", f"--as={form}")

    def sympy(self) -> Any:
        """A sum of h, the parameters and a noncommutative symbol for each elementary differential.

        A field of several variables, of slow ones or of the players of a game, is a dictionary.
        """
        try:
            import sympy
        except ImportError as error:
            raise ImportError(
                "`sympy()` needs SymPy: pip install sympy; `sympy_code()` is text, which needs none"
            ) from error
        h = sympy.Symbol("h")
        parts: dict[str, Any] = {}
        for term in self.terms:
            symbol = sympy.Symbol(term.notation, commutative=False)
            factor = term.coefficient
            if not isinstance(factor, sympy.Basic):
                factor = sympy.Rational(factor.numerator, factor.denominator)
            parts[term.coordinate] = parts.get(term.coordinate, 0) + h**term.h * factor * symbol
        return parts["theta"] if list(parts) == ["theta"] else parts

    def sympy_code(self) -> str:
        """Python text that has `modified_field`, which applies the field to concrete functions, with SymPy."""
        return self._written("sympy")

    def __str__(self) -> str:
        return self._written("text").rstrip("\n")

    def __repr__(self) -> str:
        return f"<bea.Field of {self._dict['optimizer']} to order {self.order}>"

    def _repr_latex_(self) -> str:
        return "\n".join(re.findall(r"\\begin\{align\*\}.*?\\end\{align\*\}", self.latex(), re.DOTALL))


def optimizer_text(optimizer: Any) -> str:
    """The name or the text of an optimizer, after a check that it is one."""
    if isinstance(optimizer, os.PathLike):
        optimizer = os.fspath(optimizer)
    if not isinstance(optimizer, str):
        raise Error(f"an optimizer is a name, a text or a `bea.Optimizer`, not {optimizer!r:.60}")
    return optimizer


def named(optimizer: str | Optimizer, values: dict[str, Any]) -> tuple[str, list[str]]:
    """An optimizer by its text, and the values of its parameters."""
    if isinstance(optimizer, Optimizer):
        twice = [f"`{name}`" for name in optimizer.values if name in values]
        if twice:
            raise Error(f"{twice[0]} is set twice: by `bea.optimizer`, and beside it")
        values = {**optimizer.values, **values}
        optimizer = optimizer.text
    return optimizer_text(optimizer), assignments(values)
