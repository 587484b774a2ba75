"""Iterates of torch.optim.SGD, written into sgd.expected.txt beside this script.

With PyTorch installed its own optimizer takes the steps. Without it they are those of the algorithm that the
documentation of torch.optim.SGD prints, in double precision, in the order of operations of
torch/optim/sgd.py (`_single_tensor_sgd`).
"""

import pathlib

STEPS = 8
START = [1.0, -0.5, 0.25]
# lr, momentum, dampening, weight_decay, nesterov
CASES = [
    (0.1, 0.0, 0.0, 0.0, 0),
    (0.1, 0.9, 0.0, 0.0, 0),
    (0.1, 0.9, 0.5, 0.0, 0),
    (0.05, 0.9, 0.0, 0.0, 1),
    (0.1, 0.0, 0.0, 0.01, 0),
    (0.1, 0.75, 0.25, 0.1, 0),
    (0.05, 0.5, 0.0, 0.25, 1),
]


def gradient(x):
    """Of x^4/4 + x y + y^2 + (z - x)^2/2."""
    return [
        x[0] * x[0] * x[0] + x[1] - (x[2] - x[0]),
        x[0] + 2 * x[1],
        x[2] - x[0],
    ]


def documented(lr, momentum, dampening, weight_decay, nesterov):
    x, buffer = list(START), None
    for _ in range(STEPS):
        g = gradient(x)
        if weight_decay != 0:
            g = [g + weight_decay * x for g, x in zip(g, x)]
        if momentum != 0:
            if buffer is None:
                buffer = list(g)
            else:
                buffer = [momentum * b + (1 - dampening) * g for b, g in zip(buffer, g)]
            g = [g + momentum * b for g, b in zip(g, buffer)] if nesterov else buffer
        x = [x - lr * g for x, g in zip(x, g)]
        yield x


def with_torch(lr, momentum, dampening, weight_decay, nesterov):
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD(
        [x], lr, momentum, dampening, weight_decay, nesterov=bool(nesterov)
    )
    for _ in range(STEPS):
        x.grad = torch.tensor(gradient(x.tolist()), dtype=torch.float64)
        optimizer.step()
        yield x.tolist()


try:
    import torch

    iterates, source = with_torch, f"PyTorch {torch.__version__}"
except ImportError:
    iterates, source = documented, "the documented algorithm"

lines = [f"# by sgd.py, with {source}: lr momentum dampening weight_decay nesterov, then an iterate a line"]
for case in CASES:
    lines.append(" ".join(map(repr, case)))
    lines += ["  " + " ".join(map(repr, x)) for x in iterates(*case)]
pathlib.Path(__file__).with_name("sgd.expected.txt").write_text("\n".join(lines) + "\n")
