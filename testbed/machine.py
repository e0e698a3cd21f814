"""What this machine has, and what its containers need of it to be equals of it.

Nothing here is written down in the repository: mirrors, indexes and certificates are the machine's
own, and are read at the moment that an image is made.
"""

from __future__ import annotations

import fcntl
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# podman's own default for a container's open files: more than some machines may grant.
# containers.conf(5), default_ulimits
PODMAN_NOFILE = 1_048_576
# Enough for systemd and everything that a host of these tests runs, few enough to stop a fork bomb.
NPROC = 32_768
CAP_SYS_RESOURCE = 24
# Debian's public mirrors, for a machine whose own sources are not Debian's.
DEBIAN = "http://deb.debian.org/debian"
DEBIAN_SECURITY = "http://deb.debian.org/debian-security"


def cgroup_controllers() -> tuple[str, ...]:
    """Version 1 controllers that are mounted one by one; none where cgroups are version 2."""
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return ()
    wanted = ("memory", "pids", "cpu", "cpuacct")
    return tuple(name for name in wanted if (root / name).is_dir())


def may_raise_limits() -> bool:
    """Whether this process has CAP_SYS_RESOURCE. proc(5), CapEff"""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    return bool(found and int(found[1], 16) >> CAP_SYS_RESOURCE & 1)


def open_files() -> int | None:
    """The most open files that a container may have here; None where engines' own limit holds."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return files if not may_raise_limits() and 0 <= files < PODMAN_NOFILE else None


def containers_conf() -> str:
    """podman's configuration for this machine. containers.conf(5)"""
    engine, containers = [], []
    if cgroup_controllers():
        engine.append('runtime = "runc"  # crun refuses hybrid cgroups')
    if not Path("/run/systemd/system").is_dir():
        engine += ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']
    files = open_files()
    if files is not None:
        tasks = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        tasks = NPROC if tasks < 0 else min(tasks, NPROC)
        containers.append(
            f'default_ulimits = ["nofile={files}:{files}", "nproc={tasks}:{tasks}"]'
            "  # no more than this machine may grant"
        )
    return "\n".join(["[engine]", *engine, "", "[containers]", *containers, ""])


@dataclass(frozen=True)
class Mirror:
    """Where this machine gets Debian from: an archive and its security updates."""

    archive: str
    security: str

    def sources(self, suite: str) -> str:
        """The lines of an apt ``sources.list`` for a suite."""
        return (
            f"deb {self.archive} {suite} main\n"
            f"deb {self.archive} {suite}-updates main\n"
            f"deb {self.security} {suite}-security main\n"
        )


def mirror() -> Mirror:
    """The mirrors that this machine's apt uses for its own Debian, else the public ones."""
    codename = _os_release().get("VERSION_CODENAME", "")
    if _os_release().get("ID") != "debian" or not codename:
        return Mirror(DEBIAN, DEBIAN_SECURITY)
    listed = _output(
        "apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"
    )
    uris = dict(reversed([line.split(" ", 1) for line in listed.splitlines() if " " in line]))
    return Mirror(
        uris.get(codename, DEBIAN).rstrip("/"),
        uris.get(f"{codename}-security", DEBIAN_SECURITY).rstrip("/"),
    )


def apt_options() -> list[str]:
    """This machine's proxies and tolerances of apt, in the form of apt.conf(5)."""
    kept = re.compile(r'^Acquire::(https?::Proxy(::[^ ]+)?|Check-[^ ]+|https?::CA[^ ]+) "')
    return [
        line for line in _output("apt-config", "dump", "Acquire").splitlines() if kept.match(line)
    ]


def pip_conf() -> str:
    """This machine's indexes and certificates for pip, as far as a container can reach them.

    An index that is a folder of this machine stays behind, and so does a constraints file.
    """
    lines = ["[global]", f"cert = {CA_BUNDLE}", "disable-pip-version-check = true"]
    listed = _output(sys.executable, "-m", "pip", "config", "list")
    for key, value in re.findall(r"^[\w:.]*\.([\w-]+)=(['\"].*['\"])$", listed, re.MULTILINE):
        text = value[1:-1]
        if key in {"index-url", "extra-index-url"}:
            text = " ".join(
                url for url in text.split() if urlsplit(url).scheme in {"http", "https"}
            )
        elif key not in {"trusted-host", "proxy", "default-timeout", "timeout"}:
            continue
        if text:
            lines.append(f"{key} = {text}")
    return "\n".join(dict.fromkeys(lines)) + "\n"


@contextmanager
def alone(what: str) -> Iterator[None]:
    """One checkout at a time makes ``what``: they share the machine, and the engine's store."""
    path = Path(tempfile.gettempdir(), f"deploygen-testbed-{os.getuid()}-{what}.lock")
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _os_release() -> dict[str, str]:
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return {}
    return {key: value.strip('"') for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)}


def _output(*command: str) -> str:
    """What a program prints; nothing where there is no such program."""
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
