"""Starts that fail, and ends of all kinds: nothing may be left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploygen.errors import DeploygenError
from deploygen.stack import Options, Stack, running
from tests.behaviour.proxies import KINDS, PROGRAMS
from tests.examples import SECRETS, Example, example
from tests.programs import needed
from tests.tiny import until

pytestmark = pytest.mark.slow

ANY = Options(port=0)
# A process that runs a stack, as `deploygen up` does.
PROGRAM = """
import json, signal, sys
from pathlib import Path
# A shell starts what runs in its background with interrupts ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
from deploygen import plan
from deploygen.spec import parse
from deploygen.stack import Options, running
tree, project, text = sys.argv[1:]
made = plan.make(parse(text).spec)
try:
    with running(Path(tree), made, "web", Path(project), Options(port=0)) as stack:
        told = {"folder": str(stack.folder), "pids": [*stack.pids.values(), *stack.workers]}
        print(json.dumps(told), flush=True)
        stack.wait()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture
def made(tmp_path: Path) -> Example:
    needed("nginx")
    return example("flaskboard", tmp_path)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Private folders of this test lie in a folder of its own, which must be empty again."""
    folder = Path(f"/tmp/dg-{os.getpid()}")
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield
    assert list(folder.iterdir()) == []
    folder.rmdir()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        # A zombie that nobody has reaped yet has ended.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def another_process(made: Example) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    description = made.project / "description.yml"
    text = (
        "name: flaskboard\n"
        "app: {entrypoint: 'flaskboard:create_app()', app_dir: src, health: /healthz}\n"
        "proxy: {server_names: [flaskboard.example]}\n"
    )
    description.write_text(text)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(made.tree), str(made.project), text],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.kill()


def test_ctrl_c(made: Example) -> None:
    with another_process(made) as (process, told):
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=20)
        assert output == "interrupted\n"
        assert process.returncode == 0
    assert not Path(str(told["folder"])).exists()
    assert not any(map(alive, told["pids"]))  # type: ignore[arg-type]


def test_kill_9_of_the_process_that_runs_it(made: Example) -> None:
    with another_process(made) as (process, told):
        process.kill()
        process.wait()
        until(lambda: not Path(str(told["folder"])).exists(), seconds=15)
        until(lambda: not any(map(alive, told["pids"])))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "name"), [("nginx", "gunicorn"), ("nginx", "nginx"), ("apache", "apache")]
)
def test_a_crash_ends_the_waiting_and_the_other_one(kind: str, name: str, tmp_path: Path) -> None:
    needed(PROGRAMS[kind])
    made = example("flaskboard", tmp_path, kind=kind)
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        pids = dict(stack.pids)
        os.kill(pids[name], signal.SIGKILL)
        with pytest.raises(DeploygenError, match=f"{name} ended on its own .killed by SIGKILL"):
            stack.wait(seconds=10)
    assert not any(map(alive, pids.values()))


def test_stop_may_be_called_twice(made: Example) -> None:
    stack = Stack(made.tree, made.plan, "web", made.project, ANY)
    stack.stop()
    with stack:
        stack.stop()
        assert stack.pids == {}
    with pytest.raises(DeploygenError, match="the stack is not running"):
        _ = stack.folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_in_work_is_finished(kind: str, tmp_path: Path) -> None:
    needed(PROGRAMS[kind])
    made = example("fastquotes", tmp_path, kind=kind)
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        sock = socket.create_connection(stack.address, timeout=10)
        sock.sendall(f"GET /wait?ms=1500 HTTP/1.1\r\nHost: {made.host}\r\n\r\n".encode())
        time.sleep(0.5)
    with sock:
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_start_that_fails_shows_the_end_of_the_log(made: Example) -> None:
    package = made.project / "src/flaskboard/__init__.py"
    package.write_text("raise ValueError('no database at all')\n")
    with (
        pytest.raises(DeploygenError, match="ValueError: no database at all") as caught,
        running(made.tree, made.plan, "web", made.project, ANY),
    ):
        pass
    assert re.match(
        r"gunicorn did not start \(exit code [13]\)\. The end of its log:\n", caught.value.message
    )
    assert len(caught.value.message.splitlines()) <= 21


def test_an_application_that_does_not_answer(made: Example) -> None:
    package = made.project / "src/flaskboard/__init__.py"
    package.write_text("import time\ntime.sleep(60)\n")
    options = Options(port=0, start_s=2, stop_s=1)
    with (
        pytest.raises(DeploygenError, match="gunicorn did not answer /healthz within 2 s"),
        running(made.tree, made.plan, "web", made.project, options),
    ):
        pass


def test_an_application_that_answers_but_is_not_well(made: Example) -> None:
    """It starts: a person wants to see the error page. Its health says what is wrong."""
    options = Options(port=0, environment={"FLASKBOARD_DATABASE": "/proc/nowhere/x"})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        assert stack.health
        assert (stack.health.status, stack.health.well) == (503, False)


def test_an_nginx_that_does_not_start(made: Example) -> None:
    asked = made.file("snippets/flaskboard-proxy.conf")
    text = asked.read_text()
    assert "proxy_buffering on" in text
    asked.write_text(text.replace("proxy_buffering on", "proxy_bufering on"))
    with (
        pytest.raises(DeploygenError, match='unknown directive "proxy_bufering"') as caught,
        running(made.tree, made.plan, "web", made.project, ANY),
    ):
        pass
    assert caught.value.message.startswith("nginx did not start (exit code 1).")


def test_an_apache_that_does_not_start(tmp_path: Path) -> None:
    needed("apache2")
    made = example("flaskboard", tmp_path, kind="apache")
    conf = made.file("zz-deploygen.conf")
    conf.write_text(conf.read_text().replace("TraceEnable Off", "TraceEnable Never"))
    with (
        pytest.raises(DeploygenError, match="TraceEnable must be one of") as caught,
        running(made.tree, made.plan, "web", made.project, ANY),
    ):
        pass
    assert caught.value.message.startswith("apache did not start (exit code 1).")


def test_a_port_that_is_taken(made: Example) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        with (
            pytest.raises(DeploygenError, match=f"port {port} can't be used"),
            running(made.tree, made.plan, "web", made.project, Options(port=port)),
        ):
            pass


def test_missing_secrets_are_all_named(tmp_path: Path) -> None:
    made = example("bookshop", tmp_path)
    bare = Options(port=0, environ={"PATH": os.environ["PATH"]})
    with (
        pytest.raises(DeploygenError, match="not in the environment: SECRET_KEY") as caught,
        running(made.tree, made.plan, "web", made.project, bare),
    ):
        pass
    assert caught.value.hint == "SECRET_KEY=... deploygen up"


def test_a_release_command_that_fails(tmp_path: Path) -> None:
    made = example("bookshop", tmp_path)
    (made.project / "manage.py").write_text("raise SystemExit('no migration today')\n")
    options = Options(port=0, environ={**os.environ, **SECRETS}, release_commands=True)
    with (
        pytest.raises(DeploygenError, match="no migration today") as caught,
        running(made.tree, made.plan, "web", made.project, options),
    ):
        pass
    assert "command 'python manage.py migrate --no-input' failed" in caught.value.message


def test_a_tree_that_is_not_there(made: Example, tmp_path: Path) -> None:
    with (
        pytest.raises(DeploygenError, match="found no .*nothing/hosts/web") as caught,
        running(tmp_path / "nothing", made.plan, "web", made.project, ANY),
    ):
        pass
    assert caught.value.hint == "deploygen render writes it"


def test_no_folder_for_the_sockets(
    made: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with running(made.tree, made.plan, "web", made.project, ANY) as stack:
        assert stack.folder.parent == Path("/tmp")
    monkeypatch.setattr("deploygen.stack.folder.SOCKET_BYTES", 20)
    with (
        pytest.raises(DeploygenError, match="no folder for the sockets") as caught,
        running(made.tree, made.plan, "web", made.project, ANY),
    ):
        pass
    assert caught.value.hint == "TMPDIR=/tmp deploygen up"
