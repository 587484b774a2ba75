#!/usr/bin/env python3
"""Runs the notebooks of the site and compares what they print with what they show.

    notebooks.py [--write] NOTEBOOK...
    notebooks.py --test

`--write` renews them instead. Pictures are drawn, and not compared; of numbers that were rounded, the last digits may differ,
and the count of products that an eigenvalue takes by two, since another processor rounds otherwise. It needs nbclient,
ipykernel, matplotlib, SymPy, and the package. `--test` checks the comparison.
"""

import math
import pathlib
import re
import sys
import tempfile

import nbformat
from nbclient import NotebookClient


def said(notebook):
    """What the cells print and return, as text. Messages on the way, such as that a cache of fonts is built, do not count."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain") or ""
            if "image/png" not in output.get("data", {}) and output.get("name") != "stderr":
                yield number, text


# A count of products, a whole number, or one that was rounded when it was printed.
NUMBER = re.compile(r"(\d+)(?= products)|-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+e[-+]?\d+")


def same(shown, printed):
    """Whether two texts are the same but for rounding: numbers with a point or an exponent agree to a thousandth or are both
    below 1e-6, as residuals are, and counts of products are at most two apart."""
    words = [" ".join(NUMBER.sub("#", text).split()) for text in (shown, printed)]
    if words[0] != words[1]:
        return False

    def agree(old, new):
        if old[1]:
            return abs(int(old[1]) - int(new[1])) <= 2
        return math.isclose(float(old[0]), float(new[0]), rel_tol=1e-3, abs_tol=1e-6)

    return all(map(agree, NUMBER.finditer(shown), NUMBER.finditer(printed)))


def run(path, write):
    notebook = nbformat.read(path, as_version=4)
    shown = list(said(notebook))
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        # When a cell has run.
        cell.metadata.pop("execution", None)
    if write:
        nbformat.write(notebook, path)
        return []
    printed = list(said(notebook))
    if len(shown) != len(printed):
        return [f"{path}: {len(printed)} outputs in the place of {len(shown)}"]
    return [f"{path}, cell {cell}: shown\n{old}\nprinted\n{new}"
            for (cell, old), (_, new) in zip(shown, printed) if not same(old, new)]


def test():
    """What counts as the same, and what does not."""
    shown = "4 eigenvalues, 63 products\n 1.3e-17   5.98653 -5.36319+14.3631i\n -1/5040 f"
    change = shown.replace
    for other in (change("63", "62"), change("1.3e-17", "3.11e-16"), change("14.3631", "14.3632"), change("  5.9", " 5.9")):
        assert same(shown, other), other
    for other in (change("63", "60"), change("1.3e-17", "1.3e-3"), change("14.3631", "14.46"), change("5.98653", "-5.98653"),
                  change("5040", "5041"), change("4 eigen", "5 eigen"), change(" f", " g"), shown + " 2.0"):
        assert not same(shown, other), other
    return 0


def main(arguments):
    if arguments == ["--test"]:
        return test()
    write = "--write" in arguments
    paths = [pathlib.Path(argument) for argument in arguments if argument != "--write"]
    faults = []
    for path in paths:
        faults += run(path, write)
        print(path)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
