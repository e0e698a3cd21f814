"""Each scenario of molecule/ on real systemd hosts: create, converge, a life under load, verify."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from testbed import engine, figures, hosts
from testbed.scenario import SCENARIOS, scenario

pytestmark = pytest.mark.slow

# How many run at the same time, on two cores.
AT_ONCE = 2
# A scenario that hangs must not take the rest of the suite with it.
MOST_SECONDS = 1500


@pytest.fixture(scope="module")
def found() -> engine.Engine:
    """The engine; where there is none the test is skipped, and fails in CI."""
    try:
        return engine.find()
    except engine.TestbedError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}, and CI needs one")
        pytest.skip(str(error))


def acts(name: str) -> int:
    return len(yaml.safe_load((SCENARIOS / name / "trial.yml").read_text())["acts"])


# The longest first: what runs at the same time ends at the same time.
NAMES = sorted(
    (path.parent.name for path in SCENARIOS.glob("*/molecule.yml")), key=acts, reverse=True
)


def test_there_are_scenarios() -> None:
    assert {"default", "apache", "green", "asgi", "trixie", "fleet"} <= set(NAMES)


@dataclass(frozen=True)
class Done:
    """How a scenario ended: molecule's exit code, seconds, and all that it printed."""

    status: int
    seconds: float
    log: Path

    @property
    def told(self) -> str:
        return self.log.read_text()


def molecule(found: engine.Engine, name: str) -> Done:
    """All of a scenario; its hosts are removed whatever happens."""
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
    return Done(status, time.monotonic() - started, log)


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, found: engine.Engine
) -> Iterator[Mapping[str, Future[Done]]]:
    """All chosen scenarios, some of them at the same time: they wait more than they compute."""
    chosen = [item.callspec.params["name"] for item in request.session.items if is_scenario(item)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {name: pool.submit(molecule, found, name) for name in chosen}
        try:
            yield futures
        finally:
            pool.shutdown(cancel_futures=True)


def is_scenario(item: pytest.Item) -> bool:
    return getattr(item, "originalname", "") == test_scenario.__name__


@pytest.mark.parametrize("name", NAMES)
def test_scenario(
    runs: Mapping[str, Future[Done]], name: str, figure: Callable[[str], None]
) -> None:
    done = runs[name].result()
    figure(f"{name}: {done.seconds:.0f} s, whole log in {done.log}\n{figures.tables(name)}\n")
    assert done.status == 0, done.told[-8000:]
    # molecule is content with a verify that finds no test.
    verified = [int(number) for number in re.findall(r"=+ (\d+) passed", done.told)]
    assert verified and min(verified) > 0
