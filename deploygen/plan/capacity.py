"""What one host carries, and how many hosts the peak needs.

Two things can run out: cores, each busy for ``cpu_ms`` with a request, and places (workers x
threads, or connections), each taken for ``cpu_ms + wait_ms`` (Little's law). The time that a
request waits for a core is that of an M/M/c queue (Erlang C): arrivals at random, computing
times spread exponentially. Real requests come in bursts and have longer tails, Python's
interpreter lock and the proxy take their part: the figures are a first estimate, rather too
good, and a load test is better.
"""

from __future__ import annotations

from math import ceil, floor

from deploygen.plan import sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.units import number, plural

# Above, waiting grows faster than load: at 70% a request waits about as long as it computes.
UTILISATION = 0.7


def plan(facts: Facts, concurrency: int, hosts: int, others_rps: float = 0) -> Settings:
    """Capacity of one host of a group that has ``hosts``; ``concurrency`` is gunicorn's.

    ``others_rps`` is the limit() of all hosts of the other groups together: the peak is taken
    to spread so that every host is equally full. Values are None where the workload says too
    little: reasons say what is missing.
    """
    return by_name(
        limit_rps(facts, concurrency),
        carried_rps(facts, concurrency),
        hosts_needed(facts, concurrency, hosts, others_rps),
        utilisation(facts, concurrency, hosts, others_rps),
        response_ms(facts, concurrency, hosts, others_rps),
    )


def _unknown(name: str) -> Setting:
    reason = "unknown: workload.cpu_ms and workload.wait_ms say what a request costs"
    return Setting(name, None, reason, sources.LITTLE)


def limit(facts: Facts, concurrency: int) -> float | None:
    """Requests per second at which a host is full; None where nobody measured a request."""
    if facts.cpu_ms is None or facts.service_ms is None:
        return None
    return min(facts.cpus * 1000 / facts.cpu_ms, concurrency * 1000 / facts.service_ms)


def limit_rps(facts: Facts, concurrency: int) -> Setting:
    """Requests per second at which one host is full."""
    full = limit(facts, concurrency)
    if full is None or facts.cpu_ms is None or facts.service_ms is None:
        return _unknown("limit_rps")
    by_cores = facts.cpus * 1000 / facts.cpu_ms
    by_places = concurrency * 1000 / facts.service_ms
    first = "cores" if by_cores <= by_places else "places"
    return Setting(
        "limit_rps",
        _digits(full),
        f"{plural(facts.cpus, 'cpu')} at {number(facts.cpu_ms)} ms serve {number(by_cores)} "
        f"requests/s, {plural(concurrency, 'place')} at {number(facts.service_ms)} ms "
        f"{number(by_places)}: {first} run out first",
        sources.LITTLE,
    )


def carried_rps(facts: Facts, concurrency: int) -> Setting:
    """Requests per second that one host carries well."""
    full = limit(facts, concurrency)
    if full is None:
        return _unknown("carried_rps")
    return Setting(
        "carried_rps",
        _digits(full * UTILISATION),
        f"{UTILISATION:.0%} of {number(full)}: above, waiting grows faster than load",
        sources.ERLANG,
    )


def hosts_needed(facts: Facts, concurrency: int, hosts: int, others_rps: float = 0) -> Setting:
    """How many hosts of this group the peak needs, beside the others that are declared."""
    full = limit(facts, concurrency)
    if full is None or facts.peak_rps is None:
        return _without_peak("hosts_needed", facts)
    each = full * UTILISATION
    elsewhere = others_rps * UTILISATION
    needed = ceil(round(max(0, facts.peak_rps - elsewhere) / each, 9))
    short = f"; {hosts} declared" if needed > hosts else ""
    less = f" less {number(elsewhere)} that the other groups carry" if elsewhere else ""
    return Setting(
        "hosts_needed",
        needed,
        f"a peak of {number(facts.peak_rps)} requests/s{less}, over {number(each)} that one host "
        f"carries{short}",
        sources.LITTLE,
    )


def utilisation(facts: Facts, concurrency: int, hosts: int, others_rps: float = 0) -> Setting:
    """How full a host is at peak, from 0 to 1 and above."""
    full = limit(facts, concurrency)
    if full is None or facts.peak_rps is None:
        return _without_peak("utilisation", facts)
    beside = f" and {number(others_rps)} of the other groups" if others_rps else ""
    return Setting(
        "utilisation",
        _digits(facts.peak_rps / (hosts * full + others_rps)),
        f"{number(facts.peak_rps)} requests/s over {plural(hosts, 'host')} of {number(full)}"
        f"{beside}",
        sources.LITTLE,
    )


def response_ms(facts: Facts, concurrency: int, hosts: int, others_rps: float = 0) -> Setting:
    """How long a typical request takes at peak, queueing for a core included."""
    full = limit(facts, concurrency)
    if full is None or facts.peak_rps is None or facts.cpu_ms is None or facts.service_ms is None:
        return _without_peak("response_ms", facts)
    per_host = full * facts.peak_rps / (hosts * full + others_rps)
    if per_host >= full:
        return Setting(
            "response_ms",
            None,
            f"without end: {number(per_host)} requests/s come to each host, and it is full at "
            f"{number(full)}",
            sources.ERLANG,
        )
    servers = max(1, floor(facts.cpus))
    wait_ms = _erlang_c_wait(per_host / 1000, facts.cpu_ms * servers / facts.cpus, servers)
    return Setting(
        "response_ms",
        _digits(facts.service_ms + wait_ms),
        f"{number(facts.service_ms)} ms of its own and {number(wait_ms)} ms for a core to be "
        "free: M/M/c, a first estimate",
        sources.ERLANG,
    )


def _without_peak(name: str, facts: Facts) -> Setting:
    if facts.cpu_ms is None:
        return _unknown(name)
    return Setting(name, None, "unknown: workload.peak_rps is not declared", sources.LITTLE)


def _erlang_c_wait(per_ms: float, service_ms: float, servers: int) -> float:
    """Mean waiting time, in ms, of an M/M/c queue that is not full."""
    offered = per_ms * service_ms
    # Erlang B by its recurrence, which no factorial can overflow; Erlang C follows from it.
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    waits = blocked / (1 - offered / servers * (1 - blocked))
    return waits * service_ms / (servers - offered)


def _digits(value: float) -> float:
    """Three digits: an estimate has no more."""
    return float(f"{value:.3g}")
