"""PyTorch: modules as objectives, drift-adjusted learning rates, and a monitor for training loops.

It is imported when it is used: `bea.torch.objective(model, loss_fn, data)`.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import numbers
import os
import sys
import threading
import time
import warnings
import weakref
from typing import Any, Callable, Iterable, Iterator

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError("bea.torch needs PyTorch: pip install torch") from error

from bea import _bea, _table
from bea._bea import Error
from bea._command import count, exact, number
from bea._curvature import _LARGE, _along, drift_adjusted, drift_adjusted_step
from bea._derive import optimizer as _named
from bea._matrix import pairs as _pairs
from bea._module_torch import Whole
from bea._objective import Objective
from bea._structure import Structure, listed

__all__ = ["DAL", "Monitor", "objective"]


#: Evaluations put other parameters into a module while they last: one at a time, from whatever threads they come.
_LOCKS: weakref.WeakKeyDictionary[torch.nn.Module, Any] = weakref.WeakKeyDictionary()


def _alone(method: Callable) -> Callable:
    """A method of `_Module` that holds its lock."""

    @functools.wraps(method)
    def call(self: _Module, *arguments: Any) -> Any:
        with self.lock:
            return method(self, *arguments)

    return call


#: The files of the package, and that of its context managers.
_INSIDE = (os.path.join(os.path.dirname(os.path.abspath(__file__)), ""), contextlib.__file__)


def _warn(text: str) -> None:
    """Warns at the line of the program that has called the package, whether or not it was warned of there before."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    warnings.warn_explicit(text, UserWarning, frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__"))


def _what(value: Any) -> str:
    """Something unexpected, in a few words."""
    text = f"{value!r}".replace("\n", " ")
    return f"{text[:57]}…" if len(text) > 60 else text


def _batches(data: Any) -> Any:
    """Pairs of inputs and targets, to be passed through again and again."""
    if isinstance(data, (tuple, list)) and len(data) == 2 and not any(isinstance(part, (tuple, list)) for part in data):
        # Two tensors are one batch.
        return [_pair(data)]
    if isinstance(data, dict):
        raise Error(f"data are a pair of tensors, inputs and targets, or batches of such pairs, not {_what(data)}")
    if isinstance(data, torch.utils.data.Dataset) and not isinstance(data, torch.utils.data.IterableDataset):
        raise Error(
            "a Dataset has single examples: give batches of them, torch.utils.data.DataLoader(dataset, batch_size=1000)"
        )
    if torch.is_tensor(data) or not hasattr(data, "__iter__"):
        raise Error(f"data are a pair of tensors, inputs and targets, or batches of such pairs, not {_what(data)}")
    # What can be passed through once is kept.
    return list(data) if hasattr(data, "__next__") else data


def _pair(batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The inputs and targets of a batch."""
    if isinstance(batch, (tuple, list)) and len(batch) == 2 and all(map(torch.is_tensor, batch)):
        inputs, targets = batch
        if inputs.ndim == 0 or targets.ndim == 0:
            raise Error(
                f"the first axes of inputs and targets count the examples: shapes are {tuple(inputs.shape)} and {tuple(targets.shape)}"
            )
        if len(inputs) != len(targets):
            raise Error(f"there are {len(inputs)} inputs and {len(targets)} targets: each example has one of both")
        return inputs, targets
    if isinstance(batch, dict):
        keys = ", ".join(map(repr, batch))
        raise Error(
            f"a batch is a pair of tensors, inputs and targets, not a dictionary with the keys {keys}: give pairs, "
            '[(batch["inputs"], batch["targets"]) for batch in loader]'
        )
    if isinstance(batch, (tuple, list)) and any(isinstance(part, np.ndarray) for part in batch):
        raise Error("a batch is a pair of tensors, not of NumPy arrays: make tensors of them by torch.from_numpy")
    parts = f" of {', '.join(type(part).__name__ for part in batch)}" if isinstance(batch, (tuple, list)) else ""
    raise Error(
        f"a batch is a pair of tensors, inputs and targets, not {type(batch).__name__}{parts}; a model of several inputs "
        "takes one tensor in a module around it that splits it"
    )


def _check_settings(chunk: int | None, reduction: str) -> None:
    """Refuses what `objective` and `Monitor` cannot take."""
    if reduction not in ("mean", "sum"):
        raise Error(f'`reduction` is how the loss treats examples, "mean" or "sum", not {reduction!r}')
    if chunk is not None and not (isinstance(chunk, numbers.Integral) and chunk >= 1):
        raise Error(f"`chunk` is a number of examples, 1 at least, not {chunk!r:.60}")


class _Module:
    """The loss of a module on batches as a function of one flat vector."""

    def __init__(self, model: torch.nn.Module, loss_fn: Callable, data: Any, chunk: int | None, reduction: str):
        if not isinstance(model, torch.nn.Module):
            raise Error(f"the model comes first, a torch.nn.Module, then the loss and the data; it is {_what(model)}")
        if not callable(loss_fn):
            raise Error(f"the loss comes second, a function of outputs and targets, then the data; it is {_what(loss_fn)}")
        _check_settings(chunk, reduction)
        self.model, self.chunk, self.reduction = model, chunk, reduction
        self.whole = Whole(model, loss_fn)
        self.lock = _LOCKS.setdefault(model, threading.RLock())
        self.data = _batches(data)
        parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if not parameters:
            swapped = isinstance(loss_fn, torch.nn.Module) and any(True for _ in loss_fn.parameters())
            advice = ": the model comes first, then the loss" if swapped else ""
            raise Error(f"the model has no parameter that requires a gradient{advice}")
        self.shapes = {name: p.shape for name, p in parameters.items()}
        # They are found here, as evaluations put others in their places.
        self.originals = parameters
        kinds = {p.dtype for p in parameters.values()}
        if any(kind.is_complex for kind in kinds):
            raise Error("parameters are real numbers, and those of the model are complex")
        #: The machine epsilon of the coarsest numbers.
        self.precision = max(torch.finfo(kind).eps for kind in kinds)
        #: The point of the last product, and the gradient there with its graph, while something works with it.
        self.graph: tuple | None = None
        #: How many calls work with it.
        self.working = 0
        #: The modes of all parts when it was checked that evaluations repeat.
        self.checked: list[bool] | None = None
        #: Whether it was looked for parameters that the loss has kept.
        self.searched = False
        #: Whether it was warned of wrong third derivatives.
        self.warned = False

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        found = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        shapes = {name: p.shape for name, p in found.items()}
        if shapes != self.shapes:
            changed = [name for name in {**self.shapes, **shapes} if self.shapes.get(name) != shapes.get(name)]
            raise Error(
                f"the model has changed since the objective was made: {', '.join(map(repr, changed))}; make it anew"
            )
        return found

    @_alone
    def point(self) -> np.ndarray:
        """The parameters of the model as they are."""
        return self.flatten(self.parameters().values())

    def unflatten(self, x: np.ndarray) -> list[torch.Tensor]:
        """Tensors like the parameters, on their devices."""
        parameters = list(self.parameters().values())
        flat = torch.from_numpy(x)
        kinds = {(p.device, p.dtype) for p in parameters}
        if len(kinds) == 1:
            # At once, instead of one by one.
            flat = flat.to(*kinds.pop())
        parts = flat.split([p.numel() for p in parameters])
        return [part.view(p.shape).to(p.device, p.dtype) for part, p in zip(parts, parameters)]

    @staticmethod
    def flatten(parts: Iterable[torch.Tensor]) -> np.ndarray:
        flat = [part.detach().reshape(-1) for part in parts]
        if len({(part.device, part.dtype) for part in flat}) > 1:
            flat = [part.to("cpu", torch.float64) for part in flat]
        return torch.cat(flat).to("cpu", torch.float64).numpy()

    def losses(self, leaves: list[torch.Tensor]) -> Iterable[tuple[torch.Tensor, float]]:
        """The loss of each batch, and its weight before it is divided by the number of examples."""
        for inputs, targets in self.batches():
            size = len(targets)
            for at in range(0, size, self.chunk or size):
                end = min(at + (self.chunk or size), size)
                loss = self.loss(leaves, inputs[at:end], targets[at:end])
                yield loss, float(end - at) if self.reduction == "mean" else 1.0

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Inputs and targets of each batch that has any."""
        return (pair for pair in map(_pair, self.data) if len(pair[1]) > 0)

    def loss(self, leaves: list[torch.Tensor], inputs: Any, targets: Any) -> torch.Tensor:
        """The loss of these examples as it is."""
        device = leaves[0].device
        # Batch normalisation in training mode writes to its buffers, which are to stay as they are.
        buffers = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        state = {f"model.{name}": value for name, value in [*buffers.items(), *zip(self.shapes, leaves)]}
        loss = self.whole.at(state, inputs.to(device), targets.to(device))
        if not torch.is_tensor(loss):
            raise Error(f"the loss is a tensor of one number, with its graph, not {loss!r:.60}")
        if loss.numel() != 1:
            raise Error(f"the loss is one number, not a tensor of shape {tuple(loss.shape)}")
        if not self.searched and loss.grad_fn is not None:
            self.search(loss)
            self.searched = True
        return loss

    def search(self, loss: torch.Tensor) -> None:
        """Refuses a loss that has kept parameters of the model: it would be at others than those it is asked for."""
        own = {id(p): name for name, p in self.originals.items()}
        for node in _nodes(loss):
            name = own.get(id(getattr(node, "variable", None)))
            if name is not None:
                raise Error(
                    f"the loss has kept the parameter {name!r}: take it from the model whenever the loss is evaluated, "
                    "by model.parameters()"
                )

    @contextlib.contextmanager
    def work(self, check: bool = False) -> Iterator[None]:
        """While something works with it: a graph is kept, and the generators of random numbers are put back at its end."""
        with self.lock:
            self.working += 1
            first = self.working == 1
            devices = {p.device for p in self.model.parameters() if p.device.type == "cuda"} if first else set()
        try:
            with torch.random.fork_rng(devices=[device.index for device in devices], enabled=first):
                if check:
                    self.check()
                yield
        finally:
            with self.lock:
                self.working -= 1
                if self.working == 0:
                    self.graph = None

    @_alone
    def check(self) -> None:
        """Refuses what has another loss every time, and parts whose losses do not make the whole, once for each mode."""
        modes = [part.training for part in self.model.modules()]
        if modes == self.checked:
            return
        # A module may write to its parameters as it is called: `Embedding` with `max_norm` does.
        leaves = [p.detach().clone() for p in self.parameters().values()]
        tolerance = self.precision**0.5
        with torch.no_grad():
            first, second = ([(loss.item(), weight) for loss, weight in self.losses(leaves)] for _ in range(2))
            totals = [sum(loss * weight for loss, weight in found) for found in (first, second)]
            size = sum(abs(loss * weight) for loss, weight in first)
            if np.isfinite(totals).all() and abs(totals[0] - totals[1]) > tolerance * size:
                raise Error(
                    "the loss is another one every time it is evaluated at the same parameters: "
                    "switch dropout off with model.eval(), and let a loader pass through the same examples, "
                    "without drop_last where it shuffles"
                )
            if self.chunk:
                self.check_chunks(leaves, tolerance)
            else:
                self.check_batches(leaves, tolerance)
        self.checked = modes

    def check_chunks(self, leaves: list[torch.Tensor], tolerance: float) -> None:
        """That the loss of two neighbouring chunks is the mean, or sum, of theirs."""
        for inputs, targets in self.batches():
            for at in range(0, len(targets) - self.chunk, 2 * self.chunk):
                middle, end = at + self.chunk, min(at + 2 * self.chunk, len(targets))
                both = self.loss(leaves, inputs[at:end], targets[at:end]).item()
                parts = [
                    self.loss(leaves, inputs[a:b], targets[a:b]).item() for a, b in ((at, middle), (middle, end))
                ]
                weights = [self.chunk, end - middle] if self.reduction == "mean" else [1, 1]
                scale = sum(weights) if self.reduction == "mean" else 1
                made = sum(part * weight for part, weight in zip(parts, weights)) / scale
                size = max(abs(both), *map(abs, parts))
                if np.isfinite([both, made]).all() and abs(both - made) > tolerance * size:
                    raise Error(
                        f"the loss of {end - at} examples, {both:.6g}, is not the {self.reduction} of that of chunks of them, "
                        f"{made:.6g}: leave `chunk` out, or give reduction=\"sum\" if the loss is a sum; weights of classes, "
                        "ignored targets, and batch normalisation in training mode have no such chunks"
                    )

    def check_batches(self, leaves: list[torch.Tensor], tolerance: float) -> None:
        """Warns where the first two batches together have another loss: each is then taken by itself, as in training."""
        two = list(itertools.islice(self.batches(), 2))
        if len(two) < 2 or any(a.shape[1:] != b.shape[1:] for a, b in zip(*two)):
            return
        both = self.loss(leaves, *(torch.cat([a, b]) for a, b in zip(*two))).item()
        parts = [self.loss(leaves, *batch).item() for batch in two]
        weights = [len(targets) for _, targets in two] if self.reduction == "mean" else [1, 1]
        made = sum(part * weight for part, weight in zip(parts, weights))
        made /= sum(weights) if self.reduction == "mean" else 1
        if np.isfinite([both, made]).all() and abs(both - made) > tolerance * max(abs(both), *map(abs, parts)):
            _warn(
                f"the loss of two batches together, {both:.6g}, is not the {self.reduction} of theirs, {made:.6g}: the "
                "objective depends on the batches, because of weights of classes, ignored targets or batch normalisation "
                'in training mode, or it is a sum and wants reduction="sum"'
            )

    def leaves(self, x: np.ndarray) -> list[torch.Tensor]:
        return [part.requires_grad_() for part in self.unflatten(x.copy())]

    def total(self, examples: float) -> float:
        if examples == 0:
            raise Error("there is no example in the data: a loader is passed through for every evaluation")
        return examples if self.reduction == "mean" else 1.0

    @_alone
    def value_and_gradient(self, x: np.ndarray, kept: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The loss and its gradient; `kept` says whether products at `x` follow, whose graph serves both where it is kept."""
        graphs, keep = self.graphs(x) if kept else ([], False)
        if not keep:
            graphs = self.differentiated(x, create_graph=False)
        total, weights = 0.0, 0.0
        gradient = [torch.zeros_like(p) for p in self.parameters().values()]
        for _, loss, parts, weight in graphs:
            for sum, part in zip(gradient, parts):
                if part is not None:
                    sum.add_(part.detach(), alpha=weight)
            total += weight * loss.item()
            weights += weight
        scale = self.total(weights)
        return np.array([total / scale]), self.flatten(gradient) / scale

    @_alone
    def value(self, x: np.ndarray) -> np.ndarray:
        total, weights = 0.0, 0.0
        with torch.no_grad():
            for loss, weight in self.losses(self.unflatten(x.copy())):
                total += weight * loss.item()
                weights += weight
        return np.array([total / self.total(weights)])

    @_alone
    def third(self, x: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The gradient of `uᵀ∇²E(x)v`."""
        along, other = self.unflatten(u.copy()), self.unflatten(v.copy())
        sums = [torch.zeros_like(part) for part in along]
        weights = 0.0
        for leaves, loss, weight in self.evaluated(x):
            self.warn_of_layer_norm(loss)
            slope = _inner(_differentiated(loss, leaves, create_graph=True), along)
            with torch.enable_grad():
                product = _differentiated(slope, leaves, create_graph=True)
                curvature = _inner(product, other)
            try:
                parts = _differentiated(curvature, leaves)
            except RuntimeError as error:
                if "order derivatives" not in str(error):
                    raise
                raise Error(
                    f"PyTorch has no third derivatives of this loss ({error}): bea.from_torch makes an objective that has"
                ) from error
            for sum, part in zip(sums, parts):
                if part is not None:
                    sum.add_(part, alpha=weight)
            weights += weight
        return self.flatten(sums) / self.total(weights)

    def warn_of_layer_norm(self, loss: torch.Tensor) -> None:
        """Warns, once, where the loss goes through an operation whose third derivatives PyTorch has wrong."""
        if self.warned or all(node.name() != _WRONG for node in _nodes(loss)):
            return
        self.warned = True
        names = [f"`{name}`" for name, part in self.model.named_modules() if isinstance(part, torch.nn.LayerNorm)]
        where = f", at {names[0]} for example" if names else ""
        _warn(
            "third derivatives of PyTorch through layer_norm are wrong, by a fifth and more in version 2.15, and the loss goes "
            f"through it{where}: bea.from_torch makes an objective with the right ones"
        )

    @_alone
    def product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        along = self.unflatten(v)
        graphs, keep = self.graphs(x)
        sums = [torch.zeros_like(part) for part in along]
        weights = 0.0
        for leaves, _, gradient, weight in graphs:
            used = [(part, v) for part, v in zip(gradient, along) if part is not None and part.requires_grad]
            if used:
                parts = torch.autograd.grad(
                    [part for part, _ in used],
                    leaves,
                    grad_outputs=[v for _, v in used],
                    retain_graph=keep,
                    allow_unused=True,
                )
                for sum, part in zip(sums, parts):
                    if part is not None:
                        sum.add_(part, alpha=weight)
            weights += weight
        return self.flatten(sums) / self.total(weights)

    def graphs(self, x: np.ndarray) -> tuple[Iterable, bool]:
        """The loss and gradient of each batch with their graph, and whether that is kept: that of a single batch is, during
        one call.
        """
        whole = isinstance(self.data, list) and len(self.data) == 1 and not self.chunk
        if not (whole and self.working):
            return self.differentiated(x), False
        if self.graph is None or not np.array_equal(self.graph[0], x):
            self.graph = None
            self.graph = (x.copy(), list(self.differentiated(x)))
        return self.graph[1], True

    def differentiated(self, x: np.ndarray, create_graph: bool = True) -> Iterable:
        for leaves, loss, weight in self.evaluated(x):
            yield leaves, loss, _differentiated(loss, leaves, create_graph), weight

    def evaluated(self, x: np.ndarray) -> Iterable:
        """The parameters, the loss of each batch with its graph, and its weight."""
        leaves = self.leaves(x)
        with torch.enable_grad():
            for loss, weight in self.losses(leaves):
                if not loss.requires_grad:
                    raise Error(
                        "the loss has no graph: it does not depend on the parameters, or was made with detach(), torch.no_grad() "
                        "or torch.inference_mode()"
                    )
                yield leaves, loss, weight


#: The node of the graph of autograd whose third derivatives are wrong.
_WRONG = "NativeLayerNormBackward0"


def _nodes(loss: torch.Tensor) -> Iterator[Any]:
    """The nodes of the graph that a loss was made by."""
    seen, left = set(), [loss.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            left += [after for after, _ in node.next_functions]


def _inner(parts: Iterable[torch.Tensor | None], others: Iterable[torch.Tensor]) -> torch.Tensor | None:
    """The inner product of what depends on the parameters; None where nothing does."""
    with torch.enable_grad():
        products = [
            (part * other).sum() for part, other in zip(parts, others) if part is not None and part.requires_grad
        ]
        return sum(products[1:], start=products[0]) if products else None


def _differentiated(
    number: torch.Tensor | None, leaves: list[torch.Tensor], create_graph: bool = False
) -> list[torch.Tensor | None]:
    """The gradient of a number; None for parts that it does not depend on."""
    if number is None:
        return [None] * len(leaves)
    return list(torch.autograd.grad(number, leaves, create_graph=create_graph, allow_unused=True))


class _TorchObjective(Objective):
    """A module's loss at its parameters as they are, or at those that were assigned to `x`."""

    # That is checked before anything works with it.
    _repeats = True
    _remedy = (
        ": PyTorch's second derivatives are wrong here, as those through `weight_norm` are in version 2.15, or a `backward` of one's "
        "own is; bea.from_torch makes an objective with the right ones"
    )

    def __init__(self, module: _Module):
        structure = Structure({name: np.empty(shape) for name, shape in module.shapes.items()})
        raw = _bea.callbacks(
            structure.size,
            (module.value_and_gradient, module.product, module.third, module.value),
            None,
            module.precision,
        )
        super().__init__(raw, structure, None)
        self._module = module
        self._suspect = True

    def point(self, x: Any = None) -> np.ndarray:
        if x is None and self._x is None:
            return self._module.point()
        return super().point(x)

    def working(self, check: bool = False) -> Any:
        return self._module.work(check)

    def __repr__(self) -> str:
        return f"<bea.torch.objective of {type(self._module.model).__name__}, {self.dimension} parameters>"


def objective(
    model: torch.nn.Module,
    loss_fn: Callable[[Any, Any], torch.Tensor],
    data: Any,
    *,
    chunk: int | None = None,
    reduction: str = "mean",
) -> Objective:
    """The loss of a module on all of `data`, with its gradient, Hessian-vector products and third derivatives by autograd:

        E(θ) = 1/N Σ_b n_b loss_fn(model(x_b), y_b),  N = Σ_b n_b

    over the batches b of n_b examples, and the sum `Σ_b loss_fn(model(x_b), y_b)` for `reduction="sum"`.

    `data` is a pair of tensors, inputs and targets, whose first axes count the examples, or batches of such pairs, a DataLoader for
    instance, which is passed through for every evaluation; empty batches are left out. `chunk` is the number of examples that are
    worked on at a time; `reduction` says whether `loss_fn` takes the mean or the sum over the examples. The parameters are those
    that require a gradient, on their devices and in their precision, as they are when something is asked for; they have the names
    of the state dict. The module stays in its mode, training or evaluation, and neither its parameters nor its buffers are changed.

    Errors are a loss that is not one number or has no graph, one that is another one every time, chunks whose losses do not make
    the whole, and second derivatives of PyTorch that are not those of a symmetric matrix.
    """
    return _TorchObjective(_Module(model, loss_fn, data, chunk, reduction))


class DAL(torch.optim.Optimizer):
    """Gradient descent with drift-adjusted learning rates (Rosca et al. 2023, section 6).

    The learning rate of a step is `2/‖∇²E ĝ‖^p`, `ĝ = g/‖g‖`, at most `cap`, for all parameters together. `step` takes a closure
    that returns the loss and does not call `backward`:

        optimizer = bea.torch.DAL(model.parameters(), p=1.0)
        for inputs, targets in loader:
            loss = optimizer.step(lambda: loss_fn(model(inputs), targets))

    The last learning rate is `optimizer.learning_rate`, and gradients are in `p.grad`. No step is taken, which is an error, where the
    loss, its gradient or the learning rate is not finite.
    """

    def __init__(self, params: Any, p: float = 1.0, *, cap: float = 5.0):
        p, cap = drift_adjusted(p, cap)
        super().__init__(params, {"lr": cap, "p": p, "cap": cap})
        self._alike()

    def _alike(self) -> None:
        _alike(self, "p", "cap")

    @property
    def power(self) -> float:
        """The power p."""
        return self.param_groups[0]["p"]

    @property
    def cap(self) -> float:
        """The largest learning rate."""
        return self.param_groups[0]["cap"]

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        return self.param_groups[0]["lr"]

    def step(self, closure: Any = None) -> torch.Tensor:  # type: ignore[override]
        """One step. Returns the loss before it."""
        if closure is None:
            raise Error("DAL needs a closure that returns the loss: optimizer.step(lambda: loss_fn(model(x), y))")
        parameters = [p for group in self.param_groups for p in group["params"] if p.requires_grad]
        with torch.enable_grad():
            loss = closure()
            if not torch.is_tensor(loss) or loss.numel() != 1 or not loss.requires_grad:
                raise Error("the closure of DAL returns the loss, a tensor of one number with its graph, and calls no backward")
            if not torch.isfinite(loss):
                raise Error(f"the loss is {loss.item()}: no step is taken")
            try:
                gradient = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
            except RuntimeError as error:
                if "second time" not in str(error):
                    raise
                raise Error("the closure of DAL returns the loss with its graph, and calls no backward: it has called it") from None
            used = [(p, g) for p, g in zip(parameters, gradient) if g is not None]
            curved = [g for _, g in used if g.requires_grad]
            product: Iterable[torch.Tensor | None] = []
            if curved:
                product = torch.autograd.grad(
                    curved, [p for p, _ in used], grad_outputs=[g.detach() for g in curved], allow_unused=True
                )
        size = _norm(g.detach() for _, g in used)
        if not np.isfinite(size):
            raise Error("the gradient is not finite: no step is taken")
        rate = drift_adjusted_step(
            _bea.dal_rate(size, _norm(x for x in product if x is not None), self.power, self.cap)
        )
        with torch.no_grad():
            for p, g in used:
                p.grad = g.detach()
                p.sub_(p.grad, alpha=rate)
        for group in self.param_groups:
            group["lr"] = rate
        return loss.detach()


def _norm(parts: Iterable[torch.Tensor]) -> float:
    return float(sum(float(part.double().square().sum()) for part in parts)) ** 0.5


class Monitor:
    """Curvature beside training: what the optimizer in use makes of the loss that it trains on.

        monitor = bea.torch.Monitor(model, optimizer, every=100)
        for inputs, targets in loader:
            ...
            optimizer.step()
            monitor.step(loss_fn, (inputs, targets))
        print(monitor)

    Every so many steps it logs what the optimizer, with its preconditioner as it is, does on the loss E of these data, with
    the gradient g and the Hessian H. It is a step with a diagonal P, a step size h and a momentum m,

        v' = m v + P⁻¹ g,  θ' = θ - h v'

    | optimizer | P | h | m |
    |---|---|---|---|
    | SGD | 1 | `lr`, with momentum `lr (1 - dampening)` | `momentum`, that of Nesterov's method where it is |
    | Adam, AdamW | `√(v/(1 - β₂ᵗ)) + ε` | `lr (1 - β₁)` | β₁ |
    | RMSprop | `√v + ε`, v less the square of the mean gradient where `centered` | `lr` | `momentum` |
    | DAL | 1 | `lr` | 0 |

    with v the optimizer's second moments, the largest so far for `amsgrad`. `lr` is that of the first group that moves; where groups
    have others, P has its quotient by theirs. Weight decay is no part of the loss, and the bias correction of the first moment is
    that of many steps. A log is a dictionary:

    | key | |
    |---|---|
    | `step` | how many steps there were |
    | `loss`, `gradient_norm` | E and ‖g‖ |
    | `lr` | the learning rate |
    | `sharpness` | the largest eigenvalue of H |
    | `preconditioned_sharpness` | that of P⁻¹H, λ |
    | `h_lambda` | `lr λ`: 2 is where gradient descent loses stability |
    | `sc`, `case` | the stability coefficient and the case along that eigenvector, as `bea.Spectrum` has them; `at rest` for `lr = 0`, and `not finite` where training diverges |
    | `drift` | `h² c ‖P⁻¹HP⁻¹g‖`, the distance of a step from the flow for infinitely small steps, to leading order: `c = (1 + m)/(2 (1 - m)³)`, 1/2 for gradient descent |
    | `converged` | whether residuals are below `tol` times the largest eigenvalue; the error of an eigenvalue is of the order of their square |
    | `eigenvalues`, `preconditioned_eigenvalues` | for `top > 1`, lists of so many |
    | `products`, `seconds`, `gradients` | what the log has cost: Hessian-vector products, seconds, and how many gradients take as long |

    Eigenvectors are found from those of the last log. `chunk` and `reduction` are those of `bea.torch.objective`. That the loss
    repeats and its second derivatives are symmetric is checked at the first log, and the former where the mode changes.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        every: int = 100,
        *,
        top: int = 1,
        tol: float = 1e-2,
        chunk: int | None = None,
        reduction: str = "mean",
    ):
        if not isinstance(model, torch.nn.Module):
            raise Error(f"the model comes first, a torch.nn.Module, then its optimizer; it is {_what(model)}")
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise Error(f"the optimizer comes second, a torch.optim.Optimizer, after the model; it is {_what(optimizer)}")
        _check_settings(chunk, reduction)
        self.model, self.optimizer = model, optimizer
        self.every, self.top, self.tol = count(every, "`every`"), count(top, "`top`"), number(tol, "`tol`")
        if not self.tol > 0:
            raise Error(f"the tolerance `tol` must be positive, not {tol!r:.60}")
        self._more: dict[str, Any] = {"chunk": chunk, "reduction": reduction}
        # What was checked of the loss, in the modes that parts have, and of its second derivatives.
        self._checked: list[bool] | None = None
        self._suspect = True
        _rule(optimizer)
        _covers(optimizer, model)
        #: The logs.
        self.history: list[dict[str, Any]] = []
        self._steps = 0
        # The last eigenvectors, of H and of P⁻¹H.
        self._warm: list[np.ndarray | None] = [None, None]

    def step(self, loss_fn: Callable, data: Any) -> dict[str, Any] | None:
        """Call it once a step: a log whenever it is due, and otherwise None."""
        self._steps += 1
        return None if self._steps % self.every else self.log(loss_fn, data)

    def log(self, loss_fn: Callable, data: Any) -> dict[str, Any]:
        """A log now."""
        started = time.perf_counter()
        on = _TorchObjective(_Module(self.model, loss_fn, data, **self._more))
        # One check for all logs, as long as the modes stay.
        on._module.checked, on._suspect = self._checked, self._suspect
        with on.working():
            entry = self._entry(on)
        self._checked, self._suspect = on._module.checked, on._suspect
        seconds = time.perf_counter() - started
        one = entry.pop("one")
        entry |= {"seconds": seconds, "gradients": seconds / max(one, 1e-9)}
        self.history.append(entry)
        return entry

    def _entry(self, on: _TorchObjective) -> dict[str, Any]:
        """A log, and the seconds of one gradient."""
        rule = _rule(self.optimizer)
        point = on.point()
        before = time.perf_counter()
        value, gradient = on._module.value_and_gradient(point, True)
        loss = float(value[0])
        one = time.perf_counter() - before
        diagonal = _preconditioner(self.optimizer, on._module.parameters())
        step = gradient if diagonal is None else gradient / diagonal
        beside = on._module.product(point, step) if np.isfinite(step).all() else step
        beside = beside if diagonal is None else beside / diagonal
        entry = {
            "step": self._steps, "loss": loss, "gradient_norm": float(np.linalg.norm(gradient)), "lr": rule.lr,
            "sharpness": np.nan, "preconditioned_sharpness": np.nan, "h_lambda": np.nan, "sc": complex(np.nan),
            "case": "not finite", "drift": np.nan, "converged": False,
        }
        lists: dict[str, Any] = {"eigenvalues": [], "preconditioned_eigenvalues": []} if self.top > 1 else {}
        if not (np.isfinite([loss]).all() and np.isfinite(gradient).all() and np.isfinite(beside).all()):
            # Training diverges, and goes on.
            return {**entry, **lists, "products": 1, "one": one}
        on._module.check()
        hessian = on.hessian()
        found = [self._sharpest(on, hessian, self._warm[0], None)]
        if diagonal is not None:
            found.append(self._sharpest(on, hessian, self._warm[1], diagonal))
        plain, scaled = found[0], found[-1]
        # The turned vectors are new arrays.
        self._warm[: len(found)] = [pairs["eigenvectors"] for pairs in found]
        entry |= {
            "sharpness": float(plain["eigenvalues"][0]),
            "preconditioned_sharpness": float(scaled["eigenvalues"][0]),
            "h_lambda": float(rule.lr * scaled["eigenvalues"][0]),
            # A step of length 0 is no step.
            "case": "at rest",
            "drift": float(rule.h**2 * rule.drift * np.linalg.norm(beside)),
            "converged": all(pairs["converged"] for pairs in found),
        }
        if rule.lr > 0:
            along = _along(dict(scaled), gradient, rule.h, diagonal, rule.optimizer, rule.values)
            entry |= {"sc": complex(along["sc"][0]), "case": along["case"][0]}
        if self.top > 1:
            lists["eigenvalues"] = plain["eigenvalues"].tolist()
            lists["preconditioned_eigenvalues"] = scaled["eigenvalues"].tolist()
        products = 1 + sum(pairs["products"] for pairs in found)
        return {**entry, **lists, "products": products, "one": one}

    def _sharpest(
        self, on: Objective, hessian: Any, warm: np.ndarray | None, diagonal: np.ndarray | None
    ) -> dict:
        """The largest eigenpairs, from the last ones if there are any."""
        if warm is not None:
            # Each with a small part of everything, so that no eigenvector that has overtaken them is missed: cheaper than
            # a random vector beside them.
            noise = np.random.default_rng(len(self.history)).normal(size=warm.shape)
            root = np.sqrt(len(warm) if diagonal is None else len(warm) * diagonal[:, None])
            warm = warm + 0.05 * noise / root
        single = on.precision > 1e-10 and on.dimension > _LARGE
        return _pairs(
            hessian, self.top, 0, self.tol, warm, 0, single, False, 10_000, False, diagonal, int(warm is None)
        )

    def plot(self, ax=None):
        """Draws the loss and, below, hλ over the steps with matplotlib; with 2, where steps without momentum lose stability, unless
        the optimizer has some.

        `ax` are two axes, one for each.
        """
        above, below = _table.axes(ax, 2)
        steps = [entry["step"] for entry in self.history]
        above.plot(steps, [entry["loss"] for entry in self.history], marker=".")
        above.set_ylabel("loss")
        below.plot(steps, [entry["h_lambda"] for entry in self.history], marker=".", label="hλ of P⁻¹H")
        if _rule(self.optimizer).optimizer == "gradient_descent":
            below.axhline(2, color="0.4", linewidth=0.8, linestyle="--", label="2")
        below.set_ylabel("hλ")
        below.set_xlabel("step")
        below.legend()
        return above, below

    def to_dict(self) -> dict:
        """The logs as JSON has them; a complex number is `[re, im]`."""
        text = lambda value: value if isinstance(value, str) else listed(value)
        return {"history": [{key: text(value) for key, value in entry.items()} for entry in self.history]}

    def to_pandas(self):
        """A DataFrame with a row a log."""
        return _table.frame(self._columns())

    def _columns(self) -> dict[str, list]:
        names = list(self.history[0]) if self.history else []
        return {name: [entry[name] for entry in self.history] for name in names}

    def __repr__(self) -> str:
        return _table.plain(self._shown()) if self.history else "no log yet"

    def _repr_html_(self) -> str:
        return _table.html(self._shown())

    def _shown(self) -> dict[str, list]:
        """The columns, with lists of numbers as text."""
        listed = lambda cell: ", ".join(map(_table.shown, cell)) if isinstance(cell, list) else cell
        return {name: [listed(cell) for cell in column] for name, column in self._columns().items()}


#: The momentum of SGD with `nesterov=True`, as PyTorch writes it.
_NESTEROV = """optimizer sgd_nesterov(m) {
  state v
  let k = f(theta)
  v' = m*v + h*k
  theta' = theta + h*k + m*v'
}"""


class _Rule:
    """What an optimizer does with its preconditioner as it is: a linear step with a step size."""

    def __init__(self, lr: float, h: float, optimizer: str, momentum: float):
        self.lr, self.h, self.optimizer = lr, h, optimizer if momentum else "gradient_descent"
        values = {"m": momentum} if momentum else {}
        self.values = [f"{name}={exact(value)}" for name, value in values.items()]
        #: A step leaves the flow of its leading order by `h² drift ‖P⁻¹HP⁻¹g‖`.
        self.drift = abs(float(_coefficient(self.optimizer, momentum)))


@functools.lru_cache
def _coefficient(optimizer: str, momentum: float) -> Any:
    return _named(optimizer, **({"m": momentum} if momentum else {})).coefficient("[[]]")


_KNOWN = "torch.optim's SGD, Adam, AdamW and RMSprop, and bea.torch.DAL"


def _rule(optimizer: torch.optim.Optimizer) -> _Rule:
    """The step of an optimizer of PyTorch."""
    group = optimizer.param_groups[0]
    lr = _rate(optimizer)
    if any(group.get("maximize") for group in optimizer.param_groups):
        raise Error("the optimizer maximizes: only losses that are minimised have a sharpness to watch")
    match optimizer:
        case torch.optim.SGD():
            _alike(optimizer, "momentum", "dampening", "nesterov")
            h = lr * (1.0 - float(group["dampening"]) if group["momentum"] else 1.0)
            return _Rule(lr, h, _NESTEROV if group["nesterov"] else "heavy_ball", float(group["momentum"]))
        case torch.optim.Adam() | torch.optim.AdamW():
            _alike(optimizer, "betas", "eps", "amsgrad")
            momentum = float(group["betas"][0])
            return _Rule(lr, lr * (1.0 - momentum), "heavy_ball", momentum)
        case torch.optim.RMSprop():
            _alike(optimizer, "momentum", "eps", "centered")
            return _Rule(lr, lr, "heavy_ball", float(group["momentum"]))
        case DAL():
            return _Rule(lr, lr, "gradient_descent", 0.0)
    raise Error(f"the steps of {type(optimizer).__name__} are not known: {_KNOWN} are")


def _rate(optimizer: torch.optim.Optimizer) -> float:
    """The learning rate of the first group that moves; 0 where none does."""
    return next((float(group["lr"]) for group in optimizer.param_groups if float(group["lr"]) != 0), 0.0)


#: A learning rate of 0 beside others counts as this part of theirs: the preconditioner stays finite.
_FROZEN = 1e-12


def _covers(optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> None:
    """Refuses an optimizer that leaves parameters out."""
    moved = {p for group in optimizer.param_groups for p in group["params"]}
    for name, p in model.named_parameters():
        if p.requires_grad and p not in moved:
            raise Error(
                f"the optimizer does not have the parameter {name!r}, which requires a gradient: "
                "give it to the optimizer, or set requires_grad_(False)"
            )


def _alike(optimizer: torch.optim.Optimizer, *keys: str) -> None:
    for key in keys:
        if any(group[key] != optimizer.param_groups[0][key] for group in optimizer.param_groups):
            raise Error(f"`{key}` differs from one group of parameters to another")


def _preconditioner(
    optimizer: torch.optim.Optimizer, parameters: dict[str, torch.nn.Parameter]
) -> np.ndarray | None:
    """The diagonal of P, where a step is `-lr P⁻¹` times a mean of gradients; None if it is the identity."""
    groups = {p: group for group in optimizer.param_groups for p in group["params"]}
    lr = _rate(optimizer)
    plain = isinstance(optimizer, (torch.optim.SGD, DAL))
    if plain and all(float(group["lr"]) == lr for group in optimizer.param_groups):
        return None
    parts = []
    for name, p in parameters.items():
        if p not in groups:
            raise Error(f"the optimizer does not have the parameter {name!r}, which requires a gradient")
        group, state = groups[p], optimizer.state.get(p, {})
        moment = torch.ones_like(p) if plain else _moment(name, optimizer, group, state)
        parts.append(moment.detach() * (lr / max(float(group["lr"]), _FROZEN * lr) if lr else 1.0))
    return _Module.flatten(parts)


def _moment(name: str, optimizer: torch.optim.Optimizer, group: dict, state: dict) -> torch.Tensor:
    """`√v + ε`."""
    if not state:
        raise Error(f"the optimizer has no second moments of {name!r} yet: log after its first step")
    if isinstance(optimizer, torch.optim.RMSprop):
        moment = state["square_avg"]
        if group["centered"]:
            moment = moment - state["grad_avg"].square()
        return moment.clamp(min=0).sqrt() + group["eps"]
    moment = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
    return (moment / (1 - float(group["betas"][1]) ** float(state["step"]))).sqrt() + group["eps"]
