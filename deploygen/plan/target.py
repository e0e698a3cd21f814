"""How many requests a machine should work on at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploygen.plan import sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Source
from deploygen.units import number, plural

# What a kind means where nobody measured: ms of waiting for each ms of computing. A page that
# asks a database waits a few times as long as it computes, one that asks other services much
# longer. Rather high: a thread too many costs less than one that is missing (docs/figures.md).
ASSUMED_WAIT_RATIO = {"mixed": 6, "io": 30}


@dataclass(frozen=True)
class Target:
    """How many requests to work on at once, and why.

    Connections that stay open come on top where each of them holds a thread or a worker.
    """

    concurrency: float
    reason: str
    source: Source
    long_lived: int = 0

    @property
    def places(self) -> float:
        """Threads, or workers of one thread, that the requests and the open connections take."""
        return self.concurrency + self.long_lived

    @property
    def words(self) -> str:
        """The reason, with the connections that stay open."""
        if not self.long_lived:
            return self.reason
        return f"{self.reason}; {self.long_lived} connections stay open beside them"


def target(facts: Facts) -> Target:
    """How many requests should be in work at once."""
    return replace(_requests(facts), long_lived=facts.long_lived)


def _requests(facts: Facts) -> Target:
    if facts.cpu_ms is not None and facts.wait_ms is not None:
        ratio = facts.wait_ms / facts.cpu_ms
        wanted = _steady(facts.cpus * (1 + ratio))
        return Target(
            wanted,
            f"a request computes {number(facts.cpu_ms)} ms and waits {number(facts.wait_ms)} ms: "
            f"{number(facts.cpus)} x (1 + {number(facts.wait_ms)} / {number(facts.cpu_ms)}) = "
            f"{number(wanted)} requests at once keep {plural(facts.cpus, 'cpu')} busy",
            sources.GOETZ,
        )
    if facts.kind in ASSUMED_WAIT_RATIO:
        ratio = ASSUMED_WAIT_RATIO[facts.kind]
        wanted = _steady(facts.cpus * (1 + ratio))
        return Target(
            wanted,
            f"kind {facts.kind}, unmeasured: taken to wait {ratio} ms for each ms of computing, "
            f"{number(facts.cpus)} x (1 + {ratio}) = {number(wanted)} requests at once",
            sources.GOETZ,
        )
    if facts.kind == "cpu":
        return Target(
            facts.cpus,
            f"requests compute: {plural(facts.cpus, 'cpu')} work on no more than as many at once, "
            "and more workers would cost memory and latency for nothing",
            sources.GUNICORN_DESIGN,
        )
    wanted = _steady(2 * facts.cpus + 1)
    return Target(
        wanted,
        f"nothing measured: 2 x {number(facts.cpus)} cpus + 1 = {number(wanted)} requests at once",
        sources.GUNICORN_DESIGN,
    )


def _steady(wanted: float) -> float:
    """Without the last digits of floating point, which would tip a ceil()."""
    return round(wanted, 9)
