"""Apache's modules: those that the site needs, and what Debian enables without need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.plan.site import Site

# What Debian's package enables and no site of ours uses. Each module that is loaded is code that
# a request may reach: .htaccess logins, directory listings, content negotiation, server status.
UNUSED = (
    "access_compat",
    "auth_basic",
    "authn_core",
    "authn_file",
    "authz_host",
    "authz_user",
    "autoindex",
    "dir",
    "negotiation",
    "setenvif",
    "status",
)
# What any Apache of ours rests on; Debian's has it built in.
BUILT_IN = ("unixd", "log_config", "logio")


@dataclass(frozen=True)
class Module:
    """A module by the name that a2enmod takes, what for, and the package that has it."""

    name: str
    reason: str
    package: str = "apache2"


def needed(site: Site) -> tuple[Module, ...]:
    """The modules that the site's files rest on; each after those that it needs itself."""
    return tuple(_needed(site))


def unused(site: Site) -> tuple[str, ...]:
    """What Debian enables and this site does not need, by a2dismod's names."""
    names = {module.name for module in needed(site)}
    return tuple(name for name in UNUSED if name not in names)


def _needed(site: Site) -> Iterator[Module]:
    yield Module("mpm_event", "idle connections hold no thread; prefork would hold a process")
    yield Module("authz_core", "Require: what no rule grants is refused")
    yield Module("mime", "the type of a file from its name")
    yield Module("alias", "static files, uploads and refusals by URL")
    yield Module("rewrite", "refuses hidden files before anything is looked up")
    yield Module("env", "says how request bodies go to gunicorn")
    yield Module("headers", "drops forged headers, adds security headers")
    yield Module("unique_id", "the id that finds a request in both logs")
    yield Module("reqtimeout", "bounds how long a client may send")
    yield Module("proxy", "asks gunicorn")
    yield Module("proxy_http", "asks gunicorn in HTTP, over its socket")
    yield Module("buffer", "reads requests whole")
    yield Module("lua", "takes responses from their worker at once")
    yield Module("filter", "compresses by type")
    yield Module("deflate", "gzip")
    yield Module("setenvif", "what is logged of a request, and who stands in front")
    if site.protected:
        yield Module(
            "xsendfile", "sends what only the application may hand out", "libapache2-mod-xsendfile"
        )
    if site.front:
        yield Module("remoteip", "the balancer says who the client is")
    if site.tls:
        yield Module("socache_shmcb", "TLS sessions are resumed by all processes")
        yield Module("ssl", "TLS")
    if site.http2:
        yield Module("http2", "HTTP/2")
