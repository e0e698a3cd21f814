"""How nginx spells the site: complete parameters of its directives, and names of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.plan.client_address import FORGEABLE
from deploygen.plan.site import HASHED, Files, Site
from deploygen.plan.streaming import pattern
from deploygen.systems import System


@dataclass(frozen=True)
class NginxHeader:
    """A response header; ``variable`` is nginx's name for it.

    It is the proxy's where ``asks``, the texts of these variables, is ``answer``.
    """

    name: str
    value: str
    variable: str
    asks: str
    answer: str


@dataclass(frozen=True)
class Cached:
    """Patterns of one URL prefix: its files with hashed names, and all of them."""

    hashed: str
    every: str


@dataclass(frozen=True)
class NginxSite:
    """What only nginx's files say.

    The ``listen`` fields hold complete parameters of the directive. ``upstream`` and
    ``variable`` begin the names that the site gives, so that two sites on one host don't meet.
    ``attached`` matches uploads that are saved and never shown, ``streaming`` what is passed on as
    it comes; both are empty where there is none.
    ``real_ip`` is what names the client; ``scheme`` and ``request_id`` are the variables that
    the application is told; ``believed`` says whether the front's headers count.
    """

    upstream: str
    variable: str
    listen: tuple[str, ...]
    listen_plain: tuple[str, ...]
    listen_tls: tuple[str, ...]
    http2_directive: bool
    reject_handshake: bool
    redirect: bool
    cached: tuple[Cached, ...]
    from_disk: bool
    attached: str
    streaming: str
    brotli: bool
    real_ip: str
    believed: bool
    scheme: str
    public_scheme: str
    request_id: str
    dropped: tuple[str, ...]
    headers: tuple[NginxHeader, ...]


def nginx_site(
    site: Site, system: System, name: str, ports: tuple[int, int] = (80, 443)
) -> NginxSite:
    """nginx's words for the site of the project ``name``; ``ports`` are those of HTTP and HTTPS."""
    variable = name.replace("-", "_")
    addresses = ("", "[::]:") if site.ipv6 else ("",)
    front = site.front
    proxied = " proxy_protocol" if front and front.proxy_protocol else ""
    http2 = " http2" if site.http2 and not system.nginx_http2_directive else ""
    http, https = ports
    plain = tuple(f"{address}{http}{proxied}" for address in addresses)
    with_tls = (f"{address}{https} ssl{http2}{proxied}" for address in addresses)
    tls = tuple(with_tls) if site.tls else ()
    redirect = site.tls is not None and site.tls.redirect
    believed = front is not None and front.believed
    return NginxSite(
        upstream=f"{variable}_gunicorn",
        variable=variable,
        listen=tls if redirect else (*plain, *tls),
        listen_plain=plain,
        listen_tls=tls,
        http2_directive=site.http2 and system.nginx_http2_directive,
        reject_handshake=system.nginx_reject_handshake,
        redirect=redirect,
        cached=(_cached(site.static),) if site.static else (),
        from_disk=site.from_disk,
        attached=f"^{re.escape(site.media.url)}" if site.media and site.media.attachment else "",
        streaming=pattern(site.streaming) if site.streaming else "",
        brotli=system.nginx_brotli,
        real_ip="proxy_protocol" if proxied else front.header if front else "",
        believed=believed,
        # Behind a balancer that ends TLS, its word on the scheme counts, if it is trusted.
        scheme=f"${variable}_scheme" if believed else "$scheme",
        public_scheme="https" if site.https else "http",
        dropped=FORGEABLE,
        request_id=f"${variable}_request_id" if believed else "$request_id",
        headers=tuple(_headers(site, variable)),
    )


def _cached(files: Files) -> Cached:
    prefix = f"^{re.escape(files.url)}"
    return Cached(hashed=f"{prefix}{HASHED}", every=prefix)


def _headers(site: Site, variable: str) -> Iterator[NginxHeader]:
    for each in site.headers:
        word = each.name.lower().replace("-", "_")
        upstream = f"$upstream_http_{word}"
        yield NginxHeader(
            each.name,
            each.value,
            # A prefix of their own: a header may be called "scheme" or "cache".
            f"{variable}_header_{word}",
            f'"$scheme:{upstream}"' if each.secure else upstream,
            '"https:"' if each.secure else '""',
        )
