"""Target pages: small, whole, and nothing that a site in trouble would have to serve."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tests.builders import host_files

LIMITS: dict[str, Any] = {"limits": {"requests_per_second": 5}}
UNAVAILABLE, TOO_MANY = "etc/shop/pages/unavailable.html", "etc/shop/pages/too-many-requests.html"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes |= attrs


@pytest.mark.parametrize("path", [UNAVAILABLE, TOO_MANY])
def test_a_page_asks_for_nothing_else(path: str) -> None:
    text = host_files(proxy=LIMITS)[path]
    page = Page(text)
    assert {"title", "h1", "p"} <= set(page.seen)
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(page.seen)
    assert not {"src", "href", "srcset", "action"} & set(page.attributes)
    assert "url(" not in text and "@import" not in text
    assert text.startswith("<!doctype html>")  # else browsers fall back to old rules
    assert len(text) < 2048


def test_pages_come_with_the_proxy_that_shows_them() -> None:
    assert UNAVAILABLE in host_files() and TOO_MANY not in host_files()
    assert TOO_MANY in host_files(proxy=LIMITS)
    assert not [path for path in host_files(proxy={"kind": "none"}) if "pages" in path]
    assert UNAVAILABLE in host_files(targets=["nginx"])
