"""Networks of today in PyTorch, small: each with its loss, inputs and targets, in 64 bits."""

import torch
from torch import nn
from torch.nn import functional as F

MODELS = {}


def model(make):
    """Every one begins at the same random numbers."""

    def seeded():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            default = torch.get_default_dtype()
            torch.set_default_dtype(torch.float64)
            try:
                return make()
            finally:
                torch.set_default_dtype(default)

    MODELS[make.__name__] = seeded
    return seeded


def labels(n, classes):
    return torch.randint(0, classes, (n,))


@model
def mlp():
    net = nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 7), nn.GELU(), nn.Linear(7, 3))
    return net, F.cross_entropy, torch.randn(20, 6), labels(20, 3)


class Block(nn.Module):
    """A residual block of ResNet-18."""

    def __init__(self, ins, outs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(ins, outs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outs)
        self.conv2 = nn.Conv2d(outs, outs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or ins != outs:
            self.downsample = nn.Sequential(nn.Conv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet18(nn.Module):
    """That of torchvision, with fewer channels."""

    def __init__(self, width, classes):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        )
        layers, ins = [], width
        for index in range(4):
            for block in range(2):
                outs = width * 2**index
                layers.append(Block(ins, outs, 2 if index and not block else 1))
                ins = outs
        self.layers = nn.Sequential(*layers)
        self.pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(ins, classes)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.layers(self.stem(x))), 1))


@model
def resnet18():
    net = ResNet18(2, 4)
    # Zeros, which would hide mistakes.
    for p in net.parameters():
        p.data += 0.05 * torch.randn_like(p)
    return net, nn.CrossEntropyLoss(label_smoothing=0.1), torch.randn(4, 3, 32, 32), labels(4, 4)


@model
def vgg11_bn():
    layers, ins = [], 3
    for outs in (2, "pool", 4, "pool", 6, 6, "pool", 8, 8, "pool", 8, 8, "pool"):
        if outs == "pool":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)]
            ins = outs
    net = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(32, 10), nn.ReLU(True), nn.Dropout(), nn.Linear(10, 4)
    )
    return net.eval(), F.cross_entropy, torch.randn(3, 3, 32, 32), labels(3, 4)


class Inverted(nn.Module):
    """An inverted residual of MobileNetV2."""

    def __init__(self, ins, outs, stride, expansion):
        super().__init__()
        hidden = ins * expansion
        self.residual = stride == 1 and ins == outs
        self.conv = nn.Sequential(
            nn.Conv2d(ins, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True), nn.Conv2d(hidden, outs, 1, bias=False), nn.BatchNorm2d(outs),
        )  # fmt: skip

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


@model
def mobilenet_v2():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU6(), Inverted(4, 4, 1, 2), Inverted(4, 6, 2, 3),
        Inverted(6, 6, 1, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(6, 3),
    )  # fmt: skip
    net.train()
    net[8].eval()
    return net, F.cross_entropy, torch.randn(4, 3, 12, 12), labels(4, 3)


class ViT(nn.Module):
    def __init__(self, width=8, heads=2, patch=4, side=12, classes=3):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(0.1 * torch.randn(1, (side // patch) ** 2 + 1, width))
        layer = nn.TransformerEncoderLayer(width, heads, 16, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.encoder(x)[:, 0]))


@model
def vit():
    return ViT(), F.cross_entropy, torch.randn(4, 3, 12, 12), labels(4, 3)


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width) + 0.1 * torch.randn(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class CausalAttention(nn.Module):
    """With rotary embedding."""

    def __init__(self, width, heads, length):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        half = width // heads // 2
        angles = torch.outer(torch.arange(length).double(), 100.0 ** (-torch.arange(half).double() / half))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def rotate(self, x):
        a, b = x.chunk(2, dim=-1)
        return torch.cat([a * self.cos - b * self.sin, a * self.sin + b * self.cos], dim=-1)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = (part.view(n, length, self.heads, -1).transpose(1, 2) for part in self.qkv(x).split(width, dim=-1))
        y = F.scaled_dot_product_attention(self.rotate(q), self.rotate(k), v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(n, length, width))


class GPT(nn.Module):
    def __init__(self, words=11, width=8, heads=2, length=6):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.blocks = nn.ModuleList()
        for _ in range(2):
            self.blocks.append(nn.ModuleDict({
                "n1": RMSNorm(width), "attention": CausalAttention(width, heads, length), "n2": RMSNorm(width),
                "gate": nn.Linear(width, 12, bias=False), "up": nn.Linear(width, 12, bias=False),
                "down": nn.Linear(12, width, bias=False),
            }))  # fmt: skip
        self.norm = RMSNorm(width)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = x + block["attention"](block["n1"](x))
            y = block["n2"](x)
            x = x + block["down"](F.silu(block["gate"](y)) * block["up"](y))
        return self.head(self.norm(x))


@model
def gpt():
    tokens = torch.randint(0, 11, (3, 7))
    loss = lambda logits, targets: F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return GPT(), loss, tokens[:, :-1], tokens[:, 1:]


class Recurrent(nn.Module):
    def __init__(self, kind, **words):
        super().__init__()
        self.rnn = kind(3, 5, batch_first=True, **words)
        self.head = nn.Linear(5 * (1 + words.get("bidirectional", False)), 4)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


@model
def lstm():
    return Recurrent(nn.LSTM, num_layers=2), F.cross_entropy, torch.randn(4, 6, 3), labels(4, 4)


@model
def gru_classifier():
    return Recurrent(nn.GRU, bidirectional=True), F.cross_entropy, torch.randn(4, 6, 3), labels(4, 4)


class Mixer(nn.Module):
    def __init__(self, patches=9, width=6):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, 3)
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(patches, 8), nn.GELU(), nn.Linear(8, patches))
        self.channels = nn.Sequential(nn.Linear(width, 8), nn.GELU(), nn.Linear(8, width))
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        x = self.stem(x).flatten(2).mT
        x = x + self.tokens(self.n1(x).mT).mT
        x = x + self.channels(self.n2(x))
        return self.head(x.mean(dim=1))


@model
def mlp_mixer():
    return Mixer(), F.cross_entropy, torch.randn(5, 1, 9, 9), labels(5, 3)


class UNet(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        pair = lambda ins, outs: nn.Sequential(
            nn.Conv2d(ins, outs, 3, padding=1), nn.GroupNorm(2, outs), nn.SiLU(), nn.Conv2d(outs, outs, 3, padding=1), nn.SiLU()
        )
        self.down1, self.down2, self.middle = pair(1, width), pair(width, 2 * width), pair(2 * width, 2 * width)
        self.up2 = nn.ConvTranspose2d(2 * width, 2 * width, 2, 2)
        self.up1 = nn.Upsample(scale_factor=2)
        self.right2, self.right1 = pair(4 * width, width), pair(2 * width, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.middle(F.avg_pool2d(b, 2))
        b = self.right2(torch.cat([self.up2(c), b], dim=1))
        return self.out(self.right1(torch.cat([self.up1(b), a], dim=1)))


@model
def unet():
    return UNet(), F.binary_cross_entropy_with_logits, torch.randn(2, 1, 8, 8), torch.rand(2, 1, 8, 8).round()


@model
def dilated():
    net = nn.Sequential(
        nn.Conv1d(4, 6, 3, padding="same", dilation=2, groups=2), nn.Softplus(), nn.Conv1d(6, 6, 3, 2, 1, groups=3),
        nn.Hardtanh(-2, 2), nn.ConvTranspose1d(6, 4, 3, 2, 1, groups=2), nn.LeakyReLU(0.1), nn.AvgPool1d(3, 2, 1),
        nn.Flatten(), nn.Linear(24, 2),
    )  # fmt: skip
    return net, F.smooth_l1_loss, torch.randn(3, 4, 11), torch.randn(3, 2)


@model
def averaged_embeddings():
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.bag, self.fc = nn.EmbeddingBag(20, 5, mode="mean"), nn.Linear(5, 3)

        def forward(self, words, offsets):
            return self.fc(self.bag(words, offsets))

    words = torch.randint(0, 20, (17,))
    return Text(), F.cross_entropy, (words, torch.tensor([0, 3, 9, 12])), labels(4, 3)


class Pinn(nn.Module):
    """`u'' + v'' = f` inside, by derivatives of PyTorch; `way` is how they are taken."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x):
        if self.way == "func":
            u = lambda point: self.net(point)[0]
            return torch.vmap(lambda point: torch.func.hessian(u)(point).trace())(x)
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.net(x).sum(), x, create_graph=True)
        rows = [torch.autograd.grad(slope[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(2)]
        return rows[0] + rows[1]


@model
def pinn():
    x = torch.rand(12, 2)
    return Pinn("autograd"), F.mse_loss, x, torch.sin(x).sum(dim=1)


@model
def pinn_func():
    x = torch.rand(12, 2)
    return Pinn("func"), F.mse_loss, x, torch.sin(x).sum(dim=1)


class NeuralOde(nn.Module):
    """Steps of the classical Runge-Kutta method."""

    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(2, 10), nn.Softplus(), nn.Linear(10, 2))

    def forward(self, y):
        h = 0.1
        for _ in range(6):
            a = self.f(y)
            b = self.f(y + h / 2 * a)
            c = self.f(y + h / 2 * b)
            y = y + h / 6 * (a + 2 * b + 2 * c + self.f(y + h * c))
        return y


@model
def neural_ode():
    return NeuralOde(), F.mse_loss, torch.randn(6, 2), torch.randn(6, 2)


@model
def deep_linear():
    net = nn.Sequential(*(nn.Linear(5, 5, bias=False) for _ in range(6)))
    return net, F.mse_loss, torch.randn(8, 5), torch.randn(8, 5)


@model
def simclr():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 8), nn.ELU(), nn.Linear(8, 6))

    def loss(z, temperature):
        z = F.normalize(z, dim=1)
        similarity = z @ z.T / temperature
        similarity = similarity.masked_fill(torch.eye(len(z), dtype=torch.bool), float("-inf"))
        pair = torch.arange(len(z)).roll(len(z) // 2)
        return F.cross_entropy(similarity, pair)

    return net, loss, torch.randn(8, 1, 8, 8), 0.5
