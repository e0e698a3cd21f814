"""A molecule scenario as the bed sees it: a description, and a container for each of its hosts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploygen.spec import Document, load
from testbed.engine import FOLDER, ROOT, TestbedError, prefix

EXAMPLES = ROOT / "examples"
SCENARIOS = ROOT / "molecule"
# Which image is which system: the suite of Debian that it is.
SUITES = {"debian-12": "bookworm", "debian-13": "trixie"}
LEFT_BEHIND = (".venv", "__pycache__", "instance", "staticfiles", "*.sqlite3*", ".pytest_cache")


@dataclass(frozen=True)
class Host:
    """One host of a scenario: a container of that image."""

    name: str
    group: str
    suite: str
    container: str


@dataclass(frozen=True)
class Scenario:
    """A folder of ``molecule/`` with a ``deploygen.yml``; ``project`` is the example with it."""

    name: str
    document: Document

    @property
    def prefix(self) -> str:
        """What names of this checkout's and scenario's containers begin with."""
        return f"{prefix()}-{self.name}"

    @property
    def work(self) -> Path:
        """What the scenario leaves on this machine."""
        return FOLDER / "molecule" / self.name

    @property
    def project(self) -> Path:
        """A user's project: the example, and the scenario's description."""
        return self.work / "project"

    @property
    def site(self) -> str:
        """The name that the site answers to."""
        return self.document.spec.proxy.server_names[0]

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All hosts that the description names."""
        return tuple(
            Host(name, group, SUITES[machine.os], f"{self.prefix}-{name}")
            for group, machine in self.document.spec.machines.items()
            for name in machine.hosts
        )

    def write_project(self) -> None:
        """Copy the example and the description: what a user has before the first render."""
        if self.project.exists():
            shutil.rmtree(self.project)
        shutil.copytree(
            EXAMPLES / self.document.spec.name,
            self.project,
            ignore=shutil.ignore_patterns(*LEFT_BEHIND),
        )
        shutil.copy(SCENARIOS / self.name / "deploygen.yml", self.project)
        # A repository of its own, as a user's project is: around it is one that ignores it.
        subprocess.run(["git", "init", "--quiet", str(self.project)], check=True)

    def render(self) -> None:
        """What the user does: ``deploygen render``."""
        subprocess.run(
            [Path(sys.executable).parent / "deploygen", "render"], cwd=self.project, check=True
        )


def scenario(name: str) -> Scenario:
    """The scenario of that name; its description is read as deploygen reads it."""
    path = SCENARIOS / name / "deploygen.yml"
    if not path.is_file():
        raise TestbedError(f"no scenario {name!r}: there is no {path}")
    return Scenario(name, load(str(path)))
