"""How an operator graph follows the number of its examples: found out by tracing the loss of some of them."""

from __future__ import annotations

import warnings
from typing import Any, Callable, Iterator

import numpy as np

from bea._bea import Error
from bea._graph import Written


class _Apart(Exception):
    """Why there is no telling."""


class Examples:
    """The data of a loss, and the graph of the loss of other data of the same form."""

    def __init__(self, data: Any, trace: Callable[[Any], Written]):
        self.data, self.trace = data, trace

    def followed_by(self, whole: Written) -> dict[str, Any]:
        """What `graph.json` says of examples."""
        try:
            return self._known(whole)
        except _Apart as reason:
            return {"refused": str(reason)}

    def _known(self, whole: Written) -> dict[str, Any]:
        lengths = {leaf.shape[0] if leaf.ndim else 1 for leaf in _leaves(self.data)}
        if not lengths:
            raise _Apart("it was made without data apart from the loss")
        if len(lengths) > 1:
            raise _Apart(f"its data have first axes of {' and '.join(map(str, sorted(lengths)))} entries, which are no examples")
        (count,) = lengths
        if count < 4:
            raise _Apart(f"it was traced on {count} examples, and 4 or more are needed to see what follows them")
        # All but the last, and all but the first and the last: constants that begin alike in both are no examples.
        less, least = self._part(1, 0, count - 1), self._part(2, 1, count - 1)
        if not _form(whole) == _form(less) == _form(least):
            raise _Apart("of fewer examples it has other operations")
        axes, steps = {}, {}
        for name, array in whole.constants.items():
            found = _axis(array, less.constants[name], least.constants[name], count)
            if found is None:
                raise _Apart(
                    f"a constant of shape {list(array.shape)} in {_user(whole, name)} depends on the examples, but has no part for "
                    "each of them"
                )
            axis, step = found
            if axis is not None:
                axes[name] = axis
            if step:
                steps[name] = step
        nodes = []
        for number, (node, one, two) in enumerate(zip(*(part.document["nodes"] for part in (whole, less, least)))):
            if not node == one == two:
                if not _follows(node, one, two, count):
                    raise _Apart(f"{_named(number, node)} does not follow the number of examples")
                nodes.append([number, {key: value for key, value in one.items() if key not in ("args", "at")}])
        return {"count": count, "axes": axes, "steps": steps, "other": count - 1, "nodes": nodes}

    def _part(self, fewer: int, start: int, stop: int) -> Written:
        """The graph of some examples."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.trace(_map(lambda leaf: leaf[start:stop], self.data))
        except (Error, ValueError, RuntimeError, TypeError, IndexError) as error:
            raise _Apart(f"of {fewer} examples fewer it fails: {str(error).splitlines()[0]}") from None


def _form(written: Written) -> list[Any]:
    """What does not depend on the number of examples: operations, what they are of, and the names of constants."""
    nodes = [(node["op"], node.get("args"), node.get("name")) for node in written.document["nodes"]]
    return [nodes, written.document["loss"], sorted(written.constants)]


def _user(written: Written, name: str) -> str:
    """The node that takes a constant, and its line."""
    nodes = written.document["nodes"]
    (constant,) = (number for number, node in enumerate(nodes) if node["op"] == "constant" and node["name"] == name)
    number, node = next((number, node) for number, node in enumerate(nodes) if constant in node.get("args", []))
    return _named(number, node)


def _named(number: int, node: dict[str, Any]) -> str:
    return f"node {number}, `{node['op']}`" + (f" from {node['at']}" if "at" in node else "")


def _axis(whole: np.ndarray, less: np.ndarray, least: np.ndarray, count: int) -> tuple[int | None, int] | None:
    """The axis along which a constant has examples, if it is not the same for all, and how far the positions that it has of each
    are from those of the one before; `None` if there is no telling."""
    if all(part.shape == whole.shape and np.array_equal(part, whole) for part in (less, least)):
        return None, 0
    for axis, size in enumerate(whole.shape):
        each = size // count
        if size % count or less.ndim != whole.ndim or least.ndim != whole.ndim:
            continue
        rows = lambda start, stop: np.take(whole, range(start * each, stop * each), axis)
        if not np.array_equal(less, rows(0, count - 1)) or least.shape != rows(1, count - 1).shape:
            continue
        apart = rows(1, count - 1) - least if whole.dtype.kind in "iu" else np.where(rows(1, count - 1) == least, 0, 1)
        if (apart == apart.flat[0]).all() and (apart.flat[0] == 0 or whole.dtype.kind in "iu"):
            return axis, int(apart.flat[0])
    return None


def _follows(whole: Any, less: Any, least: Any, count: int) -> bool:
    """Whether what differs are numbers that follow a straight line, the number of examples or its inverse."""
    if whole == less == least:
        return True
    if isinstance(whole, dict):
        same = isinstance(less, dict) and isinstance(least, dict) and whole.keys() == less.keys() == least.keys()
        return same and all(_follows(whole[key], less[key], least[key], count) for key in whole)
    if isinstance(whole, list):
        same = isinstance(less, list) and isinstance(least, list) and len(whole) == len(less) == len(least)
        return same and all(_follows(*entries, count) for entries in zip(whole, less, least))
    numbers = (whole, less, least)
    if all(type(number) is int for number in numbers):
        return whole - less == less - least
    if not all(type(number) is float for number in numbers):
        return False
    n = np.array([count, count - 1, count - 2])
    inverse, straight = np.array(numbers) * n, np.array(numbers) / n
    return any(np.allclose(values, values[0], rtol=1e-13, atol=0) for values in (inverse, straight))


def _leaves(data: Any) -> Iterator[Any]:
    """The arrays and tensors of nested tuples, lists and dictionaries."""
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, (tuple, list)):
        for part in data:
            yield from _leaves(part)
    elif hasattr(data, "shape") and hasattr(data, "ndim"):
        yield data


def _map(f: Callable[[Any], Any], data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _map(f, part) for key, part in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(_map(f, part) for part in data))
    if isinstance(data, (tuple, list)):
        return type(data)(_map(f, part) for part in data)
    return f(data) if hasattr(data, "shape") and hasattr(data, "ndim") else data
