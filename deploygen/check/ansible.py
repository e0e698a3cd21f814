"""Playbooks and roles: ansible-playbook reads them, and ansible-lint where it is installed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploygen.check.command import Outcome, run
from deploygen.check.result import Result, Status
from deploygen.stack.programs import Missing, Program, find

FOLDER = "ansible"
PROGRAM = "ansible-playbook --syntax-check"
LINT = "ansible-lint --profile production"
# They import what else there is.
PLAYBOOKS = ("site.yml", "rollback.yml")
# Ansible alone takes seconds to start, and ansible-lint starts it for each playbook.
PATIENCE = 4


def check(tree: Path, paths: Sequence[str], seconds: float) -> Iterator[Result]:
    """One judgement of all files together: they are read as a whole."""
    if not paths:
        return
    status, program, detail = _judge(tree / FOLDER, seconds * PATIENCE)
    for path in paths:
        yield Result(path, status, program, detail)


def _judge(folder: Path, seconds: float) -> tuple[Status, str, str]:
    player, linter = beside("ansible-playbook"), beside("ansible-lint")
    if isinstance(player, Missing):
        return "not checked", PROGRAM, str(player)
    with tempfile.TemporaryDirectory(prefix="deploygen-ansible-") as home:
        for playbook in PLAYBOOKS:
            command = [*player.command, "--syntax-check", "--inventory=inventory.yml", playbook]
            outcome = _run(command, folder, home, player, seconds)
            if outcome.code != 0:
                return "failed", PROGRAM, _words(outcome)
        if isinstance(linter, Missing):
            return "passed", PROGRAM, f"but {linter}"
        command = [*linter.command, "--offline", "--nocolor", "-q", "--profile=production"]
        outcome = _run([*command, "."], folder, home, player, seconds)
        if outcome.code != 0:
            return "failed", LINT, _words(outcome)
    return "passed", f"{PROGRAM}, {LINT}", ""


def beside(name: str) -> Program | Missing:
    """The program of this very environment, or one on PATH."""
    own = Path(sys.executable).parent / name
    return Program(name, (str(own),)) if own.is_file() else find(name)


def _run(
    command: Sequence[str], folder: Path, home: str, player: Program, seconds: float
) -> Outcome:
    programs = f"{Path(player.command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {
        **os.environ,
        "PATH": programs,
        "LC_ALL": "C.UTF-8",
        "HOME": home,
        "ANSIBLE_HOME": home,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return run(command, cwd=folder, environment=environment, seconds=seconds)


def _words(outcome: Outcome) -> str:
    return outcome.timed_out or "\n".join(outcome.lines) or f"exit code {outcome.code}"
