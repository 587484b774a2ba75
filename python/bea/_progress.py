"""Progress, by tqdm where it is installed: in a notebook as well as on a terminal."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm


@contextlib.contextmanager
def counted(wanted: bool, unit: str) -> Iterator[Callable[[int], Any] | None]:
    """A function that counts on by so many; None where nothing is shown."""
    tqdm = _tqdm() if wanted else None
    if tqdm is None:
        yield None
        return
    with tqdm(unit=f" {unit}") as bar:
        yield bar.update


@contextlib.contextmanager
def told(wanted: bool) -> Iterator[Callable[[list], Any] | None]:
    """A function of a list of (name, steps done, steps in all), with a bar for each name."""
    tqdm = _tqdm() if wanted else None
    if tqdm is None:
        yield None
        return
    bars: dict[str, Any] = {}

    def tell(parts: list[tuple[str, int, int]]) -> None:
        for name, done, total in parts:
            if name not in bars:
                bars[name] = tqdm(desc=name, total=total, unit=" steps")
            bars[name].update(done - bars[name].n)

    try:
        yield tell
    finally:
        for bar in bars.values():
            bar.close()
