"""The bed's own docker: beside another, ended with its tests, its client's plugins trusted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from deploygen.stack import ask
from testbed import docker, dockerd, engine, images
from testbed.engine import Engine, TestbedError
from tests.containers.engines import Engines
from tests.examples import ROOT

pytestmark = pytest.mark.slow


def test_two_engines_run_side_by_side(engines: Engines, tmp_path: Path) -> None:
    first = engines.get("docker")
    serve = ("python", "-m", "http.server", "--directory", "/srv", "8000")
    words = ("--detach", "--rm", "--publish", "127.0.0.1::8000", "python:3.13-slim")
    container = first.run("run", *words, *serve).stdout.strip()
    port = first.run("port", container, "8000").stdout.strip().rpartition(":")[2]
    ours = _of_the_machine(dockerd.bridge_name(docker.STORE))
    with dockerd.daemon(tmp_path) as host:
        second = {**first.environment, "DOCKER_HOST": host}
        assert _told("docker", "ps", "--quiet", environment=second) == ""
        network = _told("docker", "network", "create", "left-behind", environment=second)
        bridges = (dockerd.bridge_name(tmp_path), f"br-{network[:12]}")
        assert {line[:3] for line in _of_the_machine(*bridges)} >= {"-A ", "dg-", "br-"}
        assert _served(port)
        run = Path(host.removeprefix("unix://")).parent
        number = int((run / "pid").read_text())
    assert not run.exists() and not Path(f"/proc/{number}").exists()
    assert _of_the_machine(*bridges) == set()
    # Each empties the chains that are docker's by name. What lets packets in and out is kept.
    kept = {line for line in ours if line.startswith(("-A FORWARD", "-A POSTROUTING"))}
    assert kept and kept <= _of_the_machine(dockerd.bridge_name(docker.STORE))
    assert _served(port)
    first.run("rm", "--force", container)


STARTS = """
import pathlib, sys, time
from testbed import dockerd
with dockerd.daemon(pathlib.Path(sys.argv[1])) as host:
    print(host, flush=True)
    time.sleep(600)
"""


def test_an_engine_ends_with_who_started_it(engines: Engines, tmp_path: Path) -> None:
    engines.get("docker")  # else this machine has none, and the test no meaning
    bridge = dockerd.bridge_name(tmp_path)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout
    with starter, starter.stdout:
        run = Path(starter.stdout.readline().strip().removeprefix("unix://")).parent
        number = int((run / "pid").read_text())
        starter.send_signal(signal.SIGKILL)
    _gone(number)
    # The bridge is still there: the next engine on the same store takes it away.
    assert _of_the_machine(bridge)
    with dockerd.daemon(tmp_path):
        pass
    assert _of_the_machine(bridge) == set()
    # Sockets and folders of the killed one, which nobody could remove for it.
    subprocess.run(["rm", "-r", str(run)], check=True)


SMALL = "localhost/deploygen-small:latest"


def small(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, image: str, change: str = "USER nobody"
) -> Callable[[], str]:
    """Makes the smallest Debian by docker alone, under that name."""
    found = Engine("docker", engine.configuration(), engines.get("docker").environment)
    recipe = images.Recipe(
        name="small",
        suite="bookworm",
        packages=("base-files",),
        script="true",
        changes=('CMD ["/sbin/init"]', "STOPSIGNAL SIGRTMIN+3", change),
        image=image,
        variable="TESTBED_IMAGE_SMALL",
    )
    monkeypatch.setitem(images.RECIPES, "small", recipe)
    return lambda: images.ensure(found, "small")


def test_docker_alone_makes_an_image(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """podman takes all of a recipe as it imports the image, and docker does not."""
    make = small(engines, monkeypatch, SMALL)
    first = engines.get("docker").inspect("image", make())
    assert first["Config"]["Cmd"] == ["/sbin/init"]
    assert first["Config"]["StopSignal"] == "SIGRTMIN+3"
    assert engines.get("docker").inspect("image", make())["Id"] == first["Id"], "made once"
    engines.get("docker").run("rmi", "--force", SMALL)


def test_half_an_image_has_no_name(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a label it would pass for the registry's own, the next time."""
    make = small(engines, monkeypatch, SMALL, change="NO_SUCH_WORD")
    with pytest.raises(TestbedError, match="NO_SUCH_WORD"):
        make()
    names = engines.get("docker").run("images", "--format", "{{.Repository}}").stdout.split()
    assert SMALL.partition(":")[0] not in names


def test_an_image_that_docker_does_not_take(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mmdebstrap then hangs up on its process group, which must not be ours."""
    make = small(engines, monkeypatch, "localhost/No-Such-Name:latest")
    with pytest.raises(TestbedError, match=r"No-Such-Name.* must be lowercase"):
        make()


def test_plugins_that_nobody_signed_are_not_taken(engines: Engines, tmp_path: Path) -> None:
    engines.get("docker")
    keyring = tmp_path / "nobodys.gpg"
    keyring.write_bytes(b"")
    with pytest.raises(TestbedError, match=r"trixie.*(not signed|couldn't be verified|NO_PUBKEY)"):
        docker.fetch_plugins(tmp_path / "plugins", [keyring])
    assert not (tmp_path / "plugins").exists()


def test_a_client_that_the_engine_does_not_understand_is_passed_over(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = engines.get("docker")
    refused = tmp_path / "new/docker"
    refused.parent.mkdir()
    refused.write_text("#!/bin/sh\necho 'client version 9.99 is too new' >&2\nexit 1\n")
    refused.chmod(0o755)
    monkeypatch.setenv("PATH", f"{refused.parent}{os.pathsep}{os.environ['PATH']}")
    docker.choose_client(tmp_path / "bin", found.environment)
    chosen = (tmp_path / "bin/docker").readlink()
    assert chosen != refused
    assert _told(str(chosen), "version", environment=dict(found.environment))
    monkeypatch.setenv("PATH", str(refused.parent))
    with pytest.raises(TestbedError, match=r"9\.99 is too new"):
        docker.choose_client(tmp_path / "bin", found.environment)


def test_an_engine_that_was_chosen_is_taken(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = engines.get("docker")
    for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, running.environment[name])
    with docker.available() as found:
        assert found.run("info", "--format", "{{.ID}}").stdout == (
            running.run("info", "--format", "{{.ID}}").stdout
        )
    assert running.run("version").returncode == 0, "it is not ours to stop"


def _of_the_machine(*bridges: str) -> set[str]:
    """The bridges of these names, and the firewall's rules for them."""
    lines = [line.split()[0] for line in _told("ip", "-brief", "link").splitlines()]
    for table in ("filter", "nat"):
        lines += _told("iptables", "--wait", "-t", table, "-S").splitlines()
    return {line for line in lines if any(bridge in line for bridge in bridges)}


def _served(port: str) -> bool:
    return ask(("127.0.0.1", int(port)), "/").status == 200


def _told(*command: str, environment: dict[str, str] | None = None) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, timeout=60
    ).stdout


def _gone(number: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.kill(number, 0)
            time.sleep(0.1)
            continue
        return
    raise AssertionError(f"{number} still runs")
