"""Debian's docker engine, started for this checkout alone, and stopped by its number."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from testbed import machine
from testbed.engine import TestbedError

# Private addresses that few networks use: the engine's bridge gets the first free /24.
ADDRESSES = ipaddress.IPv4Network("10.222.0.0/16")
START_S, STOP_S = 60, 60


@contextmanager
def daemon(folder: Path) -> Iterator[str]:
    """Debian's engine with its store in ``folder``: its address. Stopped at the end."""
    if os.geteuid() or not shutil.which("dockerd"):
        raise TestbedError(
            "an engine of docker's own needs root and docker.io (make packages); "
            "or name one that runs with DOCKER_HOST or TESTBED_ENGINE=docker"
        )
    with ExitStack() as exits:
        # Sockets have short paths.
        run = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="testbed-", dir="/run")))
        host = f"unix://{run}/docker.sock"
        command = [
            # Whatever becomes of the tests, the engine ends with them.
            "setpriv", "--pdeathsig", "TERM",
            "dockerd", "--host", host, "--data-root", str(folder / "data"),
            "--exec-root", str(run / "exec"), "--pidfile", str(run / "pid"),
            "--bridge", exits.enter_context(_bridge(folder)),
        ]  # fmt: skip
        if files := machine.open_files():
            command += ["--default-ulimit", f"nofile={files}:{files}"]
        log = exits.enter_context((folder / "log").open("w"))
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        exits.callback(_stop, process, host)
        deadline = time.monotonic() + START_S
        while not _answers(run / "docker.sock"):
            if process.poll() is not None or time.monotonic() > deadline:
                told = (folder / "log").read_text(errors="replace")[-1000:]
                raise TestbedError(f"dockerd does not start: {told}")
            time.sleep(0.1)
        yield host


def _stop(process: subprocess.Popen[bytes], host: str) -> None:
    """What a failed test left goes first: its networks and mounts are the machine's."""
    if process.poll() is None:
        environment = {**os.environ, "DOCKER_HOST": host}
        left = run(["docker", "ps", "--all", "--quiet"], environment).stdout.split()
        if left:
            run(["docker", "rm", "--force", "--volumes", *left], environment)
        run(["docker", "network", "prune", "--force"], environment)
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(path: Path) -> bool:
    """Whether the engine takes requests: it makes its socket long before."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        try:
            sock.connect(str(path))
            sock.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = http.client.HTTPResponse(sock)
            answer.begin()
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 200


def bridge_name(folder: Path) -> str:
    """The bridge of the engine whose store is in ``folder``: docker0 may be another engine's."""
    return f"dg-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


@contextmanager
def _bridge(folder: Path) -> Iterator[str]:
    name = bridge_name(folder)
    # As podman does. Where docker must do it, it also drops what others forward.
    forward = Path("/proc/sys/net/ipv4/ip_forward")
    if forward.read_text().strip() == "0":
        forward.write_text("1")
    _remove(name)  # of a run that was killed
    with machine.alone("network"):
        address = f"{next(_free_network().hosts())}/24"
        _ip("link", "add", name, "type", "bridge")
        _ip("address", "add", address, "dev", name)
        _ip("link", "set", name, "up")
    try:
        yield name
    finally:
        _remove(name)


def _ip(*words: str) -> None:
    done = run(["ip", *words], os.environ)
    if done.returncode:
        raise TestbedError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _free_network() -> ipaddress.IPv4Network:
    routes = run(["ip", "-4", "route"], os.environ).stdout.splitlines()
    taken = [ipaddress.IPv4Network(line.split()[0]) for line in routes if line[:1].isdigit()]
    for network in ADDRESSES.subnets(new_prefix=24):
        if not any(network.overlaps(other) for other in taken):
            return network
    raise TestbedError(f"no free network in {ADDRESSES}")


def _remove(bridge: str) -> None:
    """The bridge, and the engine's rules for it, which outlive the engine."""
    run(["ip", "link", "delete", bridge], os.environ)
    for table in ("filter", "nat"):
        rules = run(["iptables", "--wait", "-t", table, "-S"], os.environ).stdout.splitlines()
        for rule in rules:
            words = shlex.split(rule)
            if bridge in words and words[0] == "-A":
                run(["iptables", "--wait", "-t", table, "-D", *words[1:]], os.environ)


def run(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; 127 where there is none, or it has no end."""
    try:
        return subprocess.run(
            list(command), check=False, capture_output=True, text=True, errors="replace", cwd=cwd,
            stdin=subprocess.DEVNULL, env={**environment, "LC_ALL": "C"}, timeout=300,
        )  # fmt: skip
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
