"""Operator graphs: what PyTorch and JAX hand over, as `docs/graph.md` describes it.

A `Graph` has a method for every operation, which returns a `Value`: a node of the graph, or a constant that is computed here
already. Nodes that are equal are one node, and only those that the loss depends on are written.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import tempfile
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np

from bea._bea import Error

#: The names of dtypes in safetensors.
_NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "uint8": "U8", "bool": "BOOL"}

#: Operations on constants that are computed at once; what else has constant arguments alone becomes a node.
_FOLDED: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "neg": np.negative,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "square": np.square,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "scale": lambda x, factor: x * factor,
    "offset": lambda x, term: x + term,
    "reshape": lambda x, shape: x.reshape(shape),
    "permute": lambda x, axes: x.transpose(axes),
    "expand": lambda x, shape: np.broadcast_to(x, shape),
    "slice": lambda x, starts, stops, steps: x[
        tuple(slice(a, None if step < 0 and b < 0 else b, step) for a, b, step in zip(starts, stops, steps))
    ],
    "concatenate": lambda *x, axis: np.concatenate(x, axis),
    "take": lambda x, indices, axis: np.take(x, indices, axis),
    "sum": lambda x, axes, keep: x.sum(tuple(axes), keepdims=keep),
    "mean": lambda x, axes, keep: x.mean(tuple(axes), keepdims=keep) if x.size else x.sum(tuple(axes), keepdims=keep) * np.nan,
    "flip": lambda x, axes: np.flip(x, axes),
    "not": np.logical_not,
    "and": np.logical_and,
    "or": np.logical_or,
}


def _number(value: float) -> float | str:
    """A number as JSON has it."""
    return {math.inf: "inf", -math.inf: "-inf"}.get(float(value), float(value))


class Value:
    """A tensor: the node with this number, or the constant `array`."""

    __slots__ = ("array", "number", "shape")

    def __init__(self, shape: Sequence[int], number: int | None = None, array: np.ndarray | None = None):
        self.shape, self.number, self.array = tuple(map(int, shape)), number, array

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def constant(self) -> bool:
        return self.array is not None

    def uniform(self) -> float | None:
        """The number that a constant has everywhere, if there is one."""
        if self.array is None or self.array.size == 0:
            return None
        first = self.array.flat[0]
        return float(first) if self.array.size == 1 or (self.array == first).all() else None


class Graph:
    """Operations in the order in which they were asked for."""

    def __init__(self, producer: str, dtype: str):
        self.producer, self.dtype = producer, dtype
        #: The machine epsilon of its numbers.
        self.eps = float(np.finfo(np.float64 if dtype == "f64" else np.float32).eps)
        #: The line of the user's program that the next operations come from.
        self.at: str | None = None
        self.parameters: dict[str, np.ndarray] = {}
        self.constants: dict[str, np.ndarray] = {}
        self._nodes: list[dict[str, Any]] = []
        self._values: list[Value] = []
        self._known: dict[Any, Value] = {}
        self._digests: dict[Any, str] = {}
        #: The first tensor without entries.
        self._empty: str | None = None

    # Leaves

    def parameter(self, name: str, value: np.ndarray) -> Value:
        self.parameters[name] = value
        return self._node("parameter", (), value.shape, name=name)

    def constant(self, array: Any) -> Value:
        array = np.asarray(array)
        if array.dtype.kind == "c":
            raise Error(self.where("complex numbers: parameters and what depends on them are real"))
        return Value(array.shape, array=array)

    def _constant_node(self, value: Value, shape: bool) -> Value:
        """The node of a constant; a `scalar` where it has one number and its `shape` does not matter."""
        number = value.uniform()
        if number is not None and value.array.dtype.kind in "fiub" and not math.isnan(number):
            scalar = self._node("scalar", (), (), value=_number(number))
            return self._node("expand", (scalar,), value.shape, shape=list(value.shape)) if shape and value.ndim else scalar
        array = np.array(value.array, order="C", copy=True)
        if array.dtype.name not in _NAMES:
            array = array.astype(np.int64 if array.dtype.kind in "iu" else np.float64)
        if array.dtype.kind == "f" and np.isnan(array).any():
            at = ",".join(map(str, np.argwhere(np.isnan(array))[0]))
            raise Error(
                self.where(
                    f"a constant of shape {array.shape} is NaN{f' at [{at}]' if at else ''}: replace NaN first (nan_to_num); a "
                    "where() afterwards does not help, as derivatives of what it leaves out are NaN as well"
                )
            )
        key = (array.dtype.name, array.shape, hashlib.sha256(array.tobytes()).digest())
        name = self._digests.setdefault(key, f"c{len(self._digests)}")
        self.constants[name] = array
        return self._node("constant", (), array.shape, name=name)

    def where(self, text: str) -> str:
        """A text with the line that it is about."""
        return f"{text}\n  at {self.at}" if self.at else text

    # Nodes

    def _node(self, op: str, args: Sequence[Value], shape: Sequence[int], /, **attributes: Any) -> Value:
        numbers = [arg.number for arg in args]
        described = json.dumps(attributes, default=lambda number: number.item())
        key, attributes = (op, tuple(numbers), described), json.loads(described)
        known = self._known.get(key)
        if known is None:
            node = {"op": op, **({"args": numbers} if numbers else {}), **attributes}
            if self.at and op not in ("parameter", "constant", "scalar"):
                node["at"] = self.at
            self._nodes.append(node)
            known = self._known[key] = Value(shape, len(self._nodes) - 1)
            self._values.append(known)
        return known

    def emit(
        self, op: str, args: Sequence[Value], shape: Sequence[int], /, broadcast: bool = False, **attributes: Any
    ) -> Value:
        """The value of an operation; `broadcast` says that arguments may be numbers in the place of tensors. What has no entries
        does not depend on anything, and graphs have none of it."""
        if 0 in shape:
            self._empty = self._empty or self.where(f"a tensor of shape {tuple(shape)} on the way has no entries")
            return self.constant(np.zeros(shape))
        if all(arg.constant for arg in args) and op in _FOLDED:
            with np.errstate(all="ignore"):
                return self.constant(_FOLDED[op](*(arg.array for arg in args), **attributes))
        nodes = [self._constant_node(arg, shape=not broadcast) if arg.constant else arg for arg in args]
        if broadcast and np.broadcast_shapes(*(node.shape for node in nodes)) != tuple(shape):
            nodes = [self._constant_node(arg, shape=True) if arg.constant else arg for arg in args]
        return self._node(op, nodes, shape, **attributes)

    def _made_by(self, x: Value, op: str) -> dict[str, Any] | None:
        node = None if x.number is None else self._nodes[x.number]
        return node if node is not None and node["op"] == op else None

    def stops(self, x: Value) -> bool:
        """Whether it is the value of a `stop_gradient`."""
        return self._made_by(x, "stop_gradient") is not None

    # Entry by entry

    def elementwise(self, op: str, *args: Value, **attributes: Any) -> Value:
        shape = np.broadcast_shapes(*(arg.shape for arg in args))
        if op in ("equal", "not_equal") and args[0].number is not None and args[0].number == args[1].number:
            # What asks whether a number is NaN, which none is.
            return self.constant(np.full(shape, op == "equal"))
        return self.emit(op, args, shape, broadcast=len(args) > 1, **attributes)

    def unary(self, op: str, x: Value, **attributes: Any) -> Value:
        return self.emit(op, (x,), x.shape, **attributes)

    def _like(self, x: Value, shape: Sequence[int]) -> Value | None:
        return x if x.shape == tuple(shape) else None

    def add(self, x: Value, y: Value) -> Value:
        shape = np.broadcast_shapes(x.shape, y.shape)
        for a, b in ((x, y), (y, x)):
            if not a.constant and self._like(a, shape) and b.uniform() is not None:
                return self.offset(a, b.uniform())
        return self.elementwise("add", x, y)

    def subtract(self, x: Value, y: Value) -> Value:
        if not x.constant and y.uniform() is not None and self._like(x, np.broadcast_shapes(x.shape, y.shape)):
            return self.offset(x, -y.uniform())
        return self.elementwise("subtract", x, y)

    def multiply(self, x: Value, y: Value) -> Value:
        shape = np.broadcast_shapes(x.shape, y.shape)
        for a, b in ((x, y), (y, x)):
            if not a.constant and self._like(a, shape) and b.uniform() is not None:
                return self.scale(a, b.uniform())
        return self.unary("square", x) if x is y and not x.constant else self.elementwise("multiply", x, y)

    def divide(self, x: Value, y: Value) -> Value:
        if not y.constant and x.uniform() == 1 and self._like(y, np.broadcast_shapes(x.shape, y.shape)):
            return self.unary("reciprocal", y)
        # Not by the reciprocal, which rounds.
        return self.elementwise("divide", x, y)

    def scale(self, x: Value, factor: float) -> Value:
        if not math.isfinite(factor):
            return self.elementwise("multiply", x, self.constant(float(factor)))
        return x if factor == 1 else self.unary("neg", x) if factor == -1 else self.unary("scale", x, factor=float(factor))

    def offset(self, x: Value, term: float) -> Value:
        if not math.isfinite(term):
            return self.elementwise("add", x, self.constant(float(term)))
        return x if term == 0 else self.unary("offset", x, term=float(term))

    def power(self, x: Value, exponent: float) -> Value:
        """`x` to a power that is a number."""
        named = {1: None, 2: "square", 0.5: "sqrt", -0.5: "rsqrt", -1: "reciprocal"}
        if exponent == 0:
            return self.constant(np.ones(x.shape))
        if exponent in named:
            return x if exponent == 1 else self.unary(named[exponent], x)
        if float(exponent).is_integer():
            return self.unary("integer_power", x, exponent=int(exponent))
        return self.unary("real_power", x, exponent=float(exponent))

    def select(self, mask: Value, x: Value, y: Value) -> Value:
        """`x` where the mask is not 0, `y` elsewhere."""
        chosen = mask.uniform()
        if chosen is not None:
            return self.expand(x if chosen else y, np.broadcast_shapes(mask.shape, x.shape, y.shape))
        return self.elementwise("where", mask, x, y)

    # Shapes

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        shape = list(map(int, shape))
        before = self._made_by(x, "reshape")
        if before is not None:
            x = self._values[before["args"][0]]
        return x if x.shape == tuple(shape) else self.emit("reshape", (x,), shape, shape=shape)

    def permute(self, x: Value, axes: Sequence[int]) -> Value:
        axes = [int(axis) % x.ndim for axis in axes]
        if axes == list(range(x.ndim)):
            return x
        return self.emit("permute", (x,), [x.shape[axis] for axis in axes], axes=axes)

    def transpose(self, x: Value, a: int = -1, b: int = -2) -> Value:
        axes = list(range(x.ndim))
        axes[a], axes[b] = axes[b], axes[a]
        return self.permute(x, axes)

    def expand(self, x: Value, shape: Sequence[int]) -> Value:
        shape = list(map(int, shape))
        return x if x.shape == tuple(shape) else self.emit("expand", (x,), shape, shape=shape)

    def unsqueeze(self, x: Value, axis: int) -> Value:
        axis %= x.ndim + 1
        return self.reshape(x, [*x.shape[:axis], 1, *x.shape[axis:]])

    def squeeze(self, x: Value, axes: Sequence[int]) -> Value:
        axes = {axis % max(x.ndim, 1) for axis in axes}
        return self.reshape(x, [n for axis, n in enumerate(x.shape) if axis not in axes or n != 1])

    def slice(self, x: Value, axis: int, start: int, stop: int, step: int = 1) -> Value:
        """Along one axis, with bounds that are inside of it."""
        starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
        starts[axis], stops[axis], steps[axis] = start, max(stop, start), step
        return self.slices(x, starts, stops, steps)

    def slices(self, x: Value, starts: Sequence[int], stops: Sequence[int], steps: Sequence[int]) -> Value:
        shape = [max(0, -(-(b - a) // step)) for a, b, step in zip(starts, stops, steps)]
        if shape == list(x.shape) and all(step > 0 for step in steps):
            return x
        numbers = {"starts": list(map(int, starts)), "stops": list(map(int, stops)), "steps": list(map(int, steps))}
        return self.emit("slice", (x,), shape, **numbers)

    def pad(self, x: Value, padding: Sequence[Sequence[int]], value: float = 0.0) -> Value:
        padding = [[int(low), int(high)] for low, high in padding]
        if not any(map(any, padding)):
            return x
        shape = [n + low + high for n, (low, high) in zip(x.shape, padding)]
        if not x.size:
            return self.constant(np.full(shape, value))
        return self.emit("pad", (x,), shape, padding=padding, value=_number(value))

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        axis %= parts[0].ndim
        parts = [part for part in parts if part.shape[axis]] or parts[:1]
        if len(parts) == 1:
            return parts[0]
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self.emit("concatenate", parts, shape, axis=axis)

    def flip(self, x: Value, axes: Sequence[int]) -> Value:
        return self.emit("flip", (x,), x.shape, axes=sorted(axis % x.ndim for axis in axes)) if axes else x

    def take(self, x: Value, indices: Value, axis: int) -> Value:
        axis %= x.ndim
        shape = [*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]]
        return self.emit("take", (x, indices), shape, axis=axis)

    def gather(self, x: Value, indices: Value, axis: int) -> Value:
        """`torch.gather`: the other axes of the indices may be shorter than those of `x`."""
        axis %= x.ndim
        ends = [n if other == axis else m for other, (n, m) in enumerate(zip(x.shape, indices.shape))]
        x = self.slices(x, [0] * x.ndim, ends, [1] * x.ndim)
        return self.emit("gather", (x, indices), indices.shape, axis=axis)

    def scatter_add(self, x: Value, indices: Value, updates: Value, axis: int) -> Value:
        return self.emit("scatter_add", (x, indices, updates), x.shape, axis=axis % x.ndim)

    def selected(self, parts: Sequence[Value], positions: np.ndarray) -> Value:
        """Entries of tensors by their position in all of them one after the other: any selection whose indices are known."""
        positions = np.asarray(positions, dtype=np.int64)
        flat = self.concatenate([self.reshape(part, [part.size]) for part in parts], 0)
        if positions.size == flat.size and (positions.ravel() == np.arange(flat.size)).all():
            return self.reshape(flat, positions.shape)
        return self.take(flat, self.constant(positions), 0)

    def added(self, x: Value, positions: np.ndarray, updates: Value) -> Value:
        """`x` with updates added at flat positions that are known."""
        if not updates.size:
            return x
        flat = self.reshape(x, [x.size])
        indices = self.constant(np.asarray(positions, dtype=np.int64).ravel())
        return self.reshape(self.scatter_add(flat, indices, self.reshape(updates, [updates.size]), 0), x.shape)

    # Products

    def matmul(self, x: Value, y: Value) -> Value:
        """Of matrices, over broadcast leading axes; transpositions of the last two axes are taken along."""
        pair, transpose = [], []
        for value in (x, y):
            node = self._made_by(value, "permute")
            last = list(range(value.ndim))
            turned = node is not None and node["axes"] == [*last[:-2], last[-1], last[-2]]
            transpose.append(turned)
            pair.append(self._values[node["args"][0]] if turned else value)
        if x.shape[-1] != y.shape[-2]:
            raise Error(self.where(f"a product of matrices of shapes {x.shape} and {y.shape}"))
        shape = [*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-1]]
        if x.shape[-1] == 0:
            # Sums of nothing.
            return self.constant(np.zeros(shape))
        return self.emit("matmul", pair, shape, transpose=transpose)

    def along(self, x: Value, matrix: np.ndarray, axis: int) -> Value:
        """The product of a constant matrix `[out, in]` with every vector along an axis."""
        moved = self.transpose(x, axis, -1)
        return self.transpose(self.matmul(moved, self.constant(np.ascontiguousarray(matrix.T))), axis, -1)

    def convolution(self, x: Value, w: Value, stride, padding, dilation, groups: int) -> Value:
        padding = [[int(low), int(high)] for low, high in padding]
        spatial = [
            (n + low + high - d * (k - 1) - 1) // s + 1
            for n, k, s, (low, high), d in zip(x.shape[2:], w.shape[2:], stride, padding, dilation)
        ]
        return self.emit(
            "convolution", (x, w), [x.shape[0], w.shape[0], *spatial], stride=list(map(int, stride)), padding=padding,
            dilation=list(map(int, dilation)), groups=int(groups),
        )  # fmt: skip

    def convolution_transpose(self, x: Value, w: Value, stride, padding, dilation, groups: int, output_padding) -> Value:
        padding = [[int(low), int(high)] for low, high in padding]
        spatial = [
            (n - 1) * s - low - high + d * (k - 1) + 1 + extra
            for n, k, s, (low, high), d, extra in zip(x.shape[2:], w.shape[2:], stride, padding, dilation, output_padding)
        ]
        return self.emit(
            "convolution_transpose", (x, w), [x.shape[0], w.shape[1] * groups, *spatial], stride=list(map(int, stride)),
            padding=padding, dilation=list(map(int, dilation)), groups=int(groups),
            output_padding=list(map(int, output_padding)),
        )  # fmt: skip

    def pool(self, op: str, x: Value, window, stride, padding, dilation=None) -> Value:
        """`max_pool`, or `avg_pool` which counts what is padded."""
        padding = [[int(low), int(high)] for low, high in padding]
        steps = dilation or [1] * len(window)
        spatial = [
            (n + low + high - d * (k - 1) - 1) // s + 1
            for n, k, s, (low, high), d in zip(x.shape[2:], window, stride, padding, steps)
        ]
        own = {"dilation": list(map(int, steps))} if op == "max_pool" else {"count_padding": True}
        attributes = {"window": list(map(int, window)), "stride": list(map(int, stride)), "padding": padding}
        return self.emit(op, (x,), [*x.shape[:2], *spatial], **attributes, **own)

    # Along axes

    def reduce(self, op: str, x: Value, axes: Sequence[int] | None = None, keep: bool = False) -> Value:
        """`sum`, `mean`, `max`, `min`, `product` or `log_sum_exp`, over all axes unless some are given."""
        axes = sorted({int(axis) % x.ndim for axis in axes}) if axes is not None else list(range(x.ndim))
        if not axes:
            return x
        shape = [1 if axis in axes else n for axis, n in enumerate(x.shape) if keep or axis not in axes]
        return self.emit(op, (x,), shape, axes=axes, keep=bool(keep))

    def softmax(self, x: Value, axis: int, logarithm: bool = False) -> Value:
        if x.ndim == 0:
            return self.reshape(self.softmax(self.reshape(x, [1]), 0, logarithm), [])
        return self.unary("log_softmax" if logarithm else "softmax", x, axis=int(axis) % x.ndim)

    def index_of(self, op: str, x: Value, axis: int, keep: bool) -> Value:
        """`argmax` or `argmin`."""
        axis %= x.ndim
        shape = [1 if other == axis else n for other, n in enumerate(x.shape) if keep or other != axis]
        return self.emit(op, (x,), shape, axis=axis, keep=bool(keep))

    def argsort(self, x: Value, axis: int, descending: bool = False) -> Value:
        return self.unary("argsort", x, axis=int(axis) % x.ndim, descending=bool(descending))

    def cumulative_sum(self, x: Value, axis: int, reverse: bool = False) -> Value:
        return self.unary("cumulative_sum", x, axis=int(axis) % x.ndim, reverse=bool(reverse))

    def variance(self, x: Value, axes: Sequence[int] | None, correction: float, keep: bool) -> Value:
        """The mean of squares of what is left after the mean."""
        axes = list(range(x.ndim)) if axes is None else [axis % x.ndim for axis in axes]
        count = math.prod(x.shape[axis] for axis in axes)
        centred = self.subtract(x, self.reduce("mean", x, axes, True))
        total = self.reduce("sum", self.unary("square", centred), axes, keep)
        return self.divide(total, self.constant(float(count - correction)))

    def normalised(self, x: Value, axes: Sequence[int], eps: float) -> tuple[Value, Value, Value]:
        """`x` less its mean, divided by its standard deviation, and both, with axes that are kept."""
        mean = self.reduce("mean", x, axes, True)
        centred = self.subtract(x, mean)
        variance = self.reduce("mean", self.unary("square", centred), axes, True)
        inverse = self.unary("rsqrt", self.offset(variance, eps))
        return self.multiply(centred, inverse), mean, inverse

    # The whole

    def finish(self, loss: Value) -> Written:
        """The graph of a loss of one number."""
        if loss.constant or not any(self._nodes[number]["op"] == "parameter" for number in self._behind(loss, "stop_gradient")):
            raise self.independent()
        loss = self.reshape(loss, [])
        needed = self._behind(loss)
        self._refuse_empty(needed)
        numbers = {old: new for new, old in enumerate(sorted(needed))}
        nodes = []
        for old in numbers:
            node = dict(self._nodes[old])
            if "args" in node:
                node["args"] = [numbers[arg] for arg in node["args"]]
            nodes.append(node)
        used = {node["name"] for node in nodes if node["op"] == "constant"}
        constants = {name: array for name, array in self.constants.items() if name in used}
        described = lambda arrays: [{"name": name, "shape": list(a.shape)} for name, a in arrays.items()]
        document = {
            "bea_graph": 1,
            "producer": self.producer,
            "dtype": self.dtype,
            "parameters": described(self.parameters),
            "constants": described(constants),
            "nodes": nodes,
            "loss": numbers[loss.number],
        }
        return Written(document, self.parameters, constants)

    def independent(self) -> Error:
        """That the loss does not depend on parameters, and a reason."""
        return Error("the loss does not depend on any parameter" + (f": {self._empty}" if self._empty else ""))

    def _refuse_empty(self, needed: set[int]) -> None:
        """Says what has an axis of length 0, which graphs do not have."""
        for name, array in self.parameters.items():
            if not array.size:
                raise Error(f"the parameter {name} of shape {array.shape} has no entries: leave it out")
        for number in sorted(needed):
            node = self._nodes[number]
            for arg in node.get("args", []):
                shape = self._values[arg].shape
                if 0 in shape and self._nodes[arg]["op"] == "constant":
                    self.at = node.get("at")
                    raise Error(self.where(f"a tensor of shape {shape} that does not depend on parameters has no entries"))

    def _behind(self, value: Value, stop: str | None = None) -> set[int]:
        """The nodes that a value depends on, without what lies behind nodes of an operation."""
        found, left = set(), [value.number]
        while left:
            number = left.pop()
            if number not in found:
                found.add(number)
                left += [] if self._nodes[number]["op"] == stop else self._nodes[number].get("args", [])
        return found


class Written:
    """A graph as it is written: its document, parameters and constants."""

    def __init__(self, document: dict[str, Any], parameters: dict[str, np.ndarray], constants: dict[str, np.ndarray]):
        self.document, self.parameters, self.constants = document, parameters, constants

    def text(self) -> str:
        """`graph.json`, with a node a line."""
        head = {key: value for key, value in self.document.items() if key not in ("nodes", "loss")}
        lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
        nodes = ",\n".join(json.dumps(node, ensure_ascii=False) for node in self.document["nodes"])
        return "{" + "\n".join(lines) + f'\n"nodes": [\n{nodes}\n],\n"loss": {self.document["loss"]}}}\n'

    def tensors(self, parameters: dict[str, np.ndarray] | None = None) -> bytes:
        """`tensors.safetensors`, with other values of the parameters if they are given."""
        named = {**(parameters or self.parameters), **{f"constant.{name}": a for name, a in self.constants.items()}}
        # Those of the widest numbers first, so that all are aligned.
        named = dict(sorted(named.items(), key=lambda pair: -pair[1].itemsize))
        header, parts, at = {}, [], 0
        for name, array in named.items():
            array = np.ascontiguousarray(array).reshape(array.shape)
            data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
            offsets = [at, at + len(data)]
            header[name] = {"dtype": _NAMES[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
            parts.append(data)
            at += len(data)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + b"".join(parts)

    def save(self, path: Any, parameters: dict[str, np.ndarray] | None = None) -> None:
        """Writes the folder under another name, and gives it its own when it is whole."""
        path = Path(path)
        if path.is_dir() and {entry.name for entry in path.iterdir()} - {"graph.json", "tensors.safetensors"}:
            raise Error(f"{path} is a folder of something else: give another name")
        if path.exists() and not path.is_dir():
            raise Error(f"{path} is a file: an operator graph is a folder, such as model.bea-graph")
        if not path.absolute().parent.is_dir():
            raise Error(f"there is no folder {path.absolute().parent}")
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.absolute().parent) as folder:
            made, old = Path(folder) / "new", Path(folder) / "old"
            made.mkdir()
            (made / "graph.json").write_text(self.text(), encoding="utf-8")
            (made / "tensors.safetensors").write_bytes(self.tensors(parameters))
            if path.exists():
                path.rename(old)
            made.rename(path)
