"""Exact coefficients, as bea writes them."""

from __future__ import annotations

import operator
import re
from fractions import Fraction
from typing import Any, Callable

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+)|(?P<name>[^\W\d]\w*)|(?P<sign>[-+*/^()]))")


def coefficient(text: str, parameters: list[str]) -> Any:
    """A Fraction; a SymPy expression where there are parameters, or the text if SymPy is not installed.

    >>> coefficient("-1/2", [])
    Fraction(-1, 2)
    """
    if not re.search(r"[^\W\d]", text):
        return _Reader(text, Fraction, {}, sum).read()
    try:
        import sympy
    except ImportError:
        return text
    symbols = {name: sympy.Symbol(name) for name in parameters}
    return _Reader(text, sympy.Integer, symbols, lambda terms: sympy.Add(*terms)).read()


class _Reader:
    """Reads sums of products of powers. Only parentheses nest: sums may be long."""

    def __init__(self, text: str, number: Callable, symbols: dict[str, Any], sum: Callable):
        self._text, self._number, self._symbols, self._sum = text, number, symbols, sum
        self._at = 0

    def read(self) -> Any:
        value = self._read_sum()
        if self._text[self._at :].strip():
            raise self._fault()
        return value

    def _fault(self) -> ValueError:
        return ValueError(f"no coefficient: {self._text[:60]} at {self._at}")

    def _take(self, kind: str, among: str | None = None) -> str | None:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found[kind] is None or (among is not None and found[kind] not in among):
            return None
        self._at = found.end()
        return found[kind]

    def _read_sum(self) -> Any:
        terms = []
        sign = self._take("sign", "+-") or "+"
        while sign:
            terms.append(self._read_product(sign == "-"))
            sign = self._take("sign", "+-")
        return self._sum(terms)

    def _read_product(self, negative: bool) -> Any:
        value = self._read_power()
        # A minus belongs to the first factor, as in Python.
        value = -value if negative else value
        while sign := self._take("sign", "*/"):
            value = (operator.mul if sign == "*" else operator.truediv)(value, self._read_power())
        return value

    def _read_power(self) -> Any:
        value = self._read_atom()
        if self._take("sign", "^"):
            negative = self._take("sign", "-")
            exponent = int(self._take("number") or self._fail())
            value = value ** (-exponent if negative else exponent)
        return value

    def _read_atom(self) -> Any:
        if digits := self._take("number"):
            return self._number(int(digits))
        if name := self._take("name"):
            return self._symbols[name] if name in self._symbols else self._fail()
        if not self._take("sign", "("):
            self._fail()
        value = self._read_sum()
        return value if self._take("sign", ")") else self._fail()

    def _fail(self) -> Any:
        raise self._fault()
