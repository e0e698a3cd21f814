"""What the environment may override when a container starts, and how far.

The same invariants that hold a description hold a variable: the container's entry checks it
against these bounds before gunicorn starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.plan import memory, timeouts
from deploygen.plan.concurrency import THREADS_LIMIT
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Settings
from deploygen.plan.shape import is_async
from deploygen.plan.sysctl import somaxconn
from deploygen.units import about, number, plural

# No container answers a request sooner than a second; what a variable may not go below.
LEAST_TIMEOUT_S = 1
# gunicorn has no bound of its own; ten million requests are for ever.
MOST_REQUESTS = 10_000_000


@dataclass(frozen=True)
class Bound:
    """A variable that overrides a setting: whole numbers from ``least`` to ``most``, and why."""

    variable: str
    setting: str
    least: int
    most: int
    why: str


@dataclass(frozen=True)
class Joint:
    """What two settings together may amount to: ``workers`` times ``each`` is at most ``most``."""

    each: str
    most: int
    why: str


@dataclass(frozen=True)
class Bounds:
    """Everything that the environment may say of gunicorn."""

    variables: tuple[Bound, ...]
    joint: tuple[Joint, ...]

    def most(self, setting: str) -> int | None:
        """The most that a setting may be overridden with; None where it can't be."""
        return next((each.most for each in self.variables if each.setting == setting), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables."""
        return tuple(bound.variable for bound in self.variables)


def bounds(facts: Facts, gunicorn: Settings, proxy: Settings) -> Bounds:
    """The bounds for the decided settings; ``proxy`` is empty without one of ours."""
    patience = proxy.get("proxy_read_timeout") or proxy.get("ProxyTimeout")
    read_timeout = patience.number if patience else None
    return Bounds(
        tuple(_each(facts, gunicorn, read_timeout)), tuple(_joint(facts, gunicorn, proxy))
    )


def _each(facts: Facts, gunicorn: Settings, read_timeout: int | None) -> Iterator[Bound]:
    fit = memory.workers_that_fit(facts)
    room = (
        f"{memory.budget(facts).words}, and a worker takes {about(facts.worker_bytes)}"
        f"{'' if facts.worker_bytes_measured else ' (assumed)'}"
    )
    yield Bound("WEB_CONCURRENCY", "workers", 1, fit, room)
    yield Bound("GUNICORN_WORKERS", "workers", 1, fit, room)
    worker_class = gunicorn["worker_class"].text
    connections = gunicorn["worker_connections"].number
    if worker_class == "gthread" and facts.thread_safe:
        most, why = min(
            (connections, f"a worker accepts {plural(connections, 'connection')}: more would idle"),
            (THREADS_LIMIT, "threads carry no more in one worker"),
        )
        yield Bound("GUNICORN_THREADS", "threads", 1, most, why)
    if is_async(worker_class):
        why = "the proxy and the open files of the container are planned for no more"
        yield Bound("GUNICORN_WORKER_CONNECTIONS", "worker_connections", 1, connections, why)
    yield _timeout(facts, gunicorn, read_timeout)
    graceful = gunicorn["graceful_timeout"].number
    why = (
        f"the container is killed {timeouts.stop_timeout_s(graceful)} s after it was asked to "
        f"stop, and the workers need {timeouts.STOP_MARGIN_S} s to exit"
    )
    yield Bound("GUNICORN_GRACEFUL_TIMEOUT", "graceful_timeout", LEAST_TIMEOUT_S, graceful, why)
    why = "the kernel keeps no longer queue: net.core.somaxconn"
    yield Bound("GUNICORN_BACKLOG", "backlog", 1, somaxconn(gunicorn["backlog"].number).number, why)
    why = "0 replaces no worker"
    yield Bound("GUNICORN_MAX_REQUESTS", "max_requests", 0, MOST_REQUESTS, why)


def _timeout(facts: Facts, gunicorn: Settings, read_timeout: int | None) -> Bound:
    slowest = max(LEAST_TIMEOUT_S, int(-(-facts.slowest_request_s // 1)))
    if read_timeout is None:
        most = gunicorn["timeout"].number
        why = "the plan's own: a hung worker is noticed no later"
    else:
        most = read_timeout - timeouts.QUEUE_S
        why = (
            f"the proxy gives up after {read_timeout} s, and a request may queue for "
            f"{timeouts.QUEUE_S} s of them"
        )
    why += f"; the slowest request takes {number(facts.slowest_request_s)} s"
    return Bound("GUNICORN_TIMEOUT", "timeout", min(slowest, most), most, why)


def _joint(facts: Facts, gunicorn: Settings, proxy: Settings) -> Iterator[Joint]:
    each = "worker_connections" if is_async(gunicorn["worker_class"].text) else "threads"
    if facts.db_connections is not None:
        yield Joint(
            each,
            facts.db_connections // (facts.hosts_total * facts.slots),
            f"the database allows {plural(facts.db_connections, 'connection')} on "
            f"{plural(facts.hosts_total, 'host')}",
        )
    if "worker_processes" in proxy:
        processes, connections = proxy["worker_processes"], proxy["worker_connections"]
        # Two for each: the client's and gunicorn's.
        yield Joint(
            each,
            processes.number * connections.number // 2,
            f"the proxy's worker_processes {processes.value} x worker_connections "
            f"{connections.value} carry no more",
        )
