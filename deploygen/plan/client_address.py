"""Who the client is: whose word on it counts, and which headers never reach the application.

The application gets one address, in ``X-Forwarded-For``: gunicorn's socket has no peer address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.errors import Problem
from deploygen.published import cloudflare
from deploygen.spec import Spec
from deploygen.spec.network import CLOUDFLARE

# Headers in which a client could claim to be somebody else, or somewhere else: applications,
# their libraries and gunicorn itself read one or the other. The proxy sets its own X-Real-IP,
# X-Forwarded-For, -Proto and -Host; all of these are dropped.
FORGEABLE = (
    "Forwarded",
    "CF-Connecting-IP",
    "CF-Connecting-IPv6",
    "True-Client-IP",
    "Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "Fastly-Client-IP",
    "X-Original-Forwarded-For",
    "X-Forwarded",
    "X-Forwarded-By",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Script-Name",
    "Proxy",
)


@dataclass(frozen=True)
class Front:
    """Who stands in front of the proxy.

    ``header`` names the client, where the PROXY protocol does not; ``as_of`` is the date of a
    published list of networks. ``only`` refuses everybody else.
    """

    networks: tuple[str, ...]
    header: str
    proxy_protocol: bool
    only: bool
    as_of: str

    @property
    def believed(self) -> bool:
        """Whether its headers are its own: behind the PROXY protocol they are the client's."""
        return not self.proxy_protocol


def front(spec: Spec) -> Front | None:
    """Who stands in front, None where nobody does."""
    behind = spec.proxy.behind
    if not behind.networks:
        return None
    published = behind.networks == (CLOUDFLARE,)
    return Front(
        networks=cloudflare.NETWORKS if published else behind.networks,
        header=cloudflare.CLIENT_HEADER if published else "X-Forwarded-For",
        proxy_protocol=behind.proxy_protocol,
        only=behind.only,
        as_of=f"Cloudflare's networks as of {cloudflare.AS_OF}: {', '.join(cloudflare.URLS)}"
        if published
        else "",
    )


def problems(spec: Spec) -> Iterator[Problem]:
    """What contradicts itself in proxy.behind."""
    behind = spec.proxy.behind
    for option in ("proxy_protocol", "only"):
        if getattr(behind, option) and not behind.networks:
            yield Problem(
                f"{option} is said, and nobody stands in front",
                where=("proxy", "behind", option),
                allowed=f"it with networks: {{networks: [10.0.0.0/8], {option}: true}}",
            )
    if CLOUDFLARE in behind.networks and len(behind.networks) > 1:
        yield Problem(
            f"{CLOUDFLARE} stands beside networks: they name the client in different headers",
            where=("proxy", "behind", "networks", behind.networks.index(CLOUDFLARE)),
            allowed=f"{CLOUDFLARE} alone, or networks alone",
        )
