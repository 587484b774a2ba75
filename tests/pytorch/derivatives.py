"""Writes what PyTorch makes of the networks *.toml beside this file.

For each: NAME.weights.safetensors (its state_dict), NAME.data.safetensors (inputs, targets), NAME.direction.safetensors
and NAME.expected.safetensors (loss, gradient.*, hvp.*, third.*, in binary64). Run with torch 2.5.1: python derivatives.py
"""

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


# PyTorch 2.5.1's own norms give wrong third derivatives, without a word: off by 41 % (layer norm) and 190 % (batch norm)
# from central differences of the second ones on a linear network. So these are written with elementary operations.
class LayerNorm(nn.LayerNorm):
    def forward(self, x):
        variance = x.var(-1, keepdim=True, unbiased=False)
        return (x - x.mean(-1, keepdim=True)) / (variance + self.eps).sqrt() * self.weight + self.bias


class BatchNorm1d(nn.BatchNorm1d):
    def forward(self, x):
        variance = x.var(0, keepdim=True, unbiased=False)
        return (x - x.mean(0, keepdim=True)) / (variance + self.eps).sqrt() * self.weight + self.bias


class BatchNorm2d(nn.BatchNorm2d):
    def forward(self, x):
        axes = (0, 2, 3)
        variance = x.var(axes, keepdim=True, unbiased=False)
        y = (x - x.mean(axes, keepdim=True)) / (variance + self.eps).sqrt()
        return y * self.weight[:, None, None] + self.bias[:, None, None]


class Residual(nn.Sequential):
    """The layers by position, and a shortcut beside them."""

    def __init__(self, *layers, shortcut):
        super().__init__(*layers)
        self.shortcut = shortcut

    def forward(self, x):
        y = x
        for name, layer in self.named_children():
            if name != "shortcut":
                y = layer(y)
        return y + self.shortcut(x)


class Transformer(nn.Module):
    def __init__(self, embedding, tokens, width, classes, **block):
        super().__init__()
        self.embedding = embedding
        self.position = nn.Embedding(tokens, width)
        layer = nn.TransformerEncoderLayer(width, dropout=0.0, batch_first=True, **block)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        for block in self.encoder.layers:
            block.norm1, block.norm2 = LayerNorm(width), LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        x = self.embedding(x) + self.position.weight
        return self.classifier(self.encoder(x).mean(dim=1))


def write(name, network, inputs, targets, loss, dtype):
    # Norms and biases away from where they start, and every weight exact in `dtype`.
    for parameter in network.parameters():
        parameter.data = (parameter + 0.2 * torch.randn_like(parameter)).detach()
    save_file({key: value.to(dtype).contiguous() if value.is_floating_point() else value
               for key, value in network.state_dict().items()}, f"{name}.weights.safetensors")
    network = network.to(dtype).double()
    parameters = dict(network.named_parameters())
    direction = {key: torch.randn_like(value).detach() for key, value in parameters.items()}

    def dot(gradient):
        return sum((part * direction[key]).sum() for key, part in zip(parameters, gradient))

    def gradient(scalar, create_graph=True):
        return torch.autograd.grad(scalar, list(parameters.values()), create_graph=create_graph)

    with sdpa_kernel(SDPBackend.MATH):
        value = loss(network(inputs.double() if inputs.is_floating_point() else inputs), targets)
        first = gradient(value)
        second = gradient(dot(first))
        third = gradient(dot(second), create_graph=False)
    expected = {"loss": value.detach()}
    for kind, parts in [("gradient", first), ("hvp", second), ("third", third)]:
        for key, part in zip(parameters, parts):
            expected[f"{kind}.{key}"] = part.detach().clone().contiguous()
    save_file({"inputs": inputs, "targets": targets}, f"{name}.data.safetensors")
    save_file(direction, f"{name}.direction.safetensors")
    save_file(expected, f"{name}.expected.safetensors")
    print(name, value.item())


torch.manual_seed(1)
torch.set_default_dtype(torch.float64)

write(
    "dense",
    nn.Sequential(
        nn.Linear(5, 6), nn.Tanh(), LayerNorm(6), nn.Softplus(), nn.Linear(6, 4, bias=False), BatchNorm1d(4),
        nn.Sigmoid(), nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 4), nn.ELU(), nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2),
    ),
    torch.randn(7, 5), torch.randn(7, 2), nn.MSELoss(), torch.bfloat16,
)
write(
    "convolution",
    nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, stride=(2, 1)), BatchNorm2d(4), nn.ELU(), nn.MaxPool2d(3, 2, padding=1),
        Residual(
            nn.Conv2d(4, 5, (1, 3), padding=(0, 1), bias=False), nn.Tanh(), nn.Conv2d(5, 6, 3, stride=2, padding=1),
            shortcut=nn.Sequential(nn.Conv2d(4, 6, 1, stride=2)),
        ),
        nn.AvgPool2d(2, stride=1, padding=1), nn.GELU(), nn.Flatten(), nn.Linear(54, 5),
    ),
    torch.randn(6, 3, 9, 8), torch.arange(6) % 5, nn.CrossEntropyLoss(label_smoothing=0.1), torch.float32,
)
write(
    "transformer",
    Transformer(nn.Embedding(11, 8), 5, 8, 3, nhead=2, dim_feedforward=12, activation="gelu", norm_first=True),
    torch.randint(11, (6, 5)), torch.arange(6) % 3, nn.CrossEntropyLoss(), torch.float16,
)
write(
    "norm_last",
    Transformer(nn.Linear(3, 6), 4, 6, 3, nhead=3, dim_feedforward=8, activation=torch.tanh, norm_first=False),
    torch.randn(6, 4, 3), torch.arange(6) % 3, nn.CrossEntropyLoss(), torch.float64,
)
