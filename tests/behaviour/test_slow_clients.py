"""As many slow clients as the plan has room for, and a page that is answered all the while."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.plan import mpm, nginx
from deploygen.plan import shape as shapes
from deploygen.plan.setting import Settings
from tests import http2, slow
from tests.behaviour.proxies import Site
from tests.tiny import tiny, until

pytestmark = pytest.mark.slow

# Small, so that its connections are soon taken: nginx has 1024 of them, Apache 256 threads.
SMALL: dict[str, Any] = {
    "machines": {"web": {"cpus": 1, "memory": "512M"}},
    "server": {"backlog": 64, "worker_connections": 64},
}
# Not there: the stack makes its own.
TLS = {"mode": "files", "certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/private/shop.key"}
# What the proxy itself, the probes and a page on its way from gunicorn take.
FEW = 24


@pytest.fixture(scope="module")
def site(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with slow.many_files(), tiny(kind, tmp_path_factory.mktemp(kind), **SMALL) as site:
        yield site


def planned(site: Site) -> Settings:
    return site.stack.plan.groups["web"].components[site.kind]


def room(site: Site) -> int:
    """How many slow clients the plan has room for."""
    found = planned(site)
    if site.kind == "apache":
        return found["MaxRequestWorkers"].number - FEW
    most = found["worker_processes"].number * found["worker_connections"].number
    # When less than a sixteenth is free, it closes the connection that is idle longest.
    return most - most // 16 - FEW


def page(site: Site, patience_s: float) -> int:
    return site.get("/", timeout_s=patience_s).status


@pytest.mark.parametrize("mode", slow.MODES)
def test_slow_clients_take_the_site_from_nobody(
    site: Site, mode: str, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    clients = room(site)
    with slow.probing(lambda patience: page(site, patience)) as probed:
        connected = slow.slowhttptest(mode, site.stack.address, clients, folder=tmp_path)
    figure(f"{site.kind}, {connected} slow {mode}: {probed}")
    assert connected == clients
    assert probed.failed == []
    assert probed.asked > 10


def largest(site: Site) -> int:
    """Bytes of the largest response that is taken from its worker whole."""
    found = planned(site)
    return 400_000 if site.kind == "nginx" else found["FlushMaxThreshold"].number


@pytest.mark.parametrize("piece", [8192, 1_000_000])
def test_readers_from_afar_hold_no_worker(
    site: Site, piece: int, figure: Callable[[str], None]
) -> None:
    """Written in pieces or at once, a response is taken whole; who reads on gets all of it."""
    size = largest(site)
    clients = room(site)
    if site.kind == "apache":
        # More than it has threads: what is left of a response waits without one.
        clients = planned(site)["MaxRequestWorkers"].number * (1 + mpm.ASYNC_FACTOR) - FEW
    ask = {"path": f"/bytes?n={size}&piece={piece}", "host": site.host}
    with (
        slow.probing(lambda patience: page(site, patience)) as probed,
        slow.readers(site.stack.address, clients, **ask) as readers,
    ):
        probed.wait(30)
        for reader in readers[:: len(readers) // 5]:
            head, _, body = slow.whole(reader).partition(b"\r\n\r\n")
            assert b" 200 " in head.splitlines()[0]
            assert len(body) == size
    figure(f"{site.kind}, {clients} readers of {size} bytes: {probed}")
    assert probed.failed == []


@pytest.fixture(scope="module")
def secure(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(f"secure-{kind}")
    proxy = {"tls": TLS}
    with slow.many_files(), tiny(kind, folder, proxy=proxy, **SMALL) as site:
        yield site


@pytest.mark.parametrize("streams", [1, 30])
def test_readers_over_http2_hold_no_worker(
    secure: Site, streams: int, figure: Callable[[str], None]
) -> None:
    """Their windows are small, and they never say that they want more."""
    clients, size = 200 // streams, 100_000
    ask = {"path": f"/bytes?n={size}&piece=8192", "host": secure.host}
    with (
        slow.probing(lambda patience: page(secure, patience)) as probed,
        http2.readers(secure.stack.address, clients, streams=streams, **ask) as readers,
    ):
        probed.wait(30)
        client, pages = readers[0]
        for asked in pages:
            assert client.read(asked).status == 200
            assert len(asked.body) == size
    figure(f"{secure.kind}, {clients} readers of {streams} x {size} bytes, HTTP/2: {probed}")
    assert probed.failed == []


def test_a_connection_has_the_planned_streams(secure: Site) -> None:
    with http2.connected(secure.stack.address, secure.host) as client:
        assert client.read(client.ask("/")).status == 200
        allowed = client.state.remote_settings.max_concurrent_streams
    # nginx's default; a response that waits takes a quarter there of what it takes in Apache.
    assert allowed == (
        planned(secure)["H2MaxSessionStreams"].number if secure.kind == "apache" else 128
    )


@pytest.mark.parametrize("tls", [False, True])
def test_readers_take_no_more_memory_than_planned(kind: str, tls: bool, tmp_path: Path) -> None:
    clients, changes = 200, {**SMALL, "proxy": {"tls": TLS}} if tls else SMALL
    with slow.many_files(), tiny(kind, tmp_path, **changes) as site:
        size = min(largest(site), 400_000)
        if kind == "apache":
            most = (mpm.HTTP2 if tls else mpm.PLAIN).takes(size)
        else:
            most = nginx.TLS_READER_BYTES if tls else nginx.READER_BYTES
        before = slow.memory_bytes(site.stack.pids[kind])
        ask = {"path": f"/bytes?n={size}&piece=8192", "host": site.host}
        with (
            http2.readers(site.stack.address, clients, streams=1, **ask)
            if tls
            else slow.readers(site.stack.address, clients, **ask)
        ):
            time.sleep(2)
            taken = slow.memory_bytes(site.stack.pids[kind]) - before
    # A tenth for what an allocator keeps.
    assert taken / clients < 1.1 * most


def test_the_limit_of_what_is_larger(site: Site) -> None:
    """nginx puts it on disk. Apache passes it on: a slow reader holds a thread of gunicorn's."""
    places = shapes.of(site.stack.plan.groups["web"].components["gunicorn"]).concurrency
    ask = {"path": "/bytes?n=2000000", "host": site.host}
    with slow.readers(site.stack.address, 2 * places, wait=False, **ask):
        time.sleep(1)
        if site.kind == "nginx":
            assert page(site, 10) == 200
        else:
            with pytest.raises(TimeoutError):
                page(site, 3)
            # What needs no worker is served all the same.
            assert site.get("/static/file.txt").status == 200
    until(lambda: page(site, 10) == 200, seconds=30)


def idle(site: Site, clients: int) -> list[socket.socket]:
    """Connections that have had an answer, and are kept."""
    found = []
    request = f"GET /static/file.txt HTTP/1.1\r\nHost: {site.host}\r\nRange: bytes=0-0\r\n\r\n"
    for number in range(clients):
        sock = socket.create_connection(site.stack.address, timeout=30)
        sock.sendall(request.encode())
        found.append(sock)
        if number % 20 == 19:
            for each in found[-20:]:
                assert each.recv(4096).startswith(b"HTTP/1.1 206")
    return found


def is_open(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return bool(sock.recv(4096))
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.mark.parametrize("wanted", [10_000])
def test_idle_connections_take_the_site_from_nobody(
    kind: str, wanted: int, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    large = {"machines": {"web": {"cpus": 8, "memory": "64G"}}, "workload": {"db_connections": 40}}
    with slow.many_files() as files, tiny(kind, tmp_path, **large) as site:
        # nginx has them by the hundred thousand, Apache some for each of its threads.
        allowed = room(site)
        if kind == "apache":
            allowed = (allowed + FEW) * (1 + mpm.ASYNC_FACTOR) - FEW
        clients = min(wanted, allowed, files - 500)
        connections = idle(site, clients)
        try:
            assert page(site, 10) == 200
            kept = sum(map(is_open, connections))
            assert page(site, 10) == 200
        finally:
            for each in connections:
                each.close()
    figure(f"{kind}: {kept} idle connections of {clients}")
    assert kept > 0.99 * clients


def test_green_threads_hold_readers_of_what_is_larger(kind: str, tmp_path: Path) -> None:
    """Which is why the plan takes them behind Apache, wherever the application may run in them."""
    load = {"greenlet_safe": True, "kind": "io"}
    with slow.many_files(), tiny(kind, tmp_path, **{**SMALL, "server": {}}, workload=load) as site:
        gunicorn = site.stack.plan.groups["web"].components["gunicorn"]
        assert gunicorn["worker_class"].text == "gevent"
        ask = {"path": "/bytes?n=2000000", "host": site.host}
        with slow.readers(site.stack.address, 100, **ask):
            time.sleep(1)
            assert page(site, 10) == 200
