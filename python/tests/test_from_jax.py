"""Functions of JAX as operator graphs."""

import warnings

import graph_reference
import numpy as np
import pytest

import bea

jax = pytest.importorskip("jax")

import jax.flatten_util  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from graph_derivatives import direction, same_derivatives  # noqa: E402
from jax import lax  # noqa: E402
from jax_models import MODELS  # noqa: E402


@pytest.fixture(autouse=True)
def wide():
    """64 bits, as long as a test lasts."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def derivatives(loss, params, names=("loss", "gradient", "product", "third")):
    """`E`, `∇E`, `∇²E v` and `∇³E[v, v]` for `v = direction(n)`, flat."""
    flat, unflatten = jax.flatten_util.ravel_pytree(jax.tree.map(jnp.asarray, params))
    v = jnp.asarray(direction(flat.size))
    gradient = jax.grad(lambda x: loss(unflatten(x)))
    along = lambda f: lambda x: jax.jvp(f, (x,), (v,))[1]
    found = {
        "loss": lambda x: loss(unflatten(x)),
        "gradient": gradient,
        "product": along(gradient),
        "third": along(along(gradient)),
    }
    together = jax.jit(lambda x: {name: found[name](x) for name in names})(flat)
    return {name: np.asarray(numbers) for name, numbers in together.items()}


@pytest.mark.parametrize("name", MODELS)
def test_models(name, tmp_path):
    loss, params = MODELS[name]()
    objective = bea.from_jax(loss, params)
    assert objective.precision < 1e-15
    bea.save(objective, tmp_path / "model.bea-graph")
    assert graph_reference.evaluate(tmp_path / "model.bea-graph") == pytest.approx(float(loss(params)), rel=1e-12)
    same_derivatives(objective, derivatives(loss, params))


a, p = np.random.default_rng(0).normal(size=(3, 4)), np.random.default_rng(1).uniform(0.5, 1.5, size=(3, 4))
c = np.random.default_rng(2).normal(size=(2, 6, 6, 3))
#: Each of parameters `a`, positive ones `p`, and `c`.
OPERATIONS = {
    "arithmetic": lambda a, p, c: (a + 2 * a[0]) * (3 - a) / (p + 1) - 1 / p + a**2 + a**-3 + p**1.7 + 2.0**a + p**a,
    "exponentials": lambda a, p, c: jnp.exp(a) + jnp.expm1(a) + jnp.log(p) + jnp.log1p(p) + jnp.log2(p) + jnp.exp2(a)
    + jnp.sqrt(p) + lax.rsqrt(p) + jnp.cbrt(a) + jnp.sinh(a) + jnp.cosh(a),
    "trigonometry": lambda a, p, c: jnp.sin(a) + jnp.cos(a) + jnp.tan(a / 3) + jnp.arctan(a) + jnp.arcsin(a / 4)
    + jnp.arcsinh(a) + jnp.arccosh(p + 1) + jnp.arctan2(a, a[:, ::-1]) + jnp.arccos(a / 4) + jnp.arctanh(a / 4) + jax.scipy.special.erf(a) + jax.scipy.special.erfc(a),
    "rounding": lambda a, p, c: jnp.round(a) * p + jnp.floor(a) + jnp.ceil(a) * a + jnp.sign(a) * a + a % 0.7 + a // 0.4
    + lax.rem(a, 0.7) + lax.round(a),
    "activations": lambda a, p, c: jax.nn.relu(a) + jax.nn.elu(a) + jax.nn.selu(a) + jax.nn.celu(a) + jax.nn.leaky_relu(a)
    + jax.nn.relu6(a) + jax.nn.hard_swish(a) + jax.nn.mish(a) + jax.nn.silu(a) + jax.nn.softplus(a) + jax.nn.log_sigmoid(a)
    + jax.nn.gelu(a) + jax.nn.gelu(a, approximate=False) + jax.nn.soft_sign(a) + jax.nn.hard_tanh(a) + jax.nn.glu(a).sum(),
    "extrema": lambda a, p, c: jnp.maximum(a, p) + jnp.minimum(a, p) + jnp.clip(a, -0.5, 0.5) + jnp.clip(a, p - 1, p)
    + a.max(0) + a.min(1, keepdims=True) + jnp.abs(a).max() + a.argmax(0) * p + a.argmin() * a,
    "masks": lambda a, p, c: jnp.where((a > 0) & ~(p > 1) | (a < -1), a, p) + (a >= p) * a + jnp.isfinite(a) * p
    + jnp.select([a > 1, a > 0], [a, 2 * p], 3.0) + jnp.where(jnp.any(a > 0.2, axis=1, keepdims=True), a, p)
    + (jnp.all(a > -9) ^ (a > 0)) * p + lax.select_n(jnp.array([[0], [2], [1]]) * jnp.ones((3, 4), int), a, p, a * p),
    "sums": lambda a, p, c: a.sum(0) + a.mean() + a.prod(1, keepdims=True) + a.var(0) + a.std() + jnp.linalg.norm(a, axis=0)
    + jax.nn.logsumexp(a, axis=0) + jax.nn.softmax(a) + jax.nn.log_softmax(a, axis=0) + jax.nn.standardize(a),
    "cumulative": lambda a, p, c: jnp.cumsum(a, 1) + jnp.cumsum(a[::-1], 0) + jnp.cumprod(p, 0) + lax.cummax(a, 1)
    + lax.cumlogsumexp(a, 1) + lax.cumsum(a, 0, reverse=True) + jnp.diff(a, axis=0).sum(),
    "sorting": lambda a, p, c: jnp.sort(a, 0) * p + a[jnp.argsort(a[:, 0])] + jnp.median(a, 0)
    + lax.top_k(a, 2)[0].sum(1, keepdims=True) * p + jnp.take_along_axis(a, jnp.argsort(p, 1), 1) + jnp.sort(a)[:, ::-1],
    "indices": lambda a, p, c: a[jnp.array([2, 0, 0])] + a[:, jnp.array([1, 1, 3, 0])] + a[1, 2] * p + a[-1] + p[:, ::-1]
    + jnp.take(a, jnp.array([1, 2, 1]), axis=0) + a[np.array([0, 1, 2]), np.array([3, 3, 0])][:, None]
    + jnp.take_along_axis(a, jnp.array([[1], [0], [3]]), 1) + a[p.argmax(0)[:3]] + a[0, a[0].argmax()],
    "updates": lambda a, p, c: a.at[1].set(p[0]) * p + a.at[:, 1].add(p[:, 0]) + a.at[jnp.array([0, 0, 2])].add(p)
    + a.at[jnp.array([0, 7]), jnp.array([1, 1])].add(p[0, :2]) + a.at[1:, 2:].multiply(2.0)
    + lax.dynamic_update_slice(a, p[:2, :2], (1, 1)),
    "shapes": lambda a, p, c: a.reshape(4, 3).T + jnp.broadcast_to(a[:1], (3, 4)) + jnp.concatenate([a, p])[2:5]
    + jnp.stack([a, p])[1] + jnp.tile(a, (2, 1))[1:4] + jnp.pad(a, ((1, 0), (0, 2)))[:3, 2:] + jnp.roll(a, 1, 0)
    + lax.pad(a, 0.5, ((0, -4, 2), (-1, -2, 1))).sum() + jnp.repeat(a, 2, 0)[1:4] + jnp.tril(a) + jnp.flip(a)
    + sum(part.sum() for part in jnp.split(a, 2, axis=1)) + lax.dynamic_slice(a, (jnp.argmax(p[:, 0]), 0), (1, 4)),
    "products": lambda a, p, c: a @ p.T @ a + jnp.einsum("ij,kj,kl->il", a, p, a) + jnp.tensordot(a, p) + a[0] @ p[0]
    + jnp.einsum("bhwc,bhwd->cd", c, c)[:, :1] + jnp.outer(a[:, 0], p[0]) + jnp.einsum("bhwc,bwhc->bc", c, c).sum(),
    "convolutions": lambda a, p, c: lax.conv_general_dilated(
        c, c[:1, :3, :3].transpose(1, 2, 3, 0), (2, 1), ((1, 2), (0, -1)), (1, 2), (2, 1), ("NHWC", "HWIO", "NHWC")
    ),
    "pools": lambda a, p, c: lax.reduce_window(c, -jnp.inf, lax.max, (1, 3, 2, 1), (1, 2, 1, 1), "SAME").sum()
    + jnp.square(lax.reduce_window(c, 0.0, lax.add, (1, 2, 3, 1), (1, 2, 1, 1), "SAME")).sum()
    + jnp.square(lax.reduce_window(c, jnp.inf, lax.min, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")).sum(),
    "resizing": lambda a, p, c: jax.image.resize(c, (2, 9, 4, 3), "bilinear") ** 2,
    "loops": lambda a, p, c: lax.fori_loop(0, 3, lambda k, x: jnp.sin(x) * p + k, a)
    + lax.scan(lambda h, x: (h + x, h * x), a[0], p, reverse=True)[1] + lax.map(lambda x: x @ x, a)[:, None]
    + lax.cond(c.shape[0] > 1, jnp.sin, jnp.cos, a) + lax.associative_scan(jnp.add, a),
    "transformations": lambda a, p, c: jax.grad(lambda x: jnp.tanh(x @ p.T).sum())(a) + jax.vmap(jnp.outer)(a, p).sum((0, 1))
    + jax.hessian(lambda x: (jnp.sin(x) ** 2 * x[0]).sum())(a[0]) [:3] + jax.checkpoint(jnp.sin)(a) + jax.jit(jnp.cos)(a)
    + jax.jvp(jnp.tanh, (a,), (p,))[1] + jax.vmap(jax.grad(jnp.prod))(p),
    "constants": lambda a, p, c: a + jax.random.normal(jax.random.key(0), (3, 4)) + jnp.eye(3, 4) * a + jnp.arange(4.0)
    + lax.stop_gradient(a) * p + a.astype(int) * p + (a > 0).astype(float) * p + jnp.linspace(0, 1, 4),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name, tmp_path):
    def loss(params):
        out = OPERATIONS[name](params["a"], params["p"], params["c"])
        return (out * jnp.linspace(0.5, 1.5, out.size).reshape(out.shape)).sum() + 0.1 * (params["c"] ** 2).sum()

    params = {"a": jnp.asarray(a), "p": jnp.asarray(p), "c": jnp.asarray(c)}
    objective = bea.from_jax(loss, params)
    bea.save(objective, tmp_path / "m.bea-graph")
    assert graph_reference.evaluate(tmp_path / "m.bea-graph") == pytest.approx(float(loss(params)), rel=1e-12)
    same_derivatives(objective, derivatives(loss, params, ("loss", "gradient", "product")))


#: Of `[3, 4]` whose first row is 0, with the gradient and the product of JAX.
EDGES = {
    "logaddexp": lambda a: jnp.logaddexp(a, jnp.array([-jnp.inf, 0.0, 1.0, 2.0])),
    "logaddexp of two": lambda a: jnp.logaddexp(a, a[::-1]),
    "logaddexp2 of two": lambda a: jnp.logaddexp2(a, a[::-1]),
    "xlogy": lambda a: jax.scipy.special.xlogy(a, jnp.array([2.0, 1.0, 0.5, 3.0])),
    "xlogy of two": lambda a: jax.scipy.special.xlogy(a, 2 + a[::-1]),
    "xlog1py": lambda a: jax.scipy.special.xlog1py(a, 1 + a[::-1]),
    "logaddexp2": lambda a: jnp.logaddexp2(a, jnp.array([-jnp.inf, 0.0, 1.0, 2.0])),
    "logaddexp2 of equal": lambda a: jnp.logaddexp2(a, a * 1),
    "sinc": jnp.sinc,
    "clipped indices": lambda a: a.at[jnp.array([0, 7, -1])].get(mode="clip"),
    "filled indices": lambda a: a.at[jnp.array([0, 7, -1])].get(mode="fill", fill_value=2.0),
    "masks as numbers": lambda a: (~(a > 0.1) & (a < 2)).astype(jnp.uint8) * a,
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name):
    loss = lambda params: (EDGES[name](params) * jnp.arange(1.0, 13).reshape(3, 4)).sum() + (params**3).sum()
    params = jnp.asarray(a).at[0].set(0.0)
    same_derivatives(bea.from_jax(loss, params), derivatives(loss, params, ("loss", "gradient", "product")))


def test_other_slopes_than_those_of_jax_are_told():
    with pytest.warns(UserWarning, match=r"the derivative by x\[1\] is 0 in the graph, and in jax .* 1: .*kink"):
        bea.from_jax(lambda w: jnp.abs(w).sum(), np.array([1.0, 0.0])).value_and_grad()
    # Nor is what rounding does taken for a kink.
    for number in (jnp.bfloat16, jnp.float32):
        with pytest.warns(UserWarning, match="rounded to fewer digits") as caught:
            bea.from_jax(lambda w: jnp.tanh(w.astype(number)).astype(float).sum(), np.ones(3)).value_and_grad()
        assert len(caught) == 1


def test_second_derivatives_where_branches_meet():
    others = jnp.array([0.5, 1.0, 2.0])
    for function, expected in [
        (lambda a: jax.scipy.special.xlogy(a, a + others), 2 / others),
        (lambda a: jax.scipy.special.xlog1py(a, a + others), 2 / (1 + others)),
        (lambda a: jnp.logaddexp2(a, 0.0), np.full(3, np.log(2) / 4)),
    ]:
        objective = bea.from_jax(lambda a: function(a).sum(), np.zeros(3))
        np.testing.assert_allclose(objective.hvp(np.ones(3)), expected, rtol=1e-14)


def test_complex_points_and_vectors_are_refused():
    objective = bea.from_jax(lambda w: (w["a"] ** 2).sum(), {"a": np.ones(3)})
    for call in (objective.value_and_grad, objective.hvp):
        with pytest.raises(bea.Error, match=r"\['a'\] has the dtype complex128: real numbers are wanted"):
            call({"a": np.ones(3) + 1j})


def test_loops_of_a_number_of_steps_that_is_known(tmp_path):
    loop = lambda w: lax.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, jnp.sin(s[1]) + s[0]), (0, w))[1].sum()
    bea.save(bea.from_jax(loop, a), tmp_path / "m.bea-graph")
    assert graph_reference.evaluate(tmp_path / "m.bea-graph") == pytest.approx(float(loop(a)), rel=1e-13)


def test_results_are_pytrees():
    params = {"layers": [(np.ones((2, 3)), np.zeros(3))], "out": np.ones(3), "nothing": None}
    loss = lambda w: (jnp.tanh(np.ones(2) @ w["layers"][0][0] + w["layers"][0][1]) @ w["out"] - 1) ** 2
    objective = bea.from_jax(loss, params)
    assert objective.names()[:2] == ["layers.0.0[0,0]", "layers.0.0[0,1]"] and objective.names()[-1] == "out[2]"
    value, gradient = objective.value_and_grad()
    assert value == pytest.approx(float(loss(params)))
    expected = jax.grad(loss)(params)
    assert jax.tree.structure(gradient) == jax.tree.structure(expected)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-10), gradient, expected)
    assert isinstance(bea.principal_flow(objective, lr=0.1).velocity["layers"][0], tuple)
    assert np.isfinite(bea.evaluate(objective, "gradient_descent", order=3, lr=0.1)["out"]).all()
    objective.x = jax.tree.map(lambda x: 2 * x, params)
    assert objective.value_and_grad()[0] == pytest.approx(float(loss(jax.tree.map(lambda x: 2 * x, params))))
    with pytest.raises(bea.Error, match="x has the structure"):
        objective.value_and_grad([1.0])


def test_the_precision_is_that_of_jax():
    loss = lambda w: jnp.sum(jnp.sin(w))
    jax.config.update("jax_enable_x64", False)
    assert bea.from_jax(loss, np.ones(3)).precision == np.finfo(np.float32).eps
    double = bea.from_jax(loss, np.full(3, 0.1), dtype="f64")
    assert double.precision == np.finfo(float).eps and double.value_and_grad()[0] == pytest.approx(3 * np.sin(0.1), rel=1e-15)
    jax.config.update("jax_enable_x64", True)
    assert bea.from_jax(loss, np.ones(3)).precision == np.finfo(float).eps


def test_lines_are_told(tmp_path):
    def loss(w):
        return jnp.tanh(w).sum()  # here

    bea.save(bea.from_jax(loss, np.ones(3)), tmp_path / "m.bea-graph")
    document, _ = graph_reference.read(tmp_path / "m.bea-graph")
    (at,) = [node["at"] for node in document["nodes"] if node["op"] == "tanh"]
    assert at.startswith("test_from_jax.py:") and at.endswith("in test_lines_are_told.<locals>.loss: return jnp.tanh(w).sum()  # here")


def test_derivatives_of_the_users_are_told():
    @jax.custom_jvp
    def straight(x):
        return jnp.sin(x)

    straight.defjvp(lambda primals, tangents: (straight(*primals), tangents[0]))
    with pytest.warns(UserWarning, match="operations of straight"):
        bea.from_jax(lambda w: straight(w).sum(), np.ones(3))


def test_complex_points_keep_their_imaginary_parts():
    objective = bea.from_jax(lambda w: (w["a"] ** 3).sum(), {"a": np.arange(1.0, 3.0)})
    with pytest.raises(bea.Error, match="real numbers are wanted"):
        objective.hvp({"a": np.array([1j, 1.0])})


def test_derivatives_of_jax_that_are_not_known_are_told():
    with pytest.warns(UserWarning, match="operations of log_ndtr, not"):
        bea.from_jax(lambda w: jax.scipy.special.log_ndtr(w).sum(), np.ones(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bea.from_jax(lambda w: jax.nn.softmax(w) @ jax.scipy.special.xlogy(w, w), np.ones(3))


def test_what_is_refused():
    make = lambda loss, params=np.ones(3), **words: bea.from_jax(loss, params, **words)
    gaps = jnp.array([0, jnp.nan, 0])
    for loss, message in [
        (lambda w: w.sum() if w[0] > 0 else w[0], "goes on in a way that depends on parameters"),
        (lambda w: w.sum() * float(w[0]), "goes on in a way that depends on parameters"),
        (lambda w: lax.cond(w[0] > 0, jnp.sin, jnp.cos, w[0]), r"(?s)lax.cond.*jnp.where.*\n  at test_from_jax.py"),
        (lambda w: lax.while_loop(lambda x: x < 9, lambda x: x * 2, w[0]), "number of steps depends on parameters"),
        (lambda w: jnp.linalg.inv(jnp.outer(w, w) + jnp.eye(3)).sum(), r"(?s)is not supported.*\n  at test_from_jax.py"),
        (lambda w: jnp.abs(jnp.fft.fft(w)).sum(), "complex|not supported"),
        (lambda w: w, r"not arrays of shapes \(3,\)"),
        (lambda w: (w.sum(), w), r"not arrays of shapes \(\), \(3,\)"),
        (lambda w: jnp.argmax(w), "a real number, not of dtype int"),
        (lambda w: jnp.ones(()), "does not depend on any parameter"),
        (lambda w: lax.stop_gradient(w).sum(), "does not depend on any parameter"),
        (lambda w: (w[jnp.array([0, 3])] ** 2).sum(), r"(?s)index is out of range.*\n  at test_from_jax.py"),
        (lambda w: jnp.nan_to_num(jnp.take(w, jnp.array([0, 3]))).sum(), "index is out of range"),
        (lambda w: ((5 * w).astype(int) & 3).sum() * w[0], "`and` of integers that depend on parameters"),
        (lambda w: (~(5 * w).astype(int)).sum() * w[0], "`not` of integers that depend on parameters"),
        (lambda w: ((5 * w).astype(jnp.int8) * 100).sum() * w[0], "in int8, which wraps around"),
        (lambda w: jax.grad(jnp.sinc)(w[0]), "a derivative of jnp.sinc"),
        (lambda w: w.sum() + np.random.normal(), "another one every time.*random numbers from elsewhere than JAX"),
        (lambda w: jnp.where(gaps == 0, w - gaps, 0).sum(), r"a constant of shape \(3,\) is NaN at \[1\]: replace NaN first"),
        (lambda w: w[w.argsort()].at[w.argmax()].set(0.0).sum(), "depend"),
    ]:
        with pytest.raises(bea.Error, match=message):
            make(loss)
    for params, message in [
        ({}, "there are no parameters"),
        ({"w": np.ones(2), "f": jnp.tanh}, "the parameter f is a .*, not an array"),
        ({"w": np.arange(3)}, "of dtype int64: keep it outside"),
        ({"w": np.ones(2) * 1j}, "of dtype complex128"),
        ({"w": np.array([1.0, np.nan])}, r"the parameter w\[1\] is nan"),
    ]:
        with pytest.raises(bea.Error, match=message):
            make(lambda w: w["w"].sum(), params)
    with pytest.raises(bea.Error, match='"f32" or "f64"'):
        make(lambda w: w.sum(), dtype="float64")


def test_jax_works_on_as_before():
    """What it compiles while it has 64 bits is no use afterwards."""
    jax.config.update("jax_enable_x64", False)
    inputs, classes = np.ones((30, 4)), np.arange(30) % 3
    params = np.linspace(0, 1, 12).reshape(4, 3)

    def square(p):
        return ((inputs @ p) ** 2).mean()

    def entropy(p):
        return -jax.nn.log_softmax(inputs @ p)[jnp.arange(30), classes].mean()

    for loss in (square, entropy):
        for before in (False, True):
            if before:
                jax.grad(loss)(params)
            wide = bea.from_jax(loss, params, dtype="f64").value_and_grad()[0]
            value, gradient = jax.value_and_grad(loss)(params)
            assert gradient.dtype == np.float32 and float(value) == pytest.approx(wide, rel=1e-6)
            assert bea.from_jax(loss, params).value_and_grad()[0] == pytest.approx(wide, rel=1e-6)


def test_callbacks_in_bfloat16():
    start = {"w": jnp.linspace(0, 1, 6, dtype=jnp.bfloat16)}
    loss = lambda w: (w["w"] ** 2).sum().astype(jnp.float32)

    def hvp(w, v):
        assert w["w"].dtype == v["w"].dtype == jnp.bfloat16
        return jax.jvp(jax.grad(loss), (w,), (v,))[1]

    on = bea.objective(jax.value_and_grad(loss), hvp=hvp, start=start)
    assert on.precision == 2.0**-7
    found = bea.spectrum(on, top=2)
    assert found.converged and found.eigenvalues == pytest.approx([2.0, 2.0], rel=1e-2)
    assert bea.lanczos(jnp.eye(3, dtype=jnp.bfloat16), k=1).eigenvalues[0] == pytest.approx(1)


def test_casts_to_fewer_digits_warn():
    w = np.array([0.3, -0.2, 0.7])
    for number in (jnp.bfloat16, jnp.float32):
        loss = lambda w, number=number: jnp.sin(w.astype(number) * 1.1).sum().astype(float)
        with pytest.warns(UserWarning, match="rounded to fewer digits in between.*test_from_jax") as caught:
            objective = bea.from_jax(loss, w)
        assert len(caught) == 1
        # It is no error where the loss is compared.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*which rounds to 16 bits")
            assert objective.value_and_grad()[0] == pytest.approx(float(loss(w)), rel=1e-2 if number == jnp.bfloat16 else 1e-6)


def test_parameters_of_64_bits_where_jax_has_32():
    jax.config.update("jax_enable_x64", False)
    w = np.array([0.3, -0.2])
    with pytest.warns(UserWarning, match=r'parameters of 64 bits are rounded to 32.*: x; dtype="f64" keeps them.*jax_enable_x64'):
        assert bea.from_jax(lambda w: (w**2).sum(), w).precision > 1e-8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bea.from_jax(lambda w: (w**2).sum(), w, dtype="f64").precision < 1e-15
        assert bea.from_jax(lambda w: (w**2).sum(), w.astype(np.float32)).precision > 1e-8


EMPTY = {
    "concatenate": lambda w: jnp.concatenate([w[:0], w]) ** 2,
    "sum": lambda w: w[:0].sum() + w**2,
    "product": lambda w: w[:0, None].T @ jnp.ones((0, 3)) + (w**2).sum(),
    "scan": lambda w: lax.associative_scan(jnp.multiply, w) ** 2,
    "short scan": lambda w: lax.associative_scan(jnp.add, w[:2], reverse=True) ** 2,
}


@pytest.mark.parametrize("name", EMPTY)
def test_arrays_without_entries_are_left_out(name):
    w = np.array([0.3, -0.2, 0.7, 1.1, 0.5])
    loss = lambda w: EMPTY[name](w).sum()
    same_derivatives(bea.from_jax(loss, w), derivatives(loss, w))


def test_what_has_no_entries_is_refused_with_its_line():
    w = np.array([0.3, -0.2])
    with pytest.raises(bea.Error, match=r"(?s)is NaN: replace NaN first.*\n  at test_from_jax"):
        bea.from_jax(lambda w: w[:0].mean() + w.sum(), w)
    with pytest.raises(bea.Error, match=r"(?s)depend on any parameter: a tensor of shape \(0,\) .* no entries\n  at test_from_jax"):
        bea.from_jax(lambda w: w[:0].sum(), w)
