"""How an operator graph follows the number of its examples: found out by tracing the loss of some of them."""

from __future__ import annotations

import math
import warnings
from typing import Any, Callable, Sequence

import numpy as np

from bea._bea import Error
from bea._graph import Written

#: The leaves of data, and what makes data of other leaves.
Flat = tuple[list[Any], Callable[[list[Any]], Any]]


class _Apart(Exception):
    """Why there is no telling."""


class Examples:
    """The data of a loss, and the graph of the loss of other data of the same form."""

    def __init__(self, data: Any, flatten: Callable[[Any], Flat], trace: Callable[[Any], Written]):
        self.data, self.flatten, self.trace = data, flatten, trace

    def __reduce__(self) -> Any:
        """Programs and their data stay where they are."""
        return Unpickled, ()

    def __deepcopy__(self, memo: Any) -> Examples:
        return self

    def followed_by(self, whole: Written) -> dict[str, Any]:
        """What `graph.json` says of examples."""
        try:
            return self._known(whole)
        except _Apart as reason:
            return {"refused": str(reason)}

    def _known(self, whole: Written) -> dict[str, Any]:
        count = self._count()
        again = self._part("traced again", range(count))
        if not _same_form(whole, again) or not _same_contents(whole, again):
            raise _Apart("it is another graph when it is traced again: its program or its data have changed since")
        # All but the last, and all but the first and the last: constants that begin alike in both are no examples.
        parts = [self._of(whole, range(count - 1)), self._of(whole, range(1, count - 1))]
        axes, _ = _axes(whole, parts, count)
        # What holds of nearly all of them need not hold of half, or of a few.
        few = _few(whole, axes, count)
        rest = (row for row in reversed(range(count)) if row not in few)
        half = sorted([*few, *(row for row, _ in zip(rest, range(count // 2 - len(few))))])
        parts += [self._of(whole, rows) for rows in (half, few)]
        axes, steps = _axes(whole, parts, count)
        nodes = []
        for number, (node, one, *others) in enumerate(zip(*(part.document["nodes"] for part in (whole, *_graphs(parts))))):
            sizes = [len(rows) for rows, _ in parts[1:]]
            if not all(_follows(node, one, other, count, size) for other, size in zip(others, sizes)):
                raise _Apart(f"{_named(number, node)} does not follow the number of examples")
            if node != one:
                nodes.append([number, {key: value for key, value in one.items() if key not in ("args", "at")}])
        return {"count": count, "axes": axes, "steps": steps, "other": count - 1, "nodes": nodes}

    def _count(self) -> int:
        if self.data is None:
            raise _Apart("it was made without data apart from the loss")
        lengths = {leaf.shape[0] for leaf in self.flatten(self.data)[0] if _has_axis(leaf)}
        if not lengths:
            raise _Apart("its data have no array with a first axis, which would count the examples")
        if len(lengths) > 1:
            raise _Apart(f"its data have first axes of {' and '.join(map(str, sorted(lengths)))} entries, which are no examples")
        (count,) = lengths
        if count < 4:
            raise _Apart(f"it was traced on {count} examples, and 4 or more are needed to see what follows them")
        return count

    def _of(self, whole: Written, rows: Sequence[int]) -> tuple[Sequence[int], Written]:
        """Some examples and their graph, which has the operations of the whole one."""
        part = self._part(f"of {len(rows)} examples", rows)
        if not _same_form(whole, part):
            raise _Apart(f"of {len(rows)} examples it has other operations")
        return rows, part

    def _part(self, what: str, rows: Sequence[int]) -> Written:
        """The graph of some examples."""
        leaves, rebuild = self.flatten(self.data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.trace(rebuild([leaf[np.array(rows)] if _has_axis(leaf) else leaf for leaf in leaves]))
        except Exception as error:  # Whatever a program raises.
            kind, text = type(error).__name__, (str(error).splitlines() or [""])[0]
            said = text if isinstance(error, Error) else f"{kind}: {text}" if text else kind
            raise _Apart(f"{what} it fails: {said}") from None


class Unpickled:
    """What is left of examples after pickling."""

    def followed_by(self, whole: Written) -> dict[str, Any]:
        return {"refused": "it was saved after pickling, which leaves out the program and the data that tell what follows the examples"}


def _has_axis(leaf: Any) -> bool:
    return getattr(leaf, "ndim", 0) > 0 and hasattr(leaf, "shape")


def _graphs(parts: list[tuple[Sequence[int], Written]]) -> list[Written]:
    return [graph for _, graph in parts]


def _same_form(one: Written, two: Written) -> bool:
    return _form(one) == _form(two)


def _same_contents(one: Written, two: Written) -> bool:
    """Nodes and constants; the point is the user's."""
    alike = all(_alike(array, two.constants[name]) for name, array in one.constants.items())
    return alike and one.document["nodes"] == two.document["nodes"]


def _few(whole: Written, axes: dict[str, int], count: int) -> list[int]:
    """Two examples, or as many more as it takes to keep apart what is apart: a constant of one number is no constant in a graph,
    and two that are alike are one."""
    rows = {0, count - 1}
    along = {name: np.moveaxis(whole.constants[name], axis, 0).reshape(count, -1) for name, axis in axes.items()}
    for name, array in along.items():
        some = array[sorted(rows)]
        if (some == some[0, 0]).all():
            rows.add(int(np.argmax((array != some[0, 0]).any(axis=1))))
        for other in along.values():
            if other is array:
                break
            if other.shape == array.shape and np.array_equal(array[sorted(rows)], other[sorted(rows)]):
                rows.add(int(np.argmax((array != other).any(axis=1))))
    return sorted(rows)


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


def _axes(whole: Written, parts: list[tuple[Sequence[int], Written]], count: int) -> tuple[dict[str, int], dict[str, int]]:
    """The axes along which constants have examples, and steps of those that have positions."""
    axes, steps = {}, {}
    for name, array in whole.constants.items():
        if all(np.array_equal(part.constants[name], array) for part in _graphs(parts)):
            continue
        found = _axis(array, [(rows, part.constants[name]) for rows, part in parts], count)
        if found is None:
            raise _Apart(
                f"a constant of shape {list(array.shape)} in {_user(whole, name)} depends on the examples, but has no part for "
                "each of them"
            )
        axes[name] = found[0]
        if found[1]:
            steps[name] = found[1]
    if not axes:
        raise _Apart("none of its constants depends on the examples")
    return axes, steps


def _axis(whole: np.ndarray, parts: list[tuple[Sequence[int], np.ndarray]], count: int) -> tuple[int, int] | None:
    """The axis along which a constant has examples, and how far the positions that it has of each are from those of the one
    before; `None` if there is no telling."""
    for axis, size in enumerate(whole.shape):
        if size % count:
            continue
        split = [*whole.shape[:axis], count, size // count, *whole.shape[axis + 1 :]]
        examples = np.moveaxis(whole.reshape(split), axis, 0)
        pairs = []
        for rows, part in parts:
            if part.shape != (*whole.shape[:axis], size // count * len(rows), *whole.shape[axis + 1 :]):
                break
            own = np.moveaxis(part.reshape([*split[:axis], len(rows), *split[axis + 1 :]]), axis, 0)
            pairs.append((np.array(rows), examples[list(rows)], own))
        if len(pairs) < len(parts):
            continue
        if all(_alike(expected, own) for _, expected, own in pairs):
            return axis, 0
        if whole.dtype.kind in "iu":
            # Of the second part, the first example is the second one of the whole.
            step = int(pairs[1][1].flat[0]) - int(pairs[1][2].flat[0])
            moved = lambda rows, own: step * (rows - np.arange(len(rows))).reshape(-1, *[1] * (own.ndim - 1))
            if all((expected.astype(np.int64) - own == moved(rows, own)).all() for rows, expected, own in pairs):
                return axis, step
    return None


def _alike(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether they are the same, but for last digits: what does not depend on parameters is rounded otherwise among others."""
    if one.shape != two.shape or one.dtype != two.dtype or one.dtype.kind != "f":
        return np.array_equal(one, two)
    finite = one[np.isfinite(one)]
    return np.allclose(one, two, rtol=0, atol=100 * np.finfo(one.dtype).eps * np.abs(finite).max(initial=0.0))


def _follows(whole: Any, less: Any, part: Any, count: int, size: int) -> bool:
    """Whether attributes of `size` examples follow from those of all and of one fewer: whole numbers by a straight line, others
    in proportion to the number of examples or to its inverse."""
    if whole == less:
        return bool(part == whole)
    kinds = {type(whole), type(less), type(part)}
    if kinds == {dict}:
        same = whole.keys() == less.keys() == part.keys()
        return same and all(_follows(whole[key], less[key], part[key], count, size) for key in whole)
    if kinds == {list}:
        same = len(whole) == len(less) == len(part)
        return same and all(_follows(*entries, count, size) for entries in zip(whole, less, part))
    if kinds == {int}:
        return bool(part - whole == (whole - less) * (size - count))
    if kinds != {float}:
        return False
    near = lambda a, b: math.isclose(a, b, rel_tol=1e-12)
    if near(whole * count, less * (count - 1)):
        return near(part * size, whole * count)
    return near(whole / count, less / (count - 1)) and near(part / size, whole / count)
