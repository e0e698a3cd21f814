"""The supported systems, and what their versions can do."""

from __future__ import annotations

import pytest

from deploygen.spec.model import Machine
from deploygen.systems import SYSTEMS, parse_version, show_version
from tests.builders import host_files, machine, settings


def test_the_description_names_the_same_systems() -> None:
    annotation = Machine.model_fields["os"].annotation
    assert set(annotation.__args__) == set(SYSTEMS)  # type: ignore[union-attr]
    assert all(name == system.id for name, system in SYSTEMS.items())


# system -> nginx's http2 directive, ssl_reject_handshake, Apache's DeflateAlterETag, systemd's
# RestartSteps.
@pytest.mark.parametrize(
    ("name", "http2", "reject", "etag", "steps"),
    [
        ("debian-12", False, True, True, False),
        ("debian-13", True, True, True, True),
        ("ubuntu-22.04", False, False, False, False),
        ("ubuntu-24.04", False, True, True, True),
    ],
)
def test_what_versions_can_do(
    name: str, http2: bool, reject: bool, etag: bool, steps: bool
) -> None:
    system = SYSTEMS[name]
    assert system.nginx_http2_directive == http2
    assert system.nginx_reject_handshake == reject
    assert system.restart_steps == steps
    files = host_files(
        machines=machine(2, "4G", os=name),
        proxy={"tls": {"mode": "files", "certificate": "/a.pem", "key": "/a.key"}},
    )
    site = files["etc/nginx/sites-available/shop.conf"]
    assert ("http2 on;" in site) == http2
    assert ("listen 443 ssl http2;" in site) != http2
    assert ("ssl_reject_handshake on;" in files["etc/nginx/nginx.conf"]) == reject
    assert ("RestartSteps=" in files["etc/systemd/system/shop@.service"]) == steps
    assert ("systemd.RestartSteps" in settings(machines=machine(2, "4G", os=name))) == steps
    assert system.apache_keeps_etag == etag
    of_apache = host_files(machines=machine(2, "4G", os=name), proxy={"kind": "apache"})
    server = of_apache["etc/apache2/conf-available/zz-deploygen.conf"]
    assert ("DeflateAlterETag NoChange" in server) == etag
    # Post-quantum key exchange needs OpenSSL 3.5; an older one refuses the whole list.
    tls = files["etc/nginx/snippets/shop-tls.conf"]
    curves = next(line for line in tls.splitlines() if line.startswith("ssl_ecdh_curve "))
    assert ("X25519MLKEM768" in curves) == (system.openssl >= (3, 5))


@pytest.mark.parametrize(("text", "version"), [("1.22.1", (1, 22, 1)), ("252", (252,))])
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version
    assert show_version(version) == text


def test_versions_compare_as_numbers() -> None:
    assert parse_version("1.9") < parse_version("1.10")
    with pytest.raises(ValueError, match="invalid literal"):
        parse_version("1.x")
