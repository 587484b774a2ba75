"""Operator graphs that `record_graphs.py` has recorded, without PyTorch."""

import graph_reference
import numpy as np
import pytest
from conftest import ROOT
from graph_derivatives import same_derivatives

import bea

FOLDER = ROOT / "python/tests/graphs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.npz"))


def test_there_are_some():
    assert len(NAMES) == 14


@pytest.mark.parametrize("name", NAMES)
def test_recorded_derivatives(name):
    """Against the reference, and to the third order against PyTorch's."""
    expected, path = np.load(FOLDER / f"{name}.npz"), FOLDER / f"{name}.bea-graph"
    assert graph_reference.evaluate(path) == pytest.approx(float(expected["loss"]), rel=1e-12)
    same_derivatives(bea.network(str(path)), expected)
