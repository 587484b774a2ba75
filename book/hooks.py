"""What MkDocs does beside its own: the README as first page, the reference of the Python package, formulas as MathML, no
links that lead out of the book."""

import ast
import html
import pathlib
import re

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
# Texts and results of notebooks, which hold formulas as Jupyter reads them.
CELL = re.compile(r'(<div class="jp-Rendered(?:HTMLCommon jp-RenderedMarkdown|Latex)[^>]*>)(.*?)</div>', re.DOTALL)
IN_CELL = re.compile(r"\$\$(.+?)\$\$|(\\begin\{align\*\}.*?\\end\{align\*\})|\$(.+?)\$", re.DOTALL)


def on_files(files, config):
    tour = (ROOT / "README.md").read_text()
    # What lies beside the README and not in `docs` is not in the book.
    # The reference of the library is no file of MkDocs, which therefore is not to look for it; check.py does.
    tour = re.sub(r"\[([^\]]+)\]\(docs/library\.md\)", r'<a href="../api/rust/bea/index.html">\1</a>', tour)
    tour = tour.replace("](docs/", "](")
    files.append(File.generated(config, "index.md", content=tour))
    files.append(File.generated(config, "python_api.md", content=python_reference()))
    return files


def python_reference():
    """What the package and `bea.torch` offer, each name an entry that mkdocstrings fills from the source, unbuilt."""
    entries = ["# The Python package", "What [the guide](python.md) introduces, name by name."]
    for module, file in [("bea", "__init__.py"), ("bea.torch", "torch.py")]:
        whole = "options: {members: false, show_root_heading: false}"
        entries += [f"## {module}", f"::: {module}\n    {whole}"]
        entries += [f"::: {module}.{name}" for name in exported(ROOT / "python/bea" / file) if name != "__version__"]
    return "\n\n".join(entries) + "\n"


def exported(file):
    """The names in `__all__` of a module."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return ast.literal_eval(node.value)
    raise ValueError(f"{file} has no __all__")


def on_page_markdown(markdown, page, **_):
    # `[data/README.md](../data/README.md)`, outside of the folder of documents, keeps its words.
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", markdown)


def mathml(formula, display):
    typeset = convert(html.unescape(formula).strip(), display=display)
    # Rows that are aligned stand below each other on the left, which cells of MathML do not by themselves.
    return typeset.replace("<mtd>", '<mtd style="text-align:left">') if "{align*}" in formula else typeset


def on_page_content(content, **_):
    def of_cell(cell):
        def typeset(found):
            display = found[1] or found[2]
            return mathml(display or found[3], "block" if display else "inline")

        return f"{cell[1]}{IN_CELL.sub(typeset, cell[2])}</div>"

    content = FORMULA.sub(lambda f: mathml(f[3], "block" if f[2] == "[" else "inline"), content)
    return CELL.sub(of_cell, content)
