"""The engine, with what starts compose files, and the images that all stacks share."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from deploygen.stack import Response, ask
from testbed import docker, engine, images, machine
from tests.examples import ROOT, SECRETS, Example, example

NAMES = ("podman", "docker")
BASES = ("python-3.13", "nginx")
# This checkout's own: others may test on the same machine.
MARK = f"deploygen-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
COMMAND_S = 540


@dataclass(frozen=True)
class Engine:
    """A container engine: its own program, and the one that starts compose files with it."""

    name: str
    program: str
    compose: tuple[str, ...]
    environment: Mapping[str, str]
    # Compose files of the machine's own, beside an example's.
    more_files: tuple[str, ...] = ()

    def run(
        self, *arguments: str, check: bool = True, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        return _run((self.program, *arguments), self.environment, check=check, **more)

    def inspect(self, kind: str, name: str) -> Any:
        return json.loads(self.run(kind, "inspect", name).stdout)[0]

    def build(self, made: Example, target: str, tag: str, *options: str) -> None:
        """Build one image of an example, as its Dockerfile says in its first lines."""
        self.build_file(made.project, str(made.tree / "docker/Dockerfile"), target, tag, *options)

    def build_file(self, project: Path, file: str, target: str, tag: str, *options: str) -> None:
        """Build one image of a project, by the Dockerfile ``file``."""
        # podman's own format has no place for HEALTHCHECK.
        own = ("--format=docker", "--pull=never") if self.name == "podman" else ()
        words = ("build", *own, *options, "--file", file, "--target", target, "--tag", tag)
        self.run(*words, str(project))

    def layers(self, image: str) -> list[str]:
        return list(self.inspect("image", image)["RootFS"]["Layers"])


@contextmanager
def available(name: str, folder: Path) -> Iterator[Engine]:
    """The engine with the base images in its store. Missing, it fails CI, else it is skipped."""
    with ExitStack() as exits:
        try:
            found = exits.enter_context(ENGINES[name](folder))
        except engine.TestbedError as error:
            if os.environ.get("CI"):
                pytest.fail(f"{error}, and CI needs it")
            pytest.skip(str(error))
        yield found


@contextmanager
def _podman(folder: Path) -> Iterator[Engine]:
    found = _find("podman")
    for base in BASES:
        images.ensure(found, base)
    program = Path(sys.executable).with_name("podman-compose")
    yield Engine("podman", "podman", (str(program),), found.environment, _limits(folder))


@contextmanager
def _docker(folder: Path) -> Iterator[Engine]:
    with docker.available() as found:
        try:
            other = _find("podman")
        except engine.TestbedError:
            other = None
        for base in BASES:
            if other:
                images.ensure(other, base)
            images.ensure(found, base, other)
        yield Engine("docker", "docker", ("docker", "compose"), found.environment)


def _limits(folder: Path) -> tuple[str, ...]:
    """podman raises the number of processes where only files are limited: not every machine may."""
    if machine.open_files() is None:
        return ()
    folder.mkdir(parents=True, exist_ok=True)
    services = {name: {"ulimits": {"nproc": machine.NPROC}} for name in ("app", "proxy")}
    file = folder / "limits.yaml"
    file.write_text(json.dumps({"services": services}))
    return (str(file),)


def _find(name: str) -> engine.Engine:
    before = os.environ.get("TESTBED_ENGINE")
    os.environ["TESTBED_ENGINE"] = name
    try:
        return engine.find()
    finally:
        if before is None:
            del os.environ["TESTBED_ENGINE"]
        else:
            os.environ["TESTBED_ENGINE"] = before


def _run(
    command: Sequence[str], environment: Mapping[str, str], *, check: bool = True, **more: Any
) -> subprocess.CompletedProcess[str]:
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "timeout": COMMAND_S, **more}
    done = subprocess.run(
        list(command), env=dict(environment), text=True, errors="replace", capture_output=True,
        check=False, **options,
    )  # fmt: skip
    if check and done.returncode:
        told = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{told}")
    return done


ENGINES = {"podman": _podman, "docker": _docker}


class Engines:
    """Each engine, made ready at its first use, ended with the session."""

    def __init__(self, folder: Path, exits: ExitStack) -> None:
        self.folder, self.exits = folder, exits
        self.ready: dict[str, Engine] = {}

    def get(self, name: str) -> Engine:
        if name not in self.ready:
            self.ready[name] = self.exits.enter_context(available(name, self.folder / name))
        return self.ready[name]


@dataclass
class Stack:
    """An example's images, built, and its compose file, started."""

    engine: Engine
    made: Example
    port: int
    project: str
    environ: dict[str, str] = field(default_factory=dict)

    @cached_property
    def environment(self) -> dict[str, str]:
        return {
            **self.engine.environment,
            "HTTP_PORT": f"127.0.0.1:{self.port}",
            "SECRETS_DIR": str(self.made.project / "secrets"),
            "TAG": MARK,
            **self.environ,
        }

    def compose(
        self, *words: str, check: bool = True, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        files = [str(self.made.tree / "docker/compose.yaml"), *self.engine.more_files]
        named = [word for file in files for word in ("--file", file)]
        command = (*self.engine.compose, "--project-name", self.project, *named, *words)
        return _run(command, self.environment, check=check, **more)

    def build(self) -> None:
        """All images, by ``compose build`` where it can say all that a build needs."""
        if self.engine.name == "docker":
            self.compose("build")
            return
        name = self.made.name
        for target, tag in (("app", name), ("proxy", f"{name}-proxy")):
            self.engine.build(self.made, target, f"{tag}:{MARK}")

    def container(self, service: str) -> str:
        """The number of the service's container."""
        label = f"label=com.docker.compose.service={service}"
        project = f"label=com.docker.compose.project={self.project}"
        words = ("ps", "--all", "--quiet", "--filter", label, "--filter", project)
        found = self.engine.run(*words).stdout.split()
        assert len(found) == 1, (service, found)
        return found[0]

    def inside(self, service: str, *command: str) -> str:
        return self.engine.run("exec", self.container(service), *command).stdout

    def get(self, path: str, *, timeout_s: float = 10, **headers: str) -> Response:
        given = {"Host": self.made.host, **headers}
        return ask(("127.0.0.1", self.port), path, headers=given, timeout_s=timeout_s)

    def wait(self, seconds: float = 60) -> None:
        """Until the health answers through the proxy."""
        path, deadline = self.made.plan.spec.app.health or "/", time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError):
                if self.get(path).status == 200:
                    return
            time.sleep(0.2)
        logs = self.compose("logs", check=False)
        raise AssertionError(f"{path} does not answer: {logs.stdout[-4000:]}{logs.stderr[-4000:]}")

    def wait_healthy(self, service: str, seconds: float = 60) -> None:
        """Until the engine itself says so."""
        deadline = time.monotonic() + seconds
        while (state := self._health(service)) != "healthy":
            assert time.monotonic() < deadline, (service, state)
            time.sleep(0.2)

    def _health(self, service: str) -> str:
        state = self.engine.inspect("container", self.container(service))["State"]
        return str(state["Health"]["Status"])


@contextmanager
def up(found: Engine, name: str, folder: Path) -> Iterator[Stack]:
    """Build the example's images, run its release, start it; stopped and removed at the end."""
    stack = Stack(found, project(name, folder), free_port(), f"{MARK}-{name}")
    try:
        stack.build()
        stack.compose("up", "--detach", "--no-build")
        stack.wait()
        yield stack
    finally:
        stack.compose("down", "--volumes", check=False)


def project(name: str, folder: Path) -> Example:
    """An example, rendered for containers, with things beside it that no image may get."""
    # What most projects have in their root, and mean to keep there.
    made = example(name, folder, os="debian-13", more="containers: {memory: 400M}\n")
    (made.project / ".env").write_text("PRIVATE=never-in-an-image\n")
    (made.project / ".git").mkdir()
    (made.project / ".git/config").write_text("never-in-an-image\n")
    secrets = made.project / "secrets"
    secrets.mkdir(mode=0o700)
    for secret, value in SECRETS.items():
        (secrets / secret).write_text(value)
        (secrets / secret).chmod(0o444)
    return made


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
