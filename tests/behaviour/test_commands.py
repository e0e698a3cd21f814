"""The commands that start something, as a person runs them: whole processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploygen.stack import ask
from tests.examples import ROOT
from tests.programs import needed

pytestmark = pytest.mark.slow

APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"well"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "deploygen.yml").write_text(
        'name: shop\napp: {entrypoint: "shop:application"}\n'
        "proxy: {server_names: [shop.example.org]}\n"
    )
    done = deploygen(tmp_path, "render")
    assert done.returncode == 0, done.stderr
    return tmp_path


def deploygen(project: Path, *arguments: str, ci: bool = False) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "deploygen", *arguments],
        cwd=project,
        env={**environ, **({"CI": "true"} if ci else {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_until_it_is_told_to_stop(project: Path, ending: signal.Signals) -> None:
    needed("nginx")
    command = [sys.executable, "-m", "deploygen", "up", "--json", "--port", "0"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        port = int(told["urls"][0].rstrip("/").rpartition(":")[2])
        answer = ask(("127.0.0.1", port), headers={"Host": "shop.example.org"})
        assert (answer.status, answer.body) == (200, b"well")
        process.send_signal(ending)
        assert process.wait(30) == 0
    for pid in (*told["pids"].values(), *told["workers"]):
        assert not Path(f"/proc/{pid}").exists()
    assert not Path(told["folder"]).exists()


def test_up_without_a_tree(tmp_path: Path) -> None:
    (tmp_path / "deploygen.yml").write_text(
        'name: shop\napp: {entrypoint: "shop:application"}\nproxy: {server_names: [a.org]}\n'
    )
    done = deploygen(tmp_path, "up")
    assert done.returncode == 1
    assert "run deploygen render first" in done.stderr


def test_up_of_an_application_that_does_not_start_shows_its_log(project: Path) -> None:
    (project / "shop.py").write_text("raise RuntimeError('the shop is closed')\n")
    done = deploygen(project, "up", "--port", "0")
    assert done.returncode == 1
    assert "the shop is closed" in done.stderr


def test_check_passes_what_was_rendered(project: Path) -> None:
    for program in ("nginx", "systemd-analyze"):
        needed(program)
    done = deploygen(project, "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "application imported" in done.stdout
    assert "FAILED" not in done.stdout


def test_check_fails_with_the_programs_own_words(project: Path) -> None:
    needed("nginx")
    asked = project / "deploy/hosts/web/etc/nginx/snippets/shop-proxy.conf"
    text = asked.read_text()
    assert "proxy_buffering on;" in text
    asked.write_text(text.replace("proxy_buffering on;", "proxy_bufering on;"))
    done = deploygen(project, "check")
    assert done.returncode == 1
    assert 'unknown directive "proxy_bufering"' in done.stdout


def test_what_is_not_checked_is_never_passed(project: Path) -> None:
    """Without any of the programs: named, exit 0 on a laptop, 1 in CI."""
    script = (
        "import shutil, sys; shutil.which = lambda *a, **k: None; "
        "from deploygen.__main__ import main; sys.argv = ['deploygen', 'check']; main()"
    )
    for ci, code in ((False, 0), (True, 1)):
        environ = {name: value for name, value in os.environ.items() if name != "CI"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=project,
            env={**environ, **({"CI": "true"} if ci else {})},
            capture_output=True,
            text=True,
            check=False,
        )
        site = next(line for line in done.stdout.splitlines() if "sites-available" in line)
        assert site.startswith("not checked")
        assert "nginx is not installed (apt install nginx" in site
        assert done.returncode == code, done.stderr


def test_the_demonstration(tmp_path: Path) -> None:
    """make demo, but for its environment: this one has what it needs."""
    needed("nginx")
    for name in ("scripts", "examples", "constraints.txt"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "scripts" / "demo.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("   200 ") == 3
    assert "processes left: none" in done.stdout
