"""How many workers, threads and connections: each rule as a table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deploygen.errors import InputError
from deploygen.plan import concurrency, sources
from deploygen.plan import target as targets
from tests.builders import group, machine, refusal, some_facts
from tests.builders import settings as planned

UVICORN = "uvicorn_worker.UvicornWorker"


def shape(**changes: Any) -> tuple[str, int, int]:
    found = planned(**changes)
    return (
        found["gunicorn.worker_class"].text,
        found["gunicorn.workers"].number,
        found["gunicorn.threads"].number,
    )


# cpus -> requests at once, workers, threads. Nothing measured: workers x threads covers 2n + 1.
@pytest.mark.parametrize(
    ("cpus", "at_once", "workers", "threads"),
    [
        (0.1, 1.2, 2, 2),
        (0.5, 2, 2, 2),
        (1, 3, 2, 2),
        (1.5, 4, 2, 2),
        (2, 5, 2, 3),
        (4, 9, 4, 3),
        (4.5, 10, 5, 2),
        (16, 33, 16, 3),
        (1024, 2049, 1024, 3),
    ],
)
def test_unmeasured_covers_twice_the_cpus_and_one(
    cpus: float, at_once: float, workers: int, threads: int
) -> None:
    found = planned(machines=machine(cpus, "2T"))
    assert shape(machines=machine(cpus, "2T")) == ("gthread", workers, threads)
    assert workers * threads >= at_once
    if threads > 2 or at_once > workers:
        assert f"2 x {cpus:g} cpus + 1 = {at_once:g}" in found["gunicorn.threads"].reason
    assert found["gunicorn.threads"].source is sources.GUNICORN_DESIGN


# The source article: 2n + 1 workers of one request each, for code that threads would break.
@pytest.mark.parametrize(("cpus", "workers"), [(1, 3), (2, 5), (4, 9), (8, 17), (0.1, 2)])
def test_code_that_is_not_thread_safe_gets_a_process_for_each_request(
    cpus: float, workers: int
) -> None:
    changes = {"workload": {"thread_safe": False}, "machines": machine(cpus, "64G")}
    assert shape(**changes) == ("sync", workers, 1)
    # Slow clients would hold a sync worker: without a proxy that buffers, another class.
    changes["proxy"] = {"kind": "none"}
    assert shape(**changes) == ("gthread", workers, 1)
    assert "not thread-safe" in planned(**changes)["gunicorn.worker_class"].reason


# The same concurrency with fewer processes: threads share the worker's memory.
def test_threads_cover_what_processes_would_at_less_memory() -> None:
    threads = group(machines=machine(4, "16G"))
    processes = group(machines=machine(4, "16G"), workload={"thread_safe": False})
    of_threads, of_processes = (
        each.components["gunicorn"]["workers"].number for each in (threads, processes)
    )
    assert of_threads == 4 and of_processes == 9
    assert of_threads * threads.components["gunicorn"]["threads"].number >= of_processes


# Requests that compute: a core has no use for a thread beside the one that it runs, and two
# workers keep it busy. Fewer than 2n + 1, and fewer still where memory is short.
@pytest.mark.parametrize(
    ("cpus", "memory", "workers"), [(1, "64G", 2), (4, "64G", 8), (16, "64G", 32), (4, "1G", 3)]
)
@pytest.mark.parametrize("load", [{"kind": "cpu"}, {"cpu_ms": 20, "wait_ms": 5}])
def test_cpu_bound_has_sync_workers_and_no_more_than_two_a_core(
    load: dict[str, Any], cpus: float, memory: str, workers: int
) -> None:
    changes = {"machines": machine(cpus, memory), "workload": load}
    assert shape(**changes) == ("sync", workers, 1)
    assert workers < 2 * cpus + 1
    assert planned(**changes)["gunicorn.worker_class"].source is sources.FIGURES
    alone = {**changes, "workload": {**load, "thread_safe": False}}
    assert shape(**alone) == ("sync", workers, 1)


# ... but where a slow client, a long computation or an open connection would hold such a worker.
@pytest.mark.parametrize(
    "changes",
    [
        {"proxy": {"kind": "none"}},
        {"proxy": {"kind": "apache"}},
        {"proxy": {"streaming": ["/events/"]}},
        {"workload": {"slowest_request_s": 21}},  # its timeout would be longer than gunicorn's own
        {"workload": {"long_lived": 2}},
        {"workload": {"kind": "unknown", "cpu_ms": 20, "wait_ms": 6}},
        {"app": {"python": "3.13t", "python_path": "/opt/python"}},
    ],
)
def test_what_would_hold_a_sync_worker_gets_threads(changes: dict[str, Any]) -> None:
    load = {"kind": "cpu", **changes.get("workload", {})}
    made = shape(**{"machines": machine(4, "64G"), **changes, "workload": load})
    assert made[0] == "gthread"
    assert made[2] >= 2


# cpus, cpu_ms, wait_ms -> workers, threads: Goetz's formula. More than four threads for each core
# are split over two workers, since one interpreter lock does not keep a core busy then.
@pytest.mark.parametrize(
    ("cpus", "cpu_ms", "wait_ms", "workers", "threads"),
    [
        (2, 3, 20, 4, 4),
        (2, 1, 50, 4, 26),
        (4, 10, 90, 8, 5),
        (1, 1, 9, 2, 5),
        (0.5, 10, 190, 2, 5),
        (2, 0.3, 2.7, 4, 5),  # 2 x (1 + 2.7 / 0.3) is a little more than 20 in floating point
        (2, 10, 30, 2, 4),
        (2, 10, 31, 4, 3),
        (2, 1, 1000, 4, 128),  # bounded
    ],
)
def test_measured_follows_waiting_and_computing(
    cpus: float, cpu_ms: float, wait_ms: float, workers: int, threads: int
) -> None:
    changes = {
        "machines": machine(cpus, "16G"),
        "workload": {"cpu_ms": cpu_ms, "wait_ms": wait_ms},
    }
    assert shape(**changes) == ("gthread", workers, threads)
    setting = planned(**changes)["gunicorn.threads"]
    assert f"computes {cpu_ms:g} ms and waits {wait_ms:g} ms" in setting.reason
    assert setting.source is sources.GOETZ


@pytest.mark.parametrize(("kind", "ratio", "threads"), [("mixed", 6, 4), ("io", 30, 16)])
def test_a_kind_stands_for_a_ratio(kind: str, ratio: int, threads: int) -> None:
    assert shape(machines=machine(4, "16G"), workload={"kind": kind}) == ("gthread", 8, threads)
    reason = planned(machines=machine(4, "16G"), workload={"kind": kind})["gunicorn.threads"].reason
    assert f"{ratio} ms for each ms of computing" in reason
    assert f"4 x (1 + {ratio}) = {4 * (1 + ratio)}" in reason


def test_measured_numbers_beat_the_kind() -> None:
    load = {"kind": "cpu", "cpu_ms": 1, "wait_ms": 9}
    assert shape(machines=machine(4, "16G"), workload=load) == ("gthread", 8, 5)


# wait_ms -> class: beyond 4 threads a core, green threads, if the code can stand them.
@pytest.mark.parametrize(
    ("wait_ms", "safe", "worker_class"),
    [(3, True, "gthread"), (4, True, "gevent"), (4, False, "gthread"), (5000, True, "gevent")],
)
def test_waiting_that_asks_for_too_many_threads_gets_green_ones(
    wait_ms: float, safe: bool, worker_class: str
) -> None:
    load = {"cpu_ms": 1, "wait_ms": wait_ms, "greenlet_safe": safe}
    found = planned(machines=machine(4, "16G"), workload=load)
    assert found["gunicorn.worker_class"].text == worker_class
    if worker_class == "gevent":
        assert found["gunicorn.worker_connections"].number == 1000
        assert found["gunicorn.threads"].number == 1
        assert found["gunicorn.workers"].number == 4


# The source article: 9 workers x 1000 connections hold 9000 requests.
def test_green_threads_hold_a_thousand_requests_in_each_worker() -> None:
    of_group = group(
        machines=machine(4, "16G"),
        workload={"kind": "io", "greenlet_safe": True},
        server={"workers": 9, "worker_class": "gevent"},
    )
    gunicorn = of_group.components["gunicorn"]
    assert gunicorn["workers"].number * gunicorn["worker_connections"].number == 9000


# gunicorn, framework -> class of an ASGI application.
@pytest.mark.parametrize(
    ("gunicorn", "framework", "worker_class"),
    [
        ("24.1.1", "fastapi", UVICORN),
        ("25.0.3", "fastapi", UVICORN),
        ("25.1.0", "fastapi", "asgi"),
        ("25.1.0", "django", UVICORN),
        ("26.0.0", "django", UVICORN),
        ("26.1.0", "django", "asgi"),
        ("27.0.1", "starlette", "asgi"),
    ],
)
def test_asgi_worker_by_release(gunicorn: str, framework: str, worker_class: str) -> None:
    app = {"interface": "asgi", "framework": framework, "gunicorn": gunicorn}
    found = planned(app=app, machines=machine(4, "16G"))
    assert found["gunicorn.worker_class"].text == worker_class
    assert found["gunicorn.workers"].number == 4
    assert found["gunicorn.threads"].number == 1
    # uvicorn knows no unix-socket peers, and would drop the scheme that nginx sends.
    trusted = found["gunicorn.forwarded_allow_ips"].text
    assert (trusted == "*") == (worker_class == UVICORN)


# Neither matters where one thread runs the event loop.
@pytest.mark.parametrize("load", [{"thread_safe": False}, {"kind": "io", "thread_safe": False}])
@pytest.mark.parametrize("python", ["3.13", "3.13t"])
def test_asgi_has_one_worker_for_each_core(load: dict[str, Any], python: str) -> None:
    app = {"interface": "asgi", "python": python, "python_path": "/opt/python"}
    assert shape(app=app, machines=machine(8, "64G"), workload=load) == ("asgi", 8, 1)


# cpus, kind -> workers, threads of a Python without the interpreter lock.
@pytest.mark.parametrize(
    ("cpus", "kind", "workers", "threads"),
    [(1, "unknown", 2, 2), (8, "unknown", 2, 9), (16, "io", 4, 124), (64, "unknown", 2, 65),
     (64, "io", 16, 124), (1024, "cpu", 8, 128)],
)  # fmt: skip
def test_free_threaded_python_computes_in_threads(
    cpus: float, kind: str, workers: int, threads: int
) -> None:
    changes = {
        "app": {"python": "3.13t", "python_path": "/opt/python"},
        "machines": machine(cpus, "2T"),
        "workload": {"kind": kind, "greenlet_safe": True},
    }
    assert shape(**changes) == ("gthread", workers, threads)
    assert workers * threads >= cpus  # no core idles for want of a thread
    found = planned(**changes)
    assert "interpreter lock" not in found["gunicorn.threads"].reason
    assert found["gunicorn.workers"].source is sources.PYTHON_FREE_THREADING


# memory -> workers: those of two releases fit side by side below their limits.
@pytest.mark.parametrize(
    ("memory", "workers"), [("512M", 1), ("1G", 3), ("2G", 7), ("4G", 8), ("8G", 8)]
)
def test_memory_bounds_the_workers_and_threads_make_up_for_it(memory: str, workers: int) -> None:
    found = planned(machines=machine(8, memory))
    assert found["gunicorn.workers"].number == workers
    assert workers * found["gunicorn.threads"].number >= 17
    if workers < 8:
        reason = found["gunicorn.workers"].reason
        assert f"memory allows {workers} of 8 wanted" in reason
        assert "100 MiB (assumed)" in reason
        assert found["gunicorn.workers"].source is sources.MEMORY


def test_declared_memory_of_a_worker_counts() -> None:
    found = planned(machines=machine(8, "2G"), workload={"worker_memory": "400M"})
    assert found["gunicorn.workers"].number == 1
    assert found["gunicorn.workers"].reason.endswith("takes 400 MiB")


# budget, hosts -> workers, threads on 4 cpus (4 x 3 planned).
@pytest.mark.parametrize(
    ("budget", "hosts", "workers", "threads"),
    [
        (24, 1, 4, 3),  # all of the plan, twice
        (23, 1, 3, 3),  # of 11, 4 x 2 leave three unused; 3 x 3 cover the 9 that are wanted
        (48, 2, 4, 3),
        (14, 1, 3, 2),  # of 7, 3 x 2 use more than 4 x 1
        (8, 1, 4, 1),
        (6, 1, 3, 1),
        (2, 1, 1, 1),
        (100, 10, 4, 1),  # of 5: 2 x 2 use no more
    ],
)
def test_the_database_budget_bounds_workers_times_threads(
    budget: int, hosts: int, workers: int, threads: int
) -> None:
    changes: dict[str, Any] = {
        "machines": machine(4, "16G", hosts=[f"h{n}.test" for n in range(hosts)]),
        "workload": {"db_connections": budget},
    }
    assert shape(**changes) == ("gthread", workers, threads)
    assert workers * threads * hosts * 2 <= budget
    if (workers, threads) != (4, 3):
        found = planned(**changes)
        reasons = found["gunicorn.workers"].reason + found["gunicorn.threads"].reason
        assert f"the database allows {budget} connections" in reasons
        assert f"{budget // hosts // 2} here" in reasons


def test_hosts_of_all_groups_share_the_database() -> None:
    machines = {"web": {"hosts": ["a.test"]}, "big": {"hosts": ["b.test", "c.test"]}}
    of_group = group(machines=machines, workload={"db_connections": 12})
    assert of_group.facts.hosts_total == 3
    assert shape(machines=machines, workload={"db_connections": 12})[1:] == (2, 1)


def test_less_than_a_connection_for_each_slot_is_refused() -> None:
    machines = machine(4, "16G", hosts=["a.test", "b.test"])
    problem = refusal(machines=machines, workload={"db_connections": 3})
    assert problem.where == ("workload", "db_connections")
    assert problem.allowed == "at least 4"
    assert "3 database connections for 2 hosts" in problem.message


def test_connections_that_stay_open_hold_threads_of_their_own() -> None:
    assert shape(workload={"long_lived": 20}) == ("gthread", 4, 7)  # (5 + 20) / 4
    reason = planned(workload={"long_lived": 20})["gunicorn.threads"].reason
    assert "20 connections stay open" in reason
    # They serve nobody else: 8 of the 28 places do.
    reason = planned(workload={"long_lived": 20})["gunicorn.backlog"].reason
    assert reason.startswith("8 at once of 50 ms")
    load = {"long_lived": 4000, "greenlet_safe": True}
    found = planned(workload=load)
    assert found["gunicorn.worker_class"].text == "gevent"
    assert found["gunicorn.worker_connections"].number == 1000 + 4000 / 2


# A gthread worker accepts worker_connections, free thread or not: what waits there can't be
# taken by another worker, and is lost if it is not done when a release drains.
@pytest.mark.parametrize(
    ("cpu_ms", "wait_ms", "seconds"), [(5, 45, 10), (1, 9, 10), (100, 1900, 10), (50, 4950, 10)]
)
def test_what_waits_is_served_before_the_proxy_gives_up(
    cpu_ms: float, wait_ms: float, seconds: int
) -> None:
    found = planned(machines=machine(4, "16G"), workload={"cpu_ms": cpu_ms, "wait_ms": wait_ms})
    workers, threads = found["gunicorn.workers"].number, found["gunicorn.threads"].number
    inside = found["gunicorn.worker_connections"].number - threads
    served = min(workers * threads / (cpu_ms + wait_ms), 4 / cpu_ms) * 1000 * seconds
    assert inside >= 1
    backlog = found["gunicorn.backlog"].number
    assert workers * inside + backlog <= max(served, 64 + workers)


def test_a_backlog_that_is_longer_than_what_is_served_says_so() -> None:
    found = planned(workload={"cpu_ms": 2000, "wait_ms": 0})
    assert found["gunicorn.backlog"].number == 64
    assert "may be answered too late" in found["gunicorn.backlog"].reason
    assert "answered in time" not in found["gunicorn.backlog"].reason
    fast = planned(machines=machine(16, "64G"), workload={"cpu_ms": 1, "wait_ms": 1})
    assert fast["gunicorn.backlog"].number == 2048


def test_overrides_of_the_shape_are_planned_around() -> None:
    # Three workers of one process's state: threads cover what the pinned workers don't.
    assert shape(machines=machine(4, "16G"), server={"workers": 1}) == ("gthread", 1, 9)
    found = planned(machines=machine(4, "16G"), server={"workers": 1})
    assert "9 at once" in found["gunicorn.backlog"].reason
    assert found["gunicorn.workers"].overridden == 4
    # Of 7 connections, 3 x 2 would use more; 4 workers are what the description says.
    fixed = {"server": {"workers": 4}, "workload": {"db_connections": 14}}
    assert shape(machines=machine(4, "16G"), **fixed) == ("gthread", 4, 1)
    threads = {"server": {"threads": 8}, "workload": {"db_connections": 50, "kind": "mixed"}}
    assert shape(machines=machine(4, "16G"), **threads) == ("gthread", 3, 8)
    pinned = shape(
        machines=machine(16, "64G"), server={"workers": 2}, workload={"db_connections": 44}
    )
    assert pinned == ("gthread", 2, 11)


memory_sizes = st.integers(300 * 1024**2, 256 * 1024**3)
loads = st.sampled_from(
    [{"kind": kind} for kind in ("unknown", "cpu", "mixed", "io")]
    + [{"thread_safe": False}, {"cpu_ms": 1.0, "wait_ms": 40.0}, {"cpu_ms": 3.0, "wait_ms": 7.5}]
    + [{"cpu_ms": 1.0, "wait_ms": 400.0, "greenlet_safe": True}]
)


def workers_of(cpus: float, memory: int, load: dict[str, Any]) -> concurrency.Shape | None:
    try:
        return concurrency.shape(some_facts(machines=machine(cpus, memory), workload=load), {})
    except InputError:
        return None


@given(st.floats(0.1, 1024), memory_sizes, memory_sizes, loads)
@settings(max_examples=100)
def test_more_memory_never_gives_fewer_workers(
    cpus: float, one: int, other: int, load: dict[str, Any]
) -> None:
    less, more = workers_of(cpus, min(one, other), load), workers_of(cpus, max(one, other), load)
    assume(less is not None)
    assert more is not None
    assert less is not None
    assert more.workers.number >= less.workers.number


@given(st.integers(1, 1024), st.integers(1, 1024), memory_sizes, loads)
@settings(max_examples=100)
def test_more_cpus_never_give_less_concurrency(
    one: int, other: int, memory: int, load: dict[str, Any]
) -> None:
    fewer, more = (
        workers_of(min(one, other), memory, load),
        workers_of(max(one, other), memory, load),
    )
    assume(fewer is not None)
    assert more is not None
    assert fewer is not None
    assert more.concurrency >= fewer.concurrency


@given(st.floats(0.1, 1024), loads)
@settings(max_examples=100)
def test_with_enough_memory_concurrency_covers_the_target_and_little_more(
    cpus: float, load: dict[str, Any]
) -> None:
    facts = some_facts(machines=machine(cpus, "8T"), workload=load)
    wanted = targets.target(facts).concurrency
    made = concurrency.shape(facts, {})
    if made.worker_class.text == "gevent":
        assert made.concurrency >= wanted
        return
    assert made.workers.number >= 2
    capped = made.threads.number >= concurrency.THREADS_LIMIT
    assert made.concurrency >= wanted - 1e-6 or capped
    # No more than one thread a worker too many, and never fewer than two threads.
    assert made.concurrency <= max(wanted + made.workers.number, 2 * made.workers.number)


@given(
    st.integers(1, 64),
    st.integers(2, 600),
    st.sampled_from([{"kind": "unknown"}, {"kind": "cpu"}, {"kind": "io"}, {"thread_safe": False}]),
)
@settings(max_examples=100)
def test_a_database_budget_is_used(cpus: int, budget: int, load: dict[str, Any]) -> None:
    facts = some_facts(machines=machine(cpus, "1T"), workload={**load, "db_connections": budget})
    made, per_slot = concurrency.shape(facts, {}), budget // 2
    assert made.concurrency <= per_slot
    wanted = targets.target(facts).concurrency
    # At least two thirds of it, where that many are wanted at all.
    assert made.concurrency >= min(wanted, per_slot * 2 / 3) - 1e-6
