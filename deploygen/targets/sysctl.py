"""Kernel settings."""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.plan import GroupPlan, Plan
from deploygen.targets.spec import Row, Target, on_hosts


def _settings(_plan: Plan, group: GroupPlan) -> Mapping[str, object]:
    return {"settings": tuple(group.components["sysctl"].values())}


TARGET = Target(
    name="sysctl",
    summary="the kernel settings that the plan needs",
    files=on_hosts(
        "sysctl",
        Row("etc/sysctl.d/60-NAME.conf", about="Kernel settings for NAME", context=_settings),
    ),
)
