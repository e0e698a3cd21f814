"""The sandbox lets gunicorn do what it has to, and refuses what administers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploygen import plan, targets
from deploygen.render import render
from deploygen.spec import parse
from tests.programs import needed

SPEC = "name: shop\napp: {entrypoint: 'a:b'}\nproxy: {server_names: [shop.example.org]}\n"


def unit() -> list[str]:
    made = plan.make(parse(SPEC).spec)
    files = {file.path: file.content.decode() for file in render(targets.files(made))}
    return files["hosts/web/etc/systemd/system/shop@.service"].splitlines()


def calls(word: str) -> set[str]:
    """A system call, or all of a set: systemd says what is in it."""
    if not word.startswith("@"):
        return {word}
    told = subprocess.run(
        [needed("systemd-analyze"), "syscall-filter", "--no-pager", word],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = [line.strip() for line in told.splitlines()[1:]]
    return {each for name in words if name and name[0] != "#" for each in calls(name)}


def allowed() -> set[str]:
    """The calls that do something, or say that they did: those with the error number 0."""
    found: set[str] = set()
    for line in unit():
        if line.startswith("SystemCallFilter="):
            value = line.removeprefix("SystemCallFilter=")
            if value.endswith(":0"):
                found |= calls(value.removeprefix("~").removesuffix(":0"))
                continue
            named = {call for word in value.removeprefix("~").split() for call in calls(word)}
            found = found - named if value.startswith("~") else found | named
    return found


def test_the_calls_that_gunicorn_makes() -> None:
    # gunicorn gives its unix socket to its own user and group: without chown it does not start.
    wanted = {"chown", "fchown", "bind", "listen", "accept4", "clone", "execve", "kill", "umask"}
    assert wanted <= allowed()


def test_the_calls_that_administer_are_refused() -> None:
    refused = {"mount", "reboot", "setuid", "chroot", "init_module", "ptrace", "bpf"}
    assert not refused & allowed()


@pytest.mark.parametrize(
    ("network", "most"), [("internet", 1.1), ("localhost", 0.9), ("none", 0.2)]
)
def test_the_exposure(network: str, most: float, tmp_path: Path) -> None:
    """The figures of docs/targets/systemd.md."""
    made = plan.make(parse(SPEC.replace("'a:b'", f"'a:b', network: {network}")).spec)
    files = {file.path: file.content for file in render(targets.files(made))}
    path = tmp_path / "shop@blue.service"
    path.write_bytes(files["hosts/web/etc/systemd/system/shop@.service"])
    told = subprocess.run(
        [needed("systemd-analyze"), "security", "--offline=true", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    [found] = [line for line in told.splitlines() if "Overall exposure level" in line]
    assert float(found.rpartition(": ")[2].split()[0]) <= most
