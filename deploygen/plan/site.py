"""The virtual host: names and locations, decided before any template sees them.

What it says holds for every proxy; how nginx and Apache spell it stands in nginx_site.py and
apache_site.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.errors import Problem, refuse
from deploygen.plan import streaming
from deploygen.plan.layout import Layout
from deploygen.spec import Spec
from deploygen.systems import System

# Names that nobody can own (RFC 2606, RFC 6761): init writes one when it was given none.
PLACEHOLDERS = ("example", "example.com", "example.org", "example.net")

# What hardly any site does without; proxy.headers overrides each by its name.
DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}

# Mozilla's intermediate profile, guideline 6.0 of 2026-04-06: https://ssl-config.mozilla.org
INTERMEDIATE_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)

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
    """A response header that the proxy adds where the application sends none of its own."""

    name: str
    value: str


@dataclass(frozen=True)
class TlsSite:
    """Certificate, and what the system's OpenSSL can do with it."""

    certificate: str
    key: str
    ciphers: str
    curves: str
    hsts: str | None


@dataclass(frozen=True)
class Site:
    """What the proxy serves.

    ``http2`` is False without TLS: no browser speaks it there.
    """

    canonical: str
    names: tuple[str, ...]
    http2: bool
    ipv6: bool
    tls: TlsSite | None
    static: Files | None
    media: Files | None
    protected: Files | None
    streaming: tuple[str, ...]
    behind: tuple[str, ...]
    headers: tuple[Header, ...]
    include: tuple[str, ...]

    @property
    def from_disk(self) -> bool:
        """Whether the proxy serves any files itself."""
        return bool(self.static or self.media or self.protected)


def site(spec: Spec, system: System, layout: Layout) -> Site:
    """The virtual host of one project on one system. Raises InputError."""
    proxy, app = spec.proxy, spec.app
    refuse(_problems(spec))
    return Site(
        canonical=next(name for name in proxy.server_names if not name.startswith("*")),
        names=proxy.server_names,
        http2=bool(proxy.http2 and proxy.tls.mode != "none"),
        ipv6=proxy.ipv6,
        tls=_tls(spec, system),
        static=Files(app.static.url, f"{layout.static}/") if app.static else None,
        media=Files(app.media.url, f"{layout.media}/", app.media.attachment) if app.media else None,
        protected=Files(app.protected.url, f"{layout.protected}/") if app.protected else None,
        streaming=proxy.streaming,
        behind=proxy.behind,
        headers=tuple(_headers(spec)),
        include=proxy.include,
    )


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
    for field in ("certificate", "key"):
        given = getattr(proxy.tls, field) is not None
        if proxy.tls.mode == "files" and not given:
            yield Problem(
                "it is required and missing",
                where=("proxy", "tls", field),
                allowed="an absolute path on the host",
                hint="tls.mode files needs certificate and key",
            )
        if proxy.tls.mode == "none" and given:
            yield Problem(
                f"{field} is given, and proxy.tls.mode is none: it would not be used",
                where=("proxy", "tls", field),
                allowed="tls.mode files, or neither certificate nor key",
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
    lower = [name.lower() for name in proxy.headers]
    for index, name in enumerate(proxy.headers):
        if name.lower() in lower[:index]:
            yield Problem(
                "this header stands there twice: case does not count",
                where=("proxy", "headers", name),
            )


def _headers(spec: Spec) -> Iterator[Header]:
    declared = {name.lower(): (name, value) for name, value in spec.proxy.headers.items()}
    defaults = {name.lower(): (name, value) for name, value in DEFAULT_HEADERS.items()}
    for name, value in {**defaults, **declared}.values():
        yield Header(name, value)


def _tls(spec: Spec, system: System) -> TlsSite | None:
    tls = spec.proxy.tls
    if tls.mode == "none":
        return None
    # Sent once: what proxy.headers says, with includeSubDomains perhaps, wins.
    declared = any(name.lower() == "strict-transport-security" for name in spec.proxy.headers)
    # X25519MLKEM768 needs OpenSSL 3.5; an older one refuses the whole list.
    hybrid = "X25519MLKEM768:" if system.openssl >= (3, 5) else ""
    return TlsSite(
        certificate=str(tls.certificate),
        key=str(tls.key),
        ciphers=INTERMEDIATE_CIPHERS,
        curves=f"{hybrid}X25519:prime256v1:secp384r1",
        hsts=f"max-age={tls.hsts_max_age_s}" if tls.hsts_max_age_s and not declared else None,
    )


def placeholders(spec: Spec) -> tuple[str, ...]:
    """Server names that stand for one that nobody gave yet."""
    return tuple(
        name
        for name in spec.proxy.server_names
        if any(f".{name}".endswith(f".{end}") for end in PLACEHOLDERS)
    )
