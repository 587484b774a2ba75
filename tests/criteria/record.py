#!/usr/bin/env python3
"""Writes `expected.json`: losses of a small network on random data, with gradient, Hessian-vector product and third derivative,
as PyTorch computes them in binary64 with its own losses where it has them.

    pip install torch numpy
    python3 tests/criteria/record.py
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
random = np.random.default_rng(11)
EXAMPLES, FEATURES, HIDDEN = 7, 4, 3

X = torch.tensor(random.normal(size=(EXAMPLES, FEATURES)))
LABELS = {2: torch.tensor([0, 1, 1, 0, 1, 0, 0]), 3: torch.tensor([0, 2, 1, 1, 0, 2, 2])}
VALUES = torch.tensor(random.normal(size=(EXAMPLES, 2)))
SHARES = torch.tensor(random.uniform(size=(EXAMPLES, 2)))
SIGNS = torch.tensor(np.sign(random.normal(size=(EXAMPLES, 2))))


def one_hot(outputs):
    return F.one_hot(LABELS[3], outputs.shape[1]).to(outputs.dtype)


def log_cosh(x):
    return torch.log(torch.cosh(x)).mean()


def multi_margin(y, margin, power):
    """`F.multi_margin_loss`, which PyTorch differentiates once only, with second derivatives; both values and gradients agree."""
    chosen = y.gather(1, LABELS[3][:, None])
    loss = (torch.relu(margin - chosen + y) ** power * (1 - one_hot(y))).sum(1).mean() / y.shape[1]
    known = F.multi_margin_loss(y, LABELS[3], p=power, margin=margin)
    torch.testing.assert_close(loss, known, rtol=1e-14, atol=0)
    (own,), (theirs,) = (torch.autograd.grad(x, y, retain_graph=True) for x in (loss, known))
    torch.testing.assert_close(own, theirs, rtol=1e-13, atol=1e-15)
    return loss


def hinge_of_sign(y, margin, power):
    return (torch.relu(margin - y[:, 0] * (2 * LABELS[2] - 1)) ** power).mean()


def contrastive(y, temperature, classes=3):
    """Khosla et al., Supervised Contrastive Learning, equation 2."""
    labels, itself = LABELS[classes], torch.eye(EXAMPLES, dtype=torch.bool)
    similar = F.cosine_similarity(y[:, None], y[None], dim=2) / temperature
    logarithms = similar.masked_fill(itself, -torch.inf).log_softmax(1)
    same = (labels[:, None] == labels[None]) & ~itself
    return -(logarithms.masked_fill(~same, 0).sum(1) / same.sum(1).clamp(min=1)).mean()


# Name: TOML of the loss, outputs, targets (numbers of classes, or values), and the loss of outputs and parameters.
CASES = {
    "cross entropy": ('loss = "cross_entropy"', 3, 3, lambda y, p: F.cross_entropy(y, LABELS[3])),
    "label smoothing": (
        'loss = "CrossEntropyLoss"\nlabel_smoothing = 0.2',
        3,
        3,
        lambda y, p: F.cross_entropy(y, LABELS[3], label_smoothing=0.2),
    ),
    "mean squares": ('loss = "mse"', 2, VALUES, lambda y, p: F.mse_loss(y, VALUES)),
    "half squares": (
        'loss = "half_squared_error"',
        2,
        VALUES,
        lambda y, p: F.mse_loss(y, VALUES, reduction="sum") / (2 * EXAMPLES),
    ),
    "Huber": ('loss = "huber"', 2, VALUES, lambda y, p: F.huber_loss(y, VALUES)),
    "Huber, narrow": (
        'loss = { type = "HuberLoss", delta = 0.4 }',
        2,
        VALUES,
        lambda y, p: F.huber_loss(y, VALUES, delta=0.4),
    ),
    "hinge": ('loss = "hinge"', 3, 3, lambda y, p: multi_margin(y, 1, 1)),
    "squared hinge": (
        'loss = { type = "hinge", margin = 0.7, power = 2 }',
        3,
        3,
        lambda y, p: multi_margin(y, 0.7, 2),
    ),
    "hinge of a sign": ('loss = "hinge"', 1, 2, lambda y, p: hinge_of_sign(y, 1, 1)),
    "squared hinge of a sign": (
        'loss = { type = "hinge", margin = 0.5, power = 2 }',
        1,
        2,
        lambda y, p: hinge_of_sign(y, 0.5, 2),
    ),
    "logistic of a sign": (
        'loss = "logistic"',
        1,
        2,
        lambda y, p: F.soft_margin_loss(y[:, 0], 2.0 * LABELS[2] - 1),
    ),
    "logistic": ('loss = "logistic"', 3, 3, lambda y, p: F.soft_margin_loss(y, 2 * one_hot(y) - 1)),
    "logistic of signs": ('loss = "logistic"', 2, SIGNS, lambda y, p: F.soft_margin_loss(y, SIGNS)),
    "binary cross entropy of a sign": (
        'loss = "binary_cross_entropy"',
        1,
        2,
        lambda y, p: F.binary_cross_entropy_with_logits(y[:, 0], LABELS[2].to(y.dtype)),
    ),
    "binary cross entropy": (
        'loss = "BCEWithLogitsLoss"',
        3,
        3,
        lambda y, p: F.binary_cross_entropy_with_logits(y, one_hot(y)),
    ),
    "binary cross entropy of shares": (
        'loss = "binary_cross_entropy"',
        2,
        SHARES,
        lambda y, p: F.binary_cross_entropy_with_logits(y, SHARES),
    ),
    "penalty": (
        'loss = "cross_entropy"\nl2 = 0.3',
        3,
        3,
        lambda y, p: F.cross_entropy(y, LABELS[3]) + 0.15 * sum((w * w).sum() for w in p),
    ),
    "penalty of a loss of its own": (
        'loss = "huber"\nl2 = 0.01',
        2,
        VALUES,
        lambda y, p: F.huber_loss(y, VALUES) + 0.005 * sum((w * w).sum() for w in p),
    ),
    "formula: log cosh": (
        'loss = { formula = "log(cosh(y - t))" }',
        2,
        VALUES,
        lambda y, p: log_cosh(y - VALUES),
    ),
    "formula: fourth powers": (
        'loss = { formula = "let e = y - t; sum(e^4)/4 + sinh(y[0])*t[1]" }',
        2,
        VALUES,
        lambda y, p: (((y - VALUES) ** 4).sum(1) / 4 + torch.sinh(y[:, 0]) * VALUES[:, 1]).mean(),
    ),
    "formula: cross entropy": (
        'loss = { formula = "log(sum(exp(y))) - dot(y, t)" }',
        3,
        3,
        lambda y, p: F.cross_entropy(y, LABELS[3]),
    ),
    "formula: pieces": (
        'loss = { formula = "where(y[0] < t[0], 2*(y[0] - t[0])^2, sqrt(1 + y[1]^2)) + max(y[0], y[1])/3 + pi" }',
        2,
        VALUES,
        lambda y, p: (
            torch.where(
                y[:, 0] < VALUES[:, 0],
                2 * (y[:, 0] - VALUES[:, 0]) ** 2,
                torch.sqrt(1 + y[:, 1] ** 2),
            )
            + torch.maximum(y[:, 0], y[:, 1]) / 3
            + torch.pi
        ).mean(),
    ),
    "formula: a sign": (
        'loss = { formula = "softplus(y) - t*y" }',
        1,
        2,
        lambda y, p: F.binary_cross_entropy_with_logits(y[:, 0], LABELS[2].to(y.dtype)),
    ),
    "contrastive": (
        'loss = { type = "contrastive", temperature = 0.7 }',
        4,
        3,
        lambda y, p: contrastive(y, 0.7),
    ),
    "contrastive, of two classes": ('loss = "nt_xent"', 2, 2, lambda y, p: contrastive(y, 0.5, 2)),
}


def flat(tensors):
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def record(name, toml, outputs, targets, loss):
    shapes = [(HIDDEN, FEATURES), (HIDDEN,), (outputs, HIDDEN), (outputs,)]
    sizes = [int(np.prod(shape)) for shape in shapes]
    theta = torch.tensor(random.normal(size=sum(sizes)), requires_grad=True)
    direction = torch.tensor(random.normal(size=sum(sizes)))
    parts = [part.reshape(shape) for part, shape in zip(theta.split(sizes), shapes)]
    w1, b1, w2, b2 = parts
    y = torch.tanh(X @ w1.T + b1) @ w2.T + b2
    value = loss(y, parts)
    derivatives = []
    scalar = value
    for _ in range(3):
        (derivative,) = torch.autograd.grad(scalar, theta, create_graph=True, materialize_grads=True)
        derivatives.append(derivative.detach().tolist())
        scalar = derivative @ direction
    kind = {"classes": targets} if isinstance(targets, int) else {"values": flat(targets).tolist()}
    return {
        "name": name,
        "toml": toml,
        "outputs": outputs,
        **kind,
        "theta": theta.detach().tolist(),
        "direction": direction.tolist(),
        "loss": value.item(),
        "derivatives": derivatives,
    }


file = pathlib.Path(__file__).with_name("expected.json")
cases = [record(name, *case) for name, case in CASES.items()]
data = {
    "inputs": flat(X).tolist(),
    "labels": {classes: labels.tolist() for classes, labels in LABELS.items()},
    "cases": cases,
}
file.write_text(json.dumps(data, indent=None, separators=(",", ":")) + "\n")
