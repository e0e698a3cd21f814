"""Cloudflare's own networks: requests that pass through it come from these addresses.

A new list is a new date here, and a diff to review: a network that is missing here loses its
visitors' addresses (and with ``only``, its visitors); one too many could forge them.
"""

from __future__ import annotations

# The lists, one for each protocol. Cloudflare announces changes there before they are in use.
URLS = ("https://www.cloudflare.com/ips-v4", "https://www.cloudflare.com/ips-v6")
AS_OF = "2026-07-02"

# The header in which Cloudflare names the visitor: one address, whatever the visitor sent.
CLIENT_HEADER = "CF-Connecting-IP"

NETWORKS = (
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "108.162.192.0/18",
    "131.0.72.0/22",
    "141.101.64.0/18",
    "162.158.0.0/15",
    "172.64.0.0/13",
    "173.245.48.0/20",
    "188.114.96.0/20",
    "190.93.240.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "2400:cb00::/32",
    "2405:8100::/32",
    "2405:b500::/32",
    "2606:4700::/32",
    "2803:f800::/32",
    "2a06:98c0::/29",
    "2c0f:f248::/32",
)
