"""Which class of worker: sync, threads, green threads, or one that speaks ASGI."""

from __future__ import annotations

from math import ceil

from deploygen.plan import sources, timeouts
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Source
from deploygen.plan.shape import UVICORN
from deploygen.plan.target import Target

# One crash must not take the site down.
MIN_WORKERS = 2
# More threads than this, and a core computes more in two workers than in one: threads hand the
# interpreter lock on in steps of 5 ms, and the core idles meanwhile. Green threads do better.
THREADS_WELL = 4
# ms of waiting for each ms of computing: below, a second thread finds the core taken.
WAITS_HARDLY = 0.25


def chosen_class(facts: Facts, wanted: Target) -> Setting:
    """worker_class, by what a request does and who stands in front."""

    def chosen(value: str, reason: str, source: Source = sources.GUNICORN_DESIGN) -> Setting:
        return Setting("worker_class", value, reason, source)

    if facts.interface == "asgi":
        return _asgi_class(facts)
    buffered = facts.buffering_proxy and not facts.streams
    green = _reason_for_green_threads(facts, wanted)
    if green:
        return chosen("gevent", green)
    if computes(facts) and buffered and _beats_in_time(facts):
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
    if buffered:
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


def computes(facts: Facts) -> bool:
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
    each = threads_each(facts, wanted)
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


def threads_each(facts: Facts, wanted: Target) -> int:
    """Threads of a worker, if there were one gthread worker for each core."""
    return ceil(wanted.places / max(MIN_WORKERS, facts.cores))
