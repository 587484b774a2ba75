"""Derivatives of a loss by PyTorch: reverse mode over reverse mode over reverse mode, in 64 bits."""

import contextlib
from unittest import mock

import numpy as np
import torch
from graph_derivatives import direction
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel


def normalised(x, axes, eps):
    centred = x - x.mean(axes, keepdim=True)
    return centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()


def scaled(x, weight, bias, shape):
    x = x if weight is None else x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    return scaled(normalised(x, tuple(range(-len(shape), 0)), eps), weight, bias, shape)


def group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    out = normalised(x.reshape(len(x), groups, -1), (2,), eps).reshape(x.shape)
    return scaled(out, weight, bias, [x.shape[1]] + [1] * (x.ndim - 2))


def batch_norm(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    shape = [x.shape[1]] + [1] * (x.ndim - 2)
    if training:
        out = normalised(x, tuple(axis for axis in range(x.ndim) if axis != 1), eps)
    else:
        out = (x - mean.reshape(shape)) * (var.reshape(shape) + eps).rsqrt()
    return scaled(out, weight, bias, shape)


def embedding_bag(input, weight, offsets=None, *args, **kwargs):
    """The mean of rows, which PyTorch differentiates once."""
    ends = [*offsets[1:].tolist(), len(input)]
    return torch.stack([weight[input[a:b]].mean(0) for a, b in zip(offsets.tolist(), ends)])


@contextlib.contextmanager
def written_out():
    """While norms are their formulas: PyTorch's third derivatives through its own kernels are wrong."""
    with contextlib.ExitStack() as stack:
        for name in ("layer_norm", "group_norm", "batch_norm", "embedding_bag"):
            stack.enter_context(mock.patch.object(F, name, globals()[name]))
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


def call(model, inputs):
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def derivatives(model, loss_fn, inputs, targets):
    """`E`, `∇E`, `∇²E v` and `∇³E[v, v]` for `v = direction(n)`, flat."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    v, rest = [], torch.tensor(direction(sum(p.numel() for p in parameters)))
    for p in parameters:
        v.append(rest[: p.numel()].reshape(p.shape))
        rest = rest[p.numel() :]
    flat = lambda parts: torch.cat([part.detach().reshape(-1) for part in parts]).numpy()
    along = lambda parts: sum((part * direction).sum() for part, direction in zip(parts, v))

    def gradient(value):
        if not value.requires_grad:
            return [torch.zeros_like(p) for p in parameters]
        found = torch.autograd.grad(value, parameters, create_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if part is None else part for p, part in zip(parameters, found)]

    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with written_out():
        loss = loss_fn(call(model, inputs), targets)
        first = gradient(loss)
        second = gradient(along(first))
        third = gradient(along(second))
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in model.named_buffers() if "tracked" not in name)
    return {"loss": np.array(loss.item()), "gradient": flat(first), "product": flat(second), "third": flat(third)}
