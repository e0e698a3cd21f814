"""What has to pass through each proxy as it is, and what never does: names, headers, methods."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.behaviour.proxies import Site
from tests.tiny import HOST, exchanged, tiny

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with tiny(kind, tmp_path_factory.mktemp(kind)) as site:
        yield site


@pytest.mark.parametrize(
    "path",
    ["a%2Fb", "a%2fb", "a%252Fb", "a%20b", "%E2%82%AC", "a;b=c,d", "a+b?c=%2F&d=+&e=%zz", "a%25b",
     "a%5Cb", "a//b", "./a/../b", "~a!$&'()*:@"],
)  # fmt: skip
def test_a_name_is_what_was_asked_for(site: Site, path: str) -> None:
    told = json.loads(site.get(f"/echo/{path}").body)
    assert told["uri"] == f"/echo/{path}"


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_every_method_is_the_applications(site: Site, method: str) -> None:
    answer = exchanged(
        site, f"{method} /echo HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    )
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["method"] == method


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_but_for_tunnels_and_mirrors(site: Site, method: str) -> None:
    target = f"{HOST}:80" if method == "CONNECT" else "/echo"
    answer = exchanged(
        site, f"{method} {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.split()[1] in (b"400", b"405")
    assert b'"method"' not in answer and b"tiny\n" not in answer


def test_many_cookies_pass_both_ways(site: Site) -> None:
    """Four of the largest that browsers keep: a session, messages, what a library adds."""
    answer = exchanged(
        site, f"GET /cookies?n=4 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.lower().count(b"set-cookie: ") == 4
    told = json.loads(site.get("/echo", Cookie="c" * 7900).body)
    assert told["headers"]["HTTP_COOKIE"] == "c" * 7900


def test_long_addresses_pass(site: Site) -> None:
    assert json.loads(site.get(f"/echo?q={'x' * 8000}").body)["uri"].endswith("x" * 8000)
