"""The numbers that the rules work with: machine, workload and versions, defaults filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Literal

from deploygen.errors import Problem
from deploygen.spec import Spec
from deploygen.spec.limits import Limits
from deploygen.systems import SYSTEMS, System, Version, parse_version
from deploygen.units import MIB

Kind = Literal["unknown", "cpu", "io", "mixed"]
ProxyKind = Literal["nginx", "apache", "none"]

# Resident memory of one loaded worker where nobody measured: a small application with its
# framework and an ORM takes 50 to 90 MiB, and real ones import more. Measure and declare it.
ASSUMED_WORKER_BYTES = {"django": 120 * MIB}
ASSUMED_WORKER_BYTES_OTHERS = 100 * MIB


@dataclass(frozen=True)
class Facts:
    """What one machine group's plan is made from.

    ``cpus`` may be fractional. ``hosts_total`` counts the hosts of all groups: they share
    the database. ``cpu_ms`` and ``wait_ms`` are both given or both None.
    """

    system: System
    cpus: float
    memory_bytes: int
    shared_bytes: int
    hosts_total: int
    interface: Literal["wsgi", "asgi"]
    framework: str
    free_threaded: bool
    gunicorn: Version
    kind: Kind
    cpu_ms: float | None
    wait_ms: float | None
    worker_bytes: int
    worker_bytes_measured: bool
    slowest_request_s: float
    peak_rps: float | None
    long_lived: int
    thread_safe: bool
    greenlet_safe: bool
    db_connections: int | None
    leaks: bool
    proxy: ProxyKind
    body_limit_bytes: int
    streams: bool
    limits: Limits
    http2: bool
    # How many releases of the application run at once while one replaces the other.
    slots: int = 2
    # In a container: memory_bytes is its limit, and what it keeps in /tmp counts against that.
    contained: bool = False
    tmp_bytes: int = 0

    @property
    def cores(self) -> int:
        """Whole cores, at least one: a share of a core still runs a process."""
        return max(1, ceil(self.cpus))

    @property
    def buffering_proxy(self) -> bool:
        """Whether the proxy shields workers from slow clients, both ways.

        nginx does. Apache reads requests whole, and hands a large response on only as fast as
        the client reads it.
        """
        return self.proxy == "nginx"

    @property
    def service_ms(self) -> float | None:
        """C + W: how long a typical request takes on an idle machine."""
        if self.cpu_ms is None or self.wait_ms is None:
            return None
        return self.cpu_ms + self.wait_ms


def problems(spec: Spec) -> Iterator[Problem]:
    """Facts that contradict each other."""
    load = spec.workload
    for given, other in (("cpu_ms", "wait_ms"), ("wait_ms", "cpu_ms")):
        if getattr(load, given) is not None and getattr(load, other) is None:
            yield Problem(
                f"{given} is given, and {other} is not: a measured request has both",
                where=("workload", given),
                allowed="both, or neither",
                hint="leave both out, and the kind counts",
            )
    seen: dict[str, str] = {}
    for name, machine in spec.machines.items():
        for index, host in enumerate(machine.hosts):
            first = seen.setdefault(host, name)
            if first != name:
                yield Problem(
                    f"{host} stands in machines.{first} too",
                    where=("machines", name, "hosts", index),
                    allowed="each host in one group",
                )


def facts(spec: Spec, group: str) -> Facts:
    """The facts of one machine group."""
    machine, load, app = spec.machines[group], spec.workload, spec.app
    assumed = ASSUMED_WORKER_BYTES.get(app.framework, ASSUMED_WORKER_BYTES_OTHERS)
    return Facts(
        system=SYSTEMS[machine.os],
        cpus=machine.cpus,
        memory_bytes=machine.memory,
        shared_bytes=sum(machine.shared_with.values()),
        hosts_total=sum(max(1, len(each.hosts)) for each in spec.machines.values()),
        interface=app.interface,
        framework=app.framework,
        free_threaded=bool(app.python and app.python.endswith("t")),
        gunicorn=parse_version(app.gunicorn),
        kind=load.kind,
        cpu_ms=load.cpu_ms,
        wait_ms=load.wait_ms,
        worker_bytes=load.worker_memory or assumed,
        worker_bytes_measured=load.worker_memory is not None,
        slowest_request_s=load.slowest_request_s,
        peak_rps=load.peak_rps,
        long_lived=load.long_lived,
        thread_safe=load.thread_safe,
        greenlet_safe=load.greenlet_safe,
        db_connections=load.db_connections,
        leaks=load.leaks,
        proxy=spec.proxy.kind,
        body_limit_bytes=spec.proxy.body_limit,
        streams=bool(spec.proxy.streaming),
        limits=spec.proxy.limits,
        http2=spec.proxy.speaks_http2,
    )
