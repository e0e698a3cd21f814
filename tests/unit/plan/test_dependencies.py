"""What each tool is told: which groups, and what stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.plan.dependencies import chosen
from deploygen.spec import Install
from tests.builders import a_plan


@pytest.mark.parametrize(
    ("tool", "groups", "options"),
    [
        ("uv", (), "--no-dev"),
        ("uv", ("prod", "pg"), "--no-dev --group prod --group pg"),
        ("poetry", (), "--only main"),
        ("poetry", ("prod",), "--only main,prod"),
        ("pdm", (), "--prod"),
        # pdm: "--prod is not allowed with dev groups", which all dependency groups are to it.
        ("pdm", ("prod",), "--group prod"),
        ("pipenv", (), ""),
        ("pipenv", ("prod",), "--categories 'packages prod'"),
    ],
)
def test_groups_in_the_tools_own_words(tool: Any, groups: tuple[str, ...], options: str) -> None:
    assert chosen(Install(tool=tool, groups=groups)) == options


def test_pdm_gets_a_hishel_that_it_runs_with() -> None:
    made = a_plan(app={"install": {"tool": "pdm", "file": "pdm.lock"}})
    assert made.containers and made.containers.image.tool_beside
    assert made.containers.image.tool_beside[0] == "hishel<2"
