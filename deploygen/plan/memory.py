"""How much memory the application may have, and how many workers fit into it."""

from __future__ import annotations

from dataclasses import dataclass

from deploygen.errors import InputError
from deploygen.plan.facts import Facts
from deploygen.units import GIB, MIB, about

# The kernel, systemd, journald, sshd and what people log in with. A tenth, because page cache
# and kernel tables grow with the machine; never less than a minimal Debian takes to run.
SYSTEM_SHARE = 0.1
SYSTEM_MIN = 96 * MIB
SYSTEM_MAX = 4 * GIB

# nginx with its buffers: a few MiB a process and at most some tens of KiB a busy connection.
PROXY = 32 * MIB

# gunicorn's master, which imports no application code.
MASTER = 30 * MIB

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
    system = min(max(int(facts.memory_bytes * SYSTEM_SHARE), SYSTEM_MIN), SYSTEM_MAX)
    return Budget(
        machine=facts.memory_bytes,
        system=system,
        proxy=PROXY if facts.buffering_proxy else 0,
        shared=facts.shared_bytes,
    )


def workers_that_fit(facts: Facts) -> int:
    """How many workers fit, with two releases running at once.

    Raises InputError when not even one does.
    """
    room = budget(facts)
    fit = (room.app // SLOTS - MASTER) // facts.worker_bytes
    if fit < 1:
        needed = SLOTS * (facts.worker_bytes + MASTER)
        raise InputError.one(
            f"the machine is too small for one worker: {room.words if room.app > 0 else 'nothing'}"
            f"{'' if room.app > 0 else ' is left'}, and one worker with its master takes "
            f"{about(facts.worker_bytes + MASTER)}, twice during a release",
            where=("machines",),
            allowed=f"memory of at least {about(room.machine - room.app + needed)}",
            hint="a larger machine, or workload.worker_memory if a worker takes less than assumed",
        )
    return int(fit)


def slot_bytes(facts: Facts, workers: int) -> int:
    """What one release of the planned size takes."""
    return MASTER + workers * facts.worker_bytes
