#!/usr/bin/env python3
"""Times one evaluation of the modified field to h^4 of the banana function in the same run: by the Rust
and the Python that `bea codegen` writes (the Rust compiled with `rustc -C opt-level=3`), by SymPy's
`lambdify` and by JAX, jitted. Checks that all agree.

    cargo build --release
    pip install numpy sympy jax
    python3 benches/peers/evaluation.py [--bea target/release/bea] [--no-jax]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time
from fractions import Fraction

import numpy as np
import sympy

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--bea", default="target/release/bea")
parser.add_argument("--no-jax", action="store_true", help="leave JAX out")
arguments = parser.parse_args()

if not arguments.no_jax:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

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
    print(f"  {what:<44} {seconds * 1e9:>12.1f} ns {seconds / reference:>10.1f}")


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


order4()
