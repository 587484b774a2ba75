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


def test_seeds_are_whole_numbers(bowl):
    for call in (bea.density, bea.lanczos, bea.spectrum):
        for seed in (-1, 0.5):
            with pytest.raises(bea.Error, match=f"the seed is a whole number from 0 on, not {seed}"):
                call(bowl, seed=seed, **({"k": 1} if call is bea.lanczos else {}))


def test_errors_at_a_point_have_words_of_python(bowl):
    for call in (
        lambda: bea.evaluate(bowl, "heavy_ball"),
        lambda: bea.flow(bowl, lr=0.1, optimizer="heavy_ball"),
        lambda: bea.stability_coefficients(bowl, lr=0.1, optimizer="heavy_ball"),
    ):
        with pytest.raises(bea.Error, match='`m="9/10"`') as caught:
            call()
        assert "--" not in str(caught.value)


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
    own = bea.network("mlp:5,tanh", data="iris", dtype="f64")
    x = own.x
    own.value_and_grad(), own.hvp(x)
    calls = [own.value_and_grad, lambda: own.hvp(x), lambda: own.hessian() @ own.point(), lambda: bea.spectrum(own, top=1)]
    def call(k):
        try:
            calls[k]()
        except RuntimeError as error:
            return str(error)
    with pool() as after:
        assert all("spawn" in text for text in after.map(call, range(len(calls))))
"""
    (tmp_path / "fork.py").write_text(text)
    subprocess.run([sys.executable, str(tmp_path / "fork.py")], check=True, timeout=60)


def test_results_are_shown_in_short():
    n = 500
    bowl = bea.objective(lambda x: (x @ x / 2, x), hvp=lambda x, v: v, start=np.ones(n))
    for result in (bea.principal_flow(bowl, lr=0.1), bea.dal(bowl), bea.density(bowl, steps=5, probes=2)):
        assert len(repr(result)) < 120 and type(result).__name__ in repr(result)
    flow = bea.flow("x^2/2", start=[1], lr=0.1, steps=40)
    rows = repr(flow).splitlines()
    assert len(rows) == 2 + 1 + 13 and rows[-1].split()[0] == "40" and "…" in rows[-2]
    assert len(bea.flow("x^2/2", start=[1], lr=0.1, steps=11)._columns()["step"]) == 12


def test_advice_is_for_python():
    gradient = bea.objective(lambda x: (x @ x, 2 * x), start=[1.0])
    with pytest.raises(bea.Error) as caught:
        bea.flow(gradient, lr=0.1, flows=["igr"])
    assert "closure" not in str(caught.value) and "give `hvp` to `bea.objective`" in str(caught.value)
    undefined = bea.objective(lambda x: (float("nan"), x), hvp=lambda x, v: v, start=[1.0])
    with pytest.raises(bea.Error) as caught:
        bea.dal(undefined)
    assert "let the callback raise an exception" in str(caught.value)


def test_the_library_of_optimizers(command):
    assert bea.optimizers() == [entry["name"] for entry in command.json("optimizers", "--format", "json")]
