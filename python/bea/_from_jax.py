"""Functions of JAX as operator graphs: their jaxprs, with all calls and loops written out.

What does not depend on parameters is evaluated by JAX itself, equation by equation.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import warnings
from typing import Any, Callable, Iterator, Sequence

import numpy as np

try:
    import jax
    import jax.numpy as jnp
    from jax.extend.core import jaxpr_as_fun
except ImportError as error:
    raise ImportError("bea.from_jax needs JAX: pip install jax") from error

from bea import _functions, _primitives
from bea._bea import Error
from bea._examples import Flat
from bea._graph import Graph, Value, Written
from bea._imported import Reference
from bea._structure import Structure

# With the separator behind it, as there are packages jaxopt, jaxtyping, …
_JAX, _HERE = (os.path.join(os.path.dirname(os.path.abspath(file)), "") for file in (jax.__file__, __file__))


def _array(x: Any) -> np.ndarray:
    array = np.asarray(x)
    # Of numbers that NumPy does not have.
    return array.astype(np.float32) if array.dtype.kind == "V" or array.dtype.name == "bfloat16" else array


class _Interpreter:
    """Walks through jaxprs. What it holds of a variable is a `Value` that depends on parameters, or an array of JAX."""

    def __init__(self, graph: Graph):
        self.graph = graph
        #: Those of the current equation: its name, whether its numbers are integers, the dtypes of arguments, the shape.
        self.name = ""
        self.integers = False
        self.dtypes: list[np.dtype] = []
        self.shape: tuple[int, ...] = ()
        #: The machine epsilon of the coarsest results.
        self.eps = 0.0
        #: Functions whose derivatives are the user's, or JAX's own and not known here.
        self.custom: set[str] = set()
        #: The first cast to fewer digits, which the graph does not have.
        self.rounded: str | None = None

    def value(self, x: Any) -> Value:
        return x if isinstance(x, Value) else self.graph.constant(_array(x))

    def run(self, jaxpr: Any, constants: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """The results of a jaxpr."""
        known: dict[Any, Any] = {}
        read = lambda atom: atom.val if hasattr(atom, "val") else known[atom]
        known.update(zip(jaxpr.constvars, constants))
        known.update(zip(jaxpr.invars, args))
        for equation in jaxpr.eqns:
            results = self.equation(equation, [read(atom) for atom in equation.invars])
            known.update(zip(equation.outvars, results))
        return [read(atom) for atom in jaxpr.outvars]

    def closed(self, closed: Any, args: Sequence[Any]) -> list[Any]:
        if hasattr(closed, "consts"):
            return self.run(closed.jaxpr, closed.consts, args)
        return self.run(closed, [], args)

    def equation(self, equation: Any, args: list[Any]) -> list[Any]:
        name, params = equation.primitive.name, equation.params
        before, self.graph.at = self.graph.at, _line(equation) or self.graph.at
        try:
            special = getattr(self, f"call_{name.replace('-', '_')}", None)
            if special is not None:
                return special(equation, args)
            for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
                if key in params:
                    return self.closed(params[key], args)
            if any(isinstance(arg, Value) for arg in args):
                return self.primitive(equation, args)
            out = equation.primitive.bind(*args, **params)
            return list(out) if equation.primitive.multiple_results else [out]
        finally:
            self.graph.at = before

    def primitive(self, equation: Any, args: list[Any]) -> list[Any]:
        name, outs = equation.primitive.name, equation.outvars
        self.name, self.shape = name, tuple(getattr(outs[0].aval, "shape", ()))
        self.dtypes = [_dtype(atom.aval.dtype) for atom in equation.invars]
        self.argument = equation.invars[0].aval if equation.invars else None
        self.integers = _dtype(outs[0].aval.dtype).kind in "iu"
        if any(dtype.kind == "c" for dtype in [*self.dtypes, _dtype(outs[0].aval.dtype)]):
            raise Error(self.graph.where("complex numbers: parameters and what depends on them are real"))
        self.refuse_bits(name, [*equation.invars, *outs])
        for out in outs:
            if jnp.issubdtype(out.aval.dtype, jnp.floating):
                self.eps = max(self.eps, float(jnp.finfo(out.aval.dtype).eps))
        values = [self.value(arg) for arg in args]
        if name in _primitives.SAME:
            return values
        rule = _primitives.RULES.get(name)
        if rule is None:
            raise Error(self.graph.where(f"the primitive `{name}` is not supported"))
        results = rule(self, *values, **equation.params)
        results = results if isinstance(results, list) else [results]
        for result, out in zip(results, outs):
            if result.shape != tuple(out.aval.shape):
                raise Error(self.graph.where(f"`{name}` has the shape {out.aval.shape}, and its rule {result.shape}"))
        return [jnp.asarray(r.array, out.aval.dtype) if r.constant else r for r, out in zip(results, outs)]

    def rounds(self, new: Any) -> None:
        """Notes a cast of the current equation to fewer digits than arguments and graph have."""
        real = jnp.issubdtype(self.argument.dtype, jnp.floating) and jnp.issubdtype(new, jnp.floating)
        if real and jnp.finfo(new).eps > max(jnp.finfo(self.argument.dtype).eps, self.graph.eps):
            self.rounded = self.rounded or self.graph.at or str(new)

    def refuse_bits(self, name: str, atoms: Sequence[Any]) -> None:
        """Integers that depend on parameters are numbers here, without bits and without an end."""
        kinds = [_dtype(atom.aval.dtype) for atom in atoms]
        if name in ("and", "or", "xor", "not", "reduce_and", "reduce_or", "reduce_xor") and kinds[0].kind != "b":
            raise Error(
                self.graph.where(
                    f"`{name}` of integers that depend on parameters: of masks (bool), `&`, `|`, `^` and `~` are logic"
                )
            )
        out = kinds[-1]
        wraps = out.kind in "iu" and out.itemsize < 4 or out.kind == "u" and name in ("sub", "neg")
        if wraps and name in _primitives.ARITHMETIC and kinds[0].kind != "b":
            raise Error(self.graph.where(f"`{name}` in {out}, which wraps around, of what depends on parameters: take int32"))

    # Calls and loops

    def call_custom_jvp_call(self, equation: Any, args: list[Any]) -> list[Any]:
        closed = equation.params["call_jaxpr"]
        name, own = _source(closed)
        depends = any(isinstance(arg, Value) for arg in args)
        known = None if own or not depends else _primitives.CUSTOM.get(name)
        if name == "_sinc_maclaurin" and depends and not own:
            # Whose body has the value at 0 alone: that of sin(x)/x or of one of its derivatives.
            (value,) = jaxpr_as_fun(closed)(*(jnp.zeros(atom.aval.shape, atom.aval.dtype) for atom in equation.invars))
            if not (np.asarray(value) == 1).all():
                raise Error(self.graph.where("a derivative of jnp.sinc inside of the loss"))
            known = _functions.sinc_at_zero
        if known is not None:
            return [known(self.graph, *map(self.value, args))]
        if own or depends and name not in _primitives.WRITTEN_OUT:
            self.custom.add(name)
        return self.closed(closed, args)

    def call_custom_vjp_call(self, equation: Any, args: list[Any]) -> list[Any]:
        closed = equation.params.get("call_jaxpr") or equation.params["fun_jaxpr"]
        name, own = _source(closed)
        if own or any(isinstance(arg, Value) for arg in args):
            self.custom.add(name)
        return self.closed(closed, args)

    call_custom_vjp_call_jaxpr = call_custom_vjp_call

    def call_optimization_barrier(self, equation: Any, args: list[Any]) -> list[Any]:
        return args

    def call_cond(self, equation: Any, args: list[Any]) -> list[Any]:
        which, *args = args
        if isinstance(which, Value):
            raise Error(
                self.graph.where("the program goes on in a way that depends on parameters (`lax.cond`): use jnp.where instead")
            )
        branches = equation.params["branches"]
        return self.closed(branches[int(np.clip(int(which), 0, len(branches) - 1))], args)

    def call_scan(self, equation: Any, args: list[Any]) -> list[Any]:
        p = equation.params
        constants, carry = args[: p["num_consts"]], list(args[p["num_consts"] : p["num_consts"] + p["num_carry"]])
        rows = args[p["num_consts"] + p["num_carry"] :]
        steps = range(p["length"] - 1, -1, -1) if p["reverse"] else range(p["length"])
        made: list[list[Any]] = []
        for step in steps:
            out = self.closed(p["jaxpr"], [*constants, *carry, *(self._row(x, step) for x in rows)])
            carry = out[: p["num_carry"]]
            made.append(out[p["num_carry"] :])
        if not made:
            return [*carry, *(jnp.zeros(out.aval.shape, out.aval.dtype) for out in equation.outvars[len(carry) :])]
        stacked = [self._stack(column[::-1] if p["reverse"] else column) for column in zip(*made)]
        return [*carry, *stacked]

    def _row(self, x: Any, index: int) -> Any:
        if not isinstance(x, Value):
            return x[index]
        return self.graph.reshape(self.graph.slice(x, 0, index, index + 1), x.shape[1:])

    def _stack(self, parts: Sequence[Any]) -> Any:
        if not any(isinstance(part, Value) for part in parts):
            return jnp.stack(parts)
        return self.graph.concatenate([self.graph.unsqueeze(self.value(part), 0) for part in parts], 0)

    def call_while(self, equation: Any, args: list[Any]) -> list[Any]:
        p = equation.params
        cond_constants, body_constants = args[: p["cond_nconsts"]], args[p["cond_nconsts"] :][: p["body_nconsts"]]
        carry = list(args[p["cond_nconsts"] + p["body_nconsts"] :])
        while True:
            (more,) = self.closed(p["cond_jaxpr"], [*cond_constants, *carry])
            if isinstance(more, Value):
                raise Error(self.graph.where("a loop whose number of steps depends on parameters: give it a fixed one"))
            if not more:
                return carry
            carry = self.closed(p["body_jaxpr"], [*body_constants, *carry])

    def call_pure_callback(self, equation: Any, args: list[Any]) -> list[Any]:
        raise Error(self.graph.where("a callback into Python: write it in operations of JAX"))

    call_io_callback = call_pure_callback

    def call_debug_callback(self, equation: Any, args: list[Any]) -> list[Any]:
        return []

    call_debug_print = call_debug_callback

    # Where entries come from and go to, for indices that are known

    def positions(self, x: Value, indices: Value, params: dict[str, Any]) -> np.ndarray:
        """The flat position of each entry of a gather, -1 where it is out of bounds."""
        from jax import lax

        numbers = np.arange(x.size, dtype=np.int32).reshape(x.shape)
        kept = {key: params[key] for key in ("dimension_numbers", "slice_sizes", "mode")}
        return np.asarray(lax.gather(numbers, indices.array, fill_value=-1, **kept))

    def targets(self, x: Value, indices: Value, updates: Value, numbers: Any) -> np.ndarray:
        """The flat position that each entry of a scatter goes to, -1 where it is out of bounds."""
        from jax import lax

        inserted = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        windows = iter(numbers.update_window_dims)
        sizes = [1 if axis in inserted else updates.shape[next(windows)] for axis in range(x.ndim)]
        gathered = lax.GatherDimensionNumbers(
            offset_dims=numbers.update_window_dims,
            collapsed_slice_dims=numbers.inserted_window_dims,
            start_index_map=numbers.scatter_dims_to_operand_dims,
            operand_batching_dims=numbers.operand_batching_dims,
            start_indices_batching_dims=numbers.scatter_indices_batching_dims,
        )
        return self.positions(
            x, indices, {"dimension_numbers": gathered, "slice_sizes": tuple(sizes), "mode": lax.GatherScatterMode.FILL_OR_DROP}
        )

    def scattered(self, x: Value, indices: Value, updates: Value, numbers: Any, params: dict[str, Any]) -> np.ndarray:
        """For each entry of what a scatter replaces, its position among the entries before and the updates."""
        positions = np.arange(x.size)
        targets = self.targets(x, indices, updates, numbers).ravel()
        kept = targets >= 0
        positions[targets[kept]] = x.size + np.flatnonzero(kept)
        return positions.reshape(x.shape)


def _source(closed: Any) -> tuple[str, bool]:
    """The name of the function that a jaxpr is of, and whether it is one of the user's."""
    described = str(getattr(getattr(closed.jaxpr, "debug_info", None), "func_src_info", None) or "")
    return described.split(" at ")[0], bool(described) and _JAX not in described


def _dtype(dtype: Any) -> np.dtype:
    return np.dtype(np.float32) if "float8" in str(dtype) or str(dtype) == "bfloat16" else np.dtype(dtype)


def _line(equation: Any) -> str | None:
    """The innermost line of the user's program."""
    traceback = getattr(equation.source_info, "traceback", None)
    for frame in traceback.frames if traceback is not None else []:
        if not frame.file_name.startswith((_JAX, _HERE, "<")):
            code = linecache.getline(frame.file_name, frame.line_num).strip()
            where = f"{os.path.basename(frame.file_name)}:{frame.line_num} in {frame.function_name}"
            return f"{where}: {code}" if code else where
        if frame.file_name.startswith(_HERE) and frame.function_name == "trace":
            return None
    return None


class Tree:
    """The structure of a pytree, for `bea.Objective`."""

    def __init__(self, leaves: list[np.ndarray], names: list[str], tree: Any):
        self._leaves, self._names, self.tree = Structure(dict(zip(names, leaves))), names, tree
        self.size, self.names = self._leaves.size, self._leaves.names

    def flatten(self, value: Any, what: str) -> np.ndarray:
        leaves, tree = jax.tree_util.tree_flatten(value)
        if tree != self.tree:
            raise Error(f"{what} has the structure {tree}, not {self.tree}")
        return self._leaves.flatten({name: _array(leaf) for name, leaf in zip(self._names, leaves)}, what)

    def unflatten(self, vector: np.ndarray) -> Any:
        return jax.tree_util.tree_unflatten(self.tree, list(self._leaves.unflatten(vector).values()))


def _path(path: Sequence[Any]) -> str:
    """A path in a pytree, such as `layers.0.w`."""
    parts = [next((str(getattr(key, a)) for a in ("key", "idx", "name") if hasattr(key, a)), str(key)) for key in path]
    return ".".join(parts) or "x"


@contextlib.contextmanager
def _wide(on: bool) -> Iterator[None]:
    """While JAX has numbers of 64 bits."""
    if not on or jax.config.jax_enable_x64:
        yield
        return
    if hasattr(jax, "enable_x64"):
        wide = jax.enable_x64(True)
    else:
        from jax.experimental import enable_x64

        wide = enable_x64()
    # It keeps what it has made of NumPy's arrays in one precision, and would take it for that of the other.
    jax.clear_caches()
    try:
        with wide:
            yield
    finally:
        jax.clear_caches()


def flatten(data: Any) -> Flat:
    """The leaves of a pytree."""
    leaves, tree = jax.tree_util.tree_flatten(data)
    return leaves, tree.unflatten


def trace(loss_fn: Callable, params: Any, dtype: str | None) -> tuple[Written, Tree, Reference]:
    """The graph of `loss_fn(params)`, the structure of the parameters, and the loss as JAX has it."""
    if dtype not in (None, "f32", "f64"):
        raise Error(f'`dtype` is "f32" or "f64", not {dtype!r}')
    paths, tree = jax.tree_util.tree_flatten_with_path(params)
    names = [_path(path) for path, _ in paths]
    if not paths:
        raise Error("there are no parameters: `params` is a pytree of arrays")
    if len(set(names)) < len(names):
        names = [f"{index}.{name}" for index, name in enumerate(names)]
    leaves, shortened = [], []
    for name, (_, leaf) in zip(names, paths):
        if not hasattr(leaf, "dtype") and not isinstance(leaf, (int, float, complex)):
            raise Error(
                f"the parameter {name} is a {type(leaf).__name__}, not an array: part the arrays from the rest, "
                "by equinox.partition say"
            )
        array = _array(leaf) if dtype == "f64" else _array(jnp.asarray(leaf))
        if dtype is None and array.dtype == np.float32 and getattr(leaf, "dtype", None) == np.float64:
            shortened.append(name)
        if array.dtype.kind != "f":
            raise Error(f"parameters are real numbers, and {name} is of dtype {array.dtype}: keep it outside of `params`")
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            index = ",".join(map(str, bad[0]))
            raise Error(f"the parameter {name}[{index}] is {array[tuple(bad[0])]}, not a finite number")
        leaves.append(array)
    if dtype is None:
        dtype = "f64" if any(leaf.dtype == np.float64 for leaf in leaves) else "f32"
    number = np.dtype(np.float64 if dtype == "f64" else np.float32)
    leaves = [leaf.astype(number) for leaf in leaves]
    graph = Graph(f"jax {jax.__version__}", dtype)
    at = _Interpreter(graph)
    with _wide(dtype == "f64"):
        own = jax.tree_util.tree_unflatten(tree, [jnp.asarray(leaf) for leaf in leaves])
        try:
            closed, shape = jax.make_jaxpr(loss_fn, return_shape=True)(own)
        except jax.errors.ConcretizationTypeError as error:
            raise Error(
                "the program goes on in a way that depends on parameters: a value becomes a number of Python, in an `if` or by "
                f"`float()`; use jnp.where instead\n{error}"
            ) from error
        found = jax.tree_util.tree_leaves(shape)
        if len(found) != 1 or found[0].size != 1:
            shapes = ", ".join(str(tuple(leaf.shape)) for leaf in found) or "none"
            raise Error(f"the loss is one number, not arrays of shapes {shapes}: `loss_fn(params)` returns it alone")
        if not jnp.issubdtype(found[0].dtype, jnp.floating):
            raise Error(f"the loss is a real number, not of dtype {found[0].dtype}")
        nodes = [graph.parameter(name, leaf) for name, leaf in zip(names, leaves)]
        (loss,) = at.closed(closed, nodes)
        traced = float(np.asarray(jax.jit(jaxpr_as_fun(closed))(*jax.tree_util.tree_leaves(own))[0]).reshape(()))
        reference = _reference(loss_fn, own, at)
    graph.at = None
    if not isinstance(loss, Value):
        raise graph.independent()
    if shortened:
        warnings.warn(
            f"parameters of 64 bits are rounded to 32, which is what JAX has: {', '.join(shortened[:3])}"
            f"{', …' if len(shortened) > 3 else ''}; dtype=\"f64\" keeps them, as does jax.config.update(\"jax_enable_x64\", True) at the start",
            stacklevel=4,
        )
    if at.rounded:
        warnings.warn(
            f"numbers are rounded to fewer digits in between, which the graph does not do: {at.rounded}", stacklevel=4
        )
    if at.custom:
        warnings.warn(
            f"derivatives are those of the operations of {', '.join(sorted(at.custom))}, not the ones given by custom_jvp or "
            "custom_vjp",
            stacklevel=4,
        )
    written = graph.finish(loss)
    if not reference.same_loss(traced, np.concatenate([leaf.ravel() for leaf in leaves], dtype=float)):
        raise Error(
            f"the loss is another one every time, {traced!r} and then {reference.loss!r}: it has a state, or random numbers from "
            "elsewhere than JAX"
        )
    return written, Tree(leaves, names, tree), reference


def _reference(loss_fn: Callable, params: Any, at: _Interpreter) -> Reference:
    """The loss as JAX has it, with its gradient if there is one that is not the user's own."""
    loss = lambda params: jnp.reshape(loss_fn(params), ())
    gradient = None
    if not at.custom:
        # Which not all of what can be evaluated has.
        with contextlib.suppress(Exception):
            parts = jax.tree_util.tree_leaves(jax.jit(jax.grad(loss))(params))
            gradient = np.concatenate([np.asarray(part, dtype=float).ravel() for part in parts])
    return Reference(float(jax.jit(loss)(params)), gradient, at.eps)
