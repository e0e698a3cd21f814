"""The bed's own podman: commands in its hosts go to the runtime, all else to podman."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testbed import entries

HOST = "deploygen-1-web"
COMMAND = ("sh", "-c", 'echo "a  b" $1', "sh", "--interactive")


@pytest.fixture
def bed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A podman and a runtime that print what they are asked, and a host that runs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("podman", "runtime"):
        program = programs / name
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' {name} \"$@\"\nexit 7\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    (tmp_path / "state/runtime/123").mkdir(parents=True)
    entries.add(tmp_path, HOST, "/usr/bin/runtime", "123")
    monkeypatch.setenv("PATH", entries.first_on_path(tmp_path, tmp_path / "state"))
    return tmp_path


def said(*words: str) -> list[str]:
    done = subprocess.run(["podman", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 7 and done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("how", [("exec",), ("exec", "--interactive")])
def test_a_command_in_a_host_is_the_runtimes(bed: Path, how: tuple[str, ...]) -> None:
    assert said(*how, HOST, *COMMAND) == ["runtime", "exec", "123", *COMMAND]


@pytest.mark.parametrize(
    "words",
    [
        ("ps", "--all"),
        ("exec", "another", *COMMAND),
        ("exec", "--user", "www-data", HOST, *COMMAND),
        ("restart", HOST),
        (),
    ],
)
def test_all_else_is_podmans(bed: Path, words: tuple[str, ...]) -> None:
    assert said(*words) == ["podman", *words]


def test_a_host_that_does_not_run_is_podmans(bed: Path) -> None:
    (bed / "state/runtime/123").rmdir()
    assert said("exec", HOST, "true") == ["podman", "exec", HOST, "true"]


def test_a_host_that_is_gone_is_podmans(bed: Path) -> None:
    entries.remove(bed, HOST)
    entries.remove(bed, HOST)
    assert said("exec", HOST, "true") == ["podman", "exec", HOST, "true"]


def test_it_never_calls_itself(bed: Path) -> None:
    """What it is started by may have it on PATH already."""
    path = entries.first_on_path(bed, bed / "state")
    assert path.count(f"{bed}/bin") == 1
    assert said("ps") == ["podman", "ps"]


def test_without_podman_path_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert entries.first_on_path(tmp_path) == str(tmp_path)
    assert not (tmp_path / "bin").exists()
