"""The package as it is used: threads, processes, misspelt arguments, and results at hand."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import bea


def test_callbacks_are_called_one_at_a_time():
    inside, most, lock = 0, 0, threading.Lock()

    def value_and_grad(x):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.001)
        with lock:
            inside -= 1
        return x @ x / 2, x

    bea.flow(bea.objective(value_and_grad, hvp=lambda x, v: v, start=[1.0, 2.0]), lr=0.1, steps=5)
    assert most == 1


def test_misspelt_arguments(bowl):
    for words, name in [({"learning_rate": 0.1}, "learning_rate"), ({"k": 2}, "k"), ({"optimizer": "heavy_ball"}, "opt")]:
        with pytest.raises(TypeError, match=f"has no argument `{name}"):
            bea.spectrum(bowl, **words)


def test_matrices_that_are_not_symmetric():
    a = np.array([[1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(bea.Error, match="the matrix is not symmetric"):
        bea.lanczos(a, k=1)
    wrong = bea.objective(lambda x: (x @ x, 2 * x), hvp=lambda x, v: a @ v, start=[1.0, 2.0])
    for call in (bea.spectrum, bea.density, bea.lanczos):
        with pytest.raises(bea.Error, match="the matrix is not symmetric"):
            call(wrong, **({"k": 1} if call is bea.lanczos else {}))


def test_numbers_out_of_range(bowl):
    for lr in (0, -0.1, float("nan")):
        with pytest.raises(bea.Error, match="must be positive"):
            bea.principal_flow(bowl, lr=lr)
    with pytest.raises(bea.Error, match="`p` is a number from 0 on"):
        bea.dal(bowl, p=-1)
    with pytest.raises(bea.Error, match="`cap`, is positive"):
        bea.dal(bowl, cap=0)


def test_spectra_compare_and_tabulate(bowl):
    spectrum = bea.spectrum(bowl, top=2)
    assert spectrum == spectrum and spectrum != bea.spectrum(bowl, top=2) and len({spectrum}) == 1
    pytest.importorskip("pandas")
    assert spectrum.to_pandas()["residual"].dtype == float


def test_titles_of_games():
    flow = bea.flow(["x*y", "-x*y"], start=[1, 1], lr=0.1, steps=2, optimizer="simultaneous_gda", flows=["order:1"])
    assert repr(flow).startswith("x*y and -x*y, ")


def test_a_run_without_flows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(
        'network = "mlp:5,tanh"\ndata = "iris"\n[train]\nmethod = "gd"\nlr = 0.1\nsteps = 1\n[measure]\nmetrics = ["loss"]\n'
    )
    assert bea.run("run.toml", out="run").follow is None


def test_a_forked_process_says_so(tmp_path):
    if not hasattr(__import__("os"), "fork"):
        pytest.skip("no fork")
    text = """
import multiprocessing, bea
def work(_):
    try:
        return bea.optimizer("gradient_descent").name
    except RuntimeError as error:
        return str(error)
if __name__ == "__main__":
    pool = lambda: multiprocessing.get_context("fork").Pool(1)
    with pool() as before:
        assert before.map(work, [0]) == ["gradient_descent"]
    bea.flow("x^2", start=[1], lr=0.1, steps=2)
    with pool() as after:
        assert "spawn" in after.map(work, [0])[0]
"""
    (tmp_path / "fork.py").write_text(text)
    subprocess.run([sys.executable, str(tmp_path / "fork.py")], check=True, timeout=60)
