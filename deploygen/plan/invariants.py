"""What ties the components together, checked on every plan, overrides included.

A broken invariant is an error that names both settings, their values and what to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploygen.errors import Problem, Where
from deploygen.plan import memory, timeouts
from deploygen.plan import shape as shapes
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings
from deploygen.plan.shape import ASGI_CLASSES, GREEN_CLASSES, is_async
from deploygen.units import about, number, plural

# fs.nr_open, which no process's limit may exceed: the kernel's default, which Debian keeps.
NR_OPEN = 1048576


def broken(facts: Facts, components: Mapping[str, Settings]) -> Iterator[Problem]:
    """Every invariant that the plan of one group breaks; ``components`` as in GroupPlan."""
    gunicorn, systemd, sysctl = (components[key] for key in ("gunicorn", "systemd", "sysctl"))
    nginx, apache = components.get("nginx", {}), components.get("apache", {})
    yield from _worker_class(facts, gunicorn)
    yield from _timeouts(facts, gunicorn, systemd)
    yield from _proxy_timeout(gunicorn, nginx or apache)
    yield from _connections(facts, gunicorn)
    yield from _memory(facts, gunicorn)
    yield from _database(facts, gunicorn)
    yield from _recycling(gunicorn)
    yield from _queue(gunicorn, sysctl)
    yield from _files(gunicorn, systemd)
    yield from _nginx_connections(gunicorn, nginx)
    yield from _apache_threads(facts, apache)


def _problem(setting: Setting, message: str, allowed: str, hint: str = "") -> Problem:
    where: Where = ("server", setting.name)
    return Problem(message, where=where, allowed=allowed, hint=hint)


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
            f"worker_class sync and proxy.kind {facts.proxy}: without a proxy that buffers both "
            "ways, as many slow clients as there are workers take the site down",
            "gthread, or proxy.kind nginx",
        )
    if value == "sync" and facts.streams:
        yield _problem(
            setting,
            "worker_class sync and proxy.streaming: what is passed on unbuffered holds a "
            "worker for as long as its client wants",
            "gthread, gevent, or an ASGI application",
        )
    if value in GREEN_CLASSES and not facts.greenlet_safe:
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
    # What a class from another package speaks is its own affair.
    if "." not in value.removeprefix("uvicorn_worker.") and (facts.interface == "asgi") != (
        value == "asgi" or value.startswith("uvicorn_worker.")
    ):
        yield _problem(
            setting,
            f"worker_class {value} and app.interface {facts.interface}",
            ", ".join(ASGI_CLASSES) if facts.interface == "asgi" else "sync, gthread or gevent",
            "app.interface says what the entrypoint is",
        )


def _connections(facts: Facts, gunicorn: Settings) -> Iterator[Problem]:
    shape = shapes.of(gunicorn)
    name, accepted = shape.worker_class.text, shape.worker_connections
    if name == "gthread" and accepted.number < shape.threads.number:
        yield _problem(
            accepted,
            f"worker_connections {accepted.value} and threads {shape.threads.value}: a worker "
            "accepts no more than the first, and the other threads idle",
            f"at least {shape.threads.value}",
        )
    if facts.long_lived and shape.concurrency <= facts.long_lived:
        each = "holds a place" if is_async(name) else "holds a thread"
        yield Problem(
            f"workload.long_lived {facts.long_lived} and worker_class {name} with "
            f"{shape.concurrency} requests at once: each open connection {each}, and none is left "
            "for other requests",
            where=("workload", "long_lived"),
            allowed=f"less than {shape.concurrency}",
            hint="an ASGI application, or workload.greenlet_safe true if it is; an application "
            "that pools its database connections needs no workload.db_connections"
            if facts.db_connections
            else "an ASGI application, or workload.greenlet_safe true if it is",
        )


def _timeouts(facts: Facts, gunicorn: Settings, systemd: Settings) -> Iterator[Problem]:
    slowest = facts.slowest_request_s
    for name, what in (("timeout", "would be killed"), ("graceful_timeout", "would be cut off")):
        setting = gunicorn[name]
        if setting.number <= slowest:
            yield _problem(
                setting,
                f"{name} {setting.value} s and workload.slowest_request_s {number(slowest)} s: "
                f"the slowest request {what}",
                f"more than {number(slowest)}",
                "or lower workload.slowest_request_s, if it is too high",
            )
    patience = systemd["TimeoutStopSec"].number - timeouts.STOP_MARGIN_S
    if gunicorn["graceful_timeout"].number > patience:
        yield _problem(
            gunicorn["graceful_timeout"],
            f"graceful_timeout {gunicorn['graceful_timeout'].value} s and systemd's "
            f"TimeoutStopSec {systemd['TimeoutStopSec'].value} s",
            f"at most {patience}",
        )


def _proxy_timeout(gunicorn: Settings, proxy: Settings) -> Iterator[Problem]:
    for name, whose in (("proxy_read_timeout", "nginx's"), ("ProxyTimeout", "Apache's")):
        if name in proxy and gunicorn["timeout"].number >= proxy[name].number:
            yield _problem(
                gunicorn["timeout"],
                f"timeout {gunicorn['timeout'].value} s and {whose} {name} {proxy[name].value} s: "
                "the proxy would give up first",
                f"less than {proxy[name].value}",
            )


def _memory(facts: Facts, gunicorn: Settings) -> Iterator[Problem]:
    fit, workers = memory.workers_that_fit(facts), gunicorn["workers"]
    if workers.number > fit:
        yield _problem(
            workers,
            f"workers {workers.value} x {about(facts.worker_bytes)}"
            f"{memory.during_release(facts)}, and memory: {memory.budget(facts).words}",
            f"at most {fit}",
            "more memory, or workload.worker_memory if a worker takes less",
        )


def _database(facts: Facts, gunicorn: Settings) -> Iterator[Problem]:
    if facts.db_connections is None:
        return
    total = shapes.of(gunicorn).concurrency * facts.hosts_total * facts.slots
    if total > facts.db_connections:
        yield Problem(
            f"workers {gunicorn['workers'].value} and threads {gunicorn['threads'].value} "
            f"(worker_connections {gunicorn['worker_connections'].value}) open up to {total} "
            f"database connections on {plural(facts.hosts_total, 'host')}"
            f"{' during a release' if facts.slots > 1 else ''}, and "
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


def _files(gunicorn: Settings, systemd: Settings) -> Iterator[Problem]:
    connections, files = gunicorn["worker_connections"], systemd["LimitNOFILE"]
    if files.number > NR_OPEN:
        yield _problem(
            connections,
            f"worker_connections {connections.value} needs LimitNOFILE {files.value}, and the "
            f"kernel's fs.nr_open is {NR_OPEN}: the unit would not start",
            f"at most {connections.number - (files.number - NR_OPEN + 1) // 2}",
            "more workers of fewer connections each",
        )


def _nginx_connections(gunicorn: Settings, nginx: Settings) -> Iterator[Problem]:
    if not nginx:
        return
    connections = gunicorn["worker_connections"]
    processes, each = nginx["worker_processes"], nginx["worker_connections"]
    at_once = shapes.of(gunicorn).concurrency
    # Two for each: the client's and gunicorn's.
    if processes.number * each.number < 2 * at_once:
        yield _problem(
            connections,
            f"worker_connections {connections.value} in each of "
            f"{plural(gunicorn['workers'].number, 'worker')} is {at_once} requests at once, and "
            f"nginx's worker_processes {processes.value} x worker_connections {each.value} carry "
            f"half of {processes.number * each.number}",
            f"at most {processes.number * each.number // 2 // gunicorn['workers'].number}",
        )


def _apache_threads(facts: Facts, apache: Settings) -> Iterator[Problem]:
    if not apache:
        return
    threads = apache["MaxRequestWorkers"]
    if facts.long_lived >= threads.number:
        yield Problem(
            f"workload.long_lived {facts.long_lived} and Apache's MaxRequestWorkers "
            f"{threads.value}: each open connection holds a thread of Apache's, and none is left "
            "for other requests",
            where=("workload", "long_lived"),
            allowed=f"less than {threads.value}",
            hint="proxy.kind nginx, which holds a connection without a thread, or more memory",
        )
