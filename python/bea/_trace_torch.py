"""What a program of PyTorch does, as operations of an operator graph.

The loss runs once, on real tensors, and every operation (of ATen, below autograd, so that derivatives inside of the loss are
operations as well) is seen by a dispatch mode. Those on tensors that depend on parameters become nodes; all others are simply
done, so that masks, positions and targets are constants, and whatever Python does with them is none of our business. Views and
in-place operations are followed by the storage that they share.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from typing import Any, Callable, Iterator

import numpy as np

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from bea import _aten, _aten_layers  # noqa: F401
from bea._bea import Error
from bea._graph import Graph, Value

_HERE = os.path.dirname(os.path.abspath(__file__))
_TORCH = os.path.dirname(os.path.abspath(torch.__file__))
OWN_DERIVATIVE = (
    "the loss has an autograd.Function, {}: its derivative is what its author says, and a graph has those of its operations; write "
    "it in operations of PyTorch (checkpoints: use_reentrant=False)"
)
_Layout = tuple[tuple[int, ...], tuple[int, ...], int]
#: Views of one tensor, of which parts are written to, that are compared with each part.
_KEPT_VIEWS = 16


def _layout(t: torch.Tensor) -> _Layout:
    return tuple(t.shape), t.stride(), t.storage_offset()


def array(t: torch.Tensor) -> np.ndarray:
    """The entries of a tensor that does not depend on parameters."""
    if t._is_zerotensor():
        t = torch.zeros(t.shape, dtype=t.dtype)
    t = t.detach().resolve_neg().cpu()
    return (t.float() if t.dtype in (torch.bfloat16, torch.float16) else t).numpy()


class _Storage:
    """Memory whose contents depend on parameters: their value, laid out as `layout`, and those of views of it."""

    def __init__(self, t: torch.Tensor, value: Value | None):
        self.storage, self.dtype, self.layout, self._value = t.untyped_storage(), t.dtype, _layout(t), value
        self.version = 0
        #: What was written to a part since the whole was read: positions in the value, and values.
        self.written: list[tuple[np.ndarray, Value]] = []
        #: Whether it is a copy of what shares its memory otherwise.
        self.copied = False
        self.views = {self.layout: (0, value)}

    def value(self, graph: Graph) -> Value | None:
        """That of the whole. Parts that were written come together here, once for as many as there are."""
        if self.written:
            whole, parts = self._value, [value for _, value in self.written]
            chosen, at = np.arange(whole.size), whole.size
            for positions, value in self.written:
                chosen[positions.ravel()] = at + np.arange(value.size)
                at += value.size
            self.overwrite(graph.selected([whole, *parts], chosen.reshape(whole.shape)))
        return self._value

    def overwrite(self, value: Value) -> None:
        self._value, self.written = value, []

    def keep_apart(self, layout: _Layout) -> None:
        """Lets the next version have the views that share nothing with a tensor that is written: the gates of an LSTM are
        parts of one array, activated in place one after another."""
        known = [other for other, (version, value) in self.views.items() if version == self.version and value is not None]
        # Of a loop over many parts, most are never read again.
        if len(known) > _KEPT_VIEWS:
            return
        written = self.places(layout)
        for other in known:
            if not np.isin(self.places(other), written).any():
                self.views[other] = (self.version + 1, self.views[other][1])

    def places(self, layout: _Layout) -> np.ndarray:
        """Where the entries of a tensor lie."""
        size, stride, offset = layout
        places = np.full(size, offset, dtype=np.int64)
        for axis, (n, step) in enumerate(zip(size, stride)):
            places += (np.arange(n) * step).reshape([n] + [1] * (len(size) - axis - 1))
        return places

    def positions(self, layout: _Layout) -> np.ndarray:
        """The position of the entries of a tensor among those of the value."""
        places = self.places(self.layout)
        known = np.full(max(places.max(initial=0), self.places(layout).max(initial=0)) + 1, -1)
        known[places.ravel()] = np.arange(places.size)
        return known[self.places(layout)]


class Words(TorchFunctionMode):
    """Sees what below autograd cannot be told from other things: `detach` by the user, and numbers that leave PyTorch."""

    def __init__(self, tracer: Tracer):
        super().__init__()
        self.tracer = tracer

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        owner = getattr(getattr(func, "__self__", None), "__name__", "")
        if name in ("detach", "detach_") or (name == "__get__" and owner == "data"):
            with self.tracer.detaching():
                return func(*args, **(kwargs or {}))
        if name == "one_hot" and len(args) + len(kwargs or {}) > 1:
            # Which looks at its argument, and would be a program that depends on it.
            classes = args[1] if len(args) > 1 else kwargs["num_classes"]
            if classes > 0:
                return (args[0].unsqueeze(-1) == torch.arange(classes)).long()
        if name in ("numpy", "tolist", "__array__") and args:
            self.tracer.refuse_numbers(args[0])
        if name == "register_hook":
            self.tracer.refuse_hook(args[0])
        return func(*args, **(kwargs or {}))


class Tracer(TorchDispatchMode):
    def __init__(self, graph: Graph):
        super().__init__()
        self.graph = graph
        #: The code that the program is called from: lines further outside are none of it.
        self.caller = sys._getframe(1).f_code
        self.storages: dict[int, _Storage] = {}
        #: The modules that are being called, by name and class.
        self.modules: list[str] = []
        self._detaching = self._depth = 0
        #: The operations that are being taken apart.
        self._apart: list[Any] = []
        #: Casts to fewer digits, which the graph does not have.
        self.rounded: str | None = None
        #: The machine epsilon of the coarsest results.
        self.eps = 0.0

    # Values of tensors

    def storage(self, t: torch.Tensor) -> _Storage | None:
        return None if t._is_zerotensor() else self.storages.get(t.untyped_storage()._cdata)

    def value(self, t: torch.Tensor) -> Value:
        storage = self.storage(t)
        if storage is None:
            return self.graph.constant(array(t))
        layout = _layout(t)
        version, value = storage.views.get(layout, (-1, None))
        if version != storage.version:
            whole = storage.value(self.graph)
            if whole is not None:
                value = whole if layout == storage.layout else self.graph.selected([whole], storage.positions(layout))
            storage.views[layout] = (storage.version, value)
        if value is None:
            raise self.error("a result of this operation other than its first is used, which is not supported")
        if t.dtype != storage.dtype:
            raise self.error(f"numbers of type {storage.dtype} are read as {t.dtype}")
        return value

    def register(self, t: torch.Tensor, value: Value | None) -> None:
        """That the result of an operation has this value."""
        storage = self.storage(t)
        if storage is not None:
            if value is not None:
                storage.views[_layout(t)] = (storage.version, value)
        elif value is None or not value.constant:
            self.storages[t.untyped_storage()._cdata] = _Storage(t, value)

    def write(self, t: torch.Tensor, value: Value) -> None:
        """That memory has this value from now on."""
        storage = self.storage(t)
        if storage is not None and storage.copied:
            raise self.error("what `.detach()`, `.data` or a view under torch.no_grad() gives is written to: clone() it before")
        if storage is None:
            whole = torch.empty(0, dtype=t.dtype).set_(t.untyped_storage())
            storage = _Storage(whole, self.graph.constant(array(whole).copy()))
            self.storages[t.untyped_storage()._cdata] = storage
        layout = _layout(t)
        if layout == storage.layout:
            storage.overwrite(value)
        else:
            storage.written.append((storage.positions(layout), value))
            storage.keep_apart(layout)
        storage.version += 1
        storage.views[layout] = (storage.version, value)

    # Operations

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if self._depth == 0:
            self.graph.at = self.line()
        if torch.Tag.nondeterministic_seeded in func.tags and not _resting(func, args, kwargs):
            raise self.error(
                f"the loss is another one every time: it draws random numbers ({_name(func)}); switch dropout off with "
                "model.eval(), and draw what is to be fixed beforehand"
            )
        # Forward derivatives look at shapes alone, on a device without data.
        meta = str(kwargs.get("device")) == "meta" or any(t.device.type == "meta" for t in tensors)
        if not meta and func._overloadpacket.__name__ in _aten.EMPTY:
            # What nobody has written is to be the same every time.
            return func(*args, **kwargs).zero_()
        if meta or not any(self.storage(t) is not None for t in tensors):
            return func(*args, **kwargs)
        for t in tensors:
            if t.is_complex():
                raise self.error("complex numbers: parameters and what depends on them are real")
            if isinstance(t.grad_fn, torch.autograd.function.BackwardCFunction):
                raise self.error(OWN_DERIVATIVE.format(type(t.grad_fn).__name__.removesuffix("Backward")))
        return self.operation(func, args, kwargs)

    def operation(self, func, args, kwargs) -> Any:
        short = func._schema.name.split("::")[1]
        if torch.Tag.data_dependent_output in func.tags or short in ("_local_scalar_dense", "equal", "is_nonzero"):
            if _checks_arguments():
                return func(*args, **kwargs)
            raise self.error(
                "the program goes on in a way that depends on parameters: a tensor becomes a number of Python, in an `if` or by "
                "`.item()`; use torch.where instead"
            )
        if torch.Tag.dynamic_output_shape in func.tags and not self.known_indices(args, kwargs, short):
            raise self.error(
                f"how many entries {_name(func)} has depends on parameters: use torch.where instead of masks that select"
            )
        if short in _aten.SHAPES:
            return func(*args, **kwargs)
        if short.startswith(("bitwise_", "__")) and any(
            isinstance(arg, torch.Tensor) and arg.dtype != torch.bool for arg in args
        ):
            raise self.error(
                f"{_name(func)} of integers that depend on parameters: of masks (torch.bool), `&`, `|`, `^` and `~` are logic"
            )
        if short == "copy_":
            return self.copy(func, *args, **kwargs)
        if func._schema.is_mutable:
            return self.in_place(func, args, kwargs)
        if func.is_view and self.storage(args[0]) is not None:
            storage = self.storage(args[0])
            # Nothing is read, maybe to write to another part.
            lazy = storage.written and torch.is_grad_enabled() and not self._detaching
            if lazy or storage.value(self.graph) is None:
                return func(*args, **kwargs)
        rule = self.rule(func, args, kwargs)
        if rule is None:
            return self.taken_apart(func, args, kwargs)
        # First, as its own words are the best ones for what is wrong.
        out = func(*args, **kwargs)
        values = rule()
        if func.is_view and self._depth == 0 and (self._detaching or not torch.is_grad_enabled()):
            # The same memory would have two values, one of them constant.
            out = tree_map(lambda t: t.clone() if isinstance(t, torch.Tensor) else t, out)
            self.results(out, values)
            for view in [out] if isinstance(out, torch.Tensor) else out:
                self.storages[view.untyped_storage()._cdata].copied = True
            return out
        self.results(out, values)
        return out

    def results(self, out: Any, values: Any) -> None:
        results, values = ([out], [values]) if isinstance(out, torch.Tensor) else (list(out), list(values))
        values += [None] * (len(results) - len(values))
        for result, value in zip(results, values):
            if result is None:
                continue
            if value is not None:
                if result.is_floating_point() and not value.constant:
                    self.eps = max(self.eps, torch.finfo(result.dtype).eps)
                if value.shape != tuple(result.shape) and value.size:
                    raise self.error(f"the operation has the shape {tuple(result.shape)}, and its rule {value.shape}")
                if self._depth == 0 and not torch.is_grad_enabled() and not value.constant:
                    value = self.graph.unary("stop_gradient", value)
            self.register(result, value)

    def rule(self, func, args, kwargs) -> Callable[[], Any] | None:
        """What makes the nodes of an operation, if there is something."""
        short, overload = func._schema.name.split("::")[1], func._overloadname
        if func.namespace not in ("aten", "prims"):
            return None
        rule = _aten.RULES.get(f"{short}.{overload}")
        known = self.known_indices(args, kwargs, "")
        if short in ("index_put", "_unsafe_index_put") and known and (args[3] if len(args) > 3 else kwargs.get("accumulate", False)):
            rule = lambda g, x, indices, values, accumulate: _aten.RULES["index_put.accumulate"](g, x, indices, values)
        elif short in _aten.SELECTIONS and known and "reduce" not in overload and short not in ("view_copy",):
            return lambda: self.selection(func, args, kwargs)
        elif short in _aten.SEPARABLE:
            return lambda: self.separable(func, args, kwargs, _aten.SEPARABLE[short])
        elif short in _aten.SAME:
            return lambda: self.value(args[0])
        elif short == "detach":
            return lambda: self.detached(args[0])
        elif short in ("_to_copy", "convert_element_type", "to"):
            return lambda: self.cast(args[0], (kwargs.get("dtype") or (args[1] if len(args) > 1 else None)))
        rule = rule or _aten.RULES.get(short)
        if rule is None:
            return None
        known_words = {k: v for k, v in kwargs.items() if k not in ("memory_format", "device", "layout", "pin_memory")}
        as_values = lambda tree: tree_map(lambda leaf: self.value(leaf) if isinstance(leaf, torch.Tensor) else leaf, tree)
        return lambda: rule(self.graph, *as_values(args), **as_values(known_words))

    def known_indices(self, args, kwargs, short: str = "index") -> bool:
        """Whether no index, or mask that selects, depends on parameters."""
        leaves = tree_leaves((args[1:], kwargs))
        indices = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and not leaf.is_floating_point()]
        if short == "index":
            indices = [t for t in indices if t.dtype in (torch.bool, torch.uint8)]
        elif short == "nonzero":
            indices = [args[0]]
        return not any(self.storage(t) is not None for t in indices)

    def taken_apart(self, func, args, kwargs) -> Any:
        """An operation without a rule, by PyTorch's own decomposition of it; a view by what it shares."""
        from torch._decomp import decomposition_table

        if func.is_view:
            out = func(*args, **kwargs)
            for view in [out] if isinstance(out, torch.Tensor) else out:
                self.value(view)
            return out
        apart = decomposition_table.get(func) or getattr(func, "impl_aten", None)
        out = NotImplemented
        if func not in self._apart:
            self._apart.append(func)
            with self, self.deeper():
                out = apart(*args, **kwargs) if apart is not None else func.decompose(*args, **kwargs)
            self._apart.pop()
        if out is NotImplemented:
            name = _name(self._apart[0] if self._apart else func)
            raise self.error(f"the operation {name} is not supported, nor is what it is made of")
        return out

    def in_place(self, func, args, kwargs) -> Any:
        """By the operation that is not in place, and a copy."""
        short, overload = func._schema.name.split("::")[1], func._overloadname
        written = [i for i, arg in enumerate(func._schema.arguments) if arg.alias_info is not None and arg.alias_info.is_write]
        if written == [0] and short.endswith("_"):
            if torch.Tag.inplace_view in func.tags or short in ("detach_", "set_", "resize_"):
                return self.reshaped_in_place(func, args, kwargs)
            # Its overloads may have other names.
            functional = getattr(torch.ops.aten, short[:-1], None)
            if functional is not None:
                with self, self.deeper():
                    out = functional(*args, **kwargs)
                    if not (short.startswith("clamp") and not torch.is_grad_enabled()):
                        return args[0].copy_(out)
                return self.clamped(args[0], out)
        if isinstance(kwargs.get("out"), torch.Tensor):
            rest = {name: value for name, value in kwargs.items() if name != "out"}
            with self, self.deeper():
                kwargs["out"].copy_(func._overloadpacket(*args, **rest))
            return kwargs["out"]
        rule = self.rule(func, args, kwargs)
        if rule is None or short.startswith("_foreach"):
            raise self.error(f"the operation {_name(func)}, which writes to its arguments, is not supported")
        # Running statistics, which nothing else reads.
        values = rule()
        out = func(*args, **kwargs)
        self.results(out, values)
        return out

    def reshaped_in_place(self, func, args, kwargs) -> Any:
        short = func._schema.name.split("::")[1]
        if short in ("set_", "resize_"):
            raise self.error(f"the operation {short}, which changes what memory a tensor has, is not supported")
        if short == "detach_":
            self.write(args[0], self.detached(args[0]))
        # A view of the same memory, which is found by it.
        return func(*args, **kwargs)

    def copy(self, func, target, source, non_blocking=False) -> Any:
        value = self.cast(source, target.dtype)
        storage = self.storage(target)
        if storage is not None and not torch.is_grad_enabled() and not self.graph.stops(storage.value(self.graph)):
            # PyTorch clamps norms like this, which changes none of them.
            if torch.equal(target, source.to(target.dtype).expand(target.shape)):
                return target
            raise self.error("a tensor that depends on parameters is changed under torch.no_grad(): its derivatives are lost")
        if self._depth == 0 and not torch.is_grad_enabled() and not value.constant:
            value = self.graph.unary("stop_gradient", value)
        self.write(target, self.graph.expand(value, target.shape))
        return func(target, source, non_blocking)

    def clamped(self, target: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """What PyTorch clamps under torch.no_grad(), norms and variances, has another value and the derivative as before."""
        if not torch.equal(target, source):
            before = self.value(target)
            more = self.graph.unary("stop_gradient", self.graph.subtract(self.value(source), before))
            self.write(target, self.graph.add(before, more))
            target.copy_(source)
        return target

    # Operations of a kind

    def cast(self, x: torch.Tensor, dtype: torch.dtype | None) -> Value:
        value = self.value(x)
        if dtype is None or dtype == x.dtype:
            return value
        if dtype.is_complex:
            raise self.error("complex numbers: parameters and what depends on them are real")
        if dtype == torch.bool:
            return self.graph.elementwise("not_equal", value, self.graph.constant(0.0))
        if x.is_floating_point() and not dtype.is_floating_point:
            return self.graph.unary("trunc", value)
        if x.is_floating_point() and torch.finfo(dtype).eps > max(torch.finfo(x.dtype).eps, self.graph.eps):
            self.rounded = self.rounded or self.graph.at or str(dtype)
        return value

    def detached(self, x: torch.Tensor) -> Value:
        value = self.value(x)
        # Autograd detaches what it saves, too, which is no word of the user's.
        return self.graph.unary("stop_gradient", value) if self._detaching and not value.constant else value

    def selection(self, func, args, kwargs) -> Value:
        """Which entry of its arguments each of the results is."""
        parts: list[Value] = []
        at = 0

        def counted(leaf: Any) -> Any:
            nonlocal at
            if not isinstance(leaf, torch.Tensor) or not (leaf is args[0] or leaf.is_floating_point()):
                return leaf
            parts.append(self.value(leaf))
            numbers = torch.arange(at, at + leaf.numel(), dtype=torch.float64).reshape(leaf.shape)
            at += leaf.numel()
            return numbers

        words = dict(kwargs)
        # A number that is put in.
        if "value" in words or (func._overloadname.startswith("value") and len(args) > 3):
            number = words.get("value", args[3] if len(args) > 3 else 0)
            words["value"] = -1
            args = args[:3]
            counted_args = tree_map(counted, args)
            positions = func(*counted_args, **words).numpy().round().astype(np.int64)
            parts.append(self.graph.constant(np.array([float(number)])))
            return self.graph.selected(parts, np.where(positions < 0, at, positions))
        args, words = tree_map(counted, (tuple(args), words))
        return self.graph.selected(parts, func(*args, **words).numpy().round().astype(np.int64))

    def separable(self, func, args, kwargs, rank: int) -> Value:
        """What is linear along each of the last axes, by its matrices."""
        value = self.value(args[0])
        sizes = func(*args, **kwargs).shape[-rank:]
        for axis in range(-rank, 0):
            n, m = value.shape[axis], sizes[axis]
            if n == m and "adaptive" in _name(func):
                continue
            # Along this axis alone: what is the same along others stays so, and a few entries there do.
            few = [n if other == axis else min(value.shape[other], 4) for other in range(-rank, 0)]
            unit = torch.eye(n, dtype=torch.float64).reshape([n, 1] + [n if other == axis else 1 for other in range(-rank, 0)])
            target = [m if other == axis else size for other, size in zip(range(-rank, 0), few)]
            out = func(unit.expand([n, 1, *few]).contiguous(), target, *args[2:], **kwargs)
            matrix = out[(slice(None), 0, *(slice(None) if other == axis else 0 for other in range(-rank, 0)))]
            value = self.graph.along(value, matrix.T.numpy(), axis)
        return value

    # Messages

    @contextlib.contextmanager
    def deeper(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextlib.contextmanager
    def detaching(self) -> Iterator[None]:
        self._detaching += 1
        try:
            yield
        finally:
            self._detaching -= 1

    def error(self, text: str) -> Error:
        return Error(self.graph.where(text))

    def refuse_numbers(self, t: Any) -> None:
        if isinstance(t, torch.Tensor) and not torch._C._functorch.is_functorch_wrapped_tensor(t) and self.storage(t):
            self.graph.at = self.line()
            raise self.error("numbers that depend on parameters leave PyTorch, by `.numpy()` or `.tolist()`")

    def refuse_hook(self, t: torch.Tensor) -> None:
        if self.storage(t):
            self.graph.at = self.line()
            raise self.error("register_hook: a hook changes gradients, and a graph has those of its operations")

    def line(self) -> str | None:
        """The innermost line of the user's program, and the module that is being called."""
        frame, found = sys._getframe(1), None
        while frame is not None and frame.f_code is not self.caller:
            name = frame.f_code.co_filename
            if not name.startswith((_TORCH, _HERE)) and not name.startswith("<frozen") and "contextlib" not in name:
                code = linecache.getline(name, frame.f_lineno).strip()
                found = f"{os.path.basename(name)}:{frame.f_lineno} in {frame.f_code.co_name}"
                found += f": {code}" if code else ""
                break
            frame = frame.f_back
        inside = self.modules[-1] if self.modules else None
        return f"{found} ({inside})" if found and inside else found or inside


def _name(func: Any) -> str:
    return str(func)


def _checks_arguments() -> bool:
    """Whether a number is asked for by PyTorch's functions themselves, which refuse what is out of range."""
    frame = sys._getframe(1)
    while frame is not None and not frame.f_code.co_filename.endswith(os.path.join("torch", "nn", "functional.py")):
        name = frame.f_code.co_filename
        if not name.startswith((_TORCH, _HERE)) or name.startswith(os.path.join(_TORCH, "nn")):
            return False
        frame = frame.f_back
    return frame is not None


def _resting(func: Any, args: Any, kwargs: Any) -> bool:
    """Whether an operation that draws random numbers in training is not in training."""
    names = [argument.name for argument in func._schema.arguments]
    given = {**dict(zip(names, args)), **kwargs}
    return "training" in names and not given.get("training", False)
