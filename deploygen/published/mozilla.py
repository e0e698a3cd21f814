"""Mozilla's recommendations for TLS, as https://ssl-config.mozilla.org publishes them.

A new version is new data here: what a system's OpenSSL can't do yet is left out by the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VERSION = "6.0"
AS_OF = "2026-04-06"
URL = "https://ssl-config.mozilla.org/guidelines/6.0.json"


@dataclass(frozen=True)
class Guideline:
    """One configuration of the guideline, in OpenSSL's words.

    ``ciphers`` are those of TLS 1.2; TLS 1.3 has three of its own, all of them recommended.
    """

    name: str
    protocols: tuple[str, ...]
    ciphers: tuple[str, ...]
    curves: tuple[str, ...]
    server_order: bool
    hsts_min_age_s: int
    oldest_clients: tuple[str, ...]


_CURVES = ("X25519MLKEM768", "X25519", "prime256v1", "secp384r1")

GUIDELINES: Mapping[str, Guideline] = {
    guideline.name: guideline
    for guideline in (
        Guideline(
            name="intermediate",
            protocols=("TLSv1.2", "TLSv1.3"),
            ciphers=(
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-RSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
                "ECDHE-RSA-CHACHA20-POLY1305",
            ),
            curves=_CURVES,
            server_order=False,
            hsts_min_age_s=63_072_000,
            oldest_clients=("Firefox 31.3", "Android 4.4.2", "Chrome 49", "Safari 9", "Java 8u161"),
        ),
        Guideline(
            name="modern",
            protocols=("TLSv1.3",),
            ciphers=(),
            curves=_CURVES,
            server_order=False,
            hsts_min_age_s=63_072_000,
            oldest_clients=("Firefox 63", "Android 10", "Chrome 70", "Safari 12.1", "Java 11"),
        ),
    )
}
# The first OpenSSL that knows the hybrid curve; an older one refuses the whole list.
CURVES_SINCE: Mapping[str, tuple[int, ...]] = {"X25519MLKEM768": (3, 5)}
