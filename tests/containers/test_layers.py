"""A change rebuilds what lies above it, and nothing else: asked of the images' layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.containers.engines import MARK, NAMES, Engine, project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("engine", NAMES, indirect=True, scope="module"),
]


def test_a_code_change_leaves_the_dependencies(engine: Engine, tmp_path: Path) -> None:
    made = project("fastquotes", tmp_path)
    image = f"fastquotes:{MARK}-layers"
    engine.build(made, "app", image)
    first = engine.layers(image)
    code = made.project / "app/quotes.py"
    code.write_text(code.read_text() + "\n# changed\n")
    engine.build(made, "app", image)
    second = engine.layers(image)
    assert len(first) == len(second)
    changed = [number for number, pair in enumerate(zip(first, second, strict=True))
               if pair[0] != pair[1]]  # fmt: skip
    # The code's own layer is the last that has files: what lies below it is shared.
    assert len(changed) == 1
    assert changed[0] >= len(first) - 2
    engine.run("rmi", "--force", image)


def test_a_dependency_leaves_what_lies_below_it(engine: Engine, tmp_path: Path) -> None:
    made = project("fastquotes", tmp_path)
    image = f"fastquotes:{MARK}-layers"
    engine.build(made, "app", image)
    first = engine.layers(image)
    requirements = made.project / "requirements.txt"
    requirements.write_text(requirements.read_text() + "\nitsdangerous==2.2.0\n")
    engine.build(made, "app", image)
    second = engine.layers(image)
    base = engine.layers("docker.io/library/python:3.13-slim")
    # The base, the user, then the environment.
    assert first[: len(base)] == base
    assert first[len(base)] == second[len(base)]
    assert first[len(base) + 1] != second[len(base) + 1]
    told = engine.run("run", "--rm", image, "python", "-c", "import itsdangerous").stderr
    assert "Error" not in told
    engine.run("rmi", "--force", image)
