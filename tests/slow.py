"""Slow clients in numbers, and somebody who asks for a page all the while.

The clients are slowhttptest's, and readers of our own: on the loopback a packet has 64 KB and the
kernel takes some 2 MB of a response at once, so that slowhttptest's readers are slow only for what
is larger. A reader of ours agrees on packets of the size that a network has, and the kernel takes
some 50 KB.
"""

from __future__ import annotations

import contextlib
import csv
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import needed

Address = tuple[str, int]

EVERY_S = 0.1
PATIENCE_S = 5.0
# What a packet carries over Ethernet.
SEGMENT = 1400


@dataclass(frozen=True)
class Mode:
    """One of slowhttptest's: its options, what it asks, how many come in a second, how long."""

    options: tuple[str, ...]
    path: str = "/"
    rate: int = 1000
    seconds: int = 8


MODES = {
    "headers": Mode(("-H", "-i", "3")),
    "bodies": Mode(("-B", "-i", "3", "-s", "8192", "-x", "10"), "/echo"),
    # Each response has to be made: what comes too fast is a flood, and no slow client.
    "readers": Mode(
        ("-X", "-w", "1", "-y", "512", "-n", "1", "-z", "5", "-k", "1"), "/bytes?n=100000", 150, 10
    ),
}


@dataclass
class Probed:
    """What the one who asks for a page has seen: seconds of each answer, and what failed.

    ``due`` is how often 100 ms have passed: who waits for an answer asks nothing else.
    """

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    due: int = 0

    @property
    def asked(self) -> int:
        return len(self.seconds) + len(self.failed)

    def wait(self, more: int) -> None:
        """Until so many more probes have their answer, however fast this machine is."""
        wanted = self.asked + more
        while self.asked < wanted:
            time.sleep(EVERY_S)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[int(share * (len(ordered) - 1))] * 1000 if ordered else float("inf")

    def __str__(self) -> str:
        return (
            f"{len(self.seconds)} of {self.asked} probes answered, "
            f"p50 {self.percentile_ms(0.5):.0f} ms, p99 {self.percentile_ms(0.99):.0f} ms"
        )


@contextlib.contextmanager
def probing(ask: Callable[[float], int]) -> Iterator[Probed]:
    """Ask every 100 ms while the block runs; ``ask`` takes its patience and returns the status."""
    probed, over = Probed(), threading.Event()

    def probe() -> None:
        due = time.monotonic()
        while not over.is_set():
            began = time.monotonic()
            try:
                status = ask(PATIENCE_S)
            except OSError as error:
                probed.failed.append(type(error).__name__)
            else:
                if status == 200:
                    probed.seconds.append(time.monotonic() - began)
                else:
                    probed.failed.append(str(status))
            due = max(due + EVERY_S, time.monotonic())
            over.wait(due - time.monotonic())

    thread = threading.Thread(target=probe)
    thread.start()
    began = time.monotonic()
    try:
        yield probed
    finally:
        over.set()
        thread.join()
        probed.due = max(probed.asked, int((time.monotonic() - began) / EVERY_S))


def slowhttptest(mode: str, address: Address, clients: int, *, folder: Path) -> int:
    """Run it to its end; how many of its clients were connected at once.

    It exits with 0 whatever happens: only its CSV tells.
    """
    report = folder / f"slow-{mode}"
    chosen = MODES[mode]
    url = f"http://{address[0]}:{address[1]}{chosen.path}"
    command = (
        needed("slowhttptest"), *chosen.options, "-c", str(clients), "-r", str(chosen.rate),
        "-l", str(chosen.seconds), "-u", url, "-p", "5", "-v", "0", "-g", "-o", str(report),
    )  # fmt: skip
    # It is killed at the time-out, and only it.
    subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        timeout=chosen.seconds + 60, check=False,
    )  # fmt: skip
    with report.with_suffix(".csv").open() as lines:
        return max(int(row["Connected"]) for row in csv.DictReader(lines))


@contextlib.contextmanager
def readers(
    address: Address,
    clients: int,
    *,
    path: str,
    host: str,
    encoding: str = "identity",
    wait: bool = True,
) -> Iterator[list[socket.socket]]:
    """Clients from afar that have asked, and read nothing while the block runs.

    The next ones come when these are being answered (``wait``): not as a flood.
    """
    asked = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: {encoding}\r\n"
        "Connection: close\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        found = []
        for number in range(clients):
            sock = stack.enter_context(socket.socket())
            sock.settimeout(30)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(address)
            sock.sendall(asked.encode())
            found.append(sock)
            if wait and number % 10 == 9:
                for each in found[-10:]:
                    each.recv(1, socket.MSG_PEEK)
        yield found


def memory_bytes(master: int) -> int:
    """What a proxy's processes hold; what they share is counted once."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return 1024 * sum(map(_proportional_kib, (master, *map(int, children))))


def _proportional_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1])


def whole(sock: socket.socket) -> bytes:
    """All that a reader gets."""
    answer = bytearray()
    while part := sock.recv(1 << 20):
        answer += part
    return bytes(answer)


@contextlib.contextmanager
def many_files() -> Iterator[int]:
    """As many open files as this user may have, in the block, and for what is started in it."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        yield most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
