"""Target apache: what differs between systems, and what the site promises, read by a parser."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.plan.apache_modules import needed, unused
from deploygen.stack.apache_directives import directives
from tests.builders import group, host_files, machine

TLS = {"mode": "files", "certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/shop.key"}
SITE = "etc/apache2/sites-available/shop.conf"
PROXY = "etc/apache2/conf-available/shop-proxy.conf"
DOORS = "etc/apache2/conf-available/shop-doors.conf"
TOLD = "etc/apache2/conf-available/shop-told.conf"
FILES = "etc/apache2/conf-available/shop-files.conf"
SERVER = "etc/apache2/conf-available/zz-deploygen.conf"


def files(**changes: Any) -> dict[str, str]:
    return host_files(**{**changes, "proxy": {"kind": "apache", **changes.get("proxy", {})}})


def arguments(text: str, name: str) -> list[tuple[str, ...]]:
    return [each.values() for each in directives(text) if each.name == name.lower()]


def test_gunicorn_is_asked_through_the_link_that_a_release_renames() -> None:
    [args] = arguments(files()[PROXY], "ProxyPass")
    assert args[:3] == ("/", "unix:/srv/shop/current.sock|http://localhost/", "disablereuse=on")
    assert args[3] == "nocanon"


def test_requests_are_read_whole_where_gunicorn_answers() -> None:
    text = files(app={"static": {"url": "/static/", "folder": "s"}})[PROXY]
    [block] = [each for each in directives(text) if each.name == "locationmatch"]
    assert block.values() == ("^/(?!static/)",)
    inside = [each.name for each in directives(text) if block in each.within]
    assert inside == ["setenv", "setinputfilter", "setoutputfilter", "buffersize"]
    assert arguments(text, "SetEnv") == [("proxy-sendcl", "1")]


@pytest.mark.parametrize(("tls", "ports"), [(None, ["*:80"]), (TLS, ["*:80", "*:443"])])
def test_a_default_host_on_every_port_comes_before_the_site(
    tls: dict[str, str] | None, ports: list[str]
) -> None:
    rendered = files(proxy={"tls": tls} if tls else {})
    for path in (SERVER, SITE):
        assert [args[0] for args in arguments(rendered[path], "VirtualHost")] == ports
    assert arguments(rendered[SERVER], "Redirect") == [("421", "/")] * len(ports)
    # The site's certificate is shown to nobody who does not know its name.
    assert "/etc/ssl/shop" not in rendered[SERVER]


@pytest.mark.parametrize(
    ("os", "hybrid", "etag"),
    [
        ("ubuntu-22.04", False, False),
        ("ubuntu-24.04", False, True),
        ("debian-12", False, True),
        ("debian-13", True, True),
    ],
)
def test_what_a_systems_apache_and_openssl_know(os: str, hybrid: bool, etag: bool) -> None:
    text = files(proxy={"tls": TLS}, machines=machine(os=os))[SERVER]
    [(_, groups)] = arguments(text, "SSLOpenSSLConfCmd")
    assert ("X25519MLKEM768" in groups) is hybrid
    assert bool(arguments(text, "DeflateAlterETag")) is etag


def test_only_a_declared_front_is_believed() -> None:
    assert arguments(files()[DOORS], "RemoteIPInternalProxy") == []
    networks = ["10.0.0.0/8", "2001:db8::/32"]
    rendered = files(proxy={"behind": networks})
    assert arguments(rendered[DOORS], "RemoteIPInternalProxy") == [(each,) for each in networks]
    peers = [f"%{{CONN_REMOTE_ADDR}} -ipmatch '{each}'" for each in networks]
    assert arguments(rendered[DOORS], "SetEnvIfExpr") == [(peer, "front") for peer in peers]
    conditions = {
        args[1]: args[3]
        for args in arguments(rendered[TOLD], "RequestHeader")
        if args[3:] and args[0] == "set"
    }
    assert set(conditions) == {"X-Forwarded-Proto", "X-Request-Id"}
    assert all(each.startswith("expr=!(-n %{reqenv:front} && ") for each in conditions.values())


def test_the_proxy_protocol_says_nothing_of_the_scheme() -> None:
    """It is on for the default hosts too: Apache asks the first host of an address."""
    rendered = files(proxy={"behind": {"networks": ["10.0.0.0/8"], "proxy_protocol": True}})
    assert arguments(rendered[DOORS], "RemoteIPProxyProtocol") == [("On",)]
    assert arguments(rendered[DOORS], "RemoteIPHeader") == []
    assert not [
        args for args in arguments(rendered[TOLD], "RequestHeader") if args[3:] and args[0] == "set"
    ]
    assert ("conf-available/shop-doors.conf",) in arguments(rendered[SERVER], "Include")


def test_files_are_served_without_a_worker() -> None:
    app = {
        "static": {"url": "/static/", "folder": "s"},
        "media": {"url": "/media/", "folder": "media"},
    }
    text = files(app=app)[FILES]
    assert arguments(text, "ProxyPass") == [("/static/", "!"), ("/media/", "!")]
    assert arguments(text, "Alias") == [
        ("/static/", "/srv/shop/current/s/"),
        ("/media/", "/srv/shop/media/"),
    ]
    assert FILES not in files()


def test_a_value_is_one_argument() -> None:
    headers = {"X-Odd": 'a "b" 50% <c> #d', "X-Frame-Options": "DENY"}
    found = arguments(files(proxy={"headers": headers})[SITE], "Header")
    assert ("always", "set", "X-Odd", 'a "b" 50%% <c> #d', "expr=-z %{resp:X-Odd}") in found
    assert [args[3] for args in found if args[2] == "X-Frame-Options"] == ["DENY"]


@pytest.mark.parametrize(
    ("proxy", "more"),
    [
        ({}, set()),
        ({"behind": ["10.0.0.0/8"]}, {"remoteip"}),
        ({"tls": TLS}, {"ssl", "socache_shmcb", "http2"}),
        ({"tls": TLS, "http2": False}, {"ssl", "socache_shmcb"}),
    ],
)
def test_only_modules_that_the_site_needs(proxy: dict[str, Any], more: set[str]) -> None:
    def names(proxy: dict[str, Any]) -> list[str]:
        return [module.name for module in needed(group(proxy={"kind": "apache", **proxy}).site)]

    assert set(names(proxy)) - set(names({})) == more
    assert len(names(proxy)) == len(set(names(proxy)))
    site = group(proxy={"kind": "apache", **proxy}).site
    assert not {*unused(site)} & {*names(proxy)}
    assert "mpm_event" in names(proxy) and "mpm_prefork" not in names(proxy)
