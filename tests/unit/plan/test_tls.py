"""TLS: Mozilla's guideline, for what each system's OpenSSL can do."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.published.mozilla import GUIDELINES
from tests.builders import group, machine, settings

FILES = {"mode": "files", "certificate": "/c", "key": "/k"}
HYBRID = "X25519MLKEM768"


# system, profile -> protocols, whether TLS 1.2's ciphers are named, whether the hybrid curve is.
@pytest.mark.parametrize(
    ("system", "profile", "protocols", "ciphers", "hybrid"),
    [
        ("debian-12", "intermediate", "TLSv1.2 TLSv1.3", True, False),
        ("debian-13", "intermediate", "TLSv1.2 TLSv1.3", True, True),
        ("ubuntu-22.04", "modern", "TLSv1.3", False, False),
        ("ubuntu-24.04", "modern", "TLSv1.3", False, False),
        ("debian-13", "modern", "TLSv1.3", False, True),
    ],
)
def test_profiles(system: str, profile: str, protocols: str, ciphers: bool, hybrid: bool) -> None:
    made = settings(
        proxy={"tls": {**FILES, "profile": profile}}, machines=machine(2, "4G", os=system)
    )
    assert made["nginx.ssl_protocols"].value == protocols
    assert ("nginx.ssl_ciphers" in made) is ciphers
    curves = made["nginx.ssl_ecdh_curve"].text.split(":")
    assert curves[-3:] == ["X25519", "prime256v1", "secp384r1"]
    assert (HYBRID in curves) is hybrid
    if not hybrid:
        assert "OpenSSL 3.5" in made["nginx.ssl_ecdh_curve"].reason


def test_all_ciphers_keep_old_traffic_secret() -> None:
    for guideline in GUIDELINES.values():
        assert all(cipher.startswith("ECDHE-") for cipher in guideline.ciphers)
        assert all("GCM" in cipher or "POLY1305" in cipher for cipher in guideline.ciphers)
        assert "TLSv1.3" in guideline.protocols


def test_without_tls_there_is_nothing_to_say() -> None:
    assert not [name for name in settings() if name.startswith("nginx.ssl_")]


# system, tls -> whether a stand-in is needed, and what the host does before and after the start.
@pytest.mark.parametrize(
    ("system", "tls", "packages", "before", "after"),
    [
        ("debian-12", {}, None, (), ()),
        ("debian-12", FILES, None, (), ()),
        # Its nginx can't refuse a handshake: the default server needs some certificate.
        ("ubuntu-22.04", FILES, ("openssl",), ("stand-in",), ()),
        ("debian-12", {"mode": "acme"}, ("openssl", "certbot"), ("stand-in",), ("issue",)),
    ],
)
def test_what_a_host_does_for_its_certificate(
    system: str,
    tls: dict[str, Any],
    packages: tuple[str, ...] | None,
    before: tuple[str, ...],
    after: tuple[str, ...],
) -> None:
    found = group(proxy={"tls": tls}, machines=machine(2, "4G", os=system)).site.certificate
    if packages is None:
        assert found is None
        return
    assert found is not None
    assert found.packages == packages
    script = "/usr/local/sbin/shop-certificate"
    assert found.before_start == tuple(f"{script} {verb}" for verb in before)
    assert found.after_start == tuple(f"{script} {verb}" for verb in after)
    assert (found.test, found.service) == ("nginx -t -q", "nginx")
