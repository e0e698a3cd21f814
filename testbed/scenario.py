"""A molecule scenario as the bed sees it: a description, and a container for each of its hosts."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
import sys
from collections.abc import Iterator
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
    """One host of a scenario: a container of that image.

    ``address`` is the one that the description gives it; any other will do where it is empty.
    """

    name: str
    group: str
    suite: str
    container: str
    address: str = ""


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
        """All hosts that the description names; the first is the one that clients come to."""
        return (*self._front(), *self._application())

    def _front(self) -> Iterator[Host]:
        front = self.document.spec.front
        if front:
            # In the order of the hosts; behind them, who else is believed.
            for name, address in zip(front.hosts, front.networks, strict=False):
                yield self._host(name, "front", front.os, address)

    def _application(self) -> Iterator[Host]:
        spec = self.document.spec
        addresses = spec.front.addresses if spec.front else {}
        for group, machine in spec.machines.items():
            for name in machine.hosts:
                yield self._host(name, group, machine.os, addresses.get(name, ""))

    def _host(self, name: str, group: str, system: str, address: str) -> Host:
        return Host(name, group, SUITES[system], f"{self.prefix}-{name}", address)

    @property
    def served(self) -> Host:
        """The first host of the application; without a front, clients come to it."""
        return next(self._application())

    @property
    def subnet(self) -> str:
        """The network that the hosts' addresses are of; empty where the description has none."""
        given = [host.address for host in self.hosts if host.address]
        return str(ipaddress.ip_network(f"{given[0]}/24", strict=False)) if given else ""

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
