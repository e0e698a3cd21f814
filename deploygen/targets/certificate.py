"""The script that makes the stand-in certificate and, with ACME, asks for the real one."""

from __future__ import annotations

from deploygen.plan import GroupPlan
from deploygen.targets.spec import Row, Target, on_hosts


def _needed(group: GroupPlan) -> bool:
    return group.site.certificate is not None


TARGET = Target(
    name="certificate",
    summary="the script that makes a stand-in certificate and, with ACME, asks for the real one",
    files=on_hosts(
        "certificate",
        Row(
            "usr/local/sbin/NAME-certificate",
            about="The certificate of NAME",
            mode=0o755,
            when=_needed,
        ),
    ),
    fits=lambda plan: any(map(_needed, plan.groups.values())),
)
