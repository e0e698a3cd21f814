#!/usr/bin/python
# deploygen: a release beside the running one: its code, and an environment to run it.
"""Ansible module: unpacks a release and installs what it needs, or leaves nothing behind."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: deploygen_build
short_description: Unpacks a release and makes its virtual environment
description:
  - The environment is named by a hash of what it is made from (requirements or lock file, Python,
    install commands), so that a release which changes code only shares the last one's.
  - What fails is removed again. What a run that was killed left half-made is made anew.
options:
  home: {type: path, required: true, description: "/srv/NAME."}
  id: {type: str, required: true, description: Names the release.}
  archive: {type: path, description: The code; needed while the release is not there.}
  owner: {type: str, required: true, description: "The user that the application runs as."}
  python: {type: str, default: python3, description: Makes the environment.}
  install: {type: list, elements: str, default: [], description: Shell commands that fill it.}
  inputs: {type: list, elements: str, default: [], description: Files that say what to install.}
  whole: {type: bool, default: false, description: The project's code is installed as well.}
  links: {type: dict, default: {}, description: "Path in the release -> what it is a link to."}
author: [deploygen]
"""
EXAMPLES = r"""
- name: Build the release
  deploygen_build: {home: /srv/shop, id: 3f2a9c01d4e8, archive: /root/code.tar.gz, owner: shop,
                    install: ['"$VENV"/bin/pip install -r requirements.txt'],
                    inputs: [requirements.txt]}
"""
RETURN = r"""
missing: {type: bool, returned: unless built, description: It is not there, or not whole.}
release: {type: str, returned: always, description: The release's folder.}
venv: {type: str, returned: when built, description: The environment's folder.}
"""

# Written last: without it, folder and environment are half-made.
COMPLETE = ".deploygen-complete"
LINES = 30
KEY_LENGTH = 16


class RefusedError(Exception):
    """Why there is no release, in words."""


def nested(folder: Path, inputs: list[str]) -> tuple[list[Path], bool]:
    """(requirement files, those that they name included; whether they install local code)."""
    found: list[Path] = []
    local = False
    waiting = [folder / name for name in inputs]
    while waiting:
        file = waiting.pop(0)
        if file in found or not file.is_file():
            continue
        found.append(file)
        if file.suffix not in (".txt", ".in"):
            continue
        for line in file.read_text(errors="replace").splitlines():
            words = line.split("#")[0].replace("=", " ", 1).split()
            if len(words) > 1 and words[0] in ("-r", "-c", "--requirement", "--constraint"):
                waiting.append(file.parent / words[1])
            elif words and (
                words[0] in ("-e", "--editable") or words[0][0] in "./" or "file:" in line
            ):
                local = True
    return found, local


def key(python: str, install: list[str], files: list[Path], release: str) -> str:
    """Names an environment: the same for two releases that need the same."""
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version, sys.base_prefix)"],
        capture_output=True,
        check=True,
    ).stdout
    whole = hashlib.sha256()
    for part in (version, *(text.encode() for text in install), release.encode()):
        whole.update(b"%d:%s" % (len(part), part))
    for file in files:
        whole.update(file.read_bytes())
    return whole.hexdigest()[:KEY_LENGTH]


def unpack(archive: Path, folder: Path, links: dict[str, str], owner: str) -> None:
    """The code at ``folder``, whole or not at all."""
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir(mode=0o755)
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(half, filter="tar")
            else:
                tar.extractall(half)  # noqa: S202 (packed by deploygen_archive)
        for name, target in links.items():
            place = half / name
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)
        subprocess.run(
            ["chown", "--recursive", "--no-dereference", f"{owner}:", str(half)],
            check=True,
            capture_output=True,
        )
        shutil.rmtree(folder, ignore_errors=True)
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def environment(venv: Path, folder: Path, python: str, install: list[str]) -> None:
    """A virtual environment for the code in ``folder``. Raises RefusedError."""
    shutil.rmtree(venv, ignore_errors=True)
    try:
        _run([python, "-m", "venv", str(venv)], folder, venv)
        for command in install:
            _run(["/bin/sh", "-e", "-c", command], folder, venv)
        (venv / COMPLETE).touch()
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise


def _run(command: list[str], folder: Path, venv: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "VENV": str(venv),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PATH": f"{venv}/bin:{os.environ.get('PATH', '/usr/bin:/bin')}",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace").splitlines()[-LINES:]
        raise RefusedError(f"{command[-1]} failed:\n" + "\n".join(said))


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Two builds at once would undo each other; the second one is told."""
    handle = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RefusedError(f"another release is being made in {home}") from None
    finally:
        os.close(handle)


def is_whole(folder: Path) -> bool:
    """Whether a release is there with an environment, both complete."""
    return (folder / COMPLETE).is_file() and (folder / ".venv" / COMPLETE).is_file()


def build(params: dict[str, object]) -> Path:
    """The release's environment, made where it is missing. Raises RefusedError."""
    home, name = Path(str(params["home"])), str(params["id"])
    folder = home / "releases" / name
    if not params["archive"]:
        raise RefusedError(f"{folder} is not there, and no archive to make it from")
    links, install = dict(params["links"]), list(params["install"])  # type: ignore[call-overload]
    unpack(Path(str(params["archive"])), folder, links, str(params["owner"]))
    try:
        files, local = nested(folder, list(params["inputs"]))  # type: ignore[call-overload]
        own = name if params["whole"] or local else ""
        python = str(params["python"])
        venv = home / "venvs" / key(python, install, files, own)
        if not (venv / COMPLETE).is_file():
            environment(venv, folder, python, install)
        (folder / ".venv").symlink_to(venv)
        (folder / COMPLETE).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return venv


def main() -> None:
    """Run by Ansible."""
    module = AnsibleModule(
        argument_spec={
            "home": {"type": "path", "required": True},
            "id": {"type": "str", "required": True},
            "archive": {"type": "path"},
            "owner": {"type": "str", "required": True},
            "python": {"type": "str", "default": "python3"},
            "install": {"type": "list", "elements": "str", "default": []},
            "inputs": {"type": "list", "elements": "str", "default": []},
            "whole": {"type": "bool", "default": False},
            "links": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    folder = Path(module.params["home"]) / "releases" / module.params["id"]
    if is_whole(folder) or module.check_mode:
        missing = not is_whole(folder)
        module.exit_json(changed=missing, missing=missing, release=str(folder))
    try:
        with alone(folder.parent.parent):
            venv = build(module.params)
    except (RefusedError, OSError, tarfile.TarError, subprocess.CalledProcessError) as error:
        module.fail_json(msg=f"release {folder.name} is not built, the old one serves on: {error}")
    finally:
        if module.params["archive"]:
            Path(module.params["archive"]).unlink(missing_ok=True)
    module.exit_json(changed=True, release=str(folder), venv=str(venv))


if __name__ == "__main__":
    main()
