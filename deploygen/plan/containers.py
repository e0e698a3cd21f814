"""The plan of the containers: the same rules as for hosts, with the facts of a container.

See docs/decisions for what lies where: gunicorn's socket is in a volume that the proxy shares,
and one container replaces the other, so that there is no second slot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from deploygen.errors import InputError, refuse
from deploygen.plan import (
    capacity,
    concurrency,
    container,
    container_gunicorn,
    container_proxy,
    invariants,
    services,
    streaming,
    sysctl,
    systemd,
    tls,
)
from deploygen.plan.apache_site import ApacheSite
from deploygen.plan.bounds import Bounds, bounds
from deploygen.plan.container_proxy import GROUP, ContainerProxy
from deploygen.plan.environment import environment
from deploygen.plan.facts import Facts, facts
from deploygen.plan.image import Image, collects, image
from deploygen.plan.layout import Layout
from deploygen.plan.nginx_site import NginxSite
from deploygen.plan.setting import Setting, Settings
from deploygen.plan.shape import of
from deploygen.plan.site import Site
from deploygen.spec import Spec

# The proxy runs as a user of its own, in the application's group: it may enter the folder with
# the socket, and read uploads.
PROXY_UID_STEP = 1

# What a container of the registry's image has its files in.
SECRETS = "/run/secrets"
# The target that asks for them.
TARGET = "docker"


@dataclass(frozen=True)
class Volume:
    """A named volume: where the application has it, and the mode of the folder."""

    name: str
    path: str
    mode: str


@dataclass(frozen=True)
class ContainerPlan:
    """Everything that the files for containers are made from.

    ``components`` maps "gunicorn", "container", the proxy's kind and each service beside to their
    settings; ``environment`` is the application's, but for its secrets; ``socket``
    is None, and gunicorn has a TCP address, where no proxy of ours shares it.
    """

    facts: Facts
    components: Mapping[str, Settings]
    environment: Mapping[str, str]
    layout: Layout
    site: Site
    words: NginxSite | ApacheSite | None
    image: Image
    proxy: ContainerProxy | None
    bounds: Bounds
    socket: str | None
    uid: int
    volumes: tuple[Volume, ...]
    static_source: str | None
    static_apart: tuple[str, ...]
    build_commands: tuple[str, ...]
    release_commands: tuple[str, ...]
    capacity: Settings

    @property
    def group(self) -> str:
        """The name that stands beside those of machine groups."""
        return GROUP

    def settings(self) -> Iterator[tuple[str, Setting]]:
        """Each setting with its full name: ``("container.mem_limit", ...)``."""
        for component, settings in self.components.items():
            for setting in settings.values():
                yield f"{component}.{setting.name}", setting


def plan_or_note(spec: Spec, host: Layout) -> tuple[ContainerPlan | None, tuple[str, ...]]:
    """The plan of the containers, or why there is none; neither where targets leave them out.

    Raises InputError when they are asked for, and no plan holds all invariants.
    """
    # What init writes of services asks for nothing: most who have it deploy to hosts.
    said = spec.containers.model_fields_set - {"postgresql", "redis"}
    asked = TARGET in (spec.targets or ()) or bool(said)
    if spec.targets is not None and TARGET not in spec.targets:
        return None, ()
    try:
        return plan(spec, host), ()
    except InputError as error:
        if asked:
            raise
        first = error.problems[0]
        return None, (f"no files for containers: {first.message}",)


def plan(spec: Spec, host: Layout) -> ContainerPlan:
    """The plan of the containers. Raises InputError when none holds all invariants."""
    refuse(container_proxy.problems(spec))
    first = next(iter(spec.machines))
    machine = facts(spec, first)
    inside = services.budgeted(spec, container.facts(spec, machine))
    proxy, kind = container_proxy.proxy(spec, host), spec.proxy.kind
    layout, proxied = _layout(spec, host, proxy), proxy is not None
    socket = layout.upstream if proxied else None
    shape = concurrency.shape(inside, spec.server)
    of_gunicorn = container_gunicorn.plan(spec, inside, shape, socket)
    beside = replace(machine, cpus=inside.cpus)
    of_proxy = container_proxy.settings(kind, beside, of_gunicorn, spec.name)
    components = {
        "gunicorn": of_gunicorn,
        kind: of_proxy,
        "systemd": systemd.plan(inside, of_gunicorn),
        "sysctl": sysctl.plan(of_gunicorn),
    }
    refuse(invariants.broken(inside, components))
    most = bounds(inside, of_gunicorn, of_proxy)
    needs = container_proxy.needs(kind, beside, of_proxy) if proxied else None
    limits = container.plan(spec, machine, inside, of_gunicorn, most, needs)
    system = container_proxy.system(proxy)
    virtual_host = container_proxy.of_site(spec, system, layout)
    components = {
        "gunicorn": of_gunicorn,
        kind: {**of_proxy, **tls.settings(spec, system)} if proxied else {},
        "streaming": streaming.plan(inside) if proxied else {},
        "container": limits,
        **services.settings(spec),
    }
    commands, source = spec.app.release_commands, _static_source(spec, layout)
    built = spec.containers.build_commands
    return ContainerPlan(
        facts=replace(inside, system=system),
        components={key: settings for key, settings in components.items() if settings},
        environment=environment(spec, layout, spec.containers.environment),
        layout=layout,
        site=virtual_host,
        words=container_proxy.words(kind, virtual_host, system, spec.name) if proxied else None,
        image=image(spec, machine.system, (of_gunicorn["worker_class"].text,)),
        proxy=proxy,
        bounds=most,
        socket=socket,
        uid=spec.containers.uid,
        volumes=tuple(_volumes(spec, layout, proxied=proxied)),
        static_source=source if proxied else None,
        static_apart=(source,) if source and not source.startswith(layout.home) else (),
        build_commands=tuple(filter(collects, commands)) if built is None else built,
        release_commands=tuple(command for command in commands if not collects(command)),
        capacity=capacity.plan(inside, of(of_gunicorn).concurrency, 1),
    )


def _layout(spec: Spec, host: Layout, proxy: ContainerProxy | None) -> Layout:
    """Where things lie in the containers: one release, so no slot and no links."""
    code = f"{host.home}/app"
    media = spec.app.media.folder if spec.app.media else None
    inside = replace(
        host,
        slot=code,
        current=code,
        venv=f"{host.home}/venv",
        working_directory=code if spec.app.app_dir == "." else f"{code}/{spec.app.app_dir}",
        upstream=f"{host.run}/gunicorn.sock",
        upstream_why="In a volume that the application shares with nobody but this proxy.",
        slot_socket=f"{host.run}/gunicorn.sock",
        static=f"{host.home}/static" if spec.app.static else None,
        media=media if media is None or media.startswith("/") else f"{code}/{media}",
        secrets_file=SECRETS,
    )
    return container_proxy.placed(inside, proxy.spool if proxy else "")


def _static_source(spec: Spec, layout: Layout) -> str | None:
    """Where the image has the static files; a release copies them to the proxy's volume."""
    if spec.app.static is None:
        return None
    folder = spec.app.static.folder
    return folder if folder.startswith("/") else f"{layout.slot}/{folder}"


def _volumes(spec: Spec, layout: Layout, *, proxied: bool) -> Iterator[Volume]:
    if proxied:
        yield Volume("run", layout.run, "0750")
    yield Volume("state", layout.state, "0750")
    if layout.media:
        yield Volume("media", layout.media, "0750")
    if layout.protected:
        yield Volume("protected", layout.protected, "0750")
    for path in spec.app.writable:
        yield Volume(path.strip("/").replace("/", "-").lower(), path, "0750")
