"""The molecule scenario that is rendered for the user's own application, run as a user does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploygen.plan.trial import trial
from testbed import engine, images, machine
from tests.examples import example

pytestmark = pytest.mark.slow

MOST_SECONDS = 900


@pytest.fixture(scope="module")
def found() -> engine.Engine:
    """The engine; where there is none the test is skipped, and fails in CI."""
    try:
        return engine.find()
    except engine.TestbedError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}, and CI needs one")
        pytest.skip(str(error))


@pytest.fixture
def scenario(found: engine.Engine, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The rendered ansible/ folder of an example, and the environment of ``molecule test``."""
    made = example("flaskboard", tmp_path)
    folder = made.tree / "ansible"
    planned = trial(made.plan)
    binds = [
        f"--volume=/sys/fs/cgroup/{name}:/sys/fs/cgroup/{name}:rw"
        for name in machine.cgroup_controllers()
    ]
    environment = {
        **{k: v for k, v in found.environment.items() if not k.startswith(("ANSIBLE", "TESTBED"))},
        "HOME": str(tmp_path),
        "CONTAINERS_CONF": str(found.conf),
        "CONTAINER_ENGINE": found.name,
        # The stand-in for the registry's image has the test bed's package index.
        "MOLECULE_BASE_IMAGE": images.ensure(found, "bookworm"),
        "MOLECULE_RUN_OPTIONS": " ".join(binds),
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
    }
    try:
        yield folder, environment
    finally:
        for host in planned.workers:
            found.run("rm", "--force", "--volumes", f"{planned.prefix}-{host}", check=False)
        found.run("network", "rm", planned.prefix, check=False)
        for system in planned.systems:
            found.run("rmi", "--force", f"{planned.prefix}:{system}", check=False)


def test_a_user_tries_the_rendered_playbooks(
    scenario: tuple[Path, dict[str, str]], found: engine.Engine
) -> None:
    folder, environment = scenario
    assert shutil.which("molecule", path=environment["PATH"])
    done = subprocess.run(
        ["molecule", "test"],
        cwd=folder, env=environment, check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=MOST_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]
    # Each host was converged twice and asked: molecule is content with less.
    recaps = re.findall(r"web-1 +: ok=(\d+) +changed=(\d+)", done.stdout)
    assert len(recaps) == 3
    (_, first), (_, second), (asked, _) = recaps
    assert int(first) > 10
    assert int(second) == 0
    assert int(asked) == 10
    left = found.run("ps", "--all", "--format", "{{.Names}}").stdout.split()
    assert not [name for name in left if name.startswith("flaskboard-molecule")]


def test_a_host_that_is_not_there_is_named(found: engine.Engine, tmp_path: Path) -> None:
    made = example("flaskboard", tmp_path)
    folder = made.tree / "ansible"
    inventory = tmp_path / "hosts.yml"
    groups = {"application_hosts": {"children": {"web": {"hosts": {"gone": {}}}}}}
    inventory.write_text(json.dumps({"all": {"children": groups}}))
    environment = {
        **found.environment,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_TRANSPORT": "container",
        "CONTAINER_PREFIX": "deploygen-no-such",
    }
    done = subprocess.run(
        ["ansible-playbook", "--inventory", inventory, "site.yml"],
        cwd=folder, env=environment, check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=MOST_SECONDS,
    )  # fmt: skip
    assert done.returncode == 4, done.stdout
    assert "deploygen-no-such-gone" in done.stdout
    assert re.search(r"gone +: ok=0 +changed=0 +unreachable=1", done.stdout), done.stdout
