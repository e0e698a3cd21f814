"""python -m benchmarks.readers: the memory that a client takes whose response waits in the proxy.

The processes of nginx and Apache are measured before, and while so many clients read nothing. What
the plan takes for Apache (deploygen/plan/mpm.py) is what this printed, rounded up.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import http2, slow
from tests.behaviour.proxies import KINDS, Site
from tests.tiny import tiny

MACHINE: dict[str, Any] = {"machines": {"web": {"cpus": 1, "memory": "512M"}}}
TLS = {"mode": "files", "certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/private/shop.key"}
CLIENTS = 200
# Bytes of the response.
SIZES = (1_000, 100_000, 120_000)
# Clients over HTTP/2, and what each of them asks at once.
STREAMS = ((200, 1), (10, 20))


@contextlib.contextmanager
def waiting(site: Site, size: int, clients: int, streams: int) -> Iterator[None]:
    """Clients that have asked, and do not read; over HTTP/2 where there are ``streams``."""
    path, address = f"/bytes?n={size}&piece=8192", site.stack.address
    if streams:
        over_http2 = http2.readers(address, clients, streams=streams, path=path, host=site.host)
        with over_http2:
            yield
    else:
        with slow.readers(address, clients, path=path, host=site.host):
            yield


def measure(kind: str, size: int, clients: int, streams: int = 0) -> None:
    """One row: a proxy of its own, so that nothing is left of the row before."""
    more: dict[str, Any] = {"proxy": {"tls": TLS}} if streams else {}
    with (
        tempfile.TemporaryDirectory() as folder,
        slow.many_files(),
        tiny(kind, Path(folder), **MACHINE, **more) as site,
    ):
        before = slow.memory_bytes(site.stack.pids[kind])
        with waiting(site, size, clients, streams):
            time.sleep(3)
            taken = (slow.memory_bytes(site.stack.pids[kind]) - before) / 1024
    asked = clients * max(streams, 1)
    words = f"HTTP/2, {streams} at once" if streams else "HTTP/1.1"
    print(
        f"{kind:7} {words:18} {size:8} bytes {taken / asked:8.0f} KiB each of {asked}", flush=True
    )


def main() -> None:
    """All rows, of both proxies."""
    for kind in KINDS:
        for size in SIZES:
            measure(kind, size, CLIENTS)
        for clients, streams in STREAMS:
            measure(kind, SIZES[1], clients, streams)


if __name__ == "__main__":
    main()
