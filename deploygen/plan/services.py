"""What runs beside the application in containers of its own: PostgreSQL and Redis.

Each has its limit from the description, and is planned to fit it: what it keeps in memory, and
how many connections it takes, which bounds the application's threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from deploygen.plan import sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.spec import Spec
from deploygen.units import MIB, about

# From this release on, the registry's image keeps its data one folder higher.
POSTGRESQL_MOVED = 18
# Where each listens, in its own container.
PORTS = {"postgresql": 5432, "redis": 6379}
# The documentation's own proportion for what PostgreSQL keeps of its tables.
SHARED_SHARE = 0.25
# What a connection may take at once: its process, and a sort of the default work_mem (4 MiB).
CONNECTION_BYTES = 6 * MIB
CONNECTIONS_SHARE = 0.5
CONNECTIONS_MIN, CONNECTIONS_MAX = 20, 1000
# For a release, a person at a prompt, and the three that PostgreSQL keeps for its superuser.
CONNECTIONS_BESIDE = 8
# Processes that hold no client: writers, autovacuum, parallel workers, the question for health.
POSTGRESQL_TASKS = 32
# Of its limit, what Redis may fill; the rest is for its buffers and for a copy while it saves.
REDIS_SHARE = 0.6
# Threads of Redis, the child that rewrites its log, the question for health.
REDIS_TASKS = 32


@dataclass(frozen=True)
class Service:
    """A service of the registry's own image; ``volumes`` maps their names to where it has them."""

    name: str
    image: str
    port: int
    volumes: Mapping[str, str]


def services(spec: Spec) -> Iterator[Service]:
    """The services that the description asks for."""
    if (given := spec.containers.postgresql) is not None:
        moved = int(given.version.split(".")[0]) >= POSTGRESQL_MOVED
        folder = "/var/lib/postgresql"
        yield Service(
            name="postgresql",
            image=f"docker.io/library/postgres:{given.version}",
            port=PORTS["postgresql"],
            volumes={
                "postgresql": folder if moved else f"{folder}/data",
                # A folder in memory would not do: Docker forgets its mode when the container is
                # started again, podman takes the image's and forgets the others' right to write.
                "postgresql-socket": "/run/postgresql",
            },
        )
    if (redis := spec.containers.redis) is not None:
        yield Service(
            name="redis",
            image=f"docker.io/library/redis:{redis.version}",
            port=PORTS["redis"],
            volumes={"redis": "/data"},
        )


def settings(spec: Spec) -> Mapping[str, Settings]:
    """The settings of each service that the description asks for, by its name."""
    found = {}
    if (postgresql := spec.containers.postgresql) is not None:
        found["postgresql"] = _postgresql(postgresql.memory)
    if (redis := spec.containers.redis) is not None:
        found["redis"] = _redis(redis.memory)
    return found


def budgeted(spec: Spec, facts: Facts) -> Facts:
    """The application's facts with its own database: no more threads than that has connections.

    A thread of Django's, or of anything without a pool, keeps one. What runs on an event loop
    pools them: there nothing is bounded by its places.
    """
    given = spec.containers.postgresql
    if given is None:
        return facts
    pooled = facts.interface == "asgi" or facts.greenlet_safe
    room = connections(given.memory) - CONNECTIONS_BESIDE
    declared = facts.db_connections
    return replace(
        facts,
        hosts_total=1,
        db_connections=declared if pooled or declared is not None else room,
    )


def connections(memory_bytes: int) -> int:
    """How many connections a PostgreSQL of so much memory takes."""
    fit = int(memory_bytes * CONNECTIONS_SHARE) // CONNECTION_BYTES
    return min(max(fit, CONNECTIONS_MIN), CONNECTIONS_MAX)


def _limit(service: str, memory_bytes: int) -> Setting:
    return Setting(
        "mem_limit",
        memory_bytes,
        f"what containers.{service}.memory says; the rest is planned to fit it",
        sources.DESCRIPTION,
    )


def _postgresql(memory_bytes: int) -> Settings:
    most, shared = connections(memory_bytes), int(memory_bytes * SHARED_SHARE) // MIB * MIB
    return by_name(
        _limit("postgresql", memory_bytes),
        Setting(
            "shm_size",
            max(shared, 64 * MIB),
            "what processes of one query share lies there, and the engine's own 64 MiB make a "
            "large one fail",
            sources.COMPOSE,
        ),
        Setting(
            "pids_limit",
            most + POSTGRESQL_TASKS,
            f"a process for each of {most} connections, and {POSTGRESQL_TASKS} for writers, "
            "autovacuum and parallel workers",
            sources.COMPOSE,
        ),
        Setting(
            "max_connections",
            most,
            f"{about(int(memory_bytes * CONNECTIONS_SHARE))} hold as many at "
            f"{about(CONNECTION_BYTES)} each; the application's threads are planned for "
            f"{CONNECTIONS_BESIDE} fewer",
            sources.POSTGRESQL_CONNECTIONS,
        ),
        Setting(
            "shared_buffers",
            f"{shared // MIB}MB",
            f"{SHARED_SHARE:.0%} of the limit; the kernel keeps more of the files in what is left",
            sources.POSTGRESQL_RESOURCES,
        ),
    )


def _redis(memory_bytes: int) -> Settings:
    most = int(memory_bytes * REDIS_SHARE) // MIB * MIB
    return by_name(
        _limit("redis", memory_bytes),
        Setting(
            "pids_limit",
            REDIS_TASKS,
            "its threads, and the child that rewrites its log",
            sources.COMPOSE,
        ),
        Setting(
            "maxmemory",
            f"{most // MIB}mb",
            f"{REDIS_SHARE:.0%} of the limit: the rest is for buffers, and for what changes while "
            "a child saves",
            sources.REDIS_EVICTION,
        ),
        Setting(
            "maxmemory-policy",
            "noeviction",
            "when memory is full, a write is refused, not a key lost: a queue or a session is no "
            "cache; where all keys are a cache, allkeys-lru",
            sources.REDIS_EVICTION,
        ),
    )
