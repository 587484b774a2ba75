"""Objectives from callbacks, against bea's own networks with the same weights, and what is wrong with them."""

import signal
import threading
import time
import traceback

import numpy as np
import pytest
from conftest import NETWORK, WORDS, interrupted, same_everything

import bea


def test_numpy(perceptron, own):
    same_everything(bea.objective(perceptron.value_and_grad, hvp=perceptron.hvp, start=own.x), own)


def test_jax(data, own):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    inputs, targets = data[0]["inputs"], data[0]["targets"]

    def loss(w):
        hidden = jax.numpy.tanh(inputs @ w["0.weight"].T + w["0.bias"])
        logits = hidden @ w["2.weight"].T + w["2.bias"]
        return -jax.nn.log_softmax(logits)[jax.numpy.arange(len(targets)), targets].mean()

    value_and_grad = jax.jit(jax.value_and_grad(loss))
    hvp = jax.jit(lambda w, v: jax.jvp(jax.grad(loss), (w,), (v,))[1])
    same_everything(bea.objective(value_and_grad, hvp=hvp, start=own.x), own)


def test_networks_are_those_of_the_command(command, net):
    found = bea.spectrum(net, top=4, bottom=1, lr=0.5)
    expected = command.json("spectrum", *WORDS, "--top=4", "--bottom=1", "--lr=0.5", "--format=json")
    assert found.loss == expected["loss"]
    for key, values in {"eigenvalue": found.eigenvalues, "along": found.along}.items():
        np.testing.assert_allclose(values, [pair[key] for pair in expected["eigenpairs"]], rtol=1e-12)
    sc = [complex(*pair["sc"]) for pair in expected["eigenpairs"]]
    np.testing.assert_allclose(found.sc, sc, rtol=1e-12)
    assert found.case == [pair["case"] for pair in expected["eigenpairs"]]
    assert found.products + len(found) == expected["products"] and found.converged is expected["converged"]
    assert list(found.missed) == [expected["missed"]["largest"], expected["missed"]["smallest"]]
    density = bea.density(net, steps=20, probes=3)
    expected = command.json(
        "spectrum", *WORDS, "--top=1", "--density", "--steps=20", "--probes=3", "--out=d", "--format=json"
    )["density"]
    np.testing.assert_allclose(density.nodes, expected["nodes"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(density.weights, expected["weights"], rtol=1e-6, atol=1e-12)
    assert density.mean == pytest.approx(expected["mean"], rel=1e-12)


@pytest.mark.parametrize(
    ("quantity", "arguments", "words"),
    [
        ("order:1", {"order": 1}, []),
        ("order:3", {"order": 3}, []),
        ("order:2", {"order": 2, "optimizer": "adam_inside", "beta1": 0.9, "beta2": 0.99, "eps": 0.01},
         ["--optimizer=adam_inside", "--set=beta1=0.9", "--set=beta2=0.99", "--set=eps=0.01"]),
        ("pf", {"flow": "pf"}, []),
        ("cubic", {"flow": "cubic"}, []),
    ],
)
def test_fields_are_those_of_the_command(command, net, tmp_path, quantity, arguments, words):
    command.text("evaluate", *WORDS, f"--quantities={quantity}", "--lr=0.3", "--out=out.safetensors", *words)
    raw = (tmp_path / "out.safetensors").read_bytes()
    import json

    length = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8 : 8 + length])
    found = bea.evaluate(net, lr=0.3, **arguments)
    assert found.keys() == {"0.weight", "0.bias", "2.weight", "2.bias"}
    kinds = {"": np.real, ".re": np.real, ".im": np.imag}
    values = {f"{quantity}.{name}{end}": of(part) for name, part in found.items() for end, of in kinds.items()}
    written = {name: entry for name, entry in head.items() if name.startswith(f"{quantity}.")}
    # Every part of the parameters, real or in two parts, and nothing else.
    assert written.keys() <= values.keys() and len(written) in (len(found), 2 * len(found))
    assert {name.removesuffix(".re").removesuffix(".im") for name in written} == {f"{quantity}.{name}" for name in found}
    for name, entry in written.items():
        start, end = entry["data_offsets"]
        expected = np.frombuffer(raw[8 + length :][start:end]).reshape(entry["shape"])
        np.testing.assert_allclose(values[name], expected, rtol=1e-9, atol=1e-12)


def test_structures_come_back():
    start = {"a": [np.ones((2, 2)), np.float32(3)], "b": (np.arange(2.0),)}

    def value_and_grad(x):
        assert x["a"][0].shape == (2, 2) and x["a"][1].dtype == np.float32
        return 0.5 * float(sum((p**2).sum() for p in (x["a"][0], x["a"][1], x["b"][0]))), x

    objective = bea.objective(value_and_grad, hvp=lambda x, v: v, start=start)
    assert objective.dimension == 7
    value, gradient = objective.value_and_grad()
    assert value == 7.0 and gradient["b"][0].tolist() == [0.0, 1.0] and gradient["a"][1] == 3
    assert isinstance(gradient["b"], tuple) and isinstance(gradient["a"], list)
    next = bea.dal(objective).next
    np.testing.assert_allclose(next["a"][0], -np.ones((2, 2)))
    objective.x = next
    assert objective.value_and_grad()[0] == pytest.approx(7.0)
    assert bea.principal_flow(objective, lr=0.5).velocity["b"][0].shape == (2,)
    assert objective.counts["gradients"] == 4


def test_scipy_takes_hessians(bowl):
    linalg = pytest.importorskip("scipy.sparse.linalg")
    hessian = bowl.hessian()
    assert isinstance(hessian, linalg.LinearOperator) and isinstance(hessian, bea.Hessian)
    np.testing.assert_allclose(hessian @ np.eye(3), np.diag([6.0, 2.0, 1.0]))
    assert linalg.eigsh(hessian, k=1, which="LA")[0] == pytest.approx([6.0])
    assert ((hessian + hessian) @ np.ones(3)).tolist() == [12, 4, 2]
    assert (hessian.T @ np.ones(3)).tolist() == [6, 2, 1]
    matrix = np.diag(np.arange(1.0, 51))
    found = bea.lanczos(linalg.aslinearoperator(matrix), k=3, tol=1e-8)
    np.testing.assert_allclose(found.eigenvalues, [50, 49, 48], rtol=1e-12)
    np.testing.assert_allclose(np.abs(found.eigenvectors[-1, 0]), 1.0)


def test_lanczos_takes_fewer_products_than_eigsh():
    linalg = pytest.importorskip("scipy.sparse.linalg")
    random = np.random.default_rng(1)
    n = 400
    basis = np.linalg.qr(random.normal(size=(n, n)))[0]
    values = np.concatenate([[50.0, 30, 20, 15, 12], random.exponential(size=n - 5)])
    matrix = (basis * values) @ basis.T
    matrix = (matrix + matrix.T) / 2
    calls = 0

    def product(v):
        nonlocal calls
        calls += 1
        return matrix @ v

    operator = linalg.LinearOperator(matrix.shape, matvec=product, dtype=float)
    theirs, _ = linalg.eigsh(operator, k=5, which="LA", tol=1e-3)
    own = bea.lanczos(matrix, k=5, tol=1e-3)
    assert own.converged and own.products <= calls, (own.products, calls)
    np.testing.assert_allclose(own.eigenvalues, theirs[::-1], rtol=1e-5)
    warm = bea.lanczos(matrix + 1e-3 * np.eye(n), k=5, tol=1e-3, v0=own)
    # Twice the five vectors, and one that looks for more.
    assert warm.products <= 2 * 5 + 1 < own.products
    both = bea.lanczos(matrix, k=4, which="BE", tol=1e-8)
    np.testing.assert_allclose(both.eigenvalues, np.sort(values)[[-1, -2, 1, 0]], rtol=1e-7)


def test_preconditioned_eigenvalues(bowl):
    p = np.array([2.0, 8.0, 1.0])
    found = bea.lanczos(bowl.hessian(), k=3, tol=1e-10, preconditioner=p)
    np.testing.assert_allclose(found.eigenvalues, [3.0, 1.0, 0.25])
    np.testing.assert_allclose(np.sum(found.eigenvectors**2 * p[:, None], axis=0), 1.0)
    spectrum = bea.spectrum(bowl, top=3, lr=0.5, preconditioner=p)
    gradient = np.array([0.6, 0.4, -0.3])
    order = np.argsort(-np.array([6.0, 2, 1]) / p)
    np.testing.assert_allclose(spectrum.along, np.abs(gradient / np.sqrt(p))[order])


def test_stability_coefficients_of_momentum(bowl):
    found = bea.stability_coefficients(bowl, lr=0.1, optimizer="heavy_ball", m="1/2")
    # The principal root of r² - (1+m-hλ) r + m.
    z = 0.1 * np.array([6.0, 2.0, 1.0])
    trace = 1.5 - z
    root = (trace + np.sqrt(trace**2 - 2 + 0j)) / 2
    expected = np.log(root) / z * np.array([0.6, 0.4, 0.3])
    np.testing.assert_allclose(found.sc.real, expected.real, rtol=1e-12)
    assert found.case == 3 * ["complex stable"] and (trace**2 < 2).all()
    assert "sc" in found._repr_html_() and "case" in repr(found)


def test_an_exception_of_a_callback_keeps_its_traceback(bowl):
    def broken(x):
        raise KeyError("no such weight")

    objective = bea.objective(broken, start=[1.0, 2.0])
    with pytest.raises(KeyError, match="no such weight") as caught:
        objective.value_and_grad()
    text = "".join(traceback.format_exception(caught.value))
    assert "in broken" in text
    assert "gradient number 1 at x = (1, 2), asked for by bea" in text or not hasattr(caught.value, "__notes__")
    for call in (bea.spectrum, bea.density, bea.dal, lambda o: bea.principal_flow(o, lr=0.1), bea.evaluate):
        half = bea.objective(lambda x: (1.0, x), hvp=lambda x, v: broken(x), start=[1.0, 2.0])
        with pytest.raises(KeyError, match="no such weight"):
            call(half)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((1.0, np.ones(3)), r"the gradient has the shape \(3,\), not \(2,\)"),
        ((1.0, np.ones((2, 1))), r"the gradient has the shape \(2, 1\), not \(2,\)"),
        ((1.0, np.ones(2) + 0j), "the gradient has the dtype complex128: real numbers are wanted"),
        ((1.0, np.array(["a", "b"])), "the gradient has the dtype <U1"),
        ((np.ones(2), np.ones(2)), "the loss is one real number, not an array of shape"),
        ((1j, np.ones(2)), "the loss is one real number"),
        (1.0, "value_and_grad returns a loss and a gradient, not 1.0"),
        ((1.0, np.array([1.0, np.nan])), r"gradient number 1 at x = \(1, 2\) is not finite: entry 1 is NaN"),
        ((np.inf, np.ones(2)), "is not finite: the value is inf"),
    ],
)
def test_wrong_answers(answer, message):
    with pytest.raises(bea.Error, match=message):
        bea.objective(lambda x: answer, start=[1.0, 2.0]).value_and_grad()


def test_wrong_requests(bowl, net):
    gradient = bea.objective(lambda x: (0.0, x), start=[1.0])
    for wrong, message in [
        (lambda: bea.spectrum(gradient), "this needs Hessian-vector products"),
        (lambda: bea.principal_flow(gradient, lr=0.1), "Hessian-vector products"),
        (lambda: bea.evaluate(bowl, order=3), "it needs 3 derivatives of the loss, which has 2"),
        (lambda: bea.evaluate(bowl, "adam", order=2, beta1=0, beta2=0, eps=1), "derivatives of order"),
        (lambda: bea.evaluate(bowl, "adm"), "did you mean `adam`"),
        (lambda: bea.evaluate(bowl, "heavy_ball"), r"the value of the parameter `m` of `heavy_ball`"),
        (lambda: bea.evaluate(bowl, lr=-1), "the step size `lr` must be positive, not -1"),
        (lambda: bea.spectrum(bowl, top=-1), "the number of eigenvalues `top` is a whole number from 0 on, not -1"),
        (lambda: bea.spectrum(bowl, bottom=1.5), "the number of eigenvalues `bottom` is a whole number from 0 on, not 1.5"),
        (lambda: bea.lanczos(np.eye(3), k=1.5), "the number of eigenvalues `k` is a whole number from 1 on, not 1.5"),
        (lambda: bea.density(bowl, probes=1.5), "the number of probes is a whole number from 1 on, not 1.5"),
        (lambda: bea.density(bowl).grid(points=2**62), "a whole number from 2 to 10000000"),
        (lambda: bea.flow(bowl, lr=0.1, steps=1.5), "`steps` is a whole number from 1 on, not 1.5"),
        (lambda: bea.evaluate(bowl, 3), "an optimizer is a name, a text or a `bea.Optimizer`, not 3"),
        (lambda: bea.evaluate(3), "at the parameters of an objective, not 3"),
        (lambda: bea.codegen(3), "a loss is a formula, a name or a file, .*; this is 3"),
        (lambda: bea.spectrum(1e-200 * np.eye(3)), "are of the order .*: scale it"),
        (lambda: bea.evaluate(bowl, "heavy_ball"), r'give it a value: `m="9/10"`, say'),
        (lambda: bea.spectrum(bowl, top=0), "give `top` or `bottom`"),
        (lambda: bea.spectrum(np.eye(3), lr=0.1), "a matrix has no gradient"),
        (lambda: bea.spectrum(np.eye(3), x=[1.0]), "a matrix is that of one point"),
        (lambda: bea.density(np.eye(3), x=[1.0]), "a matrix is that of one point"),
        (lambda: bea.spectrum(lambda x: x), "`bea.objective\\(value_and_grad, hvp=…, start=…\\)` makes one of callbacks"),
        (lambda: bea.principal_flow(bowl, lr="a tenth"), "the step size `lr` is a number, or its text"),
        (lambda: bea.objective(lambda x: x, third=lambda x, u, v: v, start=[1.0]), "`third` is of no use without `hvp`"),
        (lambda: bea.spectrum(bowl, top=4), "4 eigenvalues are wanted of a matrix that has 3"),
        (lambda: bea.spectrum(bowl, lr=-1), "the step size `lr` must be positive, not -1"),
        (lambda: bea.lanczos(np.ones((2, 3))), r"a symmetric matrix is wanted, not one of shape \(2, 3\)"),
        (lambda: bea.lanczos(np.eye(3) * 1j), "not one of dtype complex128"),
        (lambda: bea.lanczos(bowl, which="XX"), "`which` is"),
        (lambda: bea.lanczos(bowl, k=0), "a whole number from 1 on, not 0"),
        (lambda: bea.lanczos(bowl, k=1, v0=np.ones(2)), "v0 has the shape"),
        (lambda: bea.lanczos(bowl, k=1, preconditioner=[1, -1, 1]), "must be positive"),
        (lambda: bea.objective(lambda x: x), "either `start`"),
        (lambda: bea.objective(lambda x: x, start=[]), "a parameter at least"),
        (lambda: bea.objective(lambda x: x, start=[1j]), "parameters are real numbers, not of dtype complex128"),
        (lambda: bea.objective(lambda x: (0.0, x), n=2).value_and_grad(), "this objective has no point"),
        (lambda: bowl.value_and_grad([1.0]), r"x has the shape \(1,\), not \(3,\)"),
        (lambda: bowl.unflatten([1.0]), r"the vector has the shape \(1,\)"),
        (lambda: setattr(net, "x", {"0.weight": 1}), "the point has the keys '0.weight', not the keys"),
        (lambda: bowl.hessian() @ np.ones((2, 2)), "dimension mismatch|columns"),
        (lambda: bea.network("mlp:5,tnah", data="iris"), "tanh"),
        (lambda: bea.network("mlp:5", data="irs"), "iris"),
        (lambda: bea.network("mlp:5", data="iris", dtype="f16"), "^invalid value 'f16' for `dtype`"),
    ]:
        with pytest.raises(ValueError, match=message):
            wrong()


def test_ctrl_c_in_a_callback():
    calls = 0

    def hvp(x, v):
        nonlocal calls
        calls += 1
        time.sleep(0.005)
        return np.arange(1, 201) * v

    objective = bea.objective(lambda x: (0.0, x), hvp=hvp, start=np.ones(200))
    interrupted(lambda: bea.lanczos(objective, k=5, tol=1e-14, max_products=10**6), 0.2)
    seen = calls
    time.sleep(0.05)
    assert calls == seen, "nothing goes on"


def test_ctrl_c_amid_a_network(net):
    start = time.perf_counter()
    interrupted(lambda: bea.density(net, steps=40, probes=100_000), 0.3)
    interrupted(lambda: [bea.principal_flow(net, lr=0.1) for _ in range(100_000)], 0.3)
    assert time.perf_counter() - start < 10
    assert bea.spectrum(net, top=1).converged


def test_ctrl_c_stops_commands_and_keeps_what_there_is(command, tmp_path):
    assert interrupted(lambda: bea.flow("rosenbrock", start=[-1.2, 1], lr=1e-5, steps=200_000, flows=["pf"]), 0.5) < 5
    (tmp_path / "long.toml").write_text(
        'network = "mlp:5"\ndata = "iris"\n[train]\nmethod = "gd"\nlr = 0.01\nsteps = 1000000\n'
        '[measure]\nmetrics = ["loss"]\n'
    )
    with pytest.raises(KeyboardInterrupt, match=r"(?s)long interrupted after \d+ steps.*wrote kept"):
        timer = threading.Timer(1.0, signal.raise_signal, (signal.SIGINT,))
        timer.start()
        bea.run("long.toml", out="kept")
    timer.join()
    assert (tmp_path / "kept/checkpoint.safetensors").is_file()
    assert bea.Run(tmp_path / "kept").timing["seconds"] > 0
    # And the next command works, with Python's own handler of Ctrl-C.
    assert bea.optimizer("gradient_descent").name == "gradient_descent"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_third_derivatives_and_complex_points(own, perceptron):
    """Against bea's own network, which has all derivatives everywhere."""

    def third(w, u, v, epsilon=1e-5):
        """Central differences of products: about ten digits."""
        ahead, behind = (perceptron.hvp({n: w[n] + s * epsilon * u[n] for n in w}, v) for s in (1, -1))
        return {name: (ahead[name] - behind[name]) / (2 * epsilon) for name in w}

    def complex_hvp(w, v, epsilon=1e-6):
        ahead, behind = (perceptron.value_and_grad({n: w[n] + s * epsilon * v[n] for n in w})[1] for s in (1, -1))
        return {name: (ahead[name] - behind[name]) / (2 * epsilon) for name in w}

    with_third = bea.objective(perceptron.value_and_grad, hvp=perceptron.hvp, third=third, start=own.x)
    expected = bea.evaluate(own, order=2, lr=0.3)
    for name, part in bea.evaluate(with_third, order=2, lr=0.3).items():
        np.testing.assert_allclose(part, expected[name], atol=1e-8)
    assert with_third.counts["contractions"] > 0
    found = bea.flow(with_third, lr=0.3, steps=4, flows="order:2", rtol=1e-8)["order:2"]
    np.testing.assert_allclose(found.theta, bea.flow(own, lr=0.3, steps=4, flows="order:2")["order:2"].theta, atol=1e-7)
    # The coefficient of f'''(f,f,f) is 0.
    expected = bea.evaluate(own, order=3, lr=0.3)
    for name, part in bea.evaluate(with_third, order=3, lr=0.3).items():
        np.testing.assert_allclose(part, expected[name], atol=1e-8)
    with pytest.raises(bea.Error, match="it needs 5 derivatives of the loss, which has 3"):
        bea.evaluate(with_third, order=4, lr=0.3)

    # Beyond hλ = 1, where the flow is complex.
    lr = 1.5 / bea.spectrum(own, top=1).eigenvalues[0]
    arguments = {"lr": lr, "steps": 3, "flows": "pf", "rtol": 1e-7, "atol": 1e-9}
    real = bea.objective(perceptron.value_and_grad, hvp=perceptron.hvp, start=own.x)
    curve = bea.flow(real, **arguments)["pf"]
    assert len(curve.t) < 4 and "by `complex_value_and_grad` and `complex_hvp` of `bea.objective`" in curve.note
    both = bea.objective(
        perceptron.value_and_grad, hvp=perceptron.hvp, complex_value_and_grad=perceptron.value_and_grad,
        complex_hvp=complex_hvp, start=own.x,
    )
    curve, expected = (bea.flow(on, **arguments)["pf"] for on in (both, own))
    assert curve.note is None and np.abs(curve.theta.imag).max() > 1e-3
    np.testing.assert_allclose(curve.theta, expected.theta, atol=1e-5)


def test_wrong_answers_at_complex_points():
    stiff = lambda x: (x @ x * 3, 6 * x)
    for answer, message in [
        ((1j, [1.0, 2.0]), r"the gradient has the shape \(2,\), not \(1,\)"),
        ((1j, ["a"]), "the gradient has the dtype <U1: complex numbers are wanted"),
        (("a", [1j]), "the loss is one complex number, not"),
    ]:
        on = bea.objective(
            stiff, hvp=lambda x, v: 6 * v, complex_value_and_grad=lambda x: answer, complex_hvp=lambda x, v: 6 * v, start=[1.0]
        )
        with pytest.raises(bea.Error, match=message):
            bea.flow(on, lr=0.3, steps=2, flows="pf")


def test_symmetric_matrices_of_all_kinds():
    sparse = pytest.importorskip("scipy.sparse")
    diagonal = np.arange(1.0, 61)
    dense = np.diag(diagonal)

    class Curvlinop:
        """As curvlinops has them: products of tensors, and a way to SciPy's."""

        shape = (60, 60)

        def __matmul__(self, other):
            raise TypeError("tensors are wanted")

        def to_scipy(self):
            return sparse.linalg.aslinearoperator(dense)

    for matrix in (dense, dense.astype(int), dense.tolist(), sparse.diags_array(diagonal), sparse.csr_matrix(dense),
                   sparse.linalg.aslinearoperator(dense), Curvlinop()):
        found = bea.spectrum(matrix, top=2, bottom=1)
        assert type(found) is bea.Eigenpairs and found.converged
        np.testing.assert_allclose(found.eigenvalues, [60, 59, 1], rtol=1e-12)
        np.testing.assert_allclose(bea.lanczos(matrix, k=1).eigenvalues, [60], rtol=1e-5)
        # Traces of A and A² by 200 probes.
        density = bea.density(matrix, steps=20, probes=200)
        assert density.mean == pytest.approx(30.5, rel=0.02) and density.mean_square == pytest.approx(1230.17, rel=0.03)
    assert len(bea.spectrum(np.eye(4)).eigenvalues) == 4


def test_step_sizes_may_be_text(bowl):
    assert bea.spectrum(bowl, top=1, lr="1/10").lr == 0.1
    np.testing.assert_array_equal(bea.principal_flow(bowl, lr="1/10").velocity, bea.principal_flow(bowl, lr=0.1).velocity)
    np.testing.assert_array_equal(bea.evaluate(bowl, lr="1/10"), bea.evaluate(bowl, lr=0.1))
    flow = bea.flow(bowl, lr="1/10", steps=2)
    np.testing.assert_array_equal(flow["pf"].theta, bea.flow(bowl, lr=0.1, steps=2)["pf"].theta)
    assert flow.lr == 0.1
    for key in ("rtol", "atol"):
        with pytest.raises(bea.Error, match=f"the tolerance `{key}` must be positive, not 0"):
            bea.flow(bowl, lr=0.1, **{key: 0})


def test_pictures(bowl):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    spectrum = bea.spectrum(bowl, top=3, lr=0.4)
    ax = spectrum.plot()
    labels = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    assert list(labels) == ["2/h", "unstable complex", "real stable"]
    assert labels["2/h"].get_ydata() == [5, 5]
    np.testing.assert_allclose(labels["unstable complex"].get_xydata(), [[1, 6]])
    np.testing.assert_allclose(labels["real stable"].get_xydata(), [[2, 2], [3, 1]])
    (points,) = bea.spectrum(bowl, top=3).plot().lines[1:]
    np.testing.assert_allclose(points.get_xydata(), [[1, 6], [2, 2], [3, 1]])
    density = bea.density(bowl, steps=3, probes=5)
    x, y = density.grid()
    (line,) = density.plot().lines
    np.testing.assert_array_equal(line.get_xdata(), x)
    assert np.trapezoid(y, x) == pytest.approx(1, rel=1e-2)


def test_the_gil_is_released(net):
    """Another thread goes on while a network is worked on."""
    ticks, ended = 0, threading.Event()

    def count():
        nonlocal ticks
        while not ended.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before, start = ticks, time.perf_counter()
    bea.density(net, steps=40, probes=40)
    seconds, counted = time.perf_counter() - start, ticks - before
    ended.set()
    thread.join()
    assert counted > 100 * seconds, (counted, seconds)


def test_callbacks_cost_little():
    """A call of a million parameters touches the memory of four copies of them at most, and a small one takes no time."""
    resource = pytest.importorskip("resource")
    n, calls = 1_000_000, 20
    objective = bea.objective(lambda x: (0.0, x), hvp=lambda x, v: v, start=np.ones(n))
    point = objective.point()
    objective._raw.value_and_gradient(point)
    faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    before = faults()
    for _ in range(calls):
        objective._raw.value_and_gradient(point)
    copies = (faults() - before) / calls * resource.getpagesize() / point.nbytes
    print(f"{copies:.1f} copies")
    assert copies < 4
    small = bea.objective(lambda x: (0.0, x), start=np.ones(10))
    point = small.point()
    assert min(_seconds(lambda: small._raw.value_and_gradient(point)) for _ in range(20)) < 1e-3


def _seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def test_the_network_has_no_other_dtype():
    assert bea.network(**NETWORK).precision == np.finfo(float).eps
    assert bea.network("mlp:5,tanh", data="iris").precision == np.finfo(np.float32).eps
