"""gunicorn's settings in a container: a host's, and what is another there."""

from __future__ import annotations

from deploygen.plan import gunicorn, overrides, sources
from deploygen.plan.client_address import front
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting, Settings
from deploygen.plan.shape import Shape
from deploygen.spec import Spec

# Where gunicorn listens when no proxy of ours shares its socket: it needs no right to be opened.
TCP = 8000


def plan(spec: Spec, inside: Facts, shape: Shape, socket: str | None) -> Settings:
    """All of gunicorn's settings; ``socket`` is None where no proxy of ours shares it."""
    # The control socket's place is the container's own affair: both slots of a host name it.
    server = {name: value for name, value in spec.server.items() if name != "control_socket"}
    overrides.check(server, inside)
    planned = gunicorn.plan(inside, shape, spec.name, server.get("max_requests"))
    ours = {setting.name: setting for setting in _inside(spec, socket)}
    return {
        "bind": ours.pop("bind"),
        **overrides.apply({**planned, **{k: v for k, v in ours.items() if k in planned}}, server),
    }


def _inside(spec: Spec, socket: str | None) -> tuple[Setting, ...]:
    """The settings that have another value, or another reason, in a container."""
    bind = Setting(
        "bind",
        f"unix:{socket}" if socket else f"0.0.0.0:{TCP}",
        "in a volume that the proxy shares: nobody else reaches it, and so its word on the "
        "client is believed"
        if socket
        else "a proxy of yours asks here: it has to buffer requests and responses",
        sources.GUNICORN_SETTINGS,
    )
    control = Setting(
        "control_socket",
        f"/dev/shm/{spec.name}.ctl",  # noqa: S108 (in the container, which has it to itself)
        "in the container's own memory, where the proxy can't reach it",
        sources.GUNICORN_NEWS,
    )
    keepalive = Setting(
        "keepalive",
        2,
        "gunicorn's default; the proxy opens a connection for each request, and none outlives "
        "the container",
        sources.GUNICORN_SETTINGS,
    )
    accesslog = Setting(
        "accesslog",
        "-",
        "to standard output: docker compose logs has it",
        sources.GUNICORN_SETTINGS,
    )
    if socket:
        return bind, control, keepalive, accesslog
    stands_in_front = front(spec)
    networks = stands_in_front.networks if stands_in_front else ()
    trusted = Setting(
        "forwarded_allow_ips",
        ",".join(networks) or "127.0.0.1,::1",
        "the networks of proxy.behind say who the client is, and nobody else"
        if networks
        else "nobody is believed: proxy.behind names the networks of your proxy",
        sources.GUNICORN_SETTINGS,
    )
    return bind, control, keepalive, accesslog, trusted
