"""Claims, checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Iterator

from bea import _table
from bea._bea import Error
from bea._command import answer, in_python, options


@dataclass(frozen=True)
class Claim:
    """One claim and its verdict."""

    name: str
    #: The file and the line that it stands in.
    file: str
    line: int
    #: `true`, `false`, `false as expected`, `true although expected false`, or `error`.
    verdict: str
    #: The terms that differ: dictionaries with the keys term, claimed and derived.
    differences: list[dict] = field(default_factory=list)
    #: Why it makes no sense.
    error: str | None = None
    #: How many cases it was checked in.
    cases: int | None = None

    @property
    def ok(self) -> bool:
        """Whether it is as claimed."""
        return self.verdict in ("true", "false as expected")


def _words(claim: dict) -> dict:
    """Its error in words of Python, if it has one."""
    return {"error": in_python(claim["error"])} if claim.get("error") else {}


class Claims:
    """Claims and their verdicts, as a sequence; `bool` says whether all are as claimed."""

    def __init__(self, found: dict):
        self._dict = found
        self._claims = [Claim(**{**claim, **_words(claim)}) for claim in found["claims"]]

    def to_dict(self) -> dict:
        """The command's JSON: `bea check --format json`."""
        return self._dict

    @property
    def ok(self) -> bool:
        """Whether all are as claimed."""
        return all(claim.ok for claim in self._claims)

    def __bool__(self) -> bool:
        return self.ok

    def __len__(self) -> int:
        return len(self._claims)

    def __getitem__(self, index: int) -> Claim:
        return self._claims[index]

    def __iter__(self) -> Iterator[Claim]:
        return iter(self._claims)

    def _columns(self) -> dict[str, list]:
        def note(claim: Claim) -> str:
            found = [f"{d['term']}: claimed {d['claimed']}, derived {d['derived']}" for d in claim.differences]
            return claim.error or "; ".join(found)

        return {
            "": ["✓" if claim.ok else "✗" for claim in self],
            "line": [claim.line for claim in self],
            "verdict": [claim.verdict for claim in self],
            "claim": [" - ".join(filter(None, (claim.name, note(claim)))) for claim in self],
        }

    def to_pandas(self):
        """A DataFrame with a row a claim."""
        return _table.frame(
            {key: [getattr(claim, key) for claim in self] for key in ("name", "file", "line", "verdict", "error")}
        )

    def __str__(self) -> str:
        return _table.plain(self._columns())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        good = sum(claim.ok for claim in self)
        return _table.html(self._columns(), f"{good} of {len(self)} claims as claimed")


def _text(claims: str | os.PathLike) -> str:
    """A path, or a text of claims, which the command knows by its `claim` or `==`."""
    text = os.fspath(claims)
    if not text.strip():
        raise Error("there is no claim: one is a text such as `claim \"first\": field(gradient_descent, 0) == -g`, or a file")
    return text


def check(claims: str | os.PathLike | None = None, *, force: bool = False) -> Claims:
    """Checks the claims of a file, or of a text; without any, all that ship with bea.

    >>> import bea
    >>> claims = bea.check('''
    ... claim "to first order":
    ...   field(gradient_descent, 1) == -g - h/2*H*g
    ... claim "wrong":
    ...   field(gradient_descent, 1) == -g - h/3*H*g
    ... ''')
    >>> [(claim.name, claim.ok) for claim in claims]
    [('to first order', True), ('wrong', False)]
    >>> print(claims)
       line  verdict  claim
    ✓     2     true  to first order
    ✗     4    false  wrong - h*H*g: claimed -1/3, derived -1/2
    """
    words = [] if claims is None else ["--", _text(claims)]
    found = answer(["check", "--format=json", *options(force=force), *words], faults=True)
    return Claims(found)
