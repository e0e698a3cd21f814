"""A trial of the rendered playbooks: throw-away hosts of the described systems, and what is asked.

The hosts are containers that boot systemd. Their names are made here: a trial never reaches the
hosts that the description names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploygen.spec import Spec

if TYPE_CHECKING:
    from deploygen.plan import GroupPlan, Plan

# Two show that a release goes host by host, and that its commands run once; more show no more.
MOST_HOSTS = 2
FOR_TRIALS = (
    "{{{{ lookup('ansible.builtin.env', '{}') "
    "| default('for-trials-only-0123456789-0123456789-0123456789', true) }}}}"
)
WELL = (200,)
# An application without a health URL may send its visitors to a login or to HTTPS.
WELL_OR_ELSEWHERE = (200, 301, 302, 303, 307, 308)


@dataclass(frozen=True)
class TrialGroup:
    """Hosts of one machine group, and their system."""

    hosts: tuple[str, ...]
    system: str


@dataclass(frozen=True)
class Trial:
    """``prefix`` begins the names of all containers, ``systems`` has the image of each system.

    ``secrets`` are expressions of Ansible: what molecule's environment has, or a value that is
    good for nothing else. ``health`` is asked through the socket, ``page`` through the proxy;
    ``page`` is empty where no proxy is rendered, or where only what stands in front may ask.
    """

    prefix: str
    groups: Mapping[str, TrialGroup]
    systems: Mapping[str, str]
    workers: Mapping[str, int]
    secrets: Mapping[str, str]
    health: str
    health_statuses: tuple[int, ...]
    page: str
    page_statuses: tuple[int, ...]


def trial(plan: Plan) -> Trial:
    """The trial of a plan."""
    spec, site = plan.spec, next(iter(plan.groups.values())).site
    front = site.front
    closed = front is not None and (front.only or front.proxy_protocol)
    path = spec.app.health or "/"
    scheme = "https" if site.tls else "http"
    health = WELL if spec.app.health else WELL_OR_ELSEWHERE
    groups = {name: _group(spec, group) for name, group in plan.groups.items()}
    systems = {group.system for group in groups.values()}
    return Trial(
        prefix=f"{spec.name}-molecule",
        groups=groups,
        # The registry's images of Debian and Ubuntu are named as /etc/os-release names them.
        systems={os: f"docker.io/library/{os.replace('-', ':')}" for os in sorted(systems)},
        workers={
            host: plan.groups[name].components["gunicorn"]["workers"].number
            for name, group in groups.items()
            for host in group.hosts
        },
        secrets={name: FOR_TRIALS.format(name) for name in spec.app.secrets},
        health=f"http://{site.canonical}{path}",
        health_statuses=health,
        page="" if closed or spec.proxy.kind == "none" else f"{scheme}://{site.canonical}{path}",
        # What stands in front ends TLS, and is not here: the application may ask for it.
        page_statuses=WELL_OR_ELSEWHERE if front else health,
    )


def _group(spec: Spec, group: GroupPlan) -> TrialGroup:
    machine = spec.machines[group.group]
    count = min(max(len(machine.hosts), 1), MOST_HOSTS)
    hosts = tuple(f"{group.group}-{number}" for number in range(1, count + 1))
    return TrialGroup(hosts, machine.os)
