#!/usr/bin/env python3
"""Looks for dead links in a built site, and for everything that a browser would ask of another host.

    check.py FOLDER
    check.py --test

References of the library, made by rustdoc, are checked to exist and not followed. `--test` checks this program, with a site
that has every fault.
"""

import pathlib
import re
import sys
import tempfile
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

# What a browser fetches when it opens the page.
FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data"), ("video", "src"),
           ("video", "poster"), ("audio", "src"), ("track", "src"), ("embed", "src"), ("input", "src"), ("image", "href"),
           ("image", "xlink:href"), ("use", "href"), ("use", "xlink:href")}
FETCHING_LINKS = {"stylesheet", "icon", "preload", "preconnect", "modulepreload"}
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# url(a), url("a"), @import "a"
IN_STYLE = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')\s]*))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


def in_style(text):
    """What a style sheet fetches."""
    return ["".join(filter(None, found)) for found in IN_STYLE.findall(COMMENT.sub(" ", text))]


def in_srcset(text):
    """`a.png 1x, b.png 2x`; an address may hold commas, but does not end with one."""
    return [part.strip().split()[0] for part in re.split(r",\s+|,$", text) if part.strip()]


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.fetched, self.names, self.in_style = [], [], set(), False
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.in_style = tag == "style"
        self.names.update(found[key] for key in ("id", "name") if found.get(key))
        for key, value in attributes:
            if not value:
                continue
            if (tag, key) in FETCHED:
                self.fetched.append(value)
            elif key in ("srcset", "imagesrcset"):
                self.fetched += in_srcset(value)
            elif key == "style":
                self.fetched += in_style(value)
            elif tag == "link" and key == "href" and set((found.get("rel") or "").split()) & FETCHING_LINKS:
                self.fetched.append(value)
            elif tag == "a" and key == "href":
                self.links.append(value)

    def handle_endtag(self, tag):
        self.in_style = False

    def handle_data(self, text):
        if self.in_style:
            self.fetched += in_style(text)


class Style:
    """A style sheet in a file of its own."""

    def __init__(self, path):
        self.links, self.fetched, self.names = [], in_style(path.read_text()), set()


def faults_of(site):
    pages = {path: Page(path) for path in site.rglob("*.html") if "api" not in path.relative_to(site).parts}
    read = pages | {path: Style(path) for path in site.rglob("*.css") if "api" not in path.relative_to(site).parts}
    faults = []
    for path, page in read.items():
        for link in page.links + page.fetched:
            parts = urlsplit(link)
            if parts.scheme in ("data", "mailto"):
                continue
            if parts.scheme or parts.netloc:
                if link in page.fetched:
                    faults.append(f"{path.relative_to(site)} asks another host: {link}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                faults.append(f"{path.relative_to(site)}: there is no {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
                faults.append(f"{path.relative_to(site)}: there is no place {link}")
    return faults, pages


def test():
    """Every way to fetch is seen, and what is here or written in the page is no fault."""
    other = "https://other.example/x"
    with tempfile.TemporaryDirectory() as folder:
        site = pathlib.Path(folder).resolve()
        (site / "here.css").write_text("/* url(gone) */ a { background: URL( 'data:image/svg+xml,<a b=\"c(d)\">' ) }")
        good = '<link rel="stylesheet" href="here.css"><a href="https://other.example">x</a><img srcset="here.css 1x">'
        page = site / "page.html"
        page.write_text(good)
        if faults_of(site)[0]:
            sys.exit(f"these are no faults: {faults_of(site)[0]}")
        for text in [f'<img src="{other}">', f'<img srcset="here.css 1x, {other} 2x">', f'<link rel="icon" href="{other}">',
                     f'<p style="background: url({other})">', f"<style>@import '{other}';</style>", '<a href="gone.html">',
                     f"<style>p {{ src: url(\"{other}\") }}</style>", '<source srcset="gone.png">', '<a href="#gone">']:
            page.write_text(good + text)
            if len(faults_of(site)[0]) != 1:
                sys.exit(f"{text}: {faults_of(site)[0]}")
        page.write_text(good)
        for text in [f"@import url({other});", f'@import "{other}";', "a { background: url(gone.png) }", "@import 'gone.css';"]:
            (site / "here.css").write_text(text)
            if len(faults_of(site)[0]) != 1:
                sys.exit(f"{text}: {faults_of(site)[0]}")


def main(site):
    faults, pages = faults_of(pathlib.Path(site).resolve())
    if len(pages) < 10:
        faults.append(f"only {len(pages)} pages")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{site}: {len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(test() if sys.argv[1] == "--test" else main(sys.argv[1]))
