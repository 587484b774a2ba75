"""Flows and code, against the command."""

import json

import numpy as np
import pytest
from conftest import WORDS, interrupted

import bea
from bea._command import in_python


def equal(found, expected):
    """Arrays of numbers of which JSON's null is NaN."""
    np.testing.assert_array_equal(found, np.array(expected, dtype=float))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"loss": "rosenbrock", "start": [-1.2, 1], "lr": 6e-4, "steps": 6, "flows": ["ngf", "igr", "pf"]},
            ["--loss=rosenbrock", "--start=-1.2,1", "--lr=6e-4", "--steps=6", "--flows=ngf,igr,pf"],
        ),
        (
            {"loss": "x^2/2", "start": {"x": 1}, "lr": "3/2", "steps": 3, "flows": "pf,pf-even"},
            ["--loss=x^2/2", "--start=x=1", "--lr=3/2", "--steps=3", "--flows=pf,pf-even"],
        ),
        (
            {"loss": "x^4/4 + y^2", "start": [1, 1], "lr": 0.01, "optimizer": "heavy_ball", "m": "9/10"},
            ["--loss=x^4/4 + y^2", "--start=1,1", "--lr=0.01", "--optimizer=heavy_ball", "--set=m=9/10"],
        ),
        (
            {
                "loss": "x^4/4 + y^2", "start": [1, 1], "lr": 0.01, "flows": ["order:2"],
                "optimizer": bea.optimizer("adam", beta1=0.9, beta2=0.99, eps=1e-3),
            },
            [
                "--loss=x^4/4 + y^2", "--start=1,1", "--lr=0.01", "--optimizer=adam", "--flows=order:2",
                "--set=beta1=0.9", "--set=beta2=0.99", "--set=eps=1/1000",
            ],
        ),
        (
            {
                "loss": "x^4/4 + y^2", "start": [1, 1], "lr": 0.001, "optimizer": "heavy_ball", "m": "1/2",
                "flows": ["order:1", "pf"], "flows_from": "start",
            },
            [
                "--loss=x^4/4 + y^2", "--start=1,1", "--lr=0.001", "--optimizer=heavy_ball", "--set=m=1/2",
                "--flows=order:1,pf", "--flows-from=start",
            ],
        ),
        (
            {"loss": "x*y", "start": [1, 1], "lr": 0.1, "optimizer": "alternating_gda", "flows": ["order:3"]},
            ["--loss=x*y", "--start=1,1", "--lr=0.1", "--optimizer=alternating_gda", "--flows=order:3"],
        ),
    ],
)
def test_the_same_json(command, tmp_path, arguments, words):
    flow = bea.flow(**arguments)
    command.text("flow", *words, "--out", "out")
    expected = json.loads((tmp_path / "out/trajectories.json").read_text())
    assert flow.to_dict() == expected
    assert list(flow) == list(expected["flows"])
    for name, curve in expected["flows"].items():
        equal(flow[name].theta.real, curve["re"])
        equal(flow[name].theta.imag, curve["im"])
        equal(flow[name].t, curve["t"])
        equal(flow[name].loss, curve["loss"])
        equal(flow[name].distance, curve["distance"])
    assert not (tmp_path / "results").exists()


def test_pandas_and_matplotlib(command, tmp_path):
    pandas = pytest.importorskip("pandas")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    flow = bea.flow("rosenbrock", start=[-1.2, 1], lr=6e-4, steps=6)
    command.text("flow", "--loss=rosenbrock", "--start=-1.2,1", "--lr=6e-4", "--steps=6", "--out=out")
    pandas.testing.assert_frame_equal(flow.to_pandas(), pandas.read_csv(tmp_path / "out/trajectories.csv"))
    assert flow.variables == ["x", "y"]
    ax = flow.plot()
    assert [line.get_label() for line in ax.lines] == ["gd", "ngf", "igr", "pf"]
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), flow["gd"].theta)


def test_the_principal_flow_is_exact_on_a_quadratic():
    flow = bea.flow("x^2/2 + 5*y^2", start=[2, 1], lr=0.18, steps=10, flows=["pf"])
    n = np.arange(11)
    expected = np.stack([2 * 0.82**n, (1 - 1.8) ** n], axis=1)
    np.testing.assert_allclose(flow["pf"].theta, expected, atol=1e-8)
    np.testing.assert_allclose(flow["gd"].theta, expected, atol=1e-12)


def test_code_is_that_of_the_command(command):
    f = bea.codegen("(1-x)^2 + 100*(y-x^2)^2", flow="order:3")
    words = ["codegen", "--loss", "(1-x)^2 + 100*(y-x^2)^2", "--flow", "order:3", "--lang", "python"]
    assert f.source == command.text(*words)
    assert f.coordinates == ("x", "y")


def test_code_is_the_field():
    f = bea.codegen("x^4/4", flow="order:2")
    x, h = 0.7, 0.2
    g, d1, d2 = x**3, 3 * x**2, 6 * x
    field = -g - h / 2 * d1 * g + h**2 * (-(d1**2) * g / 3 - d2 * g**2 / 12)
    assert f([x], h) == pytest.approx(field, rel=1e-14)
    assert f.loss([x]) == pytest.approx(x**4 / 4) and f.gradient(np.array([x])) == pytest.approx(g)
    with pytest.raises(ValueError, match="theta has 1 coordinates"):
        f([1.0, 2.0], h)
    with pytest.raises(AttributeError, match="no function 'hessian'"):
        f.hessian


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"loss": "x^^2", "lr": 0.1}, ["--loss=x^^2", "--lr=0.1"]),
        ({"loss": "x^2", "lr": -1}, ["--loss=x^2", "--lr=-1"]),
        ({"loss": "x^2", "lr": 0.1}, ["--loss=x^2", "--lr=0.1"]),
        ({"loss": "x^2", "lr": 0.1, "start": [1, 2]}, ["--loss=x^2", "--lr=0.1", "--start=1,2"]),
        ({"loss": "log(x)", "lr": 0.1, "start": [-1]}, ["--loss=log(x)", "--lr=0.1", "--start=-1"]),
        (
            {"loss": "x^2", "lr": 0.1, "start": [1], "flows": ["ngf", "pq"]},
            ["--loss=x^2", "--lr=0.1", "--start=1", "--flows=ngf,pq"],
        ),
    ],
)
def test_errors_are_those_of_the_command(command, arguments, words):
    with pytest.raises(bea.Error) as caught:
        bea.flow(**arguments)
    assert str(caught.value) == in_python(command.error("flow", *words, "--out=out"))
    assert " --" not in str(caught.value)


def test_flows_of_an_objective(command, net, tmp_path):
    # E = (x² + 5 y²)/2, where the principal flow is exact.
    a = np.array([1.0, 5.0])
    bowl = bea.objective(lambda x: (x @ (a * x) / 2, a * x), hvp=lambda x, v: a * v, start=[2.0, 1.0])
    flow = bea.flow(bowl, lr=0.15, steps=5)
    assert list(flow)[1:] == ["ngf", "igr", "pf"]
    n = np.arange(6)[:, None]
    np.testing.assert_allclose(flow["pf"].theta, (1 - 0.15 * a) ** n * [2, 1], rtol=1e-8)
    assert flow.variables == ["x[0]", "x[1]"]
    words = ["--lr=0.2", "--steps=4", "--flows=ngf,igr", "--out=out"]
    command.text("flow", *WORDS, *words)
    expected = json.loads((tmp_path / "out/trajectories.json").read_text())
    flow = bea.flow(net, lr=0.2, steps=4, flows=["ngf", "igr"])
    assert flow.variables[0] == "0.weight[0,0]"
    for curve, other in zip(flow.values(), expected["flows"].values(), strict=True):
        np.testing.assert_allclose(curve.theta.real, other["re"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(curve.distance, other["distance"], rtol=1e-6, atol=1e-10)

    def broken(x):
        raise KeyError("not here")

    with pytest.raises(KeyError, match="not here"):
        bea.flow(bea.objective(broken, start=[1.0]), lr=0.1, flows=["ngf"])
    with pytest.raises(bea.Error, match="it needs 3 derivatives of the loss, which has 2"):
        bea.flow(bowl, lr=0.1, flows=["order:3"])
    with pytest.raises(bea.Error, match="flows of an objective have no `euler`"):
        bea.flow(bowl, lr=0.1, euler=0.01)
    with pytest.raises(bea.Error, match="╰──"):
        bea.flow(bowl, lr=0.1, flows=["pq"])


def test_one_variable():
    flow = bea.flow("x^2/2", start=1.0, lr=0.1, steps=3)
    equal(flow["gd"].theta, bea.flow("x^2/2", start=[1], lr=0.1, steps=3)["gd"].theta)
    own = bea.objective(lambda x: (x @ x / 2, x), hvp=lambda x, v: v, start=[5.0])
    equal(bea.flow(own, start=1.0, lr=0.1, steps=3)["gd"].theta, flow["gd"].theta)
    assert len(set(flow.values())) == len(flow) and flow["gd"] == flow["gd"] != flow["pf"]


def test_what_is_no_loss():
    for wrong in (lambda x: x, 3, ["x^2", 3], None):
        with pytest.raises(bea.Error, match=r"`bea.objective\(value_and_grad, start=…\)` makes one of callbacks"):
            bea.flow(wrong, start=[1.0], lr=0.1)


def test_advice_is_for_python(bowl):
    with pytest.raises(bea.Error) as caught:
        bea.flow("x^2", start=1, lr=0.1, optimizer="heavy_ball")
    assert 'give it a value: `m="9/10"`, say' in str(caught.value)
    with pytest.raises(bea.Error, match="this loss has no start of its own: give `start`"):
        bea.flow("x^2", lr=0.1)


def test_ctrl_c_ends_a_flow_at_once():
    """Nothing is written that nobody would read, which would take longer than the flow was followed. A busy machine may be slow
    once."""
    for flows in ("gd", "ngf"):
        call = lambda: bea.flow("rosenbrock", lr=1e-6, steps=3_000_000, flows=flows)
        assert any(interrupted(call, 0.3) < 0.3 for _ in range(3))


def test_a_point_by_names():
    with pytest.raises(bea.Error, match="`x` has no value"):
        bea.flow("x^2+y^2", start={"y": 1}, lr=0.1)
