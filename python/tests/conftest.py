"""What tests need: the command `bea`, which the package is compared with."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Command:
    """The command `bea`: that of this repository, or `$BEA`."""

    def __init__(self, folder):
        self.folder = folder
        self.path = os.environ.get("BEA", str(ROOT / "target/release/bea"))

    def run(self, *words):
        words = [self.path, *map(str, words)]
        environment = os.environ | {"NO_COLOR": "1"}
        return subprocess.run(words, capture_output=True, text=True, cwd=self.folder, env=environment)

    def text(self, *words):
        done = self.run(*words)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    def json(self, *words):
        return json.loads(self.text(*words))

    def error(self, *words):
        done = self.run(*words)
        assert done.returncode == 2
        return done.stderr.rstrip()


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command, in the folder that the test is in."""
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path)


#: A network on iris with smooth activations, and its layers.
NETWORK = {"network": "mlp:5,tanh", "data": "iris", "dtype": "f64"}
WORDS = [f"--{key}={value}" for key, value in NETWORK.items()]


@pytest.fixture(scope="session")
def net():
    """bea's own network."""
    import bea

    return bea.network(**NETWORK)


@pytest.fixture(scope="session")
def iris(tmp_path_factory):
    """The examples of iris as bea standardises them: inputs, and the number of the class of each."""
    data = ROOT / "crates/network/data"
    return data


@pytest.fixture
def bowl():
    """`E = xᵀAx/2` with its callbacks."""
    import bea

    a = np.diag([6.0, 2.0, 1.0])
    return bea.objective(lambda x: (x @ a @ x / 2, a @ x), hvp=lambda x, v: a @ v, start=[0.1, 0.2, -0.3])


class Perceptron:
    """A perceptron with one hidden layer of tanh, cross entropy, and its derivatives, in NumPy."""

    def __init__(self, data):
        self.inputs, self.targets = data["inputs"], data["targets"]

    def value_and_grad(self, w):
        """At real or complex parameters."""
        n = len(self.targets)
        hidden = np.tanh(self.inputs @ w["0.weight"].T + w["0.bias"])
        logits = hidden @ w["2.weight"].T + w["2.bias"]
        shifted = np.exp(logits - logits.real.max(axis=1, keepdims=True))
        p = shifted / shifted.sum(axis=1, keepdims=True)
        value = -np.log(p[np.arange(n), self.targets]).mean()
        p[np.arange(n), self.targets] -= 1
        back = p / n
        below = (back @ w["2.weight"]) * (1 - hidden**2)
        return value, {
            "0.weight": below.T @ self.inputs,
            "0.bias": below.sum(axis=0),
            "2.weight": back.T @ hidden,
            "2.bias": back.sum(axis=0),
        }

    def hvp(self, w, v):
        """`Im ∇E(w + iεv)/ε`, exact to rounding for so small an ε."""
        epsilon = 1e-30
        moved = {name: w[name] + 1j * epsilon * v[name] for name in w}
        return {name: g.imag / epsilon for name, g in self.value_and_grad(moved)[1].items()}


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """40 examples of 3 numbers in 4 classes, and the file that holds them."""
    random = np.random.default_rng(0)
    arrays = {"inputs": random.normal(size=(40, 3)), "targets": random.integers(0, 4, size=40)}
    path = tmp_path_factory.mktemp("data") / "data.npz"
    np.savez(path, **arrays)
    return arrays, path


@pytest.fixture(scope="session")
def own(data):
    """bea's own network on these examples."""
    import bea

    return bea.network("mlp:6,tanh", data=str(data[1]), dtype="f64", init="pytorch:3")


@pytest.fixture(scope="session")
def perceptron(data):
    """The same in NumPy."""
    return Perceptron(data[0])


def same_everything(objective, own):
    """That an objective has the spectrum, the flows and the stability coefficients of another."""
    import bea

    close = lambda found, expected: np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    value, gradient = own.value_and_grad()
    found, slope = objective.value_and_grad()
    close(found, value)
    for name in gradient:
        close(slope[name], gradient[name])
    for lr in (0.1, 3.0):
        expected = bea.spectrum(own, top=5, bottom=1, lr=lr)
        spectrum = bea.spectrum(objective, top=5, bottom=1, lr=lr)
        close(spectrum.eigenvalues, expected.eigenvalues)
        close(spectrum.along, expected.along)
        close(spectrum.sc, expected.sc)
        assert spectrum.case == expected.case
        close(np.abs(np.sum(spectrum.eigenvectors * expected.eigenvectors, axis=0)), 1.0)
        velocity = bea.principal_flow(objective, lr=lr).velocity
        for name, part in bea.principal_flow(own, lr=lr).velocity.items():
            close(velocity[name], part)
    expected = bea.density(own, steps=20, probes=2)
    density = bea.density(objective, steps=20, probes=2)
    close(density.mean, expected.mean)
    close(density.mean_square, expected.mean_square)
    step, expected = bea.dal(objective), bea.dal(own)
    close(step.learning_rate, expected.learning_rate)
    for optimizer, values in [("gradient_descent", {}), ("heavy_ball", {"m": "9/10"}), ADAM]:
        field = bea.evaluate(objective, optimizer, order=1, lr=0.01, **values)
        for name, part in bea.evaluate(own, optimizer, order=1, lr=0.01, **values).items():
            close(field[name], part)


ADAM = ("adam_inside", {"beta1": "9/10", "beta2": "99/100", "eps": "1/100"})


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """Python's own handler of Ctrl-C: a process that a shell starts in the background has none, and would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call, after):
    """The seconds that a call takes to raise KeyboardInterrupt, from the moment that it is interrupted."""
    sent = []

    def send():
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(after, send)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call()
    ended = time.perf_counter()
    timer.join()
    return ended - sent[0]
