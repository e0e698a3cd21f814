"""What one address may ask of nginx: what is over gets 429, the others are served."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploygen.stack import Response
from tests.behaviour.proxies import Site
from tests.tiny import tiny

pytestmark = pytest.mark.slow

AT_ONCE, RATE, BURST = 4, 5, 15
LIMITS = {"connections_per_address": AT_ONCE, "requests_per_second": RATE, "burst": BURST}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Clients come through a balancer of ours, so that a test can be many addresses."""
    proxy = {"limits": LIMITS, "behind": ["127.0.0.1/32"]}
    server = {"workers": 2, "threads": 16}
    with tiny("nginx", tmp_path_factory.mktemp("nginx"), proxy=proxy, server=server) as site:
        yield site


def asked(site: Site, address: str, path: str = "/") -> Response:
    return site.get(path, X_Forwarded_For=address)


def is_told_why(page: Response) -> bool:
    return b"Too many requests" in page.body and page.headers["retry-after"] == "10"


def test_requests_of_one_address_that_are_under_way(site: Site) -> None:
    with ThreadPoolExecutor(3 * AT_ONCE) as pool:
        pages = [pool.submit(asked, site, "192.0.2.1", "/wait?n=2000") for _ in range(2 * AT_ONCE)]
        time.sleep(1)
        # Somebody else has room, and files need no worker.
        assert asked(site, "192.0.2.2").status == 200
        assert asked(site, "192.0.2.1", "/static/file.txt").status == 200
        found = Counter(page.result().status for page in pages)
        refused = [page.result() for page in pages if page.result().status == 429]
    assert found == {200: AT_ONCE, 429: AT_ONCE}
    assert all(map(is_told_why, refused))
    assert asked(site, "192.0.2.1").status == 200


def test_requests_per_second_of_one_address(site: Site) -> None:
    began = time.monotonic()
    pages = [asked(site, "192.0.2.3") for _ in range(3 * (BURST + RATE))]
    lasted = time.monotonic() - began
    served = [page for page in pages if page.status == 200]
    refused = [page for page in pages if page.status == 429]
    assert len(served) + len(refused) == len(pages)
    # The burst, and what the rate gave in the meantime.
    assert BURST <= len(served) <= BURST + 1 + RATE * (lasted + 1)
    assert refused and all(map(is_told_why, refused))
    # Somebody else is served, and files are.
    assert asked(site, "192.0.2.4").status == 200
    assert asked(site, "192.0.2.3", "/static/file.txt").status == 200


def test_a_stream_is_a_request_that_is_under_way(tmp_path: Path) -> None:
    proxy = {
        "limits": {**LIMITS, "requests_per_second": 1000},
        "behind": ["127.0.0.1/32"],
        "streaming": ["/wait"],
    }
    server = {"workers": 2, "threads": 16}
    with tiny("nginx", tmp_path, proxy=proxy, server=server) as site, ThreadPoolExecutor(9) as pool:
        streams = [pool.submit(asked, site, "192.0.2.1", "/wait?n=2000") for _ in range(AT_ONCE)]
        time.sleep(1)
        for path in ("/wait", "/"):
            refused = asked(site, "192.0.2.1", path)
            assert refused.status == 429 and is_told_why(refused)
            assert asked(site, "192.0.2.2", path).status == 200
        assert {stream.result().status for stream in streams} == {200}
        assert asked(site, "192.0.2.1", "/wait").status == 200


def test_requests_per_second_count_in_streams(tmp_path: Path) -> None:
    proxy = {"limits": {"requests_per_second": RATE, "burst": BURST}, "streaming": ["/wait"]}
    with tiny("nginx", tmp_path, proxy=proxy) as site:
        found = {site.get("/wait").status for _ in range(3 * (BURST + RATE))}
        assert found == {200, 429}


def test_an_ipv6_client_is_its_network(site: Site) -> None:
    pages = [asked(site, f"2001:db8::{n:x}") for n in range(1, 3 * (BURST + RATE))]
    assert 429 in {page.status for page in pages}
    assert asked(site, "2001:db8:0:1::1").status == 200


def test_without_declared_limits_nobody_is_turned_away(kind: str, tmp_path: Path) -> None:
    with tiny(kind, tmp_path) as site:
        assert {site.get("/").status for _ in range(300)} == {200}
