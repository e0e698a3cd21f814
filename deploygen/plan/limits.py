"""What one client address may ask of the application at a time.

Nothing is limited unless it is declared (docs/decisions/0010-limits.md): an address is no client.
"""

from __future__ import annotations

from collections.abc import Iterator

from deploygen.errors import Problem
from deploygen.plan import sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting
from deploygen.spec import Spec
from deploygen.spec.limits import Limits
from deploygen.units import MIB, number

# A page and what its scripts ask for come at once: twice the rate lets them.
BURST_RATIO = 2
# nginx keeps 8,000 addresses in a megabyte; this many hold those of a large site's minute.
ZONE_MIB = 10
ADDRESSES_PER_MIB = 8000
ADDRESSES = ZONE_MIB * ADDRESSES_PER_MIB
# The program that counts for Apache, and the one that tells it what has ended: with all of them
# remembered, 37 MiB and 5 for each Python.
COUNTER_MIB = 48
REMEMBERED = f"{ZONE_MIB} MiB remember {number(ADDRESSES)} addresses"


def any_declared(limits: Limits) -> bool:
    """Whether the description limits anything."""
    return limits.connections_per_address is not None or limits.requests_per_second is not None


def memory_bytes(facts: Facts) -> int:
    """What the proxy remembers its clients in."""
    limits = facts.limits
    if facts.proxy == "apache":
        return COUNTER_MIB * MIB if any_declared(limits) else 0
    zones = (limits.connections_per_address, limits.requests_per_second)
    return sum(ZONE_MIB * MIB for limit in zones if limit is not None)


def problems(spec: Spec) -> Iterator[Problem]:
    """Limits that say nothing, or that the proxy cannot keep."""
    limits = spec.proxy.limits
    if any_declared(limits) and spec.proxy.kind == "none":
        yield Problem(
            "limits are given, and proxy.kind is none: they would not be kept",
            where=("proxy", "limits"),
            allowed="proxy.kind nginx or apache, or no limits",
        )
    if limits.burst is not None and limits.requests_per_second is None:
        yield Problem(
            "burst is given and requests_per_second is not: it would not be used",
            where=("proxy", "limits", "burst"),
            allowed="both, or requests_per_second alone",
        )


def nginx(facts: Facts, name: str) -> Iterator[Setting]:
    """nginx's directives for what is declared; ``name`` is the project's."""
    limits = facts.limits
    key = f"${name.replace('-', '_')}_address"
    if limits.connections_per_address is not None:
        zone = f"{name}_connections"
        yield Setting(
            "limit_conn_zone",
            f"{key} zone={zone}:{ZONE_MIB}m",
            REMEMBERED,
            sources.NGINX_LIMIT_CONN,
        )
        yield Setting(
            "limit_conn",
            f"{zone} {limits.connections_per_address}",
            "what proxy.limits.connections_per_address says: requests of one address that are "
            "under way, those whose bodies nginx still reads and open streams included",
            sources.NGINX_LIMIT_CONN,
        )
    if limits.requests_per_second is not None:
        zone, rate = f"{name}_requests", limits.requests_per_second
        yield Setting(
            "limit_req_zone",
            f"{key} zone={zone}:{ZONE_MIB}m rate={rate}r/s",
            f"what proxy.limits.requests_per_second says; {REMEMBERED}",
            sources.NGINX_LIMIT_REQ,
        )
        burst, reason = _burst(limits, rate)
        value = f"zone={zone} burst={burst} nodelay" if burst else f"zone={zone}"
        yield Setting("limit_req", value, reason, sources.NGINX_LIMIT_REQ)


def apache(facts: Facts) -> Iterator[Setting]:
    """What the program counts that Apache asks (NAME-limits.py), by its own names."""
    limits = facts.limits
    if not any_declared(limits):
        return
    if limits.connections_per_address is not None:
        yield Setting(
            "ADDRESS_REQUESTS",
            limits.connections_per_address,
            "what proxy.limits.connections_per_address says: requests of one address that are "
            "under way, those whose bodies Apache still reads and open streams included",
            sources.DESCRIPTION,
        )
    if limits.requests_per_second is not None:
        rate = limits.requests_per_second
        yield Setting(
            "ADDRESS_RATE",
            rate,
            "requests per second, what proxy.limits.requests_per_second says",
            sources.DESCRIPTION,
        )
        burst, reason = _burst(limits, rate)
        yield Setting("ADDRESS_BURST", burst, reason, sources.DESCRIPTION)
    yield Setting(
        "ADDRESSES",
        ADDRESSES,
        f"remembered at once, as many as nginx would; about {COUNTER_MIB} MiB of Apache's memory, "
        "and who was idle longest is forgotten first",
        sources.NGINX_LIMIT_REQ,
    )


def _burst(limits: Limits, rate: int) -> tuple[int, str]:
    """How many requests may come at once on top of the rate, and why."""
    end = "so many may come at once on top of the rate, and none of them waits"
    if limits.burst is not None:
        return limits.burst, f"what proxy.limits.burst says: {end}"
    return BURST_RATIO * rate, (
        f"{BURST_RATIO} x {rate}, for a page and what its scripts ask for come together: {end}"
    )
