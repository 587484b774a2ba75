"""Tables: for the terminal, for Jupyter, and for pandas."""

from __future__ import annotations

from html import escape
from typing import Any, Mapping, Sequence


def plain(columns: Mapping[str, Sequence]) -> str:
    """Columns for the terminal, aligned right but for the last."""
    rows = [list(columns), *map(list, zip(*columns.values()))]
    cells = [[shown(cell) for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in cells) for k in range(len(columns))]
    last = len(columns) - 1
    lines = (
        "  ".join(cell if k == last else cell.rjust(widths[k]) for k, cell in enumerate(row)) for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def html(columns: Mapping[str, Sequence], caption: str = "") -> str:
    """The same as HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(shown(cell))}</td>" for cell in row) + "</tr>"
        for row in zip(*columns.values())
    )
    caption = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def shown(cell: Any) -> str:
    """Six digits of a number."""
    if isinstance(cell, complex):
        return f"{cell.real:.6g}" if cell.imag == 0 else f"{cell:.6g}".replace("j", "i")
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def columns(table: Any) -> dict[str, list]:
    """The columns of a DataFrame, or of arrays by name, as lists."""
    return {name: column.tolist() for name, column in table.items()}


def frame(columns: Mapping[str, Sequence]) -> Any:
    """A DataFrame of pandas."""
    return pandas().DataFrame(dict(columns))


def pandas() -> Any:
    """pandas, or what to do about it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("a DataFrame needs pandas: pip install pandas; `to_dict()` needs none") from error
    return pandas


def axes(ax: Any, number: int = 1) -> Any:
    """What to draw on with matplotlib: `ax`, or new axes, one below the other."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("a picture needs matplotlib: pip install matplotlib") from error
    return plt.subplots(number, sharex=True)[1]
