"""Each scenario of molecule/ on real systemd hosts: create, converge, a life under load, verify."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest

from testbed import engine, hosts
from testbed.scenario import SCENARIOS, scenario

pytestmark = pytest.mark.slow

# The scenarios that have passed from create to destroy. molecule/README.md says which have not yet.
PROVED: tuple[str, ...] = ()
NAMES = sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))
# A scenario that hangs must not take the rest of the suite with it.
MOST_SECONDS = 1200


@pytest.fixture(scope="module")
def found() -> engine.Engine:
    """The engine; where there is none the test is skipped, and fails in CI."""
    try:
        return engine.find()
    except engine.TestbedError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}, and CI needs one")
        pytest.skip(str(error))


def test_there_are_scenarios() -> None:
    assert set(PROVED) <= set(NAMES)


@pytest.mark.parametrize("name", PROVED)
def test_scenario(found: engine.Engine, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = scenario(name).work / "molecule.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        with log.open("w") as output:
            status = subprocess.run(
                ["molecule", "test", "--scenario-name", name],
                cwd=engine.ROOT,
                env={**found.environment, "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1"},
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=MOST_SECONDS,
            ).returncode
    finally:
        hosts.destroy(found, scenario(name))
    told = log.read_text()
    with capsys.disabled():
        title = f"{name}: {time.monotonic() - started:.0f} s, whole log in {log}"
        sys.stdout.write("\n".join(["", title, *figures(told), ""]))
    assert status == 0, told[-8000:]
    # molecule is content with a verify that finds no test.
    verified = [int(number) for number in re.findall(r"=+ (\d+) passed", told)]
    assert verified and min(verified) > 0


def figures(told: str) -> list[str]:
    """The lines of the trial, out of molecule's log."""
    return re.findall(r"\S.* sent .* lost .*slowest .*ms[^\"]*", told)
