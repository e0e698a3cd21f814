"""The virtual host: names and locations, decided before any template sees them.

What it says holds for every proxy; how nginx and Apache spell it stands in nginx_site.py and
apache_site.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.errors import Problem, refuse
from deploygen.plan import limits, streaming
from deploygen.plan.certificate import Certificate, certificate
from deploygen.plan.client_address import Front, front
from deploygen.plan.client_address import problems as front_problems
from deploygen.plan.layout import Layout
from deploygen.plan.tls import Tls, hsts, tls
from deploygen.plan.tls import problems as tls_problems
from deploygen.spec import Spec
from deploygen.systems import System

# Names that nobody can own (RFC 2606, RFC 6761): init writes one when it was given none.
PLACEHOLDERS = ("example", "example.com", "example.org", "example.net")

# What hardly any site does without; proxy.headers overrides each by its name.
DEFAULT_HEADERS: dict[str, str | None] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}

HSTS = "Strict-Transport-Security"

# What lies below /srv/<name> already: docs/decisions/0002-host-layout.md.
OWN_FOLDERS = ("releases", "venvs", "blue", "green", "current", "current.sock", "media")

# What a hashed name looks like behind the URL prefix: style.3f2a9c01d4e8.css. It never changes
# its content.
HASHED = r"(.*[.-])?[0-9a-f]{8,32}\."


@dataclass(frozen=True)
class Files:
    """A URL prefix that is served from a folder on disk.

    ``attachment`` files are saved by browsers, and never shown.
    """

    url: str
    folder: str
    attachment: bool = False


@dataclass(frozen=True)
class Header:
    """A response header that the proxy adds where the application sends none of its own.

    ``secure`` marks one that means nothing over plain HTTP.
    """

    name: str
    value: str
    secure: bool = False


@dataclass(frozen=True)
class Page:
    """What the proxy shows for some statuses of its own: the URL that only it asks, the file."""

    statuses: tuple[int, ...]
    url: str
    file: str


@dataclass(frozen=True)
class Health:
    """A URL for load balancers; ``path`` is the one of the application that it asks, if any."""

    url: str
    path: str | None


@dataclass(frozen=True)
class Site:
    """What the proxy serves.

    ``http2`` is False without TLS: no browser speaks it there. ``secure_port`` follows the name
    in an address of its HTTPS: empty, or ``:8443``.
    """

    canonical: str
    names: tuple[str, ...]
    http2: bool
    ipv6: bool
    tls: Tls | None
    certificate: Certificate | None
    static: Files | None
    media: Files | None
    protected: Files | None
    streaming: tuple[str, ...]
    front: Front | None
    health: Health | None
    headers: tuple[Header, ...]
    include: tuple[str, ...]
    unavailable: Page
    pages: tuple[Page, ...]
    limited: bool
    secure_port: str = ""

    @property
    def from_disk(self) -> bool:
        """Whether the proxy serves any files itself."""
        return bool(self.static or self.media or self.protected)

    @property
    def https(self) -> bool:
        """Whether visitors come by HTTPS: TLS ends here, or at what stands in front."""
        return self.tls is not None or self.front is not None


def site(spec: Spec, system: System, layout: Layout) -> Site:
    """The virtual host of one project on one system. Raises InputError."""
    proxy, app = spec.proxy, spec.app
    refuse(_problems(spec))
    with_tls = tls(spec, system, layout)
    unavailable = _page((503, 504), "unavailable", layout)
    limited = limits.any_declared(proxy.limits)
    return Site(
        canonical=next(name for name in proxy.server_names if not name.startswith("*")),
        names=proxy.server_names,
        http2=proxy.speaks_http2,
        ipv6=proxy.ipv6,
        tls=with_tls,
        certificate=certificate(spec, with_tls, layout),
        static=Files(app.static.url, f"{layout.static}/") if app.static else None,
        media=Files(app.media.url, f"{layout.media}/", app.media.attachment) if app.media else None,
        protected=Files(app.protected.url, f"{layout.protected}/") if app.protected else None,
        streaming=proxy.streaming,
        front=front(spec),
        health=_health(spec),
        headers=tuple(_headers(spec)),
        include=proxy.include,
        unavailable=unavailable,
        pages=(unavailable, _page((429,), "too-many-requests", layout))
        if limited
        else (unavailable,),
        limited=limited,
    )


def _page(statuses: tuple[int, ...], name: str, layout: Layout) -> Page:
    # A name with a dot: no application's, and no client may ask for it.
    return Page(statuses, url=f"/.{name}.html", file=f"{layout.pages}/{name}.html")


def _problems(spec: Spec) -> Iterator[Problem]:
    """What keeps a site from being made of the description."""
    proxy, app = spec.proxy, spec.app
    if all(name.startswith("*") for name in proxy.server_names):
        yield Problem(
            "found only wildcards",
            where=("proxy", "server_names"),
            allowed="at least one whole name",
            hint="health checks and redirects need a name to use",
        )
    yield from tls_problems(spec)
    yield from front_problems(spec)
    if proxy.health and proxy.health.url == "/":
        yield Problem(
            "load balancers would be asked for the home page",
            where=("proxy", "health", "url"),
            allowed="a URL that no page has, such as /balancer-health",
        )
    yield from streaming.problems(spec)
    if app.protected and app.protected.folder.split("/")[0] in OWN_FOLDERS:
        yield Problem(
            f"found {app.protected.folder}, which is no folder of yours below /srv/{spec.name}",
            where=("app", "protected", "folder"),
            allowed="another name, or an absolute path",
        )
    seen: dict[str, str] = {}
    for kind, each in (("static", app.static), ("media", app.media), ("protected", app.protected)):
        if each and (first := seen.setdefault(each.url, kind)) != kind:
            yield Problem(
                f"app.{first}.url and app.{kind}.url are both {each.url}",
                where=("app", kind, "url"),
                allowed="different URLs",
            )
    yield from limits.problems(spec)
    lower = [name.lower() for name in proxy.headers]
    for index, name in enumerate(proxy.headers):
        if name.lower() in lower[:index]:
            yield Problem(
                "this header stands there twice: case does not count",
                where=("proxy", "headers", name),
            )


def _health(spec: Spec) -> Health | None:
    declared = spec.proxy.health
    if declared is None:
        return None
    return Health(declared.url, (spec.app.health or "/") if declared.asks == "app" else None)


def _headers(spec: Spec) -> Iterator[Header]:
    declared = {name.lower(): (name, value) for name, value in spec.proxy.headers.items()}
    defaults = {name.lower(): (name, value) for name, value in DEFAULT_HEADERS.items()}
    with_tls = spec.proxy.tls.mode != "none"
    if with_tls and (strict := hsts(spec)):
        defaults[HSTS.lower()] = (HSTS, strict)
    for key, (name, value) in {**defaults, **declared}.items():
        if value is not None:  # null takes a default away
            yield Header(name, value, secure=with_tls and key == HSTS.lower())


def placeholders(spec: Spec) -> tuple[str, ...]:
    """Server names that stand for one that nobody gave yet."""
    return tuple(
        name
        for name in spec.proxy.server_names
        if any(f".{name}".endswith(f".{end}") for end in PLACEHOLDERS)
    )
