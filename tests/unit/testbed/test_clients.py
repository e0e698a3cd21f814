"""The load client counts what a server loses: this server loses requests on purpose."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from testbed import load, trial

pytestmark = pytest.mark.slow

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def send(handler: BaseHTTPRequestHandler, content: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def well(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    told = {"release": "one", "sha256": hashlib.sha256(body).hexdigest()}
    send(handler, json.dumps(told).encode())


@contextmanager
def server(answers: dict[str, Answer]) -> Iterator[int]:
    """A server whose paths answer so, on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answers[self.path](self, body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield running.server_port
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def run(port: int, *options: str) -> dict[str, Any]:
    """What the client reports after a moment."""
    process = subprocess.Popen(
        [sys.executable, str(load.CLIENT), f"--address=127.0.0.1:{port}", "--host=a.example",
         "--clients=4", "--pause=0.01", "--grace=0.2", "--seconds=20", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    time.sleep(1)
    process.stdin.write("now\n")
    process.stdin.flush()
    told: dict[str, Any] = json.loads(process.stdout.readline())
    process.stdin.close()
    assert process.wait(timeout=20) == 0
    process.stdout.close()
    assert told["section"] == "now"
    return told


def test_nothing_is_lost_where_everything_is_answered() -> None:
    with server({"/": well, "/echo": well}) as port:
        told = run(port, "--get=/", "--post=/echo", "--echoes")
    assert min(told["sent"].values()) > 0
    assert told["lost"] == {"GET": 0, "POST": 0}
    assert set(told["seen"]) == {"one"}


def _error(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, b"no", 502)


def _closed(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.close_connection = True


def _half(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def _another(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, json.dumps({"sha256": hashlib.sha256(b"another").hexdigest()}).encode())


def _never(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    time.sleep(1)
    handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_error, "status 502"),
        (_closed, "IncompleteReadError"),
        (_half, "IncompleteReadError"),
        (_another, "an answer to another request"),
        (_never, "TimeoutError"),
    ],
)
def test_what_is_not_answered_is_lost(answer: Answer, why: str) -> None:
    # A busy machine answers late: only for what never comes is there no use in waiting.
    patience = "--patience=0.1" if answer is _never else "--patience=20"
    with server({"/echo": answer}) as port:
        told = run(port, "--post=/echo", "--echoes", patience)
    assert told["lost"]["POST"] > 0
    assert told["lost"]["POST"] <= told["sent"]["POST"]
    assert set(told["why"]) == {why}


def test_nobody_there_is_lost() -> None:
    with server({}) as port:
        pass
    told = run(port, "--get=/")
    assert told["lost"]["GET"] > 0
    assert set(told["why"]) == {"ConnectionRefusedError"}


def test_the_clients_need_nothing_but_python() -> None:
    """They run on a host: Debian 12 has Python 3.11 and nothing of this project."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(load.CLIENT), "--help"],
        cwd=Path("/"), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0


def test_a_line_of_the_figures() -> None:
    act = trial.Act(
        "release", {"GET": 300, "POST": 100}, {"GET": 0, "POST": 2}, {"status 502": 2}, 90.4,
        seconds=5.5, live_seconds=4.25, switch_ms=3.2,
    )  # fmt: skip
    assert (
        trial.line(act).split()
        == (
            "release 5.5 s 400 sent 2 lost slowest 90 ms live after 4.2 s, switched within 3 ms "
            "(2 x status 502)"
        ).split()
    )
