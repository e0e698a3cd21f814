"""How much may wait while every place is taken: what is served before the proxy gives up."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from deploygen.plan import timeouts
from deploygen.plan.facts import Facts
from deploygen.units import number, plural

# A request that nobody measured. One that takes four times as long still leaves a queue that is
# served before the proxy's read time-out, which is longer than QUEUE_S by gunicorn's timeout.
ASSUMED_SERVICE_MS = 50.0


@dataclass(frozen=True)
class Served:
    """How many requests are served while one may queue, and the sentence that says why."""

    count: int
    words: str


def served(facts: Facts, concurrency: int) -> Served:
    """What ``concurrency`` places serve in the time that a request may queue."""
    service_ms = facts.service_ms or ASSUMED_SERVICE_MS
    assumed = "" if facts.service_ms else " (assumed)"
    # Connections that stay open serve nobody else.
    places = max(1, concurrency - facts.long_lived)
    per_second = places * 1000 / service_ms
    why = f"{places} at once of {number(service_ms)} ms{assumed} serve"
    # Async workers hold many requests, but finish them no faster than the cores compute.
    if facts.cpu_ms and facts.cpus * 1000 / facts.cpu_ms < per_second:
        per_second = facts.cpus * 1000 / facts.cpu_ms
        why = f"{plural(facts.cpus, 'cpu')} at {number(facts.cpu_ms)} ms a request serve"
    count = floor(per_second * timeouts.QUEUE_S)
    return Served(
        count,
        f"{why} about {plural(count, 'request')} in the {timeouts.QUEUE_S} s that the proxy "
        "waits longer than a request may take",
    )
