"""PostgreSQL and Redis beside the application: what fits their limits, and bounds its threads."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.plan import ContainerPlan
from deploygen.plan.services import connections
from deploygen.units import GIB, MIB
from tests.builders import a_plan, machine, refusal

# A workload that waits wants more threads than a small database has connections.
WAITING = {"cpu_ms": 1, "wait_ms": 100}


def containers(**changes: Any) -> ContainerPlan:
    found = a_plan(**changes).containers
    assert found
    return found


@pytest.mark.parametrize(
    ("memory", "most"),
    [(64 * MIB, 20), (256 * MIB, 21), (512 * MIB, 42), (2 * GIB, 170), (64 * GIB, 1000)],
)
def test_connections_fit_the_memory(memory: int, most: int) -> None:
    assert connections(memory) == most


@pytest.mark.parametrize(("memory", "room"), [("512M", 34), ("1G", 77)])
def test_no_thread_is_without_a_connection(memory: str, room: int) -> None:
    given = {"workload": WAITING, "machines": machine(4, "8G")}
    found = containers(**given, containers={"postgresql": {"memory": memory}})
    gunicorn = found.components["gunicorn"]
    threads = gunicorn["workers"].number * gunicorn["threads"].number
    alone = containers(**given).components["gunicorn"]
    assert threads <= room < alone["workers"].number * alone["threads"].number
    assert found.components["postgresql"]["max_connections"].number >= room + 8
    # Nor may the environment ask for more.
    (joint,) = [each for each in found.bounds.joint if "database" in each.why]
    assert joint.most == room


def test_a_declared_budget_counts_and_an_event_loop_pools() -> None:
    own = {"postgresql": {}}
    assert containers(containers=own, workload={"db_connections": 9}).facts.db_connections == 9
    assert containers(containers=own, app={"interface": "asgi"}).facts.db_connections is None
    assert containers(containers=own, workload={"greenlet_safe": True}).facts.db_connections is None
    assert containers(containers={"redis": {}}).facts.db_connections is None
    # Other hosts have a database of their own.
    many = machine(2, "4G", hosts=["a.example", "b.example"])
    assert containers(containers=own, machines=many).facts.hosts_total == 1
    # The machines' own plan is not touched.
    assert a_plan(containers=own).groups["web"].facts.db_connections is None


def test_what_each_keeps_in_memory_fits_its_limit() -> None:
    found = containers(containers={"postgresql": {"memory": "1G"}, "redis": {"memory": "100M"}})
    postgresql, redis = found.components["postgresql"], found.components["redis"]
    assert (postgresql["shared_buffers"].value, postgresql["shm_size"].number) == (
        "256MB",
        256 * MIB,
    )
    assert redis["maxmemory"].value == "60mb"
    assert postgresql["pids_limit"].number > postgresql["max_connections"].number


def test_variables_may_differ_in_containers() -> None:
    made = a_plan(
        app={"environment": {"CACHE": "redis://localhost", "MOTTO": "a"}},
        containers={"environment": {"CACHE": "redis://redis:6379/0"}},
    )
    assert made.containers
    assert made.containers.environment["CACHE"] == "redis://redis:6379/0"
    assert made.containers.environment["MOTTO"] == "a"
    assert made.environment["CACHE"] == "redis://localhost"
    given = {"app": {"secrets": ["KEY"]}, "containers": {"environment": {"KEY": "x"}}}
    assert refusal(**given).where == ("containers", "environment", "KEY")
    given = {"containers": {"environment": {"GUNICORN_CMD_ARGS": "--workers 9"}}}
    assert refusal(**given).where == ("containers", "environment", "GUNICORN_CMD_ARGS")


def test_services_alone_ask_for_no_containers() -> None:
    """init writes them: a description that containers can't have is still one for hosts."""
    acme = {"proxy": {"tls": {"mode": "acme"}}}
    made = a_plan(**acme, containers={"postgresql": {}})
    assert made.containers is None
    assert any("no files for containers" in note for note in made.notes)
    assert refusal(**acme, containers={"memory": "1G"}).where == ("proxy", "tls", "mode")
