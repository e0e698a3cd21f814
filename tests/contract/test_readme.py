"""What the README shows of init, render and explain is what they print."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = "..."

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands print, in their order, in a copy of the example."""
    project = tmp_path_factory.mktemp("readme") / "bookshop"
    shutil.copytree(ROOT / "examples/bookshop", project)
    return {
        command: subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=project, capture_output=True, text=True, timeout=60, check=True,
        ).stdout
        for command in shown()
    }  # fmt: skip


def shown() -> dict[str, list[str]]:
    """The README's commands, and the lines that it shows of each."""
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```\n\$ (deploygen [^\n]*)\n(.*?)```", readme, re.DOTALL)
    return {command: text.splitlines() for command, text in blocks}


def test_the_readme_shows_its_commands() -> None:
    assert [*shown()] == ["deploygen init --yes", "deploygen render", "deploygen explain threads"]


@pytest.mark.parametrize("command", ["deploygen init --yes", "deploygen render"])
def test_each_line_is_printed(command: str, printed: dict[str, str]) -> None:
    """All lines in their order, but where the README says that it leaves some out."""
    pattern = "\n".join(
        r"(?:[^\n]*\n)*?[^\n]*" if line == LEFT_OUT else re.escape(line)
        for line in shown()[command]
    )
    assert re.fullmatch(pattern + "\n", printed[command]), printed[command]


def test_an_explanation_says_so(printed: dict[str, str]) -> None:
    """Its table is as wide as the terminal is: the words are compared."""
    command = "deploygen explain threads"
    words = {word for line in shown()[command] for word in line.split()} - {LEFT_OUT}
    assert words <= set(printed[command].split())
