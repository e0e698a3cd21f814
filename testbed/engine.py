"""The container engine: podman or docker, found, configured for this machine, and run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed import entries, machine

ROOT = Path(__file__).resolve().parent.parent
# What the bed writes for this checkout: configuration, logs, state. Not under version control.
FOLDER = ROOT / ".testbed"


class TestbedError(Exception):
    """The bed can't be made here; the text says what is missing and what to do."""

    __test__ = False  # a name for people, not a test for pytest


@dataclass(frozen=True)
class Engine:
    """A container engine that answers. ``name`` is podman or docker."""

    name: str
    conf: Path
    # Variables of this engine alone: where it listens, say.
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, and what the engine, Ansible and molecule need beside it."""
        path = entries.first_on_path(FOLDER)
        return {
            **os.environ,
            # molecule, Ansible and pytest call each other by name.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}",
            "CONTAINERS_CONF": str(self.conf),
            "TESTBED_ENGINE": self.name,
            "TESTBED_PREFIX": prefix(),
            "CONTAINER_ENGINE": self.name,
            "ANSIBLE_HOME": str(FOLDER / "ansible"),
            "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "roles" / "connection_plugins"),
            # Of hosts for which an inventory names no other: localhost stays local.
            "ANSIBLE_TRANSPORT": "container",
            **self.more,
        }

    def run(
        self, *arguments: str, check: bool = True, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """Run the engine; its output is kept, and told where it fails and ``check`` is set."""
        done = subprocess.run(
            [self.name, *arguments],
            check=False,
            text=True,
            env=self.environment,
            **{"stdin": subprocess.DEVNULL, "capture_output": True, **options},  # type: ignore[call-overload]
        )
        if check and done.returncode:
            raise TestbedError(f"{self.name} {' '.join(arguments[:3])} ...: {done.stderr.strip()}")
        return done  # type: ignore[no-any-return]

    def label(self, image: str, name: str) -> str | None:
        """A label of a local image: empty where it has none, None where there is no such image."""
        template = f'{{{{ index .Config.Labels "{name}" }}}}'
        done = self.run("image", "inspect", "--format", template, image, check=False)
        if done.returncode:
            bare = self.run("image", "inspect", image, check=False)
            return None if bare.returncode else ""
        return done.stdout.strip().replace("<no value>", "")


def prefix() -> str:
    """What the names of this checkout's containers begin with: checkouts may test side by side."""
    return f"deploygen-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"


def configuration() -> Path:
    """podman's configuration for this machine, written if it is not there yet."""
    FOLDER.mkdir(exist_ok=True)
    conf = FOLDER / "containers.conf"
    text = machine.containers_conf()
    if not conf.exists() or conf.read_text(encoding="utf-8") != text:
        conf.write_text(text, encoding="utf-8")
    return conf


def find() -> Engine:
    """The engine that TESTBED_ENGINE names, else podman, else a docker whose daemon answers."""
    named = os.environ.get("TESTBED_ENGINE")
    if named not in {None, "", "podman", "docker"}:
        raise TestbedError(f"TESTBED_ENGINE is {named!r}; allowed: podman, docker")
    conf = configuration()
    tried = []
    for name in [named] if named else ["podman", "docker"]:
        engine = Engine(name, conf)
        if not shutil.which(name):
            tried.append(f"{name} is not installed")
            continue
        answer = engine.run("ps", "--quiet", check=False)
        if answer.returncode == 0:
            return engine
        tried.append(f"{name} does not answer: {answer.stderr.strip()[-300:]}")
    raise TestbedError(
        f"no container engine: {'; '.join(tried)}. Install podman (make packages), "
        "or name another with TESTBED_ENGINE"
    )
