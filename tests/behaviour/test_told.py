"""What an application makes of what it is told, behind both proxies: Django, Flask, FastAPI.

The rendered README says what their settings have to be: what it says is put in place, and asked.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.stack import ask
from tests.behaviour.proxies import Site, site
from tests.wire import TRUSTED, proxy_v1

pytestmark = pytest.mark.slow

HOST = "bookshop.example"
TLS = "tls: {mode: files, certificate: /nobody/c.pem, key: /nobody/k.pem, redirect: false}"
CLIENT = "203.0.113.7"
SSL_HEADER = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")'
# What somebody could have from another deployment: no proxy of ours sends this header.
OTHER_HEADER = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_SSL", "on")'


@contextlib.contextmanager
def django(
    kind: str, folder: Path, proxy: str, settings: str = "", more: str = "", **environment: str
) -> Iterator[Site]:
    """The bookshop with other lines at the end of its settings."""
    own = folder / "settings"
    own.mkdir()
    (own / "told.py").write_text(f"from bookshop.settings.production import *\n{settings}\n")
    given = {"PYTHONPATH": str(own), "DJANGO_SETTINGS_MODULE": "told", **environment}
    with site("bookshop", kind, folder, proxy=proxy, more=more, environment=given) as running:
        yield running


def advice(running: Site, word: str) -> list[str]:
    """What the rendered README has in backquotes, in the line that names the setting."""
    readme = (running.project / "deploy/README.md").read_text()
    [line] = [each for each in readme.splitlines() if each.startswith("- ") and word in each]
    return re.findall(r"`([^`]+)`", line)


@pytest.mark.parametrize("settings", [SSL_HEADER, "SECURE_PROXY_SSL_HEADER = None", OTHER_HEADER])
def test_django_knows_scheme_name_and_client(kind: str, settings: str, tmp_path: Path) -> None:
    with django(kind, tmp_path, f"{TLS}, behind: [{TRUSTED}]", settings) as shop:
        assert "SECURE_PROXY_SSL_HEADER" in advice(shop, "SECURE_PROXY_SSL_HEADER")
        assert SSL_HEADER.split(" = ")[1] in advice(shop, "SECURE_PROXY_SSL_HEADER")
        host = f"{HOST}:{shop.stack.address[1]}"
        secure = json.loads(shop.get("/whoami/", X_Forwarded_For=CLIENT).body)
        assert (secure["is_secure"], secure["host"]) == (True, host)
        assert (secure["remote_addr"], secure["x_forwarded_for"]) == ("", CLIENT)
        # The same site by plain HTTP, which nobody in front says is more.
        plain = ask(("127.0.0.1", shop.stack.ports[80]), "/whoami/", headers={"Host": HOST})
        assert json.loads(plain.body)["is_secure"] is False
        # A front that ends TLS itself is believed.
        ended = ask(
            ("127.0.0.1", shop.stack.ports[80]),
            "/whoami/",
            headers={"Host": HOST, "X-Forwarded-Proto": "https"},
        )
        assert json.loads(ended.body)["is_secure"] is True


def test_django_refuses_a_name_that_it_was_not_told(kind: str, tmp_path: Path) -> None:
    """The proxy knows more names than Django: its 400 passes, and the README says the names."""
    with django(kind, tmp_path, "body_limit: 1M", DJANGO_ALLOWED_HOSTS="localhost") as shop:
        assert shop.get("/whoami/").status == 400
        names = advice(shop, "ALLOWED_HOSTS")
    assert names == ["ALLOWED_HOSTS", HOST]
    again = tmp_path / "again"
    again.mkdir()
    with django(kind, again, "body_limit: 1M", DJANGO_ALLOWED_HOSTS=",".join(names[1:])) as shop:
        assert shop.get("/whoami/").status == 200


LOGIN = "/admin/login/"


def posted(address: tuple[str, int] | str, origin: str, *, tls: bool = False, **more: Any) -> int:
    """The status of a login form from a page of ``origin``: 200 reads it, 403 distrusts it."""
    token = "t" * 32
    headers = {
        "Host": more.pop("host", HOST),
        "Origin": origin,
        "Referer": f"{origin}/",
        "Cookie": f"csrftoken={token}",
        "Content-Type": "application/x-www-form-urlencoded",
        **more,
    }
    body = f"csrfmiddlewaretoken={token}&username=a&password=b".encode()
    return ask(address, LOGIN, method="POST", headers=headers, body=body, tls=tls).status


def test_a_form_needs_no_trusted_origin(kind: str, tmp_path: Path) -> None:
    with django(kind, tmp_path, TLS) as shop:
        host = f"{HOST}:{shop.stack.address[1]}"
        assert posted(shop.stack.address, f"https://{host}", tls=True, host=host) == 200
        assert posted(shop.stack.address, f"http://{host}", tls=True, host=host) == 403
        assert posted(shop.stack.address, "https://evil.example", tls=True, host=host) == 403


def test_a_form_from_a_container_whose_port_shows_needs_one(tmp_path: Path) -> None:
    """Its proxy drops the port of the name, which gunicorn's socket is asked with here."""
    origin = f"http://{HOST}:8080"
    for trusted, status in (("", 403), (origin, 200)):
        folder = tmp_path / f"trusted-{status}"
        folder.mkdir()
        with django("nginx", folder, "body_limit: 1M", more="containers: {http_port: 8080}",
                    CSRF_TRUSTED_ORIGINS=trusted) as shop:  # fmt: skip
            assert advice(shop, "In containers")[0] == origin
            asked = {"X-Forwarded-Proto": "http", "X-Forwarded-For": CLIENT}
            assert posted(shop.stack.socket, origin, **asked) == status


def test_a_form_through_the_proxy_protocol_needs_one(kind: str, tmp_path: Path) -> None:
    """A balancer that ends TLS can't say so there."""
    behind = f"behind: {{networks: [{TRUSTED}], proxy_protocol: true}}"
    origin = f"https://{HOST}"
    for trusted, status in (("", 403), (origin, 200)):
        folder = tmp_path / f"trusted-{status}"
        folder.mkdir()
        with django(kind, folder, behind, CSRF_TRUSTED_ORIGINS=trusted) as shop:
            assert advice(shop, "the PROXY protocol")[1:] == [origin]
            assert through_the_proxy_protocol(shop, origin) == status


def through_the_proxy_protocol(shop: Site, origin: str) -> int:
    token = "t" * 32
    body = f"csrfmiddlewaretoken={token}&username=a&password=b"
    with socket.create_connection(shop.stack.address, timeout=20) as sock:
        sock.sendall(
            proxy_v1(CLIENT)
            + f"POST {LOGIN} HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {origin}\r\n"
            f"Cookie: csrftoken={token}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        return answer.status
