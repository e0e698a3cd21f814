"""A WSGI application that costs what it is told: CPU ms, wait ms, memory of each worker.

LOAD_CPU_MS, LOAD_WAIT_MS and LOAD_MEMORY_MB in the environment say how much.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

CPU_S = float(os.environ.get("LOAD_CPU_MS", "0")) / 1000
WAIT_S = float(os.environ.get("LOAD_WAIT_MS", "0")) / 1000
BALLAST = bytearray(os.urandom(1)) * (int(os.environ.get("LOAD_MEMORY_MB", "0")) * 1024 * 1024)


def _turns_a_second() -> float:
    """How much of the work below one second of CPU does."""
    turns, start = 0, time.thread_time()
    while time.thread_time() - start < 0.05:
        _work(1000)
        turns += 1000
    return turns / (time.thread_time() - start)


def _work(turns: int) -> int:
    total = 0
    for number in range(turns):
        total += number * number % 7
    return total


# Each worker measures itself: a request costs CPU time, whoever else computes meanwhile.
TURNS = int(_turns_a_second() * CPU_S)


def application(_environ: dict[str, object], start: Callable[..., object]) -> Iterable[bytes]:
    """Computes, waits, answers."""
    _work(TURNS)
    if WAIT_S:
        time.sleep(WAIT_S)
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\n"]
