"""Commands, as on the command line."""

from __future__ import annotations

import json
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import Any, Mapping

from bea import _bea


def command(words: list[str], *, faults: bool = False) -> str:
    """What a command prints; its notes are warnings. With `faults`, its output tells what was wrong, too."""
    output, notes, code = _bea.command(words)
    if code == 2 and not faults:
        raise _bea.Error(notes.rstrip() or output.decode().rstrip())
    warn(notes)
    return output.decode()


def warn(notes: str) -> None:
    """Warns of each note."""
    for line in notes.splitlines():
        if line.startswith("note: "):
            warnings.warn(line.removeprefix("note: "), stacklevel=5)


def answer(words: list[str], *, faults: bool = False) -> Any:
    """The JSON that a command prints."""
    return json.loads(command(words, faults=faults))


def exact(value: Any) -> str:
    """A number as the command reads it: without rounding, and without an exponent."""
    if isinstance(value, (str, Fraction, int)):
        return str(value)
    if hasattr(value, "p") and hasattr(value, "q"):  # a rational of SymPy
        return f"{value.p}/{value.q}"
    return format(Decimal(repr(float(value))), "f")


def settings(values: Mapping[str, Any]) -> list[str]:
    """`--set NAME=VALUE` for each."""
    return [word for name, value in values.items() for word in ("--set", f"{name}={exact(value)}")]


def options(**values: Any) -> list[str]:
    """`--name value` for those that are given, and `--name` for those that are True."""
    words: list[str] = []
    for name, value in values.items():
        option = f"--{name.rstrip('_').replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words.append(f"{option}={value}")
    return words
