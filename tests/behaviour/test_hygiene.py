"""What every answer has, behind each proxy: headers once, a log line, maintenance, health."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from deploygen.stack import Options, Stack, running
from tests.examples import SECRETS, example
from tests.wire import Answer, logged, send

pytestmark = pytest.mark.slow

HOST = "bookshop.example"
EXTRA = {"nginx": "add_header X-Extra yes always;\n", "apache": "Header always set X-Extra yes\n"}


@pytest.fixture(scope="module")
def shop(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("shop")
    extra = folder / "extra.conf"
    extra.write_text(EXTRA[kind])
    made = example(
        "bookshop",
        folder,
        kind=kind,
        proxy=f"""health: {{url: /lb, asks: app}}, include: [{extra}],
          headers: {{Permissions-Policy: camera=(), Referrer-Policy: null,
                     Content-Security-Policy: "default-src 'self'"}}""",
    )
    options = Options(port=0, environ={**os.environ, **SECRETS}, release_commands=True)
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        (made.project / "staticfiles/plain.txt").write_text("plain")
        yield stack


def get(shop: Stack, path: str, *headers: tuple[str, str], host: str = HOST) -> Answer:
    answer = send(shop.address, path, host=host, headers=headers)
    assert answer is not None
    return answer


def line_of(shop: Stack, marker: str) -> dict[str, Any]:
    return logged(shop.logs[f"{shop.plan.spec.proxy.kind} access"], marker)


# A page of the application, an error of it, a file from disk, one that is not there.
@pytest.mark.parametrize("path", ["/whoami/", "/nothing/", "/static/plain.txt", "/static/none"])
def test_headers_are_there_once(shop: Stack, path: str) -> None:
    answer = get(shop, path)
    assert answer.all("X-Content-Type-Options") == ["nosniff"]
    # Django says DENY of its own pages: the proxy does not weaken or repeat it.
    of_django = not path.startswith("/static/")
    assert answer.all("X-Frame-Options") == ["DENY" if of_django else "SAMEORIGIN"]
    assert answer.all("Permissions-Policy") == ["camera=()"]
    assert answer.all("Content-Security-Policy") == ["default-src 'self'"]
    # null took the proxy's default away; Django sends its own.
    assert answer.all("Referrer-Policy") == (["same-origin"] if of_django else [])
    assert not answer.all("Strict-Transport-Security"), "without TLS it means nothing"
    [server] = answer.all("Server")
    assert not any(letter.isdigit() for letter in server)


def test_an_extra_file_is_included(shop: Stack) -> None:
    assert get(shop, "/whoami/").all("X-Extra") == ["yes"]


def test_the_log_is_json_whatever_a_client_sends(shop: Stack) -> None:
    agent = 'quo"te \\ back \xe4 end'
    get(shop, "/whoami/?odd=%22&b='\"", ("User-Agent", agent), ("Referer", 'http://x/\xff"'))
    line = line_of(shop, "odd=")
    assert line["request"].startswith("GET /whoami/?odd=%22&b='\"")
    assert (line["status"], line["client"], line["host"]) == (200, "127.0.0.1", HOST)
    assert line["agent"].startswith('quo"te \\ back')
    assert line["bytes"] > 0
    whole, part = seconds(line)
    assert part is not None and 0 <= part <= whole + 0.01


def seconds(line: dict[str, Any]) -> tuple[float, float | None]:
    """(the whole time, the application's part of it): each proxy has its own words."""
    if "seconds" in line:
        return line["seconds"], line["upstream_seconds"]
    return line["microseconds"] / 1e6, int(line["first_byte_microseconds"]) / 1e6


def test_a_file_from_disk_is_logged_too(shop: Stack) -> None:
    get(shop, "/static/plain.txt?of=disk")
    line = line_of(shop, "of=disk")
    assert line["status"] == 200
    if "upstream_seconds" in line:
        assert line["upstream_seconds"] is None, "no application was asked"


def test_a_load_balancer_asks_by_any_name_and_is_told_of_the_application(shop: Stack) -> None:
    for host in (HOST, "10.0.0.5", "evil.example"):
        answer = get(shop, "/lb", host=host)
        assert (answer.status, answer.json()["status"]) == (200, "ok")


def test_maintenance_is_a_file(shop: Stack) -> None:
    flag = shop.folder / "srv/bookshop/maintenance"
    flag.touch()
    try:
        down = get(shop, "/")
        assert down.status == 503
        # Told as a pause, in a page of the proxy's own.
        assert down.all("Retry-After") == ["10"] and down.all("Cache-Control") == ["no-store"]
        assert b"Please try again in a moment" in down.body
        # What needs no worker goes on, and a balancer must not take the host out.
        assert get(shop, "/static/plain.txt").status == 200
        assert get(shop, "/lb").status == 200
    finally:
        flag.unlink()
    assert get(shop, "/").status == 200


def test_health_that_asks_no_application(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = example("bookshop", tmp_path_factory.mktemp("up"), kind=kind, proxy="health: {url: /up}")
    options = Options(port=0, environ={**os.environ, **SECRETS})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        os.kill(stack.pids["gunicorn"], 19)  # SIGSTOP: nobody answers any more
        try:
            for worker in stack.workers:
                os.kill(worker, 19)
            for host in (HOST, "10.0.0.5"):
                assert get(stack, "/up", host=host).status == 200
        finally:
            for pid in (*stack.workers, stack.pids["gunicorn"]):
                os.kill(pid, 18)
