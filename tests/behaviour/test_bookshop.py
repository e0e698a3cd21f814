"""The bookshop behind its rendered proxy: what visitors, and those who mean no good, get."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from deploygen.stack import Response, ask
from tests.behaviour.proxies import Site, bookshop
from tests.tiny import until

pytestmark = pytest.mark.slow

HOST = "bookshop.example"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def shop(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with bookshop(kind, tmp_path_factory.mktemp(kind)) as site:
        (site.project / ".env").write_text("PRIVATE=1\n")
        static = site.project / "staticfiles"
        (static / ".hidden").write_text("PRIVATE=1\n")
        (static / "plain.txt").write_text("plain")
        (site.project / "media").mkdir()
        (site.project / "media/cover.html").write_text("<script>")
        yield site


def test_a_page(shop: Site) -> None:
    page = shop.get("/")
    assert page.status == 200
    assert b"/static/catalogue/shop." in page.body
    assert page.headers["x-content-type-options"] == "nosniff"
    # The application says DENY: the proxy's own default does not weaken or repeat it.
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["server"] == shop.differs.server
    assert shop.get("/nothing/").status == 404


def test_a_browser_can_open_it(shop: Site) -> None:
    assert shop.stack.urls == (f"http://localhost:{shop.stack.address[1]}/",)
    assert shop.get("/", host=f"localhost:{shop.stack.address[1]}").status == 200
    assert shop.get("/whoami/", host=f"localhost:{shop.stack.address[1]}").status == 200


def test_a_static_file_with_a_hashed_name_is_kept_for_ever(shop: Site) -> None:
    match = re.search(rb"/static/catalogue/shop\.[0-9a-f]{12}\.css", shop.get("/").body)
    assert match
    file = shop.get(match[0].decode())
    assert (file.status, file.headers["content-type"]) == (200, "text/css")
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.headers["x-content-type-options"] == "nosniff"
    again = shop.get(match[0].decode(), If_None_Match=file.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    plain = shop.get("/static/plain.txt")
    assert plain.headers["cache-control"] == "public, max-age=3600"


def test_uploads_are_served(shop: Site) -> None:
    assert shop.get("/media/cover.html").body == b"<script>"


def test_health(shop: Site) -> None:
    health = shop.stack.health
    assert health
    assert (health.path, health.status, health.well) == ("/health/", 200, True)
    assert json.loads(shop.get("/health/").body)["status"] == "ok"


def test_forged_headers_are_overwritten_or_dropped(shop: Site) -> None:
    forged = {
        "X_Forwarded_For": "6.6.6.6",
        "X_Real_IP": "6.6.6.6",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Host": "evil.example",
        "X_Request_Id": "forged",
        "Forwarded": "for=6.6.6.6;host=evil.example",
        "Proxy": "http://evil.example",
    }
    told = json.loads(shop.get("/whoami/", **forged).body)
    assert told["x_forwarded_for"] == "127.0.0.1"
    assert (told["x_forwarded_proto"], told["is_secure"]) == ("http", False)
    assert re.fullmatch(shop.differs.request_id, told["x_request_id"])
    assert told["host"] == f"{HOST}:{shop.stack.address[1]}"
    received = json.dumps(told["headers"])
    assert "6.6.6.6" not in received
    assert "evil.example" not in received


@pytest.mark.parametrize("host", ["evil.example", "x.bookshop.example", "10.0.0.1"])
def test_an_unknown_host_reaches_no_application(shop: Site, host: str) -> None:
    answer = shop.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert refused(shop, answer)


def refused(shop: Site, answer: bytes) -> bool:
    """Whether an answer is what the default server gives."""
    wanted = shop.differs.unknown_host
    status = int(answer.split()[1]) if answer else None
    return status == wanted and b"ookshop" not in answer


def test_a_request_without_host(shop: Site) -> None:
    assert refused(shop, shop.raw("GET / HTTP/1.0\r\n\r\n"))
    assert b" 400 " in shop.raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")


def test_the_body_limit(shop: Site) -> None:
    def post(size: int) -> Response:
        headers = {"Host": HOST, "Content-Type": "application/octet-stream"}
        return ask(shop.stack.address, "/echo/", method="POST", headers=headers, body=b"x" * size)

    assert json.loads(post(MIB).body)["bytes"] == MIB
    assert post(MIB + 1).status == 413


@pytest.mark.parametrize(
    "path",
    ["/.env", "/.git/config", "/static/.hidden", "/media/.x", "/a/.b/c", "/static/%2ehidden"],
)
def test_files_that_begin_with_a_dot(shop: Site, path: str) -> None:
    assert shop.get(path).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/static/../manage.py",
        "/static../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/..%2fmanage.py",
        "/static/catalogue/../../../.env",
        "/media/../../../../../../etc/passwd",
        "/media..%2f..%2fetc/passwd",
        "//static/..//..//etc/passwd",
        "/static/\\..\\manage.py",
    ],
)
def test_no_path_leaves_its_folder(shop: Site, path: str) -> None:
    answer = shop.raw(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] in (b"400", b"404")
    assert b"DJANGO_SETTINGS_MODULE" not in answer
    assert b"root:" not in answer
    assert b"PRIVATE" not in answer


SLOW_HEADER = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: "
SLOW_BODY = f"POST /echo/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5000\r\n\r\nbegun"


@pytest.mark.parametrize("begun", [SLOW_HEADER, SLOW_BODY], ids=["headers", "bodies"])
def test_slow_clients_keep_nobody_waiting(shop: Site, begun: str) -> None:
    gunicorn = shop.stack.plan.groups["web"].components["gunicorn"]
    at_once = gunicorn["workers"].number * gunicorn["threads"].number
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(shop.stack.address, timeout=10))
            for _ in range(10 * at_once)
        ]
        for sock in slow:
            sock.sendall(begun.encode())
        for drip in range(5):
            assert shop.get("/health/", timeout_s=5).status == 200
            slow[drip].sendall(b"x")
            time.sleep(0.1)


def test_a_killed_worker_is_replaced(shop: Site) -> None:
    planned = shop.stack.plan.groups["web"].components["gunicorn"]["workers"].number
    until(lambda: len(shop.stack.workers) == planned)
    before = shop.stack.workers
    os.kill(before[0], signal.SIGKILL)
    for _ in range(20):
        assert shop.get("/health/").status == 200
    until(lambda: before[0] not in shop.stack.workers and len(shop.stack.workers) == planned)


def test_logs(shop: Site) -> None:
    shop.get("/?from=the-log-test")
    found: dict[str, list[str]] = {}
    shop.stack.wait(lambda name, line: found.setdefault(name, []).append(line), seconds=1)
    access = [json.loads(line) for line in found[f"{shop.kind} access"]]
    [mine] = [line for line in access if "the-log-test" in line["request"]]
    assert (mine["status"], mine["client"]) == (200, "127.0.0.1")
    # The same request, found by its id.
    assert any(f"id={mine['id']} " in line for line in found["gunicorn"])
    assert set(shop.stack.logs) >= set(found)


def test_what_was_changed_is_told(shop: Site) -> None:
    whats = {change.what for change in shop.stack.changes}
    assert {"path", "port", "name"} <= whats
    assert all(change.line > 0 and change.file.startswith("/etc/") for change in shop.stack.changes)
