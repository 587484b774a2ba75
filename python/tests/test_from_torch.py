"""Modules of PyTorch as operator graphs: `.ci/python --torch` runs these."""

import collections
import copy
import json
import math
import pickle
import re
import warnings

import graph_reference
import numpy as np
import pytest

import bea
from bea import _aten

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from graph_derivatives import same_derivatives  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch_derivatives import call, derivatives  # noqa: E402
from torch_models import MODELS  # noqa: E402
from torch_operations import OPERATIONS, Operation, total  # noqa: E402


@pytest.fixture(autouse=True)
def quiet():
    """Notes on batch normalisation in training mode are tested by themselves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="batch normalisation in training mode")
        warnings.filterwarnings("ignore", category=FutureWarning)
        yield


def reference(objective, folder):
    """The loss of the saved graph in NumPy."""
    bea.save(objective, folder / "model.bea-graph")
    return graph_reference.evaluate(folder / "model.bea-graph")


@pytest.mark.parametrize("name", MODELS)
def test_models(name, tmp_path):
    model, loss_fn, inputs, targets = MODELS[name]()
    before = copy.deepcopy(model.state_dict())
    objective = bea.from_torch(model, loss_fn, inputs, targets)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert objective.precision < 1e-15 and list(objective.x) == [name for name, _ in model.named_parameters()]
    expected = loss_fn(call(model, inputs), targets).item()
    assert reference(objective, tmp_path) == pytest.approx(expected, rel=1e-12)
    same_derivatives(objective, derivatives(model, loss_fn, inputs, targets))


@pytest.fixture
def double():
    """Numbers without a dtype have 64 bits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name, tmp_path, double):
    model = Operation(name)
    expected = total(model(None), None).item()
    objective = bea.from_torch(model, total, torch.zeros(1), None)
    assert reference(objective, tmp_path) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert objective.value_and_grad()[0] == pytest.approx(expected, rel=1e-11, abs=1e-11)


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


INPUTS = torch.linspace(-1, 1, 15).reshape(5, 3)
TARGETS = torch.tensor([0, 1, 1, 0, 1])


def test_it_is_an_objective_everywhere():
    model = small()
    objective = bea.from_torch(model, F.cross_entropy, INPUTS, TARGETS, dtype="f64")
    other = bea.torch.objective(copy.deepcopy(model).double(), F.cross_entropy, (INPUTS.double(), TARGETS))
    value, gradient = objective.value_and_grad()
    assert list(gradient) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert value == pytest.approx(other.value_and_grad()[0], rel=1e-12)
    close = lambda found, expected: np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    close(bea.spectrum(objective, top=3).eigenvalues, bea.spectrum(other, top=3).eigenvalues)
    for name, part in bea.principal_flow(other, lr=0.1).velocity.items():
        close(bea.principal_flow(objective, lr=0.1).velocity[name], part)
    field = bea.evaluate(objective, "adam_inside", order=2, lr=0.01, beta1="9/10", beta2="99/100", eps="1/100")
    assert field["0.weight"].shape == (4, 3) and np.isfinite(field["0.weight"]).all()
    # The point may be moved, and is saved where it is.
    objective.x = {name: 2 * part for name, part in objective.x.items()}
    model.load_state_dict({name: 2 * p for name, p in model.state_dict().items()})
    assert objective.value_and_grad()[0] == pytest.approx(F.cross_entropy(model(INPUTS), TARGETS).item(), rel=1e-6)


def test_the_precision_is_that_of_the_module(tmp_path):
    objective = bea.from_torch(small(), F.cross_entropy, INPUTS, TARGETS)
    assert objective.precision == np.finfo(np.float32).eps
    bea.save(objective, tmp_path / "m.bea-graph")
    document, tensors = graph_reference.read(tmp_path / "m.bea-graph")
    assert document["dtype"] == "f32" and tensors["0.weight"].dtype == np.float32
    double = bea.from_torch(small(), F.cross_entropy, INPUTS, TARGETS, dtype="f64")
    np.testing.assert_array_equal(double.x["0.weight"], objective.x["0.weight"])
    half = bea.from_torch(small().bfloat16(), F.cross_entropy, INPUTS.bfloat16(), TARGETS)
    assert half.precision == np.finfo(np.float32).eps


def test_lines_and_modules_are_told(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            return torch.tanh(self.fc(x))  # here

    bea.save(bea.from_torch(Net(), F.cross_entropy, INPUTS, TARGETS), tmp_path / "m.bea-graph")
    document, _ = graph_reference.read(tmp_path / "m.bea-graph")
    at = {node["op"]: node.get("at", "") for node in document["nodes"]}
    assert at["tanh"].startswith("test_from_torch.py:") and at["tanh"].endswith("return torch.tanh(self.fc(x))  # here")
    assert at["matmul"].endswith("(fc: Linear)")


def test_shared_frozen_and_kept_parameters():
    model = small()
    model.append(nn.Linear(2, 4))
    model[3].weight = model[2].weight if model[2].weight.shape == model[3].weight.shape else nn.Parameter(model[2].weight.T.clone())
    model[0].bias.requires_grad_(False)
    weight = model[0].weight
    loss = lambda outputs, targets: F.cross_entropy(outputs, targets) + (weight**2).sum() + (model[2].weight ** 2).sum()
    with pytest.warns(UserWarning, match="constants, as they do not require a gradient: 0.bias"):
        objective = bea.from_torch(model, loss, INPUTS, TARGETS, dtype="f64")
    assert "0.bias" not in objective.x
    model = model.double()
    weight = model[0].weight
    expected = torch.autograd.grad(loss(model(INPUTS.double()), TARGETS), model[0].weight)[0]
    np.testing.assert_allclose(objective.value_and_grad()[1]["0.weight"], expected, rtol=1e-10)


def test_batch_normalisation_in_training_is_a_function_of_the_batch():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    before = copy.deepcopy(model.state_dict())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bea.from_torch(model, F.cross_entropy, INPUTS, TARGETS)
    assert any("a function of this batch" in str(one.message) for one in caught)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_programs_that_look_at_data_alone(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            factor = 2.0 if x.max() > 0.5 else 1.0
            return self.fc(x[x[:, 0] > -0.5]) * factor * x.sum().item()

    model = Net().double()
    loss = lambda outputs, _: outputs.square().mean()
    objective = bea.from_torch(model, loss, INPUTS.double(), None)
    assert reference(objective, tmp_path) == pytest.approx(loss(model(INPUTS.double()), None).item(), rel=1e-12)


def test_what_is_detached_is_constant():
    model = small().double()
    loss = lambda outputs, targets: (outputs * outputs.detach()).sum() + torch.no_grad()(torch.exp)(outputs).sum() * 0
    objective = bea.from_torch(model, loss, INPUTS.double(), None)
    outputs = model(INPUTS.double())
    expected = torch.autograd.grad((outputs * outputs.detach()).sum(), model[2].bias)[0]
    np.testing.assert_allclose(objective.value_and_grad()[1]["2.bias"], expected, rtol=1e-12)


class Does(nn.Module):
    """A linear layer, and what is done with its outputs."""

    def __init__(self, then):
        super().__init__()
        self.layer, self.then = nn.Linear(3, 2), then

    def forward(self, x):
        return self.then(self.layer(x))


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


REFUSED = {
    "branch": (lambda y: y * 2 if y.max() > 0 else y, "goes on in a way that depends on parameters.*torch.where"),
    "number": (lambda y: y * y.max().item(), "goes on in a way that depends on parameters"),
    "numpy": (lambda y: y * float(y.detach().numpy().max()), "leave PyTorch"),
    "mask": (lambda y: y[y > 0].sum() * y, "how many entries .* depends on parameters"),
    "noise": (lambda y: y + torch.randn(5, 2), "draws random numbers.*model.eval()"),
    "inverse": (lambda y: y @ torch.linalg.inv(y.T @ y), r"linalg_inv_ex.default is not supported.*\n  at test_from_torch"),
    "complex": (lambda y: torch.fft.fft(y).abs(), "is not supported"),
    "function": (lambda y: Sign.apply(y), "autograd.Function, Sign"),
    "alias": (Sign.apply, "autograd.Function, Sign"),
    "hook": (lambda y: y.register_hook(lambda gradient: 2 * gradient) and y, "register_hook: a hook changes gradients"),
    "bits": (lambda y: y * ((5 * y).long() & 3), "bitwise_and.* of integers that depend on parameters"),
    "complement": (lambda y: y * ~(5 * y).long(), "bitwise_not.* of integers that depend on parameters"),
    "frequencies": (
        lambda y: F.embedding(torch.tensor([0, 1, 1, 1, 0]), y, scale_grad_by_freq=True), "scale_grad_by_freq.*no gradient"
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    then, message = REFUSED[name]
    with pytest.raises(bea.Error, match=f"(?s){message}"):
        bea.from_torch(Does(then), F.cross_entropy, INPUTS, TARGETS)


def test_what_is_wrong(tmp_path):
    make = lambda model, loss=F.cross_entropy, **words: bea.from_torch(model, loss, INPUTS, TARGETS, **words)
    with pytest.raises(bea.Error, match=r"(?s)draws random numbers.*\n  at 1: Dropout"):
        make(nn.Sequential(nn.Linear(3, 2), nn.Dropout()))
    with pytest.raises(bea.Error, match="no parameter that requires a gradient"):
        make(nn.Tanh())
    with pytest.raises(bea.Error, match="the parameter 'weight' is complex"):
        make(nn.Linear(3, 2, dtype=torch.complex64))
    with pytest.raises(bea.Error, match="has no shape yet: call the model once"):
        make(nn.LazyLinear(2))
    with pytest.raises(bea.Error, match=r"the loss is one number, not a tensor of shape \(5,\)"):
        make(small(), lambda outputs, targets: outputs[:, 0])
    with pytest.raises(bea.Error, match="not None"):
        make(small(), lambda outputs, targets: None)
    with pytest.raises(bea.Error, match="does not depend on any parameter"):
        make(small(), lambda outputs, targets: outputs.detach().sum())
    with pytest.raises(bea.Error, match='`dtype` is "f32" or "f64", not \'f16\''):
        make(small(), dtype="f16")
    with pytest.raises(bea.Error, match="a torch.nn.Module, not function"):
        make(lambda x: x)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        bea.from_torch(small(), F.cross_entropy, INPUTS[:, :2], TARGETS)
    model = small()
    model[0].weight.data[1, 2] = float("nan")
    with pytest.raises(bea.Error, match=r"the parameter 0.weight\[1,2\] is nan"):
        make(model)
    with pytest.raises(bea.Error, match=r"(?s)a constant of shape \(5, 2\) is NaN at \[4,1\]: replace NaN first.*\n  at test_from_t"):
        gaps = torch.tensor([[0.0, 0], [0, 0], [0, 0], [0, 0], [0, float("nan")]])
        make(Does(lambda y: torch.where(gaps.isnan(), 0.0, y - gaps)))
    with pytest.raises(bea.Error, match=r"(?s)depend on any parameter: a tensor of shape \(0, \d\) .* has no entries\n  at .*Linear"):
        bea.from_torch(small(), lambda outputs, _: outputs.square().sum(), INPUTS[:0], None)
    empty = small()
    empty.unused = nn.Parameter(torch.zeros(0, 3))
    with pytest.raises(bea.Error, match=r"the parameter unused of shape \(0, 3\) has no entries"):
        bea.from_torch(empty, lambda outputs, _: outputs.square().sum(), INPUTS, None)
    with pytest.warns(UserWarning, match="rounded to fewer digits"):
        make(Does(lambda y: y.bfloat16().float()))


def test_tensors_without_entries_are_left_out():
    make = lambda loss: bea.from_torch(small(), loss, INPUTS, None).value_and_grad()[0]
    whole = make(lambda y, _: y.square().sum())
    assert make(lambda y, _: y.square().sum() + y[:0].sum()) == whole
    assert make(lambda y, _: torch.cat([y[:0], y]).square().sum()) == pytest.approx(whole, rel=1e-14)
    with pytest.raises(bea.Error, match=r"(?s)is NaN: replace NaN first.*\n  at test_from_t"):
        make(lambda y, _: y.square().sum() + y[:0].mean())


def test_casts_from_64_bits_warn():
    with pytest.warns(UserWarning, match="rounded to fewer digits in between.*test_from_t"):
        objective = bea.from_torch(small().double(), lambda y, _: (y.float() * 1.1).square().sum(), INPUTS.double(), None)
    # It is no error where the loss is compared.
    assert objective.precision < 1e-15 and np.isfinite(objective.value_and_grad()[0])


def test_parameters_of_the_loss_are_named():
    class Tempered(nn.Module):
        def __init__(self):
            super().__init__()
            self.temperature = nn.Parameter(torch.tensor(2.0))

        def forward(self, outputs, targets):
            return F.cross_entropy(outputs / self.temperature, targets)

    with pytest.warns(UserWarning, match="parameters of the loss and not of the model: temperature; a module that has both"):
        objective = bea.from_torch(small(), Tempered(), INPUTS, TARGETS)
    assert "temperature" not in objective.x


def test_compiled_modules_are_taken_as_they_were():
    model, loss = small(), F.cross_entropy
    plain = bea.from_torch(model, loss, INPUTS, TARGETS)
    for compiled in (
        bea.from_torch(torch.compile(model), loss, INPUTS, TARGETS),
        bea.from_torch(nn.Sequential(torch.compile(model)), torch.compile(loss), INPUTS, TARGETS),
    ):
        assert compiled.value_and_grad()[0] == plain.value_and_grad()[0]
    assert list(bea.from_torch(torch.compile(model), loss, INPUTS, TARGETS).x) == list(plain.x)


def test_hypot():
    w = nn.Parameter(torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64))
    module = Does(lambda y: y)
    module.w = w
    objective = bea.from_torch(module, lambda y, _: torch.hypot(w, 2 * w + 1).sum() + 0 * y.sum(), INPUTS, None, dtype="f64")
    value, gradient = objective.value_and_grad()
    expected = torch.hypot(w, 2 * w + 1).sum()
    assert value == pytest.approx(expected.item(), rel=1e-14)
    assert gradient["w"] == pytest.approx(torch.autograd.grad(expected, w)[0].numpy(), rel=1e-13)


def test_saving(tmp_path):
    objective = bea.from_torch(small(), F.cross_entropy, INPUTS, TARGETS)
    path = tmp_path / "m.bea-graph"
    bea.save(objective, path)
    objective.x = {name: 2 * part for name, part in objective.x.items()}
    bea.save(objective, path)
    assert sorted(file.name for file in path.iterdir()) == ["graph.json", "tensors.safetensors"]
    assert [file.name for file in tmp_path.iterdir()] == ["m.bea-graph"]
    np.testing.assert_allclose(graph_reference.read(path)[1]["2.bias"], objective.x["2.bias"], rtol=1e-7)
    again = bea.network(str(path))
    assert again.value_and_grad()[0] == objective.value_and_grad()[0]
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("")
    for name, message in [("file", "is a file"), ("folder", "something else"), ("no/m", "there is no folder")]:
        with pytest.raises(bea.Error, match=message):
            bea.save(objective, tmp_path / name)
    with pytest.raises(bea.Error, match="only objectives of bea.from_torch"):
        bea.save(small(), path)


KINKED = {
    "relu": F.relu, "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "elu": lambda x: F.elu(x, 0.7), "relu6": F.relu6,
    "hardtanh": F.hardtanh, "clamp": lambda x: x.clamp(0, 6), "clamp_min": lambda x: x.clamp_min(0), "abs": torch.abs,
    "maximum": lambda x: torch.maximum(x, torch.zeros(6)), "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish,
    "selu": F.selu, "max_pool": lambda x: F.max_pool1d(x.abs()[None, None], 3),
}  # fmt: skip


@pytest.mark.parametrize("name", KINKED)
def test_kinks_have_the_slope_that_pytorch_gives_them(name, double):
    """Networks do come to 0 exactly: where convolutions without biases see nothing else."""
    points = nn.Parameter(torch.tensor([0.0, 1.0, 6.0, -1.0, 3.0, -3.0]))
    model = Does(lambda _: KINKED[name](points))
    model.layer = nn.ParameterList([points])
    model.forward = lambda _: model.then(None)
    gradient = bea.from_torch(model, lambda out, _: out.sum(), INPUTS, None).value_and_grad()[1]
    expected = torch.autograd.grad(KINKED[name](points).sum(), points)[0]
    # PyTorch has a sixth in 32 bits.
    np.testing.assert_allclose(gradient["layer.0"], expected, rtol=1e-7 if name == "hardsigmoid" else 1e-14)


def alone(points):
    """A module of these parameters, which has no `forward` yet."""
    model = nn.Module()
    model.points = points
    return model


def powers_in_place(a):
    b = a * 1
    b **= 2
    b.pow_(3)
    b += 1
    b /= 3
    return b.fmod_(2.0)


def resized(a, scale, mode, **words):
    return F.interpolate(a.reshape(1, 2, 3, 4), scale_factor=scale, mode=mode, **words)


#: Of `a`, `[6, 4]`, whose first row is 0.
GRADIENTS = {
    "padding_idx": lambda a: F.embedding(torch.tensor([[1, 2], [2, 3]]), a, padding_idx=2),
    "padding_idx of nobody": lambda a: F.embedding(torch.tensor([[1, 2], [2, 3]]), a, padding_idx=5),
    "powers in place": powers_in_place,
    "fold": lambda a: F.fold(a[:, :4].reshape(1, 4, 6), (3, 4), (2, 2)),
    "bilinear by scales": lambda a: resized(a, (1.7, 0.6), "bilinear"),
    "bicubic by scales": lambda a: resized(a, (1.7, 0.6), "bicubic"),
    "bilinear, antialiased": lambda a: resized(a, (0.6, 0.5), "bilinear", antialias=True),
    "bicubic, antialiased": lambda a: resized(a, (0.7, 1.6), "bicubic", antialias=True),
    "adding at once": lambda a: a.index_put((torch.tensor([1, 1]),), a[2:4], accumulate=True),
    "cosine similarity": lambda a: F.cosine_similarity(a, a.roll(1, 0)),
    "cosine similarity of 0": lambda a: F.cosine_similarity(a * 2, a),
    "gaussian likelihood": lambda a: F.gaussian_nll_loss(a, torch.ones(6, 4), a.roll(1, 0) ** 2, eps=0.05),
    "norm of 0": lambda a: a.norm(dim=1),
    "third norm of 0": lambda a: a.norm(3, dim=1),
    "normalised 0": lambda a: F.normalize(a, dim=1, eps=0.1),
    "distances": lambda a: torch.cdist(a, a),
    "deviation of a constant": lambda a: (a * 0 + 1).std(1),
    "saturated probabilities": lambda a: F.binary_cross_entropy(
        torch.sigmoid(1e4 * a), (torch.arange(24.0).reshape(6, 4) % 3 > 0).to(a.dtype)
    ),
    "bounds in the wrong order": lambda a: a.clamp(0.5, -0.5) + a,
    "logaddexp": lambda a: torch.logaddexp(a, torch.tensor([-float("inf"), 0.0, 1.0, 2.0])),
    "logaddexp2": lambda a: torch.logaddexp2(a, torch.tensor([-float("inf"), 0.0, 1.0, 2.0])),
    "logaddexp2 of equal": lambda a: torch.logaddexp2(a, a * 1),
    "x log y": lambda a: torch.xlogy(a, torch.tensor([1.0, 2.0, 0.5, 0.25])) + torch.xlogy(a[0], 0.0),
    "x log of x": lambda a: torch.xlogy(a**2, a.square() + 1) + torch.special.xlog1py(a, a.square()),
    "sinc": torch.sinc,
}  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name, double):
    """Those of PyTorch, also where a chain of derivatives has 0 times infinity."""
    points = torch.linspace(-1.3, 1.1, 24).roll(5).reshape(6, 4).sin()
    points[0] = 0
    points = nn.Parameter(points)
    model = alone(points)
    model.forward = lambda _: GRADIENTS[name](points)
    loss = lambda out, _: (out * (1 + torch.arange(float(out.numel())).reshape(out.shape) / 7) + 0.3 * out**2).sum() + points.sum()
    value, gradient = bea.from_torch(model, loss, INPUTS, None).value_and_grad()
    expected = loss(model(None), None)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    (slopes,) = torch.autograd.grad(expected, points)
    np.testing.assert_allclose(gradient["points"], slopes, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reduce, number", [("add", 3.0), ("multiply", 3.0), ("add", None), ("multiply", None)])
def test_scatter_that_reduces(reduce, number, double):
    """Which PyTorch has no derivative of: by differences."""
    points, index = nn.Parameter(torch.linspace(-1.0, 2.0, 12).reshape(3, 4)), torch.tensor([[0, 1], [1, 3], [2, 0]])
    model = alone(points)
    out = lambda a: (a * 1).scatter(1, index, a + 1 if number is None else number, reduce=reduce).square()
    model.forward = lambda _: out(points).sum()
    objective = bea.from_torch(model, lambda out, _: out, INPUTS, None)
    along = torch.cos(torch.arange(12.0)).reshape(3, 4)
    with torch.no_grad():
        expected = (out(points + 1e-4 * along) - out(points - 1e-4 * along)).sum() / 2e-4
    found = (objective.value_and_grad()[1]["points"] * along.numpy()).sum()
    # A polynomial of degree 4, of differences of second order.
    assert found == pytest.approx(expected.item(), rel=1e-6)


def test_sinc_has_all_derivatives_at_zero(double):
    points = nn.Parameter(torch.zeros(1))
    model = alone(points)
    model.forward = lambda _: torch.sinc(points).sum()
    objective = bea.from_torch(model, lambda out, _: out, INPUTS, None)
    one = {"points": np.ones(1)}
    assert objective.hvp(one)["points"][0] == pytest.approx(-np.pi**2 / 3, rel=1e-14)
    assert objective.contract(one, one, one)["points"][0] == pytest.approx(np.pi**4 / 5, rel=1e-13)


def evaluated(then, **words):
    model = Does(then).double()
    return bea.from_torch(model, lambda out, _: out.square().sum(), INPUTS.double(), None, **words).value_and_grad()


def test_graphs_are_compared_with_pytorch(monkeypatch):
    from bea import _aten

    tanh = _aten.RULES["tanh"]
    with monkeypatch.context() as patch:
        patch.setitem(_aten.RULES, "tanh", lambda g, x: g.scale(tanh(g, x), 1 + 1e-8))
        with pytest.raises(bea.Error, match="the loss of the graph is .*: this is a fault of bea"):
            evaluated(torch.tanh)
    with monkeypatch.context() as patch:
        # The same loss with another gradient.
        patch.setitem(_aten.RULES, "tanh", lambda g, x: g.add(tanh(g, x), g.subtract(x, g.unary("stop_gradient", x))))
        with pytest.warns(UserWarning, match=r"the derivative by layer.* in the graph.*kink"):
            evaluated(torch.tanh)
    with monkeypatch.context() as patch:
        patch.setitem(_aten.RULES, "tanh", lambda g, x: g.add(tanh(g, x), g.unary("sqrt", g.scale(x, 0.0))))
        with pytest.raises(bea.Error, match=r"the derivative by layer.* is nan in the graph.*fault of bea"):
            evaluated(torch.tanh)


def test_no_alarm_for_what_is_rounded():
    """Coarser numbers on the way, and losses and gradients that are nothing but rounding."""
    with pytest.warns(UserWarning, match="rounded to fewer digits") as caught:
        evaluated(lambda y: y.half().tanh().double())
    assert len(caught) == 1
    half = nn.Sequential(nn.Linear(3, 4).double(), nn.Linear(4, 3).half(), nn.Linear(3, 2).double())
    half.forward = lambda x: half[2](half[1](half[0](x).half()).double())
    with pytest.warns(UserWarning, match="rounded to fewer digits"):
        bea.from_torch(half, lambda out, _: out.square().sum(), INPUTS.double(), None).value_and_grad()
    layer = nn.Linear(3, 2)
    cast = lambda x: torch.autocast("cpu", torch.bfloat16)(layer)(x).float()
    model = nn.Sequential(layer)
    model.forward = cast
    with pytest.warns(UserWarning, match="rounded to fewer digits"):
        bea.from_torch(model, F.cross_entropy, INPUTS, TARGETS).value_and_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small().double()
        outputs = model(INPUTS.double()).detach()
        for found in (outputs, outputs + 1e-15, outputs.roll(1, 0).roll(-1, 0) * (1 + 3e-16)):
            bea.from_torch(model, F.mse_loss, INPUTS.double(), found).value_and_grad()
        bea.from_torch(small(), F.mse_loss, INPUTS, outputs.float()).value_and_grad()
        # A classifier that is sure, whose gradient is what 32 bits leave of 1 - p.
        sure = nn.Linear(3, 3, bias=False)
        sure.weight.data = 8 * (2 * torch.eye(3) - 1)
        near = torch.eye(3) + torch.arange(9.0).reshape(3, 3) / 200
        bea.from_torch(sure, F.cross_entropy, near, torch.arange(3)).value_and_grad()
        evaluated(lambda y: (y - y.roll(1, 0)).sum() * 1e-3)
    with pytest.warns(UserWarning, match="rounded to fewer digits") as caught:
        evaluated(lambda y: y.float().tanh().double())
    assert len(caught) == 1


def test_a_loss_with_a_state_is_refused():
    calls = []
    with pytest.raises(bea.Error, match="the loss is another one every time.*random numbers from elsewhere than PyTorch"):
        evaluated(lambda y: calls.append(1) or y + len(calls))


def test_hooks_of_parameters_are_told():
    model = small()
    model[0].weight.register_hook(lambda gradient: 2 * gradient)
    with pytest.warns(UserWarning, match="hooks of parameters, which change gradients, are left out: 0.weight"):
        bea.from_torch(model, F.cross_entropy, INPUTS, TARGETS)


def test_parts_that_are_written_in_a_loop_come_together_once(tmp_path):
    """Not once a part, which takes memory that grows with the square of their number."""

    def rows(steps, again=lambda out: None):
        model = alone(nn.Parameter(torch.linspace(-1, 1, 8, dtype=torch.float64)))

        def forward(_):
            out = torch.zeros(steps, 8, dtype=torch.float64)
            for t in range(steps):
                out[t] = torch.tanh(model.points) * (t + 1) / steps
                again(out)
            out[:, 2:4] *= 3
            out[0] += out[-1]
            return out.square().mean()

        model.forward = forward
        objective = bea.from_torch(model, lambda out, _: out, INPUTS, None)
        (slopes,) = torch.autograd.grad(forward(None), model.points)
        np.testing.assert_allclose(objective.value_and_grad()[1]["points"], slopes, rtol=1e-12)
        bea.save(objective, tmp_path / "m.bea-graph")
        return sum(array.nbytes for name, array in graph_reference.read(tmp_path / "m.bea-graph")[1].items())

    assert rows(80) < 2.2 * rows(40)
    rows(5, lambda out: out.sum())
    rows(5, lambda out: out[0].mul_(1.5))


def test_second_derivatives_where_branches_meet(double):
    """Of formulas whose derivatives of operations are 0 times infinity, or half of what they should be."""
    zero, others = torch.zeros(3), torch.tensor([0.5, 1.0, 2.0])
    for function, expected in [
        (lambda a: torch.xlogy(a, a + others).sum(), 2 / others),
        (lambda a: torch.special.xlog1py(a, a + others).sum(), 2 / (1 + others)),
        (lambda a: torch.logaddexp2(a, zero).sum(), torch.full((3,), math.log(2) / 4)),
    ]:
        points = nn.Parameter(zero.clone())
        model = alone(points)
        model.forward = lambda _: function(points)
        objective = bea.from_torch(model, lambda out, _: out, INPUTS, None)
        product = objective.hvp({"points": np.ones(3)})["points"]
        np.testing.assert_allclose(product, expected.numpy(), rtol=1e-14)


def test_gates_that_are_activated_in_place_are_parts_of_one_array(tmp_path):
    """Each is read as it was written, and not by way of the whole, which would be put together and taken apart again."""
    model = nn.LSTM(3, 4)
    objective = bea.from_torch(model, lambda out, y: ((out[0] - y) ** 2).mean(), torch.randn(5, 2, 3), torch.randn(5, 2, 4))
    bea.save(objective, tmp_path / "model.bea-graph")
    document = json.loads((tmp_path / "model.bea-graph" / "graph.json").read_text())
    counts = collections.Counter(node["op"] for node in document["nodes"])
    # Four gates a step, and the steps themselves.
    assert (counts["take"], counts["slice"]) == (0, 5 * 4 + 5)


def test_rules_have_the_names_of_operations():
    #: Parts of other rules.
    own = {"slice_to", "index_put.accumulate"}
    for name in set(_aten.RULES) - own | _aten.SELECTIONS | set(_aten.SEPARABLE) | _aten.SHAPES | _aten.EMPTY | _aten.SAME:
        packet, _, overload = name.partition(".")
        found = getattr(torch.ops.aten, packet, None)
        assert found is not None and (not overload or overload in found.overloads()), name


def examples(model, loss, inputs, targets, folder):
    bea.save(bea.from_torch(model, loss, inputs, targets, dtype="f64"), folder / "model.bea-graph")
    return json.loads((folder / "model.bea-graph/graph.json").read_text())["examples"]


def test_graphs_follow_their_examples(tmp_path):
    images, labels = torch.randn(9, 2, 8, 8), torch.randint(0, 3, (9,))
    layers = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3)
    found = examples(nn.Sequential(*layers), F.cross_entropy, images, labels, tmp_path)
    assert found["count"] == 9 and list(found["axes"].values()) == [0, 0] and not found["steps"]
    assert all(operation["op"] == "reshape" for _, operation in found["nodes"])

    encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    model = nn.Sequential(nn.Embedding(11, 8), encoder, nn.Linear(8, 11))
    tokens = torch.randint(0, 11, (7, 5))
    found = examples(model, lambda y, t: F.cross_entropy(y.flatten(0, 1), t.flatten()), tokens, tokens.roll(-1, 1), tmp_path)
    assert found["count"] == 7

    linear, x = nn.Linear(6, 3), torch.randn(20, 6)
    at = lambda y, t: -torch.log_softmax(y, 1)[torch.arange(len(t)), t].mean()
    assert list(examples(linear, at, x, torch.randint(0, 3, (20,)), tmp_path)["steps"].values()) == [3]


def test_a_graph_that_mixes_its_examples_says_where(tmp_path):
    x, labels = torch.randn(20, 6), torch.randint(0, 3, (20,))
    apart = lambda y, t: (y[:, None] - y[None]).square().reshape(-1).cumsum(0).mean()
    reason = examples(nn.Linear(6, 3), apart, x, labels, tmp_path)["refused"]
    assert "`reshape` from" in reason and "does not follow the number of examples" in reason
    reason = examples(nn.Linear(6, 3), lambda y, t: (y - t).square().mean(), x, torch.randn(3), tmp_path)["refused"]
    assert "first axes of 3 and 20 entries" in reason


def topk(y, t):
    return y.sum(1).topk(max(1, len(y) // 30)).values.sum()


@pytest.mark.parametrize(
    "count, loss, reason",
    [
        (100, lambda y, t: y.sum() / max(len(y), 50), "does not follow"),
        (100, topk, "does not follow|other operations|no part for each"),
        (109, lambda y, t: y.sum() / (len(t) // 10), "does not follow"),
        (20, lambda y, t: y.sum() / len(y) if len(y) == 20 else y.missing, "of 19 examples it fails: AttributeError: "),
        (20, lambda y, t: {20: y.sum()}[len(y)], "of 19 examples it fails: KeyError: 19"),
    ],
)
def test_what_follows_them_only_nearby_is_refused(count, loss, reason, tmp_path):
    found = examples(nn.Linear(6, 3), loss, torch.randn(count, 6), torch.randint(0, 3, (count,)), tmp_path)
    assert "refused" in found and re.search(reason, found["refused"]), found


def test_whatever_a_program_raises_is_a_reason(tmp_path):
    def of_twenty(y, t, error=AssertionError):
        if len(y) != 20:
            raise error
        return y.square().mean()

    x, labels = torch.randn(20, 6), torch.randint(0, 3, (20,))
    assert examples(nn.Linear(6, 3), of_twenty, x, labels, tmp_path) == {"refused": "of 19 examples it fails: AssertionError"}
    empty = lambda y, t: of_twenty(y, t, ValueError)
    assert examples(nn.Linear(6, 3), empty, x, labels, tmp_path) == {"refused": "of 19 examples it fails: ValueError"}


def test_few_examples_differ_where_the_labels_do(tmp_path):
    """Constants of one number are none in a graph, and rare labels or those in order have one nearly everywhere."""
    x = torch.randn(60, 6)
    logistic = lambda y, t: F.binary_cross_entropy_with_logits(y[:, 0], t)
    for rare in (31, slice(45, 60)):
        labels = torch.zeros(60)
        labels[rare] = 1
        assert examples(nn.Linear(6, 1), logistic, x, labels, tmp_path)["count"] == 60


def test_tensors_without_axes_are_no_examples(tmp_path):
    loss = lambda y, t: F.cross_entropy(y / t[1], t[0])
    targets = torch.randint(0, 3, (20,)), torch.tensor(0.5)
    assert examples(nn.Linear(6, 3), loss, torch.randn(20, 6), targets, tmp_path)["count"] == 20


def test_data_that_changed_since_are_said(tmp_path):
    model = nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3)).eval()
    objective = bea.from_torch(model, F.cross_entropy, torch.randn(20, 6), torch.randint(0, 3, (20,)), dtype="f64")
    model[1].running_mean += torch.randn(3)
    bea.save(objective, tmp_path / "m.bea-graph")
    assert "have changed since" in json.loads((tmp_path / "m.bea-graph/graph.json").read_text())["examples"]["refused"]


def test_objectives_are_pickled_without_their_programs(tmp_path):
    x, labels = torch.randn(20, 6), torch.randint(0, 3, (20,))
    objective = bea.from_torch(nn.Linear(6, 3), lambda y, t: F.cross_entropy(y, t), x, labels, dtype="f64")
    copied = copy.deepcopy(objective)
    expected = objective.value_and_grad()[0]
    again = pickle.loads(pickle.dumps(objective))
    assert again.value_and_grad()[0] == expected
    for one, known in [(again, False), (copied, True)]:
        bea.save(one, tmp_path / "m.bea-graph")
        found = json.loads((tmp_path / "m.bea-graph/graph.json").read_text())["examples"]
        assert ("count" in found) == known and ("pickling" in found.get("refused", "")) != known


def test_the_example_of_the_documentation():
    torch.manual_seed(0)
    lines = [line.strip() for line in bea.from_torch.__doc__.splitlines()]
    example = [line for line in lines if line.startswith(("obj = ", "bea.evaluate("))]
    assert len(example) == 2
    names = {"bea": bea, "torch": torch, "model": torch.nn.Linear(3, 2), "inputs": torch.randn(5, 3), "targets": torch.zeros(5, dtype=torch.long)}
    exec("\n".join(example), names)
    assert names["obj"].dimension == 8
