"""The unit, its user and its folders."""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.plan import GroupPlan, Plan
from deploygen.plan.gunicorn import PER_SLOT
from deploygen.targets.spec import Row, Target, on_hosts

# The units of Debian's and Ubuntu's packages.
PROXY_UNITS = {"nginx": "nginx.service", "apache": "apache2.service"}


def _socket(_plan: Plan, group: GroupPlan) -> Mapping[str, object]:
    return {
        "backlog": group.components["gunicorn"]["backlog"],
        "others_answer": group.facts.hosts_total > 1,
    }


def _unit(_plan: Plan, group: GroupPlan) -> Mapping[str, object]:
    settings = group.components["gunicorn"]
    per_slot = tuple(settings[name] for name in PER_SLOT if name in settings)
    return {
        "options": tuple(group.components["systemd"].values()),
        "per_slot": per_slot,
        "proxy_unit": PROXY_UNITS.get(group.facts.proxy),
    }


TARGET = Target(
    name="systemd",
    summary="the hardened unit, with its socket, the user and the folders that it needs",
    files=on_hosts(
        "systemd",
        Row(
            "etc/systemd/system/NAME@.service",
            about="gunicorn for NAME, an instance for each slot: NAME@blue and NAME@green",
            context=_unit,
        ),
        Row(
            "etc/systemd/system/NAME@.socket",
            about="The sockets that requests for NAME come through, one for each slot",
            context=_socket,
        ),
        Row("etc/sysusers.d/NAME.conf", about="The user that NAME runs as"),
        Row("etc/tmpfiles.d/NAME.conf", about="The folders of NAME"),
    ),
)
