"""The package as it is used: threads, processes, misspelt arguments, and results at hand."""

import inspect
import json
import subprocess
import sys
import threading
import time
import typing

import numpy as np
import pytest

import bea

from conftest import interrupted


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


def test_products_are_checked_wherever_they_are_used():
    a = np.array([[1.0, 2.0], [0.0, 1.0]])
    make = lambda: bea.objective(lambda x: (x @ x, 2 * x), hvp=lambda x, v: a @ v, start=[1.0, 2.0])
    for call in (
        lambda on: bea.principal_flow(on, lr=0.1), bea.dal, bea.evaluate, lambda on: bea.flow(on, lr=0.1, steps=1),
        lambda on: bea.stability_coefficients(on, lr=0.1),
    ):
        with pytest.raises(bea.Error, match="the matrix is not symmetric"):
            call(make())
    # Once for each objective, at two products.
    calls = []
    on = bea.objective(lambda x: (x @ x / 2, x), hvp=lambda x, v: calls.append(v) or v, start=[1.0, 2.0])
    bea.dal(on), bea.dal(on), bea.evaluate(on, order=0)
    assert len(calls) == 2 + 1 + 1
    # Products that differ from one time to the next are no rounding, however coarse the numbers are.
    random = np.random.default_rng(1)
    noisy = bea.objective(
        lambda x: (x @ x, 2 * x), hvp=lambda x, v: random.normal(size=50), start=np.ones(50), dtype="float16"
    )
    with pytest.raises(bea.Error, match="or its products differ from one time to the next"):
        bea.dal(noisy)


def test_what_has_no_eigenvalues(bowl):
    for call in (lambda on: bea.lanczos(on, k=1), lambda on: bea.spectrum(on, top=1), bea.density):
        for wrong in (None, "x", 3.0, lambda v: v):
            with pytest.raises(bea.Error, match="eigenvalues are those of an objective or of a symmetric matrix: .*; this is "):
                call(wrong)
        with pytest.raises(bea.Error, match=r"a symmetric matrix is wanted, not one of shape \(0, 0\)"):
            call(np.zeros((0, 0)))
    for call in (lambda on: bea.principal_flow(on, 0.1), bea.dal, lambda on: bea.stability_coefficients(on, 0.1)):
        with pytest.raises(bea.Error, match="of an objective: `bea.objective"):
            call(np.eye(2))
    for arguments, name in [({"v0": np.ones(3) * 1j}, "v0"), ({"preconditioner": np.ones(3) * 1j}, "the preconditioner")]:
        with pytest.raises(bea.Error, match=f"{name} has the dtype complex128: real numbers are wanted"):
            bea.spectrum(bowl, top=1, **arguments)


def test_words_instead_of_type_errors(bowl, tmp_path):
    for call, message in [
        (lambda: bea.objective(lambda x: x, n=-1), "the number of parameters `n` is a whole number from 1 on, not -1"),
        (lambda: bea.objective(lambda x: x, n=2.5), "the number of parameters `n` is a whole number from 1 on, not 2.5"),
        (lambda: bea.dal(bowl, p="one"), "the power `p` is a number, or its text"),
        (lambda: bea.optimizer("heavy_ball").derive(order=True), "the order is a whole number from 0 on, not True"),
        (lambda: bea.optimizer("heavy_ball").modified_loss(order=1.5), "the order is a whole number from 0 on, not 1.5"),
        (lambda: bea.optimizer("adam").derive(at_step=0), "`at_step` is a whole number from 1 on, not 0"),
        (lambda: bea.flow("x^2", start=1, lr=0.1, flows=[None]), "flows are names, .*, not None"),
        (lambda: bea.reproduce(["fig5"]), r"figures are names, .*, not \['fig5'\]"),
        (lambda: bea.reproduce(), "a figure is wanted at least"),
        (lambda: bea.density(bowl, steps=2).grid(points=5), "5 points are too few for a density: 8 at least, or give `width`"),
        (lambda: bea.evaluate(bowl, flow="gd", lr=0.1), "there is no flow `gd` here: it is the optimizer itself"),
    ]:
        with pytest.raises(bea.Error, match=message):
            call()
    assert bea.dal(bowl, p="1/2").learning_rate == bea.dal(bowl, p=0.5).learning_rate
    path = tmp_path / "mine.bea"
    path.write_text("optimizer mine { theta' = theta + h*f(theta) }")
    assert bea.optimizer(path).name == "mine"
    np.testing.assert_array_equal(bea.evaluate(bowl, path, lr=0.1), bea.evaluate(bowl, lr=0.1))


def test_what_an_objective_lacks_is_named():
    gradient = bea.objective(lambda x: (x @ x, 2 * x), start=[1.0])
    with pytest.raises(bea.Error, match="it needs 2 derivatives of the loss, which has 1: give `hvp` to `bea.objective`"):
        bea.evaluate(gradient, order=1)
    product = bea.objective(lambda x: (x @ x, 2 * x), hvp=lambda x, v: 2 * v, start=[1.0])
    with pytest.raises(bea.Error, match="it needs 3 derivatives of the loss, which has 2: .*by `third`"):
        bea.evaluate(product, order=2)


def test_a_step_of_infinite_length_is_not_taken():
    for gradient in (0.0, 1.0):
        flat = bea.objective(lambda x: (gradient * x.sum(), gradient + 0 * x), hvp=lambda x, v: 0 * v, start=[1.0, 2.0])
        with pytest.raises(bea.Error, match="the learning rate is (inf|nan): no step is taken"):
            bea.dal(flat, cap=float("inf"))
        assert bea.dal(flat).learning_rate == 5.0


def test_the_branch_point():
    bowl = bea.objective(lambda x: (x @ x, 2 * x), hvp=lambda x, v: 2 * v, start=[1.0, 0.0])
    found = bea.spectrum(bowl, top=2, lr=0.5)
    assert found.case == 2 * ["branch point"] and not np.isnan(found.sc).any()
    assert found.sc[found.along > 0].real.tolist() == (found.along > 0).sum() * [-np.inf]
    # Nothing is left where they fill the space, with a sign of its own.
    assert "-0.0e+00" not in repr(found)


def test_coarse_numbers():
    """The machine epsilon is that of the coarsest ones."""
    same = lambda start, **more: bea.objective(lambda x: (0.0, x), start=start, **more).precision
    assert same(np.ones(2)) == same([1, 2]) == np.finfo(float).eps
    assert same(np.ones(2, "f4")) == same({"a": np.ones(2), "b": np.ones(1, "f4")}) == np.finfo("f4").eps
    assert same(np.ones(2, "f2")) == same(np.ones(2), dtype="float16") == np.finfo("f2").eps
    coarse = bea.objective(lambda x: (x @ x / 2, x), hvp=lambda x, v: v, start=np.ones(3, "f2"))
    flow = bea.flow(coarse, lr=0.1, steps=2)
    assert all(curve.note is None for curve in flow.values())


def test_signatures_are_for_editors():
    """Every argument has a name, and no misspelt one passes a type checker."""
    names = set(inspect.signature(bea.stability_coefficients).parameters)
    assert names >= {"lr", "x", "tol", "v0", "seed", "search", "preconditioner", "progress", "optimizer", "values"}
    assert names == set(inspect.signature(bea.spectrum).parameters)
    if not hasattr(typing, "get_overloads"):
        pytest.skip("Python 3.10 does not keep overloads")
    with_step, without, of_matrix = (inspect.signature(f).parameters for f in typing.get_overloads(bea.spectrum))
    assert set(with_step) == names and with_step["lr"].default is inspect.Parameter.empty
    assert set(without) == names - {"optimizer", "values"} and set(of_matrix) == set(without) - {"lr", "x"}
    whole = inspect.signature(bea.spectrum).parameters
    for part in (with_step, without, of_matrix):
        assert all(p.default == whole[name].default for name, p in part.items() if name != "lr")


def test_results_without_pandas(bowl):
    spectrum = bea.spectrum(bowl, top=2, lr=0.1)
    found = json.loads(json.dumps(spectrum.to_dict()))
    assert found["missed"] == dict(zip(("largest", "smallest"), spectrum.missed))
    assert bea.spectrum(bowl, top=1, search=False).to_dict()["missed"] is None
    density = bea.density(bowl, steps=3, probes=2)
    assert json.loads(json.dumps(density.to_dict()))["nodes"] == density.nodes.tolist()
    flow = bea.principal_flow(bowl, lr=0.3)
    velocity = json.loads(json.dumps(flow.to_dict()))["velocity"]
    np.testing.assert_array_equal([complex(*pair) for pair in velocity], flow.velocity)
    step = bea.dal(bowl)
    assert json.loads(json.dumps(step.to_dict()))["next"] == step.next.tolist()


@pytest.mark.parametrize("points", [8, 20, 50, 200, 2000])
def test_the_sum_of_a_density_is_1(points):
    x, y = bea.density(np.diag(np.arange(50.0)), steps=40, probes=3).grid(points=points)
    assert x.shape == y.shape == (points,) and np.trapezoid(y, x) == pytest.approx(1, abs=1e-3)


def test_code_lists_its_functions():
    assert {"loss", "gradient", "field"} <= set(dir(bea.codegen("x^4/4")))
    game = bea.codegen(["x*y", "-x*y"], flow="order:1", optimizer="simultaneous_gda")
    assert {"loss_fx", "gradient_fy"} <= set(dir(game)) and "np" not in dir(game)


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
        assert result._repr_html_().startswith("<table><caption>") and "nan" not in result._repr_html_()
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


def test_what_is_given_twice_or_not_used_is_said(bowl):
    with pytest.raises(bea.Error, match="`order` and `flow` name a field each"):
        bea.evaluate(bowl, order=3, flow="igr", lr=0.1)
    with pytest.raises(bea.Error, match="`m` is set twice"):
        bea.evaluate(bowl, bea.optimizer("heavy_ball", m=0.9), m=0.5)
    with pytest.raises(bea.Error, match="`value_and_grad` is a function, not 3"):
        bea.objective(3, start=[1.0])
    with pytest.raises(bea.Error, match="`hvp` is a function, not "):
        bea.objective(lambda x: (0.0, x), hvp=np.eye(2), start=[1.0, 2.0])


def test_products_are_real():
    operator = pytest.importorskip("scipy.sparse.linalg").LinearOperator((5, 5), matvec=lambda v: 1j * v, dtype=float)
    with pytest.raises(bea.Error, match="the products have the dtype complex128"):
        bea.lanczos(operator, k=1)


def test_flows_say_why_they_end():
    curved = np.diag([6.0, 2.0, 1.0])
    gradient = lambda x: curved @ x if x[0] > 0.5 else curved @ x * np.nan
    objective = bea.objective(lambda x: (x @ curved @ x / 2, gradient(x)), hvp=lambda x, v: curved @ v, start=[1.0, 0.5, 0.2])
    found = bea.flow(objective, lr=0.1, steps=10, flows="ngf")
    for shown in (repr(found), found._repr_html_()):
        assert "gd ended: " in shown and "ngf ended: " in shown and "let the callback raise an exception" in shown
        assert "closure" not in shown
    settled = bea.flow("x^2/2", start=[1.0], lr=0.1, steps=2, optimizer=bea.optimizer("heavy_ball", m=0.9), flows="order:1")
    assert f"order:1 {settled['order:1'].beginning}" in repr(settled)


def test_losses_that_are_not_finite_are_refused():
    net = bea.network("mlp:5,tanh", data="iris", dtype="f64")
    net.x = {name: value * np.nan for name, value in net.x.items()}
    for ask in (bea.dal, lambda net: bea.spectrum(net, top=1), lambda net: net.value_and_grad()):
        with pytest.raises(bea.Error, match="(?i)the loss is nan at these parameters"):
            ask(net)


def test_a_flow_stops_within_a_step():
    def value_and_grad(x):
        time.sleep(0.05)
        return x @ x / 2, x

    objective = bea.objective(value_and_grad, hvp=lambda x, v: v, start=np.ones(10))
    assert interrupted(lambda: bea.flow(objective, lr=1e-2, steps=500, flows="ngf,pf"), 0.5) < 1
