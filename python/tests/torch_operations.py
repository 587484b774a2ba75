"""What PyTorch has operations for: each a function of tensors that depend on parameters, with one number from all entries."""

import torch
from torch import nn
from torch.nn import functional as F

i = torch.tensor
#: By name; `a` is `[3, 4]`, `b` `[4, 5]`, `c` `[2, 4, 6, 6]`, `d` `[2, 4, 7]`, `p` positive `[3, 4]`, all with parameters.
OPERATIONS = {
    name.strip(): code.strip()
    for name, code in (line.split(":", 1) for line in """
    add sub mul div: (a + 2 * a[0]) * (3 - a) / (p + 1) - torch.add(a, p, alpha=0.3) + (1 / p) + torch.rsub(a, p, alpha=2)
    powers: a**2 + a**3 + p**0.5 + p**-0.5 + p**1.7 + p**-1 + a**0 + 2**a + p**a
    exponentials: a.exp() + a.expm1() + p.log() + p.log1p() + p.log2() + p.log10() + a.exp2() + a.sinh() + a.cosh()
    trigonometry: a.sin() + a.cos() + (a / 3).tan() + a.atan() + (a / 4).asin() + (a / 4).acos() + (a / 4).atanh()
    hyperbolic: a.asinh() + (p + 1).acosh() + torch.atan2(a, a.flip(1)) + torch.atan2(p - p, -p)
    rounding: a.round() * p + a.floor() + a.ceil() * a + a.trunc() + a.frac() + a.sign() * a + torch.round(a, decimals=1)
    remainders: torch.fmod(a, 0.7) + torch.remainder(a, 0.7) + torch.div(a, 0.3, rounding_mode='floor') + a // 0.4
    special functions: a.erf() + a.erfc() + p.rsqrt() + p.reciprocal() + p.sqrt() + a.square() + a.abs() + torch.special.ndtr(a)
    sigmoids: a.tanh() + a.sigmoid() + F.logsigmoid(a) + F.softplus(a) + F.softplus(30 * a, beta=2) + F.hardsigmoid(a)
    rectifiers: F.relu(a) + F.elu(a, 0.7) + F.selu(a) + F.celu(a, 0.6) + F.leaky_relu(a, 0.2) + F.rrelu(a, training=False)
    rectifiers again: F.relu6(a) + F.hardtanh(a, -0.5, 0.6) + F.hardswish(a) + F.mish(a) + F.silu(a) + F.threshold(a, 0.1, 2.0)
    gelu: F.gelu(a) + F.gelu(a, approximate='tanh') + F.prelu(a, p[0]) + F.softsign(a) + F.tanhshrink(a) + F.glu(a, 1).sum()
    shrinkage: F.hardshrink(a) + F.softshrink(a, 0.3) + F.softmin(a, 0) + F.normalize(a, dim=1) + F.logsigmoid(-a)
    extrema: torch.maximum(a, p) + torch.minimum(a, p) + a.clamp(-0.5, 0.5) + a.clamp(min=p) + a.clamp_min(0) + torch.fmax(a, p)
    comparisons: torch.where(a > 0, a, p) * (a < p) + (a >= 0.1).double() * p + (a != a).double() + (a == a.amax(1, True)) * a
    logic: torch.where((a > 0) & ~(p > 1) | (a < -1), a, p) + torch.where((a > 0) ^ (p > 1), 1.0, a) + (a > 0).any(1, True) * a
    masks: a.masked_fill(a > 0.3, -2.0) + a.masked_fill(torch.eye(3, 4).bool(), 1.5) + a.tril(1) + a.triu()
    sums: a.sum() + a.mean(0).sum() + a.sum((0, 1)) + a.prod() + a.prod(1).sum() + a.var() + a.std(1).sum() + a.mean(dtype=a.dtype)
    extrema along: a.max() + a.min() + a.max(1).values.sum() + a.min(0)[0].sum() + a.amax((0, 1)) + a.amin(1).sum()
    statistics: sum(t.sum() for t in torch.var_mean(a, 1)) + sum(t.sum() for t in torch.std_mean(a, 0)) + a.var(1, correction=0).sum()
    norms: a.norm() + a.norm(1) + a.norm(3, 1).sum() + torch.linalg.vector_norm(a, float('inf')) + a.norm(dim=0).sum() + torch.linalg.norm(a)
    log of sums: a.logsumexp(1).sum() + torch.logaddexp(a, p).sum() + a.softmax(1).square().sum() + a.log_softmax(0).square().sum()
    cumulative: a.cumsum(1) * p + a.cumsum(0).square() + torch.diff(a, dim=0).sum()
    sorting: (a.sort(1).values * p).sum() + (a.topk(2, 1)[0] * p[:, :2]).sum() + (a.argsort(0) * a).sum() + a.median(1)[0].sum()
    arguments: a.argmax(1).sum() * p + a.argmin(0) * p[0] + a.argmax() * p + a.gather(1, a.argmax(1, True)) * p
    indices: (a[[2, 0]] * p[:2]).sum() + a[i([0, 2]), i([3, 1])].sum() + a[:, i([1, 1])].square().sum() + a[a.new_ones(3).bool()].sum()
    gathering: a.gather(1, i([[0, 1], [2, 2], [3, 0]])) * p[:, :2] + a.index_select(1, i([3, 3])) + torch.take_along_dim(a, i([[1]]), 1)
    scattering: a.scatter(1, i([[1], [0], [2]]), p) * p + torch.zeros(3, 4).scatter_add(0, i([[0, 0, 2, 1]]), a) * p
    adding at: (a.index_add(0, i([0, 0]), p[:2]) * p + a.index_put((i([0, 0]), i([1, 1])), p[0, :2], accumulate=True) * a).square()
    putting: a.index_put((i([0, 1]), i([1, 2])), p[0, :2]) * p + a.index_fill(1, i([2]), 3.0) * a + a.masked_scatter(torch.eye(3, 4).bool(), p)
    shapes: a.view(4, 3).T.reshape(2, 6).unsqueeze(1).expand(2, 3, 6).squeeze().transpose(1, 2).flatten()[:24:5] * p[0, 1]
    pieces: torch.cat([a, p]).chunk(2)[1] * torch.stack([a, p])[0] + torch.cat(a.split([1, 3], 1), 1) + torch.stack(a.unbind(1), 1)
    slices: a[:, -1].square().sum() + a[1:, ::2].sum() * a.narrow(1, 1, 2).sum() + a[..., None].sum() + a.diagonal().square().sum()
    moving: (a.flip(1) + a.roll(1, 0) + a.roll((1, 2), (0, 1)) + a.repeat(2, 1)[:3] + a.rot90(2)) * p + a.repeat_interleave(2, 0)[1:4]
    padding: F.pad(a, (1, 2, -1, 1), value=0.5).square().sum() + F.pad(d, (2, 1), mode='reflect').square().sum()
    padding again: F.pad(c, (1, 1, 2, 0), mode='replicate').square().sum() + F.pad(d, (1, 1), mode='circular').square().sum()
    windows: F.pixel_shuffle(c, 2).square().sum() + F.pixel_unshuffle(c, 2).cos().sum() + F.unfold(c, 3).square().sum() + d.unfold(2, 3, 2).cos().sum()
    products: (a @ b).square().sum() + a.mv(p[0]).sum() + p[0].dot(a[0]) + torch.outer(a[0], p[1]).square().sum() + torch.einsum('ij,kj->ik', a, p).cos().sum()
    batches of products: torch.bmm(c[:, 0], c[:, 1]).sum() + torch.baddbmm(d, d[:, :, :3], d[:, :3], beta=0.5, alpha=2).cos().sum() + (c @ c[0, 0]).cos().sum()
    bilinear: F.bilinear(a, p, c[0, :2, :4, :4].reshape(2, 4, 4), a[0, :2]).square().sum() + torch.addmm(b[0], a, b, beta=2, alpha=0.5).sum()
    distances: torch.cdist(a, p).sum() + torch.cdist(a, p, p=1).sum() + F.cosine_similarity(a, p).sum() + F.pairwise_distance(a, p).sum()
    convolution: F.conv2d(c, c[:1, :2, :3, :3].expand(6, 2, 3, 3), a[0, 0] + torch.arange(6.0), 2, 1, 1, 2).square().sum()
    convolution 1: F.conv1d(d, d[:, :, :3], stride=2, padding=3, dilation=2).square().sum() + F.conv1d(d[0], d[:, :, :2]).cos().sum()
    convolution 3: F.conv3d(c[:, :, None].expand(-1, -1, 3, -1, -1), c[:, :, None, :2, :2], padding=1).square().sum()
    transposed: F.conv_transpose2d(c, c[0][:, None, :3, :3].expand(4, 3, 3, 3), None, 2, 1, 1, 2, 1).square().sum()
    transposed 1: F.conv_transpose1d(d, b[:, :3][:, None], stride=3, dilation=2, padding=1).square().sum()
    max pools: F.max_pool2d(c, 3, 2, 1).square().sum() + F.max_pool2d(c, 2, 2, ceil_mode=True, dilation=2).cos().sum() + F.max_pool1d(d, 2).square().sum()
    average pools: F.avg_pool2d(c, 3, 2, 1, count_include_pad=False).square().sum() + F.avg_pool2d(c, 4, 3, 1, ceil_mode=True).cos().sum() + F.avg_pool1d(d, 2).cos().sum()
    more pools: F.avg_pool2d(c, 2, divisor_override=3).cos().sum() + F.avg_pool3d(c[None], 2).cos().sum() + F.max_pool3d(c[None], 2).cos().sum() + F.lp_pool1d(d, 2, 3).sum()
    adaptive pools: F.adaptive_avg_pool2d(c, (3, 2)).cos().sum() + F.adaptive_avg_pool2d(c, (4, 5)).cos().sum() + F.adaptive_max_pool2d(c, 2).cos().sum() + F.adaptive_avg_pool1d(d, 3).cos().sum()
    resizing: F.interpolate(c, scale_factor=2).cos().sum() + F.interpolate(c, (4, 9), mode='bilinear').cos().sum() + F.interpolate(c, (9, 8), mode='bicubic', align_corners=True).cos().sum()
    resizing 1: F.interpolate(d, 11, mode='linear').cos().sum() + F.interpolate(d, scale_factor=1.5, mode='nearest-exact').cos().sum()
    layer norm: F.layer_norm(c, (6, 6), c[0, 0], c[0, 1]).cos().sum() + F.rms_norm(a, (4,), p[0], 1e-5).cos().sum() + F.rms_norm(a, (4,)).cos().sum()
    group norm: F.group_norm(c, 2, p[0], a[0]).cos().sum() + F.instance_norm(c).cos().sum() + F.local_response_norm(c, 3).cos().sum()
    batch norm: F.batch_norm(c, None, None, p[0], a[0], training=True).cos().sum() + F.batch_norm(d, torch.zeros(4), torch.ones(4)).cos().sum()
    cross entropy: F.cross_entropy(a, i([0, 3, 1])) + F.cross_entropy(a, i([0, 3, 1]), label_smoothing=0.2, weight=i([1.0, 2, 3, 4])) + F.cross_entropy(a, p.softmax(1))
    cross entropy of pixels: F.cross_entropy(c, (c[:, 0].detach() > 0).long() + 2) + F.cross_entropy(a, i([0, -100, 2])) + F.cross_entropy(a, i([0, 1, 2]), reduction='sum')
    regression: F.mse_loss(a, p) + F.l1_loss(a, p) + F.huber_loss(a, p, delta=0.4) + F.smooth_l1_loss(a, p, beta=0.3) + F.mse_loss(a, p, reduction='sum')
    binary: F.binary_cross_entropy(a.sigmoid(), p.sigmoid()) + F.binary_cross_entropy_with_logits(a, p.sigmoid(), p.detach(), pos_weight=i([1.0, 2, 3, 4]))
    divergences: F.kl_div(a.log_softmax(1), p.softmax(1)) + F.poisson_nll_loss(a, p) + F.gaussian_nll_loss(a, p, p) + F.soft_margin_loss(a, p.sign().detach())
    margins: F.hinge_embedding_loss(a, (a > 0) * 2.0 - 1) + F.triplet_margin_loss(a, p, a.flip(0)) + F.cosine_embedding_loss(a, p, i([1, -1, 1])) + F.margin_ranking_loss(a, p, p.sign())
    attention: F.scaled_dot_product_attention(c, c.flip(1), c.cos(), is_causal=True).cos().sum() + F.scaled_dot_product_attention(c, c, c, torch.eye(6).bool()).cos().sum()
    attention with a mask: F.scaled_dot_product_attention(c, c, c, torch.eye(6) * c[0, 0], scale=0.3).cos().sum() + F.multi_head_attention_forward(d.mT, d.mT, d.mT, 4, 2, b.new_ones(12, 4) * p[0], None, None, None, False, 0.0, b[:, :4] @ b[:, :4].T, b[:, 4])[0].cos().sum()
    embedding: F.embedding(i([[0, 2], [2, 1]]), a, padding_idx=1).cos().sum() + F.embedding_bag(i([0, 2, 2, 1]), a, i([0, 1]), mode='sum').cos().sum() + F.one_hot(a.argmax(1), 4).mul(p).sum()
    casts: a.float().double().sum() * 0 + a.to(torch.int64) * p + (a > 0).to(a.dtype) * p + p.int().double() * a + p.bool() * a
    detached: a.detach() * p + a.data.cos() * p + (a - a.detach()).exp() * p + torch.no_grad()(lambda t: t * 2)(a) * p
    in place: filled(a, p) + a.clone().mul_(2).add_(p).clamp_(max=1).tanh_() + a.clone().zero_() + a.clone().fill_(2.0)
    views in place: viewed(a.clone(), p).cos() + a.clone().masked_fill_(a > 0, 0.0) + a.clone().t_().T.sin_()
    gradient inside: torch.func.grad(lambda t: (t.tanh() * p + F.softplus(t) + t.sigmoid() * F.gelu(t) + F.silu(t)).sum())(a).cos()
    gradient of a network: torch.func.jacrev(lambda t: F.layer_norm(t @ b, (5,)).log_softmax(0))(a[0]).cos().sum() + torch.func.jacfwd(lambda t: F.elu(t @ b))(a[0]).cos().sum()
    gradient of convolutions: torch.func.grad(lambda t: F.conv2d(t, c[:, :, :3, :3], None, 2, 1).relu().square().sum())(c).cos().sum() + torch.func.grad(lambda w: F.avg_pool2d(F.conv2d(c, w, None, 2, 1, 2), 1).square().sum())(c[:, :, :2, :2]).cos().sum()
    Hessian inside: torch.func.hessian(lambda t: (t.sin() @ b).square().sum())(a[0]).cos().sum() + torch.func.jvp(torch.tanh, (a,), (p,))[1].sum()
    mapped: torch.vmap(lambda t, s: (t * s).sum() * t)(a, p) + torch.vmap(torch.func.grad(lambda t: t.prod()))(a) + torch.vmap(torch.trace)(torch.stack([a[:, :3]] * 3))[0]
    loops: looped(a, p) + torch.stack([a[k] * k for k in range(3)]) + sum(t.square().sum() for t in a)
    """.strip().splitlines())
}  # fmt: skip


def filled(a, p):
    out = torch.zeros(3, 4, dtype=a.dtype)
    out[0] = a[1]
    out[:, 1] += p[:, 0]
    out[1:, 2:] = a[:2, :2] * 2
    out[i([2]), i([0])] = p[0, 0]
    out[out > 100] = 0
    return out


def viewed(a, p):
    row = a[1]
    row *= 2
    a.view(-1)[3] += p[0, 0]
    rest = a[:, 1:].T
    rest.copy_(rest * p[0, 1])
    row.add_(p[1])
    return a


def looped(a, p):
    while p.shape[0] > 0:
        a, p = a * 1.1, p[1:]
    return a


class Operation(nn.Module):
    """One of them, of tensors in which all parameters take part."""

    def __init__(self, name):
        super().__init__()
        self.code = OPERATIONS[name]
        random = torch.Generator().manual_seed(1)
        shapes = {"a": (3, 4), "b": (4, 5), "c": (2, 4, 6, 6), "d": (2, 4, 7), "p": (3, 4)}
        for key, shape in shapes.items():
            value = torch.randn(shape, generator=random, dtype=torch.float64)
            setattr(self, key, nn.Parameter(value.abs() + 0.5 if key == "p" else value))

    def forward(self, _):
        names = {"a": self.a * 1.0, "b": self.b * 1.0, "c": self.c * 0.5, "d": self.d * 1.0, "p": self.p * 1.0}
        return eval(self.code, {**globals(), **names})


def total(out, _):
    weights = torch.linspace(0.5, 1.5, out.numel(), dtype=torch.float64).reshape(out.shape)
    return (out * weights).sum()
