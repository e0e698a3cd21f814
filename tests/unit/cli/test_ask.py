"""On a terminal, init asks where it can't decide."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from deploygen.spec import load

APP = "from flask import Flask\napp = Flask(__name__)\n"


def test_several_candidates_and_the_host_name(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "wsgi.py").write_text(APP)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "deploygen", "init"],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = answer(ours, "Which one", "7")
        seen += answer(ours, "a number from 1 to 2", "2")
        answer(ours, "Host name of the site", "www.shop.org")
        assert process.wait(20) == 0
    os.close(ours)
    assert "one.wsgi:app" in seen and "two.wsgi:app" in seen
    spec = load(str(tmp_path / "deploygen.yml")).spec
    assert spec.app.entrypoint == "two.wsgi:app"
    assert spec.proxy.server_names == ("www.shop.org",)


def answer(terminal: int, question: str, text: str) -> str:
    """Waits for a question, answers it, returns all that was printed until then."""
    seen = ""
    deadline = time.monotonic() + 20
    while question not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 4096).decode()
    os.write(terminal, f"{text}\n".encode())
    return seen
