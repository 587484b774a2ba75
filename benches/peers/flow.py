#!/usr/bin/env python3
"""Times bea beside Python on the same work in the same run, and checks that the results agree:

* figure6: gradient descent on the banana function and its flows ngf, igr, pf and pf+np:2 at the three
  learning rates of the paper's Figure 6; Python with SymPy's derivatives, `lambdify` and SciPy's
  `solve_ivp`, and with JAX, jitted, and diffrax;
* order4: one evaluation of the modified field to h^4 of the banana function; bea's emitted Rust, compiled
  with `rustc -C opt-level=3`;
* quartic: the modified field to h^3 of a random quartic in 20 variables, derived, compiled and evaluated
  once.

    cargo build --release
    pip install numpy scipy sympy jax diffrax
    python3 benches/peers/flow.py [figure6] [order4] [quartic] [--bea target/release/bea]

bea is timed as a process, start-up and writing its files included; Python in process, after all imports.
"""

import argparse
import itertools
import json
import pathlib
import subprocess
import tempfile
import time
from fractions import Fraction

import numpy as np
import sympy
from scipy.integrate import solve_ivp

WORK = ["figure6", "order4", "quartic"]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("work", nargs="*", default=WORK, help=f"any of {', '.join(WORK)} [default: all]")
parser.add_argument("--bea", default="target/release/bea")
parser.add_argument("--no-jax", action="store_true", help="leave JAX out")
arguments = parser.parse_args()
assert set(arguments.work) <= set(WORK), f"the work is any of {WORK}"

if not arguments.no_jax:
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

LEARNING_RATES = [0.0006, 0.0017, 0.005]
FLOWS = ["ngf", "igr", "pf", "pf+np:2"]
START = [0.3, 0.4]
STEPS = 60
RTOL, ATOL = 1e-9, 1e-12
BANANA = "(1-x)^2 + 100*(y-x^2)^2"


def timed(work):
    """The result of `work()` and its seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def fastest(work, repeats):
    return min(timed(work)[1] for _ in range(repeats))


def bea(*command):
    return subprocess.run([arguments.bea, *map(str, command)], check=True, capture_output=True)


def show(what, seconds, reference):
    print(f"  {what:<44} {seconds:>12.6f} s {seconds / reference:>10.1f}")


# -- The derivation in SymPy ------------------------------------------------------------------------


def trees(order):
    """(tree, coefficient, power of h) of gradient descent's modified field, from `bea derive`."""
    text = bea("derive", "gradient_descent", "--order", order, "--format", "json").stdout
    for term in json.loads(text)["terms"]:
        yield term["tree"], Fraction(term["coefficient"]), term["h"]


def directional(expression, variables, direction):
    return sum(sympy.diff(expression, v) * d for v, d in zip(variables, direction))


def differential(tree, f, variables):
    """F([t1, ..., tm]) = f^(m)(F(t1), ..., F(tm)): the directions stay fixed while f is derived."""
    children = [differential(child, f, variables) for child in tree if isinstance(child, list)]
    names = [[sympy.Dummy() for _ in variables] for _ in children]
    values = list(f)
    for direction in names:
        values = [directional(value, variables, direction) for value in values]
    fixed = {n: c for name, child in zip(names, children) for n, c in zip(name, child)}
    return [value.subs(fixed) for value in values]


def modified_field(loss, variables, h, order):
    f = [-sympy.diff(loss, v) for v in variables]
    total = [sympy.Integer(0)] * len(variables)
    for tree, c, power in trees(order):
        value = differential(tree, f, variables)
        c = sympy.Rational(c.numerator, c.denominator)
        total = [t + c * h**power * v for t, v in zip(total, value)]
    return total


# -- Figure 6 ---------------------------------------------------------------------------------------


def alpha(z, log):
    """log(1 - z)/z. The cut of the logarithm lies along the negative imaginary axis: it is continued from
    +iπ, where a real z > 1 starts."""
    safe = log.where(z == 0, 1, z)
    rotated = log.log(-1j * (1 - safe)) + 0.5j * np.pi
    return log.where(z == 0, -1, rotated / safe)


def figure6_scipy():
    x, y, h = sympy.symbols("x y h")
    variables = [x, y]
    loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    g = [sympy.diff(loss, v) for v in variables]
    hessian = sympy.Matrix(2, 2, lambda i, j: sympy.diff(g[i], variables[j]))
    f = [-value for value in g]
    cherry = differential([[], []], f, variables)
    step = lambda expression: sympy.lambdify([x, y, h], expression, "numpy", cse=True)
    gradient, igr = step(g), step([a - h / 2 * b for a, b in zip(f, differential([[]], f, variables))])
    hessian, rest = step(hessian), step([h**2 / 12 * value for value in cherry])

    def principal(theta, h):
        a = np.array(hessian(*theta, h), dtype=complex)
        if not np.any(a.imag):
            eigenvalues, vectors = np.linalg.eigh(a.real)
        else:
            eigenvalues, vectors = np.linalg.eig(a)
        g = np.linalg.solve(vectors, np.array(gradient(*theta, h)))
        return vectors @ (alpha(h * eigenvalues.astype(complex), np) * g)

    fields = {
        "ngf": lambda theta, h: -np.array(gradient(*theta, h)),
        "igr": lambda theta, h: np.array(igr(*theta, h)),
        "pf": principal,
        "pf+np:2": lambda theta, h: principal(theta, h) + np.array(rest(*theta, h)),
    }
    ends = {}
    for lr in LEARNING_RATES:
        theta = np.array(START)
        for _ in range(STEPS):
            theta = theta - lr * np.array(gradient(*theta, lr))
        ends[lr, "gd"] = theta
        for name in FLOWS:
            solution = solve_ivp(
                lambda t, theta: fields[name](theta, lr),
                (0, STEPS * lr),
                np.array(START, dtype=complex),
                method="DOP853",
                t_eval=np.arange(STEPS + 1) * lr,
                rtol=RTOL,
                atol=ATOL,
            )
            ends[lr, name] = solution.y[:, -1]
    return ends


def figure6_jax():
    def loss(theta):
        x, y = theta
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    gradient = jax.grad(loss, holomorphic=True)
    hessian = jax.jacfwd(gradient, holomorphic=True)

    def principal(t, theta, h):
        eigenvalues, vectors = jnp.linalg.eig(hessian(theta))
        g = jnp.linalg.solve(vectors, gradient(theta))
        return vectors @ (alpha(h * eigenvalues, jnp) * g)

    def igr(t, theta, h):
        g, hg = jax.jvp(gradient, [theta], [gradient(theta)])
        return -g - h / 2 * hg

    def rest(theta, h):
        g = gradient(theta)
        along = lambda theta: jax.jvp(gradient, [theta], [g])[1]
        return -(h**2) / 12 * jax.jvp(along, [theta], [g])[1]

    fields = {
        "ngf": lambda t, theta, h: -gradient(theta),
        "igr": igr,
        "pf": principal,
        "pf+np:2": lambda t, theta, h: principal(t, theta, h) + rest(theta, h),
    }

    def simulate(name):
        def solution(start, lr):
            return diffrax.diffeqsolve(
                diffrax.ODETerm(fields[name]),
                diffrax.Dopri8(),
                t0=0.0,
                t1=STEPS * lr,
                dt0=None,
                y0=start,
                args=lr,
                saveat=diffrax.SaveAt(ts=jnp.arange(STEPS + 1) * lr),
                stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL),
                max_steps=100_000,
            ).ys[-1]

        return jax.jit(solution)

    @jax.jit
    def descent(start, lr):
        return jax.lax.fori_loop(0, STEPS, lambda i, theta: theta - lr * gradient(theta), start)

    simulations = {"gd": descent} | {name: simulate(name) for name in FLOWS}

    def run():
        start = jnp.array(START, dtype=complex)
        return {
            (lr, name): np.asarray(simulations[name](start, lr))
            for lr, name in itertools.product(LEARNING_RATES, simulations)
        }

    return run


def figure6_bea(folder):
    for lr in LEARNING_RATES:
        bea(
            "flow", "--loss", BANANA, "--start", ",".join(map(str, START)), "--lr", lr,
            "--steps", STEPS, "--flows", ",".join(["gd", *FLOWS]), "--rtol", RTOL, "--atol", ATOL,
            "--out", folder / str(lr), "--force",
        )  # fmt: skip


def figure6():
    print(f"Figure 6: {STEPS} steps from {START}, {len(FLOWS)} flows, learning rates {LEARNING_RATES}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = fastest(lambda: figure6_bea(folder), 5)
        flows = {lr: json.load(open(folder / str(lr) / "trajectories.json"))["flows"] for lr in LEARNING_RATES}
    show("bea, three processes", ours, ours)
    ends, seconds = timed(figure6_scipy)
    show("SymPy + SciPy", seconds, ours)
    if not arguments.no_jax:
        run = figure6_jax()
        other, seconds = timed(run)
        show("JAX + diffrax, first run (compiling)", seconds, ours)
        show("JAX + diffrax, compiled", fastest(run, 3), ours)
    for (lr, name), end in ends.items():
        flow = flows[lr][name]
        if flow["note"]:
            print(f"  h = {lr}, {name}: bea stopped: {flow['note']}")
            continue
        found = np.array(flow["re"][-1]) + 1j * np.array(flow["im"][-1])
        difference = np.linalg.norm(found - end) / np.linalg.norm(end)
        print(f"  h = {lr}, {name}: bea and SciPy differ by {difference:.0e}")
        assert difference < 1e-4, f"{found} is not {end}"


# -- One evaluation of order:4 ----------------------------------------------------------------------

LOOP = """
mod field;

fn main() {
    let mut theta = [-0.5, 0.75];
    let count: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let start = std::time::Instant::now();
    for _ in 0..count {
        let v = field::field(&theta, 1e-4);
        theta = [theta[0] + 1e-12 * v[0], theta[1] + 1e-12 * v[1]];
    }
    let seconds = start.elapsed().as_secs_f64();
    let _ = (field::loss(&theta), field::gradient(&theta));
    println!("{} {} {}", seconds / f64::from(count), theta[0], theta[1]);
}
"""


def order4():
    print("order:4 of the banana function, one evaluation (x, y, h real)")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        source = folder / "field.rs"
        bea("codegen", "--loss", BANANA, "--flow", "order:4", "--lang", "rust", "--out", source)
        (folder / "main.rs").write_text(LOOP)
        rustc = ["rustc", "--edition=2021", "-C", "opt-level=3", "-o", folder / "main", folder / "main.rs"]
        subprocess.run(rustc, check=True)
        run = lambda: subprocess.run([folder / "main", "10000000"], check=True, capture_output=True).stdout
        ours = min(float(run().split()[0]) for _ in range(5))
        bea("codegen", "--loss", BANANA, "--flow", "order:4", "--lang", "python", "--out", folder / "ours.py")
        emitted = {}
        exec((folder / "ours.py").read_text(), emitted)
    x, y, h = sympy.symbols("x y h")
    loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    expressions, seconds = timed(lambda: modified_field(loss, [x, y], h, 4))
    theirs = sympy.lambdify([x, y, h], expressions, "numpy", cse=True)
    point = np.array([-0.5, 0.75])
    assert np.allclose(theirs(*point, 1e-4), emitted["field"](point, 1e-4), rtol=1e-10)
    each = lambda work, count: fastest(lambda: [work() for _ in range(count)], 5) / count
    show("bea's Rust", ours, ours)
    show("bea's Python", each(lambda: emitted["field"](point, 1e-4), 1000), ours)
    show("SymPy lambdify (derived in " + f"{seconds:.1f} s)", each(lambda: theirs(*point, 1e-4), 1000), ours)
    if not arguments.no_jax:
        field = jax.jit(jax_modified_field(lambda t: (1 - t[0]) ** 2 + 100 * (t[1] - t[0] ** 2) ** 2, 4))
        point = jnp.array(point)
        assert np.allclose(field(point, 1e-4), theirs(*point, 1e-4), rtol=1e-10)
        show("JAX, jitted", each(lambda: field(point, 1e-4).block_until_ready(), 1000), ours)


def jax_modified_field(loss, order):
    """Σ h^k c(τ) F(τ), each elementary differential by nested forward mode."""
    terms = list(trees(order))
    f = lambda theta: -jax.grad(loss)(theta)

    def value(tree, theta):
        along = [value(child, theta) for child in tree if isinstance(child, list)]
        function = f
        for direction in along:
            function = derivative(function, direction)
        return function(theta)

    def derivative(function, direction):
        return lambda theta: jax.jvp(function, [theta], [direction])[1]

    def field(theta, h):
        return sum(float(c) * h**power * value(tree, theta) for tree, c, power in terms)

    return field


# -- A quartic in 20 variables ----------------------------------------------------------------------


def quartic():
    d = 20
    random = np.random.default_rng(7)
    monomials = [tuple(sorted(random.integers(0, d, 4))) for _ in range(200)]
    coefficients = random.integers(-9, 10, len(monomials))
    text = " + ".join(
        f"({c})*" + "*".join(f"x{i}" for i in m) for c, m in zip(coefficients, monomials)
    ) + "".join(f" + x{i}^2" for i in range(d))
    print(f"order:3 of a quartic in {d} variables with {len(monomials)} random terms, derived, compiled and "
          "evaluated once")  # fmt: skip
    point = random.uniform(-1, 1, d)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        start = ",".join(f"x{i}={p!r}" for i, p in enumerate(point.tolist()))
        # One step of one flow: the first evaluation and some tens more.
        ours = fastest(
            lambda: bea("flow", "--loss", text, "--start", start, "--lr", 1e-5, "--steps", 1, "--flows",
                        "order:3", "--out", folder / "run", "--force"), 3)  # fmt: skip
        names = [f"x{i}" for i in range(d)]
        bea("codegen", "--loss", text, "--flow", "order:3", "--lang", "python", "--out", folder / "ours.py")
        emitted = {}
        exec((folder / "ours.py").read_text(), emitted)
        order = [names.index(name) for name in emitted["COORDINATES"]]
        expected = np.empty(d)
        expected[order] = emitted["field"](point[order], 1e-3)
    show("bea flow, one step, as a process", ours, ours)
    if not arguments.no_jax:
        a, b = jnp.array(monomials), jnp.array(coefficients, dtype=float)
        loss = lambda theta: jnp.sum(b * jnp.prod(theta[a], axis=1)) + jnp.sum(theta**2)
        found, seconds = timed(
            lambda: jax.jit(jax_modified_field(loss, 3))(jnp.array(point), 1e-3).block_until_ready()
        )
        assert np.allclose(found, expected, rtol=1e-9)
        show("JAX, jitted, first evaluation", seconds, ours)
    variables = sympy.symbols(" ".join(names))
    h = sympy.Symbol("h")

    def with_sympy():
        loss = sympy.sympify(text.replace("^", "**"))
        expressions = modified_field(loss, variables, h, 3)
        field = sympy.lambdify([*variables, h], expressions, "numpy", cse=True)
        return np.array(field(*point, 1e-3))

    found, seconds = timed(with_sympy)
    assert np.allclose(found, expected, rtol=1e-9)
    show("SymPy lambdify, first evaluation", seconds, ours)


for work in arguments.work:
    globals()[work]()
