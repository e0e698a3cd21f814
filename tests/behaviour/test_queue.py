"""A gunicorn that is full, gone or dying, behind each proxy: clean answers, never a reset."""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploygen.plan import timeouts
from deploygen.stack import Response
from tests.behaviour.proxies import Site
from tests.tiny import tiny, until

pytestmark = pytest.mark.slow

# One request in work, no other inside the worker, and next to nothing in the kernel's queue.
# The timeout is what a heartbeat has on a machine that does much else: with 1 s it was late.
FULL = {"worker_class": "gthread", "workers": 1, "threads": 1, "worker_connections": 1,
        "backlog": 2, "timeout": 5}  # fmt: skip
# More than find a place.
MANY = 10


@pytest.fixture(scope="module")
def site(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(kind)
    with tiny(kind, folder, server=FULL, workload={"slowest_request_s": 0.5}) as site:
        yield site


def is_ours(page: Response) -> bool:
    """Whether it is the proxy's own small page, with all that belongs to it."""
    return (
        b"Please try again in a moment" in page.body
        and page.headers["content-type"].startswith("text/html")
        and page.headers["retry-after"] == "10"
        and page.headers["cache-control"] == "no-store"
        and page.headers["x-content-type-options"] == "nosniff"
    )


def nobody_listens(path: str | Path) -> bool:
    """Whether the socket is there, and its server is not."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == errno.ECONNREFUSED


def test_a_full_queue_is_waited_for_and_then_refused(site: Site) -> None:
    gunicorn = site.stack.plan.groups["web"].components["gunicorn"]
    patience_ms = (gunicorn["timeout"].number + timeouts.QUEUE_S) * 1000
    with ThreadPoolExecutor(MANY) as pool:
        working = pool.submit(site.get, f"/wait?n={patience_ms + 8000}")
        until((site.project / "waiting").exists)
        queued = [pool.submit(site.get, "/") for _ in range(MANY - 1)]
        pages = [each.result() for each in (working, *queued)]
    statuses = {page.status for page in pages}
    # Whoever was not served has a page, and nobody was cut off.
    assert all(is_ours(page) for page in pages if page.status != 200)
    if site.kind == "nginx":
        # Who found a place waited for as long as the plan says, the others were sent away.
        assert statuses == {503, 504}
        assert pages[0].status == 504
    else:
        # Apache waits for a place, and says 502 where nginx says 504.
        assert {502} <= statuses <= {200, 502, 503, 504}
    until(lambda: site.get("/").status == 200, seconds=20)


def connected(path: str | Path) -> int:
    """How many connections a socket's server has, as the kernel counts them."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return sum(line[5] == "03" and line[7:] == [str(path)] for line in lines)


def test_no_connection_outlives_its_request(kind: str, tmp_path: Path) -> None:
    """Else one could outlive the switch to the next release, and lose the request after it.

    gunicorn would keep it for a minute.
    """
    with tiny(kind, tmp_path, server={"keepalive": 60}) as site, ThreadPoolExecutor(1) as pool:
        page = pool.submit(site.get, "/wait?n=500", Connection="keep-alive")
        until((site.project / "waiting").exists)
        assert connected(site.stack.socket) == 1
        assert page.result().status == 200
        until(lambda: connected(site.stack.socket) == 0, seconds=5)


def test_a_worker_that_dies_is_a_502(site: Site) -> None:
    page = site.get("/die")
    assert (page.status, is_ours(page)) == (502, True)
    until(lambda: site.get("/").status == 200)


@pytest.mark.parametrize("status", [404, 500, 502, 503, 504])
def test_the_applications_own_pages_pass(site: Site, status: int) -> None:
    page = site.get(f"/fail?n={status}")
    assert (page.status, page.body) == (status, b"the application's own page\n")
    assert "retry-after" not in page.headers


def test_the_page_has_no_url_of_its_own(site: Site) -> None:
    assert site.get("/.unavailable.html").status == 404


def test_no_application_is_a_503(site: Site) -> None:
    # Stays last: the application does not come back.
    for pid in (site.stack.pids["gunicorn"], *site.stack.workers):
        os.kill(pid, signal.SIGKILL)
    until(lambda: nobody_listens(site.stack.socket))
    page = site.get("/")
    assert (page.status, is_ours(page)) == (503, True)
    Path(site.stack.socket).unlink()
    page = site.get("/")
    assert (page.status, is_ours(page)) == (503, True)
    # What needs no application is served all the same.
    assert site.get("/static/file.txt").status == 200
