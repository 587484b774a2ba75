#!/usr/bin/env python3
"""Looks for dead links in a built site, and for everything that a browser would ask of another host.

    check.py FOLDER

References of the library, made by rustdoc, are checked to exist and not followed.
"""

import pathlib
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

# What a browser fetches when it opens the page.
FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data")}
FETCHING_LINKS = {"stylesheet", "icon", "preload", "preconnect", "modulepreload"}


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.fetched, self.names = [], [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names.update(found[key] for key in ("id", "name") if found.get(key))
        for key, value in attributes:
            if (tag, key) in FETCHED and value:
                self.fetched.append(value)
            elif tag == "link" and key == "href" and set((found.get("rel") or "").split()) & FETCHING_LINKS:
                self.fetched.append(value)
            elif tag == "a" and key == "href" and value:
                self.links.append(value)


def main(site):
    site = pathlib.Path(site).resolve()
    pages = {path: Page(path) for path in site.rglob("*.html") if "api" not in path.relative_to(site).parts}
    faults = []
    for path, page in pages.items():
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
    if len(pages) < 10:
        faults.append(f"only {len(pages)} pages")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{site}: {len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
