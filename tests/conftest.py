"""What all tests share: the figures that a run prints, and which tests go to the same process."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

FIGURE = "figure"
# The parameter that says behind which proxy a test runs, or with which container engine.
KIND = re.compile(r"\[(?:.*-)?(nginx|apache)[-\]]")
ENGINE = re.compile(r"\[(?:.*-)?podman[-\]]")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden trees anew; review the diff"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: item.path.parent.name != "containers")


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """With ``--dist loadscope``: tests that share what they have started stay in one process."""
    return Together(config, log) if config.getoption("dist") == "loadscope" else None


class Together(LoadScopeScheduling):
    """Groups of tests: a module behind one proxy; all that use podman, and all that use docker.

    xdist's own ``loadgroup`` has no effect with pytest 9.2, and ``loadscope`` knows modules only.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        if module.startswith("tests/containers/"):
            return "podman" if ENGINE.search(test) else "docker"
        kind = KIND.search(test)
        return f"{module} {kind[1]}" if kind else module


@pytest.fixture
def figure(record_property: Callable[[str, Any], None]) -> Callable[[str], None]:
    """Say what a test has measured: it is printed at the end, whichever process ran the test."""
    return partial(record_property, FIGURE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
        if name == FIGURE
    ]
    if figures:
        terminalreporter.section("figures")
        for value in figures:
            terminalreporter.line(value)
