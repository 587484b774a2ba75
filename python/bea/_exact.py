"""Exact coefficients, as bea writes them."""

from __future__ import annotations

import ast
import operator
from fractions import Fraction
from typing import Any, Callable

_OPERATIONS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def coefficient(text: str, parameters: list[str]) -> Any:
    """A Fraction; a SymPy expression where there are parameters, or the text if SymPy is not installed.

    >>> coefficient("-1/2", [])
    Fraction(-1, 2)
    """
    tree = ast.parse(text.replace("^", "**"), mode="eval").body
    if not any(isinstance(node, ast.Name) for node in ast.walk(tree)):
        return _value(tree, Fraction, {})
    try:
        import sympy
    except ImportError:
        return text
    return _value(tree, sympy.Integer, {name: sympy.Symbol(name) for name in parameters})


def _value(node: ast.expr, number: Callable, symbols: dict[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int(value)):
            return number(value)
        case ast.Name(id=name) if name in symbols:
            return symbols[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, number, symbols)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
            return _value(left, number, symbols) ** exponent
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _OPERATIONS[type(op)](_value(left, number, symbols), _value(right, number, symbols))
    raise ValueError(f"no coefficient: {ast.unparse(node)}")
