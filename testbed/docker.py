"""Docker for the tests: an engine of this checkout's own, and what its client needs.

The engine is Debian's ``docker.io``, started here and stopped by its number. Debian 12 has no
``docker compose`` and no ``docker buildx``: both come from Debian 13, by apt, which checks the
archive's signature, into this checkout's folder and not into the system.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from testbed import dockerd, engine, machine
from testbed.dockerd import run
from testbed.engine import FOLDER, Engine, TestbedError

PLUGINS = ("compose", "buildx")
# The Debian that the client's plugins come from, where the system has none.
SUITE = "trixie"
KEYRINGS = tuple(
    Path(f"/usr/share/keyrings/debian-archive-keyring.{ending}") for ending in ("gpg", "pgp")
)
STORE = FOLDER / "docker"
BUSY_S = 900


@contextmanager
def available() -> Iterator[Engine]:
    """A docker that answers: the one that was chosen, else one of this checkout's own.

    Chosen is what DOCKER_HOST names, and with TESTBED_ENGINE=docker the one that runs here.
    """
    chosen = os.environ.get("DOCKER_HOST")
    if chosen or os.environ.get("TESTBED_ENGINE") == "docker":
        found = Engine("docker", engine.configuration())
        _need_plugins(found.environment)
        yield found
        return
    STORE.mkdir(parents=True, exist_ok=True)
    with _alone(STORE), dockerd.daemon(STORE) as host:
        yield _ready(STORE, host)


def _ready(folder: Path, host: str) -> Engine:
    """The engine at ``host``, with a client that understands it and has its plugins."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    (config / "config.json").write_text("{}")
    more = {"DOCKER_HOST": host, "DOCKER_CONFIG": str(config)}
    choose_client(folder / "bin", {**os.environ, **more})
    bare = Engine("docker", engine.configuration())
    path = f"{folder / 'bin'}{os.pathsep}{bare.environment['PATH']}"
    found = Engine("docker", bare.conf, {**more, "PATH": path})
    if not _has_plugins(found.environment):
        plugins = fetch_plugins(folder / "plugins")
        (config / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(plugins)]}))
        _need_plugins(found.environment)
    return found


def choose_client(folder: Path, environment: Mapping[str, str]) -> None:
    """Put the first docker on PATH that the engine talks to into ``folder``.

    A client may be too new for an engine: since 29 it refuses Debian 12's.
    """
    tried = []
    for place in os.get_exec_path():
        client = Path(place, "docker")
        if place == str(folder) or not os.access(client, os.X_OK):
            continue
        done = run([str(client), "version"], environment)
        if done.returncode == 0:
            folder.mkdir(exist_ok=True)
            link = folder / "docker"
            link.unlink(missing_ok=True)
            link.symlink_to(client)
            return
        tried.append(f"{client}: {done.stderr.strip()[-300:]}")
    raise TestbedError(
        f"no docker client that the engine understands: {'; '.join(tried) or 'none'}"
    )


def _has_plugins(environment: Mapping[str, str]) -> bool:
    return all(run(["docker", name, "version"], environment).returncode == 0 for name in PLUGINS)


def _need_plugins(environment: Mapping[str, str]) -> None:
    for name in PLUGINS:
        done = run(["docker", name, "version"], environment)
        if done.returncode:
            raise TestbedError(f"docker {name} does not answer: {done.stderr.strip()[-300:]}")


def fetch_plugins(folder: Path, keyrings: Sequence[Path] = KEYRINGS) -> Path:
    """The folder of the plugins, fetched from Debian's archive if they are not there yet."""
    there = folder / "usr/libexec/docker/cli-plugins"
    if all((there / f"docker-{name}").exists() for name in PLUGINS):
        return there
    keyring = next((path for path in keyrings if path.exists()), None)
    if not keyring or not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise TestbedError(
            "docker compose and docker buildx are not installed, and without apt and Debian's "
            "keyring (debian-archive-keyring) they can't be fetched: install them for docker"
        )
    with tempfile.TemporaryDirectory(prefix="testbed-") as name:
        work = Path(name)
        (work / "lists/partial").mkdir(parents=True)
        (work / "archives/partial").mkdir(parents=True)
        source = f"deb [signed-by={keyring}] {machine.mirror().archive} {SUITE} main\n"
        (work / "sources.list").write_text(source)
        # The machine's proxies count, its own sources and its state do not.
        own = {
            "Dir::Etc::SourceList": work / "sources.list", "Dir::Etc::SourceParts": "-",
            "Dir::Etc::Preferences": "-", "Dir::Etc::PreferencesParts": "-",
            "Dir::State::Lists": work / "lists", "Dir::Cache": work,
            "APT::Get::AllowUnauthenticated": "false", "APT::Sandbox::User": "root",
        }  # fmt: skip
        apt = ["apt-get", "--quiet", *(f"-o{key}={value}" for key, value in own.items())]
        packages = [f"docker-{name}" for name in PLUGINS]
        # Any list that can't be fetched or trusted is an error, not a warning.
        commands = [
            [*apt, "-oAPT::Update::Error-Mode=any", "update"],
            [*apt, "download", *packages],
        ]
        for command in commands:
            done = run(command, os.environ, cwd=work)
            if done.returncode:
                raise TestbedError(
                    f"{SUITE}'s {', '.join(packages)}: {done.stderr.strip()[-1000:]}"
                )
        for package in sorted(work.glob("*.deb")):
            done = run(["dpkg-deb", "--extract", str(package), str(folder)], os.environ)
            if done.returncode:
                raise TestbedError(f"{package.name}: {done.stderr.strip()}")
    return there


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One engine on this checkout's store at a time."""
    with (folder / "lock").open("a") as lock:
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TestbedError(f"another run of this checkout keeps {folder}") from None
                time.sleep(1)
        yield
