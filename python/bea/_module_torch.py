"""Modules of PyTorch with their losses."""

from __future__ import annotations

from typing import Any, Callable

import torch


class Whole(torch.nn.Module):
    """A module with its loss, which may look at the parameters, too."""

    def __init__(self, model: torch.nn.Module, loss_fn: Callable):
        super().__init__()
        self.model = model
        # A loss that is a module is not to be taken for a part of the model.
        self.loss_fn = lambda outputs, targets: loss_fn(outputs, targets)

    def forward(self, inputs: Any, targets: Any) -> torch.Tensor:
        if isinstance(inputs, dict):
            outputs = self.model(**inputs)
        else:
            outputs = self.model(*inputs) if isinstance(inputs, (tuple, list)) else self.model(inputs)
        return self.loss_fn(outputs, targets)
