"""What a container's environment may override: as far as a description may, and no further."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.errors import InputError
from deploygen.plan import ContainerPlan
from tests.builders import a_plan, machine

CASES: list[dict[str, Any]] = [
    {},
    {"machines": machine(8, "1G")},
    {"containers": {"memory": "300M"}},
    {"app": {"interface": "asgi"}},
    {"workload": {"kind": "io", "greenlet_safe": True}},
    {"workload": {"thread_safe": False}},
    {"workload": {"slowest_request_s": 90}, "proxy": {"kind": "none"}},
    {"workload": {"db_connections": 30}},
]


def containers(**changes: Any) -> ContainerPlan:
    found = a_plan(**changes).containers
    assert found
    return found


@pytest.mark.parametrize("changes", CASES)
def test_what_is_planned_lies_within_the_bounds(changes: dict[str, Any]) -> None:
    found = containers(**changes)
    gunicorn = found.components["gunicorn"]
    for bound in found.bounds.variables:
        assert bound.least <= gunicorn[bound.setting].number <= bound.most, bound.variable
        assert bound.why
    for joint in found.bounds.joint:
        assert gunicorn["workers"].number * gunicorn[joint.each].number <= joint.most


@pytest.mark.parametrize("changes", CASES)
def test_more_workers_than_a_variable_may_ask_for_are_refused_in_the_description_too(
    changes: dict[str, Any],
) -> None:
    most = containers(**changes).bounds.most("workers")
    assert most
    described = {**changes, "containers": {**changes.get("containers", {}), "uid": 2000}}
    with pytest.raises(InputError):
        a_plan(**described, targets=["docker"], server={"workers": most + 1})


@pytest.mark.parametrize("changes", CASES)
def test_the_container_has_room_for_all_that_variables_may_ask_for(changes: dict[str, Any]) -> None:
    found = containers(**changes)
    gunicorn, limits = found.components["gunicorn"], found.components["container"]
    workers = found.bounds.most("workers") or 0
    threads = found.bounds.most("threads") or gunicorn["threads"].number
    assert workers * threads < limits["pids_limit"].number
    assert found.facts.worker_bytes * workers < found.facts.memory_bytes


def test_variables_that_do_not_apply_to_the_worker_are_not_there() -> None:
    def names(**changes: Any) -> set[str]:
        return set(containers(**changes).bounds.names)

    assert "GUNICORN_THREADS" in names()
    assert "GUNICORN_WORKER_CONNECTIONS" not in names()
    asgi = names(app={"interface": "asgi"})
    assert "GUNICORN_THREADS" not in asgi and "GUNICORN_WORKER_CONNECTIONS" in asgi
    assert "GUNICORN_THREADS" not in names(workload={"thread_safe": False})
