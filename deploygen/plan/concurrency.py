"""The heart of the plan: how many requests at once, in how many workers and threads.

First how many requests the machine should work on at once (``target``), then how that number
splits into workers, threads and green threads (``shape``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from deploygen.errors import InputError
from deploygen.plan import memory, sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, Source
from deploygen.units import about, plural

# One crash must not take the site down.
MIN_WORKERS = 2

# What a kind means where nobody measured: ms of waiting for each ms of computing. A page that
# asks a database waits a few times as long as it computes; one that asks other services, ten.
ASSUMED_WAIT_RATIO = {"mixed": 4, "io": 10}

# Up to here a worker's threads share one interpreter lock well; above, green threads do better.
THREADS_MAX = 32
# Without green threads, more threads still beat an idle machine; each costs about a MiB.
THREADS_LIMIT = 128

# gunicorn's own default, and the number that its green-thread workers are usually run with.
CONNECTIONS = 1000

ASYNC_CLASSES = ("gevent", "asgi", "uvicorn_worker.UvicornWorker", "tornado")
UVICORN = "uvicorn_worker.UvicornWorker"


@dataclass(frozen=True)
class Target:
    """How many requests to work on at once, and why."""

    concurrency: float
    reason: str
    source: Source


@dataclass(frozen=True)
class Shape:
    """Worker class, workers, threads and connections: what can run at once."""

    worker_class: Setting
    workers: Setting
    threads: Setting
    worker_connections: Setting

    @property
    def concurrency(self) -> int:
        """How many requests are worked on at once, all workers together."""
        return concurrency_of(
            self.worker_class.text,
            self.workers.number,
            self.threads.number,
            self.worker_connections.number,
        )


def concurrency_of(worker_class: str, workers: int, threads: int, connections: int) -> int:
    """Requests at once: a sync worker one, gthread its threads, the others their connections."""
    if worker_class in ASYNC_CLASSES:
        return workers * connections
    return workers * (threads if worker_class == "gthread" or threads > 1 else 1)


def of(gunicorn: Settings) -> int:
    """Requests at once under gunicorn's decided settings."""
    return concurrency_of(
        gunicorn["worker_class"].text,
        gunicorn["workers"].number,
        gunicorn["threads"].number,
        gunicorn["worker_connections"].number,
    )


def target(facts: Facts) -> Target:
    """How many requests should be in work at once."""
    if facts.cpu_ms is not None and facts.wait_ms is not None:
        ratio = facts.wait_ms / facts.cpu_ms
        wanted = facts.cpus * (1 + ratio)
        return Target(
            wanted,
            f"a request computes {facts.cpu_ms:g} ms and waits {facts.wait_ms:g} ms: "
            f"{facts.cpus:g} x (1 + {facts.wait_ms:g} / {facts.cpu_ms:g}) = {_round(wanted)} "
            f"requests at once keep {plural(facts.cpus, 'cpu')} busy",
            sources.GOETZ,
        )
    if facts.kind in ASSUMED_WAIT_RATIO:
        ratio = ASSUMED_WAIT_RATIO[facts.kind]
        wanted = facts.cpus * (1 + ratio)
        return Target(
            wanted,
            f"kind {facts.kind}, unmeasured: taken to wait {ratio} ms for each ms of computing, "
            f"{facts.cpus:g} x (1 + {ratio}) = {_round(wanted)} requests at once",
            sources.GOETZ,
        )
    if facts.kind == "cpu":
        return Target(
            facts.cpus,
            f"requests compute: {plural(facts.cpus, 'cpu')} work on no more than as many at once, "
            "and more workers would cost memory and latency for nothing",
            sources.GUNICORN_DESIGN,
        )
    wanted = 2 * facts.cpus + 1
    return Target(
        wanted,
        f"nothing measured: 2 x {facts.cpus:g} cpus + 1 = {_round(wanted)} requests at once",
        sources.GUNICORN_DESIGN,
    )


def shape(facts: Facts, forced_class: str | None = None) -> Shape:
    """Worker class, workers, threads and connections for the facts.

    ``forced_class`` is the description's own choice of worker class; the rest is planned
    for it. Raises InputError when no worker fits the memory or the database budget.
    """
    wanted = target(facts)
    worker_class = _worker_class(facts, wanted)
    if forced_class is not None and forced_class != worker_class.text:
        worker_class = Setting(
            "worker_class",
            forced_class,
            "set in deploygen.yml",
            sources.DESCRIPTION,
            overridden=worker_class.value,
        )
    elif forced_class is not None:
        worker_class = Setting(
            "worker_class", forced_class, worker_class.reason, worker_class.source
        )
    workers = _workers(facts, worker_class.text, wanted)
    threads = _threads(facts, worker_class.text, workers.number, wanted)
    connections = _connections(facts, worker_class.text, workers.number)
    return _within_database_budget(facts, Shape(worker_class, workers, threads, connections))


def _worker_class(facts: Facts, wanted: Target) -> Setting:
    def chosen(value: str, reason: str, source: Source = sources.GUNICORN_DESIGN) -> Setting:
        return Setting("worker_class", value, reason, source)

    if facts.interface == "asgi":
        return _asgi_class(facts)
    if facts.greenlet_safe and _threads_wanted(facts, wanted) > THREADS_MAX:
        return chosen(
            "gevent",
            f"{wanted.reason}; that is {_threads_wanted(facts, wanted)} threads a worker, more "
            f"than the {THREADS_MAX} that threads carry well, and the application is "
            "greenlet-safe: green threads",
        )
    if facts.long_lived and facts.greenlet_safe:
        return chosen(
            "gevent",
            f"{facts.long_lived} connections stay open: green threads hold them at little cost",
        )
    if not facts.thread_safe and facts.buffering_proxy:
        return chosen(
            "sync",
            "the code is not thread-safe: one request at a time in each worker, and nginx "
            "buffers both ways, so that a slow client never holds one",
        )
    return chosen(
        "gthread",
        "threads share a worker's memory, its main thread keeps the heartbeat going while a "
        "request computes, and a waiting request does not block the others",
    )


def _asgi_class(facts: Facts) -> Setting:
    # From 25.1 to 26.0 Django lost database connections under gunicorn's own asgi worker.
    leaky = facts.framework == "django" and (25, 1) <= facts.gunicorn < (26, 1)
    if facts.gunicorn >= (25, 1) and not leaky:
        return Setting(
            "worker_class",
            "asgi",
            "the application speaks ASGI, and gunicorn's own asgi worker is stable since 25.1",
            sources.GUNICORN_NEWS,
        )
    why = (
        "Django loses database connections under gunicorn's asgi worker before 26.1"
        if leaky
        else "gunicorn has an asgi worker of its own only since 25.1"
    )
    return Setting(
        "worker_class",
        UVICORN,
        f"the application speaks ASGI; {why}: the package uvicorn-worker serves it",
        sources.GUNICORN_NEWS,
    )


def _workers(facts: Facts, worker_class: str, wanted: Target) -> Setting:
    fit = memory.workers_that_fit(facts)
    source = sources.GUNICORN_DESIGN
    if worker_class == "sync" or not facts.thread_safe:
        # Each worker is one request: processes have to cover the whole concurrency.
        ideal = max(MIN_WORKERS, ceil(wanted.concurrency))
        reason = f"{wanted.reason}, one in each worker"
        source = wanted.source
    elif facts.free_threaded:
        ideal = MIN_WORKERS
        reason = (
            "a free-threaded Python computes in all threads at once: two workers, so that "
            "one crash does not take the site down"
        )
        source = sources.PYTHON_FREE_THREADING
    else:
        ideal = max(MIN_WORKERS, facts.cores)
        per_core = f"one worker for each of {plural(facts.cores, 'core')}"
        reason = (
            f"{per_core}: a Python process computes on one core at a time"
            if ideal == facts.cores
            else f"{per_core} would be one, and one crash must not take the site down: two"
        )
    if ideal <= fit:
        return Setting("workers", ideal, reason, source)
    room = memory.budget(facts)
    measured = "" if facts.worker_bytes_measured else " (assumed)"
    return Setting(
        "workers",
        fit,
        f"memory allows {fit} of {ideal} wanted: {room.words}, for two releases at once, "
        f"and a worker takes {about(facts.worker_bytes)}{measured}",
        sources.MEMORY,
    )


def _threads_wanted(facts: Facts, wanted: Target) -> int:
    workers = min(max(MIN_WORKERS, facts.cores), memory.workers_that_fit(facts))
    return max(1, ceil(_steady(wanted.concurrency / workers)))


def _threads(facts: Facts, worker_class: str, workers: int, wanted: Target) -> Setting:
    def chosen(value: int, reason: str, source: Source = sources.GUNICORN_DESIGN) -> Setting:
        return Setting("threads", value, reason, source)

    if worker_class in ASYNC_CLASSES:
        return chosen(1, f"threads do not apply to the {worker_class} worker")
    if worker_class == "sync":
        return chosen(1, "a sync worker has one thread; more would make it gthread")
    if not facts.thread_safe:
        return chosen(1, "the code is not thread-safe: one request at a time in each worker")
    share = max(1, ceil(_steady(wanted.concurrency / workers)))
    if share < 2:
        return chosen(
            2,
            f"{wanted.reason}; a second thread lets a short request pass a long one",
            wanted.source,
        )
    if share > THREADS_LIMIT:
        return chosen(
            THREADS_LIMIT,
            f"{wanted.reason}; that is {share} threads in each of {plural(workers, 'worker')}, "
            f"more than threads carry: bounded. Declare greenlet_safe if it is true, or make "
            "the application asynchronous",
            wanted.source,
        )
    crowded = (
        f"; threads carry {THREADS_MAX} a worker well, beyond that they contend for the "
        "interpreter lock: declare greenlet_safe if it is true"
        if share > THREADS_MAX
        else ""
    )
    return chosen(
        share,
        f"{wanted.reason}; over {plural(workers, 'worker')} that is {share} threads each, "
        f"which share the worker's memory{crowded}",
        wanted.source,
    )


def _connections(facts: Facts, worker_class: str, workers: int) -> Setting:
    if worker_class not in ASYNC_CLASSES:
        return Setting(
            "worker_connections",
            CONNECTIONS,
            f"gunicorn's default: how many clients a {worker_class} worker holds open, "
            "far above what the proxy sends it at once",
            sources.GUNICORN_SETTINGS,
        )
    held = ceil(facts.long_lived / workers)
    return Setting(
        "worker_connections",
        CONNECTIONS + held,
        f"{CONNECTIONS} requests at once in each worker"
        + (f", and its share of {facts.long_lived} connections that stay open" if held else "")
        + ": bounded, so that a flood waits in the queue instead of filling the memory",
        sources.GUNICORN_SETTINGS,
    )


def _within_database_budget(facts: Facts, planned: Shape) -> Shape:
    """``planned``, made smaller until it opens no more database connections than allowed."""
    if facts.db_connections is None:
        return planned
    # Both slots of every host run at once during a release.
    per_slot = floor(facts.db_connections / (facts.hosts_total * memory.SLOTS))
    if per_slot < 1:
        raise InputError.one(
            f"{plural(facts.db_connections, 'database connection')} for "
            f"{plural(facts.hosts_total, 'host')}, each with two releases at once during a "
            "release, is less than one for each",
            where=("workload", "db_connections"),
            allowed=f"at least {facts.hosts_total * memory.SLOTS}",
            hint="raise the database's limit, or put a connection pooler in front of it",
        )
    if planned.concurrency <= per_slot:
        return planned
    workers = min(planned.workers.number, per_slot)
    each = per_slot // workers
    why = (
        f"the database allows {facts.db_connections} connections: over "
        f"{plural(facts.hosts_total, 'host')} and two releases at once that is {per_slot} here"
    )
    source = sources.DATABASE
    smaller_workers = (
        planned.workers
        if workers == planned.workers.number
        else Setting("workers", workers, why, source)
    )
    name = "worker_connections" if planned.worker_class.text in ASYNC_CLASSES else "threads"
    bounded = Setting(name, each, f"{why}, {each} in each of {plural(workers, 'worker')}", source)
    if planned.worker_class.text == "sync":
        return Shape(
            planned.worker_class, smaller_workers, planned.threads, planned.worker_connections
        )
    if name == "threads":
        return Shape(planned.worker_class, smaller_workers, bounded, planned.worker_connections)
    return Shape(planned.worker_class, smaller_workers, planned.threads, bounded)


def _steady(number: float) -> float:
    """Without the last digits of floating point, which would tip a ceil()."""
    return round(number, 9)


def _round(number: float) -> str:
    return f"{_steady(number):.4g}"
