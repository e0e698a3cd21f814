"""The proxy's error pages: whole by themselves, since a site in trouble can serve nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from deploygen.check.group import Group
from deploygen.check.result import Result

PROGRAM = "html.parser"
_STYLE_URL = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")


class _Page(HTMLParser):
    """Collects what a browser would fetch to show the page."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.titled = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link to click on is no harm; what is loaded is."""
        self.titled = self.titled or tag == "title"
        for name, value in attrs:
            loaded = name in {"src", "srcset", "poster", "data"} or (tag, name) == ("link", "href")
            found = _STYLE_URL.findall(value or "") if name == "style" else [value or ""] * loaded
            self.fetched += found

    def handle_data(self, data: str) -> None:
        """Style sheets are data of their element."""
        self.fetched += _STYLE_URL.findall(data)


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """Each page is UTF-8 and HTML with a title, and loads nothing."""
    for path in paths:
        yield judged(group.shown(path), group.on_disk(path).read_bytes())


def judged(shown: str, content: bytes) -> Result:
    """What a page is worth; ``shown`` is its path in the tree."""
    fault = _fault(content)
    return Result(shown, "failed" if fault else "passed", PROGRAM, fault or "loads nothing")


def _fault(content: bytes) -> str:
    """What is wrong with a page; empty if nothing is."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return f"no UTF-8: {error.reason} at byte {error.start}"
    page = _Page()
    page.feed(text)
    page.close()
    loaded = [url for url in page.fetched if not url.startswith("data:")]
    if loaded:
        return f"it loads {', '.join(loaded)}: a site in trouble can't serve that; put it inline"
    return "" if page.titled else "it has no <title>: is this HTML?"
