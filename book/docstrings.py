"""Docstrings as this package writes them, for mkdocstrings: doctests as blocks of code, comments `#:` of attributes."""

import re

from griffe import Docstring, Extension

DOCTEST = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Docstrings(Extension):
    def on_object(self, *, obj, **_):
        if obj.docstring is None and obj.is_attribute and obj.lineno:
            lines = obj.filepath.read_text().splitlines()[: obj.lineno - 1]
            words = []
            while lines and (line := lines.pop().strip()).startswith("#:"):
                words.insert(0, line.removeprefix("#:").strip())
            if words:
                obj.docstring = Docstring(" ".join(words), parent=obj)
        with_code(obj)

    # The package itself is none of the objects above.
    def on_package(self, *, pkg, **_):
        with_code(pkg)


def with_code(obj):
    if obj.docstring is not None:
        obj.docstring.value = DOCTEST.sub(block, obj.docstring.value)


def block(found):
    code = re.sub(r" *# doctest:.*", "", found[0]).replace("<BLANKLINE>", "")
    return f"```pycon\n{code}\n```"
