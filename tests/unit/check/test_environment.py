from __future__ import annotations

import pytest

from deploygen.check.environment import _ignored


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('A=1\n# x\n; y\n\nB=\'a\nb\'\nC="a \\" \nb"\nD=a\\\nb\nE=', []),
        ("export A=1", [1]),
        ("A=1\nno assignment\nB=2", [2]),
        ("9A=1", [1]),
        ("A='it'\nb c", [2]),
        ("A='a\\'\nb c", [2]),
    ],
)
def test_lines_that_systemd_ignores(text: str, lines: list[int]) -> None:
    assert list(_ignored(text)) == lines
