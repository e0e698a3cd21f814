"""The other examples, and what differs between machines: TLS, no proxy, several stacks."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from deploygen.stack import Options, ask, running
from tests.examples import example
from tests.programs import absent, needed
from tests.tiny import until

pytestmark = pytest.mark.slow

TLS = "tls: {mode: files, certificate: /etc/ssl/nobody/c.pem, key: /etc/ssl/nobody/k.pem}"
ANY = Options(port=0)


def test_flaskboard(kind: str, tmp_path: Path) -> None:
    made = example("flaskboard", tmp_path, kind=kind)
    host = {"Host": made.host}
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        assert stack.health and stack.health.status == 200
        form = {**host, "Content-Type": "application/x-www-form-urlencoded"}
        sent = ask(stack.address, "/notes", method="POST", headers=form, body=b"text=hello")
        assert sent.status == 303
        assert b"hello" in ask(stack.address, "/", headers=host).body
        assert ask(stack.address, "/static/board.css", headers=host).status == 200
        forged = {**host, "X-Forwarded-For": "6.6.6.6"}
        told = json.loads(ask(stack.address, "/whoami", headers=forged).body)
        assert (told["remote_addr"], told["x_forwarded_for"]) == ("127.0.0.1", "127.0.0.1")
    # State is the stack's own: the project is as it was.
    assert not list(made.project.rglob("*.sqlite3"))


def test_fastquotes(kind: str, tmp_path: Path) -> None:
    made = example("fastquotes", tmp_path, kind=kind)
    host = {"Host": made.host}
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        assert stack.health and stack.health.status == 200
        assert len(json.loads(ask(stack.address, "/quotes", headers=host).body)) == 5
        assert ask(stack.address, "/quotes/99", headers=host).status == 404
        lines = ask(stack.address, "/stream?lines=3&ms=10", headers=host).body.splitlines()
        assert len(lines) == 3
        forged = {**host, "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
        told = json.loads(ask(stack.address, "/whoami", headers=forged).body)
        assert told["x_forwarded_for"] == "127.0.0.1"
        assert told["is_secure"] is False


@pytest.mark.parametrize("system", ["debian-12", "debian-13"])
def test_tls_with_a_stand_in_certificate(kind: str, system: str, tmp_path: Path) -> None:
    needed("openssl")
    made = example("flaskboard", tmp_path, os=system, kind=kind, proxy=TLS)
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        secure, plain = stack.urls
        assert stack.tls
        assert secure == f"https://localhost:{stack.address[1]}/"
        here = {"Host": f"localhost:{stack.address[1]}"}
        told = json.loads(ask(stack.address, "/whoami", headers=here, tls=True).body)
        assert (told["is_secure"], told["host"]) == (True, here["Host"])
        page = ask(stack.address, "/", headers=here, tls=True)
        assert page.headers["strict-transport-security"] == "max-age=63072000"
        port = int(plain.rstrip("/").rpartition(":")[2])
        moved = ask(("127.0.0.1", port), "/a?b", headers={"Host": f"localhost:{port}"})
        assert (moved.status, moved.headers["location"]) == (301, f"{secure}a?b")
        assert any(change.what.startswith("stand-in") for change in stack.changes)


def test_without_nginx_gunicorn_answers_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = example("flaskboard", tmp_path)
    absent(monkeypatch, "nginx")
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        assert set(stack.pids) == {"gunicorn"}
        assert stack.notes == [
            "nginx is not installed (apt install nginx (macOS: brew install nginx)): "
            "gunicorn answers itself"
        ]
        assert ask(stack.address, "/healthz").status == 200


def test_without_openssl_there_is_no_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed("nginx")
    made = example("flaskboard", tmp_path, proxy=TLS)
    absent(monkeypatch, "openssl")
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        assert set(stack.pids) == {"gunicorn"}
        assert "openssl is not installed" in stack.notes[0]
        assert not stack.tls
        assert ask(stack.address, "/healthz").status == 200


def test_two_stacks_at_once(tmp_path: Path) -> None:
    """The default port is taken by the first one: the second goes on to the next."""
    made = example("flaskboard", tmp_path)
    with (
        running(made.tree, made.plan, "web", made.project) as one,
        running(made.tree, made.plan, "web", made.project) as two,
    ):
        assert one.address != two.address
        assert one.folder != two.folder
        for stack in (one, two):
            told = ask(stack.address, "/healthz", headers={"Host": "localhost"})
            assert told.status == 200


def test_hand_edits_count(tmp_path: Path) -> None:
    needed("nginx")
    made = example("flaskboard", tmp_path)
    unit = made.file("@.service")
    unit.write_text(
        unit.read_text()
        .replace("[Service]", "[Service]\nEnvironment=APP_SLOT=%i APP_RELEASE=unit")
        .replace("--bind", "--workers 3 --bind")
        .replace("UMask=0027", "UMask=0077")
    )
    env = made.file("flaskboard/env")
    env.write_text(env.read_text() + "APP_RELEASE='from the file'\n")
    site = made.file("sites-available/flaskboard.conf")
    site.write_text(site.read_text().replace("proxy_pass", "add_header X-Edited yes;\nproxy_pass"))
    options = Options(port=0, environment={"FLASKBOARD_MORE": "1"})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        page = ask(stack.address, "/healthz", headers={"Host": made.host})
        assert page.headers["x-edited"] == "yes"
        told = json.loads(page.body)
        assert (told["slot"], told["release"]) == ("blue", "from the file")
        # The first one answers while others are still to be started.
        until(lambda: len(stack.workers) == 3)
        status = Path(f"/proc/{stack.pids['gunicorn']}/status")
        if status.is_file():
            assert re.search(r"^Umask:\s+0077$", status.read_text(), re.MULTILINE)
        environ = Path(f"/proc/{stack.workers[0]}/environ")
        if environ.is_file():
            names = {each.partition("=")[0] for each in environ.read_text().split("\0")}
            assert "FLASKBOARD_MORE" in names
            # What only this shell has would hide what is missing on the host.
            assert "PYTEST_CURRENT_TEST" in os.environ
            assert "PYTEST_CURRENT_TEST" not in names
