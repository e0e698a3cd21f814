"""The plan of the containers: the same rules as for hosts, with the facts of a container.

See docs/decisions for what lies where: gunicorn's socket is in a volume that the proxy shares,
and one container replaces the other, so that there is no second slot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from deploygen.errors import InputError, Problem, refuse
from deploygen.plan import (
    capacity,
    concurrency,
    container,
    container_gunicorn,
    invariants,
    nginx,
    streaming,
    sysctl,
    systemd,
    tls,
)
from deploygen.plan.bounds import Bounds, bounds
from deploygen.plan.facts import Facts, facts
from deploygen.plan.image import Image, collects, image
from deploygen.plan.layout import Layout
from deploygen.plan.nginx_site import NginxSite, nginx_site
from deploygen.plan.setting import Setting, Settings
from deploygen.plan.shape import of
from deploygen.plan.site import Site, site
from deploygen.spec import Spec
from deploygen.systems import SYSTEMS, System, parse_version, show_version

# The registry's stable nginx, where the description names no other.
PROXY_IMAGE = "docker.io/library/nginx:1.30"
# Ports that need no right to be opened; the host's are mapped to them.
HTTP, HTTPS = 8080, 8443
# The proxy runs as a user of its own, in the application's group: it may enter the folder with
# the socket, and read uploads.
PROXY_UID_STEP = 1

# What a container of the registry's image has its files in.
SECRETS = "/run/secrets"
# The name that stands for the container where a host's plan names its group.
GROUP = "containers"
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

    ``components`` maps "gunicorn", "nginx" and "container" to their settings. ``bind`` is a
    TCP address where no proxy of ours shares the socket.
    """

    facts: Facts
    components: Mapping[str, Settings]
    layout: Layout
    site: Site
    words: NginxSite | None
    image: Image
    proxy_image: str | None
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
    asked = TARGET in (spec.targets or ()) or "containers" in spec.model_fields_set
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
    refuse(_problems(spec))
    first = next(iter(spec.machines))
    machine = facts(spec, first)
    inside = container.facts(spec, machine)
    layout, proxied = _layout(spec, host), spec.proxy.kind == "nginx"
    socket = layout.upstream if proxied else None
    shape = concurrency.shape(inside, spec.server)
    of_gunicorn = container_gunicorn.plan(spec, inside, shape, socket)
    of_nginx = (
        nginx.plan(replace(machine, cpus=inside.cpus), of_gunicorn, spec.name) if proxied else {}
    )
    components = {
        "gunicorn": of_gunicorn,
        "nginx": of_nginx,
        "systemd": systemd.plan(inside, of_gunicorn),
        "sysctl": sysctl.plan(of_gunicorn),
    }
    refuse(invariants.broken(inside, components))
    most = bounds(inside, of_gunicorn, of_nginx)
    limits = container.plan(spec, machine, inside, of_gunicorn, of_nginx, most)
    proxy = (spec.containers.proxy_image or PROXY_IMAGE) if proxied else None
    system = _system(proxy)
    virtual_host = _site(spec, system, layout)
    components = {
        "gunicorn": of_gunicorn,
        "nginx": {**of_nginx, **tls.settings(spec, system)} if proxied else {},
        "streaming": streaming.plan(inside) if proxied else {},
        "container": limits,
    }
    commands, source = spec.app.release_commands, _static_source(spec, layout)
    built = spec.containers.build_commands
    return ContainerPlan(
        facts=inside,
        components={key: settings for key, settings in components.items() if settings},
        layout=layout,
        site=virtual_host,
        words=_words(virtual_host, system, spec.name) if proxied else None,
        image=image(spec, machine.system, (of_gunicorn["worker_class"].text,)),
        proxy_image=proxy,
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


def _problems(spec: Spec) -> Iterator[Problem]:
    """What containers can't have."""
    proxy = spec.proxy
    if proxy.kind not in {"nginx", "none"}:
        yield Problem(
            f"containers have no proxy.kind {proxy.kind} yet",
            where=("proxy", "kind"),
            allowed="nginx, or none",
            hint="targets without docker render the rest",
        )
    if proxy.tls.mode not in {"none", "files"}:
        yield Problem(
            f"containers have no proxy.tls.mode {proxy.tls.mode}",
            where=("proxy", "tls", "mode"),
            allowed="files, or none behind a proxy that ends TLS",
            hint="targets without docker render the rest",
        )


def _layout(spec: Spec, host: Layout) -> Layout:
    """Where things lie in the containers: one release, so no slot and no links."""
    code = f"{host.home}/app"
    media = spec.app.media.folder if spec.app.media else None
    return replace(
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
        maintenance="/tmp/maintenance",  # noqa: S108 (in the proxy's container)
        nginx=replace(
            host.nginx,
            user=None,
            pid="/tmp/nginx.pid",  # noqa: S108 (in the container, which has it to itself)
            error_log="stderr",
            access_log="/dev/stdout",
            temp="/var/spool/nginx",
        ),
    )


def _system(proxy: str | None) -> System:
    """The versions of the proxy's image; what its tag does not say is taken to be old."""
    oldest = min(SYSTEMS.values(), key=lambda system: system.openssl)
    stated = re.search(r":([0-9]+\.[0-9]+(?:\.[0-9]+)?)", (proxy or "").rpartition("/")[2])
    version = parse_version(stated[1]) if stated else oldest.nginx
    return replace(oldest, id=GROUP, name="the registry's images", nginx=version)


def _site(spec: Spec, system: System, layout: Layout) -> Site:
    """The site; the engine maps IPv6 to its ports too. Raises InputError."""
    made = replace(site(spec, system, layout), ipv6=False)
    if made.tls and made.tls.stand_in:
        raise InputError.one(
            f"nginx {show_version(system.nginx)} shows a certificate to whoever asks for a name "
            "that no site has",
            where=("containers", "proxy_image"),
            allowed="nginx 1.19.4 or later",
        )
    return made


def _words(virtual_host: Site, system: System, name: str) -> NginxSite:
    """nginx's words, on ports that need no right. The registry's image has no brotli."""
    return replace(nginx_site(virtual_host, system, name, (HTTP, HTTPS)), brotli=False)


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
