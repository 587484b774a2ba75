#!/usr/bin/env python3
"""Times kauri (PyPI), pybs (GitHub) and bea on the same work in the same run: the modified equation of the explicit
midpoint rule on all trees with up to n nodes. Prints one line an order with the ratios, and checks that the
coefficients agree: kauri computes in floating point, pybs and bea exactly.

    cargo build --release
    pip install kauri==2.3.0 numpy scipy
    git clone https://github.com/henriksu/pybs && git -C pybs checkout 832f037
    python3 benches/peers/modified_equation.py --max-nodes 8 --pybs pybs

bea is timed as a process, start-up and writing the file included. The others are timed in process, after their import:
a process an order, since both keep what they have computed for smaller trees in caches of the module. Without
`--pybs`, pybs is left out.
"""

import argparse
import collections
import collections.abc
import json
import subprocess
import sys
import tempfile
import time
from fractions import Fraction

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--max-nodes", type=int, default=7)
parser.add_argument("--bea", default="target/release/bea")
parser.add_argument("--pybs", metavar="FOLDER", help="a clone of pybs")
parser.add_argument("--one", nargs=2, metavar=("PEER", "NODES"), help=argparse.SUPPRESS)
arguments = parser.parse_args()


def shape(nested):
    """A tree as nested lists, children in canonical order."""
    return sorted((shape(child) for child in nested), reverse=True)


def kauri_weights(nodes):
    import kauri

    def to_lists(rep):
        """kauri's representation is nested tuples that end in the colour of the root."""
        return [to_lists(child) for child in rep if not isinstance(child, int)]

    start = time.perf_counter()
    weights = kauri.midpoint.modified_equation_map()
    values = [
        (tree.list_repr, weights(tree))
        for n in range(1, nodes + 1)
        for tree in kauri.trees_of_order(n)
    ]
    seconds = time.perf_counter() - start
    return seconds, {str(shape(to_lists(rep))): str(Fraction(value)) for rep, value in values}


def pybs_weights(nodes):
    # Python 3.10 moved the classes that pybs imports from `collections`.
    for name in ("Hashable", "Mapping"):
        setattr(collections, name, getattr(collections.abc, name))
    sys.path.insert(0, arguments.pybs)
    from pybs.rungekutta.methods import RKmidpoint
    from pybs.series import modified_equation
    from pybs.unordered_tree import trees_of_order

    def to_lists(tree):
        return [to_lists(child) for child, count in tree.items() for _ in range(count)]

    start = time.perf_counter()
    weights = modified_equation(RKmidpoint.phi())
    values = [(tree, weights(tree)) for n in range(1, nodes + 1) for tree in trees_of_order(n)]
    seconds = time.perf_counter() - start
    return seconds, {str(shape(to_lists(tree))): str(Fraction(value)) for tree, value in values}


def bea_weights(nodes):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [arguments.bea, "derive", "midpoint", "--order", str(nodes - 1), "--out", out.name]
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            best = min(best, time.perf_counter() - start)
        terms = json.load(open(out.name))["terms"]
    return best, {str(shape(t["tree"])): t["b"] for t in terms}


def in_a_process(peer, nodes):
    command = [sys.executable, "-W", "ignore", __file__, "--one", peer, str(nodes)]
    if arguments.pybs:
        command += ["--pybs", arguments.pybs]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


PEERS = {"kauri": kauri_weights, "pybs": pybs_weights}
if arguments.one:
    print(json.dumps(PEERS[arguments.one[0]](int(arguments.one[1]))))
    sys.exit()

peers = ["kauri"] + (["pybs"] if arguments.pybs else [])
head = "".join(f"{peer + ' [s]':>12} {'ratio':>8} {'differs by':>11}" for peer in peers)
print(f"{'nodes':>5} {'trees':>6} {'bea [s]':>9}{head}")
for nodes in range(1, arguments.max_nodes + 1):
    ours, found = bea_weights(nodes)
    line = ""
    for peer in peers:
        theirs, expected = in_a_process(peer, nodes)
        # bea leaves out coefficients that are zero.
        differences = [
            abs(Fraction(value) - Fraction(found.get(tree, "0"))) for tree, value in expected.items()
        ]
        error = float(max(differences))
        line += f"{theirs:>12.4f} {theirs / ours:>8.1f} {error:>11.1e}"
        assert error < 1e-9 if peer == "kauri" else error == 0, f"{peer}: the coefficients differ"
        assert set(found) <= set(expected), f"a tree that {peer} does not list"
    print(f"{nodes:>5} {len(expected):>6} {ours:>9.4f}{line}")
