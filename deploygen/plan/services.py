"""What runs beside the application in containers of its own: PostgreSQL and Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.spec import Spec

# From this release on, the registry's image keeps its data one folder higher.
POSTGRESQL_MOVED = 18
# Of its limit, what Redis may fill; the rest is for its buffers and for a copy while it saves.
REDIS_SHARE = 0.6


@dataclass(frozen=True)
class Service:
    """A service of the registry's own image. ``most_bytes`` is what it may fill with data."""

    name: str
    image: str
    memory_bytes: int
    most_bytes: int
    data: str


def services(spec: Spec) -> Iterator[Service]:
    """The services that the description asks for."""
    if (given := spec.containers.postgresql) is not None:
        moved = int(given.version.split(".")[0]) >= POSTGRESQL_MOVED
        folder = "/var/lib/postgresql"
        yield Service(
            name="postgresql",
            image=f"docker.io/library/postgres:{given.version}",
            memory_bytes=given.memory,
            most_bytes=given.memory,
            data=folder if moved else f"{folder}/data",
        )
    if (redis := spec.containers.redis) is not None:
        yield Service(
            name="redis",
            image=f"docker.io/library/redis:{redis.version}",
            memory_bytes=redis.memory,
            most_bytes=int(redis.memory * REDIS_SHARE),
            data="/data",
        )
