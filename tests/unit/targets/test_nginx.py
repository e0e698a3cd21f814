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
def test_the_default_server_shows_no_certificate_of_a_site(
    os: str, rejects: bool, tmp_path: Path
) -> None:
    main = parsed(host_files(proxy={"tls": TLS}, machines=machine(os=os))[MAIN], tmp_path)
    assert directives(main, "ssl_reject_handshake") == ([["on"]] if rejects else [])
    shown = [["/etc/shop/stand-in/fullchain.pem"]]
    assert directives(main, "ssl_certificate") == ([] if rejects else shown)
    assert directives(main, "return") == [["444"], ["421"]]


def test_both_bufferings_are_on_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    files = host_files()
    asked = parsed(files["etc/nginx/snippets/shop-proxy.conf"], tmp_path)
    assert directives(asked, "proxy_buffering") == [["on"]]
    assert directives(asked, "proxy_request_buffering") == [["on"]]
    assert directives(asked, "proxy_next_upstream") == [["off"]]
    site = parsed(files[SITE], tmp_path)
    assert ["snippets/shop-proxy.conf"] in directives(site, "include")
    assert directives(site, "server")[0] == ["unix:/srv/shop/current.sock", "fail_timeout=0"]


def snippet(name: str, folder: Path, **changes: Any) -> list[dict[str, Any]]:
    return parsed(host_files(**changes)[f"etc/nginx/snippets/shop-{name}.conf"], folder)


# proxy.behind -> what names the client, and where the scheme and the id come from.
@pytest.mark.parametrize(
    ("behind", "header", "scheme"),
    [
        ([], [], "$scheme"),
        (["10.0.0.0/8"], [["X-Forwarded-For"]], "$shop_scheme"),
        ("cloudflare", [["CF-Connecting-IP"]], "$shop_scheme"),
        ({"networks": ["10.0.0.0/8"], "proxy_protocol": True}, [["proxy_protocol"]], "$scheme"),
    ],
)
def test_only_a_declared_front_is_believed(
    behind: Any, header: list[list[str]], scheme: str, tmp_path: Path
) -> None:
    doors = snippet("doors", tmp_path, proxy={"behind": behind})
    assert directives(doors, "real_ip_header") == header
    assert bool(directives(doors, "set_real_ip_from")) is bool(header)
    told = directives(snippet("told", tmp_path, proxy={"behind": behind}), "proxy_set_header")
    assert ["X-Forwarded-Proto", scheme] in told
    assert len({name.lower() for name, _ in told}) == len(told)


def test_the_proxy_protocol_is_expected_on_every_port_or_on_none(tmp_path: Path) -> None:
    behind = {"networks": ["10.0.0.0/8"], "proxy_protocol": True}
    files = host_files(proxy={"behind": behind, "tls": TLS})
    for path in (SITE, MAIN):
        listens = directives(parsed(files[path], tmp_path), "listen")
        assert listens and all("proxy_protocol" in listen for listen in listens)


def test_plain_http_is_sent_on_or_served(tmp_path: Path) -> None:
    sent = parsed(host_files(proxy={"tls": TLS})[SITE], tmp_path)
    assert directives(sent, "return")[0] == ["301", "https://$host$request_uri"]
    served = parsed(host_files(proxy={"tls": {**TLS, "redirect": False}})[SITE], tmp_path)
    assert not [words for words in directives(served, "return") if words[0] == "301"]
    assert ["80"] in directives(served, "listen")


def test_hosts_without_ipv6(tmp_path: Path) -> None:
    files = host_files(proxy={"ipv6": False})
    for path in (SITE, MAIN):
        assert not any("[" in word for listen in directives(parsed(files[path], tmp_path), "listen")
                       for word in listen)  # fmt: skip


def test_a_proxy_of_ones_own_gets_no_nginx() -> None:
    assert not [path for path in host_files(proxy={"kind": "none"}) if "nginx" in path]
