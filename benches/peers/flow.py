#!/usr/bin/env python3
"""Times the simulations of the paper's Figure 6 in the same run: gradient descent on the banana function
and its flows, 30 steps from (-1.2, 1) at each learning rate, by `bea flow`, by Python with SymPy's
derivatives, `lambdify` and SciPy's DOP853, and, at the one learning rate where all flows stay real, by JAX
(jitted) and diffrax. All integrate at the same tolerances, 1e-10 relative and 1e-12 absolute, and the
script checks that they agree.

    cargo build --release
    pip install numpy scipy sympy jax diffrax
    python3 benches/peers/flow.py [--bea target/release/bea] [--no-jax]

`bea` is timed as a process, start-up and files included; Python in process after all imports, with its
derivation. At h = 0.005 the principal flow alone runs away to infinity and is left out on all sides.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import sympy
from scipy.integrate import DOP853

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--bea", default="target/release/bea")
parser.add_argument("--no-jax", action="store_true", help="leave JAX out")
arguments = parser.parse_args()

if not arguments.no_jax:
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

ALL = ["ngf", "igr", "pf", "pf+np:2"]
RUNS = {0.0006: ALL, 0.0017: ALL, 0.005: ["ngf", "igr", "pf+np:2"]}
START, STEPS = [-1.2, 1.0], 30
RTOL, ATOL = 1e-10, 1e-12
np.seterr(all="ignore")
# SciPy gives up on a flow after so many seconds.
CAP = 120


def fastest(work, repeats):
    """The result of `work()` and its seconds, the best of some runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return result, best


def ours(lr):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        command = [arguments.bea, "flow", "--loss", "rosenbrock", "--start=-1.2,1", "--lr", str(lr)]
        command += ["--steps", str(STEPS), "--flows", ",".join(RUNS[lr]), "--out", out]
        command += ["--rtol", str(RTOL), "--atol", str(ATOL)]
        subprocess.run(command, check=True, capture_output=True)
        flows = json.loads((out / "trajectories.json").read_text())["flows"]
    assert all(flow["note"] is None for flow in flows.values()), "a flow has ended early"
    return {name: np.array(f["re"]) + 1j * np.array(f["im"]) for name, f in flows.items()}


# -- SymPy and SciPy --------------------------------------------------------------------------------


class Logarithm:
    """log(1 - z) of two eigenvalues z, continued along a trajectory from the last accepted point; NaN, so
    that SciPy takes a smaller step, where the argument has turned by more than a quarter, as bea does."""

    def __init__(self):
        self.last = None

    def __call__(self, z):
        logs = np.log(1 - z.astype(complex))
        if self.last is None:
            return logs
        before, known = self.last
        if abs(z - before[::-1]).sum() < abs(z - before).sum():
            known = known[::-1]
        logs = logs + 2j * np.pi * np.round((known.imag - logs.imag) / (2 * np.pi))
        return logs if abs(logs.imag - known.imag).max() <= np.pi / 2 else logs * np.nan

    def accept(self, z):
        self.last = z, self(z)


def derive():
    sympy.core.cache.clear_cache()
    x, y, h = sympy.symbols("x y h")
    theta = sympy.Matrix([x, y])
    loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    g = sympy.Matrix([loss]).jacobian(theta).T
    hessian = g.jacobian(theta)
    names = sympy.Matrix(sympy.symbols("u v"))
    second = (hessian * names).jacobian(theta) * names
    rest = second.subs(dict(zip(names, g)), simultaneous=True)
    compiled = lambda e: sympy.lambdify([x, y, h], e, "numpy", cse=True)
    return (
        compiled([*g]),
        compiled([*(-g - h / 2 * hessian * g)]),
        compiled(hessian.tolist()),
        compiled([*(-(h**2) / 12 * rest)]),
    )


def theirs(lr):
    gradient, igr, hessian, rest = derive()
    points = [np.array(START, dtype=complex)]
    for _ in range(STEPS):
        points.append(points[-1] - lr * np.array(gradient(*points[-1], lr)))
    found = {"gd": np.array(points)}
    for name in RUNS[lr]:
        log = Logarithm()

        def eigen(theta):
            a = lr * np.array(hessian(*theta, lr))
            if not np.isfinite(a).all():
                return np.full(2, np.nan), np.eye(2)
            return np.linalg.eig(a) if a.imag.any() else np.linalg.eigh(a.real)

        def principal(theta):
            z, vectors = eigen(theta)
            along = np.linalg.solve(vectors, np.array(gradient(*theta, lr)))
            return vectors @ (log(z) / z * along)

        field = {
            "ngf": lambda t, theta: -np.array(gradient(*theta, lr)),
            "igr": lambda t, theta: np.array(igr(*theta, lr)),
            "pf": lambda t, theta: principal(theta),
            "pf+np:2": lambda t, theta: principal(theta) + np.array(rest(*theta, lr)),
        }[name]
        is_real = name in ["ngf", "igr"]
        start = np.array(START, dtype=float if is_real else complex)
        if not is_real:
            log.accept(eigen(start)[0])
        solver = DOP853(field, 0, start, STEPS * lr, rtol=RTOL, atol=ATOL)
        points, begun = [start], time.perf_counter()
        while solver.status == "running":
            solver.step()
            if not is_real:
                log.accept(eigen(solver.y)[0])
            dense = solver.dense_output()
            while len(points) <= STEPS and len(points) * lr <= solver.t * (1 + 1e-12):
                points.append(dense(min(len(points) * lr, solver.t)))
            if time.perf_counter() - begun > CAP:
                raise SystemExit(f"SciPy took more than {CAP} s for {name} at h = {lr}")
        found[name] = np.array(points)
    return found


# -- JAX and diffrax --------------------------------------------------------------------------------


def jax_flows(lr):
    """Compiled functions of the start, one a flow, for real trajectories."""

    def loss(theta):
        x, y = theta
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    gradient = jax.grad(loss)
    hessian = jax.jacfwd(gradient)

    def principal(theta):
        z, vectors = jnp.linalg.eigh(lr * hessian(theta))
        return vectors @ (jnp.log(1 - z) / z * (vectors.T @ gradient(theta)))

    def rest(theta):
        g = gradient(theta)
        along = lambda theta: jax.jvp(gradient, [theta], [g])[1]
        return -(lr**2) / 12 * jax.jvp(along, [theta], [g])[1]

    def igr(theta):
        g, hg = jax.jvp(gradient, [theta], [gradient(theta)])
        return -g - lr / 2 * hg

    fields = {
        "ngf": lambda theta: -gradient(theta),
        "igr": igr,
        "pf": principal,
        "pf+np:2": lambda theta: principal(theta) + rest(theta),
    }

    def solve(name):
        def solution(start):
            return diffrax.diffeqsolve(
                diffrax.ODETerm(lambda t, theta, _: fields[name](theta)),
                diffrax.Dopri8(),
                t0=0,
                t1=STEPS * lr,
                dt0=None,
                y0=start,
                saveat=diffrax.SaveAt(ts=jnp.arange(STEPS + 1) * lr),
                stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL),
                max_steps=100_000,
            ).ys

        return jax.jit(solution)

    return {name: solve(name) for name in RUNS[lr]}


def compare(one, other):
    """The largest distance, relative to the size of a point where that is above 1."""
    return max(
        (np.linalg.norm(one[name] - other[name], axis=1) / np.linalg.norm(one[name], axis=1).clip(1)).max()
        for name in other
    )


def row(what, seconds, reference, difference):
    far = "" if difference is None else f"{difference:12.1e}"
    print(f"  {what:<32} {seconds:>10.4f} s {seconds / reference:>9.1f}{far}")


total = [0, 0]
for lr in RUNS:
    mine, own = fastest(lambda: ours(lr), 5)
    python, scipy = fastest(lambda: theirs(lr), 2)
    total = [total[0] + own, total[1] + scipy]
    print(f"h = {lr}: gd, {', '.join(RUNS[lr])}")
    row("bea", own, own, None)
    row("SymPy and SciPy", scipy, own, compare(mine, python))
    assert compare(mine, python) < 1e-4
    if lr == 0.0006 and not arguments.no_jax:
        start = jnp.array(START)
        begun = time.perf_counter()
        flows = jax_flows(lr)
        run = lambda: {name: np.array(flow(start)) for name, flow in flows.items()}
        result = run()
        row("JAX and diffrax, first run", time.perf_counter() - begun, own, compare(mine, result))
        row("JAX and diffrax, compiled", fastest(run, 5)[1], own, None)
print("the whole figure")
row("bea", total[0], total[0], None)
row("SymPy and SciPy", total[1], total[0], None)
