"""How Apache spells the site: patterns and expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deploygen.plan.client_address import FORGEABLE
from deploygen.plan.site import HASHED, Files, Header, Site
from deploygen.plan.streaming import pattern
from deploygen.systems import System

# What may have been compressed beforehand, and its type: a file's last ending would say gzip.
COMPRESSIBLE = {
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "json": "application/json",
    "map": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "html": "text/html",
    "xml": "text/xml",
    "wasm": "application/wasm",
}

# What a client sends is logged as far as it is printable: Apache would write the rest as \xe4,
# which is no JSON.
_PRINTABLE = r"([\x20-\x7e]{0,2000})"
# Without "novary", Apache would tell caches that each file differs by these.
_LOGGED = {
    "request": "THE_REQUEST",
    "host": "req_novary:Host",
    "referer": "req_novary:Referer",
    "agent": "req_novary:User-Agent",
}
# Apache knows when the first byte of an answer left, not how long the application took of it.
LOG_FORMAT = (
    '{"time":"%{begin:%Y-%m-%dT%H:%M:%S%z}t","client":"@CLIENT@","peer":"%{c}a","host":"%{log_host}e",'
    '"scheme":"%{X-Forwarded-Proto}i","request":"%{log_request}e","status":%>s,"bytes":%B,'
    '"microseconds":%D,"first_byte_microseconds":"%^FB","id":"%{X-Request-Id}i",'
    '"referer":"%{log_referer}e","agent":"%{log_agent}e"}'
)


@dataclass(frozen=True)
class Served:
    """A folder of files; ``prefix`` matches its URLs.

    Static files have names that never change (``immutable`` matches them) and may have been
    compressed beforehand (``text`` matches what may); both are empty for uploads.
    """

    url: str
    folder: str
    prefix: str
    attachment: bool
    immutable: str = ""
    text: str = ""
    rewritten: str = ""


@dataclass(frozen=True)
class Host:
    """A virtual host of the site."""

    address: str
    tls: bool


@dataclass(frozen=True)
class ApacheHeader:
    """A response header that is the proxy's where ``condition`` holds."""

    name: str
    value: str
    condition: str


@dataclass(frozen=True)
class ApacheSite:
    """What only Apache's files say.

    ``plain`` is the address without TLS; ``redirect`` says whether it only sends to HTTPS.
    ``buffered`` matches the URLs that
    gunicorn answers, ``streaming`` those of them that are passed on as they come (empty where none
    are), and ``streams`` has their paths. ``not_streaming`` and ``protected``, which nobody may ask
    for, are mod_rewrite's: it takes patterns as they are, unquoted. ``client`` is the expression of
    who asks, and ``asker`` mod_rewrite's word for it. ``own_scheme`` and ``own_id`` are conditions:
    Apache's own scheme and id count, and no balancer's; None where nobody stands in front.
    """

    hosts: tuple[Host, ...]
    defaults: tuple[Host, ...]
    plain: str
    redirect: bool
    files: tuple[Served, ...]
    headers: tuple[ApacheHeader, ...]
    buffered: str
    streaming: str
    streams: tuple[str, ...]
    peers: tuple[str, ...]
    client: str
    asker: str
    own_scheme: str | None
    own_id: str | None
    public_scheme: str
    dropped: tuple[str, ...]
    keeps_etag: bool
    from_disk: bool
    protected: str
    not_streaming: str
    logged: Mapping[str, str]
    log_format: str
    types: Mapping[str, str] = field(default_factory=lambda: COMPRESSIBLE)


def apache_site(site: Site, system: System, ports: tuple[int, int] = (80, 443)) -> ApacheSite:
    """Apache's words for a site; ``ports`` are those of HTTP and HTTPS."""
    files = tuple(
        _static(each) if each is site.static else _served(each)
        for each in (site.static, site.media)
        if each
    )
    redirect = site.tls is not None and site.tls.redirect
    http, https = ports
    plain, tls = Host(f"*:{http}", tls=False), Host(f"*:{https}", tls=True)
    front = site.front
    believed = front is not None and front.believed
    piped = front is not None and front.proxy_protocol
    return ApacheSite(
        hosts=(tls,) if redirect else (plain, tls) if site.tls else (plain,),
        defaults=(plain, tls) if site.tls else (plain,),
        plain=plain.address,
        redirect=redirect,
        files=files,
        headers=tuple(map(_header, site.headers)),
        buffered=_without(tuple(each.url for each in files), site.streaming),
        streaming=pattern(site.streaming) if site.streaming else "",
        streams=tuple(path.rstrip("/") for path in site.streaming),
        # The peer of the connection: what mod_remoteip put in the client's place does not count.
        peers=tuple(f"%{{CONN_REMOTE_ADDR}} -ipmatch '{network}'" for network in front.networks)
        if front
        else (),
        # Apache believes whoever speaks the PROXY protocol: a stranger is known by its address.
        client="expr=%{reqenv:client}" if piped else "expr=%{REMOTE_ADDR}",
        asker="%{ENV:client}" if piped else "%{REMOTE_ADDR}",
        own_scheme=_OWN_SCHEME if believed else None,
        own_id=_OWN_ID if believed else None,
        public_scheme="https" if site.https else "http",
        # gunicorn takes these from whoever reaches its socket, and Apache lets them pass.
        dropped=(*FORGEABLE, "SCRIPT_NAME", "PATH_INFO"),
        keeps_etag=system.apache_keeps_etag,
        from_disk=site.from_disk,
        protected=f"^{re.escape(site.protected.url)}" if site.protected else "",
        not_streaming=f"!{pattern(site.streaming)}" if site.streaming else "",
        logged={name: f"%{{{what}}} =~ /^{_PRINTABLE}/" for name, what in _LOGGED.items()},
        log_format=LOG_FORMAT.replace("@CLIENT@", "%{client}e" if piped else "%a"),
    )


_OWN_SCHEME = "expr=!(-n %{reqenv:front} && %{req_novary:X-Forwarded-Proto} in {'http', 'https'})"
_OWN_ID = (
    "expr=!(-n %{reqenv:front} && %{req_novary:X-Request-Id} =~ m#^[A-Za-z0-9._=+/-]{8,128}$#)"
)


def _header(header: Header) -> ApacheHeader:
    condition = f"-z %{{resp:{header.name}}}"
    if header.secure:
        condition += " && %{HTTPS} == 'on'"
    return ApacheHeader(header.name, header.value, f"expr={condition}")


def _served(files: Files) -> Served:
    return Served(files.url, files.folder, f"^{re.escape(files.url)}", files.attachment)


def _static(files: Files) -> Served:
    served = _served(files)
    prefix, endings = served.prefix, "|".join(COMPRESSIBLE)
    return replace(
        served,
        immutable=f"{prefix}{HASHED}",
        text=rf"{prefix}.+\.({endings})",
        rewritten=rf"{prefix}(.+\.({endings}))$",
    )


def _without(urls: tuple[str, ...], streaming: tuple[str, ...]) -> str:
    """A pattern for all URLs but those below the given ones."""
    folders = [re.escape(url.removeprefix("/")) for url in urls]
    paths = [f"{re.escape(path.strip('/'))}(/|$)" for path in streaming]
    others = "|".join((*folders, *paths))
    return f"^/(?!{others})" if others else "^/"
