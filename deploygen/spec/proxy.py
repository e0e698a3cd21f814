"""The description's part on the proxy: TLS, who stands in front, headers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deploygen.gunicorn_settings import INT_MAX
from deploygen.spec import network as n
from deploygen.spec import types as t
from deploygen.spec.base import Model
from deploygen.spec.limits import Limits
from deploygen.spec.validators import UNIQUE, ShortForm


class Acme(Model):
    """The certificate authority that tls.mode acme asks."""

    email: Annotated[
        n.Email | None, Field(description="Where it writes when something is wrong.")
    ] = None
    directory: Annotated[
        n.HttpsUrl, Field(description="Its ACME directory; Let's Encrypt's when left out.")
    ] = "https://acme-v02.api.letsencrypt.org/directory"


class Tls(Model):
    """Who holds the certificate, and how it is used."""

    mode: Annotated[
        Literal["none", "files", "acme"],
        Field(description="files: paths on the host; acme: certbot asks for the certificate."),
    ] = "none"
    certificate: Annotated[
        t.AbsolutePath | None, Field(description="The chain on the host, in PEM.")
    ] = None
    key: Annotated[t.AbsolutePath | None, Field(description="Its key on the host.")] = None
    acme: Acme = Field(default_factory=Acme)
    profile: Annotated[
        Literal["intermediate", "modern"],
        Field(description="Mozilla's: modern is TLS 1.3 alone, for clients since 2018."),
    ] = "intermediate"
    redirect: Annotated[
        t.Flag, Field(description="Whether plain HTTP is sent to HTTPS, or served too.")
    ] = True
    hsts_max_age_s: Annotated[
        t.Whole, Field(ge=0, le=INT_MAX, description="Strict-Transport-Security; 0 sends none.")
    ] = 63072000
    hsts_subdomains: Annotated[
        t.Flag, Field(description="Whether all names below the site's have HTTPS too.")
    ] = False
    hsts_preload: Annotated[
        t.Flag, Field(description="Whether browsers may ship it: hard to take back.")
    ] = False


class Behind(Model):
    """Who stands in front of the proxy and says who the client is."""

    networks: Annotated[
        n.FrontNetworks,
        Field(description="cloudflare, or the networks of a load balancer that is believed."),
    ] = ()
    proxy_protocol: Annotated[
        t.Flag,
        Field(description="Whether it names the client in the PROXY protocol, not in a header."),
    ] = False
    only: Annotated[t.Flag, Field(description="Whether everybody else is refused: 403.")] = False


class BalancerHealth(Model):
    """A URL for load balancers, answered under any name."""

    url: Annotated[t.UrlPath, Field(description="Such as /balancer-health.")]
    asks: Annotated[
        Literal["proxy", "app"],
        Field(description="proxy: 200 while the proxy runs; app: what app.health answers."),
    ] = "proxy"


class Proxy(Model):
    """What stands in front of gunicorn."""

    kind: Literal["nginx", "apache", "none"] = "nginx"
    server_names: Annotated[
        tuple[n.HostName, ...],
        Field(min_length=1, description="The names that it answers to; the first is canonical."),
        UNIQUE,
    ]
    tls: Tls = Field(default_factory=Tls)
    http2: t.Flag = True
    ipv6: Annotated[t.Flag, Field(description="Whether the hosts have IPv6.")] = True
    behind: Annotated[
        Behind,
        ShortForm("networks"),
        Field(
            default_factory=Behind,
            description="Who stands in front, or only its networks; nobody when left out.",
        ),
    ]
    health: BalancerHealth | None = None
    body_limit: Annotated[t.Size, Field(description="The largest request body.")] = 10 * 1024**2
    limits: Limits = Field(default_factory=Limits)
    streaming: Annotated[
        tuple[t.UrlPath, ...],
        UNIQUE,
        Field(
            description="Paths that are passed on as they come, with all below them: websockets, "
            "event streams."
        ),
    ] = ()
    headers: Annotated[
        dict[n.HeaderName, n.HeaderValue | None],
        Field(description="Headers that the proxy adds to every response; null drops a default."),
    ] = {}
    include: Annotated[
        tuple[t.AbsolutePath, ...],
        Field(description="Files on the host, included at the end of the site."),
    ] = ()

    @property
    def speaks_http2(self) -> bool:
        """Not without TLS: no browser does."""
        return self.http2 and self.tls.mode != "none"
