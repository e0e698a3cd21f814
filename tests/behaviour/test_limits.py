"""What one address may ask of either proxy: what is over gets 429, the others are served."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploygen.stack import Response, ask
from tests import http2
from tests.behaviour.proxies import Site
from tests.tiny import tiny, until
from tests.wire import STRANGER, TRUSTED, proxy_v1, send

pytestmark = pytest.mark.slow

AT_ONCE, RATE, BURST = 4, 5, 15
TLS = {"mode": "files", "certificate": "/nobody/c.pem", "key": "/nobody/k.pem", "redirect": False}
LIMITS = {"connections_per_address": AT_ONCE, "requests_per_second": RATE, "burst": BURST}


@pytest.fixture(scope="module")
def site(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Clients come through a balancer of ours, so that a test can be many addresses."""
    proxy = {"limits": LIMITS, "behind": ["127.0.0.1/32"]}
    server = {"workers": 2, "threads": 16}
    with tiny(kind, tmp_path_factory.mktemp(kind), proxy=proxy, server=server) as site:
        yield site


def asked(site: Site, address: str, path: str = "/") -> Response:
    return site.get(path, X_Forwarded_For=address)


def has_room_again(site: Site, address: str, path: str = "/") -> None:
    """Soon: Apache hears a moment later that a request has ended."""
    until(lambda: asked(site, address, path).status == 200)


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
    has_room_again(site, "192.0.2.1")


@pytest.fixture(scope="module")
def rated(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Only the rate is limited, of streams too."""
    limits = {"requests_per_second": RATE, "burst": BURST}
    proxy = {"limits": limits, "behind": ["127.0.0.1/32"], "streaming": ["/wait"]}
    with tiny(kind, tmp_path_factory.mktemp(f"rated-{kind}"), proxy=proxy) as site:
        yield site


def test_requests_per_second_of_one_address(rated: Site) -> None:
    began = time.monotonic()
    pages = [asked(rated, "192.0.2.3") for _ in range(3 * (BURST + RATE))]
    lasted = time.monotonic() - began
    served = [page for page in pages if page.status == 200]
    refused = [page for page in pages if page.status == 429]
    assert len(served) + len(refused) == len(pages)
    # The burst, and what the rate gave in the meantime.
    assert BURST <= len(served) <= BURST + 1 + RATE * (lasted + 1)
    assert refused and all(map(is_told_why, refused))
    # Somebody else is served, and files are.
    assert asked(rated, "192.0.2.4").status == 200
    assert asked(rated, "192.0.2.3", "/static/file.txt").status == 200


def test_a_stream_is_a_request_that_is_under_way(kind: str, tmp_path: Path) -> None:
    proxy = {
        "limits": {**LIMITS, "requests_per_second": 1000},
        "behind": ["127.0.0.1/32"],
        "streaming": ["/wait"],
    }
    server = {"workers": 2, "threads": 16}
    with tiny(kind, tmp_path, proxy=proxy, server=server) as site, ThreadPoolExecutor(9) as pool:
        streams = [pool.submit(asked, site, "192.0.2.1", "/wait?n=2000") for _ in range(AT_ONCE)]
        time.sleep(1)
        for path in ("/wait", "/"):
            refused = asked(site, "192.0.2.1", path)
            assert refused.status == 429 and is_told_why(refused)
            assert asked(site, "192.0.2.2", path).status == 200
        assert {stream.result().status for stream in streams} == {200}
        has_room_again(site, "192.0.2.1", "/wait")


def test_requests_per_second_count_in_streams(rated: Site) -> None:
    found = {asked(rated, "192.0.2.6", "/wait").status for _ in range(3 * (BURST + RATE))}
    assert found == {200, 429}


def test_an_ipv6_client_is_its_network(rated: Site) -> None:
    pages = [asked(rated, f"2001:db8::{n:x}") for n in range(1, 3 * (BURST + RATE))]
    assert {page.status for page in pages} == {200, 429}
    assert asked(rated, "2001:db8:0:1::1").status == 200


def test_streams_of_one_connection_are_requests(kind: str, tmp_path: Path) -> None:
    proxy = {"limits": {"connections_per_address": AT_ONCE}, "tls": TLS}
    server = {"workers": 2, "threads": 16}
    with tiny(kind, tmp_path, proxy=proxy, server=server) as site:

        def found() -> Counter[int]:
            with http2.connected(site.stack.address, site.host) as client:
                pages = [client.ask("/wait?n=1000") for _ in range(2 * AT_ONCE)]
                return Counter(client.read(page).status for page in pages)

        assert found() == {200: AT_ONCE, 429: AT_ONCE}
        # They are over, and there is room for as many.
        until(lambda: found() == {200: AT_ONCE, 429: AT_ONCE})


def test_both_ways_in_are_counted_together(kind: str, tmp_path: Path) -> None:
    proxy = {"limits": {"connections_per_address": AT_ONCE}, "tls": TLS}
    server = {"workers": 2, "threads": 16}
    with tiny(kind, tmp_path, proxy=proxy, server=server) as site:

        def plain(path: str) -> Response:
            address = ("127.0.0.1", site.stack.ports[80])
            return ask(address, path, headers={"Host": site.host})

        with ThreadPoolExecutor(AT_ONCE) as pool:
            pages = [pool.submit(plain, "/wait?n=2000") for _ in range(AT_ONCE)]
            time.sleep(1)
            assert [plain("/").status, site.get("/").status] == [429, 429]
        assert {page.result().status for page in pages} == {200}


def test_who_comes_by_the_proxy_protocol_is_counted_by_address(kind: str, tmp_path: Path) -> None:
    """Clients of the balancer's each by themselves; a stranger by its own, whatever it says."""
    behind = {"networks": [f"{TRUSTED}/32"], "proxy_protocol": True}
    proxy = {"limits": {"requests_per_second": RATE, "burst": BURST}, "behind": behind}
    many = range(3 * (BURST + RATE))
    with tiny(kind, tmp_path, proxy=proxy) as site:

        def status(client: str, source: str) -> int:
            before = proxy_v1(client)
            answer = send(site.stack.address, host=site.host, before=before, source=source)
            assert answer is not None
            return answer.status

        assert {status("192.0.2.1", TRUSTED) for _ in many} == {200, 429}
        assert status("192.0.2.2", TRUSTED) == 200
        assert {status(f"198.51.100.{n}", STRANGER) for n in many} == {200, 429}
        assert status("192.0.2.2", TRUSTED) == 200


def test_a_request_that_failed_is_over(site: Site) -> None:
    """The worker dies with it, and the answer is the proxy's own."""
    for _ in range(AT_ONCE + 2):
        until(lambda: asked(site, "192.0.2.5", "/die").status == 502)


def counting(site: Site, mode: str) -> int:
    """The process that counts for Apache, or the one that tells it what has ended.

    0 where there is none, and where there are two: Apache reads its files twice as it starts, and
    a log's program ends by itself.
    """
    master = site.stack.pids["apache"]
    found = []
    for child in Path(f"/proc/{master}/task/{master}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError):
            if mode.encode() in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                found.append(int(child))
    return found[0] if len(found) == 1 else 0


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Site]:
    proxy = {"kind": "apache", "limits": {"connections_per_address": 1}}
    with tiny("apache", tmp_path, proxy=proxy, server={"workers": 2, "threads": 4}) as site:
        yield site


def both(site: Site) -> list[int]:
    """The statuses of two requests that are under way at once."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(site.get, "/wait?n=500")
        time.sleep(0.2)
        second = site.get("/")
        return [first.result().status, second.status]


def test_when_nobody_counts_everybody_is_served(counted: Site) -> None:
    """Until Apache is reloaded; a reload forgets what was counted, and counts on."""
    assert both(counted) == [200, 429]
    until(lambda: counting(counted, "asked") > 0)
    os.kill(counting(counted, "asked"), signal.SIGKILL)
    until(lambda: both(counted) == [200, 200])
    os.kill(counted.stack.pids["apache"], signal.SIGUSR1)
    until(lambda: both(counted) == [200, 429], seconds=20)


def test_who_tells_what_has_ended_is_started_again(counted: Site) -> None:
    until(lambda: counting(counted, "ended") > 0)
    before = counting(counted, "ended")
    os.kill(before, signal.SIGKILL)
    until(lambda: counting(counted, "ended") not in {0, before}, seconds=20)
    until(lambda: both(counted) == [200, 429], seconds=20)


def test_without_declared_limits_nobody_is_turned_away(kind: str, tmp_path: Path) -> None:
    with tiny(kind, tmp_path) as site:
        assert {site.get("/").status for _ in range(300)} == {200}
