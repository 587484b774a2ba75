"""Experiments: runs, sweeps and the figures of the paper."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import Any, Mapping

from bea import _table
from bea._bea import Error
from bea._command import command, options


def _set(values: Mapping[str, Any] | None) -> list[str]:
    return [word for key, value in (values or {}).items() for word in ("--set", f"{key}={_toml(value)}")]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(json.dumps(x) if isinstance(x, str) else _toml(x) for x in value)}]"
    return str(value)


def _read(path: Path) -> Any:
    """A table of comma-separated values: a DataFrame, or arrays by the names of columns where there is no pandas."""
    try:
        import pandas
    except ImportError:
        import numpy as np

        with path.open(newline="") as file:
            names, *rows = csv.reader(file)

        def column(cells):
            try:
                return np.array([float(cell or "nan") for cell in cells])
            except ValueError:
                return np.array(cells)

        return {name: column(cells) for name, cells in zip(names, zip(*rows))}
    return pandas.read_csv(path)


class Run:
    """A run, and the folder that holds its files."""

    def __init__(self, folder: Path, summary: str = ""):
        #: The folder.
        self.folder = folder
        #: What the command says of it.
        self.summary = summary

    @property
    def metrics(self):
        """The measurements: a DataFrame, or arrays by the names of columns where there is no pandas."""
        return _read(self.folder / "metrics.csv")

    @property
    def follow(self):
        """The flows that were followed; None if there are none."""
        path = self.folder / "follow.csv"
        return _read(path) if path.is_file() else None

    @property
    def config(self) -> str:
        """The resolved description, as TOML."""
        return (self.folder / "config.toml").read_text()

    @property
    def timing(self) -> dict:
        """Seconds, and evaluations of the loss by kind."""
        return json.loads((self.folder / "timing.json").read_text())

    @property
    def weights(self) -> Path:
        """The parameters at the end, a file of safetensors."""
        return self.folder / "weights.safetensors"

    def to_dict(self) -> dict:
        """The folder, the description as TOML, timing, measurements, and the flows that were followed, None if there are none."""
        return {
            "folder": str(self.folder), "config": self.config, "timing": self.timing, "metrics": _table.columns(self.metrics),
            "follow": None if self.follow is None else _table.columns(self.follow),
        }

    def to_pandas(self):
        """The measurements as a DataFrame."""
        return _table.frame(self.metrics)

    def __repr__(self) -> str:
        return f"<bea.Run in {self.folder}>\n{self.summary}".rstrip()

    def _repr_svg_(self) -> str | None:
        picture = self.folder / "metrics.svg"
        return picture.read_text() if picture.is_file() else None


class Sweep:
    """The runs of a grid."""

    def __init__(self, folder: Path, summary: str):
        self.folder = folder
        self.summary = summary

    @property
    def table(self):
        """A row a run: its label, steps, end, and the last value of every metric."""
        return _read(self.folder / "sweep.csv")

    @property
    def runs(self) -> dict[str, Run]:
        """The runs by the names of their folders."""
        found = sorted(path.parent for path in self.folder.rglob("metrics.csv"))
        return {str(folder.relative_to(self.folder)): Run(folder) for folder in found}

    def to_dict(self) -> dict:
        """The folder, and the columns of the table."""
        return {"folder": str(self.folder), "table": _table.columns(self.table)}

    def to_pandas(self):
        """The table as a DataFrame."""
        return _table.frame(self.table)

    def __repr__(self) -> str:
        return f"<bea.Sweep in {self.folder}>\n{self.summary}".rstrip()

    def _repr_svg_(self) -> str | None:
        picture = self.folder / "sweep.svg"
        return picture.read_text() if picture.is_file() else None


class Reproduction:
    """Figures of the paper, and whether they show what they claim."""

    def __init__(self, folder: Path, text: str):
        self.folder = folder
        #: What the command says.
        self.text = text
        #: The verdict of each figure: `holds`, `holds in part`, …
        self.verdicts: dict[str, str] = dict(re.findall(r"^(\w+): (.+)$", text, re.MULTILINE))

    def picture(self, figure: str) -> Path:
        """The picture of a figure, as SVG."""
        return self.folder / f"{figure}.svg"

    def to_dict(self) -> dict:
        """The folder, and the verdicts."""
        return {"folder": str(self.folder), "verdicts": self.verdicts}

    def __repr__(self) -> str:
        return self.text.rstrip()

    def _repr_html_(self) -> str:
        return _table.html({"figure": list(self.verdicts), "verdict": list(self.verdicts.values())})


def _folder(text: str) -> Path:
    """The folder that the command says it wrote to."""
    return Path(re.findall(r"^wrote (.+)$", text, re.MULTILINE)[-1])


def run(
    experiment: str | os.PathLike,
    *,
    set: Mapping[str, Any] | None = None,
    scale: str | None = None,
    out: str | os.PathLike | None = None,
    force: bool = False,
    resume: bool = False,
    progress: bool = False,
) -> Run:
    """Trains a network as a description in TOML says, and measures. The arguments are those of `bea run`.

    `set` gives keys of the description other values, `{"train.steps": 50, "seed": 3}`. Ctrl-C stops the run after the
    current step: the message of KeyboardInterrupt says how far it is and where, and `resume=True` goes on. `progress` shows
    bars by tqdm, where that is installed.
    """
    words = options(scale=scale, out=out, force=force, resume=resume)
    text = command(
        ["run", *words, *_set(set), "--", os.fspath(experiment)], progress=progress, keeps=True
    )
    return Run(_folder(text), text)


def sweep(
    experiment: str | os.PathLike,
    *,
    set: Mapping[str, Any] | None = None,
    scale: str | None = None,
    out: str | os.PathLike | None = None,
    jobs: int | None = None,
    force: bool = False,
    resume: bool = False,
    progress: bool = False,
) -> Sweep:
    """Conducts all runs of a description's grid. The arguments are those of `bea sweep`."""
    words = options(scale=scale, out=out, jobs=jobs, force=force, resume=resume)
    text = command(
        ["sweep", *words, *_set(set), "--", os.fspath(experiment)], progress=progress, keeps=True
    )
    return Sweep(_folder(text), text)


def reproduce(
    *figures: str,
    scale: str | None = None,
    set: Mapping[str, Any] | None = None,
    out: str | os.PathLike = "results",
    force: bool = False,
    resume: bool = False,
    progress: bool = False,
) -> Reproduction:
    """Makes figures of the paper, `bea.reproduce("fig5", "table1")`, and says whether they show what they claim. The arguments are
    those of `bea reproduce`. After Ctrl-C, the message of KeyboardInterrupt says what is kept, and `resume=True` goes on.
    """
    for figure in figures:
        if not isinstance(figure, str):
            raise Error(f"figures are names, bea.reproduce(\"fig5\", \"table1\"), not {figure!r:.60}")
    if not figures:
        raise Error("a figure is wanted at least: bea.reproduce(\"fig5\", \"table1\"), fig1 to fig49 or table1")
    words = options(scale=scale, out=out, force=force, resume=resume)
    text = command(["reproduce", *words, *_set(set), "--", *figures], progress=progress, keeps=True)
    return Reproduction(Path(out), text)
