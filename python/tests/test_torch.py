"""PyTorch: `.ci/python --torch` runs these."""

import copy
import re
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from conftest import ROOT, same_everything

import bea

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def examples(data):
    return torch.tensor(data[0]["inputs"]), torch.tensor(data[0]["targets"])


@pytest.fixture
def model(own):
    """The network `own` as a module."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4)).double()
    module.load_state_dict({name: torch.tensor(value) for name, value in own.x.items()})
    return module


cross_entropy = torch.nn.functional.cross_entropy


def test_the_same_as_the_own_network(model, examples, own):
    same_everything(bea.torch.objective(model, cross_entropy, examples), own)


@pytest.mark.parametrize("kind", ["chunk", "batches", "loader", "generator", "sum"])
def test_batches_are_summed(model, examples, own, kind):
    inputs, targets = examples
    halves = [(inputs[:13], targets[:13]), (inputs[13:], targets[13:])]
    set = torch.utils.data.TensorDataset(inputs, targets)
    on = {
        "chunk": lambda: bea.torch.objective(model, cross_entropy, examples, chunk=7),
        "batches": lambda: bea.torch.objective(model, cross_entropy, halves),
        "loader": lambda: bea.torch.objective(
            model, cross_entropy, torch.utils.data.DataLoader(set, batch_size=16, shuffle=True)
        ),
        "generator": lambda: bea.torch.objective(model, cross_entropy, iter(halves)),
        "sum": lambda: bea.torch.objective(
            model, lambda o, t: cross_entropy(o, t, reduction="sum") / 40, halves, reduction="sum"
        ),
    }[kind]()
    same_everything(on, own)


def test_nothing_of_the_module_changes(examples):
    inputs, targets = examples
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 6), torch.nn.BatchNorm1d(6), torch.nn.Tanh(), torch.nn.Linear(6, 4)
    ).double()
    found = {}
    for mode in (True, False):
        module.train(mode)
        before = copy.deepcopy(module.state_dict())
        on = bea.torch.objective(module, cross_entropy, (inputs, targets))
        found[mode] = bea.spectrum(on, top=1).eigenvalues[0]
        bea.dal(on)
        assert module.training is mode
        assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
        assert all(p.grad is None for p in module.parameters())
        assert list(on.x) == [name for name, _ in module.named_parameters()]
    assert found[True] != pytest.approx(found[False], rel=1e-3)


def test_the_point_is_that_of_the_module(model, examples):
    on = bea.torch.objective(model, cross_entropy, examples)
    before = on.value_and_grad()[0]
    with torch.no_grad():
        model[0].weight.mul_(2)
    after = on.value_and_grad()[0]
    assert before != after and after == pytest.approx(cross_entropy(model(examples[0]), examples[1]).item())
    hessian = on.hessian()
    with torch.no_grad():
        model[0].weight.mul_(2)
    v = np.ones(on.dimension)
    # Of the point that it was made at.
    fixed = hessian @ v
    assert not np.allclose(fixed, on.hessian() @ v)
    np.testing.assert_array_equal(hessian @ v, fixed)


def test_single_precision(model, examples, own):
    single = copy.deepcopy(model).float()
    on = bea.torch.objective(single, cross_entropy, (examples[0].float(), examples[1]))
    assert on.precision == np.finfo(np.float32).eps
    np.testing.assert_allclose(
        bea.spectrum(on, top=3).eigenvalues, bea.spectrum(own, top=3).eigenvalues, rtol=1e-4
    )


def test_what_is_wrong(model, examples):
    on = bea.torch.objective(model, cross_entropy, examples)
    model[2] = torch.nn.Linear(6, 5).double()
    with pytest.raises(bea.Error, match="the model has changed since the objective was made: '2.weight', '2.bias'"):
        on.value_and_grad()
    with pytest.raises(bea.Error, match="no parameter that requires a gradient"):
        bea.torch.objective(torch.nn.Tanh(), cross_entropy, examples)
    with pytest.raises(bea.Error, match=r"the loss is one number, not a tensor of shape \(40,\)"):
        per_example = lambda o, t: cross_entropy(o, t, reduction="none")
        bea.torch.objective(model, per_example, examples).value_and_grad()
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        bea.torch.objective(model, cross_entropy, (examples[0][:, :2], examples[1])).value_and_grad()
    with pytest.raises(bea.Error, match="no example in the data"):
        bea.torch.objective(model, cross_entropy, []).value_and_grad()
    with pytest.raises(bea.Error, match="the steps of Adagrad are not known"):
        bea.torch.Monitor(model, torch.optim.Adagrad(model.parameters()))
    adam = torch.optim.Adam(model.parameters())
    with pytest.raises(bea.Error, match="log after its first step"):
        bea.torch.Monitor(model, adam, every=1).step(cross_entropy, examples)


@pytest.mark.parametrize("p", [1.0, 0.5])
def test_dal_is_that_of_the_command_step_by_step(command, tmp_path, data, own, model, examples, p):
    (tmp_path / "dal.toml").write_text(
        f'network = "mlp:6,tanh"\ndata = "{data[1]}"\ndtype = "f64"\nseed = 3\ninit = "pytorch"\n'
        f'[train]\nmethod = "dal"\np = {p}\nsteps = 20\n[measure]\nmetrics = ["loss", "learning_rate"]\n'
    )
    run = bea.run("dal.toml", out="run")
    metrics = run.metrics
    optimizer = bea.torch.DAL(model.parameters(), p=p)
    losses, rates = [], []
    for _ in range(20):
        losses.append(optimizer.step(lambda: cross_entropy(model(examples[0]), examples[1])).item())
        rates.append(optimizer.learning_rate)
    np.testing.assert_allclose(losses, np.asarray(metrics["loss"])[:20], rtol=1e-9)
    np.testing.assert_allclose(rates, np.asarray(metrics["learning_rate"])[:20], rtol=1e-9)


def test_dal_needs_a_closure(model, examples):
    optimizer = bea.torch.DAL(model.parameters())
    with pytest.raises(bea.Error, match="DAL needs a closure"):
        optimizer.step(None)

    def backward_first():
        loss = cross_entropy(model(examples[0]), examples[1])
        loss.backward()
        return loss

    with pytest.raises(bea.Error, match="calls no backward: it has called it"):
        optimizer.step(backward_first)
    with pytest.raises(bea.Error, match="not -1"):
        bea.torch.DAL(model.parameters(), p=-1)


def make(kind, parameters):
    optim = torch.optim
    return {
        "sgd": lambda: optim.SGD(parameters, lr=0.1),
        "momentum": lambda: optim.SGD(parameters, lr=0.05, momentum=0.5),
        "nesterov": lambda: optim.SGD(parameters, lr=0.05, momentum=0.5, nesterov=True),
        "dampening": lambda: optim.SGD(parameters, lr=0.05, momentum=0.5, dampening=0.5),
        "adam": lambda: optim.Adam(parameters, lr=0.01),
        "amsgrad": lambda: optim.Adam(parameters, lr=0.01, amsgrad=True),
        "adamw": lambda: optim.AdamW(parameters, lr=0.01),
        "rmsprop": lambda: optim.RMSprop(parameters, lr=0.01),
        "centered": lambda: optim.RMSprop(parameters, lr=0.01, centered=True, momentum=0.3),
    }[kind]()


KINDS = ["sgd", "momentum", "nesterov", "dampening", "adam", "amsgrad", "adamw", "rmsprop", "centered"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_is_what_the_whole_hessian_says(model, examples, kind):
    """Against dense matrices, and against the optimizer's own steps with its preconditioner as it is."""
    optimizer = make(kind, model.parameters())
    monitor = bea.torch.Monitor(model, optimizer, every=5, tol=1e-10)
    for _ in range(20):
        optimizer.zero_grad()
        cross_entropy(model(examples[0]), examples[1]).backward()
        optimizer.step()
        monitor.step(cross_entropy, examples)
    log = monitor.history[-1]
    assert [entry["step"] for entry in monitor.history] == [5, 10, 15, 20]
    on = bea.torch.objective(model, cross_entropy, examples)
    hessian = on.hessian() @ np.eye(on.dimension)
    gradient = on._raw.value_and_gradient(on.point())[1]
    p = _preconditioner(kind, optimizer)
    root = np.sqrt(p)
    scaled = hessian / root / root[:, None]
    values, vectors = np.linalg.eigh((scaled + scaled.T) / 2)
    assert log["sharpness"] == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-9)
    assert log["preconditioned_sharpness"] == pytest.approx(values[-1], rel=1e-9)
    assert log["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-12)
    # One linear step along an eigenvector, by the optimizer of PyTorch itself.
    root_of_step = _principal_root(kind, optimizer, values[-1])
    along = abs(vectors[:, -1] @ (gradient / root))
    h = {"adam": 0.1, "amsgrad": 0.1, "adamw": 0.1, "dampening": 0.5}.get(kind, 1.0) * log["lr"]
    assert log["sc"] == pytest.approx(np.log(root_of_step + 0j) / (h * values[-1]) * along, rel=1e-6)
    beside = hessian @ (gradient / p) / p
    m = {"momentum": 0.5, "dampening": 0.5, "centered": 0.3, "adam": 0.9, "adamw": 0.9, "amsgrad": 0.9}.get(kind, 0)
    factor = (1 + m) / (2 * (1 - m) ** 3)
    if kind == "nesterov":
        # The second coefficient of log r, where r² - (1 + m - (1 + m)a) r + m - ma = 0.
        m = 0.5
        factor = (1 - m + 2 * m**2) / (2 * (1 - m) ** 3)
    assert log["drift"] == pytest.approx(h**2 * factor * np.linalg.norm(beside), rel=1e-9)
    assert log["converged"] and log["products"] > 0 and log["seconds"] > 0 and log["gradients"] > 1
    assert "sharpness" in repr(monitor) and "<table>" in monitor._repr_html_()
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    above, below = monitor.plot()
    assert above.lines[0].get_xydata().tolist() == [[entry["step"], entry["loss"]] for entry in monitor.history]
    assert below.lines[0].get_ydata().tolist() == [entry["h_lambda"] for entry in monitor.history]


def _preconditioner(kind, optimizer):
    parts = []
    for p in optimizer.param_groups[0]["params"]:
        state = optimizer.state[p]
        if kind in ("adam", "adamw", "amsgrad"):
            v = state["max_exp_avg_sq" if kind == "amsgrad" else "exp_avg_sq"]
            parts.append((v / (1 - 0.999**20)).sqrt() + 1e-8)
        elif kind == "rmsprop":
            parts.append(state["square_avg"].sqrt() + 1e-8)
        elif kind == "centered":
            parts.append((state["square_avg"] - state["grad_avg"] ** 2).sqrt() + 1e-8)
        else:
            parts.append(torch.ones_like(p))
    return torch.cat([part.flatten() for part in parts]).numpy()


def _principal_root(kind, optimizer, eigenvalue):
    """The dominant multiplier of `E = λx²/2` under the optimizer's linear recurrence, from its companion matrix."""
    lr = optimizer.param_groups[0]["lr"]
    m = {"momentum": 0.5, "nesterov": 0.5, "dampening": 0.5, "centered": 0.3}.get(kind)
    a = lr * eigenvalue
    if kind in ("adam", "adamw", "amsgrad"):
        m, a = 0.9, a * 0.1
    if kind == "dampening":
        a *= 0.5
    if m is None:
        return 1 - a
    # v' = m v + a x, x' = x - v' (and Nesterov: x' = x - a x - m v')
    matrix = [[1 - a - m * a, -m * m], [a, m]] if kind == "nesterov" else [[1 - a, -m], [a, m]]
    roots = np.linalg.eigvals(np.array(matrix))
    # The one that comes from 1 as the step size grows from 0; above the real axis if they are complex.
    return max(roots, key=lambda r: (abs(r), r.imag)) if np.isreal(roots).all() else max(roots, key=lambda r: r.imag)


def test_four_lines_watch_the_edge_of_stability():
    """Gradient descent at a large learning rate: the sharpness rises to 2/h and stays there."""
    torch.manual_seed(0)
    inputs = torch.linspace(-2, 2, 40, dtype=torch.float64)[:, None]
    targets = torch.sin(3 * inputs)
    module = torch.nn.Sequential(torch.nn.Linear(1, 30), torch.nn.Tanh(), torch.nn.Linear(30, 1)).double()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    mse = torch.nn.functional.mse_loss
    monitor = bea.torch.Monitor(module, optimizer, every=200)
    for _ in range(2000):
        optimizer.zero_grad()
        mse(module(inputs), targets).backward()
        optimizer.step()
        monitor.step(mse, (inputs, targets))
    history = monitor.history
    assert [entry["step"] for entry in history] == list(range(200, 2001, 200))
    around = [entry["h_lambda"] for entry in history[3:]]
    assert all(1.8 < h_lambda < 2.3 for h_lambda in around) and min(around) < 2 < max(around), around
    for entry in history:
        assert entry["case"] == ("unstable complex" if entry["h_lambda"] > 2 else "complex stable")
        assert entry["h_lambda"] == pytest.approx(0.1 * entry["sharpness"])
    # It learns all the same, and logs get cheaper.
    assert history[-1]["loss"] < history[0]["loss"] / 3
    assert history[-1]["products"] < history[0]["products"]


def test_a_log_of_110_000_parameters_takes_few_products():
    torch.manual_seed(0)
    widths = [784, 100, 100, 100, 100, 10]
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.ELU()]
    module = torch.nn.Sequential(*layers[:-1])
    inputs, targets = torch.randn(1000, 784), torch.randint(0, 10, (1000,))
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    monitor = bea.torch.Monitor(module, optimizer, every=10)
    for _ in range(50):
        optimizer.zero_grad()
        cross_entropy(module(inputs), targets).backward()
        optimizer.step()
        monitor.step(cross_entropy, (inputs, targets))
    seconds = sorted(entry["seconds"] for entry in monitor.history)
    print(monitor)
    print(f"{sum(p.numel() for p in module.parameters())} parameters: {seconds[len(seconds) // 2]:.3f} s a log")
    products = [entry["products"] for entry in monitor.history]
    assert len(products) == 5 and max(products) <= 40 and sorted(products)[2] <= 25, products
    assert all(entry["converged"] and np.isfinite(entry["sharpness"]) for entry in monitor.history)


def test_torch_is_imported_when_it_is_used():
    text = "import sys, bea; assert 'torch' not in sys.modules and 'jax' not in sys.modules; bea.torch.DAL"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", text], check=True)
    assert time.perf_counter() - start < 60


@pytest.mark.parametrize("document", ["README.md", "docs/python.md"])
def test_the_documents_run(document, tmp_path, monkeypatch, capsys):
    """The Python blocks that speak of PyTorch, one after the other."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    blocks = [block for block in blocks if ">>>" not in block and "…" not in block]
    names = {}
    for block in blocks:
        exec(block, names)
    assert blocks and "torch" in names
    assert document == "README.md" or "sharpness" in capsys.readouterr().out


class _Normed(torch.nn.Module):
    """A layer with a normalisation, as a module or as a function."""

    def __init__(self, normalise):
        super().__init__()
        self.linear, self.normalise = torch.nn.Linear(2, 4).double(), normalise

    def forward(self, x):
        return torch.tanh(self.normalise(torch.tanh(self.linear(x)) + self.linear.bias))


def _normed(normalise):
    inputs = torch.linspace(-1, 1, 8, dtype=torch.float64).reshape(4, 2)
    return bea.torch.objective(_Normed(normalise), lambda outputs, _: (outputs**2).mean(), (inputs, torch.zeros(4)))


@pytest.mark.parametrize("kind", ["module", "function"])
def test_third_derivatives_through_layer_norm_are_warned_of_once(kind):
    norm = torch.nn.LayerNorm(4).double()
    objective = _normed(norm if kind == "module" else lambda y: torch.nn.functional.layer_norm(y, (4,)))
    where = ", at `normalise` for example" if kind == "module" else ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        objective.hvp(objective.x)
    with pytest.warns(UserWarning, match=f"through layer_norm are wrong.*goes through it{where}: bea.from_torch"):
        bea.evaluate(objective, order=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bea.evaluate(objective, order=2)


@pytest.mark.parametrize("kind", ["none", "group", "batch_eval"])
def test_what_has_right_third_derivatives_is_not_warned_of(kind):
    """They are those of differences of Hessian-vector products."""
    functional = torch.nn.functional
    mean, variance = torch.zeros(4).double(), torch.full((4,), 0.7).double()
    on = _normed({
        "none": lambda y: y,
        "group": lambda y: functional.group_norm(y, 2),
        "batch_eval": lambda y: functional.batch_norm(y, mean, variance),
    }[kind])
    x, step = on.point(), 1e-5
    u, v = np.random.default_rng(0).normal(size=(2, on.dimension))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        third = on._module.third(x, u, v)
    difference = (on._module.product(x + step * u, v) - on._module.product(x - step * u, v)) / (2 * step)
    np.testing.assert_allclose(third, difference, rtol=1e-6, atol=1e-9)


def test_what_has_no_third_derivatives_is_an_error():
    on = _normed(lambda y: torch.nn.functional.batch_norm(y, None, None, training=True))
    with pytest.raises(bea.Error, match="PyTorch has no third derivatives of this loss.*bea.from_torch"):
        bea.evaluate(on, order=2)
