"""Backward error analysis of optimizers: the exact flow an optimizer follows, to any order.

>>> import bea
>>> field = bea.optimizer("gradient_descent").derive(order=2)
>>> field.coefficient("[[]]")
Fraction(-1, 2)
>>> print(field)
gradient_descent: modified field to order 2
<BLANKLINE>
θ̇ = f
  - h/2 f'f
  + h² ( 1/3 f'f'f
         + 1/12 f''(f,f) )
  + O(h³)
<BLANKLINE>
every principal coefficient equals (-1)ⁿ/(n+1), verified for n = 0…2; together
they are log(1+hJ)/(hJ) f

What is wrong is said as the command `bea` says it:

>>> bea.optimizer("heavy_bal")  # doctest: +ELLIPSIS
Traceback (most recent call last):
    ...
bea.Error:   × there is no optimizer `heavy_bal`
...
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from bea._bea import Error, __version__
from bea._check import Claim, Claims, check
from bea._derive import Field, Optimizer, Term, optimizer, optimizers

if TYPE_CHECKING:
    from bea import torch
    from bea._curvature import (
        DalStep,
        Density,
        Eigenpairs,
        PrincipalFlow,
        Spectrum,
        dal,
        density,
        evaluate,
        lanczos,
        principal_flow,
        spectrum,
        stability_coefficients,
    )
    from bea._experiments import Reproduction, Run, Sweep, reproduce, run, sweep
    from bea._flow import Code, Curve, Flow, codegen, flow
    from bea._imported import GraphObjective, from_jax, from_torch, save
    from bea._objective import Hessian, Objective, network, objective

__all__ = [
    "Claim",
    "Claims",
    "Code",
    "Curve",
    "DalStep",
    "Density",
    "Eigenpairs",
    "Error",
    "Field",
    "Flow",
    "GraphObjective",
    "Hessian",
    "Objective",
    "Optimizer",
    "PrincipalFlow",
    "Reproduction",
    "Run",
    "Spectrum",
    "Sweep",
    "Term",
    "__version__",
    "check",
    "codegen",
    "dal",
    "density",
    "evaluate",
    "flow",
    "from_jax",
    "from_torch",
    "lanczos",
    "network",
    "objective",
    "optimizer",
    "optimizers",
    "principal_flow",
    "reproduce",
    "run",
    "save",
    "spectrum",
    "stability_coefficients",
    "sweep",
]
if importlib.util.find_spec("torch") is not None:
    __all__ += ["torch"]


#: The modules whose names are imported when they are used: NumPy takes as long to import as everything else.
_LATER = ("_experiments", "_flow", "_objective", "_imported", "_curvature")


def __getattr__(name: str) -> Any:
    if name == "torch":
        try:
            return importlib.import_module("bea.torch")
        except ImportError as error:
            # Those who ask whether there is one are told that there is none.
            raise AttributeError(str(error)) from error
    for module in _LATER if name in __all__ else ():
        found = vars(importlib.import_module(f"bea.{module}"))
        if name in found:
            return globals().setdefault(name, found[name])
    raise AttributeError(f"module 'bea' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
