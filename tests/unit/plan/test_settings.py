"""Every setting has its reason, with numbers, and a source that is named once."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import deploygen.plan
from deploygen.errors import InputError
from deploygen.plan import Setting, sources
from deploygen.plan.setting import Source, by_name
from deploygen.systems import SYSTEMS
from deploygen.units import GIB, MIB, parse_size
from tests.builders import a_plan, machine, refusal, refusals, settings, some_facts

SOURCES = {name: value for name, value in vars(sources).items() if isinstance(value, Source)}

# Descriptions that reach every branch of a rule, between them.
MANY: list[dict[str, Any]] = [
    {},
    {"proxy": {"kind": "none"}},
    {"proxy": {"kind": "apache"}},
    {"proxy": {"kind": "apache"}, "machines": machine(64, "256G")},
    {"proxy": {"kind": "apache"}, "machines": machine(0.5, "512M")},
    {"workload": {"kind": "io", "leaks": True}},
    {"workload": {"thread_safe": False}},
    {"workload": {"cpu_ms": 1, "wait_ms": 99, "greenlet_safe": True}},
    {"workload": {"cpu_ms": 1, "wait_ms": 999}},
    {"workload": {"db_connections": 6}},
    {"proxy": {"limits": {"connections_per_address": 5, "requests_per_second": 9, "burst": 0}}},
    {"workload": {"long_lived": 50}},
    {"app": {"interface": "asgi"}},
    {"app": {"interface": "asgi", "gunicorn": "24.0.0"}},
    {"app": {"python": "3.13t", "python_path": "/opt/python"}, "machines": machine(64, "256G")},
    {"machines": machine(8, "1G")},
    {"machines": machine(512, "4T", os="debian-13")},
    {"machines": machine(0.1, "512M", os="ubuntu-24.04")},
    {"server": {"workers": 3, "threads": 4, "loglevel": "debug", "max_requests": 500}},
]


@pytest.mark.parametrize("changes", MANY)
def test_each_has_a_reason_and_a_known_source(changes: dict[str, Any]) -> None:
    for name, setting in settings(**changes).items():
        assert name.endswith(f".{setting.name}")
        assert len(setting.reason.split()) >= 3
        assert setting.reason == setting.reason.strip()
        assert not setting.reason.endswith(".")  # the writer ends the sentence
        assert "  " not in setting.reason
        assert setting.source in SOURCES.values(), name
        # Numbers are written out: 1.126e+04 is nobody's number of workers.
        assert not re.search(r"\de[+-]\d", setting.reason)
        assert not re.search(
            r"(?<![\d.])1 (workers|threads|cpus|processes|connections)\b", setting.reason
        )


def test_each_source_is_used() -> None:
    folder = Path(inspect.getfile(deploygen.plan)).parent
    used = {
        node.attr
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sources"
    }
    assert used == set(SOURCES)


def test_each_source_is_a_page_and_stands_once() -> None:
    urls = [source.url for source in SOURCES.values()]
    assert len(urls) == len(set(urls))
    for source in SOURCES.values():
        assert source.url.startswith(("https://", "docs/"))


# Reasons carry the numbers that the value was made from.
@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("gunicorn.workers", {"machines": machine(4, "8G")}, ["4 cores"]),
        ("gunicorn.workers", {"machines": machine(1, "8G")}, ["a second worker", "one crash"]),
        ("gunicorn.timeout", {"workload": {"slowest_request_s": 100}}, ["100 s", "150 s"]),
        ("gunicorn.graceful_timeout", {"workload": {"slowest_request_s": 7.5}}, ["7.5 s"]),
        ("gunicorn.backlog", {}, ["6 at once", "50 ms (assumed)", "1200 requests", "10 s"]),
        ("gunicorn.backlog", {"workload": {"cpu_ms": 4, "wait_ms": 400, "greenlet_safe": True}},
         ["2 cpus at 4 ms", "5000 requests", "2048"]),
        ("gunicorn.worker_connections", {}, ["3 threads and 300 more"]),
        ("gunicorn.max_requests_jitter", {"workload": {"leaks": True}}, ["20%", "1000"]),
        ("nginx.worker_processes", {"machines": machine(2.5, "8G")}, ["2.5 declared cpus"]),
        ("nginx.worker_processes", {"machines": machine(64, "64G")}, ["64 declared cpus"]),
        ("nginx.worker_rlimit_nofile", {}, ["each of 4096 connections"]),
        ("nginx.proxy_read_timeout", {"workload": {"slowest_request_s": 100}}, ["150 s", "10 s"]),
        ("systemd.MemoryMax", {}, ["4 GiB", "410 MiB", "205 MiB", "230 MiB"]),
        ("systemd.MemoryHigh", {}, ["90%"]),
        ("systemd.TasksMax", {}, ["2 workers of 3 threads", "32 more"]),
        ("systemd.LimitNOFILE", {}, ["303 connections", "4096"]),
        ("systemd.TimeoutStopSec", {"workload": {"slowest_request_s": 100}}, ["150 s", "10 s"]),
        ("sysctl.net.core.somaxconn", {}, ["600"]),
    ],
)  # fmt: skip
def test_reasons_carry_their_numbers(name: str, changes: dict[str, Any], words: list[str]) -> None:
    reason = settings(**changes)[name].reason
    for word in words:
        assert word in reason


# slowest request -> gunicorn, proxy, drain, systemd.
@pytest.mark.parametrize(
    ("slowest", "timeout", "proxy", "stop"),
    [(0.1, 30, 40, 40), (20, 30, 40, 40), (21, 32, 42, 42), (60, 90, 100, 100),
     (3600, 5400, 5410, 5410)],
)  # fmt: skip
def test_timeouts_form_a_chain(slowest: float, timeout: int, proxy: int, stop: int) -> None:
    found = settings(workload={"slowest_request_s": slowest})
    assert found["gunicorn.timeout"].value == found["gunicorn.graceful_timeout"].value == timeout
    assert found["nginx.proxy_read_timeout"].value == proxy
    # An application may take its time before it reads a body.
    assert found["nginx.proxy_send_timeout"].value == proxy
    assert found["systemd.TimeoutStopSec"].value == stop


def test_what_follows_from_an_overridden_timeout_follows() -> None:
    found = settings(server={"timeout": 300, "graceful_timeout": 120})
    assert found["nginx.proxy_read_timeout"].value == 310
    assert found["systemd.TimeoutStopSec"].value == 130


# A long request that computes: the heartbeat of a worker with threads goes on.
def test_who_is_killed_when_a_request_computes_for_long() -> None:
    def reason(**changes: Any) -> str:
        return settings(workload={"slowest_request_s": 300, **changes})["gunicorn.timeout"].reason

    assert "heartbeat goes on while its threads compute" in reason()
    assert "killed with its request" in reason(thread_safe=False)
    # The loop of an async worker beats only when nothing computes.
    green = reason(cpu_ms=1, wait_ms=99, greenlet_safe=True)
    assert "computes for 450 s without a pause is killed" in green


def test_the_kernel_allows_the_backlog_that_is_asked_for() -> None:
    assert settings()["sysctl.net.core.somaxconn"].value == 4096
    assert settings(server={"backlog": 10_000})["sysctl.net.core.somaxconn"].value == 10_000


def test_leaks_are_recycled_not_all_at_once() -> None:
    found = settings(workload={"leaks": True})
    assert found["gunicorn.max_requests"].value == 1000
    assert found["gunicorn.max_requests_jitter"].value == 200
    none = settings()
    assert none["gunicorn.max_requests"].value == none["gunicorn.max_requests_jitter"].value == 0


# What the description says of one, the other follows: no restart of all workers at one moment.
@pytest.mark.parametrize(
    ("requests", "leaks", "jitter"),
    [(100, True, 20), (500, False, 100), (3, True, 0), (0, True, 0)],
)
def test_jitter_follows_an_overridden_max_requests(requests: int, leaks: bool, jitter: int) -> None:
    found = settings(server={"max_requests": requests}, workload={"leaks": leaks})
    assert found["gunicorn.max_requests"].value == requests
    assert found["gunicorn.max_requests_jitter"].value == jitter


# memory, cpus -> processes, connections of each: no more than the proxy's share pays for, but
# for a floor of 1024 and for what gunicorn works on.
@pytest.mark.parametrize(
    ("memory", "cpus", "processes", "connections"),
    [("512M", 1, 1, 4096), ("4G", 2, 2, 4096), ("16G", 4, 4, 4096), ("1T", 64, 32, 4096),
     ("8T", 512, 32, 32768), ("16G", 1, 1, 16384)],
)  # fmt: skip
def test_nginx_fits_the_machine(memory: str, cpus: float, processes: int, connections: int) -> None:
    load = {"worker_memory": "30M"}
    found = settings(machines=machine(cpus, memory), workload=load)
    assert found["nginx.worker_processes"].value == processes
    assert found["nginx.worker_connections"].value == connections
    reason = found["nginx.worker_connections"].reason
    if "are idle or send slowly" in reason:
        reserved = max(32 * MIB, min(2 * GIB, parse_size(memory) * 0.05))
        assert processes * connections * 32 * 1024 <= reserved
    else:
        assert "takes two" in reason or "no fewer than 1024" in reason


# memory, cpus -> threads in all, of each process, and the buffer (KiB) of each. Debian's default is
# 150 threads in all, and as many idle clients take them.
@pytest.mark.parametrize(
    ("memory", "cpus", "threads", "each", "buffer"),
    [("512M", 1, 256, 128, 128), ("4G", 2, 448, 224, 128), ("8G", 4, 896, 224, 128),
     ("64G", 16, 4096, 256, 128), ("8T", 512, 4096, 256, 128), ("16G", 1, 1024, 512, 256)],
)  # fmt: skip
def test_apache_fits_the_machine(
    memory: str, cpus: float, threads: int, each: int, buffer: int
) -> None:
    load = {"worker_memory": "20M"}
    found = settings(machines=machine(cpus, memory), workload=load, proxy={"kind": "apache"})
    assert found["apache.MaxRequestWorkers"].value == threads
    assert found["apache.ThreadsPerChild"].value == each
    assert found["apache.BufferSize"].value == buffer * 1024
    reserved = max(96 * MIB, min(4 * GIB, parse_size(memory) // 10))
    # A thread with a body, and two clients beside it that leave a response unread.
    place = 32 + 1.5 * buffer + 2 * (112 + 1.4 * buffer)
    most = threads // each * 10 * MIB + threads * place * 1024
    # Fewer threads than 256 would be fewer than the site needs, whatever they take.
    assert (most <= reserved) == (memory != "512M")
    assert ("and 96 MiB are Apache's" in found["apache.MaxRequestWorkers"].reason) == (
        memory == "512M"
    )
    # The unit has room for all of them, those of a reload that are about to end included.
    assert found["apache.TasksMax"].number > found["apache.ServerLimit"].number * each
    assert ("bounded" in found["apache.MaxRequestWorkers"].reason) == (threads == 4096)


# What a client takes that reads slowly: measured, and more over TLS.
@pytest.mark.parametrize(
    ("tls", "reader", "apache", "threads"),
    [({}, "72 KiB", "291 KiB", 896),
     ({"mode": "files", "certificate": "/c", "key": "/k"}, "144 KiB", "570 KiB", 512)],
)  # fmt: skip
def test_slow_readers_take_more_over_tls(
    tls: dict[str, Any], reader: str, apache: str, threads: int
) -> None:
    large = {"machines": machine(4, "8G")}
    found = settings(**large, proxy={"tls": tls})["nginx.worker_connections"]
    assert f"reads slowly may take {reader}" in found.reason
    made = settings(**large, proxy={"kind": "apache", "tls": tls})
    assert f"at {apache} with" in made["apache.FlushMaxThreshold"].reason
    assert made["apache.MaxRequestWorkers"].value == threads


LIMITS = {"connections_per_address": 5, "requests_per_second": 9}


# What remembers the addresses is the proxy's memory too: 20 MiB of nginx's, 48 of Apache's.
@pytest.mark.parametrize(
    ("kind", "name", "memory", "without", "limited"),
    [("nginx", "worker_connections", "10500M", 16384, 8192),
     ("apache", "MaxRequestWorkers", "4G", 448, 384)],
)  # fmt: skip
def test_limits_leave_less_for_clients(
    kind: str, name: str, memory: str, without: int, limited: int
) -> None:
    server = {"workers": 2, "threads": 2, "backlog": 64}
    for limits, clients in (({}, without), (LIMITS, limited)):
        proxy = {"kind": kind, "limits": limits}
        found = settings(machines=machine(1, memory), server=server, proxy=proxy)
        assert found[f"{kind}.{name}"].value == clients


def test_apaches_threads_bound_what_gunicorn_could_hold() -> None:
    load = {"cpu_ms": 1, "wait_ms": 999, "greenlet_safe": True}
    reason = settings(workload=load, proxy={"kind": "apache"})["apache.MaxRequestWorkers"].reason
    assert "gunicorn could hold 4048" in reason
    few = {"backlog": 64, "worker_connections": 32}
    small = settings(workload={"cpu_ms": 20, "wait_ms": 0}, proxy={"kind": "apache"}, server=few)
    assert "gunicorn could hold" not in small["apache.MaxRequestWorkers"].reason


def test_each_open_connection_holds_a_thread_of_apaches() -> None:
    load = {"long_lived": 448, "greenlet_safe": True}
    problem = refusal(workload=load, proxy={"kind": "apache"})
    assert problem.where == ("workload", "long_lived")
    assert "MaxRequestWorkers 448" in problem.message
    assert settings(workload={**load, "long_lived": 447}, proxy={"kind": "apache"})


def test_nginx_carries_what_green_threads_hold() -> None:
    load = {"cpu_ms": 1, "wait_ms": 999, "greenlet_safe": True, "long_lived": 100_000}
    found = settings(machines=machine(4, "16G"), workload=load)
    at_once = 4 * (1000 + 25_000)
    assert found["gunicorn.worker_connections"].value == 26_000
    total = found["nginx.worker_processes"].number * found["nginx.worker_connections"].number
    assert total >= 2 * (at_once + found["gunicorn.backlog"].number)
    assert f"{at_once + 2048} requests" in found["nginx.worker_connections"].reason


# A slot of the planned size is never slowed down, and both together leave the machine alive.
@pytest.mark.parametrize("memory", ["512M", "1G", "2G", "4G", "16G", "1T"])
def test_memory_limits(memory: str) -> None:
    found = settings(machines=machine(64, memory))
    facts = some_facts(machines=machine(64, memory))
    planned = 30 * MIB + found["gunicorn.workers"].number * facts.worker_bytes
    high, most = (parse_size(found[f"systemd.{name}"].text) for name in ("MemoryHigh", "MemoryMax"))
    assert planned <= high < most
    system = min(facts.memory_bytes // 10, 4 * GIB)
    assert planned + most <= facts.memory_bytes - system


def test_asgi_leaves_room_for_the_threads_of_frameworks() -> None:
    """FastAPI runs plain functions in up to 40 threads of each worker."""
    found = settings(app={"interface": "asgi"})
    assert found["systemd.TasksMax"].number >= 2 * (1 + 40 + 32)
    threads = settings(server={"threads": 128})
    assert threads["systemd.TasksMax"].number > 2 * 129


@pytest.mark.parametrize("name", SYSTEMS)
def test_options_that_a_system_lacks_are_left_out(name: str) -> None:
    found = settings(machines=machine(2, "4G", os=name))
    assert ("systemd.RestartMaxDelaySec" in found) == SYSTEMS[name].restart_steps


def test_without_a_proxy_of_ours_there_is_no_nginx() -> None:
    found = settings(proxy={"kind": "none"})
    assert {name.split(".")[0] for name in found} == {"gunicorn", "systemd", "sysctl"}


# An override: (value, what the plan would have said).
@pytest.mark.parametrize(
    ("name", "value", "planned"),
    [("workers", 3, 2), ("threads", 8, 3), ("timeout", 99, 30), ("keepalive", 5, 2),
     ("preload_app", True, False), ("max_requests", 500, 0), ("loglevel", "debug", None),
     ("worker_class", "sync", "gthread"), ("backlog", 64, 600), ("worker_connections", 50, 303),
     ("control_socket", "/run/other/%i.ctl", "/run/shop/%i.ctl")],
)  # fmt: skip
def test_overrides_remember_what_the_plan_would_say(name: str, value: Any, planned: Any) -> None:
    setting = settings(server={name: value})[f"gunicorn.{name}"]
    assert (setting.value, setting.overridden) == (value, planned)
    assert setting.reason == "set in deploygen.yml"
    assert setting.source is sources.DESCRIPTION


@pytest.mark.parametrize(
    "name", sorted(name for name in settings() if name.startswith("gunicorn."))
)
def test_an_override_that_says_the_same_overrides_nothing(name: str) -> None:
    planned, short = settings()[name], name.removeprefix("gunicorn.")
    setting = settings(server={short: planned.value})[name]
    assert setting.value == planned.value
    assert setting.overridden is None
    assert setting.reason == "set in deploygen.yml"


# worker_class, gunicorn -> words of the refusal.
@pytest.mark.parametrize(
    ("worker_class", "gunicorn", "words"),
    [
        ("eventlet", "26.0.0", ["26.0 removed it", "gevent"]),
        ("eventlet", "27.0.1", ["27.0.1 has no eventlet", "gevent"]),
        ("asgi", "25.0.3", ["25.0.3", "25.1 or later"]),
        ("uvicorn.workers.UvicornWorker", "27.0.1", ["deprecated", "uvicorn-worker"]),
        ("gunicorn.workers.gthread.ThreadWorker", "27.0.1", ["short name"]),
        ("gevnt", "27.0.1", ["'gevnt'", "did you mean gevent?"]),
        ("os;x.y", "27.0.1", ["'os;x.y'", "dotted path"]),
        ("a.\u00e4", "27.0.1", ["dotted path"]),
    ],
)
def test_worker_classes_that_are_refused(
    worker_class: str, gunicorn: str, words: list[str]
) -> None:
    problem = refusal(server={"worker_class": worker_class}, app={"gunicorn": gunicorn})
    assert problem.where == ("server", "worker_class") and problem.line
    for word in words:
        assert word in f"{problem.message} {problem.allowed} {problem.hint}"


def test_eventlet_below_26_is_planned_and_installed() -> None:
    changes: dict[str, Any] = {
        "server": {"worker_class": "eventlet"},
        "app": {"gunicorn": "25.3.0"},
        "workload": {"greenlet_safe": True},
    }
    found = settings(**changes)
    assert found["gunicorn.threads"].value == 1
    assert found["gunicorn.worker_connections"].value == 1000
    assert "gunicorn[eventlet]==25.3.0" in a_plan(**changes).install_commands[-1]


@pytest.mark.parametrize(
    "worker_class", ["uvicorn_worker.UvicornWorker", "uvicorn_worker.UvicornH11Worker"]
)
def test_workers_of_uvicorn_are_installed_and_hold_connections(worker_class: str) -> None:
    changes = {"server": {"worker_class": worker_class}, "app": {"interface": "asgi"}}
    assert "uvicorn-worker" in a_plan(**changes).install_commands[-1]
    found = settings(**changes)
    assert found["gunicorn.threads"].value == 1
    assert found["gunicorn.forwarded_allow_ips"].value == "*"
    assert found["gunicorn.worker_connections"].value == 1000


@pytest.mark.parametrize(
    ("gunicorn", "name", "value"),
    [("25.0.3", "control_socket", "/run/x/%i"), ("20.1", "logconfig_json", "x"),
     ("26.1.0", "websocket_max_message_size", 5)],
)  # fmt: skip
def test_settings_that_a_release_lacks_are_refused(gunicorn: str, name: str, value: Any) -> None:
    problem = refusal(app={"gunicorn": gunicorn}, server={name: value})
    assert problem.where == ("server", name)
    assert f"gunicorn {gunicorn} has no such setting" in problem.message
    assert "or later" in problem.allowed


def test_releases_that_the_plan_does_not_know_are_refused() -> None:
    assert refusal(app={"gunicorn": "19.9.0"}).where == ("app", "gunicorn")


def test_hardening_is_left_out_by_name_and_with_a_reason() -> None:
    options = a_plan(app={"unhardened": {"ProcSubset": "it reads /proc/meminfo"}}).groups["web"]
    dropped = {option.name: option.dropped for option in options.hardening if option.dropped}
    assert dropped == {"ProcSubset": "it reads /proc/meminfo"}
    found = refusals(app={"unhardened": {"ProcSubse": "x", "NoNewPrivilege": "y"}})
    assert [problem.hint for problem in found] == [
        "did you mean ProcSubset?",
        "did you mean NoNewPrivileges?",
    ]


def test_a_setting_knows_its_type() -> None:
    setting = Setting("workers", "two", "because", sources.DESCRIPTION)
    assert setting.text == "two"
    with pytest.raises(TypeError, match="no whole number"):
        assert setting.number
    with pytest.raises(TypeError, match="no text"):
        assert Setting("workers", 2, "because", sources.DESCRIPTION).text
    assert by_name(setting, None) == {"workers": setting}


def test_all_refusals_are_input_errors() -> None:
    with pytest.raises(InputError):
        a_plan(server={"workers": 0})


@pytest.mark.parametrize(
    ("workload", "requests"),
    [
        ({"leaks": True}, 1000),
        ({"leaks": True, "peak_rps": 1}, 1000),
        ({"leaks": True, "peak_rps": 100}, 30000),  # 100 / 2 workers x 600 s
        ({"leaks": False, "peak_rps": 100}, 0),
    ],
)
def test_a_busy_worker_is_not_replaced_all_the_time(
    workload: dict[str, Any], requests: int
) -> None:
    assert settings(workload=workload)["gunicorn.max_requests"].value == requests
