"""The trial of the playbooks: hosts of its own, and what can be asked of them."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.plan import trial
from tests.builders import a_plan, machine


def made(**changes: Any) -> trial.Trial:
    return trial.trial(a_plan(**changes))


def test_it_never_names_a_host_of_the_description() -> None:
    machines = {
        "small": {"hosts": ["a.example.net"]},
        "large": {"hosts": [f"10.0.0.{n}" for n in range(1, 9)], "os": "ubuntu-22.04"},
        "later": {},
    }
    found = made(machines=machines)
    assert {name: group.hosts for name, group in found.groups.items()} == {
        "small": ("small-1",),
        "large": ("large-1", "large-2"),
        "later": ("later-1",),
    }
    assert set(found.workers) == {"small-1", "large-1", "large-2", "later-1"}
    assert found.systems == {
        "debian-12": "docker.io/library/debian:12",
        "ubuntu-22.04": "docker.io/library/ubuntu:22.04",
    }


def test_each_group_has_its_planned_workers() -> None:
    plan = a_plan(machines={**machine(1, "1G"), "large": {"cpus": 8, "memory": "16G"}})
    found = trial.trial(plan)
    for name, group in found.groups.items():
        for host in group.hosts:
            planned = plan.groups[name].components["gunicorn"]["workers"].number
            assert found.workers[host] == planned


@pytest.mark.parametrize(
    ("proxy", "page", "statuses"),
    [
        ({}, "http://shop.example.org/health/", trial.WELL),
        ({"tls": {"mode": "acme"}}, "https://shop.example.org/health/", trial.WELL),
        # What stands in front ends TLS, so the application may send a plain request there.
        ({"behind": ["10.0.0.0/8"]}, "http://shop.example.org/health/", trial.WELL_OR_ELSEWHERE),
        ({"behind": {"networks": ["10.0.0.0/8"], "only": True}}, "", trial.WELL_OR_ELSEWHERE),
        ({"kind": "none"}, "", trial.WELL),
    ],
)
def test_the_page_that_a_trial_can_ask_for(
    proxy: dict[str, Any], page: str, statuses: tuple[int, ...]
) -> None:
    names = {"server_names": ["shop.example.org"]}
    found = made(app={"health": "/health/"}, proxy={**names, **proxy})
    assert (found.page, found.page_statuses) == (page, statuses)
    assert found.health == "http://shop.example.org/health/"
    assert found.health_statuses == trial.WELL


def test_without_a_health_url_a_redirect_will_do() -> None:
    found = made()
    assert found.health.endswith("/")
    assert found.health_statuses == trial.WELL_OR_ELSEWHERE
