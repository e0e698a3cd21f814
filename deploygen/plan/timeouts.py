"""The chain of timeouts: slowest request < gunicorn < proxy, and the drain < systemd's patience.

Each link waits a little longer than the one before it, so that the part that knows most about
a failure is the one that reports it. All in seconds.
"""

from __future__ import annotations

from math import ceil

# gunicorn's default timeout: below it there is nothing to gain.
FLOOR_S = 30
# A request that is slower than the slowest declared is not killed the very moment it is.
SLACK = 1.5
# What the proxy waits longer than gunicorn works: the time that a request may queue.
QUEUE_S = 10
# What systemd waits longer than gunicorn drains: its workers still have to exit.
STOP_MARGIN_S = 10


def timeout_s(slowest_request_s: float) -> int:
    """After how long a worker counts as hung."""
    return max(FLOOR_S, ceil(slowest_request_s * SLACK))


def graceful_timeout_s(slowest_request_s: float) -> int:
    """How long a worker that stops may finish what it has."""
    return timeout_s(slowest_request_s)


def proxy_read_timeout_s(timeout: int) -> int:
    """How long the proxy waits for the answer: working time and queueing time."""
    return timeout + QUEUE_S


def stop_timeout_s(graceful_timeout: int) -> int:
    """How long systemd waits before it kills."""
    return graceful_timeout + STOP_MARGIN_S
