#!/usr/bin/env python3
"""Records operator graphs of PyTorch models with their derivatives, for tests without PyTorch, in `python/tests/graphs`.

Each `NAME.bea-graph` has beside it `NAME.npz`: the loss, its gradient, and `∇²E v` and `∇³E[v, v]` for
`v[k] = cos(k)/√n`, all by PyTorch's autograd with norms written out. It needs PyTorch and the package.
"""

import pathlib
import shutil
import warnings

import numpy as np
from torch_derivatives import derivatives
from torch_models import MODELS

import bea

FOLDER = pathlib.Path(__file__).parent / "graphs"
NAMES = """mlp mobilenet_v2 vit gpt lstm gru_classifier mlp_mixer unet dilated averaged_embeddings pinn neural_ode
deep_linear simclr""".split()


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for name in NAMES:
        example = MODELS[name]()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bea.save(bea.from_torch(*example), FOLDER / f"{name}.bea-graph")
        np.savez_compressed(FOLDER / f"{name}.npz", **derivatives(*example))
    size = sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file())
    print(f"{len(NAMES)} graphs, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
