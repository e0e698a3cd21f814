"""Target nginx: what differs between systems, and what the site promises, read by a parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crossplane
import pytest

from tests.builders import host_files, machine

TLS = {"mode": "files", "certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/shop.key"}
SITE = "etc/nginx/sites-available/shop.conf"
MAIN = "etc/nginx/nginx.conf"


def parsed(text: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "site.conf"
    path.write_text(text)
    options = {"single": True, "check_ctx": False, "check_args": False}
    told = crossplane.parse(str(path), **options)
    assert told["status"] == "ok", told["errors"]
    return list(told["config"][0]["parsed"])


def directives(block: list[dict[str, Any]], name: str) -> list[list[str]]:
    """Arguments of each directive of that name, however deep."""
    found = []
    for each in block:
        if each["directive"] == name:
            found.append(each["args"])
        found += directives(each.get("block", []), name)
    return found


@pytest.mark.parametrize(
    ("os", "listen", "directive"),
    [
        ("ubuntu-22.04", ["443", "ssl", "http2"], []),
        ("debian-12", ["443", "ssl", "http2"], []),
        ("ubuntu-24.04", ["443", "ssl", "http2"], []),
        ("debian-13", ["443", "ssl"], [["on"]]),
    ],
)
def test_http2_is_said_as_the_systems_nginx_has_it(
    os: str, listen: list[str], directive: list[list[str]], tmp_path: Path
) -> None:
    files = host_files(proxy={"tls": TLS}, machines=machine(os=os))
    site = parsed(files[SITE], tmp_path)
    assert listen in directives(site, "listen")
    assert directives(site, "http2") == directive


@pytest.mark.parametrize(
    ("os", "rejects"), [("ubuntu-22.04", False), ("debian-12", True), ("debian-13", True)]
)
def test_the_default_server_shows_no_certificate_where_it_can(
    os: str, rejects: bool, tmp_path: Path
) -> None:
    main = parsed(host_files(proxy={"tls": TLS}, machines=machine(os=os))[MAIN], tmp_path)
    assert directives(main, "ssl_reject_handshake") == ([["on"]] if rejects else [])
    assert bool(directives(main, "ssl_certificate")) is not rejects
    assert directives(main, "return") == [["444"]]


def test_both_bufferings_are_on_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    site = parsed(host_files()[SITE], tmp_path)
    assert directives(site, "proxy_buffering") == [["on"]]
    assert directives(site, "proxy_request_buffering") == [["on"]]
    assert directives(site, "proxy_next_upstream") == [["off"]]
    assert directives(site, "server")[0] == ["unix:/srv/shop/current.sock", "fail_timeout=0"]


def test_only_a_declared_balancer_is_believed(tmp_path: Path) -> None:
    assert directives(parsed(host_files()[SITE], tmp_path), "set_real_ip_from") == []
    files = host_files(proxy={"behind": ["10.0.0.0/8"]})
    site = parsed(files[SITE], tmp_path)
    assert directives(site, "set_real_ip_from") == [["10.0.0.0/8"]]
    told = parsed(files["etc/nginx/snippets/shop-told.conf"], tmp_path)
    assert ["X-Forwarded-Proto", "$shop_scheme"] in directives(told, "proxy_set_header")


def test_hosts_without_ipv6(tmp_path: Path) -> None:
    files = host_files(proxy={"ipv6": False})
    for path in (SITE, MAIN):
        assert not any("[" in word for listen in directives(parsed(files[path], tmp_path), "listen")
                       for word in listen)  # fmt: skip


def test_a_proxy_of_ones_own_gets_no_nginx() -> None:
    assert not [path for path in host_files(proxy={"kind": "none"}) if "nginx" in path]
