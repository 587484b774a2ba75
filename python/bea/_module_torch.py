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

    def at(self, state: dict[str, torch.Tensor], inputs: Any, targets: Any) -> torch.Tensor:
        """The loss with other parameters and buffers, by the names that `named_parameters` and `named_buffers` have for them."""
        return torch.func.functional_call(self, self._placed(state), (inputs, targets), tie_weights=False)

    def _placed(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The same for every attribute that holds one, once: PyTorch would not put back what a module holds that is in two places."""
        names: dict[int, str] = {}
        places: set[tuple[int, str]] = set()
        placed = {}
        for named in (self.named_parameters, self.named_buffers):
            for name, tensor in named(remove_duplicate=False):
                path, _, attribute = name.rpartition(".")
                place = (id(self.get_submodule(path)), attribute)
                first = names.setdefault(id(tensor), name)
                if first in state and place not in places:
                    places.add(place)
                    placed[name] = state[first]
        return placed

    def forward(self, inputs: Any, targets: Any) -> torch.Tensor:
        if isinstance(inputs, dict):
            outputs = self.model(**inputs)
        else:
            outputs = self.model(*inputs) if isinstance(inputs, (tuple, list)) else self.model(inputs)
        return self.loss_fn(outputs, targets)
