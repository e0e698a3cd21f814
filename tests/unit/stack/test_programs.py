from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from deploygen.errors import DeploygenError
from deploygen.stack import programs
from deploygen.stack.programs import Gunicorn, Missing


def environment(folder: Path, version: str | None) -> Path:
    """A folder that looks like an environment, with a gunicorn of that version, or none."""
    python = folder / "bin/python"
    python.parent.mkdir(parents=True)
    answer = f"printf 'gunicorn {version}'" if version else "exit 1"
    python.write_text(f"#!/bin/sh\n{answer}\n")
    python.chmod(0o755)
    return python


@pytest.fixture(autouse=True)
def fresh() -> None:
    programs.gunicorn_version.cache_clear()


def found(project: Path, **environ: str) -> str:
    answer = programs.gunicorn(project, environ={"PATH": "/usr/bin:/bin", **environ})
    assert isinstance(answer, Gunicorn)
    return answer.python


def test_the_order(tmp_path: Path) -> None:
    venv = environment(tmp_path / "project/venv", "1.0")
    assert found(tmp_path / "project") == str(venv)
    dot_venv = environment(tmp_path / "project/.venv", "2.0")
    assert found(tmp_path / "project") == str(dot_venv)
    active = environment(tmp_path / "active", "3.0")
    assert found(tmp_path / "project", VIRTUAL_ENV=str(tmp_path / "active")) == str(active)
    asked = environment(tmp_path / "asked", "4.0")
    for python in (asked, tmp_path / "asked"):
        answer = programs.gunicorn(tmp_path / "project", python=str(python), environ={})
        assert answer == Gunicorn(str(asked), (4, 0))
        assert str(answer) == f"gunicorn 4.0 ({asked})"


def test_an_environment_without_gunicorn_is_passed_over_and_named(tmp_path: Path) -> None:
    empty = environment(tmp_path / ".venv", None)
    answer = programs.gunicorn(tmp_path, environ={"PATH": ""})
    assert isinstance(answer, Gunicorn)
    assert answer.python == sys.executable
    assert answer.looked == (str(empty),)


def test_the_environment_of_gunicorn_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment(tmp_path / "tools", "5.0")
    script = tmp_path / "bin/gunicorn"
    script.parent.mkdir()
    script.write_text(f"#!{python}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(environment(tmp_path / "own", None)))
    assert found(tmp_path / "project", PATH=str(script.parent)) == str(python)


def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(environment(tmp_path / "own", None)))
    answer = programs.gunicorn(tmp_path, environ={"PATH": ""})
    assert str(answer) == (
        "gunicorn is not installed (pip install gunicorn, in the project's environment)"
    )


def test_what_was_asked_for_must_have_it(tmp_path: Path) -> None:
    environment(tmp_path / "empty", None)
    with pytest.raises(DeploygenError, match="found no gunicorn in .*empty") as caught:
        programs.gunicorn(tmp_path, python=str(tmp_path / "empty"), environ={})
    assert "-m pip install gunicorn" in caught.value.hint
    with pytest.raises(DeploygenError, match="found no gunicorn in /nowhere") as caught:
        programs.gunicorn(tmp_path, python="/nowhere", environ={})
    assert "the folder of an environment" in caught.value.hint


def program(folder: Path, name: str, output: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{output}\nEND\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("output", "version", "openssl"),
    [
        ("nginx version: nginx/1.26.3\nbuilt with OpenSSL 3.5.1 1 Jul 2025", (1, 26, 3), (3, 5, 1)),
        (
            "nginx version: nginx/1.22.1 (Debian)\n"
            "built with OpenSSL 3.0.22 25 (running with OpenSSL 3.0.19 27 Jan)",
            (1, 22, 1),
            (3, 0, 19),
        ),
        ("something else", (), ()),
    ],
)
def test_versions_of_nginx(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    version: tuple[int, ...],
    openssl: tuple[int, ...],
) -> None:
    program(tmp_path, "nginx", output)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    answer = programs.nginx()
    assert not isinstance(answer, Missing)
    assert (answer.version, answer.openssl) == (version, openssl)


def test_how_to_get_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "FOLDERS", ())
    monkeypatch.setenv("PATH", "/nowhere")
    assert str(programs.nginx()) == (
        "nginx is not installed (apt install nginx (macOS: brew install nginx))"
    )
    assert "apt install systemd" in str(programs.systemd("systemd-analyze"))
