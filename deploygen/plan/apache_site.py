"""How Apache spells the site: patterns and expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploygen.plan.site import HASHED, Files, Site
from deploygen.systems import System

# A line of JSON, its fields as nginx.conf has them.
LOG_FORMAT = (
    '{"time":"%{%Y-%m-%dT%H:%M:%S%z}t","client":"%a","host":"%{Host}i","request":"%r",'
    '"status":%>s,"bytes":%B,"microseconds":%D,"id":"%{UNIQUE_ID}e",'
    '"referer":"%{Referer}i","agent":"%{User-Agent}i"}'
)


@dataclass(frozen=True)
class Served:
    """A folder of files: ``immutable`` matches its hashed names, None where none are hashed."""

    url: str
    folder: str
    immutable: str | None


@dataclass(frozen=True)
class ApacheSite:
    """What only Apache's files say.

    ``address`` is that of the site's virtual host. ``buffered`` matches the URLs that gunicorn
    answers. ``own_scheme`` is a condition: Apache's own scheme counts, and no balancer's word;
    None where there is no balancer.
    """

    address: str
    files: tuple[Served, ...]
    buffered: str
    own_scheme: str | None
    keeps_etag: bool
    log_format: str = LOG_FORMAT


def apache_site(site: Site, system: System) -> ApacheSite:
    """Apache's words for a site."""
    files = tuple(
        Served(each.url, each.folder, _immutable(each) if each is site.static else None)
        for each in (site.static, site.media)
        if each
    )
    return ApacheSite(
        address="*:443" if site.tls else "*:80",
        files=files,
        buffered=_without(tuple(each.url for each in files)),
        own_scheme=_own_scheme(site.behind) if site.behind else None,
        keeps_etag=system.apache_keeps_etag,
    )


def _immutable(files: Files) -> str:
    return f"^{re.escape(files.url)}{HASHED}"


def _without(urls: tuple[str, ...]) -> str:
    """A pattern for all URLs but those below the given ones."""
    if not urls:
        return "^/"
    others = "|".join(re.escape(url.removeprefix("/")) for url in urls)
    return f"^/(?!{others})"


def _own_scheme(networks: tuple[str, ...]) -> str:
    # The peer of the connection: what mod_remoteip put in the client's place does not count.
    peers = " || ".join(f"%{{CONN_REMOTE_ADDR}} -ipmatch '{network}'" for network in networks)
    return f"expr=!(({peers}) && %{{req:X-Forwarded-Proto}} in {{'http', 'https'}})"
