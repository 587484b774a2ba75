"""Processes that were forked from one that works with bea: they have its memory without its threads."""

from __future__ import annotations

import functools
import os
import types
from typing import Callable

from bea import _bea

#: Advice to those who write Rust, and what it is in Python.
_ADVICE = {
    "formulas and networks have them; closures get them by `hessian_vector`, or from finite differences of gradients by "
    "`differences`": "give `hvp` to `bea.objective`",
    "formulas and networks have derivatives of every order; closures get them by `with_contraction`": "formulas and bea's "
    "own networks have derivatives of every order",
    "formulas and networks are defined there; closures get them by `with_complex`": "formulas and bea's own networks are "
    "defined there",
    "let the closure return an error": "let the callback raise an exception",
}

#: The process that used bea first.
_first: int | None = None


def _checked(function: Callable) -> Callable:
    @functools.wraps(function)
    def call(*arguments):
        global _first
        own = os.getpid()
        if _first is None:
            _first = own
        elif _first != own:
            raise RuntimeError(
                "this process was forked from one that had used bea, whose threads it would wait for forever: "
                'start processes anew, with multiprocessing.get_context("spawn")'
            )
        try:
            return function(*arguments)
        except _bea.Error as error:
            text = str(error)
            for words, instead in _ADVICE.items():
                text = text.replace(words, instead)
            if text == str(error):
                raise
            raise _bea.Error(text) from None

    return call


def watch() -> None:
    """Lets the functions of the compiled part raise in such processes."""
    for name, function in list(vars(_bea).items()):
        if isinstance(function, types.BuiltinFunctionType):
            setattr(_bea, name, _checked(function))
