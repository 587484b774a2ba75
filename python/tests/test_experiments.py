"""Runs, sweeps and figures, against the command."""

import json
import signal
import threading

import numpy as np
import pytest

import bea
from bea._command import in_python

RUN = """network = "mlp:5,tanh"
data = "iris"
dtype = "f64"
[train]
method = "gd"
lr = 0.1
steps = 20
[measure]
metrics = ["loss", "lambda:2", "sc:1", "error:ngf", "error:pf"]
"""
GRID = RUN + "[grid]\ntrain.lr = [0.05, 0.1]\n"


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "run.toml").write_text(RUN)
    (tmp_path / "grid.toml").write_text(GRID)


def test_a_run(command, experiment, tmp_path):
    run = bea.run("run.toml", out="python")
    command.text("run", "run.toml", "--out", "command")
    for name in ("metrics.csv", "config.toml", "weights.safetensors", "metrics.svg"):
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
    metrics = run.metrics
    assert list(metrics)[:2] == ["step", "loss"] and len(metrics["loss"]) == 21
    losses = np.loadtxt(tmp_path / "command/metrics.csv", delimiter=",", skiprows=1, usecols=1)
    np.testing.assert_array_equal(np.asarray(metrics["loss"]), losses)
    assert run.timing["counts"] == json.loads((tmp_path / "command/timing.json").read_text())["counts"]
    assert 'network = "mlp:5,tanh"' in run.config and run.weights.is_file()
    assert "finished after 20 steps" in repr(run) and run._repr_svg_().startswith("<svg")
    assert bea.network("mlp:5,tanh", data="iris", dtype="f64", weights=str(run.weights)).value_and_grad()[
        0
    ] == pytest.approx(losses[-1], rel=1e-12)


def test_a_run_with_other_keys_in_a_new_folder(command, experiment, tmp_path):
    run = bea.run("run.toml", set={"train.steps": 3, "measure.metrics": ["loss"]})
    assert list(run.metrics) == ["step", "loss"] and len(run.metrics["loss"]) == 4
    assert run.folder.parts[0] == "results"
    on = bea.run("run.toml", set={"train.steps": 6, "measure.metrics": ["loss"]}, out=run.folder, resume=True)
    assert len(on.metrics["loss"]) == 7


def test_a_sweep(command, experiment, tmp_path):
    sweep = bea.sweep("grid.toml", out="python", jobs=1)
    command.text("sweep", "grid.toml", "--out", "command")
    assert (tmp_path / "python/sweep.csv").read_bytes() == (tmp_path / "command/sweep.csv").read_bytes()
    assert len(sweep.table["run"]) == len(sweep.runs) == 2
    assert all(len(run.metrics["loss"]) == 21 for run in sweep.runs.values())


def test_a_figure(command, tmp_path):
    made = bea.reproduce("fig5", out="python")
    text = command.text("reproduce", "fig5", "--out", "command")
    assert made.text == text and made.verdicts == {"fig5": "holds in part"}
    assert made.picture("fig5").read_bytes() == (tmp_path / "command/fig5.svg").read_bytes()


def test_results_as_dictionaries(command, experiment, tmp_path):
    run = bea.run("run.toml", out="run", set={"train.steps": 2})
    found = json.loads(json.dumps(run.to_dict()))
    assert found["folder"] == "run" and len(found["metrics"]["loss"]) == 3 and found["follow"] is None
    assert found["config"] == run.config and found["timing"] == run.timing
    sweep = bea.sweep("grid.toml", out="sweep", set={"train.steps": 2})
    assert len(json.loads(json.dumps(sweep.to_dict()))["table"]["steps"]) == len(sweep.runs)
    made = bea.reproduce("fig5", out="figures")
    assert made.to_dict() == {"folder": "figures", "verdicts": made.verdicts}


def test_ctrl_c_keeps_what_is_finished(command, tmp_path):
    timer = threading.Timer(1.0, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    with pytest.raises(KeyboardInterrupt, match=r"fig10 interrupted: what is finished is in kept; `resume=True` goes on"):
        bea.reproduce("fig10", out="kept", set={"data": "iris", "train.steps": 1_000_000})
    timer.join()


def test_errors_are_those_of_the_command(command, experiment, tmp_path):
    (tmp_path / "bad.toml").write_text(RUN.replace("lr =", "lrr ="))
    with pytest.raises(bea.Error, match="╰── unknown key") as caught:
        bea.run("bad.toml")
    assert str(caught.value) == command.error("run", "bad.toml")
    bea.run("run.toml", out="there", set={"train.steps": 1})
    with pytest.raises(bea.Error) as caught:
        bea.run("run.toml", out="there")
    assert str(caught.value) == in_python(command.error("run", "run.toml", "--out", "there"))
    assert "`force=True` replaces it" in str(caught.value)
    with pytest.raises(bea.Error):
        bea.reproduce("fig50")
    assert not (tmp_path / "results").exists()


def test_figures_whose_data_are_not_there_raise(command, tmp_path):
    with pytest.raises(bea.Error, match="fig13 could not be made") as caught:
        bea.reproduce("fig13", set={"data": "nothing.npz"}, out="python")
    done = command.run("reproduce", "fig13", "--set", 'data="nothing.npz"', "--out", "command")
    assert done.returncode == 2 and str(caught.value) == in_python(done.stderr.rstrip()).replace("command", "python")


def test_notes_are_warnings(command, experiment, tmp_path):
    (tmp_path / "noted.toml").write_text(GRID)
    with pytest.warns(UserWarning, match="`bea.sweep` conducts all of them"):
        bea.run("noted.toml", out="noted", set={"train.steps": 1})


def test_progress(command, experiment, tmp_path, monkeypatch):
    bars = {}

    class Bar:
        def __init__(self, desc=None, total=None, unit=None):
            bars[desc], self.n, self.total = self, 0, total

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.close()

        def update(self, more):
            self.n += more

        def close(self):
            self.closed = True

    monkeypatch.setattr("bea._progress._tqdm", lambda: Bar)
    ended = lambda: {name: (bar.n, bar.total, bar.closed) for name, bar in bars.items()}
    bea.run("run.toml", out="run", progress=True)
    assert ended() == {"run": (20, 20, True)}
    bars.clear()
    bea.sweep("grid.toml", out="sweep", progress=True)
    assert sorted(ended().values()) == 2 * [(20, 20, True)]
    bars.clear()
    bea.flow("x^2", start=1, lr=0.1, steps=5, flows="ngf", progress=True)
    assert ended() == {"gd": (5, 5, True), "ngf": (5, 5, True)}
    bars.clear()
    own = bea.objective(lambda x: (x @ x, 2 * x), hvp=lambda x, v: 2 * v, start=[1.0, 2.0])
    bea.flow(own, lr=0.1, steps=5, flows="ngf", progress=True)
    assert ended() == {"gd": (5, 5, True), "ngf": (5, 5, True)}
    bars.clear()
    found = bea.spectrum(own, top=1, progress=True)
    assert ended() == {None: (found.products, None, True)}
    bars.clear()
    bea.run("run.toml", out="quiet")
    assert not bars
