"""What the tests of a scenario share: its plan, its hosts, and what its trial has counted."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import testinfra
import yaml

from deploygen import plan as plans
from deploygen.plan import GroupPlan, Plan
from testbed.probe import Probe
from testbed.scenario import SCENARIOS, Host, Scenario, scenario

NAME = os.environ["MOLECULE_SCENARIO_NAME"]
SCENARIO = scenario(NAME)
PLAN = plans.make(SCENARIO.document.spec)


def machine(named: Host) -> Any:
    """testinfra's host for a container."""
    return testinfra.get_host(f"{os.environ['TESTBED_ENGINE']}://{named.container}")


@pytest.fixture(scope="session")
def tried() -> Scenario:
    return SCENARIO


@pytest.fixture(scope="session")
def planned() -> Plan:
    return PLAN


@pytest.fixture(
    scope="session",
    params=[host for host in SCENARIO.hosts if host.group in PLAN.groups],
    ids=lambda host: host.name,
)
def named(request: pytest.FixtureRequest) -> Host:
    """Each host of the application in turn."""
    found: Host = request.param
    return found


@pytest.fixture(scope="session")
def group(named: Host) -> GroupPlan:
    return PLAN.groups[named.group]


@pytest.fixture(scope="session")
def host(named: Host) -> Any:
    """The host itself, asked through the engine: in the place of testinfra's own fixture."""
    return machine(named)


@pytest.fixture(scope="session")
def probe(host: Any) -> Probe:
    return Probe(host, SCENARIO.document.spec.name, SCENARIO.site)


@pytest.fixture(scope="session")
def acts() -> list[dict[str, Any]]:
    """What the trial has done and counted."""
    read: list[dict[str, Any]] = json.loads((SCENARIO.work / "figures.json").read_text("utf-8"))
    return read


@pytest.fixture(scope="session")
def told() -> dict[str, Any]:
    """trial.yml."""
    read: dict[str, Any] = yaml.safe_load((SCENARIOS / NAME / "trial.yml").read_text("utf-8"))
    return read


@pytest.fixture(scope="session")
def wanted_acts(told: dict[str, Any]) -> list[str]:
    """What the trial had to do, one entry for each release."""
    found: list[str] = []
    for name in told["acts"]:
        word, _, number = name.partition(" ")
        found += ["release"] * int(number) if word == "releases" else [name]
    return found
