"""systemd's options for the unit: limits, time-outs and restarts."""

from __future__ import annotations

from deploygen.plan import memory, sources, timeouts
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.units import MIB, about, format_size, plural

# What an application opens besides its connections: modules, logs, pools, temporary files. Ample:
# this is the hard limit too, and a descriptor that is not used costs nothing.
FILES_BESIDE = 4096
# Threads that libraries start on their own (BLAS, gRPC, Sentry), for each worker.
TASKS_BESIDE = 32
# What an ASGI framework runs plain functions in: 40 threads of anyio, 32 of asyncio's executor.
TASKS_ASGI = 72
TASKS_MASTER = 16

START_S = 90


def plan(facts: Facts, gunicorn: Settings) -> Settings:
    """All options that the plan decides, those that the system's systemd knows."""
    steps = facts.system.restart_steps
    return by_name(
        memory_high(facts, gunicorn),
        memory_max(facts, gunicorn),
        tasks_max(facts, gunicorn),
        limit_nofile(gunicorn),
        timeout_start(),
        timeout_stop(gunicorn["graceful_timeout"].number),
        restart(),
        restart_sec(),
        restart_steps() if steps else None,
        restart_max_delay() if steps else None,
        oom_policy(),
        kill_mode(),
    )


def _memory_max_bytes(facts: Facts, workers: int) -> int:
    room = memory.budget(facts).app
    # Whole MiB: a byte count in a unit reads badly.
    return max(room - memory.slot_bytes(facts, workers), 0) // MIB * MIB


def memory_high(facts: Facts, gunicorn: Settings) -> Setting:
    """Where the kernel starts to slow the unit down."""
    limit = _memory_max_bytes(facts, gunicorn["workers"].number)
    return Setting(
        "MemoryHigh",
        format_size(int(limit * memory.HIGH_SHARE) // MIB * MIB),
        f"{memory.HIGH_SHARE:.0%} of MemoryMax: memory is reclaimed before anything is killed",
        sources.SYSTEMD_RESOURCES,
    )


def memory_max(facts: Facts, gunicorn: Settings) -> Setting:
    """Where the kernel kills inside the unit, and nowhere else."""
    workers = gunicorn["workers"].number
    return Setting(
        "MemoryMax",
        format_size(_memory_max_bytes(facts, workers)),
        f"{memory.budget(facts).words} for two slots, and the other one's planned size is "
        f"{about(memory.slot_bytes(facts, workers))}: a leak ends here, not with the machine",
        sources.SYSTEMD_RESOURCES,
    )


def tasks_max(facts: Facts, gunicorn: Settings) -> Setting:
    """Processes and threads of the unit."""
    workers, threads = gunicorn["workers"].number, gunicorn["threads"].number
    pools = TASKS_ASGI if facts.interface == "asgi" else 0
    value = TASKS_MASTER + workers * (threads + TASKS_BESIDE + pools)
    return Setting(
        "TasksMax",
        value,
        f"{plural(workers, 'worker')} of {plural(threads, 'thread')}, "
        + (
            f"{pools} in each for the functions that ASGI frameworks run in threads, "
            if pools
            else ""
        )
        + f"{TASKS_BESIDE} more in each for what libraries start, {TASKS_MASTER} for the master: "
        "a fork bomb stops here",
        sources.SYSTEMD_RESOURCES,
    )


def limit_nofile(gunicorn: Settings) -> Setting:
    """Open files of one process."""
    connections = gunicorn["worker_connections"].number
    # Below fs.nr_open, which the kernel sets to 1048576: invariants.py.
    # Each request in work may hold a connection of its own to a database or another service.
    value = 2 * connections + FILES_BESIDE
    return Setting(
        "LimitNOFILE",
        value,
        f"two for each of {connections} connections of a worker, its own and one to a service "
        f"that it asks, and {FILES_BESIDE} for everything else",
        sources.SYSTEMD_EXEC,
    )


def timeout_start() -> Setting:
    """Seconds to start."""
    return Setting(
        "TimeoutStartSec",
        START_S,
        "systemd's default, said here since a release waits for it",
        sources.SYSTEMD_SERVICE,
    )


def timeout_stop(graceful_timeout: int) -> Setting:
    """Seconds to stop, before systemd kills."""
    return Setting(
        "TimeoutStopSec",
        timeouts.stop_timeout_s(graceful_timeout),
        f"longer than graceful_timeout ({graceful_timeout} s) by {timeouts.STOP_MARGIN_S} s: "
        "systemd never kills a request that gunicorn would let finish",
        sources.TIMEOUTS,
    )


def restart() -> Setting:
    """When systemd starts gunicorn again."""
    return Setting(
        "Restart",
        "always",
        "a gunicorn that was killed or gave up comes back, whatever its exit code",
        sources.SYSTEMD_SERVICE,
    )


def restart_sec() -> Setting:
    """Seconds before a restart."""
    return Setting(
        "RestartSec",
        1,
        "requests wait until it is back, or are served by other hosts where there are some",
        sources.SYSTEMD_SERVICE,
    )


def restart_steps() -> Setting:
    """In how many steps the delay grows."""
    return Setting(
        "RestartSteps",
        5,
        "what keeps failing is tried less and less often, and never given up",
        sources.SYSTEMD_SERVICE,
    )


def restart_max_delay() -> Setting:
    """The longest delay, in seconds."""
    return Setting(
        "RestartMaxDelaySec",
        30,
        "a database that is back after an hour is noticed within half a minute",
        sources.SYSTEMD_SERVICE,
    )


def oom_policy() -> Setting:
    """What follows when the kernel kills one process for memory."""
    return Setting(
        "OOMPolicy",
        "continue",
        "one worker that was killed for its memory is replaced by gunicorn; the others go on",
        sources.SYSTEMD_SERVICE,
    )


def kill_mode() -> Setting:
    """Whom systemd tells to stop."""
    return Setting(
        "KillMode",
        "mixed",
        "only the master is asked to stop, so that it can let its workers finish",
        sources.GUNICORN_DEPLOY,
    )
