"""The types of what stands on the network: hosts, networks, headers."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from deploygen.spec.validators import UNIQUE, OneOrMore, Rule, checked, pattern, refusal

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _address(text: str) -> None:
    if ":" in text:
        ipaddress.ip_address(text)


HostName = Annotated[
    str,
    pattern(
        rf"(?=.{{1,253}}$)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*",
        "a host name such as www.example.com; a leading *. stands for all its subdomains",
        "no scheme, port or path; write international names in their xn-- form",
    ),
    Rule(str.lower),
]
Host = Annotated[
    str,
    pattern(
        rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]{{1,44}}",
        "a host name or an IP address",
        "user and port belong into your SSH configuration",
    ),
    checked(_address, "a host name or an IP address"),
]


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise refusal(text, NETWORK) from None
    # gunicorn refuses networks with host bits: better here, with the right one named.
    if "/" in text and ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise refusal(text, "a network without host bits", f"did you mean {network}?")
    return text.lower()


_NETWORK = r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?"
NETWORK = "an address or a network such as 10.0.0.0/8 or 2001:db8::/32"
# The pattern comes first: what Python takes for an address may hold a scope, and that anything.
Network = Annotated[str, pattern(_NETWORK, NETWORK), Rule(_network)]

# Who is known by name stands for networks that it publishes.
CLOUDFLARE = "cloudflare"


def _front(text: str) -> str:
    return text if text == CLOUDFLARE else _network(text)


FrontNetwork = Annotated[
    str, pattern(rf"{CLOUDFLARE}|{_NETWORK}", f"{CLOUDFLARE}, or {NETWORK}"), Rule(_front)
]
FrontNetworks = Annotated[tuple[FrontNetwork, ...], OneOrMore(), UNIQUE]

Email = Annotated[
    str,
    pattern(
        r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@" + _LABEL + r"(?:\." + _LABEL + r")+",
        "an address such as ops@example.com",
    ),
]
HttpsUrl = Annotated[
    str,
    pattern(
        rf"https://{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9._~-]+)*/?",
        "an https:// URL without a query",
    ),
]

# Headers that frame or describe one response: a fixed value would break responses.
_NO_HEADERS = frozenset(
    """connection content-encoding content-length content-range content-type date keep-alive
    location server trailer transfer-encoding upgrade""".split()
)


def _header_name(text: str) -> None:
    if text.lower() in _NO_HEADERS:
        raise ValueError("each response has its own: a fixed value would break it")
    if text.lower() == "cache-control":
        raise ValueError("the site sets it for static files; for pages the application knows best")


HeaderName = Annotated[
    str,
    pattern(r"[A-Za-z][A-Za-z0-9-]{0,63}", "a header name such as X-Frame-Options"),
    checked(_header_name, "a header that may be the same in every response"),
]
HeaderValue = Annotated[
    str,
    pattern(
        r"(?!expr=)[\x20-\x23\x25-\x5b\x5d-\x7e]{1,1024}",
        "printable ASCII without '$' and '\\', not beginning with expr=",
        "nginx would read '$' as the start of a variable, and Apache compute what follows expr=",
    ),
]
