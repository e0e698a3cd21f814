"""A front and the application hosts behind it: one description becomes that of each side.

An application host of a fleet is what a single host with ``proxy.behind`` is: it serves plain HTTP,
believes the front, and answers nobody else. The front has all that visitors see: TLS, limits, who
stands in front of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.errors import Problem
from deploygen.spec import Spec
from deploygen.spec.front import FrontHosts
from deploygen.spec.limits import Limits
from deploygen.spec.model import Machine
from deploygen.spec.proxy import Behind, Tls
from deploygen.spec.types import closest

# The name of the front's group, in the tree and in explain.
GROUP = "front"
# What the application hosts' own proxies listen on.
PORT = 80


@dataclass(frozen=True)
class Member:
    """An application host as the front sees it: ``address`` with its port.

    ``weight`` is its share of the requests, beside those of the others. ``flag`` is a file on the
    front: while it is there, the host gets no requests.
    """

    host: str
    address: str
    weight: int
    flag: str


@dataclass(frozen=True)
class Pool:
    """An nginx upstream: all hosts, or all but the one that is ``without``."""

    name: str
    members: tuple[Member, ...]
    without: Member | None = None


@dataclass(frozen=True)
class Fleet:
    """The hosts that the front balances over.

    ``pools`` holds all hosts first, then all but each one, where there is more than one.
    ``variable`` is nginx's name for the pool of a request.
    """

    members: tuple[Member, ...]
    pools: tuple[Pool, ...]
    variable: str
    flags: str

    @property
    def drains(self) -> bool:
        """Whether a host can be taken out: another one has to be left."""
        return len(self.members) > 1


def of_hosts(spec: Spec) -> Spec:
    """The description of the application hosts; the given one where there is no front."""
    if spec.front is None:
        return spec
    behind = Behind(networks=spec.front.networks, only=True)
    # The front counts who asks too much: a request that is tried again would count twice.
    proxy = {"tls": Tls(), "behind": behind, "limits": Limits()}
    return spec.model_copy(update={"proxy": spec.proxy.model_copy(update=proxy)})


def of_front(spec: Spec, front: FrontHosts) -> Spec:
    """The description of the front: the site, without any file of the application."""
    machine = Machine(os=front.os, cpus=front.cpus, memory=front.memory, hosts=front.hosts)
    # What is included by hand is in the words of the application hosts' proxy.
    proxy = spec.proxy.model_copy(update={"kind": "nginx", "include": ()})
    app = spec.app.model_copy(update={"static": None, "media": None, "protected": None})
    return spec.model_copy(update={"proxy": proxy, "app": app, "machines": {GROUP: machine}})


def fleet(spec: Spec, front: FrontHosts, flags: str) -> Fleet:
    """The hosts of all groups; ``flags`` is the folder of the files that take one out."""
    smallest = min(machine.cpus for machine in spec.machines.values() if machine.hosts)
    members = tuple(
        Member(
            host,
            _with_port(front.addresses.get(host, host)),
            max(1, round(machine.cpus / smallest)),
            f"{flags}/{host}",
        )
        for machine in spec.machines.values()
        for host in machine.hosts
    )
    variable = spec.name.replace("-", "_")
    rest = (
        Pool(
            f"{variable}_without_{number}",
            tuple(other for other in members if other is not member),
            member,
        )
        for number, member in enumerate(members, 1)
        if len(members) > 1
    )
    return Fleet(members, (Pool(f"{variable}_hosts", members), *rest), f"{variable}_pool", flags)


def _with_port(address: str) -> str:
    return f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT}"


def problems(spec: Spec) -> Iterator[Problem]:
    """What keeps the front from being one."""
    front = spec.front
    if front is None:
        return
    named = {host: name for name, machine in spec.machines.items() for host in machine.hosts}
    if not named:
        yield Problem(
            "no application host is named: there is nothing to stand in front of",
            where=("front",),
            allowed="at least one host in machines.<group>.hosts",
        )
    if GROUP in spec.machines:
        yield Problem(
            f"a group of application hosts is called {GROUP}, as the front's own is",
            where=("machines", GROUP),
            allowed="another name, such as web",
        )
    if spec.proxy.kind == "none":
        yield Problem(
            "proxy.kind is none, and there is a front: it has no port of the hosts to ask",
            where=("proxy", "kind"),
            allowed="nginx or apache, on the application hosts",
            hint="the front itself is nginx in any case",
        )
    for index, host in enumerate(front.hosts):
        if host in named:
            yield Problem(
                f"{host} stands in machines.{named[host]} too",
                where=("front", "hosts", index),
                allowed="hosts of their own: both would listen on the same port",
            )
    for host in front.addresses:
        if host not in named:
            yield Problem(
                f"{host} is no application host",
                where=("front", "addresses", host),
                allowed=", ".join(named),
                hint=closest(host, named),
            )
    if spec.proxy.tls.mode == "acme" and len(front.hosts) > 1:
        yield Problem(
            f"ACME over HTTP, and {len(front.hosts)} hosts in front: the authority may ask the one "
            "that did not ask for the certificate",
            where=("proxy", "tls", "mode"),
            allowed="one host in front, or tls.mode files with one certificate for all of them",
        )
