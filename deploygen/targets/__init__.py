"""The kinds of output: one registry, and what a description asks for."""

from __future__ import annotations

from deploygen.errors import Problem, refuse
from deploygen.plan import Plan
from deploygen.spec.types import closest
from deploygen.targets import (
    ansible,
    apache,
    certificate,
    docker,
    front,
    guide,
    gunicorn,
    nginx,
    pages,
    sysctl,
    systemd,
)
from deploygen.targets.spec import FileSpec, Row, Target

__all__ = ["REGISTRY", "FileSpec", "Row", "Target", "choose", "files"]

# Those that are what proxy.kind says.
PROXIES = (nginx.TARGET.name, apache.TARGET.name)

# What else a target wants that does not fit.
NEEDS = {front.TARGET.name: "it needs a front in the description"}

REGISTRY: dict[str, Target] = {
    target.name: target
    for target in (
        certificate.TARGET,
        guide.TARGET,
        gunicorn.TARGET,
        nginx.TARGET,
        apache.TARGET,
        pages.TARGET,
        front.TARGET,
        systemd.TARGET,
        sysctl.TARGET,
        ansible.TARGET,
        docker.TARGET,
    )
}


def choose(plan: Plan) -> tuple[Target, ...]:
    """The targets that the description asks for, or all that fit.

    Raises InputError for one that does not exist, or does not fit.
    """
    asked = plan.spec.targets
    if asked is None:
        return tuple(target for target in REGISTRY.values() if target.fits(plan))
    refuse(
        Problem(
            f"found {name!r}",
            where=("targets", index),
            allowed=", ".join(REGISTRY),
            hint=closest(name, REGISTRY),
        )
        for index, name in enumerate(asked)
        if name not in REGISTRY
    )
    refuse(
        Problem(
            f"{name} does not fit this description",
            where=("targets", index),
            hint=f"it needs proxy.kind {name}" if name in PROXIES else NEEDS.get(name, ""),
        )
        for index, name in enumerate(asked)
        if not REGISTRY[name].fits(plan)
    )
    wanted = {*asked, *(need for name in asked for need in REGISTRY[name].needs)}
    return tuple(target for target in REGISTRY.values() if target.always or target.name in wanted)


def files(plan: Plan) -> tuple[FileSpec, ...]:
    """Every file to render, sorted by path."""
    found = [file for target in choose(plan) for file in target.files(plan)]
    return tuple(sorted(found, key=lambda file: file.path))
