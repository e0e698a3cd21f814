"""docs/proxy-parity.md: each capability has its test, and the test runs against every proxy."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.behaviour.proxies import KINDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/proxy-parity.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| `(test_\w+\.py::test_\w+)` \|$", PAGE, re.MULTILINE)


@cache
def collected() -> dict[str, set[str]]:
    """Test -> the words of its parameters, as pytest itself finds them."""
    command = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
    done = subprocess.run(
        (*command, "tests/behaviour", "tests/contract"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, set[str]] = {}
    for path, test, ids in re.findall(
        r"^tests/(?:behaviour|contract)/(\S+?\.py)::(\w+)(?:\[(.+)\])?$", done.stdout, re.MULTILINE
    ):
        found.setdefault(f"{path}::{test}", set()).update(re.split(r"[-_/]", ids))
    assert found, done.stdout + done.stderr
    return found


def test_the_tables_are_read_whole() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    heads = [line for line in lines if line == "| capability | test |"]
    assert len(lines) - len(heads) == len(ROWS) > 0
    assert len(heads) == PAGE.count("\n## ")
    assert len({capability for capability, _ in ROWS}) == len(ROWS)


def test_the_page_names_the_proxies() -> None:
    assert f"Proxies: {', '.join(KINDS)}\n" in PAGE


@pytest.mark.parametrize(("capability", "test"), ROWS, ids=[test for _, test in ROWS])
def test_each_capability_is_proved_against_every_proxy(capability: str, test: str) -> None:
    assert set(KINDS) <= collected().get(test, set()), f"{capability}: {test}"
