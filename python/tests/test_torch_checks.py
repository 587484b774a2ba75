"""What is checked of modules of PyTorch and their losses, and what of them does not change."""

import copy
import json
import warnings

import numpy as np
import pytest

import bea

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
functional, nn = torch.nn.functional, torch.nn
cross_entropy = functional.cross_entropy


@pytest.fixture
def examples():
    torch.manual_seed(0)
    return torch.randn(40, 4, dtype=torch.float64), torch.randint(0, 3, (40,))


def perceptron(*between, dtype=torch.float64):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), *between, nn.Linear(6, 3)).to(dtype)


class _Clamped(nn.Linear):
    """A layer that writes to its weights."""

    def forward(self, x):
        with torch.no_grad():
            self.weight.clamp_(-0.1, 0.1)
        return super().forward(x)


@pytest.mark.parametrize("kind", ["embedding", "clamped"])
def test_weights_that_a_module_writes_to_stay_as_they_are(kind):
    torch.manual_seed(0)
    if kind == "embedding":
        model, inputs = nn.Sequential(nn.Embedding(5, 4, max_norm=0.5), nn.Flatten(), nn.Linear(16, 3)), torch.randint(0, 5, (20, 4))
    else:
        model, inputs = nn.Sequential(_Clamped(4, 5), nn.Tanh(), nn.Linear(5, 3)), torch.randn(20, 4)
    before = copy.deepcopy(model.state_dict())
    on = bea.torch.objective(model, cross_entropy, (inputs, torch.randint(0, 3, (20,))))
    for call in (lambda: bea.spectrum(on, top=1), on.value_and_grad, lambda: bea.dal(on)):
        call()
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert before[next(iter(before))].abs().max() > 0.2, "it would have been written to"


class _Twice(nn.Module):
    """A layer that is in two places, and a weight that is in two layers."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.second, self.third, self.again = self.first, nn.Linear(4, 4), self.norm
        self.third.weight = self.first.weight

    def forward(self, x):
        return self.third(torch.tanh(self.again(self.second(torch.tanh(self.norm(self.first(x)))))))


@pytest.mark.parametrize("make", [bea.torch.objective, lambda m, loss, data: bea.from_torch(m, loss, *data)])
def test_a_module_in_two_places(examples, make):
    torch.manual_seed(0)
    model = _Twice().double().eval()
    before, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    on = make(model, cross_entropy, examples)
    value, gradient = on.value_and_grad()
    for now, then in ((dict(model.named_parameters()), before), (dict(model.named_buffers()), buffers)):
        assert now.keys() == then.keys() and all(now[name] is then[name] for name in then)
    assert all(isinstance(part.weight, nn.Parameter) for part in (model.first, model.second, model.third))
    loss = cross_entropy(model(examples[0]), examples[1])
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-12) and list(gradient) == list(before)
    for name, p in before.items():
        np.testing.assert_allclose(gradient[name], p.grad.numpy(), rtol=1e-9, atol=1e-14)


def weight_normed(dtype=torch.float64):
    torch.manual_seed(1)
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 6)), nn.Tanh(), nn.Linear(6, 3)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_second_derivatives_that_are_not_symmetric(examples, dtype):
    """Those of weight_norm in PyTorch 2.15, which `from_torch` has right."""
    model, data = weight_normed(dtype), (examples[0].to(dtype), examples[1])
    on = lambda: bea.torch.objective(model, cross_entropy, data)
    x = on().point()
    rows = np.random.default_rng(0).normal(size=(2, x.size))
    products = on()._raw.hessian_vectors(x, rows)
    if abs(rows[0] @ products[1] - rows[1] @ products[0]) < 0.02 * np.linalg.norm(rows[0]) * np.linalg.norm(products[1]) / x.size**0.5:
        pytest.skip("this PyTorch has them right")
    for call in (
        lambda: bea.spectrum(on(), top=1), lambda: bea.density(on()), lambda: bea.lanczos(on(), k=1), lambda: bea.dal(on()),
        lambda: bea.principal_flow(on(), lr=0.1), lambda: bea.evaluate(on(), lr=0.1), lambda: bea.flow(on(), lr=0.1, steps=1),
        lambda: bea.torch.Monitor(model, torch.optim.SGD(model.parameters(), lr=0.1)).log(cross_entropy, data),
    ):
        with pytest.raises(bea.Error, match="the matrix is not symmetric.*bea.from_torch makes an objective with the right ones"):
            call()
    assert np.isfinite(on().value_and_grad()[0])
    if dtype == torch.float64:
        right = bea.from_torch(model, cross_entropy, *data)
        assert bea.spectrum(right, top=1).converged


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["deep", "normed", "kinks"])
def test_rounding_is_no_asymmetry(dtype, kind):
    torch.manual_seed(0)
    layers = []
    for wide in [4] + 6 * [20]:
        normed = [nn.LayerNorm(20)] if kind == "normed" else []
        layers += [nn.Linear(wide, 20), *normed, nn.ReLU() if kind == "kinks" else nn.GELU()]
    model = nn.Sequential(*layers, nn.Linear(20, 3)).to(dtype)
    on = bea.torch.objective(model, cross_entropy, (torch.randn(50, 4, dtype=dtype), torch.randint(0, 3, (50,))))
    assert on.precision == torch.finfo(dtype).eps
    assert bea.dal(on).learning_rate > 0


def test_rounding_where_a_loss_is_nearly_0_is_no_asymmetry(examples):
    """Most digits of products are lost in 32 bits."""
    model, inputs = perceptron(dtype=torch.float32), examples[0].float()
    targets = (inputs @ torch.tensor([1.0, -1.0, 2.0, 0.5]) > 0).long()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(2000):
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        if loss < 1e-6:
            break
    with torch.no_grad():
        model[2].weight.mul_(1.2)
    assert bea.torch.Monitor(model, optimizer).log(cross_entropy, (inputs, targets))["loss"] < 1e-5


def test_a_monitor_checks_once(examples):
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = bea.torch.Monitor(model, optimizer)
    calls = 0

    def loss(outputs, targets):
        nonlocal calls
        calls += 1
        return cross_entropy(outputs, targets)

    counts = []
    for _ in range(3):
        monitor.log(loss, examples)
        counts.append(calls)
        calls = 0
    assert counts[0] > counts[1] == counts[2] == 1 and not monitor._suspect


@pytest.mark.parametrize("kind", ["weights", "dropout"])
def test_every_evaluation_is_checked(examples, kind):
    if kind == "weights":
        loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 20.0]).double())
        make = lambda: bea.torch.objective(perceptron(), loss, examples, chunk=7)
        message = "is not the mean of that of chunks"
    else:
        make = lambda: bea.torch.objective(perceptron(nn.Dropout(0.5)), cross_entropy, examples)
        message = "another one every time"
    v = make().x
    for call in (
        lambda on: on.value_and_grad(), lambda on: on.hvp(v), lambda on: on.contract(v, v), lambda on: on.contract(),
        lambda on: on.hessian() @ np.ones(on.dimension),
    ):
        with pytest.raises(bea.Error, match=message):
            call(make())


def test_numbers_of_16_bits_claim_no_more_than_they_have():
    torch.manual_seed(0)
    inputs, targets = torch.randn(100, 20), torch.randint(0, 3, (100,))
    for dtype in (torch.float16, torch.bfloat16):
        model = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 3)).to(dtype)
        on = bea.torch.objective(model, cross_entropy, (inputs.to(dtype), targets))
        exact = copy.deepcopy(model).double()
        expected = bea.spectrum(bea.torch.objective(exact, cross_entropy, (inputs.to(dtype).double(), targets)), top=2)
        found = bea.spectrum(on, top=2)
        assert on.precision == torch.finfo(dtype).eps and found.converged
        np.testing.assert_allclose(found.eigenvalues, expected.eigenvalues, rtol=4 * on.precision)
        # What is left by its own products, which round, is as small as it says.
        left = np.linalg.norm(on.hessian() @ found.eigenvectors - found.eigenvectors * found.eigenvalues, axis=0)
        assert (left < 2 * on.precision * found.eigenvalues[0]).all() and (left > found.residuals).any()
    mixed = nn.Sequential(nn.Linear(20, 30).double(), nn.Linear(30, 3))
    assert bea.torch.objective(mixed, cross_entropy, (inputs, targets)).precision == torch.finfo(torch.float32).eps


@pytest.mark.parametrize("kind", ["at rest", "straight"])
def test_dal_without_a_cap_takes_no_step_of_infinite_length(kind):
    p = torch.ones(2, requires_grad=True)
    optimizer = bea.torch.DAL([p], cap=float("inf"))
    with pytest.raises(bea.Error, match="the learning rate is (inf|nan): no step is taken"):
        optimizer.step(lambda: (0 * p).sum() if kind == "at rest" else p.sum())
    assert p.tolist() == [1, 1]
    curved = bea.torch.DAL([p], cap=float("inf"))
    curved.step(lambda: (p**2).sum())
    assert curved.learning_rate == pytest.approx(1.0)


def test_empty_batches_are_left_out(examples):
    model = perceptron()
    inputs, targets = examples
    expected = bea.torch.objective(model, cross_entropy, examples).value_and_grad()[0]
    empty = (inputs[:0], targets[:0])
    for data in ([examples, empty], [empty, (inputs[:20], targets[:20]), empty, (inputs[20:], targets[20:])]):
        for chunk in (None, 7):
            on = bea.torch.objective(model, cross_entropy, data, chunk=chunk)
            assert on.value_and_grad()[0] == pytest.approx(expected, rel=1e-12)
            assert bea.spectrum(on, top=1).converged
    with pytest.raises(bea.Error, match="there is no example in the data"):
        bea.torch.objective(model, cross_entropy, empty).value_and_grad()


def test_what_a_monitor_refuses_at_once(examples):
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for arguments, message in [
        ({"chunk": -3}, "`chunk` is a number of examples, 1 at least, not -3"),
        ({"chunk": 2.5}, "`chunk` is a number of examples, 1 at least, not 2.5"),
        ({"chunk": "3"}, "`chunk` is a number of examples, 1 at least, not '3'"),
        ({"reduction": "x"}, '"mean" or "sum", not \'x\''),
        ({"every": 2.5}, "`every` is a whole number from 1 on, not 2.5"),
        ({"top": 0}, "`top` is a whole number from 1 on, not 0"),
        ({"tol": 0}, "the tolerance `tol` must be positive"),
    ]:
        with pytest.raises(bea.Error, match=message):
            bea.torch.Monitor(model, optimizer, **arguments)
    with pytest.raises(bea.Error, match="the model comes first, a torch.nn.Module, then its optimizer"):
        bea.torch.Monitor(optimizer, model)
    with pytest.raises(bea.Error, match="the optimizer comes second"):
        bea.torch.Monitor(model, None)


def test_logs_without_pandas(examples):
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = bea.torch.Monitor(model, optimizer, top=2)
    monitor.log(cross_entropy, examples)
    (entry,) = json.loads(json.dumps(monitor.to_dict()))["history"]
    log = monitor.history[0]
    assert list(entry) == list(log) and complex(*entry["sc"]) == log["sc"] and entry["eigenvalues"] == log["eigenvalues"]
    named = {key.strip("` ") for row in bea.torch.Monitor.__doc__.splitlines() if row.strip().startswith("| `")
             for key in row.split("|")[1].split(",")}
    assert named == set(log), "the documentation has every key"


def test_a_loss_without_a_graph(examples):
    model = perceptron()

    def inferred(outputs, targets):
        with torch.inference_mode():
            return cross_entropy(outputs, targets)

    for loss in (lambda o, t: cross_entropy(o, t).detach(), lambda o, t: torch.tensor(1.0), inferred):
        for call in (lambda on: on.value_and_grad(), lambda on: bea.spectrum(on, top=1)):
            with pytest.raises(bea.Error, match="the loss has no graph: it does not depend on the parameters"):
                call(bea.torch.objective(model, loss, examples))


def test_words_instead_of_type_errors(examples):
    model = perceptron()
    with pytest.raises(bea.Error, match=r"the first axes of inputs and targets count the examples: shapes are \(40, 4\) and \(\)"):
        bea.torch.objective(model, cross_entropy, (examples[0], torch.tensor(1))).value_and_grad()
    with pytest.raises(bea.Error, match="DAL needs a closure"):
        bea.torch.DAL(model.parameters()).step()
    with pytest.raises(bea.Error, match="the power `p` is a number, or its text"):
        bea.torch.DAL(model.parameters(), p="one")
    assert bea.torch.DAL(model.parameters(), p="1/2").power == 0.5
    m = torch.tensor(0.9, requires_grad=True)
    assert bea.optimizer("heavy_ball", m=m).derive(order=1).coefficient("[[]]") == -950
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    assert bea.flow("rosenbrock", start=start, lr=1e-4, steps=2)["gd"].theta[0].tolist() == [-1.2, 1.0]


def test_tensors_where_arrays_are_taken():
    a = torch.diag(torch.arange(1.0, 31))
    assert bea.lanczos(a.to(torch.bfloat16), k=1).eigenvalues[0] == pytest.approx(30, rel=1e-3)
    product = lambda x, v: a.double().numpy() @ v
    on = bea.objective(lambda x: (x @ product(x, x) / 2, product(x, x)), hvp=product, start=np.ones(30))
    v0 = torch.ones(30, requires_grad=True)
    found = bea.spectrum(on, top=1, v0=v0, preconditioner=torch.full((30,), 2.0, requires_grad=True), lr=0.01)
    assert found.eigenvalues[0] == pytest.approx(15)
    coarse = bea.objective(lambda x: (x @ x / 2, x), hvp=lambda x, v: v, start=torch.ones(3, dtype=torch.bfloat16))
    assert coarse.precision == 2.0**-7 and bea.spectrum(coarse, top=1).eigenvalues.tolist() == [1.0]


def test_warnings_name_the_line_of_the_program_for_each_objective(examples):
    norm = nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 3)).double()
    halves = [(examples[0][:20], examples[1][:20]), (examples[0][20:], examples[1][20:])]
    weighted = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 20.0]).double())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(2):
            bea.evaluate(bea.torch.objective(norm, cross_entropy, examples), order=2)
            bea.spectrum(bea.torch.objective(norm, weighted, halves), top=1)
    texts = [str(warning.message)[:20] for warning in caught]
    assert sorted(texts) == 2 * ["the loss of two batc"] + 2 * ["third derivatives of"]
    assert {warning.filename for warning in caught} == {__file__}
