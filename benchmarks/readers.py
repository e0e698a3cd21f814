"""python -m benchmarks.readers: the memory that a client takes whose response waits in the proxy.

The processes of nginx and Apache are measured before, and while so many clients read nothing. What
the plan takes for them (deploygen/plan/nginx.py, mpm.py) is what this printed, rounded up, but for
compression.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import http2, slow
from tests.behaviour.proxies import KINDS, Site
from tests.tiny import tiny

MACHINE: dict[str, Any] = {"machines": {"web": {"cpus": 1, "memory": "512M"}}}
TLS = {"mode": "files", "certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/private/shop.key"}
CLIENTS = 200
# Bytes of the response; beyond 128 KiB only nginx takes it.
SIZES = {"nginx": (1_000, 100_000, 120_000, 400_000), "apache": (1_000, 100_000, 120_000)}
# Clients over HTTP/2, and what each of them asks at once.
STREAMS = ((200, 1), (10, 20))


@dataclass(frozen=True)
class Row:
    """Clients that ask at once for a response of so many bytes, and do not read it.

    Over HTTP/2 where there are ``streams`` of each.
    """

    size: int
    clients: int = CLIENTS
    streams: int = 0
    encoding: str = "identity"

    @property
    def words(self) -> str:
        """How they ask."""
        way = f"HTTP/2, {self.streams} at once" if self.streams else "HTTP/1.1"
        return way if self.encoding == "identity" else f"{way}, {self.encoding}"


@contextlib.contextmanager
def waiting(site: Site, row: Row) -> Iterator[None]:
    """The clients have asked, and do not read."""
    # What is compressed is noise: it stays as large.
    path = f"/bytes?n={row.size}&piece=8192" + ("" if row.encoding == "identity" else "&noise=1")
    ask: dict[str, Any] = {"path": path, "host": site.host}
    with (
        http2.readers(site.stack.address, row.clients, streams=row.streams, **ask)
        if row.streams
        else slow.readers(site.stack.address, row.clients, encoding=row.encoding, **ask)
    ):
        yield


def measure(kind: str, row: Row) -> None:
    """Print a row, of a proxy of its own: nothing is left of the row before."""
    more: dict[str, Any] = {"proxy": {"tls": TLS}} if row.streams else {}
    with (
        tempfile.TemporaryDirectory() as folder,
        slow.many_files(),
        tiny(kind, Path(folder), **MACHINE, **more) as site,
    ):
        before = slow.memory_bytes(site.stack.pids[kind])
        with waiting(site, row):
            time.sleep(3)
            taken = (slow.memory_bytes(site.stack.pids[kind]) - before) / 1024
    asked = row.clients * max(row.streams, 1)
    print(
        f"{kind:7} {row.words:18} {row.size:8} bytes {taken / asked:8.0f} KiB each of {asked}",
        flush=True,
    )


def main() -> None:
    """All rows, of both proxies."""
    for kind in KINDS:
        for size in SIZES[kind]:
            measure(kind, Row(size))
        largest = SIZES[kind][-1]
        for clients, streams in STREAMS:
            measure(kind, Row(largest, clients, streams))
        measure(kind, Row(largest, encoding="gzip"))


if __name__ == "__main__":
    main()
