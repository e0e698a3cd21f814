"""How much memory the application may have, and how many workers fit into it."""

from __future__ import annotations

from dataclasses import dataclass

from deploygen.errors import InputError
from deploygen.plan.facts import Facts
from deploygen.units import GIB, MIB, about, format_size

# The kernel, systemd, journald, sshd and what people log in with. A tenth, because page cache
# and kernel tables grow with the machine; never less than a minimal Debian takes to run.
SYSTEM_SHARE = 0.1
SYSTEM_MIN = 96 * MIB
SYSTEM_MAX = 4 * GIB


@dataclass(frozen=True)
class ProxyShare:
    """What a proxy keeps of the machine's memory, with bounds in bytes."""

    share: float
    least: int
    most: int


# nginx: a few MiB a process, and what its connections take. Apache holds a thread for each
# request and each slow client. nginx.py and apache.py allow as many as this pays for.
PROXIES = {
    "nginx": ProxyShare(0.05, 32 * MIB, 2 * GIB),
    "apache": ProxyShare(0.1, 96 * MIB, 2 * GIB),
    "none": ProxyShare(0, 0, 0),
}

# gunicorn's master, which imports no application code.
MASTER = 30 * MIB

# Above MemoryHigh the kernel slows a unit down, above MemoryMax it kills (systemd.py): a release
# of the planned size stays below both.
HIGH_SHARE = 0.9

# Two releases run side by side while one replaces the other (a slot each).
SLOTS = 2


@dataclass(frozen=True)
class Budget:
    """What the machine's memory (bytes) goes to."""

    machine: int
    system: int
    proxy: int
    shared: int

    @property
    def app(self) -> int:
        """What is left for the application, both slots together."""
        return self.machine - self.system - self.proxy - self.shared

    @property
    def words(self) -> str:
        """The sum, for a reason."""
        shared = f", {about(self.shared)} what else runs there" if self.shared else ""
        proxy = f", {about(self.proxy)} the proxy" if self.proxy else ""
        return (
            f"of {about(self.machine)} the system keeps {about(self.system)}{proxy}{shared}; "
            f"{about(self.app)} are left"
        )


def budget(facts: Facts) -> Budget:
    """What the system, the proxy and the neighbours keep of the machine's memory."""
    return _budget(facts, facts.memory_bytes)


def _budget(facts: Facts, machine: int) -> Budget:
    system = min(max(int(machine * SYSTEM_SHARE), SYSTEM_MIN), SYSTEM_MAX)
    share = PROXIES[facts.proxy]
    proxy = min(max(int(machine * share.share), share.least), share.most)
    return Budget(
        machine=machine,
        system=system,
        proxy=proxy,
        shared=facts.shared_bytes,
    )


def workers_that_fit(facts: Facts) -> int:
    """How many workers fit, with two releases running at once.

    Raises InputError when not even one does.
    """
    room = budget(facts)
    fit = _fit(facts, room)
    if fit < 1:
        left = room.words if room.app > 0 else f"of {about(room.machine)} nothing is left"
        raise InputError.one(
            f"the machine is too small for one worker: {left}, and one worker with its master "
            f"takes {about(slot_bytes(facts, 1))}, twice during a release",
            where=("machines",),
            allowed=f"memory of at least {format_size(_least(facts))}",
            hint="a larger machine, or workload.worker_memory if a worker takes less than assumed",
        )
    return fit


def _fit(facts: Facts, room: Budget) -> int:
    # The largest slot that is at most HIGH_SHARE of what the other slot leaves; a MiB for the
    # limits, which are rounded down to whole MiB.
    slot = int(room.app * HIGH_SHARE / (1 + HIGH_SHARE)) - MIB
    return (slot - MASTER) // facts.worker_bytes


def _least(facts: Facts) -> int:
    """The least memory, in whole MiB, that one worker fits into."""
    machine = 0
    while _fit(facts, _budget(facts, machine)) < 1:
        short = (slot_bytes(facts, 1) + MIB) * (1 + HIGH_SHARE) / HIGH_SHARE
        machine += max(MIB, int(short - _budget(facts, machine).app) // MIB * MIB)
    return machine


def slot_bytes(facts: Facts, workers: int) -> int:
    """What one release of the planned size takes."""
    return MASTER + workers * facts.worker_bytes
