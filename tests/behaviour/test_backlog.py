"""The queue in front of gunicorn is as long as planned, with each kind of worker."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deploygen.stack import Options, ask, running
from tests.examples import example
from tests.tiny import until

pytestmark = pytest.mark.slow

# Neither gunicorn's default nor asyncio's, which is 100.
BACKLOG = 300


def state(pid: int) -> str:
    """R, S, T and so on: proc_pid_stat(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Processes that accept nothing meanwhile."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        until(lambda: all(state(pid) == "T" for pid in pids))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("name", "worker_class"),
    [("fastquotes", "asgi"), ("fastquotes", "uvicorn_worker.UvicornWorker"),
     ("flaskboard", "gthread"), ("flaskboard", "gevent")],
)  # fmt: skip
def test_so_many_wait(name: str, worker_class: str, tmp_path: Path) -> None:
    server = f"server: {{worker_class: {worker_class}, workers: 1, backlog: {BACKLOG}}}\n"
    made = example(name, tmp_path, more=f"workload: {{greenlet_safe: true}}\n{server}")
    options = Options(port=0, proxy=False)
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        # The one worker there is has answered: it listens, however it does that.
        assert ask(stack.address, "/", headers={"Host": made.host}).status in {200, 404}
        with stopped([stack.pids["gunicorn"], *stack.workers]), ExitStack() as waiting:
            found = 0
            while found <= 2 * BACKLOG:
                sock = waiting.enter_context(socket.socket(socket.AF_UNIX))
                sock.setblocking(False)
                try:
                    sock.connect(stack.socket)
                except BlockingIOError:
                    break
                found += 1
            # The kernel lets one more in than it is told.
            assert found == BACKLOG + 1
