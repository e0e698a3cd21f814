"""What ties the components together, checked on every plan, overrides included.

A broken invariant is an error that names both settings, their values and what to change.
"""

from __future__ import annotations

from collections.abc import Iterator

from deploygen.errors import Problem, Where
from deploygen.plan import concurrency, memory, timeouts
from deploygen.plan.concurrency import ASYNC_CLASSES, UVICORN
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings
from deploygen.units import about

GREEN = ("gevent", "eventlet")
ASGI = ("asgi", UVICORN)


def broken(
    facts: Facts, gunicorn: Settings, nginx: Settings, systemd: Settings, sysctl: Settings
) -> Iterator[Problem]:
    """Every invariant that the plan breaks."""
    yield from _worker_class(facts, gunicorn)
    yield from _timeouts(facts, gunicorn, nginx, systemd)
    yield from _memory(facts, gunicorn)
    yield from _database(facts, gunicorn)
    yield from _recycling(gunicorn)
    yield from _queue(gunicorn, sysctl)
    yield from _files(gunicorn, nginx, systemd)


def _problem(setting: Setting, message: str, allowed: str, hint: str = "") -> Problem:
    where: Where = ("server", setting.name)
    return Problem(message, where=where, allowed=allowed, hint=hint)


def counts(gunicorn: Settings) -> Iterator[Problem]:
    """Numbers that everything else divides by or builds on."""
    for name in ("workers", "threads", "worker_connections", "backlog", "timeout"):
        setting = gunicorn[name]
        if setting.number < 1:
            hint = "0 would never notice a worker that hangs" if name == "timeout" else ""
            yield _problem(setting, f"found {setting.value}", "1 or more", hint)


def _worker_class(facts: Facts, gunicorn: Settings) -> Iterator[Problem]:
    setting, threads = gunicorn["worker_class"], gunicorn["threads"]
    value = setting.text
    if value == "sync" and threads.number > 1:
        yield _problem(
            setting,
            f"worker_class sync and threads {threads.value}: gunicorn silently runs gthread",
            "sync with threads 1, or gthread",
        )
    if value == "sync" and not facts.buffering_proxy:
        yield _problem(
            setting,
            "worker_class sync and proxy.kind none: without a proxy that buffers, as many slow "
            "clients as there are workers take the site down",
            "gthread, or proxy.kind nginx",
        )
    if value in GREEN and not facts.greenlet_safe:
        yield _problem(
            setting,
            f"worker_class {value} and workload.greenlet_safe false: green threads run the code "
            "monkey-patched",
            "gthread, or workload.greenlet_safe true",
            "greenlet-safe: no C code that blocks, a database driver that gevent can patch",
        )
    if threads.number > 1 and not facts.thread_safe:
        yield _problem(
            threads,
            f"threads {threads.value} and workload.thread_safe false",
            "threads 1, or workload.thread_safe true",
        )
    if (facts.interface == "asgi") != (value in ASGI) and value in (
        *ASYNC_CLASSES,
        "sync",
        "gthread",
    ):
        yield _problem(
            setting,
            f"worker_class {value} and app.interface {facts.interface}",
            ", ".join(ASGI) if facts.interface == "asgi" else "sync, gthread or gevent",
            "app.interface says what the entrypoint is",
        )


def _timeouts(
    facts: Facts, gunicorn: Settings, nginx: Settings, systemd: Settings
) -> Iterator[Problem]:
    slowest = facts.slowest_request_s
    for name, what in (("timeout", "would be killed"), ("graceful_timeout", "would be cut off")):
        setting = gunicorn[name]
        if setting.number <= slowest:
            yield _problem(
                setting,
                f"{name} {setting.value} s and workload.slowest_request_s {slowest:g} s: "
                f"the slowest request {what}",
                f"more than {slowest:g}",
                "or lower workload.slowest_request_s, if it is too high",
            )
    if nginx and gunicorn["timeout"].number >= nginx["proxy_read_timeout"].number:
        yield _problem(
            gunicorn["timeout"],
            f"timeout {gunicorn['timeout'].value} s and nginx's proxy_read_timeout "
            f"{nginx['proxy_read_timeout'].value} s: the proxy would give up first",
            f"less than {nginx['proxy_read_timeout'].value}",
        )
    patience = systemd["TimeoutStopSec"].number - timeouts.STOP_MARGIN_S
    if gunicorn["graceful_timeout"].number > patience:
        yield _problem(
            gunicorn["graceful_timeout"],
            f"graceful_timeout {gunicorn['graceful_timeout'].value} s and systemd's "
            f"TimeoutStopSec {systemd['TimeoutStopSec'].value} s",
            f"at most {patience}",
        )


def _memory(facts: Facts, gunicorn: Settings) -> Iterator[Problem]:
    fit, workers = memory.workers_that_fit(facts), gunicorn["workers"]
    if workers.number > fit:
        yield _problem(
            workers,
            f"workers {workers.value} x {about(facts.worker_bytes)}, twice during a release, "
            f"and memory: {memory.budget(facts).words}",
            f"at most {fit}",
            "more memory, or workload.worker_memory if a worker takes less",
        )


def _database(facts: Facts, gunicorn: Settings) -> Iterator[Problem]:
    if facts.db_connections is None:
        return
    total = concurrency.of(gunicorn) * facts.hosts_total * memory.SLOTS
    if total > facts.db_connections:
        yield Problem(
            f"workers {gunicorn['workers'].value} and threads {gunicorn['threads'].value} "
            f"(worker_connections {gunicorn['worker_connections'].value}) open up to {total} "
            f"database connections on {facts.hosts_total} host(s) during a release, and "
            f"workload.db_connections is {facts.db_connections}",
            where=("workload", "db_connections"),
            allowed=f"at least {total}, or fewer workers and threads",
            hint="leave server.workers and server.threads out, and the plan fits them",
        )


def _recycling(gunicorn: Settings) -> Iterator[Problem]:
    jitter, requests = gunicorn["max_requests_jitter"], gunicorn["max_requests"]
    if requests.number and jitter.number >= requests.number:
        yield _problem(
            jitter,
            f"max_requests_jitter {jitter.value} and max_requests {requests.value}",
            f"less than {requests.value}",
        )


def _queue(gunicorn: Settings, sysctl: Settings) -> Iterator[Problem]:
    backlog, most = gunicorn["backlog"], sysctl["net.core.somaxconn"]
    if backlog.number > most.number:
        yield _problem(
            backlog,
            f"backlog {backlog.value} and net.core.somaxconn {most.value}: the kernel cuts it",
            f"at most {most.value}",
        )


def _files(gunicorn: Settings, nginx: Settings, systemd: Settings) -> Iterator[Problem]:
    connections, files = gunicorn["worker_connections"], systemd["LimitNOFILE"]
    if files.number <= connections.number:
        yield _problem(
            connections,
            f"worker_connections {connections.value} and systemd's LimitNOFILE {files.value}",
            f"less than {files.value}",
        )
    if nginx and nginx["worker_rlimit_nofile"].number <= nginx["worker_connections"].number:
        yield Problem(
            f"nginx's worker_connections {nginx['worker_connections'].value} and "
            f"worker_rlimit_nofile {nginx['worker_rlimit_nofile'].value}",
            where=("machines",),
        )
