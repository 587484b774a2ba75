"""How graphs follow the number of their examples, of JAX; that of PyTorch is in test_from_torch.py."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bea

RANDOM = np.random.default_rng(3)
X, LABELS = RANDOM.normal(size=(20, 4)), RANDOM.integers(0, 3, 20)
PARAMS = {"v": RANDOM.normal(size=(4, 3))}


def saved(loss, folder, data=(X, LABELS)):
    objective = bea.from_jax(loss, PARAMS, data, dtype="f64")
    bea.save(objective, folder / "model.bea-graph")
    return objective, json.loads((folder / "model.bea-graph/graph.json").read_text())["examples"]


def linear(params, data):
    """Linear in the parameters, so that steps of an epoch add up, in whatever order it takes the examples."""
    x, labels = data
    return -jnp.take_along_axis(x @ params["v"], labels[:, None], 1).mean()


def hot(params, data):
    x, labels = data
    return -(jax.nn.log_softmax(x @ params["v"]) * jax.nn.one_hot(labels, 3)).sum(1).mean()


@pytest.mark.parametrize("loss", [linear, hot])
def test_graphs_follow_their_examples(loss, tmp_path):
    _, examples = saved(loss, tmp_path)
    assert examples["count"] == 20 and examples["other"] == 19
    assert list(examples["axes"].values()) == [0, 0]
    assert list(examples["steps"].values()) == ([3] if loss is linear else [])


def test_data_are_any_pytree(tmp_path):
    @jax.tree_util.register_dataclass
    @dataclasses.dataclass
    class Batch:
        x: np.ndarray
        labels: np.ndarray

    _, examples = saved(lambda p, batch: hot(p, (batch.x, batch.labels)), tmp_path, Batch(X, LABELS))
    assert examples["count"] == 20
    _, examples = saved(lambda p, data: hot(p, tuple(data[0])) / data[1], tmp_path, [[X, LABELS], np.array(2.5)])
    assert examples["count"] == 20


def test_data_that_are_no_examples_are_said(tmp_path):
    _, examples = saved(lambda p, data: (p["v"] ** 2).sum() * data[0], tmp_path, [1.0, 2.0])
    assert "no array with a first axis" in examples["refused"]
    _, examples = saved(lambda p, data: (p["v"] ** 2).sum(), tmp_path)
    assert examples == {"refused": "none of its constants depends on the examples"}


def test_an_epoch_of_mini_batches_sees_every_example_once(tmp_path):
    objective, _ = saved(linear, tmp_path)
    text = 'network = "model.bea-graph"\n[train]\nmethod = "gd"\nlr = 0.1\nsteps = 4\nbatch = 5\n'
    (tmp_path / "run.toml").write_text(text)
    run = bea.run(tmp_path / "run.toml", out=tmp_path / "out")
    losses = np.asarray(run.metrics["loss"])
    gradient = np.asarray(objective.value_and_grad()[1]["v"])
    assert losses[-1] == pytest.approx(losses[0] - 4 * 0.1 * (gradient**2).sum(), rel=1e-12)


def test_what_does_not_follow_them_is_said(tmp_path):
    _, examples = saved(lambda p, data: ((data[0] @ p["v"]) @ (data[0] @ p["v"]).T).reshape(-1).cumsum().mean(), tmp_path)
    assert "does not follow the number of examples" in examples["refused"]
    _, examples = saved(lambda p, data: ((data[0] @ p["v"] - data[0].mean()) ** 2).mean(), tmp_path)
    assert "refused" in examples
    _, examples = saved(linear, tmp_path, (X[:3], LABELS[:3]))
    assert "traced on 3 examples" in examples["refused"]
    objective = bea.from_jax(lambda p: linear(p, (X, LABELS)), PARAMS, dtype="f64")
    bea.save(objective, tmp_path / "model.bea-graph")
    document = json.loads((tmp_path / "model.bea-graph/graph.json").read_text())
    assert "without data" in document["examples"]["refused"]
    text = 'network = "model.bea-graph"\n[train]\nmethod = "gd"\nlr = 0.1\nsteps = 4\nbatch = 5\n'
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(bea.Error, match="without data"):
        bea.run(tmp_path / "run.toml", out=tmp_path / "out")
