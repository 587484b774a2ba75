#!/usr/bin/env python3
"""Gradients and Hessian-vector products of PyTorch's models, imported as operator graphs, beside eager PyTorch on the same
cores, in turns: the fastest evaluation, and the memory that evaluations take at most beyond what the process held before
them, each in a process of its own. Before that both are evaluated once in binary64, where all entries have to agree; the
norms of the timed ones, in binary32, agree to what rounding leaves.

    cargo build --release -p bea-network --example graph_times
    pip install . torch
    python3 benches/peers/graphs.py [--threads 2] [--seconds 2] [--rounds 3] [NAME ...]
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--times", default="target/release/examples/graph_times", help="the example of that name")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=2.0, help="of evaluations, in each round")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--graphs", help="a folder that keeps the graphs, and has them from the last run")
parser.add_argument("--quantity", choices=["gradient", "hv"], help=argparse.SUPPRESS)
parser.add_argument("names", nargs="*", help="the models [default: all]")
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)


def mlp(*sizes):
    layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ELU())]
    return nn.Sequential(*layers[:-1])


class Transformer(nn.Module):
    def __init__(self, width=64, blocks=2, tokens=64, vocabulary=64, classes=10):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(0.1 * torch.randn(tokens, width))
        layer = nn.TransformerEncoderLayer(width, max(4, width // 64), 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, blocks, enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.encoder(self.embedding(x) + self.position).mean(1))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        convolution = lambda a, b, size, stride: nn.Conv2d(a, b, size, stride, size // 2, bias=False)
        self.body = nn.Sequential(
            convolution(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(),
            convolution(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet18(channels=1, classes=10):
    """As of torchvision, which would be one more wheel."""
    layers = [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    for inputs, outputs, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def vgg11(channels=1, classes=10):
    """With batch norm, as of torchvision, and one linear layer, as images of 32x32 need."""
    layers = []
    for inputs, outputs, pool in (
        (channels, 64, True), (64, 128, True), (128, 256, False), (256, 256, True),
        (256, 512, False), (512, 512, True), (512, 512, False), (512, 512, True),
    ):  # fmt: skip
        layers += [nn.Conv2d(inputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2, 2)] if pool else []
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, classes))


class Recurrent(nn.Module):
    def __init__(self, inputs=8, width=64, classes=10):
        super().__init__()
        self.rnn = nn.LSTM(inputs, width, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


tokens = lambda count, length=64: torch.randint(0, 64, (count, length))
MODELS = {
    "mlp": lambda: (mlp(784, 100, 100, 100, 10), torch.rand(1000, 784)),
    "wide mlp": lambda: (mlp(784, 2600, 2600, 400, 10), torch.rand(2000, 784)),
    "transformer, 64": lambda: (Transformer(), tokens(64)),
    "transformer, 256": lambda: (Transformer(), tokens(256)),
    "transformer 512x8": lambda: (Transformer(512, 8, 128), tokens(4, 128)),
    "transformer 768x12": lambda: (Transformer(768, 12, 128), tokens(4, 128)),
    "resnet18": lambda: (resnet18(), torch.rand(100, 1, 28, 28)),
    "resnet18, 500": lambda: (resnet18(), torch.rand(500, 1, 28, 28)),
    "vgg11": lambda: (vgg11(), torch.rand(100, 1, 32, 32)),
    "lstm": lambda: (Recurrent(), torch.randn(64, 50, 8)),
}


def made(name):
    torch.manual_seed(1)
    model, x = MODELS[name]()
    return model, x, torch.arange(len(x)) % 10


def evaluation(model, x, targets, quantity):
    """What evaluates a quantity, and the sum of its squares."""
    parameters = list(model.parameters())
    signs = torch.where(torch.arange(sum(p.numel() for p in parameters)) % 7 % 2 == 0, 1.0, -1.0).to(parameters[0].dtype)
    v = [part.view(p.shape) for part, p in zip(signs.split([p.numel() for p in parameters]), parameters)]

    def evaluate():
        loss = nn.functional.cross_entropy(model(x), targets)
        if quantity == "gradient":
            return torch.autograd.grad(loss, parameters)
        gradient = torch.autograd.grad(loss, parameters, create_graph=True)
        return torch.autograd.grad(gradient, parameters, v)

    return evaluate


@contextlib.contextmanager
def differentiable(model, quantity):
    """Without fused kernels that have no second derivatives."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in model.modules())
    if quantity == "gradient":
        yield
        return
    with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=not recurrent):
        yield


def kibibytes(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def processor():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def of_torch(name, quantity):
    """What the example does, of eager PyTorch."""
    model, x, targets = made(name)
    with differentiable(model, quantity):
        # The library's own code is no memory of an evaluation.
        evaluation(model, x[:2], targets[:2], quantity)()
        evaluate = evaluation(*made(name), quantity)
        pathlib.Path("/proc/self/clear_refs").write_text("5")
        held = kibibytes("VmRSS")
        squares = sum(g.double().square().sum().item() for g in evaluate())
        times, start, before = [], time.perf_counter(), processor()
        while len(times) < 2 or time.perf_counter() - start < arguments.seconds:
            begin = time.perf_counter()
            evaluate()
            times.append(time.perf_counter() - begin)
    peak = 1024 * (kibibytes("VmHWM") - held)
    return {"times": times, "processor": (processor() - before) / len(times), "peak": peak, "squares": squares}


def output(command):
    environment = {**os.environ, "RAYON_NUM_THREADS": str(arguments.threads)}
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def checked(name):
    """How far the gradient and the product are from PyTorch's in binary64, relatively."""
    model, x, targets = made(name)
    model, x = model.double(), x.double() if x.is_floating_point() else x
    objective = bea.from_torch(model, nn.functional.cross_entropy, x, targets)
    signs = np.where(np.arange(objective.dimension) % 7 % 2 == 0, 1.0, -1.0)
    flat = lambda parts: np.concatenate([np.asarray(part).ravel() for part in parts])
    results = {"gradient": objective.value_and_grad()[1], "hv": objective.hvp(objective.unflatten(signs))}
    for quantity, result in results.items():
        with differentiable(model, quantity):
            expected = flat(part.detach() for part in evaluation(model, x, targets, quantity)())
        error = np.linalg.norm(flat(result.values()) - expected) / np.linalg.norm(expected)
        assert error < 1e-10, f"{name}: the {quantity} differs by {error:.1e} in binary64"
        yield error


def compared(name, quantity, folder):
    here = [sys.executable, __file__, "--quantity", quantity, "--threads", str(arguments.threads)]
    here += ["--seconds", str(arguments.seconds), name]
    ours = [str(pathlib.Path(arguments.times).resolve()), str(folder), quantity, str(arguments.seconds)]
    rounds = [(output(ours), output(here)) for _ in range(arguments.rounds)]
    bea, peer = ([of[side] for of in rounds] for side in (0, 1))
    error = abs(bea[0]["squares"] / peer[0]["squares"] - 1)
    assert error < 1e-4, f"{name}: the squares of the {quantity} differ by {error:.1e}"
    fastest = [min(min(run["times"]) for run in side) for side in (bea, peer)]
    median = [statistics.median(t for run in side for t in run["times"]) for side in (bea, peer)]
    processor = [min(run["processor"] for run in side) for side in (bea, peer)]
    peak = [min(run["peak"] for run in side) for side in (bea, peer)]
    print(
        f"{name + ' ' + quantity:<26}{fastest[0] * 1e3:9.1f} ms{fastest[1] * 1e3:9.1f} ms{fastest[0] / fastest[1]:7.2f}"
        f"{median[0] / median[1]:8.2f}{processor[0] / processor[1]:8.2f}{peak[0] / 2**20:9.0f} MiB{peak[1] / 2**20:6.0f} MiB"
        f"{peak[0] / peak[1]:7.2f}",
        flush=True,
    )


if arguments.quantity:
    print(json.dumps(of_torch(arguments.names[0], arguments.quantity)))
    sys.exit()

import numpy as np  # noqa: E402

import bea  # noqa: E402

print(f"{'':<26}{'bea':>12}{'PyTorch':>12}{'ratio':>7}{'median':>8}{'cpu':>8}{'bea':>13}{'PyTorch':>10}{'ratio':>7}")
with tempfile.TemporaryDirectory() as temporary:
    for name in arguments.names or MODELS:
        folder = pathlib.Path(arguments.graphs or temporary, name.replace(", ", "-").replace(" ", "-") + ".bea-graph")
        if not folder.exists():
            model, x, targets = made(name)
            bea.save(bea.from_torch(model, nn.functional.cross_entropy, x, targets), folder)
        print(f"{name}: in binary64 apart by {max(checked(name)):.1e}", flush=True)
        for quantity in ("gradient", "hv"):
            compared(name, quantity, folder)
