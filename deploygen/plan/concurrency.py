"""The heart of the plan: how many requests at once, in how many workers and threads.

First how many requests the machine should work on at once (target.py), then how that number
splits into workers, threads and green threads (``shape``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from deploygen.plan import database, memory, sources, timeouts
from deploygen.plan.facts import Facts
from deploygen.plan.overrides import override
from deploygen.plan.queue import served
from deploygen.plan.setting import Setting, Source
from deploygen.plan.shape import UVICORN, Shape, is_async
from deploygen.plan.target import Target, target
from deploygen.units import about, number, plural

__all__ = ["MIN_WORKERS", "THREADS_LIMIT", "THREADS_MAX", "shape"]

# One crash must not take the site down.
MIN_WORKERS = 2

# More threads than this, and a core computes more in two workers than in one: threads hand the
# interpreter lock on in steps of 5 ms, and the core idles meanwhile. Green threads do better.
THREADS_WELL = 4
WORKERS_PER_CORE = 2
# ms of waiting for each ms of computing: below, a second thread finds the core taken.
WAITS_HARDLY = 0.25
# Beyond this, threads spend so much on the lock that the reason says what would be better.
THREADS_MAX = 32
# Without green threads, more threads still beat an idle machine; each costs about a MiB.
THREADS_LIMIT = 128

# gunicorn's own default, and the number that its green-thread workers are usually run with.
CONNECTIONS = 1000


def shape(facts: Facts, server: Mapping[str, Any]) -> Shape:
    """Worker class, workers, threads and connections for the facts.

    What ``server`` in the description sets is taken as given, and the rest planned for it.
    Raises InputError when no worker fits the memory or the database budget.
    """

    def given(planned: Setting) -> Setting:
        name = planned.name
        return override(planned, server[name]) if name in server else planned

    wanted = target(facts)
    worker_class = given(_worker_class(facts, wanted))
    workers = given(_workers(facts, worker_class.text, wanted))
    threads = given(_threads(facts, worker_class.text, workers.number, wanted))
    if is_async(worker_class.text):
        connections = given(_requests_of_async(facts, workers.number))
        planned = Shape(worker_class, workers, threads, connections)
        return database.within_budget(facts, planned, wanted, server)
    planned = Shape(
        worker_class, workers, threads, _accepted(facts, worker_class, workers, threads)
    )
    planned = database.within_budget(facts, planned, wanted, server)
    accepted = _accepted(facts, worker_class, planned.workers, planned.threads)
    return replace(planned, worker_connections=given(accepted))


def _worker_class(facts: Facts, wanted: Target) -> Setting:
    def chosen(value: str, reason: str, source: Source = sources.GUNICORN_DESIGN) -> Setting:
        return Setting("worker_class", value, reason, source)

    if facts.interface == "asgi":
        return _asgi_class(facts)
    green = _reason_for_green_threads(facts, wanted)
    if green:
        return chosen("gevent", green)
    if _computes(facts) and facts.buffering_proxy and _beats_in_time(facts):
        return chosen(
            "sync",
            "requests compute, and threads would only wait for each other's interpreter lock; "
            "nginx buffers both ways, so that a slow client never holds a worker",
            sources.FIGURES,
        )
    if facts.thread_safe:
        return chosen(
            "gthread",
            "threads share a worker's memory, its main thread keeps the heartbeat going while a "
            "request computes, and a waiting request does not block the others",
        )
    if facts.buffering_proxy and not facts.streams:
        return chosen(
            "sync",
            "the code is not thread-safe: one request at a time in each worker, and nginx "
            "buffers both ways, so that a slow client never holds one",
        )
    return chosen(
        "gthread",
        "the code is not thread-safe: one thread in each worker, beside the main one that keeps "
        "the heartbeat going however slow the client is",
    )


def _computes(facts: Facts) -> bool:
    """Whether requests do hardly anything but compute, one at a time for each core."""
    if facts.free_threaded or facts.long_lived:
        return False
    if facts.cpu_ms is None or facts.wait_ms is None:
        return facts.kind == "cpu"
    return facts.wait_ms <= facts.cpu_ms * WAITS_HARDLY


def _beats_in_time(facts: Facts) -> bool:
    """Whether a sync worker, which has no heartbeat during a request, is never taken for hung.

    A longer timeout than gunicorn's own would do, and would notice a worker that hangs as late.
    """
    return facts.slowest_request_s * timeouts.SLACK <= timeouts.FLOOR_S


def _reason_for_green_threads(facts: Facts, wanted: Target) -> str | None:
    # gevent's own C code brings the interpreter lock back into a free-threaded Python.
    if not facts.greenlet_safe or facts.free_threaded:
        return None
    if facts.long_lived:
        return f"{facts.long_lived} connections stay open: green threads hold them at little cost"
    if facts.proxy == "apache" and facts.kind != "cpu":
        return (
            "Apache passes a large response on only as fast as its client reads, and the "
            "application is greenlet-safe: green threads hold slow readers at little cost"
        )
    each = _threads_each(facts, wanted)
    if each > THREADS_WELL:
        return (
            f"{wanted.reason}; that is {each} threads a core, more than the {THREADS_WELL} that "
            "share an interpreter lock well, and the application is greenlet-safe: green threads"
        )
    if facts.kind == "io" and facts.cpu_ms is None:
        return (
            "requests wait for others, nobody measured for how long, and the application is "
            "greenlet-safe: green threads hold a thousand as well as ten"
        )
    return None


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
    ideal, reason, source = _workers_wanted(facts, worker_class, wanted)
    fit = memory.workers_that_fit(facts)
    if ideal <= fit:
        return Setting("workers", ideal, reason, source)
    measured = "" if facts.worker_bytes_measured else " (assumed)"
    return Setting(
        "workers",
        fit,
        f"memory allows {fit} of {ideal} wanted: {memory.budget(facts).words}, for two releases "
        f"at once, and a worker takes {about(facts.worker_bytes)}{measured}",
        sources.MEMORY,
    )


def _workers_wanted(facts: Facts, worker_class: str, wanted: Target) -> tuple[int, str, Source]:
    """(workers, reason, source), whatever the memory."""
    one_each = not is_async(worker_class) and not facts.thread_safe
    if worker_class == "sync" or one_each:
        if _computes(facts):
            ideal = max(MIN_WORKERS, WORKERS_PER_CORE * facts.cores)
            reason = (
                f"{WORKERS_PER_CORE} workers for each of {plural(facts.cores, 'core')}: while one "
                "waits for a disk or its turn, the other computes; more gain nothing"
            )
            return ideal, reason, sources.FIGURES
        # Each worker is one request: processes have to cover the whole concurrency.
        ideal = max(MIN_WORKERS, ceil(wanted.places))
        return ideal, f"{wanted.words}, one in each worker", wanted.source
    if facts.free_threaded and worker_class == "gthread":
        ideal = max(MIN_WORKERS, min(facts.cores, ceil(wanted.places / THREADS_LIMIT)))
        why = (
            f"{ideal} workers of no more than {THREADS_LIMIT} threads cover {number(wanted.places)}"
            if ideal > MIN_WORKERS
            else "two workers, so that one crash does not take the site down"
        )
        reason = f"a free-threaded Python computes in all threads at once: {why}"
        return ideal, reason, sources.PYTHON_FREE_THREADING
    each = _threads_each(facts, wanted)
    if worker_class == "gthread" and each > THREADS_WELL and facts.cores > 1:
        ideal = WORKERS_PER_CORE * facts.cores
        reason = (
            f"{WORKERS_PER_CORE} workers for each of {plural(facts.cores, 'core')}: in one, "
            f"{each} threads would wait for each other's interpreter lock"
        )
        return ideal, reason, sources.FIGURES
    ideal = max(MIN_WORKERS, facts.cores)
    reason = (
        f"one worker for each of {plural(facts.cores, 'core')}: a Python process computes on one "
        "core at a time"
        if ideal == facts.cores
        else "a second worker beside the one that the core needs: one crash must not take the "
        "site down"
    )
    return ideal, reason, sources.GUNICORN_DESIGN


def _threads_each(facts: Facts, wanted: Target) -> int:
    """Threads of a worker, if there were one gthread worker for each core."""
    return ceil(wanted.places / max(MIN_WORKERS, facts.cores))


def _threads(facts: Facts, worker_class: str, workers: int, wanted: Target) -> Setting:
    def chosen(value: int, reason: str, source: Source = wanted.source) -> Setting:
        return Setting("threads", value, reason, source)

    if is_async(worker_class):
        reason = f"threads do not apply to the {worker_class} worker"
        return chosen(1, reason, sources.GUNICORN_SETTINGS)
    if worker_class == "sync":
        reason = "a sync worker has one thread; more would make it gthread"
        return chosen(1, reason, sources.GUNICORN_SETTINGS)
    if not facts.thread_safe:
        reason = "the code is not thread-safe: one request at a time in each worker"
        return chosen(1, reason, sources.GUNICORN_DESIGN)
    share = ceil(wanted.places / workers)
    if share < 2:
        return chosen(2, f"{wanted.words}; a second thread lets a short request pass a long one")
    if share > THREADS_LIMIT:
        return chosen(
            THREADS_LIMIT,
            f"{wanted.words}; that is {share} threads in each of {plural(workers, 'worker')}, "
            f"more than threads carry: bounded to {THREADS_LIMIT}{_advice(facts)}",
        )
    crowded = (
        f"; threads carry {THREADS_MAX} a worker well, beyond that they contend for the "
        f"interpreter lock{_advice(facts)}"
        if share > THREADS_MAX and not facts.free_threaded
        else ""
    )
    return chosen(
        share,
        f"{wanted.words}; over {plural(workers, 'worker')} that is {share} threads each, "
        f"which share the worker's memory{crowded}",
    )


def _advice(facts: Facts) -> str:
    """What to do against too many threads."""
    if facts.free_threaded or facts.greenlet_safe:
        return ""
    return ": declare greenlet_safe if it is true, or make the application asynchronous"


def _requests_of_async(facts: Facts, workers: int) -> Setting:
    """worker_connections of a worker whose every connection is a request in work."""
    held = ceil(facts.long_lived / workers)
    return Setting(
        "worker_connections",
        CONNECTIONS + held,
        f"{CONNECTIONS} requests at once in each worker"
        + (f", and its share of {facts.long_lived} connections that stay open" if held else "")
        + ": bounded, so that a flood waits in the queue instead of filling the memory",
        sources.GUNICORN_SETTINGS,
    )


def _accepted(facts: Facts, worker_class: Setting, workers: Setting, threads: Setting) -> Setting:
    """worker_connections of a worker with threads: those that work, and those that wait inside.

    A gthread worker accepts this many whether or not a thread is free. What it accepted waits
    where no other worker can take it, and is lost if it is not done when a release drains.
    """

    def chosen(value: int, reason: str, source: Source) -> Setting:
        return Setting("worker_connections", value, reason, source)

    if worker_class.text != "gthread":
        reason = "gunicorn's default; a sync worker accepts one connection at a time"
        return chosen(CONNECTIONS, reason, sources.GUNICORN_SETTINGS)
    queue = served(facts, workers.number * threads.number)
    # Half of what may queue; the other half is the backlog, which all workers take from.
    share = max(1, queue.count // 2 // workers.number)
    value = min(threads.number + share, max(CONNECTIONS, threads.number + 1))
    return chosen(
        value,
        f"{plural(threads.number, 'thread')} and {value - threads.number} more that wait inside "
        f"the worker: {queue.words}, and half of those may wait in "
        f"{plural(workers.number, 'worker')}, the rest in the backlog"
        + (f"; bounded to {CONNECTIONS}" if value < threads.number + share else ""),
        sources.QUEUE,
    )
