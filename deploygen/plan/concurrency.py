"""The heart of the plan: how many requests at once, in how many workers and threads.

First how many requests the machine should work on at once (target.py) and in which class of
worker (worker_class.py), then how that number splits into workers, threads and green threads
(``shape``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from deploygen.plan import database, memory, sources
from deploygen.plan.facts import Facts
from deploygen.plan.overrides import override
from deploygen.plan.queue import served
from deploygen.plan.setting import Setting, Source
from deploygen.plan.shape import Shape, is_async
from deploygen.plan.target import Target, target
from deploygen.plan.worker_class import (
    MIN_WORKERS,
    THREADS_WELL,
    chosen_class,
    computes,
    threads_each,
)
from deploygen.units import about, number, plural

__all__ = ["THREADS_LIMIT", "shape"]

WORKERS_PER_CORE = 2
# Beyond this, threads spend so much on the interpreter lock that the reason says what would be
# better.
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
    worker_class = given(chosen_class(facts, wanted))
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


def _workers(facts: Facts, worker_class: str, wanted: Target) -> Setting:
    ideal, reason, source = _workers_wanted(facts, worker_class, wanted)
    fit = memory.workers_that_fit(facts)
    if ideal <= fit:
        return Setting("workers", ideal, reason, source)
    measured = "" if facts.worker_bytes_measured else " (assumed)"
    return Setting(
        "workers",
        fit,
        f"memory allows {fit} of {ideal} wanted: {memory.budget(facts).words}"
        f"{', for two releases at once' if facts.slots > 1 else ''}, and a worker takes "
        f"{about(facts.worker_bytes)}{measured}",
        sources.MEMORY,
    )


def _workers_wanted(facts: Facts, worker_class: str, wanted: Target) -> tuple[int, str, Source]:
    """(workers, reason, source), whatever the memory."""
    one_each = not is_async(worker_class) and not facts.thread_safe
    if worker_class == "sync" or one_each:
        if computes(facts):
            ideal = max(MIN_WORKERS, WORKERS_PER_CORE * facts.cores)
            reason = (
                f"{WORKERS_PER_CORE} workers for each of {plural(facts.cores, 'core')}: while a "
                "slow request holds one, the other computes; more gain nothing"
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
    each = threads_each(facts, wanted)
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
    bounded = (
        "the plan counts with them, but no worker for ASGI holds to this; the proxy's connections "
        "bound a flood"
        if facts.interface == "asgi"
        else "bounded, so that a flood waits in the queue instead of filling the memory"
    )
    return Setting(
        "worker_connections",
        CONNECTIONS + held,
        f"{CONNECTIONS} requests at once in each worker"
        + (f", and its share of {facts.long_lived} connections that stay open" if held else "")
        + f": {bounded}",
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
