"""Iterates of torch.optim.Muon with an exact polar factor, written into muon.expected.txt beside this script.

With PyTorch installed its own optimizer takes the steps, with weight_decay=0 and the orthogonalisation replaced by a
singular value decomposition. Without it they are those of torch/optim/_muon.py in double precision with NumPy.
"""

import pathlib

STEPS = 8
# lr, momentum, rows, columns
CASES = [(0.05, 0.0, 2, 2), (0.05, 0.9, 2, 3), (0.02, 0.95, 3, 2), (0.1, 0.5, 3, 3)]


def start(n):
    return [0.75 - 0.25 * i for i in range(n)]


def gradient(x):
    """Of x_i^4/4 + (1 + i) x_i^2/2 + x_i x_{i+1}/3 - x_i, summed over i."""
    n = len(x)
    return [
        x[i] ** 3 + (1 + i) * x[i] + (x[(i + 1) % n] + x[i - 1]) / 3 - 1 for i in range(n)
    ]


def documented(lr, momentum, rows, columns):
    x, buffer = numpy.array(start(rows * columns)).reshape(rows, columns), 0.0
    for _ in range(STEPS):
        g = numpy.array(gradient(x.ravel())).reshape(rows, columns)
        buffer = momentum * buffer + (1 - momentum) * g
        u, _, vt = numpy.linalg.svd(momentum * buffer + (1 - momentum) * g, full_matrices=False)
        x = x - lr * max(1, rows / columns) ** 0.5 * u @ vt
        yield x.ravel().tolist()


def with_torch(lr, momentum, rows, columns):
    def exact(grad, *_):
        u, _, vt = torch.linalg.svd(grad, full_matrices=False)
        return u @ vt

    torch.optim._muon._zeropower_via_newtonschulz = exact
    x = torch.tensor(start(rows * columns), dtype=torch.float64).reshape(rows, columns)
    x.requires_grad_()
    optimizer = torch.optim.Muon([x], lr, weight_decay=0, momentum=momentum)
    for _ in range(STEPS):
        slope = gradient(x.detach().ravel().tolist())
        x.grad = torch.tensor(slope, dtype=torch.float64).reshape(rows, columns)
        optimizer.step()
        yield x.detach().ravel().tolist()


try:
    import torch

    iterates, source = with_torch, f"PyTorch {torch.__version__}"
except ImportError:
    import numpy

    iterates, source = documented, f"NumPy {numpy.__version__}"

lines = [f"# by muon.py, with {source}: lr momentum rows columns, then an iterate a line"]
for case in CASES:
    lines.append(" ".join(map(repr, case)))
    lines += ["  " + " ".join(map(repr, x)) for x in iterates(*case)]
pathlib.Path(__file__).with_name("muon.expected.txt").write_text("\n".join(lines) + "\n")
