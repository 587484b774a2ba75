"""Parameters in the caller's structure, and as one flat vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from bea._bea import Error


#: The kinds of dtypes that a number of this type may come in.
KINDS = {float: "fiub", complex: "fiubc"}


def leaf(value: Any) -> np.ndarray:
    """A number, an array or a tensor as an array; numbers that NumPy does not have, bfloat16 say, in 32 bits."""
    # A tensor of PyTorch, wherever it lies.
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.is_floating_point() and str(value.dtype) not in _TENSORS:
            value = value.float()
    array = np.asarray(value)
    return array.astype(np.float32) if _is_foreign(array.dtype) else array


def listed(value: Any) -> Any:
    """A structure with lists in the place of arrays, as JSON has it; a complex number is `[re, im]`.

    >>> listed({"w": np.array([1.0, 2.0]), "b": 3.0})
    {'w': [1.0, 2.0], 'b': 3.0}
    """
    if isinstance(value, dict):
        return {key: listed(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [listed(part) for part in value]
    array = leaf(value)
    return (np.stack([array.real, array.imag], axis=-1) if array.dtype.kind == "c" else array).tolist()


#: The real numbers of tensors that NumPy has.
_TENSORS = ("torch.float64", "torch.float32", "torch.float16")


def _is_foreign(dtype: np.dtype) -> bool:
    """Whether it is one of ml_dtypes, as JAX has them."""
    return dtype.kind in "fV" and dtype.type.__module__.startswith("ml_dtypes")


def epsilon(dtype: Any) -> float:
    """The machine epsilon of a dtype of NumPy, JAX or PyTorch; integers are calculated with in 64 bits.

    >>> epsilon("float16")
    0.0009765625
    """
    if str(dtype).startswith("torch."):
        import torch

        return torch.finfo(dtype).eps if dtype.is_floating_point else float(np.finfo(float).eps)
    if "bfloat16" in str(dtype):
        return 2.0**-7
    dtype = np.dtype(dtype)
    if _is_foreign(dtype):
        from ml_dtypes import finfo

        return float(finfo(dtype).eps)
    return float(np.finfo(dtype if dtype.kind in "fc" else float).eps)


class Structure:
    """That of an array, or of nested dictionaries, lists and tuples of arrays.

    >>> structure = Structure({"w": np.ones((2, 2)), "b": 0.5})
    >>> structure.size
    5
    >>> structure.unflatten(np.arange(5.0))["b"]
    array(4.)
    """

    def __init__(self, example: Any):
        self._kind: Any = type(example)
        self._keys: list | None = None
        self._parts: list[Structure] | None = None
        self.size: int
        #: The machine epsilon of its coarsest numbers.
        self.precision: float
        if isinstance(example, dict):
            self._keys = list(example)
            self._parts = [Structure(value) for value in example.values()]
        elif isinstance(example, (list, tuple)) and not all(np.isscalar(value) for value in example):
            self._parts = [Structure(value) for value in example]
        if self._parts is not None:
            self.size = sum(part.size for part in self._parts)
            self.precision = max((part.precision for part in self._parts), default=float(np.finfo(float).eps))
            return
        array = leaf(example)
        if array.dtype.kind not in KINDS[float]:
            raise Error(f"parameters are real numbers, not of dtype {array.dtype}")
        self.shape, self.size = array.shape, array.size
        given = getattr(example, "dtype", None)
        if isinstance(given, np.dtype) and _is_foreign(given):
            self.dtype = given
        else:
            self.dtype = array.dtype if array.dtype.kind == "f" else np.dtype(float)
        self.precision = epsilon(self.dtype if given is None else given)

    def flatten(self, value: Any, what: str, kind: type = float) -> np.ndarray:
        """A value of this structure as a contiguous vector of 64-bit numbers, or of complex ones."""
        out = np.empty(self.size, kind)
        self._into(value, out, what)
        return out

    def _into(self, value: Any, out: np.ndarray, what: str) -> None:
        if self._parts is None:
            array = leaf(value)
            kind = complex if out.dtype.kind == "c" else float
            if array.dtype.kind not in KINDS[kind]:
                name = "complex" if kind is complex else "real"
                raise Error(f"{what} has the dtype {array.dtype}: {name} numbers are wanted")
            # One number is as good as an array of one.
            if array.shape != self.shape and not array.ndim == self.size - 1 == 0:
                raise Error(f"{what} has the shape {array.shape}, not {self.shape}")
            out[:] = array.ravel()
            return
        if self._keys is not None:
            if not isinstance(value, dict) or value.keys() != set(self._keys):
                found = f"the keys {', '.join(map(repr, value))}" if isinstance(value, dict) else f"{value!r:.60}"
                raise Error(f"{what} has {found}, not the keys {', '.join(map(repr, self._keys))}")
            values = [(f"{what}[{key!r}]", value[key]) for key in self._keys]
        else:
            if not isinstance(value, (list, tuple)) or len(value) != len(self._parts):
                raise Error(f"{what} is no sequence of {len(self._parts)} parts: {value!r:.60}")
            values = [(f"{what}[{i}]", part) for i, part in enumerate(value)]
        at = 0
        for part, (name, value) in zip(self._parts, values):
            part._into(value, out[at : at + part.size], name)
            at += part.size

    def names(self, prefix: str = "") -> list[str]:
        """The name of every entry, such as `w[2,0]`; those of a single array are `x[0]`, …

        >>> Structure({"w": np.ones((1, 2)), "b": [np.ones(1), 0.0]}).names()
        ['w[0,0]', 'w[0,1]', 'b.0[0]', 'b.1']
        """
        if self._parts is None:
            indices = (",".join(map(str, index)) for index in np.ndindex(self.shape))
            return [f"{prefix or 'x'}[{index}]" if index else prefix or "x" for index in indices]
        keys = range(len(self._parts)) if self._keys is None else self._keys
        return [
            name
            for key, part in zip(keys, self._parts)
            for name in part.names(f"{prefix}.{key}" if prefix else str(key))
        ]

    def unflatten(self, vector: np.ndarray, own: bool = False) -> Any:
        """The structure with the entries of a vector; with `own`, in the precision of the parameters."""
        if self._parts is None:
            out = vector.reshape(self.shape)
            dtype = np.result_type(self.dtype, np.complex64) if out.dtype.kind == "c" else self.dtype
            return out.astype(dtype) if own and dtype != out.dtype else out
        ends = np.cumsum([part.size for part in self._parts])
        values = [
            part.unflatten(vector[end - part.size : end], own) for part, end in zip(self._parts, ends)
        ]
        if self._keys is not None:
            return dict(zip(self._keys, values))
        # A named tuple takes its fields one by one.
        return self._kind(*values) if hasattr(self._kind, "_fields") else self._kind(values)
