#!/usr/bin/env python3
"""Times PyTorch's derivatives of the networks that `check_accelerator` evaluates, on a graphics card if there is one, and
prints them in JSON for that example: the gradient, a Hessian-vector product, and the third derivative along one direction
twice, by repeated backward passes, without that of the network with batch norms, of which PyTorch has no third ones. Each is
the least of the seconds that it took within one second, twice at least, without the first. `scripts/check-accelerator` runs
both.

    pip install torch
    python3 benches/peers/accelerator.py
"""

import json
import time

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def mlp():
    sizes = [784, 100, 100, 100, 100, 10]
    layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        convolution = lambda a, b, size, stride: nn.Conv2d(a, b, size, stride, size // 2, bias=False)
        self.body = nn.Sequential(
            convolution(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.Tanh(),
            convolution(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.tanh(self.body(x) + self.shortcut(x))


def resnet18(channels=3, classes=10):
    """For small images: a first convolution of 3x3, and no pool after it."""
    layers = [nn.Conv2d(channels, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.Tanh()]
    for inputs, outputs, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


class Transformer(nn.Module):
    def __init__(self, features=8, width=64, tokens=32, classes=10):
        super().__init__()
        self.embedding = nn.Linear(features, width)
        self.position = nn.Parameter(0.1 * torch.randn(tokens, width))
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(self.encoder(self.embedding(x) + self.position).mean(1))


# Names, networks and shapes of inputs as in `models.rs`.
MODELS = [
    ("mlp", mlp, (1000, 784)),
    ("resnet18", resnet18, (64, 3, 8, 8)),
    ("transformer", Transformer, (100, 32, 8)),
]


def derivative(model, x, targets, directions):
    """The gradient, differentiated so many more times along one direction."""
    parameters = list(model.parameters())
    v = [torch.ones_like(p) / p.numel() ** 0.5 for p in parameters]
    loss = nn.functional.cross_entropy(model(x), targets)
    for _ in range(directions):
        parts = torch.autograd.grad(loss, parameters, create_graph=True)
        loss = sum((part * direction).sum() for part, direction in zip(parts, v))
    return torch.autograd.grad(loss, parameters)


def seconds(evaluate, wait):
    evaluate(), wait()
    begun, times = time.perf_counter(), []
    while len(times) < 2 or time.perf_counter() - begun < 1:
        start = time.perf_counter()
        evaluate(), wait()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    # 32-bit numbers are to be 32-bit numbers.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    wait = torch.cuda.synchronize if cuda else lambda: None
    place = torch.cuda.get_device_name() if cuda else f"the host, {torch.get_num_threads()} threads"
    torch.manual_seed(1)
    models = {}
    for name, make, shape in MODELS:
        # "batch_norm does not support 3rd+ order derivatives."
        quantities = ["gradient", "hv"] if name == "resnet18" else ["gradient", "hv", "third"]
        times = {}
        for precision, dtype in [("f32", torch.float32), ("f64", torch.float64)]:
            model = make().to(device, dtype)
            x = (2 * torch.rand(*shape) - 1).to(device, dtype)
            targets = (torch.arange(len(x)) ** 2 % 10).to(device)
            # Fused attention has no second derivatives.
            with sdpa_kernel(SDPBackend.MATH):
                times[precision] = {
                    key: seconds(lambda: derivative(model, x, targets, directions), wait)
                    for directions, key in enumerate(quantities)
                }
        models[name] = {"parameters": sum(p.numel() for p in model.parameters()), "seconds": times}
    print(json.dumps({"name": f"{torch.__version__.split('+')[0]} on {place}", "models": models}))


if __name__ == "__main__":
    main()
