"""Module deploygen_release: real processes behind real sockets; only systemctl is a stand-in."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.modules import load

release = load("deploygen_release")
pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
WELL = """
import http.server, socket, socketserver, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.5)
        good = self.headers["Host"] == "shop.test" and self.headers["X-Forwarded-Proto"] == "https"
        self.send_response({status} if good else 400)
        self.end_headers()
        self.wfile.write(b"{word}")
    def address_string(self):
        return "-"
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    def server_bind(self):
        self.socket = socket.socket(fileno=0)
    server_activate = lambda self: None
Server("", Handler).serve_forever()
"""
HANGING = "import time; time.sleep(600)"
# The cause stands before what gunicorn has to say of its own end.
CRASHING = r"raise SystemExit('frame\n' * 60 + 'ImportError: no module shop' + '\nhalt' * 50)"


class Machine:
    """One application on a host, in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("home/releases", "home/venvs", "run", "state", "etc/next"):
            (root / name).mkdir(parents=True)
        self.host = release.Host("shop", root / "home", root / "run")
        self.config(b"workers = 1\n")

    def config(self, content: bytes) -> None:
        (self.root / "etc/next/conf").write_bytes(content)

    def build(self, name: str, code: str) -> str:
        folder, venv = self.root / "home/releases" / name, self.root / "home/venvs" / f"v-{name}"
        folder.mkdir()
        venv.mkdir(exist_ok=True)
        (folder / "serve.py").write_text(code)
        (folder / ".venv").symlink_to(venv)
        (folder / release.COMPLETE).touch()
        return name

    def well(self, name: str, status: int = 200) -> str:
        return self.build(name, WELL.replace("{status}", str(status)).replace("{word}", name))

    def params(self, name: str, **changes: Any) -> dict[str, Any]:
        return {
            "id": name,
            "files": {str(self.root / "etc/next/conf"): str(self.root / "etc/conf")},
            "health": {"path": "/health/", "host": "shop.test", "https": True, "timeout_s": 10},
            "drain_s": 5,
            "keep": 3,
            **changes,
        }

    def wanted(self, name: str) -> str:
        return str(release.fingerprint(name, self.params(name)["files"]))

    def go(self, name: str, **changes: Any) -> dict[str, Any]:
        return dict(release.switch(self.host, self.params(name, **changes), self.wanted(name)))

    def page(self, path: str = "/") -> str:
        """What the proxy would get: through current.sock."""
        return self.ask(str(self.root / "home/current.sock"), path)

    def ask(self, place: str, path: str = "/") -> str:
        connection = http.client.HTTPConnection("shop.test", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(place)
        connection.request("GET", path, headers={"X-Forwarded-Proto": "https"})
        return connection.getresponse().read().decode()

    def called(self, words: str) -> bool:
        return words in (self.root / "state/calls").read_text()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("systemctl", "journalctl"):
        # This Python, and none of its packages: it is started often.
        code = (
            (HERE / "systemctl")
            .read_text()
            .replace("/usr/bin/env python3", f"{sys.executable} -SE")
        )
        (programs / name).write_text(code)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    # A unix socket's path may have no more than 107 characters.
    root = Path(f"/tmp/dg-{os.getpid()}-{abs(hash(tmp_path)) % 10**6}")
    root.mkdir()
    monkeypatch.setenv("STANDIN", str(root))
    made = Machine(root)
    yield made
    for slot in release.SLOTS:
        release.systemctl("stop", *made.host.units(slot), check=False)
    shutil.rmtree(root)


def test_the_first_release_and_the_next(machine: Machine) -> None:
    first = machine.go(machine.well("one"))
    assert (first["slot"], machine.page()) == ("blue", "one")
    assert release.is_live(machine.host, "one", machine.wanted("one"))
    second = machine.go(machine.well("two"))
    assert (second["slot"], second["drained"], machine.page()) == ("green", True, "two")
    assert not release.is_live(machine.host, "one", machine.wanted("one"))
    assert release.left_behind(machine.host) == ""
    # A socket that stays open would start its service again.
    assert [path.name for path in (machine.root / "run").iterdir()] == ["green.sock"]
    assert (machine.root / "home/current/serve.py").read_text().count("two") == 1
    assert [release.systemctl("is-enabled", f"shop@{slot}.service") for slot in release.SLOTS] == [
        "disabled", "enabled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (CRASHING,
         "gunicorn ended (exit-code). Its log:\n" + 49 * "frame\n"
         + "ImportError: no module shop" + 50 * "\nhalt"),
        (WELL.replace("{status}", "503").replace("{word}", "no  database"),
         "it answered 503 Service Unavailable: no database"),
        # It ends while it is asked: the socket stays, and so does the question in it.
        ("import time; time.sleep(1); raise SystemExit('no database')",
         "gunicorn ended (exit-code). Its log:\nno database"),
        (HANGING, "/health/ is not answered"),
    ],
)  # fmt: skip
def test_what_is_not_well_never_serves(machine: Machine, code: str, words: str) -> None:
    machine.go(machine.well("one"))
    machine.config(b"workers = 2\n")
    health = {**machine.params("bad")["health"], "timeout_s": 1 if code == HANGING else 10}
    if "503" in words:
        health["timeout_s"] = 1
    machine.build("bad", code)
    with pytest.raises(release.FailedError) as caught:
        machine.go("bad", health=health)
    assert words in str(caught.value)
    assert machine.page() == "one"
    # As it was: the configuration, the slots, what a reboot starts.
    assert (machine.root / "etc/conf").read_bytes() == b"workers = 1\n"
    assert machine.host.release("blue") == "one" and machine.host.release("green") == ""
    assert release.left_behind(machine.host) == ""
    assert [path.name for path in (machine.root / "run").iterdir()] == ["blue.sock"]
    # And the next one goes live.
    machine.config(b"workers = 1\n")
    machine.go(machine.well("two"))
    assert machine.page() == "two"


def test_a_socket_that_does_not_open_is_told(machine: Machine) -> None:
    machine.go(machine.well("one"))
    (machine.root / "state/no sockets").touch()
    with pytest.raises(release.FailedError, match=r"Job for shop@green\.socket failed"):
        machine.go(machine.well("two"))
    assert machine.page() == "one"
    assert release.left_behind(machine.host) == ""


def test_a_change_of_the_configuration_alone_is_a_switch(machine: Machine) -> None:
    machine.go(machine.well("one"))
    machine.config(b"workers = 2\n")
    assert not release.is_live(machine.host, "one", machine.wanted("one"))
    assert machine.go("one")["slot"] == "green"
    assert (machine.root / "etc/conf").read_bytes() == b"workers = 2\n"
    assert machine.page() == "one"


def test_requests_in_work_are_finished(machine: Machine) -> None:
    machine.go(machine.well("one"))
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(machine.page("/slow")))
    slow.start()
    while not release.drain.__globals__["connections"](
        machine.host.socket("blue"), Path("/proc/net/unix").read_text()
    ):
        pass
    assert machine.go(machine.well("two"))["drained"] is True
    slow.join()
    assert answers == ["one"]


def test_a_request_that_never_ends_is_not_waited_for(machine: Machine) -> None:
    machine.go(machine.well("one"))
    with socket.socket(socket.AF_UNIX) as open_for_ever:
        open_for_ever.connect(machine.host.socket("blue"))
        assert machine.go(machine.well("two"), drain_s=0)["drained"] is False
    assert machine.page() == "two"


def test_a_run_that_was_killed_after_its_switch_is_finished(machine: Machine) -> None:
    machine.go(machine.well("one"))
    machine.go(machine.well("two"))
    release.systemctl("start", "shop@blue.service")
    assert release.left_behind(machine.host) == "blue"
    assert release.retire(machine.host, "blue", machine.params("two")) is True
    assert release.left_behind(machine.host) == ""
    assert machine.page() == "two"


def test_a_run_that_was_killed_before_its_switch_is_mended(machine: Machine) -> None:
    machine.go(machine.well("one"))
    machine.config(b"half = 1\n")
    placed = release.placed(machine.params("x")["files"], machine.root / "home/.deploygen-before")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        killed = os.fork()
    if not killed:
        placed.__enter__()
        os.kill(os.getpid(), signal.SIGKILL)  # nothing is put back
    assert os.WTERMSIG(os.waitpid(killed, 0)[1]) == signal.SIGKILL
    assert (machine.root / "etc/conf").read_bytes() == b"half = 1\n"
    assert not release.is_live(machine.host, "one", machine.wanted("one"))
    machine.build("bad", CRASHING)
    with pytest.raises(release.FailedError):
        machine.go("bad")
    # What the killed run had placed never served: back to what did.
    assert (machine.root / "etc/conf").read_bytes() == b"workers = 1\n"
    assert machine.page() == "one"


def test_what_a_killed_run_left_in_the_idle_slot_does_not_answer_for_the_next(
    machine: Machine,
) -> None:
    machine.go(machine.well("one"))
    (machine.root / "home/green").symlink_to(f"releases/{machine.well('half')}")
    release.systemctl("start", "shop@green.service")
    machine.go(machine.well("two"))
    assert (machine.host.live, machine.page()) == ("green", "two")


def test_releases_are_kept_and_pruned(machine: Machine) -> None:
    names = [machine.well(f"r{number}") for number in range(5)]
    gone = [machine.go(name)["removed"] for name in names[:1]]
    machine.well("r9")
    assert gone == [names[1:]]  # never live: half-made or failed ones
    for name in names[1:]:
        if not (machine.root / "home/releases" / name).exists():
            machine.well(name)
        machine.go(name)
    kept = sorted(path.name for path in (machine.root / "home/releases").iterdir())
    assert kept == ["r2", "r3", "r4"]
    assert sorted(path.name for path in (machine.root / "home/venvs").iterdir()) == [
        "v-r2", "v-r3", "v-r4",
    ]  # fmt: skip


def test_where_a_rollback_goes(machine: Machine) -> None:
    choose = load("deploygen_rollback").choose
    for name in ("one", "two", "three"):
        machine.go(machine.well(name))
    assert choose(machine.host, "") == "two"
    assert choose(machine.host, "one") == "one"
    machine.go("two")
    assert machine.page() == "two"
    assert choose(machine.host, "") == "three"
    with pytest.raises(LookupError, match=r"release ten is not kept here; these are: two, three"):
        choose(machine.host, "ten")


def test_there_is_nothing_to_go_back_to(machine: Machine) -> None:
    choose = load("deploygen_rollback").choose
    machine.go(machine.well("one"))
    with pytest.raises(LookupError, match="no release is kept besides one"):
        choose(machine.host, "")
