"""The smallest project: one module, rendered and started with whatever a test describes."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploygen import plan, targets
from deploygen.render import render
from deploygen.spec import parse
from deploygen.stack import Options, running
from tests.behaviour.proxies import PROGRAMS, Site
from tests.builders import merged, text
from tests.programs import needed

HOST = "tiny.test"

DESCRIPTION: dict[str, Any] = {
    "name": "tiny",
    "app": {"entrypoint": "app:application", "static": {"url": "/static/", "folder": "static"}},
    "proxy": {"server_names": [HOST], "body_limit": "1M"},
}


@contextmanager
def tiny(kind: str, folder: Path, *, alone: bool = False, **changes: Any) -> Iterator[Site]:
    """The application behind a proxy of that kind, or "none" for gunicorn itself, running.

    ``alone`` leaves the proxy out, and the plan as it is.
    """
    if kind in PROGRAMS:
        needed(PROGRAMS[kind])
    project = folder / "tiny"
    (project / "static").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("app.py"), project)
    (project / "static/file.txt").write_bytes(b"0123456789" * 1000)
    (project / "outside.txt").write_text("PRIVATE\n")
    described = merged(merged(DESCRIPTION, {"proxy": {"kind": kind}}), changes)
    document = parse(text(**described))
    with document.located():
        made = plan.make(document.spec)
        rendered = render(targets.files(made))
    for file in rendered:
        path = project / "deploy" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    options = Options(port=0, environ=dict(os.environ), proxy=not alone)
    with running(project / "deploy", made, "web", project, options) as stack:
        yield Site(kind, HOST, project, stack)


def until(happened: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what happens soon; fail where it does not."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def exchanged(site: Site, sent: bytes) -> bytes:
    """What comes back for exactly these bytes, until the proxy closes or has no more to say.

    The sending side stays open: a proxy takes its end for a client that has left.
    """
    answer = b""
    with (
        socket.create_connection(site.stack.address, timeout=10) as sock,
        contextlib.suppress(OSError),  # a reset, or no more in time
    ):
        sock.sendall(sent)
        while part := sock.recv(65536):
            answer += part
            sock.settimeout(0.5)
    return answer
