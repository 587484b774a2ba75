"""Commands, as on the command line."""

from __future__ import annotations

import json
import keyword
import numbers
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import Any, Mapping

from bea import _bea
from bea._progress import told


def command(words: list[str], *, faults: bool = False, progress: bool = False, keeps: bool = False) -> str:
    """What a command prints; its notes are warnings.

    With `faults`, its output tells what was wrong, too. `progress` shows how far it is. What a command that `keeps` its
    results has to say after Ctrl-C is the message of KeyboardInterrupt.
    """
    try:
        with told(progress) as tell:
            output, notes, code, interrupted = _bea.command(words, tell)
    except _bea.Error as error:
        raise _bea.Error(in_python(str(error))) from None
    if interrupted is not None:
        if keeps and not interrupted.args:
            interrupted.args = (in_python((notes + output.decode()).strip()),)
        raise interrupted
    if code == 2 and not faults:
        raise _bea.Error(in_python(notes.rstrip() or output.decode().rstrip()))
    warn(notes)
    return output.decode()


def warn(notes: str) -> None:
    """Warns of each note."""
    for line in notes.splitlines():
        if line.startswith("note: "):
            warnings.warn(in_python(line.removeprefix("note: ")), stacklevel=5)


def answer(words: list[str], *, faults: bool = False) -> Any:
    """The JSON that a command prints."""
    return json.loads(command(words, faults=faults))


#: What the command line says, and what it is in Python, in this order.
_WORDS = [
    (r"\n+Usage: .*(\n.*)*", ""),
    (r"\n+For more information, try '--help'\.", ""),
    (r"^error: ", ""),
    (r"\n  tip: to pass .* as a value, use .*", ""),
    (r"invalid value '(\w+)=([^']*)' for '--set <NAME=VALUE>'", r'bad value `\1="\2"`'),
    (r"\bbad --set (\w+)=(.*)", r'bad value `\1="\2"`'),
    (r"\bbad --set\b", "bad value"),
    # `--set m=9/10`, but not that of experiments, whose keys have dots.
    (r"`?--set ([A-Za-z]\w*)=([\w./…-]+)`?", r'`\1="\2"`'),
    (r"`?--set ([\w.]+\.\w+|KEY)=([\w./…-]+)`?", r'`set={"\1": \2}`'),
    (r"--set ([A-Za-z]\w*)", r"`\1`"),
    (r"\bvalues with --set\b", "values by keyword arguments"),
    (r"--set", "keyword arguments"),
    (r"--modified-loss", "`modified_loss`"),
    (r"--as (\w+)", r'`form="\1"`'),
    (r"--notation (\w+)", r'`notation="\1"`'),
    (r"--flows-from (\w+)", r'`flows_from="\1"`'),
    (r"--buffers settled", '`buffers="settled"`'),
    (r"give --loss once for each", "give a list with one `loss` for each"),
    (r"give one --loss for each", "give a list with one `loss` for each"),
    (r"--lr gives no other", "`lr` gives no other"),
    (r"--(force|resume)\b", r"`\1=True`"),
    (r"'--([a-z][a-z-]*)(?: <[^>]*>)?'", lambda m: f"`{_argument(m[1])}`"),
    (r"`--([a-z][a-z-]*) ([^`]*)`", lambda m: f'`{_argument(m[1])}="{m[2]}"`'),
    (r"(?<![\w`\"'-])--(?!help\b)([a-z][a-z-]*)", lambda m: f"`{_argument(m[1])}`"),
    (r"`bea optimizers`", "`bea.optimizers()`"),
    (r"`bea (derive|flow|check|run|sweep|spectrum) --help`", r"`help(bea.\1)`"),
    (r"`bea (derive|flow|check|run|sweep|spectrum)`", r"`bea.\1`"),
]
#: Arguments that have other names than the options.
_RENAMED = {"as": "form"}


def _argument(option: str) -> str:
    return _RENAMED.get(option, option.replace("-", "_"))


def in_python(text: str) -> str:
    """A text of the command line with the words of those who write Python.

    >>> in_python("lower --order, or give it a value: --set m=9/10, say")
    'lower `order`, or give it a value: `m="9/10"`, say'
    """
    # Other commands than `bea` have their own words.
    parts = re.split(r"(`cargo [^`]*`)", text)
    for words, instead in _WORDS:
        parts[::2] = [re.sub(words, instead, part) for part in parts[::2]]
    return "".join(parts)


def exact(value: Any) -> str:
    """A number as the command reads it: without rounding, and without an exponent.

    >>> exact(1e-8), exact("9/10")
    ('0.00000001', '9/10')
    """
    if isinstance(value, (str, Fraction, int)):
        return str(value)
    if hasattr(value, "detach") and value.numel() == 1:
        # A tensor of PyTorch: its number, with the digits of its precision.
        value = (value.detach().cpu() if value.dtype.itemsize > 2 else value.detach().cpu().float()).numpy().reshape(())[()]
    if isinstance(value, Decimal):
        return format(value, "f")
    if hasattr(value, "p") and hasattr(value, "q"):  # a rational of SymPy
        return f"{value.p}/{value.q}"
    try:
        # One of NumPy prints its own digits, of 32 bits fewer than the same number of 64.
        return format(Decimal(str(value) if hasattr(value, "dtype") else repr(float(value))), "f")
    except (TypeError, ValueError, ArithmeticError):
        raise _bea.Error(f"a number is wanted, or its text, \"9/10\" say, not {value!r:.60}") from None


def number(value: Any, what: str) -> float:
    """A number, or the text of one, `"1/100"` say, as a float."""
    try:
        return float(Fraction(value)) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, ArithmeticError):
        raise _bea.Error(f"{what} is a number, or its text, \"1/100\" say, not {value!r:.60}") from None


def count(value: Any, what: str, least: int = 1, most: int = 2**63 - 1) -> int:
    """A whole number between two bounds."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    bounds = f"from {least} on" if most == 2**63 - 1 else f"from {least} to {most}"
    raise _bea.Error(f"{what} is a whole number {bounds}, not {value!r:.60}")


def parameter(name: str) -> str:
    """The name of a parameter: a keyword of Python, such as `lambda`, may have an underscore behind it."""
    bare = name.removesuffix("_")
    return bare if keyword.iskeyword(bare) else name


def assignments(values: Mapping[str, Any]) -> list[str]:
    """`NAME=VALUE` for each."""
    return [f"{parameter(name)}={exact(value)}" for name, value in values.items()]


def settings(values: Mapping[str, Any]) -> list[str]:
    """`--set NAME=VALUE` for each."""
    return [word for text in assignments(values) for word in ("--set", text)]


def options(**values: Any) -> list[str]:
    """`--name value` for those that are given, and `--name` for those that are True."""
    words: list[str] = []
    for name, value in values.items():
        option = f"--{name.rstrip('_').replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words.append(f"{option}={value}")
    return words
