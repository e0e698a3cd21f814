"""What the compose file wires together: mounts, ports, networks, secrets, variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.plan.container_proxy import HTTP, HTTPS
from deploygen.plan.containers import ContainerPlan
from deploygen.plan.services import Service, services
from deploygen.spec import Spec

# The secret that the database's own container starts with.
PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 (a name, no value)


@dataclass(frozen=True)
class Compose:
    """The compose file's own decisions. Mounts and ports are as the file writes them."""

    release: tuple[str, ...]
    app: tuple[str, ...]
    proxy: tuple[str, ...]
    ports: tuple[str, ...]
    listens: int
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    secrets: tuple[str, ...]
    variables: tuple[str, ...]
    services: tuple[Service, ...]

    def service(self, name: str) -> Service | None:
        """A service by its name, if the description asks for it."""
        return next((service for service in self.services if service.name == name), None)


def compose(spec: Spec, containers: ContainerPlan) -> Compose:
    """The compose file of a plan."""
    beside = tuple(services(spec))
    proxy = containers.proxy
    own = tuple(f"{volume.name}:{volume.path}" for volume in containers.volumes)
    # The socket is of no use to a release, and the static files are of none to the application.
    release = tuple(mount for mount in own if not mount.startswith("run:"))
    static = f"static:{containers.layout.static}" if containers.static_source else None
    return Compose(
        release=(*release, static) if static else release,
        app=own,
        proxy=tuple(_proxy(spec, containers, proxy.spool)) if proxy else (),
        ports=tuple(_ports(spec, containers)),
        listens=HTTPS if containers.site.tls else HTTP,
        networks=("front", "back") if proxy else ("back",),
        volumes=(
            *(volume.name for volume in containers.volumes),
            *(("static",) if static else ()),
            *(("spool",) if proxy else ()),
            *(name for service in beside for name in service.volumes),
        ),
        secrets=tuple(_secrets(spec)),
        variables=tuple(_variables(spec, containers)),
        services=beside,
    )


def _proxy(spec: Spec, containers: ContainerPlan, spool: str) -> Iterator[str]:
    layout = containers.layout
    yield f"run:{layout.run}:ro"
    if containers.static_source:
        yield f"static:{layout.static}:ro"
    if layout.media:
        yield f"media:{layout.media}:ro"
    if layout.protected:
        yield f"protected:{layout.protected}:ro"
    yield f"spool:{spool}"
    if tls := containers.site.tls:
        for path in (tls.pair.certificate, tls.pair.key):
            yield f"{path}:{path}:ro"
    for path in spec.proxy.include:
        yield f"{path}:{path}:ro"


def _ports(spec: Spec, containers: ContainerPlan) -> Iterator[str]:
    given = spec.containers
    yield f"${{HTTP_PORT:-{given.http_port}}}:{HTTP}"
    if containers.site.tls:
        yield f"${{HTTPS_PORT:-{given.https_port}}}:{HTTPS}"


def _secrets(spec: Spec) -> Iterator[str]:
    yield from spec.app.secrets
    if spec.containers.postgresql and PASSWORD not in spec.app.secrets:
        yield PASSWORD


def _variables(spec: Spec, containers: ContainerPlan) -> Iterator[str]:
    """What the environment may say to compose."""
    yield "TAG"
    yield "REVISION"
    yield "HTTP_PORT"
    if containers.site.tls:
        yield "HTTPS_PORT"
    if any(_secrets(spec)):
        yield "SECRETS_DIR"
    yield from containers.bounds.names
