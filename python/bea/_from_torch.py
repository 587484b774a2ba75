"""PyTorch modules as operator graphs."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, Callable, Iterator

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError("bea.from_torch needs PyTorch: pip install torch") from error

from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from bea._bea import Error
from bea._examples import Flat
from bea._graph import Graph, Written
from bea._imported import Reference
from bea._module_torch import Whole
from bea._trace_torch import OWN_DERIVATIVE, Tracer, Words, array

@contextlib.contextmanager
def _called(model: torch.nn.Module, tracer: Tracer) -> Iterator[None]:
    """While the tracer knows what module is being called."""
    handles = []
    for name, module in model.named_modules():
        if name:
            label = f"{name}: {type(module).__name__}"
            handles.append(module.register_forward_pre_hook(lambda *_, label=label: tracer.modules.append(label)))
            handles.append(module.register_forward_hook(lambda *_: tracer.modules.pop() and None, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def _plain(dtype: torch.dtype) -> Iterator[None]:
    """While operations are the plain ones, which have names, nothing is compiled, and numbers without a dtype have this one."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    fast = torch.backends.mha.get_fastpath_enabled()
    default, fused = torch.get_default_dtype(), torch.backends.mkldnn.enabled
    apply = torch.autograd.Function.__dict__["apply"]

    def refused(cls, *args, **kwargs):
        raise Error(OWN_DERIVATIVE.format(cls.__name__))

    try:
        torch.backends.mha.set_fastpath_enabled(False)
        torch.set_default_dtype(dtype)
        torch.autograd.Function.apply = classmethod(refused)
        torch.backends.mkldnn.enabled = False
        with sdpa_kernel(SDPBackend.MATH), torch.enable_grad(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        torch.autograd.Function.apply = apply
        torch.backends.mkldnn.enabled = fused
        torch.set_default_dtype(default)
        torch.backends.mha.set_fastpath_enabled(fast)


def _parameters(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not parameters:
        raise Error("the model has no parameter that requires a gradient")
    for name, p in parameters.items():
        if p.is_complex():
            raise Error(f"the parameter {name!r} is complex: parameters are real numbers")
        if isinstance(p, torch.nn.parameter.UninitializedParameter):
            raise Error(f"the parameter {name!r} has no shape yet: call the model once")
        bad = (~torch.isfinite(p.detach())).nonzero()
        if len(bad):
            index = ",".join(map(str, bad[0].tolist()))
            raise Error(f"the parameter {name}[{index}] is {p.detach()[tuple(bad[0])].item()}, not a finite number")
    return parameters


def flatten(data: Any) -> Flat:
    """The tensors of tuples, lists and dictionaries."""
    leaves, form = tree_flatten(data)
    return leaves, lambda leaves: tree_unflatten(leaves, form)


def trace(
    model: torch.nn.Module, loss_fn: Callable, inputs: Any, targets: Any, dtype: str | None
) -> tuple[Written, Reference]:
    """The graph of `loss_fn(model(inputs), targets)`, and the loss as PyTorch has it."""
    if not isinstance(model, torch.nn.Module):
        raise Error(f"the model is a torch.nn.Module, not {type(model).__name__}")
    if dtype not in (None, "f32", "f64"):
        raise Error(f'`dtype` is "f32" or "f64", not {dtype!r}')
    if isinstance(model, torch._dynamo.OptimizedModule):
        model = model._orig_mod
    parameters = _parameters(model)
    if dtype is None:
        dtype = "f64" if any(p.dtype == torch.float64 for p in parameters.values()) else "f32"
    number = torch.float64 if dtype == "f64" else torch.float32
    kinds = {p.dtype for p in parameters.values()}
    # A module in several precisions stays as it is.
    convert = len(kinds) == 1 and kinds != {number}

    def own(leaf: Any) -> Any:
        """On this machine's processor, where everything has the same names."""
        if not isinstance(leaf, torch.Tensor):
            return leaf
        leaf = leaf.detach().cpu()
        return leaf.to(number) if convert and leaf.is_floating_point() else leaf

    whole = Whole(model, loss_fn)
    graph = Graph(f"torch {torch.__version__.split('+')[0]}", dtype)
    tracer = Tracer(graph)

    def fresh() -> dict[str, torch.Tensor]:
        """Buffers and parameters of its own."""
        state = {name: own(buffer).clone() for name, buffer in whole.named_buffers()}
        state |= {f"model.{name}": own(p).clone() for name, p in model.named_parameters()}
        for name in parameters:
            state[f"model.{name}"].requires_grad_()
        return state

    state = fresh()
    for name, p in parameters.items():
        leaf = state[f"model.{name}"]
        node = graph.parameter(name, array(leaf).copy())
        tracer.register(leaf, node)
        # Whoever has kept the parameter itself means it as well.
        tracer.register(p.detach(), node)
    inputs, targets = tree_map(own, (inputs, targets))
    with _plain(number), _called(model, tracer), Words(tracer), tracer:
        loss = whole.at(state, inputs, targets)
    graph.at = None
    if not torch.is_tensor(loss):
        raise Error(f"the loss is a tensor of one number, not {loss!r:.60}")
    if loss.numel() != 1:
        raise Error(f"the loss is one number, not a tensor of shape {tuple(loss.shape)}")
    if not loss.is_floating_point():
        raise Error(f"the loss is a number of type {loss.dtype}: a real one is wanted")
    written = graph.finish(tracer.value(loss))
    state = fresh()
    with _plain(number):
        again = whole.at(state, inputs, targets)
        gradient = _gradient(again, [state[f"model.{name}"] for name in parameters], list(parameters.values()))
    reference = Reference(float(again.detach()), gradient, tracer.eps)
    x = np.concatenate([array.ravel() for array in written.parameters.values()], dtype=float)
    if not reference.same_loss(float(loss.detach()), x):
        raise Error(
            f"the loss is another one every time, {float(loss.detach())!r} and then {reference.loss!r}: it has a state, or random "
            "numbers from elsewhere than PyTorch"
        )
    _notes(model, loss_fn, parameters, tracer)
    return written, reference


def _gradient(loss: torch.Tensor, leaves: list[torch.Tensor], kept: list[torch.Tensor]) -> np.ndarray | None:
    """PyTorch's own gradient, if it has one, by leaves that may be used as the parameters themselves, too."""
    try:
        parts = torch.autograd.grad(loss, [*leaves, *kept], allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return None
    sums = []
    for leaf, *found in zip(leaves, parts[: len(leaves)], parts[len(leaves) :]):
        sums.append(sum((part.double().cpu() for part in found if part is not None), torch.zeros(leaf.shape, dtype=torch.float64)))
    return np.concatenate([part.numpy().ravel() for part in sums])


def _notes(model: torch.nn.Module, loss_fn: Callable, parameters: dict[str, Any], tracer: Tracer) -> None:
    """Warns of what may surprise."""
    fixed = [name for name, p in model.named_parameters() if name not in parameters]
    if fixed:
        shown = ", ".join(fixed[:3]) + (", …" if len(fixed) > 3 else "")
        warnings.warn(f"constants, as they do not require a gradient: {shown}", stacklevel=4)
    own = {id(p) for p in model.parameters()}
    of_loss = loss_fn.named_parameters() if isinstance(loss_fn, torch.nn.Module) else []
    fixed = [name for name, p in of_loss if p.requires_grad and id(p) not in own]
    if fixed:
        warnings.warn(
            f"constants, as they are parameters of the loss and not of the model: {', '.join(fixed[:3])}"
            f"{', …' if len(fixed) > 3 else ''}; a module that has both makes them parameters",
            stacklevel=4,
        )
    hooked = [name for name, p in parameters.items() if p._backward_hooks]
    if hooked:
        warnings.warn(f"hooks of parameters, which change gradients, are left out: {', '.join(hooked[:3])}", stacklevel=4)
    batch = torch.nn.modules.batchnorm._BatchNorm
    normed = [name for name, part in model.named_modules() if isinstance(part, batch) and part.training]
    if normed:
        warnings.warn(
            f"batch normalisation in training mode ({', '.join(normed[:3])}{', …' if len(normed) > 3 else ''}): the objective is a "
            "function of this batch, and running statistics do not change; model.eval() takes those",
            stacklevel=4,
        )
    if tracer.rounded:
        warnings.warn(
            f"numbers are rounded to fewer digits in between, which the graph does not do: {tracer.rounded}", stacklevel=4
        )
