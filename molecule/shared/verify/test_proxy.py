"""The proxy of each host, as systemd knows it."""

from __future__ import annotations

from deploygen.plan import GroupPlan, Plan
from deploygen.targets.systemd import PROXY_UNITS
from testbed.probe import Probe


def test_a_proxy_that_was_killed_comes_back(probe: Probe, planned: Plan) -> None:
    assert planned.spec.app.health
    probe.loses(PROXY_UNITS[planned.spec.proxy.kind], planned.spec.app.health)


def test_one_process_that_was_killed_for_memory_stops_no_other(
    probe: Probe, planned: Plan, group: GroupPlan
) -> None:
    """Read off systemd: no process of a container's may be so large that its machine is full."""
    kind = planned.spec.proxy.kind
    policy = probe.told(f"systemctl show --value --property=OOMPolicy {PROXY_UNITS[kind]}")
    assert policy == group.components[kind]["OOMPolicy"].value == "continue"
