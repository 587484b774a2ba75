"""Processes that were forked from one that works with bea: they have its memory without its threads."""

from __future__ import annotations

import functools
import os
import types
from typing import Callable

from bea import _bea

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
        return function(*arguments)

    return call


def watch() -> None:
    """Lets the functions of the compiled part raise in such processes."""
    for name, function in list(vars(_bea).items()):
        if isinstance(function, types.BuiltinFunctionType):
            setattr(_bea, name, _checked(function))
