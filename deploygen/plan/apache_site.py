"""How Apache spells the site: patterns and expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deploygen.plan.site import HASHED, Files, Site
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

# A line of JSON, its fields as nginx.conf has them.
LOG_FORMAT = (
    '{"time":"%{begin:%Y-%m-%dT%H:%M:%S%z}t","client":"%a","host":"%{Host}i","request":"%r",'
    '"status":%>s,"bytes":%B,"microseconds":%D,"id":"%{UNIQUE_ID}e",'
    '"referer":"%{Referer}i","agent":"%{User-Agent}i"}'
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
class ApacheSite:
    """What only Apache's files say.

    ``address`` is that of the site's virtual host. ``buffered`` matches the URLs that gunicorn
    answers, ``streaming`` those of them that are passed on as they come (empty where none are), and
    ``streams`` has their paths.
    ``not_streaming`` and ``protected``, which nobody may ask for, are mod_rewrite's: it takes
    patterns as they are, unquoted. ``own_scheme`` is a condition: Apache's own scheme counts, and
    no balancer's word; None where there is no balancer.
    """

    address: str
    files: tuple[Served, ...]
    buffered: str
    streaming: str
    streams: tuple[str, ...]
    own_scheme: str | None
    keeps_etag: bool
    from_disk: bool
    protected: str
    not_streaming: str
    log_format: str = LOG_FORMAT
    types: Mapping[str, str] = field(default_factory=lambda: COMPRESSIBLE)


def apache_site(site: Site, system: System) -> ApacheSite:
    """Apache's words for a site."""
    files = tuple(
        _static(each) if each is site.static else _served(each)
        for each in (site.static, site.media)
        if each
    )
    return ApacheSite(
        address="*:443" if site.tls else "*:80",
        files=files,
        buffered=_without(tuple(each.url for each in files), site.streaming),
        streaming=pattern(site.streaming) if site.streaming else "",
        streams=tuple(path.rstrip("/") for path in site.streaming),
        own_scheme=_own_scheme(site.behind) if site.behind else None,
        keeps_etag=system.apache_keeps_etag,
        from_disk=site.from_disk,
        protected=f"^{re.escape(site.protected.url)}" if site.protected else "",
        not_streaming=f"!{pattern(site.streaming)}" if site.streaming else "",
    )


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


def _own_scheme(networks: tuple[str, ...]) -> str:
    # The peer of the connection: what mod_remoteip put in the client's place does not count.
    peers = " || ".join(f"%{{CONN_REMOTE_ADDR}} -ipmatch '{network}'" for network in networks)
    return f"expr=!(({peers}) && %{{req:X-Forwarded-Proto}} in {{'http', 'https'}})"
