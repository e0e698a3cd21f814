"""A request that computes for longer than gunicorn's timeout: who is killed for it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploygen.plan import Setting
from tests.builders import settings

pytestmark = pytest.mark.slow

TIMEOUT_S = 2
# It computes for longer than the timeout, and never lets go of more than the interpreter lock.
APPLICATION = """
import time

def application(environ, start):
    if environ["PATH_INFO"] == "/long":
        end = time.monotonic() + 5
        while time.monotonic() < end:
            sum(range(1000))
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


class Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self.path))


@contextmanager
def served(folder: Path, planned: Mapping[str, Setting]) -> Iterator[Path]:
    """One worker of the planned class, its timeout shorter than a long request; its socket."""
    folder.mkdir()
    (folder / "long.py").write_text(APPLICATION)
    path = folder / "s"
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"unix:{path}", "--workers", "1"),
        *("--worker-class", planned["gunicorn.worker_class"].text),
        *("--threads", str(planned["gunicorn.threads"].number)),
        *("--timeout", str(TIMEOUT_S), "--no-control-socket", "--log-level", "critical"),
        "long:application",
    ]
    with subprocess.Popen(command, cwd=folder, env={**os.environ}) as process:
        try:
            deadline = time.monotonic() + 20
            while not path.exists():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
            yield path
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def answer(path: Path) -> int | None:
    """The status of a long request; None where its worker was killed before it answered."""
    connection = Unix(path)
    try:
        connection.request("GET", "/long")
        return connection.getresponse().status
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return None
    finally:
        connection.close()


def test_threads_keep_the_heartbeat_going_while_a_request_computes(tmp_path: Path) -> None:
    long = settings(workload={"kind": "cpu", "slowest_request_s": 60})
    short = settings(workload={"kind": "cpu"})
    with (
        served(tmp_path / "long", long) as for_long,
        served(tmp_path / "short", short) as for_short,
        ThreadPoolExecutor(2) as clients,
    ):
        answers = [clients.submit(answer, path) for path in (for_long, for_short)]
        assert answers[0].result() == 200
        # Killed: an error if gunicorn had the time for one, else nothing.
        assert answers[1].result() in {500, None}
