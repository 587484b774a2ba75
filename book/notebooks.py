#!/usr/bin/env python3
"""Runs the notebooks of the site and compares what they print with what they show.

    notebooks.py [--write] NOTEBOOK...

`--write` renews them instead. Pictures are drawn, and not compared. It needs nbclient, ipykernel, matplotlib, SymPy, and the package.
"""

import pathlib
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
            for (cell, old), (_, new) in zip(shown, printed) if old != new]


def main(arguments):
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
