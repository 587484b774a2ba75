"""Writes what PyTorch makes of torchvision's ResNet-18 after eval(), into resnet18.expected.txt beside this script.

Weights, running statistics, images and directions are numbers of a generator that tests/batch_norm_modes.rs has too, in
binary64. The lines are the loss (cross entropy of four images of 64 x 64), the dot product g·v, and for each parameter,
of its gradient and of its part of the Hessian-vector product H v, the dot product with another direction and the
2-norm. Run with torch 2.15: python resnet18.py. The network is written out where torchvision is not installed; where it is,
its own takes its place.
"""

import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, jvp


def numbers(seed, count):
    """Numbers in [-1, 1): splitmix64 of Steele, Lea and Flood (2014), one start for each number."""
    with np.errstate(over="ignore"):
        z = np.arange(count, dtype=np.uint64) + np.uint64(seed << 40)
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return torch.from_numpy((z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """With the names and the architecture of torchvision.models.resnet18."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = [64, 64, 128, 256, 512]
        for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
            first = BasicBlock(inputs, outputs, 1 if i == 0 else 2)
            setattr(self, f"layer{i + 1}", nn.Sequential(first, BasicBlock(outputs, outputs, 1)))
        self.fc = nn.Linear(512, num_classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


CLASSES, IMAGES = 10, 4
try:
    import torchvision

    network = torchvision.models.resnet18(num_classes=CLASSES)
except ImportError:
    network = ResNet18(CLASSES)
network = network.double().eval()

with torch.no_grad():
    for seed, (name, parameter) in enumerate(network.named_parameters()):
        values = numbers(seed, parameter.numel()).reshape(parameter.shape)
        if parameter.dim() > 1:
            values *= math.sqrt(6 / parameter[0].numel())
        else:
            values = 0.2 * values + (1.0 if name.endswith("weight") else 0.0)
        parameter.copy_(values)
    for seed, (name, buffer) in enumerate(network.named_buffers()):
        if name.endswith("running_mean"):
            buffer.copy_(0.3 * numbers(1000 + seed, buffer.numel()))
        elif name.endswith("running_var"):
            buffer.copy_(1 + 0.5 * numbers(1000 + seed, buffer.numel()))

inputs = numbers(2000, IMAGES * 3 * 64 * 64).reshape(IMAGES, 3, 64, 64)
targets = torch.arange(IMAGES) * 3 % CLASSES
theta = {name: p.detach() for name, p in network.named_parameters()}
# Buffers take part as they are; they count as constants.
buffers = dict(network.named_buffers())


def loss(theta):
    return nn.functional.cross_entropy(functional_call(network, (theta, buffers), (inputs,)), targets)


direction = {n: numbers(3000 + i, p.numel()).reshape(p.shape) for i, (n, p) in enumerate(theta.items())}
probe = {n: numbers(4000 + i, p.numel()).reshape(p.shape) for i, (n, p) in enumerate(theta.items())}
gradient, product = jvp(grad(loss), (theta,), (direction,))
lines = [f"loss {loss(theta).item()!r}"]
lines.append(f"slope {sum((gradient[n] * direction[n]).sum() for n in theta).item()!r}")
for name in theta:
    found = [f(x[name]).item() for x in (gradient, product) for f in (lambda x: (x * probe[name]).sum(), torch.norm)]
    lines.append(" ".join([name, *map(repr, found)]))
path = pathlib.Path(__file__).with_name("resnet18.expected.txt")
path.write_text("\n".join(lines) + "\n")
