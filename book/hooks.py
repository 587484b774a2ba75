"""What MkDocs does beside its own: the README as first page, formulas as MathML, no links that lead out of the book."""

import html
import pathlib
import re

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files, config):
    tour = (ROOT / "README.md").read_text()
    # What lies beside the README and not in `docs` is not in the book.
    tour = re.sub(r"\]\(docs/library\.md\)", "](../api/rust/bea/index.html)", tour)
    tour = tour.replace("](docs/", "](")
    files.append(File.generated(config, "index.md", content=tour))
    return files


def on_page_markdown(markdown, page, **_):
    # `[data/README.md](../data/README.md)`, outside of the folder of documents, keeps its words.
    return re.sub(r"\[([^\]]+)\]\(\.\./(?!api/)[^)]*\)", r"\1", markdown)


def on_page_content(content, **_):
    def typeset(formula):
        display = "block" if formula[2] == "[" else "inline"
        return convert(html.unescape(formula[3]).strip(), display=display)

    return FORMULA.sub(typeset, content)
