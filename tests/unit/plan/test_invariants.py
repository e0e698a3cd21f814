"""Every plan holds every invariant, or is refused: recomputed here from the values alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from deploygen import plan
from deploygen.errors import InputError
from deploygen.plan import GroupPlan
from deploygen.systems import SYSTEMS
from deploygen.units import GIB, MIB, TIB, parse_size
from tests.builders import a_plan, machine, refusal, refusals, spec

ASYNC = {"gevent", "eventlet", "asgi", "uvicorn_worker.UvicornWorker", "tornado"}

cpus = st.one_of(
    st.sampled_from([0.1, 0.5, 1, 1.5, 2, 4, 1024]), st.floats(0.1, 1024).map(lambda c: round(c, 3))
)
memory = st.one_of(
    st.sampled_from([64 * MIB, 256 * MIB, 512 * MIB, GIB, 4 * GIB, 8 * TIB]),
    st.integers(GIB, 64 * GIB),
    st.integers(64 * MIB, 8 * TIB),
)
workloads = st.fixed_dictionaries(
    {"kind": st.sampled_from(["unknown", "cpu", "io", "mixed"])},
    optional={
        "cpu_ms": st.floats(0.001, 1e5),
        "wait_ms": st.floats(0, 1e6),
        "worker_memory": st.one_of(st.integers(MIB, 512 * MIB), st.integers(MIB, 8 * GIB)),
        "slowest_request_s": st.floats(0.001, 86400),
        "long_lived": st.one_of(st.integers(0, 100), st.integers(0, 100_000)),
        "thread_safe": st.booleans(),
        "greenlet_safe": st.booleans(),
        "db_connections": st.integers(1, 5000),
        "leaks": st.booleans(),
    },
).map(lambda load: load if "cpu_ms" in load else {k: v for k, v in load.items() if k != "wait_ms"})
workloads = workloads.map(lambda load: {"wait_ms": 0.0, **load} if "cpu_ms" in load else load)


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, Any]:
    interface = draw(st.sampled_from(["wsgi", "asgi"]))
    return {
        "app": {
            "interface": interface,
            "framework": draw(st.sampled_from(["django", "flask", "fastapi", interface])),
            "gunicorn": draw(st.sampled_from(["20.1.0", "24.0.0", "25.1.0", "26.1.0", "27.0.1"])),
            "python": draw(st.sampled_from(["3.12", "3.13t"])),
            "python_path": "/opt/python",
        },
        "workload": draw(workloads),
        "machines": {
            "web": {
                "os": draw(st.sampled_from(sorted(SYSTEMS))),
                "cpus": draw(cpus),
                "memory": draw(memory),
                "hosts": [f"h{number}.test" for number in range(draw(st.integers(0, 5)))],
                "shared_with": draw(
                    st.dictionaries(
                        st.sampled_from(["postgresql", "redis"]), st.integers(MIB, 4 * GIB)
                    )
                ),
            }
        },
        "proxy": {"kind": draw(st.sampled_from(["nginx", "apache", "none"]))},
    }


overrides = st.fixed_dictionaries(
    {},
    optional={
        "worker_class": st.sampled_from(["sync", "gthread", "gevent", "asgi", "tornado", "a.B"]),
        "workers": st.integers(0, 3000),
        "threads": st.integers(0, 300),
        "worker_connections": st.integers(0, 2_000_000),
        "timeout": st.integers(0, 100_000),
        "graceful_timeout": st.integers(0, 100_000),
        "backlog": st.integers(0, 100_000),
        "max_requests": st.integers(0, 5000),
        "max_requests_jitter": st.integers(0, 5000),
    },
)


def at_once(group: GroupPlan) -> int:
    gunicorn = group.components["gunicorn"]
    workers = gunicorn["workers"].number
    worker_class = gunicorn["worker_class"].text
    if worker_class in ASYNC or "." in worker_class:
        return workers * gunicorn["worker_connections"].number
    return workers * gunicorn["threads"].number


def check_all(group: GroupPlan) -> None:
    facts = group.facts
    gunicorn, systemd = group.components["gunicorn"], group.components["systemd"]
    sysctl, nginx = group.components["sysctl"], group.components.get("nginx")
    apache = group.components.get("apache")
    workers = gunicorn["workers"].number

    # Numbers that make sense at all.
    for name in ("workers", "threads", "worker_connections", "backlog", "timeout"):
        assert gunicorn[name].number >= 1, name

    # The chain of time-outs.
    slowest, timeout = facts.slowest_request_s, gunicorn["timeout"].number
    assert slowest < timeout
    assert slowest < gunicorn["graceful_timeout"].number
    assert gunicorn["graceful_timeout"].number + 10 <= systemd["TimeoutStopSec"].number
    if nginx:
        assert timeout < nginx["proxy_read_timeout"].number
        assert timeout < nginx["proxy_send_timeout"].number

    if apache:
        assert timeout < apache["ProxyTimeout"].number

    # Memory: two releases side by side, the system, the proxy and the neighbours.
    slot = workers * facts.worker_bytes
    limit, high = (parse_size(systemd[name].text) for name in ("MemoryMax", "MemoryHigh"))
    assert slot < high < limit
    assert slot + limit + facts.shared_bytes < facts.memory_bytes

    # The database's connections, during a release.
    if facts.db_connections is not None:
        assert at_once(group) * facts.hosts_total * 2 <= facts.db_connections

    # Open connections leave room for requests.
    assert at_once(group) > facts.long_lived

    # Files: nothing that a kernel refuses, and two for each connection.
    assert 2 * gunicorn["worker_connections"].number < systemd["LimitNOFILE"].number <= 2**20
    assert gunicorn["backlog"].number <= sysctl["net.core.somaxconn"].number
    if gunicorn["worker_class"].text == "gthread":
        assert gunicorn["worker_connections"].number >= gunicorn["threads"].number
    if nginx:
        connections, processes = nginx["worker_connections"], nginx["worker_processes"]
        assert 1 <= processes.number <= max(1, facts.cores)
        assert connections.number * processes.number >= 2 * at_once(group)
        assert 2 * connections.number <= nginx["worker_rlimit_nofile"].number <= 2**20

    if apache:
        check_apache({name: setting.value for name, setting in apache.items()}, group)

    # Every thread that is planned may start.
    assert systemd["TasksMax"].number > workers * (gunicorn["threads"].number + 1)

    # Recycling never takes all workers at once.
    requests, jitter = gunicorn["max_requests"].number, gunicorn["max_requests_jitter"].number
    assert jitter < max(1, requests) or not requests

    # Worker classes that fit the application.
    worker_class = gunicorn["worker_class"].text
    if worker_class == "sync":
        assert gunicorn["threads"].number == 1
        assert nginx
    if worker_class in {"gevent", "eventlet"}:
        assert facts.greenlet_safe
    if not facts.thread_safe:
        assert gunicorn["threads"].number == 1


def check_apache(apache: dict[str, Any], group: GroupPlan) -> None:
    """What Apache itself would warn of and change, and what memory and systemd allow."""
    threads, each = apache["MaxRequestWorkers"], apache["ThreadsPerChild"]
    processes = threads // each
    assert threads == processes * each
    assert apache["ThreadLimit"] == each
    assert apache["ServerLimit"] >= 2 * processes and apache["StartServers"] == processes
    assert apache["MinSpareThreads"] <= apache["MaxSpareThreads"] <= threads
    assert 150 < threads <= 4096  # Debian's default, and systemd's limit of tasks
    assert threads > group.facts.long_lived
    assert apache["ListenBacklog"] <= group.components["sysctl"]["net.core.somaxconn"].number
    assert 128 * 1024 <= apache["BufferSize"] <= 2**20
    # Debian's limit of open files for a process of Apache's: clients, gunicorn's side, bodies.
    assert each * (1 + apache["AsyncRequestWorkerFactor"]) + 2 * each <= 8192


def judge(changes: dict[str, Any]) -> None:
    try:
        made = plan.make(spec(**changes))
    except InputError as error:
        check_refusal(error)
        return
    event("planned")
    for group in made.groups.values():
        check_all(group)


def check_refusal(error: InputError) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.message
        assert problem.where
        event(f"refused: {problem.where[-1]}")


@given(descriptions())
@settings(max_examples=200)
def test_every_plan_holds_every_invariant(changes: dict[str, Any]) -> None:
    judge(changes)


@given(descriptions(), overrides)
@settings(max_examples=200)
def test_every_plan_with_overrides_holds_every_invariant(
    changes: dict[str, Any], server: dict[str, Any]
) -> None:
    judge({**changes, "server": server})


@pytest.mark.parametrize("size", ["64M", "128M", "256M"])
def test_a_machine_that_is_too_small_says_how_large_it_has_to_be(size: str) -> None:
    problem = refusal(machines=machine(1, size), workload={"worker_memory": "200M"})
    assert problem.where == ("machines", "web")
    assert "too small for one worker" in problem.message
    enough = problem.allowed.removeprefix("memory of at least ")
    assert a_plan(machines=machine(1, enough), workload={"worker_memory": "200M"})
    less = f"{parse_size(enough) // MIB - 2}M"
    refusal(machines=machine(1, less), workload={"worker_memory": "200M"})


def test_neighbours_count_towards_a_machine_that_is_too_small() -> None:
    neighbours = {"postgresql": "900M"}
    problem = refusal(machines=machine(1, "1G", shared_with=neighbours))
    enough = problem.allowed.removeprefix("memory of at least ")
    assert a_plan(machines=machine(1, enough, shared_with=neighbours))


def test_problems_of_all_groups_and_parts_come_at_once() -> None:
    found = refusals(
        app={"unhardened": {"PrivateTmpp": "why not"}, "environment": {"GUNICORN_CMD_ARGS": "x"}},
        machines={"web": {"memory": "64M"}, "db": {"memory": "64M"}},
        proxy={"server_names": ["*.shop.test"]},
        workload={"cpu_ms": 5},
    )
    assert {problem.where for problem in found} == {
        ("app", "unhardened", "PrivateTmpp"),
        ("app", "environment", "GUNICORN_CMD_ARGS"),
        ("machines", "web"),
        ("machines", "db"),
        ("proxy", "server_names"),
        ("workload", "cpu_ms"),
    }
    assert all(problem.line for problem in found)


# What an override breaks -> the settings that the message has to name, with their values.
BROKEN: list[tuple[dict[str, Any], dict[str, Any], str, list[str]]] = [
    (
        {"timeout": 20}, {}, "timeout",
        ["timeout 20 s", "workload.slowest_request_s 20 s"],
    ),
    (
        {"graceful_timeout": 5}, {}, "graceful_timeout",
        ["graceful_timeout 5 s", "workload.slowest_request_s 20 s"],
    ),
    ({"workers": 500}, {}, "workers", ["workers 500", "100 MiB", "4 GiB"]),
    (
        {"max_requests": 100, "max_requests_jitter": 100}, {}, "max_requests_jitter",
        ["max_requests_jitter 100", "max_requests 100"],
    ),
    (
        {"worker_class": "sync", "threads": 4}, {}, "worker_class",
        ["worker_class sync", "threads 4"],
    ),
    (
        {"worker_class": "sync"}, {"proxy": {"kind": "none"}}, "worker_class",
        ["worker_class sync", "proxy.kind none"],
    ),
    (
        {"worker_class": "sync"}, {"proxy": {"kind": "apache"}}, "worker_class",
        ["worker_class sync", "proxy.kind apache"],
    ),
    (
        {"worker_class": "gevent"}, {}, "worker_class",
        ["worker_class gevent", "workload.greenlet_safe false"],
    ),
    (
        {"threads": 3}, {"workload": {"thread_safe": False}, "proxy": {"kind": "none"}}, "threads",
        ["threads 3", "workload.thread_safe false"],
    ),
    (
        {"worker_class": "asgi"}, {}, "worker_class",
        ["worker_class asgi", "app.interface wsgi"],
    ),
    (
        {"worker_class": "uvicorn_worker.UvicornH11Worker"}, {}, "worker_class",
        ["uvicorn_worker.UvicornH11Worker", "app.interface wsgi"],
    ),
    (
        {"worker_class": "gthread"}, {"app": {"interface": "asgi"}}, "worker_class",
        ["worker_class gthread", "app.interface asgi"],
    ),
    (
        {"worker_connections": 2}, {}, "worker_connections",
        ["worker_connections 2", "threads 3"],
    ),
    (
        {"worker_class": "gevent", "worker_connections": 600_000},
        {"workload": {"greenlet_safe": True}, "proxy": {"kind": "none"}}, "worker_connections",
        ["worker_connections 600000", "LimitNOFILE 1204096", "fs.nr_open is 1048576"],
    ),
    ({"timeout": 0}, {}, "timeout", ["found 0"]),
    ({"workers": 0}, {}, "workers", ["found 0"]),
]  # fmt: skip


@pytest.mark.parametrize(("server", "more", "name", "words"), BROKEN)
def test_a_broken_invariant_names_both_settings_their_values_and_the_line(
    server: dict[str, Any], more: dict[str, Any], name: str, words: list[str]
) -> None:
    problem = refusal(server=server, **more)
    assert problem.where == ("server", name)
    for word in words:
        assert word in problem.message
    # The builder writes each key on a line of its own, in the order of the changes.
    assert problem.file == "deploygen.yml"
    assert problem.line > 1 and problem.column > 1
    assert problem.allowed


def test_too_many_connections_for_the_database_are_refused_with_both_numbers() -> None:
    problem = refusal(server={"workers": 8, "threads": 4}, workload={"db_connections": 20})
    assert "workers 8" in problem.message
    assert "threads 4" in problem.message
    assert "64 database connections" in problem.message  # 8 x 4, twice during a release
    assert "workload.db_connections is 20" in problem.message
    assert problem.where == ("workload", "db_connections") and problem.line


def test_open_connections_that_take_every_thread_are_refused() -> None:
    problem = refusal(workload={"long_lived": 1000})
    assert "workload.long_lived 1000" in problem.message
    assert "512 requests at once" in problem.message  # 4 workers of 128 threads
    assert problem.where == ("workload", "long_lived")


def test_an_asynchronous_application_under_a_database_budget_still_holds_open_connections() -> None:
    problem = refusal(
        app={"interface": "asgi"}, workload={"long_lived": 500, "db_connections": 100}
    )
    assert problem.where == ("workload", "long_lived")
    assert "pools its database connections" in problem.hint


def test_a_host_belongs_to_one_group() -> None:
    problem = refusal(machines={"web": {"hosts": ["a.test"]}, "big": {"hosts": ["a.test"]}})
    assert problem.where == ("machines", "big", "hosts", 0)
    assert "machines.web" in problem.message


def test_one_half_of_a_measurement_is_refused() -> None:
    assert refusal(workload={"wait_ms": 5}).where == ("workload", "wait_ms")


def test_a_secret_has_no_value_in_the_description() -> None:
    problem = refusal(app={"secrets": ["A", "KEY"], "environment": {"KEY": "x"}})
    assert problem.where == ("app", "secrets", 1)


# The last value that holds, the first that does not.
@pytest.mark.parametrize(
    ("last", "first", "name"),
    [
        ({"workload": {"long_lived": 19}}, {"workload": {"long_lived": 20}}, "long_lived"),
        ({"workload": {"db_connections": 40}}, {"workload": {"db_connections": 39}},
         "db_connections"),
        ({"server": {"timeout": 21}}, {"server": {"timeout": 20}}, "timeout"),
        ({"server": {"graceful_timeout": 21}}, {"server": {"graceful_timeout": 20}},
         "graceful_timeout"),
        ({"server": {"worker_connections": 10}}, {"server": {"worker_connections": 9}},
         "worker_connections"),
        ({"server": {"max_requests": 9, "max_requests_jitter": 8}},
         {"server": {"max_requests": 9, "max_requests_jitter": 9}}, "max_requests_jitter"),
    ],
)  # fmt: skip
def test_limits_are_where_they_are(last: dict[str, Any], first: dict[str, Any], name: str) -> None:
    def with_shape(changes: dict[str, Any]) -> dict[str, Any]:
        server = {"workers": 2, "threads": 10, **changes.get("server", {})}
        return {**changes, "server": server}

    assert a_plan(**with_shape(last))
    assert refusal(**with_shape(first)).where[-1] == name


@pytest.mark.parametrize("memory", ["1G", "4G", "16G"])
def test_the_most_workers_that_are_named_fit_and_one_more_does_not(memory: str) -> None:
    machines = machine(2, memory)
    most = int(refusal(machines=machines, server={"workers": 999}).allowed.removeprefix("at most "))
    assert a_plan(machines=machines, server={"workers": most})
    assert refusal(machines=machines, server={"workers": most + 1}).where == ("server", "workers")
