"""What tests need: the command `bea`, which the package is compared with."""

import json
import os
import pathlib
import subprocess

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
