"""The bed's images: they are there, they are what they say, and the second time costs nothing."""

from __future__ import annotations

import json
import os
import signal

import pytest

from testbed import engine, images

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found() -> engine.Engine:
    try:
        return engine.find()
    except engine.TestbedError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}, and CI needs one")
        pytest.skip(str(error))


@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_a_python_base_image(found: engine.Engine, version: str) -> None:
    image = images.ensure(found, f"python-{version}")
    created = found.run("image", "inspect", "--format", "{{.Created}}", image).stdout
    script = (
        "python -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])' && "
        "python -m venv /tmp/v && /tmp/v/bin/python -m pip --version && pip --version"
    )
    told = found.run("run", "--rm", "--network=none", image, "sh", "-ec", script).stdout
    assert told.splitlines()[0] == version
    assert images.ensure(found, f"python-{version}") == image
    again = found.run("image", "inspect", "--format", "{{.Created}}", image).stdout
    assert again == created, "it was made a second time"


@pytest.mark.parametrize(("suite", "systemd"), [("bookworm", "252"), ("trixie", "257")])
def test_a_host_image(found: engine.Engine, suite: str, systemd: str) -> None:
    if os.environ.get(images.RECIPES[suite].variable):
        pytest.skip("an image of the user's own")
    image = images.ensure(found, suite)
    plain = ("--rm", "--network=none", "--env=SYSTEMD_COLORS=0")
    told = found.run("run", *plain, image, "systemctl", "--version").stdout
    assert told.split()[1] == systemd
    config = json.loads(found.run("image", "inspect", image).stdout)[0]["Config"]
    assert config["Cmd"] == ["/sbin/init"]
    # What systemd takes for "shut down". podman keeps its number, docker its name.
    assert config["StopSignal"] in {str(signal.SIGRTMIN + 3), "SIGRTMIN+3"}
