"""PyTorch as it is used: what changes under an objective, what is refused, and training that goes wrong."""

import numpy as np
import pytest

import bea

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
cross_entropy = torch.nn.functional.cross_entropy


@pytest.fixture
def examples():
    torch.manual_seed(0)
    return torch.randn(40, 3, dtype=torch.float64), torch.randint(0, 4, (40,))


def perceptron(*between):
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Tanh(), *between, torch.nn.Linear(6, 4)).double()


def close(found, expected, rel=1e-9):
    np.testing.assert_allclose(found, expected, rtol=rel)


def test_flows_leave_the_model_as_it_is(examples):
    model = perceptron()
    before = dict(model.named_parameters())
    for _ in range(10):
        bea.flow(bea.torch.objective(model, cross_entropy, examples), lr=0.1, steps=3, flows=["ngf", "igr"], rtol=1e-3)
        assert all(p is before[name] for name, p in model.named_parameters())


def test_the_loss_may_look_at_the_parameters(examples):
    model = perceptron()
    plain = bea.torch.objective(model, cross_entropy, examples)
    decay = lambda o, t: cross_entropy(o, t) + 10 * sum((p**2).sum() for p in model.parameters())
    with_decay = bea.torch.objective(model, decay, examples)
    x = plain.point()
    close(with_decay._raw.value_and_gradient(x)[1], plain._raw.value_and_gradient(x)[1] + 20 * x)
    v = np.ones(plain.dimension)
    close(with_decay.hessian() @ v, plain.hessian() @ v + 20 * v)
    kept = list(model.parameters())
    stale = lambda o, t: cross_entropy(o, t) + sum((p**2).sum() for p in kept)
    with pytest.raises(bea.Error, match="the loss has kept the parameter '.*weight|bias'"):
        bea.torch.objective(model, stale, examples).value_and_grad()


def test_no_graph_outlives_a_call(examples):
    model = perceptron(torch.nn.BatchNorm1d(6))
    inputs, targets = examples[0].clone(), examples[1]
    scale = [1.0]
    on = bea.torch.objective(model, lambda o, t: scale[0] * cross_entropy(o, t), (inputs, targets))
    first = bea.spectrum(on, top=1).eigenvalues
    scale[0] = 10.0
    close(bea.spectrum(on, top=1).eigenvalues, 10 * first, 1e-6)
    model[2].eval()
    evaluated = bea.spectrum(on, top=1).eigenvalues
    assert abs(evaluated / first / 10 - 1) > 1e-3
    inputs.mul_(2)
    doubled = bea.spectrum(on, top=1).eigenvalues
    new = bea.torch.objective(model, lambda o, t: 10 * cross_entropy(o, t), (inputs, targets))
    close(doubled, bea.spectrum(new, top=1).eigenvalues, 1e-6)


@pytest.mark.parametrize("kind", ["weights", "ignored", "normalised", "sum"])
def test_chunks_whose_losses_do_not_make_the_whole(examples, kind):
    model, targets, loss = perceptron(), examples[1], cross_entropy
    if kind == "weights":
        weight = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
        loss = torch.nn.CrossEntropyLoss(weight=weight)
    elif kind == "ignored":
        targets = targets.clone()
        targets[5:18] = -100
    elif kind == "normalised":
        model = perceptron(torch.nn.BatchNorm1d(6))
    else:
        loss = torch.nn.CrossEntropyLoss(reduction="sum")
    with pytest.raises(bea.Error, match="is not the mean of that of chunks of them"):
        bea.spectrum(bea.torch.objective(model, loss, (examples[0], targets), chunk=10), top=1)
    batches = [(examples[0][:20], targets[:20]), (examples[0][20:], targets[20:])]
    with pytest.warns(UserWarning, match="the loss of two batches together"):
        bea.spectrum(bea.torch.objective(model, loss, batches), top=1)
    if kind == "sum":
        found = bea.torch.objective(model, loss, examples, chunk=10, reduction="sum")
        close(bea.spectrum(found, top=1).eigenvalues,
              bea.spectrum(bea.torch.objective(model, loss, examples), top=1).eigenvalues, 1e-6)


def test_losses_that_change_by_themselves(examples):
    model = perceptron(torch.nn.Dropout(0.3))
    for call in (
        bea.spectrum, bea.density, bea.dal, lambda on: bea.principal_flow(on, lr=0.1),
        lambda on: bea.flow(on, lr=0.1, steps=1, flows=["ngf"]),
    ):
        with pytest.raises(bea.Error, match=r"another one every time.*model.eval\(\)"):
            call(bea.torch.objective(model, cross_entropy, examples))
    model.eval()
    assert bea.spectrum(bea.torch.objective(model, cross_entropy, examples), top=1).converged
    set = torch.utils.data.TensorDataset(*examples)
    loader = torch.utils.data.DataLoader(set, batch_size=16, shuffle=True, drop_last=True)
    with pytest.raises(bea.Error, match="drop_last"):
        bea.spectrum(bea.torch.objective(model, cross_entropy, loader), top=1)


def test_the_generator_of_random_numbers_stays(examples):
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    set = torch.utils.data.TensorDataset(*examples)
    loader = torch.utils.data.DataLoader(set, batch_size=20, shuffle=True)
    before = torch.get_rng_state()
    bea.torch.Monitor(model, optimizer).log(cross_entropy, loader)
    bea.torch.objective(model, cross_entropy, loader).value_and_grad()
    assert torch.equal(before, torch.get_rng_state())


def train(model, optimizer, examples, steps=1):
    for _ in range(steps):
        optimizer.zero_grad()
        cross_entropy(model(examples[0]), examples[1]).backward()
        optimizer.step()


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.SGD])
def test_a_monitor_at_learning_rate_0(examples, kind):
    model = perceptron()
    optimizer = kind(model.parameters(), lr=0.01)
    train(model, optimizer, examples)
    monitor = bea.torch.Monitor(model, optimizer)
    before = monitor.log(cross_entropy, examples)
    optimizer.param_groups[0]["lr"] = 0.0
    entry = monitor.log(cross_entropy, examples)
    assert entry["case"] == "at rest" and np.isnan(entry["sc"]) and entry["drift"] == entry["h_lambda"] == 0
    close(entry["preconditioned_sharpness"], before["preconditioned_sharpness"], 1e-3)


def test_a_monitor_with_a_frozen_group(examples):
    model = perceptron()
    groups = [{"params": model[0].parameters(), "lr": 0.0}, {"params": model[2].parameters()}]
    optimizer = torch.optim.Adam(groups, lr=0.01)
    train(model, optimizer, examples)
    entry = bea.torch.Monitor(model, optimizer, tol=1e-6).log(cross_entropy, examples)
    alone = perceptron()
    alone.load_state_dict(model.state_dict())
    alone[0].requires_grad_(False)
    other = torch.optim.Adam(alone[2].parameters(), lr=0.01)
    train(alone, other, examples)
    alone.load_state_dict(model.state_dict())
    other.load_state_dict({**other.state_dict(), "state": {
        k: optimizer.state[p] for k, p in enumerate(model[2].parameters())}})
    expected = bea.torch.Monitor(alone, other, tol=1e-6).log(cross_entropy, examples)
    close(entry["preconditioned_sharpness"], expected["preconditioned_sharpness"], 1e-6)
    assert entry["lr"] == 0.01 and entry["case"] == expected["case"]


@pytest.mark.parametrize("top", [1, 3])
def test_a_monitor_of_a_run_that_diverges(examples, top):
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    monitor = bea.torch.Monitor(model, optimizer, top=top)
    monitor.log(cross_entropy, examples)
    with torch.no_grad():
        model[0].weight.fill_(np.nan)
    entry = monitor.log(cross_entropy, examples)
    assert np.isnan(entry["loss"]) and np.isnan(entry["sharpness"]) and entry["case"] == "not finite"
    assert list(monitor.history[0]) == list(entry) and "not finite" in repr(monitor)


def test_what_is_refused(examples):
    model = perceptron()
    with pytest.raises(bea.Error, match="there are 30 inputs and 40 targets"):
        bea.torch.objective(model, cross_entropy, (examples[0][:30], examples[1])).value_and_grad()
    with pytest.raises(bea.Error, match="the loss is a tensor of one number"):
        bea.torch.objective(model, lambda o, t: cross_entropy(o, t).item(), examples).value_and_grad()
    with pytest.raises(bea.Error, match="`chunk` is a number of examples"):
        bea.torch.objective(model, cross_entropy, examples, chunk=0)
    with pytest.raises(bea.Error, match="the optimizer does not have the parameter '0.weight'"):
        bea.torch.Monitor(model, torch.optim.SGD(model[2].parameters(), lr=0.1))


def test_dal_keeps_its_state_and_the_weights(examples):
    model = perceptron()
    optimizer = bea.torch.DAL(model.parameters(), p=0.5, cap=2.0)
    other = bea.torch.DAL(model.parameters())
    other.load_state_dict(optimizer.state_dict())
    assert (other.power, other.cap) == (0.5, 2.0)
    with pytest.raises(bea.Error, match="`p` differs"):
        bea.torch.DAL([{"params": model[0].parameters(), "p": 1.0}, {"params": model[2].parameters()}], p=0.5)
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(bea.Error, match="the loss is nan"):
        optimizer.step(lambda: cross_entropy(model(examples[0]), examples[1]) * float("nan"))
    with pytest.raises(bea.Error, match="the closure of DAL returns the loss"):
        optimizer.step(lambda: cross_entropy(model(examples[0]), examples[1]).item())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))


def test_data_that_are_refused(examples):
    model = perceptron()
    inputs, targets = examples
    make = lambda data: bea.torch.objective(model, cross_entropy, data).value_and_grad()
    set = torch.utils.data.TensorDataset(inputs, targets)
    batches = [{"inputs": inputs, "targets": targets}]
    for data, message in [
        ((inputs.numpy(), targets.numpy()), "make tensors of them by torch.from_numpy"),
        ([(inputs.numpy(), targets)], "make tensors of them by torch.from_numpy"),
        (set, r"torch.utils.data.DataLoader\(dataset, batch_size=1000\)"),
        (batches, "not a dictionary with the keys 'inputs', 'targets'"),
        (batches[0], "data are a pair of tensors"),
        (inputs, "data are a pair of tensors"),
        (3, "data are a pair of tensors, inputs and targets, or batches of such pairs, not 3"),
        ([((inputs, inputs), targets)], "not tuple of tuple, Tensor"),
        ([(inputs, targets, targets)], "not tuple of Tensor, Tensor, Tensor"),
    ]:
        with pytest.raises(bea.Error, match=message):
            make(data)
    found = bea.torch.objective(model, cross_entropy, torch.utils.data.DataLoader(set, batch_size=40)).value_and_grad()
    close(found[0], make(examples)[0])
    with pytest.raises(bea.Error, match="the model comes first, a torch.nn.Module"):
        bea.torch.objective(cross_entropy, model, examples)
    with pytest.raises(bea.Error, match="no parameter that requires a gradient: the model comes first, then the loss"):
        bea.torch.objective(torch.nn.CrossEntropyLoss(), model, examples)
    with pytest.raises(bea.Error, match="the loss comes second"):
        bea.torch.objective(model, examples, cross_entropy)


@pytest.mark.parametrize("kind", ["whole", "chunk", "unused"])
def test_third_derivatives(examples, kind):
    """Against differences of products, and in a field of order 2."""
    model = perceptron()
    loss = cross_entropy if kind != "unused" else lambda o, t: o[:, :2].sum()
    on = bea.torch.objective(model, loss, examples, chunk=7 if kind == "chunk" else None)
    x, h = on.point(), 0.1
    random = np.random.default_rng(0)
    u, v = random.normal(size=(2, x.size))
    contracted = on._module.third(x, u, v)
    ahead, behind = (on._raw.hessian_vectors(x + s * 1e-5 * u, v[None])[0] for s in (1, -1))
    np.testing.assert_allclose(contracted, (ahead - behind) / 2e-5, atol=1e-7)
    g = on._raw.value_and_gradient(x)[1]
    product = lambda v: on._raw.hessian_vectors(x, v[None])[0]
    hg = product(g)
    # -g - h/2 Hg - h² (1/3 HHg + 1/12 ∇³E[g,g])
    expected = -g - h / 2 * hg - h**2 * (product(hg) / 3 + on._module.third(x, g, g) / 12)
    found = bea.evaluate(on, order=2, lr=h)
    np.testing.assert_allclose(np.concatenate([part.ravel() for part in found.values()]), expected, rtol=1e-9, atol=1e-12)


def test_operators_of_curvlinops(examples):
    curvlinops = pytest.importorskip("curvlinops")
    model = perceptron()
    parameters = list(model.parameters())
    operator = curvlinops.HessianLinearOperator(model, torch.nn.CrossEntropyLoss(), parameters, [examples])
    expected = bea.spectrum(bea.torch.objective(model, cross_entropy, examples), top=3, bottom=1)
    found = bea.spectrum(operator, top=3, bottom=1)
    np.testing.assert_allclose(found.eigenvalues, expected.eigenvalues, rtol=1e-6)
    assert bea.lanczos(operator, k=1, tol=1e-6).eigenvalues[0] == pytest.approx(expected.eigenvalues[0])
    assert bea.density(operator, steps=10, probes=2).products > 0
