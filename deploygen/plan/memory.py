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
    "apache": ProxyShare(0.1, 96 * MIB, 4 * GIB),
    "none": ProxyShare(0, 0, 0),
}

# gunicorn's master, which imports no application code.
MASTER = 30 * MIB

# Above MemoryHigh the kernel slows a unit down, above MemoryMax it kills (systemd.py): a release
# of the planned size stays below both.
HIGH_SHARE = 0.9


@dataclass(frozen=True)
class Budget:
    """What the machine's memory (bytes) goes to."""

    machine: int
    system: int
    proxy: int
    shared: int
    contained: bool = False

    @property
    def app(self) -> int:
        """What is left for the application, all slots together."""
        return self.machine - self.system - self.proxy - self.shared

    @property
    def words(self) -> str:
        """The sum, for a reason."""
        shared = f", {about(self.shared)} what else runs there" if self.shared else ""
        proxy = f", {about(self.proxy)} the proxy" if self.proxy else ""
        keeper = "its /tmp may take" if self.contained else "the system keeps"
        return (
            f"of {about(self.machine)} {keeper} {about(self.system)}{proxy}{shared}; "
            f"{about(self.app)} are left"
        )


def budget(facts: Facts) -> Budget:
    """What the system, the proxy and the neighbours keep of the machine's memory."""
    return _budget(facts, facts.memory_bytes)


def _budget(facts: Facts, machine: int) -> Budget:
    if facts.contained:
        return Budget(machine, system=facts.tmp_bytes, proxy=0, shared=0, contained=True)
    system = min(max(int(machine * SYSTEM_SHARE), SYSTEM_MIN), SYSTEM_MAX)
    share = PROXIES[facts.proxy]
    proxy = min(max(int(machine * share.share), share.least), share.most)
    return Budget(
        machine=machine,
        system=system,
        proxy=proxy,
        shared=facts.shared_bytes,
    )


def during_release(facts: Facts) -> str:
    """What a release adds to a sum, in words; nothing where one replaces the other at once."""
    return ", twice during a release" if facts.slots > 1 else ""


def workers_that_fit(facts: Facts) -> int:
    """How many workers fit, with all slots running at once.

    Raises InputError when not even one does.
    """
    room = budget(facts)
    fit = _fit(facts, room)
    if fit < 1:
        left = room.words if room.app > 0 else f"of {about(room.machine)} nothing is left"
        raise InputError.one(
            f"the {'container' if facts.contained else 'machine'} is too small for one worker: "
            f"{left}, and one worker with its master takes "
            f"{about(slot_bytes(facts, 1))}{during_release(facts)}",
            where=("containers", "memory") if facts.contained else ("machines",),
            allowed=f"memory of at least {format_size(_least(facts))}",
            hint="a larger machine, or workload.worker_memory if a worker takes less than assumed",
        )
    return fit


def slot_most(facts: Facts) -> int:
    """The most (bytes) that one release may take, with all slots running at once."""
    return _slot_most(facts, budget(facts))


def _slot_most(facts: Facts, room: Budget) -> int:
    # At most HIGH_SHARE of what the other slots leave; a MiB for the limits, which are rounded
    # down to whole MiB.
    return int(room.app * HIGH_SHARE / _slots(facts)) - MIB


def _fit(facts: Facts, room: Budget) -> int:
    return (_slot_most(facts, room) - MASTER) // facts.worker_bytes


def _slots(facts: Facts) -> float:
    """How many times HIGH_SHARE of a slot's room the application takes in all."""
    return 1 + HIGH_SHARE * (facts.slots - 1)


def _least(facts: Facts) -> int:
    """The least memory, in whole MiB, that one worker fits into."""
    machine = 0
    while _fit(facts, _budget(facts, machine)) < 1:
        short = (slot_bytes(facts, 1) + MIB) * _slots(facts) / HIGH_SHARE
        machine += max(MIB, int(short - _budget(facts, machine).app) // MIB * MIB)
    return machine


def slot_bytes(facts: Facts, workers: int) -> int:
    """What one release of the planned size takes."""
    return MASTER + workers * facts.worker_bytes
