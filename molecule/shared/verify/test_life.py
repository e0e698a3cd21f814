"""What the trial has counted: a host's life under load."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.plan import Plan
from testbed.changes import BROKEN
from testbed.scenario import Scenario
from testbed.trial import FIRST, clients

Act = dict[str, Any]


def named(acts: list[Act], *words: str) -> list[Act]:
    """The acts of that kind; the test is skipped where this scenario has none."""
    found = [act for act in acts if act["name"].split()[0] in words]
    if not found:
        pytest.skip(f"no {' or '.join(words)} in this scenario")
    return found


def lost(act: Act) -> int:
    """How many requests went without their answer, while some were sent."""
    assert sum(act["sent"].values()) > 0, act["name"]
    return sum(act["lost"].values())


def test_the_whole_trial_was_run(acts: list[Act], wanted_acts: list[str]) -> None:
    assert len(wanted_acts) > 0
    assert [act["name"] for act in acts] == [FIRST, *wanted_acts]


def test_releases_and_rollback_lose_nothing(acts: list[Act]) -> None:
    for act in named(acts, "release", "rollback"):
        assert act["status"] == 0, act["output"]
        assert act["release"] != act["before"], f"{act['name']}: nothing was switched"
        assert lost(act) == 0, act["why"]


def test_the_rollback_served_the_release_before(acts: list[Act]) -> None:
    [rollback] = named(acts, "rollback")
    last = acts[acts.index(rollback) - 1]
    assert last["name"] == "release"
    assert (rollback["before"], rollback["release"]) == (last["release"], last["before"])


def test_a_broken_release_leaves_the_old_one_serving(acts: list[Act], tried: Scenario) -> None:
    for act in named(acts, "broken"):
        kind = act["name"].split()[1]
        assert act["status"] != 0, f"{kind}: the play has succeeded"
        assert act["release"] == act["before"], f"{kind}: another release answers"
        assert BROKEN[tried.document.spec.name][kind].says in act["output"], act["output"]
        assert lost(act) == 0, act["why"]


def test_a_play_that_was_killed_is_mended_by_the_next(acts: list[Act]) -> None:
    for act in named(acts, "stopped"):
        assert act["status"] == 0, act["output"]
        assert act["release"] != act["before"], f"{act['name']}: nothing was switched"
        assert lost(act) == 0, act["why"]


def test_a_converged_host_shows_no_change(acts: list[Act]) -> None:
    [check] = named(acts, "check")
    assert check["status"] == 0, check["output"]
    assert "changed=0" in check["output"]
    assert "changed=1" not in check["output"]
    assert lost(check) == 0, check["why"]


def test_what_was_killed_came_back(acts: list[Act]) -> None:
    """What was lost is a figure: docs/figures.md. What came after it lost nothing."""
    for act in named(acts, "kill"):
        assert act["release"] == act["before"]
        assert sum(act["sent"].values()) > lost(act)


def test_who_was_not_in_work_waited(acts: list[Act], told: dict[str, Any], planned: Plan) -> None:
    """A client has one request at a time: no more than that is in work when a process is killed."""
    if planned.front:
        pytest.skip("a host of several refuses at once, and another one is asked")
    for act in named(acts, "kill"):
        assert lost(act) <= clients(told["load"]), act["why"]


def test_the_proxy_came_up_after_gunicorn(acts: list[Act]) -> None:
    for act in named(acts, "reboot"):
        assert act["opened_after_ms"] > 0


def test_a_restart_loses_nothing(acts: list[Act]) -> None:
    for act in named(acts, "restart"):
        assert act["release"] == act["before"]
        assert lost(act) == 0, act["why"]
