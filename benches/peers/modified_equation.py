#!/usr/bin/env python3
"""Times kauri (PyPI) and bea on the same work in the same run: the modified equation of a
Runge-Kutta method on all trees with up to n nodes. Prints one line an order with the ratio, and
checks that the coefficients agree (kauri computes in floating point).

    cargo build --release
    pip install kauri==2.3.0
    python3 benches/peers/modified_equation.py [--max-nodes 7] [--bea target/release/bea]

bea is timed as a process, start-up and writing the file included; kauri in process, after import,
one map an order, so that nothing is cached from the order before.
"""

import argparse
import json
import subprocess
import tempfile
import time
from fractions import Fraction

import kauri

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--max-nodes", type=int, default=7)
parser.add_argument("--bea", default="target/release/bea")
arguments = parser.parse_args()


def shape(nested):
    """A tree as nested lists, children in canonical order."""
    return sorted((shape(child) for child in nested), reverse=True)


def kauri_shape(tree):
    return shape(to_lists(tree.list_repr))


def to_lists(rep):
    """kauri's representation is nested tuples ending in the colour of the root."""
    return [to_lists(child) for child in rep if not isinstance(child, int)]


def time_kauri(nodes):
    weights = kauri.midpoint.modified_equation_map()
    start = time.perf_counter()
    values = {}
    for n in range(1, nodes + 1):
        for tree in kauri.trees_of_order(n):
            values[str(kauri_shape(tree))] = weights(tree)
    return time.perf_counter() - start, values


def time_bea(nodes):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [arguments.bea, "derive", "midpoint", "--order", str(nodes - 1), "--out", out.name]
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            best = min(best, time.perf_counter() - start)
        terms = json.load(open(out.name))["terms"]
    return best, {str(shape(t["tree"])): Fraction(t["b"]) for t in terms}


print(f"{'nodes':>5} {'trees':>6} {'kauri [s]':>10} {'bea [s]':>10} {'ratio':>8}  largest difference")
for nodes in range(1, arguments.max_nodes + 1):
    theirs, expected = time_kauri(nodes)
    ours, found = time_bea(nodes)
    # bea leaves out coefficients that are zero.
    error = max(abs(value - float(found.get(tree, 0))) for tree, value in expected.items())
    print(
        f"{nodes:>5} {len(expected):>6} {theirs:>10.4f} {ours:>10.4f} {theirs / ours:>8.1f}  {error:.1e}"
    )
    assert error < 1e-9, "the coefficients differ"
    assert set(found) <= set(expected), "a tree that kauri does not list"
