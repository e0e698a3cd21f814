"""What is added to the unit that nginx or Apache comes with, alike for both."""

from __future__ import annotations

from collections.abc import Iterator

from deploygen.plan import sources
from deploygen.plan.setting import Setting

# All of a unit's directives that a proxy's plan may have: a container has no unit.
DIRECTIVES = ("TasksMax", "PIDFile", "Restart", "OOMPolicy")


def plan() -> Iterator[Setting]:
    """That the proxy comes back; nginx's own unit leaves it down."""
    yield Setting(
        "Restart",
        "on-failure",
        "a proxy that was killed or crashed comes back; one that was told to stop does not",
        sources.SYSTEMD_SERVICE,
    )
    yield Setting(
        "OOMPolicy",
        "continue",
        "one process that was killed for its memory is replaced by the proxy; by default systemd "
        "stops all of them, and no failure is noticed that would start them again",
        sources.SYSTEMD_SERVICE,
    )
