"""A release: what it ships, what it runs where, and when it counts as live."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import dirname, join
from typing import TYPE_CHECKING, Any

from deploygen.plan import memory, packages
from deploygen.spec import Spec

if TYPE_CHECKING:
    from deploygen.plan import FrontPlan, GroupPlan, Plan

Words = tuple[str, ...]

# The folder that deploygen renders to, below the project: no release ships it.
TREE = "deploy"
# What each tool reads beside the file that the description names.
LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock", "pipenv": "Pipfile.lock"}
# Django's command writes to the release's own folder, and each host has its own.
EACH_HOST = "collectstatic"


@dataclass(frozen=True)
class Machine:
    """What a host of one group must be."""

    cpus: float
    memory_bytes: int
    memory_least_bytes: int
    system: str
    proxy_packages: Words


@dataclass(frozen=True)
class HostFacts(Machine):
    """What a host of the application must be, and how long its old release may finish."""

    drain_s: int


@dataclass(frozen=True)
class Release:
    """What is the same on all hosts. ``links`` maps paths in the release to what outlives it.

    ``whole`` says that the project's own code is installed into the environment.
    """

    exclude: tuple[str, ...]
    inputs: tuple[str, ...]
    whole: bool
    links: Mapping[str, str]
    commands: tuple[Words, ...]
    host_commands: tuple[Words, ...]
    health_path: str
    health_host: str
    health_https: bool
    hosts: Mapping[str, HostFacts]


def release(plan: Plan) -> Release:
    """The release of a plan."""
    spec, site = plan.spec, next(iter(plan.groups.values())).site
    app = spec.app
    commands = tuple(tuple(shlex.split(command)) for command in app.release_commands)
    once = tuple(words for words in commands if EACH_HOST not in words)
    own = tuple(tuple(shlex.split(command)) for command in app.host_commands)
    media = app.media.folder if app.media and not app.media.folder.startswith("/") else None
    return Release(
        exclude=(TREE, *spec.release.exclude),
        inputs=_inputs(spec),
        whole=app.install.tool == "pip" and app.install.file.endswith("pyproject.toml"),
        links={media: str(plan.layout.media)} if media else {},
        commands=once,
        host_commands=(*(words for words in commands if words not in once), *own),
        health_path=app.health or "/",
        health_host=site.canonical,
        # Something ends TLS: an application that asks for HTTPS would answer with a redirect.
        health_https=site.https,
        hosts={name: _host(spec, group) for name, group in plan.groups.items()},
    )


def _inputs(spec: Spec) -> tuple[str, ...]:
    """The files that say what is installed: the same content, the same environment."""
    install = spec.app.install
    folder = dirname(install.file)
    lock = LOCKS.get(install.tool)
    beside = (join(folder, lock), join(folder, "pyproject.toml")) if lock else ()
    return tuple(dict.fromkeys((install.file, *beside)))


def machine_in_front(front: FrontPlan) -> Machine:
    """What a host in front must be."""
    return Machine(**_machine(front, "nginx"))


def _host(spec: Spec, group: GroupPlan) -> HostFacts:
    graceful = group.components["gunicorn"]["graceful_timeout"].number
    drain = spec.release.drain_s
    return HostFacts(
        **_machine(group, spec.proxy.kind), drain_s=graceful if drain is None else drain
    )


def _machine(group: GroupPlan | FrontPlan, proxy: str) -> dict[str, Any]:
    facts = group.facts
    return {
        "cpus": facts.cpus,
        "memory_bytes": facts.memory_bytes,
        # What firmware and kernel keep to themselves comes out of the system's part of the plan.
        "memory_least_bytes": facts.memory_bytes - memory.budget(facts).system,
        "system": facts.system.id,
        "proxy_packages": packages.proxy(proxy, group),
    }
