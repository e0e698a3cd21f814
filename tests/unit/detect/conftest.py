"""Builds small projects inline: a dictionary of paths and texts is a whole tree."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deploygen.detect import Choices, Detected, detect

Tree = Mapping[str, str]


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Tree], Path]:
    """``project({"app.py": "..."})`` writes the files, dedented, and returns the folder."""

    def build(files: Tree) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip("\n"))
        return tmp_path

    return build


@pytest.fixture
def found(project: Callable[[Tree], Path]) -> Callable[..., Detected]:
    """``found({...}, entrypoint="a:b")`` is what detection finds in such a project.

    Holds everywhere: each field that is not None names evidence that exists in the project.
    """

    def run(files: Tree, **choices: str) -> Detected:
        folder = project(files)
        result = detect(folder, Choices(**choices))
        for name, value in result.as_json().items():
            if name not in ("evidence", "notes", "uses", "secrets") and value is not None:
                assert name in result.evidence, f"{name} has no evidence"
        for use in result.uses:
            assert f"uses.{use}" in result.evidence
        for secret in result.secrets:
            assert f"secrets.{secret}" in result.evidence
        for place in result.evidence.values():
            path, _, line = place.rpartition(":")
            lines = (folder / path).read_text().split("\n")
            assert 1 <= int(line) <= len(lines), place
        return result

    return run
