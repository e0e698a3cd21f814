"""The plan: all decided settings, from a description. Pure: numbers in, settings out.

The order of the decisions: gunicorn's shape first, from cpus, memory, workload and database;
then what the user overrides; then everything that has to fit around it, the proxy, the unit
and the kernel; last the invariants that tie them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from deploygen.errors import InputError, Problem, refuse
from deploygen.plan import (
    apache,
    capacity,
    concurrency,
    containers,
    dependencies,
    fleet,
    gunicorn,
    hardening,
    invariants,
    nginx,
    overrides,
    streaming,
    sysctl,
    systemd,
    tls,
)
from deploygen.plan import front as fronts
from deploygen.plan import layout as layouts
from deploygen.plan import site as sites
from deploygen.plan.advice import advice
from deploygen.plan.containers import ContainerPlan
from deploygen.plan.environment import environment
from deploygen.plan.environment import problems as environment_problems
from deploygen.plan.facts import Facts, facts
from deploygen.plan.facts import problems as fact_problems
from deploygen.plan.front import FrontPlan
from deploygen.plan.interpreter import problems as python_problems
from deploygen.plan.layout import Layout
from deploygen.plan.setting import Setting, Settings, Source, Value
from deploygen.plan.shape import of
from deploygen.plan.site import Site, placeholders
from deploygen.spec import Spec

__all__ = [
    "ContainerPlan",
    "FrontPlan",
    "GroupPlan",
    "Layout",
    "Plan",
    "Setting",
    "Settings",
    "Source",
    "Value",
    "make",
]

# proxy.kind -> its settings, from the facts and gunicorn's.
PROXIES: Mapping[str, Callable[[Facts, Settings, str], Settings]] = {
    "nginx": nginx.plan,
    "apache": apache.plan,
}

Arguments = ParamSpec("Arguments")
Decided = TypeVar("Decided")


@dataclass(frozen=True)
class GroupPlan:
    """The plan of one machine group.

    ``components`` maps "gunicorn", "systemd" and "sysctl" to their settings, and "nginx" or
    "apache": what proxy.kind says. "streaming" is there where paths are declared.
    """

    group: str
    facts: Facts
    components: Mapping[str, Settings]
    site: Site
    hardening: tuple[hardening.Option, ...]
    writable: tuple[str, ...]
    capacity: Settings

    def settings(self) -> Iterator[tuple[str, Setting]]:
        """Each setting with its full name: ``("gunicorn.workers", ...)``."""
        for component, settings in self.components.items():
            for setting in settings.values():
                yield f"{component}.{setting.name}", setting


@dataclass(frozen=True)
class Plan:
    """Everything that is rendered comes from here. ``notes`` are for the person who renders."""

    spec: Spec
    layout: Layout
    environment: Mapping[str, str]
    install_commands: tuple[str, ...]
    groups: Mapping[str, GroupPlan]
    front: FrontPlan | None
    containers: ContainerPlan | None
    notes: tuple[str, ...]

    @property
    def hosts(self) -> Mapping[str, GroupPlan | FrontPlan]:
        """All groups of hosts that files are rendered for: the application's, and the front."""
        return {**self.groups, **({self.front.group: self.front} if self.front else {})}

    @property
    def advice(self) -> tuple[str, ...]:
        """What the application has to know of its proxy: sentences in Markdown."""
        https = next(iter(self.groups.values())).site.https
        return advice(self.spec, https=https, containers=self.containers is not None)


def make(spec: Spec) -> Plan:
    """The plan for a description.

    Raises InputError, with all problems of all groups, when no plan holds all invariants.
    """
    layout = layouts.layout(spec)
    problems = [*fact_problems(spec), *environment_problems(spec), *python_problems(spec)]
    problems += (alone := tuple(fleet.problems(spec)))
    on_hosts = fleet.of_hosts(spec)
    hardened = _try(problems, hardening.plan, spec) or ()
    decided: dict[str, tuple[Facts, Mapping[str, Settings], Site]] = {}
    for name in spec.machines:
        given, of_group = facts(on_hosts, name), list[Problem]()
        components = _try(of_group, _components, on_hosts, given)
        site = _try(of_group, sites.site, on_hosts, given.system, layout)
        problems += [_in_group(problem, name) for problem in of_group]
        if components is not None and site is not None:
            decided[name] = given, components, site
    front = None
    if spec.front and not alone and len(decided) == len(spec.machines):
        of_groups = {name: components for name, (_, components, _) in decided.items()}
        front = _try(problems, fronts.plan, spec, spec.front, layout, of_groups)
    refuse(dict.fromkeys(problems))
    writable = hardening.writable(spec, layout)
    carried = _capacity(spec, {name: each[:2] for name, each in decided.items()})
    groups = {
        name: GroupPlan(name, given, components, site, hardened, writable, carried[name])
        for name, (given, components, site) in decided.items()
    }
    contained, without = containers.plan_or_note(spec, layout)
    classes = tuple(group.components["gunicorn"]["worker_class"].text for group in groups.values())
    return Plan(
        spec=spec,
        layout=layout,
        environment=environment(spec, layout),
        install_commands=dependencies.commands(spec, classes),
        groups=groups,
        front=front,
        containers=contained,
        notes=(*_notes(spec), *_short_of_hosts(spec, groups), *without),
    )


def _try(
    problems: list[Problem],
    decide: Callable[Arguments, Decided],
    /,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Decided | None:
    """What ``decide`` returns; None after it raised InputError, its problems added to the list."""
    try:
        return decide(*args, **kwargs)
    except InputError as error:
        problems += error.problems
        return None


def _in_group(problem: Problem, group: str) -> Problem:
    """A machine's problem points at its group."""
    return (
        replace(problem, where=("machines", group)) if problem.where == ("machines",) else problem
    )


def _components(spec: Spec, given: Facts) -> Mapping[str, Settings]:
    """All settings of one machine group, by program."""
    server = spec.server
    overrides.check(server, given)
    shape = concurrency.shape(given, server)
    planned = gunicorn.plan(given, shape, spec.name, server.get("max_requests"))
    of_gunicorn = overrides.apply(planned, server)
    components = {"gunicorn": of_gunicorn}
    if spec.proxy.kind in PROXIES:
        of_proxy = PROXIES[spec.proxy.kind](given, of_gunicorn, spec.name)
        components[spec.proxy.kind] = {**of_proxy, **tls.settings(spec, given.system)}
    if streams := streaming.plan(given):
        components["streaming"] = streams
    components["systemd"] = systemd.plan(given, of_gunicorn)
    components["sysctl"] = sysctl.plan(of_gunicorn)
    refuse(invariants.broken(given, components))
    return components


def _capacity(
    spec: Spec, decided: Mapping[str, tuple[Facts, Mapping[str, Settings]]]
) -> Mapping[str, Settings]:
    """What a host of each group carries, and how full it is: all groups share the peak."""
    places = {name: of(parts["gunicorn"]).concurrency for name, (_, parts) in decided.items()}
    hosts = {name: max(1, len(spec.machines[name].hosts)) for name in decided}
    whole = {
        name: hosts[name] * (capacity.limit(given, places[name]) or 0)
        for name, (given, _) in decided.items()
    }
    return {
        name: capacity.plan(given, places[name], hosts[name], sum(whole.values()) - whole[name])
        for name, (given, _) in decided.items()
    }


def _short_of_hosts(spec: Spec, groups: Mapping[str, GroupPlan]) -> Iterator[str]:
    for name, group in groups.items():
        needed, hosts = group.capacity["hosts_needed"].value, len(spec.machines[name].hosts)
        if isinstance(needed, int) and needed > max(1, hosts):
            yield (
                f"machines.{name}: the peak needs {needed} hosts like this; deploygen explain "
                "capacity says why"
            )


def _notes(spec: Spec) -> Iterator[str]:
    for name in placeholders(spec):
        yield (
            f"proxy.server_names: {name} is a placeholder; put the site's real name there "
            "before you deploy"
        )
    if spec.proxy.tls.mode == "none":
        yield (
            "proxy.tls: mode none serves plain HTTP; right only where something in front of "
            "this host ends TLS"
        )
    yield from streaming.notes(spec)
